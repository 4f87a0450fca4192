"""Maps as WebAssembly, run in wasmtime, are the maps that Python runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.codegen import wasm
from cfdyn.ensembles._kernels.random import GRADIENTS, HELD, begin_stream, normal
from cfdyn.errors import FormulaError
from cfdyn.explorer.module import assemble, programs
from cfdyn.kernels.orbits import least_return
from cfdyn.tape.program import Program, Tape
from tests.codegen.test_llvm_ir import same_bits
from tests.differential.random_maps import cases, optimizer_cases
from tests.explorer.engine import Engine

CASES = cases()


def engine_of(step) -> Engine:
    module = assemble(step)
    return Engine(module.wasm, module.imports)


def compare(case) -> None:
    """Step and Jacobian along twenty steps, to the last bit; the page's functions are those of this system's library here."""
    step = cf.Map(case.formulas, variables=case.variables, params=case.params)
    engine, z = engine_of(step), np.array(case.start)
    for _ in range(20):
        for name, count in (("step", step.dim), ("jacobian", step.dim**2)):
            assert same_bits(engine.rule(name, z, step.p, count), step.rule(name)(z, step.p)), (case.family, name, z)
        z = step.rule("step")(z, step.p)


def test_random_maps_to_the_last_bit():
    assert len(CASES) > 1000
    for case in CASES[::50]:
        compare(case)


@pytest.mark.slow
def test_a_thousand_random_maps_to_the_last_bit():
    assert len(CASES) > 1000
    for case in CASES[1::2]:
        compare(case)


@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [
        (cf.Loss("(w**2 - 1)**2/4"), cf.optimizers.gd(lr=1.46)),
        (cf.Loss("(1 - x*y)**2/2 + log(1 + exp(x))"), cf.optimizers.heavy_ball(lr=0.4, momentum=0.5)),
        (cf.losses.breast_cancer(features=2), cf.optimizers.adam(lr=0.3)),  # 569 rows: the last block of eight is not full
    ],
    ids=["double well", "two weights", "data"],
)
def test_losses_and_their_derivatives_to_the_last_bit(loss, optimizer):
    step = cf.as_map(loss, optimizer)
    engine, rng = engine_of(step), np.random.default_rng(5)
    assert {"step", "gradient", "third"} <= set(programs(step))
    for _ in range(10):
        z = np.abs(rng.normal(size=step.dim))
        for name, program in programs(step).items():
            if name == "disturbed":
                continue  # its parameters have room for the noise
            got = engine.rule(name, z, step.p, len(program.outputs))
            if name == "threshold":
                assert got == pytest.approx([optimizer.limit], rel=1e-15)
            elif name == "edge":
                assert got == pytest.approx([optimizer.limit / optimizer.params["lr"]], rel=1e-14)
            elif name == "pace":  # of descent, and of heavy ball
                assert got == pytest.approx([(1 - optimizer.params.get("momentum", 0)) / optimizer.params["lr"]], rel=1e-14)
            elif name == "third":
                assert got == pytest.approx(loss.third(z[: loss.dim]).ravel(), rel=1e-12, abs=1e-300)
            else:
                assert same_bits(got, step.rule(name)(z, step.p)), name


def test_a_sum_over_no_full_block_and_far_arguments():
    """cos of rows beyond 2²⁰ is the page's; with one row there is one term."""
    for rows in (1, 9):
        loss = cf.Loss("cos(w*x) + y*softplus(w)", data={"x": 1e6 * np.arange(1.0, rows + 1), "y": np.linspace(0, 1, rows)})
        step = cf.as_map(loss, cf.optimizers.gd(lr=0.1))
        z = np.array([1.3])
        assert same_bits(engine_of(step).rule("step", z, step.p, 1), step.rule("step")(z, step.p))


def test_powers_as_products_and_by_the_page():
    for power in (-65, -7, -1, 2, 5, 13, 64, 65):
        step = cf.Map([f"r*x**({power})"], variables=["x"], params={"r": 0.9})
        z = np.array([1.01])
        assert same_bits(engine_of(step).rule("step", z, step.p, 1), step.rule("step")(z, step.p)), power


def test_orbits_are_those_of_the_kernel_and_end_where_they_leave():
    step = cf.as_map(cf.Loss("(w**2 - 1)**2/4"), cf.optimizers.gd(lr=1.9))
    engine, (states, _) = engine_of(step), step.orbit(np.array([0.3]), 200, 1e6)
    rows, p, scratch = engine.place(np.full(201, 0.3), step.p, np.zeros(65))
    assert engine.call("iterate", rows, p, 200, 1e6) == 200
    assert same_bits(engine.read(rows, 201), states.ravel())
    engine.place(np.full(201, 0.3), step.p, np.zeros(65))
    assert engine.call("advance", rows, p, 177, 1e6, scratch) == 177
    assert same_bits(engine.read(rows, 1), states[177])
    far, p, scratch = engine.place(np.array([5.0]), step.p, np.zeros(65))
    assert engine.call("advance", far, p, 100, 1e6, scratch) == len(step.orbit(np.array([5.0]), 100, 1e6)[0]) - 1 < 10


