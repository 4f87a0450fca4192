"""`fractal_dimension` on sets whose dimension is known, and its counts by brute force."""

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.invariants.fractal_dimension import boxes_filled, pairs_within

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.569945671870945})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})


def dimension(points, kind="correlation", **options):
    return cf.analysis.fractal_dimension(points, kind, **options)


def cantor(n, columns=1):
    """Random points of the middle-third set, or of its product with itself."""
    digits = np.random.default_rng(0).integers(0, 2, (n, columns, 30))
    return (digits * 2 / 3.0 ** np.arange(1, 31)).sum(axis=2)


def within(found, value, largest):
    assert abs(found.value - value) <= found.error <= largest, found
    assert found.reason == "" and found.fitted[0] > found.fitted[1]


@pytest.mark.parametrize("kind", ["correlation", "box"])
def test_the_middle_third_set(kind):
    within(dimension(cantor(10_000), kind), math.log(2) / math.log(3), 0.035)


@pytest.mark.parametrize(("kind", "value"), [("correlation", 0.500), ("box", 0.538)])
def test_the_attractor_at_the_end_of_the_cascade(kind, value):
    # Grassberger & Procaccia (1983), 0.500 ± 0.005; box dimension 0.538 (Grassberger 1981).
    within(dimension(cf.iterate(LOGISTIC, [0.5], 11_000).z[1000:], kind), value, 0.07)


def test_henons_attractor():
    # Grassberger & Procaccia (1983): 1.21 ± 0.01; boxes: 1.261 ± 0.003 (Russell, Hanson & Ott 1980).
    orbit = cf.iterate(HENON, [0.1, 0.1], 11_000).z[1000:]
    within(dimension(orbit), 1.21, 0.07)


@pytest.mark.parametrize(
    "rows", [100_000, pytest.param(200_000, marks=pytest.mark.slow), pytest.param(10**6, marks=pytest.mark.slow)]
)
def test_henons_attractor_in_boxes(rows):
    """1.261 ± 0.003 (Russell, Hanson & Ott 1980) to 1.28 ± 0.01 (Grassberger 1983): the error covers the middle of both."""
    found = dimension(cf.iterate(HENON, [0.1, 0.1], rows + 1000).z[1000:], "box")
    within(found, 1.27, 0.06)
    within(found, 1.261, 0.06)


def test_a_product_a_square_and_a_cycle():
    within(dimension(cantor(10_000, 2)), 2 * math.log(2) / math.log(3), 0.1)
    within(dimension(np.random.default_rng(1).uniform(size=(10_000, 2))), 2.0, 0.08)
    within(dimension(cf.iterate(LOGISTIC.at(r=3.5), [0.3], 3000).z[1000:]), 0.0, 0.05)  # two of its four points are 0.1 apart
    assert dimension(np.full(2000, 0.3)).value == 0.0


def test_no_range_of_sizes_is_no_number():
    found = dimension(np.random.default_rng(1).uniform(size=(2000, 3)), "box")
    assert math.isnan(found.value) and "too few points" in found.reason


def test_no_unit_matters():
    points = cantor(3000, 2)
    assert dimension(points * [1e-200, 1e150]).value == pytest.approx(dimension(points).value, rel=1e-6)


def test_counts_by_brute_force():
    points = np.random.default_rng(2).uniform(size=(300, 2))
    points[50:60] = points[0]
    apart = np.abs(points[:, None] - points[None]).max(axis=2)
    i, j = np.triu_indices(300, 6)
    radii = np.array([0.3, 0.1, 0.02])
    assert pairs_within(points, radii, 5).tolist() == [np.sum(apart[i, j] <= r) for r in radii]
    filled = boxes_filled(points, 0.5, 4, np.zeros(2))
    assert filled.tolist() == [len({tuple(cell) for cell in (points // (0.5 / 2**k)).tolist()}) for k in range(4)]


@pytest.mark.parametrize(
    ("points", "options", "words"),
    [
        (np.ones(50), {}, "1000 rows"),
        ([], {}, "1000 rows"),
        (np.full(2000, math.nan), {}, "finite"),
        (np.ones(2000), {"kind": "hair"}, "kind"),
        (np.ones(2000), {"window": -1}, "window"),
        (np.ones(2000), {"window": 900}, "window"),
    ],
)
def test_senseless_calls_are_refused(points, options, words):
    with pytest.raises(cf.CfdynError, match=words):
        dimension(points, **options)
