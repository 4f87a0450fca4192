"""Orbit diagrams: the states are those of `iterate`, exponents have closed forms, following shows what coexists."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

LOGISTIC = cf.Map.from_text("r*x*(1 - x)", "x", {"r": 3.0})
TENT = cf.Map.from_text("Min(s*x, s*(1 - x))", "x", {"s": 1.5})
# Stable at 0 for c < 0, and at ±1 about c = 0: descent on −cx²/2 − x⁴/2 + x⁶/6, whose jumps are at c = 0 and c = −1.
HYSTERESIS = cf.Map.from_text("x + (c*x + 2*x**3 - x**5)/10", "x", {"c": 0.0})


def test_the_states_are_those_of_single_orbits():
    values = np.linspace(2.6, 4.2, 33)
    found = cf.analysis.orbit_diagram(LOGISTIC, ("r", values), [[0.3], [0.71]], transient=300, keep=70, averaged=0)
    assert found.states.shape == (2, 33, 70)
    assert np.isnan(found.exponents).all()
    for s, start in enumerate((0.3, 0.71)):
        for k in range(0, 33, 4):
            orbit = cf.iterate(LOGISTIC.at(r=values[k]), [start], 370)
            if values[k] > 4:
                assert orbit.status == f"diverged at step {found.ended[s, k]}"
                assert np.isnan(found.states[s, k]).all()
            else:
                assert found.ended[s, k] == 0
                assert np.array_equal(found.states[s, k], orbit.z[301:, 0])


def test_an_orbit_that_leaves_while_it_is_kept_is_kept_up_to_there():
    step = cf.Map.from_text("g*x", "x", {"g": 2.0})
    found = cf.analysis.orbit_diagram(step, ("g", [1.5, 2.0, 4.0]), [1.0], transient=10, keep=50, averaged=0)
    orbits = [cf.iterate(step.at(g=g), [1.0], 60) for g in (1.5, 2.0, 4.0)]
    assert orbits[0].status == "done"
    assert [int(found.ended[0, k]) for k in range(3)] == [0, 50, 25]
    for k in (1, 2):
        # The last row of an orbit that diverges is finite.
        alive = int(found.ended[0, k]) - 1 - 10
        assert np.array_equal(found.states[0, k, :alive], orbits[k].z[11 : 11 + alive, 0])
        assert np.isnan(found.states[0, k, alive:]).all()


def test_exponents_have_closed_forms():
    tent = cf.analysis.orbit_diagram(TENT, ("s", [1.2, 1.5, 1.9]), [0.3], averaged=1600)
    assert np.allclose(tent.exponents[0], np.log([1.2, 1.5, 1.9]), rtol=1e-13)
    assert np.abs(tent.errors).max() < 1e-12
    # A fixed point 1 − 1/r with the multiplier 2 − r, and a 2-cycle with 4 + 2r − r².
    logistic = cf.analysis.orbit_diagram(LOGISTIC, ("r", [2.4, 2.9, 3.3, 4.0]), [0.3], transient=3000, averaged=32000)
    exact = [np.log(0.4), np.log(0.9), np.log(abs(4 + 6.6 - 3.3**2)) / 2]
    assert np.allclose(logistic.exponents[0, :3], exact, rtol=1e-12)
    assert abs(logistic.exponents[0, 3] - np.log(2)) < 5 * logistic.errors[0, 3] < 0.01
    superstable = cf.analysis.orbit_diagram(LOGISTIC, ("r", [2.0]), [0.5])
    assert superstable.exponents[0, 0] == -np.inf


def test_exponents_of_several_entries_and_on_data():
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    found = cf.analysis.orbit_diagram(henon, ("a", [1.4]), [0.1, 0.1], averaged=160_000)
    # Literature: 0.41922.
    assert abs(found.exponents[0, 0] - 0.41922) < 4 * found.errors[0, 0] < 0.008
    loss = cf.Loss("(w*x)**2/2", "w", data={"x": [1.0, 2.0, 3.0]})
    step = cf.as_map(loss, cf.optimizers.gd(lr=0.1))
    on_data = cf.analysis.orbit_diagram(step, ("lr", [0.1, 0.3]), [1.0], transient=5, keep=5, averaged=64)
    assert np.allclose(on_data.exponents[0], np.log(np.abs(1 - np.array([0.1, 0.3]) * 14 / 3)), rtol=1e-12)


def test_following_shows_both_states():
    values = np.linspace(-1.4, 0.6, 41)
    found = cf.analysis.orbit_diagram(HYSTERESIS, ("c", values), [0.0], transient=20_000, keep=1, averaged=0, follow="both")
    assert found.ways == ("up", "down")
    up, down = np.abs(found.states[:, :, 0])
    roots = np.sqrt(1 + np.sqrt(np.maximum(1 + values, 0)))
    outer = values > 0.01
    assert np.allclose(up[outer], roots[outer])
    assert up[values < -0.01].max() < 1e-3
    assert np.allclose(down[values > -0.99], roots[values > -0.99])
    assert down[values < -1.01].max() < 1e-3
    # Without a nudge the fixed point 0 holds its orbit for ever.
    held = cf.analysis.orbit_diagram(HYSTERESIS, ("c", values), [0.0], keep=1, averaged=0, follow="up", nudge=0.0)
    assert not held.states.any()


@pytest.mark.usefixtures("shared_however_little")
def test_threads_do_not_matter_and_progress_is_told():
    values, told = np.linspace(3.5, 4.0, 700), []
    one = cf.analysis.orbit_diagram(LOGISTIC, ("r", values), [0.3], keep=40, threads=1)
    three = cf.analysis.orbit_diagram(LOGISTIC, ("r", values), [0.3], keep=40, threads=3, progress=told.append)
    assert np.array_equal(one.states, three.states)
    assert np.array_equal(one.exponents, three.exponents)
    assert told[-1] == 700


@pytest.mark.parametrize(("follow", "after", "part"), [("up", 3, slice(0, 3)), ("down", 3, slice(5, 8)), ("both", 8 + 2, slice(8))])
def test_what_is_done_when_control_c_comes_is_a_part_of_the_whole(follow, after, part):
    values, told = np.linspace(3.5, 4.0, 8), []

    def stop(done):
        told.append(done)
        if len(told) == after:
            raise KeyboardInterrupt

    def taken(progress=None):
        return cf.analysis.orbit_diagram(LOGISTIC, ("r", values), [[0.3], [0.6]], keep=40, follow=follow, progress=progress)

    whole = taken()
    with pytest.raises(cf.errors.Interrupted) as stopped:
        taken(stop)
    some = stopped.value.record
    assert np.array_equal(some.values, values[part]) and some.ways == whole.ways[:2]
    assert np.array_equal(some.states, whole.states[:2, part]) and np.array_equal(some.errors, whole.errors[:2, part])


@pytest.mark.parametrize(
    ("vary", "options", "words"),
    [
        (("q", [1.0]), {}, "unknown parameter"),
        (("r", [3.0, 2.0]), {}, "must be finite and increase"),
        (("r", [np.nan]), {}, "finite"),
        (("r", []), {}, "r"),
        ("r", {}, "`vary` is a list"),
        (("r",), {}, "2 values in a row"),
        (("r", [3.0]), {"follow": "sideways"}, "sideways"),
        (("r", [3.0]), {"coordinate": "y"}, "y"),
        (("r", [3.0]), {"keep": 0}, "keep"),
        (("r", [3.0]), {"nudge": -1.0}, "nudge"),
        (("r", np.linspace(3, 4, 100_000)), {"keep": 100_000}, "GiB"),
    ],
)
def test_bad_input_gets_a_sentence(vary, options, words):
    with pytest.raises(UsageError, match=words):
        cf.analysis.orbit_diagram(LOGISTIC, vary, [0.3], **options)
