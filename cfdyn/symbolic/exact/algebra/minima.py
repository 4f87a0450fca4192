"""Minima of a loss of one weight in closed form, and the learning rates at which they lose their stability."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy as sp

from cfdyn.symbolic.exact.algebra.closed import readable, shown, square_roots, tidy
from cfdyn.symbolic.exact.algebra.expressions import expressions, rational
from cfdyn.symbolic.exact.algebra.family import System
from cfdyn.symbolic.exact.algebra.solutions import is_zero, solutions
from cfdyn.symbolic.exact.algebra.solve import read_system
from cfdyn.symbolic.exact.request import Refused, read_program

NO_FORM = "the learning rate at the edge has no closed form"
SAMPLES, OUTSIDE = 200, 1e-7  # of learning rates below the flip; beyond round-off of a multiplier 1


def minima(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each minimum with its sharpness, edge and flip coefficient; then Refused: what has no closed form, or is not a minimum."""
    system = read_system(asked)
    w, loss = system.z[0], _loss(asked, system)
    slopes = [sp.diff(loss, w, k) for k in range(1, 5)]
    points, reasons, minimal = *_critical_points(sp.factor(slopes[0]), w, system), 0
    for point in points:
        if not is_zero(slopes[0].subs(w, point), system.values):  # a formula may be a critical point for other parameters alone
            continue
        derivatives = [tidy(sp.simplify(d.subs(w, point))) for d in slopes[1:]]
        sharpness = sp.N(derivatives[0].subs(system.values), chop=True)
        if not (sharpness.is_real and sharpness >= 0 and sp.N(point.subs(system.values)).is_real):
            continue
        if sharpness == 0:
            reasons.append(f"at the critical point {w} = {point} the sharpness is 0, so there is no edge")
            continue
        minimal += 1
        edge, why = _edge(system, point)
        reasons += [why] if why else []
        yield _minimum(system, point, edge, *derivatives)
    if not minimal and not reasons:
        reasons.append("none of its critical points is a minimum" if points else "it has no critical points")
    if reasons:
        raise Refused("; ".join(dict.fromkeys(reasons)))


def _minimum(
    system: System, point: sp.Expr, edge: sp.Expr | None, second: sp.Expr, third: sp.Expr, fourth: sp.Expr
) -> dict[str, Any]:
    coefficient = tidy(sp.simplify((third / second) ** 2 - fourth / (3 * second)))
    parts = {"point": point, "sharpness": second, "edge": edge, "coefficient": coefficient}
    return {"values": {k: str(sp.N(v.subs(system.values), 20)) for k, v in parts.items() if v is not None},
            **{k: None if v is None else shown(v) for k, v in parts.items()}}  # fmt: skip


def _loss(asked: dict[str, Any], system: System) -> sp.Expr:
    known = {s.name: s for s in system.parameters}
    p = [known.get(name, rational(asked["values"][name])) for name in asked["loss_params"]]
    return expressions(read_program(asked["loss"]), system.z[:1], p, asked["data"])[0]


def _critical_points(slope: sp.Expr, w: sp.Symbol, system: System) -> tuple[list[sp.Expr], list[str]]:
    """The critical points in closed form, and why these may not be all."""
    numerator = sp.fraction(sp.together(slope))[0]
    if not numerator.is_polynomial(w):
        exact = solutions(slope, w)
        if exact is None:
            raise Refused("its critical points have no closed form")
        return exact, []
    points, reasons = [], []
    for factor, _ in sp.factor_list(numerator, w)[1]:
        roots = square_roots(factor, w) if factor.has(w) else []
        if factor.has(w) and not roots and (degree := sp.degree(factor, w)) > 2:
            reasons.append(f"critical points that are roots of a polynomial of degree {degree} have no closed form")
        points += roots
    return points, reasons


def _edge(system: System, point: sp.Expr) -> tuple[sp.Expr | None, str]:
    """The least lr with det(I + J) = 0 at the fixed point, where the state behind the weight is at rest; or None, and why.

    None also if the point loses its stability at a lower lr, by a complex pair of multipliers or a multiplier 1.
    """
    lr = next((s for s in system.parameters if s.name == "lr"), None)
    at = {system.z[0]: point} | dict.fromkeys(system.z[1:], sp.S.Zero)
    if lr is None:
        return None, "the learning rate at the edge is found only if lr is among the parameters that stay symbols"
    if not all(is_zero(f.subs(at) - at[s], system.values) for f, s in zip(system.f, system.z)):
        raise Refused("the optimizer's state is not at rest at a minimum")
    jacobian = sp.Matrix(system.jacobian).subs(at)
    border = sp.fraction(sp.together(sp.expand((jacobian + sp.eye(len(system.z))).det())))[0]
    if border.has(sp.nan, sp.zoo, sp.oo) or not border.is_polynomial(lr):
        return None, NO_FORM
    edges = [root for factor, _ in sp.factor_list(border, lr)[1] for root in square_roots(factor, lr) if factor.has(lr)]
    numbers = [(sp.N(root.subs(system.values)), tidy(sp.simplify(root))) for root in edges]
    positive = [(number, root) for number, root in numbers if number.is_real and number > 0 and readable(root)]
    least, edge = min(positive, key=lambda pair: pair[0]) if positive else (None, None)
    earlier = _unstable_from(jacobian.subs({s: v for s, v in system.values.items() if s != lr}), lr, least)
    if least is not None and earlier is not None:
        return None, (f"at w = {point} the multiplier −1 at lr = {float(least):.6g} is not the edge: another one leaves the unit "
                      f"circle near lr = {earlier:.6g}; cf.analysis.edge locates it")  # fmt: skip
    return edge, "" if edge is not None else NO_FORM


def _unstable_from(jacobian: sp.Matrix, lr: sp.Symbol, edge: sp.Expr | None) -> float | None:
    """The lr of a sample of (0, edge) from which a multiplier is outside the unit circle; None without such a sample."""
    if edge is None:
        return None
    values = np.linspace(0.0, float(edge), SAMPLES + 2)[1:-1]
    matrix = sp.lambdify(lr, jacobian, "numpy")
    try:
        radii = np.array([np.abs(np.linalg.eigvals(np.array(matrix(value), dtype=complex))).max() for value in values])
    except (ArithmeticError, ValueError, TypeError, np.linalg.LinAlgError):  # what the samples cannot refute
        return None
    outside = np.flatnonzero(radii > 1 + OUTSIDE)
    return float(values[outside[0]]) if len(outside) else None
