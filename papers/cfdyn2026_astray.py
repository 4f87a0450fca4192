"""The cfdyn project, *Where stochastic gradients sit, and where their central flow goes astray* (2026).

(1) The central flow with noise follows one path, w̄, and takes the runs for a cloud about it. It fails where they are none.
Mirror images are one way: the net a₁ tanh(w₁x + b₁) + a₂ tanh(w₂x + b₂) with odd data has the symmetry b → −b, and from near
b = 0 runs go to both sides, while their mean, and the flow, stay between. The product w₁w₂w₃ has the symmetry (w₂, w₃) → −(w₂,
w₃), and noise can carry runs across. A saddle without noise is another: at w = 0 gradients of all rows of w₁w₂w₃x vanish to
second order, so that runs which come near stay for long. In a wide convex minimum of curvature λ there is a third: the
mean moves by ½η²∇⟨H, Σ⟩/(ηλ), of order η, and what a Gaussian closure leaves out is η times that or less: at η = 1 the one is
not small against the other yet.

(2) Published thresholds say when a minimum, or a batch's own step, is unstable. That SGD sits at one of them is another
statement: noise pushes towards flat directions wherever there is curvature to fall, far below any of them, and the sharpening
of the loss can come to rest there.

The second computations are NumPy loops with their own random numbers.
"""

from functools import cache

import numpy as np
from scipy.sparse import csr_matrix

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between, near
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
    return {"deep linear": float((_plain_deep(0.2, 4, 1200)[:, 1] < 0).mean())}


@CLAIMS.add(
    "derivation (1)", {"net": between(0.43, 0.57), "neither": at_most(0.01), "mean": at_most(0.2),
     "deep linear": near(0.135, 0.04)},
    Control("batches of 64", changes={"batch": 64}), second=_second_modes, figure="modes",
    domain="a logistic net of two tanh units on 16 rows, η = 0.5; (w₁w₂w₃x − y)²/2 on 12 rows, η = 0.2, from w₂ = 0.4; one start "
        "each, 3,000 steps with batches of 4",
    perturbations=[Control("batches of 8", changes={"batch": 8}), Control("η a tenth lower", changes={"scale": 0.9})],
)  # fmt: skip
def runs_in_mirror_images(batch=4, scale=1.0):
    """Runs of SGD from one start can part into two mirror images: on a logistic net half of them end with both b > 1 and half
    with both b < −1, their mean near 0, and on a deep linear one about an eighth change to the other side.

    Logistic net: shares of 1,200 runs with both b > 1, and with neither both b > 1 nor both < −1, and the larger
    |mean of b|; w₁w₂w₃x: share with w₂ < 0. 0.04 is four standard errors.
    """
    net = _ends("logistic net", 0.5 * scale, batch, 1200).final[:, 2:4]
    up, down = (net > 1).all(axis=1).mean(), (net < -1).all(axis=1).mean()
    deep = _ends("deep linear", 0.2 * scale, batch, 1200).final[:, 1]
    return {"net": float(up), "neither": float(1 - up - down), "mean": float(np.abs(net.mean(axis=0)).max()),
            "deep linear": float((deep < 0).mean())}  # fmt: skip


def _second_collapse():
    size = np.linalg.norm(_plain_deep(0.2, 1, 2400), axis=1)
    kept = np.isfinite(size)
    return {"diverge": float(1 - kept.mean()), "at the saddle": float((size[kept] < 0.5).mean())}


@CLAIMS.add(
    "derivation (1)", {"diverge": near(0.42, 0.05), "at the saddle": at_least(0.96)},
    Control("batches of 16", changes={"batch": 16}), second=_second_collapse,
    domain="(w₁w₂w₃x − y)²/2 on 12 rows, from (2, 0.4, 0.2); single rows, η = 0.2, 3,000 steps",
    perturbations=[Control("η = 0.18", changes={"rate": 0.18}), Control("η = 0.22", changes={"rate": 0.22})],
)  # fmt: skip
def runs_that_escape(batch=1, rate=0.2):
    """With single rows at a large rate runs of a deep linear net leave its minima: two in five diverge, and nearly all of the
    others end near the saddle w = 0.

    2,400 runs: share that diverge, and of the others, share with |w| < 0.5, 96 % or more; minima have |w| ≥ 1.58.
    """
    runs = _ends("deep linear", rate, batch, 2400)
    size = np.linalg.norm(runs.final[np.isfinite(runs.final).all(axis=1)], axis=1)
    return {"diverge": runs.status["diverged"] / 2400, "at the saddle": float((size < 0.5).mean())}


