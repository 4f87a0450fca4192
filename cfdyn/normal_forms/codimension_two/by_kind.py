"""The coefficients of a cycle of codimension two, by the kind of the point, and their meaning in words."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cfdyn.cycles.shooting import jacobians, multipliers_of
from cfdyn.errors import CfdynError, NumericsError
from cfdyn.normal_forms.codimension_two import resonances, two_at_once
from cfdyn.normal_forms.codimension_two.centre import simple
from cfdyn.normal_forms.codimension_two.normalized import resonant
from cfdyn.normal_forms.codimension_two.problem import ON_CIRCLE, Problem, Verdict, degenerate, towards, vanishing
from cfdyn.normal_forms.critical_multipliers import cycle_points
from cfdyn.systems.map import Map
from cfdyn.words import called

DOUBLE = 1e-3  # of a double multiplier, known to half of the digits
TOLERANCE, ORDER = 1e-6, 5  # of a cycle's points; of the derivatives that a coefficient may need

# Points of codimension two for which there is no table of coefficients, as where there is a symmetry.
OTHERS = ("double fold", "double flip", "double branch", "branch point-", "transcritical", "degenerate")
WITHOUT = "undecided: this kind of point has no normal form here"


class Kind(NamedTuple):
    """The function of the verdict, the number of critical multipliers, and their accuracy relative to the unit circle."""

    verdict: Callable[[Problem], Verdict]
    critical: int
    close: float = ON_CIRCLE



def cusp(at: Problem) -> Verdict:
    """ξ ↦ ξ + c ξ³, (1/n) Σ_k |q_k|² = 1.

    c = ⅙⟨p, C(q,q,q) + 3B(q,h)⟩ (Kuznetsov & Meijer, §3); three cycles exist on one side of the two folds that meet here, the
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
    meaning = f"two fold curves meet here; between them there are three {several}, {kinds}; outside them there is one {only}"
    return Verdict({"c": c}, meaning, towards(three_cycles=(shift, -c * slope)))


def generalized_flip(at: Problem) -> Verdict:
    """ξ ↦ −ξ + e ξ⁵, (1/n) Σ_k |q_k|² = 1, which determines e.

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
    fold = f"fold of the {called(2 * at.period)}"
    ways = towards(**{fold: (speed, -e * cubic)})
    meaning = (f"a fold curve of {twice} starts here, tangent to the flip curve, on the side where the flip is {side}"
               f"{at.side(ways.get(fold))}. Between the two curves the multiplier of the {single} is {beside} the unit circle, "
               f"and two {twice} exist, {kinds}")  # fmt: skip
    return Verdict({"e": e}, meaning, ways)


KINDS = {
    "cusp": Kind(cusp, 1),
    "generalized flip": Kind(generalized_flip, 1),
    "chenciner": Kind(resonances.chenciner, 2),
    "resonance 1:1": Kind(resonances.resonance_1, 2, DOUBLE),
    "resonance 1:2": Kind(resonances.resonance_2, 2, DOUBLE),
    "resonance 1:3": Kind(resonances.resonance_3, 2),
    "resonance 1:4": Kind(resonances.resonance_4, 2),
    "fold-flip": Kind(two_at_once.fold_flip, 2),
    "fold-neimark-sacker": Kind(two_at_once.fold_neimark_sacker, 3),
    "flip-neimark-sacker": Kind(two_at_once.flip_neimark_sacker, 3),
    "double neimark-sacker": Kind(two_at_once.double_neimark_sacker, 4),
}


def codimension_two_fields(step: Map, points: np.ndarray, kind: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    """``coefficients``, ``meaning`` and ``directions`` of a point; all empty at a border and on the curve of a condition."""
    nothing: dict[str, Any] = {"coefficients": {}, "meaning": "", "directions": {}}
    if kind not in KINDS:
        return {**nothing, "meaning": WITHOUT if kind.startswith(OTHERS) else ""}
    try:
        with np.errstate(all="ignore"):
            verdict = KINDS[kind].verdict(_problem(step, points, kind, parameters))
        if not all(np.isfinite(value) for value in verdict.coefficients.values()):
            raise NumericsError("the coefficients are not finite")
    except (CfdynError, np.linalg.LinAlgError) as error:
        return {**nothing, "meaning": f"undecided: {error}"}
    # Python's own numbers print as what they are.
    return verdict._replace(
        coefficients={name: np.asarray(value).item() for name, value in verdict.coefficients.items()}
    )._asdict()


def _problem(step: Map, points: np.ndarray, kind: str, parameters: tuple[str, ...]) -> Problem:
    points = cycle_points(step, points, TOLERANCE, ORDER)
    matrices = jacobians(step, points)
    mu = multipliers_of(matrices)
    size = np.abs(mu)
    _, wanted, close = KINDS[kind]
    critical = int((np.abs(size - 1) < close).sum())
    if critical != wanted:
        raise NumericsError(f"{critical} multipliers are on the unit circle, not {wanted}")
    return Problem(step, points, matrices, mu, parameters, bool((size > 1 + close).any()))
