"""A twin of each picture for dark pages, and how a page shows the two."""

import contextlib
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

DARK = "-dark"  # the end of a twin's name


@contextlib.contextmanager
def twins() -> Iterator[None]:
    """While it lasts, a figure written into a PNG and a film are written twice: the second time light on a dark ground."""
    from matplotlib.animation import Animation
    from matplotlib.figure import Figure

    import cfdyn.plotting

    with contextlib.ExitStack() as patches:
        for place, name in ((cfdyn.plotting, "save"), (Figure, "savefig"), (Animation, "save")):
            patches.enter_context(mock.patch.object(place, name, twice(getattr(place, name))))
        yield


def twice(write: Callable[..., Any]) -> Callable[..., Any]:
    """The function that writes a figure, and now its twin too; after that the figure itself is dark."""
    from cfdyn.plotting.dark import darken

    def written(figure: Any, path: Any, *more: Any, **options: Any) -> Any:
        result = write(figure, path, *more, **options)
        if isinstance(path, str | Path) and Path(path).suffix in (".png", ".gif"):
            darken(getattr(figure, "_fig", figure))  # of a film
            write(figure, twin(str(path)), *more, **options)
        return result

    return written


def twin(picture: str) -> str:
    """The name of the twin of a picture.

    >>> twin("figures/branch.png")
    'figures/branch-dark.png'
    """
    stem, dot, kind = picture.rpartition(".")
    return stem + DARK + dot + kind


def alone(pictures: list[str]) -> list[str]:
    """Pictures without the twins among them.

    >>> alone(["a.png", "a-dark.png", "film.gif"])
    ['a.png', 'film.gif']
    """
    return [picture for picture in pictures if picture not in map(twin, pictures)]


def shown(words: str, picture: str, files: Container[str]) -> str:
    """A picture in the language of pages, with its twin if that is among the files; without one it is on a card in the dark.

    >>> shown("A dot", "/dot.png", ["/dot.png", "/dot-dark.png"])
    '![A dot](/dot.png){.only-light}![A dot](/dot-dark.png){.only-dark}'
    """
    if twin(picture) not in files:
        return f"![{words}]({picture})"
    return f"![{words}]({picture}){{.only-light}}![{words}]({twin(picture)}){{.only-dark}}"
