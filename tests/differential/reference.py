"""A plain classifier of orbits in 160-bit arithmetic (python-flint). It reads the formulas by itself and shares no code.

An orbit is followed as it is. A cycle is an orbit that closes to 2⁻⁶⁰ and contracts, its period the smallest that closes;
divergent is what passes 10³⁰ and goes on growing. What does neither is chaotic or quasi-periodic by its largest exponent and
by weighted averages of its second half. A verdict is given only if it is the same for starts a little beside.
"""

from __future__ import annotations

import ast
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx

BITS = 160
LAGS = 2048
STAGES = (256, 1024, 4096, 16384, 65536)
CLOSED, HUGE, BEYOND = 2.0**-60, 1e30, 200
NUDGES = (2.0**-46, -(2.0**-44))
BATCHES = 16
_FAR = arb(2) ** (2**40)


@dataclass(frozen=True)
class Verdict:
    """kind: as of the package's ``classify``; period of a cycle (1: fixed point), else None; the evidence.

    ``number``: |largest multiplier| of a cycle, exponent of what is chaotic or quasi-periodic.
    """

    kind: str
    period: int | None
    evidence: str
    number: float = math.nan


# -- formulas: text to straight-line code, with derivatives carried along ------------------------------------------


def _select(condition: bool, a: arb, b: arb) -> arb:
    return a if condition else b


def _exp(x: arb) -> arb:
    """exp, but where its exponent has no room: 2^(2⁴⁰) x⁴, less than it is and more than what stands beside it."""
    if abs(x) < 2**40:
        return x.exp()
    return _FAR * x**4 if x > 0 else 1 / (_FAR * x**4)


_EXACT = {
    **{name: getattr(arb, name) for name in "sin cos tan log tanh sqrt".split()},
    "exp": _exp,
    "sinh": lambda x: x.sinh() if abs(x) < 2**40 else (_exp(x) - _exp(-x)) / 2,
    "cosh": lambda x: x.cosh() if abs(x) < 2**40 else (_exp(x) + _exp(-x)) / 2,
    "magnitude": abs,
    "signum": arb.sgn,
    "above": lambda a, b: (a - b).mid() > 0,
    "select": _select,
    "number": arb,
}
_FLOATS = {
    **{name: getattr(np, name) for name in "sin cos tan exp log sinh cosh tanh sqrt".split()},
    "magnitude": np.abs,
    "signum": np.sign,
    "above": np.greater,
    "select": np.where,
    "number": float,
}
# The derivative of each function: a is its argument, v its value.
_SLOPES = {
    "sin": "cos({a})", "cos": "-sin({a})", "tan": "1 + {v}*{v}", "exp": "{v}", "log": "1/{a}", "sinh": "cosh({a})",
    "cosh": "sinh({a})", "tanh": "1/cosh({a})**2", "sqrt": "0.5/{v}", "magnitude": "signum({a})",
}  # fmt: skip