@pytest.mark.parametrize("case", optimizer_cases(2)[::2], ids=lambda case: case.family)
def test_lanes_are_orbits_and_one_that_leaves_stays_where_it_left(case):
    """Four orbits at other values of the first two parameters; the second start is far away."""
    step = cf.Map(case.formulas, variables=case.variables, params=case.params)
    d, engine, n, names = step.dim, engine_of(step), 40, (list(step.params) * 2)[:2]
    pairs = [[step.params[name] * (1 - 0.05 * lane) for name in names] for lane in range(4)]
    starts = [np.array(case.start) * (1e4 if lane == 1 else 1) for lane in range(4)]
    lanes = np.zeros((4, n, d))
    lanes[:, 0] = starts
    rows, p, values = engine.place(lanes, step.p, np.array(pairs))
    slots = [p + 8 * list(step.params).index(name) for name in names]
    together = (rows, 8 * n * d, p, *slots, values, 4)
    engine.call("together", *together, 25, 1e9, 0, 0, 0)
    engine.call("together", *together, n - 1, 1e6, 8 * d, 0, 0)
    got = engine.read(rows, lanes.size).reshape(lanes.shape)
    for lane, (pair, start) in enumerate(zip(pairs, starts, strict=True)):
        moved = step.at(**dict(zip(names, pair, strict=True)))
        first = until_outside(moved, start, 25, 1e9)[-1]
        kept = until_outside(moved, first, n - 1, 1e6)
        assert len(kept) == 1 or lane != 1 or case.family != "descent on the double well"
        assert same_bits(got[lane, : len(kept)], kept), lane
        assert same_bits(got[lane, len(kept) :], np.repeat(kept[-1:], n - len(kept), axis=0)), lane


def until_outside(step, start, n, escape) -> np.ndarray:
    """The orbit, with the first state beyond the escape if there is one."""
    if not np.abs(start).max() <= escape:
        return start[None]
    states = step.orbit(start, n, escape)[0]
    return states if len(states) > n else np.vstack([states, step.rule("step")(states[-1], step.p)])


@pytest.mark.parametrize("loss", [cf.losses.double_well(), cf.Loss("(1 - x*y)**2/2"), cf.losses.breast_cancer(features=1)], ids=["one weight", "two", "data"])
def test_steps_with_noise_are_those_of_many_runs(loss):
    """Bit by bit, with the normal numbers of Python."""
    optimizer, start, n, d = cf.optimizers.heavy_ball(lr=0.3, momentum=0.5), [1.2, 0.7][: loss.dim], 50, loss.dim
    step, sigma = cf.as_map(loss, optimizer), 0.25
    expected = cf.iterate_many(loss, optimizer, start, n, batch=None, runs=1, seed=7, noise=[sigma**2] * d).run(0).z
    stream = np.zeros(HELD, dtype=np.int64)
    begin_stream(stream, 7, 0, GRADIENTS)
    noise = np.array([sigma * normal(stream, k) for k in range(n * d)])
    engine, known = engine_of(step), len(step.params)
    lanes = np.zeros((n + 1, step.dim))
    lanes[0] = step.state(start)
    p = np.concatenate([step.p[:known], np.zeros(d), step.p[known:]])
    rows, p, values, noises = engine.place(lanes, p, np.full(2, step.p[0]), noise)
    engine.call("together", rows, 0, p, p, p, values, 1, n, 1e9, 8 * step.dim, noises, p + 8 * known)
    assert same_bits(engine.read(rows, lanes.size).reshape(lanes.shape), expected)


@pytest.mark.parametrize("case", optimizer_cases(2), ids=lambda case: case.family)
def test_periods_and_exponents_are_those_of_the_kernels(case):
    step = cf.Map(case.formulas, variables=case.variables, params=case.params)
    d, engine, n = step.dim, engine_of(step), 64
    z, p, rows, scratch, v, lengths = engine.place(
        np.array(case.start), step.p, np.zeros((n + 1, d)), np.zeros((65, d)), np.full(d, d**-0.5), np.zeros(n)
    )
    done = engine.call("advance", z, p, 3000, 1e9, scratch)
    assert done == len(step.orbit(np.array(case.start), 3000, 1e9)[0]) - 1
    if done < 3000:
        return
    orbit = step.orbit(np.array(case.start), 3000 + n - 1, 1e9)[0][3000:]
    engine.memory.write(engine.store, orbit[0].tobytes(), rows)
    assert engine.call("iterate", rows, p, n - 1, 1e9) == n - 1
    assert same_bits(engine.read(rows, n * d), orbit.ravel())
    assert engine.call("period", rows, n, 16, 1e-9, 1e-290) == least_return(orbit, 16, 1e-9, 1e-290)
    assert engine.call("lengths", rows, p, n - 1, v, lengths, scratch) == n - 1
    vector, total = np.full(d, d**-0.5), 0.0
    for state in orbit[:-1]:
        vector = step.jacobian(state) @ vector
        total += math.log(np.linalg.norm(vector))
        vector /= np.linalg.norm(vector)
    assert math.fsum(np.log(engine.read(lengths, n - 1))) == pytest.approx(total, abs=1e-6)


def test_a_long_program_is_refused(monkeypatch):
    monkeypatch.setattr(wasm, "LONGEST", 3)
    tape = Tape()
    z = tape.leaf("z", 0)
    with pytest.raises(FormulaError, match="too long for a page"):
        wasm.print_wat(Program(tape, (tape.add(tape.ipow(z, 2), tape.apply("exp", z)),), 1, 0), "f")
