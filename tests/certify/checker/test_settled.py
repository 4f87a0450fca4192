"""Comparisons that only exact polynomials decide over a box."""

import numpy as np

import cfdyn as cf
from cfdyn.certify.checker.formulas.formula import Text
from cfdyn.certify.checker.formulas.graph import Graph
from cfdyn.certify.checker.formulas.settled import settled
from cfdyn.certify.checker.numbers.boxes import Interval
from cfdyn.certify.checker.read import document

NEARLY = "Piecewise((x, (x + y)**2 < x**2 + 2*x*y + y**2 + {}), (y, True))"


def decided(text, x=(-1.0, 1.0), y=(0.25, 0.5)):
    """What the formula is over a box: a name, or None where its branch stays open."""
    graph = Graph()
    names = {name: graph.put("name", f"x:{name}") for name in "xy"}
    root = Text(text, "test").on(graph, names)
    found = settled(graph, [root], {"x:x": Interval(*map(np.float64, x)), "x:y": Interval(*map(np.float64, y))})
    return None if found is None else graph.nodes[found[0]]


def test_what_cancels_is_decided_by_the_rest():
    assert decided(NEARLY.format("1e-30")) == ("name", "x:x")
    assert decided(NEARLY.format("-1e-30")) == ("name", "x:y")
    assert decided(NEARLY.format("0")) == ("name", "x:y")  # equal: not less
    assert decided("Piecewise((x, (x + y)**2 <= x**2 + 2*x*y + y**2), (y, True))") == ("name", "x:x")
    assert decided(NEARLY.format("x/10**30")) is None


def test_branches_inside_are_those_of_the_box():
    inside = "Piecewise((x, Max(y, 0)**2 < Abs(y)*y + 1e-40), (y, True))"
    assert decided(inside) == ("name", "x:x")
    assert decided(inside, y=(-0.5, 0.5)) is None  # on the left it is 0 < −y²
    assert decided("Piecewise((x, Min(x, 2)**2 < x*x + 1e-40), (y, True))") == ("name", "x:x")
    assert decided("Piecewise((x, Min(x, 2)**2 < x*x + 1e-40), (y, True))", x=(1.0, 3.0)) is None


def test_a_cycle_at_a_tie_of_distances():
    [file] = cf.claims.sources.certificates("goujaud2023.cycle_proved")
    assert cf.certify.check(file).valid
    moved = document(file)
    moved["map"]["loss"]["params"]["side"] = "0.71"
    assert not cf.certify.check(moved).valid
