"""A test function counts where it goes through zero: no pole and no jump of it is a point of codimension two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.continuation.between_rows import root
from cfdyn.continuation.tracer import Solution
from tests.normal_forms.test_normal_form_literature import LESLIE_GOWER, LESLIE_GOWER_POINTS

curve_of = cf.analysis.bifurcation_curve
KOPEL = cf.Map.from_text(["(1-rho)*x + rho*mu*y*(1-y)", "(1-rho)*y + rho*mu*x*(1-x)"], "x y", {"mu": 2.0, "rho": 0.5})
BOX = ((0.1, 4), (0.1, 4.9))


@pytest.mark.parametrize("mu", [0.5, 2.0])
def test_flips_of_a_duopoly_at_the_origin(mu):
    """ρ = 2/(1 + μ); along (1, −1) the third order is c = ρμ²/(μ − 1), with a pole where a multiplier is 1, and no zero."""
    found = curve_of(KOPEL.at(mu=mu, rho=2 / (1 + mu)), ("flip", [[0.0, 0.0]]), ("mu", "rho"), BOX)
    m, rho = found.parameters.T
    np.testing.assert_allclose(rho, 2 / (1 + m), rtol=1e-12)
    np.testing.assert_allclose(found.coefficient, rho * m**2 / (m - 1), rtol=1e-9)
    assert len(found.special) == 1
    assert found.special[0].parameters == pytest.approx([1, 1], abs=1e-10)
    assert sorted(found.special[0].multipliers) == pytest.approx([-1, 1], abs=1e-9)


@pytest.mark.parametrize("mu", [0.5, 1.5])
def test_flips_of_a_duopoly_at_its_other_point(mu):
    """x = y = 1 − 1/μ and ρ(3 − μ) = 2: here c = −ρμ²/(μ − 1)."""
    point = 1 - 1 / mu
    found = curve_of(KOPEL.at(mu=mu, rho=2 / (3 - mu)), ("flip", [[point, point]]), ("mu", "rho"), BOX)
    m, rho = found.parameters.T
    own = np.abs(rho * (3 - m) - 2) < 1e-9  # at (2, 2) the curve of the other multiplier crosses
    assert own.sum() > 20
    np.testing.assert_allclose(found.coefficient[own], (-rho * m**2 / (m - 1))[own], rtol=1e-7)
    assert "generalized flip" not in {s.kind for s in found.special}
    for s in found.special:
        assert np.abs(s.parameters - [1, 1]).max() < 1e-9 or np.abs(s.parameters - [2, 2]).max() < 1e-9


@pytest.mark.parametrize("longest", [0.05, 0.02, 0.003])
def test_a_zero_beside_a_pole_in_one_step(longest):
    """−(1 + m)x + xy + x³, (1 + n)y + gx² + y²: at m = 0 and 0 flips with c = 1 − g/n: a zero at n = g, a pole at n = 0."""
    step = cf.Map.from_text(["-(1+m)*x + x*y + x**3", "(1+n)*y + 0.001*x**2 + y**2"], "x y", {"m": 0.0, "n": 0.5})
    found = curve_of(step, ("flip", [[0.0, 0.0]]), ("m", "n"), ((-1, 1), (-1, 1)), max_step=longest)
    (zero,) = [s for s in found.special if s.kind == "generalized flip"]
    (other,) = [s for s in found.special if s.kind != "generalized flip"]
    assert zero.parameters == pytest.approx([0, 1e-3], abs=1e-10)
    assert other.parameters == pytest.approx([0, 0], abs=1e-10)


def test_a_multiplier_1_that_is_no_pole():
    """The same without coupling: c = k + n has its zero at n = −k, and nothing happens to it where 1 + n = 1."""
    step = cf.Map.from_text(["-(1+m)*x + (0.3 + n)*x**3", "(1+n)*y + y**2"], "x y", {"m": 0.0, "n": 0.5})
    found = curve_of(step, ("flip", [[0.0, 0.0]]), ("m", "n"), ((-1, 1), (-1, 1)))
    (zero,) = [s for s in found.special if s.kind == "generalized flip"]
    assert zero.parameters == pytest.approx([0, -0.3], abs=1e-10) and len(found.special) == 2


def test_a_two_cycle_whose_flip_coefficient_has_a_pole_and_a_zero():
    """(u, v) ↦ (K(v), u) has the 2-cycle (a, b), (b, a) for fixed points a, b of K, and its multipliers are those of both.

    At a = 0 K flips with c = 1 − g/(4n) for m = 0; at b = (0, 2) its multipliers are −m and −3 − 2n.
    """
    step = cf.Map.from_text(
        ["-(1+m)*x2 + x2*y2/2 + x2**3", "y2 + y2*(n + y2)*(2 - y2) + 0.2*x2**2", "x1", "y1"],
        "x1 y1 x2 y2", {"m": 0.0, "n": 0.4},
    )  # fmt: skip
    found = curve_of(step, ("flip", [[0, 0, 0, 2], [0, 2, 0, 0]]), ("m", "n"), ((-0.5, 0.5), (-0.5, 0.5)))
    n, off = found.parameters[:, 1], np.abs(found.parameters[:, 1]) > 1e-6
    np.testing.assert_allclose(found.coefficient[off], 1 - 0.05 / n[off], rtol=1e-8)
    (zero,) = [s for s in found.special if s.kind == "generalized flip"]
    assert zero.parameters == pytest.approx([0, 0.05], abs=1e-10)
    (other,) = [s for s in found.special if s.kind != "generalized flip"]
    assert other.parameters == pytest.approx([0, 0], abs=1e-10)


class Line:
    """A curve with one unknown, its own parameter."""

    def __call__(self, t):
        return Solution(np.array([t]), np.array([1.0]), np.array([1.0]))


@settings(max_examples=200, deadline=None)
@given(
    st.floats(0.02, 0.98), st.floats(-3, 3), st.sampled_from([-3, -1, 0, 1, 3]), st.floats(0.1, 10), st.booleans()
)  # fmt: skip
def test_only_a_zero_is_a_root(place, bend, power, size, turned):
    """(t − p)^k e^{bt} for odd k: a zero for k > 0, a pole for k < 0; its sign alone: a jump."""

    def value(s):
        t = s.z[0]
        away = t - place
        if away == 0 and power < 0:
            raise ArithmeticError
        shape = np.sign(away) if power == 0 else away**power
        return float((-1 if turned else 1) * size * np.exp(bend * t) * shape)

    found = root(value, Line())
    assert (found is not None) == (power > 0)
    assert found is None or abs(found[0] - place) < 1e-4


def test_no_polynomial_is_put_through_a_jump_to_another_curve():
    """Solutions on z = t up to a gap, and on z = t + 1 beyond it: no curve leads from one to the other, nor to z = 0.9."""

    def solution(t):
        return None if 0.45 < t < 0.55 else Solution(np.array([t + (t > 0.5), t]), np.array([1.0, 1.0]), np.array([1.0]))

    assert root(lambda s: float(s.z[0]) - 0.9, solution) is None
    # Across a gap in one curve there is a polynomial.
    found = root(lambda s: float(s.z[0]) - 0.25, lambda t: None if 0.45 < t < 0.55 else Solution(np.array([t * t]), *[np.ones(1)] * 2))
    assert found is not None and abs(found[0] - 0.5) < 1e-12


def test_a_coefficient_that_touches_zero():
    """c = ρμ²/(μ − 1) has the same sign on both sides of μ = 0, where the map is −1 times the identity: a double flip, no more."""
    start = ("flip", [[0.0, 0.0]])
    found = curve_of(KOPEL.at(mu=0.5, rho=4 / 3), start, ("mu", "rho"), ((-4, 6), (0.05, 2.5)))
    assert sorted(s.kind for s in found.special) == ["branch point-flip", "double flip"]
    double = next(s for s in found.special if s.kind == "double flip")
    assert double.parameters == pytest.approx([0, 2], abs=1e-9)


def test_flips_of_two_species_where_both_equations_are_one():
    """The juvenile–adult Leslie–Gower model: fixed points solve two linear equations, which coincide at one (cyj, b1).

    There all points of a line are fixed, flips have the multiplier 1 as well, and their coefficient has a pole, no zero.
    """
    p = LESLIE_GOWER.params
    k, m = (1 - p["mj"]) / p["ma"], (1 - p["my"]) / p["mz"]
    ratio = (p["cyy"] + p["cyz"] * m) / (p["cjy"] + p["cjz"] * m)
    exact = ratio * (p["cjj"] + p["cja"] * k) - p["cya"] * k, (1 + (p["b2"] * m - 1) / ratio) / k
    branch = cf.analysis.continue_cycle(LESLIE_GOWER, LESLIE_GOWER_POINTS[1][1], "cyj", (0.1, 0.5))
    flips = [s for s in branch.bifurcations if s.kind == "flip"]
    found = curve_of(LESLIE_GOWER, flips[1], ("cyj", "b1"), ((0.01, 1), (5, 60)))
    there = [s for s in found.special if np.abs(s.parameters - exact).max() < 1e-3]
    assert len(there) == 2 and all(s.parameters == pytest.approx(exact, rel=1e-9) for s in there)
    for s in there:
        assert s.kind != "generalized flip" and sorted(s.multipliers.real)[::3] == pytest.approx([-1, 1], abs=1e-8)
        before, after = found.coefficient[s.place : s.place + 2]
        assert before * after < 0 and min(abs(before), abs(after)) > 1e-4
    for s in found.special:
        if s.kind == "generalized flip":
            assert np.abs(found.coefficient[s.place : s.place + 2]).max() < 1e-4
