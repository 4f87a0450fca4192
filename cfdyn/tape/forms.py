"""The functions of a tape as sums of products of atoms: two formulas with the same form are the same function.

An atom is an input, or a function of forms. Odd and even functions lose the sign of their argument, a select is
b + [c](a − b) with the truth [c] as an atom, and a sum of many terms becomes a separate atom. Different forms allow no
conclusion.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from cfdyn.tape.program import Node, Program

Monomial = tuple[tuple[int, int], ...]  # (atom, power) of each factor, in the order of the atoms
Form = dict[Monomial, Fraction]

ODD: Final = frozenset("sin tan sinh tanh erf sign".split())
EVEN: Final = frozenset("cos cosh abs logcosh sech2".split())
PARTIAL: Final = frozenset("sqrt log log1p pow tan".split())  # not defined everywhere
TRUTHS: Final = frozenset(("negative", "not positive", "zero"))
MOST_TERMS, MOST_PRODUCTS = 200, 300  # of a form and of a product, beyond which a sum becomes an atom
HALF: Final = Fraction(1, 2)
Exchange = tuple[tuple[int, ...], tuple[int, ...]]  # (σ, s): entry i of the image is s_i z_σ(i)


class Forms:
    """The forms of one program for given parameters, which share their atoms.

    ``partial``: the atoms that are not defined everywhere and on which a value depends, such as a logarithm or a divisor.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> x = t.leaf("z", 0)
    >>> y = t.add(t.apply("sin", t.ipow(x, 3)), t.div(t.const(1), x))
    >>> forms = Forms(Program(t, (y,), n_z=1, n_p=0), [])
    >>> [there] = forms.outputs([forms.state(0)])
    >>> [back] = forms.outputs([minus(forms.state(0))])
    >>> back == minus(there)
    True
    """

    def __init__(self, program: Program, p: Sequence[float]):
        self.program, self.parameters = program, [Fraction(value) for value in p]
        self.nodes = program.tape.reachable(program.outputs)
        self.numbers: dict[tuple, int] = {}
        self.truths: set[int] = set()
        self.by_row: set[int] = set()
        self.partial: set[int] = set()

    def state(self, k: int) -> Form:
        """Entry k of the state."""
        return self.atom("z", k)

    def outputs(self, state: Sequence[Form]) -> list[Form]:
        """The forms of the outputs for these entries of the state."""
        done: dict[Node, Form] = {}
        for node in self.nodes:
            done[node] = self._whole(self._made(node, state, done))
        return [done[node] for node in self.program.outputs]

    def atom(self, kind: str, *of: object, by_row: bool = False) -> Form:
        """One atom, which is the same for the same arguments."""
        number = self.numbers.setdefault((kind, *of), len(self.numbers))
        if kind in TRUTHS:
            self.truths.add(number)
        if kind in PARTIAL:
            self.partial.add(number)
        if by_row:
            self.by_row.add(number)
        return {((number, 1),): Fraction(1)}

    def function(self, op: str, *of: Form) -> Form:
        """A function of forms."""
        return self.atom(op, *map(_frozen, of), by_row=any(map(self._in_row, of)))

    def _in_row(self, a: Form) -> bool:
        return any(number in self.by_row for monomial in a for number, _ in monomial)

    def _single(self, a: Form) -> Form:
        """A form of one term."""
        if len(a) == 1:
            return a
        scale = a[min(a)] if a else Fraction(1)
        return scaled(self.function("sum", scaled(a, 1 / scale)), scale)

    def _whole(self, a: Form) -> Form:
        return a if len(a) <= MOST_TERMS else self._single(a)

    def _made(self, node: Node, state: Sequence[Form], done: Mapping[Node, Form]) -> Form:
        op, args = self.program.tape.ops[node], self.program.tape.args[node]
        if op == "const":
            return constant(args[0])
        if op == "z":
            return state[args[0]]
        if op == "p":
            return constant(self.parameters[args[0]])
        if op in ("col", "rows", "pi", "e", "nil", "name", "w"):
            return self.atom(op, args[0], by_row=op == "col")
        if op == "ipow":
            return self._power(done[args[0]], args[1])
        return self._operation(op, [done[a] for a in args])

    def _operation(self, op: str, x: list[Form]) -> Form:
        if op in ("add", "sub", "mul", "div", "neg"):
            return self._arithmetic(op, x)
        if op in ("max", "min"):
            apart = self._operation("abs", [plus(x[0], minus(x[1]))])
            return scaled(plus(plus(*x), apart if op == "max" else minus(apart)), HALF)
        if op == "select":
            return plus(x[2], self._product(x[0], plus(x[1], minus(x[2]))))
        if op in ("lt", "le", "eq", "and", "or", "not"):
            return self._truth(op, x)
        if op == "rowsum":
            return self._rowsum(x[0])
        if op in ("sigmoid", "softplus", "heaviside"):
            return self._about_its_middle(op, x[0])
        if op in ODD or op in EVEN:
            sign = -1 if x[0] and x[0][min(x[0])] < 0 else 1
            return scaled(self.function(op, scaled(x[0], Fraction(sign))), Fraction(sign if op in ODD else 1))
        return self.function(op, *x)

    def _arithmetic(self, op: str, x: list[Form]) -> Form:
        if op == "add":
            return plus(*x)
        if op == "mul":
            return self._product(*x)
        if op == "div":
            return self._product(x[0], self._power(x[1], -1))
        return minus(x[0]) if op == "neg" else plus(x[0], minus(x[1]))

    def _about_its_middle(self, op: str, x: Form) -> Form:
        """σ(x) = ½ + ½ tanh(x/2), log(1 + eˣ) = log 2 + x/2 + log cosh(x/2), H(x) = ½ + ½ sign(x)."""
        half = scaled(x, HALF)
        if op == "softplus":
            return plus(plus(self.function("log", constant(2)), half), self._operation("logcosh", [half]))
        odd = self._operation("tanh", [half]) if op == "sigmoid" else self._operation("sign", [x])
        return plus(constant(HALF), scaled(odd, HALF))

    def _product(self, a: Form, b: Form) -> Form:
        if len(a) * len(b) > MOST_PRODUCTS:
            a, b = self._single(a), self._single(b)
        result: Form = {}
        for m, x in a.items():
            for n, y in b.items():
                _add(result, self._joined(m, n), x * y)
        return result

    def _joined(self, m: Monomial, n: Monomial) -> Monomial:
        powers = dict(m)
        for number, power in n:
            powers[number] = 1 if number in self.truths else powers.get(number, 0) + power
        return tuple(sorted(pair for pair in powers.items() if pair[1]))

    def _power(self, a: Form, n: int) -> Form:
        if n < 0:
            a = self._single(a)
            self.partial.update(number for monomial in a for number, _ in monomial)
        if len(a) == 1:
            [(monomial, value)] = a.items()
            if value.numerator.bit_length() * abs(n) < 1 << 14:
                return {tuple((number, n * power) for number, power in monomial): value**n}
        result = constant(1)
        for _ in range(abs(n)):
            result = self._whole(self._product(result, a))
        return result

    def _truth(self, op: str, x: list[Form]) -> Form:
        """1 if it holds, else 0: for comparisons the sign of the difference, up to a positive factor."""
        if op == "not":
            return plus(constant(1), minus(x[0]))
        if op in ("and", "or"):
            both = self._product(*x)
            return both if op == "and" else plus(plus(*x), minus(both))
        apart = plus(x[0], minus(x[1]))
        scale = apart[min(apart)] if apart else Fraction(1)
        of = scaled(apart, 1 / scale)
        if op == "eq":
            return self.function("zero", of)
        if scale > 0:
            return self.function("negative" if op == "lt" else "not positive", of)
        return plus(constant(1), minus(self.function("not positive" if op == "lt" else "negative", of)))

    def _rowsum(self, a: Form) -> Form:
        """The sum over rows, term by term; factors that do not depend on the row are moved out."""
        result: Form = {}
        for monomial, value in a.items():
            outer = tuple(pair for pair in monomial if pair[0] not in self.by_row)
            inner = tuple(pair for pair in monomial if pair[0] in self.by_row)
            [(total, _)] = (self.atom("rowsum", inner) if inner else self.atom("rows", 0)).items()
            _add(result, self._joined(outer, total), value)
        return result


def constant(value: int | Fraction) -> Form:
    """A constant form."""
    return {(): Fraction(value)} if value else {}


def scaled(a: Form, factor: Fraction) -> Form:
    """A nonzero multiple."""
    return {monomial: factor * value for monomial, value in a.items()}


def minus(a: Form) -> Form:
    """−a."""
    return scaled(a, Fraction(-1))


def plus(a: Form, b: Form) -> Form:
    """a + b."""
    result = dict(a)
    for monomial, value in b.items():
        _add(result, monomial, value)
    return result


def _add(a: Form, monomial: Monomial, value: Fraction) -> None:
    total = a.get(monomial, 0) + value
    if total:
        a[monomial] = Fraction(total)
    else:
        a.pop(monomial, None)


def _frozen(a: Form) -> tuple:
    return tuple(sorted(a.items()))


class Commutation:
    """True if f(g z) = g f(z), exactly, for a program's f at given parameters.

    Both sides are written in forms that agree only for the same function; if they differ, nothing is known. Parts that are not
    defined everywhere (a root, a quotient) must also agree on both sides. ``size``: the number of nodes to process.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> x, y = t.leaf("z", 0), t.leaf("z", 1)
    >>> holds = Commutation(Program(t, (t.mul(x, y), t.ipow(y, 2)), n_z=2, n_p=0), [])
    >>> [holds(g) for g in (((0, 1), (-1, 1)), ((0, 1), (1, -1)), ((1, 0), (1, 1)))]
    [True, False, False]
    """

    def __init__(self, program: Program, p: Sequence[float]):
        self.forms = Forms(program, p)
        self.size = len(self.forms.nodes)
        self.z = [self.forms.state(k) for k in range(program.n_z)]
        self.here, self.domain = self._at(self.z)

    def __call__(self, g: Exchange) -> bool:
        there, domain = self._at(_moved(g, self.z))
        return there == _moved(g, self.here) and domain == self.domain

    def _at(self, z: list[Form]) -> tuple[list[Form], set[int]]:
        """The outputs, and the partial atoms on which they depend."""
        self.forms.partial = set()
        return self.forms.outputs(z), self.forms.partial


def _moved(g: Exchange, z: list[Form]) -> list[Form]:
    return [scaled(z[k], Fraction(s)) for k, s in zip(*g, strict=True)]
