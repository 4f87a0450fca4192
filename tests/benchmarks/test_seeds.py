"""What is measured of nets seed by seed, against matrices that are written out."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from problems import digits


def test_eigenvalues_at_the_edge_are_those_of_dense_matrices():
    """Of P⁻¹H over θ at the midpoint of three iterates: descent's are ηλ/2, Adam's those of a matrix that is written out."""
    net = digits.network((2,), 40)
    for optimizer, theta in ((cf.optimizers.gd(lr=0.7), 2.0), (cf.optimizers.adam(lr=0.01), 38.0)):
        step = cf.as_map(net, optimizer)
        z = cf.iterate(step, net.start, 12).z[-3:]
        w, p = (np.array([1, 2, 1]) @ rows[:, : net.dim] / 4 for rows in (z, step.preconditioners(z)[:, net.dim : 2 * net.dim]))
        hessian = np.array([net.hvp(w, e) for e in np.eye(net.dim)])
        expected = np.sort(np.linalg.eigvals(hessian / p[:, None]).real)[:-4:-1] / theta
        assert digits._leading(net, step, z, 2, 3) == pytest.approx(expected[None], rel=1e-3)
