"""E. Regis, S. Chewi, *A rod flow model for Adam at the edge of stability*, arXiv 2605.06821 (2026).

The rod of two successive iterates, now in the space of weights and momentum; second moments only depend on squares of the
gradient and have no rod: ν̄' = (1 − β₂)[½(g₊² + g₋²) − ν̄]. The abstract says that for eight optimizers, heavy ball, Nesterov,
RMSProp, Adam and NAdam among them, the rod flow follows the iterates beyond the edge much more closely than the stable flow,
which ignores oscillations. Measured here on a valley whose sharpness rises until the edge holds it. Abstract and introduction
were read; the equations are from a secondary source.
"""

import numpy as np
from scipy.integrate import solve_ivp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")

# On the floor x = 0 the sharpness is 4 + y, and y would go to 1 if nothing held it; z damps the slow swings about the edge.
VALLEY, RATE = "x**2*(4 + y + z*x)/2 + k*(y - 1)**2/2", 5e-4


def _growth(optimizer, part, rods, thresholds):
    """Of the rod along the eigenvector of the multiplier nearest −1, at a part of the threshold; and that multiplier."""
    loss = cf.Loss("S*w**2/2", params={"S": part * thresholds[optimizer.name]})
    values, vectors = np.linalg.eig(cf.as_map(loss, optimizer).jacobian([0.0, 0.0]))
    v = vectors[:, values.real.argmin()].real
    sigma = 1e-4 * np.outer(v, v)[np.triu_indices(2)]
    path = cf.solve(cf.flows.rod(loss, optimizer, rods=rods), [0, 0, *sigma], 3, rtol=1e-11, atol=1e-30)
    return float(np.log((path.z[-1, 2] + path.z[-1, 4]) / 1e-4) / 3), float(values.real.min())


@CLAIMS.add(
    "own statement", {"below": at_most(-1e-6), "above": above(1e-6), "rate_error": at_most(1e-9)},
    Control("the threshold of gradient descent, 2/η", changes={"momentum_in_threshold": 0.0}),
    domain="Sw²/2, one weight, 0 ≤ β < 1; rods along the critical eigenvector of (w, m), centre at 0",
    examples="β = 0.5, η = 1, 0.999 and 1.001 of the thresholds, with one rod and with all",
    perturbations=(Control("thresholds of β = 0.51", changes={"momentum_in_threshold": 0.51}),),
)  # fmt: skip
def critical_sharpness_with_momentum(momentum_in_threshold=0.5):
    """On a quadratic the rod in (w, m) shrinks below and grows above the thresholds of the optimizers: S = (2 + 2β)/η for heavy
    ball, (2 + 2β)/((1 + 2β)η) for Nesterov's method and 2(1 + β)/((1 − β)η) for averaged momentum.

    The greatest growth of a rod at 0.999 of the thresholds and the least at 1.001; and how far it is from (μ − 1)²/2 − 2, μ the
    multiplier of the map nearest −1.
    """
    b, below, above_, wrong = momentum_in_threshold, [], [], []
    thresholds = {"heavy_ball": 2 + 2 * b, "nesterov": (2 + 2 * b) / (1 + 2 * b), "ema_momentum": 2 * (1 + b) / (1 - b)}
    for name in thresholds:
        optimizer = getattr(cf.optimizers, name)(1.0, 0.5)
        for rods in ("top", "all"):
            for part, found in ((0.999, below), (1.001, above_)):
                growth, mu = _growth(optimizer, part, rods, thresholds)
                found.append(growth)
                wrong.append(abs(growth - (mu - 1) ** 2 / 2 + 2))
    return {"below": max(below), "above": min(above_), "rate_error": max(wrong)}


def _stable(optimizer, damping, start, steps):
    """The flow that ignores oscillations, by hand: of the effective step for momentum, of (w, m, ν) for Adam."""
    values, name = optimizer.params, optimizer.name
    lr = values["lr"]

    def gradient(w):
        return np.array([w[0] * (4 + w[1]) + 1.5 * damping * w[0] ** 2, w[0] ** 2 / 2 + RATE * (w[1] - 1)])

    def momentum(_, w):
        return -lr / (1 - values["momentum"]) * gradient(w)

    def adam(t, z):
        m, nu, g = z[2:4], np.maximum(z[4:6], 0), gradient(z[:2])
        b1, b2 = values["beta1"], values["beta2"]
        hat = m / (1 - b1 ** (t + 1)), nu / (1 - b2 ** (t + 1))
        return np.concatenate([-lr * hat[0] / (np.sqrt(hat[1]) + values["eps"]), (1 - b1) * (g - m), (1 - b2) * (g**2 - nu)])

    first = gradient(np.array(start))
    z0 = [*start, *((1 - values["beta1"]) * first), *((1 - values["beta2"]) * first**2)] if name == "adam" else start
    run = solve_ivp(adam if name == "adam" else momentum, (0, steps), z0, "LSODA", t_eval=np.arange(steps), rtol=1e-8, atol=1e-10)
    return run.y[:2].T


# Optimizers by the share of their learning rate, and starts.
OPTIMIZERS = {
    "heavy ball": (lambda share: cf.optimizers.heavy_ball(share * 0.7, 0.5), (0.027, 0.285)),
    "Nesterov": (lambda share: cf.optimizers.nesterov(share * 0.34, 0.5), (0.025, 0.41)),
    "Adam": (lambda share: cf.optimizers.adam(share * 0.1, 0.5, 0.99, eps=0.05), (0.02, 0.0)),
}


