"""The behaviour of a float orbit whose weights only round-off keeps in place."""

import numpy as np

from cfdyn.settling.disturbed import ULPS, UNDERFLOWS
from cfdyn.settling.orbit import orbit_of
from cfdyn.systems.map import Map
from cfdyn.words import few, named

UNSTABLE = "the point there is unstable once averages have fallen"  # what `lost_to_rounding` has seen
RESTS = 1000  # steps in which weights stand still that rest
MOST_NUMBERS = 2_000_000  # of the states that are looked at


def in_floats(step: Map, z: np.ndarray, since: int, most: int) -> str:
    """What the orbit of z (D,), its state after ``since`` steps, does in so many more without perturbations, in words."""
    orbit = orbit_of(step, z, min(most, MOST_NUMBERS // step.dim))
    if orbit is None:
        return "leaves the range of floats"
    w, last = orbit[:, : step.n_weights], since + len(orbit) - 1
    begin, end = rest_of(w)
    if end == begin:
        return f"does not come to rest in {last} steps"
    where = few([named([name], [value]) for name, value in zip(step.names, w[end - 1].tolist(), strict=False)])
    leaves = f"and leaves again by round-off alone, after {end - begin} steps"
    how = f"and stays there to step {last}, as far as it was followed" if end == len(w) else leaves
    return f"rests at {where} from step {since + begin} on {how}"


def rest_of(w: np.ndarray) -> tuple[int, int]:
    """(first, end) of the first rows of weights (n, d) that stand still to round-off, `RESTS` at least; (0, 0) where none do."""
    blocks = w[: len(w) // RESTS * RESTS].reshape(-1, RESTS, w.shape[1])
    room = np.maximum(ULPS * np.spacing(np.abs(blocks).max(axis=(1, 2))), UNDERFLOWS)
    still = np.flatnonzero(np.ptp(blocks, axis=1).max(axis=1) <= room)
    if not len(still):
        return 0, 0
    held = int(still[0]) * RESTS
    near = (np.abs(w - w[held + RESTS // 2]) <= room[still[0]]).all(axis=1)
    return (int(np.flatnonzero(~np.append(False, near[:held]))[-1]),
            held + int(np.flatnonzero(~np.append(near[held:], False))[0]))  # fmt: skip
