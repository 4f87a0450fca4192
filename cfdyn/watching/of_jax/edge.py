"""The edge of stability of any rule that works coordinate by coordinate, from its linearised step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import library
from cfdyn.watching.edge import Memory
from cfdyn.watching.of_jax.linear import Linear
from cfdyn.watching.of_jax.rule import Shape

MOST, GOOD = 12, 1e-6  # vectors of GMRES, and its residual
ALIKE = 1e-3  # relative: equal but for rounding in single precision
DIGITS = 4  # of β and of the direct part
NEAR = 1e-6  # a gradient that is small
DIVIDED = "is not a number, as where it is divided by a norm of the gradient"
SIGN = "is 0: it takes its sign (as Lion's), or nothing is trained"
NEVER = 1e30  # the scale of a weight that does not move; its square root's reciprocal is a number in single precision


class NoEdge(UsageError):
    """The step does not answer to a small gradient: never, or while the rate is 0."""


class Linearised(NamedTuple):
    """θP of each weight (d,), what adds to the curvature included, and the memory of each leaf of the weights, None where it has
    another form. A leaf that does not move has that of the first one that does."""

    scale: Any
    memories: list[Memory | None]
    remarks: list[str]


class Linearisation:
    """Of a rule, for the step about to be taken from a state. At the edge w alternates, and with it the momentum m.

    (A + 1)δm = −(Bδg + Yδw), the step answers with Gδg + Eδw = −2δw, and so δg = λδw at the curvature λ = −(2 + E)/G, coordinate
    by coordinate.
    """

    def __init__(self, linear: Linear, state: Any, weights: Any, times: int):
        self.linear, self.given = linear, (state, weights, times)
        self.zero = linear.rule.shape.flat(weights) * 0
        self.none = library("jax.numpy").zeros(linear.momenta(state), self.zero.dtype)

    def edge(self, verify: bool) -> Linearised:
        """``verify``: that the step is coordinate by coordinate; a UsageError if not, and `NoEdge` where no weight has one."""
        gain, at_once, kick = self._answer(self.zero + 1, self.zero)
        drift = self._answer(self.zero, self.zero + 1)[0]
        first, echo = self._through(kick)
        parts = gain, drift, at_once, first, self._through(echo)[0]
        scale, memories, counts = self.linear.finish(_finished, *parts)
        dead, still, up, size = (int(one) for one in counts)
        if dead + still == size:
            reason = DIVIDED if dead else SIGN
            raise NoEdge(f"the step's answer to a small gradient {reason}; there is no edge")
        if verify:
            r = self._random(1)
            _alike(self._answer(r, self.zero)[0], r * gain)
        if up:
            raise UsageError("some weights go up the gradient (`optax.masked` does so where its mask is False): there is no edge")
        left = {"never had a gradient": dead, "do not answer to a small gradient, frozen or moved by its sign": still}
        remarks = [f"{count} of {size} weights {what}, and are left out" for what, count in left.items() if count]
        moves = [bool((one < NEVER).any()) for one in self.linear.rule.shape.pieces(scale)]
        rounded = [_rounded(*pair) for pair in np.asarray(memories).tolist()]
        first_moving = rounded[moves.index(True)]
        return Linearised(scale, [one if own else first_moving for one, own in zip(rounded, moves, strict=True)], remarks)

    def verify_smooth(self) -> None:
        """A UsageError if the step near a gradient of 0 is not that at 0: it is divided by a norm of the gradient."""
        r = self._random(2)
        at_zero, near = (self._along(r, self.none, self.zero, at)[0] for at in (self.zero, NEAR * r))
        _alike(near, at_zero)

    def _along(self, gradient: Any, momentum: Any, moved: Any, at: Any = None) -> tuple[Any, Any]:
        return self.linear.along(*self.given, self.zero if at is None else at, gradient, momentum, moved)

    def _through(self, momentum: Any) -> tuple[Any, Any]:
        return self._along(self.zero, momentum, self.zero)

    def _answer(self, gradient: Any, moved: Any) -> tuple[Any, Any, Any]:
        """Of the step to an alternating gradient or weight, the part of it at once, and what that adds to the momentum."""
        at_once, kick = self._along(gradient, self.none, moved)
        return at_once + self._through(solved(lambda m: self._through(m)[1] + m, -kick))[0], at_once, kick

    def _random(self, seed: int) -> Any:
        jax = library("jax")
        return jax.random.normal(jax.random.key(seed), self.zero.shape, self.zero.dtype)


def _rounded(beta: float, direct: float) -> Memory | None:
    return None if np.isnan(beta) else Memory(round(beta, DIGITS), round(direct, DIGITS) + 0.0)


def _alike(one: Any, other: Any) -> None:
    one, other = (np.where(np.isfinite(other), np.asarray(v), 0) for v in (one, other))
    if not abs(one - other).max() <= ALIKE * abs(other).max():
        raise UsageError("the step is not coordinate by coordinate, and its edge is unknown (as of LARS, LAMB, Muon, Shampoo)")


def _finished(shape: Shape, gain: Any, drift: Any, at_once: Any, first: Any, second: Any) -> tuple[Any, Any, Any]:
    """θP, the memories (leaves, 2), and how many weights have no answer that is a number, none, and one up the gradient."""
    jnp = library("jax.numpy")
    dead, still = ~jnp.isfinite(gain), gain == 0
    scale = jnp.where(dead | still, NEVER, jnp.clip(-(2 + drift) / jnp.where(still, -1, gain), 0, NEVER))
    parts = [jnp.where(dead | still, 0, v / jnp.where(still, 1, gain)) for v in (at_once, first, second)]
    memories = jnp.stack([_memory(*pieces) for pieces in zip(*(shape.pieces(v) for v in parts), strict=True)])
    return scale, memories, jnp.stack([dead.sum(), still.sum(), (gain > 0).sum(), jnp.array(gain.size)])


def _memory(at_once: Any, first: Any, second: Any) -> Any:
    """β and the direct part of F(z) = D + F₁/(z − β) from the first two echoes Cx and CAx of a gradient, x = Bδg, of which the
    second is β times the first; NaN where it is not."""
    jnp = library("jax.numpy")
    square, whole = (first * first).sum(), (at_once * at_once).sum()
    beta = (first * second).sum() / jnp.where(square > 0, square, 1)
    total = (at_once + first / (1 - jnp.where(beta < 1, beta, 0))).sum()
    direct = (at_once.sum() / jnp.where(total == 0, 1, total) - 1 + beta) / jnp.where(beta == 0, 1, beta)
    fits = (abs(beta) > ALIKE) & (abs(beta) < 1) & (((second - beta * first) ** 2).sum() <= ALIKE**2 * square)
    found = jnp.where(fits, jnp.stack([beta, direct]), jnp.nan)
    return jnp.where(square <= ALIKE**2 * whole, 0, found)


def solved(apply: Callable[[Any], Any], b: Any) -> Any:
    """x with apply(x) = b, by GMRES: as many products as the matrix of a coordinate has different eigenvalues.

    >>> import jax.numpy as jnp
    >>> solved(lambda v: jnp.array([2.0, 4.0, 4.0]) * v, jnp.array([1.0, 2.0, 6.0])).round(5).tolist()
    [0.5, 0.5, 1.5]
    """
    size = _length(b)
    if not size > 0:
        return b
    basis, columns = [b / size], []
    while True:
        image, column = apply(basis[-1]), np.zeros(MOST + 1)
        for _ in range(2):
            for k, v in enumerate(basis):
                part = float(v @ image)
                column[k] += part
                image = image - part * v
        done = len(basis)
        column[done] = _length(image)
        columns.append(column)
        matrix, right = np.array(columns).T[: done + 1], np.zeros(done + 1)
        right[0] = size
        weights = np.linalg.lstsq(matrix, right, rcond=None)[0]
        left = np.linalg.norm(matrix @ weights - right)
        if left <= GOOD * size or done == MOST or not column[done] > 0:
            if not left <= ALIKE * size:
                raise UsageError("the momentum of the step has no alternation that repeats, and its edge is unknown")
            return sum((float(c) * v for c, v in zip(weights[1:], basis[1:], strict=True)), float(weights[0]) * basis[0])
        basis.append(image / column[done])


def _length(v: Any) -> float:
    return float(v @ v) ** 0.5
