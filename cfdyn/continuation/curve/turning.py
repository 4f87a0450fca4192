"""Cycles with multipliers e^±iθ for a given θ: resonances p:q on a curve, and the beginning of a Neimark–Sacker curve."""

from math import gcd
from typing import NamedTuple

import numpy as np

from cfdyn.continuation.branch.system import length_scales
from cfdyn.cycles.shooting import cyclic_system, images, jacobians
from cfdyn.errors import CfdynError
from cfdyn.linalg.direct import bordered
from cfdyn.systems.map import Map

MOST, DONE = 25, 1e-11  # rounds of Newton's method; lengths
BESIDE = 1e-7  # lengths: differences for derivatives
FAR = 0.5  # lengths in a round


class Turning(NamedTuple):
    """The points (n, D) of a cycle with the multipliers e^±iθ, and the two parameters (2,)."""

    points: np.ndarray
    parameters: np.ndarray


def fractions(most: int) -> list[tuple[int, int]]:
    """(p, q), p/q < 1/2 in lowest terms, for q = 5 … most, in the order of q.

    >>> fractions(8)
    [(1, 5), (2, 5), (1, 6), (1, 7), (2, 7), (3, 7), (1, 8), (3, 8)]
    """
    return [(p, q) for q in range(5, most + 1) for p in range(1, (q + 1) // 2) if gcd(p, q) == 1]


@np.errstate(all="ignore")
def turning(step: Map, points: np.ndarray, names: tuple[str, str], widths: np.ndarray, angle: float) -> Turning | None:
    """The closest such cycle, by Newton's method for points and both parameters, from a nearby cycle (n, D); None if it fails.

    With the borders b and c, g of (M − e^iθ I) h + b g = 0, ⟨c, h⟩ = 1 is 0 where e^iθ is a multiplier.
    """
    base, scale = np.array([step.params[name] for name in names]), float(length_scales(step, points).max())
    unit = np.append(np.full(points.size, scale), widths)
    nu, z = np.exp(1j * angle), np.append(points.ravel(), base) / unit

    def at(place: np.ndarray) -> tuple[Map, np.ndarray]:
        values = place * unit
        return step.at(**{name: float(v) for name, v in zip(names, values[-2:], strict=True)}), values[:-2].reshape(points.shape)

    def matrix(place: np.ndarray) -> np.ndarray:
        return cyclic_system(jacobians(*at(place)), nu, points.size)

    def defect(place: np.ndarray) -> np.ndarray:
        here, x = at(place)
        whole = bordered(matrix(place), border[0][:, None], border[1].conj()[:, None])
        g = np.linalg.solve(whole, np.append(np.zeros(points.size), 1.0))[-1]
        return np.concatenate([(images(here, x) - np.roll(x, -1, axis=0)).ravel() / scale, [g.real, g.imag]])

    try:
        u, _, v = np.linalg.svd(matrix(z))
        border = u[:, -1], v[-1].conj()
        for _ in range(MOST):
            value = defect(z)
            slopes = np.array([(defect(z + h) - defect(z - h)) / (2 * BESIDE) for h in BESIDE * np.eye(len(z))]).T
            move = np.linalg.solve(slopes, value)
            if not np.abs(move).max() <= FAR:
                return None
            z = z - move
            if np.abs(move).max() <= DONE:
                return Turning(at(z)[1], z[-2:] * unit[-2:])
    except (CfdynError, np.linalg.LinAlgError, FloatingPointError):
        return None
    return None
