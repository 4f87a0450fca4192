"""The developers of cfdyn, *An edge flow with momentum*, this project (2026).

The edge flow of Marion (2606.18080) is of gradient descent: a centre c, and a swing v = ρu, w = c + (−1)ᵗv, in polar coordinates;
dv/dt = ηH(c)v − 2v is what is left of v₊ = −v + ηHv where both terms nearly cancel. With the preconditioner P at rest a step
P⁻¹F(z)g, z the shift by a step, has the multipliers 1 − z = λF(z) along Hu = λPu. One passes −1 at λ = θ = 2/F(−1), at the speed
dz/dλ = −F(−1)/(1 + θF′(−1)), so that near the edge the swing grows by R(λ − θ) a step, R = 2/(θ + θ²F′(−1)), and a slow gradient
moves the centre by G = F(1) of descent's step:

    dc/dt = −(G/2)P⁻¹[g(c + v) + g(c − v)],  ds/dt = ½[f(s, g₊) + f(s, g₋)],  dv/dt = R(P⁻¹H(c) − θ)v

for states s of P. F = z/(z − β) of heavy ball and F = (1 − β)z/(z − β) of an average of gradients have R = G, for any β: then
these are the equations of gradient descent with 2η/θ, or of RMSProp, in the time Gθt/2. Nesterov's F = ((1 + β)z − β)/(z − β) has
R = (1 + 2β)²/(1 + 3β) and G = 1/(1 − β): drift and swing are sped up by different factors, and no gradient descent has its flow.
That an optimizer stays near is measured on a few losses, which is no proof. The second computations are these equations for
½(1 − xy)², written out and followed by SciPy, and plain loops of the optimizers.
"""

import math
from functools import cache

import numpy as np
from scipy.integrate import solve_ivp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
START, RATE, TIME = [1.5, 0.3, 0.8, 0.6, math.log(0.02)], 0.8, 20.0
NAMES = ("heavy_ball", "nesterov", "ema_momentum")


def _swinging(beta=0.9):
    """The equations of heavy ball for ½(1 − xy)² by hand: the end of (c, v)."""
    eta, theta, gain = RATE * (1 + beta), 2 * (1 + beta), 1 / (1 - beta)

    def gradient(w):
        return np.array([w[1], w[0]]) * (w[0] * w[1] - 1)

    def slope(_, z):
        c, v = z[:2], z[2:]
        cross = 2 * c[0] * c[1] - 1
        curved = np.array([[c[1] ** 2, cross], [cross, c[0] ** 2]]) @ v
        return np.concatenate([-gain * eta / 2 * (gradient(c + v) + gradient(c - v)), gain * (eta * curved - theta * v)])

    first = [*START[:2], *(math.exp(START[4]) * np.array(START[2:4]))]
    return solve_ivp(slope, (0, TIME * (1 - beta) / (1 + beta)), first, "DOP853", rtol=1e-12, atol=1e-14).y[:, -1]


def _second_identity():
    end = _swinging()
    return {"apart": 0.0, "end": end[:2].tolist(), "extent": float(np.linalg.norm(end[2:]))}


