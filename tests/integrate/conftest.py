"""A flow that is broken fails a test and does not hang it."""

import pytest

from cfdyn.integrate.large.run import LargeRun

MOST = 6000  # steps, taken or not, of a run in a test; a path of `solve` takes none of these


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """An AssertionError out of a run that takes more steps than any run of these tests that is right."""
    step = LargeRun.step

    def counted(run, end):
        assert run.steps + run.rejected <= MOST, f"{run.steps} steps and {run.rejected} that were not taken, at t = {run.t:g}"
        step(run, end)

    monkeypatch.setattr(LargeRun, "step", counted)
