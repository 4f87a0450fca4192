"""A. Andreyev, P. Beneventano, *Edge of stochastic stability: revisiting the edge of stability for SGD*, arXiv 2412.20553
(2024).

Trained with mini-batches of B rows, a network does not stop sharpening at λ₁ = 2/η but earlier: what settles at 2/η is the
batch sharpness, the curvature of a batch's loss along its own gradient, E[gᵀHg]/E[gᵀg] over batches. It is larger than λ₁,
the more so the smaller the batches, so that small batches give flatter solutions.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, interval, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
SEEDS, STEPS, PUSH = 20, 24000, 0.003
BATCHES = {1: (1 / 2, 0.0), 2: (1 / 6, 2 / 3), 4: (0.0, 1.0)}  # of the rows 2, 2, 0, 0: chance of the means 2 and 1


@CLAIMS.add(
    "abstract (what stabilizes at 2/η: batch sharpness)", {"difference": "0"},
    Control("a cubic loss", changes={"cubic": 1}),
    proof="exact algebra: the change of a batch's own loss, of which the mean over batches is taken",
    domain="quadratic losses of two weights for each batch, any point at which E[gᵀg] > 0; SGD with one step η > 0",
    perturbations=(Control("the threshold 1.9/η", changes={"edge": "19/10"}),),
)  # fmt: skip
def own_loss_rises(cubic=0, edge="2"):
    """On quadratic losses of two weights a step of SGD raises the loss of its own batch, in the mean over batches, if and only if
    batch sharpness E[gᵀHg]/E[gᵀg] is above 2/η.

    For any batch the change of its own loss is (η/2)(η gᵀHg − 2gᵀg): SymPy, two weights, a general symmetric H and a general
    point. The mean over batches is (η/2)E[gᵀg](η·(batch sharpness) − 2), because the formula is linear in gᵀHg and gᵀg.
    """
    x, y, p, q, r, b, c, e = sp.symbols("x y p q r b c e")
    loss = p * x**2 / 2 + q * x * y + r * y**2 / 2 + b * x + c * y + cubic * x**3
    g = sp.Matrix([loss.diff(x), loss.diff(y)])
    h = sp.hessian(loss, (x, y))
    after = loss.subs({x: x - e * g[0], y: y - e * g[1]}, simultaneous=True)
    stated = e / 2 * (e * (g.T * h * g)[0] - sp.Rational(edge) * (g.T * g)[0])
    return {"difference": str(sp.expand(after - loss - stated))}


@CLAIMS.add(
    "abstract; the example is ours", {"batch_sharpness": near(1.0, 0.05), "sharpness": near(0.5, 0.02)},
    Control("full batches, where the sharpness itself is at 2/η", changes={"batch": 4}), figure="settling",
    domain="a valley of two weights, four rows ½a eᵘ x² − 0.003(x + u), a = 2, 2, 0, 0; SGD, single rows, η = 0.3 from eᵘ = 3",
    perturbations=(Control("batches of 2", changes={"batch": 2}),),
)  # fmt: skip
def settles_at_2_over_eta(batch=1):
    """In a valley that steepens, SGD with single rows settles where batch sharpness is within 5 % of 2/η, while the sharpness
    λ₁ of the mean loss stays at half of that.

    Medians over the last half of 24,000 steps, over 2/η; 20 seeds, mean ± 1.96 standard errors. The linear
    theory of x² says E(1 − ηaeᵘ)² = 1, which is eᵘ = 1/η and batch sharpness 2eᵘ = 2/η. The row is drawn by a Lehmer
    generator that is part of the state. (With batches of 2 of these rows the median of the batch sharpness is about half of
    2/η, with all 4 it is 0: there x is so small, between bursts, that the constant part of the gradient decides it. So on
    this valley the statement holds for single rows only.)
    """
    own, full = zip(*(_settled(batch, seed) for seed in range(SEEDS)), strict=True)
    return {"batch_sharpness": _mean(own), "sharpness": _mean(full)}


@CLAIMS.add(
    "abstract (smaller batches favor flatter minima); the example is ours",
    {"first_gap": above(0.2), "second_gap": above(0.18), "full": near(1.0, 0.06)},
    Control("a larger step for the larger batch, in proportion", changes={"scaled": True}), figure="batches",
    domain="the same valley and η; batches of 1, 2 and 4 of its four rows without replacement",
    perturbations=(Control("batches of 2 for 1, which are not flatter than themselves", changes={"smallest": 2}),),
)  # fmt: skip
def smaller_batches_flatter(scaled=False, smallest=1):
    """In this valley the sharpness λ₁ settles the further below 2/η, the smaller the batch.

    Medians of λ₁ over 2/η: of pairs of seeds the gap between batches of 1 and 2, and that between 2 and 4. The linear theory
    (the mean square of x keeps its size) says 1/2, 3/4 and 1, and the valley pushes on slowly. The control takes η in
    proportion to the batch, as practitioners do, and counts in units of the first 2/η: then λ₁ falls.
    """
    found = {batch: [_settled(max(batch, smallest), seed, 0.3 * (batch if scaled else 1))[1] for seed in range(SEEDS)]
             for batch in BATCHES}  # fmt: skip
    found = {batch: [s / (batch if scaled else 1) for s in values] for batch, values in found.items()}
    first, second = (np.subtract(found[b], found[a]) for a, b in ((1, 2), (2, 4)))
    return {"first_gap": _mean(first), "second_gap": _mean(second), "full": _mean(found[4])}


def _mean(values):
    error = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return interval(np.mean(values) - error, np.mean(values) + error, f"{len(values)} seeds, 95 %")


def _run(batch, seed, lr=0.3):
    """x and eᵘ of one run; s is the state of the generator."""
    two, one = BATCHES[batch]
    top = 2147483647
    a = f"Piecewise((2, s < {two * top!r}), (1, s < {(two + one) * top!r}), (0, True))"
    rules = [f"x - lr*({a}*exp(u)*x - c)", f"u - lr*({a}*exp(u)*x**2/2 - c)", f"mod(48271*s, {top})"]
    step = cf.Map.from_text(rules, "x u s", params={"lr": lr, "c": PUSH})
    start = float(np.random.default_rng(seed).integers(1, top))
    x, u = cf.iterate(step, [0.05, np.log(0.9 / lr), start], STEPS).z[:, :2].T
    return x, np.exp(u)


def _settled(batch, seed, lr=0.3):
    """Medians of batch sharpness and of λ₁ (the curvature along x) over 2/η, last half of a run."""
    x, y = (values[STEPS // 2 :] for values in _run(batch, seed, lr))
    two, one = BATCHES[batch]
    bent, size = 0.0, 0.0
    for a, chance in ((2.0, two), (1.0, one), (0.0, 1 - two - one)):
        g, k = a * y * x - PUSH, a * y * x**2 / 2 - PUSH
        bent = bent + chance * a * y * (g**2 + 2 * x * g * k + x**2 / 2 * k**2)
        size = size + chance * (g**2 + k**2)
    return float(np.median(bent / size) * lr / 2), float(np.median(y) * lr / 2)


def figures():
    """Runs with single rows and full batches; where λ₁ settles."""
    return {"settling": _settling, "batches": _batches}


def _settling():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for batch in BATCHES:
        axes.plot(_run(batch, 0)[1] * 0.15, lw=0.7, label=f"batches of {batch}")
    axes.set(xlabel="step", ylabel="λ₁ over 2/η", title="A steepening valley with four rows, η = 0.3")
    axes.legend()
    return figure


def _batches():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
    found = {batch: [_settled(batch, seed)[1] for seed in range(SEEDS)] for batch in BATCHES}
    for batch, values in found.items():
        axes.plot([batch] * SEEDS, values, "C0.", ms=4)
    axes.plot(list(BATCHES), [1 / 2, 3 / 4, 1], "k--", lw=0.8, label="mean-square edge of the linear theory")
    axes.set(xlabel="batch size", ylabel="median of λ₁ over 2/η", title="20 seeds each", ylim=(0, 1.1))
    axes.legend()
    return figure
