"""The cfdyn project, *What warns of a spike: the ringing, the share of the edge, the critical sharpness* (2026).

The share of the edge is s = ηλ₁/(2(1 + β)), 1 where heavy ball with momentum β loses its stability. Along a direction of
curvature λ the steps v ← βv + λw, w ← w − ηv have multipliers with z² − Bz + β = 0, B = 1 + β − 2(1 + β)s. For |B| < 2√β they
are a complex pair of modulus √β and angle arccos(B/(2√β)), the ringing's; the pair becomes real at B = −2√β, s = (1 +
√β)²/(2(1 + β)), and beyond the edge |ρ| = (|B| + √(B² − 4β))/2. At s = 1.05 this is 1.1 a step without momentum and 1.48 with
β = 0.9. So the time between s = 1 and a rise of the loss is set by the optimizer and not by whoever measures s.

Noise shortens it. The gradient's own noise keeps w off its minimum, and noise of the curvature, of variance κλ² over the batches,
moves the edge of the mean square down to the share 1/(1 + κ(1 + β)/(1 − β)): with momentum the loss may rise before s = 1.

The critical sharpness is 2/(ηs_c), where L(w + s_cΔ) is L(w) again along the step Δ: its share 1/s_c is above 1 if that step
raises the loss. It sees the edge only if the oscillation dominates Δ. All numbers are of the toy and of the nets that are
named, and say nothing of other networks. The second computations are plain loops, and NumPy with slopes by hand.
"""

import gzip
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.sparse.linalg import LinearOperator, eigsh

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
SHARES, REAL = (0.5, 0.9, 0.99), (1 + 0.9**0.5) ** 2 / 3.8


def _plain_steps(share, beta, steps):
    """The weights of plain steps with η = 1 from (w, v) = (1, 0)."""
    w, v, path = 1.0, 0.0, [1.0]
    for _ in range(steps):
        v = beta * v + 2 * (1 + beta) * share * w
        w -= v
        path.append(w)
    return np.array(path)


def _fitted(share, beta):
    """Multipliers of the recursion of two steps that four weights determine."""
    a, b, c, d = _plain_steps(share, beta, 3)
    one, two = np.linalg.solve([[b, a], [c, b]], [c, d])
    return np.roots([1.0, -one, -two])


def _second_ringing():
    fits = [_fitted(share, 0.9) for share in SHARES]
    pairs = [_fitted(share, 0.9) for share in np.linspace(0.001, 0.999, 999)]
    apart = lambda s: np.square(np.subtract(*_fitted(s, 0.9))).real  # noqa: E731
    return {"period": [float(2 * np.pi / np.abs(np.angle(z[0]))) for z in fits],
            "modulus": [float(extreme(np.abs(pairs))) for extreme in (np.min, np.max)],
            "real from": float(brentq(apart, 0.9, 0.9999, xtol=1e-10))}  # fmt: skip


def _multipliers(share, beta, optimizer="heavy_ball"):
    step = cf.as_map(cf.Loss("w**2/2"), getattr(cf.optimizers, optimizer)(2 * (1 + beta) * share, beta))
    return np.linalg.eigvals(step.jacobian([0.0, 0.0])), step


def _counted(step, start, steps):
    """Twice the steps over the changes of sign."""
    w = cf.iterate(step, start, steps).w[:, 0]
    return 2 * steps / max(1, int(np.sum(np.diff(np.sign(w)) != 0)))


