"""Machine code that comes with a wheel: used where it fits, bit by bit what is compiled, and else left alone, with a reason."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from cfdyn.machine import carried
from cfdyn.machine.jit import DISABLED
from tests import wheel
from tests.processes import finished

LEVEL = "x86-64"  # runs wherever a set can be used
NATIVE = ("x86_64-unknown-linux-gnu", "znver4", "+avx2,+sse2")
MADE = {"Python": "cpython-311", "numba": "0.68.1", "numba's OPT": "3"}
ORBIT = ("orbit", "(w**2-1)**2/4", "--optimizer", "gd:lr=1.46", "--steps", "40", "--start", "1.1")
HAS = dict.fromkeys((*carried.LEVELS["x86-64-v3"], *carried.LEVELS["x86-64"]), True)


def written(folder: Path, level: str = "x86-64-v3", **entries: bytes) -> carried.CodeSet:
    path = folder / f"{level}.bin"
    carried.write(path, level, MADE, (NATIVE[0], level, ""), entries)
    found = carried.read(path)
    assert found is not None
    return found


def test_a_set_gives_back_what_it_was_given(tmp_path):
    entries = {"one": b"1" * 100, "two": bytes(range(256)), "none": b""}
    one = written(tmp_path, **entries)
    assert {name: one.read(name) for name in entries} == entries and one.read("three") is None
    assert one.holds_some("tw") and not one.holds_some("three")
    before = one.path.read_bytes()
    assert written(tmp_path, **dict(reversed(entries.items()))).path.read_bytes() == before


def test_a_damaged_set_is_none_and_a_damaged_entry_too(tmp_path):
    one = written(tmp_path, one=b"1" * 100)
    whole = one.path.read_bytes()
    for blob in (b"", whole[:40], b"another file", whole.replace(b'"entries"', b'"entrie5"')):
        one.path.write_bytes(blob)
        assert carried.read(one.path) is None
    one.path.write_bytes(whole[:-4] + b"1234")
    assert one.read("one") is None
    assert carried.why_not(None, MADE, NATIVE, HAS.get) == "the file is damaged"


HEADS = {
    "nested": '{"entries": ' + "[" * 50_000, "a negative place": {"one": [-3, 1]}, "a length below 0": {"one": [0, -1]}, "behind the end": {"one": [0, 10**9]},
    "infinite": '{"entries": {"one": [1e400, 1]}}', "a fraction": {"one": [0.5, 1]}, "many digits": '{"entries": {"one": [' + "9" * 5000 + ", 1]}}",
    "a large place": {"one": [2**70, 1]}, "true": {"one": [True, 1]}, "no pair": {"one": [1]}, "no places": [1, 2], "null": None,
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_makes_no_sense_is_damage(name, tmp_path):
    one, head = written(tmp_path, one=b"1" * 100), HEADS[name]
    assert one.read("one") == b"1" * 100
    if not isinstance(head, str):
        head = json.dumps({"level": "x86-64", "made": MADE, "processor": list(NATIVE), "entries": head})
    one.path.write_bytes(carried._MARK + len(head).to_bytes(8, "little") + head.encode() + b"1234")
    assert carried.read(one.path) is None


def test_an_entry_is_unpacked_up_to_a_limit(tmp_path, monkeypatch):
    one = written(tmp_path, one=bytes(10**6))
    assert one.read("one") == bytes(10**6)
    monkeypatch.setattr(carried, "MOST", 10**5)
    assert one.read("one") is None


def test_what_does_not_fit_says_why(tmp_path):
    one = written(tmp_path)
    assert carried.why_not(one, MADE, NATIVE, HAS.get) == ""
    assert carried.why_not(one, {**MADE, "numba": "0.68.0"}, NATIVE, HAS.get) == "made with numba 0.68.1, and this is 0.68.0"
    assert carried.why_not(one, {**MADE, "numba's OPT": "0"}, NATIVE, HAS.get) == "made with numba's OPT 3, and this is 0"
    arm = ("aarch64-unknown-linux-gnu", "neoverse-n1", "")
    assert carried.why_not(one, MADE, arm, HAS.get) == f"made for {NATIVE[0]}, and this is {arm[0]}"
    old = {**HAS, "avx2": False, "fma": False}
    assert carried.why_not(one, MADE, NATIVE, old.get) == "the processor lacks avx2, fma"
    assert carried.why_not(written(tmp_path, "x86-64"), MADE, NATIVE, old.get) == ""


def test_the_best_set_comes_first(tmp_path, monkeypatch):
    for level in carried.LEVELS:
        written(tmp_path, level)
    (tmp_path / "another.bin").write_bytes(b"")
    monkeypatch.setattr(carried, "FOLDER", tmp_path)
    found = carried.sets.__wrapped__()
    assert [one and one.level for one in found] == ["x86-64-v3", "x86-64", None]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of the sources with the machine code that an orbit needs."""
    copy = tmp_path_factory.mktemp("source")
    wheel.copy_sources(copy)
    entries = wheel.carry(copy, LEVEL, [ORBIT])
    assert any("orbits.iterate" in name for name in entries)
    return copy


