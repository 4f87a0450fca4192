"""The common settings of an ensemble's runs: the rows and the noise of a step, and the random streams."""

from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.codegen.compile import Rule, compile_rule, parameter_vector
from cfdyn.ensembles._kernels.runs import ALL, INDEPENDENT, REPLACED, RESHUFFLED, Task, advance_runs
from cfdyn.errors import unknown
from cfdyn.flows._noisy import LABEL, checked
from cfdyn.machine.portable import Portable
from cfdyn.symbolic.maps import LossMap, MapSpec
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.batches import batch_key, batch_program
from cfdyn.systems.loss import Loss
from cfdyn.systems.orbit import ESCAPE

ORDERS = ("independent", "reshuffled")
UNROLLED = 3  # rows of a batch up to which each is code of its own; more are a loop over eight at once


class Sampling(Portable):
    """A step of an optimizer on random batches, or of a map with noise; numbers of run k are a function of the seed, k, the step.

    ``batch``: rows in a batch, None for all; ``order``: "replacement", "independent" or "reshuffled"; ``noise`` (d, d) or
    None: the covariance of what is added to the gradient, or to the state that another map gives; ``label_noise``: standard
    deviation of what is added to the label, the column y; ``repeat``: steps with each batch.
    """

    def __init__(
        self, spec: MapSpec, batch: int | None, order: str, seed: int, noise: np.ndarray | None, label_noise: float, repeat: int
    ):  # fmt: skip
        self.spec, self.batch, self.order, self.seed = spec, batch, order, seed
        self.noise, self.label_noise, self.repeat = noise, label_noise, repeat
        self.rows = 0 if spec.data is None else len(spec.data)

    def __repr__(self) -> str:
        return f"Sampling({self.spec.title}, batch={self.batch}, {self.order}, seed={self.seed})"

    @property
    def settings(self) -> dict[str, Any]:
        """For a record's provenance."""
        return {name: getattr(self, name) for name in "batch order seed noise label_noise repeat".split()}

    @cached_property
    def kind(self) -> int:
        """How the kernel chooses rows."""
        if self.batch is None or self.batch == self.rows and self.order != "replacement":
            return ALL
        return {"replacement": REPLACED, "independent": INDEPENDENT, "reshuffled": RESHUFFLED}[self.order]

    @property
    def _label(self) -> int:
        """The place of the labels among the columns."""
        return self.spec.loss.columns.index(LABEL) if isinstance(self.spec, LossMap) and self.label_noise else 0

    @cached_property
    def count(self) -> int:
        """Rows of a batch that the code is made for, 0 if it takes any number."""
        steady = self.kind != RESHUFFLED or self.rows % (self.batch or 1) == 0
        return self.batch if self.kind != ALL and steady and self.batch and self.batch <= UNROLLED else 0

    @property
    def random(self) -> bool:
        """False if all runs are the same."""
        noisy = self.noise is not None and bool(self.noise.any())
        return noisy or self.label_noise > 0 or self.kind != ALL and self.rows > 1

    @cached_property
    def cost(self) -> int:
        """Operations of one step, a transcendental function counted as eight."""
        return batch_program(self.spec, self.count, self.noise is not None).cost(max(self.batch or self.rows, 8))

    @cached_property
    def rule(self) -> Rule:
        """The compiled step."""
        return self._compiled("step", len(self.spec.names))

    @cached_property
    def jacobian(self) -> Rule:
        """Its derivative by the state, row by row, (D²,), with the parameters of the step."""
        return self._compiled("jacobian", len(self.spec.names) ** 2)

    def _compiled(self, what: str, outputs: int) -> Rule:
        count, noisy = self.count, self.noise is not None
        key = batch_key(self.spec, count, noisy, what)
        return compile_rule(key, outputs, lambda: batch_program(self.spec, count, noisy, what))

    @cached_property
    def _task(self) -> np.ndarray:
        spec, noisy = self.spec, self.noise is not None
        data = np.empty((0, 0)) if spec.data is None else np.asarray(spec.data, dtype=float)
        factor = _root(self.noise) if self.noise is not None else np.empty((0, 0))
        head = [*spec.params.values(), *(0.0 for _ in range(spec.n_weights) if noisy)]
        batch = self.rows if self.kind == ALL else self.batch or 0
        # Room for every batch, which may have more rows than there are.
        first = data[np.arange(batch) % max(self.rows, 1)] if self.rows else None
        p = np.array([*head, *first.ravel()]) if self.count and first is not None else parameter_vector(head, first)
        made = Task.make(
            step=self.rule.compiled, seed=self.seed, rows=self.rows, columns=data.shape[1], batch=batch, kind=self.kind,
            repeat=self.repeat, head=len(head), size=len(p), lanes=not self.count, label=self._label,
            d=len(factor), rank=factor.shape[1], escape=ESCAPE, label_noise=self.label_noise, p=p, table=data, factor=factor,
        )  # fmt: skip
        return made.memory

    def advance(self, *arguments: Any) -> None:
        """`cfdyn.ensembles._kernels.runs.advance_runs` of these runs."""
        advance_runs(self._task, *arguments)


def sampling_of(
    loss: Loss, optimizer: Optimizer, batch: int | None, seed: int, replace: bool, order: str, noise: Any, label_noise: float,
    repeat: int,
) -> Sampling:  # fmt: skip
    """The sampling that is asked for, or an error."""
    if order not in ORDERS:
        raise unknown("order", order, ORDERS)
    sampling = checked(loss, batch, replace and order == "independent", noise, label_noise)
    repeat, seed = whole_number("repeat", repeat, 1), whole_number("seed", seed, 0)
    kind = "replacement" if replace and order == "independent" else order
    spec = LossMap(loss.spec, optimizer)
    if sampling is None:
        return Sampling(spec, batch, kind, seed, None, 0.0, repeat)
    return Sampling(spec, sampling.batch, kind, seed, sampling.covariance, sampling.label, repeat)


def _root(covariance: np.ndarray) -> np.ndarray:
    """F with F Fᵀ = the covariance, (d, rank)."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-14 * max(values[-1], 0.0)
    return np.ascontiguousarray(vectors[:, kept] * np.sqrt(values[kept]))
