"""Chains of weights, Σ U(wᵢ) + Σ(wᵢ − wᵢ₊₁)²/8, with their flips in closed form: as formulas, for AUTO, and as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import cfdyn as cf
from measuring import BenchmarkError

QUARTIC = "w**2/2 + w**4/4"
CHAINS = {QUARTIC: (0.0, 1.0, (0.5, 2.1)), "(w**2 - 1)**2/4": (1.0, 2.0, (0.3, 1.1))}  # the state, U″ there, bounds of lr
FIRST, WATCHED = 10, 12  # flips that are looked for, and multipliers, where there are too many weights for all
MOST_FORMULA = 2000  # weights of a formula

APART = """
import resource, sys, time
from types import SimpleNamespace
import numpy as np
import cfdyn as cf
sys.path.insert(0, {folder!r})
from problems.chains import CHAINS, FIRST, MOST_FORMULA, WATCHED, all_flips, chain, error_of
well, n = {well!r}, {n}
place, curvature, bounds = CHAINS[well]

def springs(w):
    out, steps = np.zeros_like(w), np.diff(w) / 4
    out[:-1] -= steps
    out[1:] += steps
    return out

begun, exact, watched = time.process_time(), all_flips(well, n), None
if n > MOST_FORMULA:
    loss = SimpleNamespace(dim=n, value=lambda w: 0.0, gradient=lambda w: w + w**3 + springs(w),
                           hvp=lambda w, v: (1 + 3*w**2)*v + springs(v))
    exact, watched, bounds = exact[:FIRST], WATCHED, (bounds[0], float(exact[FIRST - 1 : FIRST + 1].mean()))
else:
    loss = chain(well, n)
step = cf.as_map(loss, cf.optimizers.gd(lr=bounds[0] + 0.1))
found = cf.analysis.continue_cycle(step, np.full(n, place), "lr", bounds, coefficients=False, multipliers=watched)
print(len(found), time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, error_of(found, exact))
"""


def chain(well: str, n: int) -> cf.Loss:
    """The loss as a formula."""
    names = [f"w{i}" for i in range(n)]
    springs = [f"({a}-{b})**2/8" for a, b in zip(names, names[1:], strict=False)]
    return cf.Loss(" + ".join([well.replace("w", w) for w in names] + springs), variables=names)


def all_flips(well: str, n: int) -> np.ndarray:
    """In closed form, in their order."""
    return np.sort(2 / (CHAINS[well][1] + (1 - np.cos(np.pi * np.arange(n) / n)) / 2))


def error_of(found: Any, exact: np.ndarray) -> float:
    """The largest of all flips; a BenchmarkError if one is missing."""
    flips = np.array([s.parameter for s in found.bifurcations if s.kind == "flip"])
    if len(flips) != len(exact):
        raise BenchmarkError(f"{len(flips)} of {len(exact)} flips were found")
    return float(np.abs(flips - exact).max())


def steps_in_words(well: str, n: int) -> tuple[tuple[str, ...], str]:
    """The steps of descent as formulas, one for each weight, and the names of these."""
    slope = "w**3 - w" if CHAINS[well][0] else "w + w**3"
    names, formulas = [f"w{i}" for i in range(n)], []
    for i, w in enumerate(names):
        pulls = "".join(f" + ({w} - {names[j]})/4" for j in (i - 1, i + 1) if 0 <= j < n)
        formulas.append(f"{w} - lr*({slope.replace('w', w)}{pulls})")
    return tuple(formulas), " ".join(names)


def apart(well: str, n: int) -> tuple[int, float, float, float]:
    """(rows, seconds of processor time, MB, error of the flips) in a process of its own with no code kept: compiling included."""
    program = APART.format(folder=str(Path(__file__).parents[1]), well=well, n=n)
    with TemporaryDirectory() as empty:
        kept = {**os.environ, "CFDYN_CACHE_DIR": empty}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=kept)
    if done.returncode:
        raise BenchmarkError(done.stderr.strip()[-500:])
    rows, seconds, memory, error = map(float, done.stdout.split())
    return int(rows), seconds, memory, error
