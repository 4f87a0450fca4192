"""`chaos`: the evidence for and against chaos on the attractor of an orbit, side by side."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.invariants.fractal_dimension import FractalDimension, fractal_dimension
from cfdyn.analysis.invariants.lyapunov_spectrum import LyapunovSpectrum, lyapunov_spectrum
from cfdyn.analysis.invariants.permutation_entropy import PermutationEntropy, permutation_entropy
from cfdyn.analysis.invariants.zero_one_test import ZeroOneTest, zero_one_test
from cfdyn.arguments import whole_number
from cfdyn.errors import NumericsError, UsageError
from cfdyn.kernels.orbits import DONE, advance
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import FAR, iterate, status_text

ERRORS, ROUNDED = 5, 1e-9  # an exponent is positive if it exceeds this many of its errors, and its size from round-off
TESTED, PAIRED, BOXED = 5000, 20_000, 100_000  # rows of the 0–1 test, for pairs and for boxes
LEAST, SHOWN = 1000, 4000  # steps; states kept
ALIKE, FEWEST = 0.9, 500  # correlation of neighbours; rows for a test


@dataclass(frozen=True)
class Chaos(Record):
    """``kind``: "chaotic", "regular" or "undecided", with its ``reason``.

    ``spectrum``: Lyapunov exponents with errors and the Kaplan–Yorke dimension; ``test``: the 0–1 test on every ``stride``-th
    state; ``permutation``: the permutation entropy of the first entry; ``correlation`` and ``box`` dimensions, None if not
    requested; ``states`` (n, D): consecutive states on the attractor; ``names`` of the entries.
    """

    kind: str
    spectrum: LyapunovSpectrum
    test: ZeroOneTest
    stride: int
    permutation: PermutationEntropy
    correlation: FractalDimension | None
    box: FractalDimension | None
    states: Annotated[np.ndarray, "n D"]
    names: tuple[str, ...]
    reason: str

    @property
    def chaotic(self) -> bool:
        """True if both the largest exponent and the 0–1 test indicate chaos."""
        return self.kind == "chaotic"


def chaos(
    step: Map, z0: Any, steps: int = 100_000, transient: int = 10_000, dimensions: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Chaos:  # fmt: skip
    """Is the attractor chaotic? Its Lyapunov spectrum, the 0–1 test, permutation entropy and dimensions, after a transient.

    The result is "chaotic" if the largest exponent exceeds 0 by five errors and the 0–1 test on 5000 states agrees; "regular"
    if the exponent does not and the test says regular; else "undecided". If successive states are correlated by more than 0.9
    or less than −0.9, the test takes every 2nd, 4th, … state, since slow motion and many bands hide chaos from it; it takes
    angles as cosine and sine. The two methods share the orbit but nothing else: one uses derivatives of the map, the other a
    series of numbers. Both are evidence from a float orbit: a chaotic transient longer than the orbit looks the same, and a map
    with slopes ±2, whose orbits collapse in binary arithmetic, is undecided.

    Parameters
    ----------
    step : the map
    z0 : start, the d weights or the full state (D,)
    steps : number of steps over which exponents are averaged, at least 1000; the correlation dimension uses at most 20,000
        states, the box dimension 100,000
    transient : number of steps before
    dimensions : whether to compute the dimensions, which take most of the time
    progress : called with the name of the next step

    Raises
    ------
    NumericsError : the orbit diverges or leaves the domain
    UsageError : too few steps, or an invalid start

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.9))
    >>> verdict = cf.analysis.chaos(step, [0.3], dimensions=False)
    >>> verdict.kind, verdict.spectrum.exponents.round(1), round(verdict.test.K, 1)
    ('chaotic', array([0.9]), 1.0)
    >>> cf.analysis.chaos(step.at(lr=1.25), [0.3], dimensions=False).kind  # a 4-cycle
    'regular'

    References
    ----------
    Those of `lyapunov_spectrum`, `zero_one_test`, `permutation_entropy` and `fractal_dimension`.
    """
    count, before, z = whole_number("steps", steps), whole_number("transient", transient, 0), require_map(step).state(z0).copy()
    if count < LEAST:
        raise UsageError(f"chaos needs {LEAST} steps, not {count}")
    say = progress or (lambda what: None)
    done, code = advance(step.rule("step").compiled, z, step.p, before, FAR)
    if code != DONE:
        raise NumericsError(f"the orbit {status_text(code, done)}, so it has no attractor")
    say("Lyapunov exponents")
    spectrum = lyapunov_spectrum(step, z, count, min(before, LEAST))
    orbit = iterate(step, z, max(LEAST, min(count, BOXED if dimensions else PAIRED)))
    if orbit.status != "done":
        raise NumericsError(f"the orbit {orbit.status}, so it has no attractor")
    say("0–1 test")
    states = orbit.z[1:]
    stride, test = _tested(_on_circles(step, states))
    ordinal = permutation_entropy(states, 5 if len(states) >= BOXED // 10 else 4)
    say("dimensions")
    pairs = fractal_dimension(states[:PAIRED]) if dimensions else None
    boxes = fractal_dimension(states, "box") if dimensions else None
    kind, reason = _verdict(spectrum, test, stride, states)
    settings = provenance(map=step.title, params=step.params, start=z0, steps=count, transient=before)
    return Chaos(kind, spectrum, test, stride, ordinal, pairs, boxes, states[:SHOWN], step.names, reason, provenance=settings)


def _on_circles(step: Map, states: np.ndarray) -> np.ndarray:
    """Angles as cosine and sine: as numbers they jump at each turn, which hides regular motion from the test."""
    turns = [2 * math.pi / step.periodic[name] if name in step.periodic else None for name in step.names]
    columns = [[x] if k is None else [np.cos(k * x), np.sin(k * x)] for k, x in zip(turns, states.T, strict=True)]
    return np.stack([one for some in columns for one in some], axis=1)


def _tested(states: np.ndarray) -> tuple[int, ZeroOneTest]:
    """The first stride 1, 2, 4, … at which successive states are not almost equal or opposite, and its 0–1 test."""
    stride = 1
    while True:
        test = zero_one_test(states[::stride][:TESTED])
        if abs(test.neighbours) <= ALIKE or len(states) < 2 * stride * FEWEST:
            return stride, test
        stride *= 2


def _verdict(spectrum: LyapunovSpectrum, test: ZeroOneTest, stride: int, states: np.ndarray) -> tuple[str, str]:
    largest, error = float(spectrum.exponents[0]), float(spectrum.errors[0])
    positive = largest > max(ERRORS * error, ROUNDED)
    rows = f" on one state in {stride}" if stride > 1 else ""
    said = f"the largest exponent is {largest:.4g} ± {error:.1g}, and the 0–1 test{rows} indicates {test.kind}"
    if positive and test.kind == "chaotic":
        return "chaotic", f"{said} (K = {test.K:.3f})"
    if not positive and test.kind == "regular":
        return "regular", f"{said} (K = {test.K:.3f})"
    repeats = len(np.unique(states[-TESTED:, 0])) < len(states[-TESTED:]) // 10
    if positive and repeats and math.isfinite(largest):
        return "undecided", f"{said}: the floats repeat on a set that should repel, so this is not an orbit of the map"
    return "undecided", f"{said}: {test.reason}"
