"""`bifurcation`: a fold, flip or Neimark–Sacker point, with the sign of its normal form's coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx

from cfdyn.certify.balls import BITS, lower_double, upper_double
from cfdyn.certify.borders.continuity import smooth
from cfdyn.certify.boxes.pace import Say, saying
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.critical.augmented import KINDS, Critical, null_vectors
from cfdyn.certify.critical.normal_form import Coefficients, Series, coefficients
from cfdyn.certify.cycle import box_text, overlapping
from cfdyn.certify.exact import end
from cfdyn.certify.shooting.candidates import candidate
from cfdyn.certify.shooting.krawczyk import LEAST, STARTS, Box, around, balls_of, proven_zero
from cfdyn.certify.shooting.multipliers import SHARE, SLACK, others_off_circle
from cfdyn.certify.subject import Interval, Subject, subject
from cfdyn.errors import unknown

TRIALS = (0.5, 0.25, 0.75, 0.0, 1.0)


def bifurcation(
    loss: Any, optimizer: Any = None, kind: str = "flip", period: int = 1, points: Any = None, progress: Say | None = None,
    **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove that a multiplier of a cycle is 1, −1 or e^{±iθ} at exactly one value of a parameter in a small interval.

    The proof applies Krawczyk's test to the augmented system of the cycle, the parameter and the null vectors, then computes the
    coefficient of the normal form in balls. The sign of the coefficient decides between super- and subcritical (flip,
    Neimark–Sacker). Together with the speed at which the multiplier crosses the circle, it decides on which side of the parameter
    the new cycle, pair of cycles or invariant circle lies.

    Parameters
    ----------
    loss, optimizer : as for `cycle`
    kind : fold, flip or neimark-sacker
    period, points : the cycle's period and approximate points of it, as for `cycle`
    progress : called with a description, in words, of the current step
    vary : the parameter and the interval in which to search for the bifurcation, such as ``lr=(0.9, 1.1)``; other parameters may
        be given other values

    Raises
    ------
    UsageError : not exactly one parameter varies; an unknown kind

    Examples
    --------
    >>> import cfdyn as cf
    >>> proof = cf.certify.bifurcation("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1), "flip", 1, [1.0], lr=("0.9", "1.1"))
    >>> proof.proved, proof.claim["supercritical"], proof.claim["side"]
    (True, True, 'above')

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory (3rd ed., 2004), ch. 5 and 10.
    """
    if kind not in KINDS:
        raise unknown("kind of bifurcation", kind, KINDS)
    with ctx.workprec(BITS):
        about = subject(loss, optimizer, vary)
        name, span = about.one_varied("a bifurcation")
        return _proved(about, name, span, kind, period, points, saying(progress))


def _proved(about: Subject, name: str, span: Interval, kind: str, period: int, points: Any, say: Say) -> Certificate:
    start = _start(about, name, span, kind, period, points, say)
    if start is None:
        return unproved(about, "bifurcation", f"no {kind} of a {period}-cycle was found in the interval near the points")
    system, x = start
    say(f"Krawczyk's test of a {kind} at {name} = {float(x[system.at]):.6g}")
    zero = None
    for size in (*STARTS[::-1], 1e-10):
        zero = zero or proven_zero(system.values, system.matrix, around([(float(v), 0.0) for v in x], size), max(size, LEAST))
    if zero is None:
        return unproved(about, "bifurcation", f"Krawczyk's test failed on the {kind}: it may be degenerate")
    why = _not_generic(system, name, *zero)
    if why:
        return unproved(about, "bifurcation", why)
    box, inner = zero
    say("its normal form")
    numbers = _signed(system, name, balls_of(box)) or _signed(system, name, inner)
    if numbers is None:
        return unproved(about, "bifurcation", "the coefficient of the normal form, or the speed of the multiplier, may be 0")
    lo, hi = box[system.at]
    here = about.over({name: (Fraction(lo), Fraction(hi))})
    return proved("bifurcation", here, _claim(system, name, box, numbers), _evidence(system, box))


def _signed(system: Critical, name: str, x: Sequence[arb]) -> Coefficients | None:
    """The coefficients over balls, if they are not 0."""
    try:
        signed = coefficients(system, name, x)
    except ZeroDivisionError:  # a linear system that may be singular
        return None
    product = signed.normal * signed.crossing
    return signed if product > 0 or product < 0 else None