@CLAIMS.add(
    "here",
    {"period": near([4.0, 2.51327, 2.13121], 1e-4), "counted": near([4.0, 2.51327, 2.13121], 2e-3),
     "modulus": near([0.9**0.5] * 2, 1e-6), "real from": near(REAL, 1e-8), "descent": near([2.0, 2.0, 2.0], 1e-12)},
    Control("β = 0.5", changes={"beta": 0.5}), second=_second_ringing,
    domain="λw²/2, one weight, λ, η > 0, from (w, v) = (1, 0); heavy ball with β = 0.9 at the shares 0.5, 0.9, 0.99, its "
        "multipliers from 0.001 to 0.999 in steps of 0.001; plain descent at the shares 0.6, 0.9, 0.99",
    perturbations=[Control("period 2 below the edge", {"period": near([2.0, 2.0, 2.0], 0.05)}),
                   Control("β = 0.91", changes={"beta": 0.91}),
                   Control("Nesterov's momentum with the same rate", changes={"optimizer": "nesterov"})],
)  # fmt: skip
def period_below_the_edge(beta=0.9, optimizer="heavy_ball"):
    """On a quadratic heavy ball with β = 0.9 rings below its edge with the period 4 at half of the edge, 2.513 at 0.9 and
    2.131 at 0.99 of it: its multipliers are a complex pair of modulus √β up to the share (1 + √β)²/(2(1 + β)) = 0.99931, and
    only from there on is the period 2. Plain descent alternates with period 2 at the shares 0.6, 0.9 and 0.99 of its own edge.

    ``period``: 2π over the angle of the multipliers of the map; ``counted``: twice the steps over the changes of sign of w in
    6,000 steps; ``modulus``: least and greatest of 999 shares; ``real from``: where the difference of the multipliers vanishes;
    ``descent``: counted in 400 steps of plain descent. Twice: from the recursion that four weights of plain steps determine.
    """
    known = [_multipliers(share, beta, optimizer) for share in SHARES]
    sizes = np.abs([_multipliers(s, beta, optimizer)[0] for s in np.linspace(0.001, 0.999, 999)])
    apart = lambda s: np.square(np.subtract(*_multipliers(s, beta, optimizer)[0])).real  # noqa: E731
    ends = (0.9, 0.9999)
    plain = [cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(2 * share)) for share in (0.6, 0.9, 0.99)]
    return {"period": [float(2 * np.pi / max(1e-9, np.abs(np.angle(z)).max())) for z, _ in known],
            "counted": [_counted(step, [1.0, 0.0], 6000) for _, step in known],
            "modulus": [float(sizes.min()), float(sizes.max())],
            "real from": float(brentq(apart, *ends, xtol=1e-12)) if apart(ends[0]) * apart(ends[1]) < 0 else 0.0,
            "descent": [_counted(step, [1.0], 400) for step in plain]}  # fmt: skip


MOMENTA, SPEED, RUNS, REST = (0.0, 0.9), 1e-3, 100, 150


def _threshold(beta):
    """|w| at which 1 + λw²/2 is 1.1, at the edge with η = 1."""
    return (0.2 / (2 * (1 + beta))) ** 0.5


def _noise(beta, first, part):
    """Of the gradient: what gives w the standard deviation ``part`` of the threshold at the share ``first``, in closed form."""
    top = 2 * (1 + beta)
    return part * _threshold(beta) * (first * top * (1 - beta) * top * (1 - first) / (1 + beta)) ** 0.5


def _leads(beta, first, part, kappa=0.0, speed=SPEED, runs=RUNS, seed=0):
    """Of each run: the steps from where the share is above 1 until 1 + λw²/2 ≥ 1.1, negative if it was there before."""
    loss = cf.Loss("h*w**2/2 + f*w", "w", params={"h": 1.0, "f": 0.0})
    rule = cf.as_map(loss, cf.optimizers.heavy_ball(1.0, beta)).rule("step")
    rng, top, noise, found = np.random.default_rng(seed), 2 * (1 + beta), _noise(beta, first, part) if part else 0.0, []
    crossing = round((1 - first) / speed) + 1
    for _ in range(runs):
        z = np.array([0.0 if part else np.exp(-7) * _threshold(beta), 0.0])
        for t in range(-REST if part else 0, crossing + 1000):
            h = top * (first + speed * max(t, 0))
            if t >= 0 and h * z[0] ** 2 / 2 >= 0.1:
                break
            kicks = rng.normal(size=2) if part else (0.0, 0.0)
            z = rule(z, np.array([h * (1 + kappa**0.5 * kicks[1] * (t >= 0)), noise * kicks[0], 1.0, beta]))
        found.append(t - crossing)
    return np.array(found)


