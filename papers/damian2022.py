"""A. Damian, E. Nichani, J. D. Lee, *Self-stabilization: the implicit bias of gradient descent at the edge of stability*, arXiv
2209.15594 (2022; ICLR 2023).

Near the edge the loss is expanded to third order. As the iterates move away along the top eigenvector u of the Hessian, the
cubic term pushes them to lower sharpness S until they are stable again: a loop of four stages. So gradient descent follows
projected gradient descent under S ≤ 2/η. Formulas are not from the text of the paper, which was not read. With x the
displacement along u, y that of the sharpness, α = −g·∇S, β = ‖∇S‖² (∇S without its part along u) and δ² = 2α/β the loop is, in
its simplest form, X' = XY, Y' = α − ½βX².
"""

import math

import numpy as np
import sympy as sp
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")

LR = 0.3
# The sharpest direction turns with y and z.
BENT = "(y + x/2 + z**2/4)*(x + z/8)**2/2 - e*(x + y) + z**2/4 + e*z"


@CLAIMS.add(
    "own statement", {"dE/dt": "0", "fixed point": "0, 0", "frequency": "2*alpha"},
    Control("the energy with ½ in place of ¼", changes={"quarter": 2}),
    domain="X' = XY, Y' = α − ½βX²; all α, β > 0, X > 0", perturbations=(Control("Y' = α − βX²", changes={"half": 1}),),
    proof="exact algebra: dE/dt, the velocity and the determinant as expressions in X, Y, α, β",
)  # fmt: skip
def energy_is_conserved(quarter=4, half=2):
    """The loop X' = XY, Y' = α − ½βX² conserves E = ½Y² + ¼βX² − α ln X; small loops turn about (δ, 0), δ = √(2α/β), with the
    frequency √(2α).

    dE/dt, the velocity at (δ, 0), and the product of the eigenvalues of the linear equation there.
    """
    x, y, alpha, beta = sp.symbols("X Y alpha beta", positive=True)
    velocity = sp.Matrix([x * y, alpha - beta * x**2 / half])
    energy = y**2 / 2 + beta * x**2 / quarter - alpha * sp.log(x)
    rest = {x: sp.sqrt(2 * alpha / beta), y: 0}
    rate = sp.simplify(energy.diff(x) * velocity[0] + energy.diff(y) * velocity[1])
    return {"dE/dt": str(rate), "fixed point": ", ".join(str(sp.simplify(v.subs(rest))) for v in velocity),
            "frequency": str(sp.simplify(velocity.jacobian([x, y]).subs(rest).det()))}  # fmt: skip


def _reduced(state=None, eps=1e-4, t=6000.0):
    """Path, α and β in the valley, from (0.01, 6.7) or from (X, Y)."""
    loss = cf.losses.two_time_scales(eps=eps)
    flow = cf.flows.self_stabilization(loss, cf.optimizers.gd(LR), variant="reduced")
    first = cf.solve(flow, [0.01, 6.7], 0)
    z, alpha = first.z[0].copy(), first.z[0, 4]
    if state is not None:
        z[2:4] = state
    return cf.solve(flow, z, t, rtol=1e-12, atol=1e-15), alpha, float(first.z[0, 5:7] @ first.z[0, 5:7])


def _period(path):
    """Two successive times at which Y rises through 0."""
    y = path.z[:, 3]
    rises = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))[:2]
    return [brentq(lambda t: path.state(t)[3], path.t[i], path.t[i + 1], xtol=1e-11) for i in rises]


