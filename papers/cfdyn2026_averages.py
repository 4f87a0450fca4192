"""The cfdyn project, *Averages and repeated steps under stochastic gradients: two questions of the thread, measured* (2026).

The thread asks whether the mean of the last two iterates beats an exponential moving average (EMA) and whether two steps on
each mini-batch are better than one. On a parabola of curvature λ with noise of variance σ² in the gradient x₊ = ρx − ηξ
with ρ = 1 − ηλ, an autoregression of variance V = η²σ²/(1 − ρ²) and correlations ρᵏ. Hence the mean of two iterates has V(1
+ ρ)/2; an EMA of decay a has V(1 − a)/(1 + a)·(1 + aρ)/(1 − aρ). Without noise a 2-cycle vanishes from the first and is
left with the factor (1 − a)/(1 + a) in the second. So the mean of two wins only where 1 + ρ < about 2((1 − a)/(1 + a))²,
which is very close to the edge; else the EMA does. Two steps with one noise ξ are x₊₊ = ρ²x − (1 + ρ)ηξ, of variance V(1 +
ρ)²/(1 + ρ²): more than V for ηλ < 1, less for ηλ > 1, where the second step undoes part of the overshoot of the first. The
second computations are plain NumPy loops that share nothing with the package, with other seeds.
"""

import numpy as np
from scipy.signal import lfilter

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below, interval, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
SEEDS = range(20)
TOP = 2147483647


def _mean(values):
    error = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return interval(np.mean(values) - error, np.mean(values) + error, f"{len(values)} seeds, 95 %")


def _second_factors():
    ema, line = 1.0, 0.0
    for t in range(1, 4001):
        ema, line = 0.9 * ema + 0.1 * (-1) ** t, 0.9 * line + 0.1 * t
    return {"last_two": 0.0, "ema": float(abs(ema)), "lags": [0.5, float(4000 - line)]}


@CLAIMS.add(
    "here", {"last_two": near(0.0, 1e-12), "ema": near(1 / 19, 1e-9), "lags": near([0.5, 9.0], 1e-9)},
    Control("a 3-cycle, of which the mean of two leaves a half", changes={"formula": "w**3/3 - w", "lr": 1.4159, "start": 0.3}),
    second=_second_factors,
)  # fmt: skip
def factors(formula="logcosh(w)", lr=3.0, start=1.0):
    """The mean of two successive iterates removes a 2-cycle exactly, at a lag of half a step; an EMA with decay a leaves (1 −
    a)/(1 + a) of it, 1/19 for a = 0.9, at a lag of a/(1 − a) = 9 steps.

    Gradient descent on log cosh with η = 3 after 4,000 steps: the largest deviation of each average from the cycle's centre
    over that of the iterates. The lags are those on the steady descent of −w, at the end of 4,000 steps.
    """
    orbit = cf.iterate(cf.as_map(cf.Loss(formula, "w"), cf.optimizers.gd(lr=lr)), [start], 4000)
    ends = [w[-6:, 0] - orbit.w[-6:, 0].mean() for w in (orbit.w, orbit.last_two(), orbit.ema(0.9))]
    sizes = [float(np.abs(end).max()) for end in ends]
    line = cf.iterate(cf.as_map(cf.Loss("-w"), cf.optimizers.gd(lr=1.0)), [0.0], 4000)
    lags = [float(line.w[-1, 0] - average[-1, 0]) for average in (line.last_two(), line.ema(0.9))]
    return {"last_two": sizes[1] / sizes[0], "ema": sizes[2] / sizes[0], "lags": lags}


