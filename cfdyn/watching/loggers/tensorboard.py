"""`tensorboard`: the numbers of a watch as scalars of TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cfdyn.watching.loggers._library import method
from cfdyn.watching.sinks import Sink


def tensorboard(writer: Any) -> Sink:
    """Scalars of TensorBoard, one for each finite number of a step, under the names of `cfdyn.watching.names`.

    Parameters
    ----------
    writer : a SummaryWriter of torch.utils.tensorboard or tensorboardX, which you close yourself

    Returns
    -------
    a function for ``cf.watch(…, out=…)``; its steps count from 1

    Raises
    ------
    UsageError : the writer has no ``add_scalar``

    Examples
    --------
    .. code-block:: python

        from torch.utils.tensorboard import SummaryWriter
        from cfdyn.watching import loggers

        with SummaryWriter("runs/one") as writer:
            watch = cf.watch(model, optimizer, criterion, probe, out=loggers.tensorboard(writer))
            ...                       # the loop, with watch.step(loss)
        print(cf.analysis.explain("runs/one", loss="loss").headline)

    A writer is anything with its method, here one that prints:

    >>> from cfdyn.watching import loggers
    >>> class Printed:
    ...     def add_scalar(self, name, value, step):
    ...         print(name, value, "at step", step)
    >>> out = loggers.tensorboard(Printed())
    >>> out(7, {"loss": 0.25, "edge/share": float("nan")})
    loss 0.25 at step 7
    """
    add = method(writer, "add_scalar", "a SummaryWriter")

    def to_tensorboard(step: int, row: Mapping[str, float]) -> None:
        for name, value in row.items():
            if math.isfinite(value):
                add(name, value, step)

    return to_tensorboard
