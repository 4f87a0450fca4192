"""The public names of a package and the records that its functions give, as directives of autodoc."""

import importlib
import inspect
import typing
from typing import Any

from cfdyn.records.record import Record
from cfdyn.registry import home


def entries(package: str, folder: str = "") -> list[list[str]]:
    """Directives for the names of a package, or of a folder of it: functions as called, then the records that they give."""
    room = importlib.import_module(package)
    names = room.names() if hasattr(room, "names") else public(room)
    if folder:
        names = [name for name in names if home(room, name) == f"{package}.{folder}.{name}"]
    found = []
    for name in names:
        value = getattr(room, name)
        if inspect.isclass(value):
            found.append([f".. autoclass:: {package}.{name}", "   :members:", "   :inherited-members: object"])
        elif callable(value):
            found.append([f".. autofunction:: {package}.{name}"])
        if hasattr(room, "names"):
            for module in (str(home(room, name)), *beside(package, value)):
                kinds = records(importlib.import_module(module))
                found += [[f".. autoclass:: {module}::{kind}", "   :members:"] for kind in kinds]
    return [entry for place, entry in enumerate(found) if entry not in found[:place]]


def beside(package: str, function: Any) -> list[str]:
    """The private file of the same package that defines the record of a function, with those that it leads to."""
    kind = typing.get_type_hints(function).get("return") if inspect.isfunction(function) else None
    place = getattr(kind, "__module__", "")
    private = place.startswith(f"{package}.") and place.rpartition(".")[2].startswith("_")
    return [place] if private and issubclass(kind, Record) else []


def public(room: Any) -> list[str]:
    """Names that a package offers, without the packages among them and what it imports from elsewhere."""
    names = getattr(room, "__all__", None) or dir(room)
    values = {name: getattr(room, name) for name in names if not name.startswith("_")}
    own = {name: value for name, value in values.items() if not inspect.ismodule(value)}
    return [name for name, value in own.items() if getattr(value, "__module__", "").startswith("cfdyn")]


def records(module: Any) -> list[str]:
    """Public classes that a file defines."""
    found = {n: v for n, v in vars(module).items() if inspect.isclass(v) and not n.startswith("_")}
    return [name for name, kind in found.items() if kind.__module__ == module.__name__]
