"""What a certificate claims, in one English sentence made from its map, its kind and its claim alone."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

DIGITS = 12


def statement(document: Mapping[str, Any]) -> str:
    """The sentence that the certificate proves."""
    claim = document["claim"]
    where, whom = parameters_in_words(document), map_in_words(document["map"])
    return f"{where}{whom} {SENTENCES[document['kind']](claim)}."


def map_in_words(described: Mapping[str, Any]) -> str:
    """The map with its formulas and the values of its parameters."""
    if described["type"] == "formulas":
        pairs = zip(described["variables"], described["formulas"], strict=True)
        return f"the map {', '.join(f'{name} → {text}' for name, text in pairs)}{_values(described['params'])}"
    loss, optimizer = described["loss"], described["optimizer"]
    rows = f", the mean over {len(loss['rows'])} rows of data," if loss["columns"] else ""
    limit = ", in the limit of many steps, where its bias correction is over," if described.get("limit") else ""
    return (f"{optimizer['name']}{_values(optimizer['params'])}{limit} on the loss {loss['formula']}"
            f"{rows}{_values(loss['params'])}")  # fmt: skip


def parameters_in_words(document: Mapping[str, Any]) -> str:
    """For which values of the varied parameters the claim holds."""
    spans = [f"{name} from {_short(lo)} to {_short(hi)}" for name, (lo, hi) in document.get("vary", {}).items()]
    if document["kind"] == "bifurcation":
        return f"With {' and '.join(spans)}: "
    return f"For every {' and every '.join(spans)}: " if spans else ""


def _short(number: str) -> str:
    """A number's text, cut with three dots where it has more than 20 digits."""
    return number if len(number) <= 22 else f"{number[:18]}…"


def _values(params: Mapping[str, Any]) -> str:
    """Parameters with their values; intervals stand at the beginning of the sentence."""
    texts = [f"{name} = {value}" for name, value in params.items() if isinstance(value, str)]
    return f" with {', '.join(texts)}" if texts else ""


def decimal(text: str, up: bool) -> str:
    """An end of a box as a decimal of 12 digits, rounded outward.

    >>> decimal("0x1.5555555555555p-2", True), decimal("0x1.5555555555555p-2", False)
    ('0.333333333334', '0.333333333333')
    """
    value = float.fromhex(text)
    shown = f"{value:.{DIGITS}g}"
    if value in (float("inf"), float("-inf")) or Fraction(shown) == Fraction(value):
        return shown
    if (Fraction(shown) < Fraction(value)) == up:
        step = Fraction(10) ** (int(f"{value:.{DIGITS - 1}e}".partition("e")[2]) - DIGITS + 1)
        shown = f"{float(Fraction(shown) + (step if up else -step)):.{DIGITS}g}"
    return shown


def interval_in_words(interval: Sequence[str]) -> str:
    """[lo, hi] in decimals, rounded outward."""
    return f"[{decimal(interval[0], False)}, {decimal(interval[1], True)}]"


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
    boxes = "; ".join(map(box_in_words, claim["points"]))
    if claim["period"] == 1:
        return f"has exactly one fixed point in {boxes}{_STABLE[claim['stable']]}{_multipliers(claim)}"
    return (f"has exactly one cycle of least period {claim['period']} that runs through these boxes in turn: {boxes}"
            f"{_STABLE[claim['stable']]}{_multipliers(claim)}")  # fmt: skip


def _branch(claim: Mapping[str, Any]) -> str:
    which = "fixed point" if claim["period"] == 1 else f"cycle of least period {claim['period']}"
    ends = ("; ".join(map(box_in_words, claim[side])) for side in ("first", "last"))
    stable = {True: ", it is stable everywhere", False: ", it is unstable everywhere", None: ""}[claim["stable"]]
    return (f"has exactly one {which} in a tube of {claim['slabs']} boxes that begins with {next(ends)} and ends with"
            f" {next(ends)}{stable}, and it moves continuously")  # fmt: skip


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
    boxes = "; ".join(map(box_in_words, claim["points"]))
    return (f"has, at exactly one value of {claim['parameter']} in this interval, a {which} in {boxes} that has"
            f" {_MEETS[claim['type']]} with null vectors in the certificate's boxes; {born}, near it; the coefficient of its"
            f" normal form lies in {interval_in_words(claim['coefficient'])}")  # fmt: skip


SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {"cycle": _cycle, "branch": _branch, "bifurcation": _bifurcation}
