"""Orbits that turn about a neutral cycle: close returns are no cycles, slow approaches are seen, conservative ones circle."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from tests.oracles import needs_compiler


def rotation(factor: str, q: int, **params: float) -> cf.Map:
    """z ← e^{2πi/q} z·factor, z = x + iy."""
    turn = {"c": math.cos(2 * math.pi / q), "s": math.sin(2 * math.pi / q)}
    return cf.Map.from_text([f"({factor})*(c*x-s*y)", f"({factor})*(s*x+c*y)"], "x y", turn | params)


@pytest.mark.parametrize("q", range(3, 13))
@pytest.mark.parametrize("factor", ["1-x**2-y**2", "1-(x**2+y**2)**2"])
@needs_compiler
def test_creeping_into_a_rational_rotation(factor, q):
    """|z| ← |z|(1 − |z|²) < |z|: every orbit inside the unit circle ends at 0, and none is a q-cycle."""
    found = cf.analysis.classify(rotation(factor, q), [0.4, 0.1])
    assert (found.kind, found.period) == ("fixed point", 1), found.reason
    assert np.abs(found.points).max() < 1e-12 and np.abs(found.multipliers) == pytest.approx(1, abs=1e-12)


@needs_compiler
def test_the_delayed_logistic_map_at_its_neimark_sacker_point():
    """Multipliers e^{±iπ/3} at a = 2, and the curve is born stable: ½ attracts, slowly. The radius falls as 1/√n."""
    step = cf.Map.from_text(["a*x*(1-y)", "x"], "x y", {"a": 2.0})
    found = cf.analysis.classify(step, [0.6, 0.5])
    assert (found.kind, found.period) == ("fixed point", 1), found.reason
    assert found.points[0] == pytest.approx([0.5, 0.5], abs=1e-12)
    x, y, far = 0.6, 0.5, []
    for k in range(1, 40_001):
        x, y = 2 * x * (1 - y), x
        if k in (10_000, 40_000):
            far.append(abs(complex(x - 0.5, (x - 2 * y + 0.5) / math.sqrt(3))))
    assert far[0] / far[1] == pytest.approx(2, rel=0.2)


@needs_compiler
def test_an_epoch_that_turns_by_a_third():
    """Two samples at 60°, η = 2: the linear part turns by 120°, and log cosh pulls in."""
    found = cf.analysis.classify(cf.epoch(cf.losses.cyclic_pair(residual="log_cosh"), cf.optimizers.gd(lr=2.0)), [1, 0.3])
    assert (found.kind, found.period) == ("fixed point", 1) and np.abs(found.points).max() < 1e-10


@needs_compiler
def test_a_neutral_direction_beside_the_rotation_is_none_of_its_business():
    """z drifts to some value and stays, every value is allowed: a continuum of fixed points, approached while turning."""
    turn = {"c": math.cos(0.4 * math.pi), "s": math.sin(0.4 * math.pi)}
    text = ["(1-x**2-y**2)*(c*x-s*y)", "(1-x**2-y**2)*(s*x+c*y)", "z+0.1*x*y"]
    found = cf.analysis.classify(cf.Map.from_text(text, "x y z", turn), [0.3, 0.1, 0.5])
    assert (found.kind, found.period) == ("fixed point", 1), found.reason


@pytest.mark.parametrize("q", [5, 7])
@needs_compiler
def test_a_locked_cycle_is_one(q):
    """z ← e^{2πi/q} z (1.1 − |z|²) + b z̄^{q−1}: the last term locks the orbit to a q-cycle, which plain floats confirm."""
    conj = {5: ("x**4-6*x**2*y**2+y**4", "-4*x**3*y+4*x*y**3"),
            7: ("x**6-15*x**4*y**2+15*x**2*y**4-y**6", "-6*x**5*y+20*x**3*y**3-6*x*y**5")}[q]  # fmt: skip
    c, s, b = math.cos(2 * math.pi / q), math.sin(2 * math.pi / q), {5: 0.5, 7: 2.0}[q]
    text = [f"(1.1-x**2-y**2)*(c*x-s*y)+b*({conj[0]})", f"(1.1-x**2-y**2)*(s*x+c*y)+b*({conj[1]})"]
    found = cf.analysis.classify(cf.Map.from_text(text, "x y", {"c": c, "s": s, "b": b}), [0.3, 0.1])
    z = 0.3 + 0.1j
    orbit = []
    for k in range(200_000 + q):
        if k >= 200_000:
            orbit.append(z)
        z = complex(c, s) * z * (1.1 - abs(z) ** 2) + b * z.conjugate() ** (q - 1)
    assert abs(z - orbit[0]) < 1e-12 < 1e-3 < min(abs(z - w) for w in orbit[1:])
    assert (found.kind, found.period) == ("cycle", q), found.reason


@pytest.mark.parametrize("turn", [1 / 3, 1 / 4, 1 / 5, 0.2137])
@needs_compiler
def test_conservative_orbits_settle_nowhere(turn):
    """Hénon's area-preserving map near its elliptic point: det Df = 1, nothing attracts."""
    c, s = math.cos(2 * math.pi * turn), math.sin(2 * math.pi * turn)
    step = cf.Map.from_text(["c*x-s*(y-x**2)", "s*x+c*(y-x**2)"], "x y", {"c": c, "s": s})
    for start in ([0.01, 0.01], [0.001, 0.0], [0.1, 0.05]):
        assert cf.analysis.classify(step, start, budget=300_000).kind in ("quasi-periodic", "undecided", "divergent", "chaotic")


@needs_compiler
def test_a_drift_of_round_off_is_no_rest():
    """x + 1e-13 closes to round-off everywhere, and rests nowhere."""
    found = cf.analysis.classify(cf.Map.from_text("x + c", "x", {"c": 1e-13}), [0.3])
    assert found.kind == "undecided"


@pytest.mark.parametrize("power", [3, 5, 9])
@needs_compiler
def test_slow_approaches_along_a_line(power):
    """x − xᵏ: the orbit creeps to 0 as n^{−1/(k−1)}."""
    found = cf.analysis.classify(cf.Map.from_text(f"x - x**{power}"), [0.4])
    assert (found.kind, found.period) == ("fixed point", 1) and "slowly" in found.reason
