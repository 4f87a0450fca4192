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

DOUBLE = 1e-3  # of a double multiplier, known to half of the digits
TOLERANCE, ORDER = 1e-6, 5  # of a cycle's points; of the derivatives that a coefficient may need

# Points of codimension two for which there is no table of coefficients, as where there is a symmetry.
OTHERS = ("double fold", "double flip", "double branch", "branch point-", "transcritical", "degenerate")
WITHOUT = "undecided: this kind of point has no normal form here"


class Kind(NamedTuple):
    """What makes the verdict, how many multipliers are critical, and how close to the unit circle they are known to be."""

    verdict: Callable[[Problem], Verdict]
    critical: int
    close: float = ON_CIRCLE


KINDS = {
    "cusp": Kind(one_variable.cusp, 1),
    "generalized flip": Kind(one_variable.generalized_flip, 1),
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
