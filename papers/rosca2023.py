"""M. Rosca, Y. Wu, C. Qin, B. Dherin, *On a continuous time model of gradient descent dynamics and instability in deep
learning*, arXiv 2302.01952 (2023).

To the authors' knowledge the principal flow is the only continuous flow that captures the divergence and the oscillations of
gradient descent, escape from minima among them, says the abstract, which was read. From a secondary source: it carries each
eigenvector of the Hessian by log(1 − ηλ)/(ηλ) in place of −1, all orders in η of the modified flow that have no third
derivatives. It is complex where ηλ > 1, and directions with ηλ > 2 repel. cfdyn takes the real part, log|1 − ηλ|: the modulus of
the iterates without their change of sign.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")

TEXT, START = "cosh(x) + (x - y)**2/2 + x*y**2/6", [1.0, -0.5]


@CLAIMS.add(
    "own statement", {"below_one": at_most(1e-8), "modulus": at_most(1e-8), "signs": -1},
    Control("the modified flow of third order", changes={"model": "modified"}),
    domain="quadratics of d weights, at whole steps; all ηλ < 1, and ηλ > 1",
    examples="two weights, (ηλ₁, ηλ₂) = (0.3, 0.9), (−0.5, 0.6) and (1.4, 2.3), three steps",
    perturbations=(Control("the flow of a learning rate 1 % larger", changes={"lr": 1.01}),),
)  # fmt: skip
def exact_on_quadratics(model="principal", lr=1.0):
    """On a quadratic with all ηλ < 1 the principal flow passes through the iterates of gradient descent; where ηλ > 1 its real
    part has their modulus along the eigenvector, but not their change of sign.

    Eigenvectors turned by 0.7, η = 1: the largest error against the powers of 1 − ηλ after three steps for the first two pairs
    of eigenvalues, that of the moduli for the third, and the product of the signs there.
    """
    errors = []
    c, s = math.cos(0.7), math.sin(0.7)
    turn = np.array([[c, -s], [s, c]])
    for values in ((0.3, 0.9), (-0.5, 0.6), (1.4, 2.3)):
        a, b, e = (turn @ np.diag(values) @ turn.T)[[0, 0, 1], [0, 1, 1]]
        loss, gd = cf.Loss("a*x**2/2 + b*x*y + e*y**2/2", "x y", {"a": a, "b": b, "e": e}), cf.optimizers.gd(lr=lr)
        flow = cf.flows.principal(loss, gd) if model == "principal" else cf.flows.modified(loss, gd, 3)
        found = turn.T @ cf.solve(flow, turn @ [1.0, 0.7], 3, rtol=1e-11, atol=1e-14).w[-1]
        orbit = (1 - np.array(values)) ** 3 * [1.0, 0.7]
        errors.append((np.abs(found - orbit).max(), np.abs(np.abs(found) - np.abs(orbit)).max(), np.sign(found[1] * orbit[1])))
    return {"below_one": max(errors[0][0], errors[1][0]), "modulus": errors[2][1], "signs": int(errors[2][2])}


@CLAIMS.add(
    "own statement", {"principal": near([2.0, 2.0], 0.2)},
    Control("the gradient flow", changes={"model": "gradient"}), figure="escape",
    domain="smooth losses, in a bounded time ηk, as η → 0",
    examples="cosh x + (x − y)²/2 + xy²/6 from (1, −0.5), η = 0.05, 0.025 and 0.0125",
    perturbations=(Control("the modified flow of third order", changes={"model": "third"}),),
)  # fmt: skip
def second_order_elsewhere(model="principal"):
    """Where the Hessian changes the principal flow is a model of gradient descent of second order in η, and no higher: its
    error in a bounded time ηk is O(η²).

    The largest error up to ηk = 3 for the three η: binary logarithms of successive ratios. Third derivatives are missing.
    """
    loss, errors = cf.Loss(TEXT), []
    make = {"third": lambda *given: cf.flows.modified(*given, 3)}.get(model) or cf.flows.get(model)
    for lr in (0.05, 0.025, 0.0125):
        steps, gd = round(3 / lr), cf.optimizers.gd(lr=lr)
        path = cf.solve(make(loss, gd), START, steps, rtol=1e-11, save_at=np.arange(steps + 1))
        errors.append(np.abs(path.w - cf.iterate(cf.as_map(loss, gd), START, steps).w).max())
    return {"principal": np.log2(np.divide(errors[:-1], errors[1:]))}


@CLAIMS.add(
    "abstract (divergence; the example is ours)", {"principal": near(1.1**20, 1e-6), "others": at_most(1e-6)},
    Control("ηλ = 1.9", changes={"sharp": 1.9}),
    domain="λw²/2, one weight, ηλ = 2.1; gradient flow, modified flows of second and third order, principal flow",
    perturbations=(Control("ηλ = 2.11", changes={"sharp": 2.11}),),
)  # fmt: skip
def only_it_diverges_with_gradient_descent(sharp=2.1):
    """On a quadratic with ηλ = 2.1 the principal flow grows as gradient descent does, by the factor 1.1 a step; the gradient flow
    and the modified flows of second and third order converge.

    From w = 1, after 20 steps: |w| of the principal flow against 1.1²⁰, and the largest |w| of the others.
    """
    loss, gd = cf.Loss("S*w**2/2", params={"S": sharp}), cf.optimizers.gd(lr=1.0)
    flows = {"principal": cf.flows.principal(loss, gd), "gradient": cf.flows.gradient(loss, gd),
             "second": cf.flows.modified(loss, gd), "third": cf.flows.modified(loss, gd, 3)}  # fmt: skip
    ends = {name: abs(cf.solve(flow, [1.0], 20).w[-1, 0]) for name, flow in flows.items()}
    return {"principal": ends.pop("principal"), "others": max(ends.values())}


@CLAIMS.add(
    "abstract (escape from minima; the example is ours)",
    {"rests": near(((2 / 1.1 + 1) / 3) ** 0.5, 1e-6), "cycle": at_least(0.1)},
    Control("η = 0.95, below the edge of the minimum", changes={"lr": 0.95}), figure="escape",
    domain="(w² − 1)²/4, one weight, η = 1.1, from 0.9999", perturbations=(Control("η = 1.12", changes={"lr": 1.12}),),
)  # fmt: skip
def escapes_a_sharp_minimum(lr=1.1):
    """In the double well (w² − 1)²/4 with η = 1.1 the principal flow leaves the minimum 1, where ηλ = 2.2, as gradient descent
    does. The flow comes to rest where the curvature has fallen to 2/η; gradient descent ends on two points in turn.

    From 0.9999: the place w² = (2/η + 1)/3 at which the flow rests, 0.969; how far gradient descent's last two iterates are
    apart.
    """
    loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=lr)
    end = cf.solve(cf.flows.principal(loss, gd), [0.9999], 2000).w[-1, 0]
    orbit = cf.iterate(cf.as_map(loss, gd), [0.9999], 4000).w[-2:, 0]
    return {"rests": end, "cycle": abs(orbit[1] - orbit[0])}


def figures():
    """Leaving a minimum of the double well."""
    return {"escape": _escape}


def _escape():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=1.1)
    axes.plot(cf.iterate(cf.as_map(loss, gd), [0.9999], 120).w[:, 0], ".", ms=3, color="0.5", label="gradient descent")
    for name, style in (("principal", "r-"), ("gradient", "b--")):
        path = cf.solve(cf.flows.get(name)(loss, gd), [0.9999], 120, save_at=np.arange(121))
        axes.plot(path.t, path.w[:, 0], style, label=f"{name} flow")
    axes.set(xlabel="time (steps)", ylabel="w")
    axes.legend(frameon=False)
    return figure
