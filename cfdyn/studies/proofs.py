"""Proofs in ball arithmetic within a study: the cycle of its orbit, the edge, and 3-cycles or their absence."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cfdyn.analysis.attractors.classify import Regime
from cfdyn.analysis.bifurcations.cycles import Cycles
from cfdyn.analysis.training.edge import Edge
from cfdyn.errors import NumericsError, UsageError
from cfdyn.systems.map import Map
from cfdyn.words import called, spoken

if TYPE_CHECKING:
    from cfdyn.certify.certificate import Certificate

LONGEST, LARGEST = 32, 64  # period, and numbers in all points of a cycle
COSTLIEST = 5_000  # operations of a step: Arb takes about half a second for a million
LEAVES = 20_000  # boxes of a proof that there is no cycle
AROUND = 0.1  # of the edge: how far from it Newton's method may begin


class Proofs(NamedTuple):
    """``certificates``: documents of the proofs (`cf.certify`); ``unproved``: failed attempts, with the reason."""

    certificates: list[dict]
    unproved: list[str]


def proofs(
    step: Map, regime: Regime, cycles: Cycles | None, box: Sequence[tuple[float, float]], edge: Edge | None
) -> Proofs:  # fmt: skip
    """Proofs of the regime's cycle with its stability, of the edge, and in one variable of a 3-cycle or that there is none."""
    proofs = Proofs([], [])
    if step.cost > COSTLIEST:
        return proofs
    if regime.period and regime.period <= LONGEST and regime.points.size <= LARGEST:
        _try(proofs, "the cycle that the orbit ends on", lambda: _cycle(step, regime))
    if edge is not None and edge.smooth and edge.points.size <= LARGEST:
        _try(proofs, "the edge", lambda: _edge(step, edge))
    if step.dim == 1 and cycles is not None:
        _try(proofs, "3-cycles", lambda: _threes(step, cycles, box[0]))
    return proofs


def _try(proofs: Proofs, what: str, prove: Callable[[], "Certificate"]) -> None:
    try:
        certificate = prove()
    except (NumericsError, UsageError) as problem:
        proofs.unproved.append(f"{what}: {problem}")
        return
    if certificate.document is None:
        proofs.unproved.append(f"{what}: {certificate.reason}")
    else:
        proofs.certificates.append(dict(certificate.document))


def _cycle(step: Map, regime: Regime) -> "Certificate":
    from cfdyn.certify import cycle

    return cycle(step, points=_entries(step, regime.points), period=regime.period)


def _edge(step: Map, edge: Edge) -> "Certificate":
    from cfdyn.certify import bifurcation

    around = ((1 - AROUND) * edge.value, (1 + AROUND) * edge.value)
    return bifurcation(step, kind=edge.kind, points=_entries(step, edge.points), **{edge.parameter: around})  # type: ignore[arg-type]


def _entries(step: Map, points: np.ndarray) -> np.ndarray:
    """The number of state entries in a proof: the limit map of a bias-corrected optimizer has fewer."""
    from cfdyn.certify.subject import subject

    return points[:, [step.names.index(name) for name in subject(step).names]]


def _threes(step: Map, cycles: Cycles, box: tuple[float, float]) -> "Certificate":
    from cfdyn.certify import chaos, no_cycles

    return chaos(step, box=box, period=3) if len(cycles) else no_cycles(step, period=3, box=box, most=LEAVES, jobs=1)


def proves_cycle(certificates: Sequence[dict], period: int | None) -> bool:
    """Whether one of them proves that a stable cycle of this period exists."""
    claims = [c["claim"] for c in certificates if c["kind"] == "cycle"]
    return any(claim["stable"] is True and claim["period"] == period for claim in claims)


def proves_edge(certificates: Sequence[dict], edge: Edge, value: float) -> bool:
    """Whether one of them proves that the edge is so close to its reported value that the ratio of ``value`` to it has the same
    three digits."""
    spans = [[float(end) for end in c["vary"][edge.parameter]] for c in certificates if c["kind"] == "bifurcation"]
    return any(lo <= edge.value <= hi and f"{value / lo:.3g}" == f"{value / hi:.3g}" for lo, hi in spans)


def in_words(certificates: Sequence[dict]) -> str:
    """What is proved, and what is not; the theorems themselves are in the certificates."""
    parts = [_PARTS[c["kind"]](c["claim"]) for c in certificates]
    if not parts:
        return "Nothing is proved: all is floating point."
    return f"Proved in ball arithmetic: {'; '.join(parts)}. All else is floating point."


def _named(claim: dict) -> str:
    stable = {True: "a stable", False: "an unstable", None: "a"}[claim["stable"]]
    return f"{stable} {called(claim['period'])}"


def _at_edge(claim: dict) -> str:
    how = {True: "supercritical ", False: "subcritical ", None: ""}[claim.get("supercritical")]
    return f"the {how}{spoken(claim['type'])} at the edge"


_PARTS: dict[str, Callable[[dict], str]] = {
    "cycle": _named,
    "bifurcation": _at_edge,
    "chaos": lambda claim: f"a {claim['period']}-cycle and the chaos that follows",
    "no_cycles": lambda claim: f"no {claim['period']}-cycle in the box that was searched",
}
