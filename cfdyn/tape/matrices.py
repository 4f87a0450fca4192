"""Small matrices of nodes: lists of rows."""

from collections.abc import Sequence
from fractions import Fraction

from cfdyn.tape.program import Node, Tape

Matrix = list[list[Node]]


def matrix(entries: Sequence[Node], rows: int, columns: int) -> Matrix:
    """The entries, row by row, as a matrix."""
    return [list(entries[i * columns : (i + 1) * columns]) for i in range(rows)]


def symmetric(upper: Sequence[Node], n: int) -> Matrix:
    """The symmetric matrix (n, n) of its upper triangle, row by row."""
    at = dict(zip(((i, j) for i in range(n) for j in range(i, n)), upper, strict=True))
    return [[at[min(i, j), max(i, j)] for j in range(n)] for i in range(n)]


def identity(tape: Tape, n: int) -> Matrix:
    """The unit matrix."""
    return [[tape.const(int(i == j)) for j in range(n)] for i in range(n)]


def transposed(a: Matrix) -> Matrix:
    """aᵀ."""
    return [list(column) for column in zip(*a, strict=True)]


def product(tape: Tape, a: Matrix, b: Matrix) -> Matrix:
    """a b."""
    columns = transposed(b)
    return [[tape.dot(row, column) for column in columns] for row in a]


def combination(tape: Tape, *terms: tuple[Node, Matrix]) -> Matrix:
    """Σ factor · matrix."""
    first = terms[0][1]
    return [
        [tape.total(tape.mul(factor, a[i][j]) for factor, a in terms) for j in range(len(first[0]))] for i in range(len(first))
    ]


def frobenius(tape: Tape, a: Matrix) -> Node:
    """The square root of the sum of squares."""
    return tape.apply("sqrt", tape.total(tape.ipow(x, 2) for row in a for x in row))


def inverse_root(tape: Tape, a: Matrix, p: int, iterations: int) -> Matrix:
    """a^(−1/p) of a positive definite matrix by the coupled Newton iteration (Guo & Higham 2006, eq. 3.3).

    It starts from a divided by its Frobenius norm. An eigenvalue κ times smaller than the largest needs about
    ln κ/(p ln(1 + 1/p)) iterations and five more.
    """
    n, scale = len(a), frobenius(tape, a)
    unit, over = identity(tape, n), tape.div(tape.const(1), scale)
    m = combination(tape, (over, a))
    x = combination(tape, (tape.pow(over, tape.const(Fraction(1, p))), unit))
    for _ in range(iterations):
        t = combination(tape, (tape.const(Fraction(p + 1, p)), unit), (tape.const(Fraction(-1, p)), m))
        x, power = product(tape, x, t), t
        for _ in range(p - 1):
            power = product(tape, power, t)
        m = product(tape, power, m)
    return x
