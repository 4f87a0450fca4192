"""``cfdyn flow``: one continuous-time model of an optimizer, beside the optimizer itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import cfdyn
from cfdyn.cli import output, specs, streams
from cfdyn.cli.written import Files
from cfdyn.errors import UsageError
from cfdyn.integrate.solve import solve
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.plotting import plot as draw
from cfdyn.studies.defaults import learning_rate, start_near
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import as_map
from cfdyn.systems.minima import minima
from cfdyn.systems.orbit import Orbit

KEYS = ("t", "w", "z", "names", "sharpness", "edge", "covariance", "rank", "loss", "predicted_loss", "predicted_grad_norm_sq",
        "events", "stats", "status", "notes")  # fmt: skip
TIME = 100.0
# Up to this time the optimizer is run too, unless the user says otherwise.
MODERATE = 10_000.0
POINTS, MOST_STEPS = 400, 2000


def show(
    loss: str | None, ode: str | None, optimizer: str, model: str, time: float | None, save_at: str | None, start: str | None,
    settings: list[str], variables: str | None, options: dict[str, Any], overlay: bool | None, out: Path,
    plot: Path | None, figure: bool, seed: int, json: bool,
) -> int:  # fmt: skip
    """``cfdyn flow``; returns the exit status: 1 where the numerics ended the path early."""
    files = Files(out, plot, figure)
    rows = None if save_at is None else specs.numbers(save_at, "--save-at")
    if ode is not None:
        function, (flow, given, chosen) = None, _equations(loss, ode, (optimizer, model), start, settings, variables)
    else:
        function, flow, given, chosen = _model(loss, (optimizer, model), start, settings, variables, seed)
    if time is None:
        time, chosen["time"] = (TIME, "100 steps") if rows is None else (max(rows), "the last of --save-at")
    with output.progress() as say:
        follow = {**options, "progress": lambda t: say(f"t = {t:.6g} of {time:g}")}
        path = solve(flow, given, time, save_at=rows, **follow)
        orbit = _orbit(flow, function, given, time, overlay, say)
        files.write(path, "flow", say, lambda path, file: draw(
            _densely(path, flow, given, time, follow), file, orbit=orbit, loss=function))  # fmt: skip
    beside = None if orbit is None else beside_orbit(path, orbit)
    if json:
        events = [{"t": event.t, "kind": event.kind, "rank": event.rank} for event in path.events]
        found = {**{key: getattr(path, key) for key in KEYS}, "events": events}
        output.print_json({**found, "orbit": beside, "chosen": chosen, **files.json})
    else:
        print_flow(path, beside, given, chosen)
        files.print()
    return _exit_status(path.status)


def _exit_status(status: str) -> int:
    """A path that runs away is an answer, as an orbit that diverges is; one that cannot be continued is none."""
    if status == "done" or status.startswith("blow-up"):
        return 0
    streams.say(f"the path ended early: {status}")
    return 1


def _model(
    loss: str | None, names: tuple[str, str], start: str | None, settings: list[str], variables: str | None, seed: int
) -> tuple[Loss, Flow, list[float], dict[str, str]]:  # fmt: skip
    """The loss, its flow for an optimizer and a model, and its start."""
    if loss is None:
        raise UsageError('flow needs a LOSS: a formula such as "(1-x*y)**2/2", or a name from: cfdyn list losses; or --ode')
    function = specs.make_loss(loss, settings, variables)
    specs.check_flow(names[1])
    optimizer, given, chosen = started(function, names[0], start, seed)
    return function, specs.build_flow(names[1], function, optimizer), given, chosen


def _equations(
    loss: str | None, ode: str, given: tuple[str, str], start: str | None, settings: list[str], variables: str | None
) -> tuple[Flow, list[float], dict[str, str]]:  # fmt: skip
    """The flow of ``--ode`` and its start."""
    if loss is not None:
        raise UsageError("give a LOSS or --ode, not both")
    if given != ("gd", "central"):
        raise UsageError("--optimizer and --model go with a LOSS; equations of your own (--ode) have neither")
    flow = Flow.from_text([part for part in ode.split(";") if part.strip()], variables, specs.assignments(settings))
    if start is None:
        raise UsageError(f"--ode needs a start for {', '.join(flow.names)}, such as --start {','.join(['1'] * flow.dim)}")
    return flow, specs.numbers(start, "--start"), {}


def started(function: Loss, optimizer: str, start: str | None, seed: int) -> tuple[Any, list[float], dict[str, str]]:
    """The optimizer, the start as it was given, and in words what was chosen for the user."""
    opt, open_lr = specs.make_optimizer(optimizer)
    given, chosen = None if start is None else specs.numbers(start, "--start"), {}
    if open_lr or given is None:
        found = minima(function, seed=seed)
        if open_lr:
            opt, chosen["lr"] = opt.at(lr=learning_rate(function, opt, found)), "1.1 × the edge"
        if given is None:
            given, chosen["start"] = start_near(function, found).tolist(), "near the lowest minimum"
    return opt, given, chosen


def _orbit(flow: Flow, function: Loss | None, start: list[float], time: float, overlay: bool | None, say: Any) -> Orbit | None:
    """The optimizer's own steps from the same start, where they are wanted."""
    if flow.optimizer is None or function is None or overlay is False or (overlay is None and time > MODERATE):
        return None
    step = as_map(function, flow.optimizer)
    if overlay is None and len(start) not in (step.n_weights, step.dim):
        # A full state of the model alone, which is none of the optimizer's.
        return None
    say("iterating the optimizer")
    return cfdyn.iterate(step, start, int(time))


