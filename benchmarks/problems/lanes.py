"""Many orbits of a map in C, one by one and in lanes, and the periods over a grid that several benchmarks take."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn.ensembles.orbits import Orbits
from measuring import c_function
from problems.maps import CASES, Case

LANES = Path(__file__).parent / "lanes.c"
LIMIT = "C in lanes"


def c_call(case: Case, name: str) -> Any:
    """A function of problems/lanes.c for this map; None without a compiler."""
    step = " ".join(f"y[{k}] = {text};" for k, text in enumerate(case.formulas)).replace(*case.in_c or ("", ""))
    macros = {"D": str(case.dim), "NP": str(len(case.p)), "STEP": f"double e = {case.before}; (void)e; {step}"}
    if case.name == "logistic map":
        macros["SLOPE"] = "p[0]*(1.0 - 2.0*z[0])"
    pointers, whole = [ctypes.c_void_p] * 3, ctypes.c_long
    return c_function(LANES, name, None, *pointers, whole, whole, *([] if name.startswith("exponents") else [whole]), **macros)


def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and parameters of the Hénon map over a square of cells, 0 ≤ a ≤ 1.5 and |b| ≤ 1/2."""
    a, b = np.meshgrid(np.linspace(0.0, 1.5, side), np.linspace(-0.5, 0.5, side))
    return np.full((side * side, 2), 0.1), np.column_stack([a.ravel(), b.ravel()])


def periods_of(cells: tuple[np.ndarray, np.ndarray], threads: int) -> np.ndarray:
    """The periods of all cells, starts and parameters, by cfdyn."""
    orbits = Orbits(CASES[1].map, *cells, threads=threads)
    orbits.advance(1000)
    return orbits.periods(32, 1e-10)
