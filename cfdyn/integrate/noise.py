"""Readings of a flow with noise at the rows of a path, and sentences about the path as a whole."""

from typing import NamedTuple

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.flat import left_out
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.systems.flow import Flow
from cfdyn.systems.sgd.second_moments import MOST_FLAT, SEEN

WARM = 300  # steps of the optimizer to start after, where the first ones are beyond mean-square stability
HALVINGS = 40  # halvings of a step in which a sign changes
TOO_MUCH = 0.5  # of tr Σ left out: on a loss that all rows fit, a path came to rest where no run does
LITTLE, MUCH = 0.005, 1e6  # fractions of the predicted loss or tr Σ: too small to mention, and too large to be meaningful
ESCAPING = 100.0  # tr Σ relative to its usual size if it diverges to infinity
LATE, MOMENTS = 2 / 3, 9  # fraction of the time after which it is judged, and the number of moments
ENOUGH = 0.5  # relative to what the loss alone would add to the sharpness: noise that removes this much holds it
STILL = 1e-3  # relative to the sharpness: no change


def of_noise(seen: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Σ (m, d, d), its rank (m,) and the other fields of a `Trajectory`, from the output of `Flow.observe`."""
    radius, damping, neglected, kept, _ = seen[:, d * d : d * d + SEEN].T.copy()
    return seen[:, : d * d].reshape(-1, d, d), kept.astype(int), {"radius": radius, "damping": damping, "neglected": neglected}


def said_of_noise(flow: Flow, path: Trajectory) -> list[str]:
    """What holds the sharpness and how much is omitted, at the ends of all steps; nothing for a flow without noise."""
    if path.damping is None:
        return []
    # A few rows may be all that was requested.
    times = np.append(path.starts, path.starts[-1] + path.sizes[-1]) if len(path.starts) else path.t
    seen = _at(flow, path, times)
    damping, neglected = seen["damping"], seen["neglected"]
    worst = float(np.nanmax(np.abs(neglected), initial=0.0))
    trust = "" if worst < TOO_MUCH else ", too much for the path to be reliable"
    left = f"the largest term omitted from Σ on sharp directions is at most {100 * worst:.3g} % of tr Σ{trust}"
    said = [_regime(flow, path, times, damping), left, *_of_flat(flow, path)]
    end = float(np.trace(path.covariance[-1])) if len(path.t) else 0.0
    if path.status != "done" and end > ESCAPING * np.median(np.einsum("mii->m", path.covariance)):
        said.append(f"tr Σ = {end:.3g} grows without bound where the path ends: the noise feeds itself there, and runs spread "
                    "out or escape")  # fmt: skip
    return said


def _of_flat(flow: Flow, path: Trajectory) -> list[str]:
    """What is missing without the part of Σ along flat directions, or where that part is too large to be meaningful."""
    if path.flat is not None and path.shift is not None:
        lost = np.isnan(path.shift).any(axis=1)
        return [f"the spread along flat directions grows without bound from t = {path.t[lost][0]:.6g} on"] if lost.any() else []
    if flow.n_weights > MOST_FLAT or flow.dim > flow.n_weights or not len(path.t):
        return []
    loss, trace = left_out(flow, path)
    if trace == 0.0:
        return []
    predicted, own = float(path.predicted_loss[-1]), float(np.trace(path.covariance[-1]))
    if not (np.isfinite(loss) and abs(loss) < predicted and trace < MUCH * max(own, 1e-300)):
        return ["Σ omits flat directions, ηλ below the cut, and the spread along them is not small; flat=True includes it"]
    if abs(loss) < LITTLE * abs(predicted) and trace < LITTLE * own:
        return []
    share = f"{100 * loss / predicted:.2g} % to the predicted loss and {trace / own:.2g} of itself to tr Σ"
    return [f"Σ omits flat directions, ηλ below the cut: if the drift had always been that at the end, they would add {share}; "
            "flat=True includes them"]  # fmt: skip


def _at(flow: Flow, path: Trajectory, times: np.ndarray) -> dict[str, np.ndarray]:
    """The fields of noise at some times of a path."""
    seen = flow.observe(path.state(times))
    assert seen is not None
    return of_noise(seen, flow.n_weights)[2]


def _regime(flow: Flow, path: Trajectory, times: np.ndarray, damping: np.ndarray) -> str:
    """Whether the edge holds the sharpness and since when; else whether noise does, or nothing."""
    below, least = np.flatnonzero(damping <= 1.0), float(np.nanmin(damping, initial=np.inf))
    if not len(below):
        why = "ηλ₁ ≤ 1, or nothing pushes the sharpness, all along"
        why = why if np.isinf(least) else f"ΔS/√(2α) is at least {least:.3g}, above 1"
        return f"not edge-held: {why}; {late_balance(flow, path).said}"
    first = int(below[0])
    since = times[first]
    if first:
        low, high = times[first - 1], times[first]
        for _ in range(HALVINGS):
            since = (low + high) / 2
            low, high = (low, since) if _at(flow, path, np.array([since]))["damping"][0] <= 1.0 else (since, high)
    whole = len(below) == len(times) - first
    when = f"from t = {since:.6g} on" if whole else f"at times, from t = {since:.6g} to {times[below[-1]]:.6g}"
    return (f"edge-held {when}: ΔS/√(2α) falls to {least:.3g}; below 1 Σ oscillates as without noise, and is an average over "
            "that, as in the flow without noise")  # fmt: skip


class LateBalance(NamedTuple):
    """Over the last third of a path: ``gain``, what the loss alone would add to the sharpness in that time, and ``taken``, what
    noise removes; ``first``, ``last``: the sharpness at its ends.
    """

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
        """True if noise removes about what the loss alone would add: from half of it to twice as much."""
        return self.pushed and ENOUGH * self.gain <= self.taken <= self.gain / ENOUGH

    @property
    def said(self) -> str:
        """The result as a sentence."""
        over = f"over the last third of the time it goes from {self.first:.4g} to {self.last:.4g}"
        if not np.isfinite(self.gain + self.taken):
            return "whether noise or nothing holds the sharpness is undecided here"
        rest = f"of {self.gain:.3g} that the loss alone would add, noise removes {self.taken:.3g}; {over}"
        if self.by_noise:
            return f"noise holds the sharpness: {rest}"
        if self.taken > max(self.gain, STILL * self.last):
            return f"nothing holds the sharpness, noise lowers it: {rest}"
        if self.pushed:
            return f"nothing holds the sharpness: {rest}"
        if self.gain < -STILL * self.last:
            return f"nothing holds the sharpness, the loss itself lowers it: {over}"
        return f"nothing pushes the sharpness: {over}"


def late_balance(flow: Flow, path: Trajectory) -> LateBalance:
    """Means over moments of the last third: of each, the change due to loss and noise in that time by their drift there.

    A drift v continues as e^{−PHt}v, with negative curvature set to 0: a loss pulls towards its minimum, and no farther.
    """
    if not np.isfinite(flow.pace):
        return LateBalance(np.nan, np.nan, *path.sharpness[[0, -1]])
    end = float(path.starts[-1] + path.sizes[-1]) if len(path.starts) else 0.0
    d, pace = flow.n_weights, flow.pace
    states = path.state(np.linspace(LATE * end, end, MOMENTS)) if end > 0 else path.z[-1:]
    seen = flow.observe(states)
    assert seen is not None
    parts = []
    for z, sigma in zip(states, seen[:, : d * d], strict=True):
        values, axes = np.linalg.eigh(flow.rule("observed")(z, flow.p)[1 + d :].reshape(d, d))
        rates = pace * np.maximum(values, 0.0)
        sharpest = np.outer(axes[:, -1], axes[:, -1]).ravel()
        rest, noisy, along = (flow.rule("push")(np.concatenate([z, s]), flow.p) for s in (0 * sigma, sigma, sharpest))
        time = (1 - LATE) * end
        lasting = -np.expm1(-rates * time) / np.where(rates > 0, rates, 1.0) + np.where(rates > 0, 0.0, time)
        rise = -2 / pace * (along - rest) @ axes * lasting
        parts.append((rise @ (rest @ axes), -rise @ ((noisy - rest) @ axes), values[-1]))
    gain, taken, sharpness = np.array(parts).T
    return LateBalance(float(gain.mean()), float(taken.mean()), float(sharpness[0]), float(sharpness[-1]))


def beyond_stability(flow: Flow, z: np.ndarray) -> NumericsError | None:
    """The error for a start where the second moments of the noise grow without bound."""
    seen = flow.observe(z[None])
    growth = np.nan if seen is None else float(seen[0, flow.n_weights**2 + 4])
    if not growth > 1:
        return None
    # Weights alone are completed by the second moment of their first step, on all rows.
    more = "give the optimizer's whole state, or " if flow.dim > flow.n_weights else ""
    factor = f"{growth:.6g}" if growth < np.inf else "more than 1e12"
    return NumericsError(
        "the start is beyond mean-square stability: a step of the optimizer multiplies second moments of the sharp directions "
        f"by {factor}; {more}start where the optimizer is after some {WARM} steps, lower lr, or raise `cut`"
    )
