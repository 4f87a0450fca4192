"""The part of Σ along flat directions, which is slow, and the shift of the mean due to it: about a path of a flow with noise."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cfdyn.integrate.trajectory import Trajectory
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.flow import Flow
from cfdyn.systems.sgd.second_moments import SEEN

EVEN = 100  # equidistant nodes, in addition to those of the path's own steps
LONG = 1e-3  # of the weights: first size of differences of the drift
BENT, QUARTERS = 0.03, 6  # they are quartered, at most this often, until second differences are small relative to first ones
LARGEST = 1e12  # times the size of the weights, squared: a spread that is no longer meaningful
FINE = 10.0  # steps of the trapezoidal rule in the time in which the drift changes by its own size


class Flat(NamedTuple):
    """At times (k,) the covariance F (k, d, d) along flat directions and the shift (k, d) of the mean."""

    t: np.ndarray
    spread: np.ndarray
    shift: np.ndarray

    def at(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both at other times (m,), by linear interpolation."""
        flat = [np.interp(t, self.t, column) for column in np.hstack([self.spread.reshape(len(self.t), -1), self.shift]).T]
        d = self.shift.shape[1]
        columns = np.array(flat).T
        return columns[:, : d * d].reshape(-1, d, d), columns[:, d * d :]


def flat_part(flow: Flow, path: Trajectory) -> Flat:
    """F' = JF + FJᵀ + C_F and the shift y' = Jy + ½ ∇²D:F, from 0, for the drift D of the flow and J its derivative.

    D includes the response of the spread along sharp directions to a change of w, so that a held sharpness pulls runs back.
    """
    d, nodes = flow.n_weights, _nodes(path)
    spread, shift = np.zeros((len(nodes), d, d)), np.zeros((len(nodes), d))
    middles = (nodes[1:] + nodes[:-1]) / 2
    states = path.state(middles) if len(middles) else np.zeros((0, d))
    seen = flow.observe(states)
    assert seen is not None
    inflow, slopes = seen[:, d * d + SEEN :].reshape(-1, d, d), flow.drifts()
    for k, (w, size) in enumerate(zip(states, np.diff(nodes), strict=True)):
        sizes, axes = np.linalg.eigh(spread[k])
        jacobian, push = _differences(slopes, w, np.maximum(sizes, 0.0), axes)
        if not (np.isfinite(jacobian).all() and np.isfinite(inflow[k]).all()):
            spread[k + 1 :], shift[k + 1 :] = np.nan, np.nan
            break
        spread[k + 1], shift[k + 1] = _advanced(jacobian, inflow[k], push, size, spread[k], shift[k])
        if not np.trace(spread[k + 1]) < LARGEST * max(1.0, float(w @ w)):
            spread[k + 1 :], shift[k + 1 :] = np.nan, np.nan
            break
    return Flat(nodes, spread, shift)


def with_flat(flow: Flow, path: Trajectory) -> Trajectory:
    """A path with the flat part in its covariance and in the averages that it predicts."""
    d = flow.n_weights
    flat, shift = flat_part(flow, path).at(path.t)
    observed = evaluate_rows(flow.rule("observed"), path.z, flow.p)
    gradient, hessian = observed[:, 1 : d + 1], observed[:, d + 1 :].reshape(-1, d, d)
    covariance, moved = path.covariance + flat, np.einsum("mij,mj->mi", hessian, shift)
    squares = np.einsum("mij,mjk,mki->m", hessian, covariance, hessian)
    loss = path.loss + np.einsum("mi,mi->m", gradient, shift) + np.einsum("mij,mij->m", hessian, covariance) / 2
    return replace(path, covariance=covariance, flat=flat, shift=shift, predicted_loss=loss,
                   predicted_grad_norm_sq=np.sum((gradient + 2 * moved) * gradient, axis=1) + squares)  # fmt: skip


def left_out(flow: Flow, path: Trajectory) -> tuple[float, float]:
    """What flat directions would add to the predicted loss and to tr Σ, if the drift had always been that at a path's end."""
    d, z = flow.n_weights, path.z[-1]
    wide = flow.with_flat()
    seen = wide.observe(z[None])
    assert seen is not None
    jacobian, _ = _differences(wide.drifts(), z, np.zeros(d), np.eye(d))
    inflow, nothing = seen[0, d * d + SEEN :].reshape(d, d), np.zeros(d)
    if not (np.isfinite(jacobian).all() and np.isfinite(inflow).all()):
        return np.nan, np.nan
    with np.errstate(all="ignore"):
        spread = _advanced(jacobian, inflow, nothing, float(path.t[-1]), np.zeros((d, d)), nothing)[0]
    hessian = flow.rule("observed")(z, flow.p)[d + 1 :].reshape(d, d)
    return float(np.sum(hessian * spread) / 2), float(np.trace(spread))


def _nodes(path: Trajectory) -> np.ndarray:
    """The ends of the path's steps, and times at equal distances."""
    if not len(path.starts):
        return path.t[:1]
    end = path.starts[-1] + path.sizes[-1]
    return np.unique(np.concatenate([path.starts, np.linspace(path.starts[0], end, EVEN + 1)]))


def _differences(
    slopes: Callable[[np.ndarray], np.ndarray], w: np.ndarray, sizes: np.ndarray, axes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """J (d, d), and ½ Σ sizes·∂²D along the axes, (d,); NaN if the drift is undefined nearby."""
    d, here = len(w), slopes(w[None])[0]
    step, open_ = np.full(d, LONG * max(np.abs(w).max(), 1e-3)), np.arange(d)
    slope, bend = np.full((d, d), np.nan), np.zeros((d, d))
    for _ in range(QUARTERS):
        moved = step[open_, None] * axes.T[open_]
        up, down = np.split(slopes(np.concatenate([w + moved, w - moved])), 2)
        first, second = up - down, up + down - 2 * here
        good = np.linalg.norm(second, axis=1) < BENT * np.linalg.norm(first, axis=1)
        finite = np.isfinite(first).all(axis=1)
        slope[open_[finite]] = (first / (2 * step[open_, None]))[finite]
        bend[open_[finite]] = (second / step[open_, None] ** 2)[finite]
        step[open_] /= 4
        open_ = open_[~good]
        if not len(open_):
            break
    return slope.T @ axes.T, sizes @ bend / 2


def _advanced(
    jacobian: np.ndarray, inflow: np.ndarray, push: np.ndarray, size: float, spread: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """F and the shift after a time with constant J and sources: a short trapezoidal step, doubled repeatedly."""
    d = len(shift)
    doublings = max(0, int(np.ceil(np.log2(np.abs(jacobian).sum() * size * FINE + 1e-300))))
    system = np.zeros((d + 1, d + 1))
    system[:d, :d], system[:d, d] = jacobian, push
    short, unit = size / 2**doublings, np.eye(d + 1)
    system *= short
    moved = unit + system @ (unit + system / 2 @ (unit + system / 3 @ (unit + system / 4)))
    onward, pushed = moved[:d, :d], moved[:d, d]
    gained = short / 2 * (inflow + onward @ inflow @ onward.T)
    for _ in range(doublings):
        gained, pushed, onward = gained + onward @ gained @ onward.T, pushed + onward @ pushed, onward @ onward
    after = onward @ spread @ onward.T + gained
    return (after + after.T) / 2, onward @ shift + pushed
