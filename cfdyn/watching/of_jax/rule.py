"""The step of a transformation of optax, and trees of arrays as vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cfdyn.networks._oracle.engine import library

BETTER = -math.inf  # the loss, for rules that ask for it: better than all before, so that no rate falls at a plateau


class Shape:
    """A tree of arrays as one vector (d,), of single precision at least, and back."""

    def __init__(self, tree: Any):
        leaves, self.tree = library("jax").tree.flatten(tree)
        self.shapes = [tuple(one.shape) for one in leaves]
        self.types = [one.dtype for one in leaves]
        self.sizes = [math.prod(shape) for shape in self.shapes]
        self.ends = [sum(self.sizes[: k + 1]) for k in range(len(self.sizes))]

    def joined(self, leaves: Sequence[Any]) -> Any:
        """Leaves as a vector."""
        np = library("jax.numpy")
        return np.concatenate([wide(one).reshape(-1) for one in leaves]) if leaves else np.zeros(0)

    def flat(self, tree: Any) -> Any:
        """A tree as a vector."""
        return self.joined(library("jax").tree.leaves(tree))

    def pieces(self, v: Any) -> list[Any]:
        """A vector as leaves, in its own precision."""
        starts = [end - size for end, size in zip(self.ends, self.sizes, strict=True)]
        return [v[a:b].reshape(shape) for a, b, shape in zip(starts, self.ends, self.shapes, strict=True)]

    def split(self, v: Any) -> Any:
        """A vector as a tree, in the precision of its leaves."""
        leaves = [one.astype(kind) for one, kind in zip(self.pieces(v), self.types, strict=True)]
        return library("jax").tree.unflatten(self.tree, leaves)


def wide(leaf: Any) -> Any:
    """Floating-point numbers of less than 32 bits as float32; all else as it is."""
    np = library("jax.numpy")
    low = np.issubdtype(leaf.dtype, np.floating) and np.finfo(leaf.dtype).bits < 32
    return leaf.astype(np.float32) if low else leaf


class Rule:
    """``update`` of a transformation, for weights with the shapes of ``like``.

    With accumulation (`MultiSteps`) a step is all updates until the next change of the weights, with the same gradient in each.
    """

    def __init__(self, transformation: Any, like: Any):
        jax = library("jax")
        self.update, self.init = transformation.update, transformation.init
        self.takes_value = type(transformation).__name__ != "GradientTransformation"
        self.shape = Shape(like)
        self.accumulates = "MultiStepsState" in {type(one).__name__ for one in nodes(jax.eval_shape(self.init, like))}

    def update_once(self, gradient: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        """The change of the weights and the state, of one update."""
        return self.update(gradient, state, weights, **({"value": BETTER} if self.takes_value else {}))

    def run(self, gradient: Any, state: Any, weights: Any, times: Any) -> tuple[Any, Any]:
        """The change of the weights in a step, and the state after it."""
        jax = library("jax")
        if not self.accumulates:
            return self.update_once(gradient, state, weights)

        def once(_: Any, carried: tuple[Any, Any]) -> tuple[Any, Any]:
            change, state = self.update_once(gradient, carried[1], weights)
            return jax.tree.map(lambda a, b: a + b, carried[0], change), state

        return jax.lax.fori_loop(0, times, once, (jax.tree.map(lambda one: one * 0, gradient), state))


def nodes(tree: Any) -> list[Any]:
    """All tuples with names within a state, from outside to inside."""
    found: list[Any] = []

    def seen(one: Any) -> bool:
        if hasattr(one, "_fields"):
            found.append(one)
        return False

    library("jax").tree.leaves(tree, is_leaf=seen)
    return found
