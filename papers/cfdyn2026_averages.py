"""The cfdyn project, *Averages and repeated steps under stochastic gradients: two questions of the thread, measured* (2026).

The thread asks whether the mean of the last two iterates beats an exponential moving average (EMA) and whether two steps on
each mini-batch are better than one. On a parabola of curvature λ with noise of variance σ² in the gradient x₊ = ρx − ηξ with
ρ = 1 − ηλ, an autoregression of variance V = η²σ²/(1 − ρ²) and correlations ρᵏ. Hence the mean of two iterates has V(1 +
ρ)/2; an EMA of decay a has V(1 − a)/(1 + a)·(1 + aρ)/(1 − aρ). Without noise a 2-cycle vanishes from the first and is left
with the factor (1 − a)/(1 + a) in the second. About a stable minimum the mean of two wins only where 1 + ρ < about 2((1 −
a)/(1 + a))², which is very close to the edge; else the EMA does. About a noisy 2-cycle the mean of two wins where the cycle
is large against the noise. Two steps with one noise ξ are x₊₊ = ρ²x − (1 + ρ)ηξ, of variance V(1 + ρ)²/(1 + ρ²): more than V
for ηλ < 1, less for ηλ > 1, where the second step undoes part of the overshoot of the first. The second computations are
plain NumPy loops that share nothing with the package, with other seeds.
"""

import numpy as np
import sympy as sp
from scipy.optimize import brentq
from scipy.signal import lfilter

import cfdyn as cf
from cfdyn.claims import Claims, Control, interval, near

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
    domain="gradient descent on log cosh at η = 3 from w = 1; on −w at η = 1; a = 0.9",
    perturbations=(Control("an EMA with decay 0.88", changes={"decay": 0.88}),),
)  # fmt: skip
def factors(formula="logcosh(w)", lr=3.0, start=1.0, decay=0.9):
    """On the 2-cycle of log cosh at η = 3 the mean of two successive iterates is the cycle's centre, while an EMA with decay
    a = 0.9 leaves (1 − a)/(1 + a) = 1/19 of its half width; on a steady descent they are half a step and a/(1 − a) = 9 steps
    behind.

    Gradient descent on log cosh with η = 3 after 4,000 steps: the largest deviation of each average from the cycle's centre
    over that of the iterates. The lags are those on the steady descent of −w, at the end of 4,000 steps.
    """
    orbit = cf.iterate(cf.as_map(cf.Loss(formula, "w"), cf.optimizers.gd(lr=lr)), [start], 4000)
    ends = [w[-6:, 0] - orbit.w[-6:, 0].mean() for w in (orbit.w, orbit.last_two(), orbit.ema(decay))]
    sizes = [float(np.abs(end).max()) for end in ends]
    line = cf.iterate(cf.as_map(cf.Loss("-w"), cf.optimizers.gd(lr=1.0)), [0.0], 4000)
    lags = [float(line.w[-1, 0] - average[-1, 0]) for average in (line.last_two(), line.ema(decay))]
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
    "here",
    {"last_two": near([0.75, 0.25, 0.1], relative=0.02), "ema": near([0.1388, 0.01996, 0.00857], relative=0.05),
     "differences": "0, 0, 0"},
    Control("of iterates that lie two steps apart", changes={"lag": 2}),
    domain="w₊ = ρw − ηξ in equilibrium, |ρ| < 1, ξ white with finite variance; all decays 0 ≤ a < 1",
    proof="exact algebra: second moments of the iterate and the EMA in equilibrium, by SymPy",
    perturbations=(Control("weights of 3/5 and 2/5", changes={"weights": ("3/5", "2/5")}),),
    figure="averages",
    second=_second_averages_of_noise,
)  # fmt: skip
def averages_of_noise(weights=("1/2", "1/2"), lag=1):
    """On a parabola with white gradient noise, ρ = 1 − ηλ, the mean of the last two iterates has (1 + ρ)/2 of their variance, the
    midpoint (w₋ + 2w + w₊)/4 has (1 + ρ)(3 + ρ)/8, and an EMA with decay a has (1 − a)/(1 + a)·(1 + aρ)/(1 − aρ).

    The iterates' correlations are ρᵏ. Cov(w, e) and Var e of the EMA e₊ = ae + (1 − a)w₊ follow from their equations in
    equilibrium. The differences from the three formulas, and the numbers at ρ = 0.5, −0.5, −0.8 and a = 0.9.
    """
    r, a, c, e = sp.symbols("rho a c e")
    equations = [c - (a * r * c + 1 - a), e - (a**2 * e + 2 * a * (1 - a) * r * c + (1 - a) ** 2)]
    ema = sp.solve(equations, [c, e], dict=True)[0][e]
    first, second = map(sp.Rational, weights)
    two, midpoint = first**2 + second**2 + 2 * first * second * r**lag, sp.Rational(1, 16) * (6 + 8 * r + 2 * r**2)
    formulas = ((1 + r) / 2, (1 + r) * (3 + r) / 8, (1 - a) / (1 + a) * (1 + a * r) / (1 - a * r))
    found = {"differences": ", ".join(str(sp.simplify(x - y)) for x, y in zip((two, midpoint, ema), formulas, strict=True))}
    at = [{r: sp.Rational(n, 10), a: sp.Rational(9, 10)} for n in (5, -5, -8)]
    return found | {"last_two": [float(two.subs(x)) for x in at], "ema": [float(ema.subs(x)) for x in at]}


