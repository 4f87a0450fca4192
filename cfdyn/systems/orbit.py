"""`iterate`: run a map and keep the orbit."""

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import DIVERGED, DONE
from cfdyn.records.record import Record, provenance
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.eigenvalues import largest_eigenvalues, leading
from cfdyn.systems.map import Map, require_map, require_step
from cfdyn.systems.matrix_free.map import MatrixFreeMap, left

ESCAPE, FAR = 1e15, 1e307  # an orbit that is to be kept ends here; a verdict follows it as far as floats go
MAX_BYTES = 2**32  # of an orbit that is kept
PRECISE = 250  # bytes of a number of many digits, and half a byte for each digit


@dataclasses.dataclass(frozen=True)
class Orbit(Record):
    """The orbit of a map: its states, step by step.

    ``z`` (n+1, D): the full states; float64, or mpmath numbers if ``digits`` was given.
    ``names``: the names of the D entries; ``n_weights``: the number of weights.
    ``status``: "done", "diverged at step k" or "left the domain at step k"; the orbit then ends
    with the last finite state.

    Examples
    --------
    >>> import cfdyn as cf
    >>> orbit = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1)), [1.2], 100)
    >>> orbit.z.shape, orbit.names, orbit.status, orbit.w[-2:, 0].round(4).tolist()
    ((101, 1), ('w',), 'done', [0.8146, 1.1161])
    """

    z: Annotated[np.ndarray, "t D", str]
    names: Annotated[tuple[str, ...], "D"]
    n_weights: int
    status: str
    _step: AnyMap | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def w(self) -> np.ndarray:
        """The weights, (n+1, d)."""
        return self.z[:, : self.n_weights]

    def midpoints(self) -> np.ndarray:
        """w*_t = (w_{t−1} + 2w_t + w_{t+1})/4 for t = 1…n−1, (n−1, d), which averages out a 2-cycle."""
        w = self.w
        return (w[:-2] + 2 * w[1:-1] + w[2:]) / 4

    def last_two(self) -> np.ndarray:
        """(w_{t−1} + w_t)/2 for t = 1…n, (n, d), which averages out a 2-cycle, with a lag of half a step."""
        return (self.w[:-1] + self.w[1:]) / 2

    def ema(self, decay: float) -> np.ndarray:
        """The exponential moving average a_t = decay·a_{t−1} + (1 − decay) w_t from a_0 = w_0, (n+1, d).

        It reduces a 2-cycle by the factor (1 − decay)/(1 + decay), and it lags by decay/(1 − decay) steps.

        Raises
        ------
        UsageError : a decay outside [0, 1)
        """
        if not 0 <= number("the decay of an average", decay) < 1:
            raise UsageError(f"the decay of an average lies in [0, 1), not {decay}")
        averages = self.w.copy()
        for t in range(1, len(averages)):
            averages[t] += decay * (averages[t - 1] - averages[t])
        return averages

    def polyak(self) -> np.ndarray:
        """The mean of w_0…w_t for each t, (n+1, d)."""
        return np.cumsum(self.w, axis=0) / np.arange(1, len(self.w) + 1)[:, None]

    @cached_property
    def loss(self) -> np.ndarray:
        """L(w_t), (n+1,)."""
        return self._observed("loss").observe("loss", self._floats)

    @cached_property
    def sharpness(self) -> np.ndarray:
        """λ₁(∇²L(w_t)), (n+1,); NaN where the Hessian is not finite."""
        return self._observed("sharpness").observe("sharpness", self._floats)

    @cached_property
    def preconditioned_sharpness(self) -> np.ndarray:
        """λ₁(P⁻¹H), (n+1,), H at w_t and P of the step from there; NaN where it is not finite.

        P follows from the optimizer's formulas with the states as the step uses them, bias correction included; coupled weight
        decay is part of H. This is the preconditioned sharpness of Cohen et al. (2022, arXiv 2207.14484). A mode flips where it
        exceeds `theta`; for gradient descent ηλ₁(H) > 2. On an oscillating orbit it differs from that of the averaged weights,
        which `cfdyn.analysis.hovering` computes.

        Raises
        ------
        UsageError : an optimizer without P: signs, normalized or clipped gradients, a second gradient (sam), matrix steps

        Examples
        --------
        >>> import cfdyn as cf
        >>> step = cf.as_map(cf.Loss("w**2"), cf.optimizers.adam(lr=0.1, beta2=0.75))
        >>> orbit = cf.iterate(step, [1.0], 2)  # P of the first step is (|g| + ε)/η
        >>> orbit.preconditioned_sharpness.round(4).tolist(), orbit.theta.round(9).tolist()
        ([0.1, 0.1059, 0.113], [38.0, 38.0, 38.0])
        """
        step = self._observed("preconditioner")
        return self.theta * preconditioned_along(step, self._floats, self.preconditioners)

    @cached_property
    def theta(self) -> np.ndarray:
        """θ, the λ₁(P⁻¹H) beyond which a mode flips, (n+1,); 2 without momentum, else from the optimizer's formulas.

        The powers of β that correct the momentum's bias are taken as 0, as in `cfdyn.flows.central`.

        Raises
        ------
        UsageError : as `preconditioned_sharpness`
        """
        return thetas(self.preconditioners)

    @cached_property
    def preconditioners(self) -> np.ndarray:
        """θP/2 and P of each weight in the step from each row, and the penalty of weight decay, (n+1, 2d + 1)."""
        return self._observed("preconditioner").preconditioners(self._floats)

    @property
    def _floats(self) -> np.ndarray:
        return np.asarray(self.z, dtype=float)

    def _observed(self, what: str) -> AnyMap:
        """Its map, if there is a loss."""
        if self._step is None or not self._step.has_loss:
            raise UsageError(f"this orbit has no {what}: its map is not an optimizer on a loss, or it was loaded")
        return self._step


