"""Formulas read anew: text to straight-line code in 160-bit balls (python-flint) and in floats, with derivatives carried along.

Nothing here comes from the package: the text is parsed by Python, and each operation is written out with its derivative.
Every state is the midpoint of what the balls of one step give; a condition is decided by midpoints.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

BITS = 160
_FAR = arb(2) ** (2**40)


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
        if self.dim > 2:
            product = arb_mat(self.dim, self.dim, [float(i == j) for i in range(self.dim) for j in range(self.dim)])
            for z in points:
                product = (arb_mat(self.dim, self.dim, self._slopes(*z)) * product).mid()
            return sorted(np.linalg.eigvals(np.array(product.tolist(), dtype=float)).tolist(), key=abs, reverse=True)
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
