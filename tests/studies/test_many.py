"""Many studies: each is what it is by itself, what fails is said, what is finished is kept."""

from __future__ import annotations

import itertools
import json
import random
import warnings

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.machine.workers import Answer
from cfdyn.records.shared import Shared
from cfdyn.studies import many
from cfdyn.studies.defaults import family
from tests.records.test_records import same

BOWL = cf.Loss("w**2/2 + w**4/20")
MOMENTUM = [cf.optimizers.heavy_ball(lr=lr, momentum=0.5) for lr in (0.3, 2.0)]
NAMES = ["double_well", "cubic", "huber", "log_cosh", "scalar_factorization"]


def within(calls, stop=None):
    """In place of `asked`: answers from this process, which notes what it was asked; Ctrl-C before the ``stop``-th."""

    def asked(module, requests, processes=None, groups=None):
        shared = Shared()
        for k, request in enumerate(requests):
            if k == stop:
                raise KeyboardInterrupt
            calls.append(groups[k])
            yield k, Answer(json.dumps(many.answer(shared, request)), "", 0.0)

    return asked


def random_formulas(count, seed=5):
    draw = random.Random(seed)
    forms = ["{}*w**4/4 - {}*w**2/2 + {}*w/9", "{}*w**2/2 + {}*(1-cos({}*w))", "log(cosh({}*w)) + {}*w**2/9 + {}*0",
             "({}*x*y - {})**2/2 + {}*x**2/99", "{}*x**2/2 + {}*y**2/2 + {}*x**2*y**2", "(exp({}*w/2) - {})**2/2 + {}*0"]  # fmt: skip
    return [draw.choice(forms).format(*(round(draw.uniform(0.2, 1.5), 3) for _ in range(3))) for _ in range(count)]


def some_optimizer(draw):
    lr, make = round(draw.uniform(0.1, 1.5), 4), cf.optimizers
    return draw.choice([make.gd(lr=lr), make.heavy_ball(lr=lr, momentum=0.9), make.normalized_gd(lr=lr / 5)])


