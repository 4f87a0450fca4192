"""The cfdyn project, *How long noisy gradient descent stays in a minimum: steps that are not small, momentum, labels* (2026).

Over the top of the double well L = (w² − 1)²/4, of height ΔL = ¼. A step w₊ = w − η(L′(w) + ξ), ξ normal of variance s, is for
small η dw = −L′dt + √(2T) dB with t = ηk, T = ηs/2. **Exact** mean exit times solve τ(x) = 1 + ∫ g(y − f(x)) τ(y) dy over the
region, g the density of ηξ; the second computations do so by Gauss's rule, without random numbers.

**The slope.** As s → 0 ln τ ~ V/s, V the least ½Σξ² on any way out (Freidlin and Wentzell; for maps Kifer): V(y) = min over x
of V(x) + (y − f(x))²/(2η²). For small η that is 2ΔL/η. For larger ones the way out need not climb the slope: where ηλ > 1 a
step overshoots the minimum, and noise that pushes to and fro in step with it costs less, the less the nearer the edge ηλ = 2
is: about a line w₊ = aw − ηξ spreads to η²s/(1 − a²), a = 1 − ηλ. On the double well, λ = 2, V = 0.153 in place of 0.625 for η
= 0.8.

**Batches** of b rows have the variance s/b: ln τ grows as b times V/s. **Momentum.** A velocity adds gradients up over 1/(1 −
β) steps: for small η heavy ball is gradient descent with the rate η/(1 − β), T = ηs/(2(1 − β)). **Labels.** With rows (w² −
y)²/4, y = 1 + δ, a step is w₊ = w(1 − η(w² − 1 − δ)): the noise of a label is multiplied by w, and none is left at the top.
The sign changes only where δ < w² − 1 − 1/η.
"""

import math

import numpy as np
from scipy.optimize import minimize

import cfdyn as cf
from cfdyn.claims import Claims, Control, near
from cfdyn.symbolic.loss import make_loss

CLAIMS = Claims(__name__, __doc__, read="the paper")
BATCHES = (3, 4, 5, 6)
SIZES = (0.0192, 0.0236, 0.0279, 0.0341)


def _exact(f, spread, low, high, start, nodes=500):
    """The mean exit time from (low, high) of x ↦ f(x) + normal noise."""
    t, weights = np.polynomial.legendre.leggauss(nodes)
    x, weights = (high + low) / 2 + (high - low) / 2 * t, weights * (high - low) / 2

    def density(y, centre):
        return np.exp(-((y - centre) ** 2) / (2 * spread**2)) / (spread * math.sqrt(2 * math.pi))

    tau = np.linalg.solve(np.eye(nodes) - density(x[None], f(x)[:, None]) * weights, np.ones(nodes))
    return float(1 + (density(x, f(start)) * weights) @ tau)


def _well(rate):
    return lambda w: w - rate * w * (w * w - 1)


def _slope(sizes, times):
    """By least squares with equal weights, as of equally many exits."""
    return float(np.polyfit(1 / np.array(sizes), np.log(times), 1)[0])


def _second_times():
    return {f"variance {s:g}": _exact(_well(0.2), 0.2 * s**0.5, -3.0, 0.0, -1.0) for s in (0.5, 0.7, 1.0)}


@CLAIMS.add(
    "here", {"variance 0.5": near(2081.2, relative=0.1), "variance 0.7": near(514.9, relative=0.1),
     "variance 1": near(178.9, relative=0.1),        "constant chance": True},
    Control("noise that lasts for two steps", changes={"repeat": 2}), second=_second_times,
)  # fmt: skip
def exit_times_are_exact(repeat=1):
    """From the left minimum of the double well gradient descent with η = 0.2 and noise of variance 0.5, 0.7 and 1 is over the top
    after 2081, 515 and 179 steps in the mean, as an integral equation says; the first of these at a constant chance.

    1500 runs: 10 % is three to four standard errors. Of variance 0.5, most runs are cut off at 1000 steps and counted as such.
    """
    step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.2), noise=1.0, repeat=repeat)
    lengths = {0.5: 1000, 0.7: 100_000, 1.0: 100_000}
    found = {s: cf.analysis.escape_times(step.varied("noise", s), [-1.0], "w > 0", n, 1500) for s, n in lengths.items()}
    return {**{f"variance {s:g}": one.mean for s, one in found.items()}, "constant chance": found[0.5].exponential}


