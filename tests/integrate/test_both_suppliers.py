"""The oracle of two suppliers: a flow with matrices and the same flow by products alone follow one path, to the tolerance."""

import numpy as np
import pytest

import cfdyn as cf
from tests.integrate.test_large import REFERENCES, Plain, case

o = cf.optimizers
RATES = {"gd": {}, "heavy_ball": {"momentum": 0.5}, "nesterov": {"momentum": 0.5}, "ema_momentum": {"momentum": 0.5}, "rmsprop": {"beta2": 0.9},
         "scalar_rmsprop": {"beta2": 0.9}, "adam": {"beta1": 0.5, "beta2": 0.9}, "adagrad": {}}  # fmt: skip
LOSSES = {
    "valley": (cf.Loss("(1 - x*y)**2/2"), [1.5, 0.3]), "quartic": (cf.losses.quartic(), [0.9]),
    "factors": (cf.losses.matrix_factorization(), [0.9, 0.3, -0.5, 0.8]),
    "tanh": (cf.losses.tanh_network(), 0.7 * np.random.default_rng(1).normal(size=7)),
}  # fmt: skip
SPEEDS = {"gd": (0.8, 0.3), "heavy_ball": (0.8, 0.3), "nesterov": (0.5, 0.2), "ema_momentum": (0.8, 0.3), "rmsprop": (0.1, 0.03),
          "scalar_rmsprop": (0.1, 0.03), "adam": (0.1, 0.03), "adagrad": (0.3, 0.1)}  # fmt: skip


def both(loss, optimizer, start, t):
    """The compiled path, and those without a matrix at two tolerances 100 apart; none of these where the first one ends early."""
    flow, times = cf.flows.central(loss, optimizer), np.linspace(t / 4, t, 4)
    dense = cf.solve(flow, start, t, rtol=1e-9, save_at=times)
    if dense.status != "done":
        return dense, []
    free = cf.flows.central(Plain(loss), optimizer)
    return dense, [cf.solve(free, start, t, rtol=rtol, save_at=times) for rtol in (1e-3, 1e-5)]


def agree(start, dense, paths):
    """The error falls with the tolerance and is small beside the largest weights of the path, the start included."""
    assert [path.status for path in paths] == ["done", "done"]
    length = max(np.linalg.norm(dense.w, axis=1).max(), np.linalg.norm(start))
    errors = [float(np.linalg.norm(path.w - dense.w, axis=1).max()) / length for path in paths]
    assert errors[0] < 0.03 and errors[1] < 1e-3, errors
    assert errors[1] < errors[0] / 3 or errors[1] < 3e-5, errors
    np.testing.assert_allclose(paths[1].edge, dense.edge, rtol=3e-3)


@pytest.mark.slow
@pytest.mark.parametrize("entry", REFERENCES, ids=[entry["name"] for entry in REFERENCES])
def test_references(entry):
    agree(entry["start"], *both(*case(entry), entry["start"], entry["t"][-1]))


@pytest.mark.slow
@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("fast", [0, 1])
@pytest.mark.parametrize("which", LOSSES)
def test_catalogue(which, fast, name):
    loss, start = LOSSES[which]
    dense, paths = both(loss, getattr(o, name)(lr=SPEEDS[name][fast], **RATES[name]), start, 20.0)
    assert paths, dense.status
    agree(start, dense, paths)
