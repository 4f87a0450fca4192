"""The cfdyn project, *Where stochastic gradients sit, and where their central flow goes astray* (2026).

(1) The central flow with noise follows one path, w̄, and takes the runs for a cloud about it. It fails where they are none.
Mirror images are one way: the net a₁ tanh(w₁x + b₁) + a₂ tanh(w₂x + b₂) with odd data has the symmetry b → −b, and from near
b = 0 runs go to both sides, while their mean, and the flow, stay between. The product w₁w₂w₃ has the symmetry (w₂, w₃) → −(w₂,
w₃), and noise can carry runs across. A saddle without noise is another: at w = 0 gradients of all rows of w₁w₂w₃x vanish to
second order, so that runs which come near stay for long. In a wide convex minimum of curvature λ there is a third: the
mean moves by ½η²∇⟨H, Σ⟩/(ηλ), of order η, and what a Gaussian closure leaves out is η times that or less, so that the flow's
error falls by a higher power of η than the gradient flow's: at η = 1 the one is not small against the other yet.

(2) Published thresholds say when a minimum, or a batch's own step, is unstable. That SGD sits at one of them is another
statement: noise pushes towards flat directions wherever there is curvature to fall, far below any of them, and the sharpening
of the loss can come to rest there.

The second computations are NumPy loops with their own random numbers.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, between
from cfdyn.symbolic.loss import make_loss

CLAIMS = Claims(__name__, __doc__, read="the paper")
NET = "(a1*tanh(w1*x + b1) + a2*tanh(w2*x + b2))"
START = np.random.default_rng(5).normal(size=6)
BATCHES = (1, 4, 16, 64)
RATES = {"tanh net": 0.2, "logistic net": 0.2, "Poisson net": 0.2, "deep linear": 0.1, "factors": 0.1}


@cache
def _data():
    """Columns of the rows of each loss, by the numbers that also papers/cfdyn2026_stochastic.py draws."""
    rng, more = np.random.default_rng(3), np.linspace(-2, 2, 16)
    labels = rng.random(16) < 1 / (1 + np.exp(-3 * np.sin(2 * more)))
    counts = rng.poisson(np.exp(1.2 * np.sin(2 * more)))
    line = rng.normal(size=12)
    noisy = line + 0.5 * rng.normal(size=12)
    plane = rng.normal(size=(16, 2))
    x = np.linspace(-2, 2, 12)
    found = {"tanh net": (x, np.sin(2 * x)), "logistic net": (more, labels), "Poisson net": (more, counts),
             "deep linear": (line, noisy), "factors": (plane, plane.sum(axis=1) + 0.5 * rng.normal(size=16))}  # fmt: skip
    return {name: np.column_stack(parts).astype(float) for name, parts in found.items()}


@cache
def _loss(name):
    """The loss and its start."""
    net = ("w1 w2 b1 b2 a1 a2", "x y", START)
    row, weights, columns, start = {
        "tanh net": (f"({NET} - y)**2/2", *net),
        "logistic net": (f"log(1 + exp({NET})) - y*{NET}", *net),
        "Poisson net": (f"exp({NET}) - y*{NET}", *net),
        "deep linear": ("(w1*w2*w3*x - y)**2/2", "w1 w2 w3", "x y", (2.0, 0.4, 0.2)),
        "factors": ("(u1*v1*p + u2*v2*q - y)**2/2", "u1 v1 u2 v2", "p q y", (2.0, 0.2, 1.5, 0.2)),
    }[name]
    return cf.Loss.from_spec(make_loss(row, weights.split(), {}, columns.split(), data=_data()[name])), start


def _ends(name, rate, batch, runs, **options):
    loss, start = _loss(name)
    return cf.iterate_many(loss, cf.optimizers.gd(lr=rate), start, 3000, batch, runs, measured=0, every=3000, **options)


@cache
def _plain_deep(rate, batch, runs=300, seed=23):
    """Ends of runs of ½(w₁w₂w₃x − y)² in NumPy; those beyond 1e3 are NaN."""
    rng, (x, y) = np.random.default_rng(seed), _data()["deep linear"].T
    w = np.tile([2.0, 0.4, 0.2], (runs, 1))
    for _ in range(3000):
        rows = rng.integers(0, 12, (runs, batch))
        with np.errstate(all="ignore"):
            slope = ((w.prod(axis=1)[:, None] * x[rows] - y[rows]) * x[rows]).mean(axis=1)
            a, b, c = w.T
            w = w - rate * slope[:, None] * np.column_stack([b * c, a * c, a * b])
            w[~(np.abs(w).max(axis=1) < 1e3)] = np.nan
    return w


def _second_modes():
    return {"deep linear": float((_plain_deep(0.2, 4)[:, 1] < 0).mean())}


@CLAIMS.add(
    "derivation (1)", {"net": between(0.3, 0.7), "neither": at_most(0.03), "deep linear": between(0.08, 0.4)},
    Control("batches of 64", changes={"batch": 64}), second=_second_modes, figure="modes",
)  # fmt: skip
def runs_in_mirror_images(batch=4):
    """Where the flow goes astray most, runs are in two mirror images: half of them on each side on a logistic net, a quarter or
    less on the other side on a deep linear one.

    Logistic net, η = 0.5, b = 4: shares of 300 runs with both b > 1, and with neither both b > 1 nor both < −1, after 3,000
    steps; w₁w₂w₃x, η = 0.2, b = 4: share with w₂ < 0, from 0.4.
    """
    net = _ends("logistic net", 0.5, batch, 300).final[:, 2:4]
    up, down = (net > 1).all(axis=1).mean(), (net < -1).all(axis=1).mean()
    deep = _ends("deep linear", 0.2, batch, 300).final[:, 1]
    return {"net": float(up), "neither": float(1 - up - down), "deep linear": float((deep < 0).mean())}


def _second_collapse():
    size = np.linalg.norm(_plain_deep(0.2, 1), axis=1)
    kept = np.isfinite(size)
    return {"diverge": float(1 - kept.mean()), "at the saddle": float((size[kept] < 0.5).mean())}


@CLAIMS.add(
    "derivation (1)", {"diverge": between(0.25, 0.55), "at the saddle": at_least(0.95)},
    Control("batches of 16", changes={"batch": 16}), second=_second_collapse,
)  # fmt: skip
def runs_that_escape(batch=1):
    """With single rows at a large rate runs of a deep linear net leave its minima: two in five diverge, the others end at the
    saddle w = 0.

    w₁w₂w₃x, η = 0.2, 600 runs of 3,000 steps: share that diverge, and of the others, share with |w| < 0.5; minima have |w| ≥
    1.4.
    """
    runs = _ends("deep linear", 0.2, batch, 600)
    size = np.linalg.norm(runs.final[np.isfinite(runs.final).all(axis=1)], axis=1)
    return {"diverge": runs.status["diverged"] / 600, "at the saddle": float((size < 0.5).mean())}


def _second_order():
    """Means of 4,000 runs in NumPy about the minimum by Newton's method."""
    (x, s), away = _line(), []
    for rate in (1.0, 2.0):
        rng, w, total = np.random.default_rng(4), np.zeros(6000), 0.0
        for t in range(600):
            rows = rng.integers(0, len(x), w.size)
            w = w + rate * s[rows] * x[rows] / (1 + np.exp(s[rows] * x[rows] * w))
            total = total + (w.mean() if t >= 300 else 0.0) / 300
        minimum = 0.0
        for _ in range(50):
            p = 1 / (1 + np.exp(s * x * minimum))
            minimum += np.mean(s * x * p) / np.mean(x * x * p * (1 - p))
        away.append(abs(total - minimum))
    return {"gradient flow": float(np.log2(away[1] / away[0]))}


