"""Functions of a flow's state whose zeros a user asked for, as one program."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cfdyn.errors import FormulaError, UsageError
from cfdyn.symbolic.maps import TIME, LossMap
from cfdyn.symbolic.programs.flow import FlowNodes
from cfdyn.symbolic.programs.oracle import observed_nodes
from cfdyn.symbolic.steps import loss_node
from cfdyn.symbolic.text.formula import Formula, formula, left_side
from cfdyn.symbolic.traced import traced
from cfdyn.tape.derivatives import forward, reverse
from cfdyn.tape.program import Node, Program, Tape

OBSERVED = ("loss", "sharpness", "gradient_norm")


class Watched(NamedTuple):
    """A formula of the state of a flow, with the numbers that its function had as defaults."""

    formula: Formula
    constants: Mapping[str, float]

    @property
    def key(self) -> str:
        """The key of its code."""
        return f"{self.formula.key} {dict(self.constants)}"


def watched(spec: Any, given: Any) -> Watched:
    """The formula of a text ("a = b" is a − b), a SymPy expression or a Python function of the state; no other names."""
    constants: dict[str, float] = {}
    known = known_names(spec)
    if callable(given):
        text, constants = _of_function(given, spec, known)
    else:
        text = left_side(given.strip()) if isinstance(given, str) else given
    read = formula(text, (*known, *constants))
    if not set(read.names) & {*spec.names, TIME, *OBSERVED}:
        raise UsageError(f"{read.text!r} does not change along a path: it names none of {', '.join(spec.names)}")
    return Watched(read, {name: value for name, value in constants.items() if name not in known})


def _of_function(given: Any, spec: Any, known: Sequence[str]) -> tuple[str, dict[str, float]]:
    """The formula of a function of the variables by name, or of one argument, the array of all variables."""
    try:
        texts, names, constants = traced(given)
    except FormulaError:
        names = ["?"]
    if not set(names) <= set(known):
        texts, names, constants = traced(given, spec.names)
    if len(texts) != 1:
        raise FormulaError(f"the function {getattr(given, '__name__', 'given')} gives {len(texts)} numbers; one is wanted")
    return texts[0], constants


def known_names(spec: Any) -> tuple[str, ...]:
    """The names that a function of a path may use."""
    own = (*spec.names, *spec.params, TIME)
    return (*own, *(name for name in OBSERVED if isinstance(spec.map, LossMap) and name not in own))


def watched_program(spec: Any, given: Sequence[Watched]) -> Program:
    """The values of all functions, then their rates: inputs are the state (n,), its rate (n,), the time and its rate."""
    nodes = FlowNodes(spec)
    tape, n = nodes.tape, nodes.n
    rates, (time, speed) = nodes.inputs(0, n), nodes.inputs(n, 2)
    names = _names(nodes, {name for one in given for name in one.formula.names}) | {}
    names.setdefault(TIME, time)
    values = [_on(tape, one, names) for one in given]
    slopes = forward(tape, values, {**dict(zip(nodes.z, rates, strict=True)), time: speed})
    return nodes.program([*values, *slopes], n + 2)


def surface_program(spec: Any, given: Watched) -> Program:
    """The value (1,), its gradient (n,), and its derivatives with respect to the parameters (n_p,)."""
    nodes = FlowNodes(spec)
    value = _on(nodes.tape, given, _names(nodes, set(given.formula.names)))
    return nodes.program([value, *reverse(nodes.tape, value, [*nodes.z, *nodes.parameters.values()])], 0)


def margin_program(spec: Any, given: Watched) -> Program:
    """2 − s·g, and two numbers far from 0, in the form of the `margin` of events; s is one more parameter, after the others.

    s is 2/|g| if g is to fall to 0, −2/|g| if g is to grow.
    """
    nodes = FlowNodes(spec)
    tape, parameters = nodes.tape, len(spec.params)
    value = _on(tape, given, _names(nodes, set(given.formula.names)))
    moved = tape.sub(tape.const(2), tape.mul(tape.leaf("p", parameters), value))
    columns = 0 if spec.data is None else spec.data.shape[1]
    return Program(tape, (moved, tape.const(2), tape.const(2**1000)), nodes.n, parameters + 1, columns)


def constant_program(params: Mapping[str, float], read: Formula) -> Program:
    """The value (1,) of a formula of parameters only, and its derivatives with respect to these (n_p,)."""
    tape = Tape()
    names = tape.named("p", params)
    value = read.on(tape, names)
    return Program(tape, (value, *reverse(tape, value, list(names.values()))), 0, len(params), 0)


def linear_in(spec: Any, given: Watched) -> list[int]:
    """The entries of the state in which the function is linear with a constant factor."""
    nodes = FlowNodes(spec)
    value = _on(nodes.tape, given, _names(nodes, set(given.formula.names)))
    slopes, moving = reverse(nodes.tape, value, nodes.z), set(nodes.z)
    fixed = [not moving & set(nodes.tape.reachable([slope])) for slope in slopes]
    return [i for i, slope in enumerate(slopes) if fixed[i] and slope != nodes.tape.const(0)]


def _on(tape: Tape, one: Watched, names: Mapping[str, Node]) -> Node:
    return one.formula.on(tape, {**names, **{name: tape.exactly(value) for name, value in one.constants.items()}})


def _names(nodes: FlowNodes, wanted: set[str]) -> dict[str, Node]:
    """The names of the state and the parameters, and the wanted quantities of the loss."""
    spec, tape = nodes.spec, nodes.tape
    names: dict[str, Node] = {**dict(zip(spec.names, nodes.z, strict=True)), **nodes.parameters}
    asked = wanted & set(OBSERVED) - set(names)
    if not asked:
        return names
    nodes_by_name = observed_nodes(tape, spec.map, nodes.w, nodes.parameters, asked)
    if "gradient_norm" in asked:
        slopes = reverse(tape, loss_node(tape, spec.map.loss, nodes.w, nodes.parameters), nodes.w)
        nodes_by_name["gradient_norm"] = tape.apply("sqrt", tape.total(tape.mul(g, g) for g in slopes))
    if asked - set(nodes_by_name):
        raise UsageError(f"the sharpness of {nodes.d} weights is not a formula to watch; path.sharpness has it, row by row")
    return nodes_by_name | names
