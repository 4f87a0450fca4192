"""J. M. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter, J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206 (2024; ICLR 2025), gradient descent.

At the edge of stability the iterates oscillate, but their time average is smooth. It follows a differential equation, the
central flow: the gradient flow, projected so that the sharpness stays at or below 2/η.
The covariance Σ of the oscillation is the multiplier of that constraint, and so is predicted too. The paper's evidence are
networks; here its statements are measured on explicit losses, with what fails there said beside what holds.
"""

from functools import cache

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")

NETWORK = (0.1, -0.1, 0.3, 0.1, -0.3, 0.2, 0.7)
# Loss, learning rate, start, steps.
CASES = {
    "network": (lambda: cf.losses.tanh_network(), 1.2, NETWORK, 3000),
    "four layers": (lambda: cf.losses.deep_linear(depth=4), 0.4, (2.3, 0.5, 0.5, 0.5), 1000),
    "valley": (lambda: cf.losses.two_time_scales(eps=1e-3), 0.3, (0.05, 6.4), 3000),
    "factorization": (lambda: cf.losses.matrix_factorization(), 0.52, (0.3, 0.1, 0.1, 0.2), 500),
    "product": (lambda: cf.losses.scalar_factorization(), 0.8, (1.5, 0.3), 60),
    "tumours": (lambda: cf.losses.breast_cancer(features=2), 13.0, (2.0, 2.0), 500),
}
# At the edge y = 0, Σ = 2e(0.2 + z) uuᵀ, and z decays as e^(−ηst).
SLOW = "x**2*(2.5 + y)/2 - e*y*(0.2 + z) + y**2/20 + s*z**2/2"
TWO_MODES = "(y1 + x1)*x1**2/2 + (y2 + x2)*x2**2/2 - eps*(x1 + y1 + 1.3*(x2 + y2)) + z*x1*x2"


@cache
def _case(name, share=1.0):
    """The loss, gradient descent with that share of the learning rate, the start and the steps."""
    make, lr, start, steps = CASES[name]
    return make(), cf.optimizers.gd(lr=share * lr), start, steps


@cache
def _compared(name, share):
    loss, gd, start, steps = _case(name, share)
    return cf.compare(loss, gd, ["gradient", "central"], start, steps)


@CLAIMS.add(
    "own statement",
    {"enter": near(0.38879828989666143, 1e-9),
     "x": near([1.5368430743641366, 1.464000282000394, 1.415797621795], 1e-9),
     "y": near([0.5064440598236304, 0.6367386762680199, 0.704991354246], 1e-9),
     "variance": near([0.13067853455536582, 0.044540663420677924, 0.00124963370212], 1e-9), "sharpness": near([2.5] * 3, 1e-9)},
    Control("the learning rate 0.79", changes={"lr": 0.79}),
    domain="½(1 − xy)², two weights, η = 0.8, from (1.5, 0.3)", perturbations=(Control("η = 0.801", changes={"lr": 0.801}),),
)  # fmt: skip
def path_on_a_product(lr=0.8):
    """On ½(1 − xy)² with η = 0.8 from (1.5, 0.3) the central flow reaches S = 2/η at t = 0.3888 and slides along it, with the
    variance σ² = −2⟨g, ∇S⟩/‖∇S‖².

    Rows at t = 0.5, 2 and 10 against values solved event by event in another program (DOP853 at rtol 1e-12).
    """
    flow = cf.flows.central(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=lr))
    path = cf.solve(flow, [1.5, 0.3], 10, rtol=1e-12, atol=1e-14, save_at=[0.5, 2, 10])
    x, y = path.w.T
    return {"enter": path.events[0].t, "x": x, "y": y, "variance": np.trace(path.covariance, axis1=1, axis2=2),
            "sharpness": path.sharpness}  # fmt: skip


