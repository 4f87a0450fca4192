"""B. T. Polyak, A. B. Juditsky, *Acceleration of stochastic approximation by averaging*, SIAM J. Control Optim. 30 (1992)
838–855.

The mean of all iterates of a stochastic gradient method converges to the minimum at the highest possible rate: its covariance
times the number of steps tends to H⁻¹CH⁻¹, C the covariance of the gradient's noise.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, interval, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
CURVATURE, SIGMA, STEPS, SEEDS = 2.0, 0.5, 4000, 400


@CLAIMS.add(
    "theorem on linear problems", {"scaled": near([1.0, 1.0, 1.0], 0.2)},
    Control("the last iterate in place of the mean", changes={"mean": False}), figure="averages", read="from memory",
    domain="quadratics of curvature λ with independent noise of variance σ² in the gradient; constant η, 0 < ηλ < 2",
    examples="λ = 2, σ = 0.5, η = 0.1, 0.3, 0.7, t = 4,000, 400 runs each",
    perturbations=(Control("the mean of the last half only", changes={"skip": 0.5}),
                   Control("σ larger by a third", changes={"sigma": 4 / 3 * SIGMA})),
)  # fmt: skip
def covariance_of_the_mean(mean=True, skip=0.0, sigma=SIGMA):
    """The variance of the mean of t iterates is σ²/(λ²t) for large t, whatever the step size.

    From 0: t·λ²/σ² times the sample variance, with the 95 % interval of a χ² with 400 degrees of freedom, which must lie
    within 0.2 of 1. Exactly it is 1 + O(1/(ηλt)), here within 0.3 %.
    """
    found = []
    for lr in (0.1, 0.3, 0.7):
        runs = [_run(lr, seed, sigma) for seed in range(SEEDS)]
        ends = np.array([x[1 + int(skip * STEPS) :].mean() if mean else x[-1] for x in runs])
        found.append(_variance(ends, STEPS * CURVATURE**2 / SIGMA**2))
    return {"scaled": found}


@CLAIMS.add(
    "own statement", {"ratio": near(0.3 * 2 * 4000 / (2 - 0.6), relative=0.2)},
    Control("an exponential average with decay 0.9", changes={"decay": 0.9}), figure="averages",
    domain="quadratics of curvature λ with independent noise of variance σ² in the gradient; constant η, 0 < ηλ < 2, large t",
    examples="λ = 2, σ = 0.5, η = 0.3, t = 4,000, 400 runs",
    perturbations=(Control("the mean of the last half only", changes={"skip": 0.5}),),
)  # fmt: skip
def against_the_last(decay=0.0, skip=0.0, lr=0.3):
    """With a constant step the iterates keep the variance ησ²/(λ(2 − ηλ)); their mean does not: it is better by the factor
    ηλt/(2 − ηλ).

    The sample variance of the last iterate over that of the mean (expected 1,714): both known to about 14 % at 95 %. The control
    compares with an exponential average, of which the variance does not fall with t.
    """
    runs = [_run(lr, seed) for seed in range(SEEDS)]
    means = [float(_ema(x, decay)) if decay else x[1 + int(skip * STEPS) :].mean() for x in runs]
    return {"ratio": float(np.mean([x[-1] ** 2 for x in runs]) / np.mean(np.square(means)))}


@CLAIMS.add(
    "own statement", {"transient": near(100 * (0.4 / 0.6) / 4000 / (0.25 / np.sqrt(4000)), relative=1e-9)},
    Control("the mean of the last half only", changes={"skip": 0.5}),
    domain="w², one weight, from 100 without noise; η = 0.3, the mean of 4,000 iterates, σ = 0.5",
    perturbations=(Control("η = 0.303", changes={"lr": 0.303}),),
)  # fmt: skip
def start_is_forgotten_slowly(skip=0.0, lr=0.3):
    """The mean of all iterates forgets the start only as 1/t, the iterates geometrically: 4,000 steps after a start at 100 the
    mean is still 4.2 times as far from the minimum as the noise alone would put it.

    The distance of the mean over the standard deviation σ/(λ√t). In closed form 100(1 − ηλ)/(ηλt) over 0.25/√4000; the last
    iterate is at 0 long before.
    """
    step = cf.as_map(cf.Loss("x**2"), cf.optimizers.gd(lr=lr))
    x = cf.iterate(step, [100.0], STEPS).w[1 + int(skip * STEPS) :, 0]
    return {"transient": float(abs(x.mean()) / (SIGMA / CURVATURE / np.sqrt(STEPS)))}


def _run(lr, seed, sigma=SIGMA):
    """Iterates of x ← x − η(2x ± σ); the sign comes from a Lehmer generator in the state."""
    top = 2147483647
    rule = f"x - lr*({CURVATURE}*x + Piecewise(({sigma}, s < {top / 2!r}), (-{sigma}, True)))"
    step = cf.Map.from_text([rule, f"mod(48271*s, {top})"], "x s", params={"lr": lr})
    return cf.iterate(step, [0.0, float(np.random.default_rng(seed).integers(1, top))], STEPS).z[:, 0]


def _variance(values, unit):
    """unit × the mean square of values whose mean is 0, with its 95 % interval."""
    from scipy.stats import chi2

    n, total = len(values), unit * float(np.sum(np.square(values)))
    return interval(total / chi2.ppf(0.975, n), total / chi2.ppf(0.025, n), f"{n} seeds, 95 %")


def _ema(x, decay):
    weights = decay ** np.arange(len(x))[::-1] * (1 - decay)
    return weights @ x


def figures():
    """Spread of iterates and of means over time."""
    return {"averages": _averages}


def _averages():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    t = np.arange(1, STEPS + 1)
    for lr in (0.1, 0.7):
        runs = np.array([_run(lr, seed)[1:] for seed in range(60)])
        means = np.cumsum(runs, axis=1) / t
        line = axes.loglog(t, np.sqrt((means**2).mean(axis=0)), label=f"means, η = {lr}")[0]
        axes.loglog(t, np.sqrt((runs**2).mean(axis=0)), color=line.get_color(), lw=0.4, label=f"iterates, η = {lr}")
    axes.loglog(t, SIGMA / CURVATURE / np.sqrt(t), "k--", lw=0.8, label="σ/(λ√t)")
    axes.set(xlabel="step", ylabel="root mean square of 60 runs", title="A parabola with noise in the gradient")
    axes.legend(fontsize="small")
    return figure
