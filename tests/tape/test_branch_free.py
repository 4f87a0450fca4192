"""Elementary functions written out in machine operations, against python-flint's balls."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx

from cfdyn.tape.elementary import BRANCH_FREE, COMPOSITE, FAR
from cfdyn.tape.evaluate import Algebra, evaluate
from cfdyn.tape.program import Program, Tape

# The largest error allowed, in units of the last place: what the docstrings say.
BOUND = {
    "exp": 1.0, "log": 0.9, "log1p": 1.4, "tanh": 1.7, "sinh": 1.9, "cosh": 1.4, "sin": 1.8, "cos": 1.8,
    "sigmoid": 1.9, "softplus": 1.9, "logcosh": 1.6, "sech2": 3.2,
}  # fmt: skip
ARITHMETIC = {"const", "z", "add", "sub", "mul", "div", "neg", "ipow", "abs", "lt", "le", "eq", "select"}
MACHINE = {"round", "exp2i", "exponent", "mantissa"}
SMALLEST = 2.0**-1074


def exp2i(n):
    """2ⁿ; an n out of range may only come from a number that is not selected."""
    inside = (n >= -1022) & (n <= 1023)
    return np.where(inside, np.ldexp(1.0, np.where(inside, n, 0).astype(int)), 12345.0)


FUNCTIONS: dict[str, Callable] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": np.divide, "neg": operator.neg, "abs": np.abs,
    "ipow": operator.pow, "lt": np.less, "le": np.less_equal, "eq": np.equal, "select": np.where, "round": np.rint,
    "exp2i": exp2i, "exponent": lambda x: np.frexp(x)[1] - 1.0, "mantissa": lambda x: 2.0 * np.frexp(x)[0],
    "exp": np.exp, "log1p": np.log1p,
}  # fmt: skip


def program(expansion) -> Program:
    tape = Tape()
    return Program(tape, (expansion(tape, tape.leaf("z", 0)),), n_z=1, n_p=0)


def values(expansion, x: np.ndarray, functions: dict | None = None) -> np.ndarray:
    algebra = Algebra(lambda f: f.numerator / f.denominator, FUNCTIONS | (functions or {}), np.pi, np.e)
    with np.errstate(all="ignore"):
        parts = [evaluate(program(expansion), algebra, [part], [])[0] for part in np.array_split(x, len(x) // 100_000 + 1)]
    return np.concatenate(parts)


# exp and log1p inside a composite: numpy's, or written out in their turn.
EXPANDED = {name: lambda x, name=name: values(BRANCH_FREE[name], x) for name in ("exp", "log1p")}
CASES = (
    [pytest.param(name, f, None, id=name) for name, f in BRANCH_FREE.items()]
    + [pytest.param(name, f, None, id=f"{name}-composite") for name, f in COMPOSITE.items()]
    + [pytest.param(name, f, EXPANDED, id=f"{name}-composite-expanded") for name, f in COMPOSITE.items()]
)


@pytest.fixture(autouse=True)
def precision() -> Iterator[None]:
    saved, ctx.prec = ctx.prec, 160
    yield
    ctx.prec = saved


def logcosh(x):
    y = abs(x)
    return (2 * (y / 2).sinh() ** 2).log1p() if y < 5 else y + (-2 * y).exp().log1p() - arb(2).log()


REFERENCE = {
    **{name: operator.methodcaller(name) for name in "exp log log1p tanh sinh cosh sin cos".split()},
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": lambda x: x.exp().log1p() if x < 0 else x + (-x).exp().log1p(),
    "logcosh": logcosh,
    "sech2": lambda x: 1 / x.cosh() ** 2,
}


def arguments(name: str, count: int, seed: int) -> np.ndarray:
    """Every magnitude, and densely where the functions bend, overflow and underflow."""
    rng = np.random.default_rng(seed)
    n = count // 5

    def magnitudes(low: float, high: float) -> np.ndarray:
        return 10 ** rng.uniform(low, high, n) * rng.choice([-1, 1], n)

    uniform = [rng.uniform(-a, a, n // 2) for a in (745.2, 40, 3, 0.7)]
    edges = np.array([-745.14, -745.1, -708.4, -708.3, 708.4, 709.78, 710.47, 0.3, 0.7, -0.3, 1.0, -1.0 + 2.0**-53, 2.0**-1022])
    x = np.concatenate([magnitudes(-300, 300), magnitudes(-6, 3), magnitudes(-1, 1), *uniform, edges])
    if name in ("sin", "cos"):
        k = rng.integers(-667_544, 667_545, n)
        x = np.concatenate([x, k * (np.pi / 2), k * (np.pi / 2) * (1 + rng.uniform(-1e-7, 1e-7, n)), rng.uniform(-FAR, FAR, n)])
        return x[abs(x) <= FAR]
    if name == "log":
        return np.concatenate([abs(x), 1 + magnitudes(-16, -0.5), 2.0 ** rng.uniform(-1074, 1023, n)])
    if name == "log1p":
        return np.concatenate(
            [x[x > -1], -1 + abs(magnitudes(-16, 0)), 2.0 ** rng.integers(-60, 1000, n) * rng.uniform(0.6, 1.7, n)]
        )
    return x[abs(x) <= 354.5] if name == "sech2" else x


def errors(name: str, x: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distance to the true value in units of its last place (of 2⁻¹⁰²² below that), and the true value."""
    limit = 1500.0 if name in ("exp", "sinh", "cosh", "sigmoid", "sech2") else np.inf
    exact, rest = np.empty(len(x)), np.empty(len(x))
    for i, t in enumerate(np.clip(x, -limit, limit).tolist()):
        true = REFERENCE[name](arb(t))
        exact[i] = near = float(true.mid())
        # Near 0 the rest is kept 2²⁰⁰ times larger, or it would be lost below the smallest number.
        rest[i] = float(((true - near) * (2**200 if abs(near) < 1 else 1)).mid()) if abs(near) < np.inf else 0.0
    with np.errstate(all="ignore"):
        scale = np.where(abs(exact) < 1, 2.0**200, 1.0)
        power_of_2 = (abs(np.frexp(exact)[0]) == 0.5) & (rest * exact < 0) & (abs(exact) > 2.0**-1022)
        unit = np.spacing(np.maximum(abs(exact), 2.0**-1022)) * np.where(power_of_2, 0.5, 1.0)
        error = abs((value - exact) * scale - rest) / (unit * scale)
    return np.where((value == exact) & np.isinf(exact), 0.0, np.where(np.isinf(exact), np.inf, error)), exact


