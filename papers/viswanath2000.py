"""D. Viswanath, *Random Fibonacci sequences and the number 1.13198824…*, Math. Comp. 69 (2000) 1131.

Each number is the sum or the difference of the last two, by a fair coin. Furstenberg's theorem (1963) says that almost every such
sequence grows exponentially, as no measure on directions is kept by both matrices; the rate is computed from the invariant
measure on the tree of Stern and Brocot, with bounds on all rounding.
"""

import math

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


def _random_signs(rule, runs=64, steps=20_000):
    """The two largest exponents of a rule in x, y and a normal number s that is drawn anew at each step."""
    step = cf.random_map(cf.Map.from_text([rule, "x", "0*s"], "x y s"), noise=[0.0, 0.0, 1.0])
    return cf.analysis.random_lyapunov(step, [0.0, 0.0, 0.0], steps, runs, count=2)


@CLAIMS.add(
    "title", {"rate": near(1.13198824, 0.0015)}, Control("sums alone: the golden mean", changes={"rule": "x + y"}),
)  # fmt: skip
def growth_of_random_fibonacci_numbers(rule="sign(s)*x + y"):
    """Random Fibonacci numbers x₊ = ±x ± x₋ grow at the rate 1.13198824… in almost every sequence.

    The exponent of the random product in 64 runs of 20,000 steps; 0.0015 is five standard errors. A sign before one of the two
    numbers is enough: signs s_t = ±s_{t−2} of the numbers take the other one away.
    """
    return {"rate": math.exp(float(_random_signs(rule).exponents[0]))}


@CLAIMS.add(
    "introduction (Furstenberg 1963)", {"in errors": above(10.0), "sum": near(0.0, 1e-9)},
    Control("rotations by a fair sign", changes={"rule": "sign(s)*x - y", "other": "-x"}),
)  # fmt: skip
def products_grow(rule="sign(s)*x + y", other="x"):
    """Products of independent matrices of determinant ±1 that keep no measure on directions grow exponentially: the largest
    exponent is positive though the exponents add up to 0.

    ``in errors``: that exponent over its standard error. Of the control, quarter turns and their signs, directions are kept.
    """
    formulas = [rule, other, "0*s"] if other == "x" else ["sign(s)*y", other, "0*s"]
    step = cf.random_map(cf.Map.from_text(formulas, "x y s"), noise=[0.0, 0.0, 1.0])
    found = cf.analysis.random_lyapunov(step, [0.0, 0.0, 0.0], 5000, 64, count=2)
    ratio = float(found.exponents[0] / found.errors[0]) if found.errors[0] > 0 else 0.0
    return {"in errors": ratio, "sum": found.total}
