"""`arrhenius`: the slope of the logarithm of mean escape times over the inverse of the noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cfdyn.analysis.noise.escape_times import EscapeTimes
from cfdyn.arguments import vector
from cfdyn.errors import UsageError
from cfdyn.records.record import Record, provenance


@dataclass(frozen=True)
class Arrhenius(Record):
    """ln τ = ``intercept`` + ``slope``/T, fitted to mean escape times τ in steps at m sizes T of noise.

    ``sizes`` (m,): T, increasing; ``means`` (m,): τ; ``errors`` (m,): the standard error of ln τ. ``low``…``high``: the 95 %
    interval of the slope if the linear model holds. ``p_value``: of the χ² test of the linear model, small if the prefactor
    changes with T or the noise is too large; NaN for two sizes. ``local`` (m−1,), ``local_errors``: slopes between adjacent
    sizes, the smallest T first, which show the limit of a curve.
    """

    sizes: Annotated[np.ndarray, "m"]
    means: Annotated[np.ndarray, "m"]
    errors: Annotated[np.ndarray, "m"]
    slope: float
    low: float
    high: float
    intercept: float
    intercept_error: float
    p_value: float
    local: Annotated[np.ndarray, "*"]
    local_errors: Annotated[np.ndarray, "*"]

    @property
    def prefactor(self) -> float:
        """The prefactor e^intercept, in steps."""
        return float(np.exp(self.intercept))


def arrhenius(found: Sequence[EscapeTimes], sizes: Sequence[float]) -> Arrhenius:
    """The Arrhenius slope of mean escape times: V of τ ∝ e^{V/T}, with a 95 % interval.

    Weighted least squares of ln τ over 1/T. In the limit of small noise of variance T, the slope is the least ½Σ|ξ_t|² that
    makes the map escape; for gradient descent with a small rate η and noise of variance T on the gradient it is 2ΔL/η, ΔL the
    height of the barrier (Kramers). At finite noise the line is curved: see ``p_value`` and ``local``.

    Parameters
    ----------
    found : escape times for different noise, otherwise of the same map
    sizes : T of each: the variance of the noise, 1/batch, or another quantity proportional to the noise

    Raises
    ------
    UsageError : fewer than two, sizes that are not positive or not distinct, escape times without an escape, or an escape rate
        that changes with time while some runs have not escaped

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1), noise=1.0)
    >>> sizes = [1.0, 1.25, 1.6]
    >>> escapes = [cf.analysis.escape_times(step.varied("noise", s), [-1.0], "w > 0") for s in sizes]
    >>> fit = cf.analysis.arrhenius(escapes, sizes)
    >>> fit.low < 2 * 0.25 / 0.1 < fit.high, fit.p_value > 0.01
    (True, True)
    """
    at = vector("sizes", sizes)
    if len(found) < 2 or len(at) != len(found):
        raise UsageError(f"a slope needs two or more escape times and as many sizes, not {len(found)} and {len(at)}")
    if not (at > 0).all() or not np.isfinite(at).all() or len(np.unique(at)) < len(at):
        raise UsageError("sizes of noise are positive and all different")
    for times, size in zip(found, at, strict=True):
        if not times.escaped:
            raise UsageError(f"no run escaped at the size {size:g}, so there is no mean: take more steps, or larger noise")
        if times.escaped < len(times.times) and not times.exponential:
            raise UsageError(f"at the size {size:g} some runs did not escape, and the escape rate changes with time "
                             f"(p = {times.p_value:.2g}), so there is no mean: take more steps")  # fmt: skip
    order = np.argsort(at)
    at, means = at[order], np.array([found[k].mean for k in order])
    errors = np.array([found[k].log_error for k in order])
    return _fit(at, means, errors, {"outside": found[0].outside, "times": [times.provenance.get("settings") for times in found]})


def _fit(sizes: np.ndarray, means: np.ndarray, errors: np.ndarray, settings: dict) -> Arrhenius:
    from scipy.stats import chi2

    x, y = 1 / sizes, np.log(means)
    weights = 1 / errors**2
    centre = (weights * x).sum() / weights.sum()
    spread = (weights * (x - centre) ** 2).sum()
    slope = float((weights * (x - centre) * y).sum() / spread)
    intercept = float((weights * (y - slope * x)).sum() / weights.sum())
    off = float((weights * (y - intercept - slope * x) ** 2).sum())
    p_value = float(chi2.sf(off, len(x) - 2)) if len(x) > 2 else float("nan")
    reach = 1.959963984540054 * spread**-0.5
    gaps = np.diff(x)
    return Arrhenius(
        sizes, means, errors, slope, float(slope - reach), float(slope + reach), intercept,
        float(np.sqrt(1 / weights.sum() + centre**2 / spread)), p_value, np.diff(y) / gaps,
        np.sqrt(errors[1:] ** 2 + errors[:-1] ** 2) / np.abs(gaps), provenance=provenance(**settings),
    )  # fmt: skip
