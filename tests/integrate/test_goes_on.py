"""Runs of flows of losses that are no formulas, kept on the way and taken up again: bit for bit those that nobody stopped."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.integrate.large import idle_run, large_run
from tests.flows.noisy_losses import TOY_START, toy
from tests.integrate.test_large import REFERENCES, Plain, case
from tests.integrate.test_large_noisy import ByRow, Warm

OPT = cf.optimizers
QUARTIC, VALLEY = Plain(cf.losses.quartic(S=2.5)), Plain(cf.losses.two_time_scales())


def rmsprop():
    loss, optimizer = case(next(entry for entry in REFERENCES if entry["name"] == "rmsprop"))
    return cf.flows.central(Plain(loss), optimizer)


# The flow, its start, the times of stops and of the end, options; what of the run is compared besides all that is kept.
RUNS = {
    "central, with events": (rmsprop, [1.8, 0.2, 0.3, 0.3, 0.4, 0.15], (5.0, 34.0, 60.0, 80.0), {}, ()),
    "central, a neutral mode": (lambda: cf.flows.central(Plain(cf.Loss("b**2/2 + (1 - x*y)**2/2")), OPT.gd(2.0)), [0.3, 0.7, 0.6],
                                (1.0, 3.0), {}, ()),
    "edge": (lambda: cf.flows.edge(QUARTIC, OPT.gd(lr=1.0), secant=True), [0.1], (30.0, 60.0), {}, ()),
    "rod": (lambda: cf.flows.rod(VALLEY, OPT.gd(lr=0.3), rods="all"), [0.05, 6.4], (30.0, 60.0), {}, ("covariance_factors",)),
    "batches": (lambda: cf.flows.central(ByRow(toy()), OPT.gd(lr=0.1), batch=2), TOY_START, (20.0, 40.0), {"rtol": 1e-2}, ("x", "summary")),
    "batches, a preconditioner": (lambda: cf.flows.central(Warm(), OPT.adam(lr=0.02, beta2=0.99, eps=1e-3), batch=2, cut=0.02), TOY_START,
                                  (20.0, 40.0), {"rtol": 1e-2, "warm": 100}, ("x", "summary")),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_run_goes_on_bit_for_bit(name):
    make, start, times, options, besides = RUNS[name]
    flow = make()
    start = flow.state(start) if name == "edge" else start
    whole, part = (large_run(flow, start, **options) for _ in range(2))
    for t in times[:-1]:
        whole.advance(t)
        part.advance(t)
        kept, part = part.snapshot(), idle_run(flow, **{key: value for key, value in options.items() if key != "warm"})
        part.restore(kept)
        assert all(array.dtype.kind in "fiu" for array in kept.values())
    for run in (whole, part):
        run.advance(times[-1])
    after, other = whole.snapshot(), part.snapshot()
    assert after.keys() == other.keys()
    assert all(np.array_equal(after[key], other[key], equal_nan=True) for key in after if key != "times")
    assert whole.events == part.events and (whole.events or "events" not in name)
    assert whole.notes == part.notes and whole.steps == part.steps and np.array_equal(whole.z, part.z)
    for attribute in besides:
        one, two = getattr(whole, attribute), getattr(part, attribute)
        assert len(one) and all(np.array_equal(a, b) for a, b in zip(one, two, strict=True)), attribute
