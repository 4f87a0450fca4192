"""The cfdyn project, *Softmax regression on real digits with wrong labels: from the edge of stability to chaos on a convex loss*
(2026).

The last layer alone is trained: 32 fixed features tanh(xA) of 500 digits of four classes, A normal, and a constant; 33 × 4
weights, softmax cross-entropy. A part of the labels is drawn anew, so that the classes overlap and the loss, which is convex,
has one minimum. One vector added to the weights of all classes changes nothing; descent does not move along it, and here it is
projected out: w = Bu with 99 orthonormal columns, of which descent is the same. The minimum loses its stability at η = 2/λ₁ in a
flip. Descent's multipliers are real at a fixed point, but not on a 2-cycle: there the Jacobian (1 − ηH(v))(1 − ηH(u)) is not
symmetric. So the 2-cycle may end in a Neimark–Sacker bifurcation, a torus follows it, and no cascade of period doublings: where
the features have a common mean, that is what happened for all seeds. With each pixel centred the 2-cycle mostly doubles again.
Chaos comes either way, and stays bounded far beyond. The second computations are NumPy with explicit matrices.
"""

from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.linalg import helmert
from scipy.special import softmax

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
SEEDS, NOISE, CLASSES, FEATURES = (0, 2, 3), 0.15, 4, 32
REACH = 1.25  # of the minimum's edge: how far 2-cycles are followed


@cache
def _rows(seed, noise=NOISE, standardise=False):
    """Features (500, 32) and labels of which a part is wrong; the seed picks digits, features and labels."""
    digits, rng = cf.data.digits(classes=CLASSES, n=500, seed=seed, standardise=standardise), np.random.default_rng(seed)
    features = np.tanh(digits.inputs.reshape(-1, 64) @ rng.normal(size=(64, FEATURES)) / 8)
    labels = digits.labels.copy()
    wrong = rng.random(len(labels)) < noise
    labels[wrong] = rng.integers(0, CLASSES, wrong.sum())
    return digits, features, labels


class _Projected:
    """A loss of 132 weights, seen in the 99 coordinates that its gradient moves."""

    def __init__(self, loss, basis):
        self.loss, self.basis, self.dim = loss, basis, basis.shape[1]

    def value(self, u):
        return self.loss.value(self.basis @ u)

    def gradient(self, u):
        return self.basis.T @ self.loss.gradient(self.basis @ u)

    def hvp(self, u, v):
        return self.basis.T @ self.loss.hvp(self.basis @ u, self.basis @ v)


@cache
def _loss(seed, noise=NOISE, standardise=False, network=False):
    """As a formula, or as a network without hidden layers behind automatic differentiation."""
    digits, features, labels = _rows(seed, noise, standardise)
    if network:
        rows = replace(digits, inputs=features, labels=labels, targets=np.eye(CLASSES)[labels])
        loss = cf.networks.mlp(rows, widths=(), loss="cross_entropy")
    else:
        loss = cf.losses.softmax_regression(CLASSES, data=np.column_stack([features, labels]))
    basis, own = np.zeros((loss.dim, loss.dim - FEATURES - 1)), helmert(CLASSES).T
    first = CLASSES * FEATURES
    basis[:first, : 3 * FEATURES], basis[first:, 3 * FEATURES :] = np.kron(own, np.eye(FEATURES)), own
    return _Projected(loss, basis)


@cache
def _minimum(seed, noise=NOISE, standardise=False):
    """Its place and the eigenvalues there, falling, by Newton's method."""
    loss = _loss(seed, noise, standardise)
    u, eye = np.zeros(loss.dim), np.eye(loss.dim)
    for _ in range(40):
        hessian = np.array([loss.hvp(u, e) for e in eye])
        step = np.linalg.solve(hessian, -loss.gradient(u))
        while loss.value(u + step) > loss.value(u) + 1e-14:
            step = step / 2
        u = u + step
    return u, np.linalg.eigvalsh(hessian)[::-1]


