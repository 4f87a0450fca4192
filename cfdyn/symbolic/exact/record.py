"""Closed forms of a map or a loss, as records that can be saved, printed, evaluated and drawn."""

from dataclasses import dataclass

import numpy as np

from cfdyn.arguments import number
from cfdyn.errors import UsageError, unknown
from cfdyn.records.record import Record
from cfdyn.symbolic.exact.families import ExactCurves, ExactCycle, ExactFamily, ExactFormula, ExactRoot


@dataclass(frozen=True)
class ExactCycles(Record):
    """All that is known in closed form about the n-cycles of a map.

    ``formulas``: one step, entry by entry; ``params``: the parameters with their values; ``parameters``: those that stay symbols;
    conditions are solved for the first; ``families``; ``complete``: whether these are all n-cycles of the map, each with
    everything requested; ``reason``: if not, why.
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
        by_place: dict[tuple[str, str], ExactRoot] = {}
        for family in self.families:
            for condition in family.conditions:
                for root in condition.roots:
                    if root.real is not False and condition.kind != "neutral saddle":
                        by_place.setdefault((condition.kind, root.digits[:25]), root)
        return sorted(((kind, root) for (kind, _), root in by_place.items()), key=lambda pair: pair[1].value)

    def latex(self) -> str:
        """All families in one aligned block."""
        steps = [rf"{n} \mapsto {f.tex}" for n, f in zip(self.names, self.formulas, strict=True)]
        body = [*steps, *(family.latex() for family in self.families)]
        return "\\begin{gathered}\n" + " \\\\\n".join(body) + "\n\\end{gathered}"

    def at(self, /, real: bool = True, **parameters: float) -> list[ExactCycle]:
        """The cycles at numeric parameters: a list of `ExactCycle`, only real ones unless ``real`` is false.

        Raises
        ------
        UsageError : an unknown parameter, or one that did not stay a symbol

        Examples
        --------
        >>> import cfdyn as cf
        >>> exact = cf.symbolic.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": 3.2}), 2)
        >>> [(c.points[:, 0].round(6).tolist(), c.multipliers.round(6).tolist()) for c in exact.at(r=3.2)]
        [([0.513045, 0.799455], [0.16])]
        """
        from cfdyn.symbolic.exact.numbers.evaluate import Numeric, cycles_at

        values = self.numbers(parameters)
        return cycles_at(Numeric(self.names, self.formulas, self.parameters), self.families, values, real)

    def curves(self, parameter: str, lo: float, hi: float, count: int = 400) -> ExactCurves:
        """The real branches over a range of a parameter: `ExactCurves`.

        If floats do not suffice for the roots, as from degree 30 on, a few of the values are computed with many digits and the
        others are NaN.

        Raises
        ------
        UsageError : an unknown parameter, or an empty or infinite range
        """
        from cfdyn.symbolic.exact.numbers.evaluate import Numeric, curves

        self.numbers({parameter: lo})
        if not (np.isfinite([lo, hi]).all() and lo < hi and 2 <= count <= 100_000):
            raise UsageError(f"a range needs finite lo < hi and 2 to 100000 values, not {lo:g}:{hi:g}:{count}")
        values = np.linspace(lo, hi, count)
        p = [values if name == parameter else np.full(count, self.params[name]) for name in self.parameters]
        points, multipliers, family = curves(Numeric(self.names, self.formulas, self.parameters), self.families, p, count)
        return ExactCurves(parameter, values, points, multipliers, family, provenance=self.provenance)

    def numbers(self, changed: dict[str, float]) -> dict[str, float]:
        """The values of the symbols, some changed."""
        for name in changed:
            if name not in self.parameters and name in self.params:
                raise UsageError(f"{name} was replaced by {self.params[name]:g}; to vary it, give `parameters={name!r}`")
            if name not in self.parameters:
                raise unknown("parameter", name, self.parameters)
        return {name: number(name, changed.get(name, self.params[name]), finite=True) for name in self.parameters}


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
