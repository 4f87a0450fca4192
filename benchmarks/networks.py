"""What a central flow of a network costs, with its error and memory, beside the published scheme.

The scheme: `peers.quarter_step`. Costs are in gradients; what a product with the Hessian and T[u, u] cost is timed.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.integrate.large import large_run
from measuring import Benchmark, BenchmarkError, Cells, Goal, Plan, Row, Rows, installed
from problems.digits import batches, beside, network, squares, swings
from problems.growing import PRICES, STRICT, UNITS, measured, priced

bench = Benchmark("networks")

WORK, SECONDS, ERROR, RANK, STEPS = "gradients per unit", "s per unit", "error", "modes held", "steps"
NEARER, SPREAD, LOSS, HELD = "ratio of distances", "least to largest", "loss, predicted over measured", "λ₁η/2"
MEMORY, BUDGET, KEPT = "memory (vectors)", "allowed", "modes or rods"
EDGE, COSINE, MEDIAN, HELD_BY, TOLD = "λ₁(P⁻¹H) over θ", "E g²: cosine", "E g²: ratio", "sharpness · η/2", "flow's over SGD's"
START, PUBLISHED, RATIO = "start", "published, per unit", "ratio"
TIME, SEEDS = 200, 5  # units of flow time
COLD, LIMITS = {0: 1.0, 1: 2.0, 2: 10.0, 3: 20.0, 4: 20.0}, {0: 1.0, 1: 4.0, 2: 10.0, 3: 20.0, 4: 20.0}  # gradients per unit
DEARER = {1: 30.0, 2: 10.0, 3: 5.0, 4: 5.0}  # times the published scheme at least
# By the modes held: how many digits are told apart, on how many rows, and η·λ₁/2 of the first weights.
PROBLEMS = {1: (2, 300, 0.8), 2: (4, 500, 0.9), 3: (4, 500, 1.2), 4: (10, 500, 1.2)}
# Widths of the layers, and on 100 rows, by the modes held, 0 for the gradient flow, digits and η·λ₁/2.
SIZES: dict[str, tuple[tuple[int, ...], dict[int, tuple[int, float]]]] = {
    "1e2": ((1,), {0: (4, 0.5), 1: (10, 1.0)}),
    "1e3": ((14,), {0: (4, 0.5), 1: (4, 1.2), 2: (6, 1.5)}),
    "2e4": ((128, 84), {0: (4, 0.5), 1: (2, 1.0), 2: (4, 1.0), 3: (6, 1.0), 4: (6, 1.2)}),
    "1e5": ((284, 284), {0: (4, 0.5), 1: (2, 0.9), 2: (4, 1.0)}),
    "1e6": ((965, 965), {0: (4, 0.5), 1: (2, 1.0)}),
}


@dataclass(frozen=True)
class Case:
    """A net that holds about so many modes, its seed, and the steps of descent before the flow takes over."""

    modes: int
    warm: int
    seed: int = 0
    t: int = TIME

    @property
    def title(self) -> str:
        return f"{PROBLEMS[self.modes][0]} digits, {f'from step {self.warm}' if self.warm else 'cold'}"

    @cached_property
    def net(self) -> Any:
        classes, rows, _ = PROBLEMS[self.modes]
        return network(rows=rows, seed=self.seed, classes=classes)

    @cached_property
    def lr(self) -> float:
        return float(PROBLEMS[self.modes][2] * 2 / self.net.eigenvalues(self.net.start, 1)[0][0])

    @property
    def flow(self) -> Any:
        return cf.flows.central(self.net, cf.optimizers.gd(lr=self.lr))


@cache
def target(case: Case) -> np.ndarray:
    """The midpoint of the optimizer's iterates at the end."""
    step = cf.as_map(case.net, cf.optimizers.gd(lr=case.lr))
    orbit = [step.state(case.net.start)]
    for _ in range(case.warm + case.t + 1):
        orbit = [*orbit[-2:], step(orbit[-1])]
    return (orbit[-3] + 2 * orbit[-2] + orbit[-1]) / 4


def ours(case: Case, rtol: float) -> tuple[Any, float, float, float]:
    """The run, what its start cost in gradients, seconds, and the modes held on average."""
    begun = time.perf_counter()
    run, held = large_run(case.flow, case.net.start, rtol=rtol, warm=case.warm), 0.0
    start = priced(run.oracle.counts)
    while run.t < case.t:
        before = run.t
        run.step(case.t)
        held += run.rank * (run.t - before)
        if run.status:
            raise BenchmarkError(f"{case.title}: {run.status}")
    return run, start, time.perf_counter() - begun, held / case.t


def percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def cells(case: Case, reference: np.ndarray, w: np.ndarray, work: float, seconds: float) -> dict[str, float]:
    error = float(np.linalg.norm(w - reference) / np.linalg.norm(reference - target(case)))
    return {WORK: work / case.t, ERROR: error, SECONDS: seconds / case.t}


