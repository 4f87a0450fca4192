"""Helpers that become parts of kernels."""

from __future__ import annotations

import gc
import re

import numba
import numpy as np
from numba.core import event, ir
from numba.core.inline_closurecall import InlineWorker

from cfdyn.machine.jit import inline_kernel, kernel, spliced
from cfdyn.machine.kernel_cache import COLLECTED, _Store


@inline_kernel
def hypotenuse(a, b) -> float:
    return np.sqrt(a * a + b * b)


@kernel
def longest(sides) -> float:
    most = 0.0
    for k in range(sides.shape[0]):
        most = max(most, hypotenuse(sides[k, 0], sides[k, 1]))
    return most


def test_a_helper_is_a_plain_function_in_python_before_and_after_it_is_compiled():
    assert hypotenuse(3.0, 4.0) == 5.0
    assert longest(np.array([[3.0, 4.0], [5.0, 12.0]])) == 13.0
    assert hypotenuse(8.0, 15.0) == 17.0


@spliced
def clipped(x, most) -> float:
    if x > most:
        return most
    return x


@spliced
def damped(x, most) -> float:
    total = 0.0
    for k in range(3):
        total += clipped(x * k, most)
    return total


def several(numbers) -> float:
    total = 0.0
    for k in range(numbers.shape[0]):
        total += damped(numbers[k], 2.0) + clipped(numbers[k], 1.0)
    return total


def _copying(self, caller_ir, block, i, function, arg_typs=None):
    """As numba has it."""
    free = function.__code__.co_freevars
    return self.inline_ir(caller_ir, block, i, self.run_untyped_passes(function), free, arg_typs=arg_typs)


def _machine_code(function) -> str:
    """Instructions, without the names that have the number of a compilation in them."""
    assert function(np.array([0.5, 3.0])) == 0.5 + 1.0 + 0.5 + 2.0 + 2.0 + 1.0
    (code,) = function.inspect_asm().values()
    return re.sub(r"\w*several\w*|\w*B\d+\w*", "name", code)


def test_a_spliced_helper_is_not_copied_and_makes_the_same_machine_code(monkeypatch):
    copied = []
    usual = ir.Var.__deepcopy__
    monkeypatch.setattr(ir.Var, "__deepcopy__", lambda self, memo: copied.append(self) or usual(self, memo))
    ours = _machine_code(numba.njit(several))
    assert not copied
    monkeypatch.setattr(InlineWorker, "inline_function", _copying)
    assert _machine_code(numba.njit(several)) == ours
    assert copied


def test_objects_are_collected_rarely_while_a_kernel_is_compiled_and_as_before_afterwards(monkeypatch):
    monkeypatch.setattr(_Store, "load", lambda store, key: None)
    monkeypatch.setattr(_Store, "save", lambda store, key, data: None)
    seen, before = [], gc.get_threshold()
    noted = event.RecordingListener()
    monkeypatch.setattr(noted, "on_start", lambda _: seen.append(gc.get_threshold()[0]))
    with event.install_listener("numba:compile", noted):
        assert kernel(longest.py_func)(np.array([[3.0, 4.0]])) == 5.0
    assert seen and min(seen) >= COLLECTED
    assert gc.get_threshold() == before
