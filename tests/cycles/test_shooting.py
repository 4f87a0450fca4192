"""Newton's step around a ring of equations."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cfdyn.cycles import shooting


@given(st.integers(2, 40), st.sampled_from([0.0, 0.1, 1.0, 10.0]), st.integers(0, 10**6))
def test_newtons_step_around_a_ring_solves_its_equations(n, scale, seed):
    rng = np.random.default_rng(seed)
    slopes, defect = scale * rng.standard_normal(n), rng.standard_normal(n)
    moved = shooting._solve_ring(slopes.tolist(), defect.tolist())[:, 0]
    residual = slopes * moved - np.roll(moved, -1) - defect
    assert np.abs(residual).max() <= 1e-12 * (1 + scale) * max(1, np.abs(moved).max())


def test_newtons_step_around_a_ring_without_solution():
    assert np.isnan(shooting._solve_ring([1.0, 1.0, 1.0], [1.0, 0.0, 0.0])).all()  # the sum of the defects is not 0
    assert np.isnan(shooting._solve_ring([0.5, 2.0], [1.0, 1.0])).all()  # multiplier 1
