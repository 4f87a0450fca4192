"""E. Regis, S. Chewi, *A rod flow model for Adam at the edge of stability*, arXiv 2605.06821 (2026).

The rod of two successive iterates, now in the space of weights and momentum; second moments only depend on squares of the
gradient and have no rod: ν̄' = (1 − β₂)[½(g₊² + g₋²) − ν̄]. The abstract says that for eight optimizers, heavy ball, Nesterov,
RMSProp, Adam and NAdam among them, the rod flow follows the iterates beyond the edge much more closely than the stable flow,
which ignores oscillations. Measured here on a valley whose sharpness rises until the edge holds it.
"""

import numpy as np
from scipy.integrate import solve_ivp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, near

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
    "rods with momentum", {"below": at_most(-1e-6), "above": above(1e-6), "rate_error": at_most(1e-6)},
    Control("the threshold of gradient descent, 2/η", changes={"momentum_in_threshold": 0.0}), read="a secondary source",
)  # fmt: skip
def critical_sharpness_with_momentum(momentum_in_threshold=0.5):
    """On a quadratic the rod grows from S = (2 + 2β)/η on for heavy ball, (2 + 2β)/((1 + 2β)η) for Nesterov's and 2(1 + β)/((1
    − β)η) for averaged momentum, as the optimizers do.

    β = 0.5: the greatest growth of a rod along the critical eigenvector at 0.999 of these thresholds and the least at 1.001,
    with one rod and with all; and how far it is from (μ − 1)²/2 − 2, μ the multiplier of the map.
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


@CLAIMS.add(
    "second moments have no rod", {"difference": at_most(1e-8)},
    Control("a second moment that feels the gradient of the centre only", changes={"felt": False}), read="a secondary source",
)  # fmt: skip
def equations_of_rmsprop(felt=True):
    """RMSProp's rod flow is w̄' = ½(G₊ + G₋) − ⅛(G'₊ + G'₋)(G₊ + G₋), Σ' = ¼(G₊² + G₋²) − 2Σ, ν̄' = (1 − β₂)[½(g₊² + g₋²) −
    ν̄].

    One weight, L = 1.25w² − w⁴/4, η = 0.05, β₂ = 0.9: these equations, written out by hand and followed by SciPy's DOP853,
    against the flow, over 40 steps through the onset of oscillation.
    """
    lr, beta2, eps = 0.05, 0.9, 1e-3

    def rate(_, z):
        w, nu, sigma = z
        ends = w + np.array([1, -1]) * max(sigma, 0.0) ** 0.5
        g, h = 2.5 * ends - ends**3, 2.5 - 3 * ends**2
        after = beta2 * nu + (1 - beta2) * g**2
        scale = np.sqrt(after) + eps
        move = -lr * g / scale
        slope = -lr * h / scale + lr * g / scale**2 * (1 - beta2) * g * h / np.sqrt(after)
        square = (g**2).mean() if felt else (2.5 * w - w**3) ** 2
        return [move.mean() - slope.sum() * move.sum() / 8, (1 - beta2) * (square - nu), (move**2).sum() / 4 - 2 * sigma]

    flow = cf.flows.rod(cf.Loss("1.25*w**2 - w**4/4"), cf.optimizers.rmsprop(lr=lr, beta2=beta2, eps=eps))
    start = np.array([0.3, 0.1, 1e-4])
    times = np.arange(0, 41, 5)
    want = solve_ivp(rate, (0, 40), start, "DOP853", t_eval=times, rtol=1e-12, atol=1e-14).y.T
    found = cf.solve(flow, start, 40, rtol=1e-11, atol=1e-13, save_at=times)
    return {"difference": np.abs(found.z - want).max(), "names": ", ".join(found.names)}


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
    "experiments",
    {"heavy ball": at_least(100), "Nesterov": at_least(100), "Adam": at_least(10), "undamped heavy ball": above(1.0)},
    Control("a fifth of the learning rates, where nothing oscillates", changes={"share": 0.2}), figure="three",
)  # fmt: skip
def follows_closer_than_the_stable_flow(share=1.0):
    """Through the edge of stability the rod flow follows heavy ball, Nesterov's method and Adam much more closely than their
    stable flows, which ignore oscillations.

    The root mean square distance of the stable flow, written by hand, to the middle of 3,000 successive iterates, over that of
    the rod flow with all rods, on a valley of sharpness 4 + y in which y would rise to 1. Where nothing damps the slow swings
    about the edge those of heavy ball grow, and the rod flow soon has another phase.
    """
    cases = {name: (name, 2.0) for name in OPTIMIZERS} | {"undamped heavy ball": ("heavy ball", 0.0)}
    found = {}
    for label, (name, damping) in cases.items():
        middle, rod, stable = _three(name, damping, share)
        far = [np.sqrt(((w - middle) ** 2).sum(1).mean()) for w in (stable, rod)]
        found[label] = far[0] / far[1]
    return found


def _three(name, damping=2.0, share=1.0, steps=3000):
    """Middle of successive iterates, rod flow, stable flow, at the steps 0, …"""
    make, start = OPTIMIZERS[name]
    optimizer, loss = make(share), cf.Loss(VALLEY, "x y", {"k": RATE, "z": damping})
    orbit = cf.iterate(cf.as_map(loss, optimizer), start, steps).w
    path = cf.solve(cf.flows.rod(loss, optimizer, rods="all"), start, steps - 1, save_at=np.arange(steps))
    return (orbit[1:] + orbit[:-1]) / 2, path.w, _stable(optimizer, damping, start, steps)


@CLAIMS.add(
    "limits (derived in this project)", {"modulus": near(1.08**0.5, 1e-12), "rod_growth": near(-0.6, 1e-9)},
    Control("a flip, of positive momentum", changes={"momentum": 0.5}), read="a secondary source",
)  # fmt: skip
def turning_instabilities_are_not_seen(momentum=-0.6):
    """A rod sees instabilities with a multiplier near −1 only: on a quadratic Σ grows with |μ − 1|²/2 − 2, which is negative
    for the complex multipliers with which Nesterov's method with momentum −0.6 loses its stability.

    At S = 2.8, 1.05 of the threshold 8/3, μ² + 0.72μ + 1.08 = 0, so |μ|² = 1.08 and |μ − 1|² = 2.8: the modulus of the map's
    multipliers, and the growth of Σ with all rods over ten steps.
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
    "networks_on_data", "experiments",
    "For eight optimizers the rod flow tracks the iterates of representative architectures much more accurately than the "
    "stable flow.",
    needs="the rod flow of a loss that is no formula, with momentum",
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
