"""Y. Wang, M. Chen, T. Zhao and M. Tao, *Large learning rate tames homogeneity: convergence and balancing effect*, arXiv
2110.03677, ICLR 2022.

On (μ − x·y)²/2 gradient descent converges for constant learning rates up to about 4/L, L the sharpness at the start: for h
≤ min(4/(|x₀|² + |y₀|² + 4μ), 1/(3μ)). Where it ends the two factors are balanced the better the larger the rate is: |x −
y|² ≤ 2/h − 2μ, even if they were far from balanced at the start.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


def _bound(w, factor=4.0):
    """The largest rate of theorem 3.1 for μ = 1; of the theorem 4 is the factor."""
    return min(factor / (w @ w + 4), factor / 12)


def _ends(factor, starts, seed=0):
    step = cf.as_map(cf.losses.scalar_factorization(target=1.0), cf.optimizers.gd(lr=0.1))
    starts = np.random.default_rng(seed).uniform(-4, 4, (starts, 2))
    return [(_bound(w, factor), cf.analysis.classify(step.at(lr=_bound(w, factor)), w, budget=20_000)) for w in starts]


def _solved(found):
    return found.kind == "fixed point" and abs(found.points[0].prod() - 1) < 1e-6


@CLAIMS.add(
    "theorem 3.1, as recalled", {"converged": 60},
    Control("1.2 times the bound", changes={"factor": 4.8}), read="from memory", figure="balancing",
)  # fmt: skip
def converges_up_to_the_bound(factor=4.0, starts=60):
    """On (1 − xy)²/2 gradient descent converges to a minimum for h = min(4/(x₀² + y₀² + 4), 1/3).

    60 starts from the square of side 8 about 0, each with the largest rate allowed.
    """
    return {"converged": sum(_solved(found) for _, found in _ends(factor, starts))}


@CLAIMS.add(
    "theorem 3.2, as recalled", {"converged": at_least(60), "largest (x−y)² − (2/h − 2)": at_most(0.0)},
    Control("the bound 1/h − 2", changes={"multiple": 1.0}), figure="balancing",
)  # fmt: skip
def balances(multiple=2.0, factor=4.0, starts=60):
    """At the limit the factors are balanced: (x − y)² ≤ 2/h − 2μ.

    The same runs: the largest excess. The sharpness x² + y² of a minimum is (x − y)² + 2μ, so the bound is the edge.
    """
    ends = [(lr, found.points[0]) for lr, found in _ends(factor, starts) if _solved(found)]
    excess = [float((p[0] - p[1]) ** 2 - (multiple / lr - 2)) for lr, p in ends]
    return {"converged": len(ends), "largest (x−y)² − (2/h − 2)": max(excess)}


@CLAIMS.add(
    "abstract", {"converged at 3.9/L": 20, "diverged at 4.2/L": 20},
    Control("3.9 and 3.95 times 1/L in place of 3.9 and 4.2", changes={"beyond": 3.95}),
)  # fmt: skip
def twice_the_classical_edge(inside=3.9, beyond=4.2, seed=1):
    """From starts with large weights the rates that converge go up to about 4/L, twice the classical bound 2/L.

    20 starts with x₀ from 15 to 50 and |y₀| < 0.5, L the sharpness at the start: at 3.9/L all converge, at 4.2/L all diverge.
    """
    loss = cf.losses.scalar_factorization(target=1.0)
    step, random = cf.as_map(loss, cf.optimizers.gd(lr=0.1)), np.random.default_rng(seed)
    starts = np.column_stack([random.uniform(15, 50, 20), random.uniform(-0.5, 0.5, 20)])
    found = {
        factor: [cf.analysis.classify(step.at(lr=factor / loss.sharpness(w)), w, budget=20_000) for w in starts]
        for factor in (inside, beyond)
    }
    return {
        "converged at 3.9/L": sum(map(_solved, found[inside])),
        "diverged at 4.2/L": sum(one.kind == "divergent" for one in found[beyond]),
    }


@CLAIMS.add(
    "abstract", {"gap at a small rate": at_least(7.5), "gap at a large rate": at_most(2.5)},
    Control("at a tenth of the large rate", changes={"large": 0.39}),
)  # fmt: skip
def unbalanced_start(small=0.05, large=3.9, start=(8.0, 0.1)):
    """From an unbalanced start a large rate ends with factors of similar size; a small one keeps them apart as the gradient
    flow does.

    From (8, 0.1) with h = 0.05/L and 3.9/L: |x| − |y| at the limit, in modulus.
    """
    loss = cf.losses.scalar_factorization(target=1.0)
    gaps = []
    for factor in (small, large):
        w = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=factor / loss.sharpness(start))), start, 20_000).w[-1]
        gaps.append(float(abs(abs(w[0]) - abs(w[1]))))
    return {"gap at a small rate": gaps[0], "gap at a large rate": gaps[1]}


def figures():
    """The difference of the factors at the limit against the rate, from one unbalanced start."""
    return {"balancing": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    loss = cf.losses.scalar_factorization(target=1.0)
    step, start = cf.as_map(loss, cf.optimizers.gd(lr=0.1)), [8.0, 0.1]
    factors, sharpness = np.linspace(0.1, 4.0, 300), loss.sharpness(start)
    ends = np.array([cf.iterate(step.at(lr=f / sharpness), start, 5000).w[-1] for f in factors])
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.plot(factors, (ends[:, 0] - ends[:, 1]) ** 2, ".", ms=3, label="(x − y)² at the limit")
    axis.plot(factors, 2 * sharpness / factors - 2, "k--", lw=1, label="2/h − 2μ")
    axis.set(xlabel="h L", ylim=(-2, 70), title="(1 − xy)²/2 from (8, 0.1)")
    axis.legend()
    return figure
