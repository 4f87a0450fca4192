"""`Loss`: a formula with its compiled value and derivatives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.arguments import check_finite, converted, entries, table, vector
from cfdyn.codegen.columns import WRITTEN
from cfdyn.codegen.compile import Rule, compile_matrix, compile_rule, parameter_vector
from cfdyn.errors import FormulaError, UsageError, shown, unknown
from cfdyn.machine.portable import Portable
from cfdyn.registry import catalogue
from cfdyn.symbolic.loss import Box, LossSpec, make_loss, split_names
from cfdyn.symbolic.programs.oracle import loss_program
from cfdyn.symbolic.text.formula import is_formula
from cfdyn.systems.eigenvalues import leading
from cfdyn.words import LONGEST_REPR, few, how_many, shortened

if TYPE_CHECKING:
    from cfdyn.symbolic.text.formula import AsFormula
    from cfdyn.systems.oracle import LossOracle


class Loss(Portable):
    """A scalar loss L(w) of d weights, its derivatives compiled when first asked for.

    Parameters
    ----------
    formula : text, SymPy expression, or a Python function of numbers or an array, which is called once to trace its operations:
        its arguments are variables, those with a number as default parameters, and it takes functions of numpy; Piecewise
        (numpy.where), Abs, Max, Heaviside, sigmoid, softplus, … too
    variables : names of the weights, in order; by default the names that are not parameters
    params : runtime parameters with their values; changing one never recompiles
    box : (lo, hi) for each variable: where to look for minima and what to draw
    data : columns of numbers by their names in the formula, all of one length: L is then the mean of the formula over the rows

    Raises
    ------
    FormulaError : the text is not a formula, or a name in it has no value, or it is the name of a loss of the catalogue
    UsageError : a box or data that make no sense

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.Loss("(1 - x*y)**2 / 2")
    >>> loss.value([2.0, 1.0]), loss.gradient([2.0, 1.0])
    (0.5, array([1., 2.]))
    >>> round(loss.sharpness([1.0, 1.0]), 12)
    2.0
    >>> cf.Loss(lambda x, y, a=1.0: (a - x) ** 2 + 100 * (y - x**2) ** 2)
    Loss('(a - x)**2 + 100*(y - x**2)**2', variables=('x', 'y'), params={'a': 1.0})
    >>> rows = cf.Loss("(sigmoid(w*x + b) - y)**2", "w b", data={"x": [-1.0, 0.0, 2.0], "y": [0.0, 0.0, 1.0]})
    >>> round(rows.value([1.0, 0.0]), 6), rows.row_gradients([1.0, 0.0]).shape
    (0.11218, (3, 2))
    """

    def __init__(
        self, formula: AsFormula, variables: str | int | Sequence[str] | None = None, params: Mapping[str, float] | None = None,
        box: Box | None = None, data: Mapping[str, Any] | None = None,
    ):  # fmt: skip
        _not_in_the_catalogue(formula, variables)
        rows = {} if data is None else _rows(data)
        self.spec: LossSpec = make_loss(formula, variables, params, box=_checked_box(box), **rows)
        if self.spec.box is not None and len(self.spec.box) != self.dim:
            raise UsageError(f"the box has {how_many(len(self.spec.box), 'interval')} for {how_many(self.dim, 'variable')}; "
                             "give one (lo, hi) for each")  # fmt: skip

    @classmethod
    def of(cls, given: Any) -> Loss | None:
        """The loss of a text, a SymPy expression or a Python function, where a loss is wanted; None for anything else."""
        return cls(given) if is_formula(given) else None

    @classmethod
    def or_oracle(cls, given: Any) -> Any:
        """The loss of a formula, as `of`; anything else as it is: perhaps a loss that is no formula."""
        return given if isinstance(given, cls) else cls.of(given) or given

    @classmethod
    def from_spec(cls, spec: LossSpec) -> Loss:
        """The loss of a specification, as the catalogue makes them."""
        loss = cls.__new__(cls)
        loss.spec = spec
        return loss

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the weights."""
        return self.spec.variables

    @property
    def params(self) -> dict[str, float]:
        """Parameters with their values."""
        return dict(self.spec.params)

    @property
    def dim(self) -> int:
        """Number of weights d."""
        return len(self.spec.variables)

    def at(self, /, **params: float) -> Loss:
        """A copy with other parameter values (nothing is recompiled)."""
        return Loss.from_spec(self.spec.at(**params))

    def latex(self) -> str:
        """The formula in LaTeX."""
        return self.spec.latex()

    def __repr__(self) -> str:
        names, settings = [repr(name) for name in self.variables], [f"{name!r}: {value!r}" for name, value in self.params.items()]
        variables = f"({few(names)}{',' * (self.dim == 1)})"
        return shortened(f"Loss({self.spec.title!r}, variables={variables}, params={{{few(settings)}}})", LONGEST_REPR)

    def _repr_latex_(self) -> str | None:
        """The formula for a notebook, with the values of its parameters, if it is short enough."""
        formula = self.spec.latex(short=True)
        values = "".join(rf",\quad {name} = {value:g}" for name, value in self.params.items() if len(name) == 1)
        return rf"$\displaystyle L = {formula}{values}$" if formula else None

    @cached_property
    def p(self) -> np.ndarray:
        """Parameters and data as the compiled rules read them."""
        return parameter_vector(self.spec.params.values(), self.spec.table)

    def rule(self, what: str) -> Rule:
        """The compiled rule for ``value``, … or for ``row_value``, … of one row of data; inputs: `symbolic.programs.oracle`."""
        d = self.dim
        sizes = {"value": 1, "gradient": d, "hessian": d * d, "third": d**3, "hvp": d, "curvature_gradient": d,
                 "fourth": 1, "switching": len(self.spec.switching)}  # fmt: skip
        if self.spec.columns:
            sizes |= {f"row_{name}": size for name, size in sizes.items()}
        if not isinstance(what, str) or what not in sizes:
            raise unknown("rule of a loss", what if isinstance(what, str) else shown(what), sizes)
        if what.endswith("hessian"):
            product = f"{what.removesuffix('hessian')}hvp"
            return compile_matrix(f"{self.spec.key}|{what}", d, lambda name: loss_program(self.spec, name), what, product, True)
        return compile_rule(f"{self.spec.key}|{what}", sizes[what], lambda: loss_program(self.spec, what))

    def _evaluate(self, what: str, *vectors: Any) -> np.ndarray:
        return self.rule(what)(np.concatenate([self._vector(v) for v in vectors]), self.p)

    def _vector(self, w: Any) -> np.ndarray:
        return entries("a point or a direction of this loss", w, self.variables)

    def _on_rows(self, what: str, w: Any, *directions: Any) -> np.ndarray:
        rows = self.spec.rows
        if rows is None:
            raise UsageError(f"the loss {self.spec.title} is no mean over rows of data, so it has no `row_{what}`")
        from cfdyn.kernels.rows import evaluate_rows

        parts = [np.broadcast_to(part, (len(rows), self.dim)) for part in (self._vector(w), *directions)]
        return evaluate_rows(self.rule(f"row_{what}"), np.hstack([parts[0], rows, *parts[1:]]), self.p)

    def value(self, w: Any) -> float:
        """L(w) at a point (d,)."""
        return float(self._evaluate("value", w)[0])

    def gradient(self, w: Any) -> np.ndarray:
        """∇L(w), (d,)."""
        return self._evaluate("gradient", w)

    def hessian(self, w: Any) -> np.ndarray:
        """∇²L(w), (d, d); for more than 60 weights from d Hessian-vector products."""
        return self._evaluate("hessian", w).reshape(self.dim, self.dim)

    def third(self, w: Any) -> np.ndarray:
        """∇³L(w), (d, d, d), symmetric; a UsageError for more than 60 weights: use `curvature_gradient`."""
        if self.dim > WRITTEN:
            raise UsageError(f"the third derivatives of {self.dim} weights are {self.dim**3} numbers, and `third` is for at most "
                             f"{WRITTEN} weights; curvature_gradient(w, u, v) gives T[u, v]")  # fmt: skip
        return self._evaluate("third", w).reshape(self.dim, self.dim, self.dim)

    def hvp(self, w: Any, v: Any) -> np.ndarray:
        """The Hessian-vector product ∇²L(w) v, (d,)."""
        return self._evaluate("hvp", w, v)

    def curvature_gradient(self, w: Any, u: Any, v: Any) -> np.ndarray:
        """T[u, v] = ∇(uᵀ∇²L v) with u and v held fixed, (d,)."""
        return self._evaluate("curvature_gradient", w, u, v)

    def fourth(self, w: Any, q: Any) -> np.ndarray:
        """D⁴L(w)[q, q, q, q] for each direction q of (k, d), or one (d,): (k,)."""
        return np.array([self._evaluate("fourth", w, direction)[0] for direction in table("a list of directions", q, 2)])

    def switching(self, w: Any) -> np.ndarray:
        """The functions whose zeros separate the branches of a piecewise loss; empty for a smooth one."""
        return self._evaluate("switching", w)

    def row_gradients(self, w: Any) -> np.ndarray:
        """∇Lᵢ(w) of each of the n rows of data, (n, d); ∇L is their mean. A UsageError for a loss without data.

        >>> import cfdyn as cf
        >>> from cfdyn.symbolic.loss import make_loss
        >>> line = cf.Loss.from_spec(make_loss("(w*x - y)**2/2", columns=["x", "y"], data=[[1, 0], [2, 4]]))
        >>> line.row_gradients([1.0]), line.gradient([1.0])
        (array([[ 1.], [-4.]]), array([-1.5]))
        """
        return self._on_rows("gradient", w)

    def row_hessians(self, w: Any) -> np.ndarray:
        """∇²Lᵢ(w) of each of the n rows of data, (n, d, d); a UsageError for a loss without data."""
        return self._on_rows("hessian", w).reshape(-1, self.dim, self.dim)

    def row_hvp(self, w: Any, v: Any) -> np.ndarray:
        """∇²Lᵢ(w) v of each of the n rows of data, (n, d), for a direction v (d,), or one for each row (n, d).

        A UsageError for a loss without data.
        """
        rows = self.spec.rows
        several = rows is not None and np.ndim(v) == 2 and np.shape(v) == (len(rows), self.dim)
        return self._on_rows("hvp", w, table("a direction for each row", v, 2) if several else self._vector(v))

    def row_curvature_gradients(self, w: Any, u: Any, v: Any) -> np.ndarray:
        """∇(uᵀ∇²Lᵢ v) of each of the n rows of data, u and v (d,) held fixed, (n, d); a UsageError for a loss without data."""
        return self._on_rows("curvature_gradient", w, self._vector(u), self._vector(v))

    def hvps(self, w: Any, v: Any) -> np.ndarray:
        """∇²L(w) v for each direction v of (k, d), or one (d,): (k, d)."""
        from cfdyn.kernels.rows import evaluate_rows

        directions = table("a list of directions", v, 2)
        if directions.shape[1] != self.dim:
            raise UsageError(f"a direction of this loss has {self.dim} entries, not {directions.shape[1]}")
        points = np.hstack([np.broadcast_to(self._vector(w), directions.shape), directions])
        return evaluate_rows(self.rule("hvp"), points, self.p)

    def sharpness(self, w: Any) -> float:
        """λ₁(∇²L(w)), the largest eigenvalue of the Hessian; NaN if it is not finite.

        For more than 60 weights it comes from Lanczos' method with Hessian-vector products, to a relative error of 1e-8, and to
        round-off if the next eigenvalue is not close. A NumericsError if the method does not converge.
        """
        return leading(self.rule, self._vector(w), self.p, self.dim)[0]


