"""The maps that are iterated, each once for cfdyn, once in C and once in Python (plain, numba, pynamicalsys).

All of them do the same arithmetic on the same bounded orbit; `check` compares their first steps.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import exp, tanh
from typing import Any

import harness
import numba
import numpy as np

import cfdyn as cf

ESCAPE = 1e15
POLYNOMIAL, TRANSCENDENTAL = 0.35, 0.9  # least share of the speed of C

# The same loop three times: states stored; not stored; not stored and never looked at.
C_LOOPS = """
#include <math.h>
#define D %(dim)d
#define STEP double y[D]; %(step)s
static int outside(const double *y, double escape)
{
    for (int k = 0; k < D; k++) if (!(fabs(y[k]) <= escape)) return 1;
    return 0;
}
long store(double *z, const double *p, double escape, long n)
{
    for (long i = 0; i < n; i++, z += D) {
        STEP
        for (int k = 0; k < D; k++) z[D + k] = y[k];
        if (outside(y, escape)) return i + 1;
    }
    return n;
}
long advance(double *state, const double *p, double escape, long n)
{
    double z[D];
    long i = 0, out = 0;
    for (int k = 0; k < D; k++) z[k] = state[k];
    while (i < n && !out) {
        STEP
        for (int k = 0; k < D; k++) z[k] = y[k];
        i++;
        out = outside(z, escape);
    }
    for (int k = 0; k < D; k++) state[k] = z[k];
    return i;
}
long unchecked(double *state, const double *p, double escape, long n)
{
    double z[D];
    for (int k = 0; k < D; k++) z[k] = state[k];
    for (long i = 0; i < n; i++) {
        STEP
        for (int k = 0; k < D; k++) z[k] = y[k];
    }
    for (int k = 0; k < D; k++) state[k] = z[k];
    return n;
}
"""


@dataclass(frozen=True)
class Case:
    """One map: ``step(z, p) -> tuple`` in Python, ``c`` sets y from z and p, ``least`` is the target."""

    name: str
    make: Callable[[], cf.Map]
    start: tuple[float, ...]
    c: str
    step: Callable[[Any, Any], tuple]
    least: float

    @cached_property
    def map(self) -> cf.Map:
        return self.make()

    @cached_property
    def p(self) -> np.ndarray:
        return np.array(list(self.map.params.values()), dtype=float)

    def c_loop(self, name: str) -> Callable[[np.ndarray, int], int] | None:
        """``store`` (n+1, D), ``advance`` or ``unchecked`` (D,) in C; None without a compiler."""
        library = harness.compile_c(C_LOOPS % {"dim": len(self.start), "step": self.c})
        pointer = ctypes.c_void_p
        function = harness.c_function(library, name, ctypes.c_long, pointer, pointer, ctypes.c_double, ctypes.c_long)
        if function is None:
            return None
        return lambda states, n: function(states.ctypes.data, self.p.ctypes.data, ESCAPE, n)

    def first(self, n: int) -> np.ndarray:
        """An array for n steps with the start in its first row, (n+1, D)."""
        states = np.empty((n + 1, len(self.start)))
        states[0] = self.start
        return states

    @cached_property
    def numba_store(self) -> Callable[[np.ndarray, np.ndarray], int]:
        """The loop as one writes it for this map alone, with numba: the step is inlined."""
        return python_loop(numba.njit(error_model="numpy")(self.step), numba.njit(error_model="numpy"))

    @cached_property
    def python_store(self) -> Callable[[np.ndarray, np.ndarray], int]:
        """The same loop in plain Python."""
        return python_loop(self.step, lambda function: function)

    def peer(self) -> Any:
        """The map as a system of pynamicalsys, or None where that is not installed."""
        module = harness.peer("pynamicalsys")
        if module is None:
            return None
        step = numba.njit(self.step)
        if len(self.start) == 1:

            def mapping(u: Any, parameters: Any) -> Any:
                return np.array(step((u[0],), parameters))
        else:

            def mapping(u: Any, parameters: Any) -> Any:
                return np.array(step((u[0], u[1]), parameters))

        return module.DiscreteDynamicalSystem(
            mapping=numba.njit(mapping), system_dimension=len(self.start), number_of_parameters=len(self.p)
        )


def python_loop(step: Callable, compile_loop: Callable) -> Callable[[np.ndarray, np.ndarray], int]:
    """A loop that stores the orbit of ``step``, for one or two variables."""

    @compile_loop
    def store1(states: Any, p: Any) -> int:
        z = (states[0, 0],)
        for i in range(1, len(states)):
            z = step(z, p)
            states[i, 0] = z[0]
            if not abs(z[0]) <= ESCAPE:
                return i
        return len(states) - 1

    @compile_loop
    def store2(states: Any, p: Any) -> int:
        z = (states[0, 0], states[0, 1])
        for i in range(1, len(states)):
            z = step(z, p)
            states[i, 0], states[i, 1] = z[0], z[1]
            if not (abs(z[0]) <= ESCAPE and abs(z[1]) <= ESCAPE):
                return i
        return len(states) - 1

    return lambda states, p: (store1 if states.shape[1] == 1 else store2)(states, p)


def logistic(z: Any, p: Any) -> tuple:
    return (p[0] * z[0] * (1.0 - z[0]),)


def well(z: Any, p: Any) -> tuple:
    return (z[0] - p[1] * (p[0] * z[0] * (z[0] * z[0] - 1.0)),)


def factorization(z: Any, p: Any) -> tuple:
    error = z[0] * z[1] - p[0]
    return z[0] - p[1] * (z[1] * error), z[1] - p[1] * (z[0] * error)


def henon(z: Any, p: Any) -> tuple:
    return 1.0 - p[0] * (z[0] * z[0]) + z[1], p[1] * z[0]


def regression(z: Any, p: Any) -> tuple:
    small = exp(-abs(z[0]))
    return (z[0] - p[2] * ((1.0 if z[0] >= 0.0 else small) / (1.0 + small) - p[0] / p[1]),)


def log_cosh(z: Any, p: Any) -> tuple:
    return (z[0] - p[0] * tanh(z[0]),)


def poisson(z: Any, p: Any) -> tuple:
    return (z[0] - p[1] * (exp(z[0]) - p[0]),)


def descent(loss: str, lr: float) -> Callable[[], cf.Map]:
    """Gradient descent on a loss of the catalogue; its parameters come first, then lr."""
    return lambda: cf.as_map(getattr(cf.losses, loss)(), cf.optimizers.gd(lr=lr))


CASES = (
    Case("logistic map", lambda: cf.Map.from_text("r*x*(1-x)", params={"r": 3.9}), (0.3,),
         "y[0] = p[0]*z[0]*(1 - z[0]);", logistic, POLYNOMIAL),
    Case("Hénon map", lambda: cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3}), (0.1, 0.1),
         "y[0] = 1 - p[0]*(z[0]*z[0]) + z[1]; y[1] = p[1]*z[0];", henon, POLYNOMIAL),
    Case("GD, double well", descent("double_well", 1.9), (0.5,),
         "y[0] = z[0] - p[1]*(p[0]*z[0]*(z[0]*z[0] - 1));", well, POLYNOMIAL),
    Case("GD, scalar factorization", descent("scalar_factorization", 1.4), (1.2, 0.9),
         "double e = z[0]*z[1] - p[0]; y[0] = z[0] - p[1]*(z[1]*e); y[1] = z[1] - p[1]*(z[0]*e);",
         factorization, POLYNOMIAL),
    Case("GD, logistic regression", descent("logistic_regression", 17.0), (0.5,),
         "double e = exp(-fabs(z[0])); y[0] = z[0] - p[2]*((z[0] >= 0 ? 1 : e)/(1 + e) - p[0]/p[1]);",
         regression, TRANSCENDENTAL),
    Case("GD, log cosh", descent("log_cosh", 2.5), (0.5,), "y[0] = z[0] - p[0]*tanh(z[0]);", log_cosh, TRANSCENDENTAL),
    Case("GD, Poisson regression", descent("poisson_regression", 2.9), (0.5,),
         "y[0] = z[0] - p[1]*(exp(z[0]) - p[0]);", poisson, TRANSCENDENTAL),
)  # fmt: skip


def check(case: Case, orbits: dict[str, np.ndarray | None], steps: int = 20) -> None:
    """All competitors walk the same orbit (round-off apart).

    Raises
    ------
    BenchmarkError : one of them computes something else
    """
    expected = cf.iterate(case.map, case.start, steps).z
    for name, states in orbits.items():
        if states is not None and not np.allclose(states[: steps + 1], expected, rtol=1e-8, atol=1e-8):
            raise harness.BenchmarkError(f"{name} does not iterate the same map as cfdyn: {case.name}")
