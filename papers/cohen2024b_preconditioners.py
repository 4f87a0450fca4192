"""J. M. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter, J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206 (2024; ICLR 2025), what adaptive optimizers adapt to, on three kinds of networks.

What cohen2024b has of a loss of seven weights, for the nets of cohen2024b_networks: a fully connected net (1108 weights, tanh)
and a CNN (468 weights, tanh) on 200 real digits of four classes, and a transformer (756 weights) that sorts sequences of four
symbols; β₂ = 0.99. At the edge Scalar RMSProp steps by 2/S, and the penalty on curvature makes room for longer steps; RMSProp's
preconditioner comes to rest at the smallest, P̄(w), that keeps it stable. Bounds were set before anything was measured here.
"""

from functools import cache
from types import SimpleNamespace

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, Undecided, above, at_least, at_most, below
from cfdyn.integrate.large import large_run

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
NETS = {
    "mlp": lambda: cf.networks.mlp(cf.data.digits(classes=4, n=200), widths=(16,)),
    "cnn": lambda: cf.networks.cnn(cf.data.digits(classes=4, n=200), channels="4-8", activation="tanh"),
    "transformer": lambda: cf.networks.transformer(cf.data.sorting(n=100, length=4), width=8, hidden=16),
}
SCALAR = {"mlp": 0.05, "cnn": 0.03, "transformer": 0.05}
BY_WEIGHT = {"mlp": 0.002, "cnn": 0.002, "transformer": 0.001}
LEVELS = {"mlp": (0.004, 0.003), "cnn": (0.035, 0.028), "transformer": (0.19, 0.17)}
MOST, ABOUT = 2000, 20  # steps until a level, and after it, over which the sharpness is averaged


@cache
def _net(name):
    return NETS[name]()


@cache
def _along(model, name, lr):
    """Weights at steps 20, 21, …, of the optimizer's means or of a flow."""
    net, optimizer = _net(name), cf.optimizers.scalar_rmsprop(lr=lr, beta2=0.99)
    if model == "optimizer":
        return cf.iterate(cf.as_map(net, optimizer), net.start, MOST).midpoints()[19:, : net.dim]
    return cf.solve(cf.flows.get(model)(net, optimizer), net.start, 600, warm=20, save_at=np.arange(601.0), rtol=1e-4).w


def _at(level, model, name, lr):
    """The mean sharpness over 20 steps from where the loss is first at a level; NaN if it never is."""
    net, w = _net(name), _along(model, name, lr)
    first = next((k for k, one in enumerate(w) if net.value(one) <= level), len(w))
    return float(np.mean([net.sharpness(one) for one in w[first : first + ABOUT : 4]])) if first < len(w) else np.nan


@CLAIMS.add(
    "scalar RMSProp", {"greatest ratio": at_most(0.95), "falls": True},
    Control("the stable flow, whose curve is the same for all η", changes={"model": "stable"}), slow=True,
)  # fmt: skip
def larger_rates_are_flatter_at_equal_loss(model="optimizer"):
    """A larger η of Scalar RMSProp brings lower S at equal loss, on all three nets.

    Half, one and two times the rate (0.05; 0.03 of the CNN): S of the averaged iterates, mean over 20 steps from where their loss
    first is at a level, two levels for each net; S over that of the rate before, the greatest of twelve, and whether all are below
    1.
    """
    found = {name: [[_at(level, model, name, share * lr) for share in (0.5, 1, 2)] for level in LEVELS[name]]
             for name, lr in SCALAR.items()}  # fmt: skip
    ratios = np.concatenate([np.divide(row[1:], row[:-1]) for rows in found.values() for row in rows])
    return {"greatest ratio": float(ratios.max()), "falls": bool((ratios < 1).all()), **found}


def _bare(net, w, steps):
    """dw/dt = −(2/S)g by the classical Runge-Kutta method in half steps, S once in each; weights at whole times."""
    rows = [w]
    for k in range(2 * steps):
        h = 1 / net.sharpness(w)  # half a step times 2/S
        a = net.gradient(w)
        b = net.gradient(w - h / 2 * a)
        c = net.gradient(w - h / 2 * b)
        w = w - h / 6 * (a + 2 * b + 2 * c + net.gradient(w - h * c))
        if k % 2:
            rows.append(w)
    return np.array(rows)


