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


# -- one step of each optimizer, as published, on plain Python numbers: the gradient is a function of a list, ``state`` a
# dict that starts empty, ``sqrt`` and the options are of the numbers' kind -------------------------------------------


def _seen(gradient, w, sqrt, weight_decay=0, clip=0):
    """Clipped to a global norm (Pascanu et al. 2013, Algorithm 1), then λw added."""
    g = gradient(w)
    norm = sqrt(sum(x * x for x in g))
    if clip and norm > clip:
        g = [clip * x / norm for x in g]
    return [x + weight_decay * y for x, y in zip(g, w)]


def gd_step(w, gradient, state, sqrt, lr, **extras):
    return [a - lr * b for a, b in zip(w, _seen(gradient, w, sqrt, **extras))]


def heavy_ball_step(w, gradient, state, sqrt, lr, momentum, dampening=0, **extras):
    """Polyak 1964: w₊ = w − η g + μ (w − w₋); dampening from the second step on."""
    share = 1 - dampening if "before" in state else 1
    before = state.setdefault("before", list(w))
    state["before"] = list(w)
    g = _seen(gradient, w, sqrt, **extras)
    return [a - lr * share * b + momentum * (a - c) for a, b, c in zip(w, g, before)]


def nesterov_step(w, gradient, state, sqrt, lr, momentum, **extras):
    """Nesterov 1983 in the look-ahead points y: x₊ = y − η ∇L(y), y₊ = x₊ + μ (x₊ − x)."""
    x = state.setdefault("x", list(w))
    forward = [a - lr * b for a, b in zip(w, _seen(gradient, w, sqrt, **extras))]
    state["x"] = forward
    return [a + momentum * (a - b) for a, b in zip(forward, x)]


def ema_momentum_step(w, gradient, state, sqrt, lr, momentum, **extras):
    """The average written out: m_t = (1−β) Σ_s β^(t−s) g_s."""
    past = state.setdefault("past", [])
    past.append(_seen(gradient, w, sqrt, **extras))
    for i, g in enumerate(past):
        weight = lr * (1 - momentum) * momentum ** (len(past) - 1 - i)
        w = [a - weight * b for a, b in zip(w, g)]
    return w


def qhm_step(w, gradient, state, sqrt, lr, beta, nu, **extras):
    """Ma & Yarats 2018, the buffer eliminated: d_t = (1−νβ) g_t + ν (1−β) Σ_{s<t} β^(t−s) g_s."""
    past = state.setdefault("past", [])
    g = _seen(gradient, w, sqrt, **extras)
    d = [(1 - nu * beta) * b for b in g]
    for age, old in enumerate(reversed(past), start=1):
        d = [a + nu * (1 - beta) * beta**age * b for a, b in zip(d, old)]
    past.append(g)
    return [a - lr * b for a, b in zip(w, d)]


def normalized_gd_step(w, gradient, state, sqrt, lr):
    g = gradient(w)
    return [a - lr / sqrt(sum(x * x for x in g)) * b for a, b in zip(w, g)]


def sign_gd_step(w, gradient, state, sqrt, lr):
    return [a - lr if b > 0 else a + lr if b < 0 else a for a, b in zip(w, gradient(w))]


def sam_step(w, gradient, state, sqrt, lr, rho):
    """Foret et al., Algorithm 1."""
    g = gradient(w)
    length = sqrt(sum(x * x for x in g))
    return [a - lr * b for a, b in zip(w, gradient([a + rho * b / length for a, b in zip(w, g)]))]


def lion_step(w, gradient, state, sqrt, lr, beta1, beta2, weight_decay):
    """Chen et al., Algorithm 2: θ ← θ − η (sign(c) + λθ)."""
    g, m = gradient(w), state.get("m", [0 * x for x in w])
    result = []
    for i, x in enumerate(w):
        c = beta1 * m[i] + (1 - beta1) * g[i]
        result.append(x - lr * ((c > 0) - (c < 0) + weight_decay * x))
    state["m"] = [beta2 * a + (1 - beta2) * b for a, b in zip(m, g)]
    return result


def _averaged(state, name, new, beta):
    """beta·old + (1 − beta)·new, from 0."""
    old = state.get(name, [0 * x for x in new])
    state[name] = [beta * a + (1 - beta) * b for a, b in zip(old, new)]
    return state[name]


