"""`normal_form`: the normal form of a flip, fold, Neimark–Sacker or branch point of a cycle."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.normal_forms.by_kind import normal_form_fields
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map, require_parameter


@dataclass(frozen=True)
class NormalForm(Record):
    """The map on the centre manifold of a critical n-cycle, with ξ the coordinate along the critical direction.

    ========================  ==========================================  ===============================================
    ``kind``                  normal form N of fⁿ                         ``coefficient``
    ========================  ==========================================  ===============================================
    "flip"                    −ξ + c ξ³                                   c
    "fold"                    ξ + β δ + a ξ²; a cusp ξ + c ξ³ if a = 0,   a
                              ξ + d ξ⁴ if c = 0 too
    "neimark-sacker"          e^{iθ} ξ (1 + (d + ib)|ξ|²)                 d, the first Lyapunov coefficient
    "branch point"            ξ + a ξ² + b ξδ + ½ e δ² + c ξ³             a if ``form`` is "transcritical", else c
    ========================  ==========================================  ===============================================

    The scale of ξ: (1/n) Σ_k |q_k|² = 1 for the critical eigenvectors q_k at the points, q_{k+1} = A_k q_k. Then no coefficient
    depends on which point comes first: with centre manifolds H_k(ξ) = x_k + ξ q_k + …, f(H_k(ξ)) = H_{k+1}(ξ) and f(H_n(ξ)) =
    H_1(N(ξ)), fⁿ has the same normal form at all points, fⁿ(H_k(ξ)) = H_k(N(ξ)), and since |μ| = 1 the mean is the same on the
    next turn. The largest entry of a real q is positive, which fixes the sign of a.

    ``form`` is more specific than the kind: "cusp", "transcritical", "pitchfork", "isola", "degenerate flip", "degenerate
    fold", …. ``supercritical``: True if what is born is stable on the centre manifold (c > 0 at a flip, d < 0 at a
    Neimark–Sacker point, c < 0 at a pitchfork), False if it is unstable, None if the coefficient vanishes to round-off or the
    notion does not apply. ``meaning`` is the result as a sentence. ``points`` (n, D). ``speed``: −dμ/d(parameter) of the
    multiplier at a flip, d|μ|/d(parameter) at a Neimark–Sacker point, β at a fold, b at a branch point. ``coefficients``: all
    of them by name. ``directions`` (k, D): the critical eigenvectors at the first point, on this scale; the real and imaginary
    parts for a Neimark–Sacker point. For k simultaneous multipliers −1, ``cubic`` (k, k, k, k) is K of −ξ + K(ξ,ξ,ξ),
    ``gradient`` is True if K is the gradient of a quartic form (¼⟨ξ, K(ξ,ξ,ξ)⟩ = V₄ for gradient descent), ``coefficient`` is
    the least ⟨u, K(u,u,u)⟩ over |u| = 1, and ``two_cycles`` are the predicted 2n-cycles: the first point ± ``half`` · √(speed ·
    δ), ``kappa``, and whether the cycle is ``stable``.
    """

    kind: str
    coefficient: float
    supercritical: bool | None
    meaning: str
    points: Annotated[np.ndarray, "n D"]
    speed: float
    form: str = ""
    multipliers: Annotated[np.ndarray, "*", complex] = field(default_factory=lambda: np.zeros(0))
    coefficients: dict = field(default_factory=dict)
    directions: Annotated[np.ndarray, "* *"] = field(default_factory=lambda: np.zeros((0, 0)))
    cubic: Annotated[np.ndarray | None, "k k k k"] = None
    gradient: bool | None = None
    two_cycles: list = field(default_factory=list)


def normal_form(step: Map, points: Any, parameter: str = "lr", tolerance: float = 1e-6) -> NormalForm:
    """The normal form of a critical fixed point or n-cycle; its coefficient decides what is born and whether that is stable.

    Flip: c = ⅙⟨p, C(q,q,q)⟩ + ½⟨p, B(q, (I − A)⁻¹ B(q,q))⟩, where A = Dfⁿ has the multiplier −1, Aq = −q, Aᵀp = −p, |q| = 1,
    ⟨p,q⟩ = 1 (for n-cycles see `NormalForm`), and B, C are the second and third derivatives. For gradient descent in one
    dimension this is c = (L‴/L″)² − L⁗/(3L″), and the 2-cycle at a distance δ beyond the flip has the half-amplitude √(s δ/c) =
    √((ηL″ − 2)/c), s = −dμ/d(parameter). Fold: a = ½⟨p, B(q,q)⟩. Neimark–Sacker: d = ½ Re e^{−iθ}⟨p, C(q,q,q̄) + 2B(q, (I −
    A)⁻¹B(q,q̄)) + B(q̄, (e^{2iθ} − A)⁻¹B(q,q))⟩. For n-cycles the same equations are solved on all n points at once, without
    forming fⁿ. Multipliers that stay at 1 (a continuum of minima) are projected out; if the oscillation drifts along the
    continuum (v → v + d ξ², ``coefficients["drift"]`` = |d|), it ends by itself and c decides nothing.

    Parameters
    ----------
    step : the map, with its parameter at the bifurcation (see `edge`)
    points : the cycle, (n, D) or weights (n, d); a fixed point also as (D,) or (d,)
    parameter : the name of the bifurcation parameter; for a map without "lr" by default its only parameter
    tolerance : largest distance of the critical multipliers from the unit circle, and of the points from a cycle

    Raises
    ------
    NumericsError : no cycle, no critical multiplier (they are named), a strong resonance or another point of codimension two
        (named), a corner of the map, or derivatives that are not finite
    UsageError : an unknown parameter, or an invalid tolerance

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    >>> form = cf.analysis.normal_form(step, [1.0])
    >>> round(form.coefficient, 12), form.supercritical
    (8.0, True)
    >>> step = cf.Map.from_text(["r*x*(1-y)", "x"], "x y", {"r": 2.0})  # delayed logistic map
    >>> form = cf.analysis.normal_form(step, [0.5, 0.5], "r")
    >>> form.kind, round(form.coefficient, 12), round(form.coefficients["theta"] / np.pi, 12)
    ('neimark-sacker', -1.0, 0.333333333333)

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory, 3rd ed., eqs. (5.46), (5.53), (5.74); branch points: Govaerts,
    Numerical Methods for Bifurcations of Dynamical Equilibria (2000), ch. 5.
    """
    name = _parameter(require_map(step), parameter)
    if not isinstance(tolerance, int | float | np.floating) or not 0 < tolerance < 1:
        raise UsageError(f"tolerance is a number between 0 and 1, not {tolerance!r}")
    settings = provenance(map=step.title, params=step.params, parameter=name)
    return NormalForm(**normal_form_fields(step, points, name, tolerance), provenance=settings)


def _parameter(step: Map, parameter: str) -> str | None:
    """The parameter for derivatives; None if the map has none."""
    if parameter == "lr" and "lr" not in step.params:
        return next(iter(step.params)) if len(step.params) == 1 else None
    return require_parameter(step, parameter)
