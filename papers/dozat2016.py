"""T. Dozat, *Incorporating Nesterov momentum into Adam*, ICLR 2016 workshop.

NAdam: Adam whose average of gradients is replaced by one that already contains the next step, as Nesterov's method does, with a
momentum that warms up from half its value.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


@CLAIMS.add(
    "own statement", {"at 1": "h*(1 - b)", "at -1": "2*b - h*(1 - b)*(2*b + 1) + 2",
                      "determinant": "-b*h*(1 - b) + b",
                      "edges": near([2.0, 3.0, 95 / 7], 1e-9)},
    Control("Adam, without the look-ahead", changes={"ahead": "m1"}), figure="edges",
    domain="a fixed preconditioner P > 0, μ = β in [0, 1) constant, no bias corrections; a minimum with H > 0, linearised",
    perturbations=(Control("the look-ahead β(1 − β)g + (1 − β + β²)m₊", changes={"ahead": "b*(1 - b)*g + (1 - b + b*b)*m1"}),),
    proof="exact algebra: the characteristic polynomial at 1 and −1 and its constant term, for each eigenvalue of P⁻¹H",
)  # fmt: skip
def frozen_preconditioner(ahead="(1 - b)*g + b*m1"):
    """With its preconditioner frozen and after the warm-up NAdam steps along (1 − β)g + βm₊ and is stable if and only if
    ηλ₁(P⁻¹H) < 2(1 + β)/((1 − β)(1 + 2β)): 13.571 = 95/7 at β = 0.9, where Adam's threshold is 38.

    With h = ηλ the two multipliers lie in the unit circle iff the characteristic polynomial is positive at 1 and at −1 and the
    determinant, b − bh(1 − b), is between −1 and 1; the latter follows from the former, as 2/(1 + 2b) < 1/b. ``edges``: the
    first η at which a multiplier of the linear map on a curvature of 1 leaves the unit circle, for β = 0, 0.5 and 0.9.
    """
    b, h, z = sp.symbols("b h z", positive=True)
    x, m = sp.symbols("x m")
    after = b * m + (1 - b) * x
    rule = sp.sympify(ahead, {"b": b, "g": x, "m1": after})
    matrix = sp.Matrix([x - h * rule, after]).jacobian([x, m])
    at = [sp.expand((value * sp.eye(2) - matrix).det()) for value in (1, -1)]
    wanted = (h * (1 - b), 2 * (1 + b) - h * (1 - b) * (1 + 2 * b), b - b * h * (1 - b))
    same = [str(w) if sp.expand(found - w) == 0 else str(found) for found, w in zip((*at, matrix.det()), wanted, strict=True)]
    found = [cf.analysis.edge(_frozen(ahead, value), [0.0, 0.0], 1.0) for value in (0.0, 0.5, 0.9)]
    return {"at 1": same[0], "at -1": same[1], "determinant": same[2], "edges": [one.value for one in found]}


@CLAIMS.add(
    "own statement", {"below": below(1e-6), "above": above(1e4)},
    Control("10 % further up", changes={"low": 1.08, "high": 1.12}),
    domain="w²/2, one weight; NAdam with β₁ = 0.9, β₂ = 0.99, ε = 1 and the warm-up over; the start 1e-9",
    perturbations=(Control("5 % further down", changes={"low": 0.93, "high": 0.97}),),
)  # fmt: skip
def the_optimizer_itself(low=0.98, high=1.02):
    """NAdam's own map on w²/2 has its edge near the rate 95/7, that of its frozen preconditioner: with ε = 1 so large that
    √v̂ counts for nothing, a weight near the minimum shrinks at 0.98 times this rate and grows at 1.02 times it.

    Without bias corrections (μ = β₁), 400 steps: the largest |w| of the last 20 over that of the first 20.
    """
    found = [_growth(95 / 7 * factor) for factor in (low, high)]
    return {"below": found[0], "above": found[1]}


def _frozen(ahead, b):
    rule = ahead.replace("m1", "(b*m + (1 - b)*g)").replace("g", "x")
    return cf.Map.from_text([f"x - lr*({rule})", "b*m + (1 - b)*x"], "x m", params={"lr": 0.1, "b": b})


def _growth(lr):
    step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.nadam(lr=lr, beta1=0.9, beta2=0.99, eps=1.0))
    w = np.abs(cf.iterate(step, [1e-9, 0.0, 0.0, 0.0, 0.0, 0.0], 400).w[:, 0])
    return float(w[-20:].max() / w[:20].max())


def figures():
    """Thresholds over β."""
    return {"edges": _edges}


def _edges():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    momenta = np.linspace(0, 0.95, 20)
    for ahead, label in (("m1", "Adam"), ("(1 - b)*g + b*m1", "NAdam")):
        axes.plot(momenta, [cf.analysis.edge(_frozen(ahead, b), [0.0, 0.0], 1.0).value for b in momenta], ".-", label=label)
    axes.set(xlabel="β₁", ylabel="edge η λ₁(P⁻¹H)", yscale="log", title="Thresholds with a frozen preconditioner")
    axes.legend()
    return figure
