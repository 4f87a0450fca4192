"""`cycles`: closed forms of the n-cycles of a map and of their bifurcations."""

from collections.abc import Sequence
from typing import Any

from cfdyn.arguments import whole_number
from cfdyn.records.record import provenance
from cfdyn.symbolic.exact.families import ExactCondition, ExactFamily, ExactFormula, ExactRoot
from cfdyn.symbolic.exact.process import TOO_LATE, answers, checked_limit
from cfdyn.symbolic.exact.record import ExactCycles
from cfdyn.symbolic.exact.request import Refused, chosen_parameters, request, subject
from cfdyn.symbolic.optimizer import Optimizer

MOST_PERIOD = 64  # its polynomial has 2⁶⁴ roots already for a parabola
SHARE = 0.6  # of the time for all parameters as symbols, the rest for one alone
TIMES = {2: "doubling", 3: "tripling", 4: "quadrupling"}


def cycles(
    given: Any, optimizer: Any = None, n: int | None = None, *, parameters: Sequence[str] | str | None = None,
    time_limit: float = 20.0,
) -> ExactCycles:  # fmt: skip
    """Closed forms of the n-cycles of an optimizer on a loss, or of a map: ``cycles(loss, opt, n)``, ``cycles(step, n)``.

    The points are the roots of Φ_n(x) = ∏_{d|n} (f^d(x) − x)^μ(n/d), factored into irreducible factors. For each factor q the
    multipliers μ = (fⁿ)′ are functions on its roots; where one of them is −1 (flip) or +1 (fold), the resultant Res_x(q, μ ± 1),
    a polynomial in the parameters, vanishes. Several variables are first reduced to one by elimination. The algebra runs in a
    separate process, which stops at the time limit; the answers found until then are returned.

    Parameters
    ----------
    given, optimizer : a `cf.Loss` and an optimizer, or a `cf.Map` alone
    n : period, at least 1
    parameters : those that stay symbols, "all" for every one; default: lr for an optimizer, and for a map all of them if the time
        suffices, else the first. Conditions are solved for the first. The others are replaced by exact numbers
    time_limit : seconds of processor time for the algebra, so that the answer does not depend on the load of the machine

    Returns
    -------
    ExactCycles; if there is no closed form, or none is found in time, ``complete`` is False and ``reason`` says why

    Raises
    ------
    UsageError : neither a loss with an optimizer nor a map, a period that is not a whole number from 1 to 64, an unknown
        parameter, or a time limit that is not a positive number

    Examples
    --------
    >>> import cfdyn as cf
    >>> exact = cf.symbolic.cycles(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), 2)
    >>> [(family.kind, str(family.multipliers[0])) for family in exact.families]
    [('symmetric cycles', '(2*lr + 5)**2'), ('cycles', '-2*lr**2 - 4*lr + 7')]
    >>> [(kind, str(root.formula)) for kind, root in exact.bifurcations]
    [('birth by doubling', '1'), ('flip', '-1 + sqrt(5)')]

    References
    ----------
    Morton & Patel, Proc. London Math. Soc. 68 (1994) 225 (the polynomials Φ_n).
    """
    if n is None and not isinstance(optimizer, Optimizer):
        optimizer, n = None, optimizer
    n, seconds = whole_number("a period", n, 1, MOST_PERIOD), checked_limit(time_limit)
    spec = subject(given, optimizer)
    names = chosen_parameters(spec, parameters)
    several = parameters is None and len(names) > 1
    parts, reason = _asked(spec, names, n, seconds * (SHARE if several else 1))
    if several and reason == TOO_LATE:
        names = names[:1]
        parts, reason = _asked(spec, names, n, seconds * (1 - SHARE))
        reason = reason or f"the other parameters are replaced by numbers: with them as symbols {TOO_LATE}"
    return _record(spec, names, n, parts, reason)


def _asked(spec: Any, names: Sequence[str], n: int, seconds: float) -> tuple[list[dict[str, Any]], str]:
    try:
        return answers(request(spec, names, job="cycles", n=n), seconds)
    except Refused as reason:
        return [], str(reason)


def _record(spec: Any, names: tuple[str, ...], n: int, parts: list[dict[str, Any]], reason: str) -> ExactCycles:
    step = parts[0] if parts else {"map": [], "latex": []}
    formulas = tuple(ExactFormula(t, x) for t, x in zip(step["map"], step["latex"], strict=True))
    conditions = {part["of"]: part["conditions"] for part in parts[1:] if "of" in part}
    kinds = _kinds(parts[1:])
    families = tuple(
        _family(part, n, [_condition(c, names, kinds) for c in conditions.get(number, ())])
        for number, part in enumerate(part for part in parts[1:] if "equation" in part)
    )
    return ExactCycles(
        spec.title, n, tuple(spec.names) if formulas else (), formulas, dict(spec.params), names, families, not reason, reason,
        provenance=provenance(map=spec.title, params=spec.params, parameters=names, period=n),
    )  # fmt: skip


def formula_of(stored: dict[str, str] | None) -> ExactFormula | None:
    """A formula read from the output of the other process."""
    return None if stored is None else ExactFormula(stored["text"], stored["latex"])


def _formulas(stored: Sequence[dict[str, str]]) -> tuple[ExactFormula, ...]:
    return tuple(ExactFormula(s["text"], s["latex"]) for s in stored)


def _kinds(parts: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The special kinds of a fold, by its polynomial: the cycles are born there from shorter ones, or two families meet."""
    unit = ("fold", "branch point")
    folds = [{c["polynomial"] for c in part["conditions"] if c["kind"] in unit} for part in parts if "of" in part]
    shared = {text for i, own in enumerate(folds) for other in folds[:i] for text in own & other}
    births = {text: f"birth by {TIMES.get(k, f'{k}-tupling')}" for part in parts for text, k in part.get("births", {}).items()}
    return dict.fromkeys(shared, "branch point") | births


def _family(part: dict[str, Any], n: int, conditions: Sequence[ExactCondition]) -> ExactFamily:
    return ExactFamily(
        part["kind"], n, ExactFormula(part["equation"]["text"], part["equation"]["latex"]), part["unknown"], part["degree"],
        part["count"], _formulas(part["coordinates"]), _formulas(part["roots"]), _formulas(part["multipliers"]),
        formula_of(part["multiplier_polynomial"]), tuple(conditions), formula_of(part.get("parameter")),
    )  # fmt: skip


def _condition(part: dict[str, Any], names: Sequence[str], kinds: dict[str, str]) -> ExactCondition:
    roots = tuple(
        ExactRoot(names[0], float(r["value"]), r["value"], tuple(r["interval"]),
                  ExactFormula(r["text"], r["latex"]) if r["text"] else None, r.get("real"), tuple(r.get("points", ())))
        for r in part["roots"]
    )  # fmt: skip
    kind = kinds.get(part["polynomial"], part["kind"]) if part["kind"] in ("fold", "branch point") else part["kind"]
    return ExactCondition(kind, ExactFormula(part["polynomial"], part["latex"]), roots)
