"""``cfdyn flow``: one continuous-time model of an optimizer, compared with the optimizer itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import offers
from cfdyn.cli.input.specs import check_flow, make_flow
from cfdyn.cli.input.subject import Chosen, Subject
from cfdyn.cli.input.values import numbers
from cfdyn.cli.output import streams
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, number, remark, vector
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cfdyn.integrate.trajectory import Trajectory
    from cfdyn.systems.flow import Flow
    from cfdyn.systems.loss import Loss

KEYS = ("t w z names sharpness edge covariance rank loss predicted_loss predicted_grad_norm_sq radius damping neglected events "
        "stats status notes")
EVENTS = {"enter": "reaches the edge", "leave": "leaves the edge"}


@command(
    "loss ode optimizer model batch time save_at start rtol atol method max_steps strict overlay settings variables "
    "out plot csv figure seed json", group="Flows", place=50, keeps=True,
)  # fmt: skip
def flow(
    subject: Subject,
    say: Say,
    model: Annotated[str, Option("--model", help="NAME:option=value,… from 'cfdyn list flows'.", metavar="SPEC", autocompletion=offers("flows"))] = "central",  # noqa: E501
    batch: Annotated[int | None, Option("--batch", min=1, help="Rows in a mini-batch, drawn with replacement: the central flow of SGD.")] = None,  # noqa: E501
    time: Annotated[float | None, Option("--time", help="End of the time, in steps of the optimizer (100 if not given).", metavar="VALUE")] = None,  # noqa: E501
    save_at: Annotated[str | None, Option("--save-at", help="Times of the rows, increasing (every step of the solver if not given).", metavar="A,B,…")] = None,  # noqa: E501
    rtol: Annotated[float, Option("--rtol", help="Relative tolerance of a step.")] = 1e-8,
    atol: Annotated[float, Option("--atol", help="Absolute tolerance of a step.")] = 1e-10,
    method: Annotated[str, Option("--method", help="Solver: auto, dop853, radau5 or rkc.", metavar="NAME")] = "auto",
    max_steps: Annotated[int, Option("--max-steps", min=1, help="A solution that needs more steps ends early.")] = 100_000,
    strict: Annotated[bool, Option("--strict", help="Refuse a start beyond the edge instead of moving it there.")] = False,
    overlay: Annotated[bool | None, Option("--orbit/--no-orbit", help="Also run the optimizer (if not given: up to time 10000).", show_default=False)] = None,  # noqa: E501
) -> Answer:
    """Integrate a continuous-time model of the optimizer, or your own equations.

    The path, events at the edge of stability, and the averages that the model predicts.

    $ cfdyn flow double_well --optimizer gd:lr=1.1 --time 100
    $ cfdyn flow --ode "y; -x" --variables x,y --start 1,0 --time 6.28
    """
    from cfdyn.studies.flow_beside_orbit import beside_orbit, own_orbit, rows_to_draw

    rows = None if save_at is None else numbers(save_at, "--save-at")
    if batch is not None and overlay:
        raise UsageError("--orbit runs the optimizer on all rows; to compare the flow with runs on batches: cfdyn compare")
    loss, flow, start, chosen = _built(subject, model, batch)
    if time is None:
        time, chosen["time"] = (100.0, "100 steps") if rows is None else (max(rows), "the last of --save-at")
    options: dict[str, Any] = {"rtol": rtol, "atol": atol, "method": method, "max_steps": max_steps, "strict": strict,
                               "progress": lambda t: say(f"t = {t:.6g} of {time:g}")}  # fmt: skip
    say("solving the flow")
    path = cfdyn.solve(flow, start, time, save_at=rows, **options)
    say("iterating the optimizer")
    orbit = own_orbit(flow, loss, start, time, overlay)

    def draw(path: Trajectory, file: Path, **limits: Any) -> None:
        dense = cfdyn.solve(flow, start, time, save_at=rows_to_draw(path), **options) if len(path.starts) else path
        cfdyn.plot(dense, file, orbit=orbit, loss=loss, **limits)

    beside = None if orbit is None else beside_orbit(path, orbit)
    return Answer(
        lambda: {**fields(path, KEYS), "events": [fields(one, "t kind rank") for one in path.events],
                 "orbit": beside, "chosen": chosen},
        lambda screen: _print(screen, path, beside, start, chosen), record=path, draw=draw,
        columns=path.table, status=_exit_status(path.status),
    )  # fmt: skip


def _built(
    subject: Subject, model: str, batch: int | None
) -> tuple[Loss | None, Flow, Sequence[float], Chosen]:
    """The loss, its flow for an optimizer and a model, or that of ``--ode``; its start, and in words the choices made."""
    model += "" if batch is None else f"{',' if ':' in model else ':'}batch={batch}"
    if subject.ode is None:
        subject.needs_loss("flow", "(1-x*y)**2/2", "; or --ode")
        check_flow(model)
        loss, optimizer, start, chosen = subject.complete(batch is not None)
        return loss, make_flow(model, loss, optimizer), start, chosen
    if subject.loss is not None:
        raise UsageError("give a LOSS or --ode, not both")
    if (subject.optimizer, model) != ("gd", "central"):
        raise UsageError("--optimizer and --model go with a LOSS; equations of your own (--ode) have neither")
    flow, given = subject.flow(), subject.given_start()
    if given is None:
        raise UsageError(f"--ode needs a start for {', '.join(flow.names)}, such as --start {','.join(['1'] * flow.dim)}")
    return None, flow, given, {}


def _exit_status(status: str) -> int:
    """A path that diverges is an answer, as a divergent orbit is; a path that cannot be continued is a failure."""
    if status == "done" or status.startswith("blow-up"):
        return 0
    streams.say(f"the path ended early: {status}")
    return 1


def _print(screen: Screen, path: Trajectory, beside: dict[str, Any] | None, start: Any, chosen: Chosen) -> None:
    """Print the flow, its events, its end compared with the optimizer's averages there, and its work and accuracy."""
    import numpy as np

    unit = " steps of the optimizer" if np.isfinite(path.loss).any() or not len(path.t) else ""
    screen.facts(
        ("flow", path.flow + remark(chosen, "lr")),
        ("start", f"{vector(start)}{remark(chosen, 'start')}"),
        ("time", number(path.provenance["settings"]["t"]) + unit),
        ("status", path.status),
        *(("note", note) for note in path.notes),
        ("note", f"the optimizer itself {beside['status']}") if beside and beside["status"] != "done" else None,
    )
    screen.print()
    if path.events:
        screen.table(("event at t", "an eigenvalue", "eigenvalues at the edge from then on"), path.events,
                     lambda event: (f"{event.t:.10g}", EVENTS[event.kind], str(event.rank)))  # fmt: skip
        screen.print()
    if len(path.t):
        _print_end(screen, path, beside if beside and beside["compared"] else None)
        screen.print()
    stats = path.stats
    quality = (f"; constraint violation {stats['constraint_violation']:.1e}, complementarity {stats['complementarity']:.1e}"
               + ("" if stats["unique"] else "; Σ is not unique, w is"))  # fmt: skip
    evaluated = f"{stats['gradient_equivalents']} gradient equivalents" if unit else f"{stats['slopes']} evaluations"
    work = f"{stats['steps']} steps, {stats['rejected']} rejected, {evaluated}"
    screen.note(f"{work}{quality if path.rank.any() and path.radius is None else ''}", "work")


