"""What a flow with noise tells at the rows of a path, and in sentences of the path as a whole."""

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.flat import left_out
from cfdyn.integrate.held import who_holds
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.systems.flow import Flow
from cfdyn.systems.sgd.second_moments import MOST_FLAT, SEEN

WARM = 300  # steps of the optimizer to start after, where the first ones are beyond mean-square stability
HALVINGS = 40  # of a step, in which a sign changes
TOO_MUCH = 0.5  # of tr Σ left out: on a loss that all rows fit, a path came to rest where no run does
LITTLE, MUCH = 0.005, 1e6  # of the predicted loss or tr Σ: shares not worth a word, and beyond words
ESCAPING = 100.0  # tr Σ beside its usual size, where it is on its way to infinity


def of_noise(seen: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Σ (m, d, d), its rank (m,) and the other fields of a `Trajectory`, from what `Flow.observe` tells."""
    radius, damping, neglected, kept, _ = seen[:, d * d : d * d + SEEN].T.copy()
    return seen[:, : d * d].reshape(-1, d, d), kept.astype(int), {"radius": radius, "damping": damping, "neglected": neglected}


def said_of_noise(flow: Flow, path: Trajectory) -> list[str]:
    """Who holds the sharpness and how much is left out, at the ends of all steps; nothing of a flow without noise."""
    if path.damping is None:
        return []
    # Some rows may be all that was asked for.
    times = np.append(path.starts, path.starts[-1] + path.sizes[-1]) if len(path.starts) else path.t
    seen = _at(flow, path, times)
    damping, neglected = seen["damping"], seen["neglected"]
    worst = float(np.nanmax(np.abs(neglected), initial=0.0))
    trust = "" if worst < TOO_MUCH else ", too much for the path to be relied upon"
    left = f"the largest term left out of Σ on sharp directions is at most {100 * worst:.3g} % of tr Σ{trust}"
    said = [_regime(flow, path, times, damping), left, *_of_flat(flow, path)]
    end = float(np.trace(path.covariance[-1])) if len(path.t) else 0.0
    if path.status != "done" and end > ESCAPING * np.median(np.einsum("mii->m", path.covariance)):
        said.append(f"tr Σ = {end:.3g} grows without bound where the path ends: the noise feeds itself there, and runs spread "
                    "out or escape")  # fmt: skip
    return said


def _of_flat(flow: Flow, path: Trajectory) -> list[str]:
    """What is missing without the part of Σ along flat directions, or where that is too large to mean anything."""
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
        return ["Σ leaves out flat directions, ηλ below the cut, and the spread along them is not small; flat=True carries it"]
    if abs(loss) < LITTLE * abs(predicted) and trace < LITTLE * own:
        return []
    share = f"{100 * loss / predicted:.2g} % to the predicted loss and {trace / own:.2g} of itself to tr Σ"
    return [f"Σ leaves out flat directions, ηλ below the cut: had the drift always been that at the end, they would add {share}; "
            "flat=True carries them"]  # fmt: skip


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
        return f"not edge-held: {why}; {who_holds(flow, path).said}"
    first = int(below[0])
    since = times[first]
    if first:
        low, high = times[first - 1], times[first]
        for _ in range(HALVINGS):
            since = (low + high) / 2
            low, high = (low, since) if _at(flow, path, np.array([since]))["damping"][0] <= 1.0 else (since, high)
    whole = len(below) == len(times) - first
    when = f"from t = {since:.6g} on" if whole else f"at times, from t = {since:.6g} to {times[below[-1]]:.6g}"
    return (f"edge-held {when}: ΔS/√(2α) falls to {least:.3g}; below 1 Σ swings as without noise, and stands for an average over "
            "that, as in the flow without noise")  # fmt: skip


def beyond_stability(flow: Flow, z: np.ndarray) -> NumericsError | None:
    """The error for a start where the second moments of the noise grow without bound."""
    seen = flow.observe(z[None])
    growth = np.nan if seen is None else float(seen[0, flow.n_weights**2 + 4])
    if not growth > 1:
        return None
    # Weights alone get the second moment of their first step, on all rows.
    more = "give the optimizer's whole state, or " if flow.dim > flow.n_weights else ""
    factor = f"{growth:.6g}" if growth < np.inf else "more than 1e12"
    return NumericsError(
        "the start is beyond mean-square stability: a step of the optimizer multiplies second moments of the sharp directions "
        f"by {factor}; {more}start where the optimizer is after some {WARM} steps, lower lr, or raise `cut`"
    )
