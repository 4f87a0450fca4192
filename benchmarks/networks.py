"""What a central flow of a network costs, with its error and memory, beside the published scheme.

The scheme: `peers.quarter_step`. Costs are in gradients; what a product with the Hessian and T[u, u] cost is timed.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.integrate.large import large_run
from measuring import Benchmark, BenchmarkError, Cells, Goal, Plan, Row, Rows, installed
from measuring.processes import fresh

bench = Benchmark("networks")

WORK, SECONDS, ERROR, RANK, STEPS = "gradients per unit", "s per unit", "error", "modes held", "steps"
PRICES = {"products": 1.35, "jet": 2.25}  # in gradients: the measured ones differ from call to call on a machine with other work
NEARER, SPREAD, LOSS, HELD = "ratio of distances", "least to largest", "loss, predicted over measured", "λ₁η/2"
FINE = 30  # times a stricter tolerance is the reference
MEMORY, BUDGET, KEPT = "memory (vectors)", "allowed", "modes or rods"
START, PUBLISHED, RATIO = "start", "published, per unit", "ratio"
UNITS, PATIENCE = 2, 30.0  # of flow time for the published scheme; seconds, after which a row stands as far as it is
# Widths of the layers, the most modes at the edge, and how far.
SIZES = {"1e2": ((1,), 1, 200.0), "1e3": ((14,), 4, 100.0), "2e4": ((128, 84), 4, 60.0), "1e5": ((284, 284), 2, 60.0),
         "1e6": ((965, 965), 1, 20.0)}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A learning rate on the digits net, how far, the optimizer steps before the flow takes over, and the digits told apart."""

    lr: float
    t: int
    warm: int
    classes: int = 4

    @property
    def title(self) -> str:
        which = f"{self.classes} digits, " if self.classes != 4 else ""
        return f"{which}η = {self.lr:g}, to t = {self.t}, {f'from step {self.warm}' if self.warm else 'cold'}"

    @property
    def net(self) -> Any:
        return network(classes=self.classes)


@cache
def network(widths: tuple[int, ...] = (32, 32), rows: int = 500, seed: int = 0, classes: int = 4) -> Any:
    return cf.networks.mlp(cf.data.digits(classes=classes, n=rows), widths=widths, seed=seed)


def priced(counts: dict[str, int]) -> float:
    """Calls in gradients, at fixed prices."""
    return counts.get("gradient", 0) + sum(price * counts.get(kind, 0) for kind, price in PRICES.items())


@cache
def target(case: Case) -> np.ndarray:
    """The midpoint of the optimizer's iterates at the end."""
    net, step = case.net, cf.as_map(case.net, cf.optimizers.gd(lr=case.lr))
    orbit = [net.start]
    for _ in range(case.warm + case.t + 1):
        orbit.append(step(orbit[-1]))
    return (orbit[-3] + 2 * orbit[-2] + orbit[-1]) / 4


def ours(case: Case, rtol: float) -> tuple[Any, float, float, float]:
    """The run, what its start cost in gradients, seconds, and the modes held on average."""
    flow = cf.flows.central(case.net, cf.optimizers.gd(lr=case.lr))
    begun = time.perf_counter()
    run, held = large_run(flow, case.net.start, rtol=rtol, warm=case.warm), 0.0
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


def cells(case: Case, reference: np.ndarray, w: np.ndarray, work: float, seconds: float) -> Cells:
    error = float(np.linalg.norm(w - reference) / np.linalg.norm(reference - target(case)))
    return {WORK: work / case.t, ERROR: percent(error), SECONDS: seconds / case.t}


@bench.table("a fully connected net 64-32-32-4 on 500 digits", (RANK, STEPS, START, WORK, ERROR, SECONDS))
def accuracy(plan: Plan) -> Rows:
    """Mean squares, 3268 weights, float64, one seed; rows with more digits say so. Finding the modes, and from step 10 on a state
    on the edge, is the start, which is counted apart. Error: distance to the same flow with a tolerance {fine} times as strict,
    relative to the distance of that to the optimizer (the mean of three successive iterates): a warm start makes that ten times
    smaller and the same percentage harder. Gradients per unit: a product with the Hessian counted as {product}, g, Hu and T[u, u]
    at once as {jet}. Published scheme: forward Euler with steps of 1/4 and LOBPCG once per unit, ported."""
    cases = [Case(lr, plan.pick(60, 200), warm) for lr in plan.pick((0.6,), (0.6, 0.75, 1.0)) for warm in (0, 10)]
    cases += plan.pick([], [Case(1.0, 100, 10, classes=6)])
    for case in cases:
        reference = ours(case, 1e-3 / FINE)[0].w
        for rtol in (3e-3, 1e-3):
            run, start, seconds, held = ours(case, rtol)
            found = cells(case, reference, run.w, priced(run.oracle.counts) - start, seconds)
            goal = Goal(found[WORK], 2.0 if held < 1.5 and not case.warm else 4.0 if held < 1.5 else 10.0 if held < 2.5 else 20.0)
            yield Row(f"{case.title}: cfdyn, rtol {rtol:g}", {RANK: held, STEPS: str(run.steps), START: start, **found}, (goal,))
        if not case.warm and installed("scipy"):
            yield published(case, reference)
    return {"fine": FINE, "product": PRICES["products"], "jet": PRICES["jet"]}


