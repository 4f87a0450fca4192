"""The developers of cfdyn, *A threshold that moves, and several modes at the edge*, this project (2026).

NAdam steps by P⁻¹[μ_{t+1}m + (1 − μ_t)g], m ← β₁m + (1 − β₁)g, with μ_t = β₁(1 − 0.96^(tψ)/2), ψ = 0.004, which goes from about
β₁/2 to β₁ in some ten thousand steps. With μ as good as constant p(−1) = 0 for a mode of curvature θ = 2(1 + β₁)/(1 + β₁ −
2μβ₁): what an optimizer can stand need not be a constant, and if its preconditioned sharpness is held at θ it must rise with θ,
all other
things at rest. Adam on a network is the case of several modes: Σ is then a matrix, and the flow holds each mode at the edge that
the descent pushes there. Both are measured as in `cfdyn2026_held`, from warm starts and with an oscillation of 1e-4 kept up. The
second computations are plain loops, of torch's NAdam on ½(1 − xy)² and of Adam on the network, with a Hessian by differences.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, between, interval, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
SEED = 1e-4


def _valley(x, y):
    r = 1 - x * y
    return np.array([-r * y, -r * x]), np.array([[y * y, 2 * x * y - 1], [2 * x * y - 1, x * x]])


def _level(t, psi=0.004):
    """θ of NAdam after so many steps."""
    return 3.8 / (1.9 - 1.8 * 0.9 * (1 - 0.5 * 0.96 ** (psi * t)))


def _second_moving():
    (w, m, v, product), tops = (np.array([1.5, 0.3]), np.zeros(2), np.zeros(2), 1.0), []
    for t in range(1, 8001):
        g, h = _valley(*w)
        now, then = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * k)) for k in (t, t + 1))
        product, m, v = product * now, 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        p = (np.sqrt(v / (1 - 0.99**t)) + 1e-4) / 0.02
        w = w - (then * m / (1 - product * then) + (1 - now) * g / (1 - product)) / p + [1e-5 * (-1) ** t, 0]
        tops.append(np.linalg.eigvalsh(h / np.sqrt(np.outer(p, p)))[-1] / _level(t))
    return {"S/θ": float(np.mean(tops[5333:]))}


@CLAIMS.add(
    "here", {"S/θ": near(1.0, 5e-3), "S, first and last": near([6.14, 7.61], 0.15)},
    Control("the threshold at rest, 13.6", changes={"rest": True}), second=_second_moving, figure="moving",
    domain="½(1 − xy)², two weights; NAdam, η = 0.02, β₁ = 0.9, β₂ = 0.99, ε = 1e-4, from (1.5, 0.3), kept oscillating by 1e-4",
    perturbations=(Control("ψ = 0.0042 in the threshold", changes={"psi": 0.0042}),),
)  # fmt: skip
def nadam_follows_a_threshold_that_moves(rest=False, psi=0.004):
    """On ½(1 − xy)² NAdam's preconditioned sharpness follows its threshold θ(t), which rises from 3.5 towards 13.6 for β₁ = 0.9
    as its warm-up ends: their ratio is 1.00 over the last third of 8,000 steps, while the sharpness grows from 6.2 to 7.6.

    θ = 2(1 + β₁)/(1 + β₁ − 2μβ₁), μ = 0.9(1 − 0.96^(0.004t)/2): λ₁(P⁻¹H)/θ(t) over the last third of 8,000 steps on ½(1 − xy)²
    with η = 0.02, the mean; λ₁(P⁻¹H) itself, means of the first and the last hundred steps of that third.
    """
    loss, nadam = cf.Loss("(1 - x*y)**2/2", "x y"), cf.optimizers.nadam(0.02, 0.9, 0.99, eps=1e-4)
    orbit, steps = cf.iterate(cf.as_map(loss, nadam), [1.5, 0.3], 8000, inject=SEED), np.arange(5334, 8000)
    tops = orbit.preconditioned_sharpness[steps]
    ends = [float(tops[:100].mean()), float(tops[-100:].mean())]
    return {"S/θ": float((tops / _level(1e9 if rest else steps + 1, psi)).mean()), "S, first and last": ends}


def _second_network():
    x, y = np.arange(-1.75, 2, 0.5), np.array([0, 0.2, 0.6, 1, 0.8, 0.2, -0.4, -0.6])

    def slope(w):
        s, t = np.tanh(w[0] * x + w[2]), np.tanh(w[1] * x + w[3])
        p, q = w[4] * (1 - s * s), w[5] * (1 - t * t)
        return ((w[4] * s + w[5] * t + w[6] - y) * np.stack([p * x, q * x, p, q, s, t, np.ones(8)])).mean(axis=1)

    w, m, v, second = 0.7 * np.random.default_rng(0).normal(size=7), np.zeros(7), np.zeros(7), []
    for t in range(1, 3101):
        g = slope(w)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        p = (np.sqrt(v / (1 - 0.99**t)) + 1e-8) / 0.1
        w = w - m / (1 - 0.9**t) / p
        if t > 2100 and t % 10 == 0:
            h = np.array([(slope(w + e) - slope(w - e)) / 2e-5 for e in 1e-5 * np.eye(7)])
            second.append(np.linalg.eigvalsh((h + h.T) / 2 / np.sqrt(np.outer(p, p)))[-2] / 38)
    return {"second mode": float(np.mean(second))}


@CLAIMS.add(
    "here", {"η = 0.1": at_most(0.25), "η = 0.02": at_most(0.25), "η = 0.005": between(0.5, 0.9), "second mode": near(0.9, 0.03)},
    Control("the published flow of RMSProp at the same rates", changes={"known": False}), slow=True, second=_second_network,
    domain="`tanh_network`, seven weights; Adam, β₁ = 0.9, β₂ = 0.99, 3,000 steps; the middle half of ten starts, kept "
        "oscillating by 1e-4; the second mode at η = 0.1",
    perturbations=(Control("the third mode in place of the second", changes={"mode": 3}),),
)  # fmt: skip
def network_with_two_modes(known=True, mode=2):
    """On a tanh network two of Adam's modes are near the edge at η = 0.1, the second at 0.9 θ; at the end the central flow is at
    least four times nearer to the averaged iterates than the flow without Σ for η = 0.1 and 0.02, but only 1.1 to 2 times for
    0.005.

    Seven weights, β₁ = 0.9, β₂ = 0.99, 3,000 steps from step 100 of ten starts, distances at the end to the averaged iterates:
    the middle half of the ratios; the mean of λ₂(P⁻¹H)/θ over the last third, η = 0.1. For how many starts the ratio is above
    a half; the median distance of the flow without Σ.
    """
    loss, found = cf.losses.tanh_network(), {}
    for lr in (0.1, 0.02, 0.005):
        adam = cf.optimizers.adam(lr, 0.9, 0.99)
        flows = (
            cf.flows.central(loss, adam if known else cf.optimizers.rmsprop(lr, 0.99, bias_correction=True)),
            cf.flows.stable(loss, adam),
        )
        far, second = (np.array(rows) for rows in zip(*(_run(loss, adam, flows, seed, mode) for seed in range(10)), strict=True))
        ratios = far[:, 0] / far[:, 1]
        found[f"η = {lr}"] = interval(*np.quantile(ratios, [0.25, 0.75]), "middle half of 10 starts")
        found |= {f"above a half, {lr}": int((ratios > 0.5).sum()), f"without Σ, {lr}": float(np.median(far[:, 1]))}
        found.setdefault("second mode", float(second.mean()))
    return found


def _run(loss, adam, flows, seed, mode, steps=3000):
    d, step, rows = loss.dim, cf.as_map(loss, adam), np.arange(steps - steps // 20, steps)
    z = cf.iterate(step, 0.7 * np.random.default_rng(seed).normal(size=d), 100, inject=SEED).z[-1]
    orbit, given = cf.iterate(step, z, steps, inject=SEED), [*z[:d], *z[2 * d : 3 * d], z[-1]]
    paths = [cf.solve(flow, given, steps, atol=1e-14, save_at=rows).w for flow in flows]
    far = [np.linalg.norm(path - orbit.midpoints()[rows - 1], axis=1).mean() for path in paths]
    return far, np.mean([_mode(loss, adam, row, mode) for row in orbit.z[-1000::10]]) / adam.limit


def _mode(loss, adam, z, mode):
    """λ of P⁻¹H at a state, the greatest is the first."""
    d, p = loss.dim, adam.params
    scale = (np.sqrt(z[2 * d : 3 * d] / (1 - z[-1])) + p["eps"]) / p["lr"]
    return np.linalg.eigvalsh(loss.hessian(z[:d]) / np.sqrt(np.outer(scale, scale)))[-mode]


def figures():
    """NAdam's preconditioned sharpness and its threshold."""
    return {"moving": _moving}


def _moving():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    axes, steps = figure.subplots(), np.arange(1, 8000, 4)
    loss, nadam = cf.Loss("(1 - x*y)**2/2", "x y"), cf.optimizers.nadam(0.02, 0.9, 0.99, eps=1e-4)
    orbit = cf.iterate(cf.as_map(loss, nadam), [1.5, 0.3], 8000, inject=SEED)
    axes.plot(steps, orbit.preconditioned_sharpness[steps], "k-", lw=0.8, label="λ₁(P⁻¹H)")
    axes.plot(steps, _level(steps + 1), "r--", lw=1, label="θ(t)")
    axes.set(xlabel="step", title="NAdam on ½(1 − xy)², β₁ = 0.9, η = 0.02")
    axes.legend(frameon=False)
    return figure
