"""Saddles of a map of the plane, and orbits that leave and return to them, by searches in floats: candidates only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfdyn.certify.subject import Floats

STARTS, NEWTON = 40, 40  # starts along each side of the box; steps
SAMPLES = 4000  # along one turn of the unstable manifold
CLOSE, FAR = 1e-9, 1e100
LONGEST_TAIL = 30


@dataclass(frozen=True)
class Saddle:
    """A cycle with one multiplier outside the unit circle and one inside, both real: points (p, 2), multipliers, directions."""

    points: np.ndarray
    stretch: float
    shrink: float
    frame: np.ndarray  # columns: the unstable and the stable direction at the first point


class Plane:
    """A map of the plane in doubles, and its p-th iterate."""

    def __init__(self, step: Floats, jacobian: Floats, period: int = 1):
        self.one, self.slopes, self.period = step, jacobian, period

    def step(self, z: np.ndarray) -> np.ndarray:
        """The p-th iterate of states (2, …)."""
        for _ in range(self.period):
            z = self.one(z)
        return z

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        """The derivative of the p-th iterate, (…, 2, 2)."""
        total = None
        for _ in range(self.period):
            here = np.moveaxis(self.slopes(z), 0, -1).reshape(*z.shape[1:], 2, 2)
            total = here if total is None else here @ total
            z = self.one(z)
        assert total is not None
        return total

    def saddles(self, box: np.ndarray) -> list[Saddle]:
        """Saddles with a point in the box, (2, 2): lo, hi of each coordinate; the strongest stretch first."""
        grid = np.meshgrid(*(np.linspace(lo, hi, STARTS) for lo, hi in box))
        z = np.array([g.ravel() for g in grid])
        with np.errstate(all="ignore"):
            for _ in range(NEWTON):
                m, r = self.jacobian(z) - np.eye(2), self.step(z) - z
                det = m[:, 0, 0] * m[:, 1, 1] - m[:, 0, 1] * m[:, 1, 0]
                z = z - np.array([m[:, 1, 1] * r[0] - m[:, 0, 1] * r[1], m[:, 0, 0] * r[1] - m[:, 1, 0] * r[0]]) / det
            good = (np.abs(self.step(z) - z).max(axis=0) < CLOSE) & np.isfinite(z).all(axis=0)
            good &= ((z >= box[:, :1]) & (z <= box[:, 1:])).all(axis=0)
        saddles: list[Saddle] = []
        for point in z[:, good].T:
            if not any(np.abs(p - point).max() < 1e-6 for s in saddles for p in s.points):
                saddle = self._saddle(point)
                saddles += [saddle] if saddle else []
        return sorted(saddles, key=lambda s: -abs(s.stretch))

    def _saddle(self, point: np.ndarray) -> Saddle | None:
        values, vectors = np.linalg.eig(self.jacobian(point[:, None])[0])
        if np.iscomplexobj(values):
            return None
        first, second = np.argsort(-np.abs(values))
        if not (abs(values[first]) > 1.05 and abs(values[second]) < 0.98):
            return None
        points = [point]
        for _ in range(self.period - 1):
            points.append(self.one(points[-1][:, None])[:, 0])
        if any(np.abs(p - point).max() < 1e-6 for p in points[1:]):
            return None  # of a smaller period
        return Saddle(np.array(points), float(values[first]), float(values[second]), vectors[:, [first, second]])

    def homoclinic(self, saddle: Saddle, begin: float, end: float, longest: int = 40, most: int = 6) -> list[np.ndarray]:
        """Orbits from near the saddle, along its unstable direction, back to it along the stable one, (k+1, 2) each.

        They start at a distance from ``begin`` to ``begin`` times the stretch, and return within ``end``.
        """
        turn = abs(saddle.stretch) ** (2 if saddle.stretch < 0 else 1)
        orbits: list[np.ndarray] = []
        for side in (1.0, -1.0) if saddle.stretch > 0 else (1.0,):
            t = side * begin * np.geomspace(1, turn, SAMPLES)
            orbits += self._on_one_side(saddle, t, end, longest, orbits, most if saddle.stretch < 0 else most // 2)
        return orbits

    def _on_one_side(
        self, saddle: Saddle, t: np.ndarray, end: float, longest: int, known: list[np.ndarray], most: int
    ) -> list[np.ndarray]:
        """Those orbits started at distances t that return, without known ones."""
        z, inverse = saddle.points[0], np.linalg.inv(saddle.frame)
        state, orbits = z[:, None] + saddle.frame[:, :1] * t, list[np.ndarray]()
        for n in range(1, longest):
            state = np.clip(self.step(state), -FAR, FAR)
            u = inverse @ (state - z[:, None])
            near = (np.abs(u) < end).all(axis=0)
            with np.errstate(all="ignore"):
                crossing = near[:-1] & near[1:] & (u[0, :-1] * u[0, 1:] <= 0)
            for i in np.flatnonzero(crossing).tolist() if n > 3 else ():
                orbit = self._polished(saddle, self._between(saddle, t[i], t[i + 1], n))
                if orbit is not None:
                    orbit = self._polished(saddle, _continued(saddle, orbit, abs(float(t[0]))))
                if orbit is not None and not any(_same(orbit, o, z) for o in [*known, *orbits]):
                    orbits.append(orbit)
                if len(orbits) == most:
                    return orbits
        return orbits

    def _between(self, saddle: Saddle, a: float, b: float, n: int) -> np.ndarray:
        """The orbit whose n-th point lies on the stable direction, by bisection of its start."""
        z, inverse = saddle.points[0], np.linalg.inv(saddle.frame)

        def orbit(t: float) -> np.ndarray:
            points = [z + saddle.frame[:, 0] * t]
            for _ in range(n):
                points.append(self.step(points[-1][:, None])[:, 0])
            return np.array(points)

        at_a = (inverse @ (orbit(a)[-1] - z))[0]
        for _ in range(60):
            middle = (a + b) / 2
            value = (inverse @ (orbit(middle)[-1] - z))[0]
            if value * at_a > 0:
                a = middle
            else:
                b = middle
        return orbit((a + b) / 2)

    def _polished(self, saddle: Saddle, orbit: np.ndarray) -> np.ndarray | None:
        """Newton's method for all points at once: the first on the unstable direction, the last on the stable one."""
        z, inverse, n = saddle.points[0], np.linalg.inv(saddle.frame), len(orbit) - 1
        for _ in range(8):
            matrix, residual = np.zeros((2 * n + 2, 2 * n + 2)), np.zeros(2 * n + 2)
            slopes, images = self.jacobian(orbit.T), self.step(orbit.T).T
            matrix[0, :2], residual[0] = inverse[1], (inverse @ (orbit[0] - z))[1]
            for i in range(n):
                rows = slice(1 + 2 * i, 3 + 2 * i)
                matrix[rows, 2 * i : 2 * i + 2], matrix[rows, 2 * i + 2 : 2 * i + 4] = slopes[i], -np.eye(2)
                residual[rows] = images[i] - orbit[i + 1]
            matrix[-1, -2:], residual[-1] = inverse[0], (inverse @ (orbit[-1] - z))[0]
            try:
                orbit = orbit - np.linalg.solve(matrix, residual).reshape(-1, 2)
            except np.linalg.LinAlgError:
                return None
        return orbit if np.isfinite(orbit).all() and np.abs(residual).max() < CLOSE else None


def _continued(saddle: Saddle, orbit: np.ndarray, near: float) -> np.ndarray:
    """The orbit, followed by points that approach the saddle along its stable direction by the linear map."""
    distance = (np.linalg.inv(saddle.frame) @ (orbit[-1] - saddle.points[0]))[1]
    more = [orbit]
    while abs(distance) > near and len(more) < LONGEST_TAIL:
        distance *= saddle.shrink
        more.append((saddle.points[0] + saddle.frame[:, 1] * distance)[None])
    return np.concatenate(more)


def _same(one: np.ndarray, other: np.ndarray, z: np.ndarray) -> bool:
    """True if both are one orbit: a point of the first one far from the saddle lies on the other one."""
    far = one[np.argmax(np.abs(one - z).max(axis=1))]
    return bool(np.abs(other - far).max(axis=1).min() < 1e-3 * np.abs(far - z).max())
