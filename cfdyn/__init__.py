"""cfdyn: the dynamics of optimizers. Losses → maps → orbits → cycles, bifurcations, chaos.

Importing it loads nothing heavy: every public name is fetched from its module when first used.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import cfdyn.machine.portable  # noqa: F401 (from now on, whoever forks waits for what other threads import and compile)
from cfdyn.registry import Rebinding

__version__ = "0.1.0"

_WHERE = {
    "Loss": "loss", "Map": "systems", "as_map": "systems", "compose": "systems", "epoch": "epochs", "schedule": "epochs",
    "Optimizer": "symbolic.optimizer", "iterate": "orbits", "Orbit": "orbits", "load": "records",
    "Flow": "flow", "stationary_preconditioner": "flows.stationary",
    "solve": "integrate.solve", "Trajectory": "integrate.trajectory", "Event": "integrate.trajectory",
    "complementarity": "complementarity", "Complementarity": "complementarity",
    "compare": "comparison", "averages": "comparison", "animate": "plotting.animation",
    "minima": "minima", "study": "study", "plot": "plotting", "CfdynError": "errors",
}  # fmt: skip
if TYPE_CHECKING:
    # Their attributes are the functions of their submodules, which only `registry` knows.
    losses: Any
    optimizers: Any
    flows: Any
    analysis: Any
_PACKAGES = ("losses", "optimizers", "flows", "analysis", "lifts", "symbolic")

__all__ = [*_WHERE, *_PACKAGES, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"cfdyn.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module 'cfdyn' has no attribute {name!r}")
    value = sys.modules[__name__]._entry(name, importlib.import_module(f"cfdyn.{_WHERE[name]}"))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = Rebinding
