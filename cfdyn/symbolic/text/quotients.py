"""Quotients by sums of exponentials, written so that neither they nor their slopes become inf/inf or 0·inf in floats."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import prod

from cfdyn.symbolic.text.logarithms import SMALL, exponent, log_sum_exp, logarithm
from cfdyn.tape.program import Node, Tape
from cfdyn.tape.rebuild import rebuild

MOST = 64  # the highest power of a fraction, and the number of terms into which all sums in a numerator are expanded
GAPS = ("log", "log1p", "tan")
Powers = dict[Node, Fraction]  # a product: the power of each node in it
Terms = dict[Node, Fraction]  # Σ c exp(a): the c of each a


def quotient(tape: Tape, factors: Sequence[tuple[Node, Fraction | int]]) -> Node | None:
    """The product of powers of nodes, or None.

    None unless the denominator contains a sum of exponentials that is positive everywhere, and if a part that may be undefined
    would cancel.

    1/(1 + e⁻ᵛ) = σ(v), eᵃ/(eᵃ + eᵇ) = σ(a − b), (eᵃ − eᵇ)/(eᵃ + eᵇ) = tanh((a − b)/2), sinh v/cosh v = tanh v; in all other
    cases eᵃ/sⁿ = exp(a − n log s), and the rest of the numerator is multiplied by that.

    >>> t = Tape()
    >>> v = t.leaf("z", 0)
    >>> e = t.apply("exp", t.neg(v))
    >>> quotient(t, [(t.add(t.const(1), e), -1)]) == t.apply("sigmoid", v), quotient(t, [(t.add(v, e), -1)])
    (True, None)
    """
    if not any(n < 0 and _is_sum(tape, node) for node, n in factors):
        return None
    powers = _product(tape, factors)
    below = {node: -n for node, n in powers.items() if n < 0 and _is_sum(tape, node)}
    short = _quotient(tape, {node: n for node, n in powers.items() if node not in below}, below, MOST)
    return short if _needed(tape, factors) <= _needed(tape, [(short, 1)]) else None


def _needed(tape: Tape, factors: Iterable[tuple[Node, Fraction | int]]) -> set[tuple[str, Node]]:
    """Where a product of powers is defined: factors that must not be 0, and arguments of roots and of functions with gaps.

    Sums that are positive everywhere are not among these.
    """
    needed, under = set(), [node for node, n in factors if n < 0]
    roots = [node for node, n in factors if Fraction(n).denominator > 1]
    for part in tape.reachable(node for node, _ in factors):
        op, args = tape.ops[part], tape.args[part]
        if op in GAPS:
            needed.add((op, args[0]))
        roots += args[:1] if op in ("pow", "sqrt") else []
        under += args[1:] if op == "div" else args[:1] if op == "ipow" and args[1] < 0 else []
        under += args[:1] if op == "pow" and (tape.value(args[1]) or -1) < 0 else []
    needed |= {("root", node) for node in roots if not _is_sum(tape, node)}
    while under:
        node = under.pop()
        if tape.ops[node] in ("mul", "div", "neg", "ipow"):
            under += tape.children(node)
        elif not tape.value(node) and not _is_sum(tape, node):
            needed.add(("0", node))
    return needed


def _product(tape: Tape, factors: Iterable[tuple[Node, Fraction | int]]) -> Powers:
    """A product with the products, quotients and whole powers in it expanded. Inverses of factors that may be 0 do not cancel."""
    powers: Powers = {}
    left = [(node, Fraction(n)) for node, n in factors][::-1]
    while left:
        node, n = left.pop()
        op, args = tape.ops[node], tape.args[node]
        if n.denominator > 1 or op not in ("mul", "div", "neg", "ipow"):
            part, k = (node, n) if n > 0 or _is_sum(tape, node) else (tape.pow(node, tape.const(n)), Fraction(1))
            powers[part] = powers.get(part, Fraction(0)) + k
        elif op == "ipow":
            left.append((args[0], n * args[1]))
        else:
            over, under = (tape.const(-1), args[0]) if op == "neg" else args
            left += [(under, -n if op == "div" else n), (over, n)]
    return {node: n for node, n in powers.items() if n}


def _is_sum(tape: Tape, node: Node) -> bool:
    """True for cosh v and for sums of exponentials that are positive everywhere. Nothing is added to the tape."""
    if tape.ops[node] != "add" or all(tape.ops[part] not in ("exp", "cosh") for part in tape.reachable([node])):
        return tape.ops[node] == "cosh"
    scratch = Tape()
    return exponent(scratch, rebuild(tape, [node], scratch)[0]) is not None


def _quotient(tape: Tape, above: Powers, below: Powers, most: int) -> Node:
    """The quotient: a sum in the numerator that is not positive everywhere is a tanh, or is expanded.

    It is expanded into at most ``most`` terms with all sums in them, and each term is divided by the denominator.
    """
    sums = [node for node, n in above.items() if _is_open(tape, node, n)]
    for node in sums:
        for other, k in below.items():
            bend = _tanh(tape, _terms(tape, node), _terms(tape, other)) if k.denominator == 1 else None
            if bend is not None:
                both = min(above[node], k)
                left = _quotient(tape, _less(above, node, both), _less(below, other, both), most)
                return tape.mul(tape.ipow(bend, int(both)), left)
    parts = {node: _summands(tape, node) for node in sums if above[node] == 1 and tape.ops[node] != "sinh"}
    many = prod(map(len, parts.values()))
    for node, terms in parts.items():
        opened = [_product(tape, [(part, 1)]) for part in terms]
        if many <= most and any(tape.ops[factor] in ("exp", "cosh") for part in opened for factor in part):
            others = _less(above, node, Fraction(1)).items()
            products = [_product(tape, [*others, *part.items()]) for part in opened]
            return tape.total(_quotient(tape, product, below, most // len(terms)) for product in products)
    return _whole(tape, above, below)


def _is_open(tape: Tape, node: Node, n: Fraction) -> bool:
    return n >= 1 and n.denominator == 1 and tape.ops[node] in ("add", "sub", "sinh") and not _is_sum(tape, node)


def _whole(tape: Tape, above: Powers, below: Powers) -> Node:
    """eᵃ and the rest of the numerator, over sums of exponentials: each sum is in a fraction, or in the exponent a."""
    a, result = tape.const(0), tape.const(1)
    for node, n in above.items():
        if tape.ops[node] == "exp" or _is_sum(tape, node):
            a = tape.add(a, tape.mul(tape.const(n), logarithm(tape, node)))
        elif tape.ops[node] == "ipow" and n == 1 and tape.args[node][1] == -1:
            result = tape.div(result, tape.args[node][0])
        else:
            result = tape.mul(result, tape.pow(node, tape.const(n)))
    for node, n in sorted(below.items(), key=lambda item: _share(tape, a, *item) is None):
        share = _share(tape, a, node, n)
        if share is None:
            a = tape.sub(a, tape.mul(tape.const(n), logarithm(tape, node)))
        else:
            a, result = tape.const(0), tape.mul(share, result)
    return result if tape.value(a) == 0 else tape.mul(tape.apply("exp", a), result)


def _share(tape: Tape, a: Node, node: Node, n: Fraction) -> Node | None:
    """1/cosh² v; eᵃ/sⁿ where s has a term c eᵇ with a = n b: that is the power n of σ(b + log c − log of the other terms)/c."""
    if tape.ops[node] == "cosh" and tape.value(a) == 0 and n % 2 == 0:
        return tape.ipow(tape.apply("sech2", tape.args[node][0]), int(n / 2))
    terms = _terms(tape, node) or {}
    b = next((b for b in terms if tape.mul(tape.const(n), b) == a), None)
    if b is None or n.denominator > 1 or n > MOST or len(terms) < 2 or not SMALL <= terms[b] ** int(n) <= 1 / SMALL:
        return None
    ratios = {other: exponent(tape, tape.const(c / terms[b])) for other, c in terms.items()}
    exponents = [tape.add(other, ratio) for other, ratio in ratios.items() if ratio is not None]
    if len(exponents) < len(terms):
        return None
    k = list(terms).index(b)
    # Sums from both ends: all shares of a sum have these in common.
    rest = log_sum_exp(tape, [log_sum_exp(tape, part) for part in (exponents[:k], exponents[:k:-1]) if part])
    share = tape.apply("sigmoid", _difference(tape, b, rest))
    return tape.mul(tape.const(1 / terms[b] ** int(n)), tape.ipow(share, int(n)))


def _tanh(tape: Tape, above: Terms | None, below: Terms | None) -> Node | None:
    """c (eᵃ − eᵇ)/(d (eᵃ + eᵇ)) = c/d tanh((a − b)/2)."""
    if above is None or below is None or len(below) != 2 or set(above) != set(below):
        return None
    a, b = below
    if above[a] != -above[b] or below[a] != below[b]:
        return None
    p, x = _multiple(tape, _difference(tape, a, b))
    bend = tape.apply("tanh", tape.mul(tape.const(abs(p) / 2), x))
    return tape.mul(tape.const(above[a] / below[a] * (1 if p > 0 else -1)), bend)


def _terms(tape: Tape, node: Node) -> Terms | None:
    """A sum of exponentials with numbers before them; None for other sums."""
    if tape.ops[node] in ("cosh", "sinh"):
        half, v = Fraction(1, 2), tape.args[node][0]
        return {v: half, tape.neg(v): half if tape.ops[node] == "cosh" else -half}
    terms: Terms = {}
    for part in _summands(tape, node):
        c, a = Fraction(1), tape.const(0)
        for factor, n in _product(tape, [(part, 1)]).items():
            number, inside = tape.value(factor), exponent(tape, factor)
            if number is not None:
                c *= number ** int(n)
            elif inside is None:
                return None
            else:
                a = tape.add(a, tape.mul(tape.const(n), inside))
        terms[a] = terms.get(a, Fraction(0)) + c
    return terms


def _summands(tape: Tape, node: Node) -> list[Node]:
    """The terms of a sum; subtracted ones with the opposite sign."""
    summands, left = [], [(node, False)]
    while left:
        part, minus = left.pop()
        op, args = tape.ops[part], tape.args[part]
        if op in ("add", "sub"):
            left += [(args[1], minus != (op == "sub")), (args[0], minus)]
        elif op == "neg":
            left.append((args[0], not minus))
        else:
            summands.append(tape.neg(part) if minus else part)
    return summands


def _difference(tape: Tape, a: Node, b: Node) -> Node:
    """a − b, with multiples of one node collected: a variable in it then occurs once."""
    (p, x), (q, y) = (_multiple(tape, node) for node in (a, b))
    if x == y or not p or not q:
        return tape.mul(tape.const(p - q), x if p else y)
    return tape.sub(a, b)


def _multiple(tape: Tape, node: Node) -> tuple[Fraction, Node]:
    """The node of which a node is a multiple, and the factor: 0 times itself, if it is 0."""
    if tape.value(node) == 0:
        return Fraction(0), node
    if tape.ops[node] == "neg":
        c, inside = _multiple(tape, tape.args[node][0])
        return -c, inside
    number = tape.value(tape.args[node][0]) if tape.ops[node] == "mul" else None
    return (Fraction(1), node) if number is None else (number, tape.args[node][1])


def _less(powers: Mapping[Node, Fraction], node: Node, n: Fraction) -> Powers:
    """The product with a lower power of one of its nodes."""
    return {other: k - n if other == node else k for other, k in powers.items() if other != node or k != n}
