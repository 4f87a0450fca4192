"""Second opinions for the tests: mpmath differences, and optimizer steps written from their papers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy.printing.pycode import MpmathPrinter

needs_compiler = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"), reason="millions of steps, too many for plain Python"
)

MP = mpmath.mp.clone()
MP.dps = 80

# Textbook definitions, at 80 digits: stability is of no concern there.
_FUNCTIONS = {
    "softplus": lambda x: MP.log(1 + MP.exp(x)),
    "sigmoid": lambda x: 1 / (1 + MP.exp(-x)),
    "logcosh": lambda x: MP.log(MP.cosh(x)),
    "log1p": lambda x: MP.log(1 + x),
    "relu": lambda x: x if x > 0 else MP.mpf(0),
    "Heaviside": lambda x, half=0.5: MP.mpf(1) if x > 0 else MP.mpf(0) if x < 0 else MP.mpf(half),
    "mpf": MP.mpf,
    **{name: getattr(MP, name) for name in "pi e exp log sin cos tan sinh cosh tanh sqrt erf sign".split()},
}


class _Printer(MpmathPrinter):
    """Integers too become mpmath numbers: the quotient of two that stand in branches would be a float."""

    def _print_Integer(self, expr):
        return f"mpf({int(expr)})"

    _print_Zero = _print_One = _print_NegativeOne = _print_Integer


def formula(expression: sp.Expr, names: Sequence[str]) -> Callable:
    """The expression as a function of mpmath numbers, through sympy's printer."""
    symbols = {s.name: s for s in expression.free_symbols}
    arguments = [symbols.get(name, sp.Symbol(name)) for name in names]
    settings = {"fully_qualified_modules": False, "allow_unknown_functions": True, "user_functions": {n: n for n in _FUNCTIONS}}
    return sp.lambdify(arguments, expression, modules=[_FUNCTIONS, "mpmath"], printer=_Printer(settings))


def loss_function(spec) -> Callable:
    """L of a loss specification as a function of d mpmath numbers; the mean over its data rows if it has any."""
    names = [*spec.variables, *spec.params, *spec.columns]
    row = formula(spec.expression, names)
    parameters = [MP.mpf(v) for v in spec.params.values()]
    if spec.data is None:
        return lambda *w: row(*w, *parameters)
    table = [[MP.mpf(v) for v in line] for line in np.asarray(spec.data).tolist()]
    return lambda *w: MP.fsum(row(*w, *parameters, *line) for line in table) / len(table)


def partial(function: Callable, point: Sequence[float], orders: Sequence[int]):
    """A partial derivative by central differences of step 1e-15 in each direction, exact to about 28 digits."""
    h = MP.mpf(10) ** -15
    offsets, weights = [], []
    for n in orders:
        offsets.append([MP.mpf(n) / 2 - k for k in range(n + 1)])
        weights.append([(-1) ** k * MP.binomial(n, k) for k in range(n + 1)])
    total = MP.mpf(0)
    for choice in itertools.product(*(range(n + 1) for n in orders)):
        weight = MP.mpf(1)
        shifted = []
        for axis, k in enumerate(choice):
            weight *= weights[axis][k]
            shifted.append(MP.mpf(point[axis]) + offsets[axis][k] * h)
        total += weight * function(*shifted)
    return total / h ** sum(orders)


def derivative_tensor(function: Callable, point: Sequence[float], order: int) -> np.ndarray:
    """All partial derivatives of one order as floats, (d, …, d)."""
    d = len(point)
    result = np.empty((d,) * order)
    known: dict[tuple[int, ...], float] = {}
    for index in itertools.product(range(d), repeat=order):
        counts = tuple(index.count(k) for k in range(d))
        if counts not in known:
            known[counts] = float(partial(function, point, counts))
        result[index] = known[counts]
    return result


def directional_difference(step: Callable, z: Sequence[float], directions: Sequence[Sequence[float]]) -> np.ndarray:
    """Dᵏf(z)[u, …] by central differences of a map on 80-digit numbers."""
    h, k = MP.mpf(10) ** -15, len(directions)
    total = [MP.mpf(0)] * len(z)
    for signs in itertools.product((1, -1), repeat=k):
        shifted = [
            MP.mpf(v) + h * MP.fsum(s * MP.mpf(u[i]) for s, u in zip(signs, directions)) for i, v in enumerate(z)
        ]
        sign = 1
        for s in signs:
            sign *= s
        total = [t + sign * MP.mpf(v) for t, v in zip(total, step(shifted))]
    return np.array([float(t / (2 * h) ** k) for t in total])


# -- one step of each optimizer, as published, on plain Python numbers; ``state`` is a dict of lists -----------


def gd_step(w, g, state, sqrt, lr):
    return [a - lr * b for a, b in zip(w, g)]


def heavy_ball_step(w, g, state, sqrt, lr, momentum):
    """Polyak 1964: w₊ = w − η g + μ (w − w₋)."""
    before = state.setdefault("before", list(w))
    state["before"] = list(w)
    return [a - lr * b + momentum * (a - c) for a, b, c in zip(w, g, before)]


def nesterov_step(w, g, state, sqrt, lr, momentum):
    """Nesterov 1983 in the look-ahead points y: x₊ = y − η ∇L(y), y₊ = x₊ + μ (x₊ − x)."""
    x = state.setdefault("x", list(w))
    forward = [a - lr * b for a, b in zip(w, g)]
    state["x"] = forward
    return [a + momentum * (a - b) for a, b in zip(forward, x)]


def adam_step(w, g, state, sqrt, lr, beta1, beta2, eps, bias_correction, eps_inside):
    """Kingma & Ba, Algorithm 1."""
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = [beta1 * a + (1 - beta1) * b for a, b in zip(state.get("m", [0 * x for x in w]), g)]
    v = state["v"] = [beta2 * a + (1 - beta2) * b * b for a, b in zip(state.get("v", [0 * x for x in w]), g)]
    c1, c2 = (1 - beta1**t, 1 - beta2**t) if bias_correction else (1, 1)
    if eps_inside:
        return [a - lr * (b / c1) / sqrt(c / c2 + eps) for a, b, c in zip(w, m, v)]
    return [a - lr * (b / c1) / (sqrt(c / c2) + eps) for a, b, c in zip(w, m, v)]


OPTIMIZER_STEPS = {"gd": gd_step, "heavy_ball": heavy_ball_step, "nesterov": nesterov_step, "adam": adam_step}
