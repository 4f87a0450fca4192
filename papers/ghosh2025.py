"""A. Ghosh, S. M. Kwon, R. Wang, S. Ravishankar and Q. Qu, *Learning dynamics of deep linear networks beyond the edge of
stability*, arXiv 2502.20531, ICLR 2025.

Deep matrix factorisation. At a balanced minimum the sharpness belonging to a singular value σ is N σ^(2−2/N) for depth N.
Beyond the edge of the largest ones gradient descent oscillates with period 2 in their subspace only, the others converge;
the balancing gap between the layers, which the gradient flow conserves, decays to zero. With η the loss then goes through
period doublings to chaos.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


@CLAIMS.add(
    "lemma 1, as recalled", {"remainders": "0, 0, 0, 0"},
    Control("the exponent 2 − 1/N", changes={"exponent": 1}), settled="proved",
    proof="SymPy: the Hessian at the balanced minimum for N = 2, 3, 4, 5, σ = sᴺ with a symbol s",
)  # fmt: skip
def balanced_sharpness(exponent=2):
    """At the balanced minimum of (w₁⋯w_N − σ)²/2 the Hessian has the eigenvalue N σ^(2−2/N), and the others vanish (N = 2 to 5).

    With σ = sᴺ all weights are s. The Hessian must be of rank one, s^(2N−2) times the matrix of ones; its trace, which is then
    the sharpness, is compared with N s^(2N−2).
    """
    s, remainders = sp.symbols("s", positive=True), []
    for depth in (2, 3, 4, 5):
        w = sp.symbols(f"w1:{depth + 1}")
        loss = (sp.prod(w) - s**depth) ** 2 / 2
        hessian = sp.hessian(loss, w).subs(dict.fromkeys(w, s))
        rank_one = hessian - hessian[0, 0] * sp.ones(depth, depth)
        remainders.append(sp.simplify(hessian.trace() - depth * s ** (2 * depth - exponent) + rank_one.norm()))
    return {"remainders": ", ".join(map(str, remainders))}


@CLAIMS.add(
    "theorem 1, as recalled", {"2-cycles": 10, "largest gap between layers": at_most(1e-6), "gap at the start": at_least(0.05)},
    Control("below the edge, where the gap stays", changes={"product": 1.5}), figure="balancing",
)  # fmt: skip
def layers_balance(product=2.1, depth=3, sigma=2.0, seed=0):
    """Beyond the edge, 2 < ηλ, the balancing gap between the layers decays to zero, and the layers oscillate together on a
    2-cycle.

    Depth 3, σ = 2, λ = 3σ^(4/3), ηλ = 2.1, ten starts within 0.1 of the balanced minimum: the largest difference |wᵢ² −
    wⱼ²| on the cycle that is reached, and the mean one at the start.
    """
    loss = cf.losses.deep_linear(depth=depth, y=sigma)
    step = cf.as_map(loss, cf.optimizers.gd(lr=product / (depth * sigma ** (2 - 2 / depth))))
    starts = sigma ** (1 / depth) + np.random.default_rng(seed).uniform(-0.1, 0.1, (10, depth))
    found = [cf.analysis.classify(step, start) for start in starts]
    return {
        "2-cycles": sum(one.kind == "cycle" and one.period == 2 for one in found),
        "largest gap between layers": float(max(np.ptp(one.points**2, axis=1).max() for one in found)),
        "gap at the start": float(np.ptp(starts**2, axis=1).mean()),
    }


def _two_layers(first, second):
    """‖UV − diag(σ₁, σ₂)‖²/2 of 2×2 matrices as text."""
    entries = (("a*e + b*g", first), ("a*f + b*h", 0), ("c*e + d*g", 0), ("c*f + d*h", second))
    return cf.Loss(" + ".join(f"({text} - {value})**2/2" for text, value in entries), variables="a b c d e f g h")


def _product(lr, first, second, off, seed=1):
    """The product UV over the last 400 of 20,000 steps; ``off``: the size of the layers' entries off the diagonal at the
    start.
    """
    balanced = np.tile(np.diag(np.sqrt([first, second])).ravel(), 2)
    start = balanced + np.random.default_rng(seed).normal(size=8) * np.where(balanced > 0, 0.02, off)
    orbit = cf.iterate(cf.as_map(_two_layers(first, second), cf.optimizers.gd(lr=lr)), start, 20_000)
    w = orbit.w[-400:]
    return w[:, :4].reshape(-1, 2, 2) @ w[:, 4:].reshape(-1, 2, 2), orbit.status


@CLAIMS.add(
    "theorem 2, k = 1, as recalled",
    {"top entry": at_least(0.1), "other entries": at_most(1e-9), "defect of period 2": at_most(1e-9)},
    Control("aligned layers, but beyond the second edge too (σ = 2, 1.9)", changes={"second": 1.9, "off": 0.0}),
)  # fmt: skip
def top_subspace(lr=0.56, first=2.0, second=1.0, off=0.01):
    """For 2/λ₁ < η < 2/λ₂, λ_i = 2σ_i for two layers, only the leading singular value of the product oscillates, with
    period 2; the rest of the product converges.

    σ = (2, 1), 2×2 layers, η = 0.56 between 2/4 and 2/2, from near the balanced minimum: the ranges of the product's
    entries over the last 400 of 20,000 steps.
    """
    product, _ = _product(lr, first, second, off)
    ranges = np.ptp(product, axis=0)
    return {
        "top entry": float(ranges[0, 0]), "other entries": float(max(ranges[0, 1], ranges[1, 0], ranges[1, 1])),
        "defect of period 2": float(np.abs(product[2:] - product[:-2]).max()),
    }  # fmt: skip


@CLAIMS.add(
    "theorem 2, k = 2, as recalled",
    {"both entries": at_least(0.1), "off the diagonal": at_most(1e-9), "defect of period 2": at_most(1e-9)},
    Control("a second singular value inside its edge", changes={"second": 1.0}),
)  # fmt: skip
def two_dimensional_subspace(lr=0.56, first=2.0, second=1.9):
    """Beyond the edge of the two largest singular values, and with layers aligned with the singular vectors, both
    oscillate with period 2.

    σ = (2, 1.9), η = 0.56 > 2/3.8, diagonal layers: as above. The alignment is an assumption of the theorem.
    """
    product, _ = _product(lr, first, second, off=0.0)
    ranges = np.ptp(product, axis=0)
    return {
        "both entries": float(min(ranges[0, 0], ranges[1, 1])),
        "off the diagonal": float(max(ranges[0, 1], ranges[1, 0])),
        "defect of period 2": float(np.abs(product[2:] - product[:-2]).max()),
    }


@CLAIMS.add(
    "limits of theorem 2, k = 2 (found here)", {"2-cycles": 0, "the same by hand": 0},
    Control("with layers aligned with the singular vectors", changes={"off": 0.0}), figure="unaligned",
)  # fmt: skip
def two_dimensional_without_alignment(off=1e-3, rates=(0.53, 0.55)):
    """The theorem needs its assumption that the layers are aligned with the singular vectors: without it, beyond the edge of the
    two largest singular values, orbits do not end on such a 2-cycle.

    σ = (2, 1.9), η = 0.53 and 0.55, balanced starts with both singular values displaced to the same or to opposite sides and
    entries of 0.001 off the diagonal, two seeds each: how many of the eight orbits end on a 2-cycle of diagonal layers.
    Displaced to the same side they become quasi-periodic, with entries off the diagonal, else they diverge. U ← U − η(UV − M)Vᵀ
    written out in NumPy says the same.
    """
    ends, by_hand, kinds = 0, 0, set()
    for lr in rates:
        step = cf.as_map(_two_layers(2.0, 1.9), cf.optimizers.gd(lr=lr))
        for side in (1, -1):
            for seed in (1, 2):
                start = _near_balance(side, off, seed)
                orbit = cf.iterate(step, start, 6000)
                ends += orbit.status == "done" and _is_aligned_cycle(orbit.w[-201:])
                by_hand += _is_aligned_cycle(_descend_by_hand(lr, start, 6000))
                kinds |= {cf.analysis.classify(step, start, budget=100_000).kind} if off else set()
    found = {"2-cycles": ends, "the same by hand": by_hand}
    return {**found, "kinds": ", ".join(sorted(kinds))} if kinds else found


def _near_balance(side, off, seed):
    displaced = np.diag(np.sqrt([2.0, 1.9]) + [0.02, 0.01 * side])
    noise = np.random.default_rng(seed).normal(size=(2, 2, 2)) * off * (1 - np.eye(2))
    return (displaced + noise).ravel()


def _is_aligned_cycle(w):
    """Whether the last states (n, 8) have period 2, not 1, and diagonal layers."""
    if len(w) < 3:
        return False
    layers = w.reshape(-1, 2, 2, 2)
    period_two = np.abs(w[2:] - w[:-2]).max() < 1e-6 < np.abs(w[1:] - w[:-1]).max()
    return bool(period_two and np.abs(layers[..., 0, 1]).max() < 1e-6 and np.abs(layers[..., 1, 0]).max() < 1e-6)


def _descend_by_hand(lr, start, steps):
    """The last 201 states of the layers, or none if they diverge."""
    (u, v), target, states = start.reshape(2, 2, 2), np.diag([2.0, 1.9]), []
    for t in range(steps + 1):
        if t >= steps - 200:
            states.append(np.concatenate([u.ravel(), v.ravel()]))
        residual = u @ v - target
        u, v = u - lr * residual @ v.T, v - lr * u.T @ residual
        if not np.abs(u).max() < 1e3:
            return np.empty((0, 8))
    return np.array(states)


@CLAIMS.add(
    "abstract", {"first flip · λ": near(2.0, 1e-9), "ratio": near(4.6692, 0.03), "evidence": "chaotic"},
    Control("the sharpness of depth 2", changes={"depth_of_sharpness": 2}), figure="doubling",
)  # fmt: skip
def period_doubling(depth=3, depth_of_sharpness=3):
    """Beyond the edge the oscillation follows a period-doubling route to chaos.

    The balanced layers of depth 3, σ = 1, obey w ← w − η w²(w³ − 1): its flips are continued over six levels; the first is at
    η = 2/λ, λ = 3, and the ratios tend to Feigenbaum's number; ``evidence``: exponent and 0–1 test together at 1.05 of the
    accumulation.
    """
    found = _cascade(depth)
    flips = np.array(found.flips[:6])
    gaps = np.diff(flips)
    return {"first flip · λ": float(flips[0] * depth_of_sharpness), "ratio": float(gaps[-2] / gaps[-1]),
            "evidence": cf.analysis.chaos(_balanced(depth, 1.05 * found.accumulation), [1.1], dimensions=False).kind}  # fmt: skip


def _balanced(depth, lr):
    return cf.Map.from_text(f"w - lr*w**{depth - 1}*(w**{depth} - 1)", params={"lr": lr})


def _cascade(depth):
    return cf.analysis.cascade(_balanced(depth, 0.6), [1.0], "lr", bounds=(0.5, 1.2))


def figures():
    """The decay of the balancing gap, and the doublings of the balanced layers."""
    return {"balancing": _balancing, "doubling": lambda: cf.plot(_cascade(3)), "unaligned": _unaligned}


def _balancing():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    loss = cf.losses.deep_linear(depth=3, y=2.0)
    for product in (1.5, 1.95, 2.05, 2.1):
        w = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=product / (3 * 2 ** (4 / 3)))), [1.3, 1.2, 1.4], 400).w
        axis.semilogy(np.ptp(w**2, axis=1), label=f"ηλ = {product}")
    axis.set(xlabel="step", ylabel="largest |wᵢ² − wⱼ²|", title="Depth 3: the balancing gap decays beyond the edge only")
    axis.legend()
    return figure


def _unaligned():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharex=True, sharey=True)
    step = cf.as_map(_two_layers(2.0, 1.9), cf.optimizers.gd(lr=0.53))
    for axis, off, title in zip(axes, (0.0, 1e-3), ("aligned", "not aligned: quasi-periodic"), strict=True):
        layers = cf.iterate(step, _near_balance(1, off, 1), 8000).w[-4000:].reshape(-1, 2, 2, 2)
        product = layers[:, 0] @ layers[:, 1]
        axis.plot(product[:, 0, 0], product[:, 0, 1], "k.", ms=4 if off == 0 else 1)
        axis.set(xlabel="(UV)₁₁", title=title)
    axes[0].set_ylabel("(UV)₁₂")
    figure.suptitle("‖UV − diag(2, 1.9)‖²/2, η = 0.53")
    return figure
