"""The basin entropy: of boxes whose mix is known, of random labels, of smooth and of fractal boundaries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.attractors._smooth_boundary import _straight, entropy
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import UNSETTLED

WELL = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.2))
HIMMELBLAU = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=0.01))


def test_a_boundary_through_one_box_has_its_entropy():
    """320 starts in 64 boxes of 5, or 160 of 2; 0 lies behind the second start of a box of 5, and between two of 2."""
    basins = cf.analysis.basins(WELL, [("w", (-1.02, 2.18, 320))])
    found = cf.analysis.basin_entropy(basins)
    mixed = -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    assert (found.boxes, found.boundary) == (64, 1)
    assert found.boundary_entropy == pytest.approx(mixed)
    assert found.entropy == pytest.approx(mixed / 64)
    assert not found.fractal
    other = cf.analysis.basin_entropy(basins, cells=2)
    assert (other.boxes, other.boundary, other.entropy) == (160, 0, 0)


def test_random_labels_have_the_entropy_of_samples():
    """Of K labels in boxes of n it is ln K − (K − 1)/(2n) to first order (Miller 1955)."""
    basins = cf.analysis.basins(WELL, [("w", (-2, 2, 300))])
    labels = np.random.default_rng(2).integers(0, 3, (300, 300))
    found = cf.analysis.basin_entropy(replace(basins, labels=labels, second=basins.first))
    assert found.boxes == found.boundary == 3600
    assert abs(found.entropy - (np.log(3) - 2 / 50)) < 3 * found.entropy_error + 2e-3
    assert found.fractal


@pytest.mark.slow
def test_smooth_and_fractal_boundaries_are_told():
    smooth = cf.analysis.basin_entropy(cf.analysis.basins(HIMMELBLAU, [("x", (-5, 5, 200)), ("y", (-5, 5, 200))]))
    fractal = cf.analysis.basin_entropy(cf.analysis.basins(HIMMELBLAU.at(lr=0.03), [("x", (-6, 6, 200)), ("y", (-6, 6, 200))]))
    assert smooth.boundary_entropy < np.log(2) < fractal.boundary_entropy
    assert smooth.fractal is None
    assert fractal.fractal


def test_boxes_that_are_not_decided_are_left_out():
    basins = cf.analysis.basins(WELL, [("w", (-2, 2, 400))])
    labels = basins.labels.copy()
    labels[0, :7] = UNSETTLED
    assert cf.analysis.basin_entropy(replace(basins, labels=labels)).boxes == 78
    assert cf.analysis.basin_entropy(replace(basins, labels=np.where(labels == UNSETTLED, -5, labels))).boxes == 78  # Ctrl-C
    with pytest.raises(UsageError, match="needs 64 boxes"):
        cf.analysis.basin_entropy(cf.analysis.basins(WELL, [("w", (-2, 2, 100))]))


# -- Puy's test, by labels whose boundary is known -----------------------------------------------------------------------

PLANE = cf.analysis.basins(WELL, [("w", (-2, 2, 400))])
Y, X = np.mgrid[:400, :400] / 400 - 0.5
# A straight line in eight directions, circles, a wave, three and seven sectors, an island of few cells.
SMOOTH = {
    **{f"line {angle}": np.cos(angle) * X + np.sin(angle) * Y > 0.0123 for angle in np.linspace(0, np.pi / 2, 8).round(2)},
    "circle": X**2 + Y**2 < 0.09, "small circle": X**2 + Y**2 < 0.01, "wave": 0.2 * np.sin(12 * X) > Y, "island": X**2 + Y**2 < 1e-4,
    "3 sectors": np.arctan2(Y, X) // (2 * np.pi / 3), "7 sectors": np.arctan2(Y, X) // (2 * np.pi / 7),
}  # fmt: skip


def told(labels):
    labels = np.atleast_2d(np.asarray(labels, int))
    return cf.analysis.basin_entropy(replace(PLANE, labels=labels, second=np.arange(len(labels)) if len(labels) > 1 else np.empty(0)))


def carpet(levels: int) -> np.ndarray:
    """Sierpinski's: whether the base-3 digits of row and column are 1 in the same place."""
    rows, columns = np.mgrid[: 3**levels, : 3**levels]
    return np.any([(rows // 3**k % 3 == 1) & (columns // 3**k % 3 == 1) for k in range(levels)], axis=0)


def newton(n: int) -> np.ndarray:
    """Which root of z³ = 1 Newton's method goes to: the three basins have one boundary (Wada)."""
    rows, columns = np.mgrid[:n, :n] / n - 0.5
    z = 2.4 * (columns + 1j * rows) + 1e-9
    for _ in range(60):
        z = z - (z**3 - 1) / (3 * z**2)
    return np.abs(z[..., None] - np.exp(2j * np.pi * np.arange(3) / 3)).argmin(axis=-1)


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_boundaries_are_not_called_fractal(name):
    found = told(SMOOTH[name])
    assert found.fractal is None
    assert abs(found.excess) < found.excess_error or name == "island"


@pytest.mark.parametrize("labels", [carpet(6), newton(400), np.random.default_rng(0).integers(0, 2, (400, 400))], ids=["carpet", "newton", "random"])
def test_fractal_boundaries_are_told_of_two_basins_too(labels):
    assert told(labels).fractal is True


def test_cantors_basins_are_told_on_a_line_and_points_far_apart_are_not():
    """Two basins, parted at the ends of Cantor's thirds and between; and at 40 points."""
    x = (np.arange(20_000) + 0.5) / 20_000
    cantor, left = x.copy(), np.zeros(len(x), bool)
    for _ in range(20):
        left = (cantor >= 1 / 3) & (cantor < 2 / 3)
        cantor = np.where(left, cantor, np.where(cantor < 1 / 3, 3 * cantor, 3 * cantor - 2))
    assert told(cantor > 0.5).fractal is True
    assert told(np.sin(40 * np.pi * x + 0.1) > 0).fractal is None


def test_the_entropy_of_a_disc_on_a_line_is_that_of_segments():
    """0.4395 (Puy et al. 2021), the mean over d of that of the segment (arccos d − d √(1 − d²))/π; discs of cells go there."""
    d = (np.arange(100_000) + 0.5) / 100_000
    part = (np.arccos(d) - d * np.sqrt(1 - d**2)) / np.pi
    exact = float((entropy(part) + entropy(1 - part)).mean())
    assert exact == pytest.approx(0.4395, abs=5e-4)
    low, mean, high = _straight(64, 2)
    assert low < mean < high and mean == pytest.approx(exact, abs=5e-3)
    assert _straight(8, 1)[1] == pytest.approx(np.mean([entropy(np.array([k / 17, 1 - k / 17])).sum() for k in range(1, 17)]))
