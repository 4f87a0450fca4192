"""Attractors of maps made of flows, and the rest points and limit cycles of flows themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from cfdyn.cycles.matrix_free import cycle_near
from cfdyn.cycles.same import from_smallest, least_period
from cfdyn.ensembles.attractors import CONSERVED, DRIFT, NEAR, SLACK, Attractors, Found
from cfdyn.ensembles.labels import CONTRACTS, NEUTRAL, RETURN
from cfdyn.ensembles.of_flows import FlowOrbits
from cfdyn.errors import CfdynError
from cfdyn.integrate.maps.flow_map import FlowMap
from cfdyn.integrate.maps.poincare import PoincareMap
from cfdyn.integrate.maps.stroboscopic import StroboscopicMap
from cfdyn.kernels.orbits import UNSETTLED
from cfdyn.settling.orbit import orbit_of
from cfdyn.settling.regime import regime
from cfdyn.settling.settled import Settled

LIMIT_CYCLE = "limit cycle"
TINY = 1e-200  # of its size: an entry that is 0
POINTS, TURNS = 1024, 8  # of a limit cycle; crossings of a surface after which one is looked for
BESIDE = 1e-4  # of its size: so near to a limit cycle an orbit is on it, ten times what the chords between its points are off
MOVES = 1e-6  # of the size of a state, per unit of time: what moves slower may be at rest
PIECES = 8  # of a transient, after each of which orbits on limit cycles are taken out
WITHIN = 1000.0  # units of time in which a limit cycle must come back


class FlowAttractors(Attractors):
    """Attractors of a Poincaré or stroboscopic map: cycles by Newton's method with the tangent vectors of the flow."""

    step: Any
    extent = 1e-290  # the least size that anything has

    def label(self, orbits: Any, transient: int) -> np.ndarray:
        """As `Attractors.label`; what is far below the size of the starts counts as 0."""
        self.extent = max(self.extent, orbits.extent)
        return super().label(orbits, transient)

    def regime(self, state: np.ndarray) -> Settled:
        """The regime of one orbit, by individual examination."""
        return regime(self.step, state, self.longest)

    def _cycle(self, turn: np.ndarray) -> Found | None:
        size = max(float(np.abs(turn).max()), self.extent)
        cycle = cycle_near(self.step, turn[0], len(turn))
        if cycle is None or not len(cycle.leading.values) or not np.abs(cycle.points - turn).max() <= DRIFT * size:
            return None
        points = cycle.points[: least_period(cycle.points, extent=size)]
        if len(points) < len(turn):
            cycle = cycle_near(self.step, points[0], len(points))
        if cycle is None or not len(cycle.leading.values):
            return None
        values = cycle.leading.values[np.argsort(-np.abs(cycle.leading.values), kind="stable")].astype(complex)
        radius = float(np.abs(values[0]))
        if CONTRACTS <= radius <= NEUTRAL or np.isnan(radius):
            return None
        kind = "" if radius > 1 else "fixed point" if len(points) == 1 else "cycle"
        with np.errstate(divide="ignore"):
            exponent = float(np.log(radius)) / len(points)
        reach = size * max(NEAR, SLACK * RETURN / max(1 - radius, 1 - CONTRACTS))
        exact = np.where(np.abs(cycle.points) <= TINY * size, 0.0, cycle.points)
        return Found(kind, len(points), from_smallest(exact, size), values, exponent, reach)

    def _drawn_in(self, cycle: Found) -> np.ndarray:
        return np.zeros(len(cycle.points))

    def _conserves(self, orbit: np.ndarray) -> bool:
        rows = FlowOrbits(self.step, orbit, np.tile(self.step.p, (len(orbit), 1)), np.inf)
        with np.errstate(divide="ignore"):
            changes = np.log(np.abs(np.linalg.det(rows.turned(np.ones(len(orbit), np.int64))[1])))
        # Round-off of an integration is a few times its tolerance.
        self.conserves = bool(np.abs(changes).max() <= max(CONSERVED, 1e3 * self.step.rtol))
        return self.conserves


