"""Rows of data as sequences of vectors: symbols, series, and pictures read line by line or in patches."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError
from cfdyn.networks._models import pictures_only
from cfdyn.networks._oracle.engine import Array, Layers, library


class Reading(NamedTuple):
    """``length`` places; ``split(x)`` are the places of an input, ``make(width, key)`` is the layer that maps one to a vector."""

    length: int
    make: Callable[[int, Array], Layers]
    split: Callable[[Array], Array]


def reading(data: DataSet, what: str, patch: int = 0) -> Reading:
    """How the rows of data are read; pictures in ``patch`` × ``patch`` pixels, or line by line."""
    nn, shape = library("equinox").nn, data.inputs.shape[1:]
    if data.symbols:
        return Reading(shape[0], lambda width, key: nn.Embedding(data.symbols, width, key=key), lambda x: x)
    if len(shape) == 1:
        raise UsageError(f"{what} reads sequences and pictures, and the rows of {data.title} have no order; mlp takes these, and "
                         "a series is (n, length, features)")  # fmt: skip
    if len(shape) == 2:
        length, split = shape[0], lambda x: x
    elif patch:
        length, split = _patches(data, what, patch)
    else:
        length, split = shape[1], lambda x: x.transpose(1, 0, 2).reshape(x.shape[1], -1)
    features = data.n_inputs // length
    return Reading(length, lambda width, key: nn.Linear(features, width, key=key), split)


def _patches(data: DataSet, what: str, patch: int) -> tuple[int, Callable[[Array], Array]]:
    channels, height, width = pictures_only(data, what)
    side = whole_number(f"{what}: patch", patch, 1, min(height, width))
    if height % side or width % side:
        raise UsageError(f"{what}: patches of {side} × {side} do not cover pictures of {height} × {width} evenly")
    down, across = height // side, width // side

    def split(x: Array) -> Array:
        parts = x.reshape(channels, down, side, across, side).transpose(1, 3, 0, 2, 4)
        return parts.reshape(down * across, channels * side * side)

    return down * across, split
