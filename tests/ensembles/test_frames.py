"""Tangents in lanes are stretched as those that are taken one after the other."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.invariants.lyapunov_spectrum import stretching
from cfdyn.kernels.orbits import stretch

MAPS = {
    "logistic": (cf.Map.from_text("r*x*(1 - x)", "x", {"r": 3.83}), [0.3]),
    "losing half of the digits in eight steps": (cf.Map.from_text(["1 - 1.4*x**2 + y", "0.3*x"], "x y"), [0.1, 0.1]),
    "contracting": (cf.Map.from_text(["x/2 + y", "z/3 + x/9", "x*y - z/5"], "x y z"), [0.5, 0.2, 0.1]),
    "heavy ball": (cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.9, momentum=0.7)), [1.3, 0.0]),
    "on a line": (cf.Map.from_text(["x/2", "x/2"], "x y"), [0.5, 0.2]),
    "three-dimensional": (cf.Map.from_text(["1.76 - y**2 - 0.1*z", "x", "y"], "x y z"), [0.1, 0.2, 0.3]),
    "a ring of five": (cf.Map.from_text([f"tanh(1.9*x{i} - 1.3*x{(i + 1) % 5})" for i in range(5)], "x0 x1 x2 x3 x4"), [0.1] * 5),
    "losing digits in a step": (cf.Map.from_text(["4*x*(1 - x)", "1e-9*y + x/3"], "x y"), [0.3, 0.1]),
    "superstable": (cf.Map.from_text(["x*y/4", "2 - y**2"], "x y"), [0.3, 0.0]),
    "escaping": (cf.Map.from_text(["r*x**2 + y", "x"], "x y", {"r": 1.0}), [1.1, 0.2]),
    "out of the domain": (cf.Map.from_text(["log(x) + y", "x/2"], "x y"), [1.1, 0.2]),
}


LEAVING = ("escaping", "out of the domain")


def both(name: str) -> list[tuple]:
    """(steps done, state, tangents, sums) in lanes and one after the other."""
    step, start = MAPS[name]
    rules = step.rule("step").compiled, step.rule("jacobian").compiled, False
    ends = []
    for way in (stretching(step), lambda z, n, q, sums: stretch(*rules, z, step.p, n, q, sums)):
        z, q, sums = np.array(start), np.linalg.qr(np.eye(step.dim) + 0.1)[0].T.copy(), np.zeros(step.dim)
        ends.append((way(z, 300, q, sums), z, np.abs(q), sums))
    return ends


@pytest.mark.parametrize("name", [name for name in MAPS if name not in LEAVING])
def test_both_ways_agree(name):
    (done, z, q, sums), (_, z_alone, q_alone, sums_alone) = both(name)
    assert done == 300
    assert np.array_equal(z, z_alone)
    assert np.allclose(sums, sums_alone, rtol=1e-9, atol=1e-9)
    assert np.allclose(q, q_alone, atol=1e-6)


@pytest.mark.parametrize("name", LEAVING)
def test_both_ways_say_when_an_orbit_is_no_number_any_more(name):
    here, alone = both(name)
    assert 0 < here[0] == alone[0] < 300
