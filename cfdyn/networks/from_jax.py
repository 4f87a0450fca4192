"""Functions of your own in JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cfdyn.networks._oracle.network import Network
from cfdyn.networks._oracle.row_means import check_mean_over_rows
from cfdyn.networks._oracle.traced import looked_at


def from_jax(
    function: Callable[..., Any], params: Any, rows: Sequence[Any] = (), title: str = "network",
    predict: Callable[..., Any] | None = None,
) -> Network:
    """A loss ``function(params, *rows)`` → number that JAX differentiates; ``params``: a tree of arrays, or an Equinox module.

    ``rows`` are arrays whose first axis counts the rows of data, over which the function takes the mean; ``predict(params, x)``
    are the outputs at inputs x, if it has any. Everything is computed in float64: float32 arrays are converted, and ``remarks``
    say so; a function that itself converts to float32 is refused. ``remarks`` also name operations with kinks.

    Raises
    ------
    UsageError : parameters that are not floating-point numbers, a value that is not a single number, float32 within the function,
        a value or gradient at random weights that is not the mean of those of the rows

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import cfdyn as cf
    >>> x, y = jnp.array([0.0, 1.0, 2.0]), jnp.array([1.0, 3.0, 5.0])
    >>> line = cf.networks.from_jax(lambda p, x, y: jnp.mean((p["a"] * x + p["b"] - y) ** 2) / 2, {"a": 1.0, "b": 1.0}, (x, y))
    >>> round(line.value(line.start), 12), line.hvp(line.start, [1.0, 0.0]).round(12).tolist()
    (0.833333333333, [1.666666666667, 1.0])
    >>> line.value(line.start, rows=[0, 1]), line.remarks
    (0.25, ('data in float32 were converted to float64',))

    References
    ----------
    Bradbury et al. (2018), JAX: composable transformations of Python+NumPy programs.
    """
    engine, remarks = looked_at(function, params, rows, predict, title)
    made = Network.of(engine, title, remarks)
    check_mean_over_rows(made, "the function takes the mean over the rows that it gets, and divides by nothing of its own")
    return made
