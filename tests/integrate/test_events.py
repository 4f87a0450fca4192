"""Events of one's own along a path: where they are, which way, and that they end it."""

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

TIGHT = {"rtol": 1e-12, "atol": 1e-14}
CIRCLE = cf.Flow.from_text("v; -x", "x v")


def times(path, kind):
    return np.array([event.t for event in path.events if event.kind == kind])


def test_zeros_of_the_sine_are_the_multiples_of_pi():
    path = cf.solve(CIRCLE, [0.0, 1.0], 20, events={"zero": "x"}, **TIGHT)
    np.testing.assert_allclose(times(path, "zero"), np.pi * np.arange(1, 7), atol=2e-11)


def test_directions_are_those_of_the_path():
    path = cf.solve(CIRCLE, [0.0, 1.0], 20, events={"up": "x", "down": "x = 0", "both": lambda x: x},
                    direction={"up": "up", "down": "down"}, **TIGHT)  # fmt: skip
    np.testing.assert_allclose(times(path, "up"), np.pi * np.array([2, 4, 6]), atol=2e-11)
    np.testing.assert_allclose(times(path, "down"), np.pi * np.array([1, 3, 5]), atol=2e-11)
    assert len(times(path, "both")) == 6
    back = cf.solve(CIRCLE, [0.0, 1.0], -7, events={"up": "x"}, direction="up", **TIGHT)
    np.testing.assert_allclose(times(back, "up"), [-np.pi], atol=2e-11)  # sin grows there, as the path goes


def test_two_crossings_within_a_step_are_both_found():
    path = cf.solve(CIRCLE, [0.0, 1.0], 3, events={"high": "x = 0.999999999"}, **TIGHT)
    away = np.arccos(0.999999999)
    np.testing.assert_allclose(times(path, "high"), np.pi / 2 + np.array([-away, away]), atol=1e-7)


def test_a_touch_and_a_start_on_it_are_no_crossings():
    path = cf.solve(cf.Flow.from_text("1; 2*x", "x y"), [-1.0, 1.0], 3, events={"touch": "y", "start": "x = -1"})
    assert path.events == []


def test_the_state_is_an_array_for_functions_of_one_argument():
    path = cf.solve(CIRCLE, [0.0, 1.0], 2, events={"turn": lambda z, level=0.5: z[1] - level}, **TIGHT)
    np.testing.assert_allclose(times(path, "turn"), [np.pi / 3], atol=2e-11)


def test_the_time_may_be_watched_and_parameters():
    flow = cf.Flow.from_text("a", "x", {"a": 2.0})
    path = cf.solve(flow, [0.0], (1.0, 5.0), events={"clock": "t = 3", "level": "x = a"})
    np.testing.assert_allclose([times(path, "clock")[0], times(path, "level")[0]], [3.0, 2.0], atol=1e-14)


def test_a_stop_ends_the_path_there():
    path = cf.solve(CIRCLE, [0.0, 1.0], 20, events={"zero": "x"}, direction="up", stop="zero", **TIGHT)
    assert path.status == f"stop: zero at t = {2 * np.pi:.12g}"
    np.testing.assert_allclose([path.t[-1], *path.z[-1]], [2 * np.pi, 0.0, 1.0], atol=2e-11)
    np.testing.assert_allclose(path(path.t[-1]), path.w[-1], atol=1e-15)
    np.testing.assert_allclose(path(4.0), [np.sin(4), np.cos(4)], atol=1e-11)
    assert path.events[-1].t == path.t[-1]


def test_a_stop_before_the_flow_ends_is_reached():
    path = cf.solve(cf.Flow.from_text("x**2"), [1.0], 5, stop="x = 100")
    np.testing.assert_allclose([path.t[-1], path.z[-1, 0]], [0.99, 100.0], rtol=1e-7)


def test_events_stand_beside_those_of_the_edge():
    flow = cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8))
    path = cf.solve(flow, [1.5, 0.3], 10, events=["loss = 0.05", "sharpness = 2.4", "gradient_norm = 0.5", "x - y = 0.8"])
    assert [event.kind for event in path.events] == ["sharpness = 2.4", "loss = 0.05", "gradient_norm = 0.5", "enter", "x - y = 0.8"]
    assert [event.rank for event in path.events] == [0, 0, 0, 1, 1]
    rows = cf.solve(flow, [1.5, 0.3], 10, save_at=[event.t for event in path.events])
    np.testing.assert_allclose([rows.sharpness[0], rows.loss[1]], [2.4, 0.05], atol=1e-9)
    np.testing.assert_allclose(np.diff(rows.w[4])[0], -0.8, atol=1e-9)


def test_a_model_that_is_a_map_has_events_on_its_straight_lines():
    flow = cf.flows.self_stabilization(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8), variant="constrained")
    path = cf.solve(flow, [1.5, 0.3], 3, stop="y = 0.5")
    np.testing.assert_allclose(path.z[-1, 1], 0.5, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"events": {"enter": "x"}}, "already a name"),
        ({"events": {"a": "q"}}, "unknown name 'q'"),
        ({"events": {"a": "1 + 1"}}, "does not change"),
        ({"events": 3}, "texts or functions by name"),
        ({"events": {"a": "x"}, "direction": "left"}, "unknown direction"),
        ({"events": {"a": "x"}, "direction": {"b": "up"}}, "unknown event"),
        ({"events": {"a": lambda x: (x, x)}}, "gives 2 numbers"),
    ],
)
def test_events_that_make_no_sense_are_refused(given, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.solve(CIRCLE, [0.0, 1.0], 1, **given)


def test_a_function_that_is_undefined_somewhere_has_events_elsewhere():
    path = cf.solve(CIRCLE, [0.5, 0.0], 7, events={"log": "log(x) + 1"}, **TIGHT)
    np.testing.assert_allclose(times(path, "log"), [np.arccos(2 / np.e), 2 * np.pi - np.arccos(2 / np.e)], atol=1e-9)


@pytest.mark.parametrize(
    ("events", "stop", "words"),
    [
        ([lambda x, v: x, lambda x, v: v], None, "two events are called '<lambda>'"),
        ({"a": "x", " a ": "v"}, None, "two events are called 'a'"),
        ({"a": "x"}, {"a": "v"}, "both have 'a', with two meanings"),
    ],
)
def test_no_event_is_lost_to_another_of_its_name(events, stop, words):
    with pytest.raises(UsageError, match=words):
        cf.solve(cf.Flow("v; -x", "x v"), [1.0, 0.0], 1.0, events=events, stop=stop)


def test_a_function_that_overflows_is_located():
    """exp(exp 10x) = 10³⁰⁰ on x = cos t, which is infinite nearby."""
    path = cf.solve(cf.Flow("-y; x", "x y"), [1.0, 0.0], 2.0, events=["exp(exp(10*x)) = 1e300"], rtol=1e-12, atol=1e-13)
    assert [event.t for event in path.events] == pytest.approx([math.acos(math.log(300 * math.log(10)) / 10)], abs=1e-9)


def test_what_grows_without_a_learning_rate_is_not_told_to_lower_one():
    status = cf.solve(cf.Flow("x**2", "x"), [1.0], 3.0).status
    assert status.startswith("blow-up at t = 1.0") and status.endswith("a unit of time; lower t, or start elsewhere")
