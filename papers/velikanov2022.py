"""M. Velikanov, D. Kuznedelev, D. Yarotsky, *A view of mini-batch SGD via generating functions: conditions of convergence, phase
transitions, benefit from negative momenta*, ICLR 2023, arXiv 2206.11124 (2022).

The second moments of mini-batch SGD on linear models close in the eigenvalues of the Hessian alone where the mean of xxᵀSxxᵀ is
τ₁ tr(HS) H − (τ₂ − 1) HSH, "spectrally expressible" noise: for translation-invariant models (τ₁ = τ₂ = 1) and Gaussian features
(1, −1). Stability conditions are then explicit. Without momentum (our derivation), with c the variance of a batch's mean over a
row's, M is I − η(H ⊕ H) + η²[(1 − cτ₂) H ⊗ H + cτ₁ H tr(H ·)], and its radius is 1 where η c τ₁ Σ λ/(2 − (1 − cτ₂) ηλ) = 1.
"""

import itertools

import numpy as np
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
RING, POINTS = (1.0, 0.6, 0.3, 0.1), 17
PAIR = (1.0, 0.4)
RING_BATCHES = ((1, True), (3, True), (10, True), (3, False), (10, False))


def _share(n, batch, replace):
    return 1 / batch if replace else (n - batch) / (batch * (n - 1))


def _condition(spectrum, share, second):
    """The η with η c Σ λ/(2 − (1 − cτ₂)ηλ) = 1."""
    values = np.array(spectrum)
    top = 2 / values.max() / max(1 - share * second, 1e-9)

    def excess(lr):
        return lr * share * np.sum(values / (2 - (1 - share * second) * lr * values)) - 1

    return float(brentq(excess, 1e-9, min(top, 1e3) * (1 - 1e-12), xtol=1e-15))


def _edge(x, batch, replace=True):
    from cfdyn.symbolic.loss import make_loss

    w, names = [f"w{i}" for i in range(x.shape[1])], [f"x{i}" for i in range(x.shape[1])]
    score = " + ".join(f"{a}*{b}" for a, b in zip(w, names, strict=True))
    loss = cf.Loss.from_spec(make_loss(f"({score})**2/2", w, {}, names, data=x))
    return cf.mean_square(loss, np.zeros(x.shape[1]), 0.1, batch, replace, cut=0).largest_lr


def _ring(even=True):
    """Waves cos kθ, sin kθ of the mean squares RING at points of a circle: rows of a translation-invariant model."""
    turns = np.arange(POINTS) / POINTS if even else np.random.default_rng(0).uniform(size=POINTS)
    phases = 2 * np.pi * np.outer(turns, np.arange(1, len(RING) + 1))
    return np.hstack([np.sqrt(2 * np.array(RING)) * wave(phases) for wave in (np.cos, np.sin)])


@CLAIMS.add(
    "abstract (explicit stability conditions; this one is derived here)",
    {"edges": near([_condition(2 * RING, _share(POINTS, *case), 1) for case in RING_BATCHES], relative=1e-9)},
    Control("points at random places", changes={"even": False}), figure="batches",
    domain="translation-invariant linear models, squared error, solvable; SGD without momentum, in the mean square",
    examples="17 points on a circle, cosines and sines of four frequencies, λ = 1, 0.6, 0.3, 0.1; b = 1, 3, 10 with and b = 3, "
             "10 without replacement",
    perturbations=(Control("eigenvalues 1 % larger", changes={"stretch": 1.01}),),
)  # fmt: skip
def translation_invariant(even=True, stretch=1.0):
    """For a translation-invariant linear model SGD with batches of b of n rows is stable in the mean square iff η c Σ λ/(2 − (1 −
    c)ηλ) < 1, with c = 1/b, or (n − b)/(b(n − 1)) without replacement, and all (1 − c)ηλ < 2.

    The largest stable rate of `mean_square`, from the rows, against the condition, from the eigenvalues.
    """
    return {"edges": [_edge(_ring(even) * stretch**0.5, *case) for case in RING_BATCHES]}


@CLAIMS.add(
    "abstract (explicit stability conditions; this one is derived here)",
    {"edges": near([_condition(PAIR, 1 / b, -1) for b in (1, 2, 8)], relative=1e-9)},
    Control("entries ±1, whose noise is not spectrally expressible in this way", changes={"numbers": (1.0, -1.0)}),
    figure="batches",
    domain="linear models with Gaussian features, squared error, solvable; SGD without momentum, in the mean square",
    examples="36 rows with the moments of a Gaussian up to the fifth, variances 1 and 0.4; b = 1, 2, 8 with replacement",
    perturbations=(Control("another fourth moment", changes={"numbers": (0.0,) * 4 + (1.7, -1.7)}),),
)  # fmt: skip
def gaussian_features(numbers=(0.0,) * 4 + (3**0.5, -(3**0.5))):
    """For Gaussian features SGD with batches of b rows, c = 1/b, is stable in the mean square iff η c Σ λ/(2 − (1 + c)ηλ) < 1 and
    all (1 + c)ηλ < 2.

    Fourth moments decide: the largest stable rate of `mean_square`, from the rows, against the condition.
    """
    x = np.array(list(itertools.product(numbers, repeat=2))) * np.sqrt(PAIR)
    return {"edges": [_edge(x, b) for b in (1, 2, 8)]}


def figures():
    """Largest stable rates over the batch size."""
    return {"batches": _batches}


def _batches():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    sizes = [1, 2, 3, 4, 6, 8, 12, 17]
    for replace, mark in ((True, "o"), (False, "s")):
        words = "with" if replace else "without"
        axes.plot(sizes, [_edge(_ring(), b, replace) for b in sizes], mark, ms=4, label=f"{words} replacement")
        shares = [_share(POINTS, b, replace) for b in sizes]
        formula = [_condition(2 * RING, c, 1) if c else 2 / RING[0] for c in shares]
        axes.plot(sizes, formula, "k-", lw=0.7, label="condition" if replace else None)
    axes.axhline(2 / RING[0], color="0.6", ls=":", label="2/λ₁")
    axes.set(xlabel="batch size", ylabel="largest stable rate", title="17 points on a circle, four frequencies")
    axes.legend()
    return figure
