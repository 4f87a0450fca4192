"""Records: saved, loaded and printed."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.records.record import Record, plain
from tests.records.samples import GD, RECORDS, doubling, made


def same(a, b) -> bool:
    """Equal in type, shape, dtype and every bit that matters; NaN equals NaN."""
    if isinstance(a, Record):
        fields = [f.name for f in dataclasses.fields(a) if not f.name.startswith("_")]
        return type(a) is type(b) and all(same(getattr(a, n), getattr(b, n)) for n in fields)
    if isinstance(a, np.ndarray):
        if a.dtype == object:
            return a.shape == b.shape and all(str(x) == str(y) for x, y in zip(a.ravel(), b.ravel(), strict=True))
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, float | complex):
        return repr(a) == repr(b)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_travels(kind):
    record = made(kind)
    for found in (pickle.loads(pickle.dumps(record)), copy.deepcopy(record), copy.copy(record)):
        assert same(record, found)
        step, there = getattr(record, "_step", None), getattr(found, "_step", None)
        assert repr(step) == repr(there)
        if step is not None:
            z = np.linspace(0.3, 0.7, step.dim)
            np.testing.assert_array_equal(step(z), there(z))


@pytest.mark.parametrize("kind", RECORDS)
def test_what_python_shows_of_it_has_three_lines_or_less(kind):
    record = made(kind)
    text = repr(record)
    lines = text.split("\n")
    assert text.startswith(type(record).__qualname__) and text.endswith(")")
    assert len(lines) <= 3 and len(text) <= 366 and (len(text) <= 300 or max(map(len, lines)) <= 122)


def test_what_a_map_is_needed_for_goes_on_after_travelling(tmp_path):
    """A fresh process switches to the 2-cycle that is born at lr = 1 and measures an orbit."""
    things = doubling().bifurcations[0], cf.iterate(GD, [0.5], 10)
    expected = things[0].switch().points, things[1].loss
    (tmp_path / "things").write_bytes(pickle.dumps((things, expected)))
    code = """
import pickle, sys, numpy as np
(bifurcation, orbit), (points, loss) = pickle.load(open(sys.argv[1], "rb"))
assert np.array_equal(orbit.loss, loss) and bifurcation.switch().points.shape == points.shape
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "things"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", RECORDS)
def test_round_trip(kind, tmp_path):
    record = made(kind)
    path = record.save(tmp_path / "record.npz")
    found = cf.load(path)
    assert same(record, found) or kind == "orbit with digits"
    # The origin of a part is told by the whole.
    parts = ("event", "model", "model of runs", "average", "measure", "region", "attractor", "followed attractor",
             *(f"exact {part}" for part in "family formula condition root cycle minimum".split()))  # fmt: skip
    assert kind in parts or found.provenance["versions"]["cfdyn"] == cf.__version__
    json.dumps(record.to_json(), allow_nan=False)


def test_a_fresh_process_reads_it(tmp_path):
    paths = [str(RECORDS[kind]().save(tmp_path / f"{kind}.npz")) for kind in ("orbit", "exact cycles")]
    code = "import sys, cfdyn as cf; print(*(type(cf.load(path)).__name__ for path in sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True)
    assert done.stdout.split() == ["Orbit", "ExactCycles"], done.stderr


def test_digits_survive(tmp_path):
    record = RECORDS["orbit with digits"]()
    found = cf.load(record.save(tmp_path / "orbit.npz"))
    assert found.z.shape == record.z.shape
    import mpmath

    mp = mpmath.mp.clone()
    mp.dps = 60
    for a, b in zip(record.z.ravel(), found.z.ravel(), strict=True):
        assert abs(mp.mpf(a) - mp.mpf(str(b))) <= mp.mpf(10) ** -49 * abs(mp.mpf(a))


def test_every_record_class_is_covered():
    ours = ("studies.study", "integrate.complementarity", "integrate.trajectory", *cf.analysis.names())
    for name in ours:
        importlib.import_module(f"cfdyn.{name}") if "." in name else getattr(cf.analysis, name)
    covered = {type(made(kind)).__name__ for kind in RECORDS}
    ours = {name for name, cls in Record.kinds.items() if cls.__module__.startswith("cfdyn.")}
    # These are built and saved by the tests of the study and of the claims.
    missing = ours - covered - {"Study", "Landscape", "Verdict", "Search", "FoundCycle"}
    assert not missing, f"no record of {', '.join(sorted(missing))} is saved and loaded: add one to RECORDS in tests/records/samples.py"


def test_a_study_is_saved_whole(tmp_path):
    study = cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    found = cf.load(study.save(tmp_path / "study.npz"))
    assert same(study, found)
    assert found.regime.period == 2 and found.edge.value == study.edge.value


@dataclasses.dataclass(frozen=True)
class Everything(Record):
    """One field of each type that can be stored."""

    content: object


@pytest.mark.parametrize(
    "content",
    [
        None, True, 7, -2.5, math.nan, math.inf, -math.inf, 1 + 2j, complex(math.nan, -math.inf), "text ß", (), (1, (2.0, "x")),
        [1, [2]], {}, {"a": {"b": (1,)}}, {"__array__": "a0"}, {"__record__": "Orbit"}, {"__tuple__": [1]},
        np.array([1.0, math.nan, math.inf]), np.array([1 + 2j]), np.arange(6).reshape(2, 3), np.empty((0, 3)), np.array(5.0),
        np.array([True, False]), np.array(["a", "bc"]), [np.zeros(2), {"k": np.ones(1)}],
    ],
    ids=lambda c: repr(c)[:30].replace("\n", " "),
)  # fmt: skip
def test_every_type_of_field(content, tmp_path):
    record = Everything(content)
    assert same(record, cf.load(record.save(tmp_path / "r.npz")))


def test_json_of_numbers():
    assert plain({"a": 1 + 2j, "b": math.nan, "c": np.array([1.0, math.inf]), "d": (np.float64(2.0), np.int64(3))}) == {
        "a": [1.0, 2.0], "b": None, "c": [1.0, None], "d": [2.0, 3]}  # fmt: skip
    assert plain(np.array([1j])) == [[0.0, 1.0]] and plain(np.bool_(True)) is True
