"""Memory beside what is returned does not grow with the number of orbits."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

import cfdyn as cf

HEAVY = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
DELAYED = cf.Map.from_text(["a*x*(1 - (1 - c)*x - c*y)", "x"], "x y", {"a": 2.1, "c": 0.5})
HIMMELBLAU = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=0.01))
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.9})
CALLS = {
    "regimes": lambda n: cf.analysis.regimes(HEAVY, [("lr", np.linspace(0.1, 4, n)), ("momentum", np.linspace(0, 0.95, n))], [1.1]),
    "curves": lambda n: cf.analysis.regimes(
        DELAYED, [("a", np.linspace(2.0, 2.3, n // 12)), ("c", np.linspace(0.9, 1, n // 24))], [0.3, 0.3]
    ),
    "basins": lambda n: cf.analysis.basins(HIMMELBLAU, [("x", (-5, 5, n)), ("y", (-5, 5, n))]),
    "diagram": lambda n: cf.analysis.orbit_diagram(LOGISTIC, ("r", np.linspace(2.5, 4, 10 * n)), [0.3], keep=500),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_64_megabytes_beside_the_result_are_enough(name):
    CALLS[name](48)  # compiled
    tracemalloc.start()
    try:
        found = CALLS[name](1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    arrays = [getattr(found, field.name) for field in fields(found)]
    result = sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
    assert result > 10_000
    assert peak <= result + 64 * 2**20