@pytest.mark.slow
def test_a_warm_up_that_fails_is_told_in_one_sentence():
    """A copy is not needed: nothing is written then."""
    with pytest.raises(SystemExit) as end:
        wheel.carry(Path(wheel.__file__).parents[1], LEVEL, [("list", "losses"), ("manifolds", "double_well")])
    assert str(end.value).startswith("no wheel: cfdyn manifolds double_well ended with 2: cfdyn: no such command 'manifolds'.")
    assert "\n" not in str(end.value)


# What is kept by whoever compiles is not there: the cache is empty, and where a set fits it stays so.
CODE = """
import json, sys
from cfdyn.cli import main
from cfdyn.machine import kernel_cache
if "other" in sys.argv:
    installed = kernel_cache.installed
    kernel_cache.installed = lambda name: "0.0.1" if name == "numba" else installed(name)
try:
    main([*{words!r}, "--json"])
except SystemExit:
    pass
"""


def run(source: Path, cache: Path, *words: str, other: bool = False, **changes: str) -> dict:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "CFDYN_"))}
    environment |= {"PYTHONPATH": str(source), "CFDYN_CACHE_DIR": str(cache), **changes}
    code = CODE.format(words=words)
    done = finished([sys.executable, "-c", code, *(["other"] if other else [])], cwd=cache.parent, env=environment)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    for name in ("record", "file"):  # numbered anew
        answer.pop(name, None)
    return answer


def kernels(cache: Path) -> int:
    return len([*cache.glob("kernels-*/*.bin")])


def where_sets_are(test):
    there = sys.platform == "linux" and os.uname().machine == "x86_64"
    return pytest.mark.skipif(DISABLED or not there, reason="the sets are for the compiler, for Linux on x86-64")(test)


@pytest.mark.slow
@where_sets_are
def test_the_same_numbers_with_and_without(source, tmp_path):
    came = run(source, tmp_path / "came", *ORBIT)
    assert kernels(tmp_path / "came") == 0
    foreign = {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": ""}
    compiled = run(source, tmp_path / "foreign", *ORBIT, **foreign)
    assert kernels(tmp_path / "foreign") > 0 and compiled == came
    (why,) = run(source, tmp_path / "foreign", "cache", **foreign)["carried"]
    assert why["level"] == LEVEL and not why["used"] and "NUMBA_CPU_NAME=nehalem" in why["reason"]
    (why,) = run(source, tmp_path / "came", "cache")["carried"]
    assert why["used"] and why["reason"] == "" and why["entries"] >= 1


@pytest.mark.slow
@where_sets_are
def test_with_another_numba_they_are_left_alone(source, tmp_path):
    came = run(source, tmp_path / "came", *ORBIT)
    compiled = run(source, tmp_path / "other", *ORBIT, other=True)
    assert kernels(tmp_path / "other") > 0 and compiled == came
    (why,) = run(source, tmp_path / "other", "cache", other=True)["carried"]
    assert not why["used"] and "made with numba" in why["reason"] and "this is 0.0.1" in why["reason"]
