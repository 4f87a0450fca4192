"""The cfdyn project, *Two samples in turn: circles and Arnold tongues of an epoch* (2026).

What is derived here; every expected number is computed a second time without cfdyn. An epoch of SGD over two samples, one
after the other, is f₂ ∘ f₁. Of one weight its multiplier is real. With heavy ball each step has the determinant β, so the two
multipliers of an epoch at a point of rest have the product β² < 1: no pair crosses the unit circle, and nothing turns.

Two weights, samples seen through s₁ = u and s₂ = u + kv with the loss s²/2 + a s³/3 + s⁴/4 each, at rest at 0: with K = 1 +
k² the epoch (I − ηH₂)(I − ηH₁) has the determinant (1 − η)(1 − ηK) and the trace 2 − η(1 + K) + η². The determinant is 1 at η
= (1 + K)/K, a Neimark–Sacker point, whose angle φ with 2 cos φ = 2 − (1 + K)²(K − 1)/K² runs from 0 at K = 1 to π: all
resonances p:q lie on this curve. At a = 3/2 the circle is born stable. In the normal form z ↦ e^{iφ}z(1 + …) + B z̄^{q−1} of
a resonance with q ≥ 5 the circle has the radius r ~ √d at the distance d from the curve, and the two q-cycles of the tongue
exist where the detuning is less than |B| r^{q−2}: the tongue has the width d^{(q−2)/2}, less and less as q grows.
"""

import math

import numpy as np
import sympy as sp
from scipy.optimize import brentq, fsolve

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
SAMPLE = "(u + k*x*v)"
LOSS = cf.Loss(f"{SAMPLE}**2/2 + a*{SAMPLE}**3/3 + {SAMPLE}**4/4", ["u", "v"], {"a": 1.5, "k": 1.0}, data={"x": [0.0, 1.0]})
EPOCH = cf.epoch(LOSS, cf.optimizers.gd(lr=1.0))
ANGLES = [math.acos(1 - (1 + k) ** 2 * (k - 1) / (2 * k * k)) for k in (1.25, 1.5, 2.0, 3.0)]
STARTS = {5: 0.02, 6: 0.05, 7: 0.08}  # distances at which the tongues 1:q are entered
SHARES = (0.25, 0.18, 0.12)  # of these, at which their widths are measured


def _resonance(q):
    """(k, η) where the angle is 2π/q."""
    k2 = brentq(lambda k: (1 + k) ** 2 * (k - 1) / k**2 - 2 + 2 * math.cos(2 * math.pi / q), 1, 3.38)
    return math.sqrt(k2 - 1), (1 + k2) / k2


def _determinants():
    """The product of the multipliers of an epoch of two samples at random curvatures and β, in plain NumPy."""
    rng, worst = np.random.default_rng(0), 0.0
    for one, two, beta in rng.uniform((-3, -3, 0), (3, 3, 1), (200, 3)):
        product = np.eye(2)
        for h in (one, two):
            product = np.array([[1 - h, -beta], [h, beta]]) @ product
        worst = max(worst, abs(np.prod(np.linalg.eigvals(product)) - beta**2))
    return {"product": "beta**2" if worst < 1e-10 else ""}


@CLAIMS.add(
    "one weight", {"product": "beta**2"},
    Control("Nesterov's momentum, whose steps have the determinant β(1 − ηh)", changes={"nesterov": True}), second=_determinants,
    domain="two C² losses of one weight in turn, at any point of rest of the epoch; gradient descent and heavy ball, "
        "constant η, 0 ≤ β < 1",
    proof="exact algebra: the determinant of an epoch in SymPy, with symbols for η, β and both curvatures; at a Neimark–Sacker "
        "point it would be 1",
    perturbations=[Control("β a tenth smaller in one of the two steps", changes={"decay": "9/10"})],
)  # fmt: skip
def one_weight_never_turns(nesterov=False, decay=1):
    """An epoch of two samples of one weight has no Neimark–Sacker point, not with heavy ball either: the two multipliers
    of a point of rest have the product β² < 1, and without momentum there is only one, a real one.

    The determinant of the product of both steps' Jacobians in (w, v), w₊ = w − ηv₊, v₊ = βv + L′.
    """
    rate, beta, one, two = sp.symbols("eta beta h_1 h_2")
    product = sp.eye(2)
    for h, part in ((one, 1), (two, sp.Rational(decay))):
        velocity = sp.Matrix([[h, part * beta]])
        moved = velocity * beta + sp.Matrix([[h, 0]]) if nesterov else velocity
        product = sp.Matrix([sp.Matrix([[1, 0]]) - rate * moved, velocity]) * product
    return {"product": str(sp.factor(product.det()))}


