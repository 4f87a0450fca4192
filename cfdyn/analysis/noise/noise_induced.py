"""`noise_induced`: the largest Lyapunov exponent over the size of the noise, and noise-induced order or chaos."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.noise.random_lyapunov import SURE, random_lyapunov
from cfdyn.ensembles.stochastic.random_map import RandomMap, sweep
from cfdyn.errors import NumericsError
from cfdyn.records.record import Record, provenance


@dataclass(frozen=True)
class NoiseInduced(Record):
    """The largest Lyapunov exponent λ over ``values`` (m,) of the varied quantity ``name``.

    ``exponents``, ``errors`` (m,): λ per step with its standard error, NaN if no run stays bounded; ``alive`` (m,): the
    fraction of runs that stay bounded; ``p_values`` (m,): as in `RandomLyapunov`. ``without``, ``without_error``: those of the
    deterministic map from the same start; NaN if it diverges.
    """

    name: str
    values: Annotated[np.ndarray, "m"]
    exponents: Annotated[np.ndarray, "m"]
    errors: Annotated[np.ndarray, "m"]
    alive: Annotated[np.ndarray, "m"]
    p_values: Annotated[np.ndarray, "m"]
    without: float
    without_error: float

    @property
    def signs(self) -> np.ndarray:
        """1 if λ exceeds 0 by 3 standard errors, −1 if it is as far below 0, else 0; (m,)."""
        return _signs(self.exponents, self.errors)

    @property
    def induced(self) -> np.ndarray:
        """"chaos" if λ is positive with noise and negative without, "order" in the opposite case, else ""; (m,)."""
        before = int(_signs(np.array([self.without]), np.array([self.without_error]))[0])
        names = {(-1, 1): "chaos", (1, -1): "order"}
        return np.array([names.get((before, int(sign)), "") for sign in self.signs])


def noise_induced(
    step: RandomMap, z0: Any, varied: tuple[str, Any], steps: int = 10_000, runs: int = 32, transient: int = 1000,
    threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> NoiseInduced:  # fmt: skip
    """The largest Lyapunov exponent of a random map over the size of its noise or batches, compared with that without noise.

    Its sign decides whether runs from different starts under the same noise converge to one another (negative) or diverge
    (positive). *Noise-induced chaos*: λ is negative without noise and positive with noise; *noise-induced order*: the reverse.
    A sign is reported if λ is at least 3 standard errors away from 0. The noiseless value is that of one orbit, from z0.

    Parameters
    ----------
    step : a random map, see `cf.random_map`
    z0, steps, runs, transient, threads : as for `random_lyapunov`
    varied : ("noise", variances), ("batch", sizes), ("label_noise", …), ("repeat", …), or a parameter, with increasing values
    progress : called with the number of values done

    Raises
    ------
    UsageError : not a random map, or values that do not increase

    Examples
    --------
    A parabola with a sharp dip. With a learning rate suited to the parabola, gradient descent is chaotic in the dip; noise on
    the gradient takes it out of the dip, to where steps contract.

    >>> import cfdyn as cf
    >>> step = cf.random_map(cf.Loss("w**2/2 - 5*exp(-w**2/2)"), cf.optimizers.gd(lr=0.9), noise=1.0)
    >>> sweep = cf.analysis.noise_induced(step, [0.5], ("noise", [0.01, 4.0]), steps=2000)
    >>> sweep.without > 0, sweep.induced.tolist()
    (True, ['', 'order'])

    References
    ----------
    Matsumoto & Tsuda, J. Stat. Phys. 31 (1983): noise-induced order. Crutchfield, Farmer & Huberman, Phys. Rep. 92 (1982).
    """
    z = step.step.state(z0)
    name, values, maps = sweep(step, varied)
    rows = []
    for done, one in enumerate(maps, 1):
        rows.append(_exponent(one, z, steps, runs, transient, threads))
        if progress:
            progress(done)
    exponents, errors, alive, p_values = np.array(rows).T
    without = _exponent(step.without(), z, steps * 10, 1, transient, threads)
    settings = provenance(**step.settings, start=z, steps=steps, runs=runs, transient=transient, varied=name)
    return NoiseInduced(name, np.array(values, float), exponents, errors, alive, p_values, without[0], without[1],
                        provenance=settings)  # fmt: skip


def _exponent(step: RandomMap, z: np.ndarray, steps: int, runs: int, transient: int, threads: int | None) -> tuple[float, ...]:
    """λ, its error, the fraction of the runs that stay bounded, and their p-value."""
    try:
        exponents = random_lyapunov(step, z, steps, runs, transient, 1, threads)
    except NumericsError:
        return np.nan, np.nan, 0.0, np.nan
    return float(exponents.exponents[0]), float(exponents.errors[0]), exponents.runs / len(exponents.of_runs), exponents.p_value


def _signs(exponents: np.ndarray, errors: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        sure = (np.abs(exponents) > SURE * errors) | np.isneginf(exponents)
        return np.where(sure, np.sign(exponents), 0).astype(int)