@CLAIMS.add(
    "here", {"off_the_edge": near(11.7, relative=0.05), "at_the_edge": near(0.354, relative=0.15), "equal": near(1.99415, 1e-4)},
    Control("decay 0.5", changes={"decay": 0.5}), figure="averages",
    second=_second_last_two_or_ema,
    domain="w²/2 with gradient noise ±1; a = 0.9",
    perturbations=(Control("an EMA with decay 0.88", changes={"decay": 0.88}),),
)  # fmt: skip
def last_two_or_ema(decay=0.9):
    """On a parabola with gradient noise an EMA (a = 0.9) has the smaller mean square at ηλ = 1.8, where that of the mean of
    the last two is 11.7 times as large; at ηλ = 1.998 it is the other way round, 0.35 times. By the formulas both are equal
    at ηλ = 1.9942.

    Mean square of the mean of two over that of the EMA, 20 seeds of 40,000 steps; the zero of the difference of the formulas.
    This is about a minimum that is stable; for a noisy 2-cycle see `noisy_two_cycle`.
    """
    found = [[_ratios(lr, seed, 40000, decay) for seed in SEEDS] for lr in (1.8, 1.998)]
    off, at = ([r[0] / r[1] for r in runs] for runs in found)
    square = lambda r: (1 + r) / 2 - (1 - decay) / (1 + decay) * (1 + decay * r) / (1 - decay * r)  # noqa: E731
    return {"off_the_edge": _mean(off), "at_the_edge": _mean(at), "equal": 1 - brentq(square, -1 + 1e-9, -0.5)}


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
    domain="w²/2 with gradient noise ±1; variances at the ends of the pairs",
    examples="ηλ = 0.5, 1 and 1.5",
    perturbations=(Control("three steps with each noise", changes={"repeat": 3}),),
)  # fmt: skip
def two_steps_on_a_parabola(repeat=2):
    """On a parabola with gradient noise two steps with each noise multiply the variance, at the end of each pair and at the
    same number of gradients, by (1 + ρ)²/(1 + ρ²), ρ = 1 − ηλ: they do harm for ηλ < 1 and good for ηλ > 1.

    Mean squares after every second step over those with new noise at each step, ηλ = 0.5, 1, 1.5: 1.8, 1, 0.2. The same
    number of gradients for both. 20 seeds of 20,000 steps.
    """
    squares = [[[_square(lr, seed, k) for seed in SEEDS] for k in (repeat, 1)] for lr in (0.5, 1.0, 1.5)]
    return {"ratios": [_mean(np.divide(*pair)) for pair in squares]}


def _second_cycle():
    """Runs in NumPy."""
    two, ema = [], []
    for lr, size in ((2.2, 0.01), (3.0, 0.02)):
        rng, x, average, sums = np.random.default_rng(5), np.ones(300), np.zeros(300), np.zeros(2)
        for t in range(6000):
            last, x = x, x - lr * (np.tanh(x) + size * rng.normal(size=300))
            average = 0.9 * average + 0.1 * x
            sums += [((x + last) ** 2 / 4).mean(), (average**2).mean()] if t >= 2000 else [0, 0]
        two, ema = [*two, sums[0] / 4000], [*ema, sums[1] / 4000]
    return {"last_two": two, "ema": ema}


@CLAIMS.add(
    "here", {"last_two": near([1.47e-4, 2.27e-3], relative=0.06), "ema": near([8.54e-4, 4.87e-3], relative=0.06)},
    Control("an EMA with decay 0.95", changes={"decay": 0.95}),
    domain="log cosh, one weight; normal noise of deviation σ in the gradient: η = 2.2, σ = 0.01 and η = 3, σ = 0.02; a = 0.9",
    perturbations=(Control("noise that is a tenth larger", changes={"factor": 1.1}),),
    second=_second_cycle,
)  # fmt: skip
def noisy_two_cycle(decay=0.9, factor=1.0):
    """About a noisy 2-cycle the mean of the last two iterates can beat an EMA with decay 0.9: on log cosh with gradient noise its
    mean square is 1.5·10⁻⁴ against 8.5·10⁻⁴ at η = 2.2, σ = 0.01, and 2.3·10⁻³ against 4.9·10⁻³ at η = 3, σ = 0.02.

    40 runs of 6,000 steps from w = 1, the first 1,000 left out. The EMA keeps (1 − a)/(1 + a) of the cycle, the mean of two none.
    """
    found = {"last_two": [], "ema": []}
    for lr, size in ((2.2, 0.01 * factor), (3.0, 0.02 * factor)):
        gd = cf.optimizers.gd(lr=lr)
        runs = cf.iterate_many(cf.Loss("logcosh(w)"), gd, [1.0], 6000, None, 40, noise=[size**2], measured=0, every=6000)
        series = [(run.last_two(), run.ema(decay)) for run in (runs.run(k) for k in range(40))]
        for name, values in zip(found, zip(*series, strict=True), strict=True):
            found[name].append(float(np.mean([(w[1000:, 0] ** 2).mean() for w in values])))
    return found


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
