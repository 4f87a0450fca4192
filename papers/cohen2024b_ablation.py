"""J. M. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter, J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206 (2024; ICLR 2025), RMSProp without its penalty on curvature, on three kinds of networks.

What cohen2024b_preconditioners has of Scalar RMSProp, for RMSProp on the nets of cohen2024b_networks (β₂ = 0.99). Its central
flow moves weights by −P⁻¹[g + ½∇⟨H, Σ⟩]; without the second part oscillations act on ν alone, which then holds the edge alone:

    dw/dt = −P⁻¹g,  dν/dt = κ[g² + diag(HΣH) − ν],  0 ⪯ Σ ⟂ 2P − H ⪰ 0.

For Scalar RMSProp at the edge that is −(2/S)g. The authors' companion site, centralflows.github.io, part III, says (it was read)
that it goes where curvature is higher, takes smaller steps there and is slower. It gives no numbers; bounds are ours.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, Undecided, at_least
from cfdyn.integrate.equations import Rates, covariance, pairs, weights
from cfdyn.integrate.large import large_run

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
WARM, STEPS, KAPPA = 300, 300, 0.01 / 0.99
MODES, NEAR, ROUNDS = 6, 0.05, 60
NETS = {
    "mlp": lambda: cf.networks.mlp(cf.data.digits(classes=4, n=200), widths=(16,)),
    "cnn": lambda: cf.networks.cnn(cf.data.digits(classes=4, n=200), channels="4-8", activation="tanh"),
    "transformer": lambda: cf.networks.transformer(cf.data.sorting(n=100, length=4), width=8, hidden=16),
}
RATES = {"mlp": 0.002, "cnn": 0.002, "transformer": 0.001}


@cache
def _net(name):
    return NETS[name]()


@cache
def _central(name):
    """States of RMSProp's central flow from step 300 on, at t = 0 and 300."""
    net = _net(name)
    run, found = large_run(cf.flows.central(net, _optimizer(name)), net.start, warm=WARM, rtol=1e-4), []
    for t in (0.0, float(STEPS)):
        run.advance(t)
        if run.status:
            raise Undecided(run.status)
        found.append(run.z.copy())
    return found


def _optimizer(name):
    return cf.optimizers.rmsprop(lr=RATES[name], beta2=0.99)


def _held(name, nu):
    """P (d,)."""
    return (np.sqrt(nu) + _optimizer(name).params["eps"]) / RATES[name]


def _modes(name, w, p, y):
    """λ (k,) of P⁻¹H near the edge, their u (k, d) with uᵀPu = 1, and the next step's y: Rayleigh and Ritz on rows y (m, d) that
    residuals are added to until they are small."""
    net, root = _net(name), np.sqrt(p)
    own = _scaled(net, w, y, root)
    for _ in range(ROUNDS):
        values, turn = np.linalg.eigh(y @ own.T)
        y, own = turn.T @ y, turn.T @ own
        off = own - values[:, None] * y
        far = np.linalg.norm(off, axis=1) > np.where(values > 2 - NEAR, 1e-3, 0.1)
        far[:-MODES] = False
        if not far.any():
            break
        more = off[far]
        for _ in range(2):
            more = np.linalg.qr((more - (more @ y.T) @ y).T)[0].T
        y, own = np.concatenate([y, more]), np.concatenate([own, _scaled(net, w, more, root)])
    near = values > 2 - NEAR
    if near[-MODES:].all() or far.any():
        raise Undecided("the modes at the edge were not found")
    return values[near], y[near] / root, y[-MODES:]


def _scaled(net, w, rows, root):
    return np.array([net.hvp(w, v / root) / root for v in rows])


