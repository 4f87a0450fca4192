"""A test function counts where it goes through zero: no pole and no jump of it is a point of codimension two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.analysis._between import root
from cfdyn.analysis._continuation import Solved

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
        return Solved(np.array([t]), np.array([1.0]), np.array([1.0]))


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
    if power > 0:
        assert found is not None and abs(found[0] - place) < 1e-4
    else:
        assert found is None
