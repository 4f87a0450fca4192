"""Files that are nearly records: a field, an array or a byte is another."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.errors import RecordError
from cfdyn.records import record as records
from cfdyn.records.record import FORMAT, Record
from tests.records.samples import archive, made, refused


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
