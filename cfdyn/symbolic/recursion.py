"""The action of an optimizer on one weight at a constant preconditioner: a linear recursion, with or without momentum.

x = (w, m, …) is the weight and its momentum buffers, x⁺ = Ax + bg. Without the buffers, for a gradient proportional to zᵗ,
(z − a(z))w = c(z)g. With g = λw the characteristic polynomial vanishes at z = −1, a flip, for the curvature
λ = −(1 + a(−1))/c(−1) = θP; a slow drift is dw/dt = c(1)g − (1 − a(1))w, where −c(1) = G/P. Near the flip the swing v of
w = (−1)ᵗv grows by dv/dt = K(λ − θP)v, K = −c/(1 − a′ − θPc′) = R/P at z = −1: the speed at which the root z passes −1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.steps import updated
from cfdyn.symbolic.text.formula import formula
from cfdyn.tape.derivatives import jacobian
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild

ALMOST = 1 - 1e-3  # of the curvature that flips: there all multipliers still are inside the unit circle
SAME = 1e-25  # relative, of numbers of 40 digits
NO_EDGE = "so there is no λ₁(P⁻¹H) that could be held against an edge θ"


def refused(optimizer: Optimizer, wanted: str) -> UsageError:
    """The error for an optimizer that the flow ``wanted`` does not cover; "": one that has no P at all."""
    form = f"{optimizer.name} is not of the form w ← w − g/P with a preconditioner P, or with a linear average of the gradients"
    if not wanted:
        return UsageError(f"{form} in place of g, {NO_EDGE}")
    shown = optimizer.preconditioner is not None or not optimizer.flow
    give = "" if shown else ", as far as its formulas show (give P as `preconditioner='…'`)"
    return UsageError(f"{form} in place of g{give}, which the flow {wanted!r} needs; gd, heavy_ball, rmsprop, adam and others "
                      "are, and the flow 'rod' of a formula is a model of any optimizer")  # fmt: skip


def check_gradient(wanted: str, optimizer: Optimizer) -> None:
    """Raise an error if the optimizer changes the gradient by more than weight decay, which is a penalty on the loss."""
    if optimizer.gradient is None or optimizer.gradient.key == formula("g + weight_decay*w").key:
        return
    if not wanted:
        raise UsageError(f"{optimizer.name} clips or changes the gradient, {NO_EDGE}")
    raise UsageError(f"the flow {wanted!r} takes the gradient as it is or with weight_decay; leave out clip")


class Coefficients(NamedTuple):
    """``edge``: θP/2, so that a mode flips where H reaches 2·edge; ``pace``: P/G and ``decay``: δ of the slow drift
    dw/dt = −g/pace − δw; ``preconditioner``: P; ``swing``: K of the alternating part, dv/dt = K(H − 2·edge)v."""

    edge: Node
    pace: Node
    decay: Node
    preconditioner: Node
    swing: Node


class Recursion:
    """The recursion of an optimizer on its own tape, which reads the new values ``moving`` of the slow states.

    The other states are momentum: those of each weight are the buffers, and shared ones (powers of β that correct the momentum)
    have decayed to 0. ``wanted``: the name of the flow, for messages; a flow needs a ds/dt of each slow state. Without a flow
    ("") all states are slow that P reads, or that are not linear averages of the gradient, and the step may also read their old
    values, ``before``.
    """

    def __init__(self, optimizer: Optimizer, wanted: str):
        self.optimizer, self.wanted, self.key, self.tape = optimizer, wanted, _key(optimizer), Tape()
        # Those of matrices have no formulas, and a second gradient is not linear in the first.
        if "w" not in optimizer.update or optimizer.probe is not None:
            raise refused(optimizer, wanted)
        t, states = self.tape, (*optimizer.per_weight, *optimizer.shared)
        self.parameters = t.named("p", optimizer.params)
        slow = set(optimizer.flow) if wanted else self._named_slow()
        self._freeze([s for s in states if s in slow])
        while not wanted and (more := self._nonlinear()):
            self._freeze([s for s in states if s in {more, *self.moving}])
        slow, own = set(self.moving), optimizer.preconditioner
        readable = own is not None and set(own.names) <= {*self.parameters, *slow}
        self.given = own.on(t, {**self.parameters, **self.moving}) if own is not None and readable else None
        try:
            rows = self._rows()
            self._check_linear(rows)
            self.matrix = jacobian(t, rows, self.fast)
            self.coefficients = self._coefficients()
        except UsageError:
            if self.given is None or len(slow) < len(states):
                raise
            # Quantities that the update does not determine are taken as given.
            self.coefficients = self._plain(self.given)

    def _freeze(self, slow: list[str]) -> None:
        """The slow states as leaves, and the remaining buffers."""
        t, n = self.tape, len(slow)
        self.moving, self.before = (dict(zip(slow, t.leaves("z", n, first), strict=True)) for first in (0, n))
        self.buffers = [s for s in self.optimizer.per_weight if s not in slow]
        self.fast = t.leaves("w", len(self.buffers) + 2)  # the weight, its buffers, and the gradient

    def _named_slow(self) -> set[str]:
        """The slow states that a formula names, and shared ones that do not decay to 0; if none is named, all shared ones."""
        t, optimizer = self.tape, self.optimizer
        named = {*optimizer.flow, *(optimizer.preconditioner.names if optimizer.preconditioner is not None else ())}
        slow = named & {*optimizer.per_weight, *optimizer.shared}
        if not named:
            return set(optimizer.shared)
        names = {**self.parameters, **dict.fromkeys(optimizer.shared, t.const(0)), "gg": t.leaf("w", 0)}
        after = updated(t, optimizer, optimizer.shared, names)
        return slow | {s for s, node in zip(optimizer.shared, after, strict=True) if t.value(node) != 0}

    def _nonlinear(self) -> str | None:
        """A buffer that is not a linear average of the gradients."""
        rows = self._rows()[1:]
        return next((s for s, row in zip(self.buffers, rows, strict=True) if not self._is_linear(row)), None)

    def _rows(self) -> list[Node]:
        """The weight and its buffers after a step, where ``moving`` are the new values of the slow states."""
        t, optimizer, old = self.tape, self.optimizer, self.before
        square = t.leaf("z", 2 * len(old))
        shared = {s: old.get(s, t.const(0)) for s in optimizer.shared}
        names = {**self.parameters, **shared, "gg": square}
        own = {s: node for s, node in old.items() if s in optimizer.per_weight}
        each = {**names, "w": self.fast[0], **own, **dict(zip(self.buffers, self.fast[1:], strict=False)), "g": self.fast[-1]}
        after = dict(zip(optimizer.shared, updated(t, optimizer, optimizer.shared, names), strict=True))
        for state in optimizer.shared:
            if state not in old and t.value(after[state]) != 0:
                raise UsageError(f"{optimizer.name}: the state {state!r} has no ds/dt, which the flow {self.wanted!r} needs")
        columns = ("w", *optimizer.per_weight)
        after |= dict(zip(columns, updated(t, optimizer, columns, each), strict=True))
        rows = [after[s] for s in ("w", *self.buffers)]
        rows = rebuild(t, rows, t, {after[s]: node for s, node in self.moving.items()})
        for state, new in self.moving.items():
            rows = self._through(rows, after[state], self.before[state], new)
        self.unread = {square, *(old.values() if self.wanted else ())}
        return rows

    def _through(self, rows: list[Node], update: Node, old: Node, new: Node) -> list[Node]:
        """The rows as functions of the new value of a state, if they read its old value and a square g² only in that combination.

        In √(βs + (1 − β)g² + ε) the new s is not a subexpression; the value is the same with g² = 0 and an s to match.
        """
        t, fresh = self.tape, self.tape.leaf("w", len(self.fast))
        for square in (t.ipow(self.fast[-1], 2), t.leaf("z", 2 * len(self.before))):
            moved, *mine = rebuild(t, [update, *rows], t, {square: fresh})
            if not {old, fresh} <= set(t.reachable(mine)):
                continue
            slope, push = jacobian(t, [moved], [old, fresh])[0]
            if t.value(slope) == 0 or {old, fresh, *self.fast} & set(t.reachable([slope, push])):
                continue
            [rest] = rebuild(t, [moved], t, {old: t.const(0), fresh: t.const(0)})
            through = rebuild(t, mine, t, {old: t.div(t.sub(new, rest), slope), fresh: t.const(0)})
            if self._same(mine, rebuild(t, through, t, {new: moved})):
                return through
        return rows

    def _same(self, rows: list[Node], others: list[Node]) -> bool:
        """True if both lists of rows have the same values at two points, in 40 digits."""
        t, algebra, n_z, n_p = self.tape, mp_algebra(40), 2 * len(self.before) + 1, len(self.parameters)
        for first in (3, 5):
            # Numbers between 0 and 1 without a pattern.
            values = [Fraction(first * 7919 * (k + 1) % 997 + 1, 999) for k in range(n_z + n_p + len(self.fast) + 1)]
            z, p = ([algebra.constant(x) for x in part] for part in (values[:n_z], values[n_z : n_z + n_p]))
            fixed = {t.leaf("w", k): t.const(x) for k, x in enumerate(values[n_z + n_p :])}
            outputs = tuple(rebuild(t, [*rows, *others], t, fixed))
            numbers = evaluate(Program(t, outputs, n_z, n_p), algebra, z, p)
            if any(not abs(a - b) <= SAME * abs(a) for a, b in zip(numbers[: len(rows)], numbers[len(rows) :], strict=True)):
                return False
        return True

    def _is_linear(self, row: Node) -> bool:
        """True if a row is linear in the fast variables."""
        t = self.tape
        [rest] = rebuild(t, [row], t, dict.fromkeys(self.fast, t.const(0)))
        slopes = jacobian(t, [row], self.fast)[0]
        return t.value(rest) == 0 and not {*self.fast, *self.unread} & set(t.reachable(slopes))

    def _check_linear(self, rows: list[Node]) -> None:
        """Raise an error unless the rows are linear in the fast variables."""
        t = self.tape
        if self.unread & set(t.reachable(rows)):
            raise refused(self.optimizer, self.wanted)
        for name, row in reversed(list(zip(("w", *self.buffers), rows, strict=True))):
            if not self._is_linear(row):
                if name == "w":
                    raise refused(self.optimizer, self.wanted)
                raise UsageError(f"{self.optimizer.name}: the state {name!r} is not an average of the gradient and has no "
                                 f"ds/dt, which the flow {self.wanted!r} needs; the flow 'rod' of a formula is a model of "
                                 "any optimizer")  # fmt: skip
        if t.value(jacobian(t, rows[:1], self.fast[1:])[0][-1]) == 0 and not self.buffers:
            raise refused(self.optimizer, self.wanted)

    def _without_buffers(self, z: int) -> tuple[Node, Node, Node, Node]:
        """a(z), c(z) and their derivatives."""
        t, r = self.tape, len(self.buffers)
        own, *there, push = self.matrix[0]
        left = [[t.sub(t.const(z * (i == j)), self.matrix[1 + i][1 + j]) for j in range(r)] for i in range(r)]
        solved = _eliminated(t, [row + [self.matrix[1 + i][0], self.matrix[1 + i][-1]] for i, row in enumerate(left)])
        again = _eliminated(t, [row + there for row, there in zip(left, solved, strict=True)])
        (a, c), (da, dc) = ([t.dot(there, [row[k] for row in rows]) for k in range(2)] for rows in (solved, again))
        return t.add(own, a), t.add(push, c), t.neg(da), t.neg(dc)

    def _plain(self, given: Node) -> Coefficients:
        """θ = 2, G = 1 and R = 1."""
        return Coefficients(given, given, self.tape.const(0), given, self.tape.div(self.tape.const(1), given))

    def _coefficients(self) -> Coefficients:
        t, given, one = self.tape, self.given, self.tape.const(1)
        (flipping, against, bend, turn), (resting, along, *_) = self._without_buffers(-1), self._without_buffers(1)
        if 0 in (t.value(against), t.value(along)):
            raise refused(self.optimizer, self.wanted)
        pace = t.div(t.const(-1), along)
        if given is not None and not self.buffers and t.value(resting) == 1:
            return self._plain(given)
        edge = t.div(t.add(one, flipping), t.mul(t.const(-2), against))
        passing = t.sub(t.sub(one, bend), t.mul(t.mul(t.const(2), edge), turn))
        swing = t.neg(t.div(against, passing))
        return Coefficients(edge, pace, t.sub(one, resting), pace if given is None else given, swing)

    @property
    def linear(self) -> bool:
        """Whether the step is linear in the gradients; otherwise only the given P is known."""
        return hasattr(self, "matrix")

    def numbers(self, params: Mapping[str, float], moving: float = 0.5) -> tuple[float, float, np.ndarray, np.ndarray]:
        """θ, G, and A and b at the curvature P, for given hyperparameters, with all slow states at the value ``moving``."""
        outputs = [*self.coefficients, *(entry for row in self.matrix for entry in row)]
        algebra = mp_algebra(30)
        z, p = ([algebra.constant(Fraction(x)) for x in values] for values in ([moving] * 2 * len(self.moving), params.values()))
        edge, pace, _, scale, _, *entries = evaluate(Program(self.tape, tuple(outputs), len(z), len(p)), algebra, z, p)
        matrix = np.array([float(x) for x in entries]).reshape(-1, len(self.fast))
        return float(2 * edge / scale), float(scale / pace), matrix[:, :-1], matrix[:, -1] * float(scale)

    def steady(self, params: Mapping[str, float]) -> bool:
        """Whether slow states change only P: neither θ nor the response to a kick in units of P."""
        first, second = (self.numbers(params, moving) for moving in (0.5, 0.3))
        return np.allclose(_invariants(first), _invariants(second), rtol=1e-9)

    def check_flip(self, optimizer: Optimizer) -> None:
        """Raise an error unless a flip is the first instability as the curvature rises, at the optimizer's hyperparameters."""
        if self.coefficients.edge == self.coefficients.pace:
            return  # θ = 2 and no momentum
        theta, gain, a, b = self.numbers(optimizer.params)
        if theta > 0 and gain > 0:
            a[:, 0] += ALMOST * theta * b
            if np.abs(np.linalg.eigvals(a)).max() < 1:
                return
        flow = f"and the flow {self.wanted!r} is about flips; the flow 'rod' of a formula is a model of any optimizer"
        raise UsageError(f"{optimizer}: a flip is not its first instability as the curvature rises, "
                         f"{flow if self.wanted else NO_EDGE}")  # fmt: skip


