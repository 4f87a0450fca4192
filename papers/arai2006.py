"""Z. Arai and K. Mischaikow, *Rigorous computations of homoclinic tangencies*, SIAM J. Appl. Dyn. Syst. 5 (2006) 280–292.

A homoclinic tangency that unfolds generically makes a map have infinitely many attractors at parameters nearby (Newhouse). The
authors prove with interval arithmetic and the Conley index that Hénon's map (1 − a x² + y, b x) has a quadratic one, at b = 0.3
for an a near 1.3924 (the number is recalled). Wilczak and Zgliczyński (arXiv:0905.3924, whose introduction was read) prove such
tangencies by another way, and say whose result it is; the digits below are ours.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
BOX = [(-1.5, 1.5), (-0.5, 0.5)]


def _map(a=1.4, b=0.3):
    return cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": a, "b": b})


def _tangencies(b=0.3):
    return cf.analysis.tangencies(_map(b=b), [0.63, 0.19], "a", (1.391, 1.394), box=BOX, length=8, crises=False)


@CLAIMS.add(
    "as cited (a generic homoclinic tangency); the digits are ours",
    {"a": near(1.392419807923, 8e-12), "quadratic": True, "speed": near(0.516, 0.01)},
    Control("b = 0.2999", changes={"b": 0.2999}), figure="tangency",
    domain="the map (1 − ax² + y, 0.3x), the manifolds of its saddle with x > 0, a from 1.391 to 1.394",
    perturbations=(Control("b = 0.30001", changes={"b": 0.30001}),),
)  # fmt: skip
def tangency_of_henon(b=0.3):
    """At b = 0.3 the manifolds of the saddle with x > 0 of Hénon's map have a quadratic tangency at a = 1.3924198079, which
    unfolds generically: the distance of the curves there changes with a at the rate 0.516.

    The manifolds of the saddle are grown at three values of a from 1.391 to 1.394 and the distance of the curves where they are
    parallel is followed to its zero: a, and how fast the distance changes with a there. With 60 digits and by another way the
    zero is 1.39241980792285139703….
    """
    found = _tangencies(b)
    [tangency] = found
    return {"a": tangency.parameter, "quadratic": tangency.quadratic, "speed": abs(tangency.speed), "bend": tangency.bend}


@CLAIMS.add(
    "as cited (it unfolds generically)", {"below": 0, "above": 2},
    Control("the sides exchanged", changes={"width": -1e-4}), domain="that tangency, a at 10⁻⁴ from it on both sides",
    perturbations=(Control("both sides above, at 10⁻⁴ and 2·10⁻⁴", changes={"ways": (2, 1)}),),
)  # fmt: skip
def two_points_are_born(width=1e-4, ways=(-1, 1)):
    """For smaller a the curves do not meet near the point of contact, for larger a they cross twice.

    Homoclinic points less than 10⁻³ away from the third image of the point of contact, at a 10⁻⁴ below and above the tangency.
    """
    [tangency] = _tangencies()
    contact, counts = cf.iterate(tangency.step, tangency.point, 3).z[-1], []
    for way in ways:
        step = _map(tangency.parameter + way * width)
        points = cf.analysis.homoclinic(step, [0.63, 0.19], box=BOX, length=8).points
        near_it = np.linalg.norm(points - contact, axis=1) < 1e-3
        counts.append(int(near_it.sum()))
    return {"below": counts[0], "above": counts[1]}


def figures():
    """Both manifolds at the tangency, with the place of contact enlarged."""
    return {"tangency": lambda: cf.plot(_tangencies())}
