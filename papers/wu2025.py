"""J. Wu, P. Marion, P. L. Bartlett, *Large stepsizes accelerate gradient descent for regularized logistic regression*, arXiv
2506.02336, NeurIPS (2025).

Separable logistic regression with a ridge term λw²/2: with a large step gradient descent first oscillates, then converges
linearly, in a number of steps of the order of the root of the condition number. In one dimension the critical step is of the
order 1/(λ ln(1/λ)). The abstract was read.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LOSS = "softplus(-w) + lam*w**2/2"
LAMBDAS = (1e-1, 1e-2, 1e-4, 1e-6, 1e-8)


def _scaled(lam, base="ln"):
    """The critical step times λ ln(1/λ), or λ only."""
    minimum = cf.minima(cf.Loss(LOSS, "w", params={"lam": lam}))[0]
    return minimum.edge * lam * (math.log(1 / lam) if base == "ln" else 1.0)


def _by_newton():
    """The same by Newton's method on −σ(−w) + λw = 0 in plain Python."""
    scaled = []
    for lam in LAMBDAS:
        w = 0.0
        for _ in range(200):
            p = 1 / (1 + math.exp(w))
            w += (p - lam * w) / (p * (1 - p) + lam)
        scaled.append(2 / (p * (1 - p) + lam) * lam * math.log(1 / lam))
    return {"scaled": scaled, "spread": max(scaled) / min(scaled)}


@CLAIMS.add(
    "own statement",
    {"scaled": near([1.946, 2.169, 2.239, 2.231, 2.210], 1e-3), "spread": between(1.0, 1.2)},
    Control("times λ only, without the logarithm", changes={"base": "none"}), figure="edge", second=_by_newton,
    domain="ln(1 + e^{−w}) + λw²/2, one weight; λ → 0", examples="λ = 1e-1, 1e-2, 1e-4, 1e-6 and 1e-8",
    perturbations=(Control("curvatures 1 % larger", changes={"share": 1.01}),),
)  # fmt: skip
def critical_step(base="ln", share=1.0):
    """On ln(1 + e^{−w}) + λw²/2 the critical step 2/f″ at the minimum is Θ(1/(λ ln(1/λ))) as λ → 0.

    2/f″ at the minimum times λ ln(1/λ): it neither grows nor vanishes; ``spread``: largest
    over smallest. Expected numbers from Newton's method in plain Python (``second``).
    """
    scaled = [_scaled(lam, base) / share for lam in LAMBDAS]
    return {"scaled": scaled, "spread": max(scaled) / min(scaled)}


@CLAIMS.add(
    "abstract (the number of steps)", {"large": at_most(0.5), "small": above(0.7)},
    Control("the small step in place of the large one", changes={"part": 0.0}),
    domain="separable logistic regression with the ridge λ|w|²/2, λ → 0, up to logarithms",
    examples="ln(1 + e^{−w}) + λw²/2, one weight from 0, λ = 1e-2 and 1e-4",
    perturbations=(Control("the root of κ for the small step too", expected={"small": at_most(0.5)}),),
)  # fmt: skip
def large_steps_accelerate(part=0.5):
    """With a large step the number of steps to a given error grows like the root of the condition number; with a step of
    classical theory it grows like the condition number itself, up to logarithms.

    Steps from w = 0 to f − f⋆ < 1e-8 at λ = 1e-2 and 1e-4. The exponents of their growth in 1/λ: ``large`` at half of the
    critical step at the minimum, ``small`` at η = 1/(1/4 + λ), one over the largest curvature.
    """
    counts = []
    for lam in (1e-2, 1e-4):
        loss = cf.Loss(LOSS, "w", params={"lam": lam})
        minimum, small = cf.minima(loss)[0], 1 / (0.25 + lam)
        counts.append([_steps(loss, lr, minimum.loss) for lr in (part * minimum.edge or small, small)])
    large, small = np.log(np.array(counts[1]) / counts[0]) / np.log(100)
    return {"large": float(large), "small": float(small), "steps": counts}


def _steps(loss, lr, least):
    w = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [0.0], 20_000).w[:, 0]
    values = np.logaddexp(0, -w) + loss.params["lam"] * w**2 / 2
    return int((values - least < 1e-8).argmax())


def figures():
    """The critical step over λ."""
    return {"edge": _edge}


def _edge():
    import matplotlib.pyplot as plt

    lams = np.logspace(-8, -0.5, 31)
    figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
    axes.semilogx(lams, [_scaled(lam) for lam in lams], ".-")
    axes.set(xlabel="λ", ylabel="critical step · λ ln(1/λ)", ylim=(0, 2.6), title="ln(1 + exp(−w)) + λw²/2")
    return figure
