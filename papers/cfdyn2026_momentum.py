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
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
VALLEY = ("(1 - x*y)**2/2", "x y", [1.5, 0.3])
BETAS = (0.5, 0.9)
PATH = [1.645172269595, 0.607839080734, 1.496824388742, 0.664159484935, 1.425517204563, 0.696904248350]
NAMES = ("heavy_ball", "nesterov", "ema_momentum", "adam")


def _plain(name, w, m, g, beta):
    """One step with learning rate 1 and preconditioner 1."""
    m = beta * m + (g if name in NAMES[:2] else (1 - beta) * g)
    return w - (g + beta * m if name == "nesterov" else m), m


def _second_numbers():
    """Where plain steps on λw²/2 have the multiplier −1, and how far one goes on a constant slope in the end."""
    thetas, gains = [], []
    for beta in BETAS:
        for name in NAMES:

            def flips(curvature, name=name, beta=beta):
                columns = [_plain(name, w, m, curvature * w, beta) for w, m in ((1.0, 0.0), (0.0, 1.0))]
                return np.linalg.det(np.transpose(columns) + np.eye(2))

            thetas.append(brentq(flips, 0.1, 100.0, xtol=1e-13))
            m = 0.0
            for _ in range(1000):
                moved, m = _plain(name, 0.0, m, 1.0, beta)
            gains.append(-moved)
    return {"thetas": thetas, "gains": gains}


def _stated(beta):
    top = 2 * (1 + beta)
    return [top, top / (1 + 2 * beta), top / (1 - beta), top / (1 - beta)], [1 / (1 - beta), 1 / (1 - beta), 1.0, 1.0]


@CLAIMS.add(
    "here", {"thetas": near([x for b in BETAS for x in _stated(b)[0]], 1e-10),
             "gains": near([x for b in BETAS for x in _stated(b)[1]], 1e-10)},
    Control("β = 0.4 and 0.8", changes={"betas": (0.4, 0.8)}), second=_second_numbers,
    domain="heavy ball, Nesterov's, averaged momentum and Adam without bias correction, the preconditioner at rest; 0 ≤ β < 1",
    examples="β = 0.5 and 0.9",
    perturbations=(Control("β = 0.505 for the first", changes={"betas": (0.505, 0.9)}),),
)  # fmt: skip
def two_numbers(betas=BETAS):
    """Two numbers of an optimizer enter the flow: θ, at which a mode's multiplier is −1, 2(1 + β) for heavy ball, 2(1 + β)/(1 +
    2β) for Nesterov, 2(1 + β)/(1 − β) for averaged momentum and Adam, and the gain G on a constant slope, 1/(1 − β) for the
    first two and 1 for the others.

    Both as the flow reads them off the optimizer's formulas: θ along a path, G from the drift on a parabola. Twice: from plain
    steps, where the multiplier is −1 and how far a step goes on a constant slope.
    """
    loss, thetas, gains = cf.Loss("w**2/2"), [], []
    for beta, name in ((beta, name) for beta in betas for name in NAMES):
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
    """Gradient descent's flow, and that of all three with their own θ and G in their own time; both must be what is stated."""
    ends, entries = [], []
    for theta, gain in zip(*(row[:3] for row in _stated(0.9)), strict=True):
        (own,), entered = _by_hand(_valley, [1.5, 0.3], [4 / theta / gain], 0.8 * theta / 2, theta, gain)
        ends, entries = [*ends, *own], [*entries, entered * gain * theta / 2]
    (end,), at = _by_hand(_valley, [1.5, 0.3], [2.0], 0.8)
    assert np.abs(np.array(ends) - [*end] * 3).max() < 1e-7 and np.abs(np.array(entries) - at).max() < 1e-7
    return {"ends": [*end] * 3, "entries": [at] * 3}