class _Writer:
    """Writes statements t1 = …, t2 = … for formulas; ``slopes``: derivatives by each variable too."""

    def __init__(self, variables: Sequence[str], slopes: bool):
        self.lines: list[str] = []
        self.slopes = slopes
        self.variables = list(variables)
        self.constants: dict[str, str] = {}

    def let(self, code: str) -> str:
        self.lines.append(f"t{len(self.lines)} = {code}")
        return f"t{len(self.lines) - 1}"

    def write(self, node: ast.expr) -> tuple[str, list[str | None]]:
        """(name of the value, names of its derivatives; None where one is 0)."""
        none: list[str | None] = [None] * len(self.variables)
        if isinstance(node, ast.Constant):
            return self.constants.setdefault(repr(node.value), f"c{len(self.constants)}"), none
        if isinstance(node, ast.Name):
            return node.id, ["one" if self.slopes and node.id == v else None for v in self.variables]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value, slopes = self.write(node.operand)
            return self.let(f"-{value}"), [d and self.let(f"-{d}") for d in slopes]
        if isinstance(node, ast.BinOp):
            return self.operation(node)
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        return self.call(node.func.id, node.args)

    def operation(self, node: ast.BinOp) -> tuple[str, list[str | None]]:
        a, da = self.write(node.left)
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant) and isinstance(node.right.value, int):
            n = node.right.value
            value = self.let("*".join([a] * n))
            return value, [d and self.let("*".join([f"{n}", d, *[a] * (n - 1)])) for d in da]
        b, db = self.write(node.right)
        if isinstance(node.op, ast.Pow):  # a positive base, and an exponent without variables
            value = self.let(f"{a}**{b}")
            return value, [d and self.let(f"{b}*{value}/{a}*{d}") for d in da]
        sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}[type(node.op)]
        value = self.let(f"{a} {sign} {b}")
        parts = {"+": ("{}", "{}"), "-": ("{}", "-{}"), "*": (f"{{}}*{b}", f"{a}*{{}}"), "/": (f"{{}}/{b}", f"-{value}*{{}}/{b}")}[sign]
        return value, [self.total(parts, pair) for pair in zip(da, db, strict=True)]

    def total(self, parts: tuple[str, str], slopes: tuple[str | None, str | None]) -> str | None:
        terms = [part.format(d) for part, d in zip(parts, slopes, strict=True) if d]
        return self.let(" + ".join(f"({t})" for t in terms)) if terms else None

    def call(self, name: str, arguments: list[ast.expr]) -> tuple[str, list[str | None]]:
        if name in ("Max", "Min"):
            (a, da), (b, db) = self.write(arguments[0]), self.write(arguments[1])
            return self.choice(self.let(f"above({a}, {b})" if name == "Max" else f"above({b}, {a})"), (a, da), (b, db))
        if name == "Piecewise":
            pairs = [pair.elts for pair in arguments if isinstance(pair, ast.Tuple)]
            result = self.write(pairs[-1][0])
            for value, condition in reversed(pairs[:-1]):
                assert isinstance(condition, ast.Compare) and isinstance(condition.ops[0], (ast.Lt, ast.Gt))
                a, b = self.write(condition.left)[0], self.write(condition.comparators[0])[0]
                test = f"above({b}, {a})" if isinstance(condition.ops[0], ast.Lt) else f"above({a}, {b})"
                result = self.choice(self.let(test), self.write(value), result)
            return result
        name = "magnitude" if name == "abs" else name
        a, da = self.write(arguments[0])
        value = self.let(f"{name}({a})")
        if not any(da):
            return value, da
        slope = self.let(_SLOPES[name].format(a=a, v=value))
        return value, [d and self.let(f"{slope}*{d}") for d in da]

    def choice(
        self, test: str, yes: tuple[str, list[str | None]], no: tuple[str, list[str | None]]
    ) -> tuple[str, list[str | None]]:
        slopes = [self.let(f"select({test}, {a or 'zero'}, {b or 'zero'})") if a or b else None for a, b in zip(yes[1], no[1], strict=True)]
        return self.let(f"select({test}, {yes[0]}, {no[0]})"), slopes


def _compiled(
    formulas: Sequence[str], variables: Sequence[str], params: dict[str, float], kind: dict, slopes: bool = False, ending: str = ""
) -> Callable:
    """A function of the variables: their images or, with ``slopes``, all derivatives row by row; ``ending`` follows each."""
    writer, results = _Writer(variables, slopes), []
    for formula in formulas:
        value, row = writer.write(ast.parse(formula.strip(), mode="eval").body)
        results += [d or "zero" for d in row] if slopes else [value]
    space = dict(kind) | {name: kind["number"](value) for name, value in params.items()}
    space |= {name: kind["number"](text) for text, name in writer.constants.items()}
    space |= {"zero": kind["number"](0), "one": kind["number"](1)}
    body = "".join(f"    {line}\n" for line in writer.lines)
    exec(f"def made({', '.join(variables)}):\n{body}    return ({', '.join(r + ending for r in results)},)", space)
    return space["made"]


class Model:
    """A map in 160 bits, and its derivatives there and in floats."""

    def __init__(self, formulas: Sequence[str], variables: Sequence[str], params: dict[str, float]):
        ctx.prec = BITS
        self.dim = len(variables)
        self.balls = _compiled(formulas, variables, params, _EXACT)
        self.step = _compiled(formulas, variables, params, _EXACT, ending=".mid()")
        self._slopes = _compiled(formulas, variables, params, _EXACT, slopes=True)
        self._float_slopes = _compiled(formulas, variables, params, _FLOATS, slopes=True)

    def multipliers(self, points: list[tuple]) -> list[complex]:
        """Eigenvalues of the derivative over a cycle, the largest first; the product of derivatives in 160 bits."""
        if self.dim == 1:
            product = arb(1)
            for z in points:
                product *= self._slopes(*z)[0]
            return [float(product)]
        a, b, c, d = arb(1), arb(0), arb(0), arb(1)
        for z in points:
            p, q, r, s = self._slopes(*z)
            a, b, c, d = ((v.mid()) for v in (p * a + q * c, p * b + q * d, r * a + s * c, r * b + s * d))
        half, determinant = (a + d) / 2, a * d - b * c
        root = half * half - determinant
        if float(root.mid()) < 0:
            imaginary = float((-root.mid()).sqrt())
            return [complex(float(half), imaginary), complex(float(half), -imaginary)]
        far = half + (root.mid().sqrt() if float(half) >= 0 else -root.mid().sqrt())
        return [float(far), float(determinant / far) if float(far) else 0.0]

    def slopes(self, orbit: Any) -> np.ndarray:
        """Derivatives at the rows of an orbit (n, D), (n, D, D), as floats."""
        orbit = np.asarray(orbit, dtype=float)
        with np.errstate(all="ignore"):
            entries = self._float_slopes(*orbit.T)
        return np.stack([np.broadcast_to(e, len(orbit)) for e in entries], axis=1).reshape(len(orbit), self.dim, self.dim)


