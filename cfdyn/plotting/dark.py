"""Figures in light colours on a dark background."""

import colorsys
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import Colormap, ListedColormap, to_rgba
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from cfdyn.plotting.style import ON_COLOUR, PAPER

GROUND = "#14171c"
DARKEST = 0.62  # lightness that a colour of lightness 0 or 1/2 is lifted to, at least
WHITE, PALE = 0.9, 0.72  # and above in all parts: a ground; a tint, in a legend


def darken(figure: Figure) -> None:
    """Darken the background and lighten colours that would be invisible on it; colours of areas keep their meaning and stay."""
    figure.patch.set_facecolor(GROUND)
    filled = {id(patch) for axes in figure.findobj(Axes) for patch in axes.patches}
    for axes in figure.findobj(Axes):
        axes.set_facecolor(GROUND)
        axes.tick_params(which="both", color=lifted("#222222"))
    for artist in figure.findobj():
        _lift(artist, id(artist) in filled)


def _lift(artist: Any, area: bool) -> None:
    if isinstance(artist, Line2D):
        # All are read before one is set: a marker without its own colour has that of its line.
        face, edge = lifted(artist.get_markerfacecolor()), lifted(artist.get_markeredgecolor())
        artist.set_color(lifted(artist.get_color()))
        artist.set_markerfacecolor(face)
        artist.set_markeredgecolor(edge)
    elif isinstance(artist, AxesImage):
        _invert(artist)
    elif isinstance(artist, ContourSet) and artist.filled and artist.get_gid() == PAPER:
        artist.set_cmap(_inverted_colours(artist.get_cmap()))
    elif isinstance(artist, Text) and not artist.get_path_effects() and artist.get_gid() != ON_COLOUR:
        artist.set_color(lifted(artist.get_color()))
        box = artist.get_bbox_patch()
        if box is not None:
            box.set_facecolor(GROUND)
    elif isinstance(artist, Patch) and not area:
        red, green, blue, opacity = to_rgba(artist.get_facecolor())
        if opacity and min(red, green, blue) > PALE:
            artist.set_facecolor((*inverted(np.array([red, green, blue])).tolist(), opacity))
        artist.set_edgecolor(lifted(artist.get_edgecolor()))
    elif isinstance(artist, Collection) and not isinstance(artist, ContourSet) and artist.get_array() is None:
        for name in ("edgecolor", "facecolor"):
            colours = getattr(artist, f"get_{name}")()
            if len(colours) and not isinstance(colours, str):
                getattr(artist, f"set_{name}")([lifted(colour) for colour in colours])


def _invert(image: AxesImage) -> None:
    """Invert an image on paper for a dark background; in others, whose colours have a meaning, invert nearly white pixels."""
    values = image.get_array()
    whole = image.get_gid() == PAPER
    if values is None or (values.ndim == 2 and not whole):
        return
    if values.ndim == 2:
        image.set_cmap(_inverted_colours(image.get_cmap()))
        return
    pale = np.ones(values.shape[:2], bool) if whole else values[..., :3].min(axis=-1) > WHITE
    changed = np.array(values, float)
    changed[pale, :3] = inverted(changed[pale, :3])
    image.set_data(changed)


def _inverted_colours(colours: Colormap) -> ListedColormap:
    return ListedColormap(inverted(colours(np.arange(colours.N))[:, :3]))


def inverted(colours: np.ndarray) -> np.ndarray:
    """Colours (…, 3) of the same hue, as light as they were dark; white is the background.

    >>> inverted(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])).round(2).tolist()
    [[0.08, 0.09, 0.11], [1.0, 1.0, 1.0]]
    """
    ground = np.array(to_rgba(GROUND)[:3])
    turned = colours + 1 - colours.max(axis=-1, keepdims=True) - colours.min(axis=-1, keepdims=True)
    return np.clip(ground + turned * (1 - ground), 0, 1)


def lifted(colour: Any) -> Any:
    """The colour with a lightness that is visible on the dark background; "none" and "auto" stay.

    >>> lifted("#222222")[0] > 0.8, lifted("none")
    (True, 'none')
    """
    if isinstance(colour, str) and colour in ("none", "auto"):
        return colour
    red, green, blue, opacity = to_rgba(colour)
    hue, light, colourful = colorsys.rgb_to_hls(red, green, blue)
    if colourful < 0.15:
        raised = DARKEST if 0.4 < light < 0.65 else 1 - light
        return (*np.clip(colorsys.hls_to_rgb(hue, raised, colourful), 0, 1).tolist(), opacity)
    raised = DARKEST + (0.9 - DARKEST) * light if light < DARKEST else light
    return (*np.clip(colorsys.hls_to_rgb(hue, raised, colourful), 0, 1).tolist(), opacity)
