"""Figures: `cf.plot(record)` draws any record, in the style of a screen, a paper or the dark; `save` writes the file.

`figures` has one file for each record; nothing else draws.

>>> import cfdyn as cf
>>> branch = cf.analysis.continue_cycle(cf.Map("r*x*(1 - x)", params={"r": 2.5}), [0.6], "r", (2.5, 3.6))
>>> figure = cf.plot(branch, style="paper", figsize=(3.4, 2.4))
>>> figure.get_size_inches().tolist()
[3.4, 2.4]
"""

from __future__ import annotations

import importlib
import inspect
import io
import os
import re
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfdyn.arguments import entries, whole_number
from cfdyn.errors import UsageError
from cfdyn.records.files import as_path, can_write, written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf", "svg", "eps", "jpg", "webp")
MOST_SETTINGS = 2**20  # bytes of a file for matplotlib
PIXELS = 200, 16_384  # of the width of a figure
WIDEST, NARROWEST = 1e100, 1e-12  # of limits of an axis; of their size
# The first argument of a figure's ``draw``, with its type: ``Branch``, or ``Branch | Branches``.
_DRAWS = re.compile(r"^def draw\(\s*\w+: ([\w |]+)", re.MULTILINE)


def _check_settings() -> None:
    """Refuse a `matplotlibrc` in the current folder that is not a settings file: matplotlib reads it on import all the same."""
    with suppress(OSError):  # there is none
        status = os.stat("matplotlibrc")
        if not (stat.S_ISREG(status.st_mode) and status.st_size < MOST_SETTINGS or stat.S_ISDIR(status.st_mode)):
            raise UsageError("the matplotlibrc in this folder is not a settings file, but matplotlib would read it; move "
                             "it elsewhere")


if "matplotlib" not in sys.modules:
    _check_settings()


@cache
def figure_files() -> dict[str, str]:
    """The module of the figure for each class of records, {"Branch": "branches", …}: read from the signatures in the folder."""
    files: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / "figures").glob("[!_]*.py")):
        drawn = _DRAWS.search(path.read_text(encoding="utf-8"))
        if drawn:
            files |= {name.strip(): path.stem for name in drawn[1].split("|")}
    return files


def _without(record: Any) -> str:
    """Why there is no figure of it."""
    if isinstance(record, list | tuple):
        advice = "; for several branches use cf.analysis.branches(…)"
        return f"cf.plot draws one record, not a {type(record).__name__}{advice}"
    return f"cf.plot draws no {type(record).__name__}; it draws {', '.join(sorted(figure_files()))}"


