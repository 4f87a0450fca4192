"""`bands`: the regime of one orbit as a parameter varies, in intervals."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle
from cfdyn.analysis.training.edge import edge
from cfdyn.cycles.result import Interval
from cfdyn.errors import CfdynError, UsageError
from cfdyn.numerics.stability import NEUTRAL, stability
from cfdyn.records.record import Record, provenance
from cfdyn.settling.matrix_free_samples import samples_of
from cfdyn.settling.regime import regime
from cfdyn.settling.samples import KINDS, UNRESOLVED, Samples, runs_of
from cfdyn.systems.map import Map, require_step
from cfdyn.systems.matrix_free.map import MatrixFreeMap

REFINED = 6  # times that boundaries between regimes are halved
MOST, LONGEST = 16, 32  # boundaries, of the widest bands, that are moved to bifurcations; only of cycles up to this length
BESIDE = 4.0  # an orbit converges slowly near a bifurcation, which may lie this many sample distances away
LOSSES = ("flip", "fold", "neimark-sacker", "branch point", "border collision")  # of stability


@dataclass(frozen=True)
class Bands(Record):
    """The regimes of the orbit of one start over a range of a parameter.

    ``values`` (N,) increasing, ``labels`` (N,): the period, −1 chaotic, −2 undecided, −3 divergent, −4 quasi-periodic, −5
    unresolved; ``exponents`` (N,): the largest Lyapunov exponent; ``tails`` (N, K): the first state coordinate over the last K
    steps. ``bands``: (lo, hi, name) for each run of equal labels; the boundary is the bifurcation of an adjacent cycle if there
    is one between the samples, else the midpoint of the two samples. ``resolution``: the largest distance between two samples;
    narrower windows can be missed. "unresolved": regimes change within less than that, as period doublings do between a flip
    and the first chaotic sample, or the time did not suffice. ``perturbed``: True if some labels are those of perturbed orbits,
    because round-off alone decides the unperturbed ones (see `Regime.inject`).
    """

    parameter: str
    values: Annotated[np.ndarray, "n"]
    labels: Annotated[np.ndarray, "n"]
    exponents: Annotated[np.ndarray, "n"]
    tails: Annotated[np.ndarray, "n *"]
    bands: list[tuple[float, float, str]]
    resolution: float = math.nan
    perturbed: bool = False


NAMES = {**{label: kind for kind, label in KINDS.items()}, UNRESOLVED: "unresolved", 1: "fixed point"}


def bands(
    step: Map | MatrixFreeMap, z0: Any, parameter: str, bounds: tuple[float, float], count: int = 400,
    progress: Callable[[int, int], None] | None = None,
) -> Bands:  # fmt: skip
    """Regimes of the orbit of one start over [lo, hi], as intervals of the parameter.

    A quick pass labels the samples that are clearly periodic or clearly chaotic, bisection refines the boundaries, and orbits
    that do not repeat run longer. `classify` then examines each non-periodic interval, the widest first, at its ends and its
    midpoint: it labels the interval if the three agree, and divides it if they do not. The boundary of a periodic band is the
    parameter at which the adjacent cycle loses stability, if that lies between the samples (`continue_cycle`).

    Parameters
    ----------
    step : the map, also on a loss without a formula; the first pass then has at most 60 samples, and `classify` labels each
        finally
    z0 : start, the d weights or the full state (D,)
    parameter, bounds : the parameter to vary, and its range (lo, hi)
    count : number of samples before refinement; fewer if a step is very expensive
    progress : called with (done, total) values in each pass

    Raises
    ------
    UsageError : an empty range, or fewer than two samples

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    >>> regimes = cf.analysis.bands(step, [1.1], "lr", (0.5, 1.25), count=60)
    >>> [(round(lo, 6), round(hi, 6), name) for lo, hi, name in regimes.bands]  # flips at 1 and √5 − 1
    [(0.5, 1.0, 'fixed point'), (1.0, 1.236068, 'period 2'), (1.236068, 1.25, 'period 4')]
    """
    lo, hi = float(bounds[0]), float(bounds[1])
    if not (lo < hi and np.isfinite(hi - lo)) or count < 2:
        raise UsageError(f"bands need a range lo < hi of finite width and two samples or more, not {lo:g}:{hi:g}:{count}")
    z = require_step(step).state(z0)
    samples = samples_of(step, parameter, z, progress)
    count = min(count, samples.most)
    samples.add(np.unique(np.linspace(lo, hi, count)))
    for _ in range(REFINED):
        samples.add(samples.boundaries(max(count // REFINED, 2)))
    samples.run_longer()
    samples.look_closer((hi - lo) / (count - 1))
    samples.pass_over_bifurcations()
    return Bands(parameter, samples.values, samples.labels, samples.exponents, samples.tails,
                 _bounded(step, parameter, z, samples, (lo, hi)), float(np.diff([lo, *samples.values, hi]).max()),
                 samples.injected, provenance=provenance(map=step.title, params=step.params, start=z, bounds=bounds))  # fmt: skip


def _bounded(
    step: Map | MatrixFreeMap, parameter: str, z: np.ndarray, samples: Samples, bounds: Interval
) -> list[tuple[float, float, str]]:
    """Runs of equal labels as (lo, hi, name), with boundaries at the bifurcation of an adjacent cycle if there is one.

    The first and the last run extend to the bounds, even if a slow sample there was dropped.
    """
    values, runs = samples.values, runs_of(samples.labels)
    labels = [int(samples.labels[first]) for first, _ in runs]
    edges = [bounds[0], *(float(values[last] + values[last + 1]) / 2 for _, last in runs[:-1]), bounds[1]]
    between: dict[int, Interval] = {}
    width = [min(hi - mid, mid - lo) for lo, mid, hi in zip(edges, edges[1:], edges[2:], strict=False)]
    for k in sorted(range(len(width)), key=lambda k: -width[k])[:MOST]:
        # The bifurcation may not lie beyond the middle of either band.
        middles = (edges[k] + edges[k + 1]) / 2, (edges[k + 1] + edges[k + 2]) / 2
        left, right = float(values[runs[k][1]]), float(values[runs[k + 1][0]])
        apart = BESIDE * (right - left)
        within = max(middles[0], left - apart), min(middles[1], right + apart)
        sides = sorted(zip(within, labels[k : k + 2], strict=True), key=lambda side: side[1] if side[1] > 0 else LONGEST + 1)
        # Next to cells not examined, an orbit that needs perturbations is too expensive to examine again.
        worth = not samples.perturbed or UNRESOLVED not in labels[k : k + 2]
        lost = ((inner, period, _loss_of_stability(step.at(**{parameter: inner}), parameter, z, period, within))
                for inner, period in sides if worth and 0 < period <= LONGEST)  # fmt: skip
        inner, period, (value, doubles) = next((end for end in lost if end[2][0] is not None), (left, 0, (None, False)))
        edges[k + 1] = edges[k + 1] if value is None else value
        if doubles and not {2 * period, UNRESOLVED}.intersection(labels[k : k + 2]):
            between[k] = (edges[k + 1], right) if inner < edges[k + 1] else (left, edges[k + 1])
    return _with_gaps(edges, labels, between)


def _with_gaps(edges: list[float], labels: list[int], between: dict[int, Interval]) -> list[tuple[float, float, str]]:
    """The bands (lo, hi, name), with an "unresolved" one between the bands k and k + 1 for each gap."""
    named: list[tuple[float, float, str]] = []
    gaps = {k: gap for k, gap in between.items() if edges[k] < gap[0] < gap[1] < edges[k + 2]}
    for k, label in enumerate(labels):
        lo, hi = gaps.get(k - 1, edges[k : k + 1])[-1], gaps.get(k, edges[k + 1 :])[0]
        begin = lo
        if lo < hi:
            named.append((lo, hi, NAMES.get(label, f"period {label}")))
            begin = hi
        elif k in gaps:
            begin = named.pop()[0]
        named += [(begin, gaps[k][1], NAMES[UNRESOLVED])] if k in gaps else []
    return named


def _loss_of_stability(
    step: Map | MatrixFreeMap, parameter: str, z: np.ndarray, period: int, within: Interval
) -> tuple[float | None, bool]:
    """The nearest parameter in an interval at which the orbit's stable cycle bifurcates (None if there is none), and whether a
    stable cycle of twice the period is born there, at a supercritical flip."""
    start = step.params[parameter]
    settled = regime(step, z)
    if settled.period != period or stability(settled.multipliers) is False or np.isnan(settled.multipliers[0]):
        return None, False
    try:
        if period == 1 and abs(settled.multipliers[0] - 1) < NEUTRAL and step.compiled is not None:
            # On a continuum of fixed points that stay, the edge of this one.
            ends = [(edge(step.compiled, settled.points[0], start, parameter).value, False)]
        else:
            special = continue_cycle(step, settled.points, parameter, within).bifurcations
            ends = [(float(b.parameter), b.kind == "flip" and b.supercritical is True) for b in special if b.kind in LOSSES]
    except CfdynError:
        return None, False
    ends = [end for end in ends if within[0] <= end[0] <= within[1]]
    return min(ends, key=lambda end: abs(end[0] - start), default=(None, False))