@CLAIMS.add(
    "own statement", {name: near(1.0, 0.03) for name in ("network", "four layers", "valley", "factorization")},
    Control("half of the learning rate, at which these runs do not meet the edge in that time", changes={"share": 0.5}),
    figure="network", domain="four losses (CASES in the file), one start and learning rate each",
    perturbations=(Control("in units of 2.1/η", changes={"edge": 2.1}),),
)  # fmt: skip
def sharpness_hovers(share=1.0, edge=2.0):
    """On four explicit losses the sharpness of gradient descent rises to 2/η and then hovers there.

    ηS/2 at the averaged iterates (w₋ + 2w + w₊)/4, its mean over the second half of the run, on four losses that start at 0.40
    to 0.96. It is not reached on ½(1 − xy)² with η = 0.8, where gradient descent jumps to a flatter minimum.
    """
    found = {}
    for name in ("network", "four layers", "valley", "factorization"):
        loss, gd, start, steps = _case(name, share)
        middle = cf.iterate(cf.as_map(loss, gd), start, steps).midpoints()
        found[name] = np.mean([loss.sharpness(w) for w in middle[len(middle) // 2 :: 7]]) * gd.params["lr"] / edge
    return found


@CLAIMS.add(
    "abstract (on networks; the losses are ours)",
    {"least_ratio": at_least(1.5), "network": at_least(5), "four layers": at_least(5), "valley": at_least(2)},
    Control("a fifth of the learning rate, below the edge, where both flows are one", changes={"share": 0.2}), figure="network",
    domain="six losses (CASES in the file), one start and learning rate each",
    perturbations=(Control("half of the learning rates", changes={"share": 0.5}),),
)  # fmt: skip
def stays_where_the_gradient_flow_leaves(share=1.0):
    """On six losses at the edge of stability the central flow is at least 1.5 times closer than the gradient flow to the
    time-averaged path of gradient descent.

    The root mean square distance of the gradient flow to the time-averaged iterates over that of the central flow, for six
    losses: a network, four linear layers, a valley, two factorizations and a logistic regression. At least 1.5 everywhere; on
    ½(1 − xy)² at this large η neither is close.
    """
    ratio = {}
    for name in CASES:
        distance = {model.name: model.distance for model in _compared(name, share).models}
        ratio[name] = distance["gradient"] / distance["central"]
    return {"least_ratio": min(ratio.values()), **ratio}


@CLAIMS.add(
    "own statement",
    {"flow": near(1.0, 1e-8), "descent": near(1.0, 0.02), "worst": at_most(0.02)},
    Control("the law without the slow variable z", changes={"with_z": False}),
    domain="x²(2.5 + y)/2 − ey(0.2 + z) + y²/20 + sz²/2, three weights, e = 0.0025, s = 0.0005, η = 0.8, 2,000 steps",
    perturbations=(Control("2.1 e in place of 2 e", changes={"factor": 2.1}),),
)  # fmt: skip
def variance_along_a_valley(with_z=True, factor=2.0):
    """On a valley with a slow variable z the flow's σ²(t) predicts the changing variance of gradient descent's
    oscillation within 2 %.

    A loss whose critical direction has σ² = 2e(0.2 + z) in closed form, z = e^(−ηst): the flow's variance over that,
    and that of 2,000 steps of gradient descent, (x₋² + 2x² + x₊²)/4, over it, on average and at worst.
    """
    e, s, lr, skip = 2.5e-3, 5e-4, 0.8, 400
    loss, gd = cf.Loss(SLOW, "x y z", {"e": e, "s": s}), cf.optimizers.gd(lr=lr)
    orbit = cf.iterate(cf.as_map(loss, gd), [(2.4 * e) ** 0.5, 0.0, 1.0], skip + 2000).w[skip:]
    seen = (orbit[:-2, 0] ** 2 + 2 * orbit[1:-1, 0] ** 2 + orbit[2:, 0] ** 2) / 4
    z = orbit[1:-1, 2] if with_z else 1.0
    times = np.linspace(0, 2000, 11)
    path = cf.solve(cf.flows.central(loss, gd), [0, 0, 1], 2000, rtol=1e-11, atol=1e-13, save_at=times)
    decayed = np.exp(-lr * s * times) if with_z else 1.0
    ratio = seen / (factor * e * (0.2 + z))
    return {"flow": (path.covariance[:, 0, 0] / (2 * e * (0.2 + decayed))).mean(), "descent": ratio.mean(),
            "worst": np.abs(ratio - 1).max()}  # fmt: skip


@CLAIMS.add(
    "own statement",
    {"descent": near([2.0, 2.6, 0.0], 0.02), "flow": near([2.0, 2.6, 0.0], 0.02), "rank": 2,
     "sharpness · η/2": near(1.0, 1e-6)},
    Control("equal forces on both modes", changes={"force": 1.0}),
    domain="two coupled modes, five weights, ε = 0.01, η = 0.3", perturbations=(Control("1.35 ε", changes={"force": 1.35}),),
)  # fmt: skip
def covariance_of_two_modes(force=1.3):
    """On a loss with two eigenvalues critical at once the matrix Σ predicts the variances of both oscillations.

    Two coupled modes pushed over the edge by forces ε and 1.3 ε, ε = 0.01, η = 0.3: at rest Σ = 2ε diag(1, 1.3).
    Σ/ε of the flow at t = 2500, entries 11, 22 and 12, and that of gradient descent over 4,800 steps, which never comes to rest;
    the flow's greatest eigenvalue there over 2/η.
    """
    loss = cf.Loss(TWO_MODES.replace("1.3", "f"), "x1 x2 y1 y2 z", {"eps": 0.01, "f": force})
    gd = cf.optimizers.gd(lr=0.3)
    path = cf.solve(cf.flows.central(loss, gd), [0, 0, 6.4, 6.45, 0], 2500)
    late = cf.iterate(cf.as_map(loss, gd), [0.05, 0.04, 6.4, 6.45, 0.02], 9600).w[4800:, :2]
    matrices = {"flow": path.covariance[-1], "descent": late.T @ late / len(late)}
    critical = {"rank": int(path.rank[-1]), "sharpness · η/2": float(path.sharpness[-1] * 0.3 / 2)}
    return {**critical, **{n: [m[0, 0] / 0.01, m[1, 1] / 0.01, m[0, 1] / 0.01] for n, m in matrices.items()}}


@CLAIMS.add(
    "own statement", {"dL/dt + |dw/dt|²/η": "0", "dS/dt": "0"},
    Control("a multiplier without the factor 2", changes={"factor": 1}),
    domain="C³ losses of d weights, where one simple eigenvalue is critical, ∇S ≠ 0 and σ² ≥ 0",
    proof="exact algebra: identities of rational functions of a, b, c and η",
    perturbations=(Control("2.1 in place of the factor 2", changes={"factor": sp.Rational(21, 10)}),),
)  # fmt: skip
def descends_by_its_squared_speed(factor=2):
    """Along the central flow, with one critical eigenvalue, dL/dt = −‖dw/dt‖²/η ≤ 0, and the sharpness stands still: dS/dt = 0.

    Only the products a = ⟨g, g⟩, b = ⟨g, ∇S⟩, c = ⟨∇S, ∇S⟩ occur, with
    dw/dt = −η(g + ½σ²∇S) and σ² = −2b/c, in SymPy.
    """
    a, b, c, eta = sp.symbols("a b c eta", real=True, nonzero=True)
    half = -factor * b / c / 2
    descent, speed = -eta * (a + half * b), eta**2 * (a + 2 * half * b + half**2 * c)
    return {"dL/dt + |dw/dt|²/η": str(sp.simplify(descent + speed / eta)), "dS/dt": str(sp.simplify(-eta * (b + half * c)))}


@CLAIMS.add(
    "own statement",
    {"flow_rises": at_most(1e-12), "descent_rises": at_least(5), "highest sharpness · η/2": near([1.0] * 3, 1e-6)},
    Control("the rod flow, which swings with the iterates", changes={"model": "rod"}), figure="network",
    domain="three losses (network, four layers and valley of CASES), one start and learning rate each",
    perturbations=(Control("gradient descent at half of the rates", changes={"share": 0.5}),),
)  # fmt: skip
def loss_falls_on_the_flow(model="central", share=1.0):
    """On three losses the loss falls monotonically along the central flow, which comes to the edge and does not cross it, while
    that of gradient descent goes up and down.

    The largest rise of L between successive points of the flow (every quarter of a step), and the least number of steps of
    gradient descent with a rise, for the network, the four layers and the valley; of each flow the highest sharpness over 2/η.
    """
    flow_rises, descent_rises, highest = [], [], []
    for name in ("network", "four layers", "valley"):
        loss, gd, start, steps = _case(name)
        path = cf.solve(cf.flows.get(model)(loss, gd), start, steps, save_at=np.arange(0, steps + 0.1, 0.25))
        orbit = cf.iterate(cf.as_map(*_case(name, share)[:2]), start, steps)
        flow_rises.append(np.diff(path.loss).max())
        highest.append(float(path.sharpness.max() * CASES[name][1] / 2))
        descent_rises.append(int((np.diff(orbit.loss) > 1e-12).sum()))
    return {"flow_rises": max(flow_rises), "descent_rises": min(descent_rises), "highest sharpness · η/2": highest}


@CLAIMS.add(
    "own statement",
    {"slow": near([1.0, 1.0], 5e-3), "factorization": between(0.85, 1.0), "valley": between(0.85, 1.0),
     "oscillation": at_least(0.97)},
    Control("the loss and gradient at the averaged weights alone", changes={"oscillation": False}),
    domain="three losses, one start and learning rate each",
    perturbations=(Control("1.1 times the covariance", changes={"oscillation": 1.1}),),
)  # fmt: skip
def averages_are_predicted(oscillation=True):
    """On three losses the averages of the loss and of ‖∇L‖² are, to leading order, L + tr Σ/η and ‖g‖² + 4 tr Σ/η²; most of the
    gradient is oscillation.

    Predicted over averaged ‖∇L‖²: on a loss with small oscillations (with the averaged loss before it), on a matrix factorization
    and over several slow swings in a valley, where 9 % are missing: terms of higher order. The least share of oscillation.
    """
    slow = _averages(cf.Loss(SLOW, "x y z", {"e": 0.01, "s": 0.0}), 0.8, [0.1, 0.0, 1.0], 4000, 3900, oscillation)
    loss, gd, start, steps = _case("factorization")
    factorization = _averages(loss, gd.params["lr"], start, steps, 300, oscillation)
    valley = _averages(_case("valley")[0], 0.3, (0.05, 6.4), 9000, 3000, oscillation)
    shares = [case[2] for case in (slow, factorization, valley)]
    return {"slow": slow[:2], "factorization": factorization[1], "valley": valley[1], "oscillation": min(shares)}


def _averages(loss, lr, start, steps, first, oscillation):
    """[loss, squared gradient: predicted over averaged, share of the latter that is oscillation]."""
    gd = cf.optimizers.gd(lr=lr)
    orbit = cf.iterate(cf.as_map(loss, gd), start, steps).w[first:]
    path = cf.solve(cf.flows.central(loss, gd), start, steps, save_at=np.arange(first, steps + 1))
    trace = np.trace(path.covariance, axis1=1, axis2=2) * oscillation
    plain = np.mean([(loss.gradient(w) ** 2).sum() for w in path.w])
    squares = np.mean([(loss.gradient(w) ** 2).sum() for w in orbit])
    value = (path.loss + trace / lr).mean() / np.mean([loss.value(w) for w in orbit])
    return [value, (plain + 4 * trace.mean() / lr**2) / squares, 1 - plain / squares]


@CLAIMS.add(
    "own statement", {"flow": near(2.5, 1e-9), "descent": near(2.166, 5e-4)},
    Control("a tenth of the learning rate, below the edge", changes={"lr": 0.08}),
    domain="½(1 − xy)², two weights, η = 0.8, from (1.5, 0.3), 60 steps",
    perturbations=(Control("η = 0.79", changes={"lr": 0.79}),),
)  # fmt: skip
def other_minimum_at_a_large_step(lr=0.8):
    """At a large learning rate flow and descent can part: on ½(1 − xy)², η = 0.8, the flow ends at S = 2.5, the descent at 2.166.

    The sharpness after 60 steps, from (1.5, 0.3).
    """
    loss, gd = cf.losses.scalar_factorization(), cf.optimizers.gd(lr=lr)
    path, orbit = cf.solve(cf.flows.central(loss, gd), [1.5, 0.3], 60), cf.iterate(cf.as_map(loss, gd), [1.5, 0.3], 60)
    return {"flow": path.sharpness[-1], "descent": loss.sharpness(orbit.w[-1])}


CLAIMS.undecided(
    "networks_on_data", "abstract",
    "Central flows predict long-term trajectories of generic networks (CNN, ResNet, ViT, LSTM, transformer, Mamba) on data with "
    "high numerical accuracy.",
    domain="the networks and data of the paper",
    needs="ResNet, ViT, LSTM and Mamba on data; cohen2024_networks and cohen2024_architectures have others",
)  # fmt: skip


def figures():
    """The network's central flow beside gradient descent."""
    return {"network": lambda: cf.plot(_compared("network", 1.0))}
