"""`lightning`: a callback that watches a fit of Lightning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfdyn.watching.loggers._library import library
from cfdyn.watching.watch import watch


def lightning(probe: Any, loss: Any, *, out: Any = None, **options: Any) -> Any:
    """A callback of Lightning that watches a fit, and logs through the loggers of the trainer.

    It makes the watch when training starts, as its ``watch``, and calls its ``step`` after each step that an optimizer has really
    made: once for an accumulation of gradients, not where mixed precision left out a step. With several optimizers a step is a
    round, until one of them steps again. With accumulation the loss is the sum of the parts, as Lightning scales them.

    Parameters
    ----------
    probe : fixed rows, as of `cf.watch`; they are taken to the device of the model
    loss : as of `cf.watch`: a loss of torch, if the module maps inputs to outputs, or a function loss(module, probe)
    out : where the rows go besides the trainer's loggers, as of `cf.watch`
    options : ``budget``, ``every``, ``fresh``, ``mode`` and ``batch`` of `cf.watch`

    Returns
    -------
    a ``Callback`` of lightning.pytorch; in the loggers steps count from 0, as Lightning's own

    Raises
    ------
    UsageError : Lightning is not installed; when the fit starts, what `cf.watch` refuses

    Examples
    --------
    .. code-block:: python

        from lightning.pytorch import Trainer
        from cfdyn.watching import loggers

        callback = loggers.lightning((x[:512], y[:512]), torch.nn.functional.cross_entropy)
        Trainer(max_steps=1000, callbacks=[callback]).fit(module, batches)
        callback.watch.log["edge/share"], callback.watch.explain()
    """
    pytorch, move = library("lightning.pytorch"), library("lightning.fabric.utilities").move_data_to_device

    class Watching(pytorch.Callback):  # type: ignore[misc, name-defined]
        watch: Any = None

        def on_train_start(self, trainer: Any, module: Any) -> None:
            self.loss, self.made, first = None, set(), trainer.global_step - 1  # type: ignore[var-annotated]
            self.hooks = [one.register_step_pre_hook(self.before) for one in trainer.optimizers]
            self.hooks += [one.register_step_post_hook(self.after) for one in trainer.optimizers]
            sinks = [lambda step, row, to=one: to.log_metrics(dict(row), first + step) for one in trainer.loggers]
            given = options | {name: move(options[name], module.device) for name in ("fresh",) if name in options}
            self.watch = watch(module, trainer.optimizers, loss, move(probe, module.device), out=[*sinks, out], **given)

        def before(self, optimizer: Any, *_: Any) -> None:
            if optimizer in self.made:
                self.row()

        def after(self, optimizer: Any, *_: Any) -> None:
            self.made.add(optimizer)

        def row(self) -> None:
            self.watch.step(self.loss)
            self.loss, self.made = None, set()

        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
            part = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
            if part is not None:
                self.loss = part if self.loss is None or not module.automatic_optimization else self.loss + part
            if self.made:
                self.row()

        def on_train_end(self, *_: Any) -> None:
            self.watch.close()
            for hook in self.hooks:
                hook.remove()

    return Watching()
