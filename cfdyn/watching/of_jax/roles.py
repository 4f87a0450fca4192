"""What each leaf of an optimizer's state is for, found by steps on weights of at most two numbers in each dimension."""

from __future__ import annotations

from functools import partial
from typing import Any

from cfdyn.networks._oracle.engine import library
from cfdyn.watching.of_jax.linear import Linear, Roles
from cfdyn.watching.of_jax.rule import Rule, nodes, wide

STEPS = (64, 16, 4, 1, 256, 1024, 4096)  # after which a state is looked at: the first after which a schedule has a rate
SAME, MORE = 1e-4, 1.1  # of the largest number: equal but for rounding; a factor by which an average is raised


class Small:
    """A transformation with small weights of the same tree, and its state after steps in random directions."""

    def __init__(self, transformation: Any, params: Any):
        jax = library("jax")
        for most in (2, None):  # a rule may ask for the size of a weight: then the small state is another one
            self.weights = jax.tree.map(partial(_corner, most=most), params)
            states = (jax.tree.structure(jax.eval_shape(transformation.init, one)) for one in (self.weights, params))
            if len(set(states)) == 1:
                break
        self.rule = Rule(transformation, self.weights)
        self.start = transformation.init(self.weights)
        self._stepped = jax.jit(self._steps)
        self.block = self.times(self.start)
        self.steps = next((steps for steps in STEPS if self._moves(self.state(1.0, steps))), STEPS[0])
        self.linear = Linear(self.rule, self._roles())

    def _steps(self, gradient: Any, state: Any, weights: Any, count: Any) -> tuple[Any, Any]:
        """The sum of the changes of so many updates, the k-th with cos k times a gradient, and the state after them."""
        jax = library("jax")

        def once(k: Any, carried: tuple[Any, Any]) -> tuple[Any, Any]:
            given = jax.tree.map(lambda one: one * jax.numpy.cos(k).astype(one.dtype), gradient)
            change, state = self.rule.update_once(given, carried[1], weights)
            return jax.tree.map(lambda a, b: a + b, carried[0], change), state

        return jax.lax.fori_loop(0, count, once, (jax.tree.map(lambda one: one * 0, gradient), state))

    def random(self, size: float) -> Any:
        """A gradient of both signs and sizes between a half and the whole of this."""
        jax = library("jax")
        keys = iter(jax.random.split(jax.random.key(0), len(self.rule.shape.sizes)))

        def one(leaf: Any) -> Any:
            u = jax.random.uniform(next(keys), leaf.shape, minval=-0.5, maxval=0.5)
            return (size * (u + 0.5 * jax.numpy.sign(u))).astype(leaf.dtype)

        return jax.tree.map(one, self.weights)

    def state(self, size: float, steps: int = 0) -> Any:
        """The state after steps with a random gradient, with no accumulation under way."""
        return self._stepped(self.random(size), self.start, self.weights, self.block * -(-(steps or self.steps) // self.block))[1]

    def _moves(self, state: Any) -> bool:
        changes = self._stepped(self.random(1.0), state, self.weights, self.block)[0]
        return any(bool((one != 0).any()) for one in library("jax").tree.leaves(changes))

    def times(self, state: Any) -> int:
        """Updates of an accumulation that begins, from the whole numbers of the real state."""
        jax, np = library("jax"), library("jax.numpy")
        if not self.rule.accumulates:
            return 1
        leaves, kind = jax.tree.flatten(self.start)
        pairs = zip(leaves, jax.tree.leaves(state), strict=True)
        mine = jax.tree.unflatten(kind, [a if np.issubdtype(a.dtype, np.inexact) else b for a, b in pairs])
        gradient, count = self.random(1.0), 0
        while count == 0 or self.within(mine):
            mine, count = self._stepped(gradient, mine, self.weights, 1)[1], count + 1
        return count

    def within(self, state: Any) -> bool:
        """Whether gradients are being accumulated, and the last update was no step."""
        waiting = (one.mini_step for one in nodes(state) if type(one).__name__ == "MultiStepsState")
        return self.rule.accumulates and int(next(waiting)) > 0

    def _roles(self) -> Roles:
        """By the symmetry of a rule: with all gradients, a momentum changes its sign and an average of squares does not."""
        jax = library("jax")
        gradient = self.random(1.0)
        there = jax.tree.leaves(self.state(1.0))
        back = jax.tree.leaves(self.state(-1.0))
        odd = tuple(_numbers(a) and _size(a) > 0 and _size(a + b) <= SAME * _size(a) for a, b in zip(there, back, strict=True))
        kind = jax.tree.structure(self.start)
        rest = jax.tree.map(lambda one: one * 0, gradient)

        def after(leaves: list[Any], weights: Any = self.weights) -> list[Any]:
            return jax.tree.leaves(self._stepped(rest, jax.tree.unflatten(kind, leaves), weights, self.block)[1])

        calmed = [one * 0 if is_odd else one for one, is_odd in zip(there, odd, strict=True)]
        next_, calm, heavy = after(there), after(calmed), after(there, gradient)
        even = [_numbers(a) and not is_odd for a, is_odd in zip(there, odd, strict=True)]

        def sees(other: list[Any]) -> bool:
            return any(is_even and _size(a - b) > SAME * _size(a) for a, b, is_even in zip(next_, other, even, strict=True))

        seen = sees(calm), sees(heavy)
        if seen[0]:
            there, next_ = calmed, calm
        falls = [is_even and _falls(a, b) for a, b, is_even in zip(there, next_, even, strict=True)]
        average = tuple(one and self._divides(gradient, there, k) for k, one in enumerate(falls))
        return Roles(odd, average, *seen)

    def _divides(self, gradient: Any, leaves: list[Any], k: int) -> bool:
        """Whether a larger average makes the step smaller."""
        jax, sizes = library("jax"), []
        for factor in (1.0, MORE):
            given = [one * factor if j == k else one for j, one in enumerate(leaves)]
            state = jax.tree.unflatten(jax.tree.structure(self.start), given)
            change = self._stepped(gradient, state, self.weights, self.block)[0]
            sizes.append(sum(float(abs(wide(one)).sum()) for one in jax.tree.leaves(change)))
        return sizes[1] < sizes[0]


def _corner(leaf: Any, most: int | None) -> Any:
    return library("jax.numpy").zeros([n if most is None else min(n, most) for n in leaf.shape], leaf.dtype)


def _numbers(leaf: Any) -> bool:
    np = library("jax.numpy")
    return bool(np.issubdtype(leaf.dtype, np.floating))


def _size(leaf: Any) -> float:
    return float(abs(wide(leaf)).max()) if leaf.size else 0.0


def _falls(leaf: Any, next_: Any) -> bool:
    return bool(((next_ >= 0) & (next_ <= leaf)).all() and (next_ < leaf).any())
