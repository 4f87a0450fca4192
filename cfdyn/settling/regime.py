"""Follow one orbit until its regime is known: a cycle, a curve, chaos or divergence, or until the budget is spent."""

import math
from collections.abc import Callable

import numpy as np

from cfdyn.cycles.angles import closed, opened
from cfdyn.cycles.rest import limit_matrix, settled
from cfdyn.cycles.same import least_period, same_cycle
from cfdyn.cycles.shooting import multipliers, polish, residual
from cfdyn.cycles.smoothness import drifts_away, regularity
from cfdyn.kernels.orbits import DONE
from cfdyn.settling.approach import Approach, approach
from cfdyn.settling.disturbed import (
    PARTS,
    ULPS,
    UNDERFLOWS,
    Disturbed,
    Held,
    calmed,
    contracts,
    disturbed,
    is_real,
    is_stable,
    lost_to_rounding,
    without_traces,
)
from cfdyn.settling.escape import escape
from cfdyn.settling.high_precision import later_precisely, noise, stays_on, stuck_in_rounding
from cfdyn.settling.in_floats import UNSTABLE, in_floats
from cfdyn.settling.irregular import FOR_LONGER, irregular
from cfdyn.settling.matrix_free import matrix_free_regime
from cfdyn.settling.orbit import later, orbit_of
from cfdyn.settling.returns import promising_returns
from cfdyn.settling.settled import FIRST_STEPS, LAST, ULP, Settled
from cfdyn.settling.undeclared_angles import hint
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import ESCAPE, FAR
from cfdyn.words import called

LONGEST, DIGITS = 4096, 60  # cycles looked for, and digits where rounding is in doubt, if nobody says otherwise
# An orbit from so many times farther out may have lost its way to round-off, if that is this part of what follows.
AFAR, NOISY, TINY = 1e4, 1e-7, 1e-200
RETURNS = 16  # from beyond the range of floats, before it is given up
MOST_NUMBERS, LAGS = 2_000_000, 1024  # of the states in which a rest is looked for; and the longest cycle after it
STANDS = 1000  # steps in which weights that stand still change by round-off at most
WATCHED = 110_000  # steps in which a slow approach to a cycle is seen once there are no perturbations any more
CALM = 4  # times as long as an average of squares falls: a 2-cycle may attract more slowly
WORTH, LEAST_PERTURBED = 2e9, 100_000  # operations of an orbit that is perturbed, a second; and steps at least
GROWS = 1e3  # an orbit that grows so much from one half of the states looked at to the other has no scale yet
REJECTED = 1e-6  # of its size: a cycle so near to one that the orbit does not approach is that one
CORNER = 1e-13  # of its size: a cycle through a corner that closes no better is none


def regime(
    step: AnyMap, z: np.ndarray, longest: int = LONGEST, budget: int | None = None, digits: int = DIGITS,
    say: Callable[[str], None] = lambda words: None,
) -> Settled:  # fmt: skip
    """What the orbit of z (D,) ends on; angles in [0, P). ``say`` hears what is done."""
    most = default_budget(step) if budget is None else budget
    if step.compiled is None:
        return matrix_free_regime(step, z, longest, most, say)
    for cut in opened(step.compiled):
        settled = _Follower(cut, z, longest, most, digits, say).run()
        if not (step.periodic and settled.kind == "undecided" and "jump" in settled.reason):
            break
    return settled._replace(points=closed(step.compiled, settled.points))


def default_budget(step: AnyMap) -> int:
    """Steps worth about half a second: 2·10⁶ for a one-line map, never below 2·10⁴."""
    return int(np.clip(5e8 / max(step.cost, 1), 2e4, 2e6))


def affordable(step: Map, budget: int) -> int:
    """Steps with perturbations that are worth their time, for a budget of those without."""
    most = int(WORTH / (step.cost + step.tangent_cost))
    return max(budget, most if budget >= default_budget(step) else min(most, LEAST_PERTURBED))


