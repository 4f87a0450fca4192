"""The cfdyn project, *Averages and repeated steps under stochastic gradients, on a network* (2026).

On a parabola with noise an exponential moving average (EMA) of decay a has (1 − a)/(1 + a)·(1 + aρ)/(1 − aρ) of the iterates'
variance, the mean of the last two (1 + ρ)/2, ρ = 1 − ηλ, and two steps on each mini-batch multiply the variance by (1 +
ρ)²/(1 + ρ²), which is above 1 for ηλ < 1 and below for ηλ > 1. If a network near its minimum is a sum of such parabolas, then
its loss, to which each direction adds λ/2 of its variance, should be lower at the EMA than at the mean of two, should rise by
the second step at moderate rates and fall by it at large ones, where the directions with ηλ > 1 dominate. That is a
prediction, not a proof: curvatures differ from batch to batch, and the flat directions still move. The network is two tanh
units on eight rows, with seven weights; its minimum has the sharpness 1.586. The second computations are plain NumPy loops
over the network's formulas with other orders of the rows.
"""

from functools import cache

import numpy as np
from scipy.signal import lfilter

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below, interval

CLAIMS = Claims(__name__, __doc__, read="the paper")
SEEDS = range(20)
X = np.arange(-1.75, 2, 0.5)
Y = np.array([0, 0.2, 0.6, 1, 0.8, 0.2, -0.4, -0.6])
ALL = np.tile(X, (20, 1))
RATES = {"far": 0.4, "near": 0.8}
FULL = cf.losses.tanh_network()


def _mean(values):
    error = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return interval(np.mean(values) - error, np.mean(values) + error, f"{len(values)} seeds, 95 %")


def _forward(w, x):
    """Outputs (seeds, rows) and their derivatives in the seven weights."""
    w1, w2, b1, b2, a1, a2, c = (column[:, None] for column in w.T)
    s, t = np.tanh(w1 * x + b1), np.tanh(w2 * x + b2)
    p, q = a1 * (1 - s * s), a2 * (1 - t * t)
    return a1 * s + a2 * t + c, np.stack([p * x, q * x, p, q, s, t, np.ones_like(s)], axis=-1)


def _losses(w):
    return ((_forward(w, ALL)[0] - Y) ** 2).mean(axis=1)


