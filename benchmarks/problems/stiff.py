"""Stiff initial value problems as formulas, the same text for every solver, with references from other methods.

The problems with their sources: ``stiff.toml``.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Problem:
    """dy_i/dt = formula i of y1 … yn from ``start`` over the time ``end``.

    ``floor``: entries below it need not be exact, errors are relative to floor + |y|; ``linear``: solved in closed form;
    ``tightest``: relative tolerance of the reference, as small as round-off allows; ``pieces``: it starts anew so often,
    for times that resolve short steps.
    """

    name: str
    formulas: tuple[str, ...]
    start: tuple[float, ...]
    end: float
    floor: float = 1e-3
    linear: bool = False
    tightest: float = 1e-13
    pieces: int = 1

    @property
    def n(self) -> int:
        return len(self.start)

    @property
    def variables(self) -> list[str]:
        return [f"y{i + 1}" for i in range(self.n)]

    def source(self, head: str, tail: str = "") -> str:
        """The right-hand side as a Python function for a peer: from y to out, after ``head``."""
        lines = [f"    {name} = y[{i}]" for i, name in enumerate(self.variables)]
        lines += [f"    out[{i}] = {formula}" for i, formula in enumerate(self.formulas)]
        return "\n".join([head, *lines, tail])

    def function(self, head: str, tail: str = "", **names: Any) -> Callable:
        """The same, made a function ``slope``; ``names`` are what it calls."""
        exec(self.source(head, tail), names)
        return names["slope"]

    @property
    def slope(self) -> Callable[[float, Any], list]:
        """The right-hand side f(t, y) for numbers of any kind."""
        return self.function("def slope(t, y):\n    out = [0] * len(y)", "    return out", exp=np.exp, sin=np.sin)

    def error(self, y: Sequence[float]) -> float:
        """max |y − reference| / (floor + |reference|) at the end; infinite where y is not finite."""
        gap = np.abs(np.asarray(y, dtype=float) - self.reference) / (self.floor + np.abs(self.reference))
        return float(gap.max()) if np.isfinite(gap).all() else math.inf

    @property
    def reference(self) -> np.ndarray:
        """The solution at the end: the matrix exponential, or SciPy's Radau."""
        return _reference(self)


@cache
def _reference(problem: Problem) -> np.ndarray:
    return exponential(problem) if problem.linear else tight(problem, "Radau")


def exponential(problem: Problem) -> np.ndarray:
    """exp(tA) of a linear problem (the constant part as one more entry), with 60 digits."""
    from mpmath import expm, matrix, mp, mpf

    n = problem.n
    with mp.workdps(60):
        constant = problem.slope(0.0, [mpf(0)] * n)
        whole = matrix(n + 1, n + 1)
        for j in range(n):
            column = problem.slope(0.0, [mpf(i == j) for i in range(n)])
            for i in range(n):
                whole[i, j] = column[i] - constant[i]
        for i in range(n):
            whole[i, n] = constant[i]
        end = expm(whole * mpf(problem.end)) * matrix([*map(mpf, problem.start), mpf(1)])
        return np.array([float(end[i]) for i in range(n)])


def tight(problem: Problem, method: str) -> np.ndarray:
    """SciPy's solution with tolerances as tight as it takes, and the Jacobian by SymPy."""
    import sympy
    from scipy.integrate import solve_ivp

    names = sympy.symbols(problem.variables)
    slopes = sympy.Matrix([sympy.sympify(formula) for formula in problem.formulas])
    slopes_of = sympy.lambdify(names, slopes.jacobian(names).tolist(), "math")
    options = {"method": method, "rtol": problem.tightest, "atol": problem.tightest * problem.floor,
               "jac": lambda t, y: np.array(slopes_of(*y), dtype=float)}  # fmt: skip
    y = np.array(problem.start)
    for _ in range(problem.pieces):
        found = solve_ivp(problem.slope, (0.0, problem.end / problem.pieces), y, **options)
        if not found.success:
            raise ArithmeticError(f"{problem.name}: {found.message}")
        y = found.y[:, -1]
    return y


def _stated(name: str, rates: Sequence[str], start: Sequence[float], let: Mapping[str, str] = {}, **rest: Any) -> Problem:  # noqa: B006
    """A problem of ``stiff.toml``; what it lets names stand for is put in their place, one after the other."""
    for short, text in let.items():
        rates = [rate.replace(short, f"({text})") for rate in rates]
    return Problem(name, tuple(rates), tuple(start), **rest)


PROBLEMS = tuple(_stated(name, **entry) for name, entry in
                 tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items())  # fmt: skip
DETEST = tuple(problem for problem in PROBLEMS if len(problem.name) == 2)
# Nothing to do, and nothing stiff: B1 of NONSTIFF-DETEST (Hull, Enright, Fellen, Sedgwick 1972), predator and prey.
IDLE = Problem("y' = 0", ("0*y1",), (1.0,), 1.0, linear=True)
PREY = Problem("predator and prey", ("2*(y1 - y1*y2)", "y1*y2 - y2"), (1.0, 3.0), 20.0)


def brusselator(n: int) -> Problem:
    """The Brusselator with diffusion, n/2 points on a line, u and v of each in turn."""
    points, formulas = n // 2, []
    rate = (points + 1) ** 2 / 50
    for i in range(points):
        u, v = f"y{2 * i + 1}", f"y{2 * i + 2}"
        left = (f"y{2 * i - 1}", f"y{2 * i}") if i > 0 else ("1", "3")
        right = (f"y{2 * i + 3}", f"y{2 * i + 4}") if i < points - 1 else ("1", "3")
        formulas += [f"1 + {u}**2*{v} - 4*{u} + {rate}*({left[0]} - 2*{u} + {right[0]})",
                     f"3*{u} - {u}**2*{v} + {rate}*({left[1]} - 2*{v} + {right[1]})"]  # fmt: skip
    start = [value for i in range(points) for value in (1 + math.sin(2 * math.pi * (i + 1) / (points + 1)), 3.0)]
    return Problem(f"Brusselator, n = {n}", tuple(formulas), tuple(start), 10.0, 1.0, tightest=1e-11)


def problem(name: str) -> Problem:
    """A problem by its name."""
    return next(entry for entry in PROBLEMS if entry.name == name)
