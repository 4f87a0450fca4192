"""The step of a transformation of optax as a function of flat vectors, and its linearisation; it knows no optimizer by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from cfdyn.networks._oracle.engine import library


class Roles(NamedTuple):
    """Of each leaf of the state: ``odd``, it changes its sign with all gradients, as a momentum; ``average``, it shrinks without
    gradients and the step with it, as an average of squares. ``calm``, ``light``: averages see the momentum (AdaBelief), or the
    weights (decay before Adam), which are set to 0 then. ``window``: 1/(1 − β₂), steps over which they are averaged."""

    odd: tuple[bool, ...]
    average: tuple[bool, ...]
    calm: bool
    light: bool
    window: float


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

    def pieces(self, v: Any) -> list[Any]:
        """A vector as leaves, in its own precision."""
        starts = [end - size for end, size in zip(self.ends, self.sizes, strict=True)]
        return [v[a:b].reshape(shape) for a, b, shape in zip(starts, self.ends, self.shapes, strict=True)]

    def split(self, v: Any) -> Any:
        """A vector as a tree, in the precision of its leaves."""
        return library("jax").tree.unflatten(self.tree, [one.astype(kind) for one, kind in zip(self.pieces(v), self.types, strict=True)])


def wide(leaf: Any) -> Any:
    """Floating-point numbers of less than 32 bits as float32; all else as it is."""
    np = library("jax.numpy")
    low = np.issubdtype(leaf.dtype, np.floating) and np.finfo(leaf.dtype).bits < 32
    return leaf.astype(np.float32) if low else leaf


class Rule:
    """What ``update`` of a transformation does, as a rule at a gradient of 0, to small changes of gradient, momentum and weights.

    ``like``: weights, or arrays of their shapes. With accumulation (`MultiSteps`) a step is all updates until the next change
    of the weights, with the same gradient in each.
    """

    def __init__(self, transformation: Any, like: Any, roles: Roles | None = None):
        jax = library("jax")
        self.update, self.init = transformation.update, transformation.init
        self.takes_value = type(transformation).__name__ != "GradientTransformation"
        self.shape, self.roles = Shape(like), roles
        self.accumulates = "MultiStepsState" in {type(one).__name__ for one in nodes(jax.eval_shape(self.init, like))}

    def update_once(self, gradient: Any, state: Any, weights: Any, value: Any) -> tuple[Any, Any]:
        """The change of the weights and the state, of one update; ``value``: the loss, for rules that ask for it."""
        return self.update(gradient, state, weights, **({"value": value} if self.takes_value else {}))

    def run(self, gradient: Any, state: Any, weights: Any, value: Any, times: Any) -> tuple[Any, Any]:
        """The change of the weights in a step, and the state after it."""
        jax = library("jax")
        if not self.accumulates:
            return self.update_once(gradient, state, weights, value)

        def once(_: Any, carried: tuple[Any, Any]) -> tuple[Any, Any]:
            change, state = self.update_once(gradient, carried[1], weights, value)
            return jax.tree.map(lambda a, b: a + b, carried[0], change), state

        return jax.lax.fori_loop(0, times, once, (jax.tree.map(lambda one: one * 0, gradient), state))

    def settled(self, state: Any, weights: Any, value: Any, times: Any) -> list[Any]:
        """The leaves of the state before a step without a gradient that has the given averages after it."""
        jax, np = library("jax"), library("jax.numpy")
        leaves, kind = jax.tree.flatten(jax.tree.map(wide, state))
        zero, roles = jax.tree.map(lambda one: wide(one) * 0, weights), self.roles
        weights = zero if roles.light else jax.tree.map(wide, weights)
        if roles.calm:
            leaves = [one * 0 if odd else one for one, odd in zip(leaves, roles.odd, strict=True)]
        after = jax.tree.leaves(self.run(zero, jax.tree.unflatten(kind, leaves), weights, value, times)[1])

        def before(leaf: Any, next_: Any) -> Any:
            falls = (next_ * leaf > 0) & (abs(next_) < abs(leaf))
            return np.where(falls, leaf * (leaf / np.where(falls, next_, 1)), leaf)

        chosen = [odd or average for odd, average in zip(roles.odd, roles.average, strict=True)]
        return [before(a, b) if one else a for a, b, one in zip(leaves, after, chosen, strict=True)]

    def flat(self, tree: Any) -> Any:
        """A tree like the weights as a vector."""
        return self.shape.joined(library("jax").tree.leaves(tree))

    @cached_property
    def linear(self) -> Callable[..., tuple[Any, Any]]:
        """(state, weights, value, times, g, δg, δm, δw) → (change of the step, change of the momentum after it), all as vectors."""
        jax, np, roles = library("jax"), library("jax.numpy"), self.roles

        def product(state: Any, weights: Any, value: Any, times: Any, at: Any, *along: Any) -> tuple[Any, Any]:
            leaves, kind = self.settled(state, weights, value, times), jax.tree.structure(state)
            odd = Shape([one for one, is_odd in zip(leaves, roles.odd, strict=True) if is_odd])

            def step(gradient: Any, momentum: Any, weights: Any) -> tuple[Any, Any]:
                moved = iter(odd.pieces(momentum))
                now = [next(moved).astype(one.dtype) if is_odd else one for one, is_odd in zip(leaves, roles.odd, strict=True)]
                given = (jax.tree.unflatten(self.shape.tree, self.shape.pieces(one)) for one in (gradient, weights))
                gradient, weights = given
                change, after = self.run(gradient, jax.tree.unflatten(kind, now), weights, value, times)
                kept = [one for one, is_odd in zip(jax.tree.leaves(after), roles.odd, strict=True) if is_odd]
                return self.shape.joined(jax.tree.leaves(change)), odd.joined(kept)

            w = self.flat(weights) * (0 if roles.light else 1)
            m = odd.joined([one for one, is_odd in zip(leaves, roles.odd, strict=True) if is_odd]).astype(along[1].dtype)
            change, after = jax.jvp(step, (at, m, w), along)[1]
            return change, np.where(np.isfinite(after), after, 0)

        return jax.jit(product)

    @cached_property
    def finish(self) -> Callable[..., Any]:
        """A function of the shape of the weights and of vectors, compiled."""
        return library("jax").jit(lambda function, *vectors: function(self.shape, *vectors), static_argnums=0)

    def momenta(self, state: Any) -> int:
        """Numbers in the momentum."""
        leaves = library("jax").tree.leaves(state)
        return sum(one.size for one, odd in zip(leaves, self.roles.odd, strict=True) if odd)


def nodes(tree: Any) -> list[Any]:
    """All tuples with names within a state, from outside to inside."""
    found: list[Any] = []

    def seen(one: Any) -> bool:
        if hasattr(one, "_fields"):
            found.append(one)
        return False

    library("jax").tree.leaves(tree, is_leaf=seen)
    return found
