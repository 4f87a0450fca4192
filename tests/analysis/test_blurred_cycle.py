"""Which cycles are seen under noise."""

import numpy as np
import pytest
from scipy.stats import binom

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError

WELL = cf.losses.double_well()


def test_a_cycle_is_lost_as_noise_grows():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=1.46), noise=1.0)
    found = cf.analysis.blurred_cycle(step, [1.1], ("noise", [1e-9, 1e-8, 1e-4]), 256, 8)
    assert found.period == 3 and found.seen.tolist() == [8, 8, 0] and found.still.tolist() == [1, 1, -1]
    assert found.verdicts[0] == {"period 3": 8} and "period 3" not in found.verdicts[2]
    # Noise of a tenth of the size: √10 times the signal to it.
    assert 2 < found.signal_to_noise[0] / found.signal_to_noise[1] < 5 and np.isnan(found.signal_to_noise[2])
    assert found.p_values[0] == binom.sf(7, 8, 0.01) and found.p_values[2] == 1.0
    assert (found.low <= found.share).all() and (found.share <= found.high).all() and found.steps == 256
    # Half the range between the points of the cycle.
    cycle = cf.iterate(step.step, [1.1], 3000).w[-3:, 0]
    assert abs(found.amplitude[0] - np.ptp(cycle) / 2) < 0.02 * np.ptp(cycle)


def test_alternation_by_noise_alone_is_no_cycle():
    """A rule with the multiplier −0.5 and noise has no period, and nothing to blur."""
    step = cf.random_map(cf.Map.from_text("-x/2"), noise=1.0)
    with pytest.raises(NumericsError, match="fixed point, period 1"):
        cf.analysis.blurred_cycle(step, [1.0], ("noise", [0.1]))
    logs = [cf.analysis.oscillation(cf.iterate_many(cf.Loss("w**2/2"), cf.optimizers.gd(lr=1.5), [0.0], 400, None, 5, noise=[1.0]).run(k))
            for k in range(5)]  # fmt: skip
    assert sum(one.kind == "periodic" for one in logs) == 0


def test_runs_that_leave_are_not_judged():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=1.2), noise=1.0)
    found = cf.analysis.blurred_cycle(step, [1.1], ("noise", [1e-6, 0.02, 10.0]), 128, 10, 200)
    assert found.judged[0] == 10 and 0 < found.judged[1] < 10 and found.judged[2] == 0
    assert np.isnan(found.share[2]) and (found.low[2], found.high[2]) == (0.0, 1.0) and found.still[2] == 0


def test_what_has_no_cycle():
    with pytest.raises(NumericsError, match="diverge"):
        cf.analysis.blurred_cycle(cf.random_map(WELL, cf.optimizers.gd(lr=3.0), noise=1.0), [2.0], ("noise", [0.1]))
    with pytest.raises(NumericsError, match="chaotic"):
        cf.analysis.blurred_cycle(cf.random_map(cf.Map.from_text("1 - 2*x**2"), noise=1.0), [0.3], ("noise", [1e-9]))
    step = cf.random_map(WELL, cf.optimizers.gd(lr=1.2), noise=1.0)
    for wrong in ({"steps": 8}, {"runs": 0}, {"max_period": 1}, {"level": 0.7}):
        with pytest.raises(UsageError):
            cf.analysis.blurred_cycle(step, [1.1], ("noise", [0.1]), **wrong)