if TYPE_CHECKING:
    _is_an_oracle: type[LossOracle] = Loss


def _rows(data: Mapping[str, Any]) -> dict[str, Any]:
    """The names of the columns, and their rows (n, columns)."""
    given = converted("data", data, Mapping[str, Any])
    columns = {name: vector(f"the column {name!r} of the data", column) for name, column in given.items()}
    sizes = {name: len(column) for name, column in columns.items()}
    if not columns or 0 in sizes.values() or len(set(sizes.values())) > 1:
        raise UsageError("data are columns of one length, at least one row of each, such as data={'x': [1, 2], 'y': [0, 1]}; not "
                         + (", ".join(f"{name} of {size}" for name, size in sizes.items()) or "nothing"))  # fmt: skip
    for name, column in columns.items():
        check_finite(f"the column {name!r} of the data needs", column)
    return {"columns": list(columns), "data": np.column_stack(list(columns.values()))}


def _not_in_the_catalogue(formula: Any, variables: Any) -> None:
    """An error for the name of a catalogue's loss in place of a formula, unless it is declared as a variable."""
    named = re.fullmatch(r"\s*([A-Za-z]\w*)\s*(?::(.*))?", formula, re.DOTALL) if isinstance(formula, str) else None
    if named is None or named[1] in split_names(variables) or named[1] not in catalogue("losses").names():
        return
    options = ", ".join((named[2] or "").split(","))
    declare = "" if named[2] else f"; a weight of that name is declared with variables={named[1]!r}"
    raise FormulaError(f"{named[1]!r} is a loss of the catalogue, not a formula: write cf.losses.{named[1]}({options}){declare}")


def _checked_box(box: Any) -> Box | None:
    if box is None:
        return None
    checked = converted("box", box, tuple[tuple[float, float], ...])
    for lo, hi in checked:
        if not lo < hi:
            raise UsageError(f"an interval of a box needs lo < hi, not {lo:g}:{hi:g}")
    return checked
