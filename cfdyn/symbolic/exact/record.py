"""What was found in closed form, as records that can be saved, printed, evaluated and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from cfdyn.arguments import number
from cfdyn.errors import UsageError, unknown
from cfdyn.records.record import Record

if TYPE_CHECKING:
    import sympy as sp


@dataclass(frozen=True)
class ExactFormula(Record):
    """An expression as ``text`` (what the safe parser reads; empty where it cannot) and in LaTeX."""

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
        FormulaError : there is no text, or it is none that can be read
        """
        from cfdyn.symbolic.text.parse import parse

        return parse(self.text)

    def __str__(self) -> str:
        return self.text or self.tex


@dataclass(frozen=True)
class ExactRoot(Record):
    """A root of a condition in the first parameter, the others at their values.

    ``value``: rounded to a double; ``interval``: rational numbers around it, as texts, that hold no other root;
    ``formula``: in square roots, or None; ``real``: whether real cycles meet the condition there, None where that was
    not looked at; ``points``: these, the unknown of the family.
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
    """Where a family bifurcates: ``polynomial`` = 0.

    ``kind``: "flip" (a multiplier −1), "fold" (+1, where two cycles of the family meet), "birth by doubling", "birth by
    tripling", … (+1, where the cycles merge with one of half the period, a third of it, …), "branch point" (+1, where two
    families meet), "neimark-sacker" (determinant 1, multipliers complex), or "neutral saddle" (determinant 1, multipliers real,
    no bifurcation). Without ``roots`` it is met at complex parameters alone.
    """

    kind: str
    polynomial: ExactFormula
    roots: tuple[ExactRoot, ...]


@dataclass(frozen=True)
class ExactFamily(Record):
    """Cycles whose points are the roots of one irreducible polynomial, ``equation`` = 0 in ``unknown``.

    ``count``: how many cycles, complex ones too; 0 where the equation is transcendental. ``coordinates``: all entries
    of a point as functions of the unknown. ``roots``: the points in closed form, empty if there is none.
    ``multipliers``: one formula for each fixed point, or for each cycle that differs from the others in it, or empty;
    ``multiplier_polynomial``: whose roots they are, or None if it was too large. ``parameter``: the parameter
    as a function of the unknown, for a family that is given so.
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
class ExactCycles(Record):
    """All that is known in closed form about the n-cycles of a map.

    ``formulas``: one step, entry by entry; ``params``: the parameters with their values; ``parameters``: those that
    stay symbols, conditions being solved for the first; ``families``; ``complete``: whether these are all n-cycles
    of the map with all that was asked of each; ``reason``: if not, why.
    """

    title: str
    period: int
    names: tuple[str, ...]
    formulas: tuple[ExactFormula, ...]
    params: dict[str, float]
    parameters: tuple[str, ...]
    families: tuple[ExactFamily, ...]
    complete: bool
    reason: str

    @property
    def bifurcations(self) -> list[tuple[str, ExactRoot]]:
        """(kind, root) of all conditions that real cycles meet, in the order of the parameter, each once."""
        found: dict[tuple[str, str], ExactRoot] = {}
        for family in self.families:
            for condition in family.conditions:
                for root in condition.roots:
                    if root.real is not False and condition.kind != "neutral saddle":
                        found.setdefault((condition.kind, root.digits[:25]), root)
        return sorted(((kind, root) for (kind, _), root in found.items()), key=lambda pair: pair[1].value)

    def latex(self) -> str:
        """All families in one aligned block."""
        steps = [rf"{n} \mapsto {f.tex}" for n, f in zip(self.names, self.formulas, strict=True)]
        body = [*steps, *(family.latex() for family in self.families)]
        return "\\begin{gathered}\n" + " \\\\\n".join(body) + "\n\\end{gathered}"

    def at(self, /, real: bool = True, **parameters: float) -> list[Any]:
        """The cycles at numbers: a list of `ExactCycle`, real ones only unless ``real`` is false.

        Raises
        ------
        UsageError : an unknown parameter, or one that did not stay a symbol

        Examples
        --------
        >>> import cfdyn as cf
        >>> found = cf.symbolic.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": 3.2}), 2)
        >>> [(c.points[:, 0].round(6).tolist(), c.multipliers.round(6).tolist()) for c in found.at(r=3.2)]
        [([0.513045, 0.799455], [0.16])]
        """
        from cfdyn.symbolic.exact.numbers.evaluate import cycles_at

        return cycles_at(self, self.numbers(parameters), real)

    def curves(self, parameter: str, lo: float, hi: float, count: int = 400) -> Any:
        """The real branches over a range of a parameter: `ExactCurves`.

        Where floats do not suffice for the roots, as from degree 30 on, many digits are spent on a few of the values and
        the others are left out as NaN.

        Raises
        ------
        UsageError : an unknown parameter, or an empty or infinite range
        """
        from cfdyn.symbolic.exact.numbers.evaluate import curves

        self.numbers({parameter: lo})
        if not (np.isfinite([lo, hi]).all() and lo < hi and 2 <= count <= 100_000):
            raise UsageError(f"a range needs finite lo < hi and 2 to 100000 values, not {lo:g}:{hi:g}:{count}")
        return curves(self, parameter, np.linspace(lo, hi, count))

    def numbers(self, changed: dict[str, float]) -> dict[str, float]:
        """The values of the symbols, some changed."""
        for name in changed:
            if name not in self.parameters and name in self.params:
                raise UsageError(f"{name} was put in as {self.params[name]:g}; ask for it with `parameters={name!r}` to vary it")
            if name not in self.parameters:
                raise unknown("parameter", name, self.parameters)
        return {name: number(name, changed.get(name, self.params[name]), finite=True) for name in self.parameters}


@dataclass(frozen=True)
class ExactCycle(Record):
    """A cycle at numbers: ``points`` (period, D) from the smallest on, ``multipliers`` (D,); ``stable`` is None at modulus 1.

    ``family``: its number among the families.
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
        """Where the branches are real and stable, (B, m)."""
        return self.multipliers < 1


@dataclass(frozen=True)
class ExactMinimum(Record):
    """A minimum w of a loss of one weight: sharpness L″, edge and flip coefficient c = (L‴/L″)² − L⁗/(3L″).

    ``edge``: the learning rate at which a multiplier reaches −1; ``values``: all four at the values of the parameters.
    """

    point: ExactFormula
    sharpness: ExactFormula
    edge: ExactFormula | None
    coefficient: ExactFormula | None
    values: dict[str, float]


@dataclass(frozen=True)
class ExactEdge(Record):
    """The minima of a loss in closed form with their edges under an optimizer; ``reason`` says what is missing."""

    title: str
    params: dict[str, float]
    parameters: tuple[str, ...]
    minima: tuple[ExactMinimum, ...]
    reason: str

    def latex(self) -> str:
        """One line for each minimum."""
        return "\\begin{gathered}\n" + " \\\\\n".join(_line(m) for m in self.minima) + "\n\\end{gathered}"


def _line(m: ExactMinimum) -> str:
    parts = [f"w = {m.point.tex}", rf"\lambda = {m.sharpness.tex}"]
    parts += [rf"\eta_* = {m.edge.tex}"] if m.edge else []
    parts += [f"c = {m.coefficient.tex}"] if m.coefficient else []
    return r",\quad ".join(parts)
