"""C. M. Newman, *The distribution of Lyapunov exponents: exact results for random matrices*, Commun. Math. Phys. 103 (1986) 121.

For products of matrices whose entries are independent normal numbers the directions forget at each step, so that all Lyapunov
exponents are known: λ_k is half the mean logarithm of a χ² number of d − k + 1 degrees of freedom, and their squares'
exponentials lie on a line, as in a triangle, for many dimensions.
"""

import math

from scipy.special import psi

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


def _exact(d):
    return [(math.log(2) + float(psi((d - k) / 2))) / 2 for k in range(d)]


@CLAIMS.add(
    "main result", {"two": near(_exact(2), 0.004), "three": near(_exact(3), 0.004)},
    Control("entries of variance 1.1", changes={"variance": 1.1}),
)  # fmt: skip
def exponents_of_gaussian_matrices(variance=1.0):
    """Products of d × d matrices of independent normal entries of variance 1 have the exponents λ_k = ½(ln 2 + ψ((d − k + 1)/2)).

    d = 2 and 3, 128 runs of 10,000 steps, entries as states that are drawn anew; 0.004 is five standard errors of the last one.
    """
    found = {}
    for name, d in (("two", 2), ("three", 3)):
        x, entries = [f"x{i}" for i in range(d)], [f"m{i}{j}" for i in range(d) for j in range(d)]
        rules = [" + ".join(f"m{i}{j}*x{j}" for j in range(d)) for i in range(d)] + [f"0*{m}" for m in entries]
        step = cf.random_map(cf.Map.from_text(rules, " ".join(x + entries)), noise=[0.0] * d + [variance] * d * d)
        found[name] = cf.analysis.random_lyapunov(step, [0.0] * (d + d * d), 10_000, 128, 100, count=d).exponents.tolist()
    return found
