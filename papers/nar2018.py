"""K. Nar and S. S. Sastry, *Step size matters in deep learning*, arXiv 1805.08890, NeurIPS 2018.

Gradient descent is a dynamical system whose step size decides which minima it can converge to, and how wide it oscillates
where it goes to an orbit. On ⅔|x|^(3/2) it goes to an oscillation of the width η²/2. For deep linear nets, maps with large
singular values are hard to learn; on a chain of N layers the bound that we derive is η ≤ 2/(N ρ^(2−2/N)).
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
SIZES = ((2, 3.0), (3, 2.0), (5, 0.7))  # layers N and ρ


@CLAIMS.add(
    "example 1", {"amplitude/η²": near([0.25] * 3, 1e-9), "largest |multiplier|": at_most(1e-6)},
    Control("the power 4/3 in place of 3/2", changes={"formula": "3/4*Abs(x)**(4/3)"}), figure="oscillation",
    read="a secondary source", domain="⅔|x|^(3/2), one weight; η > 0", examples="η = 0.1, 0.5 and 2, from 0.7η²",
    perturbations=(Control("0.68 in place of ⅔", changes={"formula": "0.68*Abs(x)**(3/2)"}),),
)  # fmt: skip
def oscillates_at_every_rate(formula="2/3*Abs(x)**(3/2)", lrs=(0.1, 0.5, 2.0)):
    """On ⅔|x|^(3/2), convex with its minimum at 0, gradient descent has for every η the oscillation between ±η²/4, with
    multiplier 0; orbits from near it do not converge to the minimum, however small η is.

    From x − η√x = −x. Amplitude and multiplier of the 2-cycle on which the orbit ends; a factor of the multiplier is 1 − η/(2√x)
    = 0. (In x/η² the map is the same for all η.)
    """
    step, amplitudes, slopes = cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=1.0)), [], []
    for lr in lrs:
        found = cf.analysis.classify(step.at(lr=lr), [0.7 * lr**2])
        amplitudes.append(float(np.abs(found.points).max() / lr**2) if found.period == 2 else 0.0)
        slopes.append(float(np.abs(found.multipliers).max(initial=0.0)))
    return {"amplitude/η²": amplitudes, "largest |multiplier|": max(slopes)}


@CLAIMS.add(
    "own statement (the abstract: linear maps with large singular values are hard to learn)", {"converged": 0},
    Control("0.97 times the bound", changes={"factor": 0.97}), figure="oscillation",
    domain="(w₁⋯w_N − ρ)²/2, N weights, ρ > 0, η > 2/(N ρ^(2−2/N))",
    examples="N = 2, 3, 5 with ρ = 3, 2, 0.7 at 1.01 times the bound, ten starts each within 10 % of the balanced minimum",
    perturbations=(Control("0.99 times the bound", changes={"factor": 0.99}),),
)  # fmt: skip
def bound_for_deep_linear_nets(factor=1.01, starts=10, seed=0):
    """From almost no start gradient descent on a chain of N linear layers converges to a minimum, w₁⋯w_N = ρ, if η > 2/(N
    ρ^(2−2/N)).

    How many of the 30 orbits end with a loss below 10⁻¹². (At a minimum the largest curvature is ρ² Σ wᵢ⁻², which is at least
    N ρ^(2−2/N), as the mean of wᵢ⁻² is at least their geometric mean: beyond the bound all minima are unstable.)
    """
    converged = 0
    for depth, target in SIZES:
        loss = cf.losses.deep_linear(depth=depth, y=target)
        step = cf.as_map(loss, cf.optimizers.gd(lr=factor * 2 / (depth * target ** (2 - 2 / depth))))
        for noise in np.random.default_rng(seed).uniform(-0.1, 0.1, (starts, depth)):
            end = cf.iterate(step, target ** (1 / depth) * (1 + noise), 5000)
            converged += end.status == "done" and loss.value(end.w[-1]) < 1e-12
    return {"converged": converged}


@CLAIMS.add(
    "own statement", {"largest stable η · N ρ^(2−2/N)": near([2.0] * 3, 1e-9)},
    Control("the exponent 2 − 1/N", changes={"share": 1.0}),
    domain="(w₁⋯w_N − ρ)²/2, N weights, ρ > 0; the minimum with all wᵢ = ρ^(1/N)",
    examples="N = 2, 3, 5 with ρ = 3, 2, 0.7",
    perturbations=(Control("the exponent 2 − 1.99/N", changes={"share": 1.99}),),
)  # fmt: skip
def bound_is_attained(share=2.0):
    """The bound is attained at the balanced minimum: its edge of stability is η = 2/(N ρ^(2−2/N)).

    The η at which the balanced minimum loses its stability, found by halving.
    """
    found = []
    for depth, target in SIZES:
        step = cf.as_map(cf.losses.deep_linear(depth=depth, y=target), cf.optimizers.gd(lr=0.1))
        edge = cf.analysis.edge(step, [target ** (1 / depth)] * depth, scale=0.01)
        found.append(edge.value * depth * target ** (2 - share / depth))
    return {"largest stable η · N ρ^(2−2/N)": found}


def figures():
    """Loss on the scalar chain on both sides of the bound, and the oscillation on the 3/2 power."""
    return {"oscillation": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    step = cf.as_map(cf.Loss("2/3*Abs(x)**(3/2)"), cf.optimizers.gd(lr=1.0))
    for lr in (0.5, 1.0, 1.5):
        left.plot(cf.iterate(step.at(lr=lr), [0.9], 30).w[:, 0], ".-", lw=0.8, label=f"η = {lr}")
    left.set(xlabel="step", ylabel="x", title="⅔|x|^(3/2): ends between ±η²/4")
    chain = cf.as_map(cf.losses.deep_linear(depth=3, y=2.0), cf.optimizers.gd(lr=0.1))
    for factor in (0.9, 0.97, 1.01, 1.05):
        orbit = cf.iterate(chain.at(lr=factor * 2 / (3 * 2 ** (4 / 3))), [1.3, 1.2, 1.25], 400)
        right.semilogy(orbit.loss + 1e-30, lw=0.8, label=f"{factor} times the bound")
    right.set(xlabel="step", ylabel="loss", ylim=(1e-16, 10), title="three layers, ρ = 2")
    left.legend()
    right.legend()
    return figure
