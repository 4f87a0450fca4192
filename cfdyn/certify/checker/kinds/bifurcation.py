"""A fold, flip or Neimark–Sacker point: one zero of its augmented system, the other multipliers, the sign of its normal form."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.augmented import Shape, draw_together
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Interval, point, root, widened
from cfdyn.certify.checker.numbers.matrices import Discs, transposed, unit
from cfdyn.certify.checker.numbers.tensors import Pair, block, dot, real, solved, solved_pair
from cfdyn.certify.checker.shooting import check_least_period
from cfdyn.certify.checker.taylor import Jet, Jets, composed

MOST_UNKNOWNS = 200


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """The four steps of the section on this kind in docs/reference/certificates.md."""
    kind = document["claim"].get("type")
    keys = ["type", "period", "parameter", "points", "coefficient", "crossing", "side"]
    claim = fields.mapping(document["claim"], "the claim", keys, ["names", "supercritical"])
    fields.one_of(kind, "the type", ["fold", "flip", "neimark-sacker"])
    n = fields.integer(claim["period"], "the period", 1, MOST_UNKNOWNS)
    if fields.texts(claim.get("names", g.names), "the names") != g.names or list(g.varied) != [claim["parameter"]]:
        raise NotValid("the names of the state or of the parameter are not those of the map")
    shape, x = _unknowns(document["evidence"], claim, kind, n, g)
    jets = Jets(g)
    check_least_period(fields.boxes(claim["points"], "the points", n, g.d), "the cycle")
    jet = draw_together(jets, shape, x)
    if jet is None:
        raise NotValid("Krawczyk's test does not show exactly one bifurcation in the boxes")
    jet = widened(jet)
    whole = _whole(jets, shape, jet)
    _check_others(whole.first[:, : g.d], 1 if kind != "neimark-sacker" else 2)
    if kind == "neimark-sacker":
        c, s = jet[shape.rotation][0], jet[shape.rotation][1]
        if not (s.without_zero() and c.without_zero() and (c + point(np.array(0.5))).without_zero()):
            raise NotValid("the rotation is not known to be off the strong resonances")
    coefficient, crossing = (_turning if kind == "neimark-sacker" else _simple)(shape, jet, whole)
    _check_claimed(claim, kind, coefficient, crossing)


def _unknowns(given: Any, claim: dict[str, Any], kind: str, n: int, g: CheckedMap) -> tuple[Shape, Interval]:
    """The box of all unknowns: points, parameter, vectors, rotation."""
    turning = kind == "neimark-sacker"
    evidence = fields.mapping(given, "the evidence", ["parameter", "vectors", "normal", *(["rotation"] if turning else [])])
    parameter = fields.box([evidence["parameter"]], "the parameter", 1)
    low, high = g.varied[claim["parameter"]]
    if Fraction(float(parameter.lo[0])) != low or Fraction(float(parameter.hi[0])) != high:
        raise NotValid("the parameter's interval is not the one of vary")
    normal = np.array([fields.end(v, "the normal") for v in fields.sequence(evidence["normal"], "the normal", g.d)])
    if not np.isfinite(normal).all():
        raise NotValid("the normal is not finite")
    shape = Shape(n, g.d, None if turning else 1.0 if kind == "fold" else -1.0, normal)
    if shape.size > MOST_UNKNOWNS:
        raise NotValid(f"there are more than {MOST_UNKNOWNS} unknowns")
    vectors = [fields.boxes(v, "the vectors", n, g.d) for v in fields.sequence(evidence["vectors"], "the vectors", shape.vectors)]
    parts = [fields.boxes(claim["points"], "the points", n, g.d), parameter, *vectors]
    parts += [fields.box(evidence["rotation"], "the rotation", 2)] if turning else []
    return shape, Interval(np.concatenate([p.lo.ravel() for p in parts]), np.concatenate([p.hi.ravel() for p in parts]))


def _whole(jets: Jets, shape: Shape, x: Interval) -> Jet:
    """The jet of gⁿ along the cycle, bounded, so that the map is smooth there."""
    whole = None
    for jet in jets.at(shape.points(x), x[shape.parameter : shape.parameter + 1]):
        whole = jet if whole is None else composed(jet, whole)
    assert whole is not None
    if not all(np.isfinite(part.lo).all() and np.isfinite(part.hi).all() for part in whole):
        raise NotValid("the map is not known to be smooth along the cycle")
    return whole


def _check_others(around: Interval, critical: int) -> None:
    """All multipliers except the critical ones are off the unit circle."""
    if around.shape[-1] == critical:
        return
    discs = Discs(around)
    size, radii = np.abs(discs.centres), discs.radii * (1 + 1e-14)
    meets = (size * (1 - 1e-14) - radii <= 1) & (size * (1 + 1e-14) + radii >= 1)
    if sum(len(group) for group in discs.groups if any(meets[i] for i in group)) > critical:
        raise NotValid("other multipliers are not known to be off the unit circle")


def _needed(value: Any) -> Any:
    if value is None:
        raise NotValid("a linear system of the normal form may be singular")
    return value


def _lengths(shape: Shape, x: Interval) -> Interval:
    """m: the mean over the points of the squared lengths of the vectors."""
    total = point(np.zeros(()))
    for k in range(shape.vectors):
        for i in range(shape.n):
            for v in range(shape.d):
                total = total + x[shape.vector(k, i)][v] * x[shape.vector(k, i)][v]
    return total / point(np.array(float(shape.n)))


def _simple(shape: Shape, x: Interval, whole: Jet) -> tuple[Interval, Interval]:
    """Coefficient and crossing of a fold or a flip."""
    d, q = shape.d, x[shape.vector(0, 0)]
    a, speed = whole.first[:, :d], whole.first[:, d]
    shifted = a - point(np.eye(d) * (shape.sigma or 0.0))
    # p (A − σ) = 0 and p·q = 1, bordered by r: the extra unknown is 0
    system = block([[transposed(shifted), point(shape.normal[:, None])], [q[None], point(np.zeros((1, 1)))]])
    p = _needed(solved(system, point(np.eye(d + 1)[d])))[:d]
    m, b = _lengths(shape, x), whole.second[:, :d, :d]
    quadratic = dot(dot(b, q), q)
    if shape.sigma == 1:
        two = point(np.array(2.0))
        return dot(p, quadratic) / (two * root(m)), root(m) * dot(p, speed)
    bent = _needed(solved(a - unit(d), quadratic))
    cubic = dot(dot(dot(whole.third[:, :d, :d, :d], q), q), q)
    third, half = point(np.array(6.0)), point(np.array(2.0))
    coefficient = (dot(p, cubic) / third - dot(p, dot(dot(b, bent), q)) / half) / m
    path = _needed(solved(unit(d) - a, speed))
    return coefficient, -dot(p, dot(whole.second[:, :d, d], q) + dot(dot(b, path), q))


def _turning(shape: Shape, x: Interval, whole: Jet) -> tuple[Interval, Interval]:
    """Coefficient and crossing of a Neimark–Sacker point."""
    d = shape.d
    q = Pair(x[shape.vector(0, 0)], x[shape.vector(1, 0)])
    c, s = x[shape.rotation][0], x[shape.rotation][1]
    a, speed, one = real(whole.first[:, :d]), whole.first[:, d], unit(d)
    # p (A − e^{iθ}) = 0 and p·q = 1, bordered by r, as r·q = 1
    shifted = Pair(transposed(whole.first[:, :d]) - c * one, -(s * one))
    zero, corner = point(np.zeros((d, 1))), point(np.zeros((1, 1)))
    system = Pair(
        block([[shifted.re, point(shape.normal[:, None])], [q.re[None], corner]]),
        block([[shifted.im, zero], [q.im[None], corner]]),
    )
    p_all = _needed(solved_pair(system, real(point(np.eye(d + 1)[d]))))
    p = Pair(p_all.re[:d], p_all.im[:d])
    b, third = real(whole.second[:, :d, :d]), real(whole.third[:, :d, :d, :d])
    plain = real(one - whole.first[:, :d])
    twice = Pair(c * c - s * s, point(np.array(2.0)) * c * s)
    double = Pair(twice.re * one - a.re, twice.im * one)
    bar = q.conjugate
    first = p.dot(third.dot(bar).dot(q).dot(q))
    second = p.dot(b.dot(_needed(solved_pair(plain, b.dot(bar).dot(q)))).dot(q)).scaled(2.0)
    last = p.dot(b.dot(_needed(solved_pair(double, b.dot(q).dot(q)))).dot(bar))
    back = Pair(c, -s)  # e^{−iθ}
    coefficient = back.times(first.plus(second).plus(last)).re / (point(np.array(2.0)) * _lengths(shape, x))
    path = real(_needed(solved(one - whole.first[:, :d], speed)))
    change = real(whole.second[:, :d, d]).dot(q).plus(b.dot(path).dot(q))
    return coefficient, back.times(p.dot(change)).re


def _check_claimed(claim: dict[str, Any], kind: str, coefficient: Interval, crossing: Interval) -> None:
    """Both intervals contain the values and exclude 0; the side and the criticality agree with their signs."""
    signs = []
    for name, value in (("coefficient", coefficient), ("crossing", crossing)):
        said = fields.box([claim[name]], f"the {name}", 1)[0]
        if not value.within(said):
            raise NotValid(f"the {name} is not in the claimed interval")
        if not said.without_zero():
            raise NotValid(f"the {name} may be 0")
        signs.append(1 if said.lo > 0 else -1)
    above = signs[0] * signs[1] * (1 if kind == "flip" else -1) > 0
    if fields.one_of(claim["side"], "the side", ["above", "below"]) != ("above" if above else "below"):
        raise NotValid("the side does not agree with the signs")
    if kind == "fold":
        fields.one_of(claim.get("supercritical"), "supercritical", [None])
    elif fields.truth(claim.get("supercritical"), "supercritical") != (signs[0] == (1 if kind == "flip" else -1)):
        raise NotValid("supercritical does not agree with the sign of the coefficient")
