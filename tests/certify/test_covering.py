"""Growth rates in integers, marks on a line and what they cover, against samples and floating point."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

import cfdyn as cf
from cfdyn.certify.balls import ball
from cfdyn.certify.covering.growth import growth, log_below
from cfdyn.certify.covering.marks import marks
from cfdyn.certify.subject import subject
from cfdyn.linalg.perron import perron_root

graphs = st.integers(1, 9).flatmap(lambda n: st.lists(st.lists(st.integers(0, n - 1), unique=True), min_size=n, max_size=n))


@settings(max_examples=40)
@given(graphs)
def test_growth_is_proved_by_its_vector_and_never_above_the_spectral_radius(covers):
    rate, v = growth(covers)
    matrix = np.zeros((len(covers), len(covers)))
    for i, js in enumerate(covers):
        matrix[i, js] = 1
    low, high = perron_root(csr_matrix(matrix))
    assert (rate > 1) == (high > 1 + 1e-9)
    for i in range(len(v)):
        assert sum(v[j] for j in covers[i]) >= rate * v[i]
    assert rate == 0 or (max(v) > 0 and min(v) >= 0 and low - 1e-7 < rate <= high)


@pytest.mark.parametrize("value", ["2", "1.618033988", "1.0000001", "3"])
def test_logarithms_are_rounded_down(value):
    bound = log_below(Fraction(value))
    with mpmath.workdps(60):
        exactly = mpmath.log(mpmath.mpf(value))
        assert 0 < exactly - mpmath.mpf(bound.numerator) / bound.denominator < mpmath.mpf("2.1e-9")


@given(st.floats(2.5, 4), st.lists(st.floats(0.01, 0.99), min_size=2, max_size=12, unique=True))
def test_what_gaps_cover_they_cover_at_samples(r, numbers):
    step = subject(cf.Map.from_text("r*x*(1-x)", params={"r": r})).enclosure("step")
    known = marks(step, [], sorted(numbers))
    assert known is not None
    at = [lo for lo, _ in known.boxes]
    for a, covered in enumerate(known.covers):
        values = r * (x := np.linspace(at[a], at[a + 1], 50)) * (1 - x)
        for b in covered:
            assert values.min() <= at[b] + 1e-12 and values.max() >= at[b + 1] - 1e-12


def test_a_point_of_a_cycle_goes_to_the_next_one_exactly():
    # The 3-cycle of the tent map with slope 2, 2/7 → 4/7 → 6/7: its two gaps make the golden mean.
    step = subject(cf.Map.from_text("Min(2*x, 2 - 2*x)")).enclosure("step")
    cycle = [(k / 7 - 1e-9, k / 7 + 1e-9) for k in (2, 4, 6)]
    known = marks(step, [cycle], [])
    assert known is not None and known.covers == [[1], [0, 1]]
    blurred = marks(step, [], [k / 7 for k in (2, 4, 6)])
    assert blurred is not None and blurred.covers != known.covers  # of numbers nearby that is not known


def test_marks_that_meet_are_refused():
    step = subject(cf.Map.from_text("x**2")).enclosure("step")
    assert marks(step, [[(0.1, 0.3)]], [0.2]) is None
    assert step([ball(0.5)])[0] == 0.25
