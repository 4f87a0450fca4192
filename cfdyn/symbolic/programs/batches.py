"""A step of an optimizer on a batch passed at run time, with noise on the gradient; or of a map, with noise on its image."""

from collections.abc import Sequence

from cfdyn.symbolic.derived import CircleMap
from cfdyn.symbolic.loss import LossSpec
from cfdyn.symbolic.maps import LossMap, MapSpec
from cfdyn.symbolic.programs.oracle import step_nodes
from cfdyn.symbolic.steps import Parameters, gradient_at, optimizer_step
from cfdyn.tape.derivatives import jacobian, reverse
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild


def batch_key(spec: MapSpec, count: int, noisy: bool, what: str = "step") -> str:
    """A text that two programs of `batch_program` share if and only if they are the same."""
    return f"{spec.key}|batch {count} {noisy}" + ("" if what == "step" else f"|{what}")


def batch_program(spec: MapSpec, count: int, noisy: bool, what: str = "step") -> Program:
    """A ``step`` on the mean over the rows of a batch, w ← w − η(∇L_B + ξ) for gradient descent, or its ``jacobian``.

    Its parameters: those of the map; ξ (d,) if it is ``noisy``; then, row by row, the data of ``count`` rows (of all rows if
    ``count`` is 0), in the layout of `cfdyn.codegen.compile.parameter_vector`. For a map without a loss z ← f(z) + ξ, on the
    first d entries.
    """
    tape = Tape()
    z = tape.leaves("z", len(spec.names))
    parameters, head = tape.named("p", spec.params), len(spec.params)
    noise = tape.leaves("p", spec.n_weights, head) if noisy else []
    head += len(noise)
    columns = _columns(spec)
    rows = [tape.leaves("p", columns, head + k * columns) for k in range(count)]
    if isinstance(spec, LossMap):
        step = _loss_step(tape, spec, z, parameters, noise, rows)
    else:
        step = _moved(tape, spec, z, parameters, noise)
    outputs = step if what == "step" else sum(jacobian(tape, step, z), [])
    return Program(tape, tuple(outputs), len(z), head + count * columns, 0 if count else columns)


def _columns(spec: MapSpec) -> int:
    """The number of columns of the data."""
    return len(spec.loss.columns) if isinstance(spec, LossMap) else 0 if spec.data is None else spec.data.shape[1]


def _loss_step(
    tape: Tape, spec: LossMap, z: Sequence[Node], parameters: Parameters, noise: Sequence[Node], rows: Sequence[Sequence[Node]]
) -> list[Node]:
    """The optimizer's step, with noise added to every gradient that it uses."""
    loss = spec.loss

    def slope(weights: Sequence[Node]) -> list[Node]:
        gradient = _of_rows(tape, loss, weights, parameters, rows) if rows else gradient_at(tape, loss, weights, parameters)
        return [tape.add(*pair) for pair in zip(gradient, noise, strict=True)] if noise else gradient

    return optimizer_step(tape, loss, spec.optimizer, z, parameters, slope)


def _moved(tape: Tape, spec: MapSpec, z: Sequence[Node], parameters: Parameters, noise: Sequence[Node]) -> list[Node]:
    """The next state of a map, with noise added before its angles are wrapped."""
    outputs = step_nodes(tape, spec, z, parameters, wrap=False)
    outputs = [*map(tape.add, outputs, noise), *outputs[len(noise) :]]
    return spec.wrapped(tape, outputs) if isinstance(spec, CircleMap) else outputs


def _of_rows(
    tape: Tape, loss: LossSpec, weights: Sequence[Node], parameters: Parameters, rows: Sequence[Sequence[Node]]
) -> list[Node]:
    """The gradient of the mean over some rows whose data are nodes."""
    fresh, total = tape.leaves("w", len(weights)), tape.const(0)
    own = {name: parameters[name] for name in loss.params} | dict(zip(loss.variables, fresh, strict=True))
    for row in rows:
        total = tape.add(total, loss.formula.on(tape, own | dict(zip(loss.columns, row, strict=True))))
    gradient = reverse(tape, tape.div(total, tape.const(len(rows))), fresh)
    return rebuild(tape, gradient, tape, dict(zip(fresh, weights, strict=True)))
