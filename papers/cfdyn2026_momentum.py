"""The developers of cfdyn, *A central flow with momentum*, this project (2026).

Along a mode Hu = λPu and with its preconditioner P at rest an optimizer is a linear recursion: the step is P⁻¹F(z)g, z the shift
by a step. Its multipliers contain −1 where λ = θ = 2/F(−1), and a slow gradient moves the weights by G = F(1) of gradient
descent's step. Heavy ball, F = z/(z − β): θ = 2(1 + β), G = 1/(1 − β); Nesterov θ = 2(1 + β)/(1 + 2β), the same G; an average of
gradients, as in Adam, F = (1 − β)z/(z − β): θ = 2(1 + β)/(1 − β), G = 1. Put into the derivation of Cohen et al.
(2410.24206), who leave momentum out, this gives

    dw/dt = −GP⁻¹[g + ½∇⟨H, Σ⟩],  dν/dt = κ[g² + diag(HΣH) − ν],  0 ⪯ Σ ⟂ θP − H ⪰ 0,

with the momentum slaved. For k = 1, uᵀPu = 1, Σ = Xuuᵀ, T = ∇(uᵀHu), p = ∂(uᵀPu)/∂ν: X = max(0, −α/β), α = θ⟨p, κ(g² − ν)⟩ +
G⟨T, P⁻¹g⟩, β = θκ⟨p, (Hu)²⟩ + ½G⟨T, P⁻¹T⟩. With c = 2/θ, η′ = cη, κ′ = cκ/G the same equations are those of gd and RMSProp in the
time Gt/c. Here are the equations and what follows from them exactly; that optimizers follow this flow is a conjecture, with its
evidence in `cfdyn2026_held` and its failures in `cfdyn2026_unheld`. The second computations are the equations above, written
out for ½(1 − xy)² and followed by SciPy.
"""

import numpy as np
from scipy.integrate import solve_ivp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
VALLEY = ("(1 - x*y)**2/2", "x y", [1.5, 0.3])
NAMES = ("heavy_ball", "nesterov", "ema_momentum", "adam")


def _quotients(optimizer, beta=0.9):
    """F(−1) and F(1) by hand."""
    plain = {z: z / (z - beta) for z in (-1, 1)}
    share = {"heavy_ball": lambda f: f, "nesterov": lambda f: 1 + beta * f}.get(optimizer, lambda f: (1 - beta) * f)
    return share(plain[-1]), share(plain[1])


def _second_numbers():
    return {"thetas": [2 / _quotients(name)[0] for name in NAMES], "gains": [_quotients(name)[1] for name in NAMES]}


@CLAIMS.add(
    "here", {"thetas": near([3.8, 3.8 / 2.8, 38.0, 38.0], 1e-12), "gains": near([10.0, 10.0, 1.0, 1.0], 1e-12)},
    Control("β = 0.8", changes={"beta": 0.8}), second=_second_numbers,
)  # fmt: skip
def two_numbers(beta=0.9):
    """Two numbers of an optimizer enter the flow: θ, 2(1 + β) for heavy ball, 2(1 + β)/(1 + 2β) for Nesterov, 2(1 + β)/(1 − β)
    for averaged momentum and Adam, and the gain G, 1/(1 − β) for the first two and 1 for the others.

    β = 0.9; both as the flow reads them off the optimizer's formulas: θ along a path, G from the drift on a parabola.
    """
    loss, thetas, gains = cf.Loss("w**2/2"), [], []
    for name in NAMES:
        adam = name == "adam"
        optimizer = cf.optimizers.adam(0.1, beta, bias_correction=False) if adam else getattr(cf.optimizers, name)(0.1, beta)
        path = cf.solve(cf.flows.central(loss, optimizer), [1.0, 4.0] if adam else [1.0], 0.1)
        thetas.append(float(path.theta[0]))
        gains.append(float(-path.slopes[0, 0] / 0.1 * (2.0 + 1e-8 if adam else 1.0)))
    return {"thetas": thetas, "gains": gains}


def _held(slopes, z, eta, theta, gain, kappa, eps):
    """(S, X, dz/dt) of z = (w, ν), with the edge approached in a time of one step."""
    w, nu = z[:2], np.maximum(z[2:], 1e-300)
    g, h, third = slopes(*w)
    p = (np.sqrt(nu) + eps) / eta if kappa else np.full(2, 1 / eta)
    values, vectors = np.linalg.eigh(h / np.sqrt(np.outer(p, p)))
    s, u = values[-1], vectors[:, -1] / np.sqrt(p)
    t, rate = third(*w, *u), s * u * u / (2 * np.sqrt(nu) * eta) if kappa else np.zeros(2)
    alpha = gain * t @ (g / p) + rate @ (kappa * (g * g - nu)) + (theta - s)
    beta = gain * t @ (t / p) / 2 + rate @ (kappa * (h @ u) ** 2)
    x = max(0.0, -alpha / beta) if s > theta - 1e-3 else 0.0
    return s, x, np.concatenate([-gain * (g + x * t / 2) / p, kappa * (g * g + x * (h @ u) ** 2 - nu)])


