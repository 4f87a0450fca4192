"""A program becomes a `Rule`: machine code that Python and the kernels can call."""

import ctypes
import gc
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from cfdyn.codegen.columns import WRITTEN, print_columns
from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.codegen.schedule import LANES, machine_program
from cfdyn.machine.fingerprints import fingerprint
from cfdyn.machine.portable import Portable, Rooted, held_while_forking
from cfdyn.machine.shelf import Shelf
from cfdyn.tape.program import Program

_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


@dataclass(frozen=True)
class Rule(Rooted):
    """``out = f(z, p)``; ``compiled`` is the argument for a kernel."""

    address: int
    n_out: int

    def __call__(self, z: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The outputs, (n_out,), at a state and a parameter vector."""
        out = np.empty(self.n_out)
        # The code sees addresses only: a strided array must become a plain one first.
        z, p = np.ascontiguousarray(z, dtype=float), np.ascontiguousarray(p, dtype=float)
        self._native(z.ctypes.data, p.ctypes.data, out.ctypes.data)
        return out

    def _into(self, z: np.ndarray, p: np.ndarray, out: np.ndarray) -> None:
        self._native(z.ctypes.data, p.ctypes.data, out.ctypes.data)

    @cached_property
    def _native(self) -> Callable[[int, int, int], None]:
        return _PROTOTYPE(self.address)

    @cached_property
    def compiled(self) -> Any:
        """The rule as an argument of a kernel, which may be plain Python."""
        from cfdyn.machine.jit import DISABLED, NativeRule

        return self._into if DISABLED else NativeRule(self.address)


_known: dict[str, Rule] = {}
_one_at_a_time = held_while_forking(threading.RLock(), 0)


def compile_rule(
    key: str, n_out: int, program: Callable[[], Program], printed: Callable[[Program, str], str] = print_ir, columns: int = 1
) -> Rule:
    """The rule for ``key``; the program is built only if its code is not stored yet.

    ``columns``: the number of times that the code runs the program, each time for an equal part of the ``n_out`` numbers.
    """
    rule = _known.get(key)
    if rule is not None:
        return rule
    # Two threads that want the same rule: the second one must not link it again while the first runs it.
    with _one_at_a_time, _no_garbage_collection():
        if key not in _known:
            _known[key] = _machine_rule(key, n_out, program, printed, columns)
        return _known[key]


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A tape is many small tuples without cycles; a search through all objects of the process takes longer than building it."""
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()


def _machine_rule(
    key: str, n_out: int, program: Callable[[], Program], printed: Callable[[Program, str], str], columns: int
) -> Rule:
    from cfdyn.codegen.native import assemble, load

    name = f"rule_{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    code = _shelf().read(key)
    if code is None:
        made = machine_program(program())
        assert len(made.outputs) * columns == n_out
        code = assemble(printed(made, name))
        _shelf().write(key, code)
    return Rule(load(code, name), n_out)


@cache
def _shelf() -> Shelf:
    from cfdyn.codegen.native import processor

    return Shelf("rules", fingerprint(("codegen", "symbolic", "optimizers", "flows"), ("llvmlite",), processor()))


def compile_matrix(key: str, size: int, program: Callable[[str], Program], matrix: str, product: str, symmetric: bool) -> Rule:
    """The rule for a square matrix of derivatives, by its own program, ``program(matrix)``.

    If the matrix is large: by the program of its ``product`` with a vector, column by column.
    """
    if size <= WRITTEN:
        return compile_rule(key, size * size, lambda: program(matrix))
    printed = partial(print_columns, columns=size, symmetric=symmetric)
    return compile_rule(key, size * size, lambda: program(product), printed, size)


def matrix_cost(size: int, program: Callable[[str], Program], matrix: str, product: str, rows: int) -> int:
    """The number of operations of the rule that `compile_matrix` makes."""
    return program(matrix).cost(rows) if size <= WRITTEN else size * program(product).cost(rows)


def parameter_vector(values: Any, data: np.ndarray | None) -> np.ndarray:
    """Parameters, the number of rows, and the data by columns, each padded to a multiple of LANES with its last entry."""
    head = np.array(list(values), dtype=float)
    if data is None:
        return head
    table = np.asarray(data, dtype=float)
    filled = np.concatenate([table, np.repeat(table[-1:], -len(table) % LANES, axis=0)])
    return np.concatenate([head, [len(table)], filled.T.ravel()])


class OfSpecification(Portable):
    """The common base of maps and flows: parameters, data, and rules that are compiled on demand."""

    spec: Any

    @property
    def dim(self) -> int:
        """Length of the state."""
        return len(self.spec.names)

    @cached_property
    def p(self) -> np.ndarray:
        """Parameters and data in the layout of the compiled rules."""
        return parameter_vector(self.spec.params.values(), self.spec.data)

    @cached_property
    def _rules(self) -> dict[str, Rule]:
        return {}
