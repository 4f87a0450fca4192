"""Shampoo: a preconditioner for the rows and one for the columns."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer, Shape, States
from cfdyn.tape.matrices import Matrix, combination, inverse_root, product, transposed
from cfdyn.tape.program import Node, Tape

TITLE = "Shampoo"


def shampoo(lr: float, eps: float = 1e-4, iterations: int = 30) -> MatrixOptimizer:
    """Shampoo: L ← L + GGᵀ, R ← R + GᵀG, W ← W − η L^(−1/4) G R^(−1/4), from L = εI and R = εI.

    The roots come from ``iterations`` steps of a coupled Newton iteration, which is accurate to round-off for
    condition numbers up to about 1.25^(4·(iterations − 5)): 5e9 for 30. The sums only grow, so the step
    shrinks like AdaGrad's. Weights must be matrices (``shapes`` of the loss).

    Parameters
    ----------
    lr : learning rate η > 0
    eps : ε > 0 of the initial preconditioners
    iterations : number of Newton steps for the roots

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.matrix_factorization(), cf.optimizers.shampoo(lr=0.1))
    >>> [name for name in step.names if name.startswith("L1")]
    ['L1_11', 'L1_12', 'L1_21', 'L1_22']

    References
    ----------
    Gupta, Koren & Singer (2018), arXiv 1802.09568, Algorithm 1; Guo & Higham (2006) for the roots.
    """
    if not (np.isfinite(eps) and eps > 0) or iterations < 1:
        raise UsageError(f"shampoo needs eps > 0 and iterations of at least 1, not eps={eps:g}, iterations={iterations}")
    return MatrixOptimizer(
        "shampoo", {"lr": lr}, update={}, domain={"lr": "positive"}, states=partial(_start, eps),
        advance=partial(_advance, iterations), settings=(("eps", float(eps)), ("iterations", int(iterations))),
    )  # fmt: skip


def _start(eps: float, shape: Shape) -> States:
    return {"L": eps * np.eye(shape[0]), "R": eps * np.eye(shape[1])}


def _advance(
    iterations: int, tape: Tape, w: Matrix, g: Matrix, states: Mapping[str, Matrix], p: Mapping[str, Node]
) -> tuple[Matrix, dict[str, Matrix]]:
    one = tape.const(1)
    left = combination(tape, (one, states["L"]), (one, product(tape, g, transposed(g))))
    right = combination(tape, (one, states["R"]), (one, product(tape, transposed(g), g)))
    roots = [inverse_root(tape, a, 4, iterations) for a in (left, right)]
    direction = product(tape, product(tape, roots[0], g), roots[1])
    return combination(tape, (one, w), (tape.neg(p["lr"]), direction)), {"L": left, "R": right}
