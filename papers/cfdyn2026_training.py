"""The cfdyn project, *What a network does while it is trained: periods, exponents, regimes over η* (2026).

A tanh net of 1108 weights (64-16-4, squared errors) learns 200 real digits of four classes by gradient descent on all of them,
with three first weights. At η = 0.8 it comes to the edge, at η = 0.3 not within 600 steps. Then the weights after 300 steps at
0.8 go on with a larger η in one go. The swing along each of the sharpest directions is put to a test of its period in windows
of 96 steps, and tangent vectors beside the optimizer give its largest Lyapunov exponent. These exponents are of stretches of a
transient and not of an attractor: a net that still learns has flat directions, whose exponents are near 0. Where weight decay
makes the minimum a point, regimes over η are those of attractors: 25 weights, two tanh units on 40 real patients. Nothing of
period 3, 4 or more was seen, and no chaos; that is so of these nets and starts. The second computations are plain NumPy, with
slopes written by hand and products by their differences, of nets of the same shapes with other rows of the same tables and
other first weights.
"""

import copy
import gzip
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
SEEDS, STEPS, EVERY, TRAINED = (0, 1, 2), 600, 5, 300
AT_EDGE, BELOW, RAISED, BURST, BEYOND = 0.8, 0.3, (0.9, 1.0, 1.1, 1.2), 1.1, 1.5
DECAY, RANGE = 0.05, (0.66, 2.0)
TANGENTS = 8  # starts of tangent vectors: a transient does not forget with which it began


@cache
def _net(seed):
    return cf.networks.mlp(cf.data.digits(classes=4, n=200), widths=(16,), seed=seed)


@cache
def _run(seed, lr, raised=False):
    net = copy.copy(_net(seed))
    if raised:
        net.start = cf.iterate(cf.as_map(net, cf.optimizers.gd(lr=AT_EDGE)), net.start, TRAINED).z[-1]
    with tempfile.TemporaryDirectory() as folder:
        run = cf.train(network=net, optimizer=cf.optimizers.gd(lr=lr), runs="discrete", steps=STEPS, every=EVERY, exponents=1,
                       out=folder)  # fmt: skip
        episodes = run.periods().episodes if run.status == "done" else []
        return run.status, episodes, np.array(run.t), np.array(run.exponents[:, 0])


@cache
def _gains(seed, lr):
    """ln of what each of several tangent vectors gains in each step, (600, 8)."""
    step, found = cf.as_map(_net(seed), cf.optimizers.gd(lr=lr)), []
    z, rows = _net(seed).start, np.array([np.random.default_rng(k).normal(size=step.dim) for k in range(TANGENTS)])
    for _ in range(STEPS):
        sizes = np.linalg.norm(rows, axis=1)
        z, product = step.tangent(z)
        rows = product(rows / sizes[:, None])
        found.append(np.log(np.linalg.norm(rows, axis=1)))
    return np.array(found)


def _table(name, delimiter):
    """Numbers of a file in scikit-learn's wheel."""
    folder = Path(find_spec("sklearn").origin).parent / "datasets" / "data"
    with gzip.open(folder / name, "rt", encoding="utf-8") as file:
        return np.loadtxt(file, delimiter=delimiter)


