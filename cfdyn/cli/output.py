"""What the user reads: JSON on stdout, or short tables; progress on stderr; numbered files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cfdyn.cli import streams
from cfdyn.cli.wording import worded
from cfdyn.errors import UsageError, visible
from cfdyn.records.record import plain

MOST_ROWS = 16
PIECE = 10_000  # numbers of an array that are made a text at once


def print_json(values: dict[str, Any]) -> None:
    """One JSON document; floats in their shortest exact form, NaN and infinities as null. Long arrays go out piece by piece."""
    mark = "{"
    for key, value in values.items():
        print(f"{mark}\n {json.dumps(key)}: ", end="")
        for piece in _pieces(value):
            print(piece, end="")
        mark = ","
    print("\n}")


def _pieces(value: Any) -> Iterator[str]:
    options: Any = {"ensure_ascii": streams.ascii_only()}
    if not isinstance(value, np.ndarray) or np.size(value) <= PIECE:
        yield worded(json.dumps(plain(value), indent=1, **options)).replace("\n", "\n ")
        return
    rows = max(1, PIECE * len(value) // value.size)
    for first in range(0, len(value), rows):
        yield ("[", ",\n  ")[first > 0] + json.dumps(plain(value[first : first + rows]), **options)[1:-1]
    yield "]"


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A spinner with a few words on stderr, where stderr is a terminal."""
    console = Screen(stderr=True)
    if not console.is_terminal:
        yield lambda words: None
        return
    with console.status("…") as status:
        yield lambda words: status.update(words)


def folder(path: Path) -> Path:
    """The folder, made if need be.

    Raises
    ------
    UsageError : it cannot be made or written
    """
    import tempfile

    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise UsageError(f"cannot write to the folder {path}: {error.strerror or error}; choose another with --out") from None


def study_summary(study: Any) -> dict[str, Any]:
    """The study's findings under the command line's documented keys."""
    regime, flip = study.regime, study.flip
    return {
        "loss": study.title, "weights": study.weights, "optimizer": study.optimizer, "lr": study.lr, "start": study.start,
        "chosen": study.chosen,
        "regime": regime.kind, "period": regime.period, "multipliers": regime.multipliers, "lyapunov": regime.lyapunov,
        "points": regime.points, "residual": regime.residual, "reason": regime.reason,
        "edge": None if study.edge is None else study.edge.value, "no_edge": study.no_edge,
        "flip": None if flip is None else {"lr": study.edge.value, "coefficient": flip.coefficient,
                                           "supercritical": flip.supercritical, "meaning": flip.meaning},
        "minima": [{k: getattr(m, k) for k in ("w", "loss", "sharpness", "edge", "kind")} for m in study.minima],
        "bands": [{"lo": lo, "hi": hi, "regime": name} for lo, hi, name in study.bands.bands],
        "resolution": study.bands.resolution,
        "cycles": None if study.cycles is None else [
            {"points": c.points, "period": c.period, "multipliers": c.multipliers, "stable": c.stable} for c in study.cycles],
        "flips": [] if study.cascade is None else study.cascade.flips,
        "accumulation": study.cascade and study.cascade.accumulation, "delta": study.cascade and study.cascade.delta,
        "windows": [{k: getattr(w, k) for k in ("period", "opens", "superstable", "flips", "closes")} for w in study.windows],
        "exact": study.exact, "unfinished": study.unfinished, "verdict": study.verdict,
    }  # fmt: skip


class Screen(Console):
    """Text is shown as it is, whatever brackets, colons or control characters a user's names hold."""

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(worded(text)), **options)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def heading(self, title: str, rest: str = "", **options: Any) -> None:
        """A title in bold, and what follows it on the line."""
        self.print(title, style="bold", end="")
        self.print(rest, **options)


def console() -> Screen:
    """Stdout, as wide as the terminal or 110 columns in a file."""
    return Screen(width=None if sys.stdout.isatty() else 110)


