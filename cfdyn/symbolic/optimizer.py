"""An optimizer as a specification: its state and its update, as formulas of w, g and the state."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cfdyn.arguments import converted, number
from cfdyn.errors import UsageError
from cfdyn.symbolic.loss import LossSpec, merged
from cfdyn.symbolic.text.formula import Formula, check_names, formula
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.words import LONGEST_REPR, shortened

DOMAINS = {
    "positive": (lambda x: x > 0, "must be greater than 0"),
    "nonnegative": (lambda x: x >= 0, "must not be negative"),
    "fraction": (lambda x: 0 <= x < 1, "must lie in [0, 1)"),
    "unit": (lambda x: 0 <= x <= 1, "must lie in [0, 1]"),
    "inside unit": (lambda x: -1 < x < 1, "must lie in (-1, 1)"),
}


RESERVED = frozenset(("g", "gg", "h"))  # the gradient, its squared length, and the gradient at the probe


@dataclass(frozen=True)
class Optimizer:
    """One step of an optimizer, elementwise over the weights.

    Parameters
    ----------
    name : what the user types
    params : hyperparameters with their values; ``lr`` is the learning rate η
    update : right-hand sides for ``w`` and each state; all of them use the old values.
        ``g`` is the gradient at the current weights, ``gg`` its squared length
    define : intermediate values, in order, that later ones and the updates may use
    per_weight : states with one entry for each weight; ``shared`` states have a single entry
    initial : starting value of each state
    domain : for a hyperparameter, a key of ``DOMAINS``
    options : switches that changed the formulas, for display
    gradient : the formula that replaces ``g`` everywhere, such as g + weight_decay*w
    probe : a second point, one formula for each weight; ``h`` is the loss's gradient there
    preconditioner : P of w ← w − g/P, a formula of the hyperparameters and of the new states. With momentum a linear average of
        the gradients takes the place of g; P determines its normalisation, and if P is not given, a slow gradient g moves the
        weights by g/P per step. θ and G of `flows.central` follow from the updates
    flow : for each state s of the preconditioner ds/dt, time in steps, from g, gg and s; states without ds/dt are momentum
    threshold : the largest stable lr × curvature on a quadratic; for an adaptive method, of the
        preconditioned curvature

    Examples
    --------
    >>> import cfdyn as cf
    >>> own = cf.Optimizer.from_text({"w": "w - lr*v", "v": "beta*v + g"}, {"lr": 0.1, "beta": 0.5}, name="delayed")
    >>> cf.as_map(cf.Loss("w**2/2"), own)([1.0, 0.0])
    array([1., 1.])
    """

    name: str
    params: Mapping[str, float]
    update: Mapping[str, Formula]
    define: Mapping[str, Formula] = field(default_factory=dict)
    per_weight: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    initial: Mapping[str, float] = field(default_factory=dict)
    domain: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, bool] = field(default_factory=dict)
    gradient: Formula | None = None
    probe: Formula | None = None
    preconditioner: Formula | None = None
    flow: Mapping[str, Formula] = field(default_factory=dict)
    threshold: Formula | None = None

    def __post_init__(self) -> None:
        for name, flag in self.options.items():
            if not isinstance(flag, bool):
                raise UsageError(f"{self.name}: {name} is True or False, not {flag!r}")
        for name, value in self.params.items():
            if not math.isfinite(value):
                raise UsageError(f"{self.name}: {name}={value} is not a finite number")
            test, words = DOMAINS.get(self.domain.get(name, ""), (lambda x: True, ""))
            if not test(value):
                raise UsageError(f"{self.name}: {name}={value:g} {words}")

    @cached_property
    def key(self) -> str:
        """A text that two optimizers share if and only if they share their compiled code."""
        define, update = ({name: f.key for name, f in part.items()} for part in (self.define, self.update))
        more = [f and f.key for f in (self.gradient, self.probe)]
        return f"{define}|{update}|{more}|{self.per_weight}|{self.shared}|{tuple(self.params)}"

    @property
    def switching(self) -> tuple[Node, ...]:
        """The functions at whose zeros a formula changes branch (of sign, Max, …)."""
        formulas = (*self.define.values(), *self.update.values(), self.gradient, self.probe)
        return tuple(node for f in formulas if f is not None for node in f.switching)

    @property
    def limit(self) -> float | None:
        """The threshold as a number, None if there is none.

        Examples
        --------
        >>> import cfdyn as cf
        >>> cf.optimizers.heavy_ball(lr=0.1, momentum=0.9).limit
        3.8
        """
        if self.threshold is None:
            return None
        tape, algebra = Tape(), mp_algebra(17)
        names = self.threshold.names
        root = self.threshold.on(tape, tape.named("p", names))
        values = [algebra.functions["number"](self.params[name]) for name in names]
        return float(evaluate(Program(tape, (root,), 0, len(names)), algebra, [], values)[0])

    def state_names(self, loss: LossSpec) -> tuple[str, ...]:
        """Names of the states after the weights: v_x, v_y, …, then the shared ones."""
        return (*(f"{state}_{w}" for state in self.per_weight for w in loss.variables), *self.shared)

    def initial_state(self, loss: LossSpec) -> tuple[float, ...]:
        """The starting values of these states, in the same order."""
        return (*(self.initial[s] for s in self.per_weight for _ in loss.variables), *(self.initial[s] for s in self.shared))

    def beside(self, others: Container[str]) -> dict[str, str]:
        """The name of each hyperparameter in a map with a loss; one that the loss also has, except lr, becomes ``optimizer_…``.

        Raises UsageError if the loss has that name, too.

        >>> import cfdyn as cf
        >>> cf.optimizers.rmsprop(lr=0.1).beside(["eps"])
        {'lr': 'lr', 'beta2': 'beta2', 'eps': 'optimizer_eps'}
        """
        called = {name: f"optimizer_{name}" if name in others and name != "lr" else name for name in self.params}
        clash = sorted(name for name in called.values() if name in others)
        if clash:
            raise UsageError(f"{clash[0]!r} is a parameter of both the loss and the optimizer; rename it in the loss")
        return called

    def at(self, /, **params: float) -> Optimizer:
        """A copy with other hyperparameters.

        Examples
        --------
        >>> import cfdyn as cf
        >>> cf.optimizers.gd(lr=0.8).at(lr=0.9).params["lr"]
        0.9
        """
        return replace(self, params=merged(self.params, params, f"hyperparameter of {self.name}"))

    def __repr__(self) -> str:
        updates = [f"{name} ← {change.text}" for name, change in self.update.items()]
        return shortened(f"Optimizer({self}{'; ' * bool(updates)}{', '.join(updates)})", LONGEST_REPR)

    def __str__(self) -> str:
        settings = [f"{k}={v:g}" for k, v in self.params.items()]
        settings += [f"{k}={str(v).lower()}" for k, v in self.options.items()]
        return f"{self.name}:{','.join(settings)}"

    @classmethod
    def from_text(
        cls, update: Mapping[str, str], params: Mapping[str, float], define: Mapping[str, str] | None = None,
        shared: Mapping[str, str] | None = None, initial: Mapping[str, float] | None = None, name: str = "custom",
        domain: Mapping[str, str] | None = None, options: Mapping[str, bool] | None = None, gradient: str | None = None,
        probe: str | None = None, preconditioner: str | None = None, flow: Mapping[str, str] | None = None,
        threshold: str | None = None,
    ) -> Optimizer:  # fmt: skip
        """An optimizer from formulas.

        Parameters
        ----------
        update : for ``w`` and each per-weight state its next value, from the old values
        params : hyperparameters; ``lr`` must be positive
        define : intermediate values, in order, that later formulas may use
        shared : states with a single entry; ``t``, the number of the current step (1, 2, …), is added automatically if a formula
            uses it
        initial : starting values of the states (default 0)
        gradient, probe, preconditioner, flow, threshold : as for `Optimizer`

        Examples
        --------
        >>> opt = Optimizer.from_text({"w": "w - lr*(mu*v + g)", "v": "mu*v + g"}, {"lr": 0.1, "mu": 0.9})
        >>> opt.per_weight, opt.update["v"].expression
        (('v',), g + mu*v)
        """
        texts = {"update": update, "define": define, "shared": shared, "flow": flow}
        update, define, shared, flow = (converted(what, {} if given is None else given, Mapping[str, str])
                                        for what, given in texts.items())  # fmt: skip
        domain = converted("domain", domain, Mapping[str, str] | None)
        shared, initial = dict(shared), dict(converted("initial", {} if initial is None else initial, Mapping[str, float]))
        params = {key: number(f"{name}: {key}", value) for key, value in converted("params", params, Mapping[str, Any]).items()}
        _check_names({**update, **shared}, params, define)
        names = ["w", "g", "gg", *(["h"] if probe is not None else []), *update, *shared, *params, *define, "t"]
        defined, read, rates = ({key: formula(text, names) for key, text in part.items()}
                                for part in (define, {**update, **shared}, flow))  # fmt: skip
        used = {key for f in (*read.values(), *defined.values()) for key in f.names}
        if "t" in used and "t" not in {*read, *params, *defined}:
            shared["t"], read["t"] = "t + 1", formula("t + 1")
            initial.setdefault("t", 1.0)
        per_weight = tuple(key for key in update if key != "w")
        states = {key: initial.get(key, 0.0) for key in (*per_weight, *shared)}
        return cls(
            name, params, read, defined, per_weight, tuple(shared), states,
            domain if domain is not None else {"lr": "positive"} if "lr" in params else {},
            converted("options", {} if options is None else options, Mapping[str, Any]),
            _read(gradient, ["w", "g", "gg", *params]), _read(probe, names), _read(preconditioner, names), rates,
            _read(threshold, params),
        )  # fmt: skip


def _check_names(rules: Mapping[str, str], params: Mapping[str, float], define: Mapping[str, str]) -> None:
    if "w" not in rules:
        raise UsageError("an optimizer's update needs a formula for 'w', such as {'w': 'w - lr*g'}")
    taken = (RESERVED | set(params)) & set(rules) | RESERVED & {*params, *define} | {"w"} & {*params, *define}
    if taken:
        raise UsageError(f"{sorted(taken)[0]!r} cannot be a state: it is the gradient or a hyperparameter")
    check_names((*rules, *params, *define))


def _read(text: str | None, names: Iterable[str]) -> Formula | None:
    return None if text is None else formula(text, names)
