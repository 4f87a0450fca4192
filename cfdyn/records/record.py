"""Results as frozen records that can be saved, loaded and printed as JSON.

A saved record is an .npz file of plain arrays (never pickled) whose entry ``header`` contains the rest as JSON text; loading a
file from a stranger can neither run code nor exhaust the memory.
"""

import dataclasses
import importlib
import io
import json
import math
import os
import re
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar, Union, get_args, get_origin

import numpy as np

from cfdyn import outside
from cfdyn.errors import RecordError, UsageError, shown
from cfdyn.records.brief import brief
from cfdyn.records.exports import Exports
from cfdyn.records.files import as_path, written_whole
from cfdyn.records.schemas import apart, hints, place, schema

FORMAT = "cfdyn record 1"


@dataclasses.dataclass(frozen=True)
class Record(Exports):
    """Base of every result; ``provenance`` states the settings and versions of the computation."""

    provenance: dict = dataclasses.field(default_factory=dict, kw_only=True, repr=False)
    kinds: ClassVar[dict[str, type]] = {}
    _headline: ClassVar[tuple[str, ...]] = ()  # what comes first, and a sentence whole, where a long record is shown

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        Record.kinds[cls.__name__] = cls
        if "__repr__" not in vars(cls):
            # The decorator keeps what a class has.
            cls.__repr__ = brief  # type: ignore[method-assign]

    def save(self, path: str | os.PathLike) -> Path:
        """Write the record to an .npz file, completely or not at all; return the path.

        Raises
        ------
        UsageError : the folder does not exist or cannot be written
        NumericsError : the disk is full
        """
        path = as_path(path)
        content = self.to_bytes()
        with written_whole(path) as temporary:
            Path(temporary).write_bytes(content)
        return path

    def to_bytes(self) -> bytes:
        """The bytes that `save` writes."""
        arrays: dict[str, np.ndarray] = {}
        header = np.array(json.dumps({"format": FORMAT, "record": _encode(self, arrays)}))
        if header.nbytes > outside.MOST_HEADER:
            raise UsageError(f"the texts and lists of this record take {header.nbytes / 2**20:.0f} MiB, too much for a file")
        content = io.BytesIO()
        np.savez_compressed(content, header=header, **arrays)  # type: ignore[arg-type]
        return content.getvalue()

    def _repr_html_(self) -> str:
        """The HTML for a notebook: the verdict, the first rows of the table, the figure."""
        from cfdyn.records.exports import shown as shown_in_notebook

        return shown_in_notebook(self)

    def to_json(self) -> dict:
        """The record as JSON-ready data: complex numbers as [re, im], NaN and infinities as null."""
        fields = [f for f in dataclasses.fields(self) if not f.name.startswith("_")]
        return {f.name: plain(getattr(self, f.name)) for f in fields}


_PLAIN = frozenset((type(None), bool, int, str))