def _invariants(entries: tuple[float, float, np.ndarray, np.ndarray]) -> np.ndarray:
    """θ, G and the characteristic polynomials at the curvatures 0 and P, which do not depend on the units of the buffers."""
    theta, gain, a, b = entries
    bent = a.copy()
    bent[:, 0] += b
    return np.concatenate([[theta, gain], np.poly(a), np.poly(bent)])


@dataclass(frozen=True)
class _Formulas:
    """The formulas of an optimizer, without the values of its hyperparameters."""

    key: str
    optimizer: Optimizer = field(compare=False)


@lru_cache(maxsize=64)
def _kept(formulas: _Formulas, wanted: str) -> Recursion:
    return Recursion(formulas.optimizer, wanted)


def recursion_of(optimizer: Optimizer, wanted: str) -> Recursion:
    """The recursion of the optimizer's formulas, the same for all values of its hyperparameters."""
    return _kept(_Formulas(_key(optimizer), optimizer), wanted)


def _key(optimizer: Optimizer) -> str:
    more = [optimizer.preconditioner, *optimizer.flow.values()]
    return str((optimizer.name, optimizer.key, tuple(optimizer.flow), [f and f.key for f in more]))


def _eliminated(tape: Tape, rows: list[list[Node]]) -> list[list[Node]]:
    """The columns that follow the unit matrix after Gauss–Jordan elimination of the rows (r, r + 2)."""
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if tape.value(rows[i][k]) != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [tape.div(entry, rows[k][k]) for entry in rows[k]]
        for i in range(len(rows)):
            if i != k:
                factor = rows[i][k]
                rows[i] = [tape.sub(x, tape.mul(factor, y)) for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[len(rows) :] for row in rows]
