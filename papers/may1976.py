"""R. M. May, *Simple mathematical models with very complicated dynamics*, Nature 261 (1976) 459–467.

The review that made the logistic map x → r x (1 − x) known: its fixed point loses its stability by a period doubling, the
doublings accumulate, and beyond lie windows of other periods, of which that of period 3 is the widest.
"""

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


@CLAIMS.add(
    "table 1", {"flip": near(3.0, 1e-12), "multiplier": near(-1.0, 1e-9)},
    Control("the map r x (1 − x²), whose fixed point flips at 2", changes={"formula": "r*x*(1-x**2)", "start": 0.4, "low": 1.2}),
)  # fmt: skip
def first_flip(formula="r*x*(1-x)", start=0.6, low=2.5):
    """The fixed point of the logistic map loses its stability at r = 3, where its multiplier is −1: a 2-cycle is born.

    The branch of fixed points is continued up to r = 3.2 and its first flip is located.
    """
    step = cf.Map.from_text(formula, params={"r": low})
    branch = cf.analysis.continue_cycle(step, [start], "r", (low, 3.2))
    flip = next(point for point in branch.bifurcations if point.kind == "flip")
    point = flip.points[0]
    return {"flip": flip.parameter, "multiplier": step.at(r=flip.parameter).jacobian(point)[0, 0], "kind": flip.kind}


def figures():
    """The period doublings of the logistic map."""
    return {"cascade": lambda: cf.plot(_cascade())}


def _cascade():
    return cf.analysis.cascade(cf.Map.from_text("r*x*(1-x)", params={"r": 2.9}), [0.65], "r", bounds=(2.5, 3.6))
