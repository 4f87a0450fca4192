"""Proofs in ball arithmetic about the map that a formula and an optimizer make; each function gives a `Certificate`."""

import importlib
import sys
from typing import Any

from cfdyn.registry import Rebinding

_WHERE = {
    "cycle": "cycle", "branch": "branch", "bifurcation": "bifurcation", "cycles": "ledger", "no_cycles": "absence",
    "chaos": "chaos", "horseshoe": "horseshoe", "trapping": "trapping", "convergence": "convergence", "edge": "edge",
    "check": "checker.check", "Certificate": "certificate",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'cfdyn.certify' has no attribute {name!r}", name=name, obj=sys.modules[__name__])
    value = sys.modules[__name__]._entry(name, importlib.import_module(f"cfdyn.certify.{_WHERE[name]}"))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_WHERE)


sys.modules[__name__].__class__ = Rebinding