def _print_end(screen: Screen, path: Trajectory, beside: dict[str, Any] | None) -> None:
    """The last row, and the optimizer's averages around its last step but one."""
    import numpy as np

    columns = ["", f"flow, t = {number(path.t[-1])}", *([f"optimizer, step {beside['t']}"] if beside else [])]
    if not np.isfinite(path.loss[-1]):
        end = [(name, f"{value:.12g}") for name, value in zip(path.names, path.z[-1], strict=True)]
        return screen.table(columns, end, most=None)
    own = [""] * 5
    if beside:
        own = [f"{vector(beside['midpoint'])} (midpoint)", "", *(number(beside[k]) for k in ("loss", "sharpness", "variance"))]
    rows = [("weights", vector(path.w[-1]), own[0]),
            ("loss at these weights", number(path.loss[-1]), own[1]),
            ("average loss", number(path.predicted_loss[-1]) + " (predicted)", own[2]),
            ("sharpness λ₁(H)", number(path.sharpness[-1]), own[3]),
            *[_effective(path, beside)] * bool(np.isfinite(path.edge[-1])),
            *([] if path.radius is None else [("mean-square radius", number(path.radius[-1]), "")]),
            ("variance tr Σ", number(np.trace(path.covariance[-1])), own[4])]  # fmt: skip
    screen.table(columns, [row[: len(columns)] for row in rows], most=None)
    if beside:
        screen.print(f"distance between them  {number(beside['distance'])} at step {beside['t']}, at most "
                     f"{number(beside['max_distance'])} at step {beside['farthest']}")  # fmt: skip


def _effective(path: Trajectory, beside: dict[str, Any] | None) -> tuple[str, str, str]:
    """The last λ₁(P⁻¹H), where its edge is, and that of the optimizer."""
    own = beside["preconditioned_sharpness"] if beside else None
    theta = 2.0 if path.theta is None else float(path.theta[-1])
    return f"λ₁(P⁻¹H), edge at {number(theta)}", number(path.edge[-1] * theta / 2), "" if own is None else number(own)
