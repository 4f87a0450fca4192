"""Z. Zhou, Q. Zhang, G. Lu, H. Wang, W. Zhang, Y. Yu, *AdaShift: decorrelation and convergence of adaptive learning rate
methods*, arXiv 1810.00143, ICLR (2019).

Adam with the second moment of an earlier gradient. For the shortest delay, x ← x − αg/(√v + ε), v ← β₂v + (1 − β₂)g² (a step
uses the v of the past), a public note of 2026, not peer reviewed, gives the dynamics on λx²/2 exactly, and that is what is
checked here: the points ±r with r = α/2 − ε/λ form a 2-cycle iff αλ > 2ε. With c = 1 − 2ε/(αλ) its multipliers over two steps
obey z² − [1 + β₂² − 4c(1 − β₂)]z + [β₂ + 2c(1 − β₂)]² = 0, so that it is stable exactly for 2ε < αλ < 4ε, and never for ε = 0.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


def _step(lr, eps=1.0, used="v", b2=0.9):
    """The method on x²/2."""
    rules = {"w": f"w - lr*g/(sqrt({used}) + eps)", "v": "new"}
    rule = cf.Optimizer.from_text(rules, {"lr": lr, "b2": b2, "eps": eps}, define={"new": "b2*v + (1 - b2)*g**2"})
    return cf.as_map(cf.Loss("w**2/2"), rule)


def _moduli(alpha, b2=0.9):
    c = 1 - 2 / alpha
    return sorted(abs(np.roots([1, -(1 + b2**2 - 4 * c * (1 - b2)), (b2 + 2 * c * (1 - b2)) ** 2])).tolist())


@CLAIMS.add(
    "own statement",
    {"periods": [1, 2, 2, 2], "sizes": near([0.05, 0.5, 0.95], 1e-9),
     "moduli": near(_moduli(2.1) + _moduli(3) + _moduli(3.9), 1e-7)},
    Control("the gradient of the step inside v, as in RMSProp", changes={"used": "new"}), figure="orbits",
    domain="λx²/2, one weight, second moment of the past, no momentum; α, ε > 0",
    examples="λ = ε = 1, β₂ = 0.9, α = 1.9, 2.1, 3 and 3.9, from x = 0.3, v = 0.2",
    perturbations=(Control("ε = 1.01", changes={"eps": 1.01}),),
)  # fmt: skip
def stable_two_cycle(used="v", eps=1.0):
    """On λx²/2 the method with the second moment of the past has a 2-cycle ±(α/2 − ε/λ) iff αλ > 2ε,
    attracting as long as αλ < 4ε.

    Periods of the orbits; ``sizes`` and ``moduli`` (of the multipliers,
    in order) of the last three against the closed forms.
    """
    found = [cf.analysis.classify(_step(lr, eps, used=used), [0.3, 0.2]) for lr in (1.9, 2.1, 3.0, 3.9)]
    return {
        "periods": [r.period for r in found], "sizes": [float(abs(r.points[:, 0]).max()) for r in found[1:]],
        "moduli": [m for r in found[1:] for m in sorted(abs(r.multipliers).tolist())],
    }  # fmt: skip


@CLAIMS.add(
    "own statement",
    {"kinds": ["neimark-sacker"], "at": near([4.0], 1e-9), "supercritical": True, "beyond": "quasi-periodic"},
    Control("ε = 1.1, which moves the point to 4.4", changes={"eps": 1.1}), figure="orbits",
    domain="x²/2, one weight, second moment of the past, ε = 1, β₂ = 0.9",
    perturbations=(Control("ε = 1.01", changes={"eps": 1.01}),),
)  # fmt: skip
def it_dies_in_a_neimark_sacker_point(eps=1.0):
    """On x²/2 with ε = 1, β₂ = 0.9 a complex pair of multipliers of the 2-cycle reaches the unit circle at α = 4, a supercritical
    Neimark–Sacker point; at α = 4.1 the orbit is quasi-periodic.

    The branch of the 2-cycle is continued from α = 3 to 6 with λ = 1, β₂ = 0.9; ``beyond``: what the orbit at α = 4.1 is. The
    normal form is supercritical: a pair of invariant circles takes over.
    """
    cycle = [[1.5 - eps, (1.5 - eps) ** 2], [eps - 1.5, (1.5 - eps) ** 2]]
    branch = cf.analysis.continue_cycle(_step(3.0, eps), cycle, "lr", (2.3, 6.0))
    return {
        "kinds": [b.kind for b in branch.bifurcations], "at": [b.parameter for b in branch.bifurcations],
        "supercritical": bool(branch.bifurcations[0].supercritical),
        "beyond": cf.analysis.classify(_step(4.1, eps), [0.3, 0.2]).kind,
    }  # fmt: skip


@CLAIMS.add(
    "own statement", {"moduli": near([1.1, 1.05, 1.01], 1e-9)},
    Control("ε = 0.4 with α = 1", changes={"eps": 0.4}),
    domain="λx²/2, one weight, second moment of the past, ε = 0, any step", examples="λ = α = 1, β₂ = 0.9, 0.95 and 0.99",
    perturbations=(Control("ε = 0.01", changes={"eps": 0.01}),),
)  # fmt: skip
def unstable_without_epsilon(eps=0.0):
    """For ε = 0 the 2-cycle is never stable: its multipliers have the modulus 2 − β₂ whatever the step.

    The multipliers of the cycle ±α/2 at α = 1 for β₂ = 0.9, 0.95, 0.99 from exact derivatives; both have the same modulus.
    """
    moduli, r = [], 0.5 - eps
    for b2 in (0.9, 0.95, 0.99):
        step = _step(1.0, eps, b2=b2)
        product = step.jacobian([-r, r * r]) @ step.jacobian([r, r * r])
        moduli.append(float(abs(np.linalg.eigvals(product)).max()))
    return {"moduli": moduli}


def figures():
    """The 2-cycle, and the circles that follow."""
    return {"orbits": _orbits}


def _orbits():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
    for lr in (3.0, 3.9, 4.1, 4.4):
        z = cf.iterate(_step(lr), [0.3, 0.2], 6000).z[3000:]
        axes.plot(z[:, 0], z[:, 1], "o" if lr < 4 else ".", ms=5 if lr < 4 else 1, label=f"α = {lr}")
    axes.set(xlabel="x", ylabel="v", title="AdaShift on x²/2, ε = 1, β₂ = 0.9")
    axes.legend()
    return figure
