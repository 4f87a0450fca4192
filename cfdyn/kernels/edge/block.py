"""The memory that the rules of the edge share: sizes, addresses of rules, and what one rule leaves behind for another."""

from cfdyn.kernels.layout import Array, Block, Integer, Integers, Real, Rule

PLAIN, CENTRAL, TRACE, ABLATED = range(4)


class Order(Block):
    """The order n of the matrix that `modes.decompose` gets."""

    n = Integer()


class Edge(Block):
    """A flow of n states, d of them weights, with k modes held at the edge by forces along m pairs of them.

    ``edge_matrix``: H by rows, and P as one more. A spectrum is a row of values, vectors by columns below it, and scratch.
    ``modes``: U; ``reference``: P^½U as it was; ``chosen``: which eigenvectors they are. ``forces``: B, ``normals``: a of each
    pair, ``x``: its multiplier; ``beta``: β, scaled by ``scale`` to a unit diagonal, or its Cholesky factor if ``firm``.
    """

    n, d, k, m, kind, parameters = Integer.several(6)
    # Whether an implicit method may run; how many of the modes, the last, are kept apart from the others but not held; whether
    # the modes are the largest eigenvalues, whatever the reference; whether they come as eigenvectors.
    jacobians, soft, by_value, spectral = Integer.several(4)
    aside = Integer()  # how many neutral modes there are, see ``neutral``
    # Whether β is far from singular; whether modes, forces and β are those of the state in ``last``; counts of evaluations.
    firm, fresh, spectra, pushes = Integer.several(4)
    drift, edge, force, drift_jacobian, slack_jacobian, force_jacobian = Rule.several(6)
    eigh, spectrum, turn_reference, follow, push, hold, project = Rule.several(7)
    # The largest eigenvalue that is not held, the smallest that is, the largest of all; what the sum less 2k is held at; what
    # tells equal eigenvalues apart, a lift of the modes so far: an error of so much over the gap.
    next, lowest, top, target, tie = Real.several(5)
    # The largest violation that a projection has left; what the smallest eigenvalue of the scaled β is at least about, now and
    # ever, where pairs that push nothing do not count.
    worst, weak, weakest = Real.several(3)
    p = Array("parameters")
    order = Integers(1)  # of the matrix whose spectrum is asked for
    edge_matrix = Array("d + 1", "d")
    matrix = Array("d", "d")
    eigen = Array("2*d + 3", "d")
    chosen = Array("d")
    bordered = Array("d + k + 1", "d + k")
    pivots = Integers(5, "d + k")
    reference, modes = Array.several(2, "k", "d")
    neutral = Array("aside", "d")  # eigenvectors with an eigenvalue at the edge that never moves: it is taken for 1 less
    last, slope = Array.several(2, "n")
    inputs = Array("n + 2*d")
    pair = Array(2, "n")
    forces, normals = Array.several(2, "m", "n")
    beta = Array("m", "m")
    beta_eigen = Array("2*m + 3", "m")
    scale, x, right = Array.several(3, "m")
    work = Array("max(d, m)")
    multipliers = Array("k*k")  # of those held alone, which soft ones are not
    multipliers_eigen = Array("2*k + 3", "k")
    # Derivatives by the state of: (H − 2P)u; a pair's forces and normal, also by its modes; the modes; normals along F.
    slack_slopes = Array("jacobians*d", "n")
    pair_slopes = Array("jacobians*2*n", "n + 2*d")
    turns = Array("jacobians*k*d", "n")
    rates = Array("jacobians*m", "n")
