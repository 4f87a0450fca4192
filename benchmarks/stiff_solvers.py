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
from typing import Any

import harness
import numpy as np
from stiff_problems import Problem

import cfdyn as cf

MOST = 100_000  # steps, for solvers that can be told
# What is at the end of a problem for a relative tolerance; None where a solver gives up.
Solve = Callable[[float], "np.ndarray | None"]

RADAU5, AUTO, NUMBALSODA, SCIPY = "cfdyn radau5", "cfdyn auto", "numbalsoda", "SciPy Radau"
EXPLICIT = ("cfdyn dop853", "numbalsoda dop853", "SciPy DOP853")
FUNCTIONS = {"exp": math.exp, "sin": math.sin}


@cache
def flow(problem: Problem) -> cf.Flow:
    return cf.Flow.from_text(problem.formulas, problem.variables)


def with_cfdyn(problem: Problem, method: str) -> Solve:
    def solve(rtol: float) -> np.ndarray | None:
        path = cf.solve(flow(problem), problem.start, problem.end, rtol=rtol, atol=rtol * problem.floor,
                        save_at=[problem.end], method=method, max_steps=MOST)  # fmt: skip
        return path.z[-1] if path.status == "done" else None

    return solve


def with_numbalsoda(problem: Problem, method: str) -> Solve | None:
    numbalsoda = harness.peer("numbalsoda")
    if numbalsoda is None:
        return None
    rule, run = _native(problem), getattr(numbalsoda, method)
    start, times = np.array(problem.start), np.array([0.0, problem.end])

    def solve(rtol: float) -> np.ndarray | None:
        y, done = run(rule.address, start, times, rtol=rtol, atol=rtol * problem.floor, mxstep=MOST)
        return y[-1] if done else None

    return solve


def with_scipy(problem: Problem, method: str) -> Solve:
    from scipy.integrate import solve_ivp

    slope = _slope(problem)

    def solve(rtol: float) -> np.ndarray | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = solve_ivp(slope, (0.0, problem.end), problem.start, method=method, rtol=rtol, atol=rtol * problem.floor,
                              t_eval=(problem.end,))  # fmt: skip
        return found.y[:, -1] if found.success else None

    return solve


def with_sundials(problem: Problem) -> Solve | None:
    cvode = harness.peer("sksundae.cvode")
    if cvode is None:
        return None
    slope, times, start = _slope_into(problem), np.array([0.0, problem.end]), np.array(problem.start)

    def solve(rtol: float) -> np.ndarray | None:
        with _silence():
            found = cvode.CVODE(slope, rtol=rtol, atol=rtol * problem.floor, max_num_steps=MOST).solve(times, start)
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


@cache
def _native(problem: Problem) -> Any:
    import numba
    from numbalsoda import lsoda_sig

    return numba.cfunc(lsoda_sig)(_compiled_from(problem, "def slope(t, y, out, p):", ""))


@cache
def _slope(problem: Problem) -> Callable:
    import numba

    made = _compiled_from(problem, f"def slope(t, y):\n    out = np.empty({problem.n})", "    return out\n")
    return numba.njit(made)


@cache
def _slope_into(problem: Problem) -> Callable:
    import numba

    return numba.njit(_compiled_from(problem, "def slope(t, y, out):", ""))


def _compiled_from(problem: Problem, head: str, tail: str) -> Callable:
    names: dict[str, Any] = {**FUNCTIONS, "np": np}
    exec(problem.source(head, "y", "out") + tail, names)
    return names["slope"]


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
