"""J. Cohen, S. Kaur, Y. Li, J. Z. Kolter and A. Talwalkar, *Gradient descent on neural networks typically occurs at the edge of
stability*, arXiv 2103.00065, ICLR 2021.

Full-batch gradient descent on a quadratic diverges as soon as the sharpness exceeds 2/η. On neural networks the sharpness rises
while it can ("progressive sharpening"), reaches 2/η and hovers there, while the loss goes up and down from step to step and
still falls over long times ("edge of stability"). Here the networks are small enough to be written down: tanh nets with one
layer on 8 points. With momentum the level is that of a quadratic with momentum.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
THRESHOLDS = {"heavy_ball": lambda beta: 2 + 2 * beta, "nesterov": lambda beta: (2 + 2 * beta) / (1 + 2 * beta)}
HOVER = {"hidden": 4, "seed": 1}


def _orbit(hidden, lr, seed, steps):
    """Gradient descent on the tanh network from weights of size 1/2."""
    loss = cf.losses.tanh_network(hidden=hidden)
    start = 0.5 * np.random.default_rng(seed).normal(size=loss.dim)
    return cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), start, steps)


@CLAIMS.add(
    "abstract and introduction (the network is ours)",
    {"starts below the edge": at_most(0.9), "peak beyond the edge": at_least(1.02), "mean at the edge": between(0.995, 1.005)},
    Control("a learning rate whose edge the sharpness never reaches", changes={"lr": 0.5}), figure="hovering",
    domain="a tanh network of 13 weights, full batch, one start; η = 1.2, 20,000 steps",
    perturbations=(Control("in units of 2.02/η", changes={"edge": 2.02}),),
)  # fmt: skip
def sharpness_hovers(lr=1.2, edge=2.0):
    """On a small tanh network the sharpness of gradient descent starts below 2/η, rises, crosses 2/η and then
    hovers about it: progressive
    sharpening and edge of stability.

    All three numbers are in units
    of 2/η; the mean is over the second half of the steps.
    """
    s = _orbit(lr=lr, steps=20_000, **HOVER).sharpness * lr / edge
    return {"starts below the edge": s[0], "peak beyond the edge": s.max(), "mean at the edge": s[len(s) // 2 :].mean()}


@CLAIMS.add(
    "abstract and introduction (the network is ours)",
    {"small rate, end": at_least(1.02), "edges reached": near([1.0, 1.0, 1.0], 0.01)},
    Control("three rates below the one at which the edge is met", changes={"rates": (0.3, 0.5, 0.7)}),
    domain="a tanh network of 13 weights, full batch, one start; η = 1, 1.1, 1.2 and 0.2",
    perturbations=(Control("0.7, 1.1 and 1.2, the first below the edge", changes={"rates": (0.7, 1.1, 1.2)}),),
)  # fmt: skip
def edge_follows_rate(rates=(1.0, 1.1, 1.2)):
    """On a small tanh network the sharpness settles at 2/η for each of η = 1, 1.1 and 1.2; with η = 0.2 it passes these levels
    and
    goes on.

    The tanh net with 4 units: means of the sharpness over the last 10,000 of 20,000 steps times η/2 for three η; and the
    sharpness after as much time with η = 0.2, in units of the largest of the three edges.
    """
    means = [float(_orbit(lr=lr, steps=20_000, **HOVER).sharpness[10_000:].mean() * lr / 2) for lr in rates]
    slow = _orbit(lr=0.2, steps=100_000, **HOVER).sharpness[-1] / (2 / min(rates))
    return {"small rate, end": float(slow), "edges reached": means}


@CLAIMS.add(
    "abstract and introduction (the network is ours)",
    {"steps uphill, part": between(0.2, 0.7), "mean loss, late to early": at_most(0.7)},
    Control("a small learning rate, at which no step goes uphill", changes={"lr": 0.2}),
    domain="a tanh network of 13 weights, full batch, one start; η = 1.2, 5,000 steps",
    perturbations=(Control("η = 0.7, below the edge", changes={"lr": 0.7}),),
)  # fmt: skip
def loss_is_not_monotone(lr=1.2):
    """At the edge of stability of a small tanh network the loss rises on a fifth of the steps or more,
    and yet falls over long times.

    The part of the steps 300 to 5,000 on which the loss rises, and the mean loss of steps
    4,000 to 5,000 over that of steps 300 to 1,300.
    """
    loss = _orbit(lr=lr, steps=5000, **HOVER).loss
    uphill = float((np.diff(loss[300:]) > 0).mean())
    return {"steps uphill, part": uphill, "mean loss, late to early": float(loss[4000:].mean() / loss[300:1300].mean())}


@CLAIMS.add(
    "own statement", {"heavy ball": near(1.0, 0.01), "Nesterov": near([1.0, 1.0], 0.01)},
    Control("a third of the rates, at which the edge is not reached", changes={"share": 1 / 3}), figure="momentum",
    domain="a tanh network of 13 weights, full batch, one start; heavy ball with β = 0.5, Nesterov's method "
           "with 0.5 and 0.9, threshold 2",
    perturbations=(Control("in units of 1.02 thresholds", changes={"unit": 1.02}),),
)  # fmt: skip
def momentum_has_its_own_level(share=1.0, unit=1.0):
    """On a small tanh network with momentum β the sharpness rises to and hovers at the threshold of a quadratic with momentum:
    (2 + 2β)/η for heavy ball with β = 0.5,
    (2 + 2β)/((1 + 2β)η) for Nesterov's with β = 0.5 and 0.9.

    The tanh net with 4 units, rates with the thresholds 2 (of gradient descent with η = 1): the mean sharpness over the
    second half of 20,000 steps, over the threshold; heavy ball with β = 0.5, Nesterov with 0.5 and 0.9. Heavy ball with 0.9
    is thrown out at that rate, so that nothing was measured there: after how many steps.
    """
    found = {name: [_momentum(name, beta, share) for beta in (0.5, 0.9)] for name in THRESHOLDS}
    mean = {name: [float(s[len(s) // 2 :].mean()) / unit for s in rows] for name, rows in found.items()}
    return {
        "heavy ball": mean["heavy_ball"][0],
        "Nesterov": mean["nesterov"],
        "heavy ball, 0.9, steps": len(found["heavy_ball"][1]) - 1,
    }


def _momentum(name, beta, share=1.0, steps=20_000):
    """Sharpness over its threshold."""
    loss, threshold = cf.losses.tanh_network(hidden=HOVER["hidden"]), THRESHOLDS[name](beta)
    optimizer = getattr(cf.optimizers, name)(share * threshold / 2, beta)
    start = 0.5 * np.random.default_rng(HOVER["seed"]).normal(size=loss.dim)
    return cf.iterate(cf.as_map(loss, optimizer), start, steps).sharpness * share / 2


def _digits(rates, steps=1000):
    """A tanh net on 500 digits: for each η the orbit, and λ₁ at 20 means (w₋ + 2w + w₊)/4 of its second half."""
    net = cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32))
    for lr in rates:
        orbit = cf.iterate(cf.as_map(net, cf.optimizers.gd(lr=lr)), net.start, steps)
        middle = orbit.midpoints()[steps // 2 - 1 :: steps // 40]
        yield lr, net, orbit, np.array([net.sharpness(w) for w in middle])


@CLAIMS.add(
    "abstract and introduction (the network is ours)",
    {"starts": at_most(0.95), "means": near([1.0] * 4, 0.01), "farthest": at_most(0.05),
     "grows to without an edge": at_least(1.5), "uphill": between(0.01, 0.6)},
    Control("rates whose edge the sharpness does not reach in so many steps", changes={"rates": (0.05, 0.08, 0.1, 0.12)}),
    domain="a 64-32-32-4 tanh network on 500 digits, squared error, one start; η = 0.5, 0.55, 0.6 and 0.75, 1,000 steps",
    perturbations=(Control("in units of 2.04/η", changes={"edge": 2.04}),),
    slow=True,
)  # fmt: skip
def hovers_on_digits_at_four_rates(rates=(0.5, 0.55, 0.6, 0.75), edge=2.0):
    """A network on real digits: the sharpness rises from below 2/η and hovers there, for each of four step sizes; without an edge
    it goes on rising, to more than 1.5 times the smallest of these edges. The loss goes up on some steps.

    A 64-32-32-4 tanh net (3268 weights, products alone), mean squared error, steps 500 to 1000 of 1000, λ₁η/2: the largest at
    the start, the means, the largest distance from 1; the sharpness after 6000 steps of η = 0.1 over the smallest edge; the
    largest part of steps that go uphill.
    """
    runs = list(_digits(rates))
    ratios = [lr * values / edge for lr, _, _, values in runs]
    _, net, slow, _ = next(_digits((0.1,), 6000))
    return {
        "starts": max(lr * one.sharpness(one.start) / 2 for lr, one, _, _ in runs),
        "means": [float(row.mean()) for row in ratios], "farthest": float(max(np.abs(row - 1).max() for row in ratios)),
        "grows to without an edge": net.sharpness(slow.w[-1]) * max(rates) / 2,
        "uphill": float(max((np.diff(orbit.loss[500:]) > 0).mean() for _, _, orbit, _ in runs)),
    }  # fmt: skip


def figures():
    """The sharpness of a small tanh net, without and with momentum: it rises to its threshold and hovers there."""
    return {"hovering": _hovering, "momentum": _with_momentum}


def _with_momentum():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for name, beta in (("heavy_ball", 0.5), ("nesterov", 0.5), ("nesterov", 0.9)):
        axis.plot(_momentum(name, beta, steps=6000), lw=0.8, label=f"{name}, β = {beta}")
    axis.axhline(1, color="k", ls="--", lw=0.8)
    axis.set(xlabel="step", ylabel="sharpness over threshold", title="(2 + 2β)/η, and (2 + 2β)/((1 + 2β)η)")
    axis.legend()
    return figure


def _hovering():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for lr, colour in ((0.5, "C0"), (1.0, "C1"), (1.2, "C3")):
        axis.plot(_orbit(lr=lr, steps=4000, **HOVER).sharpness, color=colour, lw=0.8, label=f"η = {lr}")
        if lr > 0.5:
            axis.axhline(2 / lr, color=colour, ls="--", lw=1)
    axis.set(xlabel="step", ylabel="sharpness", title="A tanh net with 4 units: sharpness against 2/η (dashed)")
    axis.legend()
    return figure
