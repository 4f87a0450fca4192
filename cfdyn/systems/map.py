"""`Map`: one step of an optimizer on a loss, or any other map given by formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.arguments import check_finite, entries, table, vector
from cfdyn.codegen.columns import WRITTEN
from cfdyn.codegen.map_rules import Compiled
from cfdyn.errors import UsageError, shown, unknown
from cfdyn.kernels.orbits import DONE, advance, iterate, stretch
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.linalg.products import Product
from cfdyn.registry import catalogue
from cfdyn.symbolic.constant import untouched
from cfdyn.symbolic.derived import CircleMap, ExtendedMap
from cfdyn.symbolic.maps import MapSpec, make_map
from cfdyn.symbolic.programs.angles import around, circle_map
from cfdyn.symbolic.text.formula import AsSystem, is_formula
from cfdyn.systems.eigenvalues import largest_eigenvalues
from cfdyn.systems.matrix_free.map import MatrixFreeMap, Progress
from cfdyn.systems.notebook import in_markdown
from cfdyn.systems.precise import PreciseMap
from cfdyn.words import LONGEST_REPR, few, how_many, shortened

OBSERVABLES = ("loss", "sharpness", "gradient_norm")  # of an optimizer's map
STRETCH = 200_000_000  # operations between two looks at Ctrl-C, a tenth of a second

class Map(Compiled):
    """A map z → f(z) with exact derivatives, from formulas (see `Map.from_text`), or made by `as_map`, `compose`, ….

    ``names``: the D entries of the state, weights first; ``params``: the parameters with their
    values; ``n_weights``: the number of weights.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("(w**2 - 1)**2 / 4"), cf.optimizers.gd(lr=0.5))
    >>> step([2.0]), step.jacobian([2.0]), step.derivative([2.0], [1.0], [1.0])
    (array([-1.]), array([[-4.5]]), array([-6.]))
    >>> step.parameter_derivative([2.0], "lr"), step.at(lr=0.25)([2.0])
    (array([-6.]), array([0.5]))
    """

    def __init__(
        self, formulas: MapSpec | AsSystem, variables: str | int | Sequence[str] | None = None,
        params: Mapping[str, float] | None = None, periodic: Mapping[str, float] | None = None,
    ):  # fmt: skip
        spec = formulas if isinstance(formulas, MapSpec) else around(make_map(formulas, variables, params), periodic)
        self.spec, self.names, self.n_weights = spec, spec.names, spec.n_weights

    @classmethod
    def from_text(
        cls, formulas: AsSystem, variables: str | int | Sequence[str] | None = None,
        params: Mapping[str, float] | None = None, periodic: Mapping[str, float] | None = None,
    ) -> Map:  # fmt: skip
        """A map from one formula for each variable; the same as `Map(formulas, …)`.

        Parameters
        ----------
        formulas : a list of texts or SymPy expressions, one text with ``;`` between them, or a Python function that returns the
            next state, as for `cf.Loss`
        variables : their names in order; by default the names that are not parameters
        params : parameters with their values
        periodic : periods of the variables that are angles; each angle is taken modulo its period, in [0, period). The
            formulas may wrap the angles themselves (mod, frac, floor) or not

        Raises
        ------
        FormulaError : a text that is not a formula, a name without a value, or a number of formulas other than that of the
            variables
        UsageError : a map that changes when an angle changes by its period

        Examples
        --------
        >>> henon = Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
        >>> henon([0.5, 0.2])
        array([0.85, 0.15])
        >>> Map.from_text(lambda x, y, a=1.4, b=0.3: (1 - a * x**2 + y, b * x))([0.5, 0.2])
        array([0.85, 0.15])
        >>> Map("1 - a*x**2 + y; b*x", "x y", {"a": 1.4, "b": 0.3})
        Map(x → 1 - a*x**2 + y; y → b*x; state x, y)
        >>> circle = Map.from_text("x + 0.3 - sin(2*pi*x)/20", periodic={"x": 1.0})
        >>> circle([0.8]).round(6), circle.periodic
        (array([0.147553]), {'x': 1.0})
        """
        return cls(formulas, variables, params, periodic)

    @classmethod
    def of(cls, given: Any) -> Map | None:
        """The map of a text, a SymPy expression, a list of these or a Python function, where a map is wanted; else None."""
        listed = isinstance(given, list | tuple) and len(given) > 0 and all(map(is_formula, given))
        if not (listed or is_formula(given)) or isinstance(given, str) and given in catalogue("losses").names():
            return None
        return cls(given)

    @property
    def params(self) -> dict[str, float]:
        """Parameters with their values."""
        return dict(self.spec.params)

    @property
    def periodic(self) -> dict[str, float]:
        """Periods of the entries of the state that are angles."""
        return dict(self.spec.periods) if isinstance(self.spec, CircleMap) else {}

    @property
    def cut(self) -> float:
        """The point at which its circles are cut open, as a fraction of each period."""
        return self.spec.cut if isinstance(self.spec, CircleMap) else 0.0

    def cut_at(self, part: float) -> Map:
        """The same map with its angles in [part·P, part·P + P), so that circles are cut open elsewhere than at 0."""
        return Map(replace(self.spec, cut=part)) if isinstance(self.spec, CircleMap) else self

    @property
    def title(self) -> str:
        """For messages and tables."""
        return self.spec.title

    def __repr__(self) -> str:
        return shortened(f"Map({self.title}; state {few(self.names)})", LONGEST_REPR)

    def _repr_markdown_(self) -> str:
        return in_markdown("Map", self, r"{name} \mapsto")

    def at(self, /, **params: float) -> Map:
        """The same map with other parameter values (nothing is recompiled)."""
        spec = self.spec.at(params)
        if isinstance(spec, CircleMap) and not spec.steady:
            spec = replace(circle_map(spec.base, spec.periods), cut=spec.cut)
        return Map(spec)

    @property
    def compiled(self) -> Map:
        """Itself: its rules are machine code; see `cfdyn.systems.any_map.AnyMap`."""
        return self

    @property
    def at_once(self) -> int:
        """Steps that take a tenth of a second: so many between two looks at Ctrl-C."""
        return max(1, STRETCH // self.cost)

    @property
    def has_loss(self) -> bool:
        """True if the observables loss and sharpness exist."""
        return self.spec.observed is not None

    @property
    def has_state(self) -> bool:
        """True for the map of an optimizer that keeps more than the weights, such as averages."""
        return self.has_loss and self.dim > self.n_weights

    @property
    def observables(self) -> tuple[str, ...]:
        """The names that `observe` accepts."""
        return OBSERVABLES if self.has_loss else ()

    def observe(self, name: str, z: Any, p: np.ndarray | None = None) -> np.ndarray:
        """An observable at states (n, D), (n,), with parameters and data ``p`` in place of its own; UsageError if unknown.

        >>> import cfdyn as cf
        >>> cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.5)).observe("sharpness", [[0.5], [1.0]])
        array([-0.25,  2.  ])
        """
        states, p = table("states", z, 2), self.p if p is None else p
        if name not in self.observables or states.shape[1] != self.dim:
            raise unknown("observable of the map, of states with all its entries,", name, self.observables)
        if name == "sharpness":
            return largest_eigenvalues(self.rule, states, p, self.n_weights)
        values = evaluate_rows(self.rule("loss" if name == "loss" else "gradient"), states, p)
        return values[:, 0] if name == "loss" else np.linalg.norm(values, axis=1)

    @cached_property
    def alone(self) -> np.ndarray:
        """The entries (D,) that no weight influences in any number of steps: decays βᵗ, schedules.

        >>> import cfdyn as cf
        >>> step = cf.as_map(cf.Loss("w**2"), cf.optimizers.adam(lr=0.1))
        >>> [name for name, is_alone in zip(step.names, step.alone) if is_alone]
        ['decay1', 'decay2']
        """
        return untouched(self._program("step"), self.n_weights)

    def state(self, start: Any) -> np.ndarray:
        """A full state (D,) from the weights alone (other entries at their initial values; a lift has none) or the full state.

        Raises
        ------
        UsageError : a wrong length, or entries that are not finite
        """
        z = vector("a start", start)
        rest = self.spec.rest
        if z.shape == (self.n_weights,) and rest is not None:
            z = np.concatenate([z, rest])
        if z.shape != (self.dim,):
            allowed = f"{how_many(self.n_weights, 'entry', 'entries')} ({', '.join(self.names[: self.n_weights])})"
            if rest is None:
                allowed = f"all {self.dim} entries ({', '.join(self.names)}), as cf.lifts.rod_start and edge_start make them"
            elif self.dim > self.n_weights:
                allowed += f" or the full state of {self.dim} ({', '.join(self.names)})"
            raise UsageError(f"a start has {allowed}, not {z.size if z.ndim == 1 else z.shape}")
        check_finite("a start needs", z)
        return z

    def __call__(self, z: Any) -> np.ndarray:
        """f(z), (D,)."""
        return self.rule("step")(self.state(z), self.p)

    def step(self, z: np.ndarray) -> np.ndarray:
        """f(z) of a full state (D,), not checked; not finite where the map is not defined."""
        return self.rule("step")(z, self.p)

    def orbit(self, z: np.ndarray, n: int, escape: float, progress: Progress | None = None) -> tuple[np.ndarray, int]:
        """The states z, f(z), … (n+1, D) up to the last within ±escape, and DONE or what the next one is: see `AnyMap.orbit`."""
        states = np.empty((n + 1, self.dim))
        states[0] = z
        for first in range(0, n, self.at_once):
            done, code = iterate(self.rule("step").compiled, self.p, escape, states[first : min(first + self.at_once, n) + 1])
            if code != DONE:
                return states[: first + done].copy(), code
            if progress and first + done < n:
                progress(first + done)
        return states, DONE

    def ahead(self, z: np.ndarray, n: int, escape: float, progress: Progress | None = None) -> tuple[np.ndarray, int, int]:
        """(the state n steps after z, n, DONE), or the last within ±escape, the steps to it and what the next one is."""
        state, rule = z.copy(), self.rule("step").compiled
        for first in range(0, n, self.at_once):
            before = state.copy()
            done, code = advance(rule, state, self.p, min(self.at_once, n - first), escape)
            if code != DONE:
                advance(rule, before, self.p, done - 1, escape)
                return before, first + done - 1, code
            if progress and first + done < n:
                progress(first + done)
        return state, n, DONE

    def stretch(self, z: np.ndarray, n: int, q: np.ndarray, sums: np.ndarray) -> int:
        """Push orthonormal tangents q (k, D) along n steps from z, both in place: see `cfdyn.kernels.orbits.stretch`."""
        products = self.dim > WRITTEN  # of many variables no matrix is made
        tangents = self.rule("derivative1" if products else "jacobian").compiled
        return stretch(self.rule("step").compiled, tangents, products, z, self.p, n, q, sums)

    def tangent(self, z: np.ndarray) -> tuple[np.ndarray, Product]:
        """f(z), and the product of Df(z) with the rows of (k, D)."""
        return self.step(z), self._product(z, self.p)

    def linearized(self, z: np.ndarray, name: str, value: float) -> tuple[np.ndarray, Product, np.ndarray]:
        """(f(z), the product of Df(z) with the rows of (k, D), ∂f/∂(parameter)) for a value of the parameter."""
        p = self.p.copy()
        p[list(self.params).index(name)] = value
        return self.rule("step")(z, p), self._product(z, p), self.rule(f"parameter_derivative:{name}")(z, p)

    def _product(self, z: np.ndarray, p: np.ndarray) -> Product:
        rule = self.rule("derivative1")
        return lambda rows: evaluate_rows(rule, np.hstack([np.broadcast_to(z, rows.shape), rows]), p)

    def preconditioners(self, z: np.ndarray) -> np.ndarray:
        """θP/2 and P of each weight in the step from states (n, D), and the penalty of weight decay, (n, 2d + 1)."""
        return evaluate_rows(self.rule("preconditioner"), z, self.p)

    def check_products(self, z: np.ndarray) -> None:
        """Derivatives of formulas are exact: there is nothing to check."""

    def jacobian(self, z: Any) -> np.ndarray:
        """Df(z), (D, D)."""
        return self.rule("jacobian")(self.state(z), self.p).reshape(self.dim, self.dim)

    def derivative(self, z: Any, *directions: Any) -> np.ndarray:
        """Dᵏf(z)[u, v, …] for one to three directions (D,); the result is (D,)."""
        if not 1 <= len(directions) <= 3:
            raise UsageError("derivative takes one to three directions")
        point = np.concatenate([self.state(z), *(entries("a direction", v, self.names) for v in directions)])
        return self.rule(f"derivative{len(directions)}")(point, self.p)

    def taylor(self, curve: Any) -> np.ndarray:
        """The Taylor series of f along a curve: the coefficients (K+1, D) of f(z(s)) for z(s) = Σ_k c_k sᵏ, ``curve`` (K+1, D).

        The result can be the curve of the next step, so n calls give the series of the n-th iterate.

        Examples
        --------
        >>> step = Map.from_text("x + x**2")
        >>> twice = step.taylor(step.taylor([[0.0], [1.0], [0.0], [0.0]]))
        >>> twice[:, 0]  # s + 2s² + 2s³ + s⁴
        array([0., 1., 2., 2.])
        """
        series = table("a curve", curve, 2)
        if series.shape[1] != self.dim or len(series) == 0:
            raise UsageError(f"a curve is a table with {self.dim} columns, one row for each power, not shape {series.shape}")
        return self.rule(f"taylor:{len(series) - 1}")(series.ravel(), self.p).reshape(series.shape)

    def parameter_derivative(self, z: Any, name: str) -> np.ndarray:
        """∂f/∂(parameter) at z, (D,)."""
        return self.rule(f"parameter_derivative:{require_parameter(self, name)}")(self.state(z), self.p)

    def extended(self, *parameters: str) -> Map:
        """(z, α) → (f(z; α), α), the named parameters α as states: derivatives in z and α together, of any order.

        Examples
        --------
        >>> step = Map.from_text("r*x*(1-x)", params={"r": 3.0}).extended("r")
        >>> step.names, step.derivative([0.25, 3.0], [1.0, 0.0], [0.0, 1.0])  # ∂_r f′ = 1 − 2x
        (('x', 'r'), array([0.5, 0. ]))
        """
        return Map(ExtendedMap(self.spec, tuple(require_parameter(self, name) for name in parameters)))

    def precise(self, digits: int) -> PreciseMap:
        """The same map in arithmetic of ``digits`` decimal digits (mpmath)."""
        return PreciseMap(self, digits)


def require_map(step: Any) -> Map:
    """The map, made of a formula where that is given, or an error that says how to make one."""
    made = step if isinstance(step, Map) else Map.of(step)
    if made is None:
        flow = "; a flow is followed by cf.solve" if type(step).__name__ == "Flow" else ""
        raise UsageError(f"this takes a map, cf.as_map(loss, optimizer) or cf.Map.from_text(…), not {type(step).__name__}{flow}")
    return made


def require_step(step: Any) -> Map | MatrixFreeMap:
    """The map, compiled or matrix-free, or an error that says how to make one."""
    return step if isinstance(step, MatrixFreeMap) else require_map(step)


def require_parameter(step: Any, name: Any) -> str:
    """The name of a parameter of the map, or an error that lists them."""
    if not isinstance(name, str) or name not in step.params:
        raise unknown("parameter of the map", name if isinstance(name, str) else shown(name), step.params)
    return name
