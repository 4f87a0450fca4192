"""Programs of a tape as SymPy expressions."""

import operator
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy as sp

from cfdyn.symbolic.exact.request import Refused
from cfdyn.tape.evaluate import Algebra, evaluate
from cfdyn.tape.program import Program


def expressions(program: Program, z: Sequence[sp.Expr], p: Sequence[sp.Expr], data: Sequence = ()) -> list[sp.Expr]:
    """The outputs as SymPy expressions of the given state and parameters; Refused for a program with branches.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> x = sp.Symbol("x", real=True)
    >>> expressions(Program(t, (t.ipow(t.leaf("z", 0), 2),), 1, 0), [x], [])
    [x**2]
    """
    rows = [[rational(v) for v in row] for row in data]
    try:
        return evaluate(program, _algebra(), z, p, rows)
    except KeyError as problem:
        raise Refused(f"its formula has branches ({problem.args[0]}), where no closed form is sought") from None


def rational(value: Fraction | str) -> sp.Rational:
    """SymPy's number for a fraction, or for a text such as "-3/4"."""
    exact = Fraction(value)
    return sp.Rational(exact.numerator, exact.denominator)


def _algebra() -> Algebra:
    names = "exp log sin cos tan sinh cosh tanh sqrt erf".split()
    functions: dict[str, Any] = {name: getattr(sp, name) for name in names}
    functions.update(
        add=operator.add, sub=operator.sub, mul=operator.mul, div=operator.truediv, neg=operator.neg, pow=operator.pow,
        ipow=operator.pow, log1p=lambda x: sp.log(1 + x), sigmoid=lambda x: 1 / (1 + sp.exp(-x)),
        softplus=lambda x: sp.log(1 + sp.exp(x)), logcosh=lambda x: sp.log(sp.cosh(x)),
        sech2=lambda x: 1 - sp.tanh(x) ** 2,
    )  # fmt: skip
    return Algebra(rational, functions, sp.pi, sp.E)
