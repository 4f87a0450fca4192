"""The preconditioner and the edge of the step that an optimizer makes from a state, as nodes of a tape."""

from collections.abc import Sequence
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.recursion import Recursion, check_gradient, recursion_of
from cfdyn.symbolic.steps import Parameters, bound
from cfdyn.tape.program import Node, Tape
from cfdyn.tape.rebuild import rebuild


def preconditioning(spec: Any) -> Recursion:
    """What P and θ of a map's optimizer are read off.

    Raises
    ------
    UsageError : the map is no single step on a loss, or its optimizer has no P, no momentum that is linear, or no flip
    """
    if not isinstance(spec, LossMap):
        raise UsageError("a map that is no single step of an optimizer on a loss has no preconditioner")
    check_gradient("", spec.optimizer)
    recursion = recursion_of(spec.optimizer, "")
    recursion.check_flip(spec.optimizer)
    return recursion


def preconditioner_nodes(
    tape: Tape, spec: LossMap, z: Sequence[Node], after: Sequence[Node], parameters: Parameters
) -> list[Node]:
    """θP/2 and P of each weight in the step from z to ``after``, and the weight decay that is a penalty on the loss, (2d + 1,)."""
    recursion, optimizer, d = preconditioning(spec), spec.optimizer, spec.n_weights
    found = []
    for old, new in zip(*(bound(optimizer, d, state, parameters)[0] for state in (z, after)), strict=True):
        old, new = ({**bound(optimizer, d, state, parameters)[1], **own} for state, own in ((z, old), (after, new)))
        read = {leaf: names[s] for leaves, names in ((recursion.parameters, new), (recursion.before, old), (recursion.moving, new))
                for s, leaf in leaves.items()}  # fmt: skip
        values = recursion.coefficients
        found.append(rebuild(recursion.tape, [values.edge, values.preconditioner], tape, read))
    decay = tape.const(0) if optimizer.gradient is None else parameters["weight_decay"]
    return [edge for edge, _ in found] + [scale for _, scale in found] + [decay]
