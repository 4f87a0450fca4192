"""Networks on data from texts, as in the command line and in settings of training."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError
from cfdyn.networks._first_weights import told
from cfdyn.networks._oracle.network import Network
from cfdyn.registry import catalogue
from cfdyn.symbolic.text.settings import options, parts

PATHS = ("path", "file")  # options of data that name files


def make_data(text: str, where: str | None = None) -> DataSet:
    """``"digits:classes=4,n=200"`` → its rows; ``where``: a folder in which a relative path is searched for first."""
    entry, given = _entry_of_data(text)
    for name in PATHS:
        if where is not None and name in given and (kept := Path(where, Path(given[name]).expanduser())).exists():
            given[name] = str(kept)
    return entry(**given)


def has_relative_path(data: str) -> bool:
    """True if the data has files with a path relative to the working directory."""
    given = _entry_of_data(data)[1]
    return any(name in given and not Path(given[name]).expanduser().is_absolute() for name in PATHS)


def _entry_of_data(text: str) -> tuple[Callable[..., DataSet], dict[str, Any]]:
    name, settings = parts(text.strip())
    entry = catalogue("data").get(name)
    return entry, options(entry, settings, f"data set {name}")


def make_network(
    text: str, data: str, before: Callable[[int], None] = lambda count: None, where: str | None = None
) -> Network:  # fmt: skip
    """``"mlp:widths=32-32"`` on the data ``"digits:classes=4,n=200"``; ``before`` is called with its number of weights.

    ``where``: as in `make_data`.
    """
    name, settings = parts(text.strip())
    entry = catalogue("networks").get(name)
    if next(iter(inspect.signature(entry).parameters)) != "data":
        raise UsageError(f"{name} takes functions, and is for Python: cf.networks.{name}")
    given = options(partial(entry, None), settings, f"network {name}")
    rows = make_data(data, where)
    with told(before):
        return entry(rows, **given)
