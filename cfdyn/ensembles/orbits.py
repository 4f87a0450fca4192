"""Many orbits of a map, each with its own start and parameters: taken along in lanes and threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cfdyn.codegen.lanes import BLOCK, HEAD
from cfdyn.ensembles.threads import processors
from cfdyn.kernels.lanes import Ensemble, settle
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import ESCAPE, STRETCH

SPEED = 8  # operations in lanes that take the time of one by itself


class Orbits:
    """Orbits on their way: ``states`` (N, D); ``ended`` (N,): the step at which one left, 0 while it goes on; ``codes`` why.

    ``parameters`` (N, n_p): those of the map, an own row for each.
    """

    def __init__(self, step: Map, states: np.ndarray, parameters: np.ndarray, escape: float = ESCAPE):
        self.step, self.escape = step, escape
        self.states, self.parameters = np.array(states, float, order="C"), np.ascontiguousarray(parameters, float)
        self.ended, self.codes = np.zeros(len(states), np.int64), np.zeros(len(states), np.int64)

    def advance(self, steps: int, threads: int | None = None, progress: Callable[[int], None] | None = None) -> None:
        """So many steps of all of them; ``progress`` is told how many orbits are done.

        An orbit that has left before is taken along from where it is.
        """
        threads = threads or processors()
        block, total = self._ensemble(steps), len(self.states)
        part = max(BLOCK, STRETCH * (SPEED if self.step.in_lanes else 1) // (2 * max(1, steps * self.step.cost)))
        part = max(1, min(part, -(-total // threads)))
        spans = [(first, min(first + part, total)) for first in range(0, total, part)]
        self._take(block, 0, 0)  # compiled by the thread that Ctrl-C goes to
        with ThreadPoolExecutor(threads) as pool:
            for done, _ in zip(spans, pool.map(lambda span: self._take(block, *span), spans), strict=True):
                if progress:
                    progress(done[1])

    def _ensemble(self, steps: int) -> Ensemble:
        step = self.step
        rules = {"step": step.rule("step").compiled}
        if step.in_lanes:
            rules["run"] = step.rule("lanes:step").compiled
        return Ensemble.make(block=BLOCK, head=HEAD, d=step.dim, parameters=self.parameters.shape[1], steps=steps,
                             lanes=int(step.in_lanes), size=len(step.p), escape=self.escape, p=step.p, **rules)  # fmt: skip

    def _take(self, block: Ensemble, first: int, last: int) -> None:
        settle(block.memory, first, last, self.states, self.parameters, self.ended, self.codes)
