"""C. Ma, L. Ying, *On linear stability of SGD and input-smoothness of neural networks*, NeurIPS 2021, arXiv 2105.13462.

Beyond the second moment: if the k-th moment of SGD's distance from a global minimum stays bounded, then so do moments of the
rows' curvatures, which for networks bound Sobolev norms of the model as a function of its input.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_most, below

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _rows(seed):
    return np.random.default_rng(seed).normal(size=(5, 2)) * [1.0, 0.8]


def _second_edge(x):
    """The largest rate at which the second moment stays bounded, single rows of ½(x·w)²."""
    from cfdyn.symbolic.loss import make_loss

    loss = cf.Loss.from_spec(make_loss("(u*p + v*q)**2/2", "u v", {}, ["p", "q"], data=x))
    return cf.mean_square(loss, [0.0, 0.0], 0.1, 1, cut=0).largest_lr


def _fourth_edge(x, high):
    """The same for the fourth moment, by halving: the radius of E X ⊗ X ⊗ X ⊗ X is convex in η and 1 at 0."""
    low = 0.0
    for _ in range(50):
        lr = (low + high) / 2
        steps = [np.eye(2) - lr * np.outer(row, row) for row in x]
        squares = [np.kron(s, s) for s in steps]
        radius = np.linalg.eigvalsh(np.mean([np.kron(s, s) for s in squares], axis=0))[-1]
        low, high = (lr, high) if radius < 1 else (low, lr)
    return low


def _largest_mean(x, power):
    """Over directions u, the largest mean of (x·u)^(2·power)."""
    angles = np.linspace(0, np.pi, 2001)
    along = x @ np.array([np.cos(angles), np.sin(angles)])
    return float(np.mean(along ** (2 * power), axis=0).max())


@CLAIMS.add(
    "abstract (constraints on moments); the bound is derived here", {"second": at_most(1.0), "fourth": at_most(1.0)},
    Control("half of the bound, 1/η in place of 2/η", changes={"bound": 1.0}), figure="moments",
    domain="SGD with single rows on ½(x·w)², d weights, at a global minimum; k = 2 and 4",
    examples="40 random sets of five rows in two weights, 2001 directions, at the largest η for which the moment stays bounded",
    perturbations=(Control("the bound 1.7/η", changes={"bound": 1.7}),),
)  # fmt: skip
def stability_bounds_moments_of_the_curvature(bound=2.0):
    """If the k-th moment of the distance stays bounded under SGD with single rows, the mean over the rows of the k-th power of
    the curvature along any direction is at most (2/η)ᵏ.

    The edge by `mean_square` for k = 2, by the fourth Kronecker power for k = 4; the largest mean over the directions, over
    (2/η)ᵏ. (By Minkowski's
    inequality ‖ηa‖ₖ ≤ 1 + ‖1 − ηa‖ₖ ≤ 2.)
    """
    found = {"second": [], "fourth": []}
    for seed in range(40):
        x = _rows(seed)
        edge = _second_edge(x)
        for name, power, lr in (("second", 2, edge), ("fourth", 4, _fourth_edge(x, edge))):
            found[name].append(_largest_mean(x, power) * (lr / bound) ** power)
    return {name: max(values) for name, values in found.items()}


@CLAIMS.add(
    "own statement", {"largest ratio": below(1.0), "least ratio": above(0.3)},
    Control("the second moment twice", changes={"fourth": False}), figure="moments",
    domain="SGD with single rows on ½(x·w)², 40 random sets of five rows in two weights",
    perturbations=(Control("the largest ratio below 0.7", expected={"largest ratio": below(0.7)}),),
)  # fmt: skip
def higher_moments_need_smaller_steps(fourth=True):
    """Stability of higher order is a stronger demand: the fourth moment stays bounded only up to a smaller step than the second.

    The fourth moment's edge over the second's, the largest and the least of them.
    """
    ratios = []
    for seed in range(40):
        x = _rows(seed)
        edge = _second_edge(x)
        ratios.append(_fourth_edge(x, edge) / edge if fourth else 1.0)
    return {"largest ratio": max(ratios), "least ratio": min(ratios)}


def figures():
    """Both edges, and how far the moments are from their bounds."""
    return {"moments": _moments}


def _moments():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
    sets = [_rows(seed) for seed in range(40)]
    second = np.array([_second_edge(x) for x in sets])
    fourth = np.array([_fourth_edge(x, e) for x, e in zip(sets, second, strict=True)])
    axes[0].plot(second, fourth, ".")
    axes[0].plot([0, second.max()], [0, second.max()], "k", lw=0.6)
    axes[0].set(xlabel="edge of the second moment", ylabel="edge of the fourth moment")
    for power, edges, name in ((2, second, "k = 2"), (4, fourth, "k = 4")):
        roots = [_largest_mean(x, power) ** (1 / power) * e / 2 for x, e in zip(sets, edges, strict=True)]
        axes[1].plot(sorted(roots), ".", ms=4, label=name)
    axes[1].axhline(1, color="k", lw=0.6)
    axes[1].set(xlabel="set of rows", ylabel="‖curvature‖ₖ over 2/η", ylim=(0, 1.1))
    axes[1].legend()
    return figure
