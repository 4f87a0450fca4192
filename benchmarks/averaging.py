"""Which average of the iterates is best, and is the gradient flow or the central flow the better optimizer?

Results, not timings: the same on every run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import cfdyn as cf
from measuring import Benchmark, BenchmarkError, Cells, Plan, Row, Rows

bench = Benchmark("averaging")

DECAYS = (0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.995)
TITLES = {"iterate": "iterate", "last_two": "last two", "midpoints": "midpoints", "ema=0.5": "EMA 0.5", "ema=0.9": "EMA 0.9",
          "ema=0.99": "EMA 0.99", "polyak": "mean of all"}  # fmt: skip
BEST, ROWS, FLOWS = "best EMA (its decay)", "steps measured", ("gradient", "central")
AVERAGES = (*TITLES.values(), BEST)
FRACTIONS, FINE = (0.1, 0.01, 0.001), 20
PRECONDITIONED = (
    ("tanh_network, scalar RMSProp", "scalar_rmsprop", {"lr": 0.05, "beta2": 0.99}),
    ("tanh_network, RMSProp", "rmsprop", {"lr": 0.03, "beta2": 0.99}),
)


@dataclass(frozen=True)
class Case:
    """A loss of the catalogue with a start and a learning rate at the edge, and how many steps."""

    name: str
    loss: Any
    lr: float
    start: tuple[float, ...]
    steps: int


@cache
def cases(plan: Plan) -> list[Case]:
    """Quick: the short ones."""
    losses = cf.losses
    found = [
        Case("two_time_scales, ε = 0.01", losses.two_time_scales(eps=0.01), 0.3, (0.05, 6.4), 1500),
        Case("two_time_scales, ε = 0.001", losses.two_time_scales(eps=0.001), 0.3, (0.05, 6.4), 6000),
        Case("½(1 − xy)²", losses.scalar_factorization(), 0.8, (1.5, 0.3), 60),
        Case("deep_linear, 4 layers", losses.deep_linear(depth=4), 0.4, (2.3, 0.5, 0.5, 0.5), 1000),
        Case("matrix_factorization, rank 1", losses.matrix_factorization(), 0.52, (0.3, 0.1, 0.1, 0.2), 500),
        Case("phase_retrieval", losses.phase_retrieval(), 2.8, (0.1, 0.05), 300),
        Case("tanh_network", losses.tanh_network(), 1.2, (0.1, -0.1, 0.3, 0.1, -0.3, 0.2, 0.7), 3000),
        Case("breast_cancer, 2 measurements", losses.breast_cancer(features=2), 13.0, (2.0, 2.0), 500),
    ]
    return [case for case in found if case.steps <= plan.pick(1500, 6000)]


@cache
def judged(plan: Plan) -> dict[str, tuple[Any, Any]]:
    """For each case the averages with the flows beside them, and alone: the lowest loss is then that of the averages."""
    return {case.name: averages_of(case) for case in cases(plan)}


def averages_of(case: Case) -> tuple[Any, Any]:
    """(with the flows, alone) for one case."""
    gd = cf.optimizers.gd(lr=case.lr)
    orbit = cf.iterate(cf.as_map(case.loss, gd), case.start, case.steps)
    flows = [getattr(cf.flows, name)(case.loss, gd) for name in FLOWS]
    paths = [cf.solve(flow, case.start, case.steps, save_at=range(case.steps + 1)) for flow in flows]
    with_flows, alone = (cf.analysis.averages(orbit, p, DECAYS, fractions=FRACTIONS) for p in (paths, []))
    if with_flows.status != "done" or with_flows.warnings or any(path.status != "done" for path in paths):
        raise BenchmarkError(f"{case.name}: {with_flows.status}; {'; '.join(with_flows.warnings)}")
    return with_flows, alone


def alone(plan: Plan) -> dict[str, Any]:
    """The averages of each case without flows."""
    return {name: averages for name, (_, averages) in judged(plan).items()}


@bench.table("averages as estimators of the mean path", (*AVERAGES, *(f"{f} flow" for f in FLOWS), ROWS))
def estimators(plan: Plan) -> Rows:
    """Root mean square distance to the time-averaged path, as `cf.analysis.averages` defines it: a centred average over two
    steps, without lag, and over a whole slow cycle where the orbit swings slowly. Where it does not, the midpoints are near
    it by their construction, which is alike. Best EMA: of the decays {decays}. Full-batch gradient descent, which oscillates
    at the edge of stability for part of the run (½(1 − xy)², tanh_network) or to its end. Would averaging the last two
    iterates beat an EMA? As an estimator it is nearer than every EMA tried in {wins} of {count} cases, by factors of
    {factors}{losses}. In slow swings averages that are short beside them follow the swing{swings}."""
    for name, (both, _) in judged(plan).items():
        yield estimator_row(name, both, "error", True)
        if both.cycles:
            yield estimator_row(f"… in its {len(both.cycles)} slow swings", both, "swing_error", True)
    decays = ", ".join(map(str, DECAYS))
    return {"decays": decays, "swings": swings(judged(plan)), **contest(alone(plan), "error")}


@bench.table("the same, the lag allowed for", AVERAGES)
def timed(plan: Plan) -> Rows:
    """The same, each average compared with the path at the time that it stands for, the lag earlier (½ for the last two,
    β/(1 − β) for an EMA, half of the steps so far for the mean of all): what is left once the delay is forgiven. The last
    two are nearer than every EMA tried in {wins} of {count} cases{losses}."""
    for name, (both, _) in judged(plan).items():
        yield estimator_row(name, both, "timed_error", False)
    return contest(alone(plan), "timed_error")


@bench.table("averages as optimizers: loss above the lowest", AVERAGES)
def lowest_losses(plan: Plan) -> Rows:
    """Loss at the averaged weights: median over the last tenth of the run, less the lowest loss that any of these averages
    ever reaches in this run. The loss of the last two is at most that of the best EMA, which is chosen in hindsight, in
    {wins} of {count} cases{losses}; it is below that of EMA 0.9 in {over} and of EMA 0.99 in {above}."""
    for name, averages in alone(plan).items():
        yield loss_row(name, averages)
    return contest(alone(plan), "median_loss")


@bench.table("averages as optimizers: steps", tuple(TITLES.values()))
def steps(plan: Plan) -> Rows:
    """Steps from which on the loss at the averaged weights stays within 10 % / 1 % / 0.1 % of the way from the start down to
    the lowest loss that any of these averages reaches; a dash: not within the run. Midpoints are known one step later, which
    counts."""
    for name, averages in alone(plan).items():
        yield steps_row(name, averages)


def number(value: float) -> str:
    """Three significant digits."""
    return "–" if math.isnan(value) else f"{value:.3g}"


def best(values: dict[str, float]) -> str:
    """The smallest number of an EMA, and which one."""
    name = min((name for name in values if name.startswith("ema=")), key=lambda name: values[name])
    return f"{number(values[name])} ({name.removeprefix('ema=')})"


def estimator_row(name: str, found: Any, what: str, flows: bool) -> Row:
    """Distances of the averages, and of the flows where wanted."""
    cells: Cells = {ROWS: str(int(found.swinging.sum()) if what == "swing_error" else found.rows)}
    for entry in found.entries:
        if entry.name in TITLES or (flows and entry.kind == "model"):
            cells[TITLES.get(entry.name, f"{entry.name} flow")] = number(getattr(entry, what))
    return Row(name, {**cells, BEST: best({entry.name: getattr(entry, what) for entry in found.entries})})


def loss_row(name: str, averages: Any) -> Row:
    """Above the lowest loss of all averages."""
    above = {e.name: e.median_loss - averages.best_loss for e in averages.entries}
    return Row(name, {**{title: number(above[n]) for n, title in TITLES.items()}, BEST: best(above)})


def steps_row(name: str, averages: Any) -> Row:
    """When each average comes near."""
    return Row(name, {TITLES[e.name]: stages(e.reached) for e in averages.entries if e.name in TITLES})


def stages(reached: list) -> str:
    """Three steps or times in one cell."""
    return " / ".join("–" if step is None else f"{step:g}" for step in reached)


# What the tables answer ----------------------------------------------------------------------------------------------


def contest(found: dict[str, Any], what: str) -> dict[str, Any]:
    """In how many cases the last two are at most as large as the best EMA, by what factors, and where not."""
    # For each case the number of the last two, that of the best EMA, and those of all; of losses what is above the lowest.
    seen = {}
    for name, averages in found.items():
        base = averages.best_loss if what == "median_loss" else 0.0
        every = {e.name: getattr(e, what) - base for e in averages.entries}
        least = min(v for k, v in every.items() if k.startswith("ema=") and not math.isnan(v))
        seen[name] = every["last_two"], least, every
    wins = [name for name, (two, ema, _) in seen.items() if two <= ema]
    factors = [seen[name][1] / seen[name][0] for name in wins if seen[name][0] > 0]
    lost = [f"{name} ({number(two)} against {number(ema)})" for name, (two, ema, _) in seen.items() if two > ema]
    return {
        "wins": len(wins), "count": len(seen), "factors": f"{min(factors):.2g} to {max(factors):.2g}" if factors else "none",
        "losses": f"; not on {', '.join(lost)}" if lost else "",
        "over": sum(two < every["ema=0.9"] for two, _, every in seen.values()),
        "above": sum(two < every["ema=0.99"] for two, _, every in seen.values()),
    }  # fmt: skip


def swings(found: dict[str, Any]) -> str:
    """In the slow swings: the nearest of everything, beside the last two."""
    parts = []
    for name, (both, _) in found.items():
        if both.cycles:
            ranked = {e.name: e.swing_error for e in both.entries}
            first = min(ranked, key=lambda n: ranked[n])
            kind = {"polyak": "the mean of all", "central": "the central flow"}.get(first, first)
            parts.append(f"{name}: {kind} {number(ranked[first])}, the last two {number(ranked['last_two'])}")
    return f" ({'; '.join(parts)})" if parts else ""


# Flows as optimizers -------------------------------------------------------------------------------------------------


@bench.table("flows on an exact analog computer",
             ("time", *(f"{who}: {what}" for what in ("loss", "sharpness", "times") for who in FLOWS)))  # fmt: skip
def analog(plan: Plan) -> Rows:
    """Both flows solved to rtol 1e-8 from the same start over the same time, loss and sharpness λ₁(H) at its end; times to
    stay within 10 % / 1 % / 0.1 % of the way from the start to the lower of the two final losses, a dash: not within the
    run. RMSProp: the stable flow, which ignores oscillations, in place of the gradient flow. Solved exactly neither has a
    largest step, so the edge costs the gradient flow nothing; at one and the same point the central flow of GD, a projection
    of it, never descends faster. Which is the better optimizer? At equal time the loss is lower on the gradient flow in
    {gradient} of {count} cases, on the central flow in {central}{where}; the central flow ends at the lower sharpness in
    {flatter}. two_time_scales has no minimum: its loss falls along the valley for ever."""
    rows, flows = [], cf.flows
    for case in cases(plan):
        gd = cf.optimizers.gd(lr=case.lr)
        both = [flows.gradient(case.loss, gd), flows.central(case.loss, gd)]
        rows.append(analog_row(f"{case.name}, GD", both, case.start, float(case.steps)))
        yield rows[-1]
    tanh = next((case for case in cases(plan) if case.name == "tanh_network"), None)
    for name, optimizer, options in PRECONDITIONED if tanh else ():
        opt = getattr(cf.optimizers, optimizer)(**options)
        rows.append(analog_row(name, [flows.stable(tanh.loss, opt), flows.central(tanh.loss, opt)], tanh.start, 1000.0))
        yield rows[-1]
    return race(rows)


def analog_row(name: str, flows: list[Any], start: tuple[float, ...], time: float) -> Row:
    """Two flows over the same time, on a grid of twentieths of a step."""
    rows = np.linspace(0.0, time, int(FINE * time) + 1)
    paths = [cf.solve(flow, start, time, save_at=rows) for flow in flows]
    for path in paths:
        if path.status != "done":
            raise BenchmarkError(f"{name}: {path.flow}: {path.status}")
    low, top = min(path.loss[-1] for path in paths), paths[0].loss[0]
    cells: Cells = {"time": f"{time:g}"}
    for label, path in zip(FLOWS, paths):
        cells[f"{label}: loss"] = number(path.loss[-1])
        cells[f"{label}: sharpness"] = number(path.sharpness[-1])
        cells[f"{label}: times"] = stages([since(rows, path.loss, low + f * (top - low)) for f in FRACTIONS])
    return Row(name, cells)


def since(t: np.ndarray, loss: np.ndarray, level: float) -> float | None:
    """The first time from which on the loss stays at a level or below it."""
    above = np.flatnonzero(~(loss <= level))
    first = int(above[-1]) + 1 if len(above) else 0
    return float(t[first]) if first < len(t) else None


def race(rows: list[Row]) -> dict[str, Any]:
    """How often which flow ends lower, and flatter, to the three digits of the table."""
    loss, sharpness = ([[float(row.cells[f"{who}: {what}"]) for who in FLOWS] for row in rows] for what in ("loss", "sharpness"))
    won = [row.task for row, (gradient, central) in zip(rows, loss) if central < gradient]
    return {
        "count": len(rows), "gradient": sum(gradient < central for gradient, central in loss), "central": len(won),
        "where": f" ({', '.join(won)})" if won else "", "flatter": sum(central < gradient for gradient, central in sharpness),
    }  # fmt: skip


if __name__ == "__main__":
    bench.main()