def _line():
    x = np.linspace(0.5, 1.5, 8)
    return x, np.array([1.0, 1, 1, -1, 1, -1, 1, -1])


@CLAIMS.add(
    "derivation (1)",
    {"gradient flow": between(0.8, 1.4), "flow with noise": above(1.8), "small": at_most(0.25), "large": above(1.0)},
    Control("the flow of twice the batch", changes={"factor": 2}), second=_second_order,
)  # fmt: skip
def error_in_a_convex_minimum(factor=1):
    """About a convex minimum the flow with noise has an error of a higher order in η than the gradient flow, whose error is of
    first order: it helps at η = 1 and does harm at η = 2.

    Logistic regression on one feature, 8 rows, batches of one, η = 1 and 2: distances to the mean of 20,000 runs, over the last
    third of 600 steps; orders from
    the two, and the ratios of the flows' distances, at the small and the large rate.
    """
    x, s = _line()
    loss = cf.Loss.from_spec(make_loss("log(1 + exp(-s*x*w))", ["w"], {}, ["x", "s"], data=np.column_stack([x, s])))
    away = []
    for rate in (1.0, 2.0):
        gd = cf.optimizers.gd(lr=rate)
        runs = cf.iterate_many(loss, gd, [0.0], 600, 1, 20_000, every=25, measured=0)
        times = (runs.t[runs.t >= 300] - 300).tolist()
        flows = (cf.flows.central(loss, gd, batch=factor), cf.flows.gradient(loss, gd))
        paths = [cf.solve(flow, runs.averaged[runs.t == 300][0], 300, save_at=times) for flow in flows]
        found = cf.analysis.compare_runs(runs, paths, ["noise", "gradient"], 300)
        away.append([model.distance for model in found.models])
    orders = np.log2(np.divide(away[1], away[0]))
    small, large = (flow / gradient for flow, gradient in away)
    return {"flow with noise": float(orders[0]), "gradient flow": float(orders[1]), "small": small, "large": large}