def _densely(path: Trajectory, flow: Flow, start: list[float], time: float, follow: dict[str, Any]) -> Trajectory:
    """The same path with rows close enough to draw: on a grid, at the steps' ends, and on both sides of every event."""
    if not len(path.starts):
        return path
    end = path.starts[-1] + path.sizes[-1]
    events = np.array([event.t for event in path.events])
    stride = 1 + len(path.starts) // MOST_STEPS
    wanted = [np.linspace(0.0, end, POINTS + 1), path.starts[::stride], events, np.nextafter(events, 0.0)]
    rows = np.unique(np.concatenate(wanted))
    return solve(flow, start, time, save_at=rows[(rows >= 0) & (rows <= end)], **follow)


def beside_orbit(path: Trajectory, orbit: Orbit) -> dict[str, Any]:
    """The path against the averages of the optimizer's iterates, at the last of them and where it is farthest."""
    facts: dict[str, Any] = {"status": orbit.status, "steps": len(orbit.z) - 1, "compared": 0}
    if len(orbit.z) < 3:
        return facts
    found = cfdyn.analysis.compare(orbit, [path])
    (model,) = found.models
    last = len(model.w) - 1
    if last < 0:
        return facts
    away = np.linalg.norm(model.w - found.averaged[: last + 1], axis=1)
    return {
        **facts, "compared": last + 1, "t": found.t[last], "distance": model.final_distance, "max_distance": model.max_distance,
        "farthest": int(found.t[away.argmax()]), "midpoint": found.averaged[last], "loss": found.loss[last],
        "sharpness": found.sharpness[last], "variance": found.variance[last],
    }  # fmt: skip


def print_flow(path: Trajectory, beside: dict[str, Any] | None, start: list[float], chosen: dict[str, str]) -> None:
    """What was solved, its events, where it ends and how good it is; the optimizer's averages beside it."""
    out, facts = output.console(), output._table("", "")
    facts.show_header = False
    facts.add_row("flow", path.flow + output._how(chosen, "lr"))
    facts.add_row("start", f"{output.vector(start)}{output._how(chosen, 'start')}")
    unit = " steps of the optimizer" if np.isfinite(path.loss).any() or not len(path.t) else ""
    facts.add_row("time", output.number(path.provenance["settings"]["t"]) + unit)
    facts.add_row("status", path.status)
    for note in path.notes:
        facts.add_row("note", note)
    if beside and beside["status"] != "done":
        facts.add_row("note", f"the optimizer itself {beside['status']}")
    out.print(facts)
    out.print()
    _print_events(out, path)
    if len(path.t):
        _print_end(out, path, beside)
    stats = path.stats
    quality = (f"; constraint violation {stats['constraint_violation']:.1e}, complementarity {stats['complementarity']:.1e}"
               + ("" if stats["unique"] else "; Σ is not unique, w is"))  # fmt: skip
    work = f"{stats['steps']} steps, {stats['rejected']} rejected, {stats['gradient_equivalents']} gradient equivalents"
    out.print(f"work    {work}{quality if path.rank.any() else ''}", soft_wrap=True)


def _print_events(out: Any, path: Trajectory) -> None:
    if not path.events:
        return
    words = {"enter": "reaches the edge", "leave": "leaves the edge"}
    table = output._table("event at t", "an eigenvalue", "held from then on")
    for event in path.events[: output.MOST_ROWS]:
        table.add_row(f"{event.t:.10g}", words[event.kind], str(event.rank))
    out.print(table)
    if len(path.events) > output.MOST_ROWS:
        out.print(f"… and {len(path.events) - output.MOST_ROWS} more (all of them with --json)")
    out.print()


def _print_end(out: Any, path: Trajectory, beside: dict[str, Any] | None) -> None:
    """The last row, and the optimizer's averages around its last step but one."""
    beside = beside if beside and beside["compared"] else None
    number, both = output.number, ["", "", "", "", ""]
    if beside:
        averages = (number(beside[key]) for key in ("loss", "sharpness", "variance"))
        both = [f"{output.vector(beside['midpoint'])} (midpoint)", "", *averages]
    table = output._table("", f"flow, t = {number(path.t[-1])}", *([f"optimizer, step {beside['t']}"] if beside else []))
    if not np.isfinite(path.loss[-1]):
        for name, value in zip(path.names, path.z[-1], strict=True):
            table.add_row(name, f"{value:.12g}")
        out.print(table)
        out.print()
        return
    rows = [("weights", output.vector(path.w[-1]), both[0]),
            ("loss there", number(path.loss[-1]), both[1]),
            ("average loss", number(path.predicted_loss[-1]) + " (predicted)", both[2]),
            ("sharpness λ₁(H)", number(path.sharpness[-1]), both[3]),
            ("variance tr Σ", number(np.trace(path.covariance[-1])), both[4])]  # fmt: skip
    if np.isfinite(path.edge[-1]):
        rows.insert(4, ("λ₁(P⁻¹H), edge at 2", number(path.edge[-1]), ""))
    for row in rows:
        table.add_row(*row[: len(table.columns)])
    out.print(table)
    if beside:
        out.print(f"distance between them  {number(beside['distance'])} at step {beside['t']}, at most "
                  f"{number(beside['max_distance'])} at step {beside['farthest']}", soft_wrap=True)  # fmt: skip
    out.print()
