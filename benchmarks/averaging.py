"""Which average of the iterates is best, and is the gradient flow or the central flow the better optimizer?

Results, not timings: the same on every run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import harness
import numpy as np
import report
from report import Row, Table

import cfdyn as cf

DECAYS = (0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.995)
SHOWN = ("iterate", "last_two", "midpoints", "ema=0.5", "ema=0.9", "ema=0.99", "polyak")
TITLES = dict(zip(SHOWN, ("iterate", "last two", "midpoints", "EMA 0.5", "EMA 0.9", "EMA 0.99", "mean of all")))
BEST, ROWS, FLOWS = "best EMA (its decay)", "steps measured", ("gradient", "central")
FRACTIONS, FINE = (0.1, 0.01, 0.001), 20

CASES_NOTE = (
    "Root mean square distance to the time-averaged path, as `cf.analysis.averages` defines it: a centred average over two "
    "steps, without lag, and over a whole slow cycle where the orbit swings slowly. Where it does not, the midpoints are "
    "near it by their construction, which is alike. Best EMA: of the decays {decays}. Full-batch gradient descent, which "
    "oscillates at the edge of stability for part of the run (½(1 − xy)², tanh_network) or to its end. Would averaging the "
    "last two iterates beat an EMA? As an estimator it is nearer than every EMA tried in {wins} of {count} cases, by "
    "factors of {factors}{losses}. In slow swings averages that are short beside them follow the swing{swings}."
)
TIMED_NOTE = (
    "The same, each average compared with the path at the time that it stands for, the lag earlier (½ for the last two, "
    "β/(1 − β) for an EMA, half of the steps so far for the mean of all): what is left once the delay is forgiven. The last "
    "two are nearer than every EMA tried in {wins} of {count} cases{losses}."
)
LOSS_NOTE = (
    "Loss at the averaged weights: median over the last tenth of the run, less the lowest loss that any of these averages "
    "ever reaches in this run. The loss of the last two is at most that of the best EMA, which is chosen in hindsight, in "
    "{wins} of {count} cases{losses}; it is below that of EMA 0.9 in {over} and of EMA 0.99 in {above}."
)
STEPS_NOTE = (
    "Steps from which on the loss at the averaged weights stays within 10 % / 1 % / 0.1 % of the way from the start down to "
    "the lowest loss that any of these averages reaches; a dash: not within the run. Midpoints are known one step later, "
    "which counts."
)
ANALOG_NOTE = (
    "Both flows solved to rtol 1e-8 from the same start over the same time, loss and sharpness λ₁(H) at its end; times to "
    "stay within 10 % / 1 % / 0.1 % of the way from the start to the lower of the two final losses, a dash: not within the "
    "run. RMSProp: the stable flow, which ignores oscillations, in place of the gradient flow. Solved exactly neither has a "
    "largest step, so the edge costs the gradient flow nothing; at one and the same point the central flow of GD, a "
    "projection of it, never descends faster. Which is the better optimizer? At equal time the loss is lower on the "
    "gradient flow in {gradient} of {count} cases, on the central flow in {central}{where}; the central flow ends at the "
    "lower sharpness in {flatter}. two_time_scales has no minimum: its loss falls along the valley for ever."
)
PRECONDITIONED = (
    ("tanh_network, scalar RMSProp", "scalar_rmsprop", {"lr": 0.05, "beta2": 0.99}),
    ("tanh_network, RMSProp", "rmsprop", {"lr": 0.03, "beta2": 0.99}),
)


@dataclass(frozen=True)
class Case:
    """A loss with a start and a learning rate at the edge, and how many steps."""

    name: str
    loss: Any
    lr: float
    start: tuple[float, ...]
    steps: int


def cases(quick: bool) -> list[Case]:
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
    return [case for case in found if case.steps <= 1500] if quick else found


def judged(case: Case) -> tuple[Any, Any]:
    """Averages with the flows beside them, and alone: the lowest loss is then that of the averages."""
    harness.progress(f"averaging: {case.name}")
    gd = cf.optimizers.gd(lr=case.lr)
    orbit = cf.iterate(cf.as_map(case.loss, gd), case.start, case.steps)
    flows = [getattr(cf.flows, name)(case.loss, gd) for name in FLOWS]
    rows = range(case.steps + 1)
    paths = [cf.solve(flow, case.start, case.steps, save_at=rows) for flow in flows]
    with_flows, alone = (cf.analysis.averages(orbit, p, DECAYS, fractions=FRACTIONS) for p in (paths, []))
    if with_flows.status != "done" or with_flows.warnings or any(path.status != "done" for path in paths):
        raise harness.BenchmarkError(f"{case.name}: {with_flows.status}; {'; '.join(with_flows.warnings)}")
    return with_flows, alone


def best(found: Any, what: str) -> str:
    """The smallest number of an EMA, and which one."""
    entry = min((e for e in found.entries if e.name.startswith("ema=")), key=lambda e: getattr(e, what))
    return f"{number(getattr(entry, what))} ({entry.name.removeprefix('ema=')})"


def number(value: float) -> str:
    """Three significant digits."""
    return "–" if math.isnan(value) else f"{value:.3g}"


def estimator_row(name: str, found: Any, what: str, flows: bool) -> Row:
    cells: dict[str, Any] = {ROWS: str(int(found.swinging.sum()) if what == "swing_error" else found.rows)}
    for entry in found.entries:
        if entry.name in TITLES or (flows and entry.kind == "model"):
            cells[TITLES.get(entry.name, f"{entry.name} flow")] = number(getattr(entry, what))
    return Row(name, {**cells, BEST: best(found, what)})


def loss_row(name: str, alone: Any) -> Row:
    """Above the lowest loss of all averages."""
    above = {e.name: e.median_loss - alone.best_loss for e in alone.entries}
    least = min((n for n in above if n.startswith("ema=")), key=lambda n: above[n])
    cells = {TITLES[n]: number(above[n]) for n in SHOWN}
    return Row(name, {**cells, BEST: f"{number(above[least])} ({least.removeprefix('ema=')})"})


def steps_row(name: str, alone: Any) -> Row:
    return Row(name, {TITLES[e.name]: stages(e.reached) for e in alone.entries if e.name in TITLES})


def stages(reached: list) -> str:
    return " / ".join("–" if step is None else f"{step:g}" for step in reached)


# Flows as optimizers -------------------------------------------------------------------------------------------------


def analog_row(name: str, flows: list[Any], start: tuple[float, ...], time: float) -> Row:
    """Two flows over the same time, on a grid of twentieths of a step."""
    rows = np.linspace(0.0, time, int(FINE * time) + 1)
    paths = [cf.solve(flow, start, time, save_at=rows) for flow in flows]
    for path in paths:
        if path.status != "done":
            raise harness.BenchmarkError(f"{name}: {path.flow}: {path.status}")
    low, top = min(path.loss[-1] for path in paths), paths[0].loss[0]
    cells: dict[str, Any] = {"time": f"{time:g}"}
    for label, path in zip(("gradient", "central"), paths):
        cells[f"{label}: loss"] = number(path.loss[-1])
        cells[f"{label}: sharpness"] = number(path.sharpness[-1])
        cells[f"{label}: times"] = stages([since(rows, path.loss, low + f * (top - low)) for f in FRACTIONS])
    return Row(name, cells)


def since(t: np.ndarray, loss: np.ndarray, level: float) -> float | None:
    """The first time from which on the loss stays at a level or below it."""
    above = np.flatnonzero(~(loss <= level))
    first = int(above[-1]) + 1 if len(above) else 0
    return float(t[first]) if first < len(t) else None


def analog_rows(chosen: list[Case]) -> list[Row]:
    rows = []
    for case in chosen:
        gd = cf.optimizers.gd(lr=case.lr)
        flows = [getattr(cf.flows, name)(case.loss, gd) for name in FLOWS]
        rows.append(analog_row(f"{case.name}, GD", flows, case.start, float(case.steps)))
    tanh = next((case for case in chosen if case.name == "tanh_network"), None)
    for name, optimizer, options in PRECONDITIONED if tanh else ():
        opt = getattr(cf.optimizers, optimizer)(**options)
        rows.append(analog_row(name, [cf.flows.stable(tanh.loss, opt), cf.flows.central(tanh.loss, opt)], tanh.start, 1000.0))
    return rows


# What the tables answer ----------------------------------------------------------------------------------------------


def values(found: dict[str, Any], what: str) -> dict[str, tuple[float, float, dict[str, float]]]:
    """For each case the number of the last two, that of the best EMA, and those of all; of losses what is above the lowest."""
    seen = {}
    for name, alone in found.items():
        lowest = alone.best_loss if what == "median_loss" else 0.0
        all_ = {e.name: getattr(e, what) - lowest for e in alone.entries}
        least = min(v for k, v in all_.items() if k.startswith("ema=") and not math.isnan(v))
        seen[name] = all_["last_two"], least, all_
    return seen


def contest(found: dict[str, Any], what: str) -> dict[str, Any]:
    """In how many cases the last two are at most as large as the best EMA, by what factors, and where not."""
    seen = values(found, what)
    wins = [name for name, (two, ema, _) in seen.items() if two <= ema]
    factors = [seen[name][1] / seen[name][0] for name in wins if seen[name][0] > 0]
    lost = [f"{name} ({number(two)} against {number(ema)})" for name, (two, ema, _) in seen.items() if two > ema]
    return {
        "wins": len(wins), "count": len(seen), "factors": f"{min(factors):.2g} to {max(factors):.2g}" if factors else "none",
        "losses": f"; not on {', '.join(lost)}" if lost else "",
        "over": sum(two < all_["ema=0.9"] for two, _, all_ in seen.values()),
        "above": sum(two < all_["ema=0.99"] for two, _, all_ in seen.values()),
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


def race(rows: list[Row]) -> dict[str, Any]:
    """How often which flow ends lower, and flatter, to the three digits of the table."""
    loss, sharpness = ([[float(row.cells[f"{who}: {what}"]) for who in FLOWS] for row in rows] for what in ("loss", "sharpness"))
    won = [row.task for row, (gradient, central) in zip(rows, loss) if central < gradient]
    return {
        "count": len(rows), "gradient": sum(gradient < central for gradient, central in loss), "central": len(won),
        "where": f" ({', '.join(won)})" if won else "", "flatter": sum(central < gradient for gradient, central in sharpness),
    }  # fmt: skip


def run(quick: bool) -> list[Table]:
    """All tables; quick: the short cases only."""
    chosen = cases(quick)
    found = {case.name: judged(case) for case in chosen}
    estimators = []
    for name, (both, _) in found.items():
        estimators.append(estimator_row(name, both, "error", True))
        if both.cycles:
            estimators.append(estimator_row(f"… in its {len(both.cycles)} slow swings", both, "swing_error", True))
    timed = [estimator_row(name, both, "timed_error", False) for name, (both, _) in found.items()]
    alone = {name: averages for name, (_, averages) in found.items()}
    columns = tuple(TITLES[name] for name in SHOWN)
    harness.progress("averaging: flows as optimizers")
    analog = analog_rows(chosen)
    return [
        Table("averages as estimators of the mean path", (*columns, BEST, *(f"{f} flow" for f in FLOWS), ROWS), estimators,
              CASES_NOTE.format(decays=", ".join(map(str, DECAYS)), swings=swings(found), **contest(alone, "error"))),
        Table("the same, the lag allowed for", (*columns, BEST), timed, TIMED_NOTE.format(**contest(alone, "timed_error"))),
        Table("averages as optimizers: loss above the lowest", (*columns, BEST), [loss_row(n, a) for n, a in alone.items()],
              LOSS_NOTE.format(**contest(alone, "median_loss"))),
        Table("averages as optimizers: steps", columns, [steps_row(n, a) for n, a in alone.items()], STEPS_NOTE),
        Table("flows on an exact analog computer",
              ("time", *(f"{who}: {what}" for what in ("loss", "sharpness", "times") for who in FLOWS)), analog,
              ANALOG_NOTE.format(**race(analog))),
    ]  # fmt: skip


if __name__ == "__main__":
    report.main("averaging", run)
