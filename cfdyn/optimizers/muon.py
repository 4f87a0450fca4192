"""Muon: momentum, orthogonalised."""

from collections.abc import Mapping
from fractions import Fraction
from functools import partial

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer, Shape, States
from cfdyn.tape.matrices import Matrix, combination, frobenius, product, transposed
from cfdyn.tape.program import Node, Tape

TITLE = "Muon"

QUINTIC = (3.4445, -4.775, 2.0315)  # Jordan et al.'s: the steepest at 0 that keep singular values near 1


def muon(lr: float, momentum: float = 0.95, nesterov: bool = True, steps: int = 5, weight_decay: float = 0.0) -> MatrixOptimizer:
    """Muon: B ← μB + (1−μ)G, W ← (1 − η·decay) W − η √max(1, m/n) O, O an approximate UVᵀ of the momentum.

    O is the result of ``steps`` iterations X ← aX + (bA + cA²)X, A = XXᵀ, (a, b, c) = (3.4445, −4.7750, 2.0315). They
    start from the momentum (with ``nesterov`` (1−μ)G + μB) divided by its Frobenius norm, at least 1e-7, and bring its
    singular values near 1 (0.68 to 1.13), not to 1; those below about 0.003 of the norm stay smaller.
    All arithmetic is in double precision (torch uses bfloat16 here). Weights must be matrices (``shapes`` of the
    loss); torch's default decay is 0.1.

    Parameters
    ----------
    lr : learning rate η > 0: all singular values of a step are about η
    momentum : μ in [0, 1)
    nesterov : use the look-ahead (1−μ)G + μB
    steps : number of iterations
    weight_decay : decoupled decay ≥ 0

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.matrix_factorization()
    >>> step = cf.as_map(loss, cf.optimizers.muon(lr=0.1))
    >>> step.dim == 2 * loss.dim
    True

    References
    ----------
    Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks; as torch.optim.Muon.
    """
    if steps < 1:
        raise UsageError(f"muon: steps={steps} must be at least 1")
    return MatrixOptimizer(
        "muon", {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}, update={},
        domain={"lr": "positive", "momentum": "fraction", "weight_decay": "nonnegative"}, options={"nesterov": nesterov},
        states=_start, advance=partial(_advance, nesterov, steps), settings=(("steps", int(steps)),),
    )  # fmt: skip


def _start(shape: Shape) -> States:
    return {"B": np.zeros(shape)}


def _advance(
    nesterov: bool, steps: int, tape: Tape, w: Matrix, g: Matrix, states: Mapping[str, Matrix], p: Mapping[str, Node]
) -> tuple[Matrix, dict[str, Matrix]]:
    mu, rest = p["momentum"], tape.sub(tape.const(1), p["momentum"])
    buffer = combination(tape, (mu, states["B"]), (rest, g))
    update = combination(tape, (rest, g), (mu, buffer)) if nesterov else buffer
    scale = tape.mul(p["lr"], tape.exactly(float(np.sqrt(max(1.0, len(w) / len(w[0]))))))
    keep = tape.sub(tape.const(1), tape.mul(p["lr"], p["weight_decay"]))
    return combination(tape, (keep, w), (tape.neg(scale), orthogonalised(tape, update, steps))), {"B": buffer}


def orthogonalised(tape: Tape, a: Matrix, steps: int) -> Matrix:
    """The quintic Newton–Schulz iteration on a / max(‖a‖, 1e-7)."""
    tall = len(a) > len(a[0])
    norm = tape.apply("max", frobenius(tape, a), tape.const(Fraction(1, 10**7)))
    x = combination(tape, (tape.div(tape.const(1), norm), transposed(a) if tall else a))
    first, second, third = (tape.exactly(c) for c in QUINTIC)
    for _ in range(steps):
        square = product(tape, x, transposed(x))
        inner = combination(tape, (second, square), (third, product(tape, square, square)))
        x = combination(tape, (first, x), (tape.const(1), product(tape, inner, x)))
    return transposed(x) if tall else x