def check(name: str, expansion, functions: dict | None, x: np.ndarray) -> None:
    error, exact = errors(name, x, values(expansion, x, functions))
    subnormal = abs(exact) < 2.0**-1022
    assert not np.isnan(error).any()
    assert error[subnormal].max(initial=0.0) <= 1.0
    worst = np.argmax(np.where(subnormal, 0.0, error))
    assert error[worst] <= BOUND[name], f"{error[worst]:.3f} units at {x[worst]!r}"


@pytest.mark.parametrize(("name", "expansion", "functions"), CASES)
def test_error_in_units_of_the_last_place(name, expansion, functions):
    check(name, expansion, functions, arguments(name, 20_000, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expansion", "functions"), CASES)
def test_error_at_a_million_points(name, expansion, functions):
    check(name, expansion, functions, arguments(name, 1_000_000, seed=2))


@pytest.mark.parametrize("step", [101, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_next_to_every_multiple_of_half_pi(name, step):
    x = np.array([float((arb.pi() * k / 2).mid()) for k in range(1, 667_545, step)])
    near = np.concatenate([x, np.nextafter(x, 0), np.nextafter(x, np.inf)])
    check(name, BRANCH_FREE[name], None, near[near <= FAR])


INF, NAN = np.inf, np.nan
SPECIAL = {
    "exp": [(INF, INF), (-INF, 0), (0, 1), (709.79, INF), (-746, 0), (1e300, INF), (-1e300, 0), (-745.1, SMALLEST)],
    "log": [(INF, INF), (0, -INF), (-0.0, -INF), (1, 0), (-1, NAN), (-INF, NAN), (-SMALLEST, NAN)],
    "log1p": [
        (INF, INF),
        (0, 0),
        (-1, -INF),
        (-1.5, NAN),
        (-1 - 2.0**-52, NAN),
        (-INF, NAN),
        (-1e300, NAN),
        (SMALLEST, SMALLEST),
    ],
    "tanh": [(INF, 1), (-INF, -1), (0, 0), (1e300, 1), (-1e300, -1), (20, 1), (SMALLEST, SMALLEST)],
    "sech2": [(INF, 0), (-INF, 0), (0, 1), (1e300, 0), (-1e300, 0), (SMALLEST, 1), (1e-9, 1)],
    "sinh": [(INF, INF), (-INF, -INF), (0, 0), (711, INF), (-711, -INF), (1e300, INF)],
    "cosh": [(INF, INF), (-INF, INF), (0, 1), (711, INF), (-1e300, INF)],
    "sin": [(0, 0), (SMALLEST, SMALLEST)],
    "cos": [(0, 1), (1e-300, 1)],
    "sigmoid": [(INF, 1), (-INF, 0), (0, 0.5), (1e300, 1), (-1e300, 0), (-745.1, SMALLEST)],
    "softplus": [(INF, INF), (-INF, 0), (1e300, 1e300), (-1e300, 0), (-745.1, SMALLEST)],
    "logcosh": [(INF, INF), (-INF, INF), (0, 0), (1e300, 1e300), (-1e300, 1e300)],
}


@pytest.mark.parametrize(("name", "expansion", "functions"), CASES)
def test_special_values(name, expansion, functions):
    x, wanted = np.array([*SPECIAL[name], (NAN, NAN), (-NAN, NAN)]).T
    np.testing.assert_array_equal(values(expansion, x, functions), wanted)


@pytest.mark.parametrize("name", ["sin", "tanh", "sinh", "cos", "cosh", "logcosh", "sech2"])
def test_symmetry_is_exact(name):
    x = abs(arguments(name, 5000, seed=3))
    right, left = values(BRANCH_FREE[name], x), values(BRANCH_FREE[name], -x)
    np.testing.assert_array_equal(left, right if name in ("cos", "cosh", "logcosh", "sech2") else -right)


@pytest.mark.parametrize("name", BRANCH_FREE)
def test_written_in_machine_operations_and_doubles(name):
    p = program(BRANCH_FREE[name])
    used = p.tape.reachable(p.outputs)
    assert {p.tape.ops[n] for n in used} <= ARITHMETIC | MACHINE
    constants = [p.tape.args[n][0] for n in used if p.tape.ops[n] == "const"]
    assert all(Fraction(float(c)) == c for c in constants)


def test_sine_at_the_far_end():
    x = np.array([FAR, np.nextafter(FAR, 0)])
    np.testing.assert_allclose(values(BRANCH_FREE["sin"], x), np.sin(x), rtol=1e-15)