def _plain(lr, repeat, seed):
    """Weights (20, 7) of all starts at each of 2,000 steps, in plain loops."""
    rng, order = np.random.default_rng(seed), np.empty(0)
    w = np.stack([0.7 * np.random.default_rng(k).normal(size=7) for k in SEEDS])
    for t in range(2000):
        if t % (4 * repeat) == 0:
            order = np.stack([rng.permutation(8) for _ in SEEDS])
        rows = order[:, t // repeat % 4 * 2 :][:, :2]
        f, slopes = _forward(w, X[rows])
        w = w - lr * ((f - Y[rows])[..., None] * slopes).mean(axis=1)
        yield w


def _second_network():
    found = {}
    for name, lr in RATES.items():
        runs = [list(_plain(lr, repeat, 1000))[1600:] for repeat in (1, 2)]
        one, two = (np.median([_losses(w) for w in run], axis=0) for run in runs)
        found[name] = float(np.log(two / one).mean())
    return found


@CLAIMS.add(
    "here", {"far": above(0.05), "near": below(-0.05)},
    Control("one step for both", changes={"repeats": (1, 1)}), figure="rates", second=_second_network,
    domain="`tanh_network` with eight rows, reshuffled batches of 2, 2,000 steps; η = 0.4 and 0.8; the mean over 20 starts",
    perturbations=(Control("both at η = 0.8", changes={"rates": (0.8, 0.8)}),
                   Control("both at η = 0.4", changes={"rates": (0.4, 0.4)})),
)  # fmt: skip
def two_steps_on_a_network(repeats=(1, 2), rates=(0.4, 0.8)):
    """On a tanh network of seven weights two steps on each mini-batch raise the final loss at η = 0.4 and lower it at 0.8, at
    the same number of gradients.

    Seven weights, eight rows, reshuffled batches of 2, η = 0.4 and 0.8 (at the minimum ηλ₁ = 0.63 and 1.27): logarithm of the
    loss with two steps over that with one, medians over the last 400 of 2,000 steps, 20 starts with a seed each.
    """
    found = {}
    for name, lr in zip(RATES, rates, strict=True):
        one, two = ([np.median(_network(lr, seed, repeat)[1]) for seed in SEEDS] for repeat in repeats)
        found[name] = _mean(np.log(np.divide(two, one)))
    return found


def _second_averages():
    found = {}
    for name, lr in RATES.items():
        runs = list(_plain(lr, 1, 2000))
        ema, losses = runs[0], []
        for last, w in zip(runs, runs[1:]):
            ema = 0.9 * ema + 0.1 * w
            losses.append([_losses((w + last) / 2), _losses(ema)])
        two, one = np.median(losses[1600:], axis=0)
        found[name] = float(np.log(two / one).mean())
    return found


@CLAIMS.add(
    "here", {"far": above(0.11), "near": above(0.52)},
    Control("an EMA that hardly averages, decay 0.1", changes={"decay": 0.1}), figure="rates", second=_second_averages,
    domain="`tanh_network` with eight rows, reshuffled batches of 2, 2,000 steps; η = 0.4 and 0.8; the mean over 20 starts",
    perturbations=(Control("decay 0.5", changes={"decay": 0.5}),),
)  # fmt: skip
def averages_on_a_network(decay=0.9):
    """On a tanh network of seven weights, batches of 2, the loss at an EMA (decay 0.9) of the weights is lower than at the mean
    of the last two, by more than 10 % at η = 0.4 and 40 % at 0.8.

    Logarithm of the loss at the mean of two over that at the EMA, medians over the last 400 of 2,000 steps, η = 0.4 and 0.8,
    20 seeds. All of these steps count: an epoch has four, and the ratio depends on the place in it.
    """
    found = {}
    for name, lr in RATES.items():
        values = []
        for seed in SEEDS:
            w = np.array(_network(lr, seed, 1)[0])
            two, one = (w[1:] + w[:-1]) / 2, lfilter([1 - decay], [1, -decay], w, axis=0)
            losses = [np.median([FULL.value(row) for row in rows[-400:]]) for rows in (two, one)]
            values.append(np.log(losses[0] / losses[1]))
        found[name] = _mean(values)
    return found


@cache
def _pairs():
    """A step of gradient descent for each pair of rows."""
    row = "(a1*tanh(w1*x{k} + b1) + a2*tanh(w2*x{k} + b2) + c - y{k})**2/4"
    names = {f"{name}{k}": 0.0 for k in (1, 2) for name in "xy"}
    loss = cf.Loss(" + ".join(row.format(k=k) for k in (1, 2)), "w1 w2 b1 b2 a1 a2 c", params=names)
    step = cf.as_map(loss, cf.optimizers.gd(lr=0.1))
    return {(i, j): step.at(x1=X[i], y1=Y[i], x2=X[j], y2=Y[j]) for i in range(8) for j in range(i + 1, 8)}


@cache
def _network(lr, seed, repeat, steps=2000):
    """Weights of the last 500 steps and losses of every third of the last 400, with reshuffled batches of two rows."""
    data = {rows: step.at(lr=lr).p for rows, step in _pairs().items()}
    rule = _pairs()[0, 1].rule("step")
    rng, w, kept = np.random.default_rng(100 + seed), 0.7 * np.random.default_rng(seed).normal(size=7), []
    while len(kept) < steps:
        order = rng.permutation(8)
        for k in range(0, 8, 2):
            for _ in range(repeat):
                w = rule(w, data[tuple(sorted(order[k : k + 2].tolist()))])
                kept.append(w)
    return kept[steps - 500 : steps], [FULL.value(row) for row in kept[steps - 400 : steps : 3]]


def figures():
    """Losses over the rate."""
    return {"rates": _figure}


def _figure():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
    rates = (0.2, 0.4, 0.6, 0.8)
    for repeat, label in ((1, "one step on each mini-batch"), (2, "two steps")):
        axes.semilogy(
            rates, [np.median([np.median(_network(lr, seed, repeat)[1]) for seed in range(8)]) for lr in rates], "o-", label=label
        )
    runs = {lr: [np.array(_network(lr, seed, 1)[0]) for seed in range(8)] for lr in rates}
    two = [np.median([FULL.value((w[k] + w[k - 1]) / 2) for w in runs[lr] for k in range(100, 500, 8)]) for lr in rates]
    emas = {lr: [lfilter([0.1], [1, -0.9], w, axis=0) for w in runs[lr]] for lr in rates}
    one = [np.median([FULL.value(w[k]) for w in emas[lr] for k in range(100, 500, 8)]) for lr in rates]
    axes.semilogy(rates, two, "s--", label="at the mean of the last two")
    axes.semilogy(rates, one, "^--", label="at the EMA, decay 0.9")
    axes.set(xlabel="learning rate", ylabel="loss (median)", title="Tanh network, batches of 2 of 8 rows, 8 starts")
    axes.legend(fontsize="small")
    return figure