@CLAIMS.add(
    "abstract (on networks; the loss is ours)",
    {"heavy ball": at_least(100), "Nesterov": at_least(100), "Adam": at_least(10), "undamped heavy ball": between(1.0, 5.0)},
    Control("a fifth of the learning rates, where nothing oscillates", changes={"share": 0.2}), figure="three",
    domain="x²(4 + y + zx)/2 + k(y − 1)²/2, two weights, k = 0.0005, z = 2 (0 for undamped heavy ball); one start and "
           "learning rate for each optimizer, 3,000 steps",
    perturbations=(Control("rod flows of 2 % larger learning rates", changes={"flow": 1.02}),),
)  # fmt: skip
def follows_closer_than_the_stable_flow(share=1.0, flow=1.0):
    """Through the edge of stability, on the valley x²(4 + y + 2x)/2 + k(y − 1)²/2, the rod flow is at least 100 times closer to
    heavy ball and Nesterov's method, and at least 10 times closer to Adam, than their stable flows, which ignore oscillations.
    Without the term 2x, which damps the slow swings about the edge, it is less than 5 times closer to heavy ball.

    The root mean square distance of the stable flow, written by hand, to the middle of 3,000 successive iterates, over that of
    the rod flow with all rods. The sharpness on the floor is 4 + y; without an edge y would rise to 1.
    """
    cases = {name: (name, 2.0) for name in OPTIMIZERS} | {"undamped heavy ball": ("heavy ball", 0.0)}
    found = {}
    for label, (name, damping) in cases.items():
        middle, rod, stable = _three(name, damping, share, flow=flow)
        far = [np.sqrt(((w - middle) ** 2).sum(1).mean()) for w in (stable, rod)]
        found[label] = far[0] / far[1]
    return found


def _three(name, damping=2.0, share=1.0, steps=3000, flow=1.0):
    """Middle of successive iterates, rod flow, stable flow, at the steps 0, …"""
    make, start = OPTIMIZERS[name]
    optimizer, loss = make(share), cf.Loss(VALLEY, "x y", {"k": RATE, "z": damping})
    orbit = cf.iterate(cf.as_map(loss, optimizer), start, steps).w
    path = cf.solve(cf.flows.rod(loss, make(flow * share), rods="all"), start, steps - 1, save_at=np.arange(steps))
    return (orbit[1:] + orbit[:-1]) / 2, path.w, _stable(optimizer, damping, start, steps)


@CLAIMS.add(
    "own statement", {"modulus": near(1.08**0.5, 1e-12), "rod_growth": near(-0.6, 1e-9)},
    Control("a flip, of positive momentum", changes={"momentum": 0.5}),
    domain="Sw²/2, one weight, η = 1, S = 2.8; Nesterov's method with momentum −0.6",
    perturbations=(Control("momentum −0.59", changes={"momentum": -0.59}),),
)  # fmt: skip
def turning_instabilities_are_not_seen(momentum=-0.6):
    """The rod does not see an instability that turns: Nesterov's method with momentum −0.6, 5 % beyond its threshold 8/3 on a
    quadratic, has complex multipliers of modulus √1.08, but its rods shrink, ln Σ by 0.6 a step.

    At S = 2.8 the multipliers obey μ² + 0.72μ + 1.08 = 0, so |μ|² = 1.08 and |μ − 1|² = 2.8, and Σ should grow by |μ − 1|²/2 − 2:
    the modulus of the map's multipliers, and the growth of Σ with all rods over ten steps.
    """
    optimizer = cf.optimizers.nesterov(1.0, momentum)
    loss = cf.Loss("S*w**2/2", params={"S": 1.05 * optimizer.limit})
    values, vectors = np.linalg.eig(cf.as_map(loss, optimizer).jacobian([0.0, 0.0]))
    v = vectors[:, np.abs(values).argmax()]
    sigma = np.outer(v, v.conj()).real[np.triu_indices(2)]
    path = cf.solve(cf.flows.rod(loss, optimizer, rods="all"), [0, 0, *sigma], 10, rtol=1e-11, atol=1e-30)
    growth = float(np.log((path.z[-1, 2] + path.z[-1, 4]) / (sigma[0] + sigma[2])) / 10)
    return {"modulus": np.abs(values).max(), "rod_growth": growth}


CLAIMS.undecided(
    "networks_on_data", "abstract",
    "For eight optimizers the rod flow tracks the iterates of representative architectures much more accurately than the "
    "stable flow.",
    needs="the rod flow of a loss that is no formula, with momentum",
    domain="the networks and data of the paper, eight optimizers",
)  # fmt: skip


def figures():
    """Optimizers with memory, their rod flows and their stable flows in the valley."""
    return {"three": _figure}


def _figure():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3), OPTIMIZERS, strict=True):
        for rows, label, style in zip(
            _three(name), ("iterates, averaged", "rod flow", "stable flow"), ("k-", "r--", "b:"), strict=True
        ):
            axes.plot(rows[:, 1], style, label=label)
        axes.set(xlabel="time (steps)", title=name)
    figure.axes[0].set_ylabel("y (sharpness 4 + y)")
    figure.axes[0].legend(frameon=False)
    return figure
