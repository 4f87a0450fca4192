"""Zeros of a user's functions along a path: located on the steps' polynomials, recorded as events; some end the path."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from cfdyn.codegen.compile import compile_rule
from cfdyn.errors import UsageError, shown, unknown
from cfdyn.integrate._kernels.steppers.dense import sample, sample_slopes, shortened
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.numerics.illinois import zero
from cfdyn.symbolic.programs.watched import watched, watched_program
from cfdyn.symbolic.text.formula import is_formula

DIRECTIONS = {"up": 1, "down": -1, "both": 0}
RESERVED = ("enter", "leave")
PLACES = np.linspace(0.0, 1.0, 5)  # points in each step at which the functions are evaluated
BEGUN = 1e-9  # fraction of a step: a start this close to a zero is on it, and is not a crossing


class Crossing(NamedTuple):
    """The zero of a function in a step, at this fraction of it."""

    step: int
    share: float
    name: str


class Crossings:
    """The functions, the directions in which they should cross 0, those that end the path; ``clock``: start and sign of time."""

    def __init__(self, spec: Any, p: np.ndarray, given: Any, direction: Any, stop: Any, clock: tuple[float, int]):
        own, ending = _named(given), _named(stop)
        for name in own.keys() & ending.keys():
            if ending[name] not in (name, own[name]):
                raise UsageError(f"`events` and `stop` both have {name!r}, with two meanings: rename one of them")
        texts = {**own, **{name: text for name, text in ending.items() if name not in own}}
        self.names, self.stops = list(texts), set(ending)
        for name in self.names:
            if name in RESERVED or name in spec.names and texts[name] != name:
                raise UsageError(f"{name!r} is already a name in the flow: rename the event")
        self.ways = _ways(direction, self.names)
        functions = [watched(spec, text) for text in texts.values()]
        key = f"watched {[one.key for one in functions]} of {spec.key}"
        self.rule = compile_rule(key, 2 * len(functions), lambda: watched_program(spec, functions))
        self.p, self.begin, self.sign = p, *clock
        self.side = np.full(len(functions), np.nan)

    def look(self, times: np.ndarray, pieces: np.ndarray) -> tuple[list[tuple[float, str]], Crossing | None]:
        """(time of the run, name) of each crossing in these steps (m, 2), (m, 8, n), and the first that ends the path."""
        table = np.stack([self._at(times, pieces, place) for place in PLACES], axis=1)  # (m, 5, 2K)
        values, rates = np.split(table, 2, axis=2)
        met = sorted(crossing for k in range(len(self.names)) for crossing in self._crossings(k, times, pieces, values, rates))
        last = next((place for place, one in enumerate(met) if one.name in self.stops), None)
        kept = met if last is None else met[: last + 1]
        events = [(float(times[one.step, 0] + one.share * times[one.step, 1]), one.name) for one in kept]
        return events, None if last is None else met[last]

    def _at(self, times: np.ndarray, pieces: np.ndarray, place: float) -> np.ndarray:
        """Values and rates (m, 2K) at this fraction of each step."""
        share, sizes = np.full(len(times), place), times[:, 1:]
        clock = self.begin + self.sign * (times[:, :1] + place * sizes)
        rows = np.hstack([sample(pieces, share), sample_slopes(pieces, share) / sizes, clock, np.full_like(clock, self.sign)])
        return evaluate_rows(self.rule, rows, self.p)

    def _crossings(self, k: int, times: np.ndarray, pieces: np.ndarray, values: np.ndarray, rates: np.ndarray) -> list[Crossing]:
        g, slope, width = values[:, :, k].ravel(), rates[:, :, k].ravel(), len(PLACES)
        if np.isnan(self.side[k]):
            on_it = abs(g[0]) <= BEGUN * abs(slope[0]) * times[0, 1]
            self.side[k] = np.sign(slope[0] if on_it else g[0])
        sides, now = np.empty(len(g)), self.side[k]
        for i, sign in enumerate(np.sign(g).tolist()):
            # A start on the zero belongs to the side after it; a zero on the way belongs to the side before it.
            now = sides[i] = now if sign == 0 or (i == 0 and now != 0 and not np.isnan(now)) else sign
        self.side[k] = sides[-1]
        crossings, way = [], self.ways[self.names[k]]
        turned = (sides[:-1] == sides[1:]) & (sides[1:] * slope[:-1] < 0) & (sides[1:] * slope[1:] > 0)
        changed = (sides[:-1] * sides[1:] < 0) & ~np.isnan(sides[:-1] * sides[1:])
        for i in np.flatnonzero(changed | turned).tolist():
            step, j = divmod(i, width)
            if j == width - 1:  # from one step to the next: a jump
                pairs = [(0.0, 0.0, sides[i + 1])] if changed[i] else []
                step += 1
            else:
                pairs = self._brackets(k, times[step], pieces[step], PLACES[j], PLACES[j + 1], sides[i], bool(changed[i]))
            for left, right, side in pairs:
                share = self._zero(k, times[step], pieces[step], left, right)
                crossings += [Crossing(step, share, self.names[k])] * (way in (0, int(side)))
        return crossings

    def _brackets(
        self, k: int, time: np.ndarray, piece: np.ndarray, left: float, right: float, side: float, changed: bool
    ) -> list[tuple[float, float, float]]:
        """Brackets in which to search for zeros, and the sign after each: one, or two if an extremum lies on the other side."""
        if changed:
            return [(left, right, -side)]
        turn = zero(self._function(len(self.names) + k, time, piece), left, right)
        there = np.sign(self._function(k, time, piece)(turn))
        return [(left, turn, -side), (turn, right, side)] if there == -side else []

    def _zero(self, k: int, time: np.ndarray, piece: np.ndarray, left: float, right: float) -> float:
        return left if left == right else float(zero(self._function(k, time, piece), left, right))

    def _function(self, column: int, time: np.ndarray, piece: np.ndarray) -> Callable[[float], float]:
        return lambda share: float(self._at(time[None], piece[None], share)[0, column])


def cut(times: np.ndarray, pieces: np.ndarray, at: Crossing) -> int:
    """Shorten, in place, the step with the crossing so that it ends there; returns the number of remaining steps."""
    pieces[at.step] = shortened(pieces[at.step], at.share)
    times[at.step, 1] *= at.share
    return at.step + 1


def _named(given: Any) -> dict[str, Any]:
    """Functions by name, from a mapping, a list of texts, which are their names, or one of them."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        pairs = [(one if isinstance(one, str) else getattr(one, "__name__", str(one)), one)
                 for one in ([given] if is_formula(given) else given if isinstance(given, list | tuple) else [None])]  # fmt: skip
    named: dict[str, Any] = {}
    for name, one in pairs:
        if not (isinstance(name, str) and name.strip() and is_formula(one) and one != ""):
            raise UsageError(f"events are texts or functions by name, {{'name': 'x - 1'}}, or a list of them, not {shown(given)}")
        if named.setdefault(name.strip(), one) is not one and named[name.strip()] != one:
            raise UsageError(f"two events are called {name.strip()!r}: give functions by name, {{'name': function, …}}")
    return named


def _ways(direction: Any, names: list[str]) -> dict[str, int]:
    """1, −1 or 0 for each name, from one word for all or from words by name."""
    words = direction if isinstance(direction, Mapping) else dict.fromkeys(names, direction)
    for name, word in words.items():
        if name not in names:
            raise unknown("event", str(name), names)
        if word not in DIRECTIONS:
            raise unknown("direction", str(word), DIRECTIONS)
    return {name: DIRECTIONS[words.get(name, "both")] for name in names}
