"""`edge`: the parameter at which a fixed point loses stability, and the kind of bifurcation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.cycles.rest import limit_matrix, never_falling, pulled_off, rest, settled, steady_slopes
from cfdyn.cycles.shooting import polish
from cfdyn.cycles.smoothness import regularity_across
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map, require_parameter
from cfdyn.words import listed

STILL = 1e-6  # a multiplier this close to 1 belongs to a direction along a continuum of fixed points
STAYS = 1e-7  # relative to the size of a point: a fixed point is moved by at most this
NEAR = 0.1  # relative to its size: how far off the fixed point of the map may be, if weights decay
LEAST, SLOW = 1e-12, 1e-3  # times the scale; from 1: a multiplier that only comes near it as the parameter goes to 0
FIRST, FARTHEST, GROWTH = 1 / 16, 1e6, 1.3  # times the scale: where the search begins and ends, and its steps
REAL = 1e-6  # an imaginary part of the multiplier that is round-off
SHOWN = 3  # names of accumulators
NO_EDGE = ", so no edge is defined"
NO_DERIVATIVE = f"the map has no derivative at this point{NO_EDGE}"
ROUGH = {"jump": f"the map jumps at this point{NO_EDGE}", "corner": f"the map has a corner at this point{NO_EDGE}",
         "undefined": NO_DERIVATIVE}  # fmt: skip
NOT_FOUND = "no fixed point was found nearby"
DECAYS = ("; with weight decay only the smallest points of a continuum of minima are fixed points: start there, or set "
          "weight_decay=0")  # fmt: skip
PULLED = ("decay moves a weight there by {:.4g} × lr a step and no gradient beside it moves it back by more than {:.4g} × lr, so "
          "there is no fixed point near it; with a weight_decay below {:.4g} there is one")  # fmt: skip
NEVER_FALLS = "never falls"
RESTS = f"{{}} {NEVER_FALLS}, so the optimizer can rest at any {{}}: an oscillation raises it until the minimum is stable"


class NoEdge(NumericsError):
    """The point has no edge; other errors mean that the search failed."""


@dataclass(frozen=True)
class Edge(Record):
    """The first parameter at which a multiplier of a fixed point leaves the unit circle.

    ``value`` of the parameter; ``kind``: "flip" (−1), "fold" (+1) or "neimark-sacker"; ``multiplier``: the critical one;
    ``points`` (1, D). ``smooth``: False if the map takes the root of an average of squares that is 0 at the point or near it:
    its derivatives then hold only within about ε, and there is no normal form.
    """

    parameter: str
    value: float
    kind: str
    multiplier: complex
    points: Annotated[np.ndarray, "* D"]
    smooth: bool = True


def edge(step: Map, z: Any, scale: float, parameter: str = "lr") -> Edge:
    """The smallest positive parameter at which the fixed point near z loses stability.

    For gradient descent at a minimum of sharpness λ this is the edge of stability η = 2/λ, a flip; for heavy ball 2(1 + μ)/λ.
    Multipliers that stay at 1 (directions along a continuum of fixed points) are excluded. If the map jumps or has a corner at
    the point, as for the sign of a gradient at a minimum, it has no useful derivative there and hence no edge. If ε is added
    outside the root of Adam's v = s², the step has a derivative in the weights and averages, on which s has a second-order
    effect only: the edge is εθ/λ. If an accumulator never decreases, a minimum is a line of fixed points, and there is no edge.

    Parameters
    ----------
    step : the map
    z : near a fixed point that exists for every value of the parameter: weights, or a full state (D,), whose entries other than
        weights are held fixed
    scale : a value at which the search starts, such as 1/λ
    parameter : its name

    Raises
    ------
    NumericsError : no fixed point near z for every value, no derivative there, stable up to 10⁶ × scale, or unstable from 10⁻¹²
        × scale on

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.1, momentum=0.5))
    >>> edge = cf.analysis.edge(step, [1.0], scale=0.5)
    >>> round(edge.value, 12), edge.kind
    (1.5, 'flip')
    """
    require_parameter(require_map(step), parameter)
    if isinstance(scale, bool) or not isinstance(scale, int | float | np.number) or not 0 < scale < np.inf:
        raise UsageError(f"scale is a number above 0, the size of {parameter}, not {scale!r}")
    start = step.state(z)
    weights = step.n_weights or step.dim
    held = np.size(z) == step.dim > weights
    state, smooth = _fixed(step.at(**{parameter: scale}), start, weights, held, parameter)

    def leading(value: float) -> complex:
        limit = limit_matrix(step.at(**{parameter: value}), state)
        if limit is None:
            raise NoEdge(NO_DERIVATIVE)
        values = np.linalg.eigvals(limit[0])
        moving = values[np.abs(values - 1) > STILL]
        return complex(moving[np.argmax(np.abs(moving))]) if len(moving) else 0j

    lo = FIRST * scale
    while abs(leading(lo)) > 1:
        lo *= FIRST
        if lo < LEAST * scale or 1 < abs(leading(lo)) < 1 + SLOW and abs(leading(lo) - 1) < SLOW:
            raise NoEdge(f"the point is unstable already at {parameter} = {lo:.3g}")
    hi = lo
    while abs(leading(hi)) <= 1:
        lo, hi = hi, hi * GROWTH
        if hi > FARTHEST * scale:
            raise NoEdge(f"the point stays stable up to {parameter} = {lo:.3g}")
    value = _halved(lambda v: abs(leading(v)) > 1, lo, hi)
    if not _stays(step.at(**{parameter: value}), state, weights):
        raise NoEdge(f"the fixed point moves with {parameter}")
    multiplier = leading(value)
    kind = "neimark-sacker" if abs(multiplier.imag) > REAL else "flip" if multiplier.real < 0 else "fold"
    settings = provenance(map=step.title, point=state, parameter=parameter)
    return Edge(parameter, value, kind, multiplier, state[None, :], smooth, provenance=settings)


def _fixed(step: Map, z: np.ndarray, weights: int, held: bool, parameter: str) -> tuple[np.ndarray, bool]:
    """The fixed point near z, and whether the map is smooth there; z itself if it is held and its weights stay."""
    if held and _stays(step, z, weights):
        _refuse_rough(step, z)
        return z, steady_slopes(step, z)
    still = z if held else settled(step, z)
    lasting = never_falling(step, still)
    if lasting:
        raise NoEdge(RESTS.format(listed(lasting, SHOWN), parameter))
    _refuse_rough(step, z)
    smooth = step.dim == weights or steady_slopes(step, still)
    fixed = _polished(step, z) if smooth else rest(step, z)
    if not smooth and limit_matrix(step, fixed) is None:
        raise NoEdge(NO_DERIVATIVE)
    near = np.abs(fixed - z)[:weights].max() <= NEAR * (1.0 + np.abs(z[:weights]).max())
    if not near or not _stays(step, fixed, weights):
        raise _not_found(step, z)
    _refuse_rough(step, fixed)
    return fixed, smooth


def _polished(step: Map, z: np.ndarray) -> np.ndarray:
    """The fixed point to which Newton's method converges from z, or an error."""
    polished = polish(step, z[None])
    if polished is None:
        raise _not_found(step, z) if np.isfinite(step.jacobian(z)).all() else NoEdge(NO_DERIVATIVE)
    return np.asarray(polished[0])


