"""The normal form of a critical cycle, by the kind of its bifurcation: coefficients, the objects born, and a description.

The functions return fields of `cfdyn.analysis.bifurcations.normal_form.NormalForm`, by name.
"""

from typing import Any

import numpy as np

from cfdyn.cycles.shooting import polish
from cfdyn.errors import NumericsError
from cfdyn.normal_forms import coefficients, many_flips
from cfdyn.normal_forms.critical_multipliers import CriticalMultipliers, critical_multipliers, cycle_points, touching
from cfdyn.normal_forms.homological import BorderedSystem, Forms
from cfdyn.systems.map import Map
from cfdyn.words import called

DEGENERATE = 1e-10  # of the parts that a coefficient is the sum of: it vanishes
FLAT = 1e-4  # of ξ⁴'s coefficient to ⅔: a coefficient of ξ³ that vanishes
ALIKE = 1e-6  # of the speeds of several multipliers: their differences
ASIDE = 0.1  # relative to the size of a cycle: where others of a continuum are searched for
LINE = 1e-9  # of a swing: how nearly it must come back
CONTINUUM = "this is not a bifurcation point but one of a continuum of cycles: a multiplier is 1 all along"


def normal_form_fields(step: Map, points: Any, parameter: str | None, tolerance: float = 1e-6) -> dict[str, Any]:
    """The normal form of a cycle (n, D) with a critical multiplier; its coefficients are differentiated by ``parameter``."""
    cycle = cycle_points(step, points, tolerance)
    forms = Forms(step, cycle, parameter)
    critical = critical_multipliers(forms.matrices, tolerance)
    fields = {"flip": _flip, "neimark-sacker": _neimark_sacker, "fold": _fold}[critical.kind](forms, critical, tolerance)
    q = np.atleast_2d(fields["directions"])
    if np.iscomplexobj(q):
        q = np.concatenate([q.real, q.imag])
    return {"kind": critical.kind, "points": cycle, "multipliers": critical.multipliers, **fields, "directions": q}


def _checked(critical: coefficients.Critical) -> coefficients.Critical:
    if not all(np.isfinite(value) for name, value in critical.coefficients.items() if name not in ("beta", "b", "e")):
        raise NumericsError("the map's third derivatives are not finite at this point")
    return critical


def _flip(forms: Forms, critical: CriticalMultipliers, _: float) -> dict[str, Any]:
    minus, plus = BorderedSystem(forms.matrices, -1.0, critical.minus), BorderedSystem(forms.matrices, 1.0, critical.plus)
    critical.require_no_fold(forms, minus, plus)
    made = _checked(coefficients.flip(forms, minus, plus))
    if critical.minus > 1:
        return _several_flips(forms, critical, made)
    c, speed, period = made.coefficients["c"], -float(made.speed[0, 0]), len(forms.points)
    flat, side = abs(c) <= DEGENERATE * made.size, touching(forms, -1.0, speed)
    supercritical = None if flat or side else c > 0
    form = "flip" if supercritical is not None else "degenerate flip"
    meaning = _of_flip(supercritical, period, critical.hyperbolic, critical.plus > 0, forms.step.has_loss)
    if side and not flat:
        meaning = _of_touching("the multiplier touches −1", str(forms.parameter), side)
    if flat and _straight(forms, minus.right[0, 0]):
        # The branch that begins there is vertical.
        meaning += f": {called(2 * period, several=True)} of every size exist at the edge itself, and beside it none of them"
    if critical.plus:
        along, rate = coefficients.drift(forms, minus, plus)
        made.coefficients["drift"] = float(np.linalg.norm(along))
        if along.any():
            form, supercritical, meaning = "drifting flip", None, _of_drift(rate, period)
    if supercritical:
        pace = speed * forms.step.params.get(str(forms.parameter), np.nan)
        share = float(np.linalg.norm(minus.right[0, :, : forms.step.n_weights]) / np.sqrt(period))
        meaning += _amplitude(pace, c, share, str(forms.parameter), period)
    return {"coefficient": c, "supercritical": supercritical, "meaning": meaning, "speed": speed, "form": form,
            "coefficients": made.coefficients, "directions": made.right}  # fmt: skip