@CLAIMS.add(
    "here", {"ends": near([1.464000282, 0.636738676] * 3, 1e-7), "entries": near([0.38879829] * 3, 1e-7)},
    Control("the rate that gives the same drift, η(1 − β)", changes={"same": "drift"}), second=_second_ball,
    domain="dw/dt = −Gη(g + ½∇⟨H, Σ⟩), 0 ⪯ Σ ⟂ θ/η − H ⪰ 0, for gd (θ = 2, G = 1), heavy ball, Nesterov's and averaged "
        "momentum; C³ losses, η > 0, 0 ≤ β < 1",
    examples="½(1 − xy)² from (1.5, 0.3), gd's η = 0.8, β = 0.9, gd's time 2",
    perturbations=(Control("1 % further in time", changes={"stretch": 1.01}),),
)  # fmt: skip
def heavy_ball_is_descent_in_another_time(same="edge", beta=0.9, stretch=1.0):
    """The central flow that this project gives heavy ball with (η, β) is that of gradient descent with η/(1 + β) at the time
    t(1 + β)/(1 − β). With c = θ/2 for 1 + β and cG for the factor of t the same holds for Nesterov's momentum, c = (1 + β)/(1 +
    2β), G = 1/(1 − β), and for averaged gradients, c = (1 + β)/(1 − β), G = 1.

    Where the three flows are at gd's time 2, and when (in gd's time) they meet the edge. Twice, which is what is expected: gd's
    equations followed by SciPy, and those of the three with their own θ and G beside them.
    """
    rates = {"heavy_ball": 1 + beta, "nesterov": (1 + beta) / (1 + 2 * beta), "ema_momentum": (1 + beta) / (1 - beta)}
    paths = []
    for name, rate in rates.items():
        gain = 1 if name == "ema_momentum" else 1 / (1 - beta)
        rate = rate if same == "edge" else 1 / gain
        paths.append((_solved(getattr(cf.optimizers, name)(0.8 * rate, beta), rate * gain / stretch), rate * gain))
    entries = [path.events[0].t * speed if path.events else -1.0 for path, speed in paths]
    return {"ends": [x for path, _ in paths for x in path.w[-1].tolist()], "entries": entries}


def _solved(optimizer, speed, start=VALLEY[2], end=2.0):
    flow = cf.flows.central(cf.Loss(*VALLEY[:2]), optimizer)
    times = np.linspace(0, end / speed, 21)
    return cf.solve(flow, start, times[-1], rtol=1e-13, atol=1e-16, save_at=times, max_step=times[-1] / 400)


def _second_adam():
    """RMSProp's flow, and Adam's with its own θ in its own time; both must be what is stated."""
    start, times = [1.5, 0.3, 0.02, 0.05], np.array([30.0, 90.0, 120.0])
    path, entered = _by_hand(_valley, start, times, 0.1, kappa=0.02, eps=1e-3)
    own, at = _by_hand(_valley, start, times / 19, 1.9, 38.0, kappa=0.38, eps=1e-3)
    assert np.abs(path - own).max() < 1e-7 and abs(entered - 19 * at) < 1e-6
    return {"path": path.ravel().tolist(), "entry": entered}


@CLAIMS.add(
    "here", {"path": near(PATH, 1e-8), "entry": near(36.417401981, 1e-6)},
    Control("β₂ as it is, not scaled with time", changes={"scaled": False}), second=_second_adam,
    domain="the equations above for Adam without bias correction and RMSProp; C³ losses, η > 0, 0 ≤ β₁ < 1, 0 < β₂ < 1",
    examples="½(1 − xy)² from (1.5, 0.3), ν = (0.02, 0.05), RMSProp's η = 0.1, κ = 0.02, ε = 1e-3, β₁ = 0.9, at three times",
    perturbations=(Control("1 % further in time", changes={"stretch": 1.01}),),
)  # fmt: skip
def adam_is_rmsprop_in_another_time(scaled=True, beta=0.9, stretch=1.0):
    """Adam's central flow with (η, β₁, κ = (1 − β₂)/β₂), without bias correction, is that of RMSProp with (η/c, κ/c) at the time
    ct, c = (1 + β₁)/(1 − β₁), with the same ε and ν.

    Where Adam's flow is at RMSProp's times 30, before the edge, 90 and 120, and when it met the edge. Twice, which is what is
    expected: RMSProp's equations followed by SciPy, and Adam's beside them.
    """
    c, start = (1 + beta) / (1 - beta), [*VALLEY[2], 0.02, 0.05]
    beta2 = 1 / (1 + 0.02 * (c if scaled else 1))
    path = _solved(cf.optimizers.adam(0.1 * c, beta, beta2, eps=1e-3, bias_correction=False), c / stretch, start, 120.0)
    return {"path": path.w[[5, 15, 20]].ravel().tolist(), "entry": path.events[0].t * c if path.events else -1.0}