def medians(rows: list[dict[str, float]]) -> Cells:
    """Column by column, errors in percent with the largest."""
    found: Cells = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    if len(rows) > 1:
        found[SPREAD] = " to ".join(percent(pick(row[ERROR] for row in rows)) for pick in (min, max))
    return {**found, ERROR: percent(found[ERROR])}


@bench.table("a fully connected net 64-32-32-m on digits", (RANK, STEPS, START, WORK, ERROR, SPREAD, SECONDS, RATIO))
def accuracy(plan: Plan) -> Rows:
    """Mean squares, 3,202 to 3,466 weights, float64, medians over {count} seeds, to t = {t}; η·λ₁/2 of the first weights is 0.8
    with 2 digits, 0.9 with 4, 1.2 where 4 or 10 are to hold more modes. Finding the modes, and a state on the edge where the
    start is beyond it, is the start, which is counted apart. Error: distance at the end to the same flow with a tolerance of
    {strict:g}, relative to the distance of that to the optimizer (the mean of three successive iterates), with the least and the
    largest: a warm start makes that distance up to ten times smaller and the same percentage harder. Gradients per unit: a
    product with the Hessian counted as {product}, g, Hu and T[u, u] at once as {jet}. Published scheme: forward Euler with steps
    of 1/4 and LOBPCG once per unit, ported; one seed, and its gradients per unit over ours as the ratio."""
    count = plan.pick(1, SEEDS)
    for modes in plan.pick((1,), tuple(PROBLEMS)):
        rival: dict[str, float] = {}
        for warm in (0, 10):
            cases = [Case(modes, warm, seed, plan.pick(60, TIME)) for seed in range(count)]
            references = [ours(case, STRICT)[0].w for case in cases]
            if not warm and installed("scipy"):
                rival = published(cases[0], references[0])
                yield Row(f"{cases[0].title}, {modes} held: published scheme", {**rival, ERROR: percent(rival[ERROR])})
            for rtol in (3e-3, 1e-3):
                found = medians([measured_once(case, rtol, w) for case, w in zip(cases, references, strict=True)])
                goals = [Goal(found[WORK], (LIMITS if warm else COLD)[modes])]
                if rival:
                    found[RATIO] = f"{rival[WORK] / found[WORK]:.0f} x"
                    goals.append(Goal(rival[WORK] / found[WORK], DEARER[modes], above=True))
                yield Row(f"{cases[0].title}, {modes} held: rtol {rtol:g}", found, tuple(goals))
    return {"count": count, "t": plan.pick(60, TIME), "strict": STRICT, "product": PRICES["products"], "jet": PRICES["jet"]}


def measured_once(case: Case, rtol: float, reference: np.ndarray) -> dict[str, float]:
    run, start, seconds, held = ours(case, rtol)
    found = cells(case, reference, run.w, priced(run.oracle.counts) - start, seconds)
    return {RANK: held, STEPS: run.steps, START: start, **found}


def published(case: Case, reference: np.ndarray) -> dict[str, float]:
    from peers.quarter_step import follow

    begun = time.perf_counter()
    w, oracle, _ = follow(case.flow, case.net.start, case.t)
    return {STEPS: 4 * case.t, **cells(case, reference, w, priced(oracle.counts), time.perf_counter() - begun)}


@bench.table("flows beside descent, over seeds", (NEARER, SPREAD, LOSS, HELD))
def seeds(plan: Plan) -> Rows:
    """The net with 4 digits from {count} seeds, {steps} steps of descent. Ratio: of the distances to the means (w₋ + 2w + w₊)/4,
    gradient flow's over the central flow's, its median over time; of that the median, the least and the largest over the seeds.
    Loss: predicted over measured, means from the flow's start on (rtol 1e-4); λ₁: that of the means times η/2, averaged; medians
    over the seeds."""
    count, steps = plan.pick(2, SEEDS), plan.pick(200, 900)
    for lr in (0.6, 0.75):
        for warm in (10, 150):
            ratios, losses, held = zip(*(beside(seed, lr, steps, warm) for seed in range(count)), strict=True)
            found: Cells = {
                NEARER: statistics.median(ratios),
                SPREAD: f"{min(ratios):.1f} to {max(ratios):.1f}",
                LOSS: statistics.median(losses),
                HELD: statistics.median(held),
            }
            yield Row(f"η = {lr:g}, from step {warm}", found)
    return {"count": count, "steps": steps}


