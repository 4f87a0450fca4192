"""`verdict`: the summary of a study: a headline and at most five bullets."""

from collections.abc import Sequence

import numpy as np

from cfdyn.analysis.attractors.bands import Bands
from cfdyn.analysis.attractors.classify import Regime
from cfdyn.analysis.bifurcations.cycles import Cycles
from cfdyn.analysis.bifurcations.normal_form import NormalForm
from cfdyn.analysis.parameters.windows import Window
from cfdyn.analysis.training.edge import Edge
from cfdyn.analysis.training.hovering import Hovering
from cfdyn.cycles.line.sampling import continuous_between
from cfdyn.numerics.stability import stability
from cfdyn.settling.in_floats import UNSTABLE
from cfdyn.studies.proofs import in_words, proves_cycle, proves_edge
from cfdyn.systems.map import Map
from cfdyn.systems.minima import Minimum
from cfdyn.words import STABILITY, called, how_many, spoken

BULLET = "\n• "
AT_ONE = 1e-6  # of a multiplier from 1: that of a continuum, or of a fold
MOVED = 1e-6  # distance of a fixed point from its minimum: due to weight decay, not rounding
AT_EDGE = 1e-9  # of a learning rate from the edge: rounding
MET = ("period 2", "period 3", "quasi-periodic", "chaotic", "divergent", "undecided", "unresolved")  # of the bands, as named
NOUNS = {"chaotic": "Chaotic orbit", "quasi-periodic": "Quasi-periodic orbit", "divergent": "Divergent orbit"}


def verdict(
    step: Map, onward: str = "", *, optimizer: str, regime: Regime, lr: float, edge: Edge | None, no_edge: str,
    flip: NormalForm | None, cycles: Cycles | None, minima: list[Minimum], bands: Bands, windows: list[Window], unfinished: str,
    hovering: Hovering | None = None, certificates: Sequence[dict] = (), **_: object,
) -> str:  # fmt: skip
    """The headline and at most five bullets, each true of the numbers given; ``onward``: what to try next."""
    bullets = [
        [_edge(optimizer.partition(":")[0], lr, edge, no_edge, flip, minima), _moving(hovering, regime)],
        [_minima(minima), _threes(step, regime, cycles)],
        [_met(bands), _born(windows)],
        [in_words(certificates), _orbit(regime, minima), f"Not computed: {unfinished}." if unfinished else ""],
        [onward and f"Try next: {onward}"],
    ]  # fmt: skip
    lines = [" ".join(words for words in bullet if words) for bullet in bullets]
    return BULLET.join([_headline(regime, lr, edge, no_edge, minima, certificates), *(line for line in lines if line)])


def _headline(
    regime: Regime, lr: float, edge: Edge | None, no_edge: str, minima: list[Minimum], certificates: Sequence[dict]
) -> str:  # fmt: skip
    """The attractor, the learning rate relative to the edge, and "Proved." if all of that is proved."""
    what, where = _what(regime, minima), _where(lr, edge, no_edge, minima)
    proved = what.startswith("Stable") and proves_cycle(certificates, regime.period)
    if proved and (not where or edge is not None and edge.smooth and proves_edge(certificates, edge, lr)):
        return f"{what}{where}. Proved."
    if proved:
        return f"{what} (proved){where}."
    return f"{what}{where}." if regime.kind == "undecided" else f"{what}{where}. Floating point."


def _what(regime: Regime, minima: list[Minimum]) -> str:
    """The regime as a noun."""
    noun = NOUNS.get(regime.kind, "Undecided")
    if regime.period:
        stable, what = stability(regime.multipliers), called(regime.period)
        noun = f"{STABILITY[stable].capitalize()} {what}"
        if "corner" in regime.reason:
            noun = f"{what[0].upper()}{what[1:]} at a corner of the map"
        elif _on_continuum(regime, minima):
            noun = "Fixed point on a continuum of minima"
    return f"{noun} under perturbations of {regime.inject:.2g}" if regime.unperturbed and noun != "Undecided" else noun


def _where(lr: float, edge: Edge | None, no_edge: str, minima: list[Minimum]) -> str:
    """The learning rate relative to the edge of stability."""
    if edge is None:
        return "; the lowest minimum has no edge of stability" if minima and no_edge else ""
    if not edge.smooth and lr > edge.value:
        return "; the lowest minimum is unstable"
    ratio = lr / edge.value
    return f", {'at' if abs(ratio - 1) <= AT_EDGE else f'{ratio:.3g} ×'} the edge of stability"


def _on_continuum(regime: Regime, minima: list[Minimum]) -> bool:
    """A fixed point that attracts except along directions in which minima form a continuum."""
    if regime.kind != "fixed point" or not minima or minima[0].kind != "continuum":
        return False
    across = np.abs(regime.multipliers[np.abs(regime.multipliers - 1) > AT_ONE])
    return len(across) < len(regime.multipliers) and max(across, default=0.0) < 1


def _orbit(regime: Regime, minima: list[Minimum]) -> str:
    """The behaviour of the orbit, and if round-off alone decides it, that with perturbations."""
    sentence = _regime(regime, minima)
    if not regime.unperturbed:
        return sentence
    if regime.kind != "undecided":
        sentence = (f"With perturbations of the weights of up to {regime.inject:.2g} in every step, and with larger ones, "
                 f"{sentence[0].lower()}{sentence[1:]}")  # fmt: skip
    return f"In floating point the orbit {regime.unperturbed}; {UNSTABLE}. {sentence}"


