"""Orbits around an elliptic periodic orbit: the section x = 0 of Hénon and Heiles at the energy 1/12, and beside its centre."""

import numpy as np
import pytest

import cfdyn as cf

FLOW = cf.Flow.from_text("u; v; -x - 2*x*y; -y - x**2 + y**2", "x y u v")
CENTRE = 0.2548061629624306  # where the section's fixed point lies on v = 0


def start(y):
    """A state with x = v = 0 and the energy 1/12: u²/2 + y²/2 − y³/3."""
    return [0.0, y, np.sqrt(1 / 6 - y**2 + 2 * y**3 / 3), 0.0]


@pytest.mark.slow
def test_an_island_is_quasi_periodic_and_its_very_centre_says_what_to_do():
    step = cf.poincare_map(FLOW, "x = 0", "up", without="x")
    wide = cf.analysis.classify(step, start(CENTRE + 0.01), budget=2000)
    assert wide.kind == "quasi-periodic"
    narrow = cf.analysis.classify(step, start(CENTRE + 1e-5), budget=1500)
    assert narrow.kind == "undecided" and "of a fixed point" in narrow.reason and "start farther" in narrow.reason
