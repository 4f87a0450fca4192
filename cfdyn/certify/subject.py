"""The subject of a proof: a map with exact parameters, its programs, and its text for the certificate."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import ctx

from cfdyn.certify.balls import BITS, Enclosure, ball
from cfdyn.certify.checker.labels import POWERS, corrects
from cfdyn.certify.exact import exact, written
from cfdyn.certify.spellings import is_max
from cfdyn.errors import UsageError, shown, unknown
from cfdyn.symbolic.derived import CircleMap
from cfdyn.symbolic.loss import LossSpec, make_loss
from cfdyn.symbolic.maps import FormulaMap, LossMap
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.oracle import map_program
from cfdyn.symbolic.text.formula import formula, is_formula
from cfdyn.tape.evaluate import on_arrays
from cfdyn.tape.program import Program

Interval = tuple[Fraction, Fraction]
Floats = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Subject:
    """A map z → g(z, p), each parameter of which is an exact number or an interval of them.

    ``spec``: the loss and the optimizer, or formulas; ``exact``: every parameter as (lo, hi); ``limit``: True if a
    bias-corrected optimizer is replaced by its limit map.
    """

    spec: LossMap | FormulaMap
    exact: Mapping[str, Interval]
    limit: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The entries of the state."""
        return self.spec.names

    @property
    def dim(self) -> int:
        """Length of the state."""
        return len(self.spec.names)

    @property
    def weights(self) -> int:
        """The number of entries that are weights; the entries after them are the optimizer's memory."""
        return self.spec.n_weights

    @property
    def varied(self) -> dict[str, Interval]:
        """The parameters that are intervals."""
        return {name: value for name, value in self.exact.items() if value[0] != value[1]}

    def one_varied(self, what: str) -> tuple[str, Interval]:
        """The name and the interval of the one parameter that varies; a UsageError unless there is exactly one."""
        if len(self.varied) != 1:
            raise UsageError(f"{what} needs one parameter that varies, such as lr=(1.0, 1.2)")
        return next(iter(self.varied.items()))

    @property
    def conditions(self) -> list[str]:
        """Where its formulas are defined as written, beyond what their own operations and slopes show."""
        read = self.spec.formulas if isinstance(self.spec, FormulaMap) else [self.spec.loss.formula]
        return list(dict.fromkeys(words for one in read for words in one.conditions))

    def over(self, vary: Mapping[str, Any]) -> Subject:
        """The same map with other parameters: numbers, or pairs of them for intervals."""
        changed = dict(self.exact)
        for name, value in vary.items():
            if name not in changed:
                raise unknown("parameter of the map", name, changed)
            changed[name] = _interval(name, value)
        return replace(self, exact=changed)

    def parameters(self) -> list:
        """The parameters as balls, in the order of the programs."""
        with ctx.workprec(BITS):
            return [ball(*self.exact[name]) for name in self.spec.params]

    def enclosure(self, what: str, bits: int = BITS) -> Enclosure:
        """A program of the map (`map_program`: step, jacobian, taylor:3, …) over balls."""
        return self.enclosed(self._program(what), bits)

    def enclosed(self, program: Program, bits: int = BITS) -> Enclosure:
        """Any program that reads the map's parameters and data, over balls."""
        exactly = [self.exact[name] for name in self.spec.params]
        return Enclosure(program, self.parameters(), self._rows, bits, exactly, self._exact_rows, self.names)

    def _program(self, what: str) -> Program:
        if what not in self._programs:
            self._programs[what] = map_program(self.spec, what)
        return self._programs[what]

    @cached_property
    def _programs(self) -> dict[str, Program]:
        return {}

    @cached_property
    def _rows(self) -> list[list]:
        with ctx.workprec(BITS):
            return [[ball(v) for v in row] for row in self._exact_rows]

    @cached_property
    def _exact_rows(self) -> list[list[Fraction]]:
        return [[exact(v) for v in row] for row in _table(self.spec)]

    def describe(self) -> dict[str, Any]:
        """The map as text, in the format of certificates."""
        if isinstance(self.spec, FormulaMap):
            texts, params = [f.text for f in self.spec.formulas], self._points(self.spec.params)
            return {"type": "formulas", "variables": list(self.names), "formulas": texts, "params": params}
        loss, optimizer = self.spec.loss, self.spec.optimizer
        own = optimizer.beside(loss.params)
        return {
            "type": "optimizer",
            "loss": {
                "formula": loss.formula.text, "variables": list(loss.variables), "params": self._points(loss.params),
                "columns": list(loss.columns), "rows": [[written(v) for v in row] for row in self._exact_rows],
            },
            "optimizer": {
                "name": optimizer.name, "params": self._points(own, own),
                "gradient": optimizer.gradient and optimizer.gradient.text, "probe": optimizer.probe and optimizer.probe.text,
                "define": {k: f.text for k, f in optimizer.define.items()},
                "update": {k: f.text for k, f in optimizer.update.items()},
                "per_weight": list(optimizer.per_weight), "shared": list(optimizer.shared),
            },
            "limit": self.limit,
        }  # fmt: skip

    def _points(self, names: Any, called: Mapping[str, str] | None = None) -> dict[str, str | list[str]]:
        """Parameters as text under their own names: a number, or a pair for an interval."""
        pairs = {name: self.exact[(called or {}).get(name, name)] for name in names}
        return {name: written(lo) if lo == hi else [written(lo), written(hi)] for name, (lo, hi) in pairs.items()}


