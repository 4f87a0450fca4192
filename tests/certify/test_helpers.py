"""Searches that are shared by processes: the same bytes, whoever judged a box; nothing is left running."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.certify.boxes import helping
from cfdyn.errors import UsageError
from cfdyn.machine.workers import Crew

DOUBLE_WELL = "(w**2 - 1)**2/4"
CALL = {"loss": DOUBLE_WELL, "optimizer": cf.optimizers.gd(lr=1.7), "period": 6, "box": (-2, 2.5)}


class Started(Crew):
    """Others that are ready from the first batch on; ``given``: how many pieces they were asked for."""

    made: list = []

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.given, self.answered, self.most = 0, 0, 0
        self.pids = [worker.process.pid for worker in self._asked]
        while not self.free():
            self.answers(wait=True)
        self.made.append(self)

    def ask(self, index, request):
        super().ask(index, request)
        self.given += 1
        self.most = max(self.most, *map(len, self._asked.values()))

    def answers(self, wait):
        found = super().answers(wait)
        self.answered += sum(line is not None for _, line in found)
        return found


@pytest.fixture
def soon(monkeypatch):
    """Small batches are shared, from the beginning."""
    for name, value in {"FEW": 8, "MANY": 8, "LEAST": 16, "SOON": -1.0, "Crew": Started}.items():
        monkeypatch.setattr(helping, name, value)
    monkeypatch.setattr(Started, "made", [])
    return Started.made


def bytes_of(ledger):
    return json.dumps(ledger.certificate.document)


def gone(crew):
    return not any(os.path.exists(f"/proc/{pid}") for pid in crew.pids)


def test_the_certificate_is_the_same_however_many_work_on_it(soon):
    alone = bytes_of(cf.certify.cycles(**CALL, jobs=1))
    assert soon == []
    assert bytes_of(cf.certify.cycles(**CALL, jobs=2)) == alone
    [crew] = soon
    assert crew.given == crew.answered > 20 and gone(crew)
    assert crew.most == 2  # the next piece is there when one is done


@given(st.integers(1, 5000), st.integers(2, 40))
def test_pieces_make_up_the_batch_and_get_smaller(count, processes):
    pieces = list(helping._pieces(count, processes))
    sizes = [size for _, size in pieces]
    assert [first for first, _ in pieces] == [sum(sizes[:k]) for k in range(len(sizes))] and sum(sizes) == count
    assert sizes == sorted(sizes, reverse=True) and max(sizes) <= helping.MANY and min(sizes[:-1], default=helping.FEW) >= helping.FEW


@pytest.mark.slow
def test_a_map_with_data_and_intervals_is_shared(soon):
    loss = cf.Loss("(tanh(w*x) - y)**2", data={"x": [0.5, 1.5, 3.0], "y": [0.25, -1.0, 2.0]})
    call = {"loss": loss, "optimizer": cf.optimizers.gd(lr=1), "period": 3, "box": (-2, 2), "lr": ("0.2", "0.5")}
    shared = cf.certify.no_cycles(**call, jobs=2)
    assert shared.document == cf.certify.no_cycles(**call, jobs=1).document and len(shared.document["map"]["loss"]["rows"]) == 3
    assert [crew.given > 0 for crew in soon] == [True]


@pytest.mark.slow
def test_a_shared_search_that_is_interrupted_goes_on(soon, tmp_path):
    def interrupt(done, waiting, left):
        if done > 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cf.certify.cycles(**CALL, jobs=2, keep=tmp_path, progress=interrupt)
    [crew] = soon
    assert crew.given > 0 and gone(crew) and list(tmp_path.glob("*.npz"))
    assert bytes_of(cf.certify.cycles(**CALL, jobs=1, keep=tmp_path)) == bytes_of(cf.certify.cycles(**CALL, jobs=1))


def test_a_process_that_dies_is_done_without(soon, monkeypatch):
    class Dying(Started):
        def ask(self, index, request):
            super().ask(index, request)
            if self.given == 3:
                os.kill(self.pids[0], 9)

    monkeypatch.setattr(helping, "Crew", Dying)
    rates = {"lr": ("0.1", "1.44")}
    found = cf.certify.no_cycles(DOUBLE_WELL, cf.optimizers.gd(lr=1), 3, (-2, 2), jobs=2, **rates)
    [crew] = soon
    assert crew.given >= 3 and crew.answered < crew.given and gone(crew)
    assert found.document == cf.certify.no_cycles(DOUBLE_WELL, cf.optimizers.gd(lr=1), 3, (-2, 2), jobs=1, **rates).document


def test_nobody_is_called_before_a_search_is_long(soon, monkeypatch):
    monkeypatch.setattr(helping, "SOON", float("inf"))
    assert cf.certify.cycles(**CALL, jobs=4).complete and soon == []


@pytest.mark.parametrize("jobs", [0, -1, 1.5, "two"])
def test_jobs_that_are_no_number(jobs):
    with pytest.raises(UsageError, match="jobs"):
        cf.certify.cycles(**CALL, jobs=jobs)
