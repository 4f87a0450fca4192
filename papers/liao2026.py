"""F. Liao, A. Kolomvaki, A. Kyrillidis, *SGD at the edge of stability: the stochastic sharpness gap*, arXiv 2604.21016
(2026).

Gradient noise along the sharpest direction adds to the oscillation there, which pushes the sharpness down: it settles below
2/η by ΔS = ηβσ²/(4α), α the rate of progressive sharpening, β that of self-stabilization, σ² the variance of the noise along
the top eigenvector.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, interval, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LR, PUSH, SEEDS, STEPS = 0.3, 0.01, 20, 60000


@CLAIMS.add(
    "abstract; the formula for the gap", {"ratios": near([1.0, 1.0], 0.12)},
    Control("sharpening twice as fast as in the formula", changes={"push": 2 * PUSH}), figure="runs",
    domain="SGD in a valley with sharpening α, self-stabilization β, noise σ² along the top eigenvector; small ηΔS",
    examples="a valley of two weights, η = 0.3, α = 0.01, β = 1, σ = 0.15 and 0.25",
    perturbations=(Control("sharpening 25 % faster than in the formula", changes={"push": 1.25 * PUSH}),),
)  # fmt: skip
def gap(push=PUSH):
    """SGD's sharpness settles below 2/η by ΔS = ηβσ²/(4α), to first order; so the gap is in proportion to 1/B for batches of B.

    The valley yx²/2 − αy of sharpness y (β = |∇y|² = 1), noise ±σ in the gradient along x: 2/η minus the mean of y over the
    last half of 60,000 steps, over the formula (gaps 0.169 and 0.469 of 6.67); 20 seeds, mean ± 1.96
    standard errors. The formula is of first order in ηΔS/2, here 0.025 and 0.07: by the
    balance of the next claim the ratios are 1.027 and 1.082.
    """
    found = []
    for sigma in (0.15, 0.25):
        formula = LR * sigma**2 / (4 * PUSH)
        found.append(_mean([_gap(sigma, seed, push) / formula for seed in range(SEEDS)]))
    return {"ratios": found}


@CLAIMS.add(
    "own statement", {"ratio": near(1.0, 0.03)},
    Control("the expansion in place of the barrier", changes={"exact": False}),
    domain="the valley yx²/2 − αy, two weights, noise ±σ in the gradient along x; η = 0.3, α = 0.01, σ = 0.45",
    perturbations=(Control("sharpening 5 % faster in the runs", changes={"push": 1.05 * PUSH}),),
)  # fmt: skip
def gap_without_expansion(exact=True, sigma=0.45, push=PUSH):
    """For large noise the gap is that of the balance of sharpening and noise, E x² = 2α with E x² = η²σ²/(1 − (1 − ηy)²), within
    3 %; the formula ηβσ²/(4α) is the expansion of that.

    The mean gap of 20 seeds (2.34 of 6.67) against the solution y of η²σ²/(1 − (1 − ηy)²) = 2α, which
    neglects that y moves. (1 − ηy)² = 1 − η²σ²/(2α) has a solution near 2/η only if σ² < 2α/η²; the gap is the upper root.
    """
    inside = 1 - LR**2 * sigma**2 / (2 * PUSH)
    barrier = 2 / LR - (1 + np.sqrt(inside)) / LR if exact else LR * sigma**2 / (4 * PUSH)
    return {"ratio": _mean([_gap(sigma, seed, push) / barrier for seed in range(SEEDS)]), "barrier": float(barrier)}


def _mean(values):
    error = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return interval(np.mean(values) - error, np.mean(values) + error, f"{len(values)} seeds, 95 %")


def _run(sigma, seed, push=PUSH):
    """Sharpness along a run; s is a Lehmer generator that draws the sign of the noise."""
    top = 2147483647
    noise = f"Piecewise(({float(sigma)!r}, s < {top / 2!r}), ({-float(sigma)!r}, True))"
    rules = [f"x - lr*(y*x + {noise})", "y - lr*(x**2/2 - c)", f"mod(48271*s, {top})"]
    start = float(np.random.default_rng(seed).integers(1, top))
    step = cf.Map.from_text(rules, "x y s", params={"lr": LR, "c": push})
    return cf.iterate(step, [0.1, 2 / LR - 0.2, start], STEPS).z[:, 1]


def _gap(sigma, seed, push=PUSH):
    return float(2 / LR - _run(sigma, seed, push)[STEPS // 2 :].mean())


def figures():
    """Runs with three sizes of noise."""
    return {"runs": _runs}


def _runs():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for k, sigma in enumerate((0.05, 0.25, 0.45)):
        axes.plot(_run(sigma, 0)[:6000], lw=0.7, color=f"C{k}", label=f"σ = {sigma}")
        axes.axhline(2 / LR - LR * sigma**2 / (4 * PUSH), color=f"C{k}", lw=0.8, ls="--")
    axes.set(xlabel="step", ylabel="sharpness", title="Dashed: 2/η minus the gap of the formula")
    axes.legend()
    return figure
