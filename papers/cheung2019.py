"""Y. K. Cheung, G. Piliouras, *Vortices instead of equilibria in minmax optimization: chaos and butterfly effects of online
learning in zero-sum games*, arXiv 1905.08396, COLT (2019).

Multiplicative weights with a constant step is Lyapunov chaotic in the space of cumulative payoffs of a zero-sum game: the range
of answers that any small set of starts allows grows exponentially. Our own derivation for two strategies each and payoffs ±1,
with u and v the log-odds of the players: u ← u + 4η(q − ½), v ← v ∓ 4η(p − ½), p = σ(u), q = σ(v), has the determinant 1 ±
16η²σ′(u)σ′(v), + in matching pennies, − in coordination. What grows is volume; along the orbit that is measured here p and q tend
to 0 or 1, where σ′ vanishes, and the largest exponent of the linearised map, averaged over time, comes near zero.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
PENNIES = "matching pennies, payoffs ±1; both players move at once"


def _step(sign=-1.0, lr=0.125, alternating=False):
    """Multiplicative weights in log-odds; ``sign`` −1: matching pennies, 1: coordination."""
    seen = "(u + 4*lr*(sigmoid(v) - 0.5))" if alternating else "u"
    rules = ["u + 4*lr*(sigmoid(v) - 0.5)", f"v + c*4*lr*(sigmoid({seen}) - 0.5)"]
    return cf.Map.from_text(rules, "u v", params={"lr": lr, "c": sign})


@CLAIMS.add(
    "own statement (on the abstract's Lyapunov chaos in payoff space)", {"excess": "16*lr**2*p*q*(p - 1)*(q - 1)"},
    Control("a coordination game", changes={"sign": 1}), domain=f"{PENNIES}; all η > 0, all (u, v)",
    perturbations=(
        Control("payoffs ±1/4, where the factor 16 is 1", changes={"payoff": "1/4"}),
        Control("one player after the other, where volume is kept", changes={"alternating": True}),
    ),
    proof="exact algebra: the determinant of the step in σ(u) and σ(v), factored",
)  # fmt: skip
def volume_expands_in_zero_sum_games(sign=-1, payoff="1", alternating=False):
    """In matching pennies a step of multiplicative weights multiplies the area in the plane of log-odds by 1 + 16η²p(1 − p)q(1 −
    q), which is above 1 at every point; p and q are the probabilities of heads.

    The payoffs of heads and tails differ by 2(2q − 1) times the payoff of a match, so that u grows by 4η(q − ½). The determinant
    minus 1 is factored; with 0 < p, q < 1 the product is positive.
    """
    u, v, lr, p, q = sp.symbols("u v lr p q")
    rate, half = 4 * sp.Rational(payoff) * lr, sp.Rational(1, 2)
    first = u + rate * (1 / (1 + sp.exp(-v)) - half)
    new = sp.Matrix([first, v + sign * rate * (1 / (1 + sp.exp(-(first if alternating else u))) - half)])
    excess = new.jacobian([u, v]).det() - 1
    logits = {sp.exp(-u): (1 - p) / p, sp.exp(-v): (1 - q) / q}
    return {"excess": str(sp.factor(sp.simplify(excess).subs(logits)))}


def _by_hand():
    """The same sums over the same orbit in NumPy, the exponent by one tangent vector."""
    (u, v), growth, total, t = (0.3, 0.1), 0.0, 0.0, np.array([1.0, 0.3])
    most = 0.0
    for k in range(50_000):
        p, q = 1 / (1 + np.exp(-u)), 1 / (1 + np.exp(-v))
        a, b = 0.5 * q * (1 - q), 0.5 * p * (1 - p)
        growth += np.log1p(a * b) if k < 10_000 else 0.0
        t = np.array([t[0] + a * t[1], t[1] - b * t[0]])
        size = np.hypot(*t)
        total, t = total + np.log(size), t / size
        u, v = u + 0.5 * (q - 0.5), v - 0.5 * (p - 0.5)
        most = max(most, abs(u), abs(v))
    return {"growth": growth, "exponent": total / 50_000, "extreme": 1 / (1 + np.exp(-most))}


@CLAIMS.add(
    "own statement", {"growth": near(3.95066, 1e-3), "late": at_most(1e-3), "exponent": at_most(2e-4), "extreme": above(0.9999)},
    Control("a coordination game, whose volume shrinks", changes={"sign": 1.0}), figure="drift",
    domain=f"{PENNIES}; η = 1/8, the start (0.3, 0.1)",
    perturbations=(
        Control("one player after the other: no growth, no drift", changes={"alternating": True}),
        Control("η = 0.15", changes={"lr": 0.15}),
    ), second=_by_hand,
)  # fmt: skip
def expansion_without_exponents(sign=-1.0, n=50_000, lr=0.125, alternating=False):
    """Along an orbit of multiplicative weights in matching pennies areas grow by e^3.95 in 10,000 steps, nearly all of it in the
    first 2,000; the orbit drifts to the boundary, and its largest Lyapunov exponent over 50,000 steps is below 0.0002.

    η = 1/8 from log-odds (0.3, 0.1). ``growth``: the sum of log det over 10,000 steps; ``late``: its part after the first 2,000;
    ``exponent``: the larger exponent over 50,000; ``extreme``: the largest probability of a strategy on the way.
    """
    step = _step(sign, lr, alternating)
    w = cf.iterate(step, [0.3, 0.1], n).w
    areas = np.log([np.linalg.det(step.jacobian(z)) for z in w[:10_000]])
    exponents = cf.analysis.lyapunov(step, [0.3, 0.1], n=n, transient=0)
    return {"growth": float(areas.sum()), "late": float(areas[2000:].sum()), "exponent": float(exponents[0]),
            "extreme": float((1 / (1 + np.exp(-abs(w)))).max())}  # fmt: skip


def figures():
    """An orbit in the square of the mixed strategies."""
    return {"drift": _drift}


def _drift():
    import matplotlib.pyplot as plt

    orbit = cf.iterate(_step(), [0.3, 0.1], 1500).w
    p, q = (1 / (1 + np.exp(-orbit))).T
    figure, axes = plt.subplots(figsize=(4, 4), layout="constrained")
    axes.plot(p, q, ".", ms=1.5)
    axes.set(xlabel="p", ylabel="q", xlim=(0, 1), ylim=(0, 1), aspect="equal", title="Matching pennies, payoffs ±1, η = 1/8")
    return figure