def _line():
    x = np.linspace(0.5, 1.5, 8)
    return x, np.array([1.0, 1, 1, -1, 1, -1, 1, -1])


def _second_error():
    """The mean of 20,000 runs in NumPy, less the minimum by Newton's method."""
    (x, s), away = _line(), {}
    minimum = 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(s * x * minimum))
        minimum += np.mean(s * x * p) / np.mean(x * x * p * (1 - p))
    for rate in (1.0, 2.0):
        rng, w, total = np.random.default_rng(4), np.zeros(20_000), 0.0
        for t in range(400):
            rows = rng.integers(0, len(x), w.size)
            w = w + rate * s[rows] * x[rows] / (1 + np.exp(s[rows] * x[rows] * w))
            total += (w.mean() if t >= 100 else 0.0) / 300
        away[f"gradient flow, {rate:g}"] = abs(total - minimum)
    return away


def _stationary_mean(rate, low=-10.0, high=12.0, nodes=3000):
    """Of SGD with single rows: its density on a grid, after times of 150."""
    (x, s), w = _line(), np.linspace(low, high, nodes)
    place = (w + rate * (s * x)[:, None] / (1 + np.exp((s * x)[:, None] * w)) - low) / (w[1] - w[0])
    left = np.clip(place.astype(int), 0, nodes - 2)
    weight = np.clip(place - left, 0, 1)
    columns = np.tile(np.arange(nodes), 2 * len(x))
    entries = np.concatenate([(1 - weight).ravel(), weight.ravel()]) / len(x)
    step = csr_matrix((entries, (np.concatenate([left.ravel(), left.ravel() + 1]), columns)), (nodes, nodes))
    density = np.exp(-w * w)
    for _ in range(int(150 / rate)):
        density = step @ density
    return float(density @ w / density.sum())


@CLAIMS.add(
    "derivation (1)",
    {"gradient flow, 1": near(0.0422, 0.003), "gradient flow, 2": near(0.0935, 0.006), "order, gradient flow": near(1.162, 0.02),
     "order, flow with noise": near(3.69, 0.1), "small": near(0.2246, 0.01), "large": near(1.978, 0.05)},
    Control("the flow of twice the batch", changes={"factor": 2}), second=_second_error,
    domain="logistic regression of one weight on 8 rows, batches of one, η = 0.5, 1 and 2; stationary means and rest points",
    perturbations=[Control("η a twentieth larger", changes={"scale": 1.05}),
        Control("η a twentieth smaller", changes={"scale": 0.95})],
)  # fmt: skip
def error_in_a_convex_minimum(factor=1, scale=1.0):
    """In a convex minimum the error of the flow with noise falls faster with η than the gradient flow's: from η = 1 to 1/2 by a
    factor of 13, and the gradient flow's of 2.2. At η = 1 it is 0.22 times as large; at η = 2 it is twice as large.

    Errors are distances of the flow's rest point from the mean of the stationary density of SGD, on a grid; orders are log₂ of
    the ratio of errors at η = 1 and 1/2; ratios of the flows' errors at η = 1, small, and 2, large.
    """
    x, s = _line()
    loss, away = cf.Loss.from_spec(make_loss("log(1 + exp(-s*x*w))", ["w"], {}, ["x", "s"], data=np.column_stack([x, s]))), []
    for rate in (0.5 * scale, scale, 2 * scale):
        gd, mean = cf.optimizers.gd(lr=rate), _stationary_mean(rate)
        flows = cf.flows.central(loss, gd, batch=factor), cf.flows.gradient(loss, gd)
        away.append([abs(cf.solve(flow, [mean], int(200 / rate), rtol=1e-9).w[-1].item() - mean) for flow in flows])
    (half, first), (one, second), (two, third) = away
    return {"gradient flow, 1": second, "gradient flow, 2": third, "order, gradient flow": float(np.log2(second / first)),
            "order, flow with noise": float(np.log2(one / half)), "small": one / second, "large": two / third}  # fmt: skip


