"""Many orbits in lanes and threads: each is bit by bit the one that `iterate` follows alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.codegen import compile, lanes, native
from cfdyn.codegen.lanes import BLOCK, HEAD
from cfdyn.ensembles.orbits import Orbits
from cfdyn.kernels.orbits import DIVERGED, LEFT_DOMAIN
from cfdyn.machine import threads as machine_threads
from cfdyn.systems.orbit import ESCAPE

ROWS = {"x": [1.0, -0.4, 2.0], "y": [0.3, 0.1, -0.7]}
TEN = {"x": np.linspace(-1.0, 2.0, 10), "y": np.cos(np.arange(10.0))}
MAPS = {
    "logistic": lambda: cf.Map.from_text("r*x*(1 - x)", "x", {"r": 3.9}),
    "far and back": lambda: cf.Map.from_text("r/x**2", "x", {"r": 1.0}),
    "leaves the domain": lambda: cf.Map.from_text("log(x) + r", "x", {"r": 1.5}),
    "switches": lambda: cf.Map.from_text("Piecewise((r*x, x < 1), (Max(1 - x, -r), True))", "x", {"r": 1.5}),
    "an angle": lambda: cf.Map.from_text("x + r - sin(2*pi*x)/20", periodic={"x": 1.0}, params={"r": 0.3}),
    "swaps": lambda: cf.Map.from_text(["y", "r*x", "0.25"], "x y z", {"r": 1.001}),
    "Hénon": lambda: cf.Map.from_text(["1 - r*x**2 + y", "b*x"], "x y", {"r": 1.4, "b": 0.3}),
    "a NaN that passes": lambda: cf.Map.from_text(["r - x", "log(x)"], "x y", {"r": 1.5}),
    "delayed": lambda: cf.Map.from_text(["y", "z", "r*z*(1 - x)"], "x y z", {"r": 1.9}),
    "heavy ball": lambda: cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.9, momentum=0.7)),
    "tanh": lambda: cf.Map.from_text("x - r*tanh(x)*exp(-x**2)", "x", {"r": 3.0}),
    "Adam": lambda: cf.as_map(cf.losses.double_well(), cf.optimizers.adam(lr=0.05)),
    "on data": lambda: cf.as_map(cf.Loss("tanh(w*x - y)**2", "w", data=ROWS), cf.optimizers.gd(lr=3.0)),
    "on ten rows": lambda: cf.as_map(
        cf.Loss("sin(w*x)*v + exp(-(v*x - y)**2) + Max(x*v, w)**2/4", "v w", data=TEN),
        cf.optimizers.heavy_ball(lr=1.0, momentum=0.6)),
}
HAS = native.has


class NoShelf:
    """Code that is made anew each time."""

    read = staticmethod(lambda key: None)
    write = staticmethod(lambda key, code: None)


STAYING = ("an angle", "tanh", "on data", "on ten rows")
WORDS = {0: "done", DIVERGED: "diverged at step", LEFT_DOMAIN: "left the domain at step"}


def followed(step: cf.Map, starts: np.ndarray, rates: np.ndarray, steps: int, threads: int) -> Orbits:
    """Orbits of a map whose first parameter is different for each."""
    parameters = np.tile(list(step.params.values()), (len(starts), 1))
    parameters[:, 0] = rates
    orbits = Orbits(step, starts, parameters, threads=threads)
    orbits.advance(steps)
    return orbits


def alone(step: cf.Map, start: np.ndarray, rate: float, steps: int) -> cf.Orbit:
    return cf.iterate(step.at(**{next(iter(step.params)): float(rate)}), start, steps)


@pytest.mark.usefixtures("shared_however_little")
@pytest.mark.parametrize("name", MAPS)
def test_many_orbits_are_those_that_go_alone(name):
    step, random = MAPS[name](), np.random.default_rng(1)
    first = next(iter(step.params.values()))
    starts = random.normal(size=(211, step.dim)) * random.choice([1.0, 1.0, 1e3], size=(211, 1))
    rates = first * random.uniform(0.5, 1.6, 211)
    for steps in (1, 300):
        found = followed(step, starts, rates, steps, threads=2)
        left = 0
        for k in range(0, 211, 3):
            orbit = alone(step, starts[k], rates[k], steps)
            assert orbit.status.startswith(WORDS[int(found.codes[k])])
            if found.ended[k]:
                left += 1
                assert orbit.status.endswith(f"step {found.ended[k]}")
            else:
                assert np.array_equal(orbit.z[-1], found.states[k])
        assert steps == 1 or (left > 0) == (name not in STAYING)


@pytest.mark.parametrize("name", ["far and back", "Hénon", "delayed", "heavy ball"])
def test_other_processors_find_the_same(name, monkeypatch):
    """Without an instruction for the larger of two sizes these are added up."""
    step, random = MAPS[name](), np.random.default_rng(3)
    starts, first = random.normal(size=(200, step.dim)), next(iter(step.params.values()))
    rates = first * random.uniform(0.5, 1.6, 200)
    one = followed(step, starts, rates, 500, threads=1)
    monkeypatch.setattr(native, "has", lambda feature: False)
    monkeypatch.setattr(compile, "_known", {})
    monkeypatch.setattr(compile, "_shelf", lambda: NoShelf)
    other = followed(MAPS[name](), starts, rates, 500, threads=1)
    assert np.array_equal(one.states, other.states, equal_nan=True)
    assert np.array_equal(one.ended, other.ended) and one.ended.any()


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("fast", [True, False])
def test_what_bounds_the_states_of_a_piece_does(name, fast, monkeypatch):
    step = MAPS[name]()
    monkeypatch.setattr(native, "has", lambda feature: fast and HAS(feature))
    monkeypatch.setattr(compile, "_known", {})
    monkeypatch.setattr(compile, "_shelf", lambda: NoShelf)
    random, d, n, own = np.random.default_rng(4), step.dim, 30, len(step.params)
    z, p = np.zeros((d + 1, BLOCK)), np.concatenate([np.zeros(HEAD), np.repeat(step.p[:own], BLOCK), step.p[own:]])
    z[:d], p[0], p[1] = random.normal(size=(d, BLOCK)), n, BLOCK
    all_of, last = np.zeros((n, d, BLOCK)), np.zeros((d + 1, BLOCK))
    step.rule("lanes:step")._into(z, p, last)
    step.rule("kept:step")._into(z, p, all_of)
    assert np.array_equal(z, last, equal_nan=True)
    assert np.array_equal(all_of[-1], last[:d], equal_nan=True)
    sizes = np.abs(all_of).max(axis=(0, 1))
    strange = ~np.isfinite(all_of).all(axis=(0, 1))
    assert not np.isfinite(last[d, strange]).any()
    assert (last[d, ~strange] >= sizes[~strange]).all()


@pytest.mark.usefixtures("shared_however_little")
@pytest.mark.parametrize("coordinate", [0, 1])
def test_what_is_kept_is_where_orbits_are(coordinate):
    step, random = MAPS["Hénon"](), np.random.default_rng(5)
    starts, rates = random.normal(size=(250, 2)), random.uniform(0.8, 1.6, 250)
    orbits = followed(step, starts, rates, 5, threads=2)
    kept = orbits.keep(700, coordinate)
    lengths = set()
    for k in range(0, 250, 7):
        orbit = alone(step, starts[k], rates[k], 705).z[6:, coordinate]
        good = np.abs(alone(step, starts[k], rates[k], 705).z[6:]).max(axis=1, initial=0) <= ESCAPE
        lengths.add(int(good.sum()))
        assert np.array_equal(kept[k, : good.sum()], orbit[good])
        assert np.isnan(kept[k, good.sum() :]).all()
    assert {0, 700} < lengths


def test_zeros_of_both_signs_are_different_places():
    """x ↦ −x from 0 is back after two steps, and its orbit is a 2-cycle of 0 and −0 that 1/x tells apart."""
    step = cf.Map.from_text(["-x", "1/x"], "x y")
    for steps in (240, 241, 363):
        orbits = Orbits(step, [[0.0, 1.0]], np.zeros((1, 0)), escape=np.inf)
        orbits.advance(steps)
        assert np.copysign(1.0, orbits.states[0, 0]) == (-1) ** steps
        assert orbits.states[0, 1] == np.inf * (-1) ** (steps - 1)


def test_neither_threads_nor_neighbours_matter():
    step, random = MAPS["Hénon"](), np.random.default_rng(2)
    starts, rates = random.normal(size=(1000, 2)), random.uniform(0.2, 2.0, 1000)
    whole = followed(step, starts, rates, 777, threads=1)
    for threads in (2, 3):
        other = followed(step, starts, rates, 777, threads)
        assert np.array_equal(whole.states, other.states, equal_nan=True)
        assert np.array_equal(whole.ended, other.ended)
    some = random.permutation(1000)[:100]
    part = followed(step, starts[some], rates[some], 777, threads=1)
    assert np.array_equal(part.states, whole.states[some], equal_nan=True)
    assert np.array_equal(part.ended, whole.ended[some])


def test_a_way_may_be_walked_in_parts():
    step = MAPS["logistic"]()
    rates = np.linspace(2.5, 4.0, 300)
    whole = followed(step, np.full((300, 1), 0.3), rates, 1000, threads=1)
    parts = followed(step, np.full((300, 1), 0.3), rates, 0, threads=1)
    for steps in (1, 255, 256, 257, 231):
        parts.advance(steps)
    assert np.array_equal(whole.states, parts.states)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 700), st.integers(1, 400))
def test_any_interleaving_gives_the_same(vectors, steps, count):
    """However many vectors are interleaved, and however many orbits share blocks."""
    vectors = max(u for u in (1, 2, 3, 4, 6, 12) if u <= vectors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "INTERLEAVED", (vectors, 1))
        # A constant of its own makes code of its own.
        step = cf.Map.from_text(f"1 - r*x**2 + {vectors}*y*1e-9", "x", {"r": 1.4, "y": 0.5})
        rates = np.linspace(0.3, 2.3, count)
        found = followed(step, np.full((count, 1), 0.2), rates, steps, threads=1)
        for k in {0, count // 2, count - 1}:
            orbit = alone(step, np.array([0.2]), rates[k], steps) if steps else None
            expected = np.array([0.2]) if orbit is None else orbit.z[-1]
            assert found.ended[k] or np.array_equal(found.states[k], expected)
            assert bool(found.ended[k]) == (orbit is not None and orbit.status != "done")


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(1, 20), st.integers(1, 120))
def test_any_number_of_rows_is_taken_as_by_one_orbit(vectors, rows, count):
    vectors, x = max(u for u in (1, 2, 3, 4, 6, 12) if u <= vectors), np.cos(np.arange(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "INTERLEAVED", (vectors, 1))
        loss = cf.Loss(f"(w*x - sin(w + x))**2 + {vectors}*w**2*1e-3", "w", data={"x": x})
        step, rates = cf.as_map(loss, cf.optimizers.normalized_gd(lr=0.1)), np.linspace(0.05, 0.5, count)
        found = followed(step, np.full((count, 1), 0.7), rates, 40, threads=1)
        assert step.in_lanes
        for k in {0, count // 2, count - 1}:
            assert np.array_equal(found.states[k], alone(step, np.array([0.7]), rates[k], 40).z[-1])


@given(st.integers(1, 10**6), st.integers(1, 9), st.integers(1, 10**7))
def test_no_thread_waits_long_for_the_last_block(total, threads, operations):
    step, blocks = MAPS["logistic"](), []
    Orbits(step, np.zeros((0, 1)), np.zeros((0, 1)), threads=threads).in_parts(total, operations, lambda *span: blocks.append(span))
    spans = np.array(sorted(blocks[1:]))
    lengths = spans[:, 1] - spans[:, 0]
    assert spans[0, 0] == 0 and spans[-1, 1] == total and (spans[1:, 0] == spans[:-1, 1]).all()
    assert (np.diff(lengths) <= 0).all() and (lengths[:-1] % BLOCK == 0).all()
    # A thread that waits while another has the last blocks waits for a small part of what there was to do.
    assert threads == 1 or lengths[-1] <= max(BLOCK, total // (16 * threads))


def test_a_map_of_little_work_is_one_thread_s_and_has_the_same_bits(monkeypatch):
    """125² cells: 40 steps of the logistic map are done before a second thread is awake, 4000 are shared."""
    step, rates = MAPS["logistic"](), np.linspace(3.5, 4.0, 125**2)
    ends, begun = {}, []
    submit = machine_threads.ThreadPoolExecutor.submit
    monkeypatch.setattr(machine_threads.ThreadPoolExecutor, "submit", lambda *given: (begun.append(1), submit(*given))[1])
    for steps, workers in ((40, 0), (4000, 2)):
        begun.clear()
        two = followed(step, np.full((125**2, 1), 0.3), rates, steps, threads=2)
        assert len(begun) == workers
        ends[steps] = followed(step, np.full((125**2, 1), 0.3), rates, steps, threads=1)
        assert np.array_equal(two.states, ends[steps].states) and np.array_equal(two.ended, ends[steps].ended)
    assert not np.array_equal(ends[40].states, ends[4000].states)