def _regime(regime: Regime, minima: list[Minimum]) -> str:
    across = np.abs(regime.multipliers[np.abs(regime.multipliers - 1) > AT_ONE])
    if _on_continuum(regime, minima):
        largest = max(across, default=0.0)
        return f"The orbit converges to a point of a continuum of minima (|multiplier| 1 along it, {largest:.4g} across)."
    mu = np.abs(regime.multipliers[0]) if len(regime.multipliers) else np.nan
    what = called(regime.period or 0)
    if regime.period and "corner" in regime.reason:
        leave = "nearby leave" in regime.reason
        how, which = ("ends, in floating point,", ", which some orbits nearby leave") if leave else ("settles", "")
        return f"The orbit {how} on a {what} at a corner of the map{which} (one-sided |multiplier| {mu:.4g})."
    stable = stability(regime.multipliers) if regime.period else None
    if stable is False:
        return f"The start lies on an unstable {what}, or is carried onto it, and stays (|multiplier| {mu:.4g})."
    ones = len(regime.multipliers) - len(across)
    if regime.period and stable is None and ones and stability(across if len(across) else 0.0):
        held = f", the largest of the others {across.max():.4g}" if len(across) else ""
        return f"The orbit settles on a {what} that is neutral ({how_many(ones, 'multiplier')} 1{held} in modulus)."
    if regime.period:
        return f"The orbit settles on a {STABILITY[stable]} {what} (|multiplier| {mu:.4g})."
    if regime.kind == "chaotic":
        # With perturbations the exponent depends on their size, by a factor of 2 or 3.
        rate = f"about e^{regime.lyapunov:.1g}" if regime.inject else f"e^{regime.lyapunov:.3g}"
        return f"The orbit is chaotic: nearby orbits separate by {rate} per step."
    if regime.kind == "quasi-periodic":
        return "The orbit is quasi-periodic: it fills a closed curve (or torus) and never repeats."
    if regime.kind == "divergent":
        return f"The orbit diverges: {regime.reason}."
    return f"Undecided: {regime.reason}."


def _edge(
    name: str, lr: float, edge: Edge | None, no_edge: str, flip: NormalForm | None, minima: list[Minimum]
) -> str:  # fmt: skip
    """What happens at the edge of the lowest minimum."""
    if not minima:
        return "No minimum was found in the box."
    if edge is None:
        return f"The lowest minimum ({minima[0].kind}) has no edge for this optimizer: {no_edge}." if no_edge else ""
    rests = edge.points[0, : len(minima[0].w)]
    moved = f", which is held at {', '.join(f'{x:.6g}' for x in rests)}" if np.abs(rests - minima[0].w).max() > MOVED else ""
    which = f"the lowest minimum{moved}{',' * bool(moved)}"
    if not edge.smooth and lr > edge.value:
        return f"At any learning rate above {edge.value:.6g} {which} is unstable: {name} does not rest on it."
    if flip is None:
        return f"At the edge, lr = {edge.value:.6g}, {which} loses stability by a {spoken(edge.kind)}."
    return f"At the edge of {which}{' ' if moved else ', '}lr = {edge.value:.6g}, the flip is {flip.meaning}."


def _moving(hovering: Hovering | None, regime: Regime) -> str:
    """A sentence on an edge that moves, or at which the orbit stays."""
    if hovering is None or not (hovering.moving or hovering.kind == "hovers"):
        return ""
    meaning = hovering.meaning
    if not regime.inject:
        return meaning
    return f"With an oscillation of at least {regime.inject:.2g}, {meaning[0].lower()}{meaning[1:]}"


def _minima(minima: list[Minimum]) -> str:
    """The number of minima, if there is more than one."""
    return f"The loss has {len(minima)} minima." if len(minima) > 1 else ""


def _threes(step: Map, regime: Regime, cycles: Cycles | None) -> str:
    if cycles is None:
        return ""
    if not cycles:
        how = "all of the box was searched, in floating point" if cycles.complete else "a search, not a proof of absence"
        why = f": {cycles.reason}" if cycles.reason and not cycles.complete else ""
        return f"No 3-cycle was found at this learning rate ({how}{why})."
    stable, least = sum(c.stable is True for c in cycles), "" if cycles.complete else "at least "
    exist = f"There are {least}{len(cycles)} cycles" if len(cycles) > 1 else f"There is {least}one cycle"
    count = f"{exist} of period 3 (found in floating point; {stable or 'none'} stable)"
    if not any(continuous_between(step, c.points) for c in cycles):
        return f"{count}. The map jumps or has a pole between its points, so Li and Yorke's theorem does not apply."
    if regime.kind in ("cycle", "fixed point"):
        return f"{count}: by Li and Yorke some starts are chaotic although this orbit is periodic."
    return f"{count}: by Li and Yorke chaos follows."


def _born(windows: list[Window]) -> str:
    """A sentence on the folds at which stable 3-cycles appear."""
    if not windows:
        return ""
    places = " and ".join(f"{w.opens:.6g}" for w in windows[:4]) + (" and further places" if len(windows) > 4 else "")
    return f"Stable 3-cycles are born by folds at {windows[0].parameter} = {places}."


def _met(bands: Bands) -> str:
    """A sentence on the regimes that first fill a band of learning rates wider than the resolution of the samples."""
    firsts: dict[str, float] = {}
    for lo, hi, name in bands.bands:
        if name in MET and hi - lo >= 2 * bands.resolution:
            firsts.setdefault(name, lo)
    met = ", ".join(f"{name} from {lo:.3g}" for name, lo in firsts.items())
    how = ", perturbed where round-off decides" * bands.perturbed
    return f"As {bands.parameter} grows (same start, sampled every {bands.resolution:.2g}{how}): {met}." if met else ""
