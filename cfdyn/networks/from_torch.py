"""Modules of torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError
from cfdyn.networks._oracle.by_torch import TorchEngine
from cfdyn.networks._oracle.engine import library
from cfdyn.networks._oracle.modules import converted, verify
from cfdyn.networks._oracle.network import Network


def from_torch(module: Any, data: DataSet | Sequence[Any], criterion: Callable[..., Any], title: str = "") -> Network:
    """The mean loss ``criterion(module(x), y)`` over rows ``data`` = (x, y), tensors or arrays, or a `cf.DataSet`.

    The module is copied in float64: the weights are the copy's parameters, flattened, in the order of ``module.parameters()``.
    torch.func computes the derivatives on the CPU, without compilation, and T[u, u] is compared with differences once.
    ``remarks`` list the changes: weights and data in float32 converted, dropout switched off, fused attention and normalisation
    written out, parameters that are used twice, or that are frozen (these are not weights), kinks, frozen means and variances of
    BatchNorm in eval mode. ``y`` has the form that the criterion needs: whole numbers for cross-entropy; for a DataSet the labels
    if the criterion is torch's cross-entropy, otherwise the targets. With class weights, as in CrossEntropyLoss(weight=w) or
    NLLLoss, the loss is Σ_i w_{y_i} l_i / Σ_i w_{y_i} over all n rows; that of row i is n w_{y_i} l_i / Σ_j w_{y_j}, and a
    mini-batch is the mean of such rows, where torch would divide by the weights of the batch. Value and gradient are compared
    with the means of those of rows, at random weights.

    Raises
    ------
    UsageError : torch is not installed; BatchNorm in training mode, or another module whose forward pass changes a buffer or
        draws random numbers; complex or no parameters; a loss that is not a mean over rows: a criterion that sums over rows,
        targets that ``ignore_index`` excludes, weights in a function of your own, rows that depend on each other; a value that is
        not a single number; third derivatives of torch that are not the derivatives of its second ones

    Examples
    --------
    It needs the extra ``torch``; this one is the same net as ``cf.networks.mlp(rows, widths=8)``, with other first weights:

    .. code-block:: python

        module = torch.nn.Sequential(torch.nn.Linear(30, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
        net = cf.networks.from_torch(module, cf.data.breast_cancer(), torch.nn.CrossEntropyLoss())

    >>> import cfdyn as cf
    >>> cf.networks.from_torch("a module", ([[1.0]], [[1.0]]), abs)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    cfdyn.errors.UsageError: ...

    References
    ----------
    Paszke et al., arXiv 1912.01703; torch.func (formerly functorch) of its documentation.
    """
    torch = library("torch")
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"from_torch takes a torch.nn.Module, not {type(module).__name__}")
    name = title or f"{type(module).__name__} of torch"
    if (reduction := getattr(criterion, "reduction", "mean")) not in ("mean", "batchmean"):
        raise UsageError(f"{name}: its criterion has reduction={reduction!r}; take reduction='mean', the mean over rows")
    x, y = _rows(data, criterion, name)
    rows, remarks = [], list[str]()
    for part in (x, y):
        tensor = part.detach().cpu() if isinstance(part, torch.Tensor) else torch.as_tensor(np.asarray(part))
        short = tensor.is_floating_point() and tensor.dtype != torch.float64
        remarks += ["data in float32 were converted to float64"] if short and not remarks else []
        rows.append((tensor.double() if short else tensor).numpy())
        if not np.isfinite(rows[-1]).all():
            raise UsageError(f"{name}: its data are not finite")
    copied, changes, rough = converted(module, criterion, tuple(rows), name)
    engine = TorchEngine(*copied, tuple(rows))
    made = Network.of(engine, f"{name} on {data.title}" if isinstance(data, DataSet) else name, [*changes, *remarks])
    verify(made, rough)
    return made


def _rows(data: Any, criterion: Any, name: str) -> tuple[Any, Any]:
    """Inputs, and the targets of the criterion."""
    torch = library("torch")
    if isinstance(data, DataSet):
        classes = isinstance(criterion, torch.nn.CrossEntropyLoss) or criterion is torch.nn.functional.cross_entropy
        if classes and data.labels is None:
            raise UsageError(f"{name}: cross-entropy needs classes, and {data.title} has numbers to predict")
        return data.inputs, data.labels if classes else data.targets
    if not isinstance(data, Sequence) or isinstance(data, str) or len(data) != 2:
        raise UsageError(f"{name}: data are inputs and targets, (x, y), or a cf.DataSet")
    return data[0], data[1]
