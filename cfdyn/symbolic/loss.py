"""A loss as a specification: formula, variables, parameters, and data rows if it has any."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.arguments import converted, number
from cfdyn.errors import FormulaError, UsageError, shown, unknown
from cfdyn.symbolic.text.formula import Formula, check_names, formula
from cfdyn.symbolic.text.powers import powers
from cfdyn.tape.program import Node

if TYPE_CHECKING:
    import sympy as sp

MOST_NAMED = 10_000  # weights that are counted and not named
Box = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LossSpec:
    """L(w), or the mean over data rows of ``formula`` when ``columns`` names data.

    Parameters
    ----------
    formula : of the loss, or of one row with data
    variables : names of the d weights
    params : runtime parameters with their values
    columns, data : names of the data columns and the table, (rows, columns)
    batch : the rows that count; all if None
    shapes : (rows, columns) of the matrices that the weights are, row by row and one after the other
    box : the region of interest, one (lo, hi) for each variable
    name, summary, reference : for lists and reports
    """

    formula: Formula
    variables: tuple[str, ...]
    params: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    data: Any = None
    batch: tuple[int, ...] | None = None
    box: Box | None = None
    shapes: tuple[tuple[int, int], ...] = ()
    name: str = ""
    summary: str = ""
    reference: str = ""

    @cached_property
    def key(self) -> str:
        """A text that two losses share if and only if they share their compiled code."""
        # The rows of a batch are constants in the code.
        batch = "" if self.batch is None else f"|{hashlib.sha256(self.batch_rows().tobytes()).hexdigest()}"
        return f"{self.formula.key}|{self.variables}|{tuple(self.params)}|{self.columns}|{self.shapes}{batch}"

    @property
    def table(self) -> Any:
        """The data that compiled code reads when it runs, or None."""
        return None if self.batch is not None else self.data

    def batch_rows(self) -> np.ndarray:
        """The rows of the batch, (len(batch), columns)."""
        return np.ascontiguousarray(np.asarray(self.data, dtype=float)[list(self.batch or ())])

    @property
    def rows(self) -> np.ndarray | None:
        """The rows whose mean the loss is, (n, columns); None without data."""
        if self.batch is not None:
            return self.batch_rows()
        return None if self.data is None else np.asarray(self.data, dtype=float)

    @cached_property
    def data_digest(self) -> str:
        """Fingerprint of the data, for provenance."""
        return "" if self.data is None else hashlib.sha256(np.ascontiguousarray(self.data).tobytes()).hexdigest()[:16]

    @property
    def expression(self) -> sp.Expr:
        """The formula as a SymPy expression."""
        return self.formula.expression

    @property
    def switching(self) -> tuple[Node, ...]:
        """The functions at whose zeros the formula changes branch; empty for a smooth loss."""
        return self.formula.switching

    def latex(self, short: bool = False) -> str:
        """The formula in LaTeX; with ``short``, an empty text if it would not fit a title."""
        body = self.formula.latex
        if not body and not short:
            from sympy import latex

            body = latex(self.expression)
        if not self.columns or not body:
            return body
        return rf"\frac{{1}}{{N}} \sum_{{r=1}}^{{N}} \left[{body}\right]"

    def at(self, /, **params: float) -> LossSpec:
        """A copy with other parameter values."""
        return replace(self, params=merged(self.params, params, f"parameter of the loss {self.title}"))

    @property
    def title(self) -> str:
        """Short name for messages and tables."""
        return shortened(self.name or self.formula.text, 80)


def shortened(text: str, most: int = 160) -> str:
    """The beginning of a text that is too long for a title."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def merged(old: Mapping[str, float], new: Mapping[str, float], what: str) -> dict[str, float]:
    """``old`` with finite values of ``new``; an unknown name is an error that suggests the closest one."""
    for name in new:
        if name not in old:
            raise unknown(what, name, old)
    return {**old, **{name: number(name, value, finite=True) for name, value in new.items()}}


