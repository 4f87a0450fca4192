"""`wandb`: the numbers of a watch in a run of Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.watching.loggers._library import method
from cfdyn.watching.sinks import Sink


def wandb(run: Any) -> Sink:
    """Rows of a run of Weights & Biases, under the names of `cfdyn.watching.names`.

    W&B's own step goes up by 1 for each step of the optimizer from where it is now, 0 in a new run, and to where the run is if
    that is further. What you log in the same step, without ``step=`` or with the number of the step counted from 0, comes into
    the same row. W&B drops what has a smaller step than the last row, such as the number of an epoch: log that without ``step=``.

    Parameters
    ----------
    run : what ``wandb.init(…)`` gives, online or offline; you finish it yourself

    Returns
    -------
    a function for ``cf.watch(…, out=…)``

    Raises
    ------
    UsageError : what is given has no ``log``, or is the module or a class

    Examples
    --------
    .. code-block:: python

        import wandb
        from cfdyn.watching import loggers

        with wandb.init(project="mine") as run:
            watch = cf.watch(model, optimizer, criterion, probe, out=loggers.wandb(run))
            ...                       # in the loop: watch.step(loss), then your own run.log({"accuracy": accuracy})

    A run is anything with ``step`` and ``log``, here one that prints:

    >>> from cfdyn.watching import loggers
    >>> class Printed:
    ...     step = 100
    ...     def log(self, row, step):
    ...         print(row, "at step", step)
    >>> out = loggers.wandb(Printed())
    >>> out(1, {"loss": 0.25})
    {'loss': 0.25} at step 100
    >>> out(2, {"loss": 0.24})
    {'loss': 0.24} at step 101
    """
    log = method(run, "log", "a run, what wandb.init() gives,")
    last: Any = getattr(run, "step", None)
    if not isinstance(last, int):
        raise UsageError("a run, what wandb.init() gives, is wanted: this has no number of steps")
    last -= 1

    def to_wandb(step: int, row: Mapping[str, float]) -> None:
        nonlocal last
        last = max(last + 1, run.step)
        log(dict(row), step=last)

    return to_wandb