def _straight(forms: Forms, direction: np.ndarray) -> bool:
    """True if fⁿ maps x + tq to x − tq and back for t of several orders of magnitude, as a linear map does."""
    start, step = forms.points[0], forms.step
    size = max(float(np.abs(start).max()), 1.0) / float(np.abs(direction).max())
    for t in (1e-3 * size, 0.1 * size, size, 30 * size):
        z = start + t * direction
        for side in (-1.0, 1.0):
            for _ in forms.points:
                z = step(z)
            if not np.abs(z - start - side * t * direction).max() <= LINE * t * np.abs(direction).max():
                return False
    return True


def _several_flips(forms: Forms, critical: CriticalMultipliers, made: coefficients.Critical) -> dict[str, Any]:
    """A k-fold flip: the 2-cycles are predicted only if the parameter moves all k multipliers alike."""
    k, tensor = critical.minus, made.tensor
    speed, zero = -float(np.trace(made.speed)) / k, np.abs(tensor).max() <= DEGENERATE * max(made.size, 1e-300)
    cycles, least, complete = ([], 0.0, True) if zero else many_flips.two_cycles(tensor, made.right)
    gradient = many_flips.is_gradient(tensor)
    supercritical = None if abs(least) <= 1e-9 * made.size else least > 0
    meaning = _of_many_flips(cycles, k, gradient, complete, least, supercritical)
    if np.isfinite(speed) and np.abs(made.speed + speed * np.eye(k)).max() > ALIKE * np.abs(made.speed).max():
        meaning += f"; {forms.parameter} does not move these multipliers alike, so they separate before any of this is seen"
    return {"coefficient": least, "supercritical": supercritical, "meaning": meaning, "speed": speed, "form": f"{k}-fold flip",
            "directions": made.right, "cubic": tensor, "gradient": gradient, "two_cycles": cycles}  # fmt: skip


def _neimark_sacker(forms: Forms, critical: CriticalMultipliers, tolerance: float) -> dict[str, Any]:
    multiplier = critical.rotation
    critical.require_no_resonance(tolerance)
    pair, plus = BorderedSystem(forms.matrices, multiplier, 1), BorderedSystem(forms.matrices, 1.0, critical.plus)
    critical.require_no_fold(forms, pair, plus)
    made = _checked(coefficients.neimark_sacker(forms, pair, plus, multiplier))
    d, speed = made.coefficients["d"], float((made.speed[0, 0] / multiplier).real)
    flat, side = abs(d) <= DEGENERATE * made.size, touching(forms, multiplier, speed)
    supercritical = None if flat or side else d < 0
    meaning = _of_neimark_sacker(d, made.coefficients["theta"], supercritical, critical.hyperbolic)
    form = "neimark-sacker" if supercritical is not None else "chenciner"
    if side and not flat:
        form = "degenerate neimark-sacker"
        meaning = _of_touching("the pair of multipliers touches the unit circle", str(forms.parameter), side)
    return {"coefficient": d, "supercritical": supercritical, "meaning": meaning, "speed": speed, "form": form,
            "coefficients": made.coefficients, "directions": made.right}  # fmt: skip


def _fold(forms: Forms, critical: CriticalMultipliers, tolerance: float) -> dict[str, Any]:
    plus = BorderedSystem(forms.matrices, 1.0, 1)
    made = _checked(coefficients.fold(forms, plus))
    values = made.coefficients
    if _still(forms, plus, values, tolerance):
        form, coefficient, supercritical = _branch_form(forms, plus.right[0], values, tolerance)
        return {"kind": "branch point", "coefficient": coefficient, "supercritical": supercritical, "form": form,
                "meaning": _of_branch_point(form, supercritical), "speed": values["b"], "coefficients": values,
                "directions": made.right}  # fmt: skip
    a, beta = values["a"], values.get("beta", np.nan)
    invariant, form = {key: value for key, value in values.items() if key not in ("b", "e")}, "fold"
    if abs(a) <= max(tolerance * np.sqrt(abs(values["c"])), DEGENERATE * made.size):
        form, leading, invariant["d"] = _flat_form(forms, plus, made)
        if not leading and _continuum(forms, plus.right[0]):
            raise NumericsError(CONTINUUM)
        meaning = _of_flat(form, leading, beta, str(forms.parameter), len(forms.points), critical.hyperbolic)
    else:
        meaning = _of_fold(a, beta, str(forms.parameter), len(forms.points), critical.hyperbolic)
    return {"coefficient": a, "supercritical": None, "meaning": meaning, "speed": beta, "form": form, "coefficients": invariant,
            "directions": made.right}  # fmt: skip


