"""Limits of a figure's first panel, and of others with the same quantity."""

from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from cfdyn.plotting.panels import spread

APART = 0.022  # of the width, between labels above the axes


def limit(figure: Figure, xlim: Any = None, ylim: Any = None) -> None:
    """Show this part of the first panel, along x also in panels with the same quantity there, along y in those that share it."""
    for name, given in (("x", xlim), ("y", ylim)):
        for axes in list(_alike(figure, name)) if given is not None and figure.axes else ():
            axes.set(**{f"{name}lim": given})
            _clip(axes)


def _alike(figure: Figure, name: str) -> Iterator[Axes]:
    first = figure.axes[0]
    label = getattr(first, f"get_{name}label")()
    for axes in figure.axes:
        shared = axes is first or getattr(first, f"get_shared_{name}_axes")().joined(first, axes)
        if shared or (name == "x" and label and axes.get_xlabel() == label):
            yield axes


def _clip(axes: Axes) -> None:
    """Hide artists outside the axes that belong to a place inside them."""
    for line in axes.lines:
        line.set_clip_on(True)
    lo, hi = sorted(axes.get_xlim())
    for text in axes.texts:
        if not isinstance(text, Annotation) and text.get_transform() == axes.transData:
            text.set_clip_on(True)
    above = [text for text in axes.texts if isinstance(text, Annotation) and text.get_annotation_clip() is False]
    for text in above:
        text.set_visible(lo <= text.xy[0] <= hi)
    inside = sorted((text for text in above if text.get_visible()), key=lambda text: text.xy[0])
    for text, place in zip(inside, spread([text.xy[0] for text in inside], APART * (hi - lo), hi), strict=True):
        text.set_x(place)
