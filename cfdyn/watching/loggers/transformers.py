"""`transformers`: a callback that watches a Trainer of Hugging Face."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.loggers._library import library
from cfdyn.watching.watch import watch


def transformers(probe: Any, loss: Any = None, *, fresh: Any = None, out: Any = None, **options: Any) -> Any:
    """A callback of Hugging Face's Trainer that watches a training, and adds to the history of the trainer.

    It makes the watch when training begins, as its ``watch``, and calls its ``step`` after each step of the optimizer that was
    not left out by mixed precision. What is new since the last entry comes into the trainer's ``log_history``, and so into
    ``trainer_state.json``, which `cfdyn explain` reads. The trainer tells callbacks of its loss only when it logs it: with
    ``logging_steps=1`` the watch has the loss of each step, and otherwise, now and then, the mean since the last entry. The
    trainer reports an entry to TensorBoard or W&B before callbacks can add to it: for these give ``out`` a sink.

    Parameters
    ----------
    probe : fixed rows, as of `cf.watch`; a dict of arguments with which the model returns an object with a ``loss``, among them
        ``labels``, if ``loss`` is None; they are taken to the device of the model, as ``fresh`` is
    loss : as of `cf.watch`
    out : where the rows of all steps go, as of `cf.watch`
    options : ``budget``, ``every``, ``mode`` and ``batch`` of `cf.watch`

    Returns
    -------
    a ``TrainerCallback`` of transformers

    Raises
    ------
    UsageError : transformers or accelerate is not installed; when training begins, what `cf.watch` refuses

    Examples
    --------
    .. code-block:: python

        from transformers import Trainer, TrainingArguments
        from cfdyn.watching import loggers

        callback = loggers.transformers({"input_ids": ids[:256], "labels": ids[:256]}, out="run.jsonl")
        Trainer(model, TrainingArguments(logging_steps=1), train_dataset=rows, callbacks=[callback]).train()
        callback.watch.log["edge/share"], callback.watch.explain()
    """
    callback, move = library("transformers").TrainerCallback, library("accelerate.utils").send_to_device

    class Watching(callback):  # type: ignore[misc, valid-type]
        def on_train_begin(self, args: Any, state: Any, control: Any, *, model: Any, optimizer: Any, **_: Any) -> None:
            def to_trainer(step: int, row: Any) -> None:
                self.new.update(row)

            self.new, self.seen, self.optimizer = dict[str, float](), state.global_step, optimizer
            rows, others = move(probe, args.device), move(fresh, args.device)
            torchs = getattr(optimizer, "optimizer", optimizer)  # accelerate has it in a wrapper
            self.watch = watch(model, torchs, loss, rows, fresh=others, out=[to_trainer, out], **options)

        def row(self, state: Any, value: float | None = None) -> None:
            if state.global_step > self.seen and not getattr(self.optimizer, "step_was_skipped", False):
                self.watch.step(value)
            self.seen = state.global_step

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not control.should_log:  # else its loss comes at once
                self.row(state)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "loss" in (logs or {}):
                self.row(state, logs["loss"])
                state.log_history[-1].update({name: x for name, x in self.new.items() if name not in ("lr", *logs)})
                self.new = {}

        def on_train_end(self, *_: Any, **__: Any) -> None:
            self.watch.close()

    return Watching()
