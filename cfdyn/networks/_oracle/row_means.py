"""A loss as the mean of the losses of single rows, which all statements about mini-batches assume."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import Tensor, library

if TYPE_CHECKING:
    from cfdyn.networks._oracle.network import Network


SINGLES, APART, AWAY = 32, 1e-9, 0.1  # number of rows tested singly; relative tolerance; relative to the weights' size


class ByClass:
    """Σ w_{y_i} l_i / Σ w_{y_i} over all rows, as a mean over rows: row i has n w_{y_i} l_i / Σ w_{y_i}."""

    def __init__(self, each: Callable[[Tensor, Tensor], Tensor], mean_weight: float):
        self.each, self.mean_weight = each, mean_weight

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        return self.each(outputs, y).mean() / self.mean_weight


def averaged(criterion: Any, y: np.ndarray, name: str) -> tuple[Any, list[str]]:
    """The criterion as a mean over rows, and a remark about it; a UsageError for targets that ``ignore_index`` excludes.

    Among torch's criteria with whole-number targets only these two divide by something other than the number of rows.
    """
    torch = library("torch")
    if type(criterion) not in (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss) or y.dtype.kind == "f":
        return criterion, []
    if ignored := int((y == criterion.ignore_index).sum()):
        raise UsageError(f"{name}: ignore_index={criterion.ignore_index} leaves {ignored} of {y.size} targets out of the mean, "
                         "which is then not a mean over rows; omit those rows from the data")  # fmt: skip
    if criterion.weight is None:
        return criterion, []
    mean_weight = float(criterion.weight[torch.as_tensor(y, dtype=torch.long)].mean())
    if not mean_weight > 0:
        raise UsageError(f"{name}: the classes of all rows together have the weight {mean_weight:g}; it has to be positive")
    criterion.reduction = "none"
    said = ("classes are weighted: row i of n counts n w_i/Σw times in the mean over rows, also in a mini-batch, which is not "
            "divided by the weights of its own rows as a batch of torch's criterion is")  # fmt: skip
    return ByClass(criterion, mean_weight), [said]


def check_mean_over_rows(network: Network, advice: str) -> None:
    """Refuse a loss unless value and gradient are means of those of rows at random weights, some singly, the rest at once."""
    n = network.n_rows
    if n < 2:
        return
    rng = np.random.default_rng(0)
    size = float(np.linalg.norm(network.start)) / network.dim**0.5 or 1.0
    w = network.start + AWAY * size * rng.normal(size=network.dim)
    if not np.isfinite(network.value(w)):
        w = network.start
    value, slope = network.value_and_gradient(w)
    if not np.isfinite(value):
        return  # undecidable if the loss is not a number, which later computations report
    order = rng.permutation(n)
    parts = [*order[:SINGLES, None], *([order[SINGLES:]] if n > SINGLES else [])]
    try:
        values = [(len(rows) / n, *network.value_and_gradient(w, rows)) for rows in parts]
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        why = str(error).strip().splitlines()[0]
        raise UsageError(f"{network.title} cannot be called on a single row: {why}; {advice}") from None
    mean, total = sum(share * one for share, one, _ in values), sum(share * abs(one) for share, one, _ in values)
    gap = np.linalg.norm(sum(share * one for share, _, one in values) - slope)
    slopes = sum(share * np.linalg.norm(one) for share, _, one in values)
    if not (abs(mean - value) <= APART * (total + abs(value)) and gap <= APART * (slopes + np.linalg.norm(slope))):
        raise UsageError(f"{network.title}: its loss is {value:.6g} where the mean of those of its rows is {mean:.6g}, and their "
                         f"gradients are {gap:.2g} apart; a mini-batch needs a mean over rows: {advice}")  # fmt: skip
