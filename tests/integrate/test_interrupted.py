"""Ctrl-C in `solve`: what was done until then is a path like any other, in the exception's record."""

from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf

GD = cf.optimizers.gd(lr=0.8)
VALLEY = cf.Loss("(1 - x*y)**2/2")


def stops_after(calls):
    """Progress that is interrupted when it is told of the time for so many times."""
    told = []

    def progress(t):
        told.append(t)
        if len(told) == calls:
            raise KeyboardInterrupt

    return progress


def interrupted(flow, start, *rest, calls=1, **options):
    with pytest.raises(KeyboardInterrupt) as caught:
        cf.solve(flow, start, *rest, progress=stops_after(calls), **options)
    assert isinstance(caught.value, cf.Interrupted)
    return caught.value.record


def test_a_smooth_flow_into_the_past():
    """Of the pendulum the energy is kept, and rows end where the path does."""
    path = interrupted(cf.Flow.from_text("v; -sin(x)", "x v"), [1.0, 0.0], (0, -1e5), rtol=1e-10, max_steps=1e9)
    x, v = path.z.T
    assert path.status.startswith("interrupted at t = -") and -1e5 < path.t[-1] < -10 and len(path.t) > 100
    assert v**2 / 2 - np.cos(x) == pytest.approx(-np.cos(1.0), abs=1e-7)
    assert path(float(path.t[-1])) == pytest.approx(path.z[-1])


def test_at_the_edge():
    """Σ and the edge of what was done are those of a path that was meant to end there."""
    path = interrupted(cf.flows.central(VALLEY, GD), [1.5, 0.3], 1e4, calls=2)
    assert path.sharpness[-1] == pytest.approx(2.5) and path.rank[-1] == 1 and [e.kind for e in path.events] == ["enter"]
    whole = cf.solve(cf.flows.central(VALLEY, GD), [1.5, 0.3], float(path.t[-1]), rtol=1e-11)
    assert path.w[-1] == pytest.approx(whole.w[-1], abs=1e-6)


def test_a_model_that_is_a_map_and_a_loss_that_is_no_formula():
    flow = cf.flows.self_stabilization(VALLEY, GD)
    path = interrupted(flow, [1.5, 0.3], 2500, calls=2)
    assert path.discrete and path.status == "interrupted at t = 1001" and path.t.tolist() == [*range(1002)]
    assert path.z.tolist() == cf.solve(flow, [1.5, 0.3], 1001).z.tolist()
    bowl = SimpleNamespace(dim=2, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v, curvature_gradient=lambda w, u, v: 0 * w)
    path = interrupted(cf.flows.gradient(bowl, GD), [1.0, -1.0], 50.0, calls=3)
    assert 0 < path.t[-1] < 50 and path.status == f"interrupted at t = {path.t[-1]:.12g}"
    assert path.z[-1] == pytest.approx(np.exp(-0.8 * path.t[-1]) * np.array([1, -1]), rel=1e-2)


def test_between_steps_that_were_not_noted(monkeypatch):
    """An interrupt that comes while the loop of steps hands them over: the path ends with the last that was."""
    from cfdyn.integrate.stepping import run

    advance, calls = run.stepping.advance, []

    def late(*arguments):
        result = advance(*arguments)
        calls.append(result)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(run, "stepping", SimpleNamespace(advance=late))
    with pytest.raises(cf.Interrupted) as caught:
        cf.solve(cf.Flow.from_text("v; -x", "x v"), [1.0, 0.0], 1e5, rtol=1e-10, max_steps=1e9)
    path = caught.value.record
    assert len(path.t) == sum(done for done, _ in calls[:2]) + 1
    assert path.z[-1] == pytest.approx([np.cos(path.t[-1]), -np.sin(path.t[-1])], abs=1e-7)
