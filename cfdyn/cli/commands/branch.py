"""``cfdyn branch``: cycles followed along a parameter."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import FIRST_BOX, FIRST_PERIOD, MOST_STEPS, VARY
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import given, varied
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, number, remark, vector
from cfdyn.cli.resume import gone_on, saved
from cfdyn.errors import CfdynError, UsageError
from cfdyn.words import ROUNDED, called, listed, shown, spoken

if TYPE_CHECKING:
    from cfdyn.analysis.bifurcations._branch import Bifurcation, Branch, FunctionZero
    from cfdyn.analysis.bifurcations.branches import Branches

KEYS = "parameter points multipliers stable period ends closed"
SPECIAL = "kind parameter coefficient supercritical period points multipliers meaning"
COLLISION = "parameter slopes below above periods meaning"
ZERO = "function parameter points multipliers"
INDENT, MOST_PIECES = "   ", 4  # of the stable part: one line


@command("loss vary condition stop steps switch depth period optimizer start box settings variables map out plot csv seed json "
         "periodic", group="Cycles and bifurcations", place=41)  # fmt: skip
def branch(
    subject: Subject,
    say: Say,
    vary: VARY = "",
    condition: Annotated[
        list[str] | None,
        Option(
            "--condition",
            help="Mark where a condition holds, as loss = 0.3 or max(w) = 1; repeat for more.",
            metavar="EXPR",
            show_default=False,
        ),
    ] = None,  # noqa: E501
    stop: Annotated[
        list[str] | None,
        Option("--stop", help="End the branch where a condition holds; repeat for more.", metavar="EXPR", show_default=False),
    ] = None,  # noqa: E501
    steps: MOST_STEPS = None,
    switch: Annotated[
        bool, Option("--switch", help="Also follow the branches that bifurcate at flips and branch points.")
    ] = False,  # noqa: E501
    depth: Annotated[int, Option("--depth", min=1, max=12, help="With --switch: how many levels of branching.")] = 1,
    period: FIRST_PERIOD = 1,
    box: FIRST_BOX = None,
) -> Answer:
    """Continuation of fixed points or cycles along a parameter.

    With their stability and bifurcations. Give FILE.npz instead of the loss to continue a saved branch,
    with --vary NAME=LO:HI within wider bounds.

    $ cfdyn branch double_well --vary lr=0.1:2
    $ cfdyn branch --map "r*x*(1-x)" --vary r=2.5:3.6 --switch
    """
    others = [condition, stop, switch, period != 1, box]
    record, most = saved(subject, ("Branches", "Branch"), others), given(max_steps=steps)
    if record is None:
        name, bounds = varied(vary)
        say("searching for initial cycles")
        starts = subject.branch_starts(name, bounds, period, box).some()
        depth = depth if switch else 0
        result = cfdyn.analysis.branches(starts.step, None, name, bounds, depth, period, starts.cycles, progress=say,
                                        functions=condition or (), stop=stop or (), **most)  # fmt: skip
        title, chosen = starts.step.title, {"start": starts.chosen}
    else:
        say("going on")
        result, chosen = _gone_on(record, vary, **most), {"start": str(subject.loss)}
        title = result[0].step.title
    return Answer(
        lambda: {"branches": _documents(result), "name": result.name, "map": title, "chosen": chosen, "reason": result.reason},
        lambda screen: _print(screen, f"{title}{remark(chosen, 'start')}", result), record=result, columns=result.table,
    )  # fmt: skip


def _gone_on(record: Branches | Branch, vary: str, **options: Any) -> Branches:
    """The saved branches, extended; ``vary``: within wider bounds of the same parameter."""
    from cfdyn.analysis.bifurcations.branches import Branches

    if vary:
        name, bounds = varied(vary)
        if name != record.name:
            raise UsageError(f"the saved branch varies {record.name}, not {name}; give --vary {record.name}=LO:HI")
        result = record.extended(bounds, **options)
    else:
        result = gone_on(record, **options)
    return result if isinstance(result, Branches) else Branches(result.name, result.bounds, [result], ["the record"], "")


def _documents(branches: Branches) -> list[dict[str, Any]]:
    """A dict of fields for each branch, as --json prints it."""
    return [{**fields(branch, KEYS), "origin": origin, "bifurcations": [fields(s, SPECIAL) for s in branch.bifurcations],
             "zeros": [fields(zero, ZERO) for zero in branch.zeros],
             "border_collisions": _collisions(branch),
             "quantities": {name: branch.quantity(name) for name in branch.functions}}
            for branch, origin in zip(branches.branches, branches.origins, strict=True)]  # fmt: skip


def _print(screen: Screen, title: str, branches: Branches) -> None:
    """Print each branch: its origin, its range and stability, its special points."""
    screen.print(title)
    for place, (branch, origin) in enumerate(zip(branches.branches, branches.origins, strict=True), 1):
        values = [*branch.parameter, *(s.parameter for s in branch.bifurcations)]
        lo, hi = (shown(v, branch.bounds, 8) for v in (min(values), max(values)))
        screen.heading(f"\n{place}  {called(branch.period, several=True)}  ",
                       f"continued from {origin} over {lo} ≤ {branches.name} ≤ {hi}, {_stable(branch)}")  # fmt: skip
        ends = branch.ends[:1] if branch.closed else branch.ends
        screen.print(f"{INDENT}ends: {'; '.join(ends)}", style="dim")
        if branch.bifurcations:
            screen.table((branches.name, "point", "coefficient", "what is born", "first point"), branch.bifurcations,
                         partial(_row, branch), INDENT)  # fmt: skip
        for collision in _collisions(branch):
            screen.print(f"{INDENT}border collision: {collision['meaning']}")
        if branch.zeros:
            screen.table((branches.name, "zero of", "first point"), branch.zeros, partial(_zero, branch), INDENT)
    if branches.reason:
        screen.print(f"\n{branches.reason}", style="dim")


def _collisions(branch: Branch) -> list[dict[str, Any]]:
    """The attractors after border collisions, where these are classified: in one variable, at a corner."""
    collisions = []
    for special in branch.bifurcations:
        if special.kind == "border collision" and branch.step.dim == 1:
            with suppress(CfdynError):
                collisions.append(fields(cfdyn.analysis.border_collision(branch.step, special), COLLISION))
    return collisions


def _row(branch: Branch, special: Bifurcation) -> list[str]:
    """A special point in the table of its branch."""
    # A strong resonance has no such coefficient; its meaning begins with its name.
    name = special.meaning.partition(": ")[0] if special.coefficient is None else ""
    named = name if "resonance" in name else "–"
    turns = _turns(special)
    born = {True: "supercritical", False: "subcritical", None: named}[special.supercritical]
    coefficient = "–" if special.coefficient is None else number(special.coefficient)
    every = "step" if special.period == 1 else f"{special.period} steps"
    kind = f"{spoken(special.kind)}, {turns:.6g} turns per {every}" if turns else spoken(special.kind)
    return [shown(special.parameter, branch.bounds, 12), kind, coefficient, born, _first(branch, special)]


def _turns(special: Bifurcation) -> float:
    """The rotation at a Neimark–Sacker point in turns per n steps, n the period: |arg μ|/2π of the pair on the unit circle."""
    import numpy as np

    if special.kind != "neimark-sacker":
        return 0.0
    pairs = special.multipliers[np.imag(special.multipliers) > 0]
    pair = pairs[np.argmin(np.abs(np.abs(pairs) - 1))]
    return float(np.angle(pair)) / (2 * np.pi)


def _zero(branch: Branch, zero: FunctionZero) -> list[str]:
    """A zero of a function in the table of its branch."""
    return [shown(zero.parameter, branch.bounds, 12), zero.function, _first(branch, zero)]


def _first(branch: Branch, special: Bifurcation | FunctionZero) -> str:
    """The first point of the cycle."""
    import numpy as np

    # Rounding beside the lengths of the branch is 0.
    first = np.where(np.abs(special.points[0]) > ROUNDED * branch.lengths[: special.points.shape[1]], special.points[0], 0.0)
    return vector(first)


def _stable(branch: Branch) -> str:
    """The intervals of the parameter on which the branch is stable."""
    pieces, stable = [], [False, *branch.stable, False]
    rows = [k for k in range(len(branch) + 1) if stable[k] != stable[k + 1]]
    for first, after in zip(rows[::2], rows[1::2], strict=True):
        ends = _change(branch, first, max(first - 1, 0)), _change(branch, after, after - 1)
        pieces.append("[{}, {}]".format(*(shown(value, branch.bounds, 8) for value in sorted(ends))))
    return f"stable on {listed(pieces, MOST_PIECES)}" if pieces else "unstable throughout"


def _change(branch: Branch, row: int, otherwise: int) -> float:
    """The place of a change of stability before a row: the special point behind the previous row, or one of the two rows."""
    for s in branch.bifurcations:
        on_a_row = [k for k in (row - 1, row) if 0 <= k < len(branch) and s.parameter == branch.parameter[k]]
        if s.place == row - 1 or on_a_row:
            return float(s.parameter)
    return float(branch.parameter[otherwise])
