"""Bai, Zhao, Zhou, Xu, Zhang, *Towards understanding Adam convergence on highly degenerate polynomials*, arXiv 2603.09581, ICML
(2026).

On x^k/k, k ≥ 4 even, gradient descent is slow, Adam without bias correction and ε linear: x_{t+1}/x_t → β₂^{1/(2(k−2))}. With ω
= m/x^{k−1} and λ = x^{k−2}/√v the late dynamics is a map of two variables. Its fixed point exists iff β₁ < β₂^{(k−1)/(2(k−2))}
and is stable iff β₁ < β₂^{k/(2(k−2))}; between the two lie spikes, beyond them oscillations like those of the sign. Gradient
descent whose step grows by the factor γ each time is u ← γu(1 − u)^{k−2} in u = ηx^{k−2}, the logistic map for k = 3 (our
remark).
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, between, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


def _adam(k, b1, b2):
    """Adam on x^k/k without ε and bias correction."""
    loss = cf.Loss(f"x**{k}/{k}")
    return cf.as_map(loss, cf.optimizers.adam(lr=1e-3, beta1=b1, beta2=b2, eps=0.0, bias_correction=False))


@CLAIMS.add(
    "theorem 4.1 (the rate)", {"ratios": near([0.93 ** (1 / (2 * (k - 2))) for k in (4, 6, 8)], 1e-9)},
    Control("gradient descent in place of Adam", changes={"optimizer": "gd"}), figure="regimes",
)  # fmt: skip
def linear_rate(optimizer="adam"):
    """In the stable regime x_{t+1}/x_t → β₂^{1/(2(k−2))}.

    k = 4, 6, 8, β₁ = 0.9, β₂ = 0.93, η = 1e-3 from x = 1: the ratio after 2,400 steps, when x is between 1e-7 and 1e-13 (far
    above underflow of the second moment).
    """
    ratios = []
    for k in (4, 6, 8):
        step = _adam(k, 0.9, 0.93) if optimizer == "adam" else cf.as_map(cf.Loss(f"x**{k}/{k}"), cf.optimizers.gd(lr=1e-3))
        w = cf.iterate(step, [1.0], 2401).w[:, 0]
        ratios.append(float(w[-1] / w[-2]))
    return {"ratios": ratios}


@CLAIMS.add(
    "theorem 4.1 (the bounds on β₁)",
    {"stable": near([0.9, 0.9 ** (4 / 3), 0.9**1.5], 1e-8), "kinds": ["neimark-sacker"] * 3},
    Control(
        "the bound beyond which there is none", expected={"stable": near([0.9 ** (4 / 3), 0.9**1.6, 0.9 ** (12 / 7)], 1e-8)}
    ),
)  # fmt: skip
def stability_of_the_fixed_point():
    """The fixed point of the reduced map is stable iff β₁ < β₂^{k/(2(k−2))}.

    For k = 4, 6, 8 and β₁ = 0.9 the branch of fixed points of the reduced map, derived from Adam's step with x → 0, is followed
    down in β₂; the first bifurcation should lie at β₂ = 0.9^{2(k−2)/k}. That it is one of a complex pair is our finding.
    """
    found = [_reduced_bifurcation(k) for k in (4, 6, 8)]
    return {"stable": [b.parameter for b in found], "kinds": [b.kind for b in found]}


def _reduced_bifurcation(k):
    a, ratio = "(b1*a + 1 - b1)", "(1 - c*(b1*a + 1 - b1)/sqrt(b2))"  # c = ηλ; x shrinks by ratio
    step = cf.Map.from_text(
        [f"{a}/{ratio}**{k - 1}", f"c*{ratio}**{k - 2}/sqrt(b2)"], "a c", params={"b1": 0.9, "b2": 0.96}
    )  # fmt: skip
    shrink = 0.96 ** (1 / (2 * (k - 2)))
    fixed = 0.1 / (shrink ** (k - 1) - 0.9)
    start = [fixed, (1 - shrink) * np.sqrt(0.96) / (0.9 * fixed + 0.1)]
    branch = cf.analysis.continue_cycle(step, start, "b2", (0.8, 0.97), coefficients=False)
    return max(branch.bifurcations, key=lambda b: b.parameter)


@CLAIMS.add(
    "the three regimes, k = 4, β₁ = 0.9", {"converges": between(0.0, 1e-12), "spikes": above(10.0), "sign": between(1e-5, 1e-2)},
    Control("β₂ = 0.91 in place of 0.895 and 0.8, the first regime", changes={"b2s": (0.91, 0.91, 0.91)}), figure="regimes",
)  # fmt: skip
def regimes(b2s=(0.91, 0.895, 0.8)):
    """For k = 4, β₁ = 0.9 Adam converges at β₂ = 0.91, spikes at 0.895 and oscillates like the sign of the gradient at 0.8.

    η = 1e-3 from x = 1, 4,000 steps. ``converges``: the last |x|; ``spikes``: the largest growth of |x| over its least value so
    far within steps 2,000 to 4,000; ``sign``: the largest |x| in the last 500 steps, in regime III near the size η of a step.
    """
    orbits = [abs(cf.iterate(_adam(4, 0.9, b2), [1.0], 4000).w[:, 0]) for b2 in b2s]
    late = orbits[1][2000:]
    growth = float((late / np.minimum.accumulate(late)).max())
    return {"converges": float(orbits[0][-1]), "spikes": growth, "sign": float(orbits[2][-500:].max())}


@CLAIMS.add(
    "gradient descent with a growing step", {"flips": near([3.0, 4.0, 81 / 16], 1e-9)},
    Control("one power less, (1 − u)^{k−3}", changes={"shift": 1}),
)  # fmt: skip
def growing_step(shift=0):
    """Gradient descent on x^k/k whose step grows by γ at each step converges at a constant rate iff γ < (k/(k − 2))^{k−2}.

    The flip of the fixed point of u ← γu(1 − u)^{k−2} for k = 3, 4, 6.
    """
    flips = []
    for k in (3, 4, 6):
        power = k - 2 - shift
        step = cf.Map.from_text(f"c*u*(1 - u)**{power}", "u", params={"c": 2.0})
        branch = cf.analysis.continue_cycle(step, [1 - 2 ** (-1 / max(power, 1))], "c", (1.5, 6.0))
        flips.append(next((b.parameter for b in branch.bifurcations if b.kind == "flip"), 0.0))
    return {"flips": flips}


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
