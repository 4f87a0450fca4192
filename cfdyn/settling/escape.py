"""Does an orbit that leaves the range of floats diverge, or does only its float copy?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cfdyn.systems.map import Map
from cfdyn.systems.orbit import FAR
from cfdyn.systems.precise import PreciseMap

MAX_OPERATIONS = 2e6
# An orbit diverges if it stays beyond 10^308 for that many steps.
POWER, STAYS = 308, 100
# A float that overflows from here on was large before: it grew, and did not jump.
LARGE = 1e100
# A slope beyond this on a half-line makes distances grow for ever.
STEEP = 1.0 + 1e-9


class Escape(NamedTuple):
    """``kind``: "divergent", "undecided" or "returns", then with the float state ``z`` (D,) after ``steps`` more steps."""

    kind: str
    reason: str
    z: np.ndarray
    steps: int = 0


def escape(step: Map, z: np.ndarray, at: int, digits: int) -> Escape:
    """Follow the orbit from its last finite float state ``z`` (D,), at step ``at``, in ``digits`` digits of any exponent."""
    if step.cost * STAYS > MAX_OPERATIONS:
        return _costly(step, z, at)
    found = _follow(step, step.precise(digits), z, at, digits)
    if found.kind != "uncomputable":
        return found
    # Of sin and cos far out only the bounds are known: it diverges if it does with either.
    either = [_follow(step, _with_waves_at(step.precise(digits), v), z, at, digits) for v in (1, -1)]
    if all(way.kind == "divergent" for way in either):
        return either[0]
    return _uncomputable(step, z, at + found.steps, found.reason == "beyond")


def _follow(step: Map, precise: PreciseMap, z: np.ndarray, at: int, digits: int) -> Escape:
    state, limit, most = [precise.number(v) for v in z.tolist()], precise.number(10) ** POWER, int(MAX_OPERATIONS / step.cost)
    beyond: list[Any] = []
    for k in range(1, most + 1):
        state = precise(state)
        if any(v != v for v in state):
            return Escape("uncomputable", "beyond" if beyond else "", z, k)
        largest = max(abs(v) for v in state)
        beyond = [*beyond, largest] if largest > limit else []
        if len(beyond) == STAYS:
            return _beyond(beyond, z, at + k - STAYS + 1, digits)
        if largest < FAR and (largest < LARGE or k == most):
            return Escape("returns", f"; followed with {digits} digits where floats overflow", _floats(state), k)
    return Escape("undecided", f"|z| exceeds {FAR:g} at step {at}, and what follows takes too long with {digits} digits", z)


def _with_waves_at(precise: PreciseMap, value: int) -> PreciseMap:
    """The map with a value in place of the sine and cosine of what is too large to have one."""

    def bounded(function: Callable) -> Callable:
        def wave(x: Any) -> Any:
            found = function(x)
            return precise.number(value) if found != found and x == x else found

        return wave

    functions = precise.algebra.functions
    precise.algebra = replace(precise.algebra, functions={**functions, **{n: bounded(functions[n]) for n in ("sin", "cos")}})
    return precise


def _beyond(sizes: list, z: np.ndarray, first: int, digits: int) -> Escape:
    """A hundred steps of |z| > 10^308: it diverges if it grows, a jump far out from where it comes back slowly does not."""
    words = f"|z| exceeds 1e{POWER} from step {first} on, for {STAYS} steps ({digits} digits)"
    if max(sizes[STAYS // 2 :]) > max(sizes[: STAYS // 2]):
        return Escape("divergent", words, z)
    return Escape("undecided", f"{words}, but does not grow", z)


def _costly(step: Map, z: np.ndarray, at: int) -> Escape:
    """A map of too many operations for digits: what grew to 10^100 and beyond step after step is taken to diverge."""
    size = float(np.abs(z).max())
    if size > LARGE:
        return Escape("divergent", f"|z| has grown to {size:.3g} at step {at}, and overflows then", z)
    return Escape("undecided", f"a step from |z| = {size:.3g} overflows at step {at + 1}; digits would cost too much", z)


def _uncomputable(step: Map, z: np.ndarray, at: int, beyond: bool) -> Escape:
    """NaN also with digits: outside the domain, or an exponential of something astronomic; a bound on growth may decide."""
    if step.dim == 1 and _grows(step, float(z[0])):
        return Escape("divergent", f"|z| exceeds 1e{POWER} at step {at}, and distances grow in every step from there on", z)
    if beyond:
        return Escape("undecided", f"|z| exceeds 1e{POWER} at step {at - 1}, and the next step cannot be computed", z)
    return Escape("undecided", f"the orbit leaves the map's domain at step {at}", z)


def _grows(step: Map, x: float) -> bool:
    """True if bounds on f and f′ say that |f(x)| > |x| for all of the half-lines that the orbit of x stays on."""
    for far in (abs(x), 300.0, 100.0, 30.0):
        if far > abs(x) or not np.isfinite(far):
            continue
        side, seen = float(np.sign(x)), set()
        while side not in seen:
            seen.add(side)
            across = _carries(step, side, far)
            if across == 0:
                break
            side *= across
        else:
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


def _floats(state: list) -> np.ndarray:
    return np.array([float(v) for v in state])

