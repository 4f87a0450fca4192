"""Truncated Taylor arithmetic on the tape: the series of a program along a curve, to any order.

Applying `forward` k times differentiates every term of the earlier derivatives; the recurrences here
cost O(k²) operations for each node (Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008,
ch. 13; Neidinger, SIAM Review 52, 545–563, 2010). At a switch the conventions are those of `derivatives`.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from cfdyn.tape.derivatives import _branches, partials
from cfdyn.tape.program import UNARY, Node, Tape
from cfdyn.tape.rebuild import rebuild

_LINEAR = frozenset("add sub neg rowsum".split())
_PIECEWISE_CONSTANT = frozenset("sign heaviside floor lt le eq and or not".split())


def taylor(tape: Tape, outputs: Sequence[Node], curves: Mapping[Node, Sequence[Node]], order: int) -> list[list[Node]]:
    """Taylor coefficients: with leaf(s) = Σ_k c_k sᵏ, ``result[i][k]`` is the coefficient of sᵏ of ``outputs[i]``.

    A function y = f(u) has y′ = s u′ with s = f′(u), so k y_k = Σ_{j=1…k} j u_j s_{k−j}: only lower coefficients
    of the slope s are needed. O(nodes · order²) nodes are added to the tape. Where x = 0, xᵃ is not a number unless
    a is a positive integer constant or, for the coefficients k < a, independent of s.

    curves : c_0, c_1, … of each leaf that moves, nodes of the tape; omitted coefficients are 0. c_0 may be the leaf itself or any
        other node: the series of one application of a map is the curve for the next.

    >>> from cfdyn.tape.evaluate import evaluate, mp_algebra
    >>> from cfdyn.tape.program import Program
    >>> t = Tape()
    >>> x = t.leaf("z")
    >>> [series] = taylor(t, [t.apply("tan", x)], {x: [x, t.const(1)]}, order=5)
    >>> values = evaluate(Program(t, tuple(series), n_z=1, n_p=0), mp_algebra(30), [0], [])
    >>> [round(float(v), 6) for v in values]  # s + s³/3 + 2 s⁵/15
    [0.0, 1.0, 0.0, 0.333333, 0.0, 0.133333]
    """
    zero = tape.const(0)
    moving = {leaf for leaf, curve in curves.items() if any(c != zero for c in curve[1 : order + 1])}
    nodes, slopes = _closure(tape, outputs, curves, moving)
    constant_terms = rebuild(tape, nodes, tape, {leaf: curve[0] for leaf, curve in curves.items()})
    series = {node: [value] for node, value in zip(nodes, constant_terms, strict=True)}
    series.update({leaf: [*curves[leaf][: order + 1], *[zero] * (order + 1 - len(curves[leaf]))] for leaf in moving})
    work = _Expansion(tape, series, slopes)
    for k in range(1, order + 1):
        for node in filter(slopes.__contains__, nodes):
            series[node].append(work.coefficient(node, k))
    return [[work.at(node, k) for k in range(order + 1)] for node in outputs]


_Slopes = dict[Node, list[tuple[Node, Node]]]


def _closure(tape: Tape, outputs: Sequence[Node], curves: Mapping, leaves: set[Node]) -> tuple[list[Node], _Slopes]:
    """All nodes involved, in the order of evaluation, and the slopes of those that move.

    Slopes have slopes themselves; as equal expressions are equal nodes, this ends after a few rounds.
    """
    seen: set[Node] = set()
    moving, slopes = set(leaves), _Slopes()
    wanted = list(outputs)
    while wanted:
        fresh = [node for node in tape.reachable(wanted) if node not in seen]
        seen.update(fresh)
        wanted = []
        for node in fresh:
            still = node in curves or tape.ops[node] in _PIECEWISE_CONSTANT
            if still or not any(child in moving for child in tape.children(node)):
                continue
            moving.add(node)
            slopes[node] = _slopes(tape, node, moving)
            wanted += [slope for _, slope in slopes[node]]
            branches = _branches(tape, node)
            wanted += branches[:1] if branches else ()
    return sorted(seen), slopes


def _slopes(tape: Tape, node: Node, moving: set[Node]) -> list[tuple[Node, Node]]:
    """Pairs (u, ∂y/∂u) of a function without its own recurrence."""
    op, args = tape.ops[node], tape.args[node]
    if op in UNARY and op != "sqrt":
        return [(args[0], partials(tape, node)[0]())]
    if op == "pow" and args[1] in moving:
        base, exponent = args
        # b y/x instead of b x^(b-1), whose slope would lead to x^(b-2) and so on.
        pairs = [(exponent, tape.mul(node, tape.apply("log", base)))]
        return pairs + ([(base, tape.mul(exponent, tape.div(node, base)))] if base in moving else [])
    return []


class _Expansion:
    """The series of every node, computed order by order; the series of a node that does not move has length 1."""

    def __init__(self, tape: Tape, series: dict[Node, list[Node]], slopes: _Slopes):
        self.tape, self.series, self.slopes = tape, series, slopes
        self.powers: dict[tuple[Node, int], list[Node]] = {}

    def at(self, node: Node, k: int) -> Node:
        series = self.series[node]
        return series[k] if k < len(series) else self.tape.const(0)

    def coefficient(self, node: Node, k: int) -> Node:
        """Coefficient k ≥ 1 of a node, given all lower ones and those of its children."""
        t, op, args = self.tape, self.tape.ops[node], self.tape.args[node]
        branches = _branches(t, node)
        if branches:
            condition, a, b = branches
            return t.select(self.at(condition, 0), self.at(a, k), self.at(b, k))
        if op in _LINEAR:
            return t.apply(op, *(self.at(a, k) for a in args))
        if op == "mul":
            return self.convolve(self.series[args[0]], self.series[args[1]], k)
        if op == "div":
            # The node has only k coefficients so far: the sum begins with b_1 y_{k−1}.
            over = t.sub(self.at(args[0], k), self.convolve(self.series[args[1]], self.series[node], k))
            return t.div(over, self.at(args[1], 0))
        if op in ("ipow", "sqrt") or (op == "pow" and not self.slopes[node]):
            return self.power(node, k)
        total = t.total(self.convolve(self.rate(u, k), self.series[s], k) for u, s in self.slopes[node])
        return t.mul(t.const(Fraction(1, k)), total)

    def convolve(self, a: Sequence[Node], b: Sequence[Node], k: int) -> Node:
        """Σ a_j b_{k−j} over the existing coefficients."""
        span = range(max(0, k - len(b) + 1), min(k + 1, len(a)))
        return self.tape.total(self.tape.mul(a[j], b[k - j]) for j in span)

    def rate(self, u: Node, k: int) -> list[Node]:
        """j u_j for j = 0…k."""
        return [self.tape.mul(self.tape.const(j), self.at(u, j)) for j in range(k + 1)]

    def power(self, node: Node, k: int) -> Node:
        """x y′ = a x′ y for y = xᵃ with constant a; a product if a is a positive integer."""
        t, op, args = self.tape, self.tape.ops[node], self.tape.args[node]
        x, y = self.series[args[0]], self.series[node]
        a = t.const(args[1] if op == "ipow" else Fraction(1, 2)) if op != "pow" else self.at(args[1], 0)
        known = t.value(a)
        if known is not None and known.denominator == 1 and known > 0:
            return self.integer_power(args[0], int(known), k)
        weights = [t.add(t.mul(t.const(Fraction(j, k)), a), t.const(Fraction(j - k, k))) for j in range(k + 1)]
        total = t.total(t.mul(weights[j], t.mul(x[j], y[k - j])) for j in range(1, k + 1))
        result = t.div(total, x[0])
        if known is not None and known < k:
            return result
        # At x = 0 the first derivatives of a high power vanish, where the quotient is 0/0.
        vanishes = t.apply("eq", x[0], t.const(0))
        if known is None:
            vanishes = t.apply("and", vanishes, t.apply("lt", t.const(k), a))
        return t.select(vanishes, t.const(0), result)

    def integer_power(self, x: Node, n: int, k: int) -> Node:
        """Coefficient k of xⁿ by repeated squaring: without a division, so that x may be 0."""
        chain = [n]
        while chain[-1] > 1:
            chain.append(chain[-1] - 1 if chain[-1] % 2 else chain[-1] // 2)
        self.powers[x, 1] = self.series[x]
        for m in chain[-2::-1]:
            powers = self.powers.setdefault((x, m), [self.tape.ipow(self.at(x, 0), m)])
            if len(powers) == k:
                odd = m % 2 == 1
                powers.append(self.convolve(self.series[x], self.powers[x, m - 1], k) if odd
                             else self.square(self.powers[x, m // 2], k))  # fmt: skip
        return self.powers[x, n][k]

    def square(self, a: Sequence[Node], k: int) -> Node:
        """Σ a_j a_{k−j}, each product taken once."""
        t = self.tape
        twice = t.mul(t.const(2), t.total(t.mul(a[j], a[k - j]) for j in range((k + 1) // 2)))
        return twice if k % 2 else t.add(twice, t.ipow(a[k // 2], 2))
