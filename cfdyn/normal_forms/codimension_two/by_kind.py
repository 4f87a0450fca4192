"""The coefficients of a cycle of codimension two, by the kind of the point, and what they mean in words."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cfdyn.cycles.shooting import jacobians, multipliers_of
from cfdyn.errors import CfdynError, NumericsError
from cfdyn.normal_forms.codimension_two import one_variable, resonances, two_at_once
from cfdyn.normal_forms.codimension_two.problem import ON_CIRCLE, Problem, Verdict
from cfdyn.normal_forms.critical_multipliers import cycle_points
from cfdyn.systems.map import Map

TOLERANCE, ORDER = 1e-6, 5  # of a cycle's points; of the derivatives that a coefficient may need


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
    "fold-flip": Kind(two_at_once.fold_flip, 2),
    "fold-neimark-sacker": Kind(two_at_once.fold_neimark_sacker, 3),
    "flip-neimark-sacker": Kind(two_at_once.flip_neimark_sacker, 3),
    "double neimark-sacker": Kind(two_at_once.double_neimark_sacker, 4),
}


def codimension_two_fields(step: Map, points: np.ndarray, kind: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    """``coefficients``, ``meaning`` and ``directions`` of a point of this kind; empty where it has no normal form here."""
    nothing: dict[str, Any] = {"coefficients": {}, "meaning": "", "directions": {}}
    if kind not in KINDS:
        return nothing
    try:
        with np.errstate(all="ignore"):
            found = KINDS[kind].verdict(_problem(step, points, kind, parameters))
        if not all(np.isfinite(value) for value in found.coefficients.values()):
            raise NumericsError("the coefficients are not finite")
    except (CfdynError, np.linalg.LinAlgError) as error:
        return {**nothing, "meaning": f"undecided: {error}"}
    # Python's own numbers print as what they are.
    return found._replace(coefficients={name: np.asarray(value).item() for name, value in found.coefficients.items()})._asdict()


def _problem(step: Map, points: np.ndarray, kind: str, parameters: tuple[str, ...]) -> Problem:
    points = cycle_points(step, points, TOLERANCE, ORDER)
    matrices = jacobians(step, points)
    mu = multipliers_of(matrices)
    size = np.abs(mu)
    critical, wanted = int((np.abs(size - 1) < ON_CIRCLE).sum()), KINDS[kind].critical
    if critical != wanted:
        raise NumericsError(f"{critical} multipliers are on the unit circle, not {wanted}")
    return Problem(step, points, matrices, mu, parameters, bool((size > 1 + ON_CIRCLE).any()))
