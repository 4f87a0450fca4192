"""A figure in light colours on a dark ground."""

import colorsys
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

GROUND = "#14171c"
DARKEST = 0.62  # lightness that a colour of lightness 0 or 1/2 is lifted to, at least

WHITE = 0.9  # and above in all parts: a ground


def darken(figure: Figure) -> None:
    """Turn the ground dark and lift what would vanish on it; colours of areas keep their meaning and stay."""
    figure.patch.set_facecolor(GROUND)
    filled = {id(patch) for axes in figure.findobj(Axes) for patch in axes.patches}
    for axes in figure.findobj(Axes):
        axes.set_facecolor(GROUND)
        axes.tick_params(which="both", color=lifted("#222222"))
    for artist in figure.findobj():
        _lift(artist, id(artist) in filled)


def _lift(artist: Any, area: bool) -> None:
    if isinstance(artist, Line2D):
        artist.set_color(lifted(artist.get_color()))
        artist.set_markerfacecolor(lifted(artist.get_markerfacecolor()))
        artist.set_markeredgecolor(lifted(artist.get_markeredgecolor()))
    elif isinstance(artist, Text):
        artist.set_color(lifted(artist.get_color()))
        box = artist.get_bbox_patch()
        if box is not None:
            box.set_facecolor(GROUND)
    elif isinstance(artist, Patch) and not area:
        red, green, blue, opacity = to_rgba(artist.get_facecolor())
        if opacity and min(red, green, blue) > WHITE:
            artist.set_facecolor(GROUND)
        artist.set_edgecolor(lifted(artist.get_edgecolor()))
    elif isinstance(artist, Collection) and not isinstance(artist, AxesImage) and artist.get_array() is None:
        for name in ("edgecolor", "facecolor"):
            colours = getattr(artist, f"get_{name}")()
            if len(colours) and not isinstance(colours, str):
                getattr(artist, f"set_{name}")([lifted(colour) for colour in colours])


def lifted(colour: Any) -> Any:
    """The colour with a lightness that shows on the dark ground; "none" and "auto" stay.

    >>> lifted("#222222")[0] > 0.8, lifted("none")
    (True, 'none')
    """
    if isinstance(colour, str) and colour in ("none", "auto"):
        return colour
    red, green, blue, opacity = to_rgba(colour)
    hue, light, colourful = colorsys.rgb_to_hls(red, green, blue)
    raised = 1 - light if colourful < 0.15 else DARKEST + (0.9 - DARKEST) * light if light < DARKEST else light
    return (*np.clip(colorsys.hls_to_rgb(hue, raised, colourful), 0, 1).tolist(), opacity)
