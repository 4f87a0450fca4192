"""``cfdyn exact``: closed forms of cycles, of their bifurcations, and of edges."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import JSON, PLOT
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import Interval, intervals
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen
from cfdyn.errors import UsageError
from cfdyn.words import called, named, shortened

if TYPE_CHECKING:
    from cfdyn.symbolic.exact.families import ExactCondition, ExactFamily
    from cfdyn.symbolic.exact.record import ExactCycles, ExactEdge
    from cfdyn.symbolic.optimizer import Optimizer
    from cfdyn.systems.loss import Loss
    from cfdyn.systems.map import Map

LONGEST = 84  # letters of a formula, which leave room for its name beside it


@command("loss period optimizer settings variables map parameters time_limit latex vary out plot csv json",
         group="Cycles and bifurcations", place=44)  # fmt: skip
def exact(
    subject: Subject,
    say: Say,
    period: Annotated[int, Option("--period", min=1, help="Period of the cycles; 1 for fixed points, with the minima and their edges.")] = 2,  # noqa: E501
    parameters: Annotated[str | None, Option("--parameters", help="Parameters to keep as symbols, or all (lr, or those of a map, if not given).", metavar="NAME,…", show_default=False)] = None,  # noqa: E501
    time_limit: Annotated[float, Option("--time-limit", help="Processor seconds for each search.")] = 20.0,
    latex: Annotated[bool, Option("--latex", help="Print LaTeX instead of the tables.")] = False,
    vary: Annotated[str | None, Option("--vary", help="Parameter and range of the figure.", metavar="NAME=LO:HI")] = None,
    plot: PLOT = None,
    json: JSON = False,
) -> Answer:
    """Cycles and their bifurcations in closed form.

    The polynomial of the cycles, their points and multipliers, and their flips and folds.

    $ cfdyn exact double_well --period 2
    $ cfdyn exact --map "r*x*(1-x)" --parameters r --period 3
    """
    if latex and json:
        raise UsageError("--latex and --json both want stdout; the JSON document holds the LaTeX too")
    if vary and not plot:
        raise UsageError("--vary is the range of the figure; it needs --plot FILE")
    about = _built(subject, parameters, vary)
    beneath: dict[str, Any] = {"span": None if vary is None else _span(vary, about, parameters), "also": []}
    say(f"searching for closed forms, at most {time_limit:g} s of the processor")
    cycles, edges = cfdyn.symbolic.cycles(*about, n=period, parameters=parameters, time_limit=time_limit), None
    if period == 1 and subject.loss is not None:
        say("searching for minima")
        edges = cfdyn.symbolic.edge(*about, time_limit=time_limit)
    if period > 1 and plot:
        fixed = cfdyn.symbolic.cycles(*about, n=1, parameters=parameters, time_limit=time_limit)
        beneath["also"] = [fixed] if fixed.families else []
    return Answer(
        lambda: _document(cycles, edges), lambda screen: _print(screen, cycles, edges), _latex(cycles, edges) if latex else None,
        record=cycles, draw=lambda cycles, file, **limits: cfdyn.plot(cycles, file, **beneath, **limits),
    )  # fmt: skip


def _document(exact: ExactCycles, edges: ExactEdge | None) -> dict[str, Any]:
    bifurcations = [{"kind": kind, **fields(root, "parameter value"), "formula": root.formula and root.formula.text}
                    for kind, root in exact.bifurcations]  # fmt: skip
    return {**exact.to_json(), "bifurcations": bifurcations, "edges": edges and edges.to_json(), "latex": exact.latex()}


def _latex(exact: ExactCycles, edges: ExactEdge | None) -> str:
    return exact.latex() + (f"\n{edges.latex()}" if edges is not None and edges.minima else "")


def _built(subject: Subject, parameters: str | None, vary: str | None) -> tuple[Map | Loss, Optimizer | None]:
    """The map, or the loss and its optimizer; names that stay symbols need no value in a map."""
    if not subject.is_map():
        loss, optimizer, _ = subject.loss_and_optimizer()
        return loss, optimizer
    listed = [] if parameters in (None, "all") else str(parameters).replace(",", " ").split()
    named = listed or ([] if vary is None else [vary.partition("=")[0].strip()])
    # It is sought for, so that nothing depends on its value.
    subject = subject.with_values(dict.fromkeys(named[:1], 1.0))
    others = subject.with_values(dict.fromkeys(named[1:], 1.0)).settings or []
    for item in others[len(subject.settings or []) :]:
        raise UsageError(f"conditions are solved for {named[0]} at numbers of the other parameters; give one, such as --set "
                         f"{item.removesuffix('.0')}")  # fmt: skip
    return subject.make_map(), None


def _span(text: str, subject: tuple[Map | Loss, Optimizer | None], parameters: str | None) -> Interval:
    from cfdyn.plotting.figures.exact import checked_span
    from cfdyn.symbolic.exact.request import chosen_parameters
    from cfdyn.symbolic.exact.request import subject as specification

    name, equals, interval = text.partition("=")
    if not equals:
        raise UsageError(f"--vary takes NAME=LO:HI, such as lr=0.5:2, not {text!r}")
    first = chosen_parameters(specification(*subject), parameters)[:1]
    if first != (name.strip(),):
        raise UsageError(f"the figure is over {first[0] if first else 'nothing'}, not {name.strip()}")
    return checked_span(intervals(interval, "--vary")[0])


def _print(screen: Screen, exact: ExactCycles, edges: ExactEdge | None) -> None:
    """Print each family with its formulas, then the bifurcations in order, and the minima."""
    numbers = {name: value for name, value in exact.params.items() if name not in exact.parameters}
    screen.facts(
        ("map", _short("; ".join(f"{n} → {f}" for n, f in zip(exact.names, exact.formulas)) or exact.title)),
        ("symbols", ", ".join(exact.parameters) or "none"),
        ("numbers", named(numbers, numbers.values())) if numbers else None,
        (called(exact.period, True), "all of them, exactly" if exact.complete else f"not all in closed form: {exact.reason}"),
    )
    for family in exact.families:
        _print_family(screen, family, exact.parameters)
    if exact.bifurcations:
        given = named(exact.parameters[1:], [exact.params[name] for name in exact.parameters[1:]])
        real = "fixed points" if exact.period == 1 else "cycles"
        screen.heading(f"\nBifurcations of real {real}", f", at {given}" if given else "")
        rows = [(f"{root.value:.16g}", kind, "root of the polynomial" if root.formula is None else _short(root.formula))
                for kind, root in exact.bifurcations]  # fmt: skip
        screen.table((exact.parameters[0], "kind", "formula"), rows, most=None)
    if edges is not None:
        _print_edges(screen, edges)


def _print_family(screen: Screen, family: ExactFamily, parameters: tuple[str, ...]) -> None:
    count = f"{family.count} of them" + (", complex ones counted" if family.degree else "")
    screen.heading(f"\n{family.kind}", f" ({count if family.count else 'implicit'})")
    roots_of = family.multiplier_polynomial if not family.multipliers else None
    screen.facts(
        ("equation", f"{_short(family.equation)} = 0"),
        *((family.unknown, _short(root)) for root in family.roots),
        None if family.parameter is None else ("parameter", _short(family.parameter)),
        *(("multiplier", _short(m)) for m in family.multipliers),
        None if roots_of is None else ("multipliers", f"roots of {_short(roots_of)}"),
        *((c.kind, f"{_short(c.polynomial)} = 0{_nowhere(c, parameters)}") for c in family.conditions),
    )


def _nowhere(condition: ExactCondition, parameters: tuple[str, ...]) -> str:
    """In words that no real cycle meets it."""
    first = parameters[0] if parameters else ""
    if not first or not re.search(rf"\b{first}\b", condition.polynomial.text):
        return ""
    if not condition.roots:
        return f"  (for no {'positive' if first == 'lr' else 'real'} {first})"
    return "" if any(root.real is not False for root in condition.roots) else "  (of complex cycles)"


def _print_edges(screen: Screen, edges: ExactEdge) -> None:
    screen.heading("\nMinima", f" ({edges.reason})" if edges.reason else "")
    if edges.minima:
        rows = [["–" if formula is None else _short(formula) for formula in (m.point, m.sharpness, m.edge, m.coefficient)]
                for m in edges.minima]  # fmt: skip
        screen.table(("weight", "sharpness", "edge", "flip coefficient (of gd)"), rows, most=None)


def _short(formula: Any) -> str:
    return shortened(str(formula), LONGEST)
