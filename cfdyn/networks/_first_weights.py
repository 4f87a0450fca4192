"""Initial weights of layers, drawn by JAX once and kept: compiling the draw takes longer than steps of a small net."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.machine.fingerprints import fingerprint
from cfdyn.machine.shelf import Shelf
from cfdyn.networks._oracle.engine import Array, Layers, library

MOST = 2**20  # bytes of weights that are kept: more take about as long to draw as to compile
MAKING = 3  # arrays of all weights at once, measured
_before: ContextVar[Callable[[int], None]] = ContextVar("before", default=lambda count: None)
_PACKAGES = ("jax", "jaxlib", "equinox")
_CHANGE_DRAWS = ("jax_threefry_partitionable", "jax_default_prng_impl")  # settings of JAX
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container, where there is one


@cache
def _shelf(entry: str) -> Shelf:
    """A key that changes with a network's sources, JAX and its settings, and the processor, which may fuse multiply and add."""
    import llvmlite.binding as llvm

    jax = library("jax")
    settings = [str(getattr(jax.config, name, None)) for name in _CHANGE_DRAWS]
    machine = (jax.default_backend(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    return Shelf("weights", fingerprint((f"networks.{entry}",), _PACKAGES, *settings, *machine))


@contextmanager
def told(before: Callable[[int], None]) -> Iterator[None]:
    """In this context ``before`` is called with the number of weights of a network before they are drawn."""
    token = _before.set(before)
    try:
        yield
    finally:
        _before.reset(token)


def check_room(count: int, arrays: int, what: str) -> None:
    """Raise UsageError if the machine cannot hold ``arrays`` arrays of this many weights at once; ``what`` needs them."""
    there, taken = bytes_of_memory(), 8.0 * count * arrays
    if taken > there:
        raise UsageError(f"the network has {count:,} weights, {8 * count / 1e9:.3g} GB, and {what} takes {arrays} times as much "
                         f"at least, {taken / 1e9:.3g} GB; this machine has {there / 1e9:.3g} GB: make it smaller")  # fmt: skip


def first_weights(make: Callable[[Array], Layers], seed: int, entry: str, options: object) -> Layers:
    """The layers ``make(key)`` of the seed, a tree of Equinox modules; within `cfdyn.networks._oracle.engine.float64`.

    ``entry``, ``options``: the network of the catalogue, and everything besides the shapes of its weights on which the draws
    depend. A UsageError if the machine has too little memory for them.
    """
    jax, eqx = library("jax"), library("equinox")

    def drawn() -> Layers:
        return make(jax.random.PRNGKey(seed))

    leaves, tree = jax.tree_util.tree_flatten(eqx.filter_eval_shape(drawn))
    shapes = [leaf if isinstance(leaf, jax.ShapeDtypeStruct) else None for leaf in leaves]
    sizes = [0 if shape is None else math.prod(shape.shape) for shape in shapes]
    _before.get()(sum(sizes))
    check_room(sum(sizes), MAKING, "making it")
    if 8 * sum(sizes) > MOST or any(shape is not None and shape.dtype != float for shape in shapes):
        return drawn()
    key = repr((entry, options, seed, [None if shape is None else shape.shape for shape in shapes]))
    kept = _shelf(entry).read(key)
    if kept is None or len(kept) != 8 * sum(sizes):
        layers = drawn()
        arrays = [leaf for leaf, shape in zip(jax.tree_util.tree_leaves(layers), shapes, strict=True) if shape is not None]
        _shelf(entry).write(key, np.concatenate([np.ravel(np.asarray(array)) for array in arrays]).tobytes())
        return layers
    parts = np.split(np.frombuffer(kept), np.cumsum(sizes)[:-1])
    return jax.tree_util.tree_unflatten(tree, [
        leaf if shape is None else jax.numpy.asarray(part.reshape(shape.shape))
        for leaf, shape, part in zip(leaves, shapes, parts, strict=True)
    ])  # fmt: skip


def bytes_of_memory() -> float:
    """The memory available to all processes here together, in bytes; infinite if the system does not report it."""
    found = [float("inf")]
    with suppress(AttributeError, ValueError, OSError):
        found.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    for limit in LIMITS:
        with suppress(ValueError, OSError):
            found.append(float(Path(limit).read_text()))
    return min(size for size in found if size > 0)
