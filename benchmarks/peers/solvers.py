"""The solvers of `stiff.py`: each is given a problem's formulas and says what is at its end for a tolerance.

Right-hand sides of peers are compiled by numba; only numbalsoda calls them without Python in between.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from types import ModuleType
from typing import Any

import numba
import numpy as np
from scipy.integrate import solve_ivp

import cfdyn as cf
from measuring import needs
from problems.stiff import Problem

MOST = 100_000  # steps, for solvers that can be told
# What is at the end of a problem for a relative tolerance; None where a solver gives up.
Solve = Callable[[float], "np.ndarray | None"]

RADAU5, AUTO, NUMBALSODA, SCIPY = "cfdyn radau5", "cfdyn auto", "numbalsoda", "SciPy Radau"
EXPLICIT = ("cfdyn dop853", "numbalsoda dop853", "SciPy DOP853")
FUNCTIONS = {"exp": math.exp, "sin": math.sin, "np": np}


@cache
def flow(problem: Problem) -> cf.Flow:
    """The problem for cfdyn."""
    return cf.Flow.from_text(problem.formulas, problem.variables)


@cache
def slope(problem: Problem) -> Callable:
    """f(t, y) for SciPy."""
    head = f"def slope(t, y):\n    out = np.empty({problem.n})"
    return numba.njit(problem.function(head, "    return out", **FUNCTIONS))


@cache
def slope_into(problem: Problem) -> Callable:
    """f(t, y, out) for SUNDIALS."""
    return numba.njit(problem.function("def slope(t, y, out):", **FUNCTIONS))


@cache
def native(problem: Problem, signature: Any) -> Any:
    """A C function for numbalsoda."""
    return numba.cfunc(signature)(problem.function("def slope(t, y, out, p):", **FUNCTIONS))


def with_cfdyn(problem: Problem, method: str) -> Solve:
    def solve(rtol: float) -> np.ndarray | None:
        path = cf.solve(flow(problem), problem.start, problem.end, rtol=rtol, atol=rtol * problem.floor,
                        save_at=[problem.end], method=method, max_steps=MOST)  # fmt: skip
        return path.z[-1] if path.status == "done" else None

    return solve


@needs("numbalsoda")
def with_numbalsoda(numbalsoda: ModuleType, problem: Problem, method: str) -> Solve:
    rule, run = native(problem, numbalsoda.lsoda_sig), getattr(numbalsoda, method)
    start, times = np.array(problem.start), np.array([0.0, problem.end])

    def solve(rtol: float) -> np.ndarray | None:
        y, done = run(rule.address, start, times, rtol=rtol, atol=rtol * problem.floor, mxstep=MOST)
        return y[-1] if done else None

    return solve


def with_scipy(problem: Problem, method: str) -> Solve:
    f = slope(problem)

    def solve(rtol: float) -> np.ndarray | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = solve_ivp(f, (0.0, problem.end), problem.start, method=method, rtol=rtol, atol=rtol * problem.floor,
                              t_eval=(problem.end,))  # fmt: skip
        return found.y[:, -1] if found.success else None

    return solve


@needs("sksundae.cvode")
def with_sundials(cvode: ModuleType, problem: Problem) -> Solve:
    f, times, start = slope_into(problem), np.array([0.0, problem.end]), np.array(problem.start)

    def solve(rtol: float) -> np.ndarray | None:
        with _silence():
            found = cvode.CVODE(f, rtol=rtol, atol=rtol * problem.floor, max_num_steps=MOST).solve(times, start)
        return found.y[-1] if found.success else None

    return solve


@contextmanager
def _silence() -> Iterator[None]:
    """Without the lines that SUNDIALS prints, past Python, where it gives up."""
    sys.stdout.flush()
    kept, nowhere = {1: os.dup(1), 2: os.dup(2)}, os.open(os.devnull, os.O_WRONLY)
    for stream in kept:
        os.dup2(nowhere, stream)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # what it has printed may still be in C's buffers
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


SOLVERS: dict[str, Callable[[Problem], Solve | None]] = {
    RADAU5: partial(with_cfdyn, method="radau5"),
    AUTO: partial(with_cfdyn, method="auto"),
    NUMBALSODA: partial(with_numbalsoda, method="lsoda"),
    "CVODE": with_sundials,
    SCIPY: partial(with_scipy, method="Radau"),
    "SciPy BDF": partial(with_scipy, method="BDF"),
    "SciPy LSODA": partial(with_scipy, method="LSODA"),
    EXPLICIT[0]: partial(with_cfdyn, method="dop853"),
    EXPLICIT[1]: partial(with_numbalsoda, method="dop853"),
    EXPLICIT[2]: partial(with_scipy, method="DOP853"),
}
IMPLICIT = tuple(name for name in SOLVERS if name not in EXPLICIT)


def alone(problem: Problem, name: str) -> str:
    """A program that does one solve with one solver, and imports nothing else."""
    start, end = problem.start, problem.end
    if name == RADAU5:
        return (f"import cfdyn as cf\nflow = cf.Flow.from_text({list(problem.formulas)!r}, {problem.variables!r})\n"
                f"assert cf.solve(flow, {start!r}, {end!r}, rtol=1e-6, atol=1e-12, method='radau5').status == 'done'")
    if name == SCIPY:
        f = problem.source("def f(t, y):\n    out = [0] * len(y)", "    return out")
        return (f"from scipy.integrate import solve_ivp\n{f}\n"
                f"assert solve_ivp(f, (0, {end!r}), {start!r}, method='Radau', rtol=1e-6, atol=1e-12).success")
    return (f"import numba, numpy as np\nfrom numbalsoda import lsoda, lsoda_sig\n@numba.cfunc(lsoda_sig)\n"
            f"{problem.source('def f(t, y, out, p):')}"
            f"assert lsoda(f.address, np.array({start!r}), np.array([0.0, {end!r}]), rtol=1e-6, atol=1e-12)[1]")