def plot(
    record: Any, path: str | Path | None = None, xlim: Sequence[float] | None = None, ylim: Sequence[float] | None = None,
    pixels: int | None = None, *, ax: Any = None, figsize: Any = None, style: str = "screen", title: str | None = None,
    labels: Mapping[str, str] | None = None, cmap: Any = None, **beneath: Any,
) -> Figure:  # fmt: skip
    """Draw the figure of a record; with ``path``, also write it in the format of the file's ending.

    A flow's `Trajectory` takes ``orbit=``, the optimizer's own iterates, drawn beneath it, and ``loss=``, whose contours are
    drawn for two weights; a `Comparison` that was loaded from a file takes ``loss=`` too. `ExactCycles` take ``span=(lo, hi)``
    of their first parameter, and ``also=``, cycles of other periods of the same map. A `BifurcationCurve` takes ``also=``, more
    curves for the same chart; a `RegimeMap`, `PeriodDiagram` and `SettlingTimes` take curves to overlay, an `OrbitDiagram`
    branches. ``pixels``: the width of a bitmap file, 3840 for 4k. ``xlim`` and ``ylim``, each (lo, hi), limit the first panel,
    and others that show the same quantity along that axis. ``figsize``: (width, height) in inches; (3.15, None) is a column of
    8 cm, with panels below each other, as high as needed. ``ax``: an axes of your own figure, which the panels replace (they
    are returned as a part of that figure). ``style``: "screen", "paper" (STIX, as in a text set in Times) or "dark". Files have
    TrueType fonts and images at 400 dpi. ``title``: a new title, or "" for none. ``labels``: replacements, by the name of a
    parameter or variable or by a drawn text, {"lr": "step size", "loss": "training loss"}. ``cmap``: a colormap of matplotlib;
    in a figure without a colour scale it colours lines and areas. Several panels have letters, except in your own figure. In a
    notebook the figure displays itself.

    Raises
    ------
    UsageError : no figure for this kind of record, an unknown ending, style or colormap, labels for texts that are not drawn,
        or a file that cannot be written
    NumericsError : the disk is full

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    >>> len(cf.plot(cf.iterate(step, [1.2], 50)).axes)
    3
    """
    name = type(record).__name__
    if name not in figure_files():
        raise UsageError(_without(record))
    draw = importlib.import_module(f"cfdyn.plotting.figures.{figure_files()[name]}").draw
    known = list(inspect.signature(draw).parameters)[1:]
    if not beneath.keys() <= set(known):
        strange = sorted(beneath.keys() - {*known})
        wrong, taken = (" and ".join(f"{option}=" for option in options) for options in (strange, known))
        raise UsageError(f"a figure of a {name} does not accept {wrong}" + (f"; it accepts {taken}" if known else ""))
    limits = {axis: check_limits(axis, given) for axis, given in (("xlim", xlim), ("ylim", ylim)) if given is not None}
    canvas = importlib.import_module("cfdyn.plotting.canvas")
    sheet = canvas.sheet_of(style, figsize, ax)
    with canvas.drawn_on(sheet):
        figure = draw(record, **beneath)
    finish, narrow = (importlib.import_module(f"cfdyn.plotting.{name}") for name in ("finish", "narrow"))
    finish.set_in_line(figure)
    finish.widen(narrow.panels(figure))
    importlib.import_module("cfdyn.plotting.limits").limit(figure, **limits)
    canvas.rasterize(figure)
    if title is not None:
        finish.retitle(figure, narrow.panels(figure), title)
    if labels is not None:
        finish.relabel(figure, labels)
    if ax is not None or figsize is not None:
        with canvas.drawn_on(sheet), canvas.house_style():
            narrow.arrange(figure, sheet.size)
    narrow.fit_titles(figure)
    if cmap is not None:
        finish.recolour(figure, cmap)
    if ax is None:
        finish.letter(figure, sorted(narrow.panels(figure), key=narrow.place))
    if style == "dark":
        importlib.import_module("cfdyn.plotting.dark").darken(figure)
    if path is not None:
        save(figure, path, pixels)
    return figure


def check_limits(what: str, given: Sequence[float]) -> tuple[float, float]:
    """Limits of an axis, (lo, hi), if they can be drawn, else a UsageError."""
    lo, hi = entries(what, given, ("lo", "hi")).tolist()
    largest = max(abs(lo), abs(hi))
    if not (lo < hi and largest <= WIDEST and hi - lo > NARROWEST * largest):
        raise UsageError(f"{what} is two numbers lo < hi, within ±{WIDEST:g} and not too close to each other, not {lo:g}, {hi:g}")
    return lo, hi


def check_path(path: str | Path) -> Path:
    """The path, if a figure can be written there, else a UsageError: worth checking before a long computation."""
    path = as_path(path)
    if path.suffix.lstrip(".").lower() not in FORMATS:
        raise UsageError(f"a figure cannot be written as {path.name!r}; end it in .png, .pdf or .svg")
    return check_folder(path)


def check_sheet(style: str, figsize: Any) -> None:
    """Refuse an invalid style or size of a figure with a UsageError."""
    importlib.import_module("cfdyn.plotting.canvas").sheet_of(style, figsize, None)


def check_folder(path: Path) -> Path:
    """The path, if a file can be written there, else a `UsageError`."""
    if not can_write(path):
        reason = "it is a folder" if path.is_dir() else f"{path.parent} is not a folder that can be written"
        raise UsageError(f"cannot write {path}: {reason}")
    return path


def save(figure: Figure, path: str | Path, pixels: int | None = None) -> Path:
    """Write a figure, completely or not at all; PNG at 200 dpi or ``pixels`` wide, or PDF, SVG with images at 400 dpi."""
    path = check_path(path)
    width, picture = float(figure.get_size_inches()[0]), io.BytesIO()
    kind, canvas = path.suffix.lstrip(".").lower(), importlib.import_module("cfdyn.plotting.canvas")
    dpi = 200.0 if pixels is None else whole_number("pixels", pixels, *PIXELS) / width
    figure.savefig(picture, dpi=canvas.PRINTED if kind in canvas.VECTORS else dpi, format=kind)
    with written_whole(path) as temporary:
        Path(temporary).write_bytes(picture.getvalue())
    return path