class _Follower:
    """One orbit on its way, with what has been learnt about it."""

    def __init__(self, step: Map, start: np.ndarray, longest: int, budget: int, digits: int, say: Callable[[str], None]):
        self.step, self.start, self.z, self.say = step, start, start.copy(), say
        self.longest, self.budget, self.digits = longest, budget, digits
        self.used = self.returns = 0
        self.note, self.inject, self.stride = "", 0.0, 0.0
        self.extent = np.zeros(step.dim)

    def run(self) -> Settled:
        """Twice as far each time, until a close return of the orbit turns out to be a cycle that it approaches."""
        steps = min(FIRST_STEPS, self.budget)
        while self.used < self.budget:
            before = self.z.copy()
            escaped = self.forward(steps)
            if escaped is not None:
                return escaped
            if (lost := self.lost(before, steps)) is not None:
                self.say("following the orbit with perturbations")
                return self.followed_again(*lost)
            self.say(f"{self.used} steps, {self.budget} at most")
            if self.used == steps:
                self.repeat_if_from_afar()
            if (settled := self.cycle_nearby(min(self.longest, max(64, self.used // 4))) or self.at_rest()) is not None:
                return settled
            steps = min(self.used, self.budget - self.used)
        kind, reason, exponent, z = irregular(self.step, self.z, min(self.budget, 200_000), self.longest, self.say)
        if z is not None:
            self.z = z
            if (late := self.cycle_nearby(self.longest)) is not None:
                return late
        return self.without_cycle(kind, reason + self.note, exponent)

    def forward(self, steps: int) -> Settled | None:
        """Run the orbit on; what it ends on if it escapes."""
        state, done, code = self.step.ahead(self.z, steps, FAR)
        self.used += done
        if code == DONE:
            self.z = state
            return None
        ended = escape(self.step, state, self.used, self.digits)
        if ended.kind != "returns":
            return self.without_cycle(ended.kind, ended.reason)
        self.z, self.used, self.note, self.returns = ended.z, self.used + ended.steps, ended.reason, self.returns + 1
        if self.returns > RETURNS:
            return self.without_cycle("undecided", "the orbit leaves the range of floats again and again")
        return None

    def lost(self, before: np.ndarray, steps: int) -> tuple[np.ndarray, int] | None:
        """A state (D,) of the steps just done from which on round-off decides, if there is one, and its step."""
        if not self.step.has_state:
            return None
        orbit = orbit_of(self.step, before, min(steps, MOST_NUMBERS // self.step.dim) + 1)
        if orbit is None:
            return None
        self.stride = max(self.stride, float(np.abs(np.diff(orbit[:, : self.step.n_weights], axis=0)).max()))
        place = lost_to_rounding(self.step, orbit)
        return None if place is None else (orbit[place].copy(), self.used - steps + place)

    def at_rest(self) -> Settled | None:
        """The fixed point on which weights stand still, whatever else still falls towards it; None where it is none."""
        moved, d = orbit_of(self.step, self.z, STANDS) if self.step.has_state else None, self.step.n_weights
        if moved is None or np.ptp(moved[:, :d], axis=0).max() > max(ULPS * np.spacing(np.abs(moved[:, :d]).max()), UNDERFLOWS):
            return None
        rest = settled(self.step, self.z)
        end = limit_matrix(self.step, rest)
        if end is None or not is_stable(self.step, rest):
            return None
        self.z, self.extent = rest, self.sizes(rest[None])
        if np.isfinite(self.step.jacobian(rest)).all():
            return self.judge(rest[None])
        mu = np.linalg.eigvals(end[0])
        return self.on_cycle(rest[None], mu[np.argsort(-np.abs(mu))], "the weights are at rest, averages decay to 0")

    def followed_again(self, z: np.ndarray, since: int) -> Settled:
        """What becomes of a state from which on round-off decides: in floats, and with perturbations of two sizes."""
        most = affordable(self.step, self.budget)
        longer = max(1, self.budget // default_budget(self.step))
        one = Held.at(self.step, z, self.stride, most)
        alone = in_floats(self.step, z, since, min(self.budget, CALM * one.fall))
        ends = [self.end_of(one, disturbed([one], part, most, longer=longer)[0]) for part in PARTS]
        words = f"in floating point the orbit {alone}; {UNSTABLE}; with perturbations of the weights"
        kinds = [end.kind if end.period is None else called(end.period) for end in ends]
        outcomes = [f"up to {end.inject:.2g} in every step: {kind} ({end.reason})" for kind, end in zip(kinds, ends, strict=True)]
        words = f"{words} of {'; of '.join(outcomes)}{FOR_LONGER if 'undecided' in kinds else ''}"
        if kinds[0] == kinds[1]:
            return ends[1]._replace(reason=words, unperturbed=alone)
        if "undecided" not in kinds:
            words = f"what the orbit does depends on perturbations: {words}"
        return self.without_cycle("undecided", words)._replace(unperturbed=alone)

    def end_of(self, held: Held, way: Disturbed | None) -> Settled:
        """A cycle that the orbit goes to from there without more perturbations, or chaos, or neither."""
        if way is None:
            return self.without_cycle("undecided", "it leaves the range of floats")
        self.inject, self.used, self.note = way.size, self.used + way.steps, ""
        reason = f"Lyapunov exponent {way.exponent:.3g} ± {way.error:.1g} per step, up to {way.reach:.3g} away from it"
        if way.chaotic:
            return self.without_cycle("chaotic", reason, way.exponent)
        self.budget = max(self.budget, self.used + WATCHED)
        if (calm := later(self.step, way.z, CALM * held.fall)) is not None:
            self.z = calmed(self.step, calm)
            settled = self.cycle_nearby(min(self.longest, LAGS)) or self.at_rest()
            if settled is not None and settled.period and is_real(self.step, settled.points, self.inject):
                return settled
        words = f"{reason}, no cycle" if not way.drifts else f"the weights drift on: {reason}"
        return self.without_cycle("undecided", words, way.exponent)

    def repeat_if_from_afar(self) -> None:
        """Repeat the first steps with digits where their round-off is not small beside the orbit that follows."""
        first, then = (orbit_of(self.step, z, 65) for z in (self.start, self.z))
        if first is None or then is None:
            return
        size, which = np.abs(then).max(axis=0), slice(self.step.n_weights) if self.step.has_state else slice(None)
        # Averages and decays fall far, and forget; so do weights that contract onto 0, for an optimizer that is followed there.
        near = np.abs(first).max(axis=0)[which] <= AFAR * size[which]
        if near.all() or self.step.has_state and contracts(self.step, self.z):
            return
        with np.errstate(over="ignore"):
            farthest = np.argsort(-np.abs(first / np.fmax(size, TINY)).max(axis=1))[:LAST]
        if np.all((noise(self.step, first[farthest]) <= NOISY * np.fmax(size, TINY))[which]):
            return
        if (exact := later_precisely(self.step, self.start, self.used, self.digits)) is not None:
            self.z, self.note = exact, f"; its first steps with {self.digits} digits"

    def cycle_nearby(self, lags: int) -> Settled | None:
        """The cycle that the orbit contracts to, if there is one among its close returns within so many steps."""
        if self.step.has_state:
            self.z = without_traces(self.step, self.z, self.start)
        orbit = orbit_of(self.step, self.z, lags + 1)
        if orbit is None:
            return None
        half = len(orbit) // 2
        if np.abs(orbit[half:]).max() > GROWS * np.abs(orbit[:half]).max():
            return None
        self.extent = self.sizes(orbit)
        rejected = list[np.ndarray]()
        for lag in promising_returns(self.step, orbit, self.extent):
            points = polish(self.step, orbit[:lag], extent=self.extent)
            if points is None:
                continue
            points = points[: least_period(points, extent=self.extent, weights=self.step.n_weights or 0)]
            room = REJECTED * float(np.abs(points).max())
            if any(len(other) == len(points) and same_cycle(other, points, room) for other in rejected):
                continue
            if (settled := self.judge(points)) is not None:
                return settled
            rejected.append(points)
        return None

    def sizes(self, orbit: np.ndarray) -> np.ndarray:
        """Of each coordinate (D,) of an orbit (n, D). Near 0 that of the terms that cancel there, told by their round-off."""
        # Of two steps, for a velocity at rest has that of the weights before.
        return np.maximum(np.abs(orbit).max(axis=0), noise(self.step, orbit[-LAST:], steps=2) / ULP)

    def judge(self, points: np.ndarray) -> Settled | None:
        """What the orbit ends on if it demonstrably goes to (or stays on) this cycle."""
        spare = max(self.budget - self.used, FIRST_STEPS)
        mu = multipliers(self.step, points)
        how, used, z = approach(self.step, self.z, points, mu, spare, self.extent)
        if how is Approach.NO:
            return None
        kind = regularity(self.step, points, float(self.extent.max())) if self.step.switching else "smooth"
        if kind == "jump":
            words = f"the orbit lands on a jump of the map (a {called(len(points))} there rests on what happens exactly at it)"
            return self.without_cycle("undecided", words + hint(self.step, self.z))
        size = float(np.abs(points).max())
        if kind == "corner":
            # Newton's method does not converge across a corner: only an orbit that closes to round-off is on it.
            if abs(mu[0]) > 1 and residual(self.step, points) > CORNER * max(size, 1e-300):
                return None
            leave = ", and some orbits nearby leave it" if drifts_away(self.step, points, float(self.extent.max())) else ""
            words = f"the orbit has reached it; the map has a corner there: the multiplier is one-sided{leave}"
            return self.on_cycle(points, mu, words)
        if how is Approach.STUCK:
            return self.on_unstable_cycle(points, mu)
        if how is Approach.ON_NEUTRAL and (size > ESCAPE or stuck_in_rounding(self.step, points, self.extent)):
            return self.without_cycle("undecided", f"at |z| = {size:.2g} floats do not resolve the steps")
        self.z, self.used = z, self.used + used
        return self.on_cycle(points, mu, how.value)

    def on_unstable_cycle(self, points: np.ndarray, mu: np.ndarray) -> Settled | None:
        """The float orbit sits on an unstable cycle: is that true of the exact orbit?"""
        if self.inject:
            return None
        what = f"an unstable {called(len(points))}"
        stays, z = stays_on(self.step, self.start, points, self.used, self.digits)
        if stays is None:
            return self.without_cycle("undecided", f"the float orbit sits on {what}, too late to check with {self.digits} digits")
        if stays:
            return self.on_cycle(points, mu, f"unstable: the start lies on its stable set ({self.digits} digits agree)")
        self.z, self.note = z, f"; followed with {self.digits} digits away from {what}"
        return None

    def on_cycle(self, points: np.ndarray, mu: np.ndarray, evidence: str) -> Settled:
        n, size = len(points), abs(mu[0])
        exponent = math.log(size) / n if size > 0 else -math.inf
        reason = f"{evidence}; |multiplier| = {size:.10g} after {self.used} steps{self.note}"
        kind = "fixed point" if n == 1 else "cycle"
        return Settled(kind, n, mu, exponent, residual(self.step, points), points, reason, self.used, self.inject)

    def without_cycle(self, kind: str, reason: str, exponent: float = math.nan) -> Settled:
        return Settled(kind, None, np.empty(0), exponent, math.nan, np.empty((0, self.step.dim)), reason, self.used, self.inject)
