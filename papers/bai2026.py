"""Bai, Zhao, Zhou, Xu, Zhang, *Towards understanding Adam convergence on highly degenerate polynomials*, arXiv 2603.09581, ICML
(2026).

On x^k/k, k ≥ 4 even, gradient descent is slow, Adam without bias correction and ε linear: x_{t+1}/x_t → β₂^{1/(2(k−2))}. With a
= m/x^{k−1} and c = ηx^{k−2}/√v the late dynamics is a map of two variables. Its fixed point exists if β₁ < β₂^{(k−1)/(2(k−2))}
and is stable if also β₁ < β₂^{k/(2(k−2))}; between the two lie spikes, beyond them oscillations like those of the sign.
Gradient descent whose step grows by the factor γ each time is u ← γu(1 − u)^{k−2} in u = ηx^{k−2}, the logistic map for k = 3
(our remark). Read were the abstract and a summary by others.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, between, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


def _adam(k, b1, b2):
    """Adam on x^k/k without ε and bias correction."""
    loss = cf.Loss(f"x**{k}/{k}")
    return cf.as_map(loss, cf.optimizers.adam(lr=1e-3, beta1=b1, beta2=b2, eps=0.0, bias_correction=False))


@CLAIMS.add(
    "abstract (local linear convergence)", {"ratios": near([0.93 ** (1 / (2 * (k - 2))) for k in (4, 6, 8)], 1e-9)},
    Control("gradient descent in place of Adam", changes={"optimizer": "gd"}), figure="regimes",
    domain="x^k/k, k ≥ 4 even; Adam with ε = 0 and without bias correction where the reduced map's fixed point is stable",
    examples="k = 4, 6, 8, β₁ = 0.9, β₂ = 0.93, η = 1e-3 from x = 1",
    perturbations=(Control("β₂ = 0.935", changes={"b2": 0.935}),),
)  # fmt: skip
def linear_rate(optimizer="adam", b2=0.93):
    """In the stable regime Adam converges linearly, x_{t+1}/x_t → β₂^{1/(2(k−2))}.

    The ratio after 2,400 steps, when x is between 1e-7 and 1e-13 (far
    above underflow of the second moment).
    """
    ratios = []
    for k in (4, 6, 8):
        step = _adam(k, 0.9, b2) if optimizer == "adam" else cf.as_map(cf.Loss(f"x**{k}/{k}"), cf.optimizers.gd(lr=1e-3))
        w = cf.iterate(step, [1.0], 2401).w[:, 0]
        ratios.append(float(w[-1] / w[-2]))
    return {"ratios": ratios}


@CLAIMS.add(
    "abstract (conditions for local stability); the condition on β₂ is ours",
    {"residuals": "0, 0, 0", "stable": near([0.9, 0.9 ** (4 / 3), 0.9**1.5], 1e-8), "kinds": ["neimark-sacker"] * 3},
    Control("the exponent k − 1 in place of k, that of existence", changes={"less": 1}),
    domain="the map (a, c) of Adam with ε = 0, without bias correction, on x^k/k, k ≥ 4, as x → 0; 0 ≤ β₁ < 1, 1/16 < β₂ < 1",
    proof="exact algebra: Jury's three conditions on the reduced map's Jacobian in symbols",
    perturbations=(Control("β₁ = 0.91 in place of 0.9 where the branch is followed", changes={"b1": 0.91}),),
)  # fmt: skip
def stability_of_the_fixed_point(less=0, b1=0.9):
    """For β₂ > 1/16 the fixed point of the reduced map, at which x shrinks by s = β₂^{1/(2(k−2))} a step, is stable if β₁ < s^k
    = β₂^{k/(2(k−2))} and unstable if s^k < β₁ < s^{k−1}; at s^k a pair of complex multipliers leaves the unit circle. For
    smaller β₂ it can be unstable by a flip: with β₁ = 0 it is so for β₂ < ((k − 2)/k)^{2(k−2)}, which is 1/16 for k = 4.

    SymPy: the determinant of the Jacobian is β₁s^{−k}; 1 − trace + determinant is (k − 2)(1 − s)(s^{k−1} − β₁)/s^k, positive
    wherever the fixed point exists; 1 + trace + determinant is 2 − (k − 2)(1 − s)/s + β₁s^{−k}(k − (k − 2)s), positive if s >
    (k − 2)/k, thus for β₂ > ((k − 2)/k)^{2(k−2)}, which is at most 1/16. Also, for k = 4, 6, 8 and β₁ = 0.9, the branch of
    fixed points followed down in β₂: the first bifurcation, which should lie at β₂ = 0.9^{2(k−2)/k}.
    """
    found = [_reduced_bifurcation(k, b1) for k in (4, 6, 8)]
    return {"residuals": _jury(less), "stable": [b.parameter for b in found], "kinds": [b.kind for b in found]}


def _jury(less):
    """What the three conditions miss of their closed forms; s: by how much x shrinks, β₂ = s^{2(k−2)}."""
    a, c, b1, s, k = sp.symbols("a c beta1 s k", positive=True)
    moved = b1 * a + 1 - b1
    root = s ** (k - 2)  # of β₂
    ratio = 1 - c * moved / root
    jacobian = sp.Matrix([moved / ratio ** (k - 1), c * ratio ** (k - 2) / root]).jacobian([a, c])
    fixed = (1 - b1) / (s ** (k - 1) - b1)
    at = {c: (1 - s) * root / (b1 * fixed + 1 - b1)}
    jacobian = jacobian.subs(at).subs(a, fixed).applyfunc(sp.simplify)
    trace, det = jacobian.trace(), jacobian.det()
    wanted = (b1 * s ** (less - k), (k - 2) * (1 - s) * (s ** (k - 1) - b1) / s**k,
              2 - (k - 2) * (1 - s) / s + b1 * (k - (k - 2) * s) / s**k)  # fmt: skip
    got = (det, 1 - trace + det, 1 + trace + det)
    return ", ".join(str(sp.simplify(sp.powsimp(sp.expand(x - y)))) for x, y in zip(got, wanted, strict=True))


def _reduced_bifurcation(k, b1):
    a, ratio = "(b1*a + 1 - b1)", "(1 - c*(b1*a + 1 - b1)/sqrt(b2))"  # c = ηλ; x shrinks by ratio
    step = cf.Map.from_text(
        [f"{a}/{ratio}**{k - 1}", f"c*{ratio}**{k - 2}/sqrt(b2)"], "a c", params={"b1": b1, "b2": 0.96}
    )  # fmt: skip
    shrink = 0.96 ** (1 / (2 * (k - 2)))
    fixed = (1 - b1) / (shrink ** (k - 1) - b1)
    start = [fixed, (1 - shrink) * np.sqrt(0.96) / (b1 * fixed + 1 - b1)]
    branch = cf.analysis.continue_cycle(step, start, "b2", (0.8, 0.97), coefficients=False)
    return max(branch.bifurcations, key=lambda b: b.parameter)


@CLAIMS.add(
    "abstract (three regimes); the numbers are ours",
    {"converges": between(0.0, 1e-12), "spikes": above(10.0), "sign": between(1e-5, 1e-2)},
    Control("β₂ = 0.91 in place of 0.895 and 0.8, the first regime", changes={"b2s": (0.91, 0.91, 0.91)}), figure="regimes",
    domain="x⁴/4, one weight; Adam with ε = 0, without bias correction, β₁ = 0.9, η = 1e-3; 4,000 steps from x = 1",
    perturbations=(Control("β₂ = 0.905 in place of 0.895", changes={"b2s": (0.91, 0.905, 0.8)}),),
)  # fmt: skip
def regimes(b2s=(0.91, 0.895, 0.8)):
    """On x⁴/4 with β₁ = 0.9 Adam converges at β₂ = 0.91, spikes at 0.895, and at 0.8 keeps oscillating at the size η of a step,
    as descent by the sign of the gradient does.

    ``converges``: the last |x|; ``spikes``: the largest growth of |x| over its least value so
    far within steps 2,000 to 4,000; ``sign``: the largest |x| in the last 500 steps.
    """
    orbits = [abs(cf.iterate(_adam(4, 0.9, b2), [1.0], 4000).w[:, 0]) for b2 in b2s]
    late = orbits[1][2000:]
    growth = float((late / np.minimum.accumulate(late)).max())
    return {"converges": float(orbits[0][-1]), "spikes": growth, "sign": float(orbits[2][-500:].max())}


@CLAIMS.add(
    "own statement", {"residual": "0", "flips": near([3.0, 4.0, 81 / 16], 1e-9)},
    Control("one power less, (1 − u)^{k−3}", changes={"shift": 1}),
    domain="gradient descent on x^k/k, x > 0, k > 2, whose step grows by γ > 1 each time, u = ηx^{k−2}",
    proof="exact algebra: the multiplier of the fixed point in symbols",
    perturbations=(Control("(1 − 1.02u) in place of (1 − u)", changes={"faster": "51/50"}),),
)  # fmt: skip
def growing_step(shift=0, faster="1"):
    """The fixed point of u ← γu(1 − u)^{k−2}, on which gradient descent with a growing step converges at the rate γ^{−1/(k−2)} a
    step, has the multiplier 1 − (k − 2)(γ^{1/(k−2)} − 1): it is stable if γ < (k/(k − 2))^{k−2} and unstable if γ is larger.

    SymPy: the derivative at u = 1 − γ^{−1/(k−2)}, less that. Also the flips of the branch for k = 3, 4, 6.
    """
    u, g, m = sp.symbols("u gamma m", positive=True)
    slope = sp.diff(g * u * (1 - sp.Rational(faster) * u) ** (m - shift), u).subs(u, 1 - g ** (-1 / m))
    flips = []
    for k in (3, 4, 6):
        power = k - 2 - shift
        step = cf.Map.from_text(f"c*u*(1 - u)**{power}", "u", params={"c": 2.0})
        branch = cf.analysis.continue_cycle(step, [1 - 2 ** (-1 / max(power, 1))], "c", (1.5, 6.0))
        flips.append(next((b.parameter for b in branch.bifurcations if b.kind == "flip"), 0.0))
    residual = sp.simplify(sp.powsimp(sp.expand(sp.simplify(slope) - (1 - m * (g ** (1 / m) - 1)))))
    return {"residual": str(residual), "flips": flips}


def figures():
    """Orbits in the three regimes."""
    return {"regimes": _regimes}


def _regimes():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for b2 in (0.93, 0.895, 0.8):
        axes.semilogy(abs(cf.iterate(_adam(4, 0.9, b2), [1.0], 2500).w[:, 0]), lw=0.7, label=f"β₂ = {b2}")
    axes.set(xlabel="step", ylabel="|x|", title="Adam on x⁴/4, β₁ = 0.9: convergence, spikes, sign-like")
    axes.legend()
    return figure
