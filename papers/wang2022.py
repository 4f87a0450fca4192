"""Y. Wang, M. Chen, T. Zhao and M. Tao, *Large learning rate tames homogeneity: convergence and balancing effect*, arXiv
2110.03677, ICLR 2022.

In matrix factorisation gradient descent converges for constant learning rates well beyond 2/L, L the sharpness at the start, and
a large rate has an implicit bias, balancing: the two factors end with similar magnitudes even if they were far from balanced at
the start. So says the abstract, which was read. Here on (1 − xy)²/2, where rates go up to about 4/L.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _bound(w, factor=4.0):
    """The largest rate, with the factor 4."""
    return min(factor / (w @ w + 4), factor / 12)


def _ends(factor, starts, seed=0):
    step = cf.as_map(cf.losses.scalar_factorization(target=1.0), cf.optimizers.gd(lr=0.1))
    starts = np.random.default_rng(seed).uniform(-4, 4, (starts, 2))
    return [(_bound(w, factor), cf.analysis.classify(step.at(lr=_bound(w, factor)), w, budget=20_000)) for w in starts]


def _solved(found):
    return found.kind == "fixed point" and abs(found.points[0].prod() - 1) < 1e-6


@CLAIMS.add(
    "own statement", {"converged": 60, "largest (x−y)² − (2/h − 2)": at_most(0.0)},
    Control("1.2 times the bound", changes={"factor": 4.8}), figure="balancing",
    domain="(1 − xy)²/2, two weights; almost all starts", examples="60 random starts from the square of side 8 about 0",
    perturbations=(Control("the balance 1/h − 2", changes={"multiple": 1.0}),),
)  # fmt: skip
def converges_up_to_the_bound(factor=4.0, starts=60, multiple=2.0):
    """On (1 − xy)²/2 gradient descent with the rate h = min(4/(x₀² + y₀² + 4), 1/3) converges to a minimum, and one with (x −
    y)² ≤ 2/h − 2, that is inside its edge of stability.

    How many starts converge, and the largest excess. The sharpness x² + y² of a minimum is (x − y)² + 2.
    """
    ends = [(lr, found.points[0]) for lr, found in _ends(factor, starts) if _solved(found)]
    excess = [float((p[0] - p[1]) ** 2 - (multiple / lr - 2)) for lr, p in ends]
    return {"converged": len(ends), "largest (x−y)² − (2/h − 2)": max(excess)}


@CLAIMS.add(
    "abstract (rates well beyond 2/L; the factor is ours)", {"converged at 3.9/L": 20, "diverged at 4.2/L": 20},
    Control("3.9 and 3.95 times 1/L in place of 3.9 and 4.2", changes={"beyond": 3.95}),
    domain="(1 − xy)²/2, two weights; 20 random starts with x₀ from 15 to 50 and |y₀| < 0.5",
    perturbations=(Control("4.1 and 4.2 times 1/L", changes={"inside": 4.1}),),
)  # fmt: skip
def twice_the_classical_edge(inside=3.9, beyond=4.2, seed=1):
    """On (1 − xy)²/2, from 20 starts with one large weight, gradient descent converges with the rate 3.9/L, nearly twice the
    classical bound 2/L, and diverges with 4.2/L, L the sharpness at the start.

    How many of the starts converge to a minimum, and how many diverge.
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
    "abstract (balancing; the example is ours)", {"gap at a small rate": at_least(7.5), "gap at a large rate": at_most(2.5)},
    Control("at a tenth of the large rate", changes={"large": 0.39}),
    domain="(1 − xy)²/2, two weights, from (8, 0.1); h = 0.05/L and 3.9/L",
    perturbations=(Control("the large rate 2/L", changes={"large": 2.0}),),
)  # fmt: skip
def unbalanced_start(small=0.05, large=3.9, start=(8.0, 0.1)):
    """On (1 − xy)²/2 from the unbalanced start (8, 0.1) the rate 3.9/L ends with factors whose sizes differ by at most 2.5; the
    rate 0.05/L keeps them at least 7.5 apart.

    L is the sharpness at the start: |x| − |y| at the limit, in modulus.
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
