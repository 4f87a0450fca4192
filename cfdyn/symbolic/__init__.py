"""Formulas and specifications: sympy only. Public: `cycles` and `edge`, closed forms where they exist."""

from typing import Any

_WHERE = {"cycles": "cycles", "edge": "edge", "short_forms": "short"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'cfdyn.symbolic' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"cfdyn.symbolic.exact.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
