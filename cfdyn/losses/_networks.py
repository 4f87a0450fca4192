"""Networks of several layers and softmax, as programs: a text would repeat each unit in every unit of the next layer."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.losses._terms import names
from cfdyn.symbolic.loss import LossSpec
from cfdyn.symbolic.text.formula import of_tape
from cfdyn.symbolic.text.logarithms import log_sum_exp
from cfdyn.tape.program import Node, Tape


def _silu(t: Tape, x: Node) -> Node:
    return t.mul(x, t.apply("sigmoid", x))


def _gelu(t: Tape, x: Node) -> Node:
    half = t.const(Fraction(1, 2))
    return t.mul(t.mul(half, x), t.add(t.const(1), t.apply("erf", t.mul(t.apply("sqrt", half), x))))


ACTIVATIONS: dict[str, Callable[[Tape, Node], Node]] = {
    "tanh": lambda t, x: t.apply("tanh", x), "sigmoid": lambda t, x: t.apply("sigmoid", x),
    "softplus": lambda t, x: t.apply("softplus", x), "silu": _silu, "gelu": _gelu, "linear": lambda t, x: x,
}  # fmt: skip


def half_square(tape: Tape, outputs: Sequence[Node], targets: Sequence[Node]) -> Node:
    """‖f − y‖²/2."""
    return tape.mul(tape.const(Fraction(1, 2)), tape.total(tape.ipow(tape.sub(f, y), 2) for f, y in zip(outputs, targets)))


def cross_entropy(tape: Tape, scores: Sequence[Node], share: Sequence[Node]) -> Node:
    """log Σ exp(sₖ) − Σ yₖ sₖ."""
    return tape.sub(log_sum_exp(tape, scores), tape.dot(share, scores))


CRITERIA = {"mse": half_square, "cross_entropy": cross_entropy}


def dense_network(
    widths: Sequence[int], activation: str, criterion: str, data: np.ndarray, letters: Callable[[int], tuple[str, str]],
    title: str, latex: str, box: float,
) -> LossSpec:  # fmt: skip
    """The mean over the rows (inputs, then outputs) of the criterion of W_L φ(… φ(W₁ x + b₁) …) + b_L.

    ``widths`` run from the inputs to the outputs; ``letters`` are the names of W and b of each layer.
    """
    tape, weights, shapes = Tape(), list[str](), list[tuple[int, int]]()
    layers = list(zip(widths[:-1], widths[1:], strict=True))
    for k, (n, m) in enumerate(layers):
        w, b = letters(k)
        weights += [*names(w, m, n), *names(b, m)]
        shapes += [(m, n), (m, 1)]
    x, y = names("x", widths[0]), names("y", widths[-1])
    leaf = tape.named("name", sorted([*weights, *x, *y]))
    left, values = iter(weights), [leaf[name] for name in x]
    for k, (_, m) in enumerate(layers):
        rows = [[leaf[next(left)] for _ in values] for _ in range(m)]
        values = [tape.add(tape.dot(row, values), leaf[next(left)]) for row in rows]
        if k < len(layers) - 1:
            values = [ACTIVATIONS[activation](tape, value) for value in values]
    root = CRITERIA[criterion](tape, values, [leaf[name] for name in y])
    read = of_tape(tape, root, leaf, title, latex)
    return LossSpec(read, tuple(weights), {}, (*x, *y), data, box=((-box, box),) * len(weights), shapes=tuple(shapes), name=title)


def one_hot(labels: np.ndarray, classes: int, what: str) -> np.ndarray:
    """Columns of 0 and 1 for labels 0, 1, …, (n, classes)."""
    if not np.isin(labels, np.arange(classes)).all():
        wrong = labels[~np.isin(labels, np.arange(classes))][0]
        raise UsageError(f"{what}: the classes are the whole numbers from 0 to {classes - 1}, and a row has {wrong:g}")
    return np.equal.outer(labels, np.arange(classes)).astype(float)


def rows_of(data: object, what: str) -> np.ndarray:
    """A table of finite numbers that was given in place of a file, (n, columns)."""
    try:
        rows = np.asarray(data, dtype=float)
    except (TypeError, ValueError, OverflowError):
        rows = np.empty(0)
    if rows.ndim != 2 or rows.size == 0 or not np.isfinite(rows).all():
        raise UsageError(f"{what}: data are rows of finite numbers, inputs first, such as data=np.column_stack([x, y]); "
                         "a CSV file is `file`")  # fmt: skip
    return rows