def _by_hand(slopes, start, times, eta, theta=2.0, gain=1.0, kappa=0.0, eps=0.0):
    """The path: free until it meets the edge, then held (nothing leaves it here)."""

    def meets(_, z):
        return _held(slopes, z, eta, theta, gain, kappa, eps)[0] - theta

    meets.terminal, meets.direction = True, 1
    options = {"rtol": 1e-11, "atol": 1e-13, "method": "LSODA"}
    z0 = np.array([*start, 1.0, 1.0][: max(4, len(start))], dtype=float)
    free = solve_ivp(
        lambda _, z: _free(slopes, z, eta, gain, kappa, eps), (0, times[-1]), z0, events=meets, dense_output=True, **options
    )
    entered = free.t[-1]
    held = solve_ivp(
        lambda _, z: _held(slopes, z, eta, theta, gain, kappa, eps)[2],
        (entered, max(times[-1], entered + 1e-9)), free.y[:, -1], dense_output=True, **options,
    )  # fmt: skip
    return np.array([(free if t <= entered else held).sol(t)[:2] for t in times]), entered


def _free(slopes, z, eta, gain, kappa, eps):
    g = slopes(*z[:2])[0]
    p = (np.sqrt(np.maximum(z[2:], 1e-300)) + eps) / eta if kappa else 1 / eta
    return np.concatenate([-gain * g / p, kappa * (g * g - z[2:])])


def _turning(x, y, a, b):
    """∇(uᵀHu) of x²y²/2 and of what has the same third derivatives."""
    return np.array([4 * y * a * b + 2 * x * b * b, 2 * y * a * a + 4 * x * a * b])


def _valley(x, y):
    r = 1 - x * y
    return np.array([-r * y, -r * x]), np.array([[y * y, 2 * x * y - 1], [2 * x * y - 1, x * x]]), _turning


def _second_ball():
    (end,), entered = _by_hand(_valley, [1.5, 0.3], [2.0], 0.8)
    return {"ends": [*end], "entries": [entered] * 2}


@CLAIMS.add(
    "here", {"ends": near([1.464000282, 0.636738676], 1e-7), "entries": near([0.38879829] * 2, 1e-7), "distance": at_most(1e-9)},
    Control("the rate that gives the same drift, η(1 − β)", changes={"same": "drift"}), second=_second_ball,
)  # fmt: skip
def heavy_ball_is_descent_in_another_time(same="edge", beta=0.9):
    """Heavy ball's central flow with (η, β) is that of gradient descent with η/(1 + β) at the time t(1 + β)/(1 − β), and so with
    Nesterov's momentum and averaged gradients, each with its θ and G.

    On ½(1 − xy)² from (1.5, 0.3), with gd's η = 0.8 and β = 0.9: where heavy ball's flow is at gd's time 2 and when (in gd's
    time) it and Nesterov's meet the edge; the largest distance of the three to gd's at 21 times. Twice: gd's by hand.
    """
    rates = {"heavy_ball": 1 + beta, "nesterov": (1 + beta) / (1 + 2 * beta), "ema_momentum": (1 + beta) / (1 - beta)}
    reference, paths = _solved(cf.optimizers.gd(0.8), 1.0), []
    for name, rate in rates.items():
        gain = 1 if name == "ema_momentum" else 1 / (1 - beta)
        rate = rate if same == "edge" else 1 / gain
        paths.append((_solved(getattr(cf.optimizers, name)(0.8 * rate, beta), rate * gain), rate * gain))
    away = max(float(np.abs(path.w - reference.w).max()) for path, _ in paths)
    entries = [path.events[0].t * speed if path.events else -1.0 for path, speed in paths[:2]]
    return {"ends": paths[0][0].w[-1].tolist(), "entries": entries, "distance": away}


def _solved(optimizer, speed, start=VALLEY[2], end=2.0):
    flow = cf.flows.central(cf.Loss(*VALLEY[:2]), optimizer)
    times = np.linspace(0, end / speed, 21)
    return cf.solve(flow, start, times[-1], rtol=1e-13, atol=1e-16, save_at=times, max_step=times[-1] / 400)


def _second_adam():
    (end,), entered = _by_hand(_valley, [1.5, 0.3, 0.02, 0.05], [120.0], 0.1, kappa=0.02, eps=1e-3)
    return {"end": [*end], "entry": entered}


@CLAIMS.add(
    "here", {"end": near([1.425517204563, 0.696904248350], 1e-8), "entry": near(36.417401981, 1e-6), "distance": at_most(1e-9)},
    Control("β₂ as it is, not scaled with time", changes={"scaled": False}), second=_second_adam,
)  # fmt: skip
def adam_is_rmsprop_in_another_time(scaled=True, beta=0.9):
    """Adam's central flow with (η, β₁, κ = (1 − β₂)/β₂), without bias correction, is that of RMSProp with (η/c, κ/c) at the time
    ct, c = (1 + β₁)/(1 − β₁), with the same ε and ν.

    On ½(1 − xy)² with RMSProp's η = 0.1, κ = 0.02, ε = 1e-3, β₁ = 0.9: where Adam's flow is at RMSProp's time 120, when it met
    the edge, and its largest distance to RMSProp's at 21 times. RMSProp's a second time by hand.
    """
    c, start = (1 + beta) / (1 - beta), [*VALLEY[2], 0.02, 0.05]
    reference = _solved(cf.optimizers.rmsprop(0.1, beta2=1 / 1.02, eps=1e-3), 1.0, start, 120.0)
    beta2 = 1 / (1 + 0.02 * (c if scaled else 1))
    path = _solved(cf.optimizers.adam(0.1 * c, beta, beta2, eps=1e-3, bias_correction=False), c, start, 120.0)
    return {
        "end": path.w[-1].tolist(),
        "entry": path.events[0].t * c if path.events else -1.0,
        "distance": float(np.abs(path.w - reference.w).max()),
    }