@CLAIMS.add(
    "here", {"apart": at_most(1e-11), "end": near([1.326628894, 0.748131366], 1e-7), "extent": near(0.07023676, 1e-7)},
    Control("Nesterov's method, of which R is not G", changes={"name": "nesterov"}), second=_second_identity,
    domain="C² losses of d weights; heavy ball with constant η > 0 and 0 ≤ β < 1, plain gradient descent",
    examples="½(1 − xy)² with η/(1 + β) = 0.8, β = 0.9, from one start, to the time 20 of gradient descent",
    perturbations=[Control("time faster by 1 %", changes={"faster": 1.01}),
                   Control("β = 0.89 in the formulas, 0.9 in the optimizer", changes={"said": 0.89})],
)  # fmt: skip
def heavy_ball_is_descent_in_another_time(name="heavy_ball", faster=1.0, said=0.9):
    """The edge flow of heavy ball with (η, β) is that of gradient descent with η/(1 + β) at the time t(1 + β)/(1 − β), exactly.

    ½(1 − xy)² with η/(1 + β) = 0.8, β = 0.9, from a swing of 0.02 off the sharpest direction: the largest distance of centres
    and Σ at 41 times, and where it ends. For Nesterov's method the rate and time that have the same edge and drift.
    """
    loss, beta, rows = cf.Loss("(1 - x*y)**2/2"), said, np.linspace(0, TIME, 41)
    theta, gain = {"heavy_ball": (2 * (1 + beta), 1 / (1 - beta)), "nesterov": (2 * (1 + beta) / (1 + 2 * beta), 10.0)}[name]
    optimizer, speed = cf.optimizers.get(name)(RATE * theta / 2, 0.9), faster * gain * theta / 2
    flows = cf.flows.edge(loss, cf.optimizers.gd(RATE)), cf.flows.edge(loss, optimizer)
    ours, other = (cf.solve(flow, START, rows[-1] / fast, rtol=1e-13, atol=1e-16, save_at=rows / fast, max_step=0.05 / fast)
                   for flow, fast in zip(flows, (1.0, speed), strict=True))  # fmt: skip
    apart = max(np.abs(ours.w - other.w).max(), np.abs(ours.covariance - other.covariance).max())
    return {"apart": float(apart), "end": other.w[-1], "extent": float(np.sqrt(np.trace(other.covariance[-1])))}


@cache
def _measured(name, beta, beyond=1e-5):
    """How fast the optimizer's own oscillation grows beyond the edge of w²/2, by a loop, over λ − θ."""
    theta = {"heavy_ball": 2 * (1 + beta), "nesterov": 2 * (1 + beta) / (1 + 2 * beta)}.get(name, 2 * (1 + beta) / (1 - beta))
    eta, w, m, sizes = theta + beyond, 1.0, 0.0, []
    for _ in range(6000):
        g = w
        m = beta * m + (g if name != "ema_momentum" else (1 - beta) * g)
        w -= eta * (g + beta * m if name == "nesterov" else m)
        sizes.append(math.log(abs(w)))
    return (sizes[-1] - sizes[2999]) / 3000 / beyond


def _second_growth():
    return {"rates": [_measured(name, 0.9) for name in NAMES]}


@CLAIMS.add(
    "here", {"rates": near([10.0, 2.8**2 / 3.7, 1.0], 0.01)},
    Control("Nesterov's swing sped up as its drift is, by G = 10", expected={"rates": near([10.0, 10.0, 1.0], 0.01)}),
    second=_second_growth,
    domain="w²/2, one weight, η = θ + 0.001 without preconditioner; heavy ball, Nesterov and averaged momentum with β = 0.9",
    perturbations=[Control("heavy ball, Nesterov and averaged momentum at β = 0.89", changes={"beta": 0.89})],
)  # fmt: skip
def swing_grows_as_the_multiplier_passes(beta=0.9):
    """On a parabola just beyond the edge the swing of the flow grows by R(ηλ − θ) a step, as the optimizer's own does to 1 %, at
    β = 0.9: R = 1/(1 − β) for heavy ball, (1 + 2β)²/(1 + 3β) for Nesterov and 1 for averaged momentum.

    d ln ρ/dt of the flow at 0.001 beyond θ, over that; the second computation iterates the optimizers, 1e-5 beyond.
    """
    rates = []
    for name in NAMES:
        optimizer = cf.optimizers.get(name)(1.0, beta)
        eta = optimizer.limit + 1e-3
        flow = cf.flows.edge(cf.Loss("w**2/2"), optimizer.at(lr=eta))
        rates.append(float(flow.drift([0.0, 1.0, -5.0])[-1] / 1e-3))
    return {"rates": rates}
