"""Memory that rules share, declared once: numbers, whole numbers, addresses of rules, and arrays, all by their names.

    class Ball(Block):
        n, count = Integer.several(2)
        radius = Real()
        shape = Rule()
        centres = Array("count", "n")

A rule gets a block's address in place of parameters, and ``b = Ball(block)`` names what is there: ``b.radius``,
``b.centres[1, j]``, ``call(b.shape, z, b.centres, out)``. In Python `Block.make` makes one, and ``Ball(array)`` reads and
writes the array that holds one. In machine code (`cfdyn.machine.memory`) a name is a load, and nothing is checked or counted.
"""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from typing import Any, ClassVar, Self

import numpy as np

from cfdyn.machine.jit import DISABLED, address

BYTES = 8  # of a number
LINE = 8  # numbers in a cache line: arrays begin on one of a block that does


class Field:
    """A named entry of a block's head: a number, or the place where an array begins."""

    slot: int
    entry: type = float
    extents: tuple[int | str, ...] = ()

    @classmethod
    def several(cls, count: int, *extents: int | str) -> list[Self]:
        """So many fields, for names on one line."""
        return [cls(*extents) for _ in range(count)]

    def __get__(self, block: Any, owner: type | None = None) -> Any:
        return self if block is None else (block.memory if self.entry is float else block.whole)[self.slot]

    def __set__(self, block: Any, value: Any) -> None:
        (block.memory if self.entry is float else block.whole)[self.slot] = value


class Real(Field):
    """A number."""


class Integer(Field):
    """A whole number."""

    entry = int


class Rule(Integer):
    """The address of a rule; it is set to the compiled rule."""

    def __set__(self, block: Any, value: Any) -> None:
        block.whole[self.slot] = address(value)


class Array(Field):
    """Numbers. Each extent is a number or a formula of the block's whole numbers, of sums and products after the first."""

    def __init__(self, *extents: int | str):
        self.extents = extents

    def __get__(self, block: Any, owner: type | None = None) -> Any:
        if block is None:
            return self
        return np.ndarray(block.extents()[self.slot], self.entry, block.memory, BYTES * int(block.whole[self.slot]))

    def __set__(self, block: Any, value: Any) -> None:
        self.__get__(block)[...] = value


class Integers(Array):
    """Whole numbers."""

    entry = int


class Block:
    """Memory with names, see above; what a subclass declares comes behind what its base has."""

    fields: ClassVar[dict[str, Any]] = {}
    sizes: ClassVar[dict[str, int]]
    shapes: ClassVar[Callable[..., dict[int, tuple[int, ...]]]]

    def __init__(self, memory: Any):
        self.memory = np.asarray(memory)
        self.whole = self.memory.view(int)
        self._extents: dict[int, tuple[int, ...]] | None = None

    def __init_subclass__(cls) -> None:
        own = {name: field for name, field in vars(cls).items() if isinstance(field, Field)}
        for slot, field in enumerate(own.values(), len(cls.fields)):
            field.slot = slot
        cls.fields = cls.fields | own
        tuples = (f"{field.slot}: ({', '.join(map(str, field.extents))},)" for field in cls.fields.values() if field.extents)
        formulas = f"{{{', '.join(tuples)}}}"
        cls.sizes = {name: cls.fields[name].slot for name in sorted({*re.findall("[a-z_]+", formulas)} - {"max"})}
        cls.shapes = staticmethod(eval(f"lambda {', '.join(cls.sizes)}: {formulas}"))
        if not DISABLED:
            from cfdyn.machine.memory import name_in_kernels

            name_in_kernels(cls)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.memory

    def extents(self) -> dict[int, tuple[int, ...]]:
        """The extents of its arrays, by their slots."""
        if self._extents is None:
            self._extents = self.shapes(*self.whole[[*self.sizes.values()]].tolist())
        return self._extents

    @classmethod
    def make(cls, **values: Any) -> Self:
        """A new block with these numbers, rules and contents of arrays; all else is 0."""
        shapes, head, length = cls._laid_out(*[int(values.get(name, 0)) for name in cls.sizes])
        block = cls(np.zeros(length))
        block.whole[: len(head)], block._extents = head, shapes
        for name, value in values.items():
            setattr(block, name, value)
        return block

    @classmethod
    @lru_cache  # some are made a thousand times a second
    def _laid_out(cls, *sizes: int) -> tuple[dict[int, tuple[int, ...]], np.ndarray, int]:
        """Extents of the arrays, the head with their places, and the length of a block."""
        shapes, head = cls.shapes(*sizes), np.zeros(len(cls.fields), int)
        *places, end = accumulate(-(-length // LINE) * LINE for length in (len(head), *map(math.prod, shapes.values())))
        head[[*shapes]] = places
        return shapes, head, end + LINE