def _curve_by_hand():
    """Eigenvalues of the product of two matrices of NumPy at the formula's η, K = 1.25, 1.5, 2 and 3."""
    angles, moduli = [], []
    for k in (0.5, 0.5**0.5, 1.0, 2**0.5):
        rate, samples = (2 + k * k) / (1 + k * k), np.array([[1.0, 0.0], [1.0, k]])
        one, two = (np.eye(2) - rate * np.outer(s, s) for s in samples)
        value = np.linalg.eigvals(two @ one)[0]
        angles.append(float(abs(np.angle(value))))
        moduli.append(float(abs(value)))
    assert np.abs(np.array(moduli) - 1).max() < 1e-12
    return {"rate": [1.8, 5 / 3, 1.5, 4 / 3], "angle": angles}


@CLAIMS.add(
    "two weights",
    {"rate": near([1.8, 5 / 3, 1.5, 4 / 3], 1e-11), "angle": near(ANGLES, 1e-11), "first": True, "later": False},
    Control("both samples in one batch, which is descent", changes={"batch": 2}), second=_curve_by_hand, figure="tongues",
    domain="s²/2 + a s³/3 + s⁴/4 with s = u, then u + kv, two weights; gradient descent at the minimum 0; "
        "K = 1 + k² = 1.25, 1.5, 2 and 3",
    perturbations=[Control("k 1 % larger", changes={"wider": 1.01})],
)  # fmt: skip
def circles_of_two_weights(batch=1, wider=1.0):
    """The minimum of two samples of two weights in turn loses its stability at a Neimark–Sacker point, at η = (1 + K)/K, whose
    angle grows with K as 2 cos φ = 2 − (1 + K)²(K − 1)/K²; at K = 1.5 a stable
    circle is born for a = 3/2, an unstable one for a = 0.

    Rate and angle of the point on the branch of the minimum, and at K = 1.5 whether it is
    supercritical for a = 3/2 and for a = 0.
    """
    epoch, points = cf.epoch(LOSS, cf.optimizers.gd(lr=1.0), batch), []
    for k, a in ((0.5, 1.5), (0.5**0.5, 1.5), (1.0, 1.5), (2**0.5, 1.5), (0.5**0.5, 0.0)):
        branch = cf.analysis.continue_cycle(epoch.at(k=wider * k, a=a, lr=1.2), [0.0] * epoch.dim, "lr", (1.1, 2.6))
        points += [s for s in branch.bifurcations if s.kind == "neimark-sacker"]
    if len(points) != 5:
        return {"rate": [s.parameter for s in points], "angle": [], "first": False, "later": False}
    angles = [float(abs(np.angle(s.multipliers[np.argmin(np.abs(np.abs(s.multipliers) - 1))]))) for s in points[:4]]
    return {
        "rate": [s.parameter for s in points[:4]],
        "angle": angles,
        "first": points[1].supercritical,
        "later": points[4].supercritical,
    }


def _winding(step, count=20_000):
    """Turns per epoch of an orbit on the circle, by a weighted mean that converges fast, and where the orbit is then."""
    z = cf.iterate(step, [0.01, 0.0], count + 4000).z[4000:]
    turns = np.diff(np.unwrap(np.arctan2(z[:, 1], z[:, 0])))
    t = (np.arange(len(turns)) + 0.5) / len(turns)
    weights = np.exp(-1 / (t * (1 - t)))
    return abs(weights @ turns) / weights.sum() / (2 * np.pi), z[-1]


def _within(q, a=1.5):
    """The branch in k of the q-cycles of the tongue 1:q at its first distance from the curve: a closed one."""
    k0, rate = _resonance(q)
    lo, hi = k0 - 1.5 * STARTS[q], k0 + 1.5 * STARTS[q]
    for _ in range(40):
        step = EPOCH.at(k=(lo + hi) / 2, lr=rate + STARTS[q], a=a)
        turns, z = _winding(step)
        if abs(turns - 1 / q) < 1e-9:
            break
        lo, hi = ((lo + hi) / 2, hi) if turns < 1 / q else (lo, (lo + hi) / 2)
    return cf.analysis.continue_cycle(step, z, "k", (k0 - 0.3, k0 + 0.3), period=q)


def _width(branch):
    return float(np.ptp([s.parameter for s in branch.bifurcations if s.kind == "fold"]))


