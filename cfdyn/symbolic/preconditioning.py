"""The preconditioner and the edge of an optimizer's step from a state, as nodes of a tape."""

from collections.abc import Mapping, Sequence
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.symbolic.derived import ExtendedMap
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.recursion import Recursion, check_gradient, recursion_of
from cfdyn.symbolic.steps import Parameters, bound, hyperparameters
from cfdyn.tape.program import Node, Tape
from cfdyn.tape.rebuild import rebuild


def preconditioning(spec: Any) -> Recursion:
    """The recursion that determines P and θ of a map's optimizer.

    Raises
    ------
    UsageError : the map is not a single step on a loss, or its optimizer has no P, no linear momentum, or no flip
    """
    if isinstance(spec, ExtendedMap):
        return preconditioning(spec.base)
    if not isinstance(spec, LossMap):
        raise UsageError("a map that is not a single step of an optimizer on a loss has no preconditioner")
    return step_recursion(spec.optimizer)


def step_recursion(optimizer: Optimizer) -> Recursion:
    """The recursion that determines P and θ of an optimizer's step; a UsageError as in `preconditioning`."""
    check_gradient("", optimizer)
    recursion = recursion_of(optimizer, "")
    recursion.check_flip(optimizer)
    return recursion


def at_step(recursion: Recursion, tape: Tape, before: Mapping[str, Node], after: Mapping[str, Node]) -> list[Node]:
    """θP/2 and P of one weight, given the names of states and parameters before and after its step."""
    names = ((recursion.before, before), (recursion.parameters | recursion.moving, after))
    read = {leaf: values[s] for leaves, values in names for s, leaf in leaves.items()}
    return rebuild(recursion.tape, [recursion.coefficients.edge, recursion.coefficients.preconditioner], tape, read)


def preconditioner_nodes(tape: Tape, spec: Any, z: Sequence[Node], after: Sequence[Node], parameters: Parameters) -> list[Node]:
    """θP/2 and P of each weight in the step from z to ``after``, and the penalty of weight decay on the loss, (2d + 1,)."""
    if isinstance(spec, ExtendedMap):
        n = len(spec.base.names)
        parameters = {**parameters, **dict(zip(spec.moved, z[n:], strict=True))}
        spec, z, after = spec.base, z[:n], after[:n]
    recursion, optimizer, d = preconditioning(spec), spec.optimizer, spec.n_weights
    parameters = hyperparameters(optimizer, spec.loss, parameters)
    (each, common), (new_each, new_common) = (bound(optimizer, d, state, parameters) for state in (z, after))
    pairs = zip(each, new_each, strict=True)
    entries = [at_step(recursion, tape, {**common, **own}, {**new_common, **new}) for own, new in pairs]
    decay = tape.const(0) if optimizer.gradient is None else parameters["weight_decay"]
    return [edge for edge, _ in entries] + [scale for _, scale in entries] + [decay]
