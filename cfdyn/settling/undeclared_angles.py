"""Entries of a state that seem to be angles and were not declared as such."""

import math

import numpy as np

from cfdyn.systems.any_map import AnyMap

USUAL = {"1": 1.0, "2*pi": 2 * math.pi, "pi": math.pi, "360": 360.0}  # periods that angles usually have, and what they are called
FAR = 8.0  # periods from 0: an entry has drifted off
SAME = 1e-9  # of the size of an entry: images that differ by no more are one
PLACES = (-1.6180340, -0.3819660, 0.1458980, 0.7639320)  # near 0, as parts of a period, where no formula is special


def hint(step: AnyMap, z: np.ndarray) -> str:
    """What to do about an entry of z (D,) that seems to be an angle, as the end of a sentence; "" where there is none.

    It has drifted off while the map repeats in it, or a map with branches comes back to the same value a period on.
    """
    if step.compiled is None:  # of many entries each would take several steps
        return ""
    for k, name in enumerate(step.names):
        for words, period in USUAL.items() if name not in step.periodic else ():
            drifts = abs(z[k]) > FAR * period
            wraps = step.switching and abs(z[k]) <= period
            if (drifts or wraps) and _repeats(step, z, k, period, float(drifts)):
                what = f"{name} drifts, and the map repeats in it" if drifts else f"the map brings {name} back"
                return f"; {what} with the period {words}: declare it an angle, with `periodic={{{name!r}: {words}}}`"
    return ""


def _repeats(step: AnyMap, z: np.ndarray, k: int, period: float, turns: float) -> bool:
    """True if a period more in entry k makes ``turns`` turns more of its image: here, and near 0.

    Far out many a map is almost a shift, such as x − 1/x, and repeats with any period.
    """
    for part in (z[k] / period, *PLACES):
        here, beyond = z.copy(), z.copy()
        here[k], beyond[k] = part * period, part * period + period
        moved = step(beyond) - step(here)
        moved[k] -= turns * period
        if not np.abs(moved).max() <= SAME * (1 + abs(here[k])):
            return False
    return True
