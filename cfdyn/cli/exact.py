"""``cfdyn exact``: closed forms of cycles, of their bifurcations, and of edges."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.cli import output, specs
from cfdyn.cli.written import Files
from cfdyn.errors import UsageError
from cfdyn.plotting import plot as draw
from cfdyn.plotting.figures.exact import checked_span
from cfdyn.symbolic.exact.request import chosen_parameters
from cfdyn.symbolic.exact.request import subject as as_spec

WIDEST = 84


def show(
    loss: str | None, period: int, optimizer: str, settings: list[str], variables: str | None, map_: str | None,
    parameters: str | None, time_limit: float, latex: bool, vary: str | None, out: Path,
    plot: Path | None, json: bool,
) -> None:  # fmt: skip
    """``cfdyn exact``."""
    if latex and json:
        raise UsageError("--latex and --json both want stdout; the JSON document holds the LaTeX too")
    if vary and not plot:
        raise UsageError("--vary is the range of the figure; it needs --plot FILE")
    files = Files(out, plot)
    subject = _subject(loss, optimizer, settings, variables, map_, _named(parameters, vary))
    span = None if vary is None else _span(vary, subject, parameters)
    options: dict[str, Any] = {"parameters": parameters, "time_limit": time_limit}
    with output.progress() as say:
        say("looking for closed forms")
        found = cfdyn.symbolic.cycles(*subject, n=period, **options)
        edges = None
        if period == 1 and len(subject) == 2:
            say("looking for minima")
            edges = cfdyn.symbolic.edge(*subject, time_limit=time_limit)
        also = [cfdyn.symbolic.cycles(*subject, n=1, **options)] if period > 1 and plot else []
        files.write(found, "exact", say, lambda found, file: draw(found, file, span=span, also=[r for r in also if r.families]))
    if json:
        output.print_json({**found.to_json(), "bifurcations": _bifurcations(found), "edges": edges and edges.to_json(),
                           "latex": found.latex(), **files.json})  # fmt: skip
    elif latex:
        print(found.latex())
        if edges is not None and edges.minima:
            print(edges.latex())
    else:
        _print(found, edges)
        files.print()


def _named(parameters: str | None, vary: str | None) -> list[str]:
    """The names that the user calls parameters."""
    listed = [] if parameters in (None, "all") else str(parameters).replace(",", " ").split()
    return listed or ([] if vary is None else [vary.partition("=")[0].strip()])


def _subject(
    loss: str | None, optimizer: str, settings: list[str], variables: str | None, map_: str | None, named: list[str]
) -> tuple:
    if (loss is None) == (map_ is None):
        raise UsageError("give either a LOSS or --map FORMULA, and only one of them")
    if map_ is not None:
        # It is sought for, so that nothing depends on its value.
        settings = specs.with_values(settings, map_, dict.fromkeys(named[:1], 1.0))
        for item in specs.with_values(settings, map_, dict.fromkeys(named[1:], 1.0))[len(settings) :]:
            raise UsageError(f"conditions are solved for {named[0]} at numbers of the other parameters; give one, such as --set "
                             f"{item.removesuffix('.0')}")  # fmt: skip
        return (specs.make_map(map_, settings, variables),)
    function, (chosen, _) = specs.make_loss(str(loss), settings, variables), specs.make_optimizer(optimizer)
    return function, chosen


def _span(text: str, subject: tuple, parameters: str | None) -> tuple[float, float]:
    name, equals, interval = text.partition("=")
    if not equals:
        raise UsageError(f"--vary takes NAME=LO:HI, such as lr=0.5:2, not {text!r}")
    first = chosen_parameters(as_spec(*subject), parameters)[:1]
    if first != (name.strip(),):
        raise UsageError(f"the figure is over {first[0] if first else 'nothing'}, not {name.strip()}")
    return checked_span(specs.intervals(interval, "--vary")[0])


def _bifurcations(found: Any) -> list[dict[str, Any]]:
    return [{"kind": kind, "parameter": root.parameter, "value": root.value,
             "formula": None if root.formula is None else root.formula.text} for kind, root in found.bifurcations]  # fmt: skip


def _print(found: Any, edges: Any) -> None:
    """Each family with what is known of it, then the bifurcations in their order."""
    out, facts = output.console(), output._table("", "")
    facts.show_header = False
    facts.add_row("map", _short("; ".join(f"{n} → {f}" for n, f in zip(found.names, found.formulas)) or found.title))
    fixed = {k: v for k, v in found.params.items() if k not in found.parameters}
    facts.add_row("symbols", ", ".join(found.parameters) or "none")
    if fixed:
        facts.add_row("numbers", ", ".join(f"{k} = {v:g}" for k, v in fixed.items()))
    what = "fixed points" if found.period == 1 else f"{found.period}-cycles"
    facts.add_row(what, "all of them, exactly" if found.complete else f"not all in closed form: {found.reason}")
    out.print(facts, soft_wrap=True)
    for family in found.families:
        _print_family(out, family, found.parameters)
    _print_bifurcations(out, found)
    if edges is not None:
        _print_edges(out, edges)


def _print_family(out: Any, family: Any, parameters: tuple[str, ...]) -> None:
    table, count = output._table("", ""), f"{family.count} of them" + (", complex ones counted" if family.degree else "")
    table.show_header = False
    table.add_row("equation", f"{_short(family.equation)} = 0")
    for root in family.roots:
        table.add_row(family.unknown, _short(root))
    if family.parameter is not None:
        table.add_row("parameter", _short(family.parameter))
    for m in family.multipliers:
        table.add_row("multiplier", _short(m))
    if not family.multipliers and family.multiplier_polynomial is not None:
        table.add_row("multipliers", f"roots of {_short(family.multiplier_polynomial)}")
    for c in family.conditions:
        table.add_row(c.kind, f"{_short(c.polynomial)} = 0{_nowhere(c, parameters)}")
    out.heading(f"\n{family.kind}", f" ({count if family.count else 'implicit'})")
    out.print(table, soft_wrap=True)


def _nowhere(condition: Any, parameters: tuple[str, ...]) -> str:
    """In words that no real cycle meets it."""
    first = parameters[0] if parameters else ""
    if not first or not re.search(rf"\b{first}\b", condition.polynomial.text):
        return ""
    if not condition.roots:
        return f"  (for no {'positive' if first == 'lr' else 'real'} {first})"
    return "" if any(root.real is not False for root in condition.roots) else "  (of complex cycles)"


def _print_bifurcations(out: Any, found: Any) -> None:
    if not found.bifurcations:
        return
    given = {k: found.params[k] for k in found.parameters[1:]}
    where = f", at {', '.join(f'{k} = {v:g}' for k, v in given.items())}" if given else ""
    out.heading(f"\nBifurcations of real {'fixed points' if found.period == 1 else 'cycles'}", where)
    table = output._table(found.parameters[0], "kind", "formula")
    for kind, root in found.bifurcations:
        table.add_row(f"{root.value:.16g}", kind, "root of the polynomial" if root.formula is None else _short(root.formula))
    out.print(table)


def _print_edges(out: Any, edges: Any) -> None:
    out.heading("\nMinima", f" ({edges.reason})" if edges.reason else "", soft_wrap=True)
    if not edges.minima:
        return
    table = output._table("weight", "sharpness", "edge", "flip coefficient (of gd)")
    for m in edges.minima:
        table.add_row(*("–" if f is None else _short(f) for f in (m.point, m.sharpness, m.edge, m.coefficient)))
    out.print(table)


def _short(formula: Any) -> str:
    text = str(formula)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
