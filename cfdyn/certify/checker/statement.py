"""The claim of a certificate in one English sentence, made from its map, its kind, its varied parameters and its claim alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from cfdyn.certify.checker.labels import called

DIGITS, MOST_ROWS = 12, 12


def statement(document: Mapping[str, Any]) -> str:
    """The sentence that the certificate proves."""
    where, whom = parameters_in_words(document), map_in_words(document["map"])
    return " ".join(f"{where}{whom} {SENTENCES[document['kind']](document['claim'])}.".split())


def map_in_words(described: Mapping[str, Any]) -> str:
    """The map with its formulas, all of them, and the values of its parameters."""
    if described["type"] == "formulas":
        pairs = zip(described["variables"], described["formulas"], strict=True)
        return f"the map {', '.join(f'{name} → {text}' for name, text in pairs)}{_values(described.get('params') or {})}"
    loss, optimizer = described["loss"], described["optimizer"]
    limit = ", in the limit of many steps, where its bias correction is over," if described.get("limit") else ""
    return (f"{called(optimizer)} ({_rules(optimizer)}){_values(optimizer['params'])}{limit} on the loss "
            f"{loss['formula']}{_values(loss.get('params') or {})}{_rows(loss)}")  # fmt: skip


def _rules(optimizer: Mapping[str, Any]) -> str:
    """The formulas of an optimizer; g is the gradient."""
    parts = [f"{state} → {text}" for state, text in optimizer["update"].items()]
    names = [f"{name} = {text}" for name, text in (optimizer.get("define") or {}).items()]
    if optimizer.get("gradient") is not None:
        names.insert(0, f"g replaced by {optimizer['gradient']}")
    if optimizer.get("probe") is not None:
        names.insert(0, f"h = ∇L at {optimizer['probe']}")
    return f"{', '.join(parts)}{'; ' if names else ''}{', '.join(names)}"


def _rows(loss: Mapping[str, Any]) -> str:
    """The rows of data over which a loss is averaged."""
    rows = loss.get("rows") or []
    if not rows:
        return ""
    counts = Counter(", ".join(row) for row in rows)
    shown = [f"{times} × ({row})" if times > 1 else f"({row})" for row, times in list(counts.items())[:MOST_ROWS]]
    more = ", …" if len(counts) > MOST_ROWS else ""
    return f", the mean over {len(rows)} rows ({', '.join(loss['columns'])}) of data: {', '.join(shown)}{more},"


def parameters_in_words(document: Mapping[str, Any]) -> str:
    """The values of the varied parameters for which the claim holds."""
    spans = [f"{name} from {_short(lo)} to {_short(hi)}" for name, (lo, hi) in (document.get("vary") or {}).items()]
    if document["kind"] == "bifurcation":
        return f"With {' and '.join(spans)}: "
    return f"For every {' and every '.join(spans)}: " if spans else ""


def _short(number: str) -> str:
    """The text of a number, with the shortest decimal after it if it is a double with more than 20 digits."""
    value = float(Fraction(number)) if len(number) > 22 else 0.0
    return f"{value!r} (rounded to a double)" if value and Fraction(value) == Fraction(number) else number


def _values(params: Mapping[str, Any]) -> str:
    """Parameters with their values; those that vary are named at the beginning of the sentence."""
    texts = [f"{name} = {value}" for name, value in params.items() if isinstance(value, str)]
    return f" with {', '.join(texts)}" if texts else ""


def decimal(text: str, up: bool) -> str:
    """An end of a box as a decimal of 12 digits, rounded outward.

    >>> decimal("0x1.5555555555555p-2", True), decimal("0x1.5555555555555p-2", False), decimal("-0x1.8p+0", True)
    ('0.333333333334', '0.333333333333', '-1.5')
    """
    value = float.fromhex(text)
    if value in (float("inf"), float("-inf"), 0.0):
        return {0.0: "0"}.get(value, str(value))
    exact = Fraction(value)
    power = int(f"{abs(value):.17e}".partition("e")[2]) - DIGITS + 1
    scaled = exact / Fraction(10) ** power
    digits = Decimal(ceil(scaled) if up else floor(scaled)).scaleb(power).normalize()
    return f"{digits:f}" if -DIGITS - 5 < power < 4 else f"{digits:e}"


def interval_in_words(interval: Sequence[str]) -> str:
    """[lo, hi] in decimals, rounded outward."""
    return f"[{decimal(interval[0], False)}, {decimal(interval[1], True)}]"


def exactly(boxes: Sequence[Sequence[Sequence[str]]]) -> str:
    """Boxes whose every point a claim concerns: rounding outward would claim more. A decimal means the double closest to it.

    >>> exactly([[[(-1.0).hex(), (0.5).hex()]]]), exactly([[[(0.1).hex(), "inf"]]])
    ('[-1, 0.5]', '[0.1, inf] (ends rounded to doubles)')
    """
    shown, rounded = [], False
    for box in boxes:
        ends = [[_shortest(end) for end in interval] for interval in box]
        rounded |= any(Fraction(word) != Fraction(float.fromhex(end)) for words, interval in zip(ends, box)
                       for word, end in zip(words, interval) if "inf" not in word)  # fmt: skip
        shown.append(" × ".join(f"[{lo}, {hi}]" for lo, hi in ends))
    return "; ".join(shown) + " (ends rounded to doubles)" * rounded


def _shortest(text: str) -> str:
    """The shortest decimal whose closest double is the given one."""
    value = float.fromhex(text)
    return "0" if value == 0 else repr(value).removesuffix(".0")


def box_in_words(box: Sequence[Sequence[str]]) -> str:
    """A box as a product of intervals."""
    return " × ".join(map(interval_in_words, box))


def _multipliers(claim: Mapping[str, Any]) -> str:
    texts = [interval_in_words(re) if im == [_ZERO, _ZERO] else f"{interval_in_words(re)} + i {interval_in_words(im)}"
             for re, im in claim["multipliers"] or []]  # fmt: skip
    return "" if not texts else f", with the multiplier{'s' * (len(texts) > 1)} in {', '.join(texts)}"


_ZERO = (0.0).hex()
_STABLE = {True: ", which is stable", False: ", which is unstable", None: ""}


def _cycle(claim: Mapping[str, Any]) -> str:
    boxes = exactly(claim["points"])
    if claim["period"] == 1:
        return f"has exactly one fixed point in {boxes}{_STABLE[claim['stable']]}{_multipliers(claim)}"
    return (f"has exactly one cycle of least period {claim['period']} that runs through these boxes in turn: {boxes}"
            f"{_STABLE[claim['stable']]}{_multipliers(claim)}")  # fmt: skip


def _branch(claim: Mapping[str, Any]) -> str:
    which = "fixed point" if claim["period"] == 1 else f"cycle of least period {claim['period']}"
    first, last = exactly(claim["first"]), exactly(claim["last"])
    stable = {True: ", is stable everywhere", False: ", is unstable everywhere", None: ""}[claim["stable"]]
    pieces = _number(claim["slabs"], "piece")
    return (f"has exactly one {which} in a tube of {pieces} that begins with the boxes {first} and ends with "
            f"{last}; it moves continuously with the parameter{stable}")  # fmt: skip


_BORN = {
    "fold": "two cycles of this period meet there; both exist for values {side} it",
    "flip": "the period doubles there, {critical}: a cycle of twice the period exists for values {side} it",
    "neimark-sacker": "an invariant circle is born there, {critical}: it exists for values {side} it",
}
_MEETS = {"fold": "a multiplier 1", "flip": "a multiplier −1", "neimark-sacker": "a pair of multipliers e^(±iθ)"}


def _bifurcation(claim: Mapping[str, Any]) -> str:
    which = "fixed point" if claim["period"] == 1 else f"cycle of least period {claim['period']}"
    critical = "supercritically" if claim.get("supercritical") else "subcritically"
    born = _BORN[claim["type"]].format(side=claim["side"], critical=critical)
    boxes = exactly(claim["points"])
    return (f"has, at exactly one value of {claim['parameter']} in this interval, a {which} in {boxes} that has"
            f" {_MEETS[claim['type']]} with null vectors in the certificate's boxes; {born}, near it; the coefficient of its"
            f" normal form lies in {interval_in_words(claim['coefficient'])}")  # fmt: skip


def _number(count: int, thing: str) -> str:
    """1 thing, 2 things."""
    return f"{count} {thing}{'s' * (count != 1)}"


def _cycles(claim: Mapping[str, Any]) -> str:
    n, count, total = claim["period"], claim["count"], claim["fixed points"]
    things = _number(count, "fixed point" if n == 1 else "cycle") + ("" if n == 1 else f" of least period {n}")
    how_many = f"at least {things}" if not claim["complete"] else f"exactly {things}" if count else f"no {things[2:]}"
    points = ""
    if total is not None and n > 1:
        whose = "whose orbit lies" if total == 1 else "whose orbits lie"
        points = f" and exactly {_number(total, 'point')} x with g^{n}(x) = x {whose} in it"
    return f"has {how_many} in {exactly([claim['box']])}{points}"


def _no_cycles(claim: Mapping[str, Any]) -> str:
    n = claim["period"]
    what = f"least period {n}" if isinstance(n, int) else f"any period above {n.rpartition(' ')[2]}"
    return f"has no cycle of {what} in {exactly([claim['box']])}"


def _chaos(claim: Mapping[str, Any]) -> str:
    where, n = exactly([[claim["interval"]]]), claim["period"]
    parts = [f"is continuous on {where}"]
    if n is not None:
        boxes = "; ".join(map(box_in_words, claim["points"]))
        parts.append(f"has a cycle of least period {n} through these boxes in turn: {boxes}")
        parts.append("has, by Sharkovskii's theorem, cycles of period 1, of every even period "
                     f"and of every odd period above {n}")  # fmt: skip
        parts.append("has, by Li and Yorke, an uncountable set of starts in this interval, the orbits of any two of which come "
                     "arbitrarily close to each other and do not converge to each other")  # fmt: skip
    golden = " and at least ln((1+√5)/2)" if n == 3 else ""
    if claim["growth"] is not None:
        entropy = f"at least ln {claim['growth']} ≥ {claim['entropy']}{golden}"
        parts.append(f"has topological entropy {entropy} on the orbits that stay there")
    elif golden:
        parts.append("has topological entropy at least ln((1+√5)/2) on the orbits that stay there")
    return f"{'; it '.join(parts)} (this says nothing about what attracts)"


def _horseshoe(claim: Mapping[str, Any]) -> str:
    sets, moves = 1 + max(max(pair) for pair in claim["transitions"]), _number(len(claim["transitions"]), "transition")
    return (
        f"is continuous on {sets} disjoint parallelograms that cover each other by {moves}; "
        "each path of transitions is followed by an orbit, each closed one by a periodic orbit, and the topological entropy is "
        f"at least ln {claim['growth']} ≥ {claim['entropy']} (this says nothing about what attracts)"
    )


def _trapping(claim: Mapping[str, Any]) -> str:
    box = exactly([claim["box"]])
    if claim["whole"]:
        return f"takes the box {box} into its interior, so that no orbit leaves it"
    return f"takes a region of boxes in {box} into its interior, so that no orbit leaves that region"


def _convergence(claim: Mapping[str, Any]) -> str:
    start = exactly([claim["box"]])
    return f"takes every start in {start} to one and the same fixed point, which lies in {box_in_words(claim['point'])}"


def _edge(claim: Mapping[str, Any]) -> str:
    grows, sides = ("grows", "stable to the unstable") if claim["enters"] else ("falls", "unstable to the stable")
    flow, at = "is held at the edge" if claim["enters"] else "leaves the edge", claim.get("threshold", "2")
    box, rate = exactly([claim["box"]]), interval_in_words(claim["rate"])
    end = f"there the flow goes from the {sides} side, and the central flow {flow}"
    if "scale" in claim:
        return (f"has in {box} (the weights, then the averages of their squared gradients) with P = ({claim['scale']})/lr, weight"
                f" by weight, a largest eigenvalue λ of P⁻¹∇²L that is below {at} (where a mode flips as P stands) at"
                f" some points and above {at} at others, all other eigenvalues being below {at}; wherever in this box λ = {at}, λ"
                f" {grows} along the stable flow dw/dt = −P⁻¹∇L, in which each average a of squares, of the memory β, has"
                f" da/dt = ((1 − β)/β)((∂L/∂w)² − a), with a derivative in {rate} (time in steps): {end}")  # fmt: skip
    edge = f"{at}/lr" if "/" not in at else f"({at})/lr"
    modes = " (where a mode of the Hessian has the multiplier −1)" if "threshold" in claim else ""
    return (f"has in {box} a Hessian whose largest eigenvalue λ is below {edge}{modes} at some points and above {edge} at others,"
            f" all other eigenvalues being below {edge}; wherever in this box lr λ = {at}, lr λ"
            f" {grows} along the gradient flow dw/dt = −lr ∇L, with a derivative in {rate} (time in"
            f" steps): {end.replace('the flow', 'gradient flow', 1)}")  # fmt: skip


def _measure(claim: Mapping[str, Any]) -> str:
    m = claim["steps"]
    slope = "|f′|" if m == 1 else f"|(f^{m})′|"
    where = exactly([[claim["interval"]]])
    return (f"takes {where} into itself, but for finitely many points, and has there finitely many pieces that are C² up to their"
            f" ends, with {slope} ≥ {claim['growth']} wherever it is defined, f being one step: by Lasota and Yorke it has an"
            " invariant probability measure with a density there, and no cycle there is stable (this does not say that the"
            " measure is the only one)")  # fmt: skip


SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "cycle": _cycle, "branch": _branch, "bifurcation": _bifurcation, "cycles": _cycles, "no_cycles": _no_cycles, "chaos": _chaos,
    "horseshoe": _horseshoe, "trapping": _trapping, "convergence": _convergence, "edge": _edge,
    "measure": _measure,
}  # fmt: skip
