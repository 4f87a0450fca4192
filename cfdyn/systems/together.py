"""Many orbits of a map: what the loops of `cfdyn.ensembles._kernels` read of it."""

from cfdyn.codegen.lanes import BLOCK, HEAD
from cfdyn.kernels.ensemble import Ensemble
from cfdyn.systems.map import Map


def ensemble(step: Map, alone: str, together: str, steps: int, escape: float) -> Ensemble:
    """Its rule for an orbit ``alone``, for a block of them ``together`` where it is taken in lanes, and the limits."""
    rules = {"run": step.rule(together).compiled} if step.in_lanes else {}
    # A rule of tangents has them behind the state.
    d = step.rule(alone).n_out
    return Ensemble.make(
        step=step.rule(alone).compiled, block=BLOCK, head=HEAD, d=d, parameters=len(step.params), steps=steps,
        lanes=int(step.in_lanes), size=len(step.p), escape=escape, p=step.p, **rules)  # fmt: skip