def _second_barrier():
    times = [_exact(_well(0.8), 0.8 * s**0.5, -3.0, 0.0, -1.0) for s in SIZES]
    x = np.linspace(-2.2, 0.0, 1101)
    cost = (x[None] - _well(0.8)(x)[:, None]) ** 2 / (2 * 0.8**2)
    least = np.where(np.arange(len(x)) == 600, 0.0, np.inf)
    for _ in range(60):
        least = np.minimum(least, (least[:, None] + cost).min(axis=0))
    return {"slope": _slope(SIZES, times), "V": float(least[-1]), "mean at the largest": times[-1]}


def _least_way(step, rate, steps=24):
    """V: the least ½Σξ² from the minimum over the top in so many steps, from ways that swing ever wider."""

    def cost(path):
        before = np.concatenate([[-1.0], path[:-1]])
        push = (path - np.array([step([w])[0] for w in before])) / rate
        turned = push[1:] * np.array([step.jacobian([w])[0, 0] for w in path[:-1]])
        return push @ push / 2, (push - np.append(turned, 0.0)) / rate

    best = np.inf
    for sign in (-1.0, 1.0):
        k = np.arange(1 - steps, 1)
        start = -1 + (sign ** np.abs(k)) * 0.7 ** np.abs(k)
        found = minimize(cost, start, jac=True, method="SLSQP", bounds=[(-3.0, 0.0)] * (steps - 1) + [(0.0, 0.0)],
                         options={"maxiter": 300, "ftol": 1e-10})  # fmt: skip
        best = min(best, float(found.fun))
    return best


def _times(rate):
    step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=rate), noise=1.0)
    return [cf.analysis.escape_times(step.varied("noise", s), [-1.0], "w > 0", 300_000, 600) for s in SIZES]


def _slope_figure():
    return cf.plot(cf.analysis.arrhenius(_times(0.8), SIZES))


@CLAIMS.add(
    "here", {"slope": near(0.1634, 0.007), "V": near(0.1534, 0.0015), "mean at the largest": near(1033, relative=0.13)},
    Control("the learning rate 0.85", changes={"rate": 0.85}), second=_second_barrier, figure="slope",
)  # fmt: skip
def barrier_of_large_steps(rate=0.8):
    """The Arrhenius slope of gradient descent that is not far from the edge is far below the flow's 2ΔL/η: with η = 0.8 on the
    double well, where the edge is at 1, V = 0.153 in place of 0.625, and exit times have the slope 0.163 at variances of 0.019
    to 0.034.

    600 runs each; 0.007 is three standard errors of the slope, which tends to V as the noise gets smaller. V by minimising ½Σξ²
    over ways of 24 steps, and in the second computation by dynamic programming on a grid.
    """
    found, step = _times(rate), cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=rate))
    slope = cf.analysis.arrhenius(found, SIZES).slope
    return {"slope": slope, "V": _least_way(step, rate), "mean at the largest": found[-1].mean}


def _second_batches():
    """Plain loops of two batch sizes, and the integral equation for normal noise of the same variance for all four."""
    rng, runs, times = np.random.default_rng(3), 500, []
    for b in (4, 6):
        w, inside, total = np.full(runs, -1.0), np.ones(runs, bool), 0
        while inside.any():
            w = w - 0.1 * (w * (w * w - 1) + 2.5 * (2 * rng.binomial(b, 0.5, runs) / b - 1))
            total += int(inside.sum())
            inside &= w <= 0
            w = np.where(inside, w, -1.0)
        times.append(total / runs)
    normal = [_exact(_well(0.1), 0.1 * 2.5 / b**0.5, -3.0, 0.0, -1.0) for b in BATCHES]
    return {"mean of 4": times[0], "mean of 6": times[1], "slope": _slope(1 / np.array(BATCHES), normal)}