# -- orbits --------------------------------------------------------------------------------------------------------


class _Orbit:
    """An orbit on its way: all states as floats, the last ones exactly."""

    def __init__(self, model: Model, start: Sequence[float]):
        self.model, self.z = model, tuple(arb(v) for v in start)
        self.floats: list[tuple[float, ...]] = [tuple(start)]
        self.recent = deque([self.z], maxlen=LAGS + 1)

    @property
    def extent(self) -> float:
        """The largest entry since the first eighth of the orbit: a detour before is forgotten."""
        return float(np.abs(self.floats[len(self.floats) // 8 :]).max())

    def run(self, until: int) -> Verdict | None:
        """On to this many steps; a verdict if the orbit ends before."""
        step, floats, recent, z = self.model.step, self.floats, self.recent, self.z
        while len(floats) <= until:
            z = step(*z)
            row = tuple(map(float, z))
            size = max(map(abs, row))
            if not size < HUGE:
                if any(map(math.isnan, row)):
                    return Verdict("undecided", None, f"undefined at step {len(floats)}")
                ended = self.escapes(z)
                if ended:
                    return ended
            floats.append(row)
            recent.append(z)
        self.z = z
        return None

    def escapes(self, z: tuple) -> Verdict | None:
        """A state beyond 10³⁰: divergent if it stays there and grows; None if it comes back."""
        first = last = max(abs(v) for v in z)
        where = f"beyond 1e30 at step {len(self.floats)}"
        for k in range(BEYOND):
            balls = self.model.balls(*z)
            if not all(v.is_finite() and (v.rel_accuracy_bits() > 20 or v.is_zero()) for v in balls):
                return Verdict("undecided", None, f"{where}, not accurate {k} steps later")
            z = tuple(v.mid() for v in balls)
            size = max(abs(v) for v in z)
            if not size > HUGE:
                return None
            last = size
        return Verdict("divergent" if last > 2 * first else "undecided", None, where)

    def cycle(self) -> Verdict | None:
        """The cycle that the orbit is on to 2⁻⁶⁰, if it attracts."""
        period = self.closing(CLOSED)
        if period is None:
            return None
        points = list(self.recent)[-period:]
        sizes = [abs(m) for m in self.model.multipliers(points)]
        if not sizes[0] < 1 - 1e-9:
            return self.neutral(period, sizes[0])
        rounds = 80 * math.log(2) / -math.log(max(sizes[0], 1e-30))
        if self.run(len(self.floats) + math.ceil(min(rounds * period, 400_000))):
            return None
        again = self.closing(CLOSED * 2.0**-20)
        if again is None:
            return None
        size = abs(self.model.multipliers(list(self.recent)[-again:])[0])
        kind = "fixed point" if again == 1 else "cycle"
        return Verdict(kind, again, f"closed to 2^-80, |multiplier| {size:.6g}", size) if size < 1 - 1e-9 else None

    def neutral(self, period: int, size: float) -> Verdict | None:
        """On a cycle that does not attract: an orbit that repeats itself to 2⁻¹²⁰, or stays where rounding would have grown to 1."""
        rounds = 4 * BITS * math.log(2) / math.log(max(size, 1.0)) if size > 1.001 else 0.0
        if self.run(len(self.floats) + math.ceil(rounds) * period):
            return None
        if self.closing(CLOSED if rounds else CLOSED**2) != period:
            return None
        return Verdict("fixed point" if period == 1 else "cycle", period, f"stays on it, |multiplier| {size:.6g}", size)

    def closing(self, tolerance: float) -> int | None:
        """The smallest period at which the last state comes back, relative to the size of the orbit (or as far as rounding lets it)."""
        recent, extent = self.recent, self.extent
        noise = max(v.rad() for v in self.model.balls(*recent[-2]))
        limit, floats = max(arb(tolerance * extent), 2**20 * noise), np.array(self.floats[-LAGS - 1 :])
        near = np.flatnonzero(np.abs(floats[-2::-1] - floats[-1]).max(axis=1) <= 1e-12 * extent) + 1
        for lag in near.tolist():
            if all(abs(a - b) <= limit for a, b in zip(self.z, recent[-1 - lag], strict=True)):
                return int(lag)
        return None


# -- neither settled nor escaped -----------------------------------------------------------------------------------


def exponents(model: Model, orbit: np.ndarray) -> np.ndarray:
    """The largest exponent over each of 16 stretches of the orbit, (16,)."""
    slopes = model.slopes(orbit)
    with np.errstate(divide="ignore"):
        if model.dim == 1:
            logs = np.log(np.abs(slopes[:, 0, 0]))
        else:
            logs, u, v = [], 0.8, 0.6
            for p, q, r, s in slopes.reshape(-1, 4).tolist():
                u, v = p * u + q * v, r * u + s * v
                length = math.hypot(u, v)
                if not 0 < length < math.inf:
                    return np.full(BATCHES, np.nan)
                u, v = u / length, v / length
                logs.append(math.log(length))
            logs = np.array(logs)
    return logs[: len(logs) // BATCHES * BATCHES].reshape(BATCHES, -1).mean(axis=1)


def averages_gap(orbit: np.ndarray) -> float:
    """How far weighted averages over two halves differ; the weight exp(−1/(s(1−s))) (Das et al. 2017, Nonlinearity 30)."""
    n = len(orbit) // 2
    s = np.arange(1, n) / n
    weight = np.exp(-1 / (s * (1 - s)))
    scaled = (orbit - orbit.mean(axis=0)) / np.maximum(np.ptp(orbit, axis=0), 1e-300)
    seen = np.concatenate([scaled, scaled**2, np.cos(3 * scaled), scaled[:, :1] * scaled[:, -1:]], axis=1)
    halves = [weight @ seen[start + 1 : start + n] / weight.sum() for start in (0, n)]
    return float(np.abs(halves[0] - halves[1]).max())


def _irregular(model: Model, orbit: np.ndarray) -> Verdict:
    tail = orbit[len(orbit) // 4 :]
    batches = exponents(model, tail)
    exponent, error = float(batches.mean()), float(batches.std(ddof=1)) / math.sqrt(BATCHES)
    gap = averages_gap(tail)
    halves = np.abs(np.array_split(tail, 2)).max(axis=(1, 2)) if len(tail) % 2 == 0 else np.abs(tail).max() * np.ones(2)
    near = np.abs(tail[-LAGS:-1] - tail[-1]).max(axis=1).min() / max(float(np.ptp(tail, axis=0).max()), 1e-300)
    evidence = f"exponent {exponent:.5f} ± {error:.1g}, averages differ by {gap:.1g}, nearest return {near:.1g}"
    if not math.isfinite(exponent) or halves[1] > 1.5 * halves[0]:
        return Verdict("undecided", None, evidence)
    if exponent > max(8 * error, 2e-3) and gap > 1e-8:
        return Verdict("chaotic", None, evidence, exponent)
    if abs(exponent) < 1e-3 and gap < 1e-9 and near > 1e-6:
        return Verdict("quasi-periodic", None, evidence, exponent)
    return Verdict("undecided", None, evidence)


def _fate(model: Model, start: Sequence[float], stages: Sequence[int]) -> tuple[Verdict | None, np.ndarray]:
    """(verdict, orbit) of what settles or escapes by the last of the stages; None if nothing does."""
    orbit = _Orbit(model, start)
    for stage in stages:
        found = orbit.run(stage) or orbit.cycle()
        if found:
            return found, np.empty(0)
    return None, np.array(orbit.floats)


def classify(formulas: Sequence[str], variables: Sequence[str], params: dict[str, float], start: Sequence[float], effort: int = 1) -> Verdict:
    """The regime of the orbit of ``start``; ``effort``: how many times as long it is followed if it does not settle."""
    model = Model(formulas, variables, params)
    settled, orbit = _fate(model, start, [*STAGES, STAGES[-1] * effort])
    verdict = settled or _irregular(model, orbit)
    if verdict.kind == "undecided":
        return verdict
    for nudge in NUDGES if settled else NUDGES[:1]:
        other = _fate(model, [v * (1 + nudge) for v in start], STAGES if settled else STAGES[:-1])[0]
        if (other and (other.kind, other.period)) != (settled and (settled.kind, settled.period)):
            words = f"{other.kind} {other.period}" if other else "no end"
            return Verdict("undecided", None, f"{verdict.kind} {verdict.period}, but {words} after a change of the start by {nudge:.0e}")
    return verdict