def subject(loss: Any, optimizer: Optimizer | None = None, vary: Mapping[str, Any] | None = None) -> Subject:
    """The subject of a proof, from a loss (a formula, `cf.Loss`) and an optimizer, or from a map alone.

    vary : other values of parameters: exact numbers (text, fractions), or pairs of them for intervals

    UsageError: a map that is neither an optimizer's on a loss nor given by formulas; a map of matrices; two things with one name

    >>> import cfdyn as cf
    >>> s = subject("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.7))
    >>> s.names, s.exact["lr"][0], s.describe()["optimizer"]["update"]
    (('w',), Fraction(17, 10), {'w': 'w - lr*g'})
    """
    spec = getattr(loss, "spec", loss)
    if is_formula(spec):
        spec = make_loss(spec)
    if not isinstance(optimizer, Optimizer | MatrixOptimizer | None):
        raise UsageError(f"a proof takes an optimizer such as cf.optimizers.gd(lr=0.5) behind the loss, not {shown(optimizer)}")
    if isinstance(spec, CircleMap):
        raise UsageError("proofs are about maps without angles: omit `periodic=`; then a cycle is one that comes back "
                         f"without a turn of {', '.join(spec.periods)}")  # fmt: skip
    if isinstance(spec, LossSpec):
        if optimizer is None:
            raise UsageError("a proof about a loss needs an optimizer too, such as cf.optimizers.gd(lr=0.5)")
        spec = LossMap(_without_batch(spec), optimizer)
    elif optimizer is not None or not isinstance(spec, LossMap | FormulaMap):
        raise UsageError(f"a proof is about a loss and an optimizer, or about a map of formulas, not about {shown(loss)}")
    limit = False
    if isinstance(spec, LossMap):
        spec, limit = LossMap(_without_batch(spec.loss), limit_of(spec.optimizer)), limit_of(spec.optimizer) is not spec.optimizer
        if isinstance(spec.optimizer, MatrixOptimizer):
            raise UsageError(f"{spec.optimizer.name} acts on whole matrices; proofs are for optimizers given by formulas")
    spec = _as_written(spec)
    start = {name: _interval(name, value) for name, value in spec.params.items()}
    subject = Subject(spec, start, limit)
    twice = next((name for name in subject.names if name in start), None)
    if twice is not None:
        raise UsageError(f"{twice} is the name of a weight or state and of a parameter; a certificate would not "
                         "distinguish them, "
                         "so rename it in the loss")  # fmt: skip
    return subject.over(vary or {})


def in_floats(subject: Subject, what: str) -> Floats:
    """A program of the map as a function of states (d, …) in doubles: (outputs, …); parameters at the middles of their intervals.

    It serves searches that only suggest what a proof then verifies.

    >>> import numpy as np
    >>> import cfdyn as cf
    >>> step = in_floats(subject(cf.Map.from_text("r*x*(1-x)", params={"r": 3.5})), "step")
    >>> step(np.array([[0.25, 0.5]]))
    array([[0.65625, 0.875  ]])
    """
    return floats_of(subject.enclosure(what))


def floats_of(encloses: Enclosure) -> Floats:
    """A program over balls as a function of points in doubles, parameters at the middles of their balls."""
    outputs = on_arrays(encloses.program, [[float(v.mid()) for v in row] for row in encloses.data])
    parameters = [float(p.mid()) for p in encloses.parameters]

    def function(z: np.ndarray) -> np.ndarray:
        return np.array([np.broadcast_to(v, np.shape(z)[1:]) for v in outputs(list(z), parameters)], dtype=float)

    return function


def _as_written(spec: LossMap | FormulaMap) -> LossMap | FormulaMap:
    """The map with each formula read from its text, which certificates show: SymPy prints floats with fewer digits."""
    if isinstance(spec, FormulaMap):
        return replace(spec, formulas=tuple(formula(f.text) for f in spec.formulas))
    o = spec.optimizer
    define, update = ({name: formula(f.text) for name, f in part.items()} for part in (o.define, o.update))
    gradient, probe = (f and formula(f.text) for f in (o.gradient, o.probe))
    optimizer = replace(o, define=define, update=update, gradient=gradient, probe=probe)
    return LossMap(replace(spec.loss, formula=formula(spec.loss.formula.text)), optimizer)


def _interval(name: str, value: Any) -> Interval:
    pair: Sequence = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise UsageError(f"{name} is a number or a pair (lo, hi), not {shown(value)}")
    if any(map(is_max, pair)):
        raise UsageError(f"the interval of {name} needs two ends, not {shown(value)}; only `no_cycles` finds its upper end")
    lo, hi = exact(pair[0]), exact(pair[1])
    if lo > hi:
        raise UsageError(f"the interval of {name} is empty: {written(lo)} > {written(hi)}")
    return lo, hi


def limit_of(optimizer: Optimizer) -> Optimizer:
    """The limit of a bias-corrected optimizer: a power of β becomes its limit 0 if the optimizer divides by 1 − β·power."""
    if isinstance(optimizer, MatrixOptimizer):
        return optimizer
    texts = {name: f.text for name, f in optimizer.define.items()}
    powers = [name for name in optimizer.shared if name in POWERS and corrects(name, optimizer.update["w"].text, texts)
              and re.fullmatch(rf"\w+\*{name}", optimizer.update[name].text)]  # fmt: skip
    if not powers:
        return optimizer
    kept = tuple(name for name in optimizer.shared if name not in powers)
    change = {name: formula("0*lr") for name in powers}
    define = {**change, **optimizer.define}
    update = {name: f for name, f in optimizer.update.items() if name not in powers}
    return replace(optimizer, define=define, update=update, shared=kept, options={**optimizer.options})


def _without_batch(loss: LossSpec) -> LossSpec:
    return loss if loss.batch is None else replace(loss, data=loss.batch_rows(), batch=None)


def _table(spec: LossMap | FormulaMap) -> list[list[float]]:
    if isinstance(spec, FormulaMap) or spec.loss.data is None:
        return []
    return np.asarray(spec.loss.data, dtype=float).tolist()
