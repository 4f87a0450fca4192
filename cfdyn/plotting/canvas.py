"""The place of a figure, its size and its style; embedded fonts in every file."""

from __future__ import annotations

import dataclasses
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from cfdyn.errors import UsageError, unknown

# TrueType, as publishers refuse Type 3; no program is run, and no other file is written, whatever a `matplotlibrc` contains.
FONTS: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "text.usetex": False, "ps.usedistiller": None, "svg.image_inline": True}
BASE: Any = {
    "font.size": 8.5, "axes.titlesize": 9, "axes.labelsize": 8.5, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 0.7, "xtick.major.width": 0.7, "ytick.major.width": 0.7,
    "legend.frameon": False, "legend.fontsize": 7.5, "lines.linewidth": 1.0, "hatch.linewidth": 0.4, **FONTS,
}  # fmt: skip
STYLES: dict[str, Any] = {
    "screen": {},
    # By their names: "serif" is resolved only when a letter is drawn, which is after the style.
    "paper": {"font.family": ["STIXGeneral", "DejaVu Serif"], "mathtext.fontset": "stix"},
    "dark": {},
}
PRINTED = 400.0  # dots an inch of images in files of vectors
SHOWN = 144.0  # dots an inch in a notebook
VECTORS = ("pdf", "svg", "eps", "ps", "svgz")
DENSE = 3000  # markers, or polygons: more are an image; of points of a line eight times as many
SIDES = 0.5, 40.0  # of a figure, in inches
CLOSE: Any = {
    "legend.handlelength": 1.2, "legend.columnspacing": 0.9, "legend.handletextpad": 0.4, "font.size": 7.5, "axes.titlesize": 8,
    "axes.labelsize": 7.5, "legend.fontsize": 7, "lines.markersize": 4,
}  # fmt: skip
COLLAPSED = "constrained_layout not applied"
NARROW = 5.0  # inches: narrower figures have smaller letters, and are stacked


@dataclasses.dataclass(frozen=True)
class Sheet:
    """Settings of the next figure: its ``style``, its ``size`` in inches or its own, ``into`` a part of the user's figure.

    A size without a height: as high as the panels require.
    """

    style: str = "screen"
    size: tuple[float, float | None] | None = None
    into: SubFigure | None = None


_SHEET: ContextVar[Sheet | None] = ContextVar("sheet", default=None)


def _sheet() -> Sheet:
    return _SHEET.get() or Sheet()


class HouseFigure(Figure):
    """A figure whose files have embedded TrueType fonts, and images at print resolution, whatever code saves them."""

    def _repr_png_(self) -> bytes:
        """PNG data for a notebook."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=SHOWN)
        return picture.getvalue()

    def savefig(self, fname: Any, **options: Any) -> None:  # noqa: D102
        kind = options.get("format") or Path(str(fname)).suffix.lstrip(".")
        if kind.lower() in VECTORS:
            options.setdefault("dpi", PRINTED)
        with matplotlib.rc_context({**_own_again(), **FONTS}), warnings.catch_warnings():
            warnings.filterwarnings("ignore", COLLAPSED)  # specified when it was drawn
            super().savefig(fname, **options)


def _set_here() -> list[str]:
    """Settings that a file `matplotlibrc` of the current folder has changed: the file came with the data, or from a stranger."""
    if Path(matplotlib.matplotlib_fname()).resolve().parent != Path.cwd().resolve():
        return []
    read: Any = matplotlib.rcParamsOrig
    usual: Any = matplotlib.rcParamsDefault
    return [name for name in usual if not name.startswith("backend") and read[name] != usual[name]]


_SET_HERE = _set_here()


def _own_again() -> dict[Any, Any]:
    """Matplotlib's own values for these settings, unless the user has set them since."""
    now: Any = matplotlib.rcParams
    read: Any = matplotlib.rcParamsOrig
    usual: Any = matplotlib.rcParamsDefault
    return {name: usual[name] for name in _SET_HERE if now[name] == read[name]}


@contextmanager
def house_style() -> Iterator[None]:
    """A context with the package's settings, which leaves the user's unchanged."""
    sheet = _sheet()
    close = CLOSE if sheet.into is not None or (sheet.size and sheet.size[0] < NARROW) else {}
    with matplotlib.rc_context({**_own_again(), **BASE, **STYLES[sheet.style], **close}):
        yield


@contextmanager
def drawn_on(sheet: Sheet) -> Iterator[None]:
    """A context in which figures are drawn with these settings."""
    token = _SHEET.set(sheet)
    try:
        yield
    finally:
        _SHEET.reset(token)


def new_figure(width: float, height: float) -> Figure:
    """A figure that draws itself to a file, without a window or pyplot; or the requested place in the user's figure."""
    sheet = _sheet()
    if sheet.into is not None:
        return sheet.into  # type: ignore[return-value]
    if sheet.size is not None:
        wide, high = sheet.size
        width, height = wide, high or height * (wide / width if wide > NARROW else 1)
    figure = HouseFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def resized(figure: Figure, width: float, height: float) -> None:
    """Another default size for a figure, unless the user has specified one."""
    sheet = _sheet()
    if sheet.into is None and sheet.size is None:
        figure.set_size_inches(width, height)


def rasterize(figure: Figure | SubFigure) -> None:
    """Draw dense artists, or those with seams where polygons meet, as images in vector files; lines and letters stay vectors."""
    artist: Any
    for artist in figure.findobj(lambda artist: isinstance(artist, (Line2D, Collection))):
        if isinstance(artist, Line2D):
            marked = artist.get_marker() not in ("None", "none", "", " ", None)
            dense = np.size(artist.get_xdata()) > (DENSE if marked else 8 * DENSE)
        elif isinstance(artist, ContourSet):
            filled = artist.filled and not any(map(bool, artist.hatches or ()))
            points = [np.size(path.vertices) for path in artist.get_paths()]
            dense = filled or sum(points) > 16 * DENSE
        else:
            dense = max(len(artist.get_paths()), len(artist.get_offsets())) > DENSE
        if dense:
            artist.set_rasterized(True)


def sheet_of(style: str, figsize: Any, ax: Axes | None) -> Sheet:
    """The settings that the options of `cf.plot` specify; a UsageError for invalid ones."""
    if style not in STYLES:
        raise unknown("style of figures", style, STYLES)
    if ax is not None:
        if figsize is not None:
            raise UsageError("figsize is of a figure of its own: with ax= the size is that of your figure")
        return Sheet(style, None, _place_of(ax))
    if figsize is None:
        return Sheet(style)
    try:
        width, height = figsize
        sides = [float(side) for side in (width, height) if side is not None]
    except (TypeError, ValueError):
        raise UsageError(f"figsize is two numbers, width and height in inches, not {figsize!r}") from None
    if width is None or not all(SIDES[0] <= side <= SIDES[1] for side in sides):
        raise UsageError(f"a side of a figure is {SIDES[0]:g} to {SIDES[1]:g} inches long, not {' × '.join(map(str, figsize))}")
    return Sheet(style, (sides[0], sides[1] if len(sides) > 1 else None))


def _place_of(ax: Axes) -> SubFigure:
    """The part of the user's figure that contains an empty axes, which it replaces: a record may have several panels."""
    if not isinstance(ax, Axes):
        raise UsageError(f"ax is an axes of matplotlib, such as one of plt.subplots(), not {type(ax).__name__}")
    spec = ax.get_subplotspec()
    if spec is None:
        raise UsageError("ax has its own position in its figure; take one of plt.subplots(…), whose place the panels can fill")
    figure = ax.figure
    ax.remove()
    return figure.add_subfigure(spec)
