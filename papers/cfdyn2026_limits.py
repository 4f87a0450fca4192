"""The cfdyn project, *Limits of the central flow of stochastic gradients: full batches, one direction near the edge, small noise*
(2026).

(1) With batches of b of n rows all noise has the factor (n − b)/(b(n − 1)) without replacement and 1/b with it. For b = n
without replacement it is 0, and the flow is that of full batches. With replacement and b → ∞ the barrier Σ = η²C/(1 − M)
becomes the complementarity 0 ⪯ Σ ⟂ 2/η − H ⪰ 0 as on an interior path: Σ stays finite while η²C → 0, so that 1 − M and with
it the distance to the edge fall as 1/b; so does the distance of the two flows, away from where the edge is entered.

(2) On the valley yx²/2 − αy with gradient noise of variance σ² along x the sharpness is S = y, and dy/dt = η(α − Σ/2) with Σ =
ησ²/(S(2 − ηS)). It is at rest for ησ² = 2αS(2 − ηS); ΔS = 2/η − S = 1/η − √(1/η² − σ²/(2α)), which is ησ²/(4α)·(1 + ηΔS/2 + …):
the published law ηβσ²/(4α), β = |∇S|² = 1, is the limit of small noise. For σ² > 2α/η² no sharpness is at rest.

(3) Σ follows w at once only where it relaxes faster than S moves. Linearised about rest, with Σ of its own, Σ⁺ = (1 − ηS)²Σ +
η²σ², it is s² + 2ηΔS s + 2η²α = 0 near the edge: overdamped iff ΔS > √(2α). Below, Σ swings, as it does without noise.

(4) Closing at second order leaves out third and fourth moments, of order ε² for noise of variance ε without a part along flat
directions. Noise moves w̄ at the speed ε, so over times 1/ε what is left out adds up to ε.

The second computations are NumPy loops and Euler steps of the formulas above.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, interval, near
from cfdyn.symbolic.loss import make_loss

CLAIMS = Claims(__name__, __doc__, read="the paper")
LR, PUSH = 0.1, 0.02


def _valley(push=PUSH):
    return cf.Loss("y*x**2/2 - a*y", "x y", params={"a": push})


def _rest(sigma, push=PUSH, lr=LR):
    """ΔS by bisection of dy/dt on (1/η, 2/η), where Σ rises with y."""
    low, high = 1 / lr, 2 / lr
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if lr * sigma**2 / (middle * (2 - lr * middle)) < 2 * push else (low, middle)
    return 2 / lr - low


def _flow_gap(sigma, push=PUSH):
    flow = cf.flows.central(_valley(push), cf.optimizers.gd(lr=LR), noise=[sigma**2, 0.0])
    return 2 / LR - float(cf.solve(flow, [0.0, 15.0], 1e6, rtol=1e-10).sharpness[-1])


def _second_gap():
    """Runs in NumPy."""
    rng, x, y, total = np.random.default_rng(8), np.zeros(1500), np.full(1500, 18.6), 0.0
    for t in range(12_000):
        x, y = x - LR * (y * x + rng.normal(size=x.size)), y - LR * (x * x / 2 - PUSH)
        total = total + (y if t >= 4000 else 0.0)
    return {"runs": float(20 - np.mean(total) / 8000), "flow": _rest(1.0), "expansion": LR / (4 * PUSH)}


@CLAIMS.add(
    "own statement",
    {"runs": near(1.340, 0.01), "flow": near(1.339745962155614, 1e-6), "expansion": near(1.25, 1e-12)},
    Control("sharpening twice as fast", changes={"push": 2 * PUSH}), second=_second_gap, figure="gap",
    domain="yx²/2 − αy, α = 0.02, η = 0.1; normal noise of variance 1 in the gradient along x",
    perturbations=(Control("noise that is 3 % larger", changes={"sigma": 1.03}),),
)  # fmt: skip
def gap_of_a_valley(push=PUSH, sigma=1.0):
    """On the valley yx²/2 − αy with gradient noise across it SGD's mean sharpness settles 1.340 below 2/η = 20, where the
    central flow with noise has it (10 − √75); the law of small noise, ησ²/(4α), says 1.25.

    1,000 runs of 9,000 steps, mean of y over the last 6,000, ± 2 standard errors; the flow at rest.
    """
    noise = [sigma**2, 0.0]
    runs = cf.iterate_many(
        _valley(push), cf.optimizers.gd(lr=LR), [0.0, 18.6], 9000, None, 1000, noise=noise, measured=0, every=60
    )
    late = runs.groups[runs.t >= 3000][..., 1].mean(axis=0)
    error = 2 * late.std(ddof=1) / len(late) ** 0.5
    gap = 2 / LR - late.mean()
    return {"runs": interval(gap - error, gap + error, "1,000 runs in groups, 95 %"), "flow": _flow_gap(sigma, push),
            "expansion": LR * sigma**2 / (4 * push)}  # fmt: skip


def _second_law():
    ratios = [_rest(s) / (LR * s**2 / (4 * PUSH)) for s in (0.5, 0.25, 0.125)]
    return {"ratios": ratios, "order": float(np.log2((ratios[1] - 1) / (ratios[2] - 1)))}


@CLAIMS.add(
    "own statement", {"ratios": near([1.016133236, 1.003937257, 1.000978471], 1e-5), "order": near(2.0, 0.02)},
    Control("β = 1/2 in the law", changes={"beta": 0.5}), second=_second_law, figure="gap",
    domain="yx²/2 − αy, α = 0.02, η = 0.1; noise of variance σ² in the gradient along x",
    examples="σ = 1/2, 1/4, 1/8",
    perturbations=(Control("β = 0.99 in the law", changes={"beta": 0.99}),),
)  # fmt: skip
def law_of_small_noise(beta=1.0):
    """On the valley yx²/2 − αy the law ΔS = ησ²/(4α) is the limit of the central flow's gap to 2/η at rest for small noise:
    the relative error falls as σ².

    The same valley, σ = 1/2, 1/4, 1/8: the flow's gap at rest over the law.
    """
    ratios = [_flow_gap(s) / (LR * beta * s**2 / (4 * PUSH)) for s in (0.5, 0.25, 0.125)]
    return {"ratios": ratios, "order": float(np.log2(abs((ratios[1] - 1) / (ratios[2] - 1))))}


ROWS, LABELS = np.array([0.6, 1.0, 1.4]), (0.8, 0.4, 0.2)


def _second_small():
    """Runs in NumPy; D = u² − v² of the flow by the equation in papers/damian2021.py, dD/dt = −η²σ²mD/(3(1 − ηS/2))."""
    rng, square, off = np.random.default_rng(12), float(np.mean(ROWS**2)), []
    for sigma in (0.8, 0.4, 0.2):
        u, v, gap, steps = np.full(6000, 3.0), np.full(6000, 2 / 3), 9 - 4 / 9, round(40 / sigma**2)
        for _ in range(steps):
            noise = sigma * rng.normal(size=(6000, 3))
            pull = LR * (((u * v - 2)[:, None] * ROWS - noise) * ROWS).mean(axis=1)
            u, v = u - pull * v, v - pull * u
            gap *= 1 - LR**2 * sigma**2 * square / 3 / (1 - LR * square * np.hypot(gap, 4) / 2)
        off.append(abs(np.mean(u * u - v * v) - gap) / (9 - 4 / 9 - gap))
    return {"last": float(off[2]), "order": float(np.log2(off[0] / off[1]))}


@CLAIMS.add(
    "own statement", {"last": at_most(0.003), "order": at_least(1.5), "moved": at_least(0.2)},
    Control("the gradient flow", changes={"noisy": False}), slow=True, second=_second_small,
    domain="½(uvx − y)² on x = 0.6, 1, 1.4, y = 2x, noise of the labels; η = 0.1, from (3, 2/3), 40/σ² steps",
    perturbations=(Control("the flow with a tenth more noise", changes={"factor": 1.1}),),
)  # fmt: skip
def small_noise_long_times(noisy=True, factor=1.0):
    """On ½(uvx − y)² with label noise σ = 0.8, 0.4, 0.2, over 40/σ² steps, in which noise moves runs by 0.36, the central
    flow's distance to their mean falls from the first to the second at an order in σ of 1.5 or more, and is at most 0.003 of
    the way at the last.

    ½(uvx − y)² on three rows with fresh noise of the labels, σ = 0.8, 0.4, 0.2, η = 0.1, from (3, 2/3) of ηS/2 = 0.52, 40/σ²
    steps with all rows, 10,000 runs, which move by 0.36: distance at the end over that. Order in σ from the first two; the last
    is no more than the error of the runs' mean, some 0.0005.
    """
    data = np.column_stack([ROWS, 2 * ROWS])
    loss = cf.Loss.from_spec(make_loss("(u*v*x - y)**2/2", ["u", "v"], {}, ["x", "y"], data=data))
    off, gd, start = [], cf.optimizers.gd(lr=LR), np.array([3.0, 2 / 3])
    for sigma in LABELS:
        steps = round(40 / sigma**2)
        runs = cf.iterate_many(loss, gd, start, steps, None, 10_000, label_noise=sigma, measured=0, every=steps)
        flow = cf.flows.central(loss, gd, label_noise=factor * sigma) if noisy else cf.flows.gradient(loss, gd)
        mean, end = runs.final.mean(axis=0), cf.solve(flow, start, steps).w[-1]
        off.append(float(np.linalg.norm(end - mean) / np.linalg.norm(mean - start)))
    return {
        "last": off[-1],
        "order": float(np.log2(off[0] / off[1])),
        "moved": float(np.linalg.norm(mean - start)),
        "off": off,
    }


def figures():
    """The gap of a valley over the noise, by runs, flow, and law."""
    return {"gap": _gap}


def _gap():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    sigmas = np.linspace(0.05, 1.9, 60)
    axes.plot(sigmas, [_rest(s) for s in sigmas], "C3", label="flow at rest, 1/η − √(1/η² − σ²/(2α))")
    axes.plot(sigmas, LR * sigmas**2 / (4 * PUSH), "k--", lw=0.8, label="law ησ²/(4α)")
    for sigma in (0.3, 0.6, 1.0, 1.4, 1.7):
        runs = cf.iterate_many(
            _valley(), cf.optimizers.gd(lr=LR), [0.0, 20 - _rest(sigma)], 6000, None, 200, noise=[sigma**2, 0.0], measured=0
        )
        axes.plot(sigma, 20 - runs.mean[runs.t >= 3000, 1].mean(), "ko", ms=4, label="runs" if sigma == 0.3 else None)
    axes.axhline((2 * PUSH) ** 0.5, color="0.6", lw=0.8)
    axes.annotate("√(2α): below it the edge holds", (0.9, 0.25), fontsize=8, color="0.4")
    axes.set(xlabel="σ", ylabel="2/η − S", title="A valley with gradient noise, η = 0.1, α = 0.02")
    axes.legend(fontsize=8)
    return figure
