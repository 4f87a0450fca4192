"""Cusp and generalised flip: one critical multiplier, ±1."""

from cfdyn.normal_forms.codimension_two.centre import simple
from cfdyn.normal_forms.codimension_two.problem import Problem, Verdict
from cfdyn.words import called


def cusp(at: Problem) -> Verdict:
    """ξ ↦ ξ + c ξ³, (1/n) Σ_k |q_k|² = 1.

    c = ⅙⟨p, C(q,q,q) + 3B(q,h)⟩ (Kuznetsov & Meijer, (3.2)); three cycles live on one side of the two folds that meet here,
    the middle one stable on the centre manifold if c > 0, the outer ones if c < 0.
    """
    normal = at.normal_map(simple(at.matrices, 1.0), 3, lambda i, e: True)
    c = normal.real(0, (3,))
    what, only = called(at.period, several=True), called(at.period)
    kinds = ("all unstable in other directions" if at.hyperbolic else
             f"{'the middle one' if c > 0 else 'the outer two'} stable")  # fmt: skip
    return Verdict({"c": c}, f"two folds meet: between them are three {what}, {kinds}, outside them one {only}")


def generalized_flip(at: Problem) -> Verdict:
    """ξ ↦ −ξ + e ξ⁵, (1/n) Σ_k |q_k|² = 1, which settles e.

    Kuznetsov & Meijer, (3.6). A fold of two cycles of twice the period begins here, on the side where the flip's cubic
    coefficient c has the sign of −e: for e > 0 where the flip is subcritical. Of the two cycles of ξ² = r, −β + c r + e r² = 0,
    the outer one is stable on the centre manifold if e > 0, the inner one if e < 0.
    """
    normal = at.normal_map(simple(at.matrices, -1.0), 5, lambda i, e: sum(e) % 2 == 1)
    e, twice = normal.real(0, (5,)), called(2 * at.period, several=True)
    side, stable = ("subcritical", "larger") if e > 0 else ("supercritical", "smaller")
    kinds = "both unstable in other directions" if at.hyperbolic else f"the {stable} one stable"
    return Verdict({"e": e}, f"two {twice}, {kinds}, collide at a fold of the doubled cycle that begins here, beside where the "
                             f"flip is {side}")  # fmt: skip
