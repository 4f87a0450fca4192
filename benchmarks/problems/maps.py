"""The maps that are iterated, each once for cfdyn and once as formulas, from which C and Python (plain, numba, pynamicalsys)
are made. All of them do the same arithmetic on the same bounded orbit; `check` compares their first steps."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import exp, fabs, tanh
from pathlib import Path
from typing import Any

import numba
import numpy as np

import cfdyn as cf
from measuring import BenchmarkError, c_function, needs

ESCAPE = 1e15
LOOPS = Path(__file__).with_name("loops.c")
POLYNOMIAL, TRANSCENDENTAL = 0.35, 0.9  # least share of the speed of C



@dataclass(frozen=True)
class Case:
    """One map: the formulas of its step in z and p, as C and Python write them; ``least`` is the target.

    ``before``: a shared part e of the formulas; ``in_c``: what only Python writes so, and C.
    """

    name: str
    make: Callable[[], cf.Map]
    start: tuple[float, ...]
    formulas: tuple[str, ...]
    least: float
    before: str = "0.0"
    in_c: tuple[str, str] = ("", "")

    @property
    def dim(self) -> int:
        return len(self.start)

    @cached_property
    def map(self) -> cf.Map:
        return self.make()

    @cached_property
    def p(self) -> np.ndarray:
        return np.array(list(self.map.params.values()), dtype=float)

    def first(self, n: int) -> np.ndarray:
        """An array for n steps with the start in its first row, (n+1, D)."""
        states = np.empty((n + 1, self.dim))
        states[0] = self.start
        return states

    def c_loop(self, name: str) -> Callable[[np.ndarray, int], int] | None:
        """``store`` (n+1, D), ``advance`` or ``unchecked`` (D,) in C; None without a compiler."""
        step = f"double e = {self.before}; " + " ".join(f"y[{k}] = {text};" for k, text in enumerate(self.formulas))
        step = step.replace(*self.in_c) if self.in_c[0] else step
        types = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double, ctypes.c_long)
        function = c_function(LOOPS, name, ctypes.c_long, *types, D=str(self.dim), STEP=f"double y[D]; {step}")
        return function and (lambda states, n: function(states.ctypes.data, self.p.ctypes.data, ESCAPE, n))

    @cached_property
    def step(self) -> Callable[[Any, Any], tuple]:
        """The step as a Python function (z, p) → tuple."""
        shared = "" if self.before == "0.0" else f"    e = {self.before}\n"
        return made("step", f"def step(z, p):\n{shared}    return ({', '.join(self.formulas)},)", exp=exp, fabs=fabs, tanh=tanh)

    @cache  # noqa: B019 (the cases live as long as the process)
    def python_loop(self, compiled: bool) -> Callable[[np.ndarray, np.ndarray], int]:
        """The loop as one writes it for this map alone, states (n+1, D) and p; with numba the step is inlined."""
        compile_loop = numba.njit(error_model="numpy") if compiled else lambda function: function
        components = range(self.dim)
        return compile_loop(made("store", f"""def store(states, p):
    z = ({"".join(f"states[0, {k}], " for k in components)})
    for i in range(1, len(states)):
        z = step(z, p)
        {", ".join(f"states[i, {k}]" for k in components)} = {", ".join(f"z[{k}]" for k in components)}
        if not ({" and ".join(f"abs(z[{k}]) <= ESCAPE" for k in components)}):
            return i
    return len(states) - 1""", step=compile_loop(self.step), ESCAPE=ESCAPE))  # fmt: skip


def made(name: str, source: str, **names: Any) -> Callable:
    """A function from its source and the names that it uses."""
    exec(source, names)
    return names[name]


@needs("pynamicalsys")
def peer_system(module: Any, case: Case) -> Any:
    """The map as a system of pynamicalsys, or None where that is not installed."""
    state = "".join(f"u[{k}], " for k in range(case.dim))
    mapping = made("mapping", f"def mapping(u, p):\n    return np.array(step(({state}), p))", np=np, step=numba.njit(case.step))
    return module.DiscreteDynamicalSystem(
        mapping=numba.njit(mapping), system_dimension=case.dim, number_of_parameters=len(case.p)
    )


def descent(loss: str, lr: float) -> Callable[[], cf.Map]:
    """Gradient descent on a loss of the catalogue; its parameters come first, then lr."""
    return lambda: cf.as_map(getattr(cf.losses, loss)(), cf.optimizers.gd(lr=lr))


def logistic(r: float) -> cf.Map:
    """The logistic map."""
    return cf.Map.from_text("r*x*(1-x)", params={"r": r})


def henon(a: float = 1.4) -> cf.Map:
    """The Hénon map with b = 0.3."""
    return cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": a, "b": 0.3})


CASES = (
    Case("logistic map", lambda: logistic(3.9), (0.3,), ("p[0]*z[0]*(1.0 - z[0])",), POLYNOMIAL),
    Case("Hénon map", henon, (0.1, 0.1), ("1.0 - p[0]*(z[0]*z[0]) + z[1]", "p[1]*z[0]"), POLYNOMIAL),
    Case("GD, double well", descent("double_well", 1.9), (0.5,), ("z[0] - p[1]*(p[0]*z[0]*(z[0]*z[0] - 1.0))",), POLYNOMIAL),
    Case("GD, scalar factorization", descent("scalar_factorization", 1.4), (1.2, 0.9),
         ("z[0] - p[1]*(z[1]*e)", "z[1] - p[1]*(z[0]*e)"), POLYNOMIAL, "z[0]*z[1] - p[0]"),
    Case("GD, logistic regression", descent("logistic_regression", 17.0), (0.5,),
         ("z[0] - p[2]*((1.0 if z[0] >= 0.0 else e)/(1.0 + e) - p[0]/p[1])",), TRANSCENDENTAL, "exp(-fabs(z[0]))",
         ("1.0 if z[0] >= 0.0 else e", "z[0] >= 0.0 ? 1.0 : e")),
    Case("GD, log cosh", descent("log_cosh", 2.5), (0.5,), ("z[0] - p[0]*tanh(z[0])",), TRANSCENDENTAL),
    Case("GD, Poisson regression", descent("poisson_regression", 2.9), (0.5,), ("z[0] - p[1]*(exp(z[0]) - p[0])",),
         TRANSCENDENTAL),
)  # fmt: skip


def check(case: Case, orbits: Mapping[str, np.ndarray | None], steps: int = 20) -> None:
    """All competitors walk the same orbit (round-off apart).

    Raises
    ------
    BenchmarkError : one of them computes something else
    """
    expected = cf.iterate(case.map, case.start, steps).z
    for name, states in orbits.items():
        if states is not None and not np.allclose(states[: steps + 1], expected, rtol=1e-8, atol=1e-8):
            raise BenchmarkError(f"{name} does not iterate the same map as cfdyn: {case.name}")