def vector(values: Any, most: int = 6) -> str:
    """A few significant digits of each entry."""
    items = [number(v) for v in np.asarray(values).ravel()[:most]]
    return ", ".join(items) + (", …" if np.size(values) > most else "")


def number(value: Any) -> str:
    """Six significant digits; complex as a+bi; zero without a sign."""
    if isinstance(value, complex | np.complexfloating):
        return f"{value.real + 0.0:.6g}{value.imag + 0.0:+.6g}i"
    return f"{float(value) + 0.0:.6g}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, header_style="dim")
    return table


def _how(chosen: dict[str, str], key: str) -> str:
    words = chosen.get(key, "given")
    return "" if words == "given" else f"  ({words})"


def print_study(study: Any) -> None:
    """The weights that were read from the formula, the verdict, and the tables it rests on."""
    out = console()
    some = ", ".join(study.weights[:MOST_ROWS]) + ", …" * (len(study.weights) > MOST_ROWS)
    out.print(f"{len(study.weights)} weight{'s' * (len(study.weights) != 1)}: {some}")
    facts = _table("", "")
    facts.show_header = False
    facts.add_row("loss", study.title)
    facts.add_row("optimizer", f"{study.optimizer}{_how(study.chosen, 'lr')}")
    facts.add_row("start", f"{vector(study.start)}{_how(study.chosen, 'start')}")
    out.print(facts)
    out.print()
    out.heading("Verdict  ", study.verdict)
    out.print()
    _print_minima(out, study)
    if study.cycles:
        out.heading("3-cycles at this learning rate", " (float search, no proof)")
        table = _table("points", "multiplier", "stable")
        words = {True: "yes", False: "no", None: "neutral"}
        for cycle in study.cycles[:MOST_ROWS]:
            table.add_row(vector(cycle.points), vector(cycle.multipliers), words[cycle.stable])
        out.print(table)
        out.print()
    _print_landmarks(out, study)
    print_bands(out, study.bands, study.lr)


def _print_landmarks(out: Screen, study: Any) -> None:
    """What happens over the learning rate, with its formulas."""
    from cfdyn.studies.landmarks import landmarks

    rows = landmarks(study)
    if not rows:
        return
    out.heading("Landmarks over lr")
    table = _table("lr", "what", "formula")
    for row in rows[:MOST_ROWS]:
        table.add_row(f"{row.value:.12g}", row.what, _short(row.formula, 44))
    out.print(table)
    if len(rows) > MOST_ROWS:
        out.print(f"… and {len(rows) - MOST_ROWS} more (all of them with --json)")
    out.print()


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _print_minima(out: Screen, study: Any) -> None:
    out.heading(f"Minima found: {len(study.minima)}")
    table = _table("weights", "loss", "sharpness", "2/λ", "kind")
    for m in study.minima[:MOST_ROWS]:
        table.add_row(vector(m.w), number(m.loss), number(m.sharpness), number(m.edge), m.kind)
    out.print(table)
    if len(study.minima) > MOST_ROWS:
        out.print(f"… and {len(study.minima) - MOST_ROWS} more (all of them with --json)")
    out.print()


