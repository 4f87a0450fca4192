"""The preconditioner and the edge of the step that an optimizer makes from a state, as nodes of a tape."""

from collections.abc import Sequence
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.symbolic.derived import ExtendedMap
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.recursion import Recursion, check_gradient, recursion_of
from cfdyn.symbolic.steps import Parameters, bound, hyperparameters
from cfdyn.tape.program import Node, Tape
from cfdyn.tape.rebuild import rebuild


def preconditioning(spec: Any) -> Recursion:
    """What P and θ of a map's optimizer are read off.

    Raises
    ------
    UsageError : the map is no single step on a loss, or its optimizer has no P, no momentum that is linear, or no flip
    """
    if isinstance(spec, ExtendedMap):
        return preconditioning(spec.base)
    if not isinstance(spec, LossMap):
        raise UsageError("a map that is no single step of an optimizer on a loss has no preconditioner")
    check_gradient("", spec.optimizer)
    recursion = recursion_of(spec.optimizer, "")
    recursion.check_flip(spec.optimizer)
    return recursion


def preconditioner_nodes(tape: Tape, spec: Any, z: Sequence[Node], after: Sequence[Node], parameters: Parameters) -> list[Node]:
    """θP/2 and P of each weight in the step from z to ``after``, and the penalty of weight decay on the loss, (2d + 1,)."""
    if isinstance(spec, ExtendedMap):
        n = len(spec.base.names)
        parameters = {**parameters, **dict(zip(spec.moved, z[n:], strict=True))}
        spec, z, after = spec.base, z[:n], after[:n]
    recursion, optimizer, d = preconditioning(spec), spec.optimizer, spec.n_weights
    parameters = hyperparameters(optimizer, spec.loss, parameters)
    wanted, found = [recursion.coefficients.edge, recursion.coefficients.preconditioner], []
    (each, common), (new_each, new_common) = (bound(optimizer, d, state, parameters) for state in (z, after))
    for own, new in zip(each, new_each, strict=True):
        names = ((recursion.before, {**common, **own}), (recursion.parameters | recursion.moving, {**new_common, **new}))
        read = {leaf: values[s] for leaves, values in names for s, leaf in leaves.items()}
        found.append(rebuild(recursion.tape, wanted, tape, read))
    decay = tape.const(0) if optimizer.gradient is None else parameters["weight_decay"]
    return [edge for edge, _ in found] + [scale for _, scale in found] + [decay]
