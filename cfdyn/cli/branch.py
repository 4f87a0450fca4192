"""``cfdyn branch`` and ``cfdyn cascade``."""

from __future__ import annotations

from typing import Any

import numpy as np

import cfdyn
from cfdyn.analysis.branches import Branches
from cfdyn.cli import output, specs
from cfdyn.cli.branch_starts import started
from cfdyn.cli.resumed import gone_on, saved
from cfdyn.cli.wanted import Wanted
from cfdyn.cli.written import Files
from cfdyn.errors import NumericsError, UsageError
from cfdyn.systems.map import Map
from cfdyn.words import ROUNDED, shown, spoken

SPECIAL = ("kind", "parameter", "coefficient", "supercritical", "period", "points", "multipliers", "meaning")
ROWS = ("parameter", "points", "multipliers", "stable", "period", "ends", "closed")


def interval(vary: str) -> tuple[str, tuple[float, float]]:
    """``"lr=0.1:2"``: the parameter and its bounds."""
    if not vary.strip():
        raise UsageError("say which parameter varies, and where the branches end: --vary NAME=LO:HI, such as --vary lr=0.1:2")
    name, equals, text = (part.strip() for part in vary.partition("="))
    if not equals or not name or text.count(":") != 1 or "," in text:
        raise UsageError(f"--vary takes NAME=LO:HI, such as lr=0.1:2, not {vary!r}")
    lo, hi = specs.intervals(text, f"--vary {name}")[0]
    if not lo < hi:
        raise UsageError(f"--vary {name}=LO:HI needs LO < HI, such as {name}=0.1:2, not {text}")
    return name, (lo, hi)


def show(wanted: Wanted, vary: str, depth: int, steps: int | None) -> None:
    """``cfdyn branch``."""
    record = saved(wanted, ("Branches", "Branch"), [vary, depth])
    name, bounds = (record.name, record.bounds) if record is not None else interval(vary)
    files = Files(wanted.out, wanted.plot)
    with output.progress() as say:
        if record is not None:
            say("going on")
            found, chosen = gone_on(record, **most(steps)), {"start": str(wanted.loss)}
            found = found if hasattr(found, "branches") else Branches(name, bounds, [found], ["the record"], "")
            step = found[0].step
        else:
            say("looking for cycles to start with")
            step, starts, chosen, *_ = started(wanted, name, bounds).some()
            found = cfdyn.analysis.branches(step, None, name, bounds, depth, wanted.period, starts, progress=say, **most(steps))
        files.write(found, "branch", say)
    if wanted.json:
        rows = [{**{k: getattr(b, k) for k in ROWS}, "origin": origin,
                 "bifurcations": [{k: getattr(s, k) for k in SPECIAL} for s in b.bifurcations]}
                for b, origin in zip(found.branches, found.origins, strict=True)]  # fmt: skip
        output.print_json({"branches": rows, "name": name, "map": step.title, "chosen": chosen, "reason": found.reason,
                           **files.json})  # fmt: skip
    else:
        _print(found, step, chosen)
        files.print()


def show_cascade(wanted: Wanted, vary: str, levels: int, steps: int | None) -> None:
    """``cfdyn cascade``."""
    name, bounds = interval(vary)
    files = Files(wanted.out, wanted.plot)
    with output.progress() as say:
        say("looking for a cycle to start with")
        step, starts, chosen, *_ = started(wanted, name, bounds).some()
        found, trouble = None, NumericsError("there is no cycle to start with")
        for value, points in starts:
            try:
                found = cfdyn.analysis.cascade(step.at(**{name: value}), points, name, bounds, levels,
                                               None if getattr(points, "ndim", 1) == 2 else wanted.period,
                                               progress=lambda k: say(f"{k} of {levels} flips"), **most(steps))  # fmt: skip
                break
            except NumericsError as error:
                trouble = error
        if found is None:
            raise trouble
        files.write(found, "cascade", say)
    if wanted.json:
        output.print_json({**{k: v for k, v in found.to_json().items() if k != "provenance"}, "map": step.title,
                           "chosen": chosen, **files.json})  # fmt: skip
    else:
        _print_cascade(found, step, chosen)
        files.print()


