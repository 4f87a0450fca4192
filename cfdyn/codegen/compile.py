"""A program becomes a `Rule`: machine code that Python and the kernels can call."""

import ctypes
import gc
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.codegen.numba_source import print_source
from cfdyn.codegen.schedule import LANES, machine_program
from cfdyn.machine.portable import Rooted, held_while_forking
from cfdyn.machine.shelf import Shelf, fingerprint
from cfdyn.tape.program import Program

# Everything in plain Python, for measuring which lines the tests reach.
DISABLED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("0", "")
_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


@dataclass(frozen=True)
class MachineRule(Rooted):
    """``out = f(z, p)``; ``compiled`` is what a kernel takes as an argument."""

    address: int
    n_out: int

    def __call__(self, z: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The outputs, (n_out,), at a state and a parameter vector."""
        out = np.empty(self.n_out)
        # The code sees addresses only: a strided array must become a plain one first.
        z, p = np.ascontiguousarray(z, dtype=float), np.ascontiguousarray(p, dtype=float)
        self._native(z.ctypes.data, p.ctypes.data, out.ctypes.data)
        return out

    @cached_property
    def _native(self) -> Callable[[int, int, int], None]:
        return _PROTOTYPE(self.address)

    @cached_property
    def compiled(self) -> Any:
        """The rule as an argument of a kernel."""
        from cfdyn.machine.jit import NativeRule

        return NativeRule(self.address)


@dataclass(frozen=True)
class PythonRule(Rooted):
    """A rule where nothing is compiled."""

    compiled: Callable[[Any, Any, Any], None]
    n_out: int

    def __call__(self, z: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The outputs, (n_out,)."""
        out = np.empty(self.n_out)
        with np.errstate(all="ignore"):
            self.compiled(z, p, out)
        return out


Rule = MachineRule | PythonRule
_known: dict[str, Rule] = {}
_one_at_a_time = held_while_forking(threading.RLock(), 0)


def compile_rule(key: str, n_out: int, program: Callable[[], Program]) -> Rule:
    """The rule for ``key``; the program is asked for only if its code is not kept anywhere yet."""
    found = _known.get(key)
    if found is not None:
        return found
    # Two threads that want the same rule: the second one must not link it again while the first runs it.
    with _one_at_a_time, _no_garbage_collection():
        if key not in _known:
            python = PythonRule(python_function(machine_program(program())), n_out) if DISABLED else None
            _known[key] = python or _machine_rule(key, n_out, program)
        return _known[key]


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A tape is many small tuples without cycles; looking through all objects of the process takes longer than it."""
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()


def _machine_rule(key: str, n_out: int, program: Callable[[], Program]) -> Rule:
    from cfdyn.codegen.native import assemble, load

    name = f"rule_{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    code = _shelf().read(key)
    if code is None:
        made = machine_program(program())
        assert len(made.outputs) == n_out
        code = assemble(print_ir(made, name))
        _shelf().write(key, code)
    return MachineRule(load(code, name), n_out)


@cache
def _shelf() -> Shelf:
    from cfdyn.codegen.native import processor

    return Shelf("rules", fingerprint(("codegen", "symbolic", "optimizers", "flows"), ("llvmlite",), processor()))


def python_function(program: Program) -> Callable[[Any, Any, Any], None]:
    """The program as a Python function ``(z, p, out)``, which numba can compile too."""
    names: dict[str, Any] = {}
    exec(compile(print_source(program), "<rule>", "exec"), names)
    return names["compiled"]


def parameter_vector(values: Any, data: np.ndarray | None) -> np.ndarray:
    """Parameters, the number of rows, and the data by columns, each filled up to a multiple of LANES with its last entry."""
    head = np.array(list(values), dtype=float)
    if data is None:
        return head
    table = np.asarray(data, dtype=float)
    filled = np.concatenate([table, np.repeat(table[-1:], -len(table) % LANES, axis=0)])
    return np.concatenate([head, [len(table)], filled.T.ravel()])
