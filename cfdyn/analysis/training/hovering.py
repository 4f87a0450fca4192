"""`hovering`: the preconditioned sharpness of an optimizer's orbit relative to its edge."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.series.filters import TINY, average, fast_part, half_width
from cfdyn.series.hover import hover
from cfdyn.series.slow_cycles import DIGITS_LEFT
from cfdyn.systems.orbit import Orbit, preconditioned_along, require_loss, thetas

STILL = 1e-9  # relative: counts as constant
NARROW = 0.005  # relative to θ: a spread that needs a single number
SIDES = {"below": ", below it", "on": "", "above": ", above it"}


@dataclass(frozen=True)
class Hovering(Record):
    """λ₁(P⁻¹H) along the averaged orbit against the edge θ, m rows.

    ``t`` (m,): the steps 1…n−1; ``sharpness`` (m,): λ₁(P⁻¹H) there, ``theta`` (m,). ``kind``: "hovers", "never", "left",
    "beyond" or "undecided" (with its ``reason``), see `cfdyn.series.hover.hover`; ``since``: the first step of the final
    segment over which ``mean``, ``low`` and ``high`` (5 and 95 %) of λ₁(P⁻¹H)/θ are computed; ``side`` of the mean: "below",
    "on" or "above". ``crossing``: the first step at which it exceeds θ, None if it never does. ``moving``: True if P changes
    along the orbit; otherwise λ₁(P⁻¹H) is λ₁(H) up to a factor.
    """

    t: Annotated[np.ndarray, "m"]
    sharpness: Annotated[np.ndarray, "m"]
    theta: Annotated[np.ndarray, "m"]
    kind: str
    since: int | None
    mean: float
    low: float
    high: float
    side: str
    crossing: int | None
    reason: str
    moving: bool = False

    @property
    def ratio(self) -> np.ndarray:
        """The ratio λ₁(P⁻¹H)/θ, (m,)."""
        return self.sharpness / self.theta

    @property
    def meaning(self) -> str:
        """The result as a sentence, about the sharpness if P is constant, else about λ₁(P⁻¹H)."""
        moves = len(self.t) and np.ptp(self.theta) > STILL * abs(self.theta[-1])
        plain = not (self.moving or moves) and np.isfinite(self.sharpness).all()
        what, of = ("the sharpness", "of it") if plain else ("λ₁(P⁻¹H)", "θ")
        if not len(self.t):
            return f"Whether {what} hovers at its edge is undecided: {self.reason}."
        theta = f"θ = {self.theta[-1]:.4g}"
        edge = f"its edge ({theta})" if plain else f"its edge {theta}{' (at the end)' if moves else ''}"
        words = self._found(what, edge, of)
        return words[0].upper() + words[1:] if plain else words

    def _found(self, what: str, edge: str, of: str) -> str:
        """The result, with these words for the curvature, its edge and fractions of the edge."""
        spread = f"5–95 % from {self.low:.3g} to {self.high:.3g}"
        if max(self.high - self.mean, self.mean - self.low) <= NARROW:
            spread = f"nearly all within {NARROW:g} of that"
        numbers = f"{self.mean:.3g} {of} on average, {spread}"
        if self.kind == "hovers":
            return f"{what} at the averaged iterate hovers at {edge} from step {self.since} on{SIDES[self.side]}: {numbers}."
        if self.kind == "never":
            top = int(np.argmax(self.ratio))
            most = f"at most {self.ratio[top]:.3g} {of}, at step {self.t[top]}"
            return f"{what} does not reach {edge} in {self.t[-1] + 1} steps: {most}."
        if self.kind == "left":
            return f"{what} is below {edge} from step {self.since} on: {self.ratio[-1]:.3g} {of} at step {self.t[-1]}."
        if self.kind == "beyond":
            return f"{what} passes {edge} at step {self.crossing} and does not stay near it: {numbers} from step {self.since} on."
        end = f"; {self.ratio[-1]:.3g} {of} at step {self.t[-1]}" if np.isfinite(self.ratio[-1]) else ""
        return f"Whether {what} hovers at {edge} is undecided: {self.reason}{end}."


def hovering(orbit: Orbit) -> Hovering:
    r"""Whether λ₁(P⁻¹H) of an optimizer's orbit hovers at its edge θ: since when, how closely, on which side.

    P is the preconditioner of the optimizer's steps w ← w − P⁻¹m: (√v̂ + ε)/η for Adam, 1/η for gradient descent and momentum.
    θ is the λ₁(P⁻¹H) beyond which an oscillation grows, 2 without momentum: see `Orbit.preconditioned_sharpness`. Both are
    measured on the averaged orbit: H at :math:`w^*_t = (w_{t-1} + 2 w_t + w_{t+1})/4`, P and θ averaged likewise over the steps
    from these. At oscillating iterates the curvature differs from that at the centre by the fourth derivative times the square
    of the oscillation. The centre moves slowly, stays at the edge, and is what `cfdyn.flows.central` describes.

    Parameters
    ----------
    orbit : of an optimizer on a loss, from `cfdyn.iterate`

    Returns
    -------
    Hovering; `cfdyn.plot` draws it

    Raises
    ------
    UsageError : the orbit is not of an optimizer on a loss, was loaded from a file, or the optimizer has no P

    Examples
    --------
    >>> import cfdyn as cf
    >>> adam = cf.optimizers.adam(lr=0.01, beta2=0.99, eps=0.0, bias_correction=False)
    >>> held = cf.analysis.hovering(cf.iterate(cf.as_map(cf.Loss("w**2/2"), adam), [0.001, 0.0, 1e-6], 3000))
    >>> print(held.meaning)  # doctest: +NORMALIZE_WHITESPACE
    λ₁(P⁻¹H) at the averaged iterate hovers at its edge θ = 38 from step 268 on, below it: 0.909 θ on average,
    5–95 % from 0.732 to 1.04.

    References
    ----------
    Cohen et al. (2022), Adaptive gradient methods at the edge of stability, arXiv 2207.14484: 38/η for Adam, β₁ = 0.9.
    """
    step = require_loss("hovering", orbit)
    held, settings = orbit.preconditioners, orbit.provenance.get("settings")
    ended = "" if orbit.status == "done" else f"the orbit {orbit.status}"
    if len(orbit.z) < 3:
        nothing = np.empty(0)
        return Hovering(np.empty(0, int), nothing, nothing, "undecided", None, *(np.nan,) * 3, "", None,
                        ended or f"{len(orbit.z) - 1} steps are too few", provenance=provenance(orbit=settings))  # fmt: skip
    middle = average(held, 2)
    ratio = preconditioned_along(step, average(np.asarray(orbit.z, dtype=float), 2), middle)
    result = hover(ratio, _swing(orbit))
    if ended:
        result = result._replace(kind="undecided", reason=ended)
    beyond, theta = np.flatnonzero(ratio > 1), thetas(middle)
    return Hovering(
        np.arange(1, len(held) - 1), ratio * theta, theta, result.kind, result.since + 1, result.mean, result.low, result.high,
        result.side, int(beyond[0]) + 1 if len(beyond) else None, result.reason,
        bool(np.ptp(held[:, 0]) > STILL * np.abs(held[:, 0]).max()), provenance=provenance(orbit=settings),
    )  # fmt: skip


def hovering_or_why(orbit: Orbit) -> tuple[Hovering | None, str]:
    """The result of `hovering` and "", or None and the reason why it is undefined."""
    try:
        return hovering(orbit), ""
    except UsageError as problem:
        return None, str(problem)


def _swing(orbit: Orbit) -> np.ndarray:
    """The amplitude of the alternation at the steps 1…n−1, (n−1,); 0 if it is round-off."""
    w, lost = np.asarray(orbit.w, dtype=float), half_width(2)
    if len(w) <= 2 * lost:
        return np.zeros(len(w) - 2)
    size = np.linalg.norm(fast_part(w, 2), axis=1)
    digits = orbit.provenance.get("settings", {}).get("digits")
    least = DIGITS_LEFT * (TINY if digits is None else 10.0**-digits) * np.abs(w).max()
    return np.pad(np.where(size > least, size, 0.0), lost - 1, mode="edge")
