"""One step of an optimizer on a batch of data rows that is given when it is taken, and with noise on the gradient."""

from collections.abc import Sequence

from cfdyn.symbolic.loss import LossSpec
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.steps import Parameters, gradient_at, optimizer_step
from cfdyn.tape.derivatives import reverse
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild


def batch_key(spec: LossMap, count: int, noisy: bool) -> str:
    """Text that two programs of `batch_program` share exactly if they are the same."""
    return f"{spec.key}|batch {count} {noisy}"


def batch_program(spec: LossMap, count: int, noisy: bool) -> Program:
    """A step that sees the mean over the rows of a batch, w ← w − η(∇L_B + ξ) for gradient descent.

    Its parameters: those of the map; ξ (d,) if it is ``noisy``; then, row by row, the data of ``count`` rows, or if that is
    0 as many as there are, as `cfdyn.codegen.compile.parameter_vector` lays them out.
    """
    tape, loss, d = Tape(), spec.loss, spec.n_weights
    parameters, head = tape.named("p", spec.params), len(spec.params)
    noise = tape.leaves("p", d, head) if noisy else []
    head += len(noise)
    columns = len(loss.columns)
    rows = [tape.leaves("p", columns, head + k * columns) for k in range(count)]

    def slope(weights: Sequence[Node]) -> list[Node]:
        found = _of_rows(tape, loss, weights, parameters, rows) if rows else gradient_at(tape, loss, weights, parameters)
        return [tape.add(*pair) for pair in zip(found, noise, strict=True)] if noise else found

    z = tape.leaves("z", len(spec.names))
    step = optimizer_step(tape, loss, spec.optimizer, z, parameters, slope)
    return Program(tape, tuple(step), len(z), head + count * columns, 0 if count else columns)


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
