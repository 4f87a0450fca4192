"""A program becomes a `Rule`: machine code that Python and the kernels can call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn._jit import DISABLED, python_call
from cfdyn.codegen.printer import VERSION, print_source
from cfdyn.codegen.store import load_module
from cfdyn.tape.program import Program


@dataclass(frozen=True)
class Rule:
    """``out = f(z, p)``; ``compiled`` is what a kernel takes as an argument."""

    compiled: Any
    n_out: int
    call: Callable[[np.ndarray, np.ndarray, np.ndarray], None]

    def __call__(self, z: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The outputs, (n_out,), at a contiguous float64 state and parameter vector."""
        out = np.empty(self.n_out)
        if DISABLED:
            with np.errstate(all="ignore"):
                self.call(z, p, out)
        else:
            self.call(z, p, out)
        return out


_compiled: dict[str, Rule] = {}


def compile_rule(key: str, n_out: int, program: Callable[[], Program]) -> Rule:
    """The rule for ``key``; the program is built only if the code is not kept anywhere yet."""
    full = f"{VERSION}|{key}"
    found = _compiled.get(full)
    if found is None:
        compiled = load_module(full, lambda: print_source(program())).compiled
        found = _compiled[full] = Rule(compiled, n_out, python_call(compiled))
    return found


def parameter_vector(values: Any, data: np.ndarray | None) -> np.ndarray:
    """Parameters, then the number of rows and the data, as the rules read them."""
    head = np.array(list(values), dtype=float)
    if data is None:
        return head
    return np.concatenate([head, [len(data)], np.ascontiguousarray(data, dtype=float).ravel()])
