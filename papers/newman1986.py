"""C. M. Newman, *The distribution of Lyapunov exponents: exact results for random matrices*, Commun. Math. Phys. 103 (1986) 121.

For products of matrices whose entries are independent normal numbers the directions forget at each step, so that all Lyapunov
exponents are known: λ_k is half the mean logarithm of a χ² number of d − k + 1 degrees of freedom. Only
the abstract was read, which gives no formula; the one here is the classical one.
"""

import math

from scipy.special import psi

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _exact(d):
    return [(math.log(2) + float(psi((d - k) / 2))) / 2 for k in range(d)]


@CLAIMS.add(
    "abstract (exact exponents of Gaussian matrices)", {"two": near(_exact(2), 0.004), "three": near(_exact(3), 0.004)},
    Control("entries of variance 1.1", changes={"variance": 1.1}),
    domain="products of independent d × d matrices of independent normal entries of mean 0 and variance 1, every d",
    examples="d = 2 and 3, 128 runs of 10,000 steps",
    perturbations=(Control("entries of variance 0.97", changes={"variance": 0.97}),),
)  # fmt: skip
def exponents_of_gaussian_matrices(variance=1.0):
    """Products of independent d × d matrices of independent normal entries of mean 0 and variance 1 have the Lyapunov
    exponents λ_k = ½(ln 2 + ψ((d − k + 1)/2)), k = 1, …, d, ψ the digamma function.

    Entries as states that are drawn anew.
    """
    found = {}
    for name, d in (("two", 2), ("three", 3)):
        x, entries = [f"x{i}" for i in range(d)], [f"m{i}{j}" for i in range(d) for j in range(d)]
        rules = [" + ".join(f"m{i}{j}*x{j}" for j in range(d)) for i in range(d)] + [f"0*{m}" for m in entries]
        step = cf.random_map(cf.Map.from_text(rules, " ".join(x + entries)), noise=[0.0] * d + [variance] * d * d)
        found[name] = cf.analysis.random_lyapunov(step, [0.0] * (d + d * d), 10_000, 128, 100, count=d).exponents.tolist()
    return found
