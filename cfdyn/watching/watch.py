"""`watch`: the edge of stability in the training loop of somebody else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from cfdyn.analysis.training.explain import Explanation, explain
from cfdyn.arguments import number, whole_number
from cfdyn.errors import UsageError
from cfdyn.watching.bounce import WINDOW, Bounce
from cfdyn.watching.cadence import Cadence
from cfdyn.watching.edge import Memory
from cfdyn.watching.leading import FEWEST, leading
from cfdyn.watching.names import NAMES

TOLD = 5  # steps after which the bounce is described anew
SAME = 0.9  # cosine of two leading directions that are the same one


def watch(
    model: Any, optimizer: Any, loss: Any, probe: Any, *, fresh: Any = None, budget: float = 0.05, every: int | None = None,
    mode: str = "eval", out: str | Path | None = None,
) -> Watch:  # fmt: skip
    """Watch a training loop of torch or JAX: how close is it to the edge of stability, and why did the loss spike?

    Call ``step()`` after each step of the optimizer. As often as the budget allows it measures the **share of the edge**, the
    largest eigenvalue of (Pθ)^−½ H (Pθ)^−½, where H is the Hessian of the loss on the probe and Pθ the scale, coordinate by
    coordinate, at which the linearised step of the optimizer becomes unstable: 2/η for gradient descent, 2(1 + μ)/η with
    momentum, 2(1 + β₁)/(1 − β₁)·(√v̂ + ε)/η for Adam. At a share of 1 the step along the leading direction u begins to grow. In
    each step it follows the weights along u: r₁, the alternation and the growth of the bounce.

    The training stays as it is, bit by bit: measurements restore each module's mode, buffers, gradients and random numbers. A
    measurement that fails is noted once and ends no training. With mini-batches a share below 1 does not mean that the rate may
    be raised: noise holds the curvature below the edge.

    Parameters
    ----------
    model : a torch.nn.Module; with JAX the loss, a function loss(params, rows)
    optimizer : an optimizer of torch.optim (SGD, Adam, AdamW, NAdam, RAdam, RMSprop, Adagrad, Adadelta, Adamax), or a list; with
        JAX a transformation of optax that works coordinate by coordinate and does not take the sign of the gradient
    loss : a loss of torch, for a probe (inputs, targets); a function loss(model, probe); or None if the probe is a dict of
        arguments with which the model returns an object with a ``loss``; with JAX the parameters, a tree of arrays
    probe : fixed rows, 256 or more whatever the batch is: fewer make the share too large
    fresh : other rows, on which uᵀAu is computed: the share and this number are a bracket of the share on all rows
    budget : processor time of the measurements over that of the rest of the run
    every : steps after which a measurement is made whatever it costs
    mode : "eval", without dropout (BatchNorm takes the probe's means where it is trained, as in the step that is watched); or
        "train" with fixed random numbers; with JAX the loss decides
    out : a file to which each measurement adds a line of JSON, for `cfdyn watch` and `cfdyn explain`

    Raises
    ------
    UsageError : torch or JAX is not installed, an optimizer whose edge is unknown, nothing that is trained, wrong arguments

    Examples
    --------
    With torch it needs the extra ``torch``:

    .. code-block:: python

        watch = cf.watch(model, optimizer, torch.nn.CrossEntropyLoss(), (x[:512], y[:512]))
        for inputs, targets in batches:
            ...                       # forward, backward, optimizer.step()
            watch.step(loss)
        watch.log["edge/share"], watch.suggest()["edge_rate"]
        cf.plot(watch.explain(), "run.png")

    With JAX, and the extra ``networks``, each step gives what it made. Gradient descent on (3a² + b²)/2 at a rate of 0.6 has the
    share 0.6·3/2:

    >>> import cfdyn as cf, jax.numpy as jnp, optax
    >>> def loss(params, rows):
    ...     return (rows * params["w"] ** 2).sum() / 2
    >>> optimizer, params = optax.sgd(0.6), {"w": jnp.ones(2)}
    >>> watch = cf.watch(loss, optimizer, params, jnp.array([3.0, 1.0]))
    >>> watch.step(params=params, state=optimizer.init(params), lr=0.6)
    >>> round(watch.log["edge/share"], 4), round(watch.suggest()["edge_rate"], 4)
    (0.9, 0.6667)

    >>> cf.watch("a model", "an optimizer", abs, ([[1.0]], [[1.0]]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    cfdyn.errors.UsageError: ...

    References
    ----------
    Cohen et al., arXiv 2103.00065 (gradient descent) and arXiv 2207.14484 (Adam): sharpness at the edge; Wu et al. (2018) for
    stochastic steps. The scales follow from the linearised steps; tests compare each with the library's own.
    """
    budget = number("budget", budget, finite=True)
    if not 0 <= budget <= 1:
        raise UsageError(f"a budget is a fraction of the run's processor time, from 0 to 1, not {budget:g}")
    every = None if every is None else whole_number("every", every, 1)
    subject = _subject(model, optimizer, loss, probe, fresh, mode)
    return Watch(subject, Cadence(budget, every, subject.clock), None if out is None else Path(out))


def _subject(model: Any, optimizer: Any, loss: Any, probe: Any, fresh: Any, mode: str) -> Any:
    """Of optax if the optimizer has ``init`` and ``update``, and of torch otherwise."""
    if callable(getattr(optimizer, "init", None)) and callable(getattr(optimizer, "update", None)):
        from cfdyn.watching.of_jax.subject import Subject as OfJax

        return OfJax(model, optimizer, loss, probe, fresh, mode)
    from cfdyn.networks._oracle.engine import library
    from cfdyn.watching.of_torch.subject import Subject

    torch, optimizers = library("torch"), optimizer if isinstance(optimizer, list | tuple) else [optimizer]
    if not isinstance(model, torch.nn.Module):
        raise UsageError(f"watch takes a torch.nn.Module, not {type(model).__name__}")
    if not optimizers or not all(isinstance(one, torch.optim.Optimizer) for one in optimizers):
        raise UsageError("watch takes an optimizer of torch, or a list of them")
    return Subject(model, optimizers, loss, probe, fresh, mode, process_time)


class Watch:
    """A training run that is watched; see `watch`. ``log`` has the newest value of each name of `cfdyn.watching.names`."""

    def __init__(self, subject: Any, cadence: Cadence, out: Path | None):
        self.subject, self.cadence, self.out = subject, cadence, out
        self.log: dict[str, float] = {}
        self._notes: list[str] = []
        self.layers: dict[str, float] = {}
        self._rows: list[dict[str, float]] = []
        self._bounce, self._steps = Bounce(), 0
        self._direction: Any = None
        self._along: Any = None  # what the bounce is followed along, and its pieces
        self._pieces: Any = None
        self._memory: Memory | None = None
        self._followed = 0
        self._failed = False

    def step(self, loss: Any = None, **made: Any) -> None:
        """After a step of the optimizer; ``loss``: that of its batch, a number or an array.

        With optax also what the step has made, ``params`` and ``state``, and if you like its ``grads`` and its rate ``lr``.
        Within an accumulation of optax (`MultiSteps`) a call is no step.
        """
        if not self.subject.take(**made):
            return
        began, measured = self.cadence.clock(), False
        row: dict[str, float] = {}
        self._steps += 1
        try:
            row = {"lr": self.subject.rate()} | ({} if math.isnan(self.subject.norm) else {"grad_norm": self.subject.norm})
            if loss is not None:
                row["loss"] = float(loss.detach() if hasattr(loss, "detach") else loss)
            follows = self._follow()
            ready = not self._failed and self._steps >= self.subject.earliest
            if ready and self.cadence.due(self.log.get("edge/share", math.nan)):
                measured = True
                row |= self._measured()
            if follows and (measured or self._steps % TOLD == 0):
                row |= self._bounce.told(self._memory)
        except Exception as problem:  # a watch that fails must not end the training
            self._fail(problem)
        self._rows.append(row)
        heard, self.subject.seconds = self.subject.seconds, 0.0
        self.cadence.paid(self.cadence.clock() - began + heard, measured, FEWEST / row.get("edge/products", FEWEST))
        self.log.update(row)
        self.subject.gone()
        if measured and self.out is not None:
            self._write()

    def _fail(self, problem: Exception) -> None:
        if not self._failed:
            self._notes.append(f"measurements ended at step {self._steps}: {type(problem).__name__}: {problem}")
        self._failed = True

    def _follow(self) -> bool:
        """Note the position along the leading direction: for a window after each measurement, longer if there is time."""
        affordable = self.cadence.follows(self.log.get("edge/share", math.nan))
        self.subject.listens = affordable or 0 < self._followed <= WINDOW
        follows = self._along is not None and (affordable or self._followed <= WINDOW)
        if follows:
            self._bounce.add(self.subject.position(self._pieces))
            self._followed += 1
        else:
            self._bounce.forget()
        return follows

    def _measured(self) -> dict[str, float]:
        """The share with what belongs to it; the direction is kept for the next time. Of a diverged run the loss alone."""
        subject, value = self.subject, self.subject.value()
        if not math.isfinite(value):
            return {"probe/loss": math.inf}
        if (edges := subject.edges()) is None:
            return {}
        scale, decay = subject.scale(edges)
        root = scale.clip(1e-30) ** 0.5
        with subject.measuring():
            on_probe = subject.products("probe")
            warm = self._direction is not None
            start = self._direction * root if warm else subject.random_direction()
            found = leading(lambda v: (on_probe(v / root) + decay * (v / root)) / root, start, warm)
            direction = found.vector / root
            row = {"edge/share": found.value, "edge/residual": found.residual, "edge/products": found.products}
            if subject.rows["fresh"] is not None:
                row["edge/fresh"] = float(direction @ (subject.products("fresh")(direction) + decay * direction))
        square = float(direction @ direction)
        row |= {
            "edge/curvature": found.value / square, "edge/scale": 1 / square, "edge/median_scale": subject.median(scale),
            "probe/loss": value, "cost": self.cadence.cost,
        }  # fmt: skip
        memories = {one.memory for one in edges}
        self._memory, self._followed = memories.pop() if len(memories) == 1 else None, 0
        if self._memory is not None:
            row["edge/growth"] = self._memory.growth(found.value)
        along = found.vector * root
        before = self._along
        if before is None or abs(float(along @ before)) < SAME * (float(along @ along) * float(before @ before)) ** 0.5:
            self._along, self._pieces = along, subject.split(along)
            self._bounce.forget()
            self._bounce.add(subject.position(self._pieces))
        self._direction, self.layers = direction, subject.layers(direction)
        return row

    def _write(self) -> None:
        line = {"step": self._steps} | {name: value if math.isfinite(value) else None for name, value in self.log.items()}
        try:
            with self.out.open("a", encoding="utf-8") as file:  # type: ignore[union-attr]
                file.write(json.dumps(line) + "\n")
        except OSError as problem:
            self._notes.append(f"{self.out} cannot be written: {problem.strerror}")
            self.out = None

    def columns(self) -> Mapping[str, np.ndarray]:
        """All that was logged, a row for each step; NaN where nothing was."""
        names = [name for name in NAMES if any(name in row for row in self._rows)]
        return {name: np.array([row.get(name, math.nan) for row in self._rows]) for name in names}

    def explain(self) -> Explanation:
        """What `cf.analysis.explain` says of the run until now: its spikes with their causes, for which it has the shares.

        UsageError : fewer than 16 losses are known; give each to `step`
        """
        columns = self.columns()
        return explain(dict(columns), loss="loss" if "loss" in columns else "probe/loss")

    def save(self, path: str | Path) -> None:
        """All columns as CSV, which `cfdyn explain` and any program of tables reads."""
        columns = self.columns()
        with Path(path).open("w", encoding="utf-8") as file:
            file.write(",".join(["step", *columns]) + "\n")
            for k, row in enumerate(zip(*columns.values(), strict=True), 1):
                file.write(",".join([str(k), *("" if math.isnan(x) else repr(float(x)) for x in row)]) + "\n")

    def suggest(self) -> dict[str, float]:
        """``edge_rate``: the rate η/share at which the present weights are at the edge; ``rate``: 0.8 of it; ``share``.

        With P and u as they are, on the probe. With mini-batches the share alone does not decide, and both may be too large.
        """
        if math.isinf(self.log.get("probe/loss", math.nan)):
            raise UsageError("the run has diverged: the loss on the probe is not finite")
        if (share := self.log.get("edge/share", math.nan)) > 0:
            if math.isnan(rate := self.subject.rate()):
                raise UsageError(f"the rate is unknown: give it, watch.step(…, lr=rate); the edge is at 1/{share:.3g} of it")
            edge = rate / share
            return {"edge_rate": edge, "rate": 0.8 * edge, "share": share}
        raise UsageError("no positive share was measured: call step() in the loop, with a budget above 0")

    @property
    def notes(self) -> list[str]:
        """Sentences: how the products were computed, what failed, what went beyond the budget."""
        how = "second derivatives" if self.subject.exact else "differences of gradients: no second derivatives of this model"
        notes = [f"products by {how}, in mode {self.subject.mode!r}", *self.subject.remarks, *self._notes]
        if self.cadence.forced:
            notes.append(f"{self.cadence.forced} measurements were due by `every` beyond the budget")
        return notes

    def close(self) -> None:
        """Take the hooks off the optimizers."""
        self.subject.close()
