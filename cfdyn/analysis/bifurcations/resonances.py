"""`resonances`: the points of a Neimark–Sacker curve at which Arnold tongues begin."""

from __future__ import annotations

import numpy as np

from cfdyn.analysis.bifurcations._curve import BifurcationCurve, CodimensionTwo
from cfdyn.arguments import whole_number
from cfdyn.continuation.curve.turning import fractions, turning
from cfdyn.cycles.shooting import multipliers
from cfdyn.errors import UsageError

LONGEST = 100  # q
REAL = 1e-9  # of an imaginary part


def resonances(curve: BifurcationCurve, most_period: int = 8) -> list[CodimensionTwo]:
    """The points of a Neimark–Sacker curve with multipliers e^{±2πi p/q}, q = 5 … ``most_period``, in the order of its rows.

    Each is a `CodimensionTwo` of the kind "resonance p:q". `switch` continues from it the two folds of the cycles of q times
    the period that bound the Arnold tongue. The stronger resonances 1:1 to 1:4 are among ``curve.special``.

    Parameters
    ----------
    curve : of Neimark–Sacker points
    most_period : the largest q

    Raises
    ------
    UsageError : a curve of another kind, or a period below 5 or above 100

    Examples
    --------
    The delayed logistic map has cos θ = 1/2 at r = 2, where 6-cycles are born:

    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["r*x*(1-y) + e", "x"], "x y", {"r": 2.0, "e": 0.0})
    >>> curve = cf.analysis.bifurcation_curve(step, ("neimark-sacker", [[0.5, 0.5]]), ("r", "e"), ((1.5, 2.5), (-0.2, 0.2)))
    >>> [(s.kind, (s.parameters.round(9) + 0.0).tolist()) for s in cf.analysis.resonances(curve, 6)]
    [('resonance 1:6', [2.0, 0.0])]

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory, §7.3: Arnold tongues.
    """
    if not isinstance(curve, BifurcationCurve) or curve.kind != "neimark-sacker":
        raise UsageError("resonances lie on a curve of the kind 'neimark-sacker'")
    whole_number("most_period", most_period, 5)
    if most_period > LONGEST:
        raise UsageError(f"tongues of cycles of more than {LONGEST} times the period are too narrow to be searched for")
    cosines, widths = _cosines(curve.multipliers), np.ptp(curve.bounds, axis=1)
    points = []
    for p, q in fractions(most_period):
        away = cosines - np.cos(2 * np.pi * p / q)
        for k in np.flatnonzero(away[:-1] * away[1:] < 0):
            row = int(k + (abs(away[k + 1]) < abs(away[k])))
            there = turning(curve.map_at(row), curve.points[row], curve.names, widths, 2 * np.pi * p / q)
            if there is None:
                continue
            values = {name: float(v) for name, v in zip(curve.names, there.parameters, strict=True)}
            mu = multipliers(curve.step.at(**values), there.points)
            kind = f"resonance {p}:{q}"
            points.append(CodimensionTwo(kind, there.parameters, there.points, mu, int(k), _curve=curve,
                                        provenance=curve.provenance))  # fmt: skip
    return sorted(points, key=lambda s: s.place)


def _cosines(multipliers: np.ndarray) -> np.ndarray:
    """cos θ of the pair on the unit circle in each row (m, D)."""
    off = np.abs(np.abs(multipliers) - 1) + 10.0 * (np.abs(np.imag(multipliers)) < REAL)
    critical = multipliers[np.arange(len(multipliers)), np.argmin(off, axis=1)]
    return np.real(critical) / np.abs(critical)