def _scaled(w, rise, v, sqrt, eps, eps_inside):
    """w − rise/(√v + ε), or with √(v + ε)."""
    return [a - b / (sqrt(c + eps) if eps_inside else sqrt(c) + eps) for a, b, c in zip(w, rise, v)]


def adagrad_step(w, gradient, state, sqrt, lr, eps, eps_inside=False, **extras):
    """The root of the sum of all squares so far."""
    past = state.setdefault("past", [])
    past.append(_seen(gradient, w, sqrt, **extras))
    squares = [sum(g[i] ** 2 for g in past) for i in range(len(w))]
    return _scaled(w, [lr * b for b in past[-1]], squares, sqrt, eps, eps_inside)


def rmsprop_step(w, gradient, state, sqrt, lr, beta2, eps, bias_correction=False, eps_inside=False, total=False, **extras):
    t = state["t"] = state.get("t", 0) + 1
    g = _seen(gradient, w, sqrt, **extras)
    squares = [sum(x * x for x in g)] * len(g) if total else [x * x for x in g]
    v = _averaged(state, "v", squares, beta2)
    share = 1 - beta2**t if bias_correction else 1
    return _scaled(w, [lr * b for b in g], [c / share for c in v], sqrt, eps, eps_inside)


def scalar_rmsprop_step(w, gradient, state, sqrt, **options):
    return rmsprop_step(w, gradient, state, sqrt, total=True, **options)


def adam_step(
    w, gradient, state, sqrt, lr, beta1, beta2, eps, bias_correction=True, eps_inside=False, peak=False, decoupled=0, **extras
):
    """Kingma & Ba, Algorithm 1; with the largest v so far; with w shrunk by ηλ of its own (Loshchilov & Hutter)."""
    t = state["t"] = state.get("t", 0) + 1
    g = _seen(gradient, w, sqrt, **extras)
    m = _averaged(state, "m", g, beta1)
    v = _averaged(state, "v", [x * x for x in g], beta2)
    if peak:
        v = state["peak"] = [max(a, b) for a, b in zip(v, state.get("peak", v))]
    c1, c2 = (1 - beta1**t, 1 - beta2**t) if bias_correction else (1, 1)
    start = [a - lr * decoupled * a for a in w]
    return _scaled(start, [lr * b / c1 for b in m], [c / c2 for c in v], sqrt, eps, eps_inside)


def amsgrad_step(w, gradient, state, sqrt, **options):
    return adam_step(w, gradient, state, sqrt, peak=True, **options)


def adamw_step(w, gradient, state, sqrt, weight_decay, **options):
    return adam_step(w, gradient, state, sqrt, decoupled=weight_decay, **options)


def nadam_step(w, gradient, state, sqrt, lr, beta1, beta2, eps, momentum_decay):
    """Dozat 2016, Algorithm 2, with torch's schedule μ_t = β₁(1 − ½·0.96^(tψ)); products and powers afresh each time."""
    t = state["t"] = state.get("t", 0) + 1
    g = gradient(w)
    m = _averaged(state, "m", g, beta1)
    v = _averaged(state, "v", [x * x for x in g], beta2)
    base = 24 / (25 + 0 * lr)
    mu = [beta1 * (1 - base ** (s * momentum_decay) / 2) for s in range(1, t + 2)]
    now, after = 1, 1
    for s, factor in enumerate(mu):
        now, after = (now * factor if s < t else now), after * factor
    mixed = [lr * ((1 - mu[t - 1]) * a / (1 - now) + mu[t] * b / (1 - after)) for a, b in zip(g, m)]
    return _scaled(w, mixed, [c / (1 - beta2**t) for c in v], sqrt, eps, False)


OPTIMIZER_STEPS = {name.removesuffix("_step"): step for name, step in list(globals().items()) if name.endswith("_step")}


def grows(name, options, lr, gradient, rests, state=None, steps=160, digits=30, mp=MP):
    """Whether the distance from the fixed point, 10^−digits at first, is larger after all steps than after half of them."""
    exact = {k: v if isinstance(v, bool) else mp.mpf(v) for k, v in {**options, "lr": lr}.items()}
    w, sizes, state = [x + mp.mpf(10) ** -digits * (1 + k) for k, x in enumerate(rests)], [], {} if state is None else state
    for _ in range(steps):
        w = OPTIMIZER_STEPS[name](w, gradient, state, mp.sqrt, **exact)
        sizes.append(max(abs(a - b) for a, b in zip(w, rests)))
    return max(sizes[-8:]) > max(sizes[steps // 2 : steps // 2 + 8])
