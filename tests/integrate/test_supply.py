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


@pytest.mark.parametrize("start", [0.107, -0.3])
@pytest.mark.parametrize(
    ("loss", "lr", "edge"), [("log(cosh(w))", 3.0, np.arccosh(1.5**0.5)), ("sqrt(1+w**2)", 2.5, (1.25 ** (2 / 3) - 1) ** 0.5)]
)
def test_a_start_beside_a_minimum_of_greatest_sharpness_moves_onto_the_edge(loss, lr, edge, start):
    """A first move along the linearised edge, steep so near to the maximum of the sharpness, goes far inside of it."""
    path = cf.solve(cf.flows.central(cf.Loss(loss), cf.optimizers.gd(lr=lr)), [start], 5.0)
    assert path.w[0, 0] == pytest.approx(np.copysign(edge, start), rel=1e-6)
    assert path.w[-1, 0] == pytest.approx(path.w[0, 0], rel=1e-6)  # the descent pushes against the edge
    near = cf.solve(cf.flows.central(cf.Loss(loss), cf.optimizers.gd(lr=lr)), [0.01], 5.0)  # moved farther than necessary
    assert near.w[0, 0] >= edge - 1e-6 and near.status == "done"
