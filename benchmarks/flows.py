"""How long does a central flow take, and how much work is an accuracy worth, against the published scheme?

The scheme: `peers.euler_central`; exact paths: ``tests/flows/references.json``.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

import cfdyn as cf
from measuring import Benchmark, BenchmarkError, Cells, Goal, Plan, Row, Rows, exponent, installed, measure, peer, ratio
from measuring.processes import Caches, process_cells
from measuring.report import HERE

bench = Benchmark("flows")

REFERENCES = HERE.parent / "tests" / "flows" / "references.json"
GD = ("product", "two-independent", "two-coupled-rank-drop", "three-coupled")
SPEED = (GD[0], "rmsprop", *GD[1:])
ACCURATE = (GD[:3], GD)  # in a quick pass and else: whose error is measured
TWO = ("product", "two-coupled-rank-drop")  # the first path settles down, the second never does
SMALL, SOON, FASTER = 6, 50.0, 1000.0  # up to so many variables: milliseconds, times less work and time
STALE, RENEWED = "published scheme", "published scheme, eigenvectors renewed every Euler step"
THEIRS, OURS = (tuple(f"{who}: {what}" for what in ("work", "time (ms)")) for who in ("published scheme", "cfdyn"))
THEIR_TIME, THEIR_RATIO = "published scheme (ms for 1000)", "published scheme ÷ cfdyn"
EDGES = {"gd": {"lr": 0.8}, "heavy_ball": {"lr": 1.2, "momentum": 0.5}, "nesterov": {"lr": 0.6, "momentum": 0.5},
         "rmsprop": {"lr": 0.01, "beta2": 0.99}, "adam": {"lr": 0.03, "beta1": 0.5, "beta2": 0.99}}  # fmt: skip
FOUND = ("largest error in w", "work", "oracle calls", "conic programs", "time (ms)")


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

    def solved(self, t: float, **options: Any) -> Any:
        """A path to its end."""
        path = cf.solve(self.flow, self.start, t, **options)
        if path.status != "done":
            raise BenchmarkError(f"{self.name}: {path.status}")
        return path


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
    """All cases of the references, at their times that are multiples of 1/4."""
    found = {}
    for entry in json.loads(REFERENCES.read_text(encoding="utf-8"))["cases"]:
        loss, optimizer, times = cf.Loss(entry["loss"], entry["variables"]), entry["optimizer"], np.array(entry["t"])
        flow = cf.flows.central(loss, getattr(cf.optimizers, optimizer["name"])(**optimizer["params"]))
        kept = np.abs(4 * times - np.round(4 * times)) < 1e-9
        found[entry["name"]] = Case(entry["name"], flow, loss, entry["start"], optimizer["params"]["lr"], times[kept],
                                    np.array(entry["w"])[kept], entry["accuracy"]["w"], optimizer["name"] == "gd")  # fmt: skip
    return found


def scheme() -> ModuleType | None:
    """The published scheme, or None without its solver."""
    return peer("peers.euler_central") if installed("clarabel") else None


@bench.table("central flow up to t = 1000", ("variables", "events", "steps", "time (ms)", THEIR_TIME, THEIR_RATIO))
def speed(plan: Plan) -> Rows:
    """cfdyn: `cf.solve` with default tolerances (rtol 1e-8), warm, the ends of all its steps recorded. Published scheme:
    forward Euler with steps of 1/4, cvxpy and Clarabel, on cfdyn's compiled derivatives of the same loss, as far as t =
    {far}; compared is the time per unit of t, which falls once a path has settled and needs no programs any more. It is
    written for gradient descent only. Times are processor times."""
    far = plan.pick(100, 1000)
    for case in (cases()[name] for name in SPEED):
        path, euler, small = case.solved(1000.0), scheme(), case.loss.dim <= SMALL
        spent = measure(lambda case=case: case.solved(1000.0), plan.repeats)
        cells: Cells = {"variables": str(case.loss.dim), "events": str(len(path.events)), "steps": str(path.stats["steps"]),
                        "time (ms)": spent * 1e3}  # fmt: skip
        goals = [Goal(spent * 1e3, SOON)] if small else []
        if case.published:
            other = None
            if euler is not None:
                euler.solve_with_work(case.loss, case.lr, case.start, case.times[-1])  # compiles its programs
                other = euler.solve_with_work(case.loss, case.lr, case.start, far)[2].seconds / far
            times = ratio(other, spent / 1000)
            cells |= {THEIR_TIME: other and other * 1e6, THEIR_RATIO: times}
            goals += [Goal(times, FASTER, above=True)] if small else []
        yield Row(f"{case.name}, {'GD' if case.published else 'RMSProp'}", cells, tuple(goals))
    return {"far": far}


@bench.table("central flows with momentum up to t = 1000", ("states", "events", "steps", "time (ms)", "gd ÷ this"))
def with_momentum(plan: Plan) -> Rows:
    """L = (1 − xy)²/2 from (1.5, 0.3), rates at which the edge is reached, default tolerances, warm; processor times. With
    constant P the path is that of gd in another time; RMSProp and Adam have ν among the states, Adam its correction's decay."""
    loss, first = cf.Loss("(1 - x*y)**2/2"), 0.0
    for name, params in EDGES.items():
        optimizer = getattr(cf.optimizers, name)(**params)
        flow = cf.flows.central(loss, optimizer)
        path = cf.solve(flow, [1.5, 0.3], 1000.0)
        if path.status != "done" or not path.rank.max():
            raise BenchmarkError(f"{optimizer.name}: {path.status}, at most {path.rank.max()} modes at the edge")
        spent = measure(lambda flow=flow: cf.solve(flow, [1.5, 0.3], 1000.0), plan.repeats)
        first = first or spent
        yield Row(", ".join([name, *(f"{key} = {value:g}" for key, value in params.items())]), {
            "states": str(flow.dim), "events": str(len(path.events)), "steps": str(path.stats["steps"]),
            "time (ms)": spent * 1e3, "gd ÷ this": first / spent,
        })  # fmt: skip


