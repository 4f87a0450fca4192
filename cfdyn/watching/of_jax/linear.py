"""A step of optax, linearised: its answer to small changes of gradient, momentum and weights. No optimizer is known by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from cfdyn.networks._oracle.engine import library
from cfdyn.watching.of_jax.rule import Rule, Shape, wide


class Roles(NamedTuple):
    """Of each leaf of the state: ``odd``, it changes its sign with all gradients, as a momentum; ``average``, it shrinks without
    gradients and the step grows by that, as with an average of squares. ``calm``, ``light``: averages see the momentum
    (AdaBelief), or the weights (decay before Adam), which are set to 0 then."""

    odd: tuple[bool, ...]
    average: tuple[bool, ...]
    calm: bool
    light: bool


class Linear:
    """The linearised step of a rule, as a rule at a gradient of 0, with averages of squares as they are after the last step."""

    def __init__(self, rule: Rule, roles: Roles):
        self.rule, self.roles = rule, roles

    def settled(self, state: Any, weights: Any, times: Any) -> list[Any]:
        """The leaves of the state before a step without a gradient that has the given averages after it."""
        jax, np = library("jax"), library("jax.numpy")
        leaves, kind = jax.tree.flatten(jax.tree.map(wide, state))
        zero, roles = jax.tree.map(lambda one: wide(one) * 0, weights), self.roles
        weights = zero if roles.light else jax.tree.map(wide, weights)
        if roles.calm:
            leaves = [one * 0 if odd else one for one, odd in zip(leaves, roles.odd, strict=True)]
        after = jax.tree.leaves(self.rule.run(zero, jax.tree.unflatten(kind, leaves), weights, times)[1])

        def before(leaf: Any, next_: Any) -> Any:
            falls = (next_ * leaf > 0) & (abs(next_) < abs(leaf))
            return np.where(falls, leaf * (leaf / np.where(falls, next_, 1)), leaf)

        chosen = [odd or average for odd, average in zip(roles.odd, roles.average, strict=True)]
        return [before(a, b) if one else a for a, b, one in zip(leaves, after, chosen, strict=True)]

    @cached_property
    def along(self) -> Callable[..., tuple[Any, Any]]:
        """(state, weights, times, g, δg, δm, δw) → changes of the step and of the momentum after it, as vectors."""
        jax, np, roles, shape = library("jax"), library("jax.numpy"), self.roles, self.rule.shape

        def product(state: Any, weights: Any, times: Any, at: Any, *along: Any) -> tuple[Any, Any]:
            leaves, kind = self.settled(state, weights, times), jax.tree.structure(state)
            odd = Shape([one for one, is_odd in zip(leaves, roles.odd, strict=True) if is_odd])

            def step(gradient: Any, momentum: Any, weights: Any) -> tuple[Any, Any]:
                moved = iter(odd.pieces(momentum))
                now = [next(moved).astype(one.dtype) if is_odd else one for one, is_odd in zip(leaves, roles.odd, strict=True)]
                given = (jax.tree.unflatten(shape.tree, shape.pieces(one)) for one in (gradient, weights))
                gradient, weights = given
                change, after = self.rule.run(gradient, jax.tree.unflatten(kind, now), weights, times)
                kept = [one for one, is_odd in zip(jax.tree.leaves(after), roles.odd, strict=True) if is_odd]
                return shape.flat(change), odd.joined(kept)

            w = shape.flat(weights) * (0 if roles.light else 1)
            m = odd.joined([one for one, is_odd in zip(leaves, roles.odd, strict=True) if is_odd]).astype(along[1].dtype)
            change, after = jax.jvp(step, (at, m, w), along)[1]
            return change, np.where(np.isfinite(after), after, 0)

        return jax.jit(product)

    @cached_property
    def finish(self) -> Callable[..., Any]:
        """A function of the shape of the weights and of vectors, compiled."""
        return library("jax").jit(lambda function, *vectors: function(self.rule.shape, *vectors), static_argnums=0)

    def momenta(self, state: Any) -> int:
        """Numbers in the momentum."""
        leaves = library("jax").tree.leaves(state)
        return sum(one.size for one, odd in zip(leaves, self.roles.odd, strict=True) if odd)
