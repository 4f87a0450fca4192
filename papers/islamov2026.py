"""R. Islamov, M. Crawshaw, J. Cohen, R. Gower, *Non-Euclidean gradient descent operates at the edge of stability*, arXiv
2603.05002 (2026).

Steepest descent in a norm, w₊ = w − η‖g‖* d with d the unit vector of steepest descent, has the edge 2/η for the generalized
sharpness max dᵀHd over ‖d‖ ≤ 1. Examples are descent in the ∞-norm (signs), in blocks, and in the spectral norm (Muon without
momentum).
"""

import itertools

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


@CLAIMS.add(
    "generalized sharpness", {"edges": near([2.0] * 4, 1e-9)},
    Control("the Euclidean sharpness λ₁", changes={"norm": "euclidean"}), read="a secondary source",
    domain="quadratics with positive definite H, d weights; all starts", examples="4 random H of three weights",
    perturbations=(Control("the sum of |Hᵢⱼ|, an upper bound", changes={"norm": "sum"}),),
)  # fmt: skip
def edge_on_quadratics(norm="infinity", cases=4):
    """On a quadratic descent in the ∞-norm, w₊ = w − η‖g‖₁ sign(g), lowers the loss from every point but the minimum
    iff η max{dᵀHd: |dᵢ| ≤ 1} < 2.

    For 4 random positive definite H of 3 weights: the η at which the worst step neither raises nor lowers the loss, times
    the maximum, which a convex function takes at a corner of the cube. The worst step is looked for over all points with g =
    Hw of given signs: its change −η‖g‖₁² + η²‖g‖₁² sᵀHs/2 depends on them only, so one point for each of the 8 sign patterns
    is enough.
    """
    rng, found = np.random.default_rng(0), []
    for _ in range(cases):
        a = rng.normal(size=(3, 3))
        h = a @ a.T + 0.3 * np.eye(3)
        corners = [np.array(s) for s in itertools.product((-1.0, 1.0), repeat=3)]
        sizes = {"infinity": max(s @ h @ s for s in corners), "euclidean": np.linalg.eigvalsh(h)[-1], "sum": np.abs(h).sum()}
        most = sizes[norm]
        found.append(min(_balance(h, np.linalg.solve(h, s * [1.0, 0.7, 0.4])) for s in corners) * most)
    return {"edges": found}


@CLAIMS.add(
    "steepest descent in the spectral norm", {"descend": 2000, "ascend": above(0)},
    Control("the Euclidean sharpness λ₁", changes={"norm": "euclidean"}), read="a secondary source",
    domain="one random positive definite quadratic of a 2 × 2 matrix W; 2,000 random points",
    perturbations=(Control("1.001 times that edge in both cases", changes={"factors": (1.001, 1.001)}),),
)  # fmt: skip
def edge_of_muon(norm="spectral", seed=1, factors=(0.999, 1.001)):
    """For Muon without momentum, W₊ = W − η‖G‖* UVᵀ (‖G‖* the nuclear norm), the edge is 2 over the maximum of ⟨D, H[D]⟩ over
    orthogonal D: at 0.999 of it the loss falls from all points, at 1.001 it rises from some.

    The maximum over 20,000 rotations and reflections.
    """
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(4, 4))
    h = a @ a.T + 0.3 * np.eye(4)
    angles = np.linspace(0, 2 * np.pi, 10000, endpoint=False)
    c, s = np.cos(angles), np.sin(angles)
    turns = np.concatenate([np.stack([c, -s, s, c], axis=1), np.stack([c, s, s, -c], axis=1)])
    most = np.einsum("ij,jk,ik->i", turns, h, turns).max() if norm == "spectral" else np.linalg.eigvalsh(h)[-1]
    falls, rises = 0, 0
    for g in rng.normal(size=(2000, 4)):
        w = np.linalg.solve(h, g)
        u, values, v = np.linalg.svd(g.reshape(2, 2))
        low, high = (w - factor * 2 / most * values.sum() * (u @ v).ravel() for factor in factors)
        falls, rises = falls + (low @ h @ low < w @ h @ w), rises + (high @ h @ high > w @ h @ w)
    return {"descend": int(falls), "ascend": int(rises)}


@CLAIMS.add(
    "abstract (sharpening, then oscillations at the threshold); the example is ours",
    {"start": between(0.0, 0.5), "held": near([0.88, 0.85], 0.02)},
    Control("a slope of 1e-6, which hardly pushes the curvature up", changes={"push": 1e-6}), figure="training",
    domain="(y + x)x²/2 − (x + y)/100, two weights, descent in the ∞-norm; η = 0.2 and 0.3 from (0.05, 3), 6,000 steps",
    perturbations=(Control("a slope of 0.02 in place of 0.01", changes={"push": 0.02}),),
)  # fmt: skip
def training_near_the_edge(push=0.01):
    """Where the gradient pushes the curvature y up, the generalized sharpness rises from less than half of 2/η and is then held,
    here some 12 % and 15 % below 2/η.

    η/2 times max dᵀHd at the start (the larger of the two), and the two medians over the last quarter of the steps. The source
    sees it oscillate around or above 2/η in networks.
    """
    runs = [_training(lr, push) for lr in (0.2, 0.3)]
    return {"start": max(run[0] for run in runs), "held": [float(np.median(run[4500:])) for run in runs]}


def _balance(h, w):
    """The η at which the step from w, made by the map of signs, leaves ½wᵀHw as it is."""
    formula = " + ".join(f"h{i}{j}*{a}*{b}/2" for i, a in enumerate("xyz") for j, b in enumerate("xyz"))
    loss = cf.Loss(formula, "x y z", params={f"h{i}{j}": h[i, j] for i in range(3) for j in range(3)})
    size, low, high = np.abs(loss.gradient(w)).sum(), 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        after = cf.as_map(loss, cf.optimizers.sign_gd(lr=middle * size))(w)
        low, high = (middle, high) if loss.value(after) < loss.value(w) else (low, middle)
    return middle


def _training(lr, push=0.01, steps=6000):
    """η/2 times the generalized sharpness along a run; H = [[y + 3x, x], [x, 0]] is largest at a corner."""
    g, k = "((y + x)*x + x**2/2 - c)", "(x**2/2 - c)"
    rules = [f"{name} - lr*(Abs({g}) + Abs({k}))*sign({slope})" for name, slope in (("x", g), ("y", k))]
    step = cf.Map.from_text(rules, "x y", params={"lr": lr, "c": push})
    x, y = cf.iterate(step, [0.05, 3.0], steps).z.T
    return lr / 2 * np.maximum(y + 3 * x + 2 * np.abs(x), 0)


def figures():
    """Sharpening and what follows."""
    return {"training": _figure}


def _figure():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for lr in (0.2, 0.3):
        axes.plot(_training(lr), lw=0.6, label=f"η = {lr}")
    axes.axhline(1, color="0.5", lw=0.8, ls="--")
    axes.set(xlabel="step", ylabel="η/2 · max dᵀHd", title="Descent in the ∞-norm on a valley that steepens")
    axes.legend()
    return figure
