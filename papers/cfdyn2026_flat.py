"""The cfdyn project, *Spread along flat directions, and preconditioners under noise: what a central flow carries* (2026).

(1) On the valley ½yx² − ay noise of a variance σ² along x has, slaved to y, Σ(y) = ησ²/(y(2 − ηy)), and y drifts by D = η(a −
½Σ). It rests where Σ = 2a, at S = y < 2/η. Along y the loss is flat, but runs do not walk at random there: D falls with y,
J = D' = −½ηΣ', so that noise of a variance ρ along y gives F(t) = η²ρ(1 − e^{2Jt})/(−2J). That is what
`cf.flows.central(…, flat=True)` carries.

(2) What it leaves out: x² itself fluctuates, with the covariance 2Σ²A^{2|t|}, A = 1 − ηy. Summed over t it feeds y by
½η²Σ²(1 + A²)/(1 − A²) in a step, which counts as η²ρ does.

(3) With RMSProp on quadratic rows P = (√ν + ε)/η rests where ν = diag E gg for the Σ that P makes, Σ = E[(1 − P⁻¹Hᵢ)Σ(1 −
HᵢP⁻¹)] + P⁻¹CP⁻¹ for single rows: two equations for two unknowns. Runs have that Σ where ν averages over many steps.

The second computations are NumPy loops with their own random numbers.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near
from cfdyn.symbolic.loss import make_loss

CLAIMS = Claims(__name__, __doc__, read="the paper")
RATE, PULL, TIME, LONG, ALONG = 0.1, 0.02, 600, 3000, 0.01
REST = 10 + np.sqrt(75)  # Σ(y) = 2a beyond y = 1/η: y(20 − y) = 25
SLOPE = RATE / 2 * 2 * PULL * (2 - 2 * RATE * REST) / (REST * (2 - RATE * REST))  # J; negative
FED = RATE**2 / 2 * (2 * PULL) ** 2 * (1 + (1 - RATE * REST) ** 2) / (1 - (1 - RATE * REST) ** 2)


def _grown(fed):
    """The variance after TIME that an inflow makes."""
    return fed * (1 - np.exp(2 * SLOPE * TIME)) / (-2 * SLOPE)


def _valley():
    return cf.Loss("y*x**2/2 - a*y", "x y", {"a": PULL}), cf.optimizers.gd(lr=RATE)


def _plain_walk(runs=20_000):
    """The variance of y where x is gone and Σ(y) stands in its place; that of runs, over a random walk's."""
    rng, y = np.random.default_rng(8), np.full(runs, REST)
    for _ in range(TIME):
        y = y + RATE * (PULL - RATE / (2 * y * (2 - RATE * y))) + RATE * np.sqrt(ALONG) * rng.normal(size=runs)
    late = _plain_valley(2000, LONG, np.sqrt(ALONG))["runs"]
    return {"flow": float(y.var()), "runs over a walk": late / (RATE**2 * ALONG * LONG)}


@CLAIMS.add(
    "derivation (1)",
    {"flow": near(_grown(RATE**2 * ALONG), relative=0.04),
     "runs over a walk": near((RATE**2 * ALONG + FED) / (-2 * SLOPE) / (RATE**2 * ALONG * LONG), relative=0.15)},
    Control("no noise across the valley, so that nothing holds the sharpness", changes={"across": 0.0}), second=_plain_walk,
    domain="½yx² − ay, a = 0.02; gradient descent with η = 0.1, normal noise of variance 1 along x, ρ = 0.01 along y; from x = 0 "
        "and where y rests",
    perturbations=(Control("two thirds of the noise across", changes={"across": 0.667}),),
)  # fmt: skip
def held_sharpness_pulls_runs_back(across=1.0):
    """On the valley ½yx² − ay noise along x holds y, the sharpness, and so pulls runs back along y: with noise of variance ρ =
    0.01 along y too their variance there levels off, at a fifth of a random walk's η²ρt after 3,000 steps.

    ``flow``: the variance along y by the flow after 600 steps, expected F(t) = η²ρ(1 − e^{2Jt})/(−2J); 20,000 walks of y are the
    second computation, whose own spread bends D by some per cent. ``runs``: 2,000 runs after 3,000 steps over η²ρt; expected are
    both inflows of (1) and (2) at rest, 0.19, as e^{2Jt} is 2·10⁻⁴ by then. Their sampling error is 3 %.
    """
    (loss, gd), noise = _valley(), [across, ALONG]
    path = cf.solve(cf.flows.central(loss, gd, noise=noise, flat=True), [0.0, REST], TIME)
    runs = cf.iterate_many(loss, gd, [0.0, REST], LONG, None, 2000, noise=noise, every=LONG, measured=0)
    late = float(runs.covariance[-1, 1, 1]) / (RATE**2 * ALONG * LONG)
    return {"flow": float(path.covariance[-1, 1, 1]), "runs over a walk": late}


