"""Z. Arai and K. Mischaikow, *Rigorous computations of homoclinic tangencies*, SIAM J. Appl. Dyn. Syst. 5 (2006) 280–292.

A homoclinic tangency makes a map have infinitely many attractors, or very long ones, at parameters nearby. The authors prove with
interval arithmetic and the Conley index that Hénon's map (1 − a x² + y, b x) has a quadratic one that unfolds generically, at
b = 0.3 for some a in an interval 1.6 · 10⁻¹¹ wide. Wilczak and Zgliczyński (arXiv:0905.3924) prove the same by another way, and
say whose result it is; the interval itself is recalled.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
BOX = [(-1.5, 1.5), (-0.5, 0.5)]


def _map(a=1.4, b=0.3):
    return cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": a, "b": b})


def _tangencies(b=0.3):
    return cf.analysis.tangencies(_map(b=b), [0.63, 0.19], "a", (1.391, 1.394), box=BOX, length=8, crises=False)


@CLAIMS.add(
    "theorem 1.1", {"a": near(1.392419807923, 8e-12), "quadratic": True, "speed": above(0.1)},
    Control("b = 0.2999", changes={"b": 0.2999}), figure="tangency",
)  # fmt: skip
def tangency_of_henon(b=0.3):
    """At b = 0.3 Hénon's map has a quadratic homoclinic tangency that unfolds generically, of the saddle with x > 0, for some a
    in [1.392419807915, 1.392419807931].

    The manifolds of the saddle are grown at three values of a from 1.391 to 1.394 and the distance of the curves where they are
    parallel is followed to its zero: a, and how fast the distance changes with a there. With 60 digits and by another way the
    zero is 1.39241980792285139703….
    """
    found = _tangencies(b)
    [tangency] = found
    return {"a": tangency.parameter, "quadratic": tangency.quadratic, "speed": abs(tangency.speed), "bend": tangency.bend}


@CLAIMS.add("theorem 1.1", {"below": 0, "above": 2}, Control("the other way round", expected={"below": 2, "above": 0}))
def two_points_are_born(width=1e-4):
    """The tangency unfolds generically: on one side the curves do not meet there, on the other they cross twice.

    Homoclinic points less than 10⁻³ away from the third image of the point of contact, at a 10⁻⁴ below and above the tangency.
    """
    [tangency] = _tangencies()
    contact, counts = cf.iterate(tangency.step, tangency.point, 3).z[-1], []
    for way in (-1, 1):
        step = _map(tangency.parameter + way * width)
        points = cf.analysis.homoclinic(step, [0.63, 0.19], box=BOX, length=8).points
        near_it = np.linalg.norm(points - contact, axis=1) < 1e-3
        counts.append(int(near_it.sum()))
    return {"below": counts[0], "above": counts[1]}


def figures():
    """Both manifolds at the tangency, with the place of contact enlarged."""
    return {"tangency": lambda: cf.plot(_tangencies())}
