"""Whether noise holds the sharpness on a path of the flow with noise, or nothing does."""

from typing import NamedTuple

import numpy as np

from cfdyn.integrate.trajectory import Trajectory
from cfdyn.systems.flow import Flow

LATE, MOMENTS = 2 / 3, 9  # of the time, over the rest of which it is judged, and at how many moments
ENOUGH = 0.5  # of what the loss alone would add to the sharpness: noise that takes off so much holds it
STILL = 1e-3  # of the sharpness: what is no change


class Held(NamedTuple):
    """Over the last third of a path: ``gain``, what the loss alone would add to the sharpness in that time, and ``taken``, what
    noise takes off; ``first``, ``last``: the sharpness at its ends."""

    gain: float
    taken: float
    first: float
    last: float

    @property
    def pushed(self) -> bool:
        """True if the loss alone would add to the sharpness."""
        return self.gain > STILL * self.last

    @property
    def by_noise(self) -> bool:
        """True if noise takes off about what the loss alone would add: from half of it to twice as much."""
        return self.pushed and ENOUGH * self.gain <= self.taken <= self.gain / ENOUGH

    @property
    def said(self) -> str:
        """As a sentence."""
        over = f"over the last third of the time it goes from {self.first:.4g} to {self.last:.4g}"
        if not np.isfinite(self.gain + self.taken):
            return "noise holds the sharpness, or nothing does: that is not told here"
        rest = f"of {self.gain:.3g} that the loss alone would add, noise takes off {self.taken:.3g}; {over}"
        if self.by_noise:
            return f"noise holds the sharpness: {rest}"
        if self.taken > max(self.gain, STILL * self.last):
            return f"nothing holds the sharpness, noise lowers it: {rest}"
        if self.pushed:
            return f"nothing holds the sharpness: {rest}"
        if self.gain < -STILL * self.last:
            return f"nothing holds the sharpness, the loss itself lowers it: {over}"
        return f"nothing pushes the sharpness: {over}"


def who_holds(flow: Flow, path: Trajectory) -> Held:
    """Means over moments of the last third, each of what loss and noise would change in that time by their drift there.

    A drift v goes on as e^{−PHt}v, negative curvature counted as none: a loss pulls towards its minimum, and no farther.
    """
    if not np.isfinite(flow.pace):
        return Held(np.nan, np.nan, *path.sharpness[[0, -1]])
    end = float(path.starts[-1] + path.sizes[-1]) if len(path.starts) else 0.0
    d, pace = flow.n_weights, flow.pace
    states = path.state(np.linspace(LATE * end, end, MOMENTS)) if end > 0 else path.z[-1:]
    seen = flow.observe(states)
    assert seen is not None
    found = []
    for z, sigma in zip(states, seen[:, : d * d], strict=True):
        values, axes = np.linalg.eigh(flow.rule("observed")(z, flow.p)[1 + d :].reshape(d, d))
        rates = pace * np.maximum(values, 0.0)
        sharpest = np.outer(axes[:, -1], axes[:, -1]).ravel()
        rest, noisy, along = (flow.rule("push")(np.concatenate([z, s]), flow.p) for s in (0 * sigma, sigma, sharpest))
        time = (1 - LATE) * end
        lasting = -np.expm1(-rates * time) / np.where(rates > 0, rates, 1.0) + np.where(rates > 0, 0.0, time)
        rise = -2 / pace * (along - rest) @ axes * lasting
        found.append((rise @ (rest @ axes), -rise @ ((noisy - rest) @ axes), values[-1]))
    gain, taken, sharpness = np.array(found).T
    return Held(float(gain.mean()), float(taken.mean()), float(sharpness[0]), float(sharpness[-1]))