def _not_found(step: Map, z: np.ndarray) -> NumericsError:
    """The error if there is no fixed point near a state, because of weight decay or for another reason."""
    decay, lr = step.params.get("weight_decay", 0.0), step.params.get("lr", 1.0)
    if decay == 0.0:
        return NumericsError(NOT_FOUND)
    pulled = pulled_off(step, z)
    if pulled is None:
        return NumericsError(NOT_FOUND + DECAYS)
    return NoEdge(PULLED.format(pulled[0] / lr, pulled[1] / lr, decay * pulled[1] / pulled[0]))


def _stays(step: Map, z: np.ndarray, weights: int) -> bool:
    """True if a step leaves the weights of a state unchanged."""
    return bool(np.abs(step(z) - z)[:weights].max() <= STAYS * (1.0 + np.abs(z).max()))


def _refuse_rough(step: Map, z: np.ndarray) -> None:
    """Raise an error at a point where the map jumps, has a corner or is not defined on one side."""
    regularity = regularity_across(step, z)
    if regularity != "smooth":
        raise NoEdge(ROUGH[regularity])


def _halved(beyond: Callable[[float], bool], lo: float, hi: float) -> float:
    """The value between lo and hi at which ``beyond`` becomes true, by bisection to the last digit."""
    while True:
        middle = (lo + hi) / 2
        if not lo < middle < hi:
            return middle
        lo, hi = (lo, middle) if beyond(middle) else (middle, hi)
