"""`verdict`: a study in sentences for a reader in a hurry."""

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
from cfdyn.studies.proofs import in_words
from cfdyn.systems.map import Map
from cfdyn.systems.minima import Minimum
from cfdyn.words import STABILITY, called, how_many

AT_ONE = 1e-6  # of a multiplier from 1: that of a continuum, or of a fold
MOVED = 1e-6  # of a fixed point from its minimum: what weight decay does, not rounding
MET = ("period 2", "period 3", "quasi-periodic", "chaotic", "divergent", "undecided", "unresolved")  # of the bands, as named


def verdict(
    step: Map, *, optimizer: str, regime: Regime, lr: float, edge: Edge | None, no_edge: str, flip: NormalForm | None,
    cycles: Cycles | None, minima: list[Minimum], bands: Bands, windows: list[Window], unfinished: str,
    hovering: Hovering | None = None, certificates: Sequence[dict] = (), **_: object,
) -> str:  # fmt: skip
    """A few sentences, the answer first, each one true of the numbers given."""
    orbit, border = _orbit(regime, minima), _edge(optimizer.partition(":")[0], lr, edge, no_edge, minima)
    sentences = [orbit, border, _moving(hovering, regime), _flip(flip), _threes(step, regime, cycles),
                 in_words(certificates), _born(windows), _met(bands)]  # fmt: skip
    sentences.append(f"Not computed: {unfinished}." if unfinished else "")
    return " ".join(s for s in sentences if s)


def _orbit(regime: Regime, minima: list[Minimum]) -> str:
    """What the orbit does, and where round-off alone decides that, what it does with perturbations."""
    sentence = _regime(regime, minima)
    if not regime.unperturbed:
        return sentence
    if regime.kind != "undecided":
        sentence = (f"With perturbations of the weights of up to {regime.inject:.2g} in every step, and with larger ones, "
                 f"{sentence[0].lower()}{sentence[1:]}")  # fmt: skip
    return f"In floating point the orbit {regime.unperturbed}; {UNSTABLE}. {sentence}"


def _regime(regime: Regime, minima: list[Minimum]) -> str:
    if regime.kind == "fixed point" and minima and minima[0].kind == "continuum":
        across = [float(abs(m)) for m in regime.multipliers if abs(m - 1) > AT_ONE]
        largest = max(across, default=0.0)
        if largest < 1 and len(across) < len(regime.multipliers):
            where = "a point of a continuum of minima"
            return f"The orbit converges to {where} (|multiplier| 1 along it, {largest:.4g} across)."
    mu = np.abs(regime.multipliers[0]) if len(regime.multipliers) else np.nan
    what = called(regime.period or 0)
    if regime.period and "corner" in regime.reason:
        leave = "nearby leave" in regime.reason
        how, which = ("ends, in floating point,", ", which some orbits nearby leave") if leave else ("settles", "")
        return f"The orbit {how} on a {what} at a corner of the map{which} (one-sided |multiplier| {mu:.4g})."
    stable = stability(regime.multipliers) if regime.period else None
    if stable is False:
        return f"The start lies on an unstable {what}, or is carried onto it, and stays (|multiplier| {mu:.4g})."
    across = np.abs(regime.multipliers[np.abs(regime.multipliers - 1) > AT_ONE])
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


def _edge(name: str, lr: float, edge: Edge | None, no_edge: str, minima: list[Minimum]) -> str:
    if not minima:
        return "No minimum was found in the box."
    if edge is None:
        return f"The lowest minimum ({minima[0].kind}) has no edge for this optimizer: {no_edge}." if no_edge else ""
    rests = edge.points[0, : len(minima[0].w)]
    moved = f", which is held at {', '.join(f'{x:.6g}' for x in rests)}" if np.abs(rests - minima[0].w).max() > MOVED else ""
    if not edge.smooth and lr > edge.value:
        which = f"the lowest minimum{moved}{',' * bool(moved)}"
        return f"At any learning rate above {edge.value:.6g} {which} is unstable: {name} does not rest on it."
    side = "beyond" if lr > edge.value * (1 + 1e-9) else "at" if lr > edge.value * (1 - 1e-9) else "below"
    ratio = f"{lr / edge.value:.3g} ×"
    return f"The learning rate {lr:.6g} is {side} the edge {edge.value:.6g} of the lowest minimum{moved} ({ratio})."


def _moving(hovering: Hovering | None, regime: Regime) -> str:
    """A sentence on an edge that moves, or at which the orbit stays."""
    if hovering is None or not (hovering.moving or hovering.kind == "hovers"):
        return ""
    meaning = hovering.meaning
    if not regime.inject:
        return meaning
    return f"With an oscillation of at least {regime.inject:.2g}, {meaning[0].lower()}{meaning[1:]}"


def _flip(flip: NormalForm | None) -> str:
    return "" if flip is None else f"The flip there is {flip.meaning}."


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
        return f"{count}: by Li and Yorke some starts are then chaotic, although this orbit is periodic."
    return f"{count}: by Li and Yorke chaos follows."


def _born(windows: list[Window]) -> str:
    """A sentence on where stable 3-cycles appear out of nothing."""
    if not windows:
        return ""
    places = " and ".join(f"{w.opens:.6g}" for w in windows[:4]) + (" and further places" if len(windows) > 4 else "")
    return f"Stable 3-cycles are born by folds at {windows[0].parameter} = {places}."


def _met(bands: Bands) -> str:
    """A sentence on where some regimes first fill a band of the learning rate wider than what the samples resolve."""
    firsts: dict[str, float] = {}
    for lo, hi, name in bands.bands:
        if name in MET and hi - lo >= 2 * bands.resolution:
            firsts.setdefault(name, lo)
    met = ", ".join(f"{name} from {lo:.3g}" for name, lo in firsts.items())
    how = "with perturbations where round-off decides, " * bands.perturbed
    return f"Over {bands.parameter}, from the same start, {how}sampled every {bands.resolution:.2g}: {met}." if met else ""