def chosen_bands(bands: Sequence[tuple[float, float, str]], at: float) -> set[int]:
    """Which of many bands to show: those that must not be missed, and the widest of the rest that are wide enough to see."""
    first = {name: k for k, (_, _, name) in reversed([*enumerate(bands)]) if name != "unresolved"}
    needed = {*first.values(), *(k for k, (lo, hi, _) in enumerate(bands) if lo <= at <= hi)}
    visible = 0.002 * (bands[-1][1] - bands[0][0])
    widest = sorted((k for k, (lo, hi, _) in enumerate(bands) if hi - lo >= visible), key=lambda k: bands[k][0] - bands[k][1])
    return {*needed, *[k for k in widest if k not in needed][: max(MOST_ROWS - len(needed), MOST_ROWS // 2)]}


def print_bands(out: Screen, bands: Any, at: float) -> None:
    """The first band of each regime, that of the value asked for, and the widest of the rest, in order of the parameter."""
    kept = chosen_bands(bands.bands, at)
    shown = [band for k, band in enumerate(bands.bands) if k in kept]
    out.heading(f"Regimes over {bands.parameter}", f", same start, sampled every {bands.resolution:.2g} or closer")
    table = _table("from", "to", "regime")
    for lo, hi, name in shown:
        table.add_row(number(lo), number(hi), name)
    out.print(table)
    if len(shown) < len(bands.bands):
        out.print(f"… and {len(bands.bands) - len(shown)} more (all of them with --json)")
    if any(name == "unresolved" for _, _, name in shown):
        out.print("unresolved: regimes change within less than the samples resolve, or were not looked at for want of time")
    out.print()


def print_regime(regime: Any, step: Any, z0: np.ndarray, chosen: dict[str, str], turns: dict[str, float]) -> None:
    """One regime with its evidence, and how many turns each angle makes per step."""
    out, table = console(), _table("", "")
    table.show_header = False
    table.add_row("map", f"{step.title}{_how(chosen, 'lr')}")
    table.add_row("start", f"{vector(z0)}{_how(chosen, 'start')}")
    table.add_row("regime", f"{regime.kind}" + (f", period {regime.period}" if regime.kind == "cycle" else ""))
    if regime.period is not None:
        table.add_row("points", "; ".join(vector(p) for p in regime.points[:8]) + ("; …" if regime.period > 8 else ""))
        table.add_row("multipliers", vector(regime.multipliers))
        table.add_row("residual", number(regime.residual))
    table.add_row("Lyapunov", f"{number(regime.lyapunov)} per step")
    for name, rate in turns.items():
        table.add_row("rotation", f"{number(rate)} turns of {name} per step")
    table.add_row("evidence", regime.reason)
    out.print(table)


def print_orbit(orbit: Any, series: dict[str, np.ndarray], title: str, chosen: dict[str, str]) -> None:
    """The first and last rows of an orbit."""
    out = console()
    out.print(f"{title}{_how(chosen, 'lr')}")
    table = _table("step", *orbit.names, *series)
    n = len(orbit.z)
    rows = range(n) if n <= 2 * MOST_ROWS else [*range(MOST_ROWS), *range(n - MOST_ROWS, n)]
    for k in rows:
        if n > 2 * MOST_ROWS and k == n - MOST_ROWS:
            table.add_row("…")
        values = [str(v) if orbit.z.dtype == object else f"{v:.10g}" for v in orbit.z[k]]
        table.add_row(str(k), *values, *(_cell(column, k, n) for column in series.values()))
    out.print(table)
    out.print(f"status  {orbit.status}")


def _cell(column: np.ndarray, k: int, n: int) -> str:
    """A number or a vector of row k; midpoints begin one row later."""
    at = k - (len(column) == n - 2)
    if not 0 <= at < len(column):
        return "–"
    return vector(column[at]) if np.ndim(column) > 1 else f"{column[at]:.6g}"


def print_exponents(exponents: np.ndarray, step: Any, z0: np.ndarray, chosen: dict[str, str], steps: int) -> None:
    """The spectrum, its sum, and what it was averaged over."""
    out, table = console(), _table("", "")
    table.show_header = False
    table.add_row("map", f"{step.title}{_how(chosen, 'lr')}")
    table.add_row("start", f"{vector(z0)}{_how(chosen, 'start')}")
    table.add_row("exponents", f"{vector(exponents)} per step over {steps} steps")
    table.add_row("sum", number(exponents.sum()))
    out.print(table)


def print_items(items: list[dict[str, str]]) -> None:
    """A catalogue."""
    out, table = console(), _table("name", "summary", "reference")
    for item in items:
        table.add_row(item["name"], item["summary"], item["reference"])
    out.print(table)
