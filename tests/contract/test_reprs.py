"""What Python shows of any public object is read at a glance: three lines at most."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.certify.ledger import Ledger
from cfdyn.errors import RecordError
from cfdyn.records.record import Record

LINES, CHARACTERS = 3, 300  # on one line; three lines have 122 each
GD = cf.optimizers.gd(lr=0.1)
MANY = [f"a_weight_with_a_long_name_{k}" for k in range(40)]
LONG = "a sentence that goes on " * 100


def certificate(**more):
    return cf.certify.Certificate("cycle", LONG, True, LONG, {"claim": [LONG] * 100, **more})


OBJECTS = {
    "Loss": lambda: cf.Loss(" + ".join(MANY), params={MANY[0]: 1.0}),
    "Map": lambda: cf.Map(MANY, MANY),
    "Flow": lambda: cf.Flow(MANY, MANY),
    "Optimizer": lambda: cf.Optimizer.from_text({"w": "w - lr*g*(" + " + ".join(MANY) + ")"}, {"lr": 0.1, **dict.fromkeys(MANY, 1.0)}),
    "MatrixOptimizer": lambda: cf.optimizers.shampoo(lr=0.1),
    "adam": lambda: cf.optimizers.adam(lr=0.1, weight_decay=0.5, clip=0.2),
    "RandomMap": lambda: cf.random_map(cf.Loss(" + ".join(MANY)), GD, noise=0.1),
    "DataSet": lambda: cf.data.parity(),
    "CfdynError": lambda: cf.CfdynError(LONG),
    "Interrupted": lambda: cf.Interrupted(cf.iterate(cf.Map(MANY, MANY), [0.5] * len(MANY), 9)),
    "Certificate": certificate,
    "Ledger": lambda: Ledger(3, ((0, 1),) * 50, [((0, 1),) * 50] * 100, 0.5, [(((0, 1),), LONG)] * 50, {}, LONG, certificate()),
    "checked": lambda: cf.certify.check(certificate().document),
    "Control": lambda: cf.claims.Control(LONG, {"n": cf.claims.near(3.0, 1e-9)}, dict.fromkeys(MANY, LONG)),
    "Claim": lambda: cf.claims.Claim("a.b", LONG, LONG, "the paper", LONG, dict.fromkeys(MANY, cf.claims.near(3.0, 1e-9))),
    "Claims": lambda: cf.claims.Claims("cfdyn_papers.may1976", LONG, read="the paper"),
    "Question": lambda: cf.claims.Question("a", LONG, LONG, LONG, tuple(MANY)),
    "Statement": lambda: cf.claims.Statement(LONG, range(1, 999)),
    "Family": lambda: cf.claims.Family("r*x**2/2", GD, {"r": (0.1, 1.0)}, [(-1, 1)]),
    "Undecided": lambda: cf.claims.Undecided(LONG),
}  # fmt: skip
ELSEWHERE = {"Run", "Network"}  # shown in the tests of training and of networks, which they need


def at_a_glance(thing: object) -> bool:
    text = repr(thing)
    return text.count("\n") < LINES and len(text) <= (366 if "\n" in text else 600 if isinstance(thing, Exception) else CHARACTERS)


@pytest.mark.parametrize("name", OBJECTS)
def test_three_lines_at_most(name):
    thing = OBJECTS[name]()
    assert at_a_glance(thing), repr(thing)


def test_no_public_class_is_left_out():
    """Records have a test of their own, in tests/records."""
    public = {name: getattr(room, name) for room in (cf, cf.claims, cf.certify) for name in dir(room)}
    classes = {name for name, found in public.items() if inspect.isclass(found) and not issubclass(found, Record | RecordError)}
    assert classes == {name for name in OBJECTS if name in classes} | ELSEWHERE


@settings(deadline=None)
@given(st.text(max_size=500), st.lists(st.text(max_size=80), max_size=40), st.floats())
def test_whatever_the_words_and_numbers(words, names, number):
    things = [cf.claims.Statement(words, (3,), where=tuple(names)), cf.claims.Control(words, dict.fromkeys(names, number)),
              cf.claims.Question(words, words, words, words, tuple(names)), cf.Event(number, words, 2)]  # fmt: skip
    assert all(map(at_a_glance, things)), things


def test_a_short_object_is_shown_whole():
    assert repr(GD) == "Optimizer(gd:lr=0.1; w ← w - lr*g)"
    assert repr(cf.Map("r*x*(1-x)", params={"r": 3.2})) == "Map(x → r*x*(1-x); state x)"
    assert repr(cf.Loss("a*x**2 + y**2", params={"a": 2})) == "Loss('a*x**2 + y**2', variables=('x', 'y'), params={'a': 2.0})"
