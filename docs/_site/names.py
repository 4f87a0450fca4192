"""The public names of a package and the records that its functions give, as directives of autodoc."""

import importlib
import inspect
from typing import Any


def entries(package: str) -> list[list[str]]:
    """Directives for the names of a package: functions as they are called, then the records that their files define."""
    room = importlib.import_module(package)
    names = room.names() if hasattr(room, "names") else public(room)
    found = []
    for name in names:
        value = getattr(room, name)
        if inspect.isclass(value):
            found.append([f".. autoclass:: {package}.{name}", "   :members:", "   :inherited-members: object"])
        elif callable(value):
            found.append([f".. autofunction:: {package}.{name}"])
        if hasattr(room, "names"):
            module = importlib.import_module(f"{package}.{name}")
            found += [[f".. autoclass:: {package}.{name}::{kind}", "   :members:"] for kind in records(module)]
    return found


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
