"""C. Grebogi, E. Ott and J. A. Yorke, *Crises, sudden changes in chaotic attractors, and transient chaos*, Physica D 7 (1983)
181–200.

Sudden changes of chaotic attractors result from collisions with an unstable periodic orbit, called crises: sudden changes in
size, sudden destructions of attractors and their basins. Examples are the quadratic map and the Hénon map. Classical: a
boundary crisis destroys the attractor on the border of its basin, an interior crisis enlarges it, as at the end of each window
of the quadratic map; in the plane a crisis is where the unstable manifold of a cycle in the attractor first touches a stable
manifold.
"""

from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, Undecided, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _quadratic(power=2, scale=1.0):
    return cf.Map.from_text(f"c - {scale}*x**{power}", "x", params={"c": 1.8})


def _crises(power=2, scale=1.0):
    return cf.analysis.crises(_quadratic(power, scale), "c", (1.7, 2.1), [(-2.2, 2.2)], periods=3, samples=10, grid=120)


@CLAIMS.add(
    "abstract (collision with an unstable periodic orbit, sudden destruction); the number: classical",
    {"c": near(2.0, 1e-10), "kind": "boundary", "steps": 2, "period": 1},
    Control("the quartic map c − x⁴", changes={"power": 4}), figure="quadratic", domain="x → c − x², 1.1 ≤ c ≤ 2.1",
    perturbations=(Control("the map c − 1.02x²", changes={"scale": 1.02}),),
)  # fmt: skip
def boundary_crisis(power=2, scale=1.0):
    """The attractor of x → c − x² is destroyed at c = 2, where it meets the unstable fixed point on the border of its basin.

    All landings of the critical orbit on fixed points over 1.1 ≤ c ≤ 2.1, and what orbits on both sides do: the last crisis.
    """
    found = cf.analysis.crises(_quadratic(power, scale), "c", (1.1, 2.1), [(-2.2, 2.2)], periods=1, samples=6, grid=80)
    last = found[-1]
    return {"c": last.parameter, "kind": last.kind, "steps": last.steps, "period": last.period}


def _tip():
    """The root of f⁷(0) − f⁴(0) near 1.79, where the critical orbit lands on a 3-cycle, by SciPy."""

    def gap(c):
        x, places = 0.0, []
        for _ in range(7):
            x = c - x * x
            places.append(x)
        return places[6] - places[3]

    return {"c": float(brentq(gap, 1.7895, 1.7911, xtol=1e-15))}


@CLAIMS.add(
    "abstract (a sudden change in size); the number: own statement",
    {"c": near(1.790327491999345, 1e-10), "kind": "interior", "grows": True},
    Control("band merging in the window, which is none", changes={"kind": "band merging"}), figure="quadratic",
    domain="x → c − x², 1.7 ≤ c ≤ 2.1; crises on cycles of period 3", second=_tip,
    perturbations=(Control("the map c − 1.02x²", changes={"scale": 1.02}),),
)  # fmt: skip
def interior_crisis(kind="interior", scale=1.0):
    """The window of period 3 of x → c − x² ends at c = 1.7903…: the attractor in three small bands meets the unstable 3-cycle
    that was born with the stable one, and becomes one interval.

    The crisis on a cycle of period 3, the tip of the period-3 copy of the Mandelbrot set. By other code: the root of f⁷(0) =
    f⁴(0) in c, where the critical orbit lands on a 3-cycle.
    """
    [crisis] = [c for c in _crises(scale=scale) if c.period == 3 and c.kind == kind]
    return {"c": crisis.parameter, "kind": crisis.kind, "grows": "as much above" in crisis.meaning, "steps": crisis.steps}


@CLAIMS.add(
    "abstract (the Hénon map; sudden destructions of attractors and their basins); the number: from memory",
    {"a": near(1.4269, 1e-4), "kind": "boundary"},
    Control("b = 0.295", changes={"b": 0.295, "bounds": (1.425, 1.445)}), figure="henon",
    domain="(x, y) → (1 − ax² + y, bx), b = 0.3, 1.42 ≤ a ≤ 1.43",
    perturbations=(Control("b = 0.298", changes={"b": 0.298, "bounds": (1.422, 1.435)}),),
)  # fmt: skip
def boundary_crisis_in_the_plane(b=0.3, bounds=(1.42, 1.43)):
    """Hénon's attractor at b = 0.3 is destroyed at a ≈ 1.4269, where the unstable manifold of the fixed point in it touches the
    stable manifold of the other fixed point, the border of its basin.

    The first heteroclinic tangency over the bounds beside which orbits go to infinity on one side only.
    """
    crises = [t for t in _henon(b, bounds) if t.crisis != "undecided"]
    if not crises:
        raise Undecided("no tangency beside which orbits change was found within the bounds")
    return {"a": crises[0].parameter, "kind": crises[0].crisis}


def _henon(b=0.3, bounds=(1.42, 1.43)):
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.42, "b": b})
    box = [(-2, 2), (-0.6, 0.6)]
    left, right = cf.analysis.cycles(step, 1, [(-3, 3), (-3, 3)])
    return cf.analysis.tangencies(step, right, "a", bounds, other=left, box=box, length=8)


def figures():
    """The quadratic map's attractor with its crises, and the touching manifolds of Hénon's map."""
    return {"quadratic": lambda: cf.plot(_crises()), "henon": lambda: cf.plot(_henon())}