def _exponent(branch, q):
    """d log(width)/d log(d) at the curve, extrapolated; through the tongue on cycles one point of which keeps its direction."""
    k0, rate = _resonance(q)
    u, v = branch.points[branch.start, 0].tolist()
    bounds = ((k0 - 0.3, k0 + 0.3), (rate - 0.001, rate + 1.1 * STARTS[q]))
    start = branch.map_at(branch.start), branch.points[branch.start]
    middle = cf.analysis.bifurcation_curve(*start, ("k", "lr"), bounds, condition=f"v - ({v / u!r})*u")
    away, widths = middle.parameters[:, 1] - rate, []
    rows = [int(np.argmin(np.abs(away - share * STARTS[q]))) for share in SHARES]
    for row in rows:
        widths.append(_width(cf.analysis.continue_cycle(middle.map_at(row), middle.points[row], "k", bounds[0])))
    slopes = np.diff(np.log(widths)) / np.diff(np.log(away[rows]))
    places = (away[rows][1:] + away[rows][:-1]) / 2
    return float(slopes[1] - places[1] * (slopes[1] - slopes[0]) / (places[1] - places[0]))


def _folds_by_hand(q=5):
    """The tongue 1:5 by SciPy: f⁵(z) = z with det(Df⁵ − I) = 0, from points of an orbit within it."""
    k0, rate = _resonance(q)
    rate += STARTS[q]

    def epoch(z, k, steps=1):
        jacobian = np.eye(2)
        for sample in [np.array([1.0, 0.0]), np.array([1.0, k])] * steps:
            s = sample @ z
            jacobian = (np.eye(2) - rate * (1 + 3 * s + 3 * s * s) * np.outer(sample, sample)) @ jacobian
            z = z - rate * (s + 1.5 * s * s + s**3) * sample
        return z, jacobian

    def equations(unknowns):
        z, jacobian = epoch(unknowns[:2], unknowns[2], q)
        return [*(z - unknowns[:2]), np.linalg.det(jacobian - np.eye(2))]

    z, found = np.array([0.01, 0.0]), set()
    for _ in range(4000):
        z, _ = epoch(z, k0 - 0.004)
    for _ in range(q):
        z, _ = epoch(z, k0 - 0.004)
        for k in np.linspace(k0 - 0.007, k0, 8):
            root, _, done, _ = fsolve(equations, [*z, k], full_output=True, xtol=1e-13)
            if done == 1 and np.abs(root[:2]).max() > 1e-2 and abs(root[2] - k0) < 0.02:
                found.add(round(root[2], 10))
    return {"exponents": [(order - 2) / 2 for order in STARTS], "width": max(found) - min(found)}


@CLAIMS.add(
    "tongues", {"exponents": near([1.5, 2.0, 2.5], 1e-3), "width": near(2.027167688e-3, 1e-9)},
    Control("widths like d^{(q−1)/2}", expected={"exponents": near([2.0, 2.5, 3.0], 1e-3)}),
    second=_folds_by_hand, figure="tongues",
    domain="s²/2 + a s³/3 + s⁴/4 with s = u, then u + kv, a = 3/2; gradient descent, resonances 1:5, 1:6 and 1:7, k and η vary",
    perturbations=[Control("a 2 % larger", changes={"a": 1.53})],
)  # fmt: skip
def tongues_narrow_with_their_order(a=1.5):
    """From the resonance 1:q on the Neimark–Sacker curve of an epoch over two samples a tongue of stable q-cycles opens between
    two folds; its width in k is as d^{(q−2)/2} for d → 0, d the distance in η: exponents 3/2, 2 and 5/2 for q = 5, 6 and 7.

    The q-cycles found by the winding number of orbits 0.02, 0.05 and 0.08 above the curve, and followed towards it; folds in
    k at three distances; the slope of log width against log d, extrapolated to d = 0. The tolerance is what the next term may
    leave. Also the width of the tongue 1:5 at d = 0.02.
    """
    branches = {q: _within(q, a) for q in STARTS}
    exponents = [_exponent(branch, q) for q, branch in branches.items()]
    return {"exponents": exponents, "width": _width(branches[5])}


def figures():
    """The curve on which circles are born, with the tongues 1:5 to 1:7 between their folds."""
    return {"tongues": _drawn}


def _drawn():
    start = EPOCH.at(k=1.0, lr=1.4)
    point = next(
        s for s in cf.analysis.continue_cycle(start, [0.0, 0.0], "lr", (1.1, 2.1)).bifurcations if s.kind == "neimark-sacker"
    )
    circle = cf.analysis.bifurcation_curve(start, point, ("k", "lr"), ((0.2, 1.0), (1.4, 2.1)))
    tongues = []
    for q in STARTS:
        folds = [s for s in _within(q).bifurcations if s.kind == "fold"]
        for fold in (min(folds, key=lambda s: s.parameter), max(folds, key=lambda s: s.parameter)):
            tongues.append(cf.analysis.bifurcation_curve(fold.step, fold, ("k", "lr"), ((0.2, 1.0), (1.4, 2.1))))
    return cf.plot(circle, also=tongues, xlim=(0.35, 0.95), ylim=(1.5, 2.1))
