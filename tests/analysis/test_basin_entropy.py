"""The basin entropy: of boxes whose mix is known, of random labels, of smooth and of fractal boundaries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import UNSETTLED

WELL = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.2))
HIMMELBLAU = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=0.01))


def test_a_boundary_through_one_box_has_its_entropy():
    """320 starts in 64 boxes of 5, or 160 of 2; 0 lies behind the second start of a box of 5, and between two of 2."""
    basins = cf.analysis.basins(WELL, [(-1.02, 2.18)], 320)
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
    basins = cf.analysis.basins(WELL, [(-2, 2)], 300)
    labels = np.random.default_rng(2).integers(0, 3, (300, 300))
    found = cf.analysis.basin_entropy(replace(basins, labels=labels, second=basins.first))
    assert found.boxes == found.boundary == 3600
    assert abs(found.entropy - (np.log(3) - 2 / 50)) < 3 * found.entropy_error + 2e-3
    assert found.fractal


@pytest.mark.slow
def test_smooth_and_fractal_boundaries_are_told():
    smooth = cf.analysis.basin_entropy(cf.analysis.basins(HIMMELBLAU, [(-5, 5)] * 2, 150))
    fractal = cf.analysis.basin_entropy(cf.analysis.basins(HIMMELBLAU.at(lr=0.03), [(-6, 6)] * 2, 150))
    assert smooth.boundary_entropy < np.log(2) < fractal.boundary_entropy
    assert not smooth.fractal
    assert fractal.fractal


def test_boxes_that_are_not_decided_are_left_out():
    basins = cf.analysis.basins(WELL, [(-2, 2)], 400)
    labels = basins.labels.copy()
    labels[0, :7] = UNSETTLED
    assert cf.analysis.basin_entropy(replace(basins, labels=labels)).boxes == 78
    assert cf.analysis.basin_entropy(replace(basins, labels=np.where(labels == UNSETTLED, -5, labels))).boxes == 78  # Ctrl-C
    with pytest.raises(UsageError, match="needs 64 boxes"):
        cf.analysis.basin_entropy(cf.analysis.basins(WELL, [(-2, 2)], 100))