@cache
def _rows(name):
    """Standardised inputs (n, d) and targets (n, k): 200 digits below 4, or 40 patients."""
    if name == "digits":
        table = _table("digits.csv.gz", ",")
        table = table[table[:, -1] < 4][:200]
        x = table[:, :-1] - table[:, :-1].mean(axis=0)
        return x / np.maximum(x.std(axis=0), 1e-9), np.eye(4)[table[:, -1].astype(int)]
    x, y = _table("diabetes_data_raw.csv.gz", None)[:40], _table("diabetes_target.csv.gz", None)[:40, None]
    return (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()


def _first(seed, d, units, k):
    """First weights and biases, uniform up to one over the root of what comes in."""
    rng = np.random.default_rng(seed)
    parts = (units * (d + 1), d), (k * (units + 1), units)
    return np.concatenate([rng.uniform(-1, 1, count) / into**0.5 for count, into in parts])


def _slope(w, name="digits"):
    """By hand, of a net with one layer of tanh units: weights of each unit, biases, weights of each output, biases."""
    x, y = _rows(name)
    (n, d), k = x.shape, y.shape[1]
    units = (len(w) - k) // (d + 1 + k)
    into, shift, out, last = np.split(w, np.cumsum([units * d, units, k * units]))
    t = np.tanh(x @ into.reshape(units, d).T + shift)
    off = (t @ out.reshape(k, units).T + last - y) / n
    back = (off @ out.reshape(k, units)) * (1 - t**2)
    return np.concatenate([(back.T @ x).ravel(), back.sum(axis=0), (off.T @ t).ravel(), off.sum(axis=0)])


@cache
def _plain(seed, lr, raised=False):
    """Weights (601, d), or fewer where they run away."""
    path = [_plain(seed, AT_EDGE)[TRAINED] if raised else _first(seed, 64, 16, 4)]
    with np.errstate(all="ignore"):
        while len(path) <= STEPS and np.linalg.norm(path[-1]) < 1e6:
            path.append(path[-1] - lr * _slope(path[-1]))
    return np.array(path)


def _returns(path):
    """Median cosines between one swing and the next, and the one after that, where it is at least a tenth of the widest."""
    swing = path[1:-1] - (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    size = np.linalg.norm(swing, axis=1)
    wide = size[:-2] > size.max() / 10
    turns = (np.sum(swing[k:] * swing[:-k], axis=1) / (size[k:] * size[:-k]) for k in (1, 2))
    return [float(np.median(turn[: len(wide)][wide])) for turn in turns]


def _second_periods():
    found = [_returns(_plain(seed, AT_EDGE)[60:105]) for seed in SEEDS]
    return {"period": [2 if one < -0.9 and two > 0.9 else 0 for one, two in found]}


@CLAIMS.add(
    "here", {"period": [2, 2, 2], "other periods": 0},
    Control("below the edge", changes={"lr": BELOW}), slow=True, figure="exponents", second=_second_periods,
    domain="one tanh net of 64-16-4 units on 200 digits of four classes, squared error, η = 0.8, 600 steps, three starts",
    perturbations=[Control("a 3-cycle", {"period": [3, 3, 3]})],
)  # fmt: skip
def a_two_cycle_along_the_sharpest_direction(lr=AT_EDGE):
    """At η = 0.8 the swing along the sharpest direction has period 2 for each of three starts, since the step 11 or 59, and no
    direction has another period.

    The period of its first episode, and the number of episodes of another period, or irregular, along all directions that were
    followed; ``since``, ``until``: its steps. For two starts it lasts to the end, for one to step 105, where the sharpness is
    12 % below 2/η and the swing dies out.
    """
    found = [_run(seed, lr)[1] for seed in SEEDS]
    sharpest = [[one for one in episodes if one["direction"] == 1] for episodes in found]
    return {"period": [one[0]["period"] if one else 0 for one in sharpest],
            "other periods": sum(one["period"] != 2 for episodes in found for one in episodes),
            "since": [one[0]["since"] if one else 0 for one in sharpest],
            "until": [one[-1]["until"] if one else 0 for one in sharpest]}  # fmt: skip


def _second_raised():
    paths, beyond = ([_plain(seed, lr, True) for seed in SEEDS for lr in rates] for rates in (RAISED, (BEYOND,)))
    return {"other periods": sum(_returns(path[20:])[1] < 0.9 for path in paths if len(path) > STEPS),
            "diverged at 1.5": sum(len(path) <= STEPS for path in beyond)}  # fmt: skip


@CLAIMS.add(
    "here", {"with a 2-cycle": at_least(5), "other periods": 0, "diverged at 1.5": 3},
    Control("a smaller step for the largest", changes={"beyond": 1.0}), slow=True, second=_second_raised,
    domain="the same net, η raised once from 0.8 to 0.9, 1, 1.1, 1.2 or 1.5; three starts",
    perturbations=[Control("η raised to 1.2 only, which most runs survive", changes={"beyond": 1.2})],
)  # fmt: skip
def larger_steps_make_two_cycles_or_none(beyond=BEYOND):
    """From trained weights, with η raised to 0.9, 1, 1.1 and 1.2 in one go, every period that is seen is 2; raised to 1.5
    all three runs diverge.

    Three starts: of 12 runs those with a 2-cycle of 96 steps along some direction, episodes of another period, or irregular, in
    all, and those that diverge: one here, two in the second computation. In the others the swing dies out within a window.
    """
    runs = [_run(seed, lr, True) for seed in SEEDS for lr in RAISED]
    return {"with a 2-cycle": sum(any(one["period"] == 2 for one in run[1]) for run in runs),
            "other periods": sum(one["period"] != 2 for run in runs for one in run[1]),
            "diverged at 1.5": sum(_run(seed, beyond, True)[0].startswith("diverged") for seed in SEEDS),
            "diverged": sum(run[0].startswith("diverged") for run in runs)}  # fmt: skip


def _stretched(path, lr, start=5):
    """ln of what a tangent vector gains in each step, by differences of slopes."""
    u = np.random.default_rng(start).normal(size=path.shape[1])
    u, found = u / np.linalg.norm(u), []
    for w in path[:-1]:
        u = u - lr * (_slope(w + 1e-5 * u) - _slope(w - 1e-5 * u)) / 2e-5
        found.append(float(np.log(np.linalg.norm(u))))
        u = u / np.linalg.norm(u)
    return np.array(found)


def _second_exponents():
    found = {seed: np.array([_stretched(_plain(seed, AT_EDGE), AT_EDGE, 20 + k) for k in range(TANGENTS)]) for seed in SEEDS}
    burst = [_stretched(_plain(seed, BURST, True), BURST)[:50].reshape(10, 5).mean(axis=1).max() for seed in SEEDS]
    return {"late": [float(found[seed][:, TRAINED:].mean(axis=1).max()) for seed in SEEDS],
            "least early": float(min(found[seed][:, :60].mean(axis=1).max() for seed in SEEDS)),
            "least burst": float(min(burst))}  # fmt: skip


@CLAIMS.add(
    "here", {"late": near([0.0, 0.0, 0.0], 0.002), "least early": above(0.002), "least burst": above(0.1)},
    Control("the first sixty steps for the later half", changes={"since": 0, "until": 60}), slow=True, figure="exponents",
    second=_second_exponents,
    domain="the same net, three starts, eight tangent vectors; η = 0.8 and raised to 1.1",
    perturbations=[Control("an exponent of half a hundredth", {"late": near([0.005] * 3, 0.002)})],
)  # fmt: skip
def exponents_along_a_run(since=TRAINED, until=STEPS):
    """At the edge the largest exponent is 0 to two thousandths in the later half of a run; it is larger in the first 60 steps,
    and some tenths in the burst after η was raised.

    Means per step for three starts: at η = 0.8 after step 300 and over the first 60; at η raised to 1.1 the largest over 5 of
    the first 50 steps, where a swing grows by ln(ηλ₁ − 1). Of eight tangent vectors, begun at random with the run, the largest
    mean counts; ``late, least``: the smallest of the eight, since a stretch of a transient remembers the vector. Such a stretch
    is no chaos: it ends as the swing takes the sharpness down. It is no mark of the edge either: at η = 0.3, below it, the later
    half has 0.0010 to 0.0017.
    """
    means = [_gains(seed, AT_EDGE)[since:until].mean(axis=0) for seed in SEEDS]
    early = [_gains(seed, AT_EDGE)[:60].mean(axis=0).max() for seed in SEEDS]
    burst = [_run(seed, BURST, True)[3][:10].max() for seed in SEEDS]
    return {"late": [float(one.max()) for one in means], "least early": float(min(early)), "least burst": float(min(burst)),
            "late, least": [float(one.min()) for one in means],
            "late, below the edge": [float(_gains(seed, BELOW)[TRAINED:].mean(axis=0).max()) for seed in SEEDS]}  # fmt: skip


def _second_regimes():
    """Another net, other patients: descent to the minimum, its Hessian column by column by differences, and steps beside it."""
    w = _first(0, 10, 2, 1)
    for _ in range(8000):
        w = w - 0.3 * (_slope(w, "diabetes") + DECAY * w)
    ends = [(_slope(w + 1e-5 * e, "diabetes"), _slope(w - 1e-5 * e, "diabetes")) for e in np.eye(len(w))]
    moved = np.array([(up - down) / 2e-5 for up, down in ends])
    top = float(np.linalg.eigvalsh((moved + moved.T) / 2)[-1]) + DECAY
    return {"regimes": [_ends(w, lr) for lr in (1.99 / top, 2.01 / top, 8 / top)]}


def _ends(w, lr):
    """What weights from beside w do at the end of 8,000 steps, by how far they are after one more and after two."""
    path = [w + 1e-3 * np.random.default_rng(0).normal(size=len(w))]
    for _ in range(8002):
        if not np.linalg.norm(path[-1]) < 1e6:
            return "divergent"
        path = [*path[-2:], path[-1] - lr * (_slope(path[-1], "diabetes") + DECAY * path[-1])]
    one, two = (float(np.linalg.norm(path[-k] - path[0])) for k in (2, 1))
    return "fixed point" if one < 1e-6 else "period 2" if two < 1e-6 * one else "something else"


@cache
def _small():
    return cf.networks.mlp(cf.data.diabetes(n=40), widths=(2,))


@cache
def _bands():
    """Over η, from the minimum; and λ₁ there."""
    step = cf.as_map(_small(), cf.optimizers.gd(lr=0.5, weight_decay=DECAY))
    rest = cf.iterate(step, _small().start, 4000).z[-1]
    return cf.analysis.bands(step, rest, "lr", RANGE, count=14), float(_small().sharpness(rest))


@CLAIMS.add(
    "here", {"regimes": ["fixed point", "period 2", "divergent"], "flip · (λ₁ + δ)/2": near(1.0, 1e-6)},
    Control("the sharpness without the decay", changes={"decay": 0.0}), slow=True, figure="bands", second=_second_regimes,
    domain="a net of two tanh units, 25 weights, on 40 diabetes patients, weight decay 0.05; "
           "η from 0.66 to 2, each orbit from its minimum",
    perturbations=[Control("a decay 10 % larger", changes={"decay": 0.055})],
)  # fmt: skip
def regimes_of_a_small_net(decay=DECAY):
    """With weight decay a small net on real patients rests in its minimum up to η = 2/(λ₁ + δ), then is on a stable 2-cycle, and
    from about 1.7 on its orbit escapes.

    25 weights, two tanh units, 40 rows, δ = 0.05, from η = 0.66 to 2, each orbit from the minimum. ``escapes``: from where on, by
    halving between samples; ``largest exponent``: on the 2-cycles.
    """
    found, top = _bands()
    return {"regimes": [name for *_, name in found.bands], "flip · (λ₁ + δ)/2": found.bands[0][1] * (top + decay) / 2,
            "escapes": found.bands[-1][0], "largest exponent": float(np.max(found.exponents[found.labels == 2]))}  # fmt: skip


def figures():
    """Exponents along runs, and an orbit diagram over η."""
    return {"exponents": _exponents, "bands": _orbits}


def _exponents():
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained", sharey=True)
    cases = ((BELOW, False, "η = 0.3, below the edge"), (AT_EDGE, False, "η = 0.8, at the edge"),
             (BURST, True, "raised to 1.1"))  # fmt: skip
    for axis, (lr, raised, title) in zip(panels, cases, strict=True):
        for seed in SEEDS:
            _, episodes, t, rates = _run(seed, lr, raised)
            axis.plot(t, rates, color=f"C{seed}", lw=1, label=f"start {seed}")
            for one in (one for one in episodes if one["direction"] == 1):
                axis.plot([one["since"], one["until"]], [-0.1 - 0.02 * seed] * 2, color=f"C{seed}", lw=4, alpha=0.5)
        axis.axhline(0, color="0.6", lw=0.6)
        axis.set(title=title, xlabel="step")
        axis.set_yscale("symlog", linthresh=0.01)
    panels[0].set_ylabel("largest exponent per step;\nbars: 2-cycle, sharpest direction")
    panels[0].legend(fontsize=8)
    return figure


def _orbits():
    import matplotlib.pyplot as plt

    found, top = _bands()
    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    kept = found.labels > 0
    axis.plot(np.repeat(found.values[kept], found.tails.shape[1]), found.tails[kept].ravel(), "k.", ms=3)
    axis.axvline(2 / (top + DECAY), color="C0", lw=1, label="2/(λ₁ + δ)")
    axis.axvspan(found.bands[-1][0], found.bands[-1][1], color="C3", alpha=0.2, lw=0, label="escapes")
    axis.set(xlabel="learning rate", ylabel="first weight, last steps", title="25 weights, 40 real patients, weight decay")
    axis.legend(fontsize=8)
    return figure
