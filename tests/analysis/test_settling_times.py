"""Settling and escape times: closed forms, a plain loop, the boundary of what can be trained, Ctrl-C, and bad input."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import ESCAPED

LINE = cf.as_map(cf.Loss("a*w**2/2", params={"a": 1.0}), cf.optimizers.gd(lr=0.5))
HEAVY = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))


def test_times_of_a_line_are_logarithms():
    """w ↦ (1 − lr) w from 1 is within ε at ⌈log ε / log |1 − lr|⌉, and beyond 10³⁰⁷ at ⌈307 / log₁₀ |1 − lr|⌉."""
    lr = np.array([0.03, 0.11, 0.45, 0.7, 1.3, 1.83, 2.05, 2.2, 3.0])
    found = cf.analysis.settling_times(LINE, [("lr", lr), ("w", [1.0, 8.0])], [1.0], tolerance=1e-5)
    for row, w in zip(found.steps, (1.0, 8.0), strict=True):
        expected = [math.ceil(math.log(1e-5 / w) / math.log(abs(1 - x))) if x < 2 else math.ceil(math.log(1e307 / w) / math.log(x - 1))
                    for x in lr]  # fmt: skip
        assert row.tolist() == expected
    assert np.array_equal(found.trainable, np.tile(lr < 2, (2, 1)))
    assert np.array_equal(found.boundary, np.tile((lr == 1.83) | (lr == 2.05), (2, 1)))


def test_times_are_those_of_a_plain_loop():
    lr, momentum = np.linspace(0.2, 2.0, 7), np.array([0.1, 0.6])
    found = cf.analysis.settling_times(HEAVY, [("lr", lr), ("momentum", momentum)], [1.1], tolerance=1e-4)
    short = 0
    for row, column in np.ndindex(found.labels.shape):
        period, rows = int(found.labels[row, column]), [(1.1, 0.0)]
        for _ in range(16_000):
            w, v = rows[-1]
            v = momentum[row] * v + w**3 - w
            rows.append((w - lr[column] * v, v))
            if not abs(rows[-1][0]) <= 1e100:
                break
        if period == ESCAPED:
            # It leaves a few steps after it is beyond 10¹⁰⁰: its logarithm grows threefold with each. Behind a long transient
            # round-off decides when.
            assert 0 <= found.steps[row, column] - len(rows) + 1 <= 3 or len(rows) > 60
            short += len(rows) <= 60
        elif period > 0:
            orbit = np.array(rows)
            away = np.abs(orbit - orbit[16_000 - (16_000 - np.arange(16_001)) % period]).max(axis=1) > 1e-4
            # Phases are counted from the last state: that of state t is the last but (16,000 − t) mod n.
            assert found.steps[row, column] == np.flatnonzero(away)[-1] + 1
        else:
            assert found.steps[row, column] == 0
    assert short > 0 and {1, 2, ESCAPED} <= set(found.labels.ravel().tolist())


def test_the_boundary_is_the_edge():
    """Of heavy ball at w = 1, where L″ = 2: lr = 1 + β, within a cell; and the curve is drawn there."""
    lr, momentum = np.linspace(0.9, 1.6, 71), np.linspace(0, 0.5, 3)
    found = cf.analysis.settling_times(HEAVY, [("lr", lr), ("momentum", momentum)], [1.02])
    last = lr[found.trainable.argmin(axis=1) - 1]
    assert (np.abs(last - 1 - momentum) <= 1.0001 * (lr[1] - lr[0])).all()
    flip = cf.analysis.bifurcation_curve(HEAVY.at(lr=1.5), ("flip", [[1.0, 0.0]]), ("lr", "momentum"), ((0.8, 2), (0, 0.6)))
    figure = cf.plot(found, also=[flip])
    assert [line.get_label() for line in figure.axes[0].lines] == ["flip"]
    slow = found.steps[0][found.trainable[0]]
    assert slow[-1] > 5 * slow[0]  # the nearer to the edge, the slower


def test_ctrl_c_keeps_what_is_done(monkeypatch):
    monkeypatch.setattr(sys.modules["cfdyn.ensembles.grids"], "AT_ONCE", 20)
    vary = [("lr", np.linspace(0.1, 2.5, 10)), ("w", np.linspace(1, 2, 5))]
    whole = cf.analysis.settling_times(LINE, vary, [1.0])

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(cf.Interrupted) as stopped:
        cf.analysis.settling_times(LINE, vary, [1.0], progress=stop)
    part = stopped.value.record
    assert part.looked.sum() == 20 and not part.complete
    assert np.array_equal(part.extended().steps, whole.steps)


@pytest.mark.parametrize(
    ("vary", "options", "words"),
    [
        ([("lr", [1.0])], {}, "two quantities"),
        ([("lr", [1.0]), ("v", [1.0])], {}, "unknown parameter or entry"),
        ([("lr", [1.0]), ("w", [1.0, 1.0])], {}, "increase"),
        ([("lr", [1.0]), ("w", [1.0])], {"tolerance": 0.0}, "positive"),
        ([("lr", [1.0]), ("w", [1.0])], {"tolerance": np.inf}, "tolerance"),
        ([("lr", np.linspace(0.1, 1, 10**5)), ("w", np.linspace(0, 1, 10**4))], {}, "GiB"),
    ],
)
def test_bad_input_gets_a_sentence(vary, options, words):
    with pytest.raises(UsageError, match=words):
        cf.analysis.settling_times(LINE, vary, [1.0], **options)
