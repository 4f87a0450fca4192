"""`lightning`: a callback that watches a fit of Lightning."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.loggers._library import library
from cfdyn.watching.watch import watch


def lightning(probe: Any, loss: Any, *, fresh: Any = None, out: Any = None, **options: Any) -> Any:
    """A callback of Lightning that watches a fit, and logs through the loggers of the trainer.

    It makes the watch when training starts, as its ``watch``, and calls its ``step`` after each step that an optimizer has really
    made: once for an accumulation of gradients, not where mixed precision left out a step. With several optimizers a step is a
    round, until one of them steps again. With accumulation the loss is the sum of the parts, as Lightning scales them.

    Parameters
    ----------
    probe : fixed rows, as of `cf.watch`; taken to the device of the module, as ``fresh`` is
    loss : as of `cf.watch`: a loss of torch, if the module maps inputs to outputs, or a function loss(module, probe)
    out : where the rows go besides the trainer's loggers, as of `cf.watch`
    options : ``budget``, ``every``, ``mode`` and ``batch`` of `cf.watch`

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
        def on_train_start(self, trainer: Any, module: Any) -> None:
            first = trainer.global_step - 1

            def to_trainer(step: int, row: Any) -> None:
                for one in trainer.loggers:
                    one.log_metrics(dict(row), first + step)

            self.loss: Any = None
            self.made = set[Any]()
            rows, others = move(probe, module.device), move(fresh, module.device)
            before, after = lambda one, *_: self.row(one in self.made), lambda one, *_: self.made.add(one)
            pairs = [(one.register_step_pre_hook(before), one.register_step_post_hook(after)) for one in trainer.optimizers]
            self.watch = watch(module, trainer.optimizers, loss, rows, fresh=others, out=[to_trainer, out], **options)
            self.ends = [self.watch.close, *(hook.remove for pair in pairs for hook in pair)]

        def row(self, due: bool) -> None:
            if due:
                self.watch.step(self.loss)
                self.loss, self.made = None, set()

        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
            if (part := (outputs or {}).get("loss")) is not None:
                self.loss = part + self.loss if self.loss is not None and module.automatic_optimization else part
            self.row(bool(self.made))

        def on_train_end(self, *_: Any) -> None:
            for end in self.ends:
                end()

    return Watching()