def test_each_is_what_it_is_by_itself_in_the_order_of_the_list(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(many, "asked", within(calls))
    listed = [(BOWL, MOMENTUM[0]), (BOWL, cf.optimizers.sign_gd(lr=0.1), [0.35]), (BOWL, MOMENTUM[1])]
    found = cf.study_many(listed)
    # The two of one family follow one another.
    assert calls == [family(BOWL, MOMENTUM[0])] * 2 + [family(*listed[1][:2])]
    singles = [cf.study(*arguments) for arguments in listed]
    assert [same(one, other) for one, other in zip(found, singles, strict=True)] == [True] * 3
    assert [found[k].to_bytes() == one.to_bytes() for k, one in enumerate(singles)] == [True] * 3
    assert found.regime.tolist() == [one.regime.kind for one in singles] and found.lr.tolist() == [0.3, 0.1, 2.0]
    assert np.isnan(found.edge[1]) and found.edge[0] == found.edge[2] == singles[0].edge.value
    again = cf.load(found.save(tmp_path / "all.npz"))
    assert same(again, found) and same(again[-1], singles[2]) and len(again) == 3
    assert found.to_latex(["lr"]).count(r"\\") == 4 and found.complete
    with pytest.raises(IndexError, match="no place 3"):
        found[3]


def test_one_that_fails_is_said_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr(many, "asked", within([]))
    found = cf.study_many(["nonsense(", (BOWL, MOMENTUM[0], [1.0, 2.0, 3.0]), (BOWL, MOMENTUM[0])])
    assert sorted(found.failures) == [0, 1] and "'nonsense'" in found.failures[0] and "a start has" in found.failures[1]
    assert len(found) == 3 and len([*found]) == 1 and found.verdict == "3 studies: fixed point (1), failed (2)"
    with pytest.raises(NumericsError, match=r"study 1 failed: a start has"):
        found[1]


def test_what_is_finished_is_not_computed_again(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(many, "asked", within(calls, stop=1))
    listed = [(BOWL, MOMENTUM[0]), "nonsense("]
    with pytest.raises(cf.Interrupted) as stopped:
        cf.study_many(listed, out=tmp_path)
    part = stopped.value.record
    assert not part.complete and len(calls) == 1 and len([*part]) == 1 and len([*tmp_path.iterdir()]) == 1
    assert part.verdict == "2 studies: fixed point (1), not done (1)" and "record" in str(stopped.value)
    monkeypatch.setattr(many, "asked", within(calls))
    whole = cf.study_many(listed, out=tmp_path)
    assert len(calls) == 2 and whole.complete and same(whole[0], part[0]) and sorted(whole.failures) == [1]
    # What failed is tried again; a file that is damaged, another seed and another rate are computed.
    [*tmp_path.iterdir()][0].write_bytes(b"damaged")
    cf.study_many(listed, out=tmp_path)
    cf.study_many([(BOWL, MOMENTUM[0].at(lr=0.31))], out=tmp_path)
    assert len(calls) == 5 and len([*tmp_path.iterdir()]) == 2


def test_an_interrupt_before_the_first_is_done_is_the_plain_one(monkeypatch):
    monkeypatch.setattr(many, "asked", within([], stop=0))
    with pytest.raises(KeyboardInterrupt) as stopped:
        cf.study_many([(BOWL, MOMENTUM[0])])
    assert not isinstance(stopped.value, cf.Interrupted)


@pytest.mark.parametrize("what", ["optimizer", "loss", "releases"])
def test_a_kept_study_of_something_else_is_computed_anew(what, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(many, "asked", within(calls))
    asked = (BOWL, MOMENTUM[0])
    first = cf.study_many([asked], out=tmp_path)
    file, = tmp_path.iterdir()
    if what == "releases":
        monkeypatch.setattr(many, "provenance", lambda: {"versions": {"numpy": "0.1"}})
    else:
        other = (BOWL, MOMENTUM[0].at(lr=0.31)) if what == "optimizer" else (cf.Loss("w**2"), MOMENTUM[0])
        cf.study_many([other], out=tmp_path / "other")
        file.write_bytes(next((tmp_path / "other").iterdir()).read_bytes())
    before = len(calls)
    with pytest.warns(RuntimeWarning, match=f"{file.name} is computed anew: it .*{what}"):
        again = cf.study_many([asked], out=tmp_path)
    assert len(calls) == before + 1 and same(again[0], first[0])


@pytest.mark.parametrize(
    ("what", "options", "words"),
    [
        ("w**2", {}, "of one loss take cf.study"), (BOWL, {}, "of one loss"),
        ([], {}, "the list is empty"), ([(BOWL, 0.1)], {}, "entry 0 of the list is a loss, or a loss and an optimizer"),
        ([BOWL, ()], {}, "entry 1 of the list is a loss or the arguments"), ([BOWL], {"jobs": 0}, "jobs"), ([3.0], {}, "entry 0 of"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_studies(what, options, words):
    with pytest.raises(UsageError, match=words):
        cf.study_many(what, **options)


@pytest.mark.slow
def test_in_processes_each_is_what_it_is_by_itself_to_the_last_bit(tmp_path):
    draw, said = random.Random(3), []
    rates = [(loss, one.at(lr=one.params["lr"] * share)) for text in random_formulas(11) for loss in [cf.Loss(text)]
             for one in [some_optimizer(draw)] for share in (1.0, 0.7)]  # fmt: skip
    listed = [*rates, *itertools.product([getattr(cf.losses, name)() for name in NAMES], [cf.optimizers.gd(lr=0.4)]), BOWL]
    found = cf.study_many(listed, jobs=2, progress=said.append)
    assert len(said) == len(listed) == 28 and not found.failures
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        singles = [cf.study(*(one if isinstance(one, tuple) else (one,))) for one in listed]
    assert [k for k, one in enumerate(singles) if found[k].to_bytes() != one.to_bytes()] == []
