"""J. M. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter, J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206 (2024; ICLR 2025), adaptive optimizers.

For an optimizer with a preconditioner P the edge is λ₁(P⁻¹H) = 2, and the central flow carries the optimizer's state along.
Scalar RMSProp at the edge takes steps 2/S: its η only sets how strongly curvature is penalized, and that penalty leads to where
longer steps are possible. RMSProp's preconditioner comes to rest at P̄(w), the solution of a convex program. The paper shows it
on networks; here a tanh network of seven weights stands for them, `cf.losses.tanh_network()`, from one start. What was read are
the abstract and parts II and III of the companion site, centralflows.github.io.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, below, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")

NETWORK = (0.1, -0.1, 0.3, 0.1, -0.3, 0.2, 0.7)


@CLAIMS.add(
    "companion site, part II", {"step": near([1.0] * 4, 2e-3), "flow": near([1.0] * 4, 1e-6), "sharpness_falls": True},
    Control("ten times smaller steps, before the edge is reached", changes={"scale": 0.02}), figure="scalar_rmsprop",
    domain="the tanh network of seven weights, one start; β₂ = 0.99, η = 0.03, 0.05, 0.08, 0.12; steps 500 to 4000",
    perturbations=(Control("steps of 1.98/S", changes={"edge": 1.98}),),
)  # fmt: skip
def step_is_two_over_sharpness(scale=1.0, edge=2.0):
    """On a tanh network of seven weights Scalar RMSProp's step η/√ν is 2/S on average over time, within 0.2 % for each of four
    η, and so is its central flow's; with a larger η the flow has a lower S at equal loss.

    η/√ν over 2/S of the averaged iterates, mean over the steps 500 to 4000, of the flow at t = 4000, and
    whether S of the central flow where its loss
    reaches 5e-4 and 2e-4 falls with η each time.
    """
    loss, ratios, flow, at_loss = cf.losses.tanh_network(), [], [], []
    for lr in (0.03, 0.05, 0.08, 0.12):
        optimizer = cf.optimizers.scalar_rmsprop(lr=scale * lr, beta2=0.99)
        orbit = cf.iterate(cf.as_map(loss, optimizer), NETWORK, 4000)
        rows = range(500, 3990, 30)
        middle = orbit.midpoints()
        ratios.append(np.mean([scale * lr / orbit.z[t, 7] ** 0.5 * loss.sharpness(middle[t - 1, :7]) / edge for t in rows]))
        path = cf.solve(cf.flows.central(loss, optimizer), NETWORK, 4000)
        end = path.state(4000.0)
        flow.append(float(scale * lr / end[7] ** 0.5 * loss.sharpness(end[:7]) / 2))
        at_loss.append([loss.sharpness(path(t)) if t else 9.9 for t in _reached(loss, path, (5e-4, 2e-4))])
    return {"step": ratios, "flow": flow, "sharpness_falls": bool((np.diff(at_loss, axis=0) < 0).all()), "sharpness": at_loss}


def _reached(loss, path, levels):
    """The first whole times at which the loss is at each level or below; None where it is not."""
    times = np.arange(path.t[-1] + 0.5)
    values = np.array([loss.value(w) for w in path(times)])
    return [float(times[np.argmax(values <= level)]) if (values <= level).any() else None for level in levels]


@CLAIMS.add(
    "companion site, part II", {"slower": at_least(1.05), "at 0.12": at_least(1.5), "sharper": at_least(0.1),
                                     "central step · S/2": near([1.0] * 4, 1e-6)},
    Control("on ½(1 − xy)²: flatter, and slower", changes={"network": False}), figure="scalar_rmsprop",
    domain="the tanh network of seven weights, one start; β₂ = 0.99, η = 0.03, 0.05, 0.08, 0.12; losses 5e-4, 3e-4, 2e-4",
    perturbations=(Control("the flow without the penalty, with steps of 2.2/S", changes={"edge": 2.2}),),
)  # fmt: skip
def regularization_accelerates(network=True, edge=2.0):
    """On a tanh network of seven weights Scalar RMSProp's central flow without its penalty on curvature, dw/dt = −(2/S)g, goes to
    sharper regions and needs 1.05 times as long to the same loss, or more; with η = 0.12 1.5 times.

    From where the central flow enters the edge, the time until the loss is 5e-4, 3e-4 and 2e-4, without over with the penalty:
    the least ratio for η = 0.03, 0.05, 0.08, 0.12 and the last one; the least difference of the sharpness at t = 4000. ``edge``:
    c in steps of c/S, which only rescale the time. ``central step``: η/√ν of the central flow at t = 4000.
    """
    loss = cf.losses.tanh_network() if network else cf.losses.scalar_factorization()
    start, ratios, sharper, steps = NETWORK if network else (2.0, 0.45), [], [], []
    for lr in (0.03, 0.05, 0.08, 0.12):
        optimizer = cf.optimizers.scalar_rmsprop(lr=lr, beta2=0.99)
        full = cf.solve(cf.flows.central(loss, optimizer), start, 4000)
        enter = full.events[0].t
        bare = cf.solve(cf.flows.ablated(loss, optimizer), full(enter), 4000 * edge / 2)
        times = [_reached(loss, path, (5e-4, 3e-4, 2e-4)) for path in (bare, full)]
        ratios.append([2 / edge * t / (s - enter) if t and s else 0.0 for t, s in zip(*times, strict=True)])
        sharper.append(bare.sharpness[-1] - full.sharpness[-1])
        end = full.state(4000.0)
        steps.append(float(lr / end[len(start)] ** 0.5 * loss.sharpness(end[: len(start)]) / 2))
    found = {"slower": np.min(ratios), "at 0.12": np.min(ratios[-1]), "sharper": min(sharper)}
    return {**found, "central step · S/2": steps}


@CLAIMS.add(
    "companion site, part III", {"flow": near([1.0] * 3, 2e-3), "descent": near([1.0] * 3, 2e-3), "first": below(0.98),
                                      "λ₁(P⁻¹H)/2": near([1.0] * 3, 1e-5)},
    Control("the same at t = 25, before it has come near", changes={"late": 25}),
    domain="the tanh network of seven weights, one start; (η, β₂) = (0.02, 0.99), (0.03, 0.99), (0.03, 0.95)",
    perturbations=(Control("P̄ of the weights at t = 20", changes={"moment": False}),),
)  # fmt: skip
def preconditioner_converges(late=1000, moment=True):
    """On a tanh network of seven weights RMSProp's preconditioner comes to the direction of the stationary one of its weights,
    P̄(w): their cosine is below 0.98 at t = 20 of the central flow, and after 1000 steps 1 within 0.002, of flow and RMSProp.

    P̄ = argmin tr P + gᵀP⁻¹g/η² with H ⪯ 2P, P diagonal, by `cf.stationary_preconditioner`. ``first``: the greatest cosine of the
    flow at t = 20; ``descent``: of RMSProp's ν and weights averaged over 41 steps. λ₁(P⁻¹H) is the flow's at the end, P = √ν/η.
    """
    found = {"first": [], "flow": [], "descent": [], "λ₁(P⁻¹H)/2": []}
    loss = cf.losses.tanh_network()
    for lr, beta2 in ((0.02, 0.99), (0.03, 0.99), (0.03, 0.95)):
        optimizer = cf.optimizers.rmsprop(lr=lr, beta2=beta2)
        path = cf.solve(cf.flows.central(loss, optimizer), NETWORK, late)
        root, end = np.sqrt(np.sqrt(path.state(float(late))[7:14])), path.state(float(late))[:7]
        found["λ₁(P⁻¹H)/2"].append(float(lr * np.linalg.eigvalsh(loss.hessian(end) / np.outer(root, root))[-1] / 2))
        z = cf.iterate(cf.as_map(loss, optimizer), NETWORK, late + 20).z[late - 20 :].mean(0)
        for name, state in (("first", path.state(20.0)), ("flow", path.state(float(late))), ("descent", z)):
            p = np.sqrt(state[7:14])
            rest = cf.stationary_preconditioner(loss, optimizer, (state if moment else path.state(20.0))[:7])
            found[name].append(p @ rest / np.linalg.norm(p) / np.linalg.norm(rest))
    return {**found, "first": max(found["first"]), "all first": found["first"]}


@CLAIMS.add(
    "companion site, part III", {"least_ratio": above(1.0), "fast": at_least(2.0)},
    Control("the stable flow, which ignores oscillations, in place of the central flow", changes={"better": "stable"}),
    domain="the tanh network of seven weights, one start, 2,900 steps; (η, β₂) = (0.02, 0.99), (0.03, 0.99), (0.03, 0.95)",
    perturbations=(Control("from step 2000 on", changes={"since": 2000}),),
)  # fmt: skip
def stationary_flow_is_less_accurate(worse="stationary", better="central", since=1):
    """On a tanh network of seven weights the stationary flow of RMSProp, whose preconditioner is P̄(w) at once, is farther from
    the averaged iterates of 2,900 steps than the central flow.

    Root mean square distance, the stationary over the central flow, for (η, β₂) = (0.02, 0.99), (0.03, 0.99), (0.03, 0.95)
    ("fast"). From step 2000 on that is not so for the second: there the stationary flow is nearer.
    """
    loss, ratios, times = cf.losses.tanh_network(), [], np.arange(1, 2900)
    for lr, beta2 in ((0.02, 0.99), (0.03, 0.99), (0.03, 0.95)):
        optimizer = cf.optimizers.rmsprop(lr=lr, beta2=beta2)
        middle = cf.iterate(cf.as_map(loss, optimizer), NETWORK, 2900).midpoints()[:, :7]
        paths = (cf.solve(cf.flows.get(name)(loss, optimizer), NETWORK, 2900, save_at=times) for name in (worse, better))
        far, near_ = (np.sqrt(((path.w - middle)[since - 1 :] ** 2).sum(1).mean()) for path in paths)
        ratios.append(far / near_)
    return {"least_ratio": min(ratios), "fast": ratios[-1], "ratios": ratios}


CLAIMS.undecided(
    "networks_on_data", "abstract",
    "The central flows of Scalar RMSProp and RMSProp predict the long-term trajectories of these optimizers on generic networks.",
    needs="ResNet, ViT, LSTM and Mamba on data; cohen2024b_networks, _preconditioners and _ablation have three small nets",
    domain="generic networks and data, full batches",
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
