"""Records: saved, loaded, and files that are none."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib
import io
import json
import math
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.errors import RecordError, UsageError
from cfdyn.records import record as records
from cfdyn.records.record import FORMAT, Record, plain

GD = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))


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


def rotation():
    return cf.Map.from_text(["-y/2", "x/2"], "x y")


RECORDS = {
    "orbit": lambda: cf.iterate(GD, [0.5], 10),
    "orbit with digits": lambda: cf.iterate(GD, [0.5], 4, digits=50),
    "regime": lambda: cf.analysis.classify(GD, [0.5]),
    "regime with complex multipliers": lambda: cf.analysis.classify(rotation(), [0.5, 0.2]),
    "regime with NaN": lambda: cf.analysis.classify(GD.at(lr=3.0), [2.0]),
    "rotation number": lambda: cf.analysis.rotation_number(cf.Map.from_text("x + 0.3", "x", periodic={"x": 1}), [0.1], 100),
    "bands": lambda: cf.analysis.bands(GD, [0.5], "lr", (0.5, 1.1), count=8),
    "cycle": lambda: cf.analysis.cycles(GD, 2, [(0.5, 1.5)])[0],
    "branch": lambda: doubling(),
    "cascade": lambda: cf.analysis.cascade(GD.at(lr=0.8), [1.0], "lr", (0.5, 1.5), levels=3),
    "branches": lambda: cf.analysis.branches(GD, None, "lr", (0.5, 1.2), starts=[(0.8, [1.0])], depth=1),
    "bifurcation": lambda: doubling().bifurcations[0],
    "window": lambda: cf.analysis.windows(GD, 3, "lr", (1.4, 1.5), [(-2, 2)])[0],
    "cycles": lambda: cf.analysis.cycles(GD, 2, [(0.5, 1.5)]),
    "edge": lambda: cf.analysis.edge(GD, [1.0], scale=0.5),
    "normal form": lambda: cf.analysis.normal_form(GD.at(lr=1.0), [1.0]),
    "normal form of two flips": lambda: cf.analysis.normal_form(cf.as_map(cf.Loss("x**2 + y**2 - x**4 - y**4"), cf.optimizers.gd(lr=1.0)), [0.0, 0.0]),
    "bifurcation curve": lambda: flips_of_the_cubic_map(),
    "point of codimension two": lambda: flips_of_the_cubic_map().special[0],
    "minimum": lambda: cf.minima(cf.losses.double_well())[0],
    "oscillation": lambda: cf.analysis.oscillation(cf.iterate(GD.at(lr=1.1), [0.5], 60)),
    "no oscillation": lambda: cf.analysis.oscillation(np.zeros(40)),
    "kink": lambda: cf.minima(cf.Loss("Abs(x)"))[0],
    "trajectory": lambda: path(),
    "trajectory of one row": lambda: path(0.0),
    "trajectory that ends early": lambda: cf.solve(cf.flows.gradient(cf.Loss("-w**4"), cf.optimizers.gd(lr=0.1)), [1.0], 5),
    "event": lambda: path().events[0],
    "comparison": lambda: compared(),
    "model": lambda: compared().models[0],
    "averages": lambda: cf.averages(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), start=[1.2], steps=40),
    "average": lambda: cf.averages(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), [], start=[1.2], steps=40).entries[0],
    "exact cycles": lambda: exact(),
    "exact family": lambda: exact().families[0],
    "exact formula": lambda: exact().formulas[0],
    "exact condition": lambda: exact().families[0].conditions[0],
    "exact root": lambda: exact().families[0].conditions[0].roots[0],
    "exact cycle": lambda: exact().at()[0],
    "exact curves": lambda: exact().curves("lr", 1.0, 1.5, 9),
    "exact edge": lambda: cf.symbolic.edge(cf.losses.cubic(), cf.optimizers.gd(lr=1.1)),
    "exact minimum": lambda: cf.symbolic.edge(cf.losses.cubic(), cf.optimizers.gd(lr=1.1)).minima[0],
    "complementarity": lambda: cf.complementarity([[-2.0, 0.5], [0.5, 1.0]], np.einsum("ik,jl->ijkl", np.eye(2), np.eye(2))),
}


@functools.cache
def exact():
    return cf.symbolic.cycles(cf.losses.cubic(), cf.optimizers.gd(lr=1.1), 2)


def doubling():
    return cf.analysis.continue_cycle(GD, [1.0], "lr", (0.5, 1.2))


def flips_of_the_cubic_map():
    step = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.0, "c": -0.99})
    return cf.analysis.bifurcation_curve(step, ("flip", [[0.01]]), ("k", "c"), ((-3, 3), (-2, 4)))


def compared():
    return cf.compare(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), ["gradient"], start=[1.2], steps=10)


def path(t=2.0):
    return cf.solve(cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8)), [1.5, 0.3], t)


@functools.cache
def made(kind):
    return RECORDS[kind]()


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
    parts = ("event", "model", "average", *(f"exact {part}" for part in "family formula condition root cycle minimum".split()))
    assert kind in parts or found.provenance["versions"]["cfdyn"] == cf.__version__
    json.dumps(record.to_json(), allow_nan=False)


def test_a_fresh_process_reads_it(tmp_path):
    paths = [str(RECORDS[kind]().save(tmp_path / f"{kind}.npz")) for kind in ("orbit", "exact cycles")]
    code = "import sys, cfdyn as cf; print(*(type(cf.load(path)).__name__ for path in sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True)
    assert done.stdout.split() == ["Orbit", "ExactCycles"], done.stderr


@pytest.mark.parametrize("module", ["os", "cfdyn.__main__", "cfdyn..errors", "cfdyn.absent", "../cfdyn", 5])
def test_only_modules_of_the_package_are_imported(module, tmp_path):
    record = {"__record__": "Absent", "fields": {}, "module": module}
    refused(archive(tmp_path / "x.npz", json.dumps({"format": FORMAT, "record": record})))


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
    ours = ("studies.study", "integrate.complementarity", "integrate.trajectory", *(f"analysis.{name}" for name in cf.analysis.names()))
    for module in (f"cfdyn.{name}" for name in ours):
        importlib.import_module(module)
    covered = {type(made(kind)).__name__ for kind in RECORDS}
    ours = {name for name, cls in Record.kinds.items() if cls.__module__.startswith("cfdyn.")}
    # Study and Landscape are built and saved by the tests of the study.
    assert ours - covered <= {"Study", "Landscape"}


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


# -- files that are no records -------------------------------------------------------------------------------------


def archive(path, header, **arrays):
    with open(path, "wb") as file:
        np.savez_compressed(file, header=np.array(header), **arrays)
    return path


def refused(path, words="not a cfdyn record|another format"):
    with pytest.raises(RecordError, match=words):
        cf.load(path)


def test_a_missing_file_and_a_folder(tmp_path):
    refused(tmp_path / "absent.npz", "there is no file")
    refused(tmp_path, "it is a folder")


def call(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A process of its own, with half a gigabyte and a minute of processor time."""
    limits = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (60, 60)); import sys; from pathlib import Path\n"
    return subprocess.run([sys.executable, "-c", limits + code, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_and_a_device_are_no_files_to_load(tmp_path):
    """Neither waited for nor read, under their own names and behind a link."""
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "link.npz").symlink_to("/dev/zero")
    (tmp_path / "to-pipe.npz").symlink_to(tmp_path / "pipe.npz")
    for path in (tmp_path / "pipe.npz", tmp_path / "link.npz", tmp_path / "to-pipe.npz", "/dev/zero", "/dev/null"):
        refused(path, "a device or a pipe")


def test_what_is_no_path():
    for path in (5, None, ["a"], b"x.npz", 1.5, "a\0b"):
        with pytest.raises(UsageError, match="named by its path|is the path of a file"):
            cf.load(path)
        with pytest.raises(UsageError, match="named by its path|is the path of a file"):
            cf.iterate(GD, [0.5], 1).save(path)


def test_a_huge_header_is_refused_before_it_is_read(tmp_path):
    """Half a megabyte of zip for 400 MB of text: the peak of memory stays below 200 MB more than an import takes."""
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z, z.open("header.npy", "w", force_zip64=True) as entry:
        length = 96 * 2**20
        entry.write(npy_head((), f"<U{length}"))
        for _ in range(4 * length // 2**24):
            entry.write(bytes(2**24))
    assert path.stat().st_size < 2**20
    code = """
import resource, cfdyn.records.record as records
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    records.load(sys.argv[1])
except records.RecordError as error:
    print(error, peak() - before < 200_000)
"""
    done = call(code, path)
    assert "header of 384 MiB; the limit is 16 MiB True" in done.stdout, done.stderr


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    with pytest.raises(UsageError, match="too much for a file"):
        Everything("x" * 2**22).save(tmp_path / "x.npz")
    assert not list(tmp_path.iterdir())
    assert cf.load(Everything("x" * (2**22 - 1000)).save(tmp_path / "x.npz")).content == "x" * (2**22 - 1000)


@pytest.mark.parametrize(
    "blob", [b"", b"PK", b"hello", b"\x93NUMPY", b"PK\x03\x04" + b"\0" * 100, b"\x80\x04N.", b"{}"], ids=lambda b: repr(b)[:12]
)
def test_foreign_bytes(blob, tmp_path):
    (tmp_path / "x.npz").write_bytes(blob)
    refused(tmp_path / "x.npz")


def test_cut_off_anywhere(tmp_path):
    path = cf.iterate(GD, [0.5], 50).save(tmp_path / "orbit.npz")
    blob = path.read_bytes()
    assert len(blob) > 1000
    for length in range(0, len(blob), 7):
        path.write_bytes(blob[:length])
        refused(path)


def test_a_flipped_bit_is_refused_or_harmless(tmp_path):
    record = cf.iterate(GD, [0.5], 50)
    path = record.save(tmp_path / "orbit.npz")
    blob, harmless = path.read_bytes(), 0
    for place in range(0, len(blob), 5):
        path.write_bytes(blob[:place] + bytes([blob[place] ^ (1 << place % 8)]) + blob[place + 1 :])
        try:
            found = cf.load(path)
        except RecordError:
            continue
        assert isinstance(found, Record)
        np.testing.assert_array_equal(np.asarray(found.z, dtype=float), record.z)
        harmless += 1
    assert 0 < harmless < len(blob) / 20


@pytest.mark.parametrize(
    "header",
    [
        "not json", "[]", "{}", "null", "5", '{"format": "other"}', json.dumps({"format": FORMAT}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Orbit", "fields": {}}}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Path", "fields": {}}}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Orbit"}}),
        json.dumps({"format": FORMAT, "record": {"__array__": "missing"}}),
        json.dumps({"format": FORMAT, "record": {}}),
        json.dumps({"format": FORMAT, "record": {"__other__": []}}),
        json.dumps({"format": FORMAT, "record": {"__record__": ["Orbit"], "fields": {}}}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Orbit", "fields": []}}),
        json.dumps({"format": FORMAT, "record": 5}),
        json.dumps({"format": FORMAT, "record": {"__list__": [1, 2]}}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Cycle", "fields": {"points": 1, "evil": 2}}}),
        '{"format": ' * 5000,
        json.dumps({"format": FORMAT, "record": None})[:-5] + "[" * 100_000,
    ],
    ids=range(20),
)  # fmt: skip
def test_hostile_headers(header, tmp_path):
    refused(archive(tmp_path / "x.npz", header))


def test_deep_nesting(tmp_path):
    text = '{"__list__": [' * 900 + "]}" * 900
    refused(archive(tmp_path / "x.npz", f'{{"format": "{FORMAT}", "record": {text}}}'))


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle was executed')",))


def test_pickles_are_never_executed(tmp_path):
    path = tmp_path / "x.npz"
    with open(path, "wb") as file:
        record = {"__record__": "Everything", "fields": {"content": {"__array__": "a0"}}}
        header = json.dumps({"format": FORMAT, "record": record})
        np.savez(file, header=np.array(header), a0=np.array([Bomb()], dtype=object))
    refused(path)
    path.write_bytes(pickle.dumps(Bomb()))
    refused(path)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("header.npy", pickle.dumps(Bomb()))
    refused(path)


def npy_head(shape, dtype="<f8") -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue()


def test_huge_files_are_refused_before_they_fill_the_memory(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z, z.open("a0.npy", "w", force_zip64=True) as entry:
        entry.write(npy_head((2**28 + 1,)))
        zeros = bytes(2**24)
        for _ in range(2**31 // 2**24):
            entry.write(zeros)
    assert path.stat().st_size < 2**23
    refused(path, "GiB")


def test_a_header_that_promises_more_than_there_is(tmp_path):
    """The array claims 8 TiB; the file has 8 bytes of it."""
    path = tmp_path / "liar.npz"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("header.npy", npy_head((2**40,)) + b"\0" * 8)
    refused(path)


def test_saving_where_it_cannot(tmp_path):
    record = cf.iterate(GD, [0.5], 3)
    with pytest.raises(cf.CfdynError, match="cannot write"):
        record.save(tmp_path / "absent" / "orbit.npz")
    (tmp_path / "file").write_text("")
    with pytest.raises(cf.CfdynError, match="cannot write"):
        record.save(tmp_path / "file" / "orbit.npz")
    with pytest.raises(cf.CfdynError, match="cannot write"):
        record.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"], "no half-written file is left"


def test_saving_replaces_whole_files(tmp_path):
    path = tmp_path / "orbit.npz"
    cf.iterate(GD, [0.5], 3).save(path)
    cf.iterate(GD, [0.5], 30).save(path)
    assert len(cf.load(path).z) == 31 and [p.name for p in tmp_path.iterdir()] == ["orbit.npz"]


# -- files that are nearly records ---------------------------------------------------------------------------------


@functools.cache
def stored(kind: str) -> tuple[dict, dict[str, np.ndarray]]:
    """The header and the arrays of a saved record."""
    arrays: dict[str, np.ndarray] = {}
    return {"format": FORMAT, "record": records._encode(made(kind), arrays)}, arrays


def places(node: object, path: tuple = ()) -> list[tuple]:
    """Where in a header something can be changed."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, value in inner for found in places(value, (*path, key)))]


JUNK = st.sampled_from([
    None, True, 0, -1, 10**400, 1e308, "text", "", [], {}, [1, "x"], {"__array__": "a0"}, {"__array__": "none"}, {"__tuple__": ["a", 1]},
    {"__list__": [1.5]}, {"__dict__": [["a", 1]]}, {"__dict__": [[[], 1]]}, {"__complex__": [1, 2]}, {"__complex__": "ab"}, {"__record__": "Event"},
    {"__record__": "Cycle", "fields": {}}, {"__record__": "Event", "fields": {"t": 1.0, "kind": "enter", "rank": 1}},
])  # fmt: skip
ARRAYS = st.sampled_from([
    lambda a: a.astype("U8"), lambda a: a.astype(complex), lambda a: a[None], lambda a: a.ravel(), lambda a: np.float64(1.0),
    lambda a: a[:-1] if a.ndim else a, lambda a: np.zeros((0,) * a.ndim), lambda a: a.astype("S4"), lambda a: a.astype("datetime64[s]"),
    lambda a: np.zeros(3, [("x", float)]), lambda a: a.T, lambda a: a != a, lambda a: np.array(["text"]),
])  # fmt: skip
SEVERAL = ("orbit", "regime", "cycles", "branch", "bifurcation", "trajectory", "comparison", "averages", "exact cycles", "normal form",
           "bands", "cascade", "minimum", "edge", "event", "oscillation", "bifurcation curve")  # fmt: skip


def well_formed(record: object) -> bool:
    """Whether every field has the type that the class declares, said here once more and without its validator."""
    for field in dataclasses.fields(record):
        value, declared = getattr(record, field.name), str(field.type)
        if field.name.startswith("_"):
            continue
        listed = declared.removeprefix("Annotated[")
        arrays = "np.ndarray" in declared and not listed.startswith("list")
        if arrays and not (isinstance(value, np.ndarray) or value is None and "None" in declared):
            return False
        if arrays and value is not None and value.dtype.kind not in ("biufcU" if "str" in declared else "biufc" if "complex" in declared else "biuf"):
            return False
        if arrays and value is not None and '"' in declared and value.ndim != len(declared.split('"')[1].split()):
            return False
        plain = {"str": str, "int": int, "bool": bool, "dict": dict, "list": list, "float": (float, int)}
        if declared in plain and (not isinstance(value, plain[declared]) or isinstance(value, bool) and declared != "bool"):
            return False
        if listed.startswith(("tuple", "list", "dict")) and type(value).__name__ != listed.split("[")[0]:
            return False
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Record) and not well_formed(item):
                return False
    return True


def loaded_or_refused(path, kind: str) -> None:
    """Another record, or the package's own error in a sentence; never anything else, then or when it is printed."""
    try:
        found = cf.load(path)
    except RecordError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert isinstance(found, Record) and well_formed(found)
        json.dumps(found.to_json())


@given(st.sampled_from(SEVERAL), st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_field_of_another_type(tmp_path, kind, data):
    header, arrays = copy.deepcopy(stored(kind))
    for _ in range(data.draw(st.integers(1, 2))):
        *path, last = data.draw(st.sampled_from(places(header)[1:]))
        inside = functools.reduce(lambda node, key: node[key], path, header)
        action = data.draw(st.sampled_from(("replace", "remove", "add")))
        if action == "replace" or isinstance(inside, list):
            inside[last] = copy.deepcopy(data.draw(JUNK))
        elif action == "remove":
            del inside[last]
        else:
            inside["extra"] = copy.deepcopy(data.draw(JUNK))
        if not places(header)[1:]:
            break
    loaded_or_refused(archive(tmp_path / "x.npz", json.dumps(header), **arrays), kind)


@given(st.sampled_from(SEVERAL), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_array_of_another_type_or_shape(tmp_path, kind, data):
    header, arrays = stored(kind)
    if arrays:
        name = data.draw(st.sampled_from(sorted(arrays)))
        try:
            changed = data.draw(ARRAYS)(arrays[name])
        except (TypeError, ValueError):
            reject()
        arrays = {**arrays, name: changed}
    loaded_or_refused(archive(tmp_path / "x.npz", json.dumps(header), **arrays), kind)


@given(st.sampled_from(SEVERAL), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_bytes_changed_or_cut_off(tmp_path, kind, data):
    blob = bytearray(archive(tmp_path / "x.npz", json.dumps(stored(kind)[0]), **stored(kind)[1]).read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "x.npz").write_bytes(blob[: data.draw(st.integers(0, len(blob)))] if data.draw(st.booleans()) else blob)
    loaded_or_refused(tmp_path / "x.npz", kind)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("orbit", "z", {"__tuple__": []}), ("orbit", "names", {"__tuple__": [1]}), ("orbit", "names", {"__tuple__": ["a", "b"]}),
        ("orbit", "n_weights", 1.0), ("orbit", "n_weights", True), ("regime", "period", "two"), ("cycles", "period", 3),
        ("branch", "bifurcations", {"__list__": [1]}), ("branch", "ends", {"__tuple__": ["a"]}), ("edge", "value", None),
        ("bands", "bands", {"__list__": [1.5]}), ("cascade", "points", {"__list__": []}),
        ("exact cycles", "params", {"__dict__": [["a", "b"]]}), ("event", "t", True), ("orbit", "provenance", {"__list__": []}),
    ],
)  # fmt: skip
def test_fields_that_are_not_what_they_should_be(kind, field, value, tmp_path):
    header, arrays = copy.deepcopy(stored(kind))
    assert json.dumps(header["record"]["fields"][field]) != json.dumps(value)
    header["record"]["fields"][field] = value
    refused(archive(tmp_path / "x.npz", json.dumps(header), **arrays), "the field .* of a saved .* is not what it should be")