# Error against work --------------------------------------------------------------------------------------------------


@bench.table("work for the same error", ("error", *THEIRS, *OURS, "ratio of work", "ratio of time"))
def same_error(plan: Plan) -> Rows:
    """Published scheme: the better of its two variants, measured where one of its step sizes is accurate enough, else (≈)
    extrapolated from its shortest step at first order: halving the error doubles work and time; a variant whose error hardly
    falls (measured order < 0.5) cannot reach it. cfdyn: the cheapest measured tolerance whose error is no larger."""
    for name in plan.pick(*ACCURATE):
        yield from same_rows(name, points(name, plan))


@bench.table("error against work: {name} (reference to {accuracy:.0e})", FOUND, each=lambda plan: plan.pick(*ACCURATE))
def error_and_work(plan: Plan, name: str) -> Rows:
    """All errors: at the times of the reference that are multiples of 1/4. Work, in gradients: a gradient 1, a product with
    the Hessian 2, all of the Hessian 2d, a third derivative along two modes 5; each Jacobian of an implicit step
    n(1 + 2d + 5m) for n states and m pairs of modes, the cost of finite differences. The published scheme refreshes
    eigenvectors once per optimizer step, from all of the Hessian, and multiplies with them in between. cfdyn: atol =
    rtol/100."""
    for found in points(name, plan).values():
        yield from (point.row for point in found)
    return {"name": name, "accuracy": cases()[name].accuracy}


@cache
def points(name: str, plan: Plan) -> dict[str, list[Point]]:
    """All runs of a case, by solver."""
    case, theirs = cases()[name], {}
    if scheme() is not None:
        steps = plan.pick((1 / 4, 1 / 8), (1 / 4, 1 / 8, 1 / 16, 1 / 32))
        published_point(case, 0.25, STALE)  # compiles its programs
        theirs = {label: [published_point(case, dt, label) for dt in steps] for label in (STALE, RENEWED)}
    tolerances = plan.pick((1e-4, 1e-6, 1e-8, 1e-11), tuple(10.0**-k for k in range(4, 12)))
    return {**theirs, "cfdyn": [our_point(case, rtol, plan.repeats) for rtol in tolerances]}


def published_point(case: Case, dt: float, label: str) -> Point:
    """The published scheme with one step size."""
    euler, refresh = scheme(), dt if label == RENEWED else 1.0
    assert euler is not None
    _, w, work = euler.solve_with_work(case.loss, case.lr, case.start, case.times[-1], dt, refresh=refresh)
    error = float(np.abs(w[np.round(case.times / dt).astype(int)] - case.w).max())
    return Point(f"{label}, dt = 1/{round(1 / dt)}", error, work.gradients(case.loss.dim), work.seconds,
                 work.calls.total(), work.programs)  # fmt: skip


