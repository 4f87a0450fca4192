"""`escape_times`: the time that a random map stays in a region, over many runs, with runs that do not escape as censored
data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.ensembles.stochastic.random_map import RandomMap
from cfdyn.ensembles.stochastic.random_runs import RandomRuns
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import LEFT_DOMAIN
from cfdyn.records.record import Record, provenance
from cfdyn.systems.orbit import MAX_BYTES

SURE = 0.01  # a p-value below which times are not exponential


@dataclass(frozen=True)
class EscapeTimes(Record):
    """The steps at which each of R runs left a region.

    ``outside``: the condition; ``times`` (R,): the first step after which it held, or the run diverged; 0 for a run that was
    inside after all ``steps``. ``escaped``: number of runs that left. ``mean``: the mean exit time, the steps of all runs
    inside divided by ``escaped``, with its 95 % interval ``low``…``high``; if some runs have not escaped, it assumes a constant
    rate per step. It is NaN if no run left, and ``low`` is then the mean at which 95 % of such samples would have an exit.
    ``p_value``: of the hypothesis that the escape rate is the same in the first and the second half of the time at risk, which
    the mean assumes if some runs have not escaped. ``t`` (n,), ``survival`` (n,), ``error`` (n,): the Kaplan–Meier estimate of
    the probability to be inside after step t, with Greenwood's standard error. ``final`` (R, D): the state at exit, or the last
    one. ``status``: the number of runs by outcome.
    """

    outside: str
    times: Annotated[np.ndarray, "R"]
    steps: int
    escaped: int
    mean: float
    low: float
    high: float
    p_value: float
    t: Annotated[np.ndarray, "n"]
    survival: Annotated[np.ndarray, "n"]
    error: Annotated[np.ndarray, "n"]
    final: Annotated[np.ndarray, "R D"]
    status: dict[str, int]

    @property
    def exponential(self) -> bool:
        """False if the escape rate changes with time, at the 99 % level."""
        return not self.p_value < SURE

    @property
    def log_error(self) -> float:
        """The standard error of ln(mean): 1/√escaped if some runs have not escaped, else from the scatter of times."""
        return log_error(self.times, self.escaped)


def log_error(times: np.ndarray, escaped: int) -> float:
    """The same as `EscapeTimes.log_error`, from its fields."""
    if not escaped:
        return float("inf")
    if escaped < len(times) or escaped < 2:
        return escaped**-0.5
    return float(times.std(ddof=1) / times.mean() / np.sqrt(escaped))


def escape_times(
    step: RandomMap, z0: Any, outside: str, steps: int = 100_000, runs: int = 400, threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> EscapeTimes:  # fmt: skip
    r"""The first exit times of a random map from a region, over many runs from one start.

    For small noise of variance ε about an attracting fixed point the mean exit time grows as :math:`e^{V/\varepsilon}`, V the
    least ½Σ|ξ_t|² that makes the map leave (Freidlin and Wentzell; Kramers for small steps), and exit times become
    exponentially distributed. Runs that are inside after all steps are censored data: with E exits in a total of T steps
    inside, the mean is T/E. `arrhenius` fits V to several ε. A run that diverges has left.

    Parameters
    ----------
    step : a random map, see `cf.random_map`
    z0 : start of all runs, weights (d,) or the full state (D,), inside the region
    outside : a condition on state and parameters with one < or >, such as "w > 0" or "w1**2 + w2**2 > a"
    steps : largest number of steps in each run
    runs : number of runs
    threads : by default the number of processors
    progress : called at times with the number of steps done

    Raises
    ------
    UsageError : not a random map, a map without randomness, a start that is outside, an invalid condition, or numbers out of
        range

    Examples
    --------
    From the left minimum of the double well over its top, with noise of variance 3 on the gradient:

    >>> import cfdyn as cf
    >>> step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1), noise=3.0)
    >>> escapes = cf.analysis.escape_times(step, [-1.0], "w > 0", steps=200)
    >>> escapes.escaped, round(escapes.mean), escapes.low < 151 < escapes.high, escapes.exponential
    (294, 155, True, True)

    References
    ----------
    Kramers, Physica 7 (1940); Freidlin & Wentzell, *Random Perturbations of Dynamical Systems*; Kifer, Israel J. Math. 40 (1981)
    for maps; Kaplan & Meier, J. Am. Stat. Assoc. 53 (1958).
    """
    z = step.step.state(z0)
    steps, runs = whole_number("steps", steps, 1), whole_number("runs", runs, 1, 2**32 - 1)
    if not step.random:
        raise UsageError("this map has no randomness, so all runs are the same: "
                         "give noise or a batch, or take cf.iterate for the one orbit")  # fmt: skip
    size = 8 * runs * (2 * len(z) + 5)
    if size > MAX_BYTES:
        raise UsageError(f"{runs} runs need {size / 2**30:.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB")
    ways = RandomRuns(step, z, runs, threads, progress)
    ways.leave(outside, steps)
    if (ways.codes == LEFT_DOMAIN).any() and not np.isnan(ways.states).any():
        raise UsageError(f"the condition {outside!r} has no value in some states, so it defines no region")
    times, status = ways.ended, {word.replace("done", "inside"): n for word, n in ways.status().items()}
    settings = provenance(**step.settings, start=z, runs=runs)
    return EscapeTimes(outside, times, steps, int((times > 0).sum()), *_mean(times, steps), *_survival(times, steps),
                       ways.states, status, provenance=settings)  # fmt: skip


def _mean(times: np.ndarray, steps: int) -> tuple[float, float, float, float]:
    """The mean exit time, its 95 % interval, and the p-value of a constant escape rate."""
    from scipy.stats import binomtest, chi2, t

    escaped, total = int((times > 0).sum()), float(np.where(times > 0, times, steps).sum())
    if not escaped:
        return np.nan, float(total / (chi2.ppf(0.95, 2) / 2)), np.inf, np.nan
    mean = total / escaped
    if 2 <= escaped == len(times):
        reach = t.ppf(0.975, escaped - 1) * times.std(ddof=1) / np.sqrt(escaped)
        low, high = max(mean - reach, 0.0), mean + reach
    else:
        low, high = 2 * total / chi2.ppf(0.975, 2 * escaped + 2), 2 * total / chi2.ppf(0.025, 2 * escaped)
    # The step by which half of the time at risk has passed: at a constant rate this fraction of exits comes before it.
    stay = np.where(times > 0, times, steps)
    half = _half(stay, total)
    part = float(np.minimum(stay, half).sum() / total)
    early = int(((times > 0) & (times <= half)).sum())
    return mean, float(low), float(high), float(binomtest(early, escaped, part).pvalue)


def _half(stay: np.ndarray, total: float) -> int:
    """The smallest step h with Σ min(stay, h) at least half of the total."""
    low, high = 1, int(stay.max())
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if np.minimum(stay, middle).sum() >= total / 2 else (middle + 1, high)
    return low


def _survival(times: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The Kaplan–Meier estimate at the start and at each step with an exit; all other runs stay to the end."""
    t, exits = np.unique(times[times > 0], return_counts=True)
    at_risk = len(times) - np.concatenate([[0], np.cumsum(exits)[:-1]]) if len(t) else np.zeros(0)
    survival = np.concatenate([[1.0], np.cumprod(1 - exits / at_risk)])
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.concatenate([[0.0], np.cumsum(exits / (at_risk * (at_risk - exits)))])
        error = np.where(survival > 0, survival * np.sqrt(spread), 0.0)
    return np.concatenate([[0], t]), survival, error
