"""Networks on data from texts, as the command line and documents of training have them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError
from cfdyn.networks._first_weights import told
from cfdyn.networks._oracle.network import Network
from cfdyn.registry import catalogue
from cfdyn.symbolic.text.settings import options, parts


def make_data(text: str) -> DataSet:
    """``"digits:classes=4,n=200"`` → those rows."""
    name, settings = parts(text.strip())
    entry = catalogue("data").get(name)
    return entry(**options(entry, settings, f"data set {name}"))


def make_network(text: str, data: str, before: Callable[[int], None] = lambda count: None) -> Network:
    """``"mlp:widths=32-32"`` on the data ``"digits:classes=4,n=200"``; ``before`` is told how many weights it will have."""
    name, settings = parts(text.strip())
    entry = catalogue("networks").get(name)
    if next(iter(inspect.signature(entry).parameters)) != "data":
        raise UsageError(f"{name} takes functions, and is for Python: cf.networks.{name}")
    given = options(partial(entry, None), settings, f"network {name}")
    rows = make_data(data)
    with told(before):
        return entry(rows, **given)