def our_point(case: Case, rtol: float, repeats: int) -> Point:
    """cfdyn with one tolerance."""
    options = {"rtol": rtol, "atol": rtol / 100, "save_at": case.times}
    path = case.solved(case.times[-1], **options)
    spent = measure(lambda: case.solved(case.times[-1], **options), repeats)
    found, n, k = path.stats, case.flow.dim, int(path.rank.max(initial=1))
    jacobian = n * (1 + 2 * case.loss.dim + 5 * k * (k + 1) // 2)
    calls = sum(found[name] for name in ("slopes", "hessians", "third_derivatives", "jacobians"))
    work = found["gradient_equivalents"] + jacobian * found["jacobians"]
    return Point(f"cfdyn, rtol = {rtol:.0e}", float(np.abs(path.w - case.w).max()), work, spent, calls)


def order(found: list[Point]) -> float:
    """How fast the error falls with the step, at the two shortest steps (each half as long as the one before)."""
    return math.log2(found[-2].error / found[-1].error)


def needed(found: list[Point], error: float) -> tuple[float, float, bool] | None:
    """(work, seconds, True if extrapolated) of the published scheme for this error; None if it cannot reach it."""
    for point in found:
        if point.error <= error:
            return point.work, point.seconds, False
    longer = found[-1].error / error
    return (found[-1].work * longer, found[-1].seconds * longer, True) if order(found) >= 0.5 else None


def same_row(label: str, error: float, found: dict[str, list[Point]], goal: bool = False) -> Row:
    """What both need for an error."""
    ours = min((point for point in found["cfdyn"] if point.error <= error), key=lambda point: point.work, default=None)
    theirs = min((need for name in (STALE, RENEWED) if name in found and (need := needed(found[name], error))), default=None)
    cells: Cells = {"error": f"{error:.1e}", **dict(zip(OURS, (ours.work, ours.seconds * 1e3) if ours else (None, None)))}
    if theirs is not None:
        mark = "≈ " if theirs[2] else ""
        cells |= dict(zip(THEIRS, (f"{mark}{theirs[0]:.3g}", f"{mark}{theirs[1] * 1e3:.3g}")))
    else:
        cells |= dict.fromkeys(THEIRS, "out of reach" if STALE in found else None)
    both = theirs is not None and ours is not None
    cells |= dict(zip(("ratio of work", "ratio of time"),
                      (theirs[0] / ours.work, theirs[1] / ours.seconds) if both else (None, None)))  # fmt: skip
    return Row(label, cells, (Goal(cells["ratio of work"], FASTER, above=True),) if goal else ())


def same_rows(name: str, found: dict[str, list[Point]]) -> list[Row]:
    """For the published scheme's own error, for 1e-3, and for the error of cfdyn's default tolerance."""
    default = next(point for point in found["cfdyn"] if point.label.endswith("1e-08"))
    rows = [same_row(f"{name}: accuracy 1e-3", 1e-3, found),
            same_row(f"{name}: that of cfdyn at rtol 1e-8", default.error, found, goal=True)]  # fmt: skip
    if STALE in found:
        rows.insert(0, same_row(f"{name}: that of the published scheme, dt = 1/4", found[STALE][0].error, found))
    return rows


# Growth, fresh processes ---------------------------------------------------------------------------------------------


@bench.table("growth with the time")
def time_growth(plan: Plan) -> Rows:
    """rtol 1e-8, warm. The first path settles down; the second never does, its eigenvalues reach the edge again and again."""
    for name in TWO:
        for t in (100, 1000, 10000):
            yield Row(f"{name}, t = {t}", growth_cells(cases()[name].flow, cases()[name].start, t, plan.repeats))


@bench.table("growth with the variables")
def size_growth(plan: Plan) -> Rows:
    """L = (1 − x₁⋯x_d)²/2 from x₁ = 0.3 and all others 1, GD with lr = 2/(1.05 d), up to t = 100: one eigenvalue reaches the
    edge and stays. The exponent is the slope in the log-log plot over the last two sizes."""
    sizes, spent = plan.pick((2, 4, 8, 16), (2, 4, 8, 16, 32)), []
    for d in sizes:
        names = [f"x{i + 1}" for i in range(d)]
        flow = cf.flows.central(cf.Loss(f"(1 - {'*'.join(names)})**2/2", names), cf.optimizers.gd(lr=2 / (1.05 * d)))
        cells = growth_cells(flow, [0.3, *[1.0] * (d - 1)], 100.0, plan.repeats)
        spent.append(cells["µs per step"])
        yield Row(f"d = {d}", cells)
    yield Row("exponent", {"µs per step": exponent(sizes[-2:], spent[-2:])})


def growth_cells(flow: Any, start: list[float], t: float, repeats: int) -> Cells:
    """Time, steps and events of one path."""
    path = cf.solve(flow, start, t)
    spent = measure(lambda: cf.solve(flow, start, t), repeats)
    steps = path.stats["steps"]
    return {"time (ms)": spent * 1e3, "µs per unit of t": spent / t * 1e6, "steps": str(steps), "events": str(len(path.events)),
            "µs per step": spent / steps * 1e6}  # fmt: skip


@bench.table("a process of its own, up to t = 1000")
def processes(plan: Plan) -> Rows:
    """Wall time of whole processes that import cfdyn and follow the flow up to t = 1000. Cold: nothing compiled is kept yet;
    the second flow finds what the first has left. Memory: beyond a bare Python, in a later process."""
    caches = plan.pick(None, Caches())
    for case in (cases()[name] for name in TWO):
        code = (
            f"import cfdyn as cf\nflow = cf.flows.central(cf.Loss({case.loss.spec.formula.text!r}, {case.loss.variables}), "
            f"cf.optimizers.gd(lr={case.lr}))\nassert cf.solve(flow, {case.start}, 1000).status == 'done'"
        )
        yield Row(case.name, process_cells(["-c", code], plan.pick(1, 5), caches, cold=1, emptied=False))


if __name__ == "__main__":
    bench.main()
