"""How long does a central flow take, and how much work is an accuracy worth, against the published scheme?

The scheme: ``euler_central.py``; exact paths: ``tests/flows/references.json``."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import harness
import numpy as np
import report
from harness import fresh_timing, measure, peak_memory, ratio
from report import Goal, Row, Table

import cfdyn as cf

REFERENCES = Path(__file__).resolve().parents[1] / "tests" / "flows" / "references.json"
SPEED = ("product", "rmsprop", "two-independent", "two-coupled-rank-drop", "three-coupled")
ACCURACY = ("product", "two-independent", "two-coupled-rank-drop", "three-coupled")
SMALL, SOON, FASTER = 6, 50.0, 1000.0  # up to so many variables: milliseconds, times less work and time
STALE, RENEWED = "published scheme", "published scheme, eigenvectors renewed every Euler step"
THEIRS, OURS = (tuple(f"{who}: {what}" for what in ("work", "time (ms)")) for who in ("published scheme", "cfdyn"))
THEIR_TIME, THEIR_RATIO = "published scheme (ms for 1000)", "published scheme ÷ cfdyn"
FOUND = ("largest error in w", "work", "oracle calls", "conic programs", "time (ms)")

SPEED_NOTE = (
    "cfdyn: `cf.solve` with default tolerances (rtol 1e-8), warm, the ends of all its steps recorded. Published scheme: "
    "forward Euler with steps of 1/4, cvxpy and Clarabel, on cfdyn's compiled derivatives of the same loss, as far as t = "
    "{far}; compared is the time per unit of t, which falls once a path has settled and needs no programs any more. It is "
    "written for gradient descent only. Times are processor times."
)
WORK_NOTE = (
    "All errors: at the times of the reference that are multiples of 1/4. Work, in gradients: a gradient 1, a product with "
    "the Hessian 2, all of the Hessian 2d, a third derivative along two modes 5; each Jacobian of an implicit step "
    "n(1 + 2d + 5m) for n states and m pairs of modes, the cost of finite differences. The published "
    "scheme refreshes eigenvectors once per optimizer step, from all of the Hessian, and multiplies with them in between. "
    "cfdyn: atol = rtol/100."
)
SAME_NOTE = (
    "Published scheme: the better of its two variants, measured where one of its step sizes is accurate enough, else (≈) "
    "extrapolated from its shortest step at first order: halving the error doubles work and time; a variant whose error "
    "hardly falls (measured order < 0.5) cannot reach it. cfdyn: the cheapest measured tolerance whose error is no larger."
)
TIME_NOTE = "rtol 1e-8, warm. The first path settles down; the second never does, its eigenvalues reach the edge again and again."
SIZE_NOTE = (
    "L = (1 − x₁⋯x_d)²/2 from x₁ = 0.3 and all others 1, GD with lr = 2/(1.05 d), up to t = 100: one eigenvalue reaches the "
    "edge and stays. The exponent is the slope in the log-log plot over the last two sizes."
)
START_NOTE = (
    "Wall time of whole processes that import cfdyn and follow the flow up to t = 1000. First: nothing compiled is kept yet; "
    "the second flow finds what the first has left. Memory: beyond a bare Python, in a later process."
)


@dataclass(frozen=True)
class Case:
    """A flow with its exact path at some times."""

    name: str
    flow: Any
    loss: Any
    start: list[float]
    lr: float
    times: np.ndarray
    w: np.ndarray
    accuracy: float
    published: bool  # whether the published scheme is written for it

    @property
    def d(self) -> int:
        return self.loss.dim


@dataclass(frozen=True)
class Point:
    """One run: error, work in gradients, processor seconds, calls and conic programs."""

    label: str
    error: float
    work: float
    seconds: float
    calls: int
    programs: int | None = None

    @property
    def row(self) -> Row:
        cells = dict(zip(FOUND, (f"{self.error:.1e}", self.work, self.calls, self.programs, self.seconds * 1e3)))
        return Row(self.label, {name: value for name, value in cells.items() if value is not None})


@cache
def cases() -> dict[str, Case]:
    """All cases of the references."""
    found = json.loads(REFERENCES.read_text(encoding="utf-8"))["cases"]
    return {entry["name"]: _case(entry) for entry in found}


def _case(entry: dict) -> Case:
    loss = cf.Loss(entry["loss"], entry["variables"])
    name, params = entry["optimizer"]["name"], entry["optimizer"]["params"]
    flow = cf.flows.central(loss, getattr(cf.optimizers, name)(**params))
    times = np.array(entry["t"])
    kept = np.abs(4 * times - np.round(4 * times)) < 1e-9
    return Case(entry["name"], flow, loss, entry["start"], params["lr"], times[kept], np.array(entry["w"])[kept],
                entry["accuracy"]["w"], name == "gd")  # fmt: skip


def scheme() -> ModuleType | None:
    """The published scheme, or None without its solver."""
    return harness.peer("euler_central") if harness.installed("clarabel") else None


def solved(case: Case, t: float, **options: Any) -> Any:
    """A path to its end."""
    path = cf.solve(case.flow, case.start, t, **options)
    if path.status != "done":
        raise harness.BenchmarkError(f"{case.name}: {path.status}")
    return path


def speed_row(case: Case, far: float, repeats: int) -> Row:
    """The time of cfdyn to t = 1000, and the one of the published scheme per unit of time."""
    path, euler = solved(case, 1000.0), scheme() if case.published else None
    spent = measure(lambda: solved(case, 1000.0), repeats).median
    cells: dict[str, Any] = {"variables": str(case.d), "events": str(len(path.events)), "steps": str(path.stats["steps"])}
    cells["time (ms)"] = spent * 1e3
    goals = [Goal(spent * 1e3, SOON)] if case.d <= SMALL else []
    if case.published:
        other = None
        if euler is not None:
            euler.solve(case.loss, case.lr, case.start, case.times[-1])
            other = euler.solve_with_work(case.loss, case.lr, case.start, far)[2].seconds / far
        times = ratio(other, spent / 1000)
        cells |= {THEIR_TIME: None if other is None else other * 1e6, THEIR_RATIO: times}
        goals += [Goal(times, FASTER, above=True)] if case.d <= SMALL else []
    return Row(f"{case.name}, {'GD' if case.published else 'RMSProp'}", cells, tuple(goals))


def growth_cells(flow: Any, start: list[float], t: float, repeats: int) -> dict[str, Any]:
    path = cf.solve(flow, start, t)
    spent = measure(lambda: cf.solve(flow, start, t), repeats).median
    steps = path.stats["steps"]
    return {"time (ms)": spent * 1e3, "µs per unit of t": spent / t * 1e6, "steps": str(steps), "events": str(len(path.events)),
            "µs per step": spent / steps * 1e6}  # fmt: skip


def time_rows(repeats: int) -> list[Row]:
    """Growth with the time."""
    return [
        Row(f"{name}, t = {t}", growth_cells(cases()[name].flow, cases()[name].start, t, repeats))
        for name in ("product", "two-coupled-rank-drop")
        for t in (100, 1000, 10000)
    ]


def size_rows(sizes: tuple[int, ...], repeats: int) -> list[Row]:
    """Growth with the number of variables."""
    rows = []
    for d in sizes:
        harness.progress(f"flows: {d} variables")
        names = [f"x{i + 1}" for i in range(d)]
        flow = cf.flows.central(cf.Loss(f"(1 - {'*'.join(names)})**2/2", names), cf.optimizers.gd(lr=2 / (1.05 * d)))
        rows.append(Row(f"d = {d}", growth_cells(flow, [0.3, *[1.0] * (d - 1)], 100.0, repeats)))
    last = [row.cells["µs per step"] for row in rows[-2:]]
    exponent = math.log(last[1] / last[0]) / math.log(sizes[-1] / sizes[-2])
    return [*rows, Row("exponent", {"µs per step": exponent})]


# Error against work --------------------------------------------------------------------------------------------------


def published_point(case: Case, dt: float, label: str) -> Point:
    """The published scheme with one step size."""
    euler, refresh = scheme(), dt if label == RENEWED else 1.0
    assert euler is not None
    _, w, work = euler.solve_with_work(case.loss, case.lr, case.start, case.times[-1], dt, refresh=refresh)
    error = float(np.abs(w[np.round(case.times / dt).astype(int)] - case.w).max())
    return Point(f"{label}, dt = 1/{round(1 / dt)}", error, work.gradients(case.d), work.seconds,
                 work.calls.total(), work.programs)  # fmt: skip


def our_point(case: Case, rtol: float, repeats: int) -> Point:
    """cfdyn with one tolerance."""
    options = {"rtol": rtol, "atol": rtol / 100, "save_at": case.times}
    path = solved(case, case.times[-1], **options)
    spent = measure(lambda: solved(case, case.times[-1], **options), repeats).median
    found, n, k = path.stats, case.flow.dim, int(path.rank.max(initial=1))
    jacobian = n * (1 + 2 * case.d + 5 * k * (k + 1) // 2)
    calls = sum(found[name] for name in ("slopes", "hessians", "third_derivatives", "jacobians"))
    work = found["gradient_equivalents"] + jacobian * found["jacobians"]
    return Point(f"cfdyn, rtol = {rtol:.0e}", float(np.abs(path.w - case.w).max()), work, spent, calls)


def points(case: Case, steps: list[float], tolerances: list[float], repeats: int) -> dict[str, list[Point]]:
    """All runs, by solver."""
    harness.progress(f"flows: error and work, {case.name}")
    theirs = {}
    if scheme() is not None:
        published_point(case, 0.25, STALE)  # compiles its programs
        theirs = {label: [published_point(case, dt, label) for dt in steps] for label in (STALE, RENEWED)}
    return {**theirs, "cfdyn": [our_point(case, rtol, repeats) for rtol in tolerances]}


def order(found: list[Point]) -> float:
    """How fast the error falls with the step, at the two shortest steps (each half as long as the one before)."""
    return math.log2(found[-2].error / found[-1].error)


def needed(found: list[Point], error: float) -> tuple[float, float, bool] | None:
    """(work, seconds, whether extrapolated) of the published scheme for this error."""
    for point in found:
        if point.error <= error:
            return point.work, point.seconds, False
    longer = found[-1].error / error
    return (found[-1].work * longer, found[-1].seconds * longer, True) if order(found) >= 0.5 else None


def same_row(label: str, error: float, found: dict[str, list[Point]], goal: bool = False) -> Row:
    """What both need for an error."""
    ours = min((point for point in found["cfdyn"] if point.error <= error), key=lambda point: point.work, default=None)
    able = [need for name in (STALE, RENEWED) if name in found and (need := needed(found[name], error))]
    theirs = min(able, default=None)
    spent = (ours.work, ours.seconds * 1e3) if ours else (None, None)
    cells: dict[str, Any] = {"error": f"{error:.1e}", **dict(zip(OURS, spent))}
    if theirs is not None:
        mark = "≈ " if theirs[2] else ""
        cells |= {THEIRS[0]: f"{mark}{theirs[0]:.3g}", THEIRS[1]: f"{mark}{theirs[1] * 1e3:.3g}"}
    else:
        cells |= dict.fromkeys(THEIRS, "out of reach" if STALE in found else None)
    both = theirs is not None and ours is not None
    cells["ratio of work"] = theirs[0] / ours.work if both else None
    cells["ratio of time"] = theirs[1] / ours.seconds if both else None
    return Row(label, cells, (Goal(cells["ratio of work"], FASTER, above=True),) if goal else ())


def same_rows(case: Case, found: dict[str, list[Point]]) -> list[Row]:
    """For the published scheme's own error, for 1e-3, and for the error of cfdyn's default tolerance."""
    default = next(point for point in found["cfdyn"] if point.label.endswith("1e-08"))
    rows = [same_row(f"{case.name}: accuracy 1e-3", 1e-3, found),
            same_row(f"{case.name}: that of cfdyn at rtol 1e-8", default.error, found, goal=True)]  # fmt: skip
    if STALE in found:
        rows.insert(0, same_row(f"{case.name}: that of the published scheme, dt = 1/4", found[STALE][0].error, found))
    return rows


# Fresh processes -----------------------------------------------------------------------------------------------------


def start_rows(quick: bool) -> list[Row]:
    """First and later processes; quick: later ones only, with the code that this process has kept."""
    rows, repeats = [], 1 if quick else 5
    with tempfile.TemporaryDirectory() as folder:
        environment = None if quick else {"CFDYN_CACHE_DIR": folder}
        for name in ("product", "two-coupled-rank-drop"):
            harness.progress(f"flows: fresh processes, {name}")
            case = cases()[name]
            code = (
                f"import cfdyn as cf\nflow = cf.flows.central(cf.Loss({case.loss.spec.formula.text!r}, {case.loss.variables}), "
                f"cf.optimizers.gd(lr={case.lr}))\nassert cf.solve(flow, {case.start}, 1000).status == 'done'"
            )
            cells = {} if quick else {"first (s)": harness.fresh(["-c", code], environment).seconds}
            cells["later (s)"], cells["later, processor (s)"] = fresh_timing(["-c", code], lambda: environment, repeats)
            rows.append(Row(name, {**cells, "peak memory (MB)": peak_memory(code, environment)}))
    return rows


def run(quick: bool) -> list[Table]:
    """All tables; quick: fewer step sizes and repeats, no process without kept code."""
    repeats, far, names = (3, 100.0, ACCURACY[:3]) if quick else (harness.REPEATS, 1000.0, ACCURACY)
    steps = [1 / 4, 1 / 8] if quick else [1 / 4, 1 / 8, 1 / 16, 1 / 32]
    tolerances = [1e-4, 1e-6, 1e-8, 1e-11] if quick else [10.0**-k for k in range(4, 12)]
    harness.progress("flows: time")
    speed = [speed_row(cases()[name], far, repeats) for name in SPEED]
    found = {name: points(cases()[name], steps, tolerances, repeats) for name in names}
    same = [row for name in names for row in same_rows(cases()[name], found[name])]
    work = {name: [point.row for kind in found[name].values() for point in kind] for name in names}
    grown = ("time (ms)", "µs per unit of t", "steps", "events", "µs per step")
    return [
        Table("central flow up to t = 1000", ("variables", "events", "steps", "time (ms)", THEIR_TIME, THEIR_RATIO), speed,
              SPEED_NOTE.format(far=int(far))),
        Table("work for the same error", ("error", *THEIRS, *OURS, "ratio of work", "ratio of time"), same, SAME_NOTE),
        *(Table(f"error against work: {name} (reference to {cases()[name].accuracy:.0e})", FOUND, work[name],
                WORK_NOTE if name == names[-1] else "") for name in names),
        Table("growth with the time", grown, time_rows(repeats), TIME_NOTE),
        Table("growth with the variables", grown, size_rows((2, 4, 8, 16, 32)[: 4 if quick else 5], repeats), SIZE_NOTE),
        Table("a process of its own, up to t = 1000", ("first (s)", "later (s)", "later, processor (s)", "peak memory (MB)"),
              start_rows(quick), START_NOTE),
    ]  # fmt: skip


if __name__ == "__main__":
    report.main("flows", run)
