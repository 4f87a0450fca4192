"""The cfdyn project, *Products of random steps: when stochastic gradients settle, and what noise makes of chaos* (2026).

Does any of it survive stochastic gradients, and do two steps with each batch help, asks the thread. Near a minimum of all rows
a step is a random matrix, and almost every run comes nearer or goes away at the Lyapunov exponent λ of their product;
elsewhere λ says whether runs that see the same noise meet (λ < 0) or part.

**Momentum on two rows.** Heavy ball on one weight is w₊ = (1 + β − ηh)w − βw₋. Let the rows have 1 + β − ηh = ±√β. With w =
β^(t/2) u each step is u₊ = ±u − u₋, multipliers of modulus √β: each row alone, and their mean, converges. With a row by chance
at each step, put u_t = s_t x_t with signs s_t = −s_{t−2}: x₊ = ±x + x₋, the signs still independent and fair. These are the
random Fibonacci numbers, which grow at the rate F = 1.13198824… (Viswanath). So λ = ln F + ½ ln β, and for β > 1/F² = 0.7804
almost every run diverges. **The same batch again.** The matrices A of a step in u have A³ = −1 and A³ = 1. Two steps are A² =
∓A⁻¹: the product of inverses, which has the same exponents, for half as many batches: λ = ½ ln F + ½ ln β. Three steps are ∓1:
λ = ½ ln β, and every run converges. **Almost surely or in the mean square.** In one variable k steps with a row leave λ per
step as it is, but not the mean square: E a^(2k) ≥ (E a²)^k, so it dies out for fewer rates.

**Order and chaos.** In one variable λ = ∫ ln|f′| ρ, ρ the stationary density, ρ(y) = ∫ g(y − f(x)) ρ(x) dx, g that of η times
the noise: the second computations of λ iterate this integral on a grid, without any random number.
"""

import itertools
import math

import numpy as np
from scipy.interpolate import CubicSpline

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, below, near
from cfdyn.symbolic.loss import make_loss

CLAIMS = Claims(__name__, __doc__, read="the paper")
BETAS = {"0.7": 0.7, "0.81": 0.81, "0.9": 0.9}
FIBONACCI = math.log(1.13198824)
HEIGHTS = (0.2, 1.0, 1.5)


def _rows(heights):
    return cf.Loss.from_spec(make_loss("h*w**2/2", columns=["h"], data=np.array(heights)[:, None]))


def _two_rows(beta, apart=1.0, **drawn):
    heights = [1 + beta - apart * beta**0.5, 1 + beta + apart * beta**0.5]
    return cf.random_map(_rows(heights), cf.optimizers.heavy_ball(lr=1.0, momentum=beta), **drawn)


def _top(step, start=(0.0,), steps=20_000, runs=64):
    return float(cf.analysis.random_lyapunov(step, list(start), steps, runs).exponents[0])


