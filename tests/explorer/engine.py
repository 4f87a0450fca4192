"""A module of WebAssembly in wasmtime, with the functions of this system's mathematical library as its page."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Sequence

import numpy as np
import wasmtime

LIBRARY = ctypes.CDLL(ctypes.util.find_library("m"))
POINTER = 64  # where the arguments of a call begin: whatever a module does at 0 shows


def _library(name: str, arguments: int):
    function = getattr(LIBRARY, name)
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * arguments
    return function


class Engine:
    """The exports of a module, on arrays."""

    def __init__(self, wasm: bytes, imports: Sequence[str]):
        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, wasm)
        real = wasmtime.ValType.f64()
        functions = []
        for name in imports:
            count = 2 if name == "pow" else 1
            kind = wasmtime.FuncType([real] * count, [real])
            functions.append(wasmtime.Func(self.store, kind, _library(name, count)))
        self.exports = wasmtime.Instance(self.store, module, functions).exports(self.store)
        self.memory = self.exports["memory"]

    def place(self, *arrays: np.ndarray) -> list[int]:
        """Their addresses, one behind the other."""
        addresses, at = [], POINTER
        for array in arrays:
            addresses.append(at)
            at += 8 * (np.size(array) + 1)
        missing = at - self.memory.data_len(self.store)
        if missing > 0:
            self.memory.grow(self.store, -(-missing // 65536))
        for array, address in zip(arrays, addresses, strict=True):
            self.memory.write(self.store, np.ascontiguousarray(array, dtype=float).tobytes(), address)
        return addresses

    def read(self, address: int, count: int) -> np.ndarray:
        """So many doubles."""
        return np.frombuffer(bytes(self.memory.read(self.store, address, address + 8 * count)), dtype=float).copy()

    def call(self, name: str, *arguments: float) -> float:
        """What an export returns."""
        return self.exports[name](self.store, *arguments)

    def rule(self, name: str, z: np.ndarray, p: np.ndarray, n_out: int) -> np.ndarray:
        """A program's outputs."""
        at = self.place(z, p, np.full(n_out, np.nan))
        self.call(name, *at)
        return self.read(at[2], n_out)
