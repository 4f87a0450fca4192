"""S. Ma, R. Bassily, M. Belkin, *The power of interpolation: understanding the effectiveness of SGD in modern over-parametrized
learning*, ICML 2018, arXiv 1712.06559.

Where all rows have a common minimum SGD converges at a constant step, η*(m) = m/(β + (m − 1)λ₁) for batches of m rows, β the
largest row's curvature and λ₁ that of the mean. Up to a critical batch size m* = β/λ₁ + 1, which hardly depends on the number of
rows, a step with m rows does nearly as much as m steps with one; beyond it, nearly as much as one with all rows.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")
BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)


def _rows(seed):
    return np.random.default_rng(seed).normal(size=(8, 3)) * [1.0, 0.7, 0.5]


def _unit(seed, n, d, falling=0.0):
    x = np.random.default_rng(seed).normal(size=(n, d)) / np.arange(1, d + 1) ** falling
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def _at(x, lr, batch):
    from cfdyn.symbolic.loss import make_loss

    w, names = [f"w{i}" for i in range(x.shape[1])], [f"x{i}" for i in range(x.shape[1])]
    score = " + ".join(f"{a}*{b}" for a, b in zip(w, names, strict=True))
    loss = cf.Loss.from_spec(make_loss(f"({score})**2/2", w, {}, names, data=x))
    return cf.mean_square(loss, np.zeros(x.shape[1]), lr, batch, cut=0)


@CLAIMS.add(
    "abstract (explicit step sizes); the formula as recalled",
    {"settings": 330, "largest factor over the bound": at_most(1 + 1e-9)},
    Control("three times that step", changes={"times": 3.0}), read="from memory",
    domain="½(x·w)² of rows with a common minimum, d weights, batches of m drawn with replacement; β the largest |x|²",
    examples="30 random sets of 8 rows, three weights, 11 batch sizes from 1 to 64",
    perturbations=(Control("twice that step", changes={"times": 2.0}),),
)  # fmt: skip
def constant_step_converges(times=1.0):
    """At the step η*(m) = m/(β + (m − 1)λ₁) the mean square of the distance falls at least by the factor 1 − η*(m) λ_min a step.

    The spectral radius of `mean_square`, of one step of the second moment, over 1 − η*λ_min. (Of E‖w‖² it is at most that:
    E(1 − ηA)² ≼ 1 − ηH if η(β + (m − 1)λ₁)/m ≤ 1.)
    """
    ratios = []
    for seed in range(30):
        x = _rows(seed)
        values, beta = np.linalg.eigvalsh(x.T @ x / 8), np.max(np.sum(x * x, axis=1))
        for m in BATCHES:
            lr = m / (beta + (m - 1) * values[-1])
            ratios.append(_at(x, times * lr, m).radius / (1 - lr * values[0]))
    return {"settings": len(ratios), "largest factor over the bound": float(max(ratios))}


@CLAIMS.add(
    "abstract (linear scaling and saturation)",
    {"linear": at_least(0.5), "saturated": at_least(0.5), "beyond linear": at_most(0.4), "before saturation": at_most(0.4)},
    Control("the number of rows in place of the critical batch size", changes={"by_rows": True}), figure="scaling",
    domain="½(x·w)², 8 random sets of 100 rows of norm 1, twelve weights; the mean square stable",
    perturbations=(Control("three times the critical batch size", changes={"times": 3.0}),),
)  # fmt: skip
def critical_batch(by_rows=False, times=1.0):
    """Up to m* = β/λ₁ + 1 rows a batch of m allows at least half of m times the largest stable step of single rows, from m* on
    at least half of that of the full batch; and less than 0.4 of either at 4m*, or at m*/4.

    ``linear``: the least largest stable step over m times that of single
    rows for eight m up to m*; ``saturated``: the least one over 2/λ₁ at m* and 4m*. (The formula for the step
    has the factor 2 at m* itself.) ``beyond linear``, ``before saturation``: the largest such quotients at 4m*, m*/4.
    """
    found = {"linear": [], "saturated": [], "beyond linear": [], "before saturation": []}
    for seed in range(8):
        x = _unit(seed, 100, 12)
        top = np.linalg.eigvalsh(x.T @ x / 100)[-1]
        critical, single = 100.0 if by_rows else times * (1 / top + 1), _at(x, 0.1, 1).largest_lr
        last, high = int(critical), int(4 * critical)
        sizes = {*np.geomspace(1, last, 8).astype(int).tolist(), last + 1, high, last // 4}
        edges = {m: _at(x, 0.1, m).largest_lr for m in sizes}
        found["linear"] += [edge / (m * single) for m, edge in edges.items() if m <= last]
        found["saturated"] += [edges[m] * top / 2 for m in (last + 1, high)]
        found["beyond linear"].append(edges[high] / (high * single))
        found["before saturation"].append(edges[last // 4] * top / 2)
    least = {name: float(min(found[name])) for name in ("linear", "saturated")}
    return least | {name: float(max(found[name])) for name in ("beyond linear", "before saturation")}


@CLAIMS.add(
    "abstract (nearly independent of the data size); the example is ours", {"spread": at_most(0.15)},
    Control("more weights with more rows", changes={"dims": (2, 4, 6, 8)}),
    domain="½(x·w)², one random set each of 100, 400, 1600 and 6400 rows of norm 1, eight weights of falling variance",
    perturbations=(Control("5, 6, 7 and 8 weights", changes={"dims": (5, 6, 7, 8)}),),
)  # fmt: skip
def independent_of_the_number_of_rows(dims=(8, 8, 8, 8)):
    """The batch size from which on SGD is stable at half of the full batch's edge hardly depends on the number of rows: from 100
    to 6400 rows it ranges over at most 15 % of its mean.

    The batch size as a real number, the noise kernel norm of single rows at that step; its range over its mean.
    """
    needed = []
    for n, d in zip((100, 400, 1600, 6400), dims, strict=True):
        x = _unit(5, n, d, falling=0.5)
        lr = 1 / np.linalg.eigvalsh(x.T @ x / n)[-1]
        needed.append(next(m.value for m in _at(x, lr, 1).measures if m.name == "noise kernel norm"))
    return {"spread": float(np.ptp(needed) / np.mean(needed)), "sizes": needed}


def figures():
    """The largest stable step over the batch size."""
    return {"scaling": _scaling}


def _scaling():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    x = _unit(0, 100, 12)
    top = np.linalg.eigvalsh(x.T @ x / 100)[-1]
    sizes = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128])
    edges = np.array([_at(x, 0.1, int(m)).largest_lr for m in sizes])
    axes.loglog(sizes, edges, "o-", ms=3, label="largest stable step")
    axes.loglog(sizes, sizes * edges[0], "--", color="0.6", label="m times that of single rows")
    axes.axhline(2 / top, color="0.6", ls=":", label="2/λ₁")
    axes.axvline(1 / top + 1, color="C3", lw=0.8, label="m* = β/λ₁ + 1")
    axes.set(xlabel="batch size m", ylabel="step", ylim=(edges[0] / 1.5, 4 / top), title="100 rows of norm 1, twelve weights")
    axes.legend()
    return figure