def most(steps: int | None) -> dict[str, int]:
    """The option, where it was given."""
    return {} if steps is None else {"max_steps": steps}


def _print(found: Any, step: Map, chosen: dict[str, str]) -> None:
    """Each branch: where it comes from, its range and stability, its special points."""
    out = output.console()
    out.print(f"{step.title}{output._how(chosen, 'start')}")
    for number, (branch, origin) in enumerate(zip(found.branches, found.origins, strict=True), 1):
        what = "fixed points" if branch.period == 1 else f"{branch.period}-cycles"
        values = [*branch.parameter, *(s.parameter for s in branch.bifurcations)]
        lo, hi = (shown(v, branch.bounds, 8) for v in (min(values), max(values)))
        out.heading(f"\n{number}  {what}  ",
                    f"from {origin}: {found.name} from {lo} to {hi}, stable on {_stable(branch)}")
        ends = branch.ends[:1] if branch.closed else branch.ends
        out.print(f"   ends: {'; '.join(ends)}", style="dim")
        if branch.bifurcations:
            table = output._table("  ", found.name, "point", "coefficient", "what is born", "first point")
            for s in branch.bifurcations[: output.MOST_ROWS]:
                # A strong resonance has no such coefficient; its meaning begins with its name.
                name = s.meaning.partition(": ")[0] if s.coefficient is None else ""
                named = name if "resonance" in name else "–"
                born = {True: "supercritical", False: "subcritical", None: named}[s.supercritical]
                coefficient = "–" if s.coefficient is None else output.number(s.coefficient)
                # Rounding beside the lengths of the branch is 0.
                first = np.where(np.abs(s.points[0]) > ROUNDED * branch.lengths[: s.points.shape[1]], s.points[0], 0.0)
                value = shown(s.parameter, branch.bounds, 12)
                table.add_row("  ", value, spoken(s.kind), coefficient, born, output.vector(first))
            out.print(table)
            if len(branch.bifurcations) > output.MOST_ROWS:
                out.print(f"   … and {len(branch.bifurcations) - output.MOST_ROWS} more (all of them with --json)")
    if found.reason:
        out.print(f"\n{found.reason}", style="dim")


def _stable(branch: Any) -> str:
    """The intervals of the parameter on which it is stable."""
    pieces, first = [], None
    for k, stable in enumerate([*branch.stable, False]):
        if stable and first is None:
            first = k
        elif not stable and first is not None:
            ends = _change(branch, first, max(first - 1, 0)), _change(branch, k, k - 1)
            pieces.append("[{}, {}]".format(*(shown(v, branch.bounds, 8) for v in sorted(ends))))
            first = None
    return ", ".join(pieces[:4]) + (", …" if len(pieces) > 4 else "") if pieces else "nothing"


def _change(branch: Any, row: int, otherwise: int) -> float:
    """Where stability changed before a row: at the special point behind the row before, or on one of the two rows."""
    for s in branch.bifurcations:
        on_a_row = [k for k in (row - 1, row) if 0 <= k < len(branch) and s.parameter == branch.parameter[k]]
        if s.place == row - 1 or on_a_row:
            return float(s.parameter)
    return float(branch.parameter[otherwise])


def _print_cascade(found: Any, step: Map, chosen: dict[str, str]) -> None:
    out = output.console()
    out.print(f"{step.title}{output._how(chosen, 'start')}")
    table = output._table("period", f"flips at {found.name}", "ratio")
    for k, (period, flip) in enumerate(zip(found.periods, found.flips, strict=True)):
        ratio = f"{found.ratios[k - 1]:.9g}" if 0 < k <= len(found.ratios) else ""
        table.add_row(str(period), f"{flip:.15g}", ratio)
    out.print(table)
    for words in ("accumulation", "delta", "alpha"):
        value, error = getattr(found, words), getattr(found, f"{words}_error")
        if value is not None:
            out.print(f"{words:<14}{value:.15g}  (about ±{error:.1g})")
    out.print(found.reason, style="dim")
