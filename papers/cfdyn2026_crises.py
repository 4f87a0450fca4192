"""The developers of cfdyn, *What ends a window and what bounds a basin*, this project (2026).

Gradient descent on the double well, w → w − η(w³ − w), is u → A u − u³ with u = √η w and A = 1 + η. Its critical points are
u = ±√(A/3). With c = √(A/3): f(c) = 2A c/3, and f(u) = 0 for u² = A.

* The window of the 3-cycle ends where f⁴(c) lands on the 3-cycle that was born unstable with the stable one: f⁷(c) = f⁴(c).
  The three bands of the attractor then fill one interval: an interior crisis.
* Both wells become one attractor where f²(c) = 0, the local maximum of the loss: (2A/3)²·A/3 = A, so A = 3√3/2.
* For heavy ball the maximum is a saddle of the map in weight and velocity. Its stable manifold is the border between the basins
  of both minima, and its unstable one runs into them.
"""

import mpmath as mp
import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
BOX = [(-2.5, 2.5), (-12.0, 12.0)]


def _descent(loss="(w**2 - 1)**2/4"):
    return cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=1.46))


def _crises(loss="(w**2 - 1)**2/4"):
    return cf.analysis.crises(_descent(loss), "lr", (1.45, 1.62), [(-2, 2)], periods=3, samples=8, grid=120)


def _second_window():
    """f⁷(c) = f⁴(c) with 40 digits, near the end that a diagram shows."""
    with mp.workdps(40):

        def gap(eta):
            u, seen = mp.sqrt((1 + eta) / 3), []
            for _ in range(7):
                u = (1 + eta) * u - u**3
                seen.append(u)
            return seen[6] - seen[3]

        return {"lr": float(mp.findroot(gap, (mp.mpf("1.4729"), mp.mpf("1.47295"))))}


@CLAIMS.add(
    "first item", {"lr": near(1.47292765399, 1e-11), "steps": 4, "kind": "interior"},
    Control("a tilted well", changes={"loss": "(w**2 - 1)**2/4 + w/100"}), figure="crises", second=_second_window,
)  # fmt: skip
def end_of_the_window(loss="(w**2 - 1)**2/4"):
    """The window of period 3 of descent on the double well ends at η = 1.47292765399, where the fourth image of the critical
    point is a point of the unstable 3-cycle.

    Of all crises over 1.45 ≤ η ≤ 1.62 with cycles up to period 3, the interior one on a 3-cycle.
    """
    crisis = next(c for c in _crises(loss) if c.period == 3 and c.kind == "interior")
    return {"lr": crisis.parameter, "steps": crisis.steps, "kind": crisis.kind, "multiplier": crisis.multiplier}


def _second_merging():
    """The positive root of 4A² = 27, less 1."""
    return {"lr": float(max(np.roots([4, 0, -27]).real) - 1)}


@CLAIMS.add(
    "second item", {"lr": near(1.5 * np.sqrt(3) - 1, 1e-12), "steps": 2, "evidence": ["chaotic"] * 3},
    Control("higher wells", changes={"loss": "(w**2 - 1)**2/4 + (w**2 - 1)**4/50"}), figure="crises",
    second=_second_merging,
)  # fmt: skip
def wells_become_one(loss="(w**2 - 1)**2/4"):
    """The chaotic attractors of both wells become one at η = 3√3/2 − 1 = 1.598076…, where the critical orbit lands on the
    maximum between them.

    The interior crisis on a fixed point over 1.5 ≤ η ≤ 1.8; ``evidence``: exponent and 0–1 test together at η = 1.59 in the two
    wells, and at 1.61.
    """
    found = cf.analysis.crises(_descent(loss), "lr", (1.5, 1.8), [(-2, 2)], periods=1, samples=6, grid=60)
    [crisis] = [c for c in found if c.kind == "interior"]
    places = ((1.59, 0.5), (1.59, -0.5), (1.61, 0.5))
    evidence = [cf.analysis.chaos(_descent(loss).at(lr=lr), [start], dimensions=False).kind for lr, start in places]
    return {"lr": crisis.parameter, "steps": crisis.steps, "evidence": evidence}


def _second_basins():
    """None of the 40 pairs ends in one well: what a border is."""
    return {"same": 0}


@CLAIMS.add(
    "third item", {"same": 0, "pairs": 40, "unstable": [-1.0, 1.0]}, Control("curves moved by 0.3", changes={"shift": 0.3}),
    figure="basins", second=_second_basins,
)  # fmt: skip
def border_of_basins(shift=0.0, points=40):
    """The stable manifold of the saddle bounds the basins of both minima of heavy ball (η = 0.1, β = 0.9).

    From 40 points of it in the box |w| ≤ 2.5, |v| ≤ 12, each moved by 10⁻⁴ to both sides in w: how many pairs do not end
    in one well each. And where both halves of the unstable manifold end.
    """
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.1, momentum=0.9))
    unstable, stable = cf.analysis.manifolds(step, [0.0, 0.0], box=BOX)
    inside = stable.curve[(np.abs(stable.curve) < np.array(BOX)[:, 1]).all(axis=1)]
    same = pairs = 0
    for point in inside[:: max(1, len(inside) // points)][:points]:
        ends = [cf.iterate(step, point + [shift + side, 0.0], 2000).z[-1, 0] for side in (-1e-4, 1e-4)]
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
