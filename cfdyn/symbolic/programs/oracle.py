"""The programs that a loss and a map offer: value, gradient, …; step, jacobian, derivatives.

Inputs of every program: the state ``z`` (followed by direction vectors, if it uses them) and the parameters ``p`` in the order of
``spec.params``; data columns are read row by row. A program of one row of a loss with data, ``row_gradient``, has that row's data
as inputs, between the weights and the directions.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

from cfdyn.errors import unknown
from cfdyn.symbolic.derived import CircleMap, ExtendedMap, FieldMap, LiftedMap, without_floors
from cfdyn.symbolic.loss import LossSpec
from cfdyn.symbolic.maps import ComposedMap, FormulaMap, MapSpec
from cfdyn.symbolic.preconditioning import preconditioner_nodes
from cfdyn.symbolic.steps import Parameters, loss_node, optimizer_step, row_node
from cfdyn.symbolic.text.formula import formula
from cfdyn.tape.derivatives import directional, forward, hessian, jacobian, reverse, third
from cfdyn.tape.intervals import interval_program
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild
from cfdyn.tape.switching import one_sided, switches
from cfdyn.tape.taylor import taylor

MOST_CLOSED = 2  # weights, of a Hessian whose largest eigenvalue is a formula


def loss_program(loss: LossSpec, what: str) -> Program:
    """The program of a loss's ``value``, ``gradient``, ``hessian``, ``third``, ``hvp``,
    ``curvature_gradient`` (T[u,v] = ∇(uᵀHv)), ``fourth`` (D⁴L[q, q, q, q]) or ``switching`` functions; the prefix ``row_`` means
    that of a single row, whose data are in ``z`` between the weights and the directions."""
    tape, d, kind = Tape(), len(loss.variables), what.removeprefix("row_")
    w, parameters = tape.leaves("z", d), tape.named("p", loss.params)
    row = tape.leaves("z", len(loss.columns), d) if kind != what else []
    directions = [tape.leaves("z", d, len(row) + d * k) for k in (1, 2)]
    names = {**dict(zip(loss.variables, w, strict=True)), **parameters, **dict(zip(loss.columns, row, strict=False))}
    value = row_node(tape, loss, w, parameters, row) if row else loss_node(tape, loss, w, parameters)
    makers: dict[str, Callable[[], tuple[list[Node], int]]] = {
        "value": lambda: ([value], 0),
        "gradient": lambda: (reverse(tape, value, w), 0),
        "hessian": lambda: (sum(hessian(tape, value, w), []), 0),
        "third": lambda: (third(tape, value, w), 0),
        "hvp": lambda: (directional(tape, reverse(tape, value, w), w, directions[:1]), 1),
        "curvature_gradient": lambda: (reverse(tape, directional(tape, [value], w, directions)[0], w), 2),
        "fourth": lambda: (_fourth(tape, value, w, directions[0]), 1),
        "switching": lambda: (loss.formula.switching_on(tape, names), 0),
    }
    if kind not in makers:
        raise unknown("program of a loss", what, makers)
    outputs, extra = makers[kind]()
    columns = 0 if loss.table is None or row else len(loss.columns)
    return Program(tape, tuple(outputs), d * (1 + extra) + len(row), len(loss.params), columns)


def _fourth(tape: Tape, value: Node, w: list[Node], q: list[Node]) -> list[Node]:
    """4! times the coefficient of s⁴ in L(w + s q)."""
    [series] = taylor(tape, [value], {x: [x, direction] for x, direction in zip(w, q, strict=True)}, 4)
    return [tape.mul(tape.const(24), series[4])]


def step_nodes(tape: Tape, spec: MapSpec, z: Sequence[Node], parameters: Parameters, wrap: bool = True) -> list[Node]:
    """The next state, given the nodes of the state and of the parameters; angles stay unwrapped if so requested."""
    if isinstance(spec, CircleMap):
        outputs = _around(tape, spec, z, parameters)
        return spec.wrapped(tape, outputs) if wrap else outputs
    if isinstance(spec, ComposedMap):
        for part, renamed in zip(spec.parts, spec.renamed, strict=True):
            z = step_nodes(tape, part, z, {old: parameters[new] for old, new in renamed.items()}, wrap)
        return list(z)
    if isinstance(spec, LiftedMap):
        return _lifted_step(tape, spec, z, parameters)
    if isinstance(spec, ExtendedMap):
        n = len(spec.base.names)
        moved = dict(zip(spec.moved, z[n:], strict=True))
        return [*step_nodes(tape, spec.base, z[:n], {**parameters, **moved}, wrap), *z[n:]]
    if isinstance(spec, FieldMap):
        return _moved_by_field(tape, spec, z, parameters)
    if isinstance(spec, FormulaMap):
        names = {**dict(zip(spec.names, z, strict=True)), **parameters}
        return [f.on(tape, names) for f in spec.formulas]
    return optimizer_step(tape, spec.loss, spec.optimizer, z, parameters)


def _moved_by_field(tape: Tape, spec: FieldMap, z: Sequence[Node], parameters: Parameters) -> list[Node]:
    """z + F(z), with F from the flow's own program."""
    made = spec.flow.program("drift")
    leaves = dict(zip(made.tape.leaves("z", len(z)), z, strict=True))
    leaves |= dict(zip(made.tape.named("p", spec.params).values(), parameters.values(), strict=True))
    return [tape.add(x, rate) for x, rate in zip(z, rebuild(made.tape, made.outputs, tape, leaves), strict=True)]


