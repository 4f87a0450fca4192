"""What the shell offers after TAB: names of the catalogues by their files alone, so that nothing heavy is imported."""

from collections.abc import Callable

Completer = Callable[[str], list[str]]


def offers(*catalogues: str, others: tuple[str, ...] = ()) -> Completer:
    """Completes a name in one of these catalogues, or one of a few other words; the last one of several with commas between.

    >>> offers("optimizers")("nest")
    ['nesterov']
    >>> offers("flows")("gradient,cen")
    ['gradient,central']
    """

    def complete(incomplete: str) -> list[str]:
        from cfdyn.registry import catalogue

        before, comma, last = incomplete.rpartition(",")
        known = [*others, *(name for kind in catalogues for name in catalogue(kind).names())]
        return [f"{before}{comma}{name}" for name in dict.fromkeys(known) if name.startswith(last)]

    return complete
