"""Nets that hold about so many modes: the central flow of each over a whole run, its cost, and how far it is from exact."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.integrate.large import large_run
from measuring import BenchmarkError
from problems.digits import network
from problems.growing import priced

RANK, STEPS, START, SECONDS = "modes held", "steps", "start", "s per unit"  # columns
WHOLE, PART = 900, 200  # units of flow time: a run, and where it is looked at on its way
# By the modes held: how many digits are told apart, and η·λ₁/2 of the first weights.
PROBLEMS = {1: (3, 0.8), 2: (5, 0.7), 3: (6, 1.0), 4: (10, 0.9)}
TOLERANCES = {0: (3e-3, 1e-3), 10: (1e-3, 3e-4)}  # by the steps of descent before the flow; a tenth of the last: a reference


@dataclass(frozen=True)
class Held:
    """A net that holds about so many modes, its seed, and the steps of descent before the flow takes over."""

    modes: int
    warm: int
    seed: int = 0
    times: tuple[int, ...] = (PART, WHOLE)

    @property
    def title(self) -> str:
        return f"{PROBLEMS[self.modes][0]} digits, {f'from step {self.warm}' if self.warm else 'cold'}"

    @cached_property
    def net(self) -> Any:
        return network(seed=self.seed, classes=PROBLEMS[self.modes][0])

    @cached_property
    def lr(self) -> float:
        return float(PROBLEMS[self.modes][1] * 2 / self.net.eigenvalues(self.net.start, 1)[0][0])

    @property
    def flow(self) -> Any:
        return cf.flows.central(self.net, cf.optimizers.gd(lr=self.lr))

    @cached_property
    def reference(self) -> list[np.ndarray]:
        """The weights at the times, with a tolerance a tenth of the finest that is shown."""
        return [w for w, _ in ours(self, TOLERANCES[self.warm][-1] / 10)[0]]

    @cached_property
    def scales(self) -> list[float]:
        """How far the reference is from the optimizer then, the midpoint of three iterates."""
        step = cf.as_map(self.net, cf.optimizers.gd(lr=self.lr))
        orbit, found = [step.state(self.net.start)], []
        for n in range(self.warm + self.times[-1] + 1):
            orbit = [*orbit[-2:], step(orbit[-1])]
            if n - self.warm in self.times:
                found.append((orbit[0] + 2 * orbit[1] + orbit[2]) / 4)
        return [float(np.linalg.norm(w - middle)) for w, middle in zip(self.reference, found, strict=True)]

    def error(self, place: int, w: np.ndarray) -> float:
        return float(np.linalg.norm(w - self.reference[place])) / self.scales[place]


def ours(case: Held, rtol: float) -> tuple[list[tuple[np.ndarray, float]], dict[str, float]]:
    """At each of the times the weights and the gradients per unit so far; steps, modes held on average, start and seconds."""
    begun = time.perf_counter()
    run, held, found = large_run(case.flow, case.net.start, rtol=rtol, warm=case.warm), 0.0, []
    start = priced(run.oracle.counts)
    for t in case.times:
        while run.t < t:
            before = run.t
            run.step(t)
            held += run.rank * (run.t - before)
            if run.status:
                raise BenchmarkError(f"{case.title}: {run.status}")
        found.append((run.w.copy(), (priced(run.oracle.counts) - start) / t))
    seconds = (time.perf_counter() - begun) / run.t
    return found, {RANK: held / run.t, STEPS: run.steps, START: start, SECONDS: seconds}
