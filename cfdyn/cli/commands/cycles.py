"""``cfdyn cycles``: every cycle of one period in a box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import box as as_box
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import YES_NO, Say, Screen, remark, vector
from cfdyn.cli.proofs import ledger as proved_ledger
from cfdyn.cli.proofs import telling
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.bifurcations.cycles import Cycles
    from cfdyn.systems.map import Map


@command("loss period box prove optimizer settings variables map budget method jobs out plot seed csv json periodic",
         group="Cycles and bifurcations", place=40)  # fmt: skip
def cycles(
    subject: Subject,
    say: Say,
    period: Annotated[int, Option("--period", help="Period of the cycles; 1 for fixed points.")] = 2,
    box: Annotated[str | None, Option("--box", help="The box: LO:HI for each variable; -inf:inf is allowed for one variable (the loss's own box if not given).", metavar="LO:HI,…", show_default=False)] = None,  # noqa: E501
    budget: Annotated[int | None, Option("--budget", min=1, help="Bound on the work; the list is incomplete if it is reached (that of the method if not given).", show_default=False)] = None,  # noqa: E501
    prove: Annotated[bool, Option("--prove", help="Prove in ball arithmetic that the list is complete; the exit status is 1 if that fails.")] = False,  # noqa: E501
    method: Annotated[str, Option("--method", help="auto (all cycles, if bounds can decide that), only laps (one variable) or boxes, or from many starts: davidchack-lai, schmelcher-diakonos.")] = "auto",  # noqa: E501
    jobs: Annotated[int | None, Option("--jobs", min=1, max=1024, help="With --prove: number of processes for a long search (one for each processor if not given).", show_default=False)] = None,  # noqa: E501
) -> Answer:
    """All cycles of one period in a box, with their multipliers.

    States whether the list is complete; --prove proves it.

    $ cfdyn cycles double_well --period 3 --optimizer gd:lr=1.5
    $ cfdyn cycles --map "r*x*(1-x)" --set r=3.9 --period 5 --box 0:1 --prove
    """
    from cfdyn.studies.defaults import usual_box

    if jobs is not None and not prove:
        raise UsageError("--jobs is only for --prove, whose search runs in several processes")
    asked = None if box is None else as_box(box)
    step, loss, _, chosen = subject.map_and_loss()
    if asked is None:
        chosen["box"] = "not given" if loss is None else "the loss's own"
    say(f"searching for cycles of period {period}")
    result = cfdyn.analysis.cycles(step, period, asked or usual_box(step, loss), seed=subject.seed, budget=budget, method=method,
                                  progress=lambda words: say(f"searching for cycles of period {period}: {words}"))  # fmt: skip
    proof: dict[str, Any] = {}
    documents: list[Any] = []
    if prove:
        say("proving that the list is complete")
        proof, documents = _proof(step, result, jobs, say)
    return Answer(
        lambda: {"cycles": [fields(cycle, "points multipliers stable") for cycle in result],
                 **fields(result, "complete undecided period box method reason"), **proof, "names": step.names, "map": step.title,
                 "chosen": chosen},
        lambda screen: _print(screen, result, step, chosen, proof), record=result, certificates=documents,
        status=0 if proof.get("proved", True) else 1,
    )  # fmt: skip


def _proof(step: Map, cycles: Cycles, jobs: int | None, say: Say) -> tuple[dict[str, Any], list[Any]]:
    """The contents of the ledger of the box, under the names of --json, and its certificate if it is complete."""
    box = [tuple(ends) for ends in cycles.box.tolist()]
    ledger, certificate = proved_ledger(step, cycles.period, box[0] if len(box) == 1 else box, telling(say), jobs)
    left = [{"box": [list(ends) for ends in place], "reason": reason} for place, reason in ledger.undecided]
    proof = {"complete": ledger.complete, "undecided": left, "proved": certificate.proved, "count": ledger.count,
             "statement": certificate.statement, "reason": certificate.reason}  # fmt: skip
    return proof, [certificate.document] if certificate.document else []


def _print(screen: Screen, cycles: Cycles, step: Map, chosen: dict[str, str], proof: dict[str, Any]) -> None:
    """Print the number of cycles, whether the list is complete, and the first of them."""
    box = ", ".join(f"{name} from {lo:g} to {hi:g}" for name, (lo, hi) in zip(step.names, cycles.box.tolist(), strict=True))
    screen.facts(("map", f"{step.title}{remark(chosen, 'lr')}"), ("box", f"{box}{remark(chosen, 'box')}"))
    screen.print()
    screen.print(_sentence(cycles))
    if len(cycles):
        screen.table(("points", "multipliers" if step.dim > 1 else "multiplier", "stable"), [*cycles],
                     lambda c: (vector(c.points), vector(c.multipliers), YES_NO[c.stable]))  # fmt: skip
    if proof:
        screen.print()
        screen.print(f"Proved: {proof['statement']}" if proof["proved"] else f"Not proved: {proof['reason']}.")


def _sentence(cycles: Cycles) -> str:
    what = "fixed point" if cycles.period == 1 else "cycle"
    count = f"{len(cycles) or 'no'} {what}{'' if len(cycles) == 1 else 's'}"
    count += f" of period {cycles.period}" * (cycles.period > 1)
    stable = sum(cycle.stable is True for cycle in cycles)
    kinds = f", {stable or 'none'} of them stable" if len(cycles) > 1 else " (stable)" if stable else ""
    sure = "these are all" if len(cycles) else "there is none"
    verdict = f"{sure}, as far as floating point can tell" if cycles.complete else "there may be more"
    return f"{count}{kinds}: {verdict}" + (f" ({cycles.reason})" if cycles.reason else "") + "."
