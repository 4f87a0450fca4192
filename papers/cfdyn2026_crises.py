"""The developers of cfdyn, *What ends a window and what bounds a basin*, this project (2026).

Gradient descent on the double well, w → w − η(w³ − w), is u → A u − u³ with u = √η w and A = 1 + η. Its critical points are
u = ±√(A/3). With c = √(A/3): f(c) = 2A c/3, and f(u) = 0 for u² = A.

* The window of the 3-cycle ends where f⁴(c) lands on the 3-cycle that was born unstable with the stable one: f⁷(c) = f⁴(c).
  The three bands of the attractor then fill one interval: an interior crisis.
* Up to A = 3√3/2 each well keeps its orbits: f takes (0, √A) into itself as long as f(c) ≤ √A. Equality means f²(c) = 0, the
  local maximum of the loss: (2A/3)²·A/3 = A, so A = 3√3/2. That the attractors are one beyond is seen in orbits.
* For heavy ball the maximum is a saddle of the map in weight and velocity. Its stable manifold is the border between the basins
  of both minima, and its unstable one runs into them.
"""

import mpmath as mp
import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
BOX = [(-2.5, 2.5), (-12.0, 12.0)]


def _descent(loss="(w**2 - 1)**2/4"):
    return cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=1.46))


def _crises(loss="(w**2 - 1)**2/4"):
    return cf.analysis.crises(_descent(loss), "lr", (1.45, 1.62), [(-2, 2)], periods=3, samples=8, grid=120)


def _bands(eta, steps=40_000):
    """How many intervals an orbit fills: gaps above 0.1, and one more."""
    u = np.empty(steps)
    u[0] = 0.4
    for k in range(steps - 1):
        u[k + 1] = (1 + eta) * u[k] - u[k] ** 3
    return 1 + int((np.diff(np.sort(u[1000:])) > 0.1).sum())


def _second_window():
    """f⁷(c) = f⁴(c) with 40 digits, near the end that a diagram shows, and the bands in a plain loop."""
    with mp.workdps(40):

        def gap(eta):
            u, seen = mp.sqrt((1 + eta) / 3), []
            for _ in range(7):
                u = (1 + eta) * u - u**3
                seen.append(u)
            return seen[6] - seen[3]

        lr = float(mp.findroot(gap, (mp.mpf("1.4729"), mp.mpf("1.47295"))))
    return {"lr": lr, "bands": [_bands(lr - 1e-4), _bands(lr + 1e-4)]}


@CLAIMS.add(
    "first item", {"lr": near(1.472927653985, 1e-10), "steps": 4, "kind": "interior", "bands": [3, 1]},
    Control("a tilted well", changes={"loss": "(w**2 - 1)**2/4 + w/100"}), figure="crises", second=_second_window,
    domain="(w² − 1)²/4, one weight; the window of period 3 that ends in 1.45 ≤ η ≤ 1.62; bands of one orbit in the right well",
    perturbations=[Control("a well 0.1 % wider", changes={"loss": "(w**2 - 1.001)**2/4"}),
        Control("bands on one side only", changes={"sides": (-2e-4, -1e-4)})],
)  # fmt: skip
def end_of_the_window(loss="(w**2 - 1)**2/4", sides=(-1e-4, 1e-4)):
    """The window of period 3 of descent on the double well ends at η = 1.47292765399, where the fourth image of the critical
    point is a point of the unstable 3-cycle; 10⁻⁴ below an orbit fills three bands, 10⁻⁴ above one.

    Of all crises over 1.45 ≤ η ≤ 1.62 with cycles up to period 3, the interior one on a 3-cycle. Bands are parted by gaps of more
    than 0.1 in w among 39,000 points. Second: f⁷(c) = f⁴(c) solved with 40 digits, and bands in a plain loop.
    """
    crisis = next(c for c in _crises(loss) if c.period == 3 and c.kind == "interior")
    found = {"lr": crisis.parameter, "steps": crisis.steps, "kind": crisis.kind, "multiplier": crisis.multiplier}
    orbits = [cf.iterate(_descent(loss).at(lr=crisis.parameter + side), [0.4], 40_000).z[1000:, 0] for side in sides]
    return {**found, "bands": [1 + int((np.diff(np.sort(orbit)) > 0.1).sum()) for orbit in orbits]}


def _sides(orbit):
    """Where an orbit is: "right", "left" or "both"."""
    return "both" if min(orbit) < 0 < max(orbit) else "right" if min(orbit) > 0 else "left"


def _second_merging():
    """The positive root of 4A² = 27, less 1, and the sides in a plain loop."""
    seen = []
    for lr, w in PLACES:
        orbit = [w]
        for _ in range(20_000):
            orbit.append((1 + lr) * orbit[-1] - lr * orbit[-1] ** 3)
        seen.append(_sides(orbit))
    return {"lr": float(max(np.roots([4, 0, -27]).real) - 1), "sides": seen}


PLACES = ((1.598, 0.5), (1.598, -0.5), (1.5982, 0.5), (1.5982, -0.5))


