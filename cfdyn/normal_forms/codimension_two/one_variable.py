"""Cusp and generalised flip: one critical multiplier, ±1."""

from cfdyn.normal_forms.codimension_two.centre import simple
from cfdyn.normal_forms.codimension_two.normalized import resonant
from cfdyn.normal_forms.codimension_two.problem import Problem, Verdict, degenerate, towards, vanishing
from cfdyn.words import called


def cusp(at: Problem) -> Verdict:
    """ξ ↦ ξ + c ξ³, (1/n) Σ_k |q_k|² = 1.

    c = ⅙⟨p, C(q,q,q) + 3B(q,h)⟩ (Kuznetsov & Meijer, §3); three cycles live on one side of the two folds that meet here, the
    middle one stable on the centre manifold if c > 0, the outer ones if c < 0.
    """
    critical, kept = simple(at.matrices, 1.0), resonant(1, 0)
    normal = at.normal_map(critical, 3, kept)
    c = normal.real(0, (3,))
    if vanishing(normal, 3, c=c):
        return Verdict({"c": c}, degenerate("c"))
    shift, slope = at.rates(critical, 2, kept, (0, (0,)), (0, (1,)))
    several, only = called(at.period, several=True), called(at.period)
    stable = "the middle one" if c > 0 else "the outer two"
    kinds = "all unstable in other directions" if at.hyperbolic else f"{stable} stable"
    meaning = f"two folds meet: between them are three {several}, {kinds}, outside them one {only}"
    return Verdict({"c": c}, meaning, towards(three_cycles=(shift, -c * slope)))


def generalized_flip(at: Problem) -> Verdict:
    """ξ ↦ −ξ + e ξ⁵, (1/n) Σ_k |q_k|² = 1, which settles e.

    Kuznetsov & Meijer, §3. A fold of cycles of twice the period begins here, on the side where the flip's cubic coefficient c
    has the sign of −e: for e > 0 where the flip is subcritical. With the multiplier −1 − μ these cycles are ξ² = r,
    −μ + c r + e r² = 0; the outer one is stable on the centre manifold if e > 0, the inner one if e < 0.
    """
    critical, kept = simple(at.matrices, -1.0), resonant(2, 1)
    normal = at.normal_map(critical, 5, kept)
    e = normal.real(0, (5,))
    if vanishing(normal, 5, e=e):
        return Verdict({"e": e}, degenerate("e"))
    speed, cubic = at.rates(critical, 4, kept, (0, (1,)), (0, (3,)))
    twice, single = called(2 * at.period, several=True), called(at.period)
    side, stable, beside = ("subcritical", "larger", "inside") if e > 0 else ("supercritical", "smaller", "outside")
    kinds = "both unstable in other directions" if at.hyperbolic else f"the {stable} one stable"
    meaning = (f"two {twice}, {kinds}, collide at a fold of the doubled cycle that begins here, beside where the flip is {side}; "
               f"they are there where the {single}'s multiplier is {beside} the unit circle")  # fmt: skip
    return Verdict({"e": e}, meaning, towards(**{f"fold of the {called(2 * at.period)}": (speed, -e * cubic)}))
