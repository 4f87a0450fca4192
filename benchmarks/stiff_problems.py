"""Stiff initial value problems as formulas, the same text for every solver, with references from other methods.

Classes A to F are the STIFF-DETEST problems of Enright, Hull and Lindberg, BIT 15 (1975) 10–48, as the program of
Enright and Pryce states them (Algorithm 648, ACM Trans. Math. Softw. 13 (1987) 28–34, unscaled; F1 … F5 are its own);
Robertson's reaction and van der Pol's oscillator as in Hairer and Wanner, Solving Ordinary Differential Equations II,
IV.1 and IV.10, the latter with its time not scaled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
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

    def source(self, head: str, state: str, out: str) -> str:
        """The right-hand side as a Python function of its own for a peer."""
        lines = [f"    {name} = {state}[{i}]" for i, name in enumerate(self.variables)]
        lines += [f"    {out}[{i}] = {formula}" for i, formula in enumerate(self.formulas)]
        return "\n".join([head, *lines, ""])

    @property
    def slope(self) -> Callable[[float, Any], list]:
        """The right-hand side f(t, y) for numbers of any kind."""
        names: dict[str, Any] = {"exp": np.exp, "sin": np.sin}
        exec(self.source("def slope(t, y):\n    out = [0] * len(y)", "y", "out") + "    return out\n", names)
        return names["slope"]

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


def _detest_b(name: str, alpha: float) -> Problem:
    """Linear, with eigenvalues −10 ± i α."""
    return Problem(name, (f"-10*y1 + {alpha}*y2", f"-{alpha}*y1 - 10*y2", "-4*y3", "-y4", "-0.5*y5", "-0.1*y6"), (1.0,) * 6, 20.0,
                   linear=True)  # fmt: skip


def _detest_c(name: str, beta: float) -> Problem:
    """From a transient to a steady state, coupled by β."""
    return Problem(name, ("-y1 + 2", f"-10*y2 + {beta}*y1**2", f"-40*y3 + 4*{beta}*(y1**2 + y2**2)",
                          f"-100*y4 + 10*{beta}*(y1**2 + y2**2 + y3**2)"), (1.0,) * 4, 20.0)  # fmt: skip


def _detest_e4() -> Problem:
    """Uᵀ(G(z) − B z) with z = U y, U = U^-1 = ½(1 1ᵀ) − I."""
    z = [f"((y1 + y2 + y3 + y4)/2 - y{i})" for i in range(1, 5)]
    inner = [f"({z[0]}**2 - {z[1]}**2)/2 + 10*{z[0]} + 10*{z[1]}", f"{z[0]}*{z[1]} - 10*{z[0]} + 10*{z[1]}",
             f"{z[2]}**2 - 1000*{z[2]}", f"{z[3]}**2 - 0.01*{z[3]}"]  # fmt: skip
    total = " + ".join(f"({part})" for part in inner)
    return Problem("E4", tuple(f"({total})/2 - ({part})" for part in inner), (0.0, -2.0, -1.0, -1.0), 1000.0, 1.0, tightest=1e-12)


ROBERTSON = ("-0.04*y1 + 1e4*y2*y3", "0.04*y1 - 1e4*y2*y3 - 3e7*y2**2", "3e7*y2**2")


def _oscillator(name: str, mu: str, end: float, tightest: float, pieces: int) -> Problem:
    return Problem(name, ("y2", f"{mu}*(1 - y1**2)*y2 - y1"), (2.0, 0.0), end, tightest=tightest, pieces=pieces)


PROBLEMS = (
    Problem("Robertson, t = 40", ROBERTSON, (1.0, 0.0, 0.0), 40.0, 1e-6),
    Problem("Robertson, t = 1e11", ROBERTSON, (1.0, 0.0, 0.0), 1e11, 1e-6),
    _oscillator("van der Pol, μ = 1e3", "1000", 2000.0, 1e-13, 1),
    _oscillator("van der Pol, μ = 1e6", "1e6", 2e6, 1e-12, 100),
    Problem("A1", ("-0.5*y1", "-y2", "-100*y3", "-90*y4"), (1.0,) * 4, 20.0, linear=True),
    Problem("A2", ("-1800*y1 + 900*y2", *(f"y{i - 1} - 2*y{i} + y{i + 1}" for i in range(2, 9)), "1000*y8 - 2000*y9 + 1000"),
            (0.0,) * 9, 120.0, linear=True),
    Problem("A3", ("-1e4*y1 + 100*y2 - 10*y3 + y4", "-1000*y2 + 10*y3 - 10*y4", "-y3 + 10*y4", "-0.1*y4"), (1.0,) * 4, 20.0,
            linear=True),
    Problem("A4", tuple(f"-{i**5}*y{i}" for i in range(1, 11)), (1.0,) * 10, 1.0, linear=True),
    Problem("B1", ("-y1 + y2", "-100*y1 - y2", "-100*y3 + y4", "-1e4*y3 - 100*y4"), (1.0, 0.0, 1.0, 0.0), 20.0, linear=True),
    _detest_b("B2", 3), _detest_b("B3", 8), _detest_b("B4", 25), _detest_b("B5", 100),
    Problem("C1", ("-y1 + y2**2 + y3**2 + y4**2", "-10*y2 + 10*(y3**2 + y4**2)", "-40*y3 + 40*y4**2", "-100*y4 + 2"), (1.0,) * 4,
            20.0),
    _detest_c("C2", 0.1), _detest_c("C3", 1), _detest_c("C4", 10), _detest_c("C5", 20),
    Problem("D1", ("0.2*(y2 - y1)", "10*y1 - (60 - 0.125*y3)*y2 + 0.125*y3", "1 + 0*y1"), (0.0,) * 3, 400.0),
    Problem("D2", ("-0.04*y1 + 0.01*y2*y3", "400*y1 - 100*y2*y3 - 3000*y2**2", "30*y2**2"), (1.0, 0.0, 0.0), 40.0),
    Problem("D3", ("y3 - 100*y1*y2", "y3 + 2*y4 - 100*y1*y2 - 2e4*y2**2", "-y3 + 100*y1*y2", "-y4 + 1e4*y2**2"),
            (1.0, 1.0, 0.0, 0.0), 20.0),
    Problem("D4", ("-0.013*y1 - 1000*y1*y3", "-2500*y2*y3", "-0.013*y1 - 1000*y1*y3 - 2500*y2*y3"), (1.0, 1.0, 0.0), 50.0, 1e-6),
    Problem("D5", ("0.01 - (1 + (y1 + 1000)*(y1 + 1))*(0.01 + y1 + y2)", "0.01 - (1 + y2**2)*(0.01 + y1 + y2)"), (0.0, 0.0),
            100.0),
    Problem("D6", ("-y1 + 1e8*y3*(1 - y1)", "-10*y2 + 3e7*y3*(1 - y2)",
                   "y1 - 1e8*y3*(1 - y1) + 10*y2 - 3e7*y3*(1 - y2)"), (1.0, 0.0, 0.0), 1.0, 1e-8),
    Problem("E1", ("y2", "y3", "y4", "(y1**2 - sin(y1) - 1e8)*y1 + (y2*y3/(y1**2 + 1) - 4e6)*y2 + (1 - 6e4)*y3"
                   " + (10*exp(-y4**2) - 400)*y4 + 1"), (0.0,) * 4, 1.0, 1e-6, tightest=1e-10),
    Problem("E2", ("y2", "5*(1 - y1**2)*y2 - y1"), (2.0, 0.0), 10.0),
    Problem("E3", ("-(55 + y3)*y1 + 65*y2", "0.0785*(y1 - y2)", "0.1*y1"), (1.0, 1.0, 0.0), 500.0),
    _detest_e4(),
    Problem("E5", ("-7.89e-10*y1 - 1.1e7*y1*y3", "7.89e-10*y1 - 1.13e9*y2*y3",
                   "7.89e-10*y1 - 1.1e7*y1*y3 + 1.13e3*y4 - 1.13e9*y2*y3", "1.1e7*y1*y3 - 1.13e3*y4"), (1.76e-3, 0.0, 0.0, 0.0),
            1000.0, 1e-12),
    Problem("F1", ("1.3*(y3 - y1) + 1.04e4*6e-3*exp(20.7 - 15000/y1)*y2", "1880*(y4 - y2*(1 + 6e-3*exp(20.7 - 15000/y1)))",
                   "1752 - 269*y3 + 267*y1", "0.1 + 320*y2 - 321*y4"), (761.0, 0.0, 600.0, 0.1), 1000.0, 1e-6),
    Problem("F2", ("-y1 - y1*y2 + 294*y2", "y1*(1 - y2)/98 - 3*y2"), (1.0, 0.0), 240.0),
    Problem("F3", ("-1e7*y2*y1 + 10*y3", "-1e7*y2*y1 - 1e7*y2*y5 + 10*y3 + 10*y4", "1e7*y2*y1 - 1.001e4*y3 + 1e-3*y4",
                   "1e4*y3 - 10.001*y4 + 1e7*y2*y5", "10*y4 - 1e7*y2*y5"), (4e-6, 1e-6, 0.0, 0.0, 0.0), 100.0, 1e-9),
    Problem("F4", ("77.27*(y2 - y1*y2 + y1 - 8.375e-6*y1**2)", "(-y2 - y1*y2 + y3)/77.27", "0.161*(y1 - y3)"), (4.0, 1.1, 4.0),
            300.0),
    Problem("F5", ("-3e11*y1*y2 + 1.2e8*y4 - 9e11*y1*y3", "-3e11*y1*y2 + 2e7*y4", "-9e11*y1*y3 + 1e8*y4",
                   "3e11*y1*y2 - 1.2e8*y4 + 9e11*y1*y3"), (3.365e-7, 8.261e-3, 1.642e-3, 9.38e-6), 100.0, 1e-9),
)  # fmt: skip
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
