"""What this package takes from numba beyond its documented interface: each test fails when numba changes it."""

from __future__ import annotations

import configparser
import threading
from importlib.metadata import version
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.compiler_lock import global_compiler_lock
from packaging.requirements import Requirement

from cfdyn.machine import jit, kernel_cache
from cfdyn.machine.shelf import Shelf

compiled = pytest.mark.skipif(jit.DISABLED, reason="nothing is compiled")
ROOT = Path(__file__).parents[2]


def twice(x):
    return 2 * x


def entries(dispatcher) -> list[bool]:
    """For each machine code of a dispatcher, True where it has an entry from Python."""
    return [one.fndesc.llvm_cpython_wrapper_name in one.library.get_llvm_str() for one in dispatcher.overloads.values()]


@pytest.mark.parametrize("name", ["numba", "llvmlite"])
def test_the_release_is_one_that_is_allowed_and_the_next_minor_is_not(name):
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "setup.cfg")
    wanted = {r.name: r for r in map(Requirement, configuration["options"]["install_requires"].split())}[name]
    major, minor = map(int, version(name).split(".")[:2])
    assert version(name) in wanted.specifier and f"{major}.{minor + 1}.0" not in wanted.specifier


@compiled
def test_a_part_of_a_kernel_has_no_entry_from_python():
    part, alone = jit.inline_kernel(twice), numba.njit(twice)
    assert numba.njit(lambda x: part(x) + 1)(3) == 7 and alone(3) == 6
    assert entries(part) == [False] and entries(alone) == [True] and part(4) == 8


def machine_code(dispatcher) -> list[bool]:
    """For each type that it was compiled for, True where the linker has it."""
    return [bool(one.library._codegen._engine.is_symbol_defined(one.fndesc.llvm_func_name)) for one in dispatcher.overloads.values()]


@compiled
def test_a_part_of_a_kernel_has_no_machine_code_of_its_own():
    def thrice(x):
        return 3 * x

    part, alone = jit.inline_kernel(thrice), numba.njit(thrice)
    assert (alone(3), machine_code(alone)) == (9, [True])
    assert numba.njit(lambda x: part(part(x)))(3.5) == 31.5 and machine_code(part) == [False]


@compiled
def test_the_lock_within_numbas_lock_is_the_one_that_it_takes():
    taken = []
    other = threading.Thread(target=lambda: taken.append(global_compiler_lock._lock.acquire(blocking=False)))
    with global_compiler_lock:
        other.start()
        other.join()
    assert taken == [False]


@compiled
def test_numba_tells_when_it_compiles():
    told = []

    class Told(jit.event.Listener):
        def on_start(self, event):
            told.append("start")

        def on_end(self, event):
            told.append("end")

    with numba.core.event.install_listener("numba:compiler_lock", Told()):
        assert numba.njit(twice)(1.5) == 3.0
    assert told and told.count("start") == told.count("end")


@compiled
def test_a_dispatcher_asks_the_store_in_place_of_numbas_own_files(monkeypatch, tmp_path):
    monkeypatch.setattr("cfdyn.machine.shelf.directory", lambda: tmp_path)
    monkeypatch.setattr(kernel_cache, "directory", lambda: tmp_path)
    monkeypatch.setattr(kernel_cache, "_shelf", lambda module: Shelf("tests", "0" * 20))
    first = numba.njit(twice)
    kernel_cache.keep(first, twice)
    assert first(2) == 4 and sum(first.stats.cache_misses.values()) == 1
    second = numba.njit(twice)
    kernel_cache.keep(second, twice)
    assert second(3) == 6 and sum(second.stats.cache_hits.values()) == 1 and kernel_cache.is_kept(second)
    assert len(list(tmp_path.rglob("*.bin"))) == 1 and [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".bin"] == []


@compiled
def test_loops_are_made_for_vectors_unless_they_are_short():
    def total(x):
        found = 0.0
        for k in range(x.size):
            x[k] = 2 * x[k] + 1
        return found

    plain, short = numba.njit(total), numba.njit(total)
    short.compile = jit.partial(jit._without_vectors, short.compile)
    plain(np.ones(9)), short(np.ones(9))
    assert ["x double>" in next(iter(one.inspect_llvm().values())) for one in (plain, short)] == [True, False]