@CLAIMS.add(
    "here", {"mean of 4": near(750, relative=0.13), "mean of 6": near(3600, relative=0.13), "slope": near(0.787, 0.06)},
    Control("rows that are farther apart", changes={"apart": 3.0}), second=_second_batches,
)  # fmt: skip
def exit_times_grow_with_the_batch(apart=2.5):
    """With random batches ln τ grows linearly with their size: on rows (w² − 1)²/4 ± 2.5 w, whose gradients have the variance
    6.25, by 2ΔL/(ηs), s = 6.25, for each row more in a batch, up to what the prefactor adds: 0.79 with η = 0.1 for 3 to 6 rows.

    600 runs each; 0.06 is three standard errors. Rows of two kinds are far from normal, but a way out takes many steps.
    """
    rows = cf.Loss.from_spec(make_loss("(w**2 - 1)**2/4 + c*w", columns=["c"], data=np.array([[apart], [-apart]])))
    step = cf.random_map(rows, cf.optimizers.gd(lr=0.1), batch=1)
    found = [cf.analysis.escape_times(step.varied("batch", b), [-1.0], "w > 0", 1_000_000, 600) for b in BATCHES]
    fit = cf.analysis.arrhenius(found, 1 / np.array(BATCHES))
    return {"mean of 4": found[1].mean, "mean of 6": found[3].mean, "slope": fit.slope}


def _second_momentum():
    """Plain loops, with other random numbers."""
    found = {}
    for name, (rate, beta) in {"gd": (0.1, 0.0), "heavy ball": (0.02, 0.8)}.items():
        rng, runs = np.random.default_rng(5), 400
        w, v, spread = np.full(runs, -1.0), np.zeros(runs), (2 * 0.06 * (1 - beta) / rate) ** 0.5
        inside, total = np.ones(runs, bool), 0
        while inside.any():
            v = beta * v + w * (w * w - 1) + spread * rng.normal(size=runs)
            w = w - rate * v
            total += int(inside.sum())
            inside &= w <= 1
        found[name] = total / runs * rate / (1 - beta)
    return found


@CLAIMS.add(
    "here", {"gd": near(326, relative=0.12), "heavy ball": near(425, relative=0.12)},
    Control("the noise that gradient descent has at this rate", changes={"scaled": False}), second=_second_momentum,
)  # fmt: skip
def momentum_heats(scaled=True):
    """With momentum β the temperature is ηs/(2(1 − β)): runs of heavy ball with η = 0.02, β = 0.8 reach the other minimum of the
    double well in about the time that gradient descent takes at the same temperature with η = 0.1, counted in η/(1 − β) a step.

    T = 0.06, 1500 runs. Steps of 0.1 are not small: the times differ by a quarter, and by momentum of an inertia that the limit
    does not have; without the factor 1/(1 − β) the time would be e⁴ times another (the control). 16 % is five standard errors
    of both.
    """
    found = {}
    for name, rate, beta in (("gd", 0.1, 0.0), ("heavy ball", 0.02, 0.8)):
        variance = 2 * 0.06 * (1 - (beta if scaled else 0.6 * beta)) / rate
        step = cf.random_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=rate, momentum=beta), noise=variance)
        found[name] = cf.analysis.escape_times(step, [-1.0], "w > 1", 1_000_000, 1500).mean * rate / (1 - beta)
    return found


def _second_labels():
    found = {}
    for name in ("labels", "gradients"):
        rng, w = np.random.default_rng(8), np.full(300, -1.0)
        out = np.zeros(300, bool)
        for _ in range(20_000):
            delta = 2 * rng.normal(size=300)
            w = w - 0.05 * (w * (w * w - 1 - delta) if name == "labels" else w * (w * w - 1) + delta)
            out |= w > 0
            w = np.where(out, -1.0, w)
        found[name] = int(out.sum())
    return found


@CLAIMS.add(
    "here", {"labels": 0, "gradients": 300}, Control("labels whose noise is 1/η of a step", changes={"size": 10.0}),
    second=_second_labels,
)  # fmt: skip
def labels_carry_over_no_top(size=2.0):
    """Noise of the labels, as large at the minimum as noise that takes all runs over the top of (w² − 1)²/4, takes none: it is
    multiplied by w.

    η = 0.05, standard deviation 2, 300 runs of 20,000 steps. A change of sign needs a label off by −1/η + w² − 1, nine and a
    half of its standard deviations.
    """
    rows = cf.Loss.from_spec(make_loss("(w**2 - y)**2/4", columns=["y"], data=np.array([[1.0], [1.0]])))
    gd = cf.optimizers.gd(lr=0.05)
    steps = {"labels": cf.random_map(rows, gd, batch=1, label_noise=size),
             "gradients": cf.random_map(cf.losses.double_well(), gd, noise=size**2)}  # fmt: skip
    return {name: cf.analysis.escape_times(step, [-1.0], "w > 0", 20_000, 300).escaped for name, step in steps.items()}


def figures():
    """By name."""
    return {"slope": _slope_figure}