@CLAIMS.add(
    "own statement", {"average": near(1.0, 1e-7), "central": near(1.0, 1e-3), "swing": at_least(1000.0)},
    Control("a quarter of a loop", changes={"share": 0.25}),
    domain="the valley ½(y + x)x² − ε(x + y), ε = 1e-4, η = 0.3; one loop",
    perturbations=(Control("0.97 of a loop", changes={"share": 0.97}),),
)  # fmt: skip
def mean_square_is_that_of_the_central_flow(share=1.0):
    """Over a large loop of the reduced equation, in which X grows more than a thousandfold, the mean of X² is δ² = 2α/β; the
    central flow of the same loss has this variance.

    It is so on every loop, as Y returns and Y' = α − ½βX². The mean of X² over 2α/β, by Gauss's quadrature; the central flow's Σ
    there over 2α/β; greatest over least X.
    """
    path, alpha, beta = _reduced()
    first, second = _period(path)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = np.linspace(first, first + share * (second - first), 41)
    times = (edges[:-1, None] + np.diff(edges)[:, None] * (nodes + 1) / 2).ravel()
    x = path.state(times)[:, 2]
    mean = ((x**2).reshape(40, 20) @ weights).mean() / 2
    central = cf.solve(cf.flows.central(cf.losses.two_time_scales(eps=1e-4), cf.optimizers.gd(LR)), [0.0, 2 / LR - 1e-4], 100)
    return {"average": mean / (2 * alpha / beta), "central": central.covariance[-1, 0, 0] / (2 * alpha / beta),
            "swing": x.max() / x.min()}  # fmt: skip


def _start(make, e):
    """A start near the edge, δ, and steps of the order 1/ε."""
    loss, more = make(e)
    flow = cf.flows.self_stabilization(loss, cf.optimizers.gd(LR))
    size = (2 * e) ** 0.5
    guess = np.array([0.0, 2 / LR + 0.1 * size, *[0.0] * more])
    near_ = cf.solve(flow, guess, 0).z[0, loss.dim :]
    return loss, near_ + np.array([0.8 * size, 0.2 * size, *[0.0] * more]), size, int(4 / (LR * e**0.5))


def _valley(e):
    return cf.losses.two_time_scales(zeta=0.3, eps=e), 0


def _bent(e):
    return cf.Loss(BENT, "x y z", {"e": e}), 1


@CLAIMS.add(
    "own statement", {"valley": near([1.0, 1.0], 0.12), "bent": near([1.0, 1.0], 0.12), "generalised": True},
    Control("the constrained trajectory alone", changes={"variant": "constrained"}), figure="loop",
    domain="smooth losses with a simple top eigenvalue that meets 2/η while −g·∇S > 0; ε = η√α → 0, times of the order 1/ε",
    perturbations=(Control("ε ∝ e^0.42 in place of √e", changes={"power": 0.42}),),
    examples="the valley and a loss with a turning eigenvector, η = 0.3, forces e = 1e-3, 1e-4, 1e-5",
)  # fmt: skip
def prediction_is_of_first_order(variant="predicted", power=0.5):
    """The predicted dynamics v ← v − η{½(x² − δ²)∇S + Hv + xyu} about the constrained trajectory follow gradient descent with a
    relative error O(ε), ε = η√α, over times of the order 1/ε.

    The largest distance over δ (ε ∝ √e): the exponents of ε between successive sizes; and whether the generalised dynamics,
    exact along u, are nearer each time.
    """
    found, better = {}, True
    for name, make in (("valley", _valley), ("bent", _bent)):
        errors = []
        for e in (1e-3, 1e-4, 1e-5):
            loss, start, size, steps = _start(make, e)
            orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(LR)), start, steps).w
            far = {kind: np.abs(_path(loss, start, steps, kind).w - orbit).max() / size for kind in (variant, "generalised")}
            errors.append(far[variant])
            better &= bool(far["generalised"] < far[variant])
        found[name] = np.diff(np.log(errors)) / math.log(10**-power)
    return {**found, "generalised": better}


def _path(loss, start, steps, variant):
    return cf.solve(cf.flows.self_stabilization(loss, cf.optimizers.gd(LR), variant=variant), start, steps)