def natural_order(names: Sequence[str]) -> list[str]:
    """Names with their numbers in order: x2 before x10."""
    return sorted(names, key=lambda n: [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", n)])


def make_loss(
    text: str | sp.Expr | Callable[..., Any], variables: str | int | Sequence[str] | None = None,
    params: Mapping[str, float] | None = None, columns: Sequence[str] = (), **fields: Any,
) -> LossSpec:  # fmt: skip
    """A LossSpec from text or a SymPy expression; names that are not parameters become variables.

    Named variables remain variables even if the formula does not contain them.

    Raises FormulaError for text that is not a formula, and for a formula without variables, with a name that has no value, or
    with a declared name that has another meaning.

    >>> make_loss("a*x10*x2 + x2**2", params={"a": 1.0}).variables
    ('x2', 'x10')
    """
    if inspect.isfunction(text):
        text, variables, params = of_function(text, variables, params, columns)
    params = converted("params", {} if params is None else params, Mapping[str, float])
    text = powers(text)  # type: ignore[arg-type]
    read = formula(text)
    used = set(read.names)
    known = set(params) | set(columns)
    names = split_names(variables) or natural_order(sorted(used - known))
    if not names:
        raise FormulaError("the formula has no variables, so there is nothing to optimise")
    check_names(name for name in (*names, *params, *columns) if name not in used)
    for name in natural_order(sorted(used - known - set(names))):
        idle = next((f", or name it in place of the variable {v!r}" for v in names if v not in used), "")
        given = f"`params={{{name!r}: 1}}`"
        raise FormulaError(f"the name {name!r} in the formula has no value; give one, such as {given}{idle}")
    # Also a name that cancels, as in 0*a, is in the formula.
    written = used | set(re.findall(r"[A-Za-z]\w*", text) if isinstance(text, str) else ())
    for name in params:
        if name not in written:
            raise unknown("parameter", name, used)
    for first, one, second, other in ((names, "variable", params, "parameter"), (names, "variable", columns, "column"),
                                      (list(params), "parameter", columns, "column")):  # fmt: skip
        if set(first) & set(second):
            raise UsageError(f"{min(set(first) & set(second))!r} cannot be a {one} and a {other} at once")
    if isinstance(text, str):
        fields.setdefault("name", " ".join(text.split()))
    _check_table(fields.get("data"), columns)
    return LossSpec(read, tuple(names), merged(params, params, "parameter"), tuple(columns), **fields)


def of_function(
    function: Callable[..., Any], variables: str | int | Sequence[str] | None, params: Mapping[str, float] | None,
    columns: Sequence[str],
) -> tuple[str, list[str], dict[str, float]]:  # fmt: skip
    """The formula of a Python function that returns one number, with its variables and parameters."""
    from cfdyn.symbolic.traced import traced

    texts, names, values = traced(function, split_names(variables), params)
    if len(texts) != 1:
        raise FormulaError(f"a loss is one number, and the function {function.__name__} gives {len(texts)}")
    return texts[0], [name for name in names if name not in columns], values


def _check_table(data: Any, columns: Sequence[str]) -> None:
    if (data is None) != (len(columns) == 0):
        raise UsageError("a loss with data needs both the table and the names of its columns")
    if data is not None and (np.ndim(data) != 2 or np.shape(data)[1] != len(columns) or np.shape(data)[0] == 0):
        raise UsageError(f"the data need rows of {len(columns)} entries ({', '.join(columns)}), not shape {np.shape(data)}")


def split_names(names: str | int | Sequence[str] | None) -> list[str]:
    """``"x, y"``, ``"x y"`` or a sequence as a list of distinct names; an empty list for None; w1, …, wn for a number n.

    >>> split_names("x, y"), split_names(3), split_names(1)
    (['x', 'y'], ['w1', 'w2', 'w3'], ['w'])
    """
    if names is None or isinstance(names, str) and not names:
        return []
    if isinstance(names, str) and names.strip().isdecimal() and len(names) <= len(str(MOST_NAMED)):
        names = int(names)
    if isinstance(names, int) and not isinstance(names, bool):
        if not 1 <= names <= MOST_NAMED:
            raise UsageError(f"variables is a number of weights from 1 to {MOST_NAMED}, or their names, not {shown(names)}")
        return [f"w{k}" for k in range(1, names + 1)] if names > 1 else ["w"]
    parts = re.split(r"[,\s]+", names.strip()) if isinstance(names, str) else converted("variables", names, Sequence[str])
    if len(set(parts)) != len(parts) or not all(parts):
        raise UsageError(f"variable names must be distinct and not empty: {names!r}")
    return parts
