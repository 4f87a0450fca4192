"""Modified Gram–Schmidt as instructions, written out for a few rows: of numbers, or of vectors with a number for each orbit."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from cfdyn.codegen.llvm_nodes import Body, hexadecimal, several, spread

LEAST = Fraction(1, 10**300)  # a square that is divided by


class Row(NamedTuple):
    """Its ``entries``, and its squared length without its components along the rows before it, and with them, ``before``."""

    entries: list[str]
    square: str
    before: str


def orthogonal(body: Body, rows: Sequence[Sequence[str]], lanes: int) -> list[Row]:
    """The rows, each without its components along those before it; no row waits for later ones."""
    kind, lines, inverse = several(lanes), list[Row](), list[str]()
    for entries in rows:
        row = list(entries)
        before = _product(body, row, row, kind)
        for other, over in zip(lines, inverse, strict=True):
            part = body.new(f"fmul {kind} {_product(body, row, other.entries, kind)}, {over}")
            away = [body.new(f"fmul {kind} {part}, {y}") for y in other.entries]
            row = [body.new(f"fsub {kind} {x}, {y}") for x, y in zip(row, away, strict=True)]
        square = _product(body, row, row, kind) if lines else before
        if len(lines) + 1 < len(rows):
            inverse.append(body.new(f"fdiv {kind} {spread('1.0', lanes)}, {_at_least(body, square, lanes)}"))
        lines.append(Row(row, square, before))
    return lines


def unit(body: Body, row: Row, lanes: int) -> list[str]:
    """The entries divided by the length; unchanged if that is 0."""
    kind, truth, one = several(lanes), several(lanes, "i1"), spread("1.0", lanes)
    length = body.new(body.intrinsic("llvm.sqrt", row.square, lanes))
    over, positive = (body.new(f"fdiv {kind} {one}, {length}"), body.new(f"fcmp ogt {kind} {length}, {spread('0.0', lanes)}"))
    scale = body.new(f"select {truth} {positive}, {kind} {over}, {kind} {one}")
    return [body.new(f"fmul {kind} {x}, {scale}") for x in row.entries]


def _product(body: Body, x: Sequence[str], y: Sequence[str], kind: str) -> str:
    terms = [body.new(f"fmul {kind} {a}, {b}") for a, b in zip(x, y, strict=True)]
    total = terms[0]
    for term in terms[1:]:
        total = body.new(f"fadd {kind} {total}, {term}")
    return total


def _at_least(body: Body, square: str, lanes: int) -> str:
    """The square, or a positive number if it is 0."""
    kind, least = several(lanes), spread(hexadecimal(LEAST), lanes)
    test = body.new(f"fcmp olt {kind} {square}, {least}")
    return body.new(f"select {several(lanes, 'i1')} {test}, {kind} {least}, {kind} {square}")
