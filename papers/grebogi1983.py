"""C. Grebogi, E. Ott and J. A. Yorke, *Crises, sudden changes in chaotic attractors, and transient chaos*, Physica D 7 (1983)
181–200.

A chaotic attractor changes suddenly where it meets an unstable cycle: on the border of its basin it is destroyed (a boundary
crisis), inside the basin it grows (an interior crisis), as at the end of each window of the quadratic map. In the plane a
crisis is where the unstable manifold of a cycle in the attractor first touches a stable manifold.
"""

import cfdyn as cf
from cfdyn.claims import Claims, Control, Undecided, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


def _quadratic(power=2):
    return cf.Map.from_text(f"c - x**{power}", "x", params={"c": 1.8})


def _crises(power=2):
    return cf.analysis.crises(_quadratic(power), "c", (1.7, 2.1), [(-2.2, 2.2)], periods=3, samples=10, grid=120)


@CLAIMS.add(
    "section 2", {"c": near(2.0, 1e-12), "kind": "boundary", "steps": 2, "period": 1},
    Control("the quartic map c − x⁴", changes={"power": 4}), figure="quadratic",
)  # fmt: skip
def boundary_crisis(power=2):
    """The attractor of x → c − x² is destroyed at c = 2, where it meets the unstable fixed point on the border of its basin.

    All landings of the critical orbit on fixed points over 1.1 ≤ c ≤ 2.1, and what orbits on both sides do: the last crisis.
    """
    found = cf.analysis.crises(_quadratic(power), "c", (1.1, 2.1), [(-2.2, 2.2)], periods=1, samples=6, grid=80)
    last = found[-1]
    return {"c": last.parameter, "kind": last.kind, "steps": last.steps, "period": last.period}


@CLAIMS.add(
    "section 3", {"c": near(1.790327491999345, 1e-12), "kind": "interior", "grows": True},
    Control("band merging in the window, which is none", changes={"kind": "band merging"}), figure="quadratic",
)  # fmt: skip
def interior_crisis(kind="interior"):
    """The window of period 3 of x → c − x² ends at c = 1.7903…: the attractor in three small bands meets the unstable 3-cycle
    that was born with the stable one, and becomes one interval.

    The crisis on a cycle of period 3. Expected is the tip of the period-3 copy of the Mandelbrot set, −c = −1.790327491999345….
    """
    [crisis] = [c for c in _crises() if c.period == 3 and c.kind == kind]
    return {"c": crisis.parameter, "kind": crisis.kind, "grows": "as much above" in crisis.meaning, "steps": crisis.steps}


@CLAIMS.add(
    "section 5", {"a": near(1.4269, 1e-4), "kind": "boundary"},
    Control("b = 0.295", changes={"b": 0.295, "bounds": (1.425, 1.445)}), figure="henon",
)  # fmt: skip
def boundary_crisis_in_the_plane(b=0.3, bounds=(1.42, 1.43)):
    """Hénon's attractor at b = 0.3 is destroyed at a ≈ 1.4269, where the unstable manifold of the fixed point in it touches the
    stable manifold of the other fixed point, the border of its basin.

    The first heteroclinic tangency over the bounds beside which orbits go to infinity on one side only.
    """
    crises = [t for t in _henon(b, bounds) if t.crisis is not None]
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
