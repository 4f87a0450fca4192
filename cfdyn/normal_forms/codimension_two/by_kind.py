"""The coefficients of a cycle of codimension two, by the kind of the point, and what they mean in words."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cfdyn.cycles.shooting import jacobians, multipliers_of
from cfdyn.cycles.smoothness import regularity
from cfdyn.errors import NumericsError
from cfdyn.normal_forms.codimension_two import one_variable, resonances
from cfdyn.normal_forms.codimension_two.problem import ON_CIRCLE, Problem, Verdict
from cfdyn.systems.map import Map


class Kind(NamedTuple):
    """What makes the verdict, and how many multipliers are critical."""

    verdict: Callable[[Problem], Verdict]
    critical: int


KINDS = {
    "cusp": Kind(one_variable.cusp, 1),
    "generalized flip": Kind(one_variable.generalized_flip, 1),
    "chenciner": Kind(resonances.chenciner, 2),
    "resonance 1:1": Kind(resonances.resonance_1, 2),
    "resonance 1:2": Kind(resonances.resonance_2, 2),
    "resonance 1:3": Kind(resonances.resonance_3, 2),
    "resonance 1:4": Kind(resonances.resonance_4, 2),
}


def codimension_two_fields(step: Map, points: np.ndarray, kind: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    """``coefficients`` and ``meaning`` of a point of this kind; both empty where it has no normal form here."""
    if kind not in KINDS:
        return {"coefficients": {}, "meaning": ""}
    try:
        with np.errstate(all="ignore"):
            found = KINDS[kind].verdict(_problem(step, points, kind, parameters))
        if not all(np.isfinite(value) for value in found.coefficients.values()):
            raise NumericsError("the coefficients are not finite")
    except (NumericsError, np.linalg.LinAlgError) as error:
        return {"coefficients": {}, "meaning": f"undecided: {error}"}
    return {"coefficients": found.coefficients, "meaning": found.meaning}


def _problem(step: Map, points: np.ndarray, kind: str, parameters: tuple[str, ...]) -> Problem:
    if step.switching and regularity(step, points, float(np.abs(points).max())) != "smooth":
        raise NumericsError("the map has a corner at this point")
    matrices = jacobians(step, points)
    mu = multipliers_of(matrices)
    size = np.abs(mu)
    critical, wanted = int((np.abs(size - 1) < ON_CIRCLE).sum()), KINDS[kind].critical
    if critical != wanted:
        raise NumericsError(f"{critical} multipliers are on the unit circle, not {wanted}")
    return Problem(step, points, matrices, mu, parameters, bool((size > 1 + ON_CIRCLE).any()))
