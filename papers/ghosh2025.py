"""A. Ghosh, S. M. Kwon, R. Wang, S. Ravishankar and Q. Qu, *Learning dynamics of deep linear networks beyond the edge of
stability*, arXiv 2502.20531, ICLR 2025.

Deep matrix factorisation. Beyond the edge of stability the loss follows a period-doubling route to chaos; in the regime of the
2-period orbit it oscillates within a small subspace, whose dimension the learning rate decides; the balancing gap between the
layers, which the gradient flow conserves, decays monotonically to zero. For equal scalar layers, depth N, the sharpness of a
singular value σ is N σ^(2−2/N).
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


@CLAIMS.add(
    "own statement", {"remainders": "0, 0, 0, 0"},
    Control("the exponent 2 − 1/N", changes={"exponent": 1}), domain="(w₁⋯w_N − σ)²/2, σ > 0, w₁ = … = w_N; N = 2, 3, 4, 5",
    perturbations=(Control("the loss without its half", changes={"half": 1}),),
    proof="exact algebra: the Hessian at the balanced minimum for N = 2, 3, 4, 5, σ = sᴺ with a symbol s",
)  # fmt: skip
def balanced_sharpness(exponent=2, half="1/2"):
    """At the balanced minimum of (w₁⋯w_N − σ)²/2 the Hessian has the eigenvalue N σ^(2−2/N), and the others vanish, for N = 2 to
    5.

    With σ = sᴺ all weights are s. The Hessian must be of rank one, s^(2N−2) times the matrix of ones; its trace, which is then
    the sharpness, is compared with N s^(2N−2).
    """
    s, remainders = sp.symbols("s", positive=True), []
    for depth in (2, 3, 4, 5):
        w = sp.symbols(f"w1:{depth + 1}")
        loss = sp.Rational(half) * (sp.prod(w) - s**depth) ** 2
        hessian = sp.hessian(loss, w).subs(dict.fromkeys(w, s))
        rank_one = hessian - hessian[0, 0] * sp.ones(depth, depth)
        remainders.append(sp.simplify(hessian.trace() - depth * s ** (2 * depth - exponent) + rank_one.norm()))
    return {"remainders": ", ".join(map(str, remainders))}


@CLAIMS.add(
    "abstract (the balancing gap decays monotonically to zero)",
    {"2-cycles": 10, "largest gap between layers": at_most(1e-9), "largest rise of the gap": at_most(1e-12),
     "gap at the start": at_least(0.05)},
    Control("below the edge, where the gap stays", changes={"product": 1.95}), figure="balancing",
    domain="(w₁w₂w₃ − 2)²/2, gradient descent with ηλ = 2.1; starts within 0.1 of the balanced minimum",
    perturbations=(Control("ηλ = 2.5, where the cycles are longer", changes={"product": 2.5}),),
    examples="depth 3, σ = 2, ηλ = 2.1, ten starts",
)  # fmt: skip
def layers_balance(product=2.1, depth=3, sigma=2.0, seed=0):
    """Just beyond the edge of the balanced minimum the balancing gap between the layers decays monotonically to zero, and the
    layers end together on a 2-cycle.

    Depth 3, σ = 2, λ = 3σ^(4/3), ηλ = 2.1, ten starts: the largest difference |wᵢ² − wⱼ²| on the cycle that is reached, the
    mean one at the start, and the largest rise of it in a step.
    """
    loss = cf.losses.deep_linear(depth=depth, y=sigma)
    step = cf.as_map(loss, cf.optimizers.gd(lr=product / (depth * sigma ** (2 - 2 / depth))))
    starts = sigma ** (1 / depth) + np.random.default_rng(seed).uniform(-0.1, 0.1, (10, depth))
    found = [cf.analysis.classify(step, start) for start in starts]
    gaps = [np.ptp(cf.iterate(step, start, 500).w ** 2, axis=1) for start in starts]
    return {
        "2-cycles": sum(one.kind == "cycle" and one.period == 2 for one in found),
        "largest gap between layers": float(max(np.ptp(one.points**2, axis=1).max() for one in found)),
        "largest rise of the gap": float(max(np.diff(gap).max() for gap in gaps)),
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


def _ending(product, status):
    """What the product ends on: its least period up to 8, in its leading entry alone or in others too."""
    if status != "done":
        return "diverges"
    period = next((n for n in (1, 2, 4, 8) if np.abs(product[n:] - product[:-n]).max() < 1e-9), 0)
    others = np.ptp(product, axis=0).ravel()[1:].max()
    return f"period {period}" + (", others too" if others > 1e-9 else "")


@CLAIMS.add(
    "abstract (2-period orbit within a small subspace); the end of it: own statement",
    {"endings": "period 2, period 2, period 2, period 4, diverges", "range of the leading entry": at_least(0.5)},
    Control("σ = 2, 1.9 with aligned layers, beyond the second edge too", changes={"second": 1.9, "off": 0.0}),
    domain="‖UV − diag(2, 1)‖²/2, U and V 2 × 2; η = 0.53, 0.56, 0.6, 0.63, 0.7; one start near the balanced minimum each",
    perturbations=(
        Control("the last rate 0.61 in place of 0.7", changes={"rates": (0.53, 0.56, 0.6, 0.63, 0.61)}),
        Control("the first rate 0.49, below the first edge", changes={"rates": (0.49, 0.56, 0.6, 0.63, 0.7)}),
    ),
)  # fmt: skip
def top_subspace(rates=(0.53, 0.56, 0.6, 0.63, 0.7), second=1.0, off=0.01):
    """With two layers and σ = (2, 1), edges 2/λ₁ = 1/2 and 2/λ₂ = 1, only the leading singular value of the product oscillates
    beyond the first edge: with period 2 at η = 0.53, 0.56, 0.6, with period 4 at 0.63; at 0.7 the orbit diverges, long before the
    second edge.

    λᵢ = 2σᵢ. From near the balanced minimum: the least period of the product over the last 400 of 20,000 steps, and whether other
    entries than the first vary by more than 1e-9; the least range of the first where orbits stay.
    """
    found = [_product(lr, 2.0, second, off) for lr in rates]
    ranges = [float(np.ptp(product[:, 0, 0])) for product, status in found if status == "done"]
    return {"endings": ", ".join(_ending(*one) for one in found), "range of the leading entry": min(ranges)}


@CLAIMS.add(
    "own statement", {"aligned": 4, "2-cycles": 0, "the same by hand": 0},
    Control("with layers aligned with the singular vectors", changes={"off": 0.0}), figure="unaligned",
    domain="‖UV − diag(2, 1.9)‖²/2, U and V 2 × 2; η = 0.53 and 0.55; starts near the balanced minimum",
    perturbations=(Control("η = 0.45 and 0.46, below both edges", changes={"rates": (0.45, 0.46)}),),
)  # fmt: skip
def two_dimensional_without_alignment(off=1e-3, rates=(0.53, 0.55)):
    """Beyond the edges of both singular values σ = (2, 1.9) of two layers, four orbits with layers aligned with the singular
    vectors end on a 2-cycle in both; eight starts that differ by entries of order 0.001 off the diagonal do not end on such a
    cycle.

    η = 0.53 and 0.55 above 2/3.8; balanced starts with both singular values displaced to the same or to opposite sides, two seeds
    each. Displaced to the same side they become quasi-periodic, with entries off the diagonal, else they diverge. U ← U − η(UV −
    M)Vᵀ written out in NumPy says the same.
    """
    ends, by_hand, aligned, kinds = 0, 0, 0, set()
    for lr in rates:
        step = cf.as_map(_two_layers(2.0, 1.9), cf.optimizers.gd(lr=lr))
        for side in (1, -1):
            aligned += _is_aligned_cycle(cf.iterate(step, _near_balance(side, 0.0, 1), 6000).w[-201:])
            for seed in (1, 2):
                start = _near_balance(side, off, seed)
                orbit = cf.iterate(step, start, 6000)
                ends += orbit.status == "done" and _is_aligned_cycle(orbit.w[-201:])
                by_hand += _is_aligned_cycle(_descend_by_hand(lr, start, 6000))
                kinds |= {cf.analysis.classify(step, start, budget=100_000).kind} if off else set()
    found = {"aligned": aligned, "2-cycles": ends, "the same by hand": by_hand}
    return {**found, "kinds": ", ".join(sorted(kinds))} if kinds else found


def _near_balance(side, off, seed):
    displaced = np.diag(np.sqrt([2.0, 1.9]) + [0.02, 0.01 * side])
    noise = np.random.default_rng(seed).normal(size=(2, 2, 2)) * off * (1 - np.eye(2))
    return (displaced + noise).ravel()


def _is_aligned_cycle(w):
    """Whether the last states (n, 8) have period 2, with both singular values moving, and diagonal layers."""
    if len(w) < 3:
        return False
    layers = w.reshape(-1, 2, 2, 2)
    moves = np.abs(w[1:] - w[:-1]).max(axis=0)[[0, 3]].min()
    period_two = np.abs(w[2:] - w[:-2]).max() < 1e-6 < moves
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
    "abstract (period-doubling route to chaos)",
    {"first flip · λ": near(2.0, 1e-9), "ratio": near(4.669201609, 1e-5), "evidence": "chaotic"},
    Control("the sharpness of depth 2", changes={"depth_of_sharpness": 2}), figure="doubling",
    domain="w − ηw²(w³ − 1): three equal layers of one weight, target 1; η from 0.6 to beyond the accumulation",
    perturbations=(Control("below the accumulation, at 0.99 of it", changes={"beyond": 0.99}),),
)  # fmt: skip
def period_doubling(depth_of_sharpness=3, beyond=1.05):
    """Gradient descent on (w₁w₂w₃ − 1)²/2 with equal layers doubles its period from η = 2/λ, λ = 3, on, with Feigenbaum's ratio
    δ, and is chaotic at 1.05 times the step at which the doublings accumulate.

    The balanced layers obey w ← w − ηw²(w³ − 1): its flips are continued, and the ratios of their gaps extrapolated;
    ``evidence``: exponent and 0–1 test together.
    """
    found = _cascade(3)
    return {"first flip · λ": float(found.flips[0] * depth_of_sharpness), "ratio": float(found.delta),
            "evidence": cf.analysis.chaos(_balanced(3, beyond * found.accumulation), [1.1], dimensions=False).kind}  # fmt: skip


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