def _flip(seed, standardise=False, network=False):
    """The first flip of the minimum, by products alone, and the edge 2/λ₁."""
    u, values = _minimum(seed, NOISE, standardise)
    edge = 2 / values[0]
    step = cf.as_map(_loss(seed, NOISE, standardise, network), cf.optimizers.gd(lr=0.98 * edge))
    branch = cf.analysis.continue_cycle(step, u, "lr", (0.97 * edge, 1.005 * edge), multipliers=8)
    return branch.bifurcations[0], edge


@cache
def _cycle(seed, standardise=False, network=False, reach=REACH):
    """The branch of 2-cycles from there, and the edge."""
    flip, edge = _flip(seed, standardise, network)
    return flip.switch((0.97 * edge, reach * edge)), edge


@cache
def _plain(seed):
    """Features with the constant, one-hot labels, and the basis of scores, (4, 3), from the file that comes with scikit-learn."""
    file = Path(str(find_spec("sklearn").origin)).parent / "datasets" / "data" / "digits.csv.gz"
    table, rng = np.loadtxt(file, delimiter=","), np.random.default_rng(seed)
    picked = np.random.default_rng(seed).permutation(np.flatnonzero(table[:, -1] < CLASSES))[:500]
    table = table[np.sort(picked)]
    x = np.tanh(table[:, :-1] / 16 @ rng.normal(size=(64, FEATURES)) / 8)
    labels = table[:, -1].astype(int)
    wrong = rng.random(len(labels)) < NOISE
    labels[wrong] = rng.integers(0, CLASSES, wrong.sum())
    return np.column_stack([x, np.ones(len(x))]), np.eye(CLASSES)[labels], np.linalg.qr(np.eye(4)[:, :3] - 0.25)[0]


def _by_numpy(seed, u):
    """∇L (99,) and ∇²L (99, 99) at u (33 · 3,), with explicit matrices."""
    x, y, basis = _plain(seed)
    p = softmax(x @ u.reshape(-1, 3) @ basis.T, axis=1)
    inner = np.einsum("ka,nk,kb->nab", basis, p, basis) - np.einsum("na,nb->nab", p @ basis, p @ basis)
    blocks = [[x.T @ (inner[:, a, b, None] * x) / len(x) for b in range(3)] for a in range(3)]
    hessian = np.array(blocks).transpose(2, 0, 3, 1).reshape(u.size, u.size)
    return (x.T @ (p - y) @ basis).ravel() / len(x), hessian


@cache
def _second(seed):
    """(2/λ₁, η/(2/λ₁) at which a pair of the 2-cycle is on the unit circle, its angle in turns) by bisection."""
    u = np.zeros(99)
    for _ in range(60):
        gradient, hessian = _by_numpy(seed, u)
        u = u - np.linalg.solve(hessian, gradient) / (1 + np.abs(gradient).max())
    values, vectors = np.linalg.eigh(hessian)
    edge, one = 2 / values[-1], np.eye(99)

    def pair(ratio, x):
        for _ in range(30):
            (g, h), lr = _by_numpy(seed, x), ratio * edge
            other = x - lr * g
            g2, h2 = _by_numpy(seed, other)
            matrix = (one - lr * h2) @ (one - lr * h)
            x = x + np.linalg.solve(one - matrix, other - lr * g2 - x)
        mu = np.linalg.eigvals(matrix)
        mu = mu[mu.imag > 1e-9]
        return x, mu[np.argmax(np.abs(mu))] if len(mu) else 0.0

    x, low = u + 0.5 * vectors[:, -1], 1.02
    for ratio in np.arange(1.02, REACH, 0.02):
        x, mu = pair(ratio, x)
        if abs(mu) > 1:
            break
        low = ratio
    for _ in range(25):
        middle = (low + ratio) / 2
        _, mu = pair(middle, x)
        low, ratio = (low, middle) if abs(mu) > 1 else (middle, ratio)
    return float(edge), float(ratio), float(np.angle(mu) / (2 * np.pi))