def _plain_valley(runs=6000, steps=TIME, along=0.0):
    rng = np.random.default_rng(9)
    x, y = np.sqrt(2 * PULL) * rng.normal(size=runs), np.full(runs, REST)
    for _ in range(steps):
        x, y = x - RATE * (x * y + rng.normal(size=runs)), y - RATE * (x * x / 2 - PULL)
        y = y + RATE * along * rng.normal(size=runs) if along else y
    return {"runs": float(y.var())}


@CLAIMS.add(
    "derivation (2)", {"flow": at_most(1e-12), "runs": near(_grown(FED), relative=0.08)},
    Control("noise along the valley too", changes={"along": ALONG}), second=_plain_valley, figure="valley",
    domain="½yx² − ay, a = 0.02; gradient descent with η = 0.1, normal noise of variance 1 along x alone, 600 steps from x = 0 "
        "and where y rests",
    perturbations=(Control("noise of 1.2 times the variance", changes={"across": 1.2}),),
)  # fmt: skip
def the_spread_of_the_squares_is_left_out(along=0.0, across=1.0):
    """With noise across the valley ½yx² − ay alone the central flow with flat directions predicts no spread along it, but runs
    have one, of variance 0.016 after 600 steps, since x² fluctuates.

    6,000 runs; their variance by (2) to 8 %: the sampling error is 2 %, the sharpness of a run is not y at rest.
    """
    loss, gd = _valley()
    path = cf.solve(cf.flows.central(loss, gd, noise=[across, along], flat=True), [0.0, REST], TIME)
    runs = cf.iterate_many(loss, gd, [0.0, REST], TIME, None, 6000, noise=[across, along], every=TIME, measured=0)
    return {"flow": float(path.covariance[-1, 1, 1]), "runs": float(runs.covariance[-1, 1, 1])}


@cache
def _rows():
    """Columns of a linear regression on six rows, and its minimum."""
    rng = np.random.default_rng(12)
    x = rng.normal(size=(6, 2))
    y = rng.normal(size=6) + x @ [1.0, -0.5]
    return x, y, np.linalg.lstsq(x, y, rcond=None)[0]


RMS, EPS = 0.05, 0.01


@cache
def _fixed_point(batch=2):
    """(Σ, ν) of (3), ν by damped iteration."""
    x, y, w = _rows()
    rows, slopes = x[:, :, None] * x[:, None, :], (x @ w - y)[:, None] * x
    h, c = rows.mean(axis=0), slopes.T @ slopes / 6 / batch
    nu = np.diag(c)
    for _ in range(500):
        inverse = np.diag(RMS / (np.sqrt(nu) + EPS))
        step = np.kron(np.eye(2) - inverse @ h, np.eye(2) - inverse @ h)
        step = step + np.mean([np.kron(inverse @ (row - h), inverse @ (row - h)) for row in rows], axis=0) / batch
        sigma = np.linalg.solve(np.eye(4) - step, (inverse @ c @ inverse).ravel()).reshape(2, 2)
        seen = h @ sigma @ h + c + np.mean([(row - h) @ sigma @ (row - h) for row in rows], axis=0) / batch
        nu = nu + (np.diag(seen) - nu) / 5
    return sigma, nu