@CLAIMS.add(
    "abstract (growth lowers the curvature until stability is restored); where the turns are: own statement",
    {"at the top of S": near(1.0, 0.05), "at the top of x": near(0.0, 0.05), "loops": at_least(3)},
    Control("twice the force in δ²", changes={"force": 2.0}), figure="loop",
    domain="the valley with ζ = 0.4, ε = 1e-4, η = 0.3, α = −g·∇S, β = ‖∇S‖²; one start near the edge, its first loops",
    perturbations=(Control("a force 10 % larger in δ²", changes={"force": 1.1}),),
)  # fmt: skip
def four_stages_of_the_loop(force=1.0):
    """In a valley sharpness rises beyond 2/η, the iterates grow, this lowers the sharpness, they shrink: on average S turns where
    x² passes δ² = 2α/β, and x turns where S passes 2/η.

    Gradient descent averaged over three steps, in its first loops: x²/δ² at each top of
    y, mean; (y − 2/η)/(largest y − 2/η) at each top of |x|, mean; how many tops.
    """
    e = 1e-4
    orbit = cf.iterate(
        cf.as_map(cf.losses.two_time_scales(zeta=0.4, eps=e), cf.optimizers.gd(LR)), [1.3e-2, 2 / LR + 0.01], 8000
    ).w
    y = (orbit[:-2, 1] + 2 * orbit[1:-1, 1] + orbit[2:, 1]) / 4 - 2 / LR
    x = np.abs(orbit[:-2, 0] - 2 * orbit[1:-1, 0] + orbit[2:, 0]) / 4
    tops = [np.flatnonzero((v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:])) + 1 for v in (y, x)]
    return {"at the top of S": np.mean(x[tops[0]] ** 2) / (2 * force * e), "at the top of x": np.mean(y[tops[1]]) / y.max(),
            "loops": min(map(len, tops))}  # fmt: skip


@CLAIMS.add(
    "abstract (implicit projected gradient descent); the central flow: own statement",
    {"sharpness": near(1.0, 1e-5), "along": at_most(1e-12), "central": near([1.0, 1.0], 0.1)},
    Control("from y = 4, far below the edge", changes={"y": 4.0}),
    domain="(y + x/2 + z²/4)(x + z/8)²/2 − e(x + y) + z²/4 + ez, η = 0.3; e = 1e-3, 1e-4, 1e-5; one start at the edge each",
    perturbations=(Control("from y = 6.3, 5 % below the edge", changes={"y": 6.3}),),
)  # fmt: skip
def constrained_trajectory_is_the_central_flow(y=6.66):
    """On a loss with a turning eigenvector the trajectory of projected gradient descent under S ≤ 2/η stays on S = 2/η, u·g =
    0, and goes where the central flow goes, up to an error of first order in the force e.

    The last ηS/2 and the largest |u·ηg| of 600, and the distance of the
    trajectory from the central flow after ηe·t = 3e-3, for e = 1e-3, 1e-4, 1e-5: the exponents of e.
    """
    gaps, tops, along = [], [], []
    for e in (1e-3, 1e-4, 1e-5):
        loss, gd = cf.Loss(BENT, "x y z", {"e": e}), cf.optimizers.gd(LR)
        path = _path(loss, [0.0, y, 0.0], round(1e-2 / e) * 10, "constrained")
        flow = cf.solve(cf.flows.central(loss, gd), path.w[1], path.t[-1] - 1)
        gaps.append(np.abs(flow.w[-1] - path.w[-1]).max())
        for w in path.w[2:600]:
            values, vectors = np.linalg.eigh(loss.hessian(w))
            tops.append(LR * values[-1] / 2)
            along.append(abs(LR * vectors[:, -1] @ loss.gradient(w)))
    return {"sharpness": tops[-1], "along": max(along), "central": np.diff(np.log10(gaps)) / -1, "gaps": gaps}


CLAIMS.undecided(
    "networks_on_data", "abstract",
    "Predicted loss, sharpness and distance from the constrained trajectory agree with gradient descent on standard networks.",
    needs="the constrained trajectory as a flow of networks", domain="networks trained on data by gradient descent",
)  # fmt: skip


def figures():
    """Two loops of gradient descent and of the reduced equation."""
    return {"loop": _loop}


def _loop():
    from matplotlib.figure import Figure

    e, start = 1e-4, [4e-3, 2 / LR]
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    orbit = cf.iterate(cf.as_map(cf.losses.two_time_scales(zeta=0.4, eps=e), cf.optimizers.gd(LR)), start, 4000).w
    axes.plot(np.abs(orbit[:, 0]), orbit[:, 1] - 2 / LR, ".", ms=2, color="0.6")
    path, _, _ = _reduced((start[0], 0.0), t=2500.0)
    dense = path.state(np.linspace(0, 2500, 2500))
    axes.plot(dense[:, 2], dense[:, 3], "r-", lw=1)
    axes.set(xlabel="|x|, displacement along u", ylabel="S − 2/η", title="grey: gradient descent, red: reduced equation")
    axes.locator_params(nbins=5)
    return figure