def _plain_leads(beta, first, part, kappa=0.0, runs=2000):
    """The same protocol, all runs at once."""
    rng, top, crossing = np.random.default_rng(77), 2 * (1 + beta), round((1 - first) / SPEED) + 1
    noise = _noise(beta, first, part) if part else 0.0
    w, v, found = np.full(runs, 0.0 if part else np.exp(-7) * _threshold(beta)), np.zeros(runs), np.full(runs, 10_000)
    for t in range(-REST if part else 0, crossing + 1000):
        h = top * (first + SPEED * max(t, 0))
        over = (t >= 0) & (found == 10_000) & (h * w**2 / 2 >= 0.1)
        found[over] = t - crossing
        w, v = np.where(found < 10_000, 0.0, w), np.where(found < 10_000, 0.0, v)
        v = beta * v + h * (1 + kappa**0.5 * (t >= 0) * rng.normal(size=runs)) * w + noise * rng.normal(size=runs)
        w = w - v
    return found


def _told(leads, growth):
    """The named numbers of the leads that a function computes."""
    strong, bent = [leads(b, 0.9, 0.3) for b in MOMENTA], [leads(b, 0.3, 0.01, 0.05) for b in MOMENTA]
    return {"ln|ρ| at 1.05": growth, "steps for e⁷": [7 / one for one in growth],
            "no noise": [float(leads(b, 1.0, 0.0, runs=1)[0]) for b in MOMENTA],
            "noise of 1 %": [float(np.median(leads(b, 0.9, 0.01))) for b in MOMENTA],
            "noise of 10 %": [float(np.median(leads(b, 0.9, 0.1))) for b in MOMENTA],
            "warned, noise of 30 %": [float(np.mean(one >= 1)) for one in strong],
            "warned, curvature": [float(np.mean(one >= 1)) for one in bent],
            "rises, curvature": [1 + SPEED * (float(np.median(one)) + 1) for one in bent]}  # fmt: skip


def _second_leads():
    sizes = [np.abs(_fitted(1.05, 0.9)).max(), -_plain_steps(1.05, 0.0, 1)[1]]
    return _told(_plain_leads, [float(np.log(one)) for one in sizes[::-1]])


@CLAIMS.add(
    "here",
    {"ln|ρ| at 1.05": near([0.09531, 0.39421], 1e-5), "steps for e⁷": near([73.44, 17.76], 0.01),
     "no noise": near([86.0, 29.0], 0.5), "noise of 1 %": near([61.0, 23.0], 4), "noise of 10 %": near([37.0, 12.0], 4),
     "warned, noise of 30 %": near([0.44, 0.25], 0.16), "warned, curvature": near([0.99, 0.0], 0.05),
     "rises, curvature": near([1.087, 0.796], 0.03)},
    Control("sharpening five times as slow", changes={"speed": SPEED / 5}), second=_second_leads,
    domain="1 + λw²/2, one weight, λ forced so that the share rises by 0.001 a step; gradient descent and heavy ball with "
        "β = 0.9; Gaussian noise of the gradient, or of the curvature with κ = 0.05, of the sizes and from the shares named",
    perturbations=[Control("β = 0.8", changes={"beta": 0.8}),
                   Control("half the noise of the curvature", changes={"kappa": 0.025}),
                   Control("every run warned", {"warned, noise of 30 %": near([1.0, 1.0], 0.05)})],
)  # fmt: skip
def time_to_a_rise(beta=0.9, kappa=0.05, speed=SPEED):
    """At the share 1.05 the multiplier of gradient descent has ln|ρ| = 0.0953 and that of heavy ball with β = 0.9 has 0.3942:
    growth by e⁷ takes 73 and 18 steps. On 1 + λw²/2, whose share rises by 0.001 a step, the loss is 1.1 after 86 and 29 steps
    with a share above 1, from e⁻⁷ of that w at the share 1. With noise of the gradient that at the share 0.9 spreads w by 1 %
    of it the medians are near 61 and 23, with 10 % near 37 and 12; with 30 % fewer than 60 % and 42 % of the runs have a share
    above 1 before the rise. With noise of the curvature of variance 0.05 λ² and 1 % from the share 0.3 on, at least 94 % and
    at most 5 % have: heavy ball rises at 0.80.

    First number of each pair: gradient descent, second: heavy ball. A run starts at w = 0, 150 steps at the first share come
    before it, except without noise; 100 runs of each. ``warned``: the part of the runs whose share is above 1 at least a step
    before the rise; ``rises``: the share at the median rise. The edge of the mean square, 1/(1 + κ(1 + β)/(1 − β)), is 0.95
    and 0.51. ``ln|ρ|``: from the map's Jacobian. Twice: plain NumPy, 2,000 runs with other random numbers.
    """

    def leads(momentum, first, part, kappa_of_it=0.0, runs=RUNS):
        return _leads(beta if momentum else 0.0, first, part, kappa if kappa_of_it else 0.0, speed, runs)

    return _told(leads, [float(np.log(np.abs(_multipliers(1.05, one)[0]).max())) for one in (0.0, beta)])


