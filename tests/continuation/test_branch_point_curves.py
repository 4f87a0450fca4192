"""Branch points that a symmetry, or a solution that stays, holds together in two parameters."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf

curve_of = cf.analysis.bifurcation_curve
PITCHFORK = cf.Map.from_text("x + m*x - n*x**3 + n**2*x/10", "x", {"m": -0.025, "n": 0.5})


def test_pitchforks():
    """μ = −n²/10, with the cubic coefficient −n: degenerate where n = 0."""
    found = curve_of(PITCHFORK, ("branch point", [[0.0]]), ("m", "n"), ((-1, 1), (-2, 2)))
    m, n = found.parameters.T
    assert m == pytest.approx(-(n**2) / 10, abs=1e-14) and set(found.ends) == {"n = -2", "n = 2"}
    assert found.coefficient == pytest.approx(-n, abs=1e-10)
    assert [s.kind for s in found.special] == ["degenerate pitchfork"]
    assert found.special[0].parameters == pytest.approx([0, 0], abs=1e-12)


@pytest.mark.parametrize("names", [("m", "n"), ("n", "m")])
def test_from_beside_and_from_a_branch(names):
    """The parameters in either order; the start near it, searched for, or met on a branch."""
    box = {"m": (-1, 1), "n": (-2, 2)}
    bounds = [box[name] for name in names]
    branch = cf.analysis.continue_cycle(PITCHFORK.at(m=-0.3), [0.0], "m", (-0.5, 0.5))
    starts = [(("branch point", [[0.01]]), False), (branch.bifurcations[0], False), (("branch point", [[0.0]]), True)]
    for start, search in starts:
        found = curve_of(PITCHFORK.at(m=-0.02), start, names, bounds, search=search)
        m, n = (found.parameters[:, names.index(name)] for name in "mn")
        assert m == pytest.approx(-(n**2) / 10, abs=1e-13)
        assert [s.kind for s in found.special] == ["degenerate pitchfork"]


def test_transcritical_points():
    """x + μx − nx² − x³: they are where μ = 0, with a = −n, and a pitchfork where n = 0."""
    step = cf.Map.from_text("x + m*x - n*x**2 - x**3", "x", {"m": 0.0, "n": 0.5})
    found = curve_of(step, ("branch point", [[0.0]]), ("m", "n"), ((-1, 1), (-2, 2)))
    assert abs(found.parameters[:, 0]).max() < 1e-13
    assert abs(found.coefficient) == pytest.approx(abs(found.parameters[:, 1]), abs=1e-12)
    assert [s.kind for s in found.special] == ["transcritical-pitchfork"]
    assert found.special[0].parameters == pytest.approx([0, 0], abs=1e-12)


def test_a_closed_curve():
    step = cf.Map.from_text("x + (m**2 + n**2 - 1)*x - x**3", "x", {"m": 1.0, "n": 0.0})
    found = curve_of(step, ("branch point", [[0.0]]), ("m", "n"), ((-2, 2), (-2, 2)))
    assert found.closed and (found.parameters**2).sum(axis=1) == pytest.approx(1, abs=1e-12)


def test_of_a_loss_that_splits_its_minimum():
    """(w² − a)²/4 + cw⁴: its minimum at 0 splits where a = 0, for every learning rate; there c = −η(1 + 4c)."""
    loss = cf.Loss("(w**2 - a)**2/4 + c*w**4", params={"a": 0.0, "c": 0.1})
    found = curve_of(cf.as_map(loss, cf.optimizers.gd(lr=0.3)), ("branch point", [[0.0]]), ("lr", "a"), ((0.1, 1), (-1, 1)))
    lr, a = found.parameters.T
    assert abs(a).max() < 1e-13 and set(found.ends) == {"lr = 0.1", "lr = 1"}
    assert found.coefficient == pytest.approx(-1.4 * lr, abs=1e-12)


def test_of_a_2_cycle_with_two_weights():
    """x = ±√μ, y = 0 is a 2-cycle; across it y is multiplied by 1 + k − 2x², so that it meets others where k = 2μ."""
    step = cf.Map.from_text(["-x*(1 + m) + x**3", "y*(1 + k - 2*x**2) - y**3"], "x y", {"m": 0.3, "k": 0.6})
    x = 0.3**0.5
    found = curve_of(step, ("branch point", [[x, 0.0], [-x, 0.0]]), ("m", "k"), ((0.05, 0.8), (-1, 2)))
    m, k = found.parameters.T
    assert found.period == 2 and k == pytest.approx(2 * m, abs=1e-11)
    assert found.points[:, 0, 0] ** 2 == pytest.approx(m, abs=1e-11) and abs(found.points[:, :, 1]).max() < 1e-12


@pytest.mark.parametrize("text", ["x + m*x - x**2 + e", "x + m*x - x**3 + e"])
def test_one_that_an_imperfection_breaks_is_refused(text):
    step = cf.Map.from_text(text, "x", {"m": 0.0, "e": 0.0})
    with pytest.raises(cf.CfdynError, match="does not persist in m and e.*follow the fold"):
        curve_of(step, ("branch point", [[0.0]]), ("m", "e"), ((-1, 1), (-1, 1)))


def test_the_fold_beside_it_starts_there():
    """x + μx − x³ + e: 27e² = 4μ³, from its cusp."""
    step = cf.Map.from_text("x + m*x - x**3 + e", "x", {"m": 0.0, "e": 0.0})
    found = curve_of(step, ("fold", [[0.0]]), ("m", "e"), ((-1, 1), (-1, 1)))
    m, e = found.parameters.T
    assert 27 * e**2 == pytest.approx(4 * m**3, abs=1e-12) and np.ptp(np.sign(e)) == 2
