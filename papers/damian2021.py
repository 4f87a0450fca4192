"""A. Damian, T. Ma, J. D. Lee, *Label noise SGD provably prefers flat global minimizers*, arXiv 2106.06530, NeurIPS (2021).

SGD with label noise converges to a stationary point of L + λR, λ an effective strength that depends on the step, the noise and
the batch, R an explicit regularizer that penalizes sharp minima; at large learning rates it penalizes large eigenvalues of the
Hessian more than small ones. It strengthens the local result of Blanc et al. (2020). From memory: for squared errors, noise of
variance σ² and batches of B rows λ = ησ²/B, R = −tr log(1 − ηH/2)/(2η), which is tr H/4 for small η.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, between, near
from cfdyn.symbolic.loss import make_loss

CLAIMS = Claims(__name__, __doc__, read="the abstract")
X = np.array([0.6, 1.0, 1.4])
SIGMA = 0.5


def _loss(labels=2.0, formula="(u*v*x - y)**2/2"):
    """Three rows with the minima uv = 2, of curvature mean x²·(u² + v²)."""
    data = np.column_stack([X, labels * X])
    return cf.Loss.from_spec(make_loss(formula, ["u", "v"], {}, ["x", "y"], data=data))


def _regularizer(loss, w, lr, part=0.5):
    return float(-np.log(1 - part * lr * np.linalg.eigvalsh(loss.hessian(w))).sum() / (4 * part * lr))


def _slope(function, w, along, h=1e-5):
    return (function(w + h * along) - function(w - h * along)) / (2 * h)


@CLAIMS.add(
    "own statement", {"difference": at_most(1e-5)},
    Control("tr H/4, the regularizer for small rates", changes={"small": True}), read="from memory",
    domain="½(uvx − y)² on three rows, all in each step; η = 0.1, label noise σ = 0.01; the minima (u, 2/u), u = 2, 2.5, 3, 3.5",
    perturbations=(Control("1 − 0.51 ηH in place of 1 − ηH/2 in R", changes={"part": 0.51}),),
)  # fmt: skip
def central_flow_descends_the_regularizer(small=False, part=0.5):
    """At four minima of a product model the central flow with label noise, dw/dt = −½η∇⟨H, Σ⟩, drifts along the line of minima as
    the gradient flow of λR, R = −tr log(1 − ηH/2)/(2η), does, up to a share of 1e-5.

    At minima Σ = λ(2 − ηH)⁻¹, which makes the two the same by algebra, but for what label noise does to the rows' Hessians, a
    share of order η²σ². The flow's drift along the line of minima against −ηλ times the slope of R, by central differences of
    its eigenvalues, with errors of some 1e-9.
    """
    loss, lr, sigma, worst = _loss(), 0.1, 0.01, 0.0
    flow = cf.flows.central(loss, cf.optimizers.gd(lr=lr), label_noise=sigma)
    strength = lr * sigma**2 / len(X)
    for u in (2.0, 2.5, 3.0, 3.5):
        w = np.array([u, 2 / u])
        along = np.array([w[0], -w[1]]) / np.linalg.norm(w)
        own = (lambda at: np.trace(loss.hessian(at)) / 4) if small else (lambda at: _regularizer(loss, at, lr, part))
        wanted = -lr * strength * _slope(own, w, along)
        worst = max(worst, abs(flow.drift(w) @ along / wanted - 1))
    return {"difference": float(worst)}


@CLAIMS.add(
    "abstract (flat global minimizers); the example: own choice", {"sharpness": near(1.0, 0.03), "without": between(1.7, 2.0)},
    Control("no label noise", changes={"sigma": 0.0}), figure="runs",
    domain="½(uvx − y)² on three rows, one a step; η = 0.1, σ = 0.5; 200 runs of 3,000 steps from (2.6, 0.4)",
    perturbations=(Control("300 steps", changes={"steps": 300}),),
)  # fmt: skip
def label_noise_finds_the_flattest(sigma=SIGMA, steps=3000):
    """The mean of runs of SGD with label noise moves along a line of minima until it is at the flattest; without it runs stay
    where they came to rest, at a sharpness 1.9 times as high.

    Sharpness at the mean of the runs
    over that of the flattest minima, 4·mean x²; the same for runs without label noise, which ends on the line of minima.
    The mean lies within the curve of minima, so that its sharpness is a little lower.
    """
    loss, flattest = _loss(), 4 * float(np.mean(X**2))
    ends = {}
    for name, noise in (("sharpness", sigma), ("without", 0.0)):
        gd = cf.optimizers.gd(lr=0.1)
        runs = cf.iterate_many(loss, gd, [2.6, 0.4], steps, 1, 200, label_noise=noise, measured=0, every=300)
        ends[name] = float(loss.sharpness(runs.final.mean(axis=0)) / flattest)
    return ends


@CLAIMS.add(
    "abstract (large learning rates penalize large eigenvalues more); the equation: own statement",
    {"ratio": near(1.0, 0.03)},
    Control("tr H/4, the regularizer for small rates", changes={"part": 0.0}),
    domain="½(uvx − y)² on three rows, all in each step; η = 0.1, σ = 0.2; 2,000 runs of 400 steps from (3, 2/3)",
    perturbations=(Control("1 − 0.55 ηS in place of 1 − ηS/2", changes={"part": 0.55}),),
)  # fmt: skip
def large_rates_penalize_more(part=0.5):
    """At a large rate runs drift along the minima as R = −tr log(1 − ηH/2)/(2η) says, faster than tr H/4 would have them.

    On the minima dD/dt = −η²σ²m·D/(n(1 − ηS/2)) for D = u² − v², m = mean x² and S = m√(D² + 16); tr H/4 has no divisor. At
    the start ηS/2 = 0.52: the fall of log D in the mean of the runs, over that of this equation, by steps of one. The spread
    of uv, 0.04, leaves an error of some percent of the fall.
    """
    lr, sigma, steps, square = 0.1, 0.2, 400, float(np.mean(X**2))
    start = np.array([3.0, 2 / 3])
    runs = cf.iterate_many(_loss(), cf.optimizers.gd(lr=lr), start, steps, None, 2000, label_noise=sigma, measured=0, every=steps)
    found = np.mean(runs.final[:, 0] ** 2 - runs.final[:, 1] ** 2)
    first = gap = start[0] ** 2 - start[1] ** 2
    for _ in range(steps):
        bent = part * lr * square * np.hypot(gap, 4)
        gap *= np.exp(-(lr**2) * sigma**2 * square / len(X) / (1 - bent))
    return {"ratio": float(np.log(first / found) / np.log(first / gap))}


def figures():
    """Runs with label noise along the line of minima."""
    return {"runs": _runs}


def _runs():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    loss, gd = _loss(), cf.optimizers.gd(lr=0.1)
    line = np.linspace(0.9, 3, 100)
    axes.plot(line, 2 / line, color="0.6", label="minima")
    for sigma, color in ((0.0, "C0"), (SIGMA, "C3")):
        runs = cf.iterate_many(loss, gd, [2.6, 0.4], 3000, 1, 200, label_noise=sigma, measured=0, every=20)
        axes.plot(*runs.mean.T, color, lw=1.2, label=f"mean of runs, σ = {sigma:g}")
        axes.plot(*runs.mean[-1], "o", color=color)
    axes.set(xlabel="u", ylabel="v", title="The flattest minima have u = v")
    axes.legend()
    return figure
