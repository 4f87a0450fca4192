"""Interval versions of programs: they hold every value, and not much more."""

from __future__ import annotations

import itertools
import math
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.codegen.compile import Rule, compile_rule
from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.codegen.native import assemble, load
from cfdyn.codegen.schedule import machine_program
from cfdyn.errors import UsageError
from cfdyn.symbolic.text.lower import lower
from cfdyn.symbolic.text.parse import parse
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.intervals import interval_program
from cfdyn.tape.program import Program, Tape

FORMULAS = [
    "exp(x)*y", "log(x + 3)", "log(x)", "sin(3*x*y)", "cos(x)**2", "tan(x/2)", "tanh(3*x)", "sqrt(2 + x*y)", "sqrt(x)",
    "(x + 2)**(1/3)", "(2 + x)**y", "erf(x)", "sigmoid(5*x)", "softplus(x)", "logcosh(x - y)", "log1p(x/2)", "x**7/(1 + y**2)",
    "(x + 3)**(-3)", "x**(-2)", "1/x", "x/y", "Abs(x - y)*x", "Max(x, y)**2 - Min(x, 2*y)", "sinh(x)/cosh(y)", "sign(x)*y",
    "Heaviside(x - 0.3)", "Piecewise((x**2, x < y), (y**3*x, True))", "Piecewise((log(x), x > 0.1), (y, y < x), (-x, True))",
    "floor(3*x)*y", "ceil(x - y)", "frac(x*y)", "mod(x, 7/10)", "mod(x*y, y + 0.3)", "x**6 - x**3*y + 0.1", "pi*x - y/3", "exp(-x**2)*sin(1000*y)", "x**3", "(x*y)**5", "1/(x - 0.25)**3",
]  # fmt: skip
# The reference has 60 digits, of which differences of numbers near 1 lose some.
ROUNDING = 1e-50
COUNT = itertools.count()
EXACT = mp_algebra(60)
# The log of 0 is no value that a map may pass through.
EXACT = replace(EXACT, functions=EXACT.functions | {
    "log": lambda x, log=EXACT.functions["log"]: log(x) if x > 0 else EXACT.functions["number"]("nan"),
    "log1p": lambda x, log=EXACT.functions["log1p"]: log(x) if x > -1 else EXACT.functions["number"]("nan"),
})  # fmt: skip
COORDINATE = st.one_of(st.floats(-4, 4), st.sampled_from([0.0, 0.25, 0.1, 1.0, -1.0, math.pi, 1e-160, -1e-300, 1e8]))
WIDTH = st.sampled_from([0.0, 1e-15, 1e-9, 1e-3, 0.1, 1.0, 7.0])
PART = st.lists(st.floats(0, 1), min_size=2, max_size=2)


def program_of(text):
    tape = Tape()
    names = {"x": tape.leaf("z", 0), "y": tape.leaf("z", 1)}
    return Program(tape, (lower(tape, parse(text), names),), 2, 0)


RULES = {text: compile_rule(f"bounds of {text}", 2, lambda text=text: interval_program(program_of(text))) for text in FORMULAS}


def exact(program, point):
    """The value in 60 digits; NaN where the formula has none."""
    return evaluate(program, EXACT, [EXACT.functions["number"](v) for v in point], [])[0]


def check_contains(program, bounds, box, parts):
    """The value at points of the box lies in the bounds."""
    lo, hi = bounds
    assert lo == lo and hi == hi
    for part in [*parts, (0, 0), (1, 1), (0, 1), (1, 0)]:
        point = [min(max(a + s * (b - a), a), b) for s, (a, b) in zip(part, box, strict=True)]
        value = exact(program, point)
        if value == value:
            assert lo - ROUNDING <= value <= hi + ROUNDING, (point, value, bounds)


@given(st.sampled_from(FORMULAS), COORDINATE, COORDINATE, WIDTH, WIDTH, st.lists(PART, max_size=4))
@settings(max_examples=300, deadline=None)
def test_it_holds_every_value(text, x, y, dx, dy, parts):
    """For every operation, on boxes of all widths, at points in them and at their corners."""
    box = [(x, x + dx), (y, y + dy)]
    check_contains(program_of(text), RULES[text](np.ravel(box), np.empty(0)), box, parts)