class LimitSets(FlowAttractors):
    """Attractors of a flow, by its time-1 map: rest points, limit cycles, and chaotic or quasi-periodic sets."""

    step: StroboscopicMap

    def _approach(self, orbits: Any, steps: int) -> np.ndarray:
        near = np.full(len(orbits.states), UNSETTLED)
        left, rest = np.arange(len(near)), orbits
        for piece in np.diff(np.linspace(0, steps, PIECES + 1).astype(int)).tolist():
            labels = super()._approach(rest, piece)
            labels[labels < 0] = self._on_limit_cycle(rest.states[labels < 0])
            near[left] = labels
            orbits.states[left], orbits.ended[left], orbits.codes[left] = rest.states, rest.ended, rest.codes
            left, rest = left[labels < 0], rest.some(np.flatnonzero(labels < 0))
            if not len(left):
                break
        return near

    def _repeating(self, orbits: Any, which: np.ndarray, periods: np.ndarray) -> np.ndarray:
        """A flow that moves and returns after whole units of time is on a limit cycle."""
        labels, moves = np.full(len(which), UNSETTLED), self._moves(orbits.states[which])
        labels[~moves] = super()._repeating(orbits, which[~moves], periods[~moves])
        labels[moves] = self._irregular(orbits.some(which[moves]), 3)
        return labels

    def _nearby(self, states: np.ndarray, cycles: list[Found], first: int = 0) -> np.ndarray:
        labels = super()._nearby(states, cycles, first)
        open_ones = np.flatnonzero(labels == UNSETTLED)
        if cycles is self.known:
            labels[open_ones] = self._on_limit_cycle(states[open_ones])
        return labels

    def _on_limit_cycle(self, states: np.ndarray) -> np.ndarray:
        """The place of the limit cycle on which each state (N, D) is, or UNSETTLED."""
        labels = np.full(len(states), UNSETTLED)
        for place, one in enumerate(self.known):
            if one.kind == LIMIT_CYCLE and len(states):
                size = float(np.abs(one.points).max())
                labels[away_from_curve(states, one.points) <= BESIDE * size] = place
        return labels

    def _followed(self, state: np.ndarray) -> int:
        if self.step.dim > 1 and self._moves(state[None])[0]:
            cycle = limit_cycle(self.step, state)
            if cycle is not None:
                place = int(self._on_limit_cycle(cycle.points[:1])[0])
                if place < 0:
                    self.known.append(cycle)
                return place if place >= 0 else len(self.known) - 1
        return super()._followed(state)

    def _moves(self, states: np.ndarray) -> np.ndarray:
        speeds = np.abs(self.step.flow.drifts()(states)).max(axis=1, initial=0.0)
        return speeds > MOVES * np.maximum(np.abs(states).max(axis=1, initial=0.0), self.extent)


def away_from_curve(states: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distances (N,) of states (N, D) from the closed polygon through points (n, D).

    >>> away_from_curve(np.array([[0.5, 0.25]]), np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]))
    array([0.1767767])
    """
    nearest, away = cKDTree(points).query(states)[1], np.full(len(states), np.inf)
    for shift in (-1, 1):
        begin = points[nearest]
        along = points[(nearest + shift) % len(points)] - begin
        part = np.clip(((states - begin) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-300), 0, 1)
        away = np.minimum(away, np.linalg.norm(states - begin - part[:, None] * along, axis=1))
    return away


def limit_cycle(step: StroboscopicMap, state: np.ndarray) -> Found | None:
    """The attracting limit cycle of a flow near a state, by first returns to the plane normal to the flow there; or None."""
    slope = step.flow.drift_at(state)
    slope = slope / np.abs(slope).max()
    plane = " + ".join(f"({float(f)!r})*({name} - ({float(x)!r}))" for f, name, x in zip(slope, step.names, state, strict=True))
    try:
        section = PoincareMap(step.flow, plane, "up", step.names[int(np.abs(slope).argmax())], WITHIN, step.rtol, step.atol)
        orbit = orbit_of(section, section.state(np.delete(state, section.flow.names.index(section.without))), TURNS + 1)
    except CfdynError:
        return None
    if orbit is None:
        return None
    away = np.abs(orbit[1:] - orbit[0]).max(axis=1)
    count = int(np.argmax(away <= 2 * away.min() + RETURN * np.abs(state).max())) + 1
    cycle = cycle_near(section, orbit[0], count)
    if cycle is None or not np.abs(cycle.points[0] - orbit[0]).max() <= 1e3 * DRIFT * np.abs(state).max():
        return None
    radius = float(np.abs(cycle.leading.values).max(initial=0.0))
    if not radius < CONTRACTS:
        return None
    time = sum(section.time(point) for point in cycle.points)
    points = orbit_of(StroboscopicMap(step.flow, time / POINTS, 0.0, step.rtol, step.atol), section.full(cycle.points[0]), POINTS)
    if points is None:
        return None
    with np.errstate(divide="ignore"):
        exponent = float(np.log(radius)) / time
    values = np.append(1.0, cycle.leading.values[np.argsort(-np.abs(cycle.leading.values), kind="stable")]).astype(complex)
    return Found(LIMIT_CYCLE, None, points, values, exponent)


def attractors_of(step: Any, longest: int, of_flow: bool) -> Attractors:
    """The `Attractors` of a map, of one made of a flow, or of a flow by its time-1 map; none is known yet."""
    kind = LimitSets if of_flow else FlowAttractors if isinstance(step, FlowMap) else Attractors
    return kind(step, longest)
