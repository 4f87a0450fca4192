"""Representations of maps and flows in a notebook: Markdown with formulas."""

from collections.abc import Mapping
from typing import Any

from cfdyn.symbolic.maps import FormulaMap, LossMap
from cfdyn.words import few, shortened

LONGEST = 200  # letters of a title


def in_markdown(kind: str, thing: Any, sign: str) -> str:
    """Title, formulas, state and parameters of a map, x ↦ f(x), or a flow, dx/dt = f(x); ``sign``: what stands for "x ↦ ".

    >>> import cfdyn as cf
    >>> print(cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})._repr_markdown_())
    **Map** `x → r*x*(1-x)`
    <BLANKLINE>
    $$x \\mapsto r x \\left(1 - x\\right)$$
    <BLANKLINE>
    state `x` · parameters `r = 2.5`
    """
    of, title = getattr(thing.spec, "map", thing.spec), shortened(thing.title, LONGEST).replace("`", "'")
    settings = f" · parameters `{_values(thing.params)}`" if thing.params else ""
    return "\n\n".join([f"**{kind}** `{title}`", *_formulas(of, sign), f"state `{few(thing.names)}`{settings}"])


def _formulas(of: Any, sign: str) -> list[str]:
    """The map's own formulas, or that of its loss, where they fit a line."""
    if isinstance(of, FormulaMap) and all(formula.latex for formula in of.formulas):
        return [f"$${sign.format(name=_tex(name))} {f.latex}$$" for name, f in zip(of.names, of.formulas, strict=True)]
    formula = of.loss.latex(short=True) if isinstance(of, LossMap) else ""
    return [f"$$L = {formula}$$"] if formula else []


def _tex(name: str) -> str:
    return name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")


def _values(params: Mapping[str, float]) -> str:
    return few([f"{name} = {value:g}" for name, value in params.items()])