def passing_rule(program):
    """A rule that is kept nowhere."""
    made, name = machine_program(program), f"passing_{next(COUNT)}"
    return Rule(load(assemble(print_ir(made, name)), name), len(made.outputs))


@st.composite
def programs(draw):
    """A random tree of operations."""
    tape = Tape()
    nodes = [tape.leaf("z", 0), tape.leaf("z", 1), tape.exactly(draw(st.floats(-3, 3))), tape.leaf("pi")]
    one = "exp log sin cos tan sinh cosh tanh sqrt abs sign heaviside floor sech2 log1p erf sigmoid softplus logcosh neg".split()
    for _ in range(draw(st.integers(1, 8))):
        a, b = (draw(st.sampled_from(nodes)) for _ in range(2))
        op = draw(st.sampled_from([*one, *("add sub mul div max min pow".split() * 2), "ipow", "select"]))
        if op == "ipow":
            nodes.append(tape.ipow(a, draw(st.sampled_from([-3, -2, -1, 2, 3, 4, 7, 70]))))
        elif op == "select":
            test = tape.apply(draw(st.sampled_from(["lt", "le", "eq"])), a, b)
            nodes.append(tape.select(test, draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))))
        else:
            nodes.append(tape.apply(op, *((a,) if op in one else (a, b))))
    return Program(tape, (nodes[-1],), 2, 0)


@given(programs(), COORDINATE, COORDINATE, WIDTH, WIDTH, st.lists(PART, max_size=3))
@settings(max_examples=120, deadline=None)
def test_it_holds_every_value_of_random_programs(program, x, y, dx, dy, parts):
    """The composition of operations too, infinities and poles on the way included."""
    box, values = [(x, x + dx), (y, y + dy)], []
    lo, hi = passing_rule(interval_program(program))(np.ravel(box), np.empty(0))
    for part in [*parts, (0, 0), (1, 1), (0, 1), (1, 0)]:
        point = [min(max(a + s * (b - a), a), b) for s, (a, b) in zip(part, box, strict=True)]
        with suppress(OverflowError, MemoryError, ValueError):
            values.append(exact(program, point))
    # Powers of powers reach beyond doubles, where the bounds are infinite.
    values = [value for value in values if value == value and abs(value) < 1e300]
    assume(values)
    assert lo - ROUNDING <= min(values) and max(values) <= hi + ROUNDING, (box, values, lo, hi)


@pytest.mark.parametrize("text", FORMULAS)
def test_small_boxes_have_tight_bounds(text):
    """First order in the width: at most a few times |slope| × width, and a few ulp for a point."""
    program, x, y = program_of(text), 0.6180339887, 0.41421356
    size = 1 + abs(float(exact(program, (x, y))))
    lo, hi = RULES[text](np.array([x, x, y, y]), np.empty(0))
    assert 0 <= hi - lo <= 4e-13 * size
    step = 1e-7
    lo, hi = RULES[text](np.array([x, x + step, y, y + step]), np.empty(0))
    values = [float(exact(program, (x + a * step, y + b * step))) for a in (0, 1) for b in (0, 1)]
    assert hi - lo <= 4 * (max(values) - min(values)) + 30 * step * size