def _step(name, state, h, penalty):
    """A step h of the flow for (w, ν, y): Runge-Kutta's without Σ, then the Σ with which its end is not beyond the edge."""
    net, (w, nu, y) = _net(name), state

    def drift(z):
        g = net.gradient(z[0])
        return np.array([-g / _held(name, z[1]), KAPPA * (g**2 - z[1])])

    z = np.array([w, nu])
    a = drift(z)
    b = drift(z + h / 2 * a)
    c = drift(z + h / 2 * b)
    w, nu = z + h / 6 * (a + 2 * b + 2 * c + drift(z + h * c))
    p = _held(name, nu)
    values, u, y = _modes(name, w, p, y)
    if values.max(initial=0.0) <= 2:
        return w, nu, y
    both = pairs(len(u))
    squares = np.array([u[i] * u[j] for i, j in both])
    slope = np.where(nu > 0, 1 / (2 * RATES[name] * np.sqrt(np.where(nu > 0, nu, 1.0))), 0.0)  # ∂P/∂ν
    bent = np.array([net.curvature_gradient(w, u[i], u[j]) for i, j in both]) if penalty else np.zeros_like(squares)
    beta, scale = 8 * KAPPA * (squares * slope * p**2) @ squares.T + (bent / p) @ bent.T / 2, weights(len(u))
    x, _ = covariance(Rates(np.zeros(len(both)), scale[:, None] * beta * scale), np.diag(2 - values) / h)
    shares = np.array([x[i, j] * (1 if i == j else 2) for i, j in both])
    return w - h / 2 * (shares @ bent) / p, nu + h * KAPPA * 4 * p**2 * (shares @ squares), y


@cache
def _path(name, penalty):
    """(w, ν) at whole times from where the central flow starts, to t = 300 and until the loss is what that has there, or 600."""
    net, d = _net(name), _net(name).dim
    first, last = _central(name)
    y = np.linalg.qr(np.random.default_rng(0).normal(size=(d, MODES)))[0].T
    state, goal, rows = (first[:d], first[d:], y), net.value(last[:d]), [first]
    while len(rows) <= STEPS or (net.value(state[0]) > goal and len(rows) <= 2 * STEPS):
        state = _step(name, state, 1.0, penalty)
        rows.append(np.concatenate(state[:2]))
    return np.array(rows)


def _beside(name, penalty=False):
    """Over the central flow's: the time until the loss is what that has at t = 300, S and tr P at t = 300."""
    net, d = _net(name), _net(name).dim
    rows, last = _path(name, penalty), _central(name)[1]
    goal = net.value(last[:d])
    reached = next((t for t, z in enumerate(rows) if net.value(z[:d]) <= goal), len(rows) - 1)
    steep, held = ([measure(z) for z in (rows[STEPS], last)]
                   for measure in (lambda z: net.sharpness(z[:d]), lambda z: float(_held(name, z[d:]).sum())))  # fmt: skip
    return [reached / STEPS, steep[0] / steep[1], held[0] / held[1]]


@CLAIMS.add(
    "companion site, part III", {"slower": at_least(1.02), "sharper": at_least(1.05), "smaller steps": at_least(1.05)},
    Control("on the CNN with the penalty, by the same integrator", changes={"penalty": True, "nets": ("cnn",)}), slow=True,
    domain="three nets: 64-16-4 (tanh) and a CNN (468 weights, tanh) on 200 digits, a transformer (756 weights) that sorts; "
    "squared errors, full batches; β₂ = 0.99, η = 0.002, 0.002, 0.001; flows from step 300 on, 300 steps; one start each",
    perturbations=(Control("15 % sharper", expected={"sharper": at_least(1.15)}),),
)  # fmt: skip
def regularization_accelerates(penalty=False, nets=tuple(NETS)):
    """On three small nets, a fully connected one, a CNN and a transformer, RMSProp's central flow without its penalty on
    curvature goes to regions that are 5 % sharper or more, takes smaller steps there and needs 2 % longer or more to the same
    loss.

    Over the central flow, both from step 300 of the optimizer on: the time until the loss is what that has after 300 steps, S and
    tr P (the inverse of the harmonic mean of step sizes) at t = 300; the least of three nets. By steps of 1, in which the method
    of Runge and Kutta and then Σ act.
    """
    found = {name: _beside(name, penalty) for name in nets}
    least = np.min(list(found.values()), axis=0).tolist()
    return dict(zip(("slower", "sharper", "smaller steps"), least, strict=True)) | found
