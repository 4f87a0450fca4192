"""Logarithms of sums, products and quotients of exponentials, written so that no float overflows on the way."""

from collections.abc import Callable, Sequence

from cfdyn.tape.program import Node, Tape


def logarithm(tape: Tape, u: Node) -> Node:
    """log u; where u > 0 is made of exponentials, the same function without them.

    log(1 + eᵛ) = softplus(v), log(eᵃ + eᵇ) = a + softplus(b − a), log σ(v) = −softplus(−v), log cosh v = logcosh(v), and
    logarithms of products, quotients and whole powers of these.

    >>> t = Tape()
    >>> v = t.leaf("z", 0)
    >>> one_and_e = t.add(t.const(1), t.apply("exp", v))
    >>> logarithm(t, one_and_e) == t.apply("softplus", v), t.ops[logarithm(t, t.add(v, t.const(1)))]
    (True, 'log')
    """
    found = exponent(tape, u)
    return tape.apply("log", u) if found is None else found


def log_one_plus(tape: Tape, u: Node) -> Node:
    """log(1 + u), as `logarithm` writes it where u is a sum of exponentials."""
    found = _of_sum(tape, [tape.const(1), u])
    return tape.apply("log1p", u) if found is None else found


def log_sum_exp(tape: Tape, exponents: Sequence[Node]) -> Node:
    """log Σ exp(eₖ), by log(eᵃ + eᵇ) = a + softplus(b − a): it overflows nowhere and has no branches."""
    whole, *others = exponents
    for other in others:
        whole = tape.add(whole, tape.apply("softplus", tape.sub(other, whole)))
    return whole


def exponent(tape: Tape, u: Node) -> Node | None:
    """e with u = exp(e) for all values of what u is made of; None where u is not made so."""
    op = tape.ops[u]
    if op == "const":
        return tape.const(0) if tape.value(u) == 1 else None
    return _RULES[op](tape, u) if op in _RULES else None


def _of_sum(tape: Tape, terms: list[Node]) -> Node | None:
    found: set[Node] = set()
    while terms:
        term = terms.pop()
        if tape.ops[term] == "add":
            terms += tape.args[term]
            continue
        inside = exponent(tape, term)
        if inside is None or inside in found:
            return None
        found.add(inside)
    return log_sum_exp(tape, sorted(found, key=lambda node: (tape.value(node) != 0, node)))


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


def _of_rest(tape: Tape, u: Node) -> Node | None:
    """1 − σ(v) = σ(−v)."""
    a, b = tape.args[u]
    if tape.value(a) != 1 or tape.ops[b] != "sigmoid":
        return None
    return tape.neg(tape.apply("softplus", tape.args[b][0]))


_RULES: dict[str, Callable[[Tape, Node], Node | None]] = {
    "exp": lambda tape, u: tape.args[u][0],
    "cosh": lambda tape, u: tape.apply("logcosh", tape.args[u][0]),
    "sigmoid": lambda tape, u: tape.neg(tape.apply("softplus", tape.neg(tape.args[u][0]))),
    "add": lambda tape, u: _of_sum(tape, [u]), "mul": _of_product, "div": _of_quotient, "ipow": _of_power, "sub": _of_rest,
}  # fmt: skip
