"""Closed forms, where they exist: `cycles` of an optimizer on a loss or of a map, the `edge` of stability, `short_forms`.

>>> import cfdyn as cf
>>> exact = cf.symbolic.cycles(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), 2)
>>> [(kind, str(root.formula)) for kind, root in exact.bifurcations]
[('birth by doubling', '1'), ('flip', '-1 + sqrt(5)')]
"""

from typing import Any

from cfdyn.errors import no_attribute

_WHERE = {"cycles": "cycles", "edge": "edge", "short_forms": "short"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise no_attribute("cfdyn.symbolic", name, _WHERE)
    import importlib

    value = getattr(importlib.import_module(f"cfdyn.symbolic.exact.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_WHERE)