def _second_noise(rates, n=40000):
    rng, x = np.random.default_rng(7), np.zeros((len(rates), 200))
    last, ema, sums = x.copy(), x.copy(), np.zeros((3, len(rates)))
    for t in range(n // 10):
        last, x = x, x - np.array(rates)[:, None] * (x + rng.choice((-1.0, 1.0), size=x.shape))
        ema = 0.9 * ema + 0.1 * x
        if t > n // 40:
            sums += [(v**2).mean(axis=1) for v in (x, (x + last) / 2, ema)]
    return (sums[1] / sums[0]).tolist(), (sums[2] / sums[0]).tolist()


def _second_averages_of_noise():
    return dict(zip(("last_two", "ema"), _second_noise((0.5, 1.5, 1.8)), strict=True))


def _second_last_two_or_ema():
    two, ema = _second_noise((1.8, 1.998))
    return {"off_the_edge": two[0] / ema[0], "at_the_edge": two[1] / ema[1]}


@CLAIMS.add(
    "here", {"last_two": near([0.75, 0.25, 0.1], relative=0.05), "ema": near([0.1388, 0.01996, 0.00857], relative=0.1)},
    Control("iterates without correlation, of which the mean of two keeps a half", expected={"last_two": near([0.5] * 3, 0.1)}),
    figure="averages",
    second=_second_averages_of_noise,
)  # fmt: skip
def averages_of_noise():
    """Under noise the mean of two has (1 + ρ)/2 of the iterates' variance, an EMA with decay a has (1 − a)/(1 + a)·(1 +
    aρ)/(1 − aρ).

    A parabola with noise ±1 in the gradient, ηλ = 0.5, 1.5, 1.8 (ρ = 0.5, −0.5, −0.8), a = 0.9: ratios of mean squares over
    20,000 steps.
    """
    found = [[_ratios(lr, seed, 20000) for seed in SEEDS] for lr in (0.5, 1.5, 1.8)]
    return {"last_two": [_mean([r[0] for r in runs]) for runs in found], "ema": [_mean([r[1] for r in runs]) for runs in found]}


@CLAIMS.add(
    "here", {"off_the_edge": above(5.0), "at_the_edge": below(0.7)},
    Control("decay 0.5, which the mean of two beats from ηλ = 1.78 on", changes={"decay": 0.5}), figure="averages",
    second=_second_last_two_or_ema,
)  # fmt: skip
def last_two_or_ema(decay=0.9):
    """Under noise an EMA (0.9) beats the mean of the last two iterates, except within 0.3 % of the edge, where the 2-cycle is
    all there is.

    Mean square of the mean of two over that of the EMA at ηλ = 1.8 (11.7 by the formulas) and at 1.998 (0.35); they are equal
    at 1.9942. 20 seeds of 40,000 steps.
    """
    found = [[_ratios(lr, seed, 40000, decay) for seed in SEEDS] for lr in (1.8, 1.998)]
    off, at = ([r[0] / r[1] for r in runs] for runs in found)
    return {"off_the_edge": _mean(off), "at_the_edge": _mean(at)}


def _second_two_steps():
    rng, found = np.random.default_rng(9), []
    for lr in (0.5, 1.0, 1.5):
        one, two, sums = np.zeros(400), np.zeros(400), np.zeros(2)
        for t in range(3000):
            xi = rng.choice((-1.0, 1.0), size=(2, 400))
            for k in (0, 1):
                one, two = one - lr * (one + xi[k]), two - lr * (two + xi[0])
            sums += [(one**2).mean(), (two**2).mean()] if t > 50 else [0, 0]
        found.append(float(sums[1] / sums[0]))
    return {"ratios": found}


@CLAIMS.add(
    "here", {"ratios": near([1.8, 1.0, 0.2], relative=0.06)},
    Control("new noise at the second step", changes={"repeat": 1}), figure="two_steps", second=_second_two_steps,
)  # fmt: skip
def two_steps_on_a_parabola(repeat=2):
    """Two steps on each mini-batch multiply the variance by (1 + ρ)²/(1 + ρ²): they do harm for ηλ < 1 and good for ηλ > 1.

    Mean squares after every second step over those with new noise at each step, ηλ = 0.5, 1, 1.5: 1.8, 1, 0.2. The same
    number of gradients for both. 20 seeds of 20,000 steps.
    """
    squares = [[[_square(lr, seed, k) for seed in SEEDS] for k in (repeat, 1)] for lr in (0.5, 1.0, 1.5)]
    return {"ratios": [_mean(np.divide(*pair)) for pair in squares]}


def _parabola(lr, seed, n, repeat=1):
    """Iterates of x ← x − η(x ± 1), each sign for ``repeat`` steps; s is a Lehmer generator, h counts the steps."""
    advance, count = f"mod(48271*s, {TOP})", f"h < {repeat - 1.5}"
    sign = f"Piecewise((1, s < {TOP / 2!r}), (-1, True))"
    rules = [f"x - lr*(x + {sign})", f"Piecewise((s, {count}), ({advance}, True))", f"Piecewise((h + 1, {count}), (0, True))"]
    step = cf.Map.from_text(rules, "x s h", params={"lr": lr})
    return cf.iterate(step, [0.0, float(np.random.default_rng(seed).integers(1, TOP)), 0.0], n).z[:, 0]


def _square(lr, seed, repeat):
    """Mean square at the end of every second step."""
    return float((_parabola(lr, seed, 20000, repeat)[100::2] ** 2).mean())


def _ratios(lr, seed, n, decay=0.9):
    """Mean squares of the mean of two and of the EMA over that of the iterates, after a tenth of the steps."""
    x = _parabola(lr, seed, n)
    ema = lfilter([1 - decay], [1, -decay], x)
    squares = [float((v[n // 10 :] ** 2).mean()) for v in (x[1:], (x[1:] + x[:-1]) / 2, ema[1:])]
    return squares[1] / squares[0], squares[2] / squares[0]


def figures():
    """Which average is better; two steps against one."""
    return {"averages": _averages, "two_steps": _two_steps}


def _averages():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    rates, fine = [0.2, 0.5, 1.0, 1.5, 1.8, 1.9, 1.95, 1.98, 1.995], np.linspace(0.1, 1.999, 400)
    axes.semilogy(rates, [np.mean([_ratios(lr, seed, 20000) for seed in range(5)], axis=0) for lr in rates], "o")
    axes.set_prop_cycle(None)
    axes.semilogy(fine, 1 - fine / 2, label="mean of two")
    axes.semilogy(fine, (1 + 0.9 * (1 - fine)) / (1 - 0.9 * (1 - fine)) / 19, label="EMA, decay 0.9")
    axes.set(xlabel="η λ", ylabel="variance over that of the iterates", title="Averages under noise: measured, and the formulas")
    axes.legend()
    return figure


def _two_steps():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    rates, fine = np.linspace(0.2, 1.8, 9), np.linspace(0.05, 1.95, 200)
    for seed in range(5):
        axes.plot(rates, np.divide(*([_square(lr, seed, k) for lr in rates] for k in (2, 1))), "C0.")
    axes.plot(fine, (2 - fine) ** 2 / (1 + (1 - fine) ** 2), "k", lw=0.8, label="(1 + ρ)²/(1 + ρ²), ρ = 1 − ηλ")
    axes.set(xlabel="η λ", ylabel="variance, two steps over one", title="Two steps on each mini-batch, five seeds")
    axes.legend()
    return figure
