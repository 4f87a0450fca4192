"""A map as a module of WebAssembly: its programs, and loops over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from cfdyn.codegen.wasm import declare, imported, print_wat
from cfdyn.errors import UsageError
from cfdyn.symbolic.programs.batches import batch_program
from cfdyn.symbolic.programs.oracle import map_program
from cfdyn.symbolic.recursion import Recursion
from cfdyn.tape.program import Program, Tape
from cfdyn.tape.rebuild import rebuild

BLOCK = 64  # rows of scratch that `advance` goes over


@dataclass(frozen=True)
class Module:
    """``wasm``: the binary; ``imports``: the functions of numbers that the page supplies; ``exports``: the programs."""

    wasm: bytes
    imports: tuple[str, ...]
    exports: tuple[str, ...]


def programs(step: Any) -> Mapping[str, Program]:
    """What a page asks of a map: the step, without noise and with it ("disturbed", see `batch_program`), its Jacobian, the loss
    and its derivatives, the optimizer's threshold, and the two `slow` programs of its flows."""
    observed = ("loss", "gradient", "hessian", "third") if step.spec.observed is not None else ()
    found = {what: map_program(step.spec, what) for what in ("step", "jacobian", *observed)}
    found["disturbed"] = batch_program(step.spec, 0, noisy=True)
    found |= slow(step)
    return found | {"threshold": threshold} if (threshold := _threshold(step)) else found


def slow(step: Any) -> dict[str, Program]:
    """What the flows of an optimizer with a constant preconditioner take, by its parameters: "pace", of the slow drift
    dw/dt = −g/pace, and "edge", the curvature at which a mode flips; {} for other optimizers."""
    optimizer = getattr(step.spec, "optimizer", None)
    if optimizer is None or optimizer.gradient is not None or optimizer.flow:
        return {}
    try:
        recursion = Recursion(optimizer, "central")
        recursion.check_flip(optimizer)
    except UsageError:
        return {}
    _, pace, decay, *_ = nodes = recursion.coefficients
    if recursion.moving or recursion.tape.value(decay) != 0:
        return {}
    tape, called = Tape(), optimizer.beside(step.spec.loss.params)
    own = tape.named("p", step.spec.params)
    read = {node: own[called[plain]] for plain, node in recursion.parameters.items()}
    half, pace = rebuild(recursion.tape, nodes[:2], tape, read)
    columns = 0 if step.spec.data is None else step.spec.data.shape[1]
    roots = {"edge": tape.mul(tape.const(2), half), "pace": pace}
    return {name: Program(tape, (root,), 0, len(own), columns) for name, root in roots.items()}


def _threshold(step: Any) -> Program | None:
    """θ, the largest stable lr × curvature; None for optimizers where it is not of the Hessian's own curvature."""
    optimizer = getattr(step.spec, "optimizer", None)
    if optimizer is None or optimizer.threshold is None or optimizer.gradient is not None:
        return None
    if optimizer.preconditioner is None or set(optimizer.preconditioner.names) != {"lr"}:
        return None
    tape, called = Tape(), optimizer.beside(step.spec.loss.params)
    parameters = tape.named("p", step.spec.params)
    root = optimizer.threshold.on(tape, {plain: parameters[name] for plain, name in called.items()})
    return Program(tape, (root,), 0, len(parameters), 0 if step.spec.data is None else step.spec.data.shape[1])


def print_module(programs: Mapping[str, Program], dim: int, weights: int) -> str:
    """The text of a module with these programs, among them "step", "disturbed" and "jacobian", and the loops over them."""
    head = f'(memory (export "memory") 1)\n(global $D i32 (i32.const {dim}))\n(global $BLOCK i32 (i32.const {BLOCK}))\n'
    head += f"(global $W i32 (i32.const {weights}))\n"
    functions = "".join(print_wat(program, name) for name, program in programs.items())
    loops = files(__package__).joinpath("loops.wat").read_text(encoding="utf-8")
    return f"(module\n{declare(imported(programs.values()))}{head}{functions}{loops})\n"


def assemble(step: Any) -> Module:
    """The module of a map, by wasmtime's assembler (the extra `explore`)."""
    try:
        from wasmtime import wat2wasm
    except ImportError:
        raise UsageError("this needs wasmtime: pip install 'cfdyn[explore]'") from None
    wanted = programs(step)
    wasm = bytes(wat2wasm(print_module(wanted, step.dim, step.n_weights)))
    return Module(wasm, tuple(imported(wanted.values())), tuple(wanted))
