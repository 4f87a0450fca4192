"""D. Viswanath, *Random Fibonacci sequences and the number 1.13198824…*, Math. Comp. 69 (2000) 1131.

Each number is the sum or the difference of the last two, by a fair coin. Furstenberg's theorem (1963) says that almost every such
sequence grows exponentially, as no measure on directions is kept by both matrices; the rate is computed from the invariant
measure on the tree of Stern and Brocot, with bounds on all rounding.
"""

import math

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


def _random_signs(rule, runs=64, steps=20_000):
    """The two largest exponents of a rule in x, y and a normal number s that is drawn anew at each step."""
    step = cf.random_map(cf.Map.from_text([rule, "x", "0*s"], "x y s"), noise=[0.0, 0.0, 1.0])
    return cf.analysis.random_lyapunov(step, [0.0, 0.0, 0.0], steps, runs, count=2)


@CLAIMS.add(
    "title", {"rate": near(1.13198824, 0.0015)}, Control("sums alone: the golden mean", changes={"rule": "x + y"}),
    domain="x₊ = ±x ± x₋, independent fair signs; almost all sequences of signs",
    examples="64 random sequences of 20,000 numbers",
    perturbations=(Control("0.99 of the number before the last", changes={"rule": "sign(s)*x + 0.99*y"}),),
)  # fmt: skip
def growth_of_random_fibonacci_numbers(rule="sign(s)*x + y"):
    """Random Fibonacci numbers x₊ = ±x ± x₋ grow at the rate 1.13198824… in almost every sequence.

    The exponent of the random product in 64 runs of 20,000 steps; 0.0015 is five standard errors. A sign before one of the two
    numbers is enough: signs s_t = ±s_{t−2} of the numbers take the other one away.
    """
    return {"rate": math.exp(float(_random_signs(rule).exponents[0]))}
