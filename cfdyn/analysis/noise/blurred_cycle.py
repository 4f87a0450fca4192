"""`blurred_cycle`: whether a cycle is still detectable under noise, run by run, with its significance."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.attractors.classify import classify
from cfdyn.analysis.training.oscillation import FEWEST_ROWS, Oscillation, oscillation
from cfdyn.arguments import whole_number
from cfdyn.ensembles.stochastic.random_map import RandomMap, sweep
from cfdyn.ensembles.stochastic.random_runs import visited
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.systems.orbit import MAX_BYTES

WORDS = {"none": "no oscillation", "irregular": "irregular"}
NORMAL = 1.959963984540054  # 95 % between −1 and 1 times this


@dataclass(frozen=True)
class BlurredCycle(Record):
    """The number of runs in which `oscillation` finds the period of the noiseless map, over ``values`` (m,) of ``name``.

    ``period``: N of the map without noise, by `classify`. ``seen`` (m,): runs with this period, ``banded`` (m,): irregular ones
    that still visit N bands (or a multiple) in turn, of ``judged`` (m,) bounded runs; ``share``, ``low``, ``high`` (m,): the
    fraction of both with its 95 % interval (Wilson's). ``p_values`` (m,): the probability of at least ``seen`` false alarms,
    each with probability ``level``. ``verdicts`` (m,): dicts from kinds ("period 3", "irregular", "no oscillation") to numbers
    of runs. ``amplitude``, ``signal_to_noise`` (m,): medians over the runs with the period, NaN if there are none. ``steps``:
    length of each log.
    """

    name: str
    values: Annotated[np.ndarray, "m"]
    period: int
    seen: Annotated[np.ndarray, "m"]
    banded: Annotated[np.ndarray, "m"]
    judged: Annotated[np.ndarray, "m"]
    share: Annotated[np.ndarray, "m"]
    low: Annotated[np.ndarray, "m"]
    high: Annotated[np.ndarray, "m"]
    p_values: Annotated[np.ndarray, "m"]
    verdicts: Annotated[list[dict[str, int]], "m"]
    amplitude: Annotated[np.ndarray, "m"]
    signal_to_noise: Annotated[np.ndarray, "m"]
    steps: int
    level: float

    @property
    def still(self) -> np.ndarray:
        """1 if most runs show the order (``low`` above ½), −1 if few do (``high`` below ½), else 0; (m,)."""
        return np.where(self.low > 0.5, 1, np.where(self.high < 0.5, -1, 0))


def blurred_cycle(
    step: RandomMap, z0: Any, varied: tuple[str, Any], steps: int = 512, runs: int = 20, transient: int = 1000,
    max_period: int = 32, level: float = 0.01, threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> BlurredCycle:  # fmt: skip
    """Whether a cycle persists under noise: `oscillation` of each of many runs, over the size of the noise or of the batches.

    Noise blurs the points of a cycle and makes its phase slip. In a log of n steps the period is found if slips are rarer than
    about one in n, so the answer refers to logs of length ``steps``. A step with a multiplier near −1 alternates when driven by
    noise, for 1/(1 + μ) steps at a time: at the edge of stability this may count as period 2 although there is no cycle. Each
    run is tested separately, with the false-alarm probability ``level``; ``p_values`` combine the runs.

    Parameters
    ----------
    step : a random map, see `cf.random_map`
    z0 : start of all runs, weights (d,) or the full state (D,)
    varied : ("noise", variances), ("batch", sizes), ("label_noise", …), ("repeat", …), or a parameter, with increasing values
    steps : length of each log, after the transient
    runs : number of logs for each value
    max_period, level : as for `oscillation`
    threads : by default the number of processors
    progress : called with the number of values done

    Raises
    ------
    NumericsError : the map without noise does not settle on a cycle that `classify` finds
    UsageError : not a random map, values that do not increase, or numbers out of range

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.2), noise=1.0)
    >>> blurred = cf.analysis.blurred_cycle(step, [1.1], ("noise", [1e-5, 1e-3]), runs=10)
    >>> blurred.period, blurred.seen.tolist(), blurred.still.tolist()
    (2, [9, 0], [1, -1])
    """
    z = step.step.state(z0)
    steps, runs = whole_number("steps", steps, FEWEST_ROWS), whole_number("runs", runs, 1)
    transient, d = whole_number("transient", transient, 0), step.step.n_weights
    if 16 * runs * steps * len(z) > MAX_BYTES:
        raise UsageError(f"{runs} logs of {steps} steps need {16 * runs * steps * len(z) / 2**30:.1f} GiB; the limit is 4 GiB")
    name, values, maps = sweep(step, varied)
    max_period = whole_number("max_period", max_period, 2)
    if not 0 < level < 0.5:
        raise UsageError(f"`level` is the probability of a false alarm, between 0 and 0.5, not {level:g}")
    before = classify(step.step, z)
    period = before.period or 0
    if not 2 <= period <= max_period:
        what = f"{before.kind}, period {period}" if period else before.kind
        raise NumericsError(f"without noise this start ends on no cycle of 2 to {max_period} points ({what}), so there is "
                            "no cycle to blur")
    rows, verdicts = [], []
    for done, one in enumerate(maps, 1):
        logs = _judged(one, z, runs, transient, steps, d, max_period, level, threads)
        rows.append(_row(logs, period, level))
        verdicts.append(dict(Counter(WORDS.get(o.kind, f"period {o.period}") for o in logs)))
        if progress:
            progress(done)
    seen, banded, judged, share, low, high, p_values, amplitude, ratio = np.array(rows).T
    settings = provenance(**step.settings, start=z, transient=transient, max_period=max_period, runs=runs, varied=name)
    return BlurredCycle(name, np.array(values, float), period, seen.astype(int), banded.astype(int), judged.astype(int),
                        share, low, high, p_values, verdicts, amplitude, ratio, steps, level, provenance=settings)  # fmt: skip


def _judged(
    step: RandomMap, z: np.ndarray, runs: int, transient: int, steps: int, d: int, max_period: int, level: float,
    threads: int | None,
) -> list[Oscillation]:  # fmt: skip
    """The result of `oscillation` for the weights of each run that stays bounded."""
    seen: list[np.ndarray] = []
    visited(step, z, runs, transient, steps, threads, None, lambda now: seen.append(now[:, :, :d]))
    logs = np.concatenate(seen)
    going = np.isfinite(logs).all(axis=(0, 2))
    names = step.step.names[:d]
    return [oscillation(np.ascontiguousarray(log), max_period, level, names) for log in logs.swapaxes(0, 1)[going]]


def _row(logs: list[Oscillation], period: int, level: float) -> tuple[float, ...]:
    """The fields of one value."""
    from scipy.stats import binom

    right = [o for o in logs if o.kind == "periodic" and o.period == period]
    bands = sum(o.kind == "irregular" and (o.bands or 1) % period == 0 for o in logs)
    k, n = len(right), len(logs)
    if not n:
        return 0, 0, 0, np.nan, 0.0, 1.0, np.nan, np.nan, np.nan
    share = (k + bands) / n
    middle, reach = share + NORMAL**2 / (2 * n), NORMAL * np.sqrt(share * (1 - share) / n + NORMAL**2 / (4 * n * n))
    low, high = (middle + np.array([-reach, reach])) / (1 + NORMAL**2 / n)
    amplitude = np.median([o.amplitude for o in right]) if right else np.nan
    ratio = np.median([o.evidence["signal_to_noise"] for o in right]) if right else np.nan
    return k, bands, n, share, low, high, binom.sf(k - 1, n, level), amplitude, ratio
