"""Hostile, cut off, oversized, deeply nested and absurd files: not valid, with a reason, in bounded time."""

import json
import os
import time

import numpy as np
import pytest

import cfdyn as cf
from cfdyn import outside
from cfdyn.certify.checker import read
from cfdyn.certify.checker.check import check
from cfdyn.certify.checker.numbers import work
from cfdyn.certify.checker.numbers.boxes import Interval
from cfdyn.certify.checker.numbers.matrices import product
from tests.certify.checker.examples import EXAMPLES, document

GOOD = json.dumps(document("cycle_logistic_unstable"))
BAD = {
    "empty": "", "blank": "  \n", "cut off": GOOD[: len(GOOD) // 2], "cut at the end": GOOD[:-1], "more behind": GOOD + "{}", "list": "[1, 2]",
    "number": "3", "text": '"certificate"', "null": "null", "nan": GOOD.replace('"version": 1', '"version": NaN'),
    "infinity": GOOD.replace('"version": 1', '"version": Infinity'), "float": GOOD.replace('"version": 1', '"version": 1.0'),
    "huge number": GOOD.replace('"version": 1', '"version": ' + "9" * 5000), "huge exponent": GOOD.replace('"version": 1', '"version": 1e999999999'),
    "deep lists": "[" * 200_000, "deep objects": '{"a":' * 200_000, "deep in evidence": GOOD.replace('"evidence": {}', '"evidence": ' + "[" * 90_000 + "]" * 90_000),
    "duplicate key": GOOD.replace('"version": 1', '"version": 1, "version": 1'), "duplicate in the claim": GOOD.replace('"period": 3', '"period": 4, "period": 3'),
    "byte order mark": "\ufeff" + GOOD, "foreign key": GOOD.replace('"version": 1', '"version": 1, "hash": ""'), "true for one": GOOD.replace('"version": 1', '"version": true'),
    "many lists": "[" + "[]," * 5_000_000 + "[]]", "code": "__import__('os').system('true')", "no kind": GOOD.replace('"kind"', '"Kind"'),
    "foreign kind": GOOD.replace('"kind": "cycle"', '"kind": "../check"'), "kind of a file": GOOD.replace('"kind": "cycle"', '"kind": "growth"'),
    "surrogate": GOOD.replace('"made with"', '"\\ud800"'),
}  # fmt: skip
assert all(text != GOOD for text in BAD.values())


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_not_valid(name, tmp_path):
    path = tmp_path / "file.json"
    path.write_text(BAD[name], encoding="utf-8")
    begin = time.process_time()
    found = check(path)
    assert not found.valid and found.reason and found.statement == "" and len(found.reason) < 300, found
    assert "cannot follow" not in found.reason and found.reason.isprintable() and time.process_time() - begin < 3


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "file.json"
    for data in (b"\xff\xfe\x00", b"\x00" * 100, GOOD.encode("utf-16"), os.urandom(1000)):
        path.write_bytes(data)
        assert not check(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "file.json"
    with open(path, "wb") as file:
        file.truncate(10 * 2**30)  # a hole: it takes no room
    begin = time.process_time()
    assert "at most 20 MB" in check(path).reason and time.process_time() - begin < 2


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe", "/dev/zero", "/proc/self/mem", "a\0b", "x" * 5000, ""):
        found = check(path)
        assert not found and found.reason, path


@pytest.mark.parametrize(("place", "value"), [
    (("claim", "period"), "3"), (("claim", "period"), 3.0), (("claim", "period"), True), (("claim", "period"), -3), (("claim", "period"), 10**17),
    (("claim", "points"), None), (("claim", "points"), []), (("claim", "points"), [[["0x1p+0", "0x1p+0"]]] * 3), (("claim", "stable"), 0),
    (("claim", "points"), [[["nan", "inf"]]] * 3), (("claim", "points"), [[["1.5", "1.6"]]] * 3), (("claim", "points"), [[["-inf", "inf"]]] * 3),
    (("map", "loss", "params", "K"), "1" * 1100), (("map", "loss", "params", "K"), "1/0"), (("map", "loss", "params", "K"), "１"),
    (("map", "loss", "params", "K"), "1e999"), (("map", "loss", "params", "K"), 2), (("map", "loss", "params", "K"), None),
    (("map", "loss", "formula"), "w" + "+w" * 70_000), (("map", "loss", "formula"), "(" * 5000 + "w" + ")" * 5000), (("map", "loss", "formula"), ["w"]),
    (("map", "loss", "formula"), "w**999999"), (("map", "loss", "formula"), "9**9**9**9*w"), (("map", "loss", "variables"), ["w"] * 300),
    (("map", "loss", "variables"), ["exp"]), (("map", "loss", "rows"), [["1"]]), (("map", "optimizer", "define"), {"g": "1"}), (("map", "type"), []),
    (("evidence",), []), (("claim",), "x"), (("map",), None), (("statement",), 5), (("vary",), {"lr": ["1", "2"]}), (("format",), "cfdyn"),
    (("claim", "multipliers"), [[["0x1.0000000000000p+2", "inf"], ["-inf", "inf"]]]), (("map", "optimizer", "update", "w"), "w - lr*g*" + "exp(" * 60 + "w" + ")" * 60),
])  # fmt: skip
def test_a_bad_value_is_not_valid(place, value):
    found = document("cycle_logistic_unstable")
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    begin = time.process_time()
    verdict = check(found)
    assert not verdict.valid and verdict.reason and verdict.statement == "", (place, value)
    assert "cannot follow" not in verdict.reason
    assert time.process_time() - begin < 4


def test_sizes_that_are_read(tmp_path):
    assert read.MOST_BYTES == 20 * 2**20 and cf.certify.check(document("cycle_henon")).valid
    path = tmp_path / "file.json"
    path.write_text(GOOD)
    assert check(path).valid and check(str(path)).statement == document("cycle_logistic_unstable")["statement"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_cut_of_an_example_is_not_valid(name, tmp_path):
    text, path = json.dumps(document(name)), tmp_path / "file.json"
    for share in (0.2, 0.9, 0.999):
        path.write_text(text[: int(len(text) * share)])
        assert not check(path)


def test_keys_that_stand_twice_are_counted_once(tmp_path):
    """Of 30,000 keys the last one twice: looking for it key by key took 8 seconds."""
    path, counted = tmp_path / "file.json", []
    path.write_text("{" + "".join(f'"k{k}": 0, ' for k in range(30_000)) + '"k29999": 0}')

    class Counted(str):
        def __eq__(self, other: object) -> bool:
            counted.append(other)
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    with pytest.raises(outside.Unfit, match="has the key 'k2999' twice"):
        outside._object([(Counted(f"k{k}"), 0) for k in [*range(3000), 2999]])
    assert "the key 'k29999' twice" in check(path).reason and len(counted) < 3 * 3000


def interval_matrix(n: int) -> Interval:
    entries = np.random.default_rng(n).standard_normal((n, n))
    return Interval(entries, entries)


@pytest.mark.parametrize("n", [3, 20, 60])
def test_a_product_of_matrices_costs_the_cube_of_their_size(n, monkeypatch):
    monkeypatch.setattr(work, "MOST_WORK", 2 * n**3 - 1)
    with pytest.raises(work.TooLarge), work.budget():
        product(interval_matrix(n), interval_matrix(n))
    monkeypatch.setattr(work, "MOST_WORK", 2 * n**3 + 2 * n * work.CALL)
    with work.budget():
        assert product(interval_matrix(n), interval_matrix(n)).shape == (n, n)


def test_a_valid_file_that_takes_too_long_is_not_valid(monkeypatch):
    """Its statement is true, and the checker says that it did not look at it to the end."""
    monkeypatch.setattr(work, "MOST_WORK", 10_000_000)
    assert check(document("cycles-henon-4")).valid
    monkeypatch.setattr(work, "MOST_WORK", 100_000)
    found = check(document("cycles-henon-4"))
    assert not found.valid and found.statement == "" and "too much to compute" in found.reason


def test_a_tower_of_signs_is_paid_for_where_it_is_looked_at_box_by_box(monkeypatch):
    """A sign of a sign of …, six deep: each box is looked at alone, and such a look costs as much as an array."""
    found, tower = document("no_cycles-double-well-3"), "w"
    for _ in range(6):
        tower = f"w*sign(w+{tower})"
    found["map"]["loss"]["formula"] += f" + ({tower})*w/1000"
    monkeypatch.setattr(work, "MOST_WORK", 20_000_000)
    assert "too much to compute" in check(found).reason
