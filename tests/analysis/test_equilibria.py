"""Equilibria of flows: all of them, with their eigenvalues and kinds."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError


def test_those_of_the_lorenz_flow():
    flow = cf.Flow.from_text("s*(y-x); x*(r-z)-y; x*y-b*z", "x y z", {"s": 10.0, "r": 28.0, "b": 8 / 3})
    found = cf.analysis.equilibria(flow, [(-30, 30), (-30, 30), (0, 60)])
    c = np.sqrt(72)
    assert found.complete and [one.kind for one in found] == ["saddle"] * 3
    np.testing.assert_allclose(found.points, [[-c, -c, 27], [0, 0, 0], [c, c, 27]], atol=1e-12)
    # At 0: −β and the roots of λ² + (σ + 1)λ − σ(r − 1).
    np.testing.assert_allclose(found[1].eigenvalues, [(-11 + np.sqrt(1201)) / 2, -8 / 3, (-11 - np.sqrt(1201)) / 2], rtol=1e-12)
    np.testing.assert_allclose(np.poly(found[0].eigenvalues), [1, 41 / 3, 8 / 3 * 38, 160 / 3 * 27], rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "box", "kinds"),
    [
        ("x*(1-x)*(x-0.3)", [(-2, 2)], ["stable node", "unstable node", "stable node"]),
        ("y; x - x**3 - y/10", [(-3, 3)] * 2, ["stable focus", "saddle", "stable focus"]),
        ("y; -x", [(-1, 1)] * 2, ["not hyperbolic"]),
        ("y; x/5 + y - x**3", [(-1, 1)] * 2, ["unstable focus", "saddle", "unstable focus"]),
        ("1 + x**2; y", [(-1, 1)] * 2, []),
    ],
)
def test_kinds(text, box, kinds):
    found = cf.analysis.equilibria(cf.Flow.from_text(text), box)
    assert [one.kind for one in found] == kinds and found.complete
    assert [one.stable for one in found] == [{"stable": True, "not": None}.get(kind.split()[0], False) for kind in kinds]


def test_critical_points_are_those_of_the_gradient_flow():
    flow = cf.flows.gradient(cf.Loss("(1-x*y)**2/2 + (x**2-2)**2/8"), cf.optimizers.gd(lr=0.1))
    found = cf.analysis.equilibria(flow, [(-3, 3), (-3, 3)])
    np.testing.assert_allclose(found.points, [[-(2**0.5), -(2**-0.5)], [0, 0], [2**0.5, 2**-0.5]], atol=1e-12)
    assert found.complete and [one.stable for one in found] == [True, False, True]


def test_a_continuum_is_not_called_complete():
    found = cf.analysis.equilibria(cf.Flow.from_text("x*y; -x*y"), [(-1, 1), (-1, 1)])
    assert not found.complete and "equilibria" in found.reason


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (cf.Flow.from_text("cos(t) - x", "x"), "stroboscopic_map"),
        (cf.flows.central(cf.Loss("w**2"), cf.optimizers.gd(lr=0.1)), "smooth flow"),
        (cf.flows.rod(cf.Loss("w**2"), cf.optimizers.gd(lr=0.1)), "is a formula"),
    ],
)
def test_flows_without_equilibria_are_refused(flow, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.analysis.equilibria(flow, [(-1, 1)])


def test_equal_eigenvalues_make_no_focus():
    """Critical damping: λ = −√k twice, which round-off makes a pair."""
    found = cf.analysis.equilibria(cf.Flow("v; -k*x - 2*sqrt(k)*v", "x v", {"k": 0.37}), [(-1, 1), (-1, 1)])
    assert [one.kind for one in found] == ["stable node"]
    damped = cf.analysis.equilibria(cf.Flow("v; -x - 1.999*v", "x v"), [(-1, 1), (-1, 1)])
    assert [one.kind for one in damped] == ["stable focus"]


def test_it_speaks_of_flows():
    reason = cf.analysis.equilibria(cf.Flow("x**2; -y", "x y"), [(-1, 1), (-1, 1)]).reason
    assert reason.startswith("1 place is undecided: eigenvalues of 0 to round-off, or a border where the flow is not smooth")
    with pytest.raises(NumericsError, match=r"^F\(x\) = 0 to round-off on the whole box: a continuum of equilibria, or nearly so"):
        cf.analysis.equilibria(cf.Flow("x*1e-30", "x"), [(-1, 1)])
