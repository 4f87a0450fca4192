"""J. M. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter, J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206 (2024; ICLR 2025), adaptive optimizers.

For an optimizer with a preconditioner P the edge is λ₁(P⁻¹H) = 2, and the central flow carries the optimizer's state along.
Scalar RMSProp at the edge takes steps 2/S: its η only sets how strongly curvature is penalized, and that penalty leads to where
longer steps are possible. RMSProp's preconditioner comes to rest at the smallest that keeps the optimizer stable. The paper shows
it on networks, here a small tanh network of the catalogue stands for them.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, below, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")

NETWORK = (0.1, -0.1, 0.3, 0.1, -0.3, 0.2, 0.7)


@CLAIMS.add(
    "scalar RMSProp", {"step": near([1.0] * 4, 2e-3), "sharpness_falls": True},
    Control("ten times smaller steps, before the edge is reached", changes={"scale": 0.02}), figure="scalar_rmsprop",
)  # fmt: skip
def step_is_two_over_sharpness(scale=1.0):
    """At the edge scalar RMSProp takes steps of 2/S on average, whatever η; a larger η brings lower S at equal loss.

    On the network, β₂ = 0.99, η = 0.03, 0.05, 0.08, 0.12: η/√ν over 2/S of the averaged iterates, mean over the steps 500 to
    4000, and whether S of the central flow where its loss reaches 5e-4 and 2e-4 falls with η each time.
    """
    loss, ratios, at_loss = cf.losses.tanh_network(), [], []
    for lr in (0.03, 0.05, 0.08, 0.12):
        optimizer = cf.optimizers.scalar_rmsprop(lr=scale * lr, beta2=0.99)
        orbit = cf.iterate(cf.as_map(loss, optimizer), NETWORK, 4000)
        rows = range(500, 3990, 30)
        middle = orbit.midpoints()
        ratios.append(np.mean([scale * lr / orbit.z[t, 7] ** 0.5 * loss.sharpness(middle[t - 1, :7]) / 2 for t in rows]))
        path = cf.solve(cf.flows.central(loss, optimizer), NETWORK, 4000)
        at_loss.append([loss.sharpness(path(t)) if t else 9.9 for t in _reached(loss, path, (5e-4, 2e-4))])
    return {"step": ratios, "sharpness_falls": bool((np.diff(at_loss, axis=0) < 0).all()), "sharpness": at_loss}


def _reached(loss, path, levels):
    """The first whole times at which the loss is at each level or below; None where it is not."""
    times = np.arange(path.t[-1] + 0.5)
    values = np.array([loss.value(w) for w in path(times)])
    return [float(times[np.argmax(values <= level)]) if (values <= level).any() else None for level in levels]


@CLAIMS.add(
    "acceleration via regularization",
    {"slower": at_least(1.05), "at 0.12": at_least(1.5), "sharper": at_least(0.1)},
    Control("on ½(1 − xy)²: flatter, and slower", changes={"network": False}), figure="scalar_rmsprop",
)  # fmt: skip
def regularization_accelerates(network=True):
    """Scalar RMSProp's flow without its penalty on curvature, dw/dt = −(2/S)g, goes to sharper regions and is slower.

    From where the central flow enters the edge, the time until the loss is 5e-4, 3e-4 and 2e-4, without over with the penalty:
    the least ratio for η = 0.03, 0.05, 0.08, 0.12 and the last one; the least difference of the sharpness at t = 4000.
    """
    loss = cf.losses.tanh_network() if network else cf.losses.scalar_factorization()
    start, ratios, sharper = NETWORK if network else (2.0, 0.45), [], []
    for lr in (0.03, 0.05, 0.08, 0.12):
        optimizer = cf.optimizers.scalar_rmsprop(lr=lr, beta2=0.99)
        full = cf.solve(cf.flows.central(loss, optimizer), start, 4000)
        enter = full.events[0].t
        bare = cf.solve(cf.flows.ablated(loss, optimizer), full(enter), 4000)
        times = [_reached(loss, path, (5e-4, 3e-4, 2e-4)) for path in (bare, full)]
        ratios.append([t / (s - enter) if t and s else 0.0 for t, s in zip(*times, strict=True)])
        sharper.append(bare.sharpness[-1] - full.sharpness[-1])
    return {"slower": np.min(ratios), "at 0.12": np.min(ratios[-1]), "sharper": min(sharper)}


@CLAIMS.add(
    "RMSProp, stationary preconditioner", {"flow": near([1.0] * 3, 2e-3), "descent": near([1.0] * 3, 2e-3), "first": below(0.98)},
    Control("the same at t = 25, before it has come near", changes={"late": 25}),
)  # fmt: skip
def preconditioner_converges(late=1000):
    """RMSProp's preconditioner becomes the stationary one of its weights, P̄(w): their cosine goes to 1.

    P̄ = argmin tr P + gᵀP⁻¹g/η² with H ⪯ 2P, at t = 20 (the least, "first") and t = 1000, on the network with (η, β₂) =
    (0.02, 0.99), (0.03, 0.99), (0.03, 0.95); for the central flow and for RMSProp's ν and weights averaged over 41 steps.
    """
    found = {"first": [], "flow": [], "descent": []}
    loss = cf.losses.tanh_network()
    for lr, beta2 in ((0.02, 0.99), (0.03, 0.99), (0.03, 0.95)):
        optimizer = cf.optimizers.rmsprop(lr=lr, beta2=beta2)
        path = cf.solve(cf.flows.central(loss, optimizer), NETWORK, late)
        z = cf.iterate(cf.as_map(loss, optimizer), NETWORK, late + 20).z[late - 20 :].mean(0)
        for name, state in (("first", path.state(20.0)), ("flow", path.state(float(late))), ("descent", z)):
            p, rest = np.sqrt(state[7:14]), cf.stationary_preconditioner(loss, optimizer, state[:7])
            found[name].append(p @ rest / np.linalg.norm(p) / np.linalg.norm(rest))
    return {**found, "first": min(found["first"])}


@CLAIMS.add(
    "stationary flow", {"least_ratio": above(1.0), "fast": at_least(2.0)},
    Control("the stable flow, which ignores oscillations, in place of the central flow", changes={"better": "stable"}),
)  # fmt: skip
def stationary_flow_is_less_accurate(worse="stationary", better="central"):
    """The stationary flow of RMSProp, whose preconditioner is P̄(w) at once, is less accurate than the central flow.

    Root mean square distance to the averaged iterates of 2,900 steps on the network, the stationary over the central flow, for
    (η, β₂) = (0.02, 0.99), (0.03, 0.99), (0.03, 0.95) ("fast"). For the second the stationary flow is nearer after t = 2000.
    """
    loss, ratios, times = cf.losses.tanh_network(), [], np.arange(1, 2900)
    for lr, beta2 in ((0.02, 0.99), (0.03, 0.99), (0.03, 0.95)):
        optimizer = cf.optimizers.rmsprop(lr=lr, beta2=beta2)
        middle = cf.iterate(cf.as_map(loss, optimizer), NETWORK, 2900).midpoints()[:, :7]
        paths = (cf.solve(cf.flows.get(name)(loss, optimizer), NETWORK, 2900, save_at=times) for name in (worse, better))
        far, near_ = (np.sqrt(((path.w - middle) ** 2).sum(1).mean()) for path in paths)
        ratios.append(far / near_)
    return {"least_ratio": min(ratios), "fast": ratios[-1], "ratios": ratios}


RATES = {"scalar_rmsprop": 0.05, "rmsprop": 0.002}  # of optimizers on digits


@CLAIMS.add(
    "experiments", {"ratios": near([1.0, 1.0], 0.1), "since": at_most(300)},
    Control("a hundredth of the rates, whose edge is not reached", changes={"share": 0.01}), slow=True,
)  # fmt: skip
def preconditioned_sharpness_hovers_on_digits(share=1.0):
    """On a network that learns real digits λ₁(P⁻¹H) of Scalar RMSProp and of RMSProp rises to 2 and hovers there.

    A 64-16-4 tanh net on 200 digits, β₂ = 0.99, 1000 steps: the mean of λ₁(P⁻¹H)/2 at the averaged orbit since it first came
    near, and since when. RMSProp stays above 1, by 6 %.
    """
    net = cf.networks.mlp(cf.data.digits(classes=4, n=200), widths=(16,))
    makes = [getattr(cf.optimizers, name)(lr=share * lr, beta2=0.99) for name, lr in RATES.items()]
    found = [cf.analysis.hovering(cf.iterate(cf.as_map(net, optimizer), net.start, 1000)) for optimizer in makes]
    since = [one.since if one.kind == "hovers" else 1000 for one in found]
    return {"ratios": [float(one.mean) for one in found], "since": max(since), "kinds": [one.kind for one in found]}


CLAIMS.undecided(
    "networks_on_data", "experiments",
    "The central flows of scalar RMSProp and RMSProp predict the trajectories of these optimizers on generic networks and data.",
    needs="ResNet, ViT, LSTM and Mamba on data; cohen2024b_networks, _preconditioners and _ablation have three small nets",
)  # fmt: skip


def figures():
    """Scalar RMSProp's central flow with and without its penalty on curvature."""
    return {"scalar_rmsprop": _ablation}


def _ablation():
    from matplotlib.figure import Figure

    loss, optimizer = cf.losses.tanh_network(), cf.optimizers.scalar_rmsprop(lr=0.08, beta2=0.99)
    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in (("central", "central flow"), ("ablated", "the same steps 2/S, no penalty")):
        path = cf.solve(cf.flows.get(name)(loss, optimizer), NETWORK, 2000, save_at=np.arange(0, 2000, 5))
        left.semilogy(path.t, path.loss, label=label)
        right.plot(path.t, path.sharpness)
    left.set(xlabel="time (steps)", ylabel="loss")
    right.set(xlabel="time (steps)", ylabel="sharpness")
    left.legend(frameon=False)
    return figure
