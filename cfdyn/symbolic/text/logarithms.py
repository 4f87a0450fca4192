"""Logarithms of sums, products and quotients of exponentials, written so that no float overflows on the way."""

from collections.abc import Callable, Sequence
from fractions import Fraction

from cfdyn.tape.program import Node, Tape

SMALL = Fraction(1, 2**1000)  # numbers from here to 1/SMALL are above 0 and finite in floats


def logarithm(tape: Tape, u: Node) -> Node:
    """log u; if u > 0 is composed of exponentials, the same function without them.

    log(1 + eᵛ) = softplus(v), log(eᵃ + eᵇ) = a + softplus(b − a), log σ(v) = −softplus(−v), log cosh v = logcosh(v), and
    logarithms of products, quotients and whole powers of these and of positive numbers; log(1 − σ(v)) = −softplus(v).

    >>> t = Tape()
    >>> v = t.leaf("z", 0)
    >>> one_and_e = t.add(t.const(1), t.apply("exp", v))
    >>> logarithm(t, one_and_e) == t.apply("softplus", v), t.ops[logarithm(t, t.add(v, t.const(1)))]
    (True, 'log')
    """
    power = exponent(tape, u)
    return tape.apply("log", u) if power is None else power


def log_one_plus(tape: Tape, u: Node) -> Node:
    """log(1 + u), as `logarithm` writes it; if u contains a number it is kept: 1 + 10⁻²⁰ is 1 in floats."""
    terms = _terms(tape, u)
    total = None if any(tape.value(term) is not None for term in terms) else _of_terms(tape, [tape.const(1), *terms])
    return tape.apply("log1p", u) if total is None else total


def log_sum_exp(tape: Tape, exponents: Sequence[Node]) -> Node:
    """log Σ exp(eₖ), by log(eᵃ + eᵇ) = a + softplus(b − a): it never overflows and has no branches."""
    whole, *others = exponents
    for other in others:
        whole = tape.add(whole, tape.apply("softplus", tape.sub(other, whole)))
    return whole


def exponent(tape: Tape, u: Node) -> Node | None:
    """e with u = exp(e) for all values of the parts of u; None if u does not have this form."""
    number = tape.value(u)
    if number is not None:
        return _of_number(tape, number)
    op = tape.ops[u]
    return _RULES[op](tape, u) if op in _RULES else None


def _terms(tape: Tape, u: Node) -> list[Node]:
    """The terms of a sum; the node itself if it is not a sum."""
    summands, left = [], [u]
    while left:
        node = left.pop()
        if tape.ops[node] == "add":
            left += tape.args[node]
        else:
            summands.append(node)
    return summands


def _of_terms(tape: Tape, terms: Sequence[Node]) -> Node | None:
    number = sum(value for value in map(tape.value, terms) if value is not None)
    others = [term for term in terms if tape.value(term) is None]
    if number == 1 and len(others) == 1 and tape.ops[others[0]] == "neg":
        return _of_rest(tape, *tape.args[others[0]])
    first = _of_number(tape, number) if number else None
    if number and first is None:
        return None
    exponents = [first, *(exponent(tape, term) for term in others)][0 if number else 1 :]
    common = {e for e in exponents if e is not None}
    if not common or len(common) < len(exponents):
        return None
    # The number first: a variable next to it then occurs once.
    return log_sum_exp(tape, sorted(common, key=lambda e: (e != first, e)))


def _of_number(tape: Tape, number: Fraction | int) -> Node | None:
    if not SMALL <= number <= 1 / SMALL:
        return None
    return tape.const(0) if number == 1 else tape.apply("log", tape.const(number))


def _of_product(tape: Tape, u: Node) -> Node | None:
    total, factors = tape.const(0), [u]
    while factors:
        factor = factors.pop()
        if tape.ops[factor] == "mul":
            factors += tape.args[factor]
            continue
        inside = exponent(tape, factor)
        if inside is None:
            return None
        total = tape.add(inside, total)
    return total


def _of_quotient(tape: Tape, u: Node) -> Node | None:
    over, under = (exponent(tape, part) for part in tape.args[u])
    return None if over is None or under is None else tape.sub(over, under)


def _of_power(tape: Tape, u: Node) -> Node | None:
    base, n = tape.args[u]
    inside = exponent(tape, base)
    return None if inside is None else tape.mul(tape.const(n), inside)


def _of_rest(tape: Tape, share: Node) -> Node | None:
    """log(1 − σ(v)) = −softplus(v); quotients eᵃ/(eᵃ + eᵇ) are read as σ(a − b)."""
    return tape.neg(tape.apply("softplus", tape.args[share][0])) if tape.ops[share] == "sigmoid" else None


_RULES: dict[str, Callable[[Tape, Node], Node | None]] = {
    "exp": lambda tape, u: tape.args[u][0],
    "cosh": lambda tape, u: tape.apply("logcosh", tape.args[u][0]),
    "sigmoid": lambda tape, u: tape.neg(tape.apply("softplus", tape.neg(tape.args[u][0]))),
    "add": lambda tape, u: _of_terms(tape, _terms(tape, u)), "mul": _of_product, "div": _of_quotient, "ipow": _of_power,
    "sub": lambda tape, u: _of_rest(tape, tape.args[u][1]) if tape.value(tape.args[u][0]) == 1 else None,
}  # fmt: skip