def _second_edges():
    return {"edges": [_second(seed)[0] for seed in SEEDS]}


def _second_torus():
    return {"ratios": [_second(s)[1] for s in SEEDS], "turns": [_second(s)[2] for s in SEEDS]}


@CLAIMS.add(
    "here",
    {"edges": near([3.8130560752, 5.6677339885, 3.2260829930], relative=1e-9), "off": at_most(1e-9), "supercritical": True},
    Control("the edge of the second eigenvalue", changes={"which": 1}), slow=True,
    second=_second_edges,
    domain="softmax regression on 32 random features of 500 digits of four classes, 15 % of the labels drawn anew; three seeds",
    perturbations=[Control("an edge of 1.9999/λ₁", {"edges": near([3.8128654, 5.6674506, 3.2259217], relative=1e-9)})],
)  # fmt: skip
def flips_at_the_edge(which=0):
    """The minimum of the convex loss loses its stability in a supercritical flip at η = 2/λ₁.

    By continuation with products alone, three seeds with 15 % of the labels drawn anew; ``off`` is the largest relative distance
    from 2/λ₁ of the explicit Hessian, the first seed also as a network behind automatic differentiation.
    """
    flips = [_flip(seed)[0] for seed in SEEDS]
    edges = [float(2 / _minimum(seed)[1][which]) for seed in SEEDS]
    network = _flip(SEEDS[0], network=True)[0].parameter
    off = [abs(flip.parameter / edge - 1) for flip, edge in zip(flips, edges, strict=True)]
    return {
        "edges": edges, "off": float(max(*off, abs(network / edges[0] - 1))),
        "supercritical": all(flip.supercritical for flip in flips),
    }  # fmt: skip


@CLAIMS.add(
    "here",
    {"ratios": near([1.2246797723, 1.2062608308, 1.1932676238], 1e-8),
     "turns": near([0.0885407306, 0.0988326204, 0.0365594812], 1e-8)},
    Control("with each pixel centred the 2-cycle flips, and later", changes={"standardise": True}), slow=True,
    second=_second_torus, figure="route",
    domain="the same losses, pixels not centred; three seeds",
    perturbations=[Control("an angle of 1/10 of a turn for each seed", {"turns": near([0.1, 0.1, 0.1], 1e-3)})],
)  # fmt: skip
def two_cycle_ends_in_a_torus(standardise=False):
    """The 2-cycle that the flip gives birth to loses its stability in a Neimark–Sacker bifurcation, a pair of complex multipliers
    on the unit circle: no period doubling, on a convex loss and real data.

    ``ratios``: the first special point on the branch of 2-cycles over 2/λ₁, followed by products alone; ``turns``: the angle of
    its critical multiplier over 2π (½ of a flip). It was so for seeds 0 to 3 with 15 % and 30 % wrong labels. With each pixel
    centred seven of these eight 2-cycles flip, between 1.41 and 1.70, and one has a torus at 1.61: the route to chaos is a matter
    of the features.
    """
    reach = 1.5 if standardise else REACH
    first = [(branch.bifurcations[0], edge) for branch, edge in (_cycle(seed, standardise, reach=reach) for seed in SEEDS)]
    return {
        "ratios": [float(point.parameter / edge) for point, edge in first],
        "turns": [float(abs(np.angle(point.multipliers[0])) / (2 * np.pi)) for point, _ in first],
    }


def _run(seed, ratio, steps=1500, leading=1):
    """Exponents at a multiple of the edge, beginning beside the minimum."""
    (u, values), rng = _minimum(seed), np.random.default_rng(0)
    step = cf.as_map(_loss(seed), cf.optimizers.gd(lr=ratio * 2 / values[0]))
    return cf.analysis.lyapunov_spectrum(step, u + 0.1 * rng.normal(size=u.size), steps, 1500, leading=leading)


