"""The edge of stability of any rule that works coordinate by coordinate, from its linearised step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import library
from cfdyn.watching.of_jax.rule import Rule

MOST, GOOD = 12, 1e-6  # vectors of GMRES, and its residual
ALIKE = 1e-3  # relative: equal but for rounding in single precision
DIGITS = 4  # of β and of the direct part
NEAR = 1e-6  # a gradient that is small
NEVER = 1e30  # the scale of a weight that does not move; its square root's reciprocal is a number in single precision


class Linearised(NamedTuple):
    """θP of each weight (d,), what adds to the curvature included, and for each leaf of the weights β and the direct part of its
    memory, NaN where that is not of the form c + (1 − c)(1 − β)z/(z − β)."""

    scale: Any
    memories: list[tuple[float, float]]
    remarks: list[str]


def linearised(rule: Rule, state: Any, weights: Any, value: float, times: int, verify: bool) -> Linearised:
    """For the step about to be taken. At the edge w alternates, and with it the momentum m: (A + 1)δm = −(Bδg + Yδw), the step
    answers with Gδg + Eδw = −2δw, and so δg = λδw at the curvature λ = −(2 + E)/G, coordinate by coordinate."""
    jax, jnp = library("jax"), library("jax.numpy")
    zero = rule.flat(weights) * 0
    none, ones = jnp.zeros(rule.momenta(state), zero.dtype), zero + 1

    def along(gradient: Any, momentum: Any, moved: Any) -> tuple[Any, Any]:
        return rule.linear(state, weights, value, times, zero, gradient, momentum, moved)

    def through(momentum: Any) -> tuple[Any, Any]:
        return along(zero, momentum, zero)

    def answer(gradient: Any, moved: Any) -> tuple[Any, Any, Any]:
        at_once, kick = along(gradient, none, moved)
        return at_once + through(solved(lambda m: through(m)[1] + m, -kick))[0], at_once, kick

    gain, at_once, kick = answer(ones, zero)
    drift = answer(zero, ones)[0]
    dead, still = ~jnp.isfinite(gain), gain == 0
    _refuse(dead, still)
    if verify:
        r = jax.random.normal(jax.random.key(1), zero.shape, zero.dtype)
        _alike(jnp.where(dead, 0, answer(r, zero)[0]), jnp.where(dead, 0, r * gain))
    if bool((gain > 0).any()):
        raise UsageError("some weights go up the gradient (`optax.masked` does so where its mask is False): there is no edge")
    scale = jnp.where(dead | still, NEVER, jnp.clip(-(2 + drift) / jnp.where(still, -1, gain), 0, NEVER))
    left = {"never had a gradient": dead, "do not answer to a small gradient, frozen or moved by its sign": still}
    remarks = [f"{int(which.sum())} of {zero.size} weights {what}, and are left out" for what, which in left.items() if bool(which.any())]
    return Linearised(scale, _memories(rule, gain, at_once, kick, through), remarks)


def smooth(rule: Rule, state: Any, weights: Any, value: float, times: int) -> None:
    """A UsageError if the step near a gradient of 0 is not that at 0: it is divided by a norm of the gradient."""
    jax, jnp = library("jax"), library("jax.numpy")
    zero = rule.flat(weights) * 0
    none, r = jnp.zeros(rule.momenta(state), zero.dtype), jax.random.normal(jax.random.key(2), zero.shape, zero.dtype)
    pair = [rule.linear(state, weights, value, times, at, r, none, zero)[0] for at in (zero, NEAR * r)]
    _alike(*(jnp.where(jnp.isfinite(pair[0]), one, 0) for one in pair))


def _alike(one: Any, other: Any) -> None:
    if not float(abs(one - other).max()) <= ALIKE * float(abs(other).max()):
        raise UsageError("the step is not coordinate by coordinate, and its edge is unknown (as of LARS, LAMB, Muon, Shampoo)")


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
        if np.linalg.norm(matrix @ weights - right) <= GOOD * size or done == MOST or not column[done] > 0:
            return sum((float(c) * v for c, v in zip(weights[1:], basis[1:], strict=True)), float(weights[0]) * basis[0])
        basis.append(image / column[done])


def _length(v: Any) -> float:
    return float(v @ v) ** 0.5


def _refuse(dead: Any, still: Any) -> None:
    """Where no coordinate has an edge."""
    if bool(dead.all()):
        raise UsageError("the step at a small gradient is not a number: it has no edge, as where it is divided by a norm of the gradient")
    if bool((dead | still).all()):
        raise UsageError("the step does not answer to a small gradient: it takes its sign (as Lion's), or nothing is trained; there is no edge")


def _memories(rule: Rule, gain: Any, at_once: Any, kick: Any, through: Callable[[Any], Any]) -> list[tuple[float, float]]:
    """Of each leaf, from the first two echoes Cx and CAx of a gradient, x = Bδg."""
    jnp = library("jax.numpy")
    first, state = through(kick)
    parts = [jnp.where(jnp.isfinite(gain) & (gain != 0), v / gain, 0) for v in (at_once, first, through(state)[0])]
    return [_memory(*pieces) for pieces in zip(*(rule.shape.pieces(jnp.where(jnp.isfinite(v), v, 0)) for v in parts), strict=True)]


def _memory(at_once: Any, first: Any, second: Any) -> tuple[float, float]:
    """β and the direct part of F(z) = D + F₁/(z − β), where the second echo is β times the first; NaN where it is not."""
    square, whole = float((first * first).sum()), float((at_once * at_once).sum())
    if square <= ALIKE**2 * whole:
        return 0.0, 0.0
    beta = float((first * second).sum()) / square if square else np.nan
    if not (ALIKE < abs(beta) < 1 and float(((second - beta * first) ** 2).sum()) <= ALIKE**2 * square):
        return np.nan, np.nan
    total = float((at_once + first / (1 - beta)).sum())
    return round(beta, DIGITS), round((float(at_once.sum()) / total - 1 + beta) / beta, DIGITS) + 0.0
