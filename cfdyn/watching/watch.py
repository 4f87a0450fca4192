"""`watch`: the edge of stability in the training loop of somebody else."""

from __future__ import annotations

from time import process_time
from typing import Any

from cfdyn.arguments import number, whole_number
from cfdyn.errors import UsageError
from cfdyn.watching.cadence import Cadence
from cfdyn.watching.run import Watch
from cfdyn.watching.sinks import sinks_of


def watch(
    model: Any, optimizer: Any, loss: Any, probe: Any, *, fresh: Any = None, budget: float = 0.05, every: int | None = None,
    mode: str = "eval", batch: int | None = None, out: Any = None,
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
    fresh : other rows, on which uᵀAu is computed: with the share it makes a bracket of the share on all rows
    budget : processor time of the measurements over that of the rest of the run
    every : steps after which a measurement is made whatever it costs
    mode : "eval", without dropout (BatchNorm takes the probe's means where it is trained, as in the step that is watched); or
        "train" with fixed random numbers; with JAX the loss decides
    batch : rows of a mini-batch, of which the probe has two or more: the mean-square share is measured too
    out : a file to which each step adds a line of JSON, for `cfdyn watch` and `cfdyn explain`; a function out(step, row) that is
        given the numbers of each step under their names, as those of `cfdyn.watching.loggers`; or a list of these

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
    batch, sinks = None if batch is None else whole_number("batch", batch, 1), sinks_of(out)
    subject = _subject(model, optimizer, loss, probe, fresh, mode)
    return Watch(subject, Cadence(budget, every, subject.clock), sinks, batch)


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
