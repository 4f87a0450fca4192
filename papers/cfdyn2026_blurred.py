"""The cfdyn project, *A cycle blurred by noise, or none: period 2 and averages under stochastic gradients* (2026).

"Very nice, but only useful if it also works with stochastic gradients", says the thread. Two of its questions are asked here:
does the 2-cycle of the edge survive, and do averages of the iterates help on a net? What averages and two steps with each
batch do on a parabola is in `cfdyn2026_averages`.

Along a direction of curvature λ a step with noise ξ of variance σ² is u⁺ = au − ηξ, a = 1 − ηλ. For ηλ > 1 it alternates, and
near the edge for about 1/(1 + a) steps on end, without any cycle: for normal noise (−1)ᵗu is a normal number, of excess
kurtosis 0. A 2-cycle has two points, where that is −2.

The net is that of the project's notes on stochastic gradients: two hidden tanh units on 12 points of sin 2x. The second
computations are plain NumPy loops with other random numbers and other measures.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, below, interval
from cfdyn.symbolic.loss import make_loss

CLAIMS = Claims(__name__, __doc__, read="the paper")
X = np.linspace(-2.0, 2.0, 12)
Y = np.sin(2 * X)
PLACE = (-0.63, -2.19, 0.0, 0.0, 3.09, -2.31)  # where runs with η = 0.4 stay
RUNS, STEPS = 12, 1500
SETTINGS = {"rate_01_batch_2": (0.1, 2), "rate_02_batch_4": (0.2, 4), "rate_04_batch_12": (0.4, 12)}
NET = "a tanh net of two hidden units and six weights on 12 points of sin 2x, squared error"


@cache
def _net():
    row = "(a1*tanh(w1*x + b1) + a2*tanh(w2*x + b2) - y)**2/2"
    return cf.Loss.from_spec(make_loss(row, "w1 w2 b1 b2 a1 a2".split(), {}, ["x", "y"], data=np.column_stack([X, Y])))


@cache
def _sharp(batch, rate):
    """The last 1000 steps of each run along the sharpest direction at their mean, (runs, 1000)."""
    runs = cf.iterate_many(_net(), cf.optimizers.gd(lr=rate), PLACE, STEPS, batch, RUNS, measured=0, seed=2)
    return np.array([runs.run(k).w[-1000:] @ runs.direction[-1] for k in range(RUNS)])


def _swing(u):
    """(−1)ᵗ times the third differences of a series, in which slow motion has no part."""
    fast = np.diff(u, 3, axis=-1) / 8
    return fast * (-1.0) ** np.arange(fast.shape[-1])


def _kurtosis(v):
    return float(np.median((v**4).mean(axis=-1) / (v**2).mean(axis=-1) ** 2 - 3))


def _second_cycle():
    """With rows by their multinomial counts; the period is that of the highest line, if it holds half of the power."""
    counts = {}
    for name, batch in (("small", 12), ("large", 3000)):
        u = _plain_sharp(batch)
        power = np.abs(np.fft.rfft(u - u.mean(axis=1, keepdims=True), axis=1)) ** 2
        counts[name] = int((power[:, -1] > 0.5 * power[:, :].sum(axis=1)).sum())
    return counts


def _plain_runs(batch, rate, steps, runs=RUNS, seed=11, start=PLACE):
    """All runs at once, (steps + 1, runs, 6)."""
    rng, w = np.random.default_rng(seed), np.tile(np.array(start), (runs, 1))
    kept = [w]
    for _ in range(steps):
        share = rng.multinomial(batch, np.full(12, 1 / 12), size=runs) / batch
        hidden = np.tanh(w[:, None, :2] * X[:, None] + w[:, None, 2:4])
        error = ((hidden * w[:, None, 4:]).sum(axis=2) - Y) * share
        slope = error[:, :, None] * w[:, None, 4:] * (1 - hidden**2)
        moved = [(slope * X[:, None]).sum(axis=1), slope.sum(axis=1), (error[:, :, None] * hidden).sum(axis=1)]
        w = w - rate * np.concatenate(moved, axis=1)
        kept.append(w)
    return np.array(kept)


@cache
def _plain_sharp(batch):
    w = _plain_runs(batch, 0.4, STEPS)[-1000:]
    fast = np.diff(w, 3, axis=0).reshape(-1, 6)
    return (w @ np.linalg.eigh(fast.T @ fast)[1][:, -1]).T


@CLAIMS.add(
    "here", {"small": at_most(1), "large": at_least(10)},
    Control("twice with 12 rows", changes={"batches": (12, 12)}), figure="swings", second=_second_cycle,
    domain=f"{NET}; η = 0.4; 12 runs of 1500 steps from one place, rows drawn with replacement",
    perturbations=(Control("300 rows in place of 3000", changes={"batches": (12, 300)}),
                   Control("3000 rows in place of 12", changes={"batches": (3000, 3000)})),
)  # fmt: skip
def two_cycle_of_large_batches(batches=(12, 3000)):
    """On a small net period 2 is found along the sharpest direction in at least ten of 12 runs with batches of 3000 rows, drawn
    with replacement from 12, and in at most one with batches of 12.

    The net with η = 0.4 (2/η = 5), b rows drawn with replacement: in how many of 12 runs `oscillation` finds the period 2 in the
    last 1000 of 1500 steps, along the sharpest direction, for b = 12 and b = 3000. Second: in how many the
    highest line of the spectrum has half of the power.
    """
    counts = [sum(cf.analysis.oscillation(u).period == 2 for u in _sharp(batch, 0.4)) for batch in batches]
    return {"small": counts[0], "large": counts[1]}


def _second_blur():
    found = {}
    for name, batch in (("small", 24), ("middle", 96), ("large", 1000)):
        found[name] = _kurtosis(_swing(_plain_sharp(batch)))
    return found | {"slips": float((np.diff(np.sign(_swing(_plain_sharp(96)))) != 0).mean())}


@CLAIMS.add(
    "here", {"small": above(0.0), "middle": below(-0.3), "large": below(-1.7), "slips": below(0.1)},
    Control("below the edge, η = 0.1", changes={"rate": 0.1}), figure="swings", second=_second_blur,
    domain=f"{NET}; η = 0.4; medians over 12 runs of 1500 steps from one place, rows drawn with replacement",
    perturbations=(Control("24 rows in place of 96", changes={"batches": (24, 24, 1000)}),
                   Control("96 rows in place of 24 and of 1000", changes={"batches": (96, 96, 96)})),
)  # fmt: skip
def blurred_or_none(rate=0.4, batches=(24, 96, 1000)):
    """On a small net (−1)ᵗ times the fast part along the sharpest direction takes nearly two values with batches of 1000 rows,
    excess kurtosis below −1.7; with 96 it is between those and normal numbers, below −0.3, and changes its sign in less than
    a tenth of the steps; with 24 it is above 0.

    The kurtosis is −2 for a 2-cycle, 0 for normal numbers, above where their variance changes; ``slips``: how often a step
    changes the sign at b = 96. The fast part: third differences, in which slow motion has hardly a part.
    """
    found = dict(zip(("small", "middle", "large"), (_kurtosis(_swing(_sharp(b, rate))) for b in batches), strict=True))
    return found | {"slips": float((np.diff(np.sign(_swing(_sharp(batches[1], rate)))) != 0).mean())}


@cache
def _losses(rate, batch, decay=0.99, runs=24):
    """For each run the mean loss of iterates and of averages over the last 1000 steps."""
    many = cf.iterate_many(_net(), cf.optimizers.gd(lr=rate), PLACE, 3000, batch, runs, measured=0, seed=4)
    found = []
    for k in range(runs):
        run = many.run(k)
        series = {"iterates": run.w, "last_two": run.last_two(), "ema": run.ema(decay)}
        found.append({name: _loss(w[-1000::5]) for name, w in series.items()})
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def _loss(w):
    residual = np.tanh(w[..., None, :2] * X[:, None] + w[..., None, 2:4]) * w[..., None, 4:]
    return float(((residual.sum(axis=-1) - Y) ** 2).mean() / 2)


def _mean(values):
    error = 2 * np.std(values, ddof=1) / np.sqrt(len(values))
    return interval(np.mean(values) - error, np.mean(values) + error, f"{len(values)} runs, 95 %")


def _second_losses():
    found = {}
    for name, (rate, batch) in SETTINGS.items():
        w = _plain_runs(batch, rate, 3000, 24)
        ema, sums = w[-1600], []
        for k in range(-1599, 0):
            ema = 0.99 * ema + 0.01 * w[k]
            sums += [ema] if k >= -1000 else []
        own = _loss(w[-1000:])
        found |= {f"last_two_{name}": _loss((w[-1001:-1] + w[-1000:]) / 2) / own, f"ema_{name}": _loss(np.array(sums)) / own}
    return found


@CLAIMS.add(
    "here", {f"last_two_{name}": below(0.9) for name in SETTINGS} | {f"ema_{name}": below(0.7) for name in SETTINGS},
    Control("a rate at which no noise matters, η = 0.002", changes={"factor": 0.02}), figure="averages",
    second=_second_losses,
    domain=f"{NET}; η = 0.1, b = 2; η = 0.2, b = 4; η = 0.4, b = 12; 24 runs of 3000 steps from one place",
    perturbations=(Control("a decay of 0.3", changes={"decay": 0.3}), Control("a tenth of the rates", changes={"factor": 0.1})),
)  # fmt: skip
def averages_of_a_net(factor=1.0, decay=0.99):
    """On a small net, with three pairs of rate and batch, the loss at the mean of the last two iterates is on average lower by a
    tenth or more than at the iterates, at an exponential average of decay 0.99 by three tenths or more.

    Mean loss of the average over that of the iterates, last 1000 of 3000 steps, all 12 rows; intervals over the runs.
    """
    found = {}
    for name, (rate, batch) in SETTINGS.items():
        losses = _losses(factor * rate, batch, decay)
        for average in ("last_two", "ema"):
            found[f"{average}_{name}"] = _mean(losses[average] / losses["iterates"])
    return found


def figures():
    """The swing with three batches; losses of averages."""
    return {"swings": _swings, "averages": _averages}


def _swings():
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained", sharey=True)
    for axes, batch in zip(panels, (24, 96, 1000), strict=True):
        axes.hist(_swing(_sharp(batch, 0.4)).ravel(), 60, density=True, orientation="horizontal", color="#1f5fa8")
        axes.set(xlabel="density", title=f"batches of {batch}")
    panels[0].set_ylabel("(−1)ᵗ × fast part, sharpest direction")
    return figure


def _averages():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for place, (rate, batch) in enumerate(SETTINGS.values()):
        losses = _losses(rate, batch)
        for k, (name, values) in enumerate(losses.items()):
            axes.bar(place + 0.25 * k, values.mean(), 0.22, color=f"C{k}", label=name if place == 0 else None)
    axes.set_xticks([place + 0.25 for place in range(3)], [f"η = {rate}, b = {batch}" for rate, batch in SETTINGS.values()])
    axes.set(ylabel="loss, last 1000 steps")
    axes.legend()
    return figure
