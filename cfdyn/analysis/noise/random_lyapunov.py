"""`random_lyapunov`: Lyapunov exponents of the random product of Jacobians along runs of a random map."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.invariants.lyapunov_spectrum import PARTS, TURNING, kaplan_yorke
from cfdyn.arguments import whole_number
from cfdyn.ensembles.stochastic.random_map import RandomMap
from cfdyn.ensembles.stochastic.random_runs import RandomRuns
from cfdyn.errors import NumericsError, UsageError
from cfdyn.linalg.products import frame
from cfdyn.records.record import Record, provenance
from cfdyn.systems.orbit import MAX_BYTES

FEWEST = 8  # runs whose own means give the errors; with fewer, the means of parts of their orbits do
SURE = 3.0  # standard errors by which an exponent with a sign differs from 0


@dataclass(frozen=True)
class RandomLyapunov(Record):
    """Lyapunov exponents per step and their standard errors, for k of D directions.

    ``exponents`` (k,), the largest first, and ``errors`` (k,); ``total``, ``total_error``: their sum, for k = D the mean
    logarithmic rate at which volumes change; ``dimension``: the Kaplan–Yorke dimension (NaN for k < D). ``of_runs`` (R, k): of
    each run, NaN if it ended early. ``steps`` averaged over in each of ``runs`` that stay bounded; ``status``: the number of
    all runs by outcome. ``p_value``: of the F-test that the means of the runs differ no more than segments of the runs do;
    small if runs are in different places or forget their start too slowly; NaN for fewer than two runs.
    """

    exponents: Annotated[np.ndarray, "k"]
    errors: Annotated[np.ndarray, "k"]
    total: float
    total_error: float
    dimension: float
    of_runs: Annotated[np.ndarray, "R k"]
    steps: int
    runs: int
    status: dict[str, int]
    p_value: float

    @property
    def sign(self) -> int | None:
        """The sign of the largest exponent, if it is 3 standard errors from 0: 1 (neighbours diverge), −1 (converge), or
        None."""
        top, error = float(self.exponents[0]), float(self.errors[0])
        if top == -np.inf:
            return -1
        return int(np.sign(top)) if abs(top) > SURE * error else None


def random_lyapunov(
    step: RandomMap, z0: Any, steps: int = 10_000, runs: int = 32, transient: int = 1000, count: int | None = None,
    threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> RandomLyapunov:  # fmt: skip
    r"""Lyapunov exponents of a random map, with standard errors from independent runs.

    .. math:: \lambda_1 + … + \lambda_k = \lim_{n} \tfrac1n \log \|\wedge^k J_{n-1} \cdots J_1 J_0\|

    for almost every sequence of batches and noise, J_t the Jacobian of step t at the run's state, computed by QR after each
    step. If an exponent is negative, nearby runs with the same batches and noise converge; if it is positive, they diverge. If
    all rows share one minimum and z0 is there, the largest exponent decides what almost every run of SGD does nearby; in one
    variable it is E ln|1 − ηh|. The mean square may grow even if it is negative (`cf.mean_square`).

    Errors are those of the mean over runs (over segments of the runs if there are fewer than eight). They do not account for
    transients longer than the one discarded. Exponents are over the runs that stay bounded and do not describe runs that
    diverge.

    Parameters
    ----------
    step : a random map, see `cf.random_map`
    z0 : start of all runs, weights (d,) or the full state (D,)
    steps : number of steps averaged over in each run
    runs : number of runs; one if the map has no randomness, since all would be the same
    transient : number of steps before; tangent vectors align in its second half, or 1000 steps
    count : number of the largest exponents, k; all by default
    threads : by default the number of processors
    progress : called at times with the number of steps done

    Raises
    ------
    NumericsError : no run stays bounded
    UsageError : not a random map, or numbers out of range

    Examples
    --------
    The curvature is 0.5 or 4 at random: gradient descent with a rate of 0.6 overshoots with one of them, and converges all the
    same.

    >>> import numpy as np
    >>> import cfdyn as cf
    >>> from cfdyn.symbolic.loss import make_loss
    >>> rows = cf.Loss.from_spec(make_loss("h*w**2/2", columns=["h"], data=np.array([[0.5], [4.0]])))
    >>> step = cf.random_map(rows, cf.optimizers.gd(lr=0.6), batch=1)
    >>> spectrum = cf.analysis.random_lyapunov(step, [0.0])
    >>> exact = float(np.log(0.7 * 1.4)) / 2
    >>> bool(abs(spectrum.exponents[0] - exact) < 4 * spectrum.errors[0]), spectrum.sign, round(exact, 4)
    (True, -1, -0.0101)

    References
    ----------
    Furstenberg & Kesten, Ann. Math. Stat. 31 (1960); Oseledets, Trans. Moscow Math. Soc. 19 (1968); L. Arnold, *Random
    Dynamical Systems* (1998).
    """
    z = step.step.state(z0)
    steps, transient = whole_number("steps", steps, 1), whole_number("transient", transient, 0)
    k, runs = whole_number("count", len(z) if count is None else count, 1, len(z)), whole_number("runs", runs, 1, 2**32 - 1)
    runs = runs if step.random else 1
    ends = np.unique(np.linspace(0, steps, PARTS + 1).astype(int))
    size = 8 * runs * k * (len(ends) + 3 * len(z))
    if size > MAX_BYTES:
        raise UsageError(f"tangents of {runs} runs need {size / 2**30:.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB")
    ways = RandomRuns(step, z, runs, threads, progress)
    turning = min((transient + 1) // 2, TURNING)
    tangents = np.ascontiguousarray(np.tile(frame(len(z), k), (runs, 1, 1)))
    ways.stretch(tangents[:, :0].copy(), transient - turning)
    ways.stretch(tangents, turning)
    if len(z) > 1 and turning < min(steps, TURNING):
        ways.ahead().stretch(tangents, min(steps, TURNING))  # tangents align with the later directions
    with np.errstate(invalid="ignore"):
        sums = np.stack([ways.stretch(tangents, n) for n in np.diff(ends).tolist()], axis=1)
    if not ways.going.any():
        raise NumericsError(f"none of {runs} runs lasts {transient + steps} steps, so there are no exponents: "
                            + ", ".join(f"{n} {word}" for word, n in ways.status().items() if n))  # fmt: skip
    settings = provenance(**step.settings, start=z, transient=transient)
    return _record(sums, np.diff(ends), ways, len(z), settings)


def _record(sums: np.ndarray, lengths: np.ndarray, ways: RandomRuns, dim: int, settings: dict) -> RandomLyapunov:
    """Means and errors of the sums (R, parts, k) of logarithms over segments with these numbers of steps."""
    steps, going = int(lengths.sum()), ways.going
    with np.errstate(invalid="ignore"):
        parts = sums[going] / lengths[:, None]
        of_runs = sums[going].sum(axis=1) / steps
        means = of_runs if len(of_runs) >= FEWEST else parts.reshape(-1, parts.shape[2])
        exponents = of_runs.mean(axis=0)
        together = np.column_stack([means, means.sum(axis=1)])
        errors = together.std(axis=0, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.full(together.shape[1], np.nan)
    order = np.argsort(-exponents, kind="stable")
    every = np.full((len(sums), sums.shape[2]), np.nan)
    every[going] = of_runs[:, order]
    dimension = kaplan_yorke(exponents[order], dim) if len(exponents) == dim else np.nan
    return RandomLyapunov(
        exponents[order], errors[:-1][order], float(exponents.sum()), float(errors[-1]), dimension, every, steps,
        len(of_runs), ways.status(), _agreement(parts[:, :, order[0]]), provenance=settings,
    )  # fmt: skip


def _agreement(parts: np.ndarray) -> float:
    """The p-value of one-way analysis of variance that runs (R, parts) have one mean, with independent parts."""
    from scipy.stats import f

    runs, count = parts.shape
    if not np.isfinite(parts).all():
        return float("nan")
    within = parts.var(axis=1, ddof=1).mean() if count > 1 else 0.0
    if runs < 2 or not within > 0:
        return float("nan")
    return float(f.sf(count * parts.mean(axis=1).var(ddof=1) / within, runs - 1, runs * (count - 1)))
