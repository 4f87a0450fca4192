"""Tangents along a flow, orthonormalized repeatedly, and their growth rates."""

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.maps.course import Course
from cfdyn.systems.flow import Flow

RTOL, ATOL = 1e-10, 1e-12
LONGER, SHORTER = 10.0, 1e5  # growth between two times at which tangents are orthonormalized too often, or too rarely
FAR = 1e15  # a state that has diverged


class Tangents:
    """Orthonormal rows q (k, n) that a flow carries along; `follow` moves them and a state."""

    def __init__(self, flow: Flow, q: np.ndarray):
        self.flow, self.q, self.n, self.lasting = flow, q, q.shape[1], 0.0

    def follow(self, z: np.ndarray, time: float, alone: bool = False) -> np.ndarray:
        """Move z (m,), in place, over a time; Σ log r_kk of the tangents, (k,), or 0 if the state moves alone.

        Raises
        ------
        NumericsError : the flow ends, or diverges
        """
        sums, begun = np.zeros(len(self.q)), 0.0
        if alone:
            self._over(z, np.empty((0, self.q.shape[1])), time)
            return sums
        while begun < time:
            self.lasting = self.lasting or min(time, 1e-2 / max(self._rate(z), 1e-2 / time))
            lasting = min(self.lasting, time - begun)
            turned, triangle = np.linalg.qr(self._over(z, self.q, lasting).T)
            growth = np.abs(np.diag(triangle))
            self.q = np.ascontiguousarray(turned.T)
            with np.errstate(divide="ignore"):
                sums += np.log(growth)
            begun = time if lasting == time - begun else begun + lasting
            spread = max(float(growth.max()), 1.0) / max(min(float(growth.min()), 1.0), 1e-300)
            if spread > SHORTER:
                self.lasting /= 2
            elif spread < LONGER and lasting == self.lasting:
                self.lasting *= 2
        return sums

    def _rate(self, z: np.ndarray) -> float:
        """The size of DF at z."""
        matrix = self.flow.jacobian(z)
        return float(np.abs(matrix).sum(axis=1).max()) if np.isfinite(matrix).all() else np.inf

    def _over(self, z: np.ndarray, tangents: np.ndarray, time: float) -> np.ndarray:
        """Move z, in place, over a time; return the image of the tangents."""
        if not time > 0:
            return tangents
        n, k = z.size - self.flow.timed, len(tangents)
        course = Course(self.flow, k, "", RTOL, ATOL, time, float(z[-1]) if self.flow.timed else 0.0)
        z[:n], pushed, _, why = course.one(z[:n], tangents)
        z[n:] += time
        if not why and not np.abs(z[:n]).max() < FAR:
            why = "the flow has diverged to infinity"
        if why:
            raise NumericsError(f"the path has no exponents: {why}")
        return pushed
