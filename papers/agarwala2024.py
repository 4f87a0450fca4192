"""A. Agarwala, J. Pennington, *High dimensional analysis reveals conservative sharpening and a stochastic edge of stability*,
arXiv 2404.19261 (2024).

Beside the edge 2/λ₁ of full-batch training there is a stochastic one, where a noise kernel norm 𝒦 = 1. For squared errors with
rows of one output 𝒦 is the largest eigenvalue of (1 − A ⊗ A)⁻¹N, A = 1 − ηH and N the noise of batches on second moments. In high
dimension it tends to (η/b) Σ λ/(2 − ηλ), so that at small batches the trace of the kernel decides, not its largest eigenvalue.
"""

import itertools

import numpy as np
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _signs(spectrum):
    """All rows of ±√λ."""
    return np.array(list(itertools.product((1.0, -1.0), repeat=len(spectrum)))) * np.sqrt(spectrum)


def _edge(x, batch, replace=True):
    from cfdyn.symbolic.loss import make_loss

    w, names = [f"w{i}" for i in range(x.shape[1])], [f"x{i}" for i in range(x.shape[1])]
    score = " + ".join(f"{a}*{b}" for a, b in zip(w, names, strict=True))
    loss = cf.Loss.from_spec(make_loss(f"({score})**2/2", w, {}, names, data=x))
    return cf.mean_square(loss, np.zeros(x.shape[1]), 0.1, batch, replace, cut=0).largest_lr


def _kernel_norm(x, lr, share):
    """𝒦 by Kronecker products."""
    h, one = x.T @ x / len(x), np.eye(x.shape[1])
    each = np.einsum("ni,nj->nij", x, x) - h
    noise = lr * lr * share * np.mean([np.kron(d, d) for d in each], axis=0)
    full = np.kron(one - lr * h, one - lr * h)
    return float(np.linalg.eigvals(np.linalg.solve(np.eye(len(full)) - full, noise)).real.max())


def _trace_edge(spectrum, batch, level=1.0):
    """The η with (η/b) Σ λ/(2 − ηλ) = level."""
    values = np.array(spectrum)
    return float(brentq(lambda lr: lr / batch * np.sum(values / (2 - lr * values)) - level, 1e-9, (2 - 1e-9) / values.max()))


@CLAIMS.add(
    "abstract (a stochastic edge of stability)", {"norms": near([1.0] * 6, 1e-8), "deterministic": between(0.0, 0.9)},
    Control("batches drawn without replacement, with the noise of those with it", changes={"replace": False}), figure="edges",
    domain="squared errors of one output at a zero of the loss; SGD with batches of b rows drawn with replacement",
    examples="two random sets of 6 rows ½(x·w)² with three weights, b = 1, 2, 4", read="a secondary source",
    perturbations=(Control("the noise 2 % larger", changes={"louder": 1.02}),),
)  # fmt: skip
def edge_at_kernel_norm_one(replace=True, louder=1.0):
    """SGD loses its stability in the mean square where the noise kernel norm is 1, at steps below the deterministic edge.

    𝒦 at the largest stable rate of `mean_square`,
    computed apart from it with Kronecker products. ``deterministic``: the largest ηλ₁/2 there.
    """
    norms, deterministic = [], []
    for seed, batch in itertools.product((0, 1), (1, 2, 4)):
        x = np.random.default_rng(seed).normal(size=(6, 3))
        lr = _edge(x, batch, replace)
        norms.append(_kernel_norm(x, lr, louder / batch))
        deterministic.append(lr * np.linalg.eigvalsh(x.T @ x / 6)[-1] / 2)
    return {"norms": norms, "deterministic": float(max(deterministic))}


@CLAIMS.add(
    "high-dimensional limit", {"order": between(0.85, 1.2), "last": between(0.0, 0.12)},
    Control("the largest eigenvalue in place of the trace", changes={"trace": False}), read="a secondary source",
    domain="rows ±√λᵢ in d dimensions, all signs, batches of b with replacement; d → ∞",
    examples="λ evenly from 0.5 to 1.5, b = 2, d = 4, 6, 8, 10",
    perturbations=(Control("(η/b) Σ λ/(2 − ηλ) = 1.1", changes={"level": 1.1}),),
)  # fmt: skip
def trace_formula_in_high_dimension(trace=True, level=1.0):
    """As the dimension grows the stochastic edge tends to where (η/b) Σ λ/(2 − ηλ) = 1, with a difference of the order 1/d.

    The largest stable rate over that of the formula, minus 1, in d
    dimensions; ``order``: minus the slope of its logarithm over that of d, ``last``: its size for d = 10.
    """
    errors, sizes = [], (4, 6, 8, 10)
    for d in sizes:
        spectrum = np.linspace(0.5, 1.5, d)
        expected = _trace_edge(spectrum, 2, level) if trace else 2 / spectrum.max()
        errors.append(abs(_edge(_signs(spectrum), 2) / expected - 1))
    return {"order": float(-np.polyfit(np.log(sizes), np.log(errors), 1)[0]), "last": errors[-1], "errors": errors}


@CLAIMS.add(
    "abstract (the trace at small batch size)", {"small": near(1.0, 0.12), "large": near(3.0, 0.2)},
    Control("both with batches of 1000", changes={"small": 1000}), figure="edges",
    domain="rows ±√λᵢ in eight dimensions, all signs, spectra (1, …, 1) and (3, 5/7, …, 5/7); single rows and batches of 1000",
    perturbations=(Control("a second spectrum of the trace 10, with 1 in place of 5/7", changes={"rest": 1.0}),),
)  # fmt: skip
def trace_at_small_batches_and_largest_eigenvalue_at_large(small=1, large=1000, rest=5 / 7):
    """At small batch size the trace of the kernel sets the edge, at large its largest eigenvalue: of two spectra with the same
    trace 8, and with the largest eigenvalues 1 and 3, the edges are equal within 12 % for single rows and at the ratio 3 for
    batches of 1000.

    The largest stable rate
    of the first over that of the second for single rows and for batches of 1000.
    """
    first, second = np.ones(8), np.array([3.0] + [rest] * 7)
    return {name: _edge(_signs(first), b) / _edge(_signs(second), b) for name, b in (("small", small), ("large", large))}


def figures():
    """The stochastic edge over the batch size."""
    return {"edges": _edges}


def _edges():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    sizes = [1, 2, 4, 8, 16, 32, 64, 128]
    for k, (name, spectrum) in enumerate({"λ = 1, 1, …": [1.0] * 8, "λ = 3, 5/7, …": [3.0] + [5 / 7] * 7}.items()):
        axes.loglog(sizes, [_edge(_signs(spectrum), b) for b in sizes], f"C{k}o", ms=4, label=name)
        axes.loglog(sizes, [_trace_edge(spectrum, b) for b in sizes], f"C{k}-", lw=0.8)
        axes.axhline(2 / spectrum[0], color=f"C{k}", ls=":", lw=0.8)
    axes.plot([], [], "k-", lw=0.8, label="(η/b) Σ λ/(2 − ηλ) = 1")
    axes.plot([], [], "k:", lw=0.8, label="2/λ₁")
    axes.set(xlabel="batch size", ylabel="largest stable rate", title="Two spectra of the same trace, eight weights")
    axes.legend()
    return figure
