"""Who steps knows a flow only by what its supplier says: another supplier, the same path."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf
import cfdyn.integrate.solve  # noqa: F401 (a function has its name)
from cfdyn.integrate.supply.dense import Dense
from cfdyn.integrate.supply.supplier import Modes, Supplier

SOLVE = sys.modules["cfdyn.integrate.solve"]
STEPPING = Path(sys.modules["cfdyn.integrate"].__file__).parent / "stepping"


class Leading(Dense):
    """A supplier that knows the largest eigenvalues only, as one without a matrix would."""

    asked = 0

    def modes(self, z):
        type(self).asked += 1
        values, vectors, p = super().modes(z)
        return Modes(values[-3:], vectors[:, -3:], p)


def flows():
    wide, gd = cf.losses.matrix_factorization(), cf.optimizers.gd(lr=0.3)
    start = np.random.default_rng(3).normal(size=wide.dim)
    yield "central", cf.flows.central(wide, gd), start, 40.0
    yield "beyond the edge", cf.flows.central(wide, cf.optimizers.gd(lr=0.6)), start, 5.0
    yield "the sum at the edge", cf.flows.thread(wide, gd), start, 40.0


@pytest.mark.parametrize(("flow", "start", "t"), [pytest.param(*rest, id=name) for name, *rest in flows()])
def test_the_largest_eigenvalues_are_enough(flow, start, t, monkeypatch):
    plain = cf.solve(flow, start, t)
    monkeypatch.setattr(SOLVE, "Dense", Leading)
    before = Leading.asked
    path = cf.solve(flow, start, t)
    assert Leading.asked > before and len(path.t) > 3
    assert (path.z == plain.z).all() and path.events == plain.events and path.stats == plain.stats and path.notes == plain.notes


def test_stepping_names_no_flow_and_no_supplier_but_the_protocol():
    names = [
        node.module
        for file in STEPPING.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
    ]
    assert "cfdyn.integrate.supply.supplier" in names
    assert not [name for name in names if name.startswith(("cfdyn.systems", "cfdyn.integrate.supply.dense"))]


def test_dense_answers_all_that_the_protocol_asks():
    asked = {name for name, value in vars(Supplier).items() if callable(value) and not name.startswith("_")}
    assert asked <= set(vars(Dense)) and len(asked) > 10