BEFORE, FIRST, RISE = {0.0: 300, 0.9: 900}, 0.9, 1.01  # steps before, first share, loss over minimum


def _critical(value, w, move):
    """1/s where L(w + s·move) is first L(w) again, by doubling and halving, to 1 %."""
    level, low = value(w), 1.0
    if value(w + move) > level:
        while value(w + low * move) > level and low > 1e-4:
            low /= 2
    else:
        while value(w + 2 * low * move) <= level and low < 1e3:
            low *= 2
    high = 2 * low
    for _ in range(7):
        middle = (low + high) / 2
        low, high = (middle, high) if value(w + middle * move) <= level else (low, middle)
    return 1 / low


def _watched(value, slope, sharpness, w, beta, first, most=400):
    """(lead of λ₁, of the critical sharpness, its share at λ₁'s crossing, steps on which it errs), or None without a rise."""
    top = 2 * (1 + beta)
    lr, v = first * top / sharpness(w), slope(w) * beta / (1 - beta)
    losses, shares, crossed = [], [], None
    for t in range(most):
        losses.append(value(w))
        if losses[-1] >= RISE * min(losses):
            break
        v = beta * v + slope(w)
        shares.append(_critical(value, w, -lr * v))
        if crossed is None and lr * sharpness(w) > top:
            crossed = t
        w = w - lr * v
    if crossed is None or losses[-1] < RISE * min(losses):
        return None
    ups, over = np.diff(losses) > 0, np.array(shares) > 1
    return t - crossed, t - int(np.argmax(over)), shares[crossed], int(np.sum(ups != over[: len(ups)]))


@cache
def _net(seed):
    net, weights = cf.networks.mlp(cf.data.digits(classes=10, n=500), widths=(16,), seed=seed), {}
    w = net.start
    for t in range(max(BEFORE.values()) + 1):
        weights[t] = w
        w = w - 0.1 * net.gradient(w)
    return net, {beta: weights[steps] for beta, steps in BEFORE.items()}


@cache
def _digits():
    """The first 500 rows of scikit-learn's digits, standardised, and one column for each class."""
    folder = Path(find_spec("sklearn").origin).parent / "datasets" / "data"
    with gzip.open(folder / "digits.csv.gz", "rt", encoding="utf-8") as file:
        table = np.loadtxt(file, delimiter=",")[:500]
    x = table[:, :-1] - table[:, :-1].mean(axis=0)
    return x / np.maximum(x.std(axis=0), 1e-9), np.eye(10)[table[:, -1].astype(int)]