@bench.table("other optimizers beside the central flow, over seeds", (EDGE, COSINE, MEDIAN, HELD_BY, TOLD, SPREAD))
def others(plan: Plan) -> Rows:
    """The net with 4 digits from {count} seeds, medians. RMSProp, {steps} steps of it, over the second half: λ₁(P⁻¹H) where P and
    weights are averaged (over 2 steps, over 100 where each weight has its own), by SciPy; E g² by coordinate, predicted with
    the part that oscillates and measured: cosine, and the median of the ratios; rtol 1e-3, from step 20. SGD, η = 0.6, {batched}
    steps from step 60 of a run on (20 to 60 later where that is beyond its edge by chance): the sharpness of {runs} runs over the
    second half, and the central flow of batches' over it (rtol 3e-3) with the least and the largest. Goals: 2 %; 0.99 and 10 %;
    15 %."""
    count, steps, batched, runs = plan.pick(1, SEEDS), plan.pick(200, 800), plan.pick(80, 200), 3
    if installed("scipy"):
        scalar = cf.optimizers.scalar_rmsprop(lr=0.03, beta2=0.95)
        own = cf.optimizers.rmsprop(lr=0.001, beta2=0.999, bias_correction=True)
        for title, optimizer, over in (("Scalar RMSProp", scalar, 2), ("RMSProp", own, min(100, steps // 4))):
            edges, cosines, ratios = (statistics.median(c) for c in zip(*(squares(seed, optimizer, steps, 20, over)
                                                                          for seed in range(count)), strict=True))  # fmt: skip
            goals = (Goal(abs(edges - 1), 0.02), Goal(cosines, 0.99, above=True), Goal(abs(ratios - 1), 0.1))
            yield Row(title, {EDGE: edges, COSINE: f"{cosines:.4f}", MEDIAN: ratios}, goals)
    for batch in (10, 50):
        held, told = zip(*(batches(seed, 0.6, batch, batched, runs) for seed in range(count)), strict=True)
        found: Cells = {HELD_BY: statistics.median(held), TOLD: statistics.median(told)}
        yield Row(f"SGD, batches of {batch}", {**found, SPREAD: f"{min(told):.3f} to {max(told):.3f}"},
                  (Goal(abs(statistics.median(told) - 1), 0.15),))  # fmt: skip
    return {"count": count, "steps": steps, "batched": batched, "runs": runs}


@bench.table("flows that follow the swing, beside the central flow", (KEPT, STEPS, WORK, ERROR, SECONDS))
def swinging(plan: Plan) -> Rows:
    """The net with 4 digits at η = 0.75, from the midpoint and the swing of step {warm} over {t} steps, seed 0, rtol 1e-3;
    gradients and error as in the first table, against a tolerance 30 times as strict. Rods: at the end. What finds the
    first modes is counted, too."""
    warm, t = 30, plan.pick(40, 165)
    for name, (run, seconds, error) in swings(warm, t, 1e-3):
        yield Row(name, {KEPT: str(len(run.covariance_factors[1])), STEPS: str(run.steps), WORK: priced(run.oracle.counts) / t,
                         ERROR: percent(error), SECONDS: seconds / t})  # fmt: skip
    return {"warm": warm, "t": t}


@bench.table("growth with the weights", ("weights", RANK, STEPS, START, WORK, ERROR, SECONDS, PUBLISHED, RATIO, MEMORY, BUDGET))
def growth(plan: Plan) -> Rows:
    """100 digits, rtol 3e-3, cold, each row in a process of its own, after a small net that loads all code. So many digits are
    told apart, with such an η, that about k modes are held most of the time; finding them, and a state on the edge, is the start,
    which is counted apart. Error: as above, against a tolerance of {strict:g}, up to 2e4. Published scheme: its gradients per
    unit over {published} units from where that ends. Memory (Linux): the peak beyond that of gradients, products and T of the
    same net once compiled, one by one, in vectors as long as the weights, where freed memory is given back
    (MALLOC_MMAP_THRESHOLD_=65536; else glibc keeps a third more; JAX frees what a call took after it has answered, later on a
    busy machine, which can add eight vectors); allowed: k(k + 1)/2 + 3(k + 1) + 10 for the most modes that were held at once,
    while T is kept, at both ends of a step, of those near the edge, too. Load of the machine when it began: {load}."""
    load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    for name, (widths, problems) in list(SIZES.items())[: plan.pick(3, 5)]:
        for k, (classes, share) in problems.items():
            if k > plan.pick(1, k):
                continue
            found = measured(widths, k, classes, share, plan.pick(10.0, TIME))
            d, rank = int(found["weights"]), int(found["most"])
            allowed = rank * (rank + 1) / 2 + 3 * (rank + 1) + 10
            row: Cells = {"weights": str(d), RANK: found["held"], STEPS: str(int(found["steps"])), START: found["start"],
                          WORK: found["work"], SECONDS: found["seconds"]}  # fmt: skip
            goals = [Goal(found["work"], COLD[k])]
            if "published" in found:
                row |= {PUBLISHED: found["published"], RATIO: f"{found['published'] / found['work']:.0f} x"}
                goals.append(Goal(found["published"] / found["work"], DEARER[k], above=True))
            if "error" in found:
                row[ERROR] = percent(found["error"])
            if d > 50_000:  # below, the memory of Python itself is more
                row |= {MEMORY: found["memory"], BUDGET: str(round(allowed))}
                goals.append(Goal(found["memory"], allowed))
            yield Row(f"{name}, {f'{k} at the edge' if k else 'gradient flow'}, to t = {found['t']:g}", row, tuple(goals))
    return {"load": load, "published": UNITS, "strict": STRICT}


if __name__ == "__main__":
    bench.main()
