"""Records written before their classes moved to other modules: each still opens, says what theory says, and is drawn.

``before`` holds one file of each class, written at version 0.1.0. They are never written again.
"""

import dataclasses
import importlib.util
import io
import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.records.record import Record
from cfdyn.records.schemas import schema
from tests.processes import finished
from tests.records import schemas
from tests.records.samples import made

EARLY = Path(__file__).parent / "early"  # written before a file named the module of its class: an Orbit, a Regime, a Study
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


@pytest.mark.slow
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


@pytest.mark.parametrize("before", ["", "cfdyn.systems.orbit", "cfdyn.analysis.attractors.classify", "cfdyn.studies.study"])
def test_what_is_imported_first_changes_nothing(before):
    """Of a Study of those days, which has no cascade yet, one sentence says what to do."""
    code = f"""
import os, sys
import cfdyn as cf
{before and f"import {before}"}
for path in sys.argv[1:]:
    if os.fork() == 0:
        try:
            print(type(cf.load(path)).__name__, flush=True)
        except cf.CfdynError as error:
            print(str(error).rpartition("/")[2], flush=True)
        os._exit(0)
    os.wait()
"""
    done = finished([sys.executable, "-c", code, *(EARLY / f"{name}.npz" for name in ("Orbit", "Regime", "Study"))])
    said = "Study.npz: the Study in it is of another version of cfdyn, or it is damaged: it lacks cascade, exact, windows; compute it again"
    assert done.stdout.splitlines() == ["Orbit", "Regime", said], done.stderr


def test_the_first_files_hold_what_theory_gives():
    orbit, regime = cf.load(EARLY / "Orbit.npz"), cf.load(EARLY / "Regime.npz")
    assert orbit.z[1, 0] == 0.5 - LR * (0.5**3 - 0.5) and regime.period == 2
    np.testing.assert_allclose(np.sort(regime.points[:, 0]), PAIR, rtol=0, atol=1e-9)


def test_schemas_are_on_the_list():
    """Where a class is another now: keep a file of the class as it was (see `tests.records.schemas`), and write the list anew."""
    known, now = json.loads(schemas.LIST.read_text(encoding="utf-8")), schemas.now()
    new = sorted(now.keys() - known.keys())
    assert not new, f"new records {new}: write schemas.json anew with python -m tests.records.schemas"
    assert now == known


def test_a_file_says_the_schema_of_each_record_in_it():
    def inside(node):
        below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        own = {(node["__record__"], node["schema"])} if isinstance(node, dict) and "__record__" in node else set()
        return own.union(*map(inside, below))

    with np.load(io.BytesIO(made("branch").to_bytes())) as stored:
        found = inside(json.loads(str(stored["header"])))
    listed = json.loads(schemas.LIST.read_text(encoding="utf-8"))
    assert found == {(name, listed[name]) for name in ("Branch", "Bifurcation")}


def test_a_schema_changes_with_fields_and_their_types():
    def of(**fields):
        return schema(dataclasses.make_dataclass("One", fields.items(), bases=(Record,), frozen=True))

    try:
        first = of(a=int, b=Annotated[np.ndarray, "n"])
        assert first == of(b=Annotated[np.ndarray, "n"], a=int) and of(a=int | None) == of(a=None | int)
        others = (of(a=int), of(a=float, b=Annotated[np.ndarray, "n"]), of(a=int, b=Annotated[np.ndarray, "n m"]), of(a=list[int]), of(a=list[str]))
        assert len({first, *others}) == 6
    finally:
        Record.kinds.pop("One")


@pytest.mark.parametrize("old, now", [("orbits", "systems.orbit"), ("systems.mean_square", "systems.sgd.mean_square"),
                                       ("analysis.bands", "analysis.attractors.bands"), ("analysis._curve", "analysis.bifurcations._curve")])
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