def preconditioned_along(step: AnyMap, z: np.ndarray, held: np.ndarray) -> np.ndarray:
    """λ₁(P⁻¹H)/θ at states z (n, D) with the rows of `Orbit.preconditioners`, (n,)."""
    return largest_eigenvalues(step.rule, z, step.p, step.n_weights, held)


def thetas(held: np.ndarray) -> np.ndarray:
    """θ of rows of `Orbit.preconditioners`, (n,)."""
    with np.errstate(all="ignore"):
        d = held.shape[1] // 2
        return np.fmax.reduce(2 * held[:, :d] / held[:, d : 2 * d], axis=1)  # all the same, but where P is 0


def require_loss(question: str, orbit: Any) -> AnyMap:
    """The map of an orbit; a UsageError for what is not the orbit of an optimizer on a loss, or was loaded from a file."""
    if not isinstance(orbit, Orbit) or orbit._step is None or not orbit._step.has_loss:
        needed = "the orbit of an optimizer on a loss, as cf.iterate(cf.as_map(loss, optimizer), …) gives"
        raise UsageError(f"{question} needs {needed}")
    return orbit._step


def iterate(
    step: Map | MatrixFreeMap, z0: Any, n: int, digits: int | None = None, progress: Callable[[int], None] | None = None,
    inject: float = 0.0,
) -> Orbit:  # fmt: skip
    """The orbit z_{t+1} = f(z_t) for n steps.

    Parameters
    ----------
    step : the map; that of a loss that is not a formula is accepted too
    z0 : start, the d weights or the full state of D entries
    n : number of steps
    digits : iterate with that many decimal digits instead of float64
    progress : called now and then with the number of steps done
    inject : a minimal amplitude (to within a factor 3) of the alternation of the weights along the Hessian's leading
        eigenvector: if it is smaller, the next weights are moved. An oscillation that grows again at the edge then starts from a
        given size, not from round-off

    Returns
    -------
    Orbit; if it diverges (|z| > 1e15) or leaves the domain, it ends early, and its status says so

    Raises
    ------
    UsageError : a start of the wrong length or not finite, negative n, an orbit beyond 4 GiB, inject without a loss or with
        digits

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.5))
    >>> orbit = cf.iterate(step, [0.5], 3)
    >>> orbit.w[:, 0].round(4).tolist(), orbit.status
    ([0.5, 0.6875, 0.8688, 0.9753], 'done')
    >>> cf.iterate(step.at(lr=3.0), [2.0], 100).status
    'diverged at step 4'
    >>> print(cf.iterate(step, [0.5], 3, digits=30).z[3, 0])
    0.975299630818881269078701734543
    """
    z = require_step(step).state(z0)
    n = whole_number("the number of steps", n, 0)
    size = (n + 1) * step.dim * (8 if digits is None else PRECISE + digits // 2)
    if size > MAX_BYTES:
        raise UsageError(f"an orbit of {n} steps needs {size / 2**30:.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB")
    if not 0 <= inject < np.inf or inject and (digits is not None or not step.has_loss):
        raise UsageError(f"`inject` is the size of an oscillation (≥ 0) of an optimizer on a loss in float64, not {inject}"
                         + (" with digits" if digits is not None else ""))  # fmt: skip
    settings = provenance(map=step.title, params=step.params, start=z, steps=n, digits=digits, inject=inject)
    if inject:
        states, code = _with_seed(step, z, n, inject)
        status = status_text(code, len(states))
    elif digits is not None:
        states, status = _iterate_precisely(require_map(step), z, n, digits, progress)
    else:
        states, code = step.orbit(z, n, ESCAPE, progress)
        status = status_text(code, len(states))
    return Orbit(states, step.names, step.n_weights, status, step, provenance=settings)


def _with_seed(step: AnyMap, z0: np.ndarray, n: int, size: float) -> tuple[np.ndarray, int]:
    """n steps, with the alternation kept at least at ``size``."""
    states, rule, d = np.empty((n + 1, step.dim)), step.rule("step"), step.n_weights
    sign = 1.0
    states[0] = z0
    for k in range(n):
        states[k + 1] = rule(states[k], step.p)
        if not np.abs(states[k + 1]).max() <= ESCAPE:
            return states[: k + 1].copy(), left(states[k], states[k + 1])
        if k < 2:
            continue
        # A third difference: no slow motion is taken for an oscillation.
        swing = (3 * states[k, :d] - 3 * states[k - 1, :d] + states[k - 2, :d] - states[k + 1, :d]) / 8
        if np.linalg.norm(swing) >= size * 10:
            continue
        sharpness, direction = leading(step.rule, states[k], step.p, d)
        if np.isfinite(sharpness):
            along = float(swing @ direction)
            sign = np.sign(along) or sign
            # Twice what is missing: within a third of the size, whatever of it a step leaves.
            states[k + 1, :d] -= sign * 2 * max(size - abs(along), 0.0) * direction
    return states, DONE


def status_text(code: int, done: int) -> str:
    """The status of an orbit in words."""
    if code == DONE:
        return "done"
    return f"diverged at step {done}" if code == DIVERGED else f"left the domain at step {done}"


def _iterate_precisely(
    step: Map, z0: np.ndarray, n: int, digits: int, progress: Callable[[int], None] | None
) -> tuple[np.ndarray, str]:
    precise = step.precise(digits)
    z = [precise.number(v) for v in z0.tolist()]
    states, status = [z], "done"
    for k in range(1, n + 1):
        z = precise(z)
        if any(v != v for v in z):
            status = f"left the domain at step {k}"
            break
        if any(abs(v) > ESCAPE for v in z):
            status = f"diverged at step {k}"
            break
        states.append(z)
        if progress and k % 1000 == 0:
            progress(k)
    table = np.empty((len(states), step.dim), dtype=object)
    for i, row in enumerate(states):
        table[i] = row
    return table, status