def _second_fibonacci(repeat=1):
    """Of x₊ = ±x + x₋ by the growth of numbers themselves; of so many steps each by products of matrices."""
    rng, runs, steps = np.random.default_rng(11), 4000, 3000
    pair, grown = rng.normal(size=(2, runs)), np.zeros(runs)
    for _ in range(steps // repeat):
        sign = rng.choice([-1.0, 1.0], runs)
        for _ in range(repeat):
            pair = np.array([sign * pair[0] - pair[1], pair[0]])
        size = np.hypot(*pair)
        grown += np.log(size)
        pair /= size
    rate = float(grown.mean() / (steps // repeat * repeat))
    return {name: rate + math.log(beta) / 2 for name, beta in BETAS.items()}


@CLAIMS.add(
    "here", {**{name: near(FIBONACCI + math.log(beta) / 2, 0.0015) for name, beta in BETAS.items()}, "alone": below(1.0),
             "mean": below(1.0)},
    Control("both rows at each step", changes={"batch": 2, "replace": False}), second=_second_fibonacci,
    domain="hw²/2, one weight, two rows h = 1 + β ∓ √β, heavy ball with η = 1, 0 < β < 1; each step's row independent and fair; "
        "all starts but 0",
    examples="β = 0.7, 0.81 and 0.9",
    perturbations=[Control("rows 3 % nearer to each other", changes={"apart": 0.97})],
)  # fmt: skip
def momentum_on_two_rows(batch=1, replace=True, apart=1.0):
    """Heavy ball with momentum β on two rows with ηh = 1 + β ∓ √β, each of them and their mean stable, has the exponent
    ln 1.13198824… + ½ ln β with a row by chance at each step: for β > 0.7804 almost every run diverges.

    64 runs of 20,000 steps, β = 0.7, 0.81 and 0.9; 0.0015 is five standard errors. ``alone``, ``mean``: the largest modulus of
    the multipliers with one row and with their mean, for all β.
    """
    found, moduli = {}, []
    for name, beta in BETAS.items():
        step = _two_rows(beta, apart, batch=batch, replace=replace)
        found[name] = _top(step)
        heights = [1 + beta - beta**0.5, 1 + beta + beta**0.5, 1 + beta]
        moduli.append([np.abs(np.linalg.eigvals(cf.as_map(_rows([h]), cf.optimizers.heavy_ball(lr=1.0, momentum=beta))
                                                .jacobian([0.0, 0.0]))).max() for h in heights])  # fmt: skip
    worst = np.max(moduli, axis=0)
    return {**found, "alone": float(worst[:2].max()), "mean": float(worst[2])}


def _second_again():
    twice, thrice = _second_fibonacci(2), _second_fibonacci(3)
    return {"two steps": twice["0.9"], "three steps": thrice["0.9"]}


@CLAIMS.add(
    "here; the thread's questions 6 and 8",
    {"one step": above(0.06), "two steps": near((FIBONACCI + math.log(0.9)) / 2, 0.0012),
     "three steps": near(math.log(0.9) / 2, 1e-4)},
    Control("a new row for each step", changes={"again": False}), second=_second_again,
    domain="the two rows above with heavy ball, η = 1, β = 0.9; rows independent and fair; all starts but 0",
    perturbations=[Control("β = 0.89", changes={"beta": 0.89})],
)  # fmt: skip
def same_batch_again_settles(again=True, beta=0.9):
    """On the same two rows at β = 0.9 one step with each row diverges, with a positive exponent; two steps with each have (ln
    1.13198824… + ln β)/2 per step; with three all runs converge as fast as on one row, with ½ ln β.

    64 runs of 20,000 steps; 0.0012 is five standard errors. Three steps are ∓1 times β^(3/2), so that only the end of a run errs.
    """
    words = ("one step", "two steps", "three steps")
    return {name: _top(_two_rows(beta, batch=1, repeat=k if again else 1)) for k, name in enumerate(words, 1)}


def _moment(rates, power):
    """E a^power for each rate, a = 1 − ηh."""
    return np.array([np.mean([(1 - rate * h) ** power for h in HEIGHTS]) for rate in rates])


def _second_mean_square():
    rates = np.linspace(0.5, 2, 150_001)
    edges = [float(rates[(_moment(rates, power) < 1).nonzero()[0][-1]]) for power in (2, 4)]
    return {"edge, one step": edges[0], "edge, two steps": edges[1],
            "exponent": float(np.mean([math.log(abs(1 - 1.7 * h)) for h in HEIGHTS]))}  # fmt: skip


@CLAIMS.add(
    "here; the thread's questions 6 and 8",
    {"edge, one step": near(2 * 2.7 / (0.04 + 1 + 2.25), 1e-4), "edge, two steps": near(1.52061, 1e-4),
     "exponent": near(-0.11135, 0.003), "exponent, two steps": near(-0.11135, 0.003), "grows in the mean square": True},
    Control("three rows in each batch", changes={"batch": 3}), second=_second_mean_square,
    domain="hw²/2, one weight, three rows h = 0.2, 1 and 1.5; gradient descent, a row by chance for one step or for two, "
        "exponents at η = 1.7",
    perturbations=[Control("h = 0.21 in place of 0.2", changes={"heights": (0.21, 1.0, 1.5)})],
)  # fmt: skip
def mean_square_is_stricter(batch=1, heights=HEIGHTS):
    """On three rows of one weight two steps with each row leave the exponent per step, E ln|1 − ηh|, as it is, but the mean
    square dies out up to η = 1.521 only, where E(1 − ηh)⁴ = 1, in place of 1.641, where E(1 − ηh)² = 1.

    The edge of one step by `mean_square`, that of two from the exact fourth moments of the random
    map's steps; at η = 1.7 almost every run converges, though its mean square grows.
    """
    loss, gd = _rows(heights), cf.optimizers.gd(lr=1.7)
    steps = [cf.random_map(loss, gd, batch=batch, repeat=k) for k in (1, 2)]
    batches = list(itertools.product(heights, repeat=batch))
    low, high = 1.0, 2.0
    for _ in range(50):
        middle = (low + high) / 2
        factors = [cf.as_map(_rows(rows), cf.optimizers.gd(lr=middle))([1.0])[0] for rows in batches]
        low, high = (middle, high) if np.mean(np.power(factors, 4)) < 1 else (low, middle)
    return {
        "edge, one step": cf.mean_square(loss, [0.0], 1.7, batch, cut=0.0).largest_lr, "edge, two steps": low,
        "exponent": _top(steps[0]), "exponent, two steps": _top(steps[1]),
        "grows in the mean square": cf.mean_square(loss, [0.0], 1.7, batch, cut=0.0).radius > 1,
    }  # fmt: skip


def _exponent_on_a_grid(f, slope, spread, reach, nodes):
    """∫ ln|f′| ρ for the stationary density of x ↦ f(x) + normal noise, iterated by the midpoint rule."""
    x = np.linspace(-reach, reach, nodes)
    step = x[1] - x[0]
    kernel = np.exp(-((x[:, None] - f(x)[None]) ** 2) / (2 * spread**2)) * step / (spread * math.sqrt(2 * math.pi))
    density = np.full(nodes, 0.5 / reach)
    for _ in range(400):
        density = kernel @ density
        density /= density.sum() * step
    # The density is smooth, the logarithm is not where the slope is 0.
    fine = np.linspace(-reach, reach, 400_001)
    return float(np.trapezoid(CubicSpline(x, density)(fine) * np.log(np.abs(slope(fine))), fine))


def _second_order():
    def f(w):
        return w - 0.9 * w * (1 + 5 * np.exp(-w * w / 2))

    def slope(w):
        return 1 - 0.9 * (1 + 5 * (1 - w * w) * np.exp(-w * w / 2))

    sizes = {"variance 1": 1.0, "variance 4": 4.0, "variance 16": 16.0}
    found = {name: _exponent_on_a_grid(f, slope, 0.9 * v**0.5, 6 + 6 * 0.9 * v**0.5, 1800) for name, v in sizes.items()}
    w, total = 0.3 + 0.01 * np.arange(1000), 0.0
    for t in range(1200):
        total += np.log(np.abs(slope(w))).mean() * (t >= 200)
        w = f(w)
    return {**found, "without": float(total / 1000)}


def _dip_figure():
    found = cf.analysis.noise_induced(_dip(5.0), [0.5], ("noise", np.geomspace(1e-3, 30, 16)), 3000)
    return cf.plot(found)


def _dip(depth):
    loss = cf.Loss("w**2/2 - A*exp(-w**2/2)", params={"A": depth})
    return cf.random_map(loss, cf.optimizers.gd(lr=0.9), noise=1.0)


@CLAIMS.add(
    "here (noise-induced order, Matsumoto and Tsuda, in an optimizer)",
    {"without": near(0.5028, 0.004), "variance 1": near(0.2299, 0.008), "variance 4": near(-0.0517, 0.008),
     "variance 16": near(-0.6623, 0.01), "induced": ["", "order", "order"]},
    Control("a dip so shallow that there is no chaos without noise", changes={"depth": 3.5}), second=_second_order,
    figure="order",
    domain="w²/2 − 5 exp(−w²/2), one weight; gradient descent with η = 0.9, normal noise of variance 0, 1, 4, 16 on the gradient",
    perturbations=[Control("a dip 3 % deeper", changes={"depth": 5.15})],
)  # fmt: skip
def noise_makes_order(depth=5.0):
    """Gradient descent is chaotic in a sharp dip of a parabola, w²/2 − 5 exp(−w²/2) with the rate 0.9, and noise can
    make it regular: λ is 0.503 without noise, and with noise of variance 1, 4 and 16 on the gradient 0.230, −0.052 and −0.662.

    Noise takes runs out of the dip, to where a step contracts by 1 − η = 0.1. 64 runs of 20,000 steps, some five standard errors.
    """
    found = cf.analysis.noise_induced(_dip(depth), [0.5], ("noise", [1.0, 4.0, 16.0]), 20_000, 64)
    named = dict(zip(("variance 1", "variance 4", "variance 16"), found.exponents.tolist(), strict=True))
    return {"without": found.without, **named, "induced": found.induced.tolist()}


def _second_chaos():
    spread = 1.46 * 0.01
    exponent = _exponent_on_a_grid(lambda w: w - 1.46 * w * (w * w - 1), lambda w: 1 - 1.46 * (3 * w * w - 1), spread, 1.75, 3000)
    w = 1.1
    for _ in range(20_000):
        w = w - 1.46 * w * (w * w - 1)
    multiplier = 1.0
    for _ in range(3):
        multiplier *= 1 - 1.46 * (3 * w * w - 1)
        w = w - 1.46 * w * (w * w - 1)
    return {"variance 1e-4": exponent, "without": math.log(abs(multiplier)) / 3}


def _window(rate=1.46):
    return cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=rate), noise=1.0)


def _cycle_figure():
    return cf.plot(cf.analysis.blurred_cycle(_window(), [1.1], ("noise", np.geomspace(1e-8, 1e-4, 9))))


@CLAIMS.add(
    "here (noise-induced chaos)",
    {"without": near(-0.0298, 0.001), "variance 1e-8": below(-0.01), "variance 1e-4": near(0.4089, 0.01),
     "induced": ["", "chaos"], "3-cycle at 1e-8": at_least(19), "3-cycle at 1e-5": 0},
    Control("a rate outside the window, chaotic by itself", changes={"rate": 1.45}), second=_second_chaos,
    figure="cycle",
    domain="(w² − 1)²/4, one weight; gradient descent with η = 1.46 from 1.1, normal noise on the gradient",
    perturbations=[Control("η = 1.462", changes={"rate": 1.462})],
)  # fmt: skip
def noise_makes_chaos(rate=1.46):
    """In the window of period 3 of gradient descent on the double well, η = 1.46, noise of a hundredth makes chaos of the cycle:
    λ is −0.030 without noise and 0.409 with variance 1e-4 on the gradient. The period is found in at least 19 of twenty logs of
    512 steps at a variance of 1e-8, and in none at 1e-5.

    A small noise leaves the cycle alone; a larger one takes runs over to the chaotic saddle beside it, on which they stay long.
    Exponents of 64 runs of 5000 steps, twenty logs each.
    """
    found = cf.analysis.noise_induced(_window(rate), [1.1], ("noise", [1e-8, 1e-4]), 5000, 64)
    try:
        logs = cf.analysis.blurred_cycle(_window(rate), [1.1], ("noise", [1e-8, 1e-5])).seen.tolist()
    except cf.CfdynError:  # no cycle at all
        logs = [0, 0]
    return {"without": found.without, "variance 1e-8": float(found.exponents[0]), "variance 1e-4": float(found.exponents[1]),
            "induced": found.induced.tolist(), "3-cycle at 1e-8": logs[0], "3-cycle at 1e-5": logs[1]}  # fmt: skip


def figures():
    """By name."""
    return {"order": _dip_figure, "cycle": _cycle_figure}
