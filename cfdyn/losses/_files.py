"""Losses of linear models on the rows of a CSV file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.losses._terms import dot, names
from cfdyn.records.tables import read_csv
from cfdyn.symbolic.loss import LossSpec, make_loss

MOST = 100  # compiling the Hessian of 100 weights takes ten seconds (of 60: three)
# The targets and what messages call them → targets as the model wants them, and a note for the title.
Targets = Callable[[np.ndarray, str], tuple[np.ndarray, str]]


def inputs_and_targets(file: str, outputs: int, standardize: bool, what: str) -> np.ndarray:
    """The table with its last ``outputs`` columns as targets and the others, scaled if wanted, as inputs."""
    table = read_csv(file)
    n = len(table.names) - outputs
    if n < 1:
        raise UsageError(f"{what}: {file} has {len(table.names)} columns, too few for inputs and {outputs} outputs")
    x = table.standardized(range(n)) if standardize else table.values[:, :n]
    return np.column_stack([x, table.values[:, n:]])


def linear_model(
    what: str, row: str, file: str, target: str, standardize: bool, intercept: bool, targets: Targets, half: float
) -> LossSpec:
    """The mean of ``row`` over the file, a formula of the score s = Σ wᵢ xᵢ + b and the target y.

    ``half`` is half the width of the box.
    """
    table = read_csv(file)
    column = table.target(target)
    features = [i for i in range(len(table.names)) if i != column]
    if not 1 <= len(features) <= MOST:
        raise UsageError(f"{what} needs 1 to {MOST} columns beside the target, and {file} has {len(features)}")
    y, note = targets(table.values[:, column], f"column {table.names[column]!r} of {file}")
    x = table.standardized(features) if standardize else table.values[:, features]
    w, columns = names("w", len(features)), names("x", len(features))
    score = dot(w, columns) + (" + b" if intercept else "")
    return make_loss(
        row.format(s=f"({score})"), [*w, "b"] if intercept else w, {}, [*columns, "y"], data=np.column_stack([x, y]),
        box=((-half, half),) * (len(w) + intercept), name=f"{what}:{Path(file).name}{note}",
        summary=f"rows: {len(y)}; weights: {', '.join(table.names[i] for i in features)}; target: {table.names[column]}",
    )  # fmt: skip
