"""The loss and optimizer, or the map, that a command is about, and its start: built here from the options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import cfdyn
from cfdyn.cli.input.options import (
    BATCH,
    EVERY,
    LOSS,
    MAP,
    ODE,
    OPTIMIZER,
    ORDER,
    PERIODIC,
    SECTION,
    SEED,
    SET,
    START,
    VARIABLES,
)
from cfdyn.cli.input.specs import NAME, make_loss
from cfdyn.cli.input.values import Interval, assignments, numbers, periods
from cfdyn.cli.input.values import box as as_box
from cfdyn.errors import UsageError
from cfdyn.symbolic.text.settings import make_optimizer

if TYPE_CHECKING:
    from cfdyn.ensembles.stochastic.random_map import RandomMap
    from cfdyn.studies.branch_starts import BranchStarts
    from cfdyn.symbolic.optimizer import Optimizer
    from cfdyn.systems.flow import Flow
    from cfdyn.systems.loss import Loss
    from cfdyn.systems.map import Map
    from cfdyn.systems.minima import Minimum

Chosen = dict[str, str]


@dataclass(frozen=True)
class Subject:
    """The options of a command, as given; the methods build the objects that they name.

    ``chosen``, which the methods also return, states in words the choices for options that were not given.
    """

    loss: LOSS = None
    optimizer: OPTIMIZER = "gd"
    start: START = None
    settings: SET = None
    variables: VARIABLES = None
    map: MAP = None
    ode: ODE = None
    section: SECTION = None
    every: EVERY = None
    periodic: PERIODIC = None
    batch: BATCH = None
    order: ORDER = "cyclic"
    seed: SEED = 0
    say: Callable[[str], None] = field(default=lambda words: None, compare=False)  # takes words; no option

    def is_map(self) -> bool:
        """Refuse both or neither of a loss and a map; true for a map, also one defined by equations."""
        given = 3 - [self.loss, self.map, self.ode].count(None)
        if given != 1:
            missing = 'give a LOSS, such as double_well or "(w**2-1)**2/4", or --map FORMULA, such as "r*x*(1-x)"'
            raise UsageError("give either a LOSS or --map FORMULA, and only one of them" if given else missing)
        return self.loss is None

    def needs_loss(self, command: str, example: str, otherwise: str = "") -> None:
        """Refuse a command without its loss, for which a map is no substitute."""
        if self.loss is None:
            known = f"or a name from: cfdyn list losses{otherwise}"
            raise UsageError(f'{command} needs a LOSS: a formula such as "{example}", {known}')

    def given_start(self) -> list[float] | None:
        """``--start``, weights or a full state."""
        return None if self.start is None else numbers(self.start, "--start")

    def loss_and_optimizer(self) -> tuple[Loss, Optimizer, bool]:
        """Both, and whether the learning rate is still to be chosen."""
        return make_loss(str(self.loss), self.settings or (), self.variables), *make_optimizer(self.optimizer)

    def minima(self, loss: Loss) -> list[Minimum]:
        """Its local minima, the lowest first; the progress is the number of finished starts."""
        return cfdyn.minima(loss, seed=self.seed, progress=lambda k, n: self.say(f"searching for minima: {k} of {n} starts"))

    def make_map(self) -> Map:
        """``--map``: one formula for each variable, separated by semicolons; or the map that ``--ode`` becomes."""
        if self.ode is not None:
            return self._map_of_flow()
        if self.section or self.every:
            raise UsageError("--section and --every make a map of equations: give --ode FORMULA")
        formulas = [part for part in str(self.map).split(";") if part.strip()]
        params = assignments(self.settings or (), "--set")
        return cfdyn.Map.from_text(formulas, self.variables, params, periods(self.periodic or ()))

    def flow(self) -> Flow:
        """``--ode``: a right-hand side for each variable, separated by semicolons."""
        formulas = [part for part in str(self.ode).split(";") if part.strip()]
        return cfdyn.Flow.from_text(formulas, self.variables, assignments(self.settings or (), "--set"))

    def _map_of_flow(self) -> Any:
        if (self.section is None) == (self.every is None):
            raise UsageError('equations become a map by --section "y = 0" or by --every "2*pi/w": give one of them')
        if self.periodic:
            raise UsageError("--periodic belongs to a --map")
        if self.every is not None:
            return cfdyn.stroboscopic_map(self.flow(), self.every)
        surface, _, way = str(self.section).partition(":")
        return cfdyn.poincare_map(self.flow(), surface, way.strip() or "up")

    def with_values(self, values: dict[str, float]) -> Subject:
        """The same with values for those names of its formulas that ``--set`` does not give."""
        from cfdyn.symbolic.text.formula import check_names, formula

        text = next((one for one in (self.map, self.ode, self.loss) if one is not None), None)
        if text is None or (text is self.loss and NAME.fullmatch(text.strip())):
            return self
        check_names(values)
        more = (str(self.section).partition(":")[0].replace("=", ";") if self.section else "", self.every or "")
        used = {name for part in ";".join((text, *more)).split(";") if part.strip() for name in formula(part).names}
        open_names = used - {item.partition("=")[0].strip() for item in self.settings or ()}
        given = [f"{name}={value!r}" for name, value in values.items() if name in open_names]
        return replace(self, settings=[*(self.settings or ()), *given])

    def complete(self, noisy: bool = False, stepped: bool = False) -> tuple[Loss, Optimizer, Sequence[float], Chosen]:
        """The loss, the optimizer with its learning rate (below the edge with noise), a start, and ``chosen``.

        ``stepped``: a start that is not a state of the optimizer's step is refused before minima are searched for.
        """
        from cfdyn.studies.defaults import BEYOND, WITH_NOISE, completed

        loss, optimizer, open_lr = self.loss_and_optimizer()
        share, start = WITH_NOISE if noisy else BEYOND, self.given_start()
        if stepped and start is not None:
            cfdyn.as_map(loss, optimizer).state(start)
        return loss, *completed(loss, optimizer, start, open_lr, self.seed, share, self.say)

    def map_and_state(self) -> tuple[Map, Any, Chosen]:
        """The map (of an epoch, if a batch is given), the full starting state, and ``chosen``."""
        from cfdyn.studies.defaults import MAP_START

        if self.is_map():
            if self.batch:
                raise UsageError("--batch needs the data rows of a loss, and --map has none")
            given, step = self.given_start(), self.make_map()
            chosen = {} if given is not None else {"start": f"{MAP_START} for each variable"}
            return step, step.state(given or [MAP_START] * step.dim), chosen
        loss, optimizer, start, chosen = self.complete(stepped=True)
        if self.batch is None:
            step = cfdyn.as_map(loss, optimizer, periods(self.periodic or ()))
        elif self.periodic:
            raise UsageError("--periodic belongs to a step of the optimizer, not to an epoch of batches")
        else:
            step = cfdyn.epoch(loss, optimizer, batch=self.batch, order=self.order, seed=self.seed)
        return step, step.state(start), chosen

    def random_map(
        self, batch: int | None, noise: str | None, label_noise: float, repeat: int, replace: bool, varied: bool
    ) -> tuple[RandomMap, Any, Chosen]:
        """The random map, the full starting state, and ``chosen``; ``varied``: the noise may still be given by another option."""
        from cfdyn.studies.defaults import MAP_START

        variances = None if noise is None else numbers(noise, "--noise")
        drawn = variances[0] if variances is not None and len(variances) == 1 else variances
        if (batch, noise) == (None, None) and not label_noise and not varied:
            raise UsageError("this map has no randomness: give --batch, --noise, --label-noise or --vary noise=A,B,…")
        given: dict[str, Any] = {"batch": batch, "noise": drawn, "label_noise": label_noise, "repeat": repeat, "seed": self.seed}
        if self.is_map():
            start, step = self.given_start(), cfdyn.random_map(self.make_map(), **given)
            chosen = {} if start is not None else {"start": f"{MAP_START} for each variable"}
            return step, step.step.state(start or [MAP_START] * step.step.dim), chosen
        loss, optimizer, begin, chosen = self.complete(True)
        if self.periodic:
            raise UsageError("--periodic belongs to a --map")
        step = cfdyn.random_map(loss, optimizer, replace=replace, **given)
        return step, step.step.state(begin), chosen

    def map_and_loss(self, lr: float | None = None) -> tuple[Map, Loss | None, list[Minimum], Chosen]:
        """The map, at ``lr`` if its learning rate is open; the loss, its minima if they were searched for, and ``chosen``."""
        from cfdyn.studies.defaults import BY_EDGE, EDGE, learning_rate

        if self.is_map():
            return self.make_map(), None, [], {}
        loss, optimizer, open_lr = self.loss_and_optimizer()
        minima = self.minima(loss) if open_lr or self.start is None else []
        chosen: Chosen = {}
        if open_lr:
            if lr is None:
                self.say(EDGE)
            value, how = learning_rate(loss, optimizer, minima) if lr is None else (lr, BY_EDGE)
            optimizer, chosen = optimizer.at(lr=value), {"lr": how}
        return cfdyn.as_map(loss, optimizer, periods(self.periodic or ())), loss, minima, chosen

    def branch_starts(self, name: str, bounds: Interval, period: int, box: str | None) -> BranchStarts:
        """Cycles from which branches along a parameter begin; a wrong name of one is refused."""
        from cfdyn.studies.branch_starts import branch_starts, inside
        from cfdyn.studies.defaults import usual_box

        asked, middle = None if box is None else as_box(box), inside(bounds)
        subject = self.with_values({name: middle}) if self.is_map() else self
        step, loss, minima, _ = subject.map_and_loss(middle if name == "lr" else None)
        return branch_starts(step, name, bounds, period, self.given_start(), asked or usual_box(step, loss),
                             minima if asked is None else [], self.seed)  # fmt: skip
