"""Does an orbit that leaves the range of floats diverge, or does only its float copy?"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cfdyn.settling.high_precision import MAX_OPERATIONS
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import FAR
from cfdyn.systems.precise import PreciseMap

POWER, STAYS = 308, 100  # an orbit diverges if it stays beyond 10^308 for that many steps, and grows
LARGE = 1e100  # a float that overflows from here on was large before: it grew, and did not jump
STEEP = 1.0 + 1e-9  # a slope beyond this on a half-line makes distances grow forever
HALF_LINES = (300.0, 100.0, 30.0)  # where they may begin


class Escape(NamedTuple):
    """``kind``: "divergent", "undecided" or "returns", then with the float state ``z`` (D,) after ``steps`` more steps."""

    kind: str
    reason: str
    z: np.ndarray = np.empty(0)
    steps: int = 0


def escape(step: Map, z: np.ndarray, at: int, digits: int) -> Escape:
    """Follow the orbit from its last finite float state ``z`` (D,), at step ``at``, in ``digits`` digits of any exponent."""
    if step.cost * STAYS > MAX_OPERATIONS:
        size = float(np.abs(z).max())
        if size > LARGE:
            return Escape("divergent", f"|z| has grown to {size:.3g} at step {at}, and overflows then")
        return Escape("undecided", f"a step from |z| = {size:.3g} overflows at step {at + 1}; digits would cost too much")
    escape = _follow(step, step.precise(digits), z, at, digits)
    if escape.kind != "uncomputable":
        return escape
    # Of sin and cos far out only the bounds are known: it diverges if it does with either.
    either = [_follow(step, _with_waves_at(step.precise(digits), v), z, at, digits) for v in (1, -1)]
    if all(way.kind == "divergent" for way in either):
        return either[0]
    # NaN also with digits: outside the domain, or an exponential of something astronomic; a bound on growth may decide.
    at += escape.steps
    if step.dim == 1 and _grows(step, float(z[0])):
        return Escape("divergent", f"|z| exceeds 1e{POWER} at step {at}, and distances grow in every step from there on")
    if escape.reason == "beyond":
        return Escape("undecided", f"|z| exceeds 1e{POWER} at step {at - 1}, and the next step cannot be computed")
    return Escape("undecided", f"the orbit leaves the map's domain at step {at}")


def _follow(step: Map, precise: PreciseMap, z: np.ndarray, at: int, digits: int) -> Escape:
    """What becomes of it, or "uncomputable" after so many steps, then "beyond" if it was beyond 10^308."""
    state, limit, most = [precise.number(v) for v in z.tolist()], precise.number(10) ** POWER, int(MAX_OPERATIONS / step.cost)
    beyond: list[Any] = []
    for k in range(1, most + 1):
        state = precise(state)
        if any(v != v for v in state):
            return Escape("uncomputable", "beyond" if beyond else "", steps=k)
        largest = max(abs(v) for v in state)
        beyond = [*beyond, largest] if largest > limit else []
        if len(beyond) == STAYS:
            words = f"|z| exceeds 1e{POWER} from step {at + k - STAYS + 1} on, for {STAYS} steps ({digits} digits)"
            # A jump far out from where it comes back slowly does not grow.
            if max(beyond[STAYS // 2 :]) > max(beyond[: STAYS // 2]):
                return Escape("divergent", words)
            return Escape("undecided", f"{words}, but does not grow")
        if largest < FAR and (largest < LARGE or k == most):
            back = np.array([float(v) for v in state])
            return Escape("returns", f"; followed with {digits} digits where floats overflow", back, k)
    return Escape("undecided", f"|z| exceeds {FAR:g} at step {at}, and what follows takes too long with {digits} digits")


def _with_waves_at(precise: PreciseMap, value: int) -> PreciseMap:
    """The map with a value in place of the sine and cosine of what is too large to have one."""

    def bounded(function: Callable) -> Callable:
        def wave(x: Any) -> Any:
            result = function(x)
            return precise.number(value) if result != result and x == x else result

        return wave

    functions = precise.algebra.functions
    precise.algebra = replace(precise.algebra, functions={**functions, **{n: bounded(functions[n]) for n in ("sin", "cos")}})
    return precise


def _grows(step: Map, x: float) -> bool:
    """True if bounds on f and f′ say that |f(x)| > |x| for all of the half-lines that the orbit of x stays on."""
    for far in (abs(x), *HALF_LINES):
        side, seen = float(np.sign(x)), set()
        while side and far <= abs(x) < np.inf and side not in seen:
            seen.add(side)
            side *= _carries(step, side, far)
        if side in seen:
            return True
    return False


def _carries(step: Map, side: float, far: float) -> int:
    """1 if f takes {side·x ≥ far} outwards on the same side, −1 if to the other, by bounds on f′; 0 if they do not say so."""
    box = np.array([far, np.inf] if side > 0 else [-np.inf, -far])
    lo, hi = step.rule("interval:jacobian")(box, step.p)
    end = side * float(step.rule("step")(np.array([side * far]), step.p)[0])
    if lo >= STEEP and end >= far:
        return 1
    return -1 if hi <= -STEEP and end <= -far else 0