def published(case: Case, reference: np.ndarray) -> Row:
    from peers.quarter_step import follow

    begun = time.perf_counter()
    flow = cf.flows.central(network(), cf.optimizers.gd(lr=case.lr))
    w, oracle, _ = follow(flow, network().start, case.t)
    found = cells(case, reference, w, priced(oracle.counts), time.perf_counter() - begun)
    return Row(f"{case.title}: published scheme", {STEPS: str(4 * case.t), **found})


@bench.table("flows beside descent, over seeds", (NEARER, SPREAD, LOSS, HELD))
def seeds(plan: Plan) -> Rows:
    """The same net from {count} seeds, {steps} steps of descent. Ratio: of the distances to the means (w₋ + 2w + w₊)/4, gradient
    flow's over the central flow's, its median over time; of that the median, the least and the largest over the seeds. Loss:
    predicted over measured, means from the flow's start on (rtol 1e-4); λ₁: that of the means times η/2, averaged; medians over
    the seeds."""
    count, steps = plan.pick(2, 5), plan.pick(200, 900)
    for lr in (0.6, 0.75):
        for warm in (10, 150):
            ratios, losses, held = zip(*(beside(seed, lr, steps, warm) for seed in range(count)), strict=True)
            spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
            found: Cells = {
                NEARER: float(np.median(ratios)),
                SPREAD: spread,
                LOSS: float(np.median(losses)),
                HELD: float(np.median(held)),
            }
            yield Row(f"η = {lr:g}, from step {warm}", found)
    return {"count": count, "steps": steps}


def beside(seed: int, lr: float, steps: int, warm: int) -> tuple[float, float, float]:
    """The median ratio of distances, predicted over measured loss, and λ₁η/2 on average."""
    net, optimizer = network(seed=seed), cf.optimizers.gd(lr=lr)
    orbit = cf.iterate(cf.as_map(net, optimizer), net.start, steps)
    middle, times = orbit.midpoints(), np.arange(5.0, steps - warm, 5.0)
    rows = warm - 1 + times.astype(int)
    paths = [cf.solve(getattr(cf.flows, name)(net, optimizer), middle[warm - 1], times[-1], save_at=times, rtol=1e-4)
             for name in ("gradient", "central")]  # fmt: skip
    if any(path.status != "done" for path in paths):
        raise BenchmarkError(f"η = {lr:g}, seed {seed}: {[path.status for path in paths]}")
    far, close = (np.linalg.norm(path.w - middle[rows], axis=1) for path in paths)
    loss = np.interp(np.arange(warm + 5, rows[-1] + 1), rows + 1, paths[1].predicted_loss).mean()
    values = [net.eigenvalues(middle[row], 1)[0][0] * lr / 2 for row in rows[::10]]
    return float(np.median(far / close)), float(loss / orbit.loss[warm + 5 : rows[-1] + 1].mean()), float(np.mean(values))


@bench.table("flows that follow the swing, beside the central flow", (KEPT, STEPS, WORK, ERROR, SECONDS))
def swinging(plan: Plan) -> Rows:
    """The same net at η = 0.75, from the midpoint and the swing of step {warm} over {t} steps, seed 0, rtol 1e-3; gradients and
    error as in the first table. Rods: at the end. What finds the first modes is counted, too."""
    warm, t, rtol = 30, plan.pick(40, 165), 1e-3
    net, gd = network(), cf.optimizers.gd(lr=0.75)
    flows = {"central": cf.flows.central(net, gd), "edge": cf.flows.edge(net, gd, secant=True),
             "rod, a single one": cf.flows.rod(net, gd), "rod, all rods": cf.flows.rod(net, gd, rods="all")}  # fmt: skip
    middle = target(Case(0.75, warm + t, 0))
    for name, flow in flows.items():
        fine, run = (large_run(flow, net.start, warm=warm, rtol=tol) for tol in (rtol / FINE, rtol))
        begun = time.perf_counter()
        run.advance(t)
        seconds = time.perf_counter() - begun
        fine.advance(t)
        error = float(np.linalg.norm(run.w - fine.w) / np.linalg.norm(fine.w - middle))
        kept = len(run.covariance_factors[1])
        yield Row(name, {KEPT: str(kept), STEPS: str(run.steps), WORK: priced(run.oracle.counts) / t, ERROR: percent(error),
                         SECONDS: seconds / t})  # fmt: skip
    return {"warm": warm, "t": t}


