"""Special points that are not there: beside where points of a cycle merge, of round-off, and beyond what an optimizer allows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.continuation.branch.merging import secant
from cfdyn.continuation.branch.system import BranchTracer

curve_of, switch = cf.analysis.bifurcation_curve, cf.analysis.switch
BENT = cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5})


@pytest.mark.parametrize("r", [-0.4, 0.3])
def test_where_a_2_cycle_merges_is_one_point(r):
    """Neimark–Sacker points of the 2-cycle of the generalised Hénon map, back to the fold–flip point (0, −1) of the fixed point."""
    step = cf.Map.from_text(["y", "a - b*x - y**2 + r*x*y"], "x y", {"a": 0.0, "b": -1.0, "r": r})
    flips = curve_of(step, ("flip", [[0.0, 0.0]]), ("a", "b"), ((-1, 2), (-2, 2)))
    circle = next(c for c in switch(flips, [s.kind for s in flips.special].index("fold-flip")) if c.period == 2)
    for row in (len(circle) // 4, len(circle) // 2, 3 * len(circle) // 4):
        again = curve_of(circle.map_at(row), ("neimark-sacker", circle.points[row]), ("a", "b"), ((-1, 2), (-2, 2)))
        merged = [s.kind for s in again.special if np.abs(s.parameters - [0, -1]).max() < 1e-4]
        assert merged == ["fold-flip"] and len(again.special) == len(circle.special)


@pytest.mark.parametrize("bounds", [((-2, 6), (-1.5, 1.5)), ((0.5, 5), (-1.4, -0.6))])
def test_a_coefficient_that_is_0_has_no_zeros(bounds):
    """Hénon's map keeps areas at b = −1: no first Lyapunov coefficient, for its fixed point nor for the 2-cycle from (3, −1) on."""
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 2.0, "b": -1.0})
    x = (math.sqrt(3.0) - 1) / 2
    circle = curve_of(step, ("neimark-sacker", [[x, -x]]), ("a", "b"), bounds)
    doubled = next(c for c in switch(circle, [s.kind for s in circle.special].index("resonance 1:2")) if c.period == 2)
    for curve, last in ((circle, 3), (doubled, 4)):
        assert "chenciner" not in [s.kind for s in curve.special] and not np.nan_to_num(curve.coefficient[1:-1]).any()
        assert np.abs(curve.parameters[:, 1] + 1).max() < 1e-10 and curve.parameters[:, 0].max() == pytest.approx(last, abs=1e-6)


def test_a_coefficient_and_a_multiplier_at_one_point():
    """Adaptive control: at (b, k) = (1, 0) two multipliers are 1 and one is −1, where the flip's coefficient vanishes too."""
    formulas = ["y", "b*x + k + y*z", "z - k*y/(c + y**2)*(b*x + k + z*y - 1)"]
    step = cf.Map.from_text(formulas, "x y z", {"b": 0.6, "k": 0.6, "c": 0.5})
    flips = curve_of(step, ("flip", [[1.0, 1.0, -0.2]]), ("b", "k"), ((-3, 3), (-2, 6)))
    assert [(s.kind, (s.parameters.round(7) + 0.0).tolist()) for s in flips.special] == [
        ("branch point-flip", [1.0, 0.0]), ("resonance 1:2", [-0.6, 2.4])]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "lr"), [(cf.optimizers.heavy_ball, 3.0), (cf.optimizers.nesterov, 1.0)])
def test_a_curve_ends_where_an_optimizer_allows_no_more(optimizer, lr):
    """The flip of w = 0 at curvature 1: lr = 2(1 + β) for heavy ball, lr = 2(1 + β)/(1 + 2β) for Nesterov, β < 1 for both."""
    step = cf.as_map(BENT, optimizer(lr=lr, momentum=0.5))
    found = curve_of(step, ("flip", [[0.0, 0.0]]), ("lr", "momentum"), ((0.5, 5), (0, 1.5)), search=True)
    lrs, beta = found.parameters.T
    wanted = 2 * (1 + beta) / (1 if optimizer is cf.optimizers.heavy_ball else 1 + 2 * beta)
    assert lrs == pytest.approx(wanted, abs=1e-9) and beta.max() == pytest.approx(1, abs=1e-12) and beta.max() < 1
    assert "momentum = 1, where the map's domain ends" in found.ends and "momentum = 0" in found.ends


def test_a_test_function_that_does_not_change_has_no_zero():
    """Nor a warning of numpy, where the tangent has entries 0."""
    tracer = BranchTracer(cf.Map.from_text("r*x*(1-x)", params={"r": 2.5}), 1, "r", (2.0, 3.5), np.zeros((1, 1)))
    start = tracer.begin(tracer.z(np.zeros((1, 1)), 2.5))
    with np.errstate(all="raise"):
        assert secant(tracer, start, lambda s: 1.0, 1.0) is None


def test_a_chenciner_point_in_the_last_step():
    """d of the fixed point 0 of (y, −bx + cy + B + C) on b = 1, c = 2 cos θ, by Kuznetsov's (5.44) here; its pole is at θ = 0."""
    quadratic, cubic = (0.022, 0.919, -0.42), (0.328, -2.138, -1.45, 0.796)

    def coefficient(cosine):
        turn = np.exp(1j * math.acos(cosine))
        (a, e, g), (k, l, m, n) = (quadratic[0], quadratic[1], 2 * quadratic[2]), (cubic[0], cubic[1], 2 * cosine * cubic[2], cubic[3])
        matrix, q, p = np.array([[0, 1], [-1, 2 * cosine]]), np.array([1, turn]), np.array([-1 / turn, 1])

        def b(u, v):
            return np.array([0, 2 * a * u[0] * v[0] + e * (u[0] * v[1] + u[1] * v[0]) + 2 * g * u[1] * v[1]])

        x, y, other = q[0], q[1], q.conj()
        c = np.array([0, 6 * k * x * x * other[0] + 2 * l * (x * x * other[1] + 2 * x * y * other[0])
                      + 2 * m * (y * y * other[0] + 2 * x * y * other[1]) + 6 * n * y * y * other[1]])  # fmt: skip
        mean = np.linalg.solve(matrix - np.eye(2), -b(q, other))
        twice = np.linalg.solve(matrix - turn**2 * np.eye(2), -b(q, q))
        return (p @ (c + 2 * b(q, mean) + b(other, twice)) / (p @ q) / turn).real

    (a, e, g), (k, l, m, n) = quadratic, cubic
    last = f"-b*x + c*y + {a}*x**2 + {e}*x*y + {g}*y**2*(1 + b) + {k}*x**3*b + {l}*x**2*y + {m}*x*y**2*c + {n}*y**3"
    step = cf.Map.from_text(["y", last], "x y", {"b": 1.0, "c": 0.3})
    found = curve_of(step, ("neimark-sacker", [[0.0, 0.0]]), ("b", "c"), ((0, 2.9), (-4, 4)))
    cosines = sorted(s.parameters[1] / 2 for s in found.special if s.kind == "chenciner")
    wanted = [brentq(coefficient, *ends, xtol=1e-13) for ends in ((0.1, 0.2), (0.985, 0.996))]
    assert cosines == pytest.approx(wanted, abs=1e-9) and len(found.special) == 6
