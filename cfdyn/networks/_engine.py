"""JAX behind one door: imported when first needed, in float64 without changing what the user's own programs compute in."""

from __future__ import annotations

import importlib
from typing import Any

from cfdyn.errors import UsageError


def library(name: str) -> Any:
    """The module ``jax``, ``jax.numpy``, ``equinox``, …; a UsageError that says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UsageError(f"networks need {name.partition('.')[0]}: pip install 'cfdyn[networks]'") from None


def float64() -> Any:
    """A context in which JAX has 64-bit numbers."""
    jax = library("jax")
    return jax.enable_x64(True) if hasattr(jax, "enable_x64") else library("jax.experimental").enable_x64()