def _still(forms: Forms, plus: BorderedSystem, values: dict[str, float], tolerance: float) -> bool:
    """True if β vanishes: the parameter does not move the map across the critical direction."""
    if forms.parameter is None:
        return False
    a, c, beta = values["a"], values["c"], values["beta"]
    # β is round-off beside what it would be a natural length away, too: at a cycle at 0 all of its parts are.
    near = max(abs(a), np.sqrt(abs(c))) or np.cbrt(abs(coefficients.fourth(forms, plus, a, c)[0]))
    nothing = near > 0 and abs(beta) * near <= DEGENERATE * abs(values["b"])
    return bool(nothing or abs(beta) <= tolerance * (np.abs(plus.left[0] * forms.slope).sum() or 1.0))


def _flat_form(forms: Forms, plus: BorderedSystem, made: coefficients.Critical) -> tuple[str, float, float]:
    """(form, leading coefficient or 0, d) of a fold whose quadratic term vanishes."""
    a, c = made.coefficients["a"], made.coefficients["c"]
    d, size = coefficients.fourth(forms, plus, a, c)
    if not np.isfinite(d):
        raise NumericsError("the map's fourth derivatives are not finite at this point")
    # Where the terms up to ξ³ vanish, the point is known to a third of the digits, and c no better.
    if abs(c) > max(FLAT * np.cbrt(d * d), DEGENERATE * made.cubic):
        return "cusp", c, d
    return "degenerate fold", d if abs(d) > DEGENERATE * size else 0.0, d


def _branch_form(
    forms: Forms, direction: np.ndarray, values: dict[str, float], tolerance: float
) -> tuple[str, float, bool | None]:  # fmt: skip
    """(form, coefficient, supercritical) of a ξ² + b ξδ + ½ e δ² = 0 and its cubic term c ξ³."""
    a, b, c, e = (values[name] for name in ("a", "b", "c", "e"))
    if abs(a) <= tolerance * np.sqrt(abs(c)) and abs(b) > 0 and c != 0:
        return "pitchfork", c, bool(c < 0)
    discriminant = b * b - 2 * a * e
    if abs(a) <= DEGENERATE or abs(discriminant) <= tolerance * (b * b + abs(a * e)):
        if max(abs(a), abs(b), abs(c)) <= DEGENERATE and _continuum(forms, direction):
            raise NumericsError(CONTINUUM)
        return "degenerate", a, None
    return ("transcritical" if discriminant > 0 else "isola"), a, None


def _continuum(forms: Forms, direction: np.ndarray) -> bool:
    """True if Newton's method finds other cycles on both sides of this one."""
    away = ASIDE * max(float(np.abs(forms.points).max()), 1.0) / float(np.abs(direction).max()) * direction
    for side in (-away, away):
        beside = polish(forms.step, forms.points + side)
        if beside is None or not np.abs(beside - forms.points).max() > np.abs(away).max() / 2:
            return False
    return True


def _of_drift(rate: float, period: int) -> str:
    """A flip on a continuum of cycles along which the oscillation drifts."""
    where, twice = "to where the multiplier is inside the unit circle, and dies out there", called(2 * period)
    where = where if rate > 0 else "to where it grows faster"
    return f"across a continuum of cycles: the oscillation beyond the edge drifts along it, {where}; no {twice} stays"


def _of_flip(supercritical: bool | None, period: int, hyperbolic: bool, continuum: bool, has_loss: bool) -> str:
    """The flip of an n-cycle, without the size of the cycle that is born."""
    twice = called(2 * period)
    if supercritical is None:
        return "degenerate (its cubic term vanishes, as for a linear map)"
    if not supercritical and hyperbolic:
        return f"subcritical on its centre manifold: before it a {twice} exists, unstable in other directions too"
    if not supercritical:
        what = "minimum" if period == 1 and has_loss else called(period)
        return (f"subcritical: an unstable {twice} shrinks onto the {what} before the edge; beyond it orbits leave the "
                "neighbourhood")  # fmt: skip
    if continuum:
        return f"supercritical across its continuum of cycles: just beyond the edge a {twice} is born"
    if hyperbolic:
        return f"supercritical on its centre manifold: beyond it a {twice} exists, unstable in other directions"
    return f"supercritical: just beyond the edge a stable {twice} is born"