@pytest.mark.parametrize(
    ("text", "box", "bounds"),
    [
        ("x**2", (-1, 2), (0, 4)), ("Abs(x)", (-1, 2), (0, 2)), ("cos(x)", (-1, 1), (math.cos(1), 1)), ("cos(x)", (3, 4), (-1, math.cos(4))),
        ("sin(x)", (1, 2), (math.sin(1), 1)), ("sin(x)", (0, 7), (-1, 1)), ("1/x", (-1, 1), (-np.inf, np.inf)), ("1/x", (0, 2), (0.5, np.inf)),
        ("1/x", (-2, 0), (-np.inf, -0.5)), ("cosh(x)", (-1, 0.5), (1, math.cosh(1))), ("tan(x)", (1, 2), (-np.inf, np.inf)),
        ("log(x)", (-2, -1), (np.inf, -np.inf)), ("log(x)", (-2, 1), (-np.inf, 0)), ("sqrt(x)", (-4, 4), (0, 2)), ("exp(x)", (0, 800), (1, np.inf)),
        ("Piecewise((1 + x, x > 0), (-x, True))", (-1, 2), (-2, 3)), ("Piecewise((log(x), x > 0), (-x, True))", (-2, -1), (1, 2)),
        ("sign(x)", (-1, 0), (-1, 0)), ("x**3", (-2, 1), (-8, 1)), ("x**(-2)", (0, 2), (0.25, np.inf)), ("tanh(x)", (-np.inf, np.inf), (-1, 1)),
    ],
)  # fmt: skip
def test_known_ranges(text, box, bounds):
    """Ranges with their extremes, poles and domains."""
    step = cf.Map.from_text(text, variables="x")
    np.testing.assert_allclose(step.rule("interval:step")(np.array(box, float), step.p), bounds, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize(
    ("text", "box", "finite"),
    [
        ("sign(x) + x", (0.1, 0.2), True), ("sign(x) + x", (-0.1, 0.2), False), ("Heaviside(x)*x", (-0.2, -0.1), True),
        ("Piecewise((x, x < 1), (x + 5, True))", (0.5, 1.5), False), ("Piecewise((x, x < 1), (x + 5, True))", (0.5, 0.9), True),
        ("x*sqrt(x)", (-1, 1), False), ("x*sqrt(x)", (0.5, 1), True), ("Abs(x)", (-1, 1), True), ("Piecewise((x, x < 1), (x**3, True))", (0.5, 1.5), True),
        ("Piecewise((x, x < 1), (x**3, x < 2), (8, x < 3), (9, True))", (0.5, 2.5), True),
        ("Piecewise((x, x < 1), (x**3, x < 2), (8, x < 3), (9, True))", (2.5, 3.5), False), ("Max(x, 0)**2", (-1, 1), True),
        ("Piecewise((x*log(x), x > 0), (-x, True))", (-2, -1), True),
    ],
)  # fmt: skip
def test_slopes_are_unbounded_where_the_map_may_jump(text, box, finite):
    """Else they would not bound difference quotients."""
    step = cf.Map.from_text(text, variables="x")
    bounds = step.rule("interval:jacobian")(np.array(box, float), step.p)
    assert np.isfinite(bounds).all() == finite
    if finite:
        x = np.linspace(*box, 41)
        quotients = np.diff([step([v])[0] for v in x]) / np.diff(x)
        assert bounds[0] - 1e-12 <= quotients.min() and quotients.max() <= bounds[1] + 1e-12


OPTIMIZERS = [cf.optimizers.gd(lr=0.3), cf.optimizers.heavy_ball(lr=0.3, momentum=0.5), cf.optimizers.adam(lr=0.1)]


@pytest.mark.parametrize("loss", [cf.losses.phase_retrieval(), cf.losses.tanh_network()], ids=["polynomial", "network"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
def test_optimizers_on_data(loss, optimizer):
    """Sums over rows: the step and the Jacobian at random points of a box lie in its bounds."""
    step, rng = cf.as_map(loss, optimizer), np.random.default_rng(3)
    centre = np.abs(rng.normal(size=step.dim)) + 0.2
    box = np.column_stack([centre - 0.05, centre + 0.1])
    values, slopes = (step.rule(f"interval:{what}")(box.ravel(), step.p).reshape(-1, 2) for what in ("step", "jacobian"))
    assert np.isfinite(values).all() and np.isfinite(slopes).all()
    for z in rng.uniform(box[:, 0], box[:, 1], size=(200, step.dim)):
        assert (values[:, 0] <= step(z)).all() and (step(z) <= values[:, 1]).all()
        jacobian = step.jacobian(z).ravel()
        assert (slopes[:, 0] <= jacobian).all() and (jacobian <= slopes[:, 1]).all()


def test_what_has_no_intervals_is_refused():
    """With a sentence that names the operation."""
    tape = Tape()
    odd = Program(tape, (tape.apply("round", tape.leaf("z", 0)),), 1, 0)
    with pytest.raises(UsageError, match="no intervals for the operation 'round'"):
        interval_program(odd)