def _around(tape: Tape, spec: CircleMap, z: Sequence[Node], parameters: Parameters) -> list[Node]:
    """The base's next state, without the floors that only wrap angles."""
    if not spec.unrolled:
        return step_nodes(tape, spec.base, z, parameters)
    # Floors of the state's own nodes stay: the step is made at leaves that then become these.
    fresh = tape.leaves("w", len(z))
    outputs = without_floors(tape, step_nodes(tape, spec.base, fresh, parameters))
    return rebuild(tape, outputs, tape, dict(zip(fresh, z, strict=True)))


def _lifted_step(tape: Tape, spec: LiftedMap, z: Sequence[Node], parameters: Parameters) -> list[Node]:
    """The centre moves to the mean of f on both sides; the swing about it follows."""
    centre, swing, half = z[: len(z) // 2], z[len(z) // 2 :], tape.const(Fraction(1, 2))
    points = [[move(a, b) for a, b in zip(centre, swing, strict=True)] for move in (tape.add, tape.sub)]
    plus, minus = (step_nodes(tape, spec.base, point, parameters) for point in points)
    mean = [tape.mul(half, tape.add(a, b)) for a, b in zip(plus, minus, strict=True)]
    pairs = zip(plus, points[0], strict=True) if spec.kind == "rod" else zip(minus, plus, strict=True)
    return mean + [tape.mul(half, tape.sub(a, b)) for a, b in pairs]


def map_program(spec: MapSpec, what: str) -> Program:
    """The program of a map's ``step``, ``jacobian``, ``derivative1``…``derivative3`` (directional),
    ``parameter_derivative:NAME``, ``linearized:NAME`` (step, jacobian and that derivative in one program), ``switching`` (the
    functions at whose zeros a step changes its branch; ``switching:K``: one of them with its gradient), ``side:SIGNS`` (the
    jacobian with the branches taken where they have these signs, one of "+", "-" and "0" for each, where "0" leaves the branch
    open), ``lift`` (the next state with its angles not wrapped), ``expression:TEXT`` (of states and parameters, with its
    gradient), ``variation`` (step and derivative1 with the jacobian of both), ``tangents:K`` (step and derivative1 in K
    directions), ``taylor:K`` (the series of the next
    state from that of the state, coefficient by coefficient, up to the order K), of its observables ``loss``,
    ``gradient``, ``hessian``, ``third``, ``hvp`` (its product with a direction behind the state), and
    ``interval:step``, ``interval:jacobian`` and ``interval:taylor:K``, which bound these over
    boxes; ``preconditioner`` (θP/2 and P of each weight in the step, and the weight decay)."""
    tape, n = Tape(), len(spec.names)
    z, parameters = tape.leaves("z", n), tape.named("p", spec.params)
    columns = 0 if spec.data is None else spec.data.shape[1]
    kind, _, argument = what.partition(":")
    extra = 0
    if kind in ("loss", "gradient", "hessian", "third", "hvp") and spec.observed is not None:
        return _observable(tape, spec.observed, spec, z, parameters, kind)
    # Where an angle begins again nothing switches.
    outputs = step_nodes(tape, spec, z, parameters, wrap=kind not in ("switching", "side", "lift"))
    if kind == "interval" and argument in ("step", "jacobian"):
        slopes = None if argument == "step" else sum(jacobian(tape, outputs, z), [])
        return interval_program(Program(tape, tuple(slopes or outputs), n, len(parameters), columns), slopes and outputs)
    if kind == "interval" and argument.startswith("taylor:"):
        extra = int(argument.partition(":")[2])
        return interval_program(Program(tape, tuple(_taylor(tape, outputs, z, extra)), n * (1 + extra), len(parameters), columns))
    if kind in ("jacobian", "side"):
        outputs = sum(jacobian(tape, _on_side(tape, outputs, argument) if kind == "side" else outputs, z), [])
    elif kind.startswith("derivative"):
        extra = int(kind[-1])
        outputs = _directional(tape, outputs, z, extra)
    elif kind == "taylor":
        extra = int(argument)
        outputs = _taylor(tape, outputs, z, extra)
    elif kind in ("parameter_derivative", "linearized"):
        if argument not in parameters:
            raise unknown("parameter of the map", argument, parameters)
        slope = forward(tape, outputs, {parameters[argument]: tape.const(1)})
        outputs = slope if kind == "parameter_derivative" else [*outputs, *sum(jacobian(tape, outputs, z), []), *slope]
    elif kind == "preconditioner":
        outputs = preconditioner_nodes(tape, spec, z, outputs, parameters)
    elif kind in ("variation", "tangents"):
        extra = int(argument or 1)
        outputs = [*outputs, *_pushed(tape, outputs, z, extra)]
        outputs += sum(jacobian(tape, outputs, z), []) if kind == "variation" else []
    elif kind in ("switching", "expression"):
        outputs = _scalars(tape, spec, z, parameters, outputs, kind, argument)
    elif kind not in ("step", "lift"):
        raise unknown("program of a map", what, ["step", "jacobian", "derivative1", "loss", "hessian", "interval:step"])
    return Program(tape, tuple(outputs), n * (1 + extra), len(parameters), columns)


def _observable(tape: Tape, loss: LossSpec, spec: MapSpec, z: list[Node], parameters: Parameters, kind: str) -> Program:
    """The program of an observable of a map: its loss, or a derivative of the loss."""
    w = z[: spec.n_weights]
    value = loss_node(tape, loss, w, parameters)
    direction = tape.leaves("z", len(w), len(z))
    outputs = {"loss": lambda: [value], "gradient": lambda: reverse(tape, value, w),
               "hessian": lambda: sum(hessian(tape, value, w), []), "third": lambda: third(tape, value, w),
               "hvp": lambda: directional(tape, reverse(tape, value, w), w, [direction])}[kind]()  # fmt: skip
    columns = 0 if spec.data is None else spec.data.shape[1]
    return Program(tape, tuple(outputs), len(z) + len(w) * (kind == "hvp"), len(parameters), columns)


def _directional(tape: Tape, step: list[Node], z: list[Node], order: int) -> list[Node]:
    """The derivative of order k along k directions, which follow the state."""
    n = len(z)
    return directional(tape, step, z, [tape.leaves("z", n, n * k) for k in range(1, order + 1)])


def _pushed(tape: Tape, step: list[Node], z: list[Node], count: int) -> list[Node]:
    """The first derivatives along several directions, which follow the state."""
    n = len(z)
    return sum((directional(tape, step, z, [tape.leaves("z", n, n * k)]) for k in range(1, 1 + count)), [])


def _taylor(tape: Tape, step: list[Node], z: list[Node], order: int) -> list[Node]:
    """The coefficients of the next state, order by order, from those of the state."""
    n = len(z)
    curves = {leaf: [tape.leaf("z", n * k + i) for k in range(order + 1)] for i, leaf in enumerate(z)}
    series = taylor(tape, step, curves, order)
    return [coefficients[k] for k in range(order + 1) for coefficients in series]


def _on_side(tape: Tape, outputs: list[Node], signs: str) -> list[Node]:
    given = {"+": 1, "-": -1, "0": 0}
    return one_sided(tape, outputs, {place: given[s] for place, s in zip(switches(tape, outputs), signs, strict=True)})


def observed_nodes(tape: Tape, spec: MapSpec, z: Sequence[Node], parameters: Parameters, wanted: set[str]) -> dict[str, Node]:
    """The loss and, for one or two weights, the sharpness, if they are wanted and the map has a loss."""
    if isinstance(spec, ExtendedMap):
        moved = dict(zip(spec.moved, z[len(spec.base.names) :], strict=True))
        return observed_nodes(tape, spec.base, z[: len(spec.base.names)], {**parameters, **moved}, wanted)
    if spec.observed is None or not wanted & {"loss", "sharpness"}:
        return {}
    w = z[: spec.n_weights]
    value = loss_node(tape, spec.observed, w, parameters)
    if "sharpness" not in wanted or len(w) > MOST_CLOSED:
        return {"loss": value}
    matrix, half = hessian(tape, value, w), tape.const(Fraction(1, 2))
    mean, gap = (tape.mul(half, move(matrix[0][0], matrix[-1][-1])) for move in (tape.add, tape.sub))
    across = matrix[0][-1] if len(w) > 1 else tape.const(0)
    size = tape.apply("sqrt", tape.add(tape.mul(gap, gap), tape.mul(across, across)))
    return {"loss": value, "sharpness": tape.add(mean, size) if len(w) > 1 else matrix[0][0]}


def _scalars(
    tape: Tape, spec: MapSpec, z: list[Node], parameters: Parameters, step: list[Node], kind: str, argument: str
) -> list[Node]:
    """Functions of the state: all switching functions, or one of them, or one given as text, with its gradient."""
    if kind == "switching":
        quantities = switches(tape, step)
        if not argument:
            return quantities
        value = quantities[int(argument)]
    else:
        read = formula(argument)
        names = {**dict(zip(spec.names, z, strict=True)), **parameters}
        value = read.on(tape, observed_nodes(tape, spec, z, parameters, set(read.names) - set(names)) | names)
    return [value, *reverse(tape, value, z)]