@CLAIMS.add(
    "acceleration via regularization", {"slower": at_least(1.05), "sharper": at_least(1.05)},
    Control("the central flow itself in its place", changes={"ablated": False}), slow=True,
)  # fmt: skip
def regularization_accelerates(ablated=True):
    """Scalar RMSProp's flow without its penalty on curvature, dw/dt = −(2/S)g, goes to sharper regions and is slower, on all three
    nets.

    From step 300 of the optimizer on: the time until the loss is what the central flow has after 300 steps, over 300, and the
    sharpness at t = 300 over that of the central flow; the least of three nets.
    """
    slower, sharper = [], []
    for name, lr in SCALAR.items():
        net, optimizer = _net(name), cf.optimizers.scalar_rmsprop(lr=lr, beta2=0.99)
        full = cf.solve(cf.flows.central(net, optimizer), net.start, 300, warm=300, save_at=np.arange(301.0), rtol=1e-4)
        bare = _bare(net, full.w[0], 600) if ablated else full.w
        reached = [k for k, w in enumerate(bare) if net.value(w) <= full.loss[-1]]
        slower.append((reached[0] if reached else 600) / 300)
        sharper.append(net.sharpness(bare[300]) / net.sharpness(full.w[300]))
    return {"slower": float(min(slower)), "sharper": float(min(sharper)), "times": slower, "ratios": sharper}


@cache
def _central(name, warm, steps, beta2=0.99):
    """Full states of RMSProp's central flow at every fifth step from a warm start on; with its ν faster for β₂ near 0."""
    net, optimizer = _net(name), cf.optimizers.rmsprop(lr=BY_WEIGHT[name], beta2=0.99)
    run = large_run(cf.flows.central(net, optimizer), net.start, warm=warm, rtol=1e-4)
    if beta2 != 0.99:
        run = large_run(cf.flows.central(net, optimizer.at(beta2=beta2)), run.z, rtol=1e-4)
    rows = [run.z]
    for t in range(5, steps + 1, 5):
        run.advance(float(t))
        rows.append(run.z)
    if run.status:
        raise Undecided(run.status)
    return np.array(rows)


@cache
def _orbit(name):
    net = _net(name)
    return cf.iterate(cf.as_map(net, cf.optimizers.rmsprop(lr=BY_WEIGHT[name], beta2=0.99)), net.start, 622)


def _alike(name, z):
    """The cosine of P at a state and P̄ at its weights, of those that the loss depends on."""
    net, d = _net(name), _net(name).dim
    w, held = z[:d], np.sqrt(z[d:])
    hessian = np.array([net.hvp(w, row) for row in np.eye(d)])
    seen = np.flatnonzero(np.abs(hessian).max(axis=1) > 1e-12 * np.abs(hessian).max())
    small = SimpleNamespace(dim=len(seen), gradient=lambda w: net.gradient(w)[seen], hessian=lambda w: hessian[np.ix_(seen, seen)])
    rest = cf.stationary_preconditioner(small, cf.optimizers.rmsprop(lr=BY_WEIGHT[name], beta2=0.99), w)
    return float(held[seen] @ rest / np.linalg.norm(held[seen]) / np.linalg.norm(rest))


@CLAIMS.add(
    "RMSProp, stationary preconditioner",
    {"flow": at_least(0.99), "optimizer": at_least(0.99), "first": below(0.98)},
    Control("the same after 20 steps, before it has come near", changes={"late": 20}), slow=True,
)  # fmt: skip
def preconditioner_converges(late=600):
    """RMSProp's preconditioner becomes the stationary one of its weights, P̄(w), on all three nets.

    Their cosine after 600 steps, of the central flow (from step 300 on) and of the optimizer's ν and weights averaged over 41
    steps, and of these after 20 steps (the largest, "first"); the least of three nets.
    """
    means = {when: [_alike(name, _orbit(name).z[when - 20 : when + 21].mean(axis=0)) for name in NETS] for when in (20, late)}
    flow = [_alike(name, _central(name, 300, 300)[-1]) for name in NETS] if late == 600 else means[late]
    return {"flow": min(flow), "optimizer": min(means[late]), "first": max(means[20]), "all": flow + means[late] + means[20]}


@CLAIMS.add(
    "stationary flow", {"least ratio": above(1.0)},
    Control("the central flow in the stationary flow's place", changes={"beta2": 0.99}), slow=True,
)  # fmt: skip
def stationary_flow_is_less_accurate(beta2=0.02):
    """The stationary flow of RMSProp, whose preconditioner is P̄(w) at once, is less accurate than the central flow, on all three
    nets.

    From step 50 on, over 300 steps: root mean square distance to the averaged iterates, of the central flow with the κ of β₂ =
    0.02, whose ν comes to rest within a fiftieth of a step, over the central flow.
    """
    ratios = []
    for name in NETS:
        middle = _orbit(name).midpoints()[49:350:5, : _net(name).dim]
        far, near = (np.sqrt(((_central(name, 50, 300, b)[:, : _net(name).dim] - middle) ** 2).sum(axis=1).mean())
                     for b in (beta2, 0.99))  # fmt: skip
        ratios.append(float(far / near))
    return {"least ratio": min(ratios), "ratios": ratios}