@bench.table("growth with the weights", ("weights", RANK, STEPS, START, WORK, ERROR, SECONDS, PUBLISHED, RATIO, MEMORY, BUDGET))
def growth(plan: Plan) -> Rows:
    """100 digits, rtol 3e-3, each row in a process of its own, after a small net that loads all code. At the edge: η = 2/λ_k at
    the start, so that k modes are there or come soon; finding them, and a state on the edge, is the start, which is counted
    apart. Error: as above, of the weights at the end, up to 2e4. Published scheme: its gradients per unit over {published} units
    from the same start. Memory (Linux): the peak beyond that of gradients, products and T of the same net, in vectors as long as
    the weights, where freed memory is given back (MALLOC_MMAP_THRESHOLD_=65536; else glibc keeps a third more); allowed:
    k(k + 1)/2 + 3(k + 1) + 10 for the most modes that were held at once. Load of the machine when it began: {load}."""
    load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    for name, (widths, most, t) in list(SIZES.items())[: plan.pick(3, 5)]:
        for k in range(plan.pick(min(most, 1), most) + 1):
            found = measured(widths, k, plan.pick(10.0, t))
            d, rank = int(found["weights"]), int(found["most"])
            allowed = rank * (rank + 1) / 2 + 3 * (rank + 1) + 10
            row: Cells = {"weights": str(d), RANK: found["held"], STEPS: str(int(found["steps"])), START: found["start"],
                          WORK: found["work"], SECONDS: found["seconds"]}  # fmt: skip
            goals = [Goal(found["work"], 1.0 if not k else 4.0 if rank < 2 else 10.0 if rank < 3 else 20.0)]
            if "published" in found:
                row |= {PUBLISHED: found["published"], RATIO: f"{found['published'] / found['work']:.0f} x"}
            if "error" in found:
                row[ERROR] = percent(found["error"])
            if d >= 100_000:  # below, the memory of Python itself is more
                row |= {MEMORY: found["memory"], BUDGET: str(round(allowed))}
                goals.append(Goal(found["memory"], allowed))
            yield Row(f"{name}, {f'{k} at the edge' if k else 'gradient flow'}, to t = {found['t']:g}", row, tuple(goals))
    return {"load": load, "published": UNITS}


PROCESS = """
import gc, json, sys, time, numpy as np, cfdyn as cf
from cfdyn.integrate.large import large_run
sys.path.insert(0, {here!r})
from networks import FINE, UNITS, installed, network, priced
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
def at_edge(net, k):
    values = net.eigenvalues(net.start, max(k, 1))[0]
    lr = 2 / values[k - 1] if k else 1 / values[0]
    return (cf.flows.central if k else cf.flows.gradient)(net, cf.optimizers.gd(lr=lr))
small = network((3,), 100)
large_run(at_edge(small, {k}), small.start).advance(1.0)
cf.complementarity(-np.eye(2), np.einsum("ik,jl->ijkl", np.eye(2), np.eye(2)))
net = network({widths}, 100)
flow, u = at_edge(net, {k}), np.full(net.dim, net.dim**-0.5)
gc.collect()
open("/proc/self/clear_refs", "w").write("5")
for _ in range(2):
    net.gradient(net.start), net.hvp(net.start, u), net.jet(net.start, u) if {k} else None
first, held, most = peak(), 0.0, 0
run = large_run(flow, net.start, rtol=3e-3)
start, begun = priced(run.oracle.counts), time.perf_counter()
while run.t < {t} and not run.status and time.perf_counter() - begun < {patience}:
    before = run.t
    run.step({t})
    held += run.rank * (run.t - before)
    most = max(most, run.rank)
found = dict(weights=net.dim, held=held / run.t, most=most, steps=run.steps, start=start, t=run.t,
             work=(priced(run.oracle.counts) - start) / run.t, seconds=(time.perf_counter() - begun) / run.t,
             memory=(peak() - first) / 8 / net.dim)
if {k} and net.dim < 50_000 and run.t == {t}:
    fine, w = large_run(flow, net.start, rtol=3e-3 / FINE), [net.start]
    fine.advance({t})
    for _ in range(round({t}) + 1):
        w.append(w[-1] - flow.params["lr"] * net.gradient(w[-1]))
    middle = (w[-3] + 2 * w[-2] + w[-1]) / 4
    found["error"] = float(np.linalg.norm(run.w - fine.w) / np.linalg.norm(fine.w - middle))
if {k} and net.dim < 500_000 and installed("scipy"):
    from peers.quarter_step import follow
    found["published"] = priced(follow(flow, net.start, UNITS)[1].counts) / UNITS
print("found", json.dumps(found), file=sys.stderr)
"""


def measured(widths: tuple[int, ...], k: int, t: float) -> dict[str, float]:
    """What a row shows, in a process of its own."""
    from measuring.report import HERE

    code = PROCESS.format(here=str(HERE), k=k, widths=widths, t=t, patience=PATIENCE)
    errors = fresh(["-c", code], {"MALLOC_MMAP_THRESHOLD_": "65536"}, patience=900).errors
    return json.loads(next(line for line in errors.splitlines() if line.startswith("found ")).partition(" ")[2])


if __name__ == "__main__":
    bench.main()
