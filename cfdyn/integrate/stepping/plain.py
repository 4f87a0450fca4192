"""Flows without an edge: a smooth flow, integrated by one method after another, and a model that is a map."""

import math

import numpy as np

from cfdyn.integrate._kernels.steppers import methods
from cfdyn.integrate._kernels.steppers.field import SLOPE, SLOPES
from cfdyn.integrate.stepping.run import BLOW_UP, MANY, Phase, Run
from cfdyn.machine.jit import apply


class Smooth(Run):
    """A flow without an edge; the loop changes methods by itself once the flow has its Jacobian, compiled on first use."""

    def to_end(self) -> None:
        """One method after another, to the end or until ``status`` states why not."""
        supplier, clock = self.supplier, self.clock
        reference = np.empty((0, supplier.n_weights))
        clock.rtol, clock.atol = self.options.rtol, self.options.atol
        changes = bool(clock.auto) and supplier.dim <= MANY
        while not self.status:
            ready = clock.ready = changes and (self.implicit or supplier.has_jacobian())
            field = supplier.field(reference, self.implicit or ready)
            self.phases.append(Phase(field, self.t, reference, reference))
            ended = self.steps(field)
            if ended in (methods.STIFF, methods.MILD):
                self.change_method(ended)
                clock.state = 0.0
            else:
                self.stop(ended)


class Discrete(Run):
    """A model that is a map: z + F(z) after one unit of time, linear in between."""

    def to_end(self) -> None:
        """Its steps as pieces of a path, to the end or until ``status`` states why not."""
        nothing, n = np.zeros((0, self.supplier.n_weights)), self.supplier.dim
        field = self.supplier.field(nothing, False)
        sizes = np.append(np.ones(int(self.end)), self.end % 1)[: math.ceil(self.end)]
        pieces, done = np.zeros((len(sizes), 8, n)), 0
        try:
            for size in sizes:
                apply(field.rules[SLOPE], self.z, field.p, self.f)
                if not (np.isfinite(self.f).all() and np.abs(self.z).max() < BLOW_UP):
                    self.stop(methods.STALLED)
                    break
                pieces[done, 0], pieces[done, 1] = self.z, size * self.f
                self.z += size * self.f
                self.clock.t += size
                done += 1
                if self.progress and done % 1000 == 1:
                    self.progress(self.now)
        finally:  # on Ctrl-C, too, the finished part is kept
            times = np.stack([np.arange(len(sizes), dtype=float), sizes], axis=1)
            done = self.look(times[:done], pieces[:done])
            self.clock.steps = field.counts[SLOPES] = done
            self.phases.append(Phase(field, 0.0, nothing, nothing, [(times[:done], pieces[:done])] if done else []))
        self.stop(methods.REACHED)