@cache
def _measures(name, batch, runs=40):
    """{measure: median over the ends of runs of its value over its threshold}."""
    loss, found = _loss(name)[0], {}
    for w in _ends(name, RATES[name], batch, runs).final:
        if np.isfinite(w).all():
            for measure in cf.mean_square(loss, w, RATES[name], batch).measures:
                found.setdefault(measure.name, []).append(measure.value / measure.threshold)
    return {measure: float(np.median(values)) for measure, values in found.items()}


def _second_thresholds():
    """Batch sharpness of single rows at the ends of runs of the deep linear net, from its gradients and Hessians by hand."""
    (x, y), found = _data()["deep linear"].T, []
    for a, b, c in _plain_deep(RATES["deep linear"], 1, runs=40, seed=6):
        first, mixed = np.array([b * c, a * c, a * b]), np.array([[0, c, b], [c, 0, a], [b, a, 0]])
        slopes = (a * b * c * x - y) * x
        bent = [s * s * (first @ (v * v * np.outer(first, first) + s * mixed) @ first) for s, v in zip(slopes, x, strict=True)]
        found.append(np.sum(bent) / np.sum(slopes**2) / (first @ first))
    return {"batch sharpness": float(abs(np.median(found) * RATES["deep linear"] / 2 - 1) < 0.1)}


KNOWN = ("sharpness", "batch sharpness", "mean-square radius", "generalized sharpness", "non-uniformity", "noise kernel norm")


@CLAIMS.add(
    "derivation (2)", {name: at_most(0.2) for name in KNOWN} | {"interaction": at_least(0.95), "half": at_least(0.6)},
    Control("a net of tanh units with batches of 16 and 64", changes={"losses": ("tanh net",), "batches": (16, 64)}),
    second=_second_thresholds, figure="thresholds",
)  # fmt: skip
def no_threshold_is_where_it_sits(losses=tuple(RATES), batches=BATCHES):
    """On small losses SGD sits at none of the published thresholds, but with large batches, where the edge holds it; batch
    sharpness is below half of 2/η in most settings. Only gradient–noise interaction is beyond 2/η, everywhere.

    Five losses, one rate each, batches of 1, 4, 16, 64: medians over the ends of 40 runs of 3,000 steps of each measure of
    `cf.mean_square` over its threshold. Shares of the 20 settings within 10 % of the threshold; with a gradient–noise
    interaction above 1; and with batch sharpness below one half.
    """
    settings = [_measures(name, batch) for name in losses for batch in batches]
    found = {name: float(np.mean([abs(each[name] - 1) < 0.1 for each in settings])) for name in KNOWN}
    found["interaction"] = float(np.mean([each["gradient–noise interaction"] > 1 for each in settings]))
    return found | {"half": float(np.mean([each["batch sharpness"] < 0.5 for each in settings]))}


def figures():
    """Published measures over their thresholds; runs in two mirror images."""
    return {"thresholds": _thresholds, "modes": _modes}


def _thresholds():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    settings = [(name, batch) for name in RATES for batch in BATCHES]
    for measure, style in (("sharpness", "ko"), ("batch sharpness", "C3s"), ("mean-square radius", "C0^")):
        axes.plot([_measures(*setting)[measure] for setting in settings], style, ms=4, label=measure)
    axes.axhline(1, color="0.6", lw=0.8)
    axes.set_xticks(range(len(settings)), [f"{name}, {batch}" for name, batch in settings], rotation=75, fontsize=7)
    axes.set(ylabel="over its threshold", title="Medians over 40 runs; loss and batch")
    axes.legend(fontsize=8)
    return figure


def _modes():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4, 3.2), layout="constrained")
    ends = _ends("logistic net", 0.5, 4, 300).final
    loss, start = _loss("logistic net")
    path = cf.solve(cf.flows.central(loss, cf.optimizers.gd(lr=0.5), batch=4), start, 3000)
    axes.plot(*ends[:, 2:4].T, "k.", ms=3, label="runs after 3,000 steps")
    axes.plot(*path.w[:, 2:4].T, "C3", label="flow")
    axes.plot(*ends[:, 2:4].mean(axis=0), "C0*", ms=9, label="mean of runs")
    axes.set(xlabel="b₁", ylabel="b₂", title="Logistic net, η = 0.5, b = 4")
    axes.legend(fontsize=8)
    return figure