def _amplitude(pace: float, coefficient: float, share: float, parameter: str, period: int) -> str:
    """The half-amplitude of the 2n-cycle that is born, for this rate of the multiplier per relative change."""
    if pace <= 1e-9:
        return ""
    mean = " (root mean square over the cycle)" if period > 1 else ""
    return f", its half-amplitude{mean} {share * np.sqrt(pace / coefficient):.3g} √({parameter}/edge − 1)"


def _of_fold(a: float, beta: float, parameter: str, period: int, hyperbolic: bool) -> str:
    """The positions of the two cycles of a fold."""
    what = called(period, several=True)
    kinds = "both unstable in other directions" if hyperbolic else "one stable and one unstable"
    if not np.isfinite(beta):
        return f"two {what}, {kinds}, meet, and vanish unless this is a branch point: name a parameter to tell them apart"
    side = "above" if beta * a < 0 else "below"
    return f"two {what}, {kinds}, exist for {parameter} {side} its value here, meet there and vanish"


def _of_flat(form: str, leading: float, beta: float, parameter: str, period: int, hyperbolic: bool) -> str:
    """A fold without a quadratic term."""
    if form == "cusp":
        return "degenerate: a cusp, where two folds meet"
    if not leading:
        return "degenerate: the quadratic, the cubic and the quartic term vanish"
    two = _of_fold(leading, beta, parameter, period, hyperbolic)
    return f"degenerate: the quadratic and the cubic term vanish, the quartic one does not: {two}"


def _of_touching(what: str, parameter: str, side: str) -> str:
    """A multiplier that touches the unit circle from one side without crossing it."""
    return f"degenerate: {what} and does not cross it: for {parameter} on both sides it is {side} the unit circle"


def _of_neimark_sacker(d: float, theta: float, supercritical: bool | None, hyperbolic: bool) -> str:
    """The invariant circle."""
    turn = f"rotation {theta / (2 * np.pi):.6g} of a turn"
    if supercritical is None:
        return f"degenerate (the first Lyapunov coefficient vanishes), {turn}"
    if not supercritical:
        return ("subcritical: an unstable invariant circle shrinks onto the cycle; beyond it orbits leave the "
                f"neighbourhood ({turn})")  # fmt: skip
    if hyperbolic:
        return f"supercritical on its centre manifold: an invariant circle is born, unstable in other directions ({turn})"
    return f"supercritical: a stable invariant circle is born ({turn})"


def _of_branch_point(form: str, supercritical: bool | None) -> str:
    """The branches that cross."""
    side = "super" if supercritical else "sub"
    beside = "beyond it two stable branches" if supercritical else "before it two unstable branches"
    return {
        "transcritical": "transcritical: two branches cross and exchange their stability",
        "isola": "an isolated point: the cycles here have no neighbours for other values of the parameter",
        "degenerate": "degenerate: branches meet here, and the terms up to third order do not say how",
        "pitchfork": f"pitchfork, {side}critical: {beside} exist beside the one that changes its stability",
    }[form]


def _of_many_flips(cycles: list[dict], k: int, gradient: bool, complete: bool, least: float, supercritical: bool | None) -> str:
    """The 2-cycles that are born where several multipliers are −1 at once."""
    start = f"{k} multipliers are −1 at once"
    if supercritical is None and least == 0:
        return f"{start}: degenerate (the cubic terms vanish, as for a linear map)"
    field = (
        "the cubic form is a gradient, so near onset only 2-cycles arise: no longer period and no invariant circle"
        if gradient
        else "the cubic form is not a gradient, so invariant circles are not excluded"
    )
    beyond = [cycle for cycle in cycles if cycle["kappa"] > 0]
    stable = sum(cycle["stable"] for cycle in beyond)
    if not cycles and not complete:
        many = "all directions carry 2-cycles alike"
    else:
        many = f"{len(beyond)} cycles of period 2 beyond the edge, {stable} of them stable{'' if complete else ' (a search)'}"
    return f"{start}; {field}: {many}" + ("" if supercritical else "; in some directions orbits leave the neighbourhood")


def words_of_flip(
    supercritical: bool | None, hyperbolic: bool, has_loss: bool, pace: float, coefficient: float, share: float, parameter: str
) -> str:  # fmt: skip
    """The flip of a fixed point in words, with the size of the 2-cycle; ``pace``: the multiplier's rate per relative change."""
    words = _of_flip(supercritical, 1, hyperbolic, False, has_loss)
    return words + (_amplitude(pace, coefficient, share, parameter, 1) if supercritical else "")
