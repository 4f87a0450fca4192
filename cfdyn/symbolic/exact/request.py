"""The request to the other process: the program of one step as JSON, and its properties that need no SymPy."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.arguments import converted
from cfdyn.errors import UsageError, unknown
from cfdyn.symbolic.loss import LossSpec, make_loss
from cfdyn.symbolic.maps import LossMap, MapSpec
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.oracle import loss_program, map_program
from cfdyn.symbolic.text.formula import is_formula
from cfdyn.tape.program import Program
from cfdyn.tape.rebuild import tape_of, written

MOST_ROWS, MOST_NODES = 200, 2000  # of data and of a program, as formulas that SymPy handles in seconds
RATIONAL = frozenset("const z p add sub mul div neg ipow rows rowsum col".split())


class Refused(Exception):
    """Why there is no closed form, as half a sentence."""


def exact_fraction(value: float) -> Fraction:
    """The number that a user means by a double: 0.1 is 1/10."""
    return Fraction(repr(float(value)))


def subject(given: Any, optimizer: Any = None) -> Any:
    """The specification of a map: that of ``optimizer`` on a loss, or of the given map; a UsageError for neither."""
    spec = make_loss(given) if is_formula(given) else getattr(given, "spec", given)
    if isinstance(spec, LossSpec):
        if not isinstance(optimizer, Optimizer):
            raise UsageError("a loss needs an optimizer, such as cf.symbolic.cycles(loss, cf.optimizers.gd(lr=1), 2)")
        return LossMap(spec, optimizer)
    if not isinstance(spec, MapSpec):
        raise UsageError(f"closed forms are sought for a loss with an optimizer or for a map, not {type(given).__name__}")
    if optimizer is not None:
        raise UsageError("a map takes no optimizer: cf.symbolic.cycles(step, n)")
    return spec


def chosen_parameters(spec: Any, wanted: Sequence[str] | str | None) -> tuple[str, ...]:
    """The parameters that stay symbols; default: lr for an optimizer, all for a plain map."""
    known = list(spec.params)
    if isinstance(wanted, str) and wanted == "all":
        return tuple(sorted(known, key=lambda name: name != "lr"))
    if wanted is None:
        return ("lr",) if "lr" in known else tuple(known)
    listed = wanted.replace(",", " ").split() if isinstance(wanted, str) else converted("`parameters`", wanted, Sequence[str])
    names = tuple(listed)
    for name in names:
        if name not in known:
            raise unknown("parameter", name, known)
    if len(set(names)) < len(names):
        raise UsageError(f"a parameter is named twice: {', '.join(names)}")
    return names


def stored_program(program: Program) -> dict[str, Any]:
    """A program as data for JSON; `read_program` reads it."""
    return {"nodes": written(program.tape), "outputs": program.outputs, "n_z": program.n_z, "n_p": program.n_p,
            "n_columns": program.n_columns}  # fmt: skip


def read_program(stored: dict[str, Any]) -> Program:
    """The program that `stored_program` wrote down."""
    return Program(tape_of(stored["nodes"]), tuple(stored["outputs"]), stored["n_z"], stored["n_p"], stored["n_columns"])


def is_rational(program: Program) -> bool:
    """True if the outputs are rational functions of state and parameters."""
    return all(program.tape.ops[node] in RATIONAL for node in program.tape.reachable(program.outputs))


def request(spec: Any, parameters: Sequence[str], **more: Any) -> dict[str, Any]:
    """The map, its loss if it has one weight, the values of the parameters and the names of those that stay symbols.

    Raises Refused for a formula or a data table that is too large.
    """
    step = map_program(spec, "step")
    table = [] if spec.data is None else np.asarray(spec.data, dtype=float).tolist()
    if len(table) > MOST_ROWS:
        raise Refused(f"it sums over {len(table)} rows of data, and {MOST_ROWS} are the most that are written out")
    if len(step.tape) > MOST_NODES:
        raise Refused(f"one step takes {len(step.tape)} operations, and {MOST_NODES} are the most")
    loss = spec.loss if isinstance(spec, LossMap) and len(spec.names) >= spec.n_weights == 1 else None
    return {
        "step": stored_program(step), "names": list(spec.names),
        "loss": None if loss is None else stored_program(loss_program(loss, "value")),
        "loss_params": [] if loss is None else list(loss.params), "n_weights": spec.n_weights,
        "values": {name: str(exact_fraction(value)) for name, value in spec.params.items()},
        "parameters": list(parameters), "data": [[str(exact_fraction(v)) for v in row] for row in table], **more,
    }  # fmt: skip
