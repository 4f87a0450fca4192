"""cfdyn: the dynamics of optimizers. A loss and an optimizer make a map and flows; it shows what they do.

>>> import cfdyn as cf
>>> loss, gd = cf.Loss("(w**2 - 1)**2 / 4"), cf.optimizers.gd(lr=1.46)
>>> regime = cf.analysis.classify(cf.as_map(loss, gd), [1.1])
>>> regime.kind, regime.period
('cycle', 3)

Specify: Loss, Optimizer, Map, Flow, losses, optimizers, networks, data. Follow: as_map, iterate, flows, solve, train.
Ask: study, compare, minima, analysis, watch; symbolic has closed forms, certify proofs, claims what the literature says.
Keep: plot, animate, live, explore, load, cite. `dir(cf)` lists all names; `help(cf.study)` and `help(cf.losses)` tell more.
"""

import cfdyn.machine.beginning  # noqa: F401, I001 (before all others: an interrupt of the program is one sentence from here on)

import importlib
import sys
from pathlib import Path
from typing import Any

import cfdyn.machine.portable  # noqa: F401 (from now on, whoever forks waits for what other threads import and compile)
from cfdyn.errors import no_attribute
from cfdyn.registry import Rebinding, asked_by_help

__version__ = "0.1.0"

_WHERE = {
    "Loss": "systems.loss", "Map": "systems.map", "as_map": "systems.steps", "compose": "systems.steps",
    "epoch": "systems.steps", "schedule": "systems.steps", "minima": "systems.minima",
    "mean_square": "systems.sgd.mean_square",
    "Optimizer": "symbolic.optimizer", "iterate": "systems.orbit", "Orbit": "systems.orbit",
    "iterate_many": "ensembles.stochastic.runs", "Runs": "ensembles.stochastic.runs",
    "random_map": "ensembles.stochastic.random_map", "load": "records.record",
    "Flow": "systems.flow", "stationary_preconditioner": "flows.stationary", "solve": "integrate.solve",
    "poincare_map": "integrate.maps.poincare", "stroboscopic_map": "integrate.maps.stroboscopic",
    "Trajectory": "integrate.trajectory", "Event": "integrate.trajectory",
    "complementarity": "integrate.complementarity", "Complementarity": "integrate.complementarity",
    "held_sharpness": "studies.held_sharpness", "compare": "studies.comparison",
    "averages": "studies.comparison", "study": "studies.study", "study_many": "studies.many", "Studies": "studies.collection",
    "train": "training.train", "Run": "training.run",
    "Network": "networks._oracle.network", "DataSet": "data._data_set",
    "watch": "watching.watch",
    "animate": "plotting.animation", "plot": "plotting", "live": "explorer.live", "explore": "explorer.explore",
    "cite": "claims.cite",
    "CfdynError": "errors", "Interrupted": "errors",
}  # fmt: skip
_NAMES = "losses optimizers flows analysis symbolic certify claims networks data".split()
_PACKAGES = {"lifts": "systems.lifts"} | {name: name for name in _NAMES}

_PUBLIC = [*_WHERE, *_PACKAGES, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return [] if asked_by_help() else _PUBLIC
    if name in _PACKAGES:
        return importlib.import_module(f"cfdyn.{_PACKAGES[name]}")
    if name not in _WHERE:
        places = {room: f"{room}/*" if room == "analysis" else room for room in _NAMES if name.isidentifier() and name[0] != "_"}
        rooms = [room for room, place in places.items() if any(Path(__file__).parent.glob(f"{place}/{name}.py"))]
        if rooms:
            raise AttributeError(f"module 'cfdyn' has no attribute {name!r}; there is cf.{rooms[0]}.{name}")
        raise no_attribute("cfdyn", name, _PUBLIC)
    value = sys.modules[__name__]._entry(name, importlib.import_module(f"cfdyn.{_WHERE[name]}"))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_PUBLIC)


class _Moved:
    """Asked for modules that nobody else finds: those of earlier versions are asked for by a pickle of other fields."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        old = name.removeprefix("cfdyn.")
        if old != name and (now := importlib.import_module("cfdyn.records.schemas").place("", name)) != name:
            raise ModuleNotFoundError(
                f"{name} is {now} now: a pickle opens in the version of cfdyn that wrote it, what `record.save(path)` "
                "writes there opens with `cf.load` in later ones too",
                name=name,
            )


sys.modules[__name__].__class__ = Rebinding
sys.meta_path.append(_Moved)
