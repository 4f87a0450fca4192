"""A. Feuer, E. Weinstein, *Convergence analysis of LMS filters with uncorrelated Gaussian data*, IEEE Transactions on Acoustics,
Speech and Signal Processing 33 (1985) 222–230.

Least mean squares, stochastic gradient descent on ½(x·w)² with a new Gaussian x at each step, converges with a finite variance
only for step sizes in an interval significantly smaller than the one commonly stated. Derived here: with η for the step and λ
for the eigenvalues of the covariance of x: second moments obey S⁺ = S − η(HS + SH) + η²(2HSH + tr(HS) H), because E x xᵀSx xᵀ
= 2HSH + tr(HS) H for Gaussian x; on diagonal S the radius is 1 where Σ ηλ/(2 − 2ηλ) = 1.
"""

import itertools

import numpy as np
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
SPECTRA = ((1.0,), (1.0, 2.0), (1.0, 0.5, 0.25), (1.0, 1.0, 0.1, 0.1))
# Equally likely numbers with the moments of a Gaussian up to the fifth, and with its variance only.
GAUSSIAN, SIGNS = (0.0,) * 4 + (3**0.5, -(3**0.5)), (1.0, -1.0)


def _edge(spectrum, batch, numbers):
    """The largest stable rate of SGD on ½(x·w)², the entries of x independent with these variances."""
    from cfdyn.symbolic.loss import make_loss

    d, scale = len(spectrum), np.sqrt(spectrum)
    rows = np.array(list(itertools.product(numbers, repeat=d))) * scale
    w, x = [f"w{i}" for i in range(d)], [f"x{i}" for i in range(d)]
    score = " + ".join(f"{a}*{b}" for a, b in zip(w, x, strict=True))
    loss = cf.Loss.from_spec(make_loss(f"({score})**2/2", w, {}, x, data=rows))
    return cf.mean_square(loss, np.zeros(d), 0.1, batch, cut=0).largest_lr


def _formula(spectrum):
    """The root of Σ ηλ/(2 − 2ηλ) = 1."""
    values = np.array(spectrum)
    return brentq(lambda lr: np.sum(lr * values / (2 - 2 * lr * values)) - 1, 1e-9, (1 - 1e-12) / values.max(), xtol=1e-15)


@CLAIMS.add(
    "abstract (a necessary and sufficient condition; an interval significantly smaller); the formula: own statement",
    {"edges": near([_formula(s) for s in SPECTRA], relative=1e-9), "shares": near([1 / 3, 1 / 4, 1 / 5, 1 / 6], relative=1e-9)},
    Control("entries ±1 in place of Gaussian ones, of the same covariance", changes={"numbers": SIGNS}), figure="edges",
    read="from memory", domain="½(x·w)² without noise, x Gaussian, mean 0, covariance H, a new one each step; E|w|²",
    perturbations=(Control("a fourth moment 2 in place of 3", changes={"numbers": (0.0, 0.0, 2**0.5, -(2**0.5))}),),
    examples="the variances 1; 1, 2; 1, ½, ¼; 1, 1, 0.1, 0.1, and white inputs with 1, 2, 3 and 4 entries",
)  # fmt: skip
def gaussian_threshold(numbers=GAUSSIAN):
    """For independent Gaussian inputs the mean square converges iff ηλ₁ < 1 and Σ ηλ/(2 − 2ηλ) < 1; for white ones with d entries
    these steps are the fraction 1/(d + 2) of the interval below 2/λ₁ in which the mean converges.

    Rows whose moments up to the fifth are those of a Gaussian (each entry is 0 four times of six, and ±√3), all 6ᵈ of them:
    second moments need no more than the fourth. The largest stable rate of `mean_square`. For 1 and 2 it is 4/(9 + √17).
    """
    return {"edges": [_edge(spectrum, 1, numbers) for spectrum in SPECTRA],
            "shares": [_edge((1.0,) * d, 1, numbers) / 2 for d in (1, 2, 3, 4)]}  # fmt: skip


def figures():
    """The largest stable step over the ratio of the two variances."""
    return {"edges": _edges}


def _edges():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    ratios = np.linspace(0.02, 1, 25)
    for numbers, name in ((GAUSSIAN, "Gaussian"), (SIGNS, "±1")):
        axes.plot(ratios, [_edge((1.0, r), 1, numbers) for r in ratios], ".", label=f"{name} entries, single rows")
    axes.plot(ratios, [_formula((1.0, r)) for r in ratios], "k", lw=0.8, label="Σ ηλ/(2 − 2ηλ) = 1")
    axes.axhline(2, color="0.6", ls="--", label="2/λ₁")
    axes.set(xlabel="λ₂ with λ₁ = 1", ylabel="largest stable step", ylim=(0, 2.9), title="LMS with two inputs")
    axes.legend(fontsize=8)
    return figure
