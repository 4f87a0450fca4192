"""E. Gan, *A bifurcation theory framework for gradient descent on the edge of stability*, arXiv 2606.15551, 2026.

Near a manifold of minima gradient descent splits into a normal and a tangent part. Where the sharpness crosses 2/η the
normal part goes through a flip. If its first Lyapunov coefficient has the stable sign, training beyond the edge oscillates
on a small 2-cycle across the manifold, drifts along it towards lower sharpness, and converges at the edge. With the other
sign it leaves.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _loss(quartic, drift):
    """(2 + εy) x²/2 + k x⁴/4: the minima x = 0 have the sharpness 2 + εy, and c = −k at the flip for η = 1."""
    return cf.Loss("(2 + e*y)*x**2/2 + k*x**4/4", variables="x y", params={"k": quartic, "e": drift})


def _orbit(quartic, drift, beyond=0.01, steps=100_000):
    """From 2 + ``beyond`` times the sharpness at the edge, close to the manifold, with η = 1."""
    step = cf.as_map(_loss(quartic, drift), cf.optimizers.gd(lr=1.0))
    return cf.iterate(step, [0.01, beyond / drift], steps)


@CLAIMS.add(
    "abstract (the sign of the first Lyapunov coefficient); the loss: own choice",
    {"endings": "at the edge, at the edge, leaves, leaves", "coefficients": near([0.5, 0.1, -0.1, -0.5], 1e-9)},
    Control("with a drift as fast as the oscillation, where the sign does not decide", changes={"drift": 1.0}), figure="drift",
    domain="(2 + εy)x²/2 + kx⁴/4, ε = 0.02, k = ±0.1, ±0.5; gradient descent, η = 1; one start close to x = 0, sharpness 2.01",
    perturbations=(Control("k = 0.1 in place of −0.1", changes={"quartics": (-0.5, 0.1, 0.1, 0.5)}),
                   Control("the loss with 2k in place of k in the coefficient", changes={"scale": 2.0})),
)  # fmt: skip
def sign_of_the_coefficient(quartics=(-0.5, -0.1, 0.1, 0.5), drift=0.02, scale=1.0):
    """On a loss with a line of minima gradient descent that starts just beyond the edge of stability converges to a minimum just
    below it if the first Lyapunov coefficient of the flip across the line, c = −k, is positive, and leaves if it is negative.

    "At the edge" if it ends on x = 0 with a sharpness between 1.99 and 2. ``coefficients``: those that `normal_form` finds at the
    point of sharpness 2, where the multiplier 1 along the line is critical too; by hand x ← −x − kx³ gives c = −k.
    """
    endings, found = [], []
    for quartic in (-0.5, -0.1, 0.1, 0.5):
        step = cf.as_map(_loss(scale * quartic, 0.02), cf.optimizers.gd(lr=1.0))
        found.append(cf.analysis.normal_form(step, [0.0, 0.0]).coefficient)
    for quartic in quartics:
        orbit = _orbit(quartic, drift)
        sharpness = 2 + drift * orbit.w[-1, 1]
        calm = orbit.status == "done" and abs(orbit.w[-1, 0]) < 1e-3
        endings.append("at the edge" if calm and 1.99 < sharpness <= 2 + 1e-6 else "elsewhere" if calm else "leaves")
    return {"endings": ", ".join(endings), "coefficients": found}


@CLAIMS.add(
    "abstract (the tangent dynamics drift towards lower sharpness); the amplitude: own statement",
    {"rise of the sharpness": at_most(1e-12), "error of the amplitude": at_most(2e-3), "order in ε": near(2.0, 0.1)},
    Control("with a force towards higher sharpness, −y/1000", changes={"tilted": True}), figure="drift",
    domain="(2 + εy)x²/2 − x⁴/8, ε = 0.02 and 0.01; gradient descent, η = 1; one start each, of sharpness 2.1",
    perturbations=(Control("the amplitude √((ηS − 2)/(1.03c))", changes={"stretch": 1.03}),),
)  # fmt: skip
def tangent_drift(drifts=(0.02, 0.01), tilted=False, quartic=-0.5, stretch=1.0):
    """While it oscillates across the line of minima, with |x| near √((ηS − 2)/c), gradient descent drifts along it to lower
    sharpness.

    c = −k = 0.5: rises of the sharpness on the manifold at the iterate's y, and the
    largest relative deviation of |x| from the amplitude while S goes from 2.05 to 2.03, which falls as ε².
    """
    rises, errors = [], []
    for drift in drifts:
        loss = cf.Loss("(2 + e*y)*x**2/2 + k*x**4/4 - m*y", "x y", {"k": quartic, "e": drift, "m": 0.001 * tilted})
        w = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=1.0)), [0.44, 0.1 / drift], int(2000 / drift)).w
        sharpness = 2 + drift * w[:, 1]
        rises.append(float(np.diff(sharpness).max()))
        part = (sharpness > 2.03) & (sharpness < 2.05)
        wanted = np.sqrt((sharpness[part] - 2) / -quartic / stretch)
        errors.append(float(np.abs(np.abs(w[part, 0]) / wanted - 1).max(initial=0.0)))
    order = float(np.log2(errors[0] / errors[1])) if min(errors) > 0 else np.nan
    return {"rise of the sharpness": max(rises), "error of the amplitude": errors[1], "order in ε": order}


def figures():
    """A path along the manifold of minima for both signs of the coefficient."""
    return {"drift": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for axis, quartic in zip(axes, (-0.5, 0.1), strict=True):
        w = _orbit(quartic, 0.02, beyond=0.05, steps=40_000).w
        axis.plot(w[np.abs(w[:, 0]) < 1, 0], 2 + 0.02 * w[np.abs(w[:, 0]) < 1, 1], ".", ms=2)
        axis.axhline(2, color="k", ls="--", lw=1)
        axis.set(xlabel="x, across the minima", ylabel="sharpness on x = 0", title=f"c = {-quartic}", ylim=(1.99, 2.055))
    return figure
