"""What a study can prove in ball arithmetic: the cycle that its orbit ends on, and 3-cycles or their absence."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cfdyn.analysis.attractors.classify import Regime
from cfdyn.analysis.bifurcations.cycles import Cycles
from cfdyn.errors import NumericsError, UsageError
from cfdyn.systems.map import Map

if TYPE_CHECKING:
    from cfdyn.certify.certificate import Certificate

LONGEST, LARGEST = 32, 64  # period, and numbers in all points of a cycle
COSTLIEST = 5_000  # operations of a step: Arb takes about half a second for a million
LEAVES = 20_000  # boxes of a proof that there is no cycle


class Proofs(NamedTuple):
    """``certificates``: documents of what is proved (`cf.certify`); ``unproved``: what was tried in vain, with the reason."""

    certificates: list[dict]
    unproved: list[str]


def proofs(step: Map, regime: Regime, cycles: Cycles | None, box: Sequence[tuple[float, float]]) -> Proofs:
    """The regime's cycle with its stability; of maps of one variable a 3-cycle with what follows, or that there is none."""
    proofs = Proofs([], [])
    if step.cost > COSTLIEST:
        return proofs
    if regime.period and regime.period <= LONGEST and regime.points.size <= LARGEST:
        _try(proofs, "the cycle that the orbit ends on", lambda: _cycle(step, regime))
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
    from cfdyn.certify.subject import subject

    # The limit map of a bias-corrected optimizer has fewer entries.
    columns = [step.names.index(name) for name in subject(step).names]
    return cycle(step, points=regime.points[:, columns], period=regime.period)


def _threes(step: Map, cycles: Cycles, box: tuple[float, float]) -> "Certificate":
    from cfdyn.certify import chaos, no_cycles

    return chaos(step, box=box, period=3) if len(cycles) else no_cycles(step, period=3, box=box, most=LEAVES, jobs=1)


def in_words(certificates: Sequence[dict]) -> str:
    """A sentence that names what is proved; the theorems themselves stand in the certificates."""
    parts = [_PARTS[c["kind"]](c["claim"]) for c in certificates]
    return f"Proved in ball arithmetic: {'; '.join(parts)}." if parts else ""


def _named(claim: dict) -> str:
    stable = {True: "a stable", False: "an unstable", None: "a"}[claim["stable"]]
    n = claim["period"]
    return f"{stable} {'fixed point' if n == 1 else f'{n}-cycle'}, where the orbit ends"


_PARTS: dict[str, Callable[[dict], str]] = {
    "cycle": _named,
    "chaos": lambda claim: f"a {claim['period']}-cycle, with the chaos that follows",
    "no_cycles": lambda claim: f"no {claim['period']}-cycle in the box that was searched",
}