def _second_exponent(seed=SEEDS[0], ratio=2.5, steps=1500):
    """By NumPy: one tangent, normalised at each step."""
    x, lr = 0.1 * np.random.default_rng(5).normal(size=99), ratio * _second(seed)[0]
    tangent, total = np.ones(99), 0.0
    for k in range(2 * steps):
        gradient, hessian = _by_numpy(seed, x)
        x, tangent = x - lr * gradient, tangent - lr * hessian @ tangent
        size = np.linalg.norm(tangent)
        tangent, total = tangent / size, total + np.log(size) * (k >= steps)
    return {"least exponent": float(total / steps)}


@CLAIMS.add(
    "here", {"least exponent": above(0.05), "in standard errors": at_least(6), "largest weight": at_most(300)},
    Control("just beyond the flip, where a 2-cycle attracts", changes={"ratio": 1.1}), slow=True, second=_second_exponent,
    domain="the same losses; η = 2.5 times the edge for three seeds, 16 times for the first",
    perturbations=[Control("1.3 times the edge", changes={"ratio": 1.3})],
)  # fmt: skip
def chaos_on_a_convex_loss(ratio=2.5):
    """Descent on a convex loss, regression on real digits, is chaotic at 2.5 times the edge, and stays bounded at 16 times.

    The largest Lyapunov exponent per step of three seeds over 1500 steps after 1500, with its standard error; the largest weight
    of 2000 steps at 16 times the edge. Just beyond the Neimark–Sacker point, on the torus, exponents are 0 to their errors of
    1e-3; at 1.5 times the edge they are 0.007 and 0.018 for two of the seeds.
    """
    found = [_run(seed, ratio) for seed in SEEDS]
    wide = cf.as_map(_loss(SEEDS[0]), cf.optimizers.gd(lr=16 * 2 / _minimum(SEEDS[0])[1][0]))
    return {
        "least exponent": float(min(one.exponents[0] for one in found)),
        "in standard errors": float(min(one.exponents[0] / one.errors[0] for one in found)),
        "largest weight": float(np.abs(cf.iterate(wide, _minimum(SEEDS[0])[0] + 0.1, 2000).z).max()),
    }


def figures():
    """From the fixed point to chaos: where the iterates go along the leading eigenvector, and the largest exponent."""
    return {"route": _route}


def _route(seed=2):
    import matplotlib.pyplot as plt

    loss, (u, values) = _loss(seed), _minimum(seed)
    top = np.linalg.eigh(np.array([loss.hvp(u, e) for e in np.eye(99)]))[1][:, -1]
    figure, (above_, under) = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
    ratios = np.concatenate([np.linspace(0.9, 1.5, 31), np.linspace(1.55, 3, 16)])
    for ratio in ratios:
        step = cf.as_map(loss, cf.optimizers.gd(lr=ratio * 2 / values[0]))
        w = cf.iterate(step, u + 0.1 * top, 1200).w[1000:]
        above_.plot(np.full(len(w), ratio), (w - u) @ top, ",", color="C0", alpha=0.6)
    some = np.append(ratios[::4], ratios[-1])
    found = [_run(seed, ratio, 600) for ratio in some]
    under.errorbar(some, [one.exponents[0] for one in found], [2 * one.errors[0] for one in found], fmt="o-", ms=3, lw=0.8)
    under.axhline(0, color="0.6", lw=0.8)
    for axis in (above_, under):
        axis.axvline(_cycle(seed)[0].bifurcations[0].parameter * values[0] / 2, color="C3", ls=":", lw=1)
    above_.set(
        ylabel="along the leading eigenvector", title="softmax regression on digits: flip at 1, torus from the dotted line"
    )
    under.set(xlabel="η over 2/λ₁", ylabel="largest exponent per step")
    return figure
