"""A. Défossez, F. Bach, *Constant step size least-mean-square: bias-variance trade-offs and optimal sampling distributions*,
arXiv 1412.0156 (2014).

Averaged stochastic gradient descent with a constant step on least squares: a tighter bound on the allowed step than was known,
and, where the bias dominates, larger steps by a non-uniform sampling of rows. From memory: the largest step is the largest γ with
2 tr(AHA) > γ E(xᵀAx)² for all symmetric A; it lies between 2/R², where E|x|²xxᵀ ≼ R²H, and 2/tr H.
"""

import numpy as np
from scipy.linalg import eigh

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, below, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
SETS = 4


def _rows(seed, n=6, d=3):
    return np.random.default_rng(seed).normal(size=(n, d)) * [1.0, 0.7, 0.4]


def _edge(x, batch=1):
    """The largest stable rate of SGD with batches of rows of ½(x·w)²."""
    from cfdyn.symbolic.loss import make_loss

    w, names = [f"w{i}" for i in range(x.shape[1])], [f"x{i}" for i in range(x.shape[1])]
    score = " + ".join(f"{a}*{b}" for a, b in zip(w, names, strict=True))
    loss = cf.Loss.from_spec(make_loss(f"({score})**2/2", w, {}, names, data=x))
    return cf.mean_square(loss, np.zeros(x.shape[1]), 0.1, batch, cut=0).largest_lr


def _largest_step(x):
    """γ_max: the two quadratic forms on a basis of the symmetric matrices."""
    d, h = x.shape[1], x.T @ x / len(x)
    basis = []
    for i in range(d):
        for j in range(i, d):
            a = np.zeros((d, d))
            a[i, j] = a[j, i] = 1.0
            basis.append(a)
    fourth = np.array([np.einsum("ni,ij,nj->n", x, a, x) for a in basis])
    second = [[2 * np.trace(a @ h @ b) for b in basis] for a in basis]
    return float(1 / eigh(fourth @ fourth.T / len(x), second, eigvals_only=True)[-1])


def _bounds(x):
    h, weighted = x.T @ x / len(x), (x.T * np.sum(x * x, axis=1)) @ x / len(x)
    return 2 / eigh(weighted, h, eigvals_only=True)[-1], 2 / np.trace(h)


@CLAIMS.add(
    "abstract (a tighter bound on the step); the formula: own statement",
    {"edges": near([round(_largest_step(_rows(k)), 12) for k in range(SETS)], relative=1e-9)},
    Control("batches of two rows", changes={"batch": 2}), read="from memory",
    domain="least squares without noise, finitely many rows drawn one a step with replacement; the second moments of w",
    perturbations=(Control("the last feature 5 % larger", changes={"scale": 1.05}),),
    examples="four random sets of six rows with three weights",
)  # fmt: skip
def largest_step(batch=1, scale=1.0):
    """Second moments stay bounded up to γ_max, the largest γ with 2 tr(AHA) > γ E(xᵀAx)² for all symmetric A, and not beyond.

    The largest rate at which `mean_square` finds a radius of at most 1. What
    is expected comes from the generalised eigenvalues of the two forms on a basis of the symmetric matrices.
    """
    return {"edges": [_edge(_rows(seed) * [1.0, 1.0, scale], batch) for seed in range(SETS)]}


@CLAIMS.add(
    "own statement", {"above the lower": 100, "below the upper": 100},
    Control("batches of four rows", changes={"batch": 4}), figure="bounds", read="from memory",
    domain="least squares without noise, finitely many rows drawn one a step with replacement",
    perturbations=(Control("the lower bound 2.2/R²", changes={"numerator": 2.2}),),
    examples="100 random sets of six rows with three weights",
)  # fmt: skip
def between_two_bounds(batch=1, sets=100, numerator=2.0):
    """The largest step γ_max at which the second moments of SGD on rows x stay bounded obeys 2/R² ≤ γ_max ≤ 2/tr H, where H is
    E xxᵀ and R² the least number with E|x|²xxᵀ ≼ R²H.

    How many largest stable rates lie above the lower bound and below the upper one,
    up to 1e-9 of them.
    """
    lower, upper = 0, 0
    for seed in range(sets):
        x = _rows(seed)
        (low, high), edge = _bounds(x), _edge(x, batch)
        lower, upper = lower + (edge >= numerator / 2 * low * (1 - 1e-9)), upper + (edge <= high * (1 + 1e-9))
    return {"above the lower": int(lower), "below the upper": int(upper)}


@CLAIMS.add(
    "abstract (c: non-uniform sampling allows larger steps)",
    {"by squared norm": near([1.0] * SETS, 1e-9), "uniformly": below(0.75), "gain": at_least(1.3)},
    Control("drawn by the norm's fourth power", changes={"power": 2}), figure="bounds",
    domain="least squares without noise, rows drawn one a step with given probabilities and weights",
    perturbations=(Control("drawn uniformly", changes={"power": 0}),),
    examples="four random sets of six directions in three dimensions, |x|² = 1, 1, 2, 2, 3, 4",
)  # fmt: skip
def sampling_by_squared_norm(power=1):
    """Rows drawn with a probability proportional to |x|², and weighted so that the mean gradient stays what it is, allow the
    step 2/tr H, the largest that rows with this mean Hessian can have.

    A row that is twice as likely stands twice in the table. The largest stable
    rate times tr H/2, for four sets; ``uniformly``: the largest of those of equally likely rows; ``gain``: the least gain.
    """
    counts, by_norm, plain = np.array([1, 1, 2, 2, 3, 4]), [], []
    for seed in range(SETS):
        units = np.random.default_rng(seed).normal(size=(6, 3))
        units /= np.linalg.norm(units, axis=1, keepdims=True)
        x, times = units * np.sqrt(counts)[:, None], counts**power
        weighted = x * np.sqrt(times.sum() / (len(x) * times))[:, None]
        half_trace = np.trace(x.T @ x) / len(x) / 2
        by_norm.append(float(_edge(np.repeat(weighted, times, axis=0)) * half_trace))
        plain.append(float(_edge(x) * half_trace))
    return {"by squared norm": by_norm, "uniformly": max(plain), "gain": min(a / b for a, b in zip(by_norm, plain, strict=True))}


def figures():
    """The largest step between its bounds."""
    return {"bounds": _between}


def _between():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    sets = [_rows(seed) for seed in range(60)]
    ends = sorted((_edge(x), *_bounds(x)) for x in sets)
    edges, low, high = np.array(ends).T
    axes.vlines(range(len(ends)), low, high, color="0.7", label="from 2/R² to 2/tr H")
    axes.plot(edges, ".", ms=4, label="largest stable step, single rows")
    axes.set(xlabel="60 random sets of six rows", ylabel="step", yscale="log", title="Least squares with three weights")
    axes.legend()
    return figure
