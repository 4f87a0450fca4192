"""`covariant_vectors`: covariant Lyapunov vectors along an orbit."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.ensembles._kernels.covariant import backward, forward
from cfdyn.errors import NumericsError, UsageError
from cfdyn.kernels.orbits import DONE, advance
from cfdyn.linalg.products import frame
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import FAR, MAX_BYTES, status_text

NEUTRAL = 3  # in its errors: an exponent this close to 0 counts to neither side
PARTS = 20  # parts of the orbit whose means give the errors


@dataclass(frozen=True)
class CovariantVectors(Record):
    """``vectors`` (n, D, D): at each of the ``states`` (n, D) the unit vectors v_1, …, v_D as rows, up to their signs.

    A step maps v_k to e^rate times v_k at the next state, with ``rates`` (n, D), whose means are the ``exponents`` (D,), with
    ``errors`` (D,). ``angles`` (n,): the smallest angle between the spaces of positive and of negative exponents, in radians,
    NaN if one of them is empty; near 0, stable and unstable manifolds are almost tangent. ``names`` of the entries.
    """

    states: Annotated[np.ndarray, "n D"]
    vectors: Annotated[np.ndarray, "n D D"]
    rates: Annotated[np.ndarray, "n D"]
    exponents: Annotated[np.ndarray, "D"]
    errors: Annotated[np.ndarray, "D"]
    angles: Annotated[np.ndarray, "n"]
    names: tuple[str, ...]


def covariant_vectors(step: Map, z0: Any, n: int = 10_000, transient: int = 1000) -> CovariantVectors:
    """Covariant Lyapunov vectors along an orbit, by Ginelli's method.

    Orthonormal tangent vectors are pushed forward along the orbit and ``transient`` steps beyond its end, J Q_t = Q_{t+1} R_t.
    The coefficients are then iterated backward, R_t c_t = c_{t+1}, and converge to the vectors v_k = Q c_k of span{q_1, …, q_k}
    that grow most slowly. Unlike the rows of Q they do not depend on the scalar product, and a step maps them to one another.
    For equal exponents the result is an arbitrary basis of their common space.

    Parameters
    ----------
    step : the map
    z0 : start, the d weights or the full state (D,)
    n : number of states with vectors
    transient : number of steps discarded before, and taken beyond the end; nearly equal exponents need more

    Raises
    ------
    NumericsError : the orbit diverges or leaves the domain, or a step maps a direction to 0
    UsageError : fewer than 20 states, a negative transient, or more numbers than memory holds

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> cat = cf.Map.from_text(["x + y", "x + 2*y"], "x y", periodic={"x": 1, "y": 1})
    >>> result = cf.analysis.covariant_vectors(cat, [0.2, 0.3], 100)
    >>> result.exponents.round(6), np.abs(result.vectors[7]).round(4).tolist()
    (array([ 0.962424, -0.962424]), [[0.5257, 0.8507], [0.8507, 0.5257]])

    References
    ----------
    Ginelli, Poggi, Turchi, Chaté, Livi & Politi (2007), Phys. Rev. Lett. 99, 130601.
    """
    count, before, z = whole_number("n", n), whole_number("transient", transient, 0), require_map(step).state(z0).copy()
    if count < PARTS:
        raise UsageError(f"covariant_vectors needs {PARTS} states, not {count}")
    total, d = 2 * before + count, step.dim
    if 8 * total * d * (3 * d + 2) > MAX_BYTES:
        raise UsageError(f"{total} steps of {d} entries need {8 * total * d * (3 * d + 2) / 2**30:.1f} GiB; the limit is "
                         f"{MAX_BYTES / 2**30:.0f} GiB: take fewer")  # fmt: skip
    done, code = advance(step.rule("step").compiled, z, step.p, before, FAR)
    if code != DONE:
        raise NumericsError(f"the orbit {status_text(code, done)}, so it has no vectors")
    states, frames, factors = np.empty((total + 1, d)), np.empty((total + 1, d, d)), np.empty((total, d, d))
    states[0], frames[0] = z, frame(d, d)
    finite = forward(step.rule("step").compiled, step.rule("jacobian").compiled, step.p, states, frames, factors)
    if finite < total:
        raise NumericsError(f"the orbit stops being finite at step {before + finite}: it has no vectors")
    vectors, rates, coefficients = np.empty((before + count, d, d)), np.empty((before + count, d)), np.triu(np.ones((d, d)))
    flat = backward(factors, frames, coefficients, vectors, rates)
    if flat >= 0:
        raise NumericsError(f"step {before + flat} takes a direction to 0: vectors cannot be followed backward")
    states, vectors, rates = states[before : before + count].copy(), vectors[before:].copy(), rates[before:].copy()
    exponents = rates.mean(axis=0)
    means = np.array([part.mean(axis=0) for part in np.array_split(rates, PARTS)])
    errors = means.std(axis=0, ddof=1) / np.sqrt(PARTS)
    settings = provenance(map=step.title, params=step.params, start=z0, transient=before)
    return CovariantVectors(states, vectors, rates, exponents, errors, _angles(vectors, exponents, errors), step.names,
                            provenance=settings)  # fmt: skip


def _angles(vectors: np.ndarray, exponents: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The smallest angle between the spaces of positive and of negative exponents, (n,)."""
    up, down = exponents > NEUTRAL * errors, exponents < -NEUTRAL * errors
    if not (up.any() and down.any()):
        return np.full(len(vectors), np.nan)
    one, two = (np.linalg.qr(vectors[:, side].swapaxes(1, 2))[0] for side in (up, down))
    cosines = np.linalg.svd(one.swapaxes(1, 2) @ two, compute_uv=False)[:, 0]
    return np.arccos(np.clip(cosines, 0.0, 1.0))
