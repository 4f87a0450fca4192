"""M. Rosca, Y. Wu, C. Qin, B. Dherin, *On a continuous time model of gradient descent dynamics and instability in deep
learning*, arXiv 2302.01952 (2023).

The principal flow carries each eigenvector of the Hessian by log(1 − ηλ)/(ηλ) in place of −1: all orders in η of the modified
flow that have no third derivatives. On quadratics it is gradient descent itself; it is complex where ηλ > 1, and directions
with ηλ > 2 repel, so it can leave minima. cfdyn takes the real part, log|1 − ηλ|: the modulus of the iterates without their
change of sign.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")

TEXT, START = "cosh(x) + (x - y)**2/2 + x*y**2/6", [1.0, -0.5]


@CLAIMS.add(
    "quadratics", {"below_one": at_most(1e-8), "modulus": at_most(1e-8), "signs": -1},
    Control("the modified flow of third order", changes={"model": "modified"}),
)  # fmt: skip
def exact_on_quadratics(model="principal"):
    """On a quadratic the principal flow is exact: a component along an eigenvector is multiplied by 1 − ηλ in each step.

    Two weights turned by 0.7, η = 1: the largest error against gradient descent after three steps for eigenvalues (0.3, 0.9)
    and (−0.5, 0.6), that of the moduli for (1.4, 2.3), and the product of the signs there: flow and iterates differ where ηλ >
    1.
    """
    errors = []
    c, s = math.cos(0.7), math.sin(0.7)
    turn = np.array([[c, -s], [s, c]])
    for values in ((0.3, 0.9), (-0.5, 0.6), (1.4, 2.3)):
        a, b, e = (turn @ np.diag(values) @ turn.T)[[0, 0, 1], [0, 1, 1]]
        loss, gd = cf.Loss("a*x**2/2 + b*x*y + e*y**2/2", "x y", {"a": a, "b": b, "e": e}), cf.optimizers.gd(lr=1.0)
        flow = cf.flows.principal(loss, gd) if model == "principal" else cf.flows.modified(loss, gd, 3)
        found = turn.T @ cf.solve(flow, turn @ [1.0, 0.7], 3, rtol=1e-11, atol=1e-14).w[-1]
        orbit = turn.T @ cf.iterate(cf.as_map(loss, gd), turn @ [1.0, 0.7], 3).w[-1]
        errors.append((np.abs(found - orbit).max(), np.abs(np.abs(found) - np.abs(orbit)).max(), np.sign(found[1] * orbit[1])))
    return {"below_one": max(errors[0][0], errors[1][0]), "modulus": errors[2][1], "signs": int(errors[2][2])}


@CLAIMS.add(
    "stability", {"factors": near([-1.0, -2 * math.log(1.5), math.log(0.9) / 1.9, math.log(1.1) / 2.1], 1e-9), "repels": "2.1"},
    Control("the curvature 1.95 in place of 2.1", changes={"last": 1.95}),
)  # fmt: skip
def repels_beyond_two(last=2.1):
    """An eigendirection of positive curvature is attracting where ηλ < 2 and repelling where ηλ > 2.

    The rate over the gradient on λw²/2 + w at w = 0 with η = 1, λ = 0, −0.5, 1.9, 2.1, against log|1 − ηλ|/(ηλ), and the
    positive λ for which the gradient flow's sign is turned round.
    """
    sharps, factors = (0.0, -0.5, 1.9, last), []
    for sharp in sharps:
        loss = cf.Loss("S*w**2/2 + w", params={"S": sharp})
        factors.append(float(cf.flows.principal(loss, cf.optimizers.gd(lr=1.0)).drift([0.0])[0]))
    return {"factors": factors, "repels": ", ".join(f"{s:g}" for s, f in zip(sharps, factors, strict=True) if f > 0)}


@CLAIMS.add(
    "order", {"principal": near([2.0, 2.0], 0.2)},
    Control("the gradient flow", changes={"model": "gradient"}), figure="escape",
)  # fmt: skip
def second_order_elsewhere(model="principal"):
    """Where the Hessian changes the principal flow is a model of gradient descent of second order in η: third derivatives are
    missing.

    cosh x + (x − y)²/2 + xy²/6 up to ηk = 3, η = 0.05, 0.025, 0.0125: binary logarithms of ratios of the largest error.
    """
    loss, errors = cf.Loss(TEXT), []
    for lr in (0.05, 0.025, 0.0125):
        steps, gd = round(3 / lr), cf.optimizers.gd(lr=lr)
        path = cf.solve(cf.flows.get(model)(loss, gd), START, steps, rtol=1e-11, save_at=np.arange(steps + 1))
        errors.append(np.abs(path.w - cf.iterate(cf.as_map(loss, gd), START, steps).w).max())
    return {"principal": np.log2(np.divide(errors[:-1], errors[1:]))}


@CLAIMS.add(
    "divergence", {"principal": above(1.0), "descent": above(1.0), "others": at_most(1e-6)},
    Control("ηλ = 1.9", changes={"sharp": 1.9}),
)  # fmt: skip
def only_it_diverges_with_gradient_descent(sharp=2.1):
    """Of the flows from backward error analysis only the principal flow diverges where gradient descent does, on a quadratic
    beyond 2/η; the gradient flow and the modified flows of finite order converge.

    ηλ = 2.1 from w = 1, after 20 steps: |w| of principal flow and of gradient descent, and the largest of the others.
    """
    loss, gd = cf.Loss("S*w**2/2", params={"S": sharp}), cf.optimizers.gd(lr=1.0)
    flows = {"principal": cf.flows.principal(loss, gd), "gradient": cf.flows.gradient(loss, gd),
             "second": cf.flows.modified(loss, gd), "third": cf.flows.modified(loss, gd, 3)}  # fmt: skip
    ends = {name: abs(cf.solve(flow, [1.0], 20).w[-1, 0]) for name, flow in flows.items()}
    descent = abs(cf.iterate(cf.as_map(loss, gd), [1.0], 20).w[-1, 0])
    return {"principal": ends.pop("principal"), "descent": descent, "others": max(ends.values())}


@CLAIMS.add(
    "escape from minima", {"moves": at_least(0.02), "rests": near(((2 / 1.1 + 1) / 3) ** 0.5, 1e-6), "cycle": at_least(0.1)},
    Control("η = 0.95, below the edge of the minimum", changes={"lr": 0.95}), figure="escape",
)  # fmt: skip
def escapes_a_sharp_minimum(lr=1.1):
    """The principal flow leaves a minimum with ηλ > 2, as gradient descent does. In a double well it comes to rest where the
    curvature has fallen to 2/η; gradient descent then swings about.

    (w² − 1)²/4, whose minimum has λ = 2, η = 1.1, from 0.9999: the distance from the minimum, and the place w² = (2/η + 1)/3 at
    which the flow rests; how far gradient descent's last two iterates are apart.
    """
    loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=lr)
    end = cf.solve(cf.flows.principal(loss, gd), [0.9999], 2000).w[-1, 0]
    orbit = cf.iterate(cf.as_map(loss, gd), [0.9999], 4000).w[-2:, 0]
    return {"moves": abs(end - 1), "rests": end, "cycle": abs(orbit[1] - orbit[0])}


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