@cache
def _measures(name, batch, runs=40, scale=1.0):
    """{measure: median over the ends of runs of its value over its threshold}."""
    (loss, _), found, rate = _loss(name), {}, RATES[name] * scale
    for w in _ends(name, rate, batch, runs).final:
        if np.isfinite(w).all():
            for measure in cf.mean_square(loss, w, rate, batch).measures:
                found.setdefault(measure.name, []).append(measure.value / measure.threshold)
    return {measure: float(np.median(values)) for measure, values in found.items()}


def _second_thresholds():
    """Batch sharpness of single rows at the ends of runs of the deep linear net, from its gradients and Hessians by hand."""
    (x, y), found = _data()["deep linear"].T, []
    for a, b, c in _plain_deep(RATES["deep linear"], 1, runs=400, seed=6):
        first, mixed = np.array([b * c, a * c, a * b]), np.array([[0, c, b], [c, 0, a], [b, a, 0]])
        slopes = (a * b * c * x - y) * x
        bent = [s * s * (first @ (v * v * np.outer(first, first) + s * mixed) @ first) for s, v in zip(slopes, x, strict=True)]
        found.append(np.sum(bent) / np.sum(slopes**2) / (first @ first))
    return {"deep linear, 1": float(np.median(found) * RATES["deep linear"] / 2)}


KNOWN = ("sharpness", "batch sharpness", "mean-square radius", "generalized sharpness", "non-uniformity", "noise kernel norm")


@CLAIMS.add(
    "derivation (2)", {name: at_most(0.2) for name in KNOWN} | {
        "small batches": at_most(0.9), "interaction": at_least(0.95), "half": at_least(0.7), "deep linear, 1": near(0.267, 0.01)},
    Control("a net of tanh units with batches of 16 and 64", changes={"losses": ("tanh net",), "batches": (16, 64)}),
    second=_second_thresholds, figure="thresholds",
    domain="five losses of three to six weights, one start and one rate each (0.1 or 0.2); batches of 1, 4, 16 and 64 drawn with "
        "replacement; after 3,000 steps",
    perturbations=[Control("batches of 64 only", changes={"batches": (64,)}),
        Control("η twice as large", changes={"scale": 2.0})],
)  # fmt: skip
def no_threshold_is_where_it_sits(losses=tuple(RATES), batches=BATCHES, scale=1.0):
    """On five small losses with four batch sizes SGD is within a tenth of any one of six published thresholds in at most a fifth
    of the settings; with batches of 1 and 4 it is below all six in all of them. Batch sharpness is below half of 2/η in at least
    70 % of the settings, gradient–noise interaction beyond 2/η in at least 95 %.

    Medians over the ends of 40 runs of each measure of `cf.mean_square` over its threshold. Shares of the 20 settings within 10 %
    of the threshold; with a gradient–noise interaction above 1; and with batch sharpness below one half; the largest of the six
    with batches of 1 or 4; and batch sharpness of the deep linear net with single rows.
    """
    settings = {(name, batch): _measures(name, batch, scale=scale) for name in losses for batch in batches}
    found = {name: float(np.mean([abs(each[name] - 1) < 0.1 for each in settings.values()])) for name in KNOWN}
    small = [each[name] for (_, batch), each in settings.items() if batch <= 4 for name in KNOWN]
    found["small batches"] = float(np.nanmax(small)) if small else None
    found["interaction"] = float(np.mean([each["gradient–noise interaction"] > 1 for each in settings.values()]))
    found["half"] = float(np.mean([each["batch sharpness"] < 0.5 for each in settings.values()]))
    return found | {"deep linear, 1": settings.get(("deep linear", 1), {}).get("batch sharpness")}


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