def _start(
    about: Subject, name: str, span: Interval, kind: str, period: int, points: Any, say: Say
) -> tuple[Critical, list[arb]] | None:  # fmt: skip
    lo, hi = map(float, span)
    for share in TRIALS:
        say(f"looking for a {kind} from {name} = {lo + share * (hi - lo):.6g} on")
        here = about.over({name: Fraction(lo + share * (hi - lo))})
        z = candidate(here, points, period)
        if z is None or len(z) != period:
            continue
        program, d = here.enclosure("jacobian"), here.dim
        slopes = [np.reshape([float(v.mid()) for v in program(point)], (d, d)) for point in z]
        if not np.isfinite(slopes).all():
            continue
        r, chains, rotation = null_vectors(slopes, kind)
        system = Critical(about, name, kind, period, r)
        x = [float(v) for point in z for v in point] + [lo + share * (hi - lo)] + [v for chain in chains for v in chain]
        polished = system.polished(x + rotation if system.vectors == 2 else x)
        if polished is not None and lo <= float(polished[system.at]) <= hi:
            return system, polished
    return None


def _not_generic(system: Critical, name: str, box: Box, inner: Sequence[arb]) -> str:
    """Why the point may fail to be of its kind; nothing if it is of that kind."""
    n, d = system.n, system.d
    states = [box[d * i : d * (i + 1)] for i in range(n)]
    lo, hi = box[system.at]
    step = system.about.over({name: (Fraction(lo), Fraction(hi))}).enclosure("step")
    if not all(smooth(step, balls_of(state)) for state in states):
        return "a border of Piecewise, Abs or Max is too near: there is no normal form"
    if overlapping(states):
        return "the boxes overlap, so the least period is not proved"
    if system.vectors == 2:
        c, s = inner[-2], inner[-1]
        if not (abs(s) > 0 and abs(c) > 0 and abs(2 * c + 1) > 0):
            return "the multiplier may be 1, −1, i or a third root of unity: a strong resonance"
    series = Series(system, name, inner)
    if not others_off_circle(series.total, system.vectors):
        return "other multipliers may lie on the unit circle too"
    return ""


def _claim(system: Critical, name: str, box: Box, numbers: Coefficients) -> dict[str, Any]:
    n, d = system.n, system.d
    same = bool(numbers.normal * numbers.crossing > 0)
    claim: dict[str, Any] = {
        "type": system.kind, "period": n, "names": list(system.about.names), "parameter": name,
        "points": [box_text(box[d * i : d * (i + 1)]) for i in range(n)],
        "coefficient": _widened(numbers.normal), "crossing": _widened(numbers.crossing),
    }  # fmt: skip
    if system.kind == "fold":
        # u + bλ + au²: two fixed points where −bλ/a > 0.
        return {**claim, "side": "below" if same else "above"}
    positive = bool(numbers.normal > 0)
    supercritical = positive if system.kind == "flip" else not positive
    if system.kind == "flip":
        return {**claim, "supercritical": supercritical, "side": "above" if same else "below"}
    return {**claim, "supercritical": supercritical, "side": "below" if same else "above"}


def _widened(x: arb) -> list[str]:
    wide = 1e3 * SLACK * (1 + abs(float(x.mid()))) + 2 * SHARE * float(x.rad())
    lo, hi = lower_double(x - wide), upper_double(x + wide)
    # A ball with a sign keeps it.
    return interval_text(lo if lo > 0 or not x > 0 else lower_double(x) / 2, hi if hi < 0 or not x < 0 else upper_double(x) / 2)


def _evidence(system: Critical, box: Box) -> dict[str, Any]:
    d, n = system.d, system.n
    rows = [[box_text(box[begin + d * i : begin + d * (i + 1)]) for i in range(n)] for begin in system.first]
    evidence: dict[str, Any] = {
        "parameter": interval_text(*box[system.at]),
        "vectors": rows,
        "normal": [end(v) for v in system.r],
    }
    return {**evidence, "rotation": box_text(box[-2:])} if system.vectors == 2 else evidence