@CLAIMS.add(
    "second item",
    {"lr": near(1.5 * np.sqrt(3) - 1, 1e-12), "exact": ["-1 + 3*sqrt(3)/2"], "steps": 2, "evidence": ["chaotic"] * 4,
     "sides": ["right", "left", "both", "both"]},
    Control("higher wells", changes={"loss": "(w**2 - 1)**2/4 + (w**2 - 1)**4/50"}), figure="crises",
    domain="(w² − 1)²/4, one weight; 1.5 ≤ η ≤ 1.8 for where the critical orbit lands; starts ±0.5 at η = 1.598 and 1.5982 for "
        "the attractors",
    perturbations=[Control("a well 0.1 % wider", changes={"loss": "(w**2 - 1.001)**2/4"}),
        Control("both rates below", changes={"rates": (1.597, 1.598)})],
    second=_second_merging,
)  # fmt: skip
def wells_become_one(loss="(w**2 - 1)**2/4", rates=(1.598, 1.5982)):
    """The second image of the critical points is the maximum between the wells at η = 3√3/2 − 1 = 1.598076…, by algebra; that the
    chaotic attractors of both wells become one there is numerical: at η = 1.598 orbits from ±0.5 stay on their side, at 1.5982
    they visit both.

    "lr": the interior crisis on a fixed point over 1.5 ≤ η ≤ 1.8; "exact": f²(c) = 0 by SymPy, as η; ``evidence``: exponent and
    0–1 test together at both rates from both starts; "sides": where 20,000 steps are. Second: 4A² = 27, and a plain loop.
    """
    found = cf.analysis.crises(_descent(loss), "lr", (1.5, 1.8), [(-2, 2)], periods=1, samples=6, grid=60)
    [crisis] = [c for c in found if c.kind == "interior"]
    places = [(_descent(loss).at(lr=lr), start) for lr in rates for start in (0.5, -0.5)]
    evidence = [cf.analysis.chaos(step, [start], dimensions=False).kind for step, start in places]
    sides = [_sides(cf.iterate(step, [start], 20_000).z[:, 0]) for step, start in places]
    a = sp.symbols("A", positive=True)
    first = 2 * a / 3 * sp.sqrt(a / 3)
    exact = [str(root - 1) for root in sp.solve(sp.expand(a * first - first**3), a)]
    return {"lr": crisis.parameter, "exact": exact, "steps": crisis.steps, "evidence": evidence, "sides": sides}


def _ball(w, v, steps=2000):
    for _ in range(steps):
        v = 0.9 * v + w**3 - w
        w = w - 0.1 * v
    return w


def _second_basins():
    """The stable manifold from a short piece of the stable eigenvector by the inverse of one step, in NumPy; pairs as there."""
    slow = 1 - np.sqrt(0.1)  # λ² − 2λ + 0.9 = 0
    start = 1e-5 * slow ** np.linspace(0, 1, 400, endpoint=False)
    w, v, points = np.concatenate([start, -start]), np.concatenate([start, -start]) * (1 - slow) / 0.1, []
    for _ in range(60):
        w = w + 0.1 * v
        v = (v - w**3 + w) / 0.9
        inside = (np.abs(w) < BOX[0][1]) & (np.abs(v) < BOX[1][1])
        w, v = w[inside], v[inside]
        points.append(np.stack([w, v], -1))
    points = np.concatenate(points)
    points = points[np.random.default_rng(0).permutation(len(points))[:40]]
    ends = np.array([_ball(points[:, 0] + side, points[:, 1]) for side in (-1e-4, 1e-4)])
    split = (ends.min(axis=0) < -0.999) & (ends.max(axis=0) > 0.999)
    fast = 1 + np.sqrt(0.1)
    halves = [float(_ball(s * 1e-6, s * 1e-6 * (1 - fast) / 0.1)) for s in (-1, 1)]
    return {"same": int((~split).sum()), "pairs": len(points), "unstable": sorted(round(end, 6) for end in halves)}


@CLAIMS.add(
    "third item", {"same": 0, "pairs": 40, "unstable": [-1.0, 1.0]}, Control("curves moved by 0.3", changes={"shift": 0.3}),
    figure="basins", second=_second_basins,
    domain="(w² − 1)²/4, one weight; heavy ball, η = 0.1, β = 0.9; 40 points of the manifold in |w| ≤ 2.5, |v| ≤ 12",
    perturbations=[Control("the curve moved by 0.001", changes={"shift": 1e-3}),
        Control("the curve of β = 0.9 for runs with β = 0.891", changes={"momentum": 0.891})],
)  # fmt: skip
def border_of_basins(shift=0.0, points=40, momentum=0.9):
    """The stable manifold of the saddle w = 0 of heavy ball (η = 0.1, β = 0.9) on the double well lies between the basins of both
    minima: starts 10⁻⁴ to its left and right in w end in different minima, at all of 40 points; the two halves of the unstable
    manifold end in the two minima.

    For 40 points of the curve in the box |w| ≤ 2.5, |v| ≤ 12: how many pairs do not end in one well each. And where both halves
    of the unstable manifold end. Second: the manifold by inverse steps from the stable eigenvector, in NumPy.
    """
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.1, momentum=0.9))
    runs = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.1, momentum=momentum))
    unstable, stable = cf.analysis.manifolds(step, [0.0, 0.0], box=BOX)
    inside = stable.curve[(np.abs(stable.curve) < np.array(BOX)[:, 1]).all(axis=1)]
    same = pairs = 0
    for point in inside[:: max(1, len(inside) // points)][:points]:
        ends = [cf.iterate(runs, point + [shift + side, 0.0], 2000).z[-1, 0] for side in (-1e-4, 1e-4)]
        # One that ends in neither well divides nothing.
        same += not (min(ends) < -0.999 and max(ends) > 0.999)
        pairs += 1
    return {"same": int(same), "pairs": pairs, "unstable": sorted(round(float(half[-1, 0]), 6) for half in unstable.halves)}


def _basins():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.1, momentum=0.9))
    return cf.plot(cf.analysis.manifolds(step, [0.0, 0.0], box=BOX, basins=300))


def figures():
    """The attractor of one well with its crises, and both basins of heavy ball with the manifolds of the saddle."""
    return {"crises": lambda: cf.plot(_crises()), "basins": _basins}