def plain(value: Any) -> Any:
    """Numbers, arrays and records as data for ``json.dumps``."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.ndarray):
        listed = value.tolist()
        return listed if value.dtype == float and all(map(math.isfinite, value.ravel().tolist())) else plain(listed)
    if isinstance(value, dict):
        return {str(k): v if type(v) in _PLAIN else plain(v) for k, v in value.items()}
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    return value if isinstance(value, (bool, int, str)) else str(value)


def _encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, Record):
        fields = {f.name: _encode(getattr(value, f.name), arrays) for f in dataclasses.fields(value)
                  if not f.name.startswith("_")}  # fmt: skip
        kind: Any = type(value)
        return {"__record__": kind.__name__, "fields": fields, "module": kind.__module__, "schema": schema(kind)}
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            value = np.array([str(v) for v in value.ravel()]).reshape(value.shape)
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"__array__": name}
    if isinstance(value, dict):
        return {"__dict__": [[k, _encode(v, arrays)] for k, v in value.items()]}
    if isinstance(value, tuple | list):
        return {"__tuple__" if isinstance(value, tuple) else "__list__": [_encode(v, arrays) for v in value]}
    if isinstance(value, np.generic):
        return _encode(value.item(), arrays)
    if isinstance(value, complex):
        return {"__complex__": [value.real, value.imag]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _decode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    (key, inner), *_ = value.items()
    if key == "__record__":
        fields = {k: _decode(v, arrays) for k, v in value["fields"].items()}
        return _made(inner, value, fields)
    if key == "__array__":
        return arrays[inner]
    if key == "__dict__":
        return {k: _decode(v, arrays) for k, v in inner}
    if key == "__complex__":
        return complex(*inner)
    return (tuple if key == "__tuple__" else list)(_decode(v, arrays) for v in inner)


def _made(name: str, stored: dict, fields: dict[str, Any]) -> Record:
    """The record of a class in a file; a RecordError with advice if the class had other fields when it was saved."""
    kind = _kind(name, stored.get("module", ""))
    try:
        return checked(kind(**fields))
    except Exception as error:
        if stored.get("schema") == schema(kind):
            raise
        words = apart(kind, {shown(name) if not name.isidentifier() else name[:40] for name in fields})
        raise RecordError(f"the {kind.__name__} in it is of another version of cfdyn, or it is damaged: {words[:300]}; "
                          "compute it again") from error  # fmt: skip


def _kind(name: str, module: str) -> type:
    """The class of a record; its module is imported if it belongs to this package and contains such classes."""
    module = place(name, module)
    if name not in Record.kinds and re.fullmatch(r"cfdyn(\._?[a-z][a-z0-9_]*)+", module):
        importlib.import_module(module)
    if name not in Record.kinds:
        raise RecordError(f"it holds a record of the class {shown(name)}, which this version of cfdyn does not have")
    return Record.kinds[name]


def checked(record: Record) -> Record:
    """The record, if each field has its declared type and a shape as in ``Annotated[np.ndarray, "m n D"]``; else a RecordError.

    A letter denotes one length throughout a record, ``*`` any length; ``Annotated[int, "n"]`` is the field with the value of n,
    and a list or a tuple with a letter has that many items. Arrays are real unless ``complex`` or ``str`` follows the shape.
    """
    kind: Any = type(record)
    sizes: dict[str, int] = {}
    for name, hint in hints(kind).items():
        value = getattr(record, name)
        if not _fits(value, hint, sizes):
            given = f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            raise RecordError(f"the field {name} of a saved {type(record).__name__} is not what it should be, but {given}")
    return record


_NUMBERS: dict[Any, tuple[type, ...]] = {int: (int,), float: (float, int), complex: (complex, float, int)}


def _fits(value: Any, hint: Any, sizes: dict[str, int]) -> bool:
    kind, inner = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return True
    if kind is Annotated:
        if isinstance(value, np.ndarray) and value.dtype.kind in {complex: "c", str: "U"}.get(inner[-1], ""):
            return _has_shape(value, inner[1].split(), sizes)
        return _fits(value, inner[0], sizes) and _has_shape(value, inner[1].split(), sizes)
    if kind in (Union, types.UnionType):
        return any(_fits(value, one, sizes) for one in inner)
    if hint in _NUMBERS:
        return isinstance(value, _NUMBERS[hint]) and not isinstance(value, bool)
    if kind is tuple and inner[-1] is not Ellipsis:
        return type(value) is tuple and len(value) == len(inner) and all(map(_fits, value, inner, [sizes] * len(inner)))
    if kind in (list, tuple):
        return type(value) is kind and all(_fits(item, inner[0], sizes) for item in value)
    if kind is dict:
        return type(value) is dict and all(_fits(k, inner[0], sizes) and _fits(v, inner[1], sizes) for k, v in value.items())
    if hint is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    return value is None if hint is type(None) else isinstance(value, hint)


def _has_shape(value: Any, letters: list[str], sizes: dict[str, int]) -> bool:
    """True if the lengths agree with the letters; the first length with a letter determines its value."""
    if value is None:
        return True
    shape = value.shape if isinstance(value, np.ndarray) else (value,) if isinstance(value, int) else (len(value),)
    if len(shape) != len(letters):
        return False
    return all(letter == "*" or sizes.setdefault(letter, size) == size for letter, size in zip(letters, shape, strict=True))


def load(path: str | os.PathLike) -> Record:
    """The record in a file written by ``save``, or the `Run` in a folder of `cfdyn.train`.

    Raises
    ------
    RecordError : the file is missing, truncated, too large, or not a record

    Examples
    --------
    >>> import cfdyn as cf, tempfile, os
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
    >>> path = os.path.join(tempfile.mkdtemp(), "orbit.npz")
    >>> cf.load(cf.iterate(step, [0.3], 5).save(path)).z.shape
    (6, 1)
    """
    path = as_path(path)
    if os.path.isdir(path):
        return importlib.import_module("cfdyn.training.run").open_run(path)
    return _read(path, lambda: outside.opened(path))


def from_bytes(content: bytes, name: str) -> Record:
    """The record in the result of `Record.to_bytes`; ``name``: its location, for a RecordError."""
    return _read(name, lambda: io.BytesIO(content))


def _read(path: str | Path, opened: Callable[[], BinaryIO]) -> Record:
    try:
        with opened() as file:
            arrays = outside.arrays(file)
        content = outside.parsed_json(str(arrays.pop("header")))
        if content["format"] != FORMAT:
            raise RecordError(f"{path} is of another format: {shown(content['format'])}")
        record = _decode(content["record"], arrays)
        if not isinstance(record, Record):
            raise TypeError("the header holds no record")
        return record
    except RecordError as error:
        raise RecordError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except FileNotFoundError:
        raise RecordError(f"there is no file {path}") from None
    except OSError as error:
        raise RecordError(f"{path} {outside.why(error)}") from None
    except outside.Unfit as error:
        raise RecordError(f"{path} is not a cfdyn record: it {error}") from None
    except Exception as error:  # whatever zipfile, zlib, numpy and json make of a stranger's bytes
        raise RecordError(f"{path} is not a cfdyn record, or it is cut off ({type(error).__name__})") from None


@cache
def versions() -> dict[str, str]:
    """The versions by name, read once."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in ("cfdyn", "numpy", "numba", "sympy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def provenance(**settings: Any) -> dict:
    """Settings and versions, for a record's header."""
    return {"settings": {k: v if type(v) in _PLAIN else plain(v) for k, v in settings.items()}, "versions": versions().copy()}