def _plain_rmsprop(runs=8000, steps=1500):
    """tr Σ of runs over that of (3), and how far Σ is from it, by NumPy, averaged over every tenth of the last 200 steps."""
    rng, (x, y, w), total = np.random.default_rng(3), _rows(), np.zeros((2, 2))
    w, nu = np.tile(w, (runs, 1)), np.tile(_fixed_point()[1], (runs, 1))
    for t in range(steps):
        rows = rng.integers(0, 6, (runs, 2))
        slope = (((x[rows] * w[:, None]).sum(axis=2) - y[rows])[..., None] * x[rows]).mean(axis=1)
        nu = 0.99 * nu + 0.01 * slope**2
        w = w - RMS * slope / (np.sqrt(nu) + EPS)
        if t >= steps - 200 and t % 10 == 0:
            total = total + np.cov(w.T) / 20
    sigma = _fixed_point()[0]
    return {"runs": float(np.trace(total) / np.trace(sigma)), "distances": [0.0, _distance(total, sigma)]}


def _distance(found, sigma):
    """Frobenius distance from Σ over its norm."""
    return float(np.linalg.norm(found - sigma) / np.linalg.norm(sigma))


@CLAIMS.add(
    "derivation (3)", {"flow": near(1.0, 1e-6), "runs": near(1.0, 0.03), "distances": near([0.0, 0.0], 0.05)},
    Control("a second moment that forgets in two steps", changes={"beta2": 0.5}), second=_plain_rmsprop,
    domain="a linear regression of two weights on six rows, batches of 2 drawn with replacement; RMSProp, η = 0.05, ε = 0.01, "
        "β₂ = 0.99",
    perturbations=(Control("β₂ = 0.7", changes={"beta2": 0.7}),),
)  # fmt: skip
def rmsprop_on_quadratic_rows(beta2=0.99):
    """On a linear regression on six rows RMSProp's central flow comes to rest at the P and Σ that make each other, and the
    covariance of runs with β₂ = 0.99 is that Σ to 3 % in its trace and 5 % in all.

    tr Σ of the flow, from the minimum and twice the ν, and of 4,000 runs over the last fifth of 1,500 steps, over that of (3),
    which damped iteration of both equations finds; the Frobenius distance from that Σ over its norm, of both.
    """
    x, y, w = _rows()
    loss = cf.Loss.from_spec(make_loss("(u*p + v*q - y)**2/2", ["u", "v"], {}, ["p", "q", "y"], data=np.column_stack([x, y])))
    optimizer, (sigma, nu) = cf.optimizers.rmsprop(lr=RMS, beta2=beta2, eps=EPS), _fixed_point()
    path = cf.solve(cf.flows.central(loss, optimizer, batch=2), [*w, *(2 * nu)], 4000)
    runs = cf.iterate_many(loss, optimizer, [*w, *nu], 1500, 2, 4000, every=10, measured=0)
    late = runs.covariance[runs.t >= 1200].mean(axis=0)
    return {"flow": float(np.trace(path.covariance[-1]) / np.trace(sigma)), "runs": float(np.trace(late) / np.trace(sigma)),
            "distances": [_distance(one, sigma) for one in (path.covariance[-1], late)]}  # fmt: skip


def figures():
    """The spread of runs along the valley beside what the flow says, and what it leaves out."""
    return {"valley": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    (loss, gd), times = _valley(), np.arange(0, TIME + 1, 10)
    for color, along in (("C0", 0.0), ("C3", ALONG)):
        path = cf.solve(cf.flows.central(loss, gd, noise=[1.0, along], flat=True), [0.0, REST], TIME, save_at=times.tolist())
        runs = cf.iterate_many(loss, gd, [0.0, REST], TIME, None, 2000, noise=[1.0, along], every=10, measured=0)
        axes.plot(runs.t, runs.covariance[:, 1, 1], color + ".", ms=3, label=f"2,000 runs, ρ = {along:g}")
        axes.plot(path.t, path.covariance[:, 1, 1], color, label="flow")
        left = FED * (1 - np.exp(2 * SLOPE * times)) / (-2 * SLOPE)
        axes.plot(times, path.covariance[:, 1, 1] + left, color + "--", label="and what it leaves out")
    axes.set(xlabel="steps", ylabel="variance along the valley")
    axes.legend(fontsize=7)
    return figure