def _by_hand(w, slopes=True):
    """Loss, or its slope: a layer of 16 tanh units, weights and biases of each layer."""
    (x, y), (a, b, c, d) = _digits(), np.split(w, np.cumsum([1024, 16, 160]))
    t = np.tanh(x @ a.reshape(16, 64).T + b)
    off = t @ c.reshape(10, 16).T + d - y
    if not slopes:
        return float(np.sum(off**2) / (2 * len(x)))
    back = (off @ c.reshape(10, 16)) * (1 - t**2)
    return np.concatenate([(back.T @ x).ravel(), back.sum(axis=0), (off.T @ t).ravel(), off.sum(axis=0)]) / len(x)


def _difference(w, u):
    return (_by_hand(w + 1e-5 * u) - _by_hand(w - 1e-5 * u)) / 2e-5


def _top(w):
    """λ₁ by ARPACK from differences of slopes."""
    product = LinearOperator((len(w),) * 2, matvec=lambda u: _difference(w, u.ravel()), dtype=float)
    return float(eigsh(product, 1, which="LA", tol=1e-4, v0=_by_hand(w), return_eigenvectors=False)[0])


@cache
def _second_critical():
    found = []
    for seed, beta in ((0, 0.0), (2, 0.9)):
        rng = np.random.default_rng(seed)
        w = np.concatenate([rng.uniform(-1, 1, 1040) / 8, rng.uniform(-1, 1, 170) / 4])
        for _ in range(BEFORE[beta]):
            w = w - 0.1 * _by_hand(w)
        found.append(_watched(lambda z: _by_hand(z, False), _by_hand, _top, w, beta, FIRST))
    ratio, share = min(one[0] / one[1] for one in found), max(one[2] for one in found)
    return {"least ratio": float(ratio), "share at the crossing": float(share)}


@CLAIMS.add(
    "here",
    {"λ₁": near([163.0, 108.0, 19.0, 17.0], 6), "critical": near([4.0, 3.0, 2.0, 2.0], 1), "least ratio": at_least(5),
     "share at the crossing": at_most(0.2), "errs": 0},
    Control("the critical sharpness warns as early as λ₁", {"critical": near([163.0, 108.0, 19.0, 17.0], 6)}),
    second=_second_critical, slow=True,
    domain="a 64-16-10 tanh net, squared error, 500 digits, full batch, starts 0 and 1; plain descent after 300 and heavy ball "
        "with β = 0.9 after 900 steps of η = 0.1, at the rates whose share is 0.9 there, "
        "with the buffer βg/(1 − β) before the first step; until the first rise",
    perturbations=[Control("the critical sharpness sees the crossing", {"share at the crossing": at_least(1)})],
)  # fmt: skip
def critical_sharpness_is_late():
    """On a tanh net of 1,210 weights, of two starts, λ₁'s share of the edge is above 1 first 163 and 108 steps before the loss
    is 1 % above its minimum so far under plain descent, that of the critical sharpness 4 and 3 steps before; under heavy ball
    with β = 0.9 it is 19 and 17 against 2 and 2 steps. Where λ₁'s share crosses 1, that of the critical sharpness is below
    0.2.

    ``errs``: the steps on which it is above 1 and the loss does not rise, or the reverse. A third start, 2, has no such rise
    in 400 steps with either optimizer. Twice: the same net in NumPy, first weights and rows of another choice, one run of each
    that rises. These starts are those of a few that have a rise; the steps before, and 1 %, were chosen after a scan.
    """
    found = []
    for beta in MOMENTA:
        for seed in (0, 1):
            net, weights = _net(seed)
            found.append(_watched(lambda w, n=net: float(n.value(w)), net.gradient, lambda w, n=net: float(n.sharpness(w)),
                                  weights[beta], beta, FIRST))  # fmt: skip
    return {"λ₁": [one[0] for one in found], "critical": [one[1] for one in found],
            "least ratio": min(one[0] / one[1] for one in found), "share at the crossing": max(one[2] for one in found),
            "errs": sum(one[3] for one in found)}  # fmt: skip
