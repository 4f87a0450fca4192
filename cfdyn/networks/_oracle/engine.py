"""The engines of a network's derivatives, and one interface to JAX and torch.

Both are imported when first needed, and used in float64, without changing the precision of the user's own programs.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from jax import Array as Array
    from numpy.typing import ArrayLike
    from torch import Tensor as Tensor
else:
    Array = Tensor = object

Tree = Any  # a pytree of arrays: the weights in the form in which the network was defined
Layers = Any  # a pytree of modules of Equinox
Products = Any  # one or several arrays, as the product's name says
EXTRAS = {"torch": "torch"}  # all others come with the extra networks


class Engine(Protocol):
    """A function of d weights, possibly also of rows of data, with an engine for its derivatives.

    ``call`` takes the names of `cfdyn.networks._oracle.products.PRODUCTS`; directions come in rows (k, d), the numbers of the
    rows of a mini-batch, or None for all, before the vectors."""

    start: np.ndarray
    rows: tuple[np.ndarray, ...]
    predicts: bool

    def call(self, name: str, rows: np.ndarray | None, *vectors: np.ndarray) -> Products:
        """One of the products."""

    def predict(self, w: np.ndarray, x: ArrayLike) -> np.ndarray:
        """The outputs at inputs x."""

    def unravel(self, w: np.ndarray) -> Tree:
        """The weights in the form in which the network was defined."""


def library(name: str) -> ModuleType:
    """The module ``jax``, ``jax.numpy``, ``equinox``, ``torch``, …; a UsageError that says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        first = name.partition(".")[0]
        needs = "networks need" if first not in EXTRAS else "networks of torch need"
        raise UsageError(f"{needs} {first}: pip install 'cfdyn[{EXTRAS.get(first, 'networks')}]'") from None


def float64() -> AbstractContextManager[None]:
    """A context in which JAX has 64-bit numbers."""
    jax = library("jax")
    return jax.enable_x64(True) if hasattr(jax, "enable_x64") else library("jax.experimental").enable_x64()
