"""Families of cycles with their formulas and conditions, and their values at numbers: cycles and branches, as records."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import numpy as np

from cfdyn.records.record import Record

if TYPE_CHECKING:
    import sympy as sp


@dataclass(frozen=True)
class ExactFormula(Record):
    """An expression as ``text`` (for the safe parser; empty if the parser cannot read it) and in LaTeX."""

    text: str
    tex: str

    def latex(self) -> str:
        """LaTeX, without dollars."""
        return self.tex

    @cached_property
    def expression(self) -> sp.Expr:
        """The SymPy expression.

        Raises
        ------
        FormulaError : there is no text, or the parser cannot read it
        """
        from cfdyn.symbolic.text.parse import parse

        return parse(self.text)

    def __str__(self) -> str:
        return self.text or self.tex


@dataclass(frozen=True)
class ExactRoot(Record):
    """A root of a condition in the first parameter, the others at their values.

    ``value``: rounded to a double; ``interval``: rational numbers around it, as texts, that hold no other root;
    ``formula``: in square roots, or None; ``real``: whether real cycles meet the condition there, None if that was not examined;
    ``points``: their points, as values of the family's unknown.
    """

    parameter: str
    value: float
    digits: str
    interval: tuple[str, str]
    formula: ExactFormula | None
    real: bool | None
    points: tuple[float, ...]


@dataclass(frozen=True)
class ExactCondition(Record):
    """The condition ``polynomial`` = 0 under which a family bifurcates.

    ``kind``: "flip" (a multiplier −1), "fold" (+1, where two cycles of the family meet), "birth by doubling", "birth by
    tripling", … (+1, where the cycles merge with one of half the period, a third of it, …), "branch point" (+1, where two
    families meet), "neimark-sacker" (determinant 1, multipliers complex), or "neutral saddle" (determinant 1, multipliers real,
    no bifurcation). Without ``roots`` only complex parameters meet it.
    """

    kind: str
    polynomial: ExactFormula
    roots: tuple[ExactRoot, ...]


@dataclass(frozen=True)
class ExactFamily(Record):
    """Cycles whose points are the roots of one irreducible polynomial, ``equation`` = 0 in ``unknown``.

    ``count``: the number of cycles, including complex ones; 0 if the equation is transcendental. ``coordinates``: all entries
    of a point as functions of the unknown. ``roots``: the points in closed form, empty if there is none.
    ``multipliers``: one formula for each fixed point, or for each cycle with a multiplier of its own, or empty;
    ``multiplier_polynomial``: the polynomial whose roots they are, or None if it was too large. ``parameter``: the parameter as a
    function of the unknown, for a family that is given in this form.
    """

    kind: str
    period: int
    equation: ExactFormula
    unknown: str
    degree: int
    count: int
    coordinates: tuple[ExactFormula, ...]
    roots: tuple[ExactFormula, ...]
    multipliers: tuple[ExactFormula, ...]
    multiplier_polynomial: ExactFormula | None
    conditions: tuple[ExactCondition, ...]
    parameter: ExactFormula | None = None

    def latex(self) -> str:
        """The family in a few displayed lines."""
        lines = [f"{self.equation.tex} = 0"]
        if self.roots:
            lines.append(f"{self.unknown} \\in \\left\\{{{', '.join(r.tex for r in self.roots)}\\right\\}}")
        lines += [rf"\mu = {m.tex}" for m in self.multipliers]
        lines += [rf"\text{{{c.kind}: }} {c.polynomial.tex} = 0" for c in self.conditions]
        return r" \\ ".join(lines)


@dataclass(frozen=True)
class ExactCycle(Record):
    """A cycle in numbers: ``points`` (period, D) from the smallest on, ``multipliers`` (D,); ``stable`` is None at modulus 1.

    ``family``: the index of its family.
    """

    points: Annotated[np.ndarray, "n D"]
    period: Annotated[int, "n"]
    multipliers: Annotated[np.ndarray, "D", complex]
    stable: bool | None
    family: int


@dataclass(frozen=True)
class ExactCurves(Record):
    """Branches over a parameter: ``values`` (m,), ``points`` (B, m) of the first weight, NaN where not real.

    ``multipliers`` (B, m): the largest modulus; ``family`` (B,).
    """

    parameter: str
    values: Annotated[np.ndarray, "m"]
    points: Annotated[np.ndarray, "B m"]
    multipliers: Annotated[np.ndarray, "B m"]
    family: Annotated[np.ndarray, "B"]

    @property
    def stable(self) -> np.ndarray:
        """True where a branch is real and stable, (B, m)."""
        return self.multipliers < 1
