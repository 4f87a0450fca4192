"""Nodes of a tape with operators, so that long formulas read as formulas."""

from __future__ import annotations

from collections.abc import Callable

from cfdyn.tape.program import Node, Tape


def _operator(op: str) -> Callable[[Term, Term | float], Term]:
    return lambda self, other: self.apply(op, other)


class Term:
    """A node with operators, so that formulas read as formulas.

    >>> t = Tape()
    >>> x = Term(t, t.leaf("z", 0))
    >>> (1.0 + 2.0 * x).node == t.add(t.const(1), t.mul(t.const(2), x.node))
    True
    """

    __slots__ = ("node", "tape")

    def __init__(self, tape: Tape, node: Node):
        self.tape, self.node = tape, node

    def apply(self, op: str, *others: Term | float) -> Term:
        """The operation on this and other values."""
        nodes = [self.tape.exactly(o) if isinstance(o, float) else o.node for o in others]
        return Term(self.tape, self.tape.apply(op, self.node, *nodes))

    def constant(self, value: float) -> Term:
        """A constant on the same tape."""
        return Term(self.tape, self.tape.exactly(value))

    __add__ = __radd__ = _operator("add")
    __mul__ = __rmul__ = _operator("mul")
    __sub__, __truediv__, __lt__ = _operator("sub"), _operator("div"), _operator("lt")

    def __rsub__(self, other: float) -> Term:
        return self.constant(other) - self

    def __neg__(self) -> Term:
        return self.apply("neg")

    def square(self) -> Term:
        """The product with itself, never combined into a higher power."""
        return Term(self.tape, self.tape._raw("mul", self.node, self.node))

    def choose(self, a: Term | float, b: Term | float) -> Term:
        """a if this condition holds, else b."""
        return self.apply("select", a, b)

    def at_most(self, bound: float) -> Term:
        """The smaller of this and the bound; NaN stays NaN."""
        return (self.constant(bound) < self).choose(bound, self)

    def at_least(self, bound: float) -> Term:
        """The larger of this and the bound; NaN stays NaN."""
        return (self < bound).choose(bound, self)
