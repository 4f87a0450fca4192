"""The folder is the registry: ``losses/quartic.py`` defines ``quartic``, and nothing else lists it.

A catalogue may have folders: ``analysis/noise/escape_times.py`` defines ``cf.analysis.escape_times``.
"""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from cfdyn.errors import no_attribute, unknown

SINGULAR = {"losses": "loss", "optimizers": "optimizer", "flows": "flow", "networks": "network", "data": "data set"}


class Rebinding(ModuleType):
    """A package in which a function keeps its name although a submodule has the same one.

    Importing a submodule binds the module over the function of that name; ``__setattr__`` puts the
    function back, so ``cf.losses.quartic`` is callable whatever was imported before.
    """

    _wrap: str | None = None

    def __reduce__(self) -> tuple:
        return importlib.import_module, (self.__name__,)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}":
            value = self._entry(name, value)
        super().__setattr__(name, value)

    def _entry(self, name: str, module: ModuleType) -> Any:
        """The object that the package has by that name: a function that checks its arguments, else the module."""
        entry = getattr(module, name, module)
        if not inspect.isfunction(entry):
            return entry
        from cfdyn.signatures import checked

        return checked(entry, self.__name__, self._wrap)


class Catalogue(Rebinding):
    """A package whose attribute NAME is the function NAME of its submodule NAME, which lies here or in a folder."""

    def __getattr__(self, name: str) -> Any:
        place = None if name.startswith("_") else home(self, name)
        if place is None:
            raise no_attribute(self.__name__, name, () if name.startswith("_") else self.names())
        module = importlib.import_module(place)
        if name not in self.__dict__:  # it is in a folder, which has the module by that name
            setattr(self, name, self._entry(name, module))
        return self.__dict__[name]

    def __dir__(self) -> list[str]:
        return [*self.names(), "names"]

    def names(self) -> list[str]:
        """Everything that is in the folder and its folders."""
        return sorted(name for _, name in _files(self) if not name.startswith("_"))

    def get(self, name: str) -> Callable:
        """The entry of that name; an unknown one is an error with the nearest."""
        if name not in self.names():
            plural = self.__name__.rpartition(".")[2]
            raise unknown(SINGULAR.get(plural, plural), name, self.names(), f"`dir(cf.{plural})`")
        return getattr(self, name)


def home(package: ModuleType, name: str) -> str | None:
    """The module of an entry of a catalogue, or of a file of it whose name begins with _; None if there is none."""
    return next((f"{place}.{name}" for place, one in _files(package) if one == name), None)


def _files(package: ModuleType) -> Iterator[tuple[str, str]]:
    """The package and the name of each file, here and in folders."""
    for _, name, is_package in pkgutil.iter_modules(package.__path__):
        if not is_package:
            yield package.__name__, name
        elif not name.startswith("_"):
            within = pkgutil.iter_modules(f"{path}/{name}" for path in package.__path__)
            yield from ((f"{package.__name__}.{name}", one.name) for one in within)


def asked_by_help() -> bool:
    """True of what pydoc asks a package: it would print the texts of all its names, one below the other, on 2,500 lines."""
    return sys._getframe(2).f_globals.get("__name__") == "pydoc"


def catalogue(name: str) -> Catalogue:
    """The catalogue ``losses``, ``optimizers`` or ``analysis``."""
    return importlib.import_module(f"cfdyn.{name}")  # type: ignore[return-value]


def open_catalogue(package: str, wrap: str | None = None) -> None:
    """Turn a package into a Catalogue; called from its ``__init__``."""
    module = sys.modules[package]
    module.__class__ = Catalogue
    module.__dict__["_wrap"] = wrap


def title(folder: str, name: str) -> str:
    """What figures call an entry of a catalogue: the ``TITLE`` of its file, else its name in words; other names likewise.

    >>> title("optimizers", "rmsprop"), title("optimizers", "heavy_ball"), title("optimizers", "my_rule")
    ('RMSProp', 'heavy ball', 'my rule')
    """
    place = home(catalogue(folder), name)
    return getattr(place and importlib.import_module(place), "TITLE", name.replace("_", " "))


def text(entry: Callable) -> str:
    """The docstring of a catalogue entry."""
    return inspect.getdoc(entry) or ""


def defaults(entry: Callable) -> dict[str, Any]:
    """Options of a catalogue entry with their defaults; "required" where there is none."""
    parameters = inspect.signature(entry).parameters.values()
    return {p.name: "required" if p.default is p.empty else p.default for p in parameters}


def describe(entry: Callable) -> dict[str, str]:
    """Summary and reference of a catalogue entry, from its docstring."""
    summary = text(entry).strip().partition("\n")[0]
    _, _, reference = text(entry).partition("References\n----------\n")
    return {"summary": summary, "reference": " ".join(reference.partition("\n\n")[0].split())}


def spelled(entry: Callable, **options: Any) -> str:
    """``name:option=value,…`` with the options that differ from the entry's defaults, in its order: as the command line takes it.

    >>> def ring(n=4, closed=True): ...
    >>> spelled(ring, n=3, closed=True), spelled(ring)
    ('ring:n=3', 'ring')
    """
    known = inspect.signature(entry).parameters
    given = [f"{key}={_word(options[key])}" for key in known if key in options and options[key] != known[key].default]
    return f"{entry.__name__}:{','.join(given)}" if given else entry.__name__


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
