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
β) steps: for small η heavy ball is gradient descent with the rate η/(1 − β), T = ηs/(2(1 − β)), and an inertia m = βη/(1 − β)²,
which by Kramers slows the way over a top of curvature −1 by 2m/(√(1 + 4m) − 1). **Labels.** With rows (w² −
y)²/4, y = 1 + δ, a step is w₊ = w(1 − η(w² − 1 − δ)): the noise of a label is multiplied by w, and none is left at the top.
The sign changes only where δ < w² − 1 − 1/η.
"""

import math

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csc_matrix, eye
from scipy.sparse.linalg import spsolve

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
    "here", {"variance 0.5": near(2081.2, relative=0.08), "variance 0.7": near(514.9, relative=0.06),
             "variance 1": near(178.9, relative=0.06), "constant chance": True},
    Control("noise that lasts for two steps", changes={"repeat": 2}), second=_second_times,
    domain="(w² − 1)²/4, one weight, from w = −1; gradient descent with η = 0.2, normal noise on the gradient",
    perturbations=[Control("η = 0.21", changes={"rate": 0.21}), Control("η = 0.19", changes={"rate": 0.19})],
)  # fmt: skip
def exit_times_are_exact(repeat=1, rate=0.2):
    """From the left minimum of the double well gradient descent with η = 0.2 and noise of variance 0.5, 0.7 and 1 is over the top
    after 2081, 515 and 179 steps in the mean, as an integral equation says; at variance 0.5 nothing speaks against a constant
    chance of it in each step.

    6000 runs: 8 % and 6 % are four standard errors. Of variance 0.5, most runs are cut off at 1000 steps and counted as such; the
    test of a constant chance is that of `cf.analysis.escape_times`, at the level 0.01.
    """
    step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=rate), noise=1.0, repeat=repeat)
    lengths = {0.5: 1000, 0.7: 100_000, 1.0: 100_000}
    found = {s: cf.analysis.escape_times(step.varied("noise", s), [-1.0], "w > 0", n, 6000) for s, n in lengths.items()}
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
    domain="(w² − 1)²/4, one weight, from w = −1; gradient descent with η = 0.8, normal noise of variance 0.0192 to 0.0341",
    perturbations=[Control("η = 0.79", changes={"rate": 0.79}), Control("ways of four steps only", changes={"ways": 4})],
)  # fmt: skip
def barrier_of_large_steps(rate=0.8, ways=24):
    """On the double well, where the edge of gradient descent is at η = 1, V is 0.153 for η = 0.8, a quarter of the flow's 2ΔL/η =
    0.625, and the exit times have the Arrhenius slope 0.163 at variances of 0.019 to 0.034.

    600 runs each; 0.007 is three standard errors of the slope, which by theory tends to V as the noise gets smaller. V by
    minimising ½Σξ² over ways of 24 steps, and in the second computation by dynamic programming on a grid.
    """
    found, step = _times(rate), cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=rate))
    slope = cf.analysis.arrhenius(found, SIZES).slope
    return {"slope": slope, "V": _least_way(step, rate, ways), "mean at the largest": found[-1].mean}


def _second_batches(low=-2.6, nodes=8000):
    """τ(x) = 1 + Σ pⱼ τ(x − η(L′(x) + cⱼ)) for the two kinds of rows, linear between the points of a grid."""
    x, times = np.linspace(low, 0, nodes), []
    for b in BATCHES:
        chances = csc_matrix((nodes, nodes))
        for j in range(b + 1):
            place = (x - 0.1 * (x * (x * x - 1) + 2.5 * (2 * j / b - 1)) - low) / (x[1] - x[0])
            rows = np.flatnonzero((place >= 0) & (place <= nodes - 1))
            left = np.minimum(place[rows].astype(int), nodes - 2)
            part, chance = place[rows] - left, math.comb(b, j) / 2**b
            for column, weight in ((left, 1 - part), (left + 1, part)):
                chances = chances + csc_matrix((chance * weight, (rows, column)), (nodes, nodes))
        times.append(float(np.interp(-1.0, x, spsolve(eye(nodes, format="csc") - chances, np.ones(nodes)))))
    return {"mean of 4": times[1], "mean of 6": times[3], "slope": _slope(1 / np.array(BATCHES), times)}


@CLAIMS.add(
    "here", {"mean of 4": near(739, relative=0.08), "mean of 6": near(3604, relative=0.08), "slope": near(0.8, 0.03)},
    Control("rows that are farther apart", changes={"apart": 3.0}), second=_second_batches,
    domain="rows (w² − 1)²/4 ± 2.5 w, one weight, from w = −1 over w = 0; gradient descent with η = 0.1, batches of 3 to 6 drawn "
        "with replacement",
    perturbations=[Control("2.6 in place of 2.5", changes={"apart": 2.6}), Control("η = 0.105", changes={"rate": 0.105})],
)  # fmt: skip
def exit_times_grow_with_the_batch(apart=2.5, rate=0.1):
    """With random batches of 3 to 6 of the rows (w² − 1)²/4 ± 2.5 w, whose gradients have the variance s = 6.25, ln τ grows by
    0.80 for each row more in a batch at η = 0.1, as the flow's 2ΔL/(ηs) = 0.8 says.

    A fit to 2400 runs each: 0.03 and 8 % are three to four standard errors. Expected are means of the chain with rows of two
    kinds, on a grid.
    """
    rows = cf.Loss.from_spec(make_loss("(w**2 - 1)**2/4 + c*w", columns=["c"], data=np.array([[apart], [-apart]])))
    step = cf.random_map(rows, cf.optimizers.gd(lr=rate), batch=1)
    found = [cf.analysis.escape_times(step.varied("batch", b), [-1.0], "w > 0", 1_000_000, 2400) for b in BATCHES]
    fit = cf.analysis.arrhenius(found, 1 / np.array(BATCHES))
    return {"mean of 4": found[1].mean, "mean of 6": found[3].mean, "slope": fit.slope}


def _second_momentum():
    """A plain loop with other random numbers, and the integral equation for gradient descent."""
    rng, runs, rate, beta, total = np.random.default_rng(5), 3000, 0.02, 0.8, 0
    w, v, spread = np.full(runs, -1.0), np.zeros(runs), (2 * 0.06 * (1 - beta) / rate) ** 0.5
    while w.size:
        v = beta * v + w * (w * w - 1) + spread * rng.normal(size=w.size)
        w = w - rate * v
        total += w.size
        w, v = w[w <= 1], v[w <= 1]
    gd = _exact(_well(0.1), 0.1 * (2 * 0.06 / 0.1) ** 0.5, -3.0, 1.0, -1.0) * 0.1
    ball = total / runs * rate / (1 - beta)
    return {"gd": gd, "heavy ball": ball, "ratio": ball / gd}


@CLAIMS.add(
    "here", {"gd": near(315.2, relative=0.06), "heavy ball": near(417, relative=0.06), "ratio": near(1.323, relative=0.07)},
    Control("the temperature without momentum, ηs/2", changes={"power": 0.0}), second=_second_momentum,
    domain="(w² − 1)²/4, one weight, from w = −1 to w > 1 at the temperature ηs/(2(1 − β)) = 0.06; heavy ball with η = 0.02, β = "
        "0.8, and gradient descent with η = 0.1",
    perturbations=[Control("the temperature 0.063", changes={"temperature": 0.063}),
        Control("the temperature ηs/(2(1 − β)^0.9)", changes={"power": 0.9})],
)  # fmt: skip
def momentum_heats(power=1.0, temperature=0.06):
    """At the same temperature, ηs/(2(1 − β)) = 0.06, heavy ball with η = 0.02, β = 0.8 takes 1.3 times as long from one minimum
    of the double well to the other as gradient descent with η = 0.1, counted in η/(1 − β) a step: 417 and 315.

    6000 runs each; 6 % and 7 % are four standard errors. Kramers' factor for the inertia βη/(1 − β)² = 0.4 is 1.31.
    """
    found = {}
    for name, rate, beta in (("gd", 0.1, 0.0), ("heavy ball", 0.02, 0.8)):
        variance = 2 * temperature * (1 - beta) ** power / rate
        step = cf.random_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=rate, momentum=beta), noise=variance)
        found[name] = cf.analysis.escape_times(step, [-1.0], "w > 1", 1_000_000, 6000).mean * rate / (1 - beta)
    return found | {"ratio": found["heavy ball"] / found["gd"]}


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
    "here", {"labels": 0, "gradients": 300}, Control("labels whose noise is half of 1/η", changes={"size": 10.0}),
    second=_second_labels,
    domain="(w² − 1)²/4, one weight, from w = −1; gradient descent with η = 0.05, normal noise of standard deviation 2, on the "
        "gradient or on the label of (w² − y)²/4; 300 runs of 20,000 steps",
    perturbations=[Control("labels whose noise is a quarter of 1/η", changes={"size": 5.0})],
)  # fmt: skip
def labels_carry_over_no_top(size=2.0):
    """Noise of the labels, as large at the minimum as noise that takes all runs over the top of (w² − 1)²/4, takes none
    of 300 in 20,000 steps: it is multiplied by w.

    A change of sign needs a label that is off by less than w² − 1 − 1/η: ten of its standard deviations at w² = 1, nine at 3.
    """
    rows = cf.Loss.from_spec(make_loss("(w**2 - y)**2/4", columns=["y"], data=np.array([[1.0], [1.0]])))
    gd = cf.optimizers.gd(lr=0.05)
    steps = {"labels": cf.random_map(rows, gd, batch=1, label_noise=size),
             "gradients": cf.random_map(cf.losses.double_well(), gd, noise=size**2)}  # fmt: skip
    return {name: cf.analysis.escape_times(step, [-1.0], "w > 0", 20_000, 300).escaped for name, step in steps.items()}


def figures():
    """By name."""
    return {"slope": _slope_figure}
