"""Records written before their classes moved to other modules: each still opens, says what theory says, and is drawn.

``before`` holds one file of each class, written at version 0.1.0. They are never written again.
"""

import importlib.util
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf
from tests.processes import finished

FILES = {path.stem: path for path in sorted((Path(__file__).parent / "before").glob("*.npz"))}
DRAWN = ("Averages", "Bands", "BifurcationCurve", "Branch", "Branches", "Cascade", "Comparison", "Cycles", "ExactCycles",
         "Orbit", "Oscillation", "Runs", "Study", "Trajectory")  # fmt: skip

# Gradient descent on the double well at lr = η: 2-cycles have w₁w₂ = 1/η, (w₁ + w₂)² = 1 + 3/η, multiplier 9 − 2(1 + η)².
# On the cubic loss: the 2-cycle is w = (1 ± √(η² − 1))/η, its multiplier 5 − 4η².
LR = 1.1
SUM, PRODUCT = np.sqrt(1 + 3 / LR), 1 / LR
PAIR = (SUM + np.array([-1, 1]) * np.sqrt(SUM**2 - 4 * PRODUCT)) / 2
KNOWN = {
    "Orbit": lambda r: (r.z[1, 0], 0.5 - LR * (0.5**3 - 0.5)),
    "Regime": lambda r: (np.sort(r.points[:, 0]), PAIR),
    "Cycle": lambda r: (r.multipliers, 9 - 2 * (1 + LR) ** 2),
    "Cycles": lambda r: (np.sort(r.points[0, :, 0]), PAIR),
    "Branch": lambda r: (r.multipliers[:, 0], 1 - 2 * r.parameter),
    "Bifurcation": lambda r: (r.parameter, 1),
    "Branches": lambda r: (r.branches[1].multipliers[:, 0], 9 - 2 * (1 + r.branches[1].parameter) ** 2),
    "Cascade": lambda r: (r.flips[:2], [1, np.sqrt(5) - 1]),
    "Edge": lambda r: (r.value, 1),
    "Minimum": lambda r: ([r.w[0], r.sharpness, r.edge], [1, 2, 1]),
    "NormalForm": lambda r: (r.coefficient, 8),
    "RotationNumber": lambda r: (r.value, 0.3),
    # x ← k + c x − x³: a flip where c = 3x² − 1; it changes its side at x = ±1/3.
    "BifurcationCurve": lambda r: (r.parameters[:, 1], 3 * r.points[:, 0, 0] ** 2 - 1),
    "CodimensionTwo": lambda r: (r.parameters, [-16 / 27, -2 / 3]),
    # r x (1 − x): 1 − 1/r is ½ at r = 2. GD on w²/2 + a w³/3 + w⁴/4: a generalised flip at η = 2, a = 1/√2.
    "FunctionZero": lambda r: (r.parameter, 2),
    "Switched": lambda r: (r.parameters, [2, np.sqrt(0.5)]),
    "Complementarity": lambda r: (r.X @ r.Z, np.zeros((2, 2))),
    "Landscape": lambda r: (r.values, r.x - 1.46 * (r.x**3 - r.x)),
    "ExactRoot": lambda r: (r.value, np.sqrt(1.5)),
    "ExactCycle": lambda r: (r.points[:, 0], (1 + np.array([-1, 1]) * np.sqrt(LR**2 - 1)) / LR),
    "ExactCurves": lambda r: (r.multipliers[0], np.abs(5 - 4 * r.values**2)),
    # SGD on w²/2 and w² at η = 1/2: a step multiplies by 1/2 or 0.
    "MeanSquare": lambda r: (r.radius, (0.5**2 + 0) / 2),
    "Measure": lambda r: (r.ratio, 0.5),
    "Study": lambda r: ([r.edge.value, r.regime.period, len(r.cycles)], [1, 3, 4]),
}


def test_there_is_one_of_each_class():
    assert len(FILES) == 40 and KNOWN.keys() | DRAWN <= FILES.keys()


def test_each_opens_where_nothing_is_imported_yet():
    """Its module is found by the name in the file."""
    code = """
import os, sys
import numba, sympy  # no records in them, but most of the time
import cfdyn as cf
load = cf.load
for path in sys.argv[1:]:
    if os.fork() == 0:
        print(type(load(path)).__name__, flush=True)
        os._exit(0)
    os.wait()
"""
    done = finished([sys.executable, "-c", code, *FILES.values()])
    assert done.stdout.split() == list(FILES), done.stderr


@pytest.mark.parametrize("old, now", [("orbits", "systems.orbit"), ("systems.mean_square", "systems.sgd.mean_square")])
def test_a_pickle_of_an_earlier_version_says_where_it_opens(old, now):
    """A class is found there by the name of its module; protocol 0 has it as text."""
    written = f"ccfdyn.{old}\nOrbit\n.".encode()
    with pytest.raises(ModuleNotFoundError, match=f"^cfdyn.{old} is cfdyn.{now} now: a pickle opens in the version of cfdyn that wrote it, "):
        pickle.loads(written)
    assert importlib.util.find_spec(f"cfdyn.{now}")


def test_other_modules_that_are_not_there_are_told_as_usual():
    with pytest.raises(ModuleNotFoundError, match="^No module named 'cfdyn.nowhere'$"):
        importlib.import_module("cfdyn.nowhere")
    assert importlib.util.find_spec("cfdyn.nowhere") is None


@pytest.mark.parametrize("name", KNOWN)
def test_it_holds_the_number_that_theory_gives(name):
    found, expected = KNOWN[name](cf.load(FILES[name]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_drawn(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cf.plot(cf.load(FILES[name])).axes
