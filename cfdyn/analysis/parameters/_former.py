"""Grids as earlier signatures had them: two pairs in a row, and a box of starts with its shape and plane. Both still work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cfdyn.arguments import converted, is_pair
from cfdyn.errors import UsageError, shown
from cfdyn.signatures import Given

OF_A_BOX = ("box", "shape", "plane")
STARTS = 400  # along a side of a box without a shape
Convert = Callable[[str, Any], Any]


def two_pairs(args: tuple, options: dict[str, Any], convert: Convert) -> Given:
    """``regimes(step, (name, values), (name, values), z0)``, also as ``first`` and ``second``."""
    if len(args) > 2 and all(isinstance(one, list | tuple) and len(one) == 2 and isinstance(one[0], str) for one in args[1:3]):
        return (args[0], list(args[1:3]), *args[3:]), options
    if "first" in options and "second" in options:
        others = {name: value for name, value in options.items() if name not in ("first", "second")}
        return args, {**others, "vary": [options["first"], options["second"]]}
    return args, options


def box_of_starts(args: tuple, options: dict[str, Any], convert: Convert) -> Given:
    """``basins(step, box, shape, plane=names)``, the shape (rows, columns) or one number."""
    box, *shape = args[1:3] or [options.get("box")]
    sides = [box] if is_pair(box) else box
    if not (isinstance(sides, list | tuple) and sides and all(map(is_pair, sides))):
        return args, options
    step, others = convert("step", args[0]), {name: value for name, value in options.items() if name not in OF_A_BOX}
    names = _names(options["plane"], sides) if options.get("plane") is not None else list(step.names)
    counts = _counts(shape[0] if shape else options.get("shape", STARTS), sides)
    if len(sides) > len(names):
        raise UsageError(f"a box of {len(sides)} sides needs as many entries of the state, not {', '.join(names)}")
    vary = [(name, (*ends, count)) for name, ends, count in zip(names, sides, counts, strict=False)]
    return (step, vary, *args[3:]), others


def _names(plane: Any, sides: Sequence[Any]) -> list[str]:
    names: list[str] = converted("`plane`", [plane] if isinstance(plane, str) else plane, list[str])
    if len(names) != len(sides):
        raise UsageError(f"a box of {len(sides)} sides needs as many names in `plane`, not {shown(tuple(names))}")
    return names


def _counts(shape: Any, sides: Sequence[Any]) -> list[int]:
    """The numbers of starts along the sides, the columns first."""
    counts = converted("`shape`", shape, int | Sequence[int])
    counts = [counts] * len(sides) if isinstance(counts, int) else list(counts[::-1])
    if len(counts) != len(sides):
        wanted = "(rows, columns)" if len(sides) == 2 else "one number"
        raise UsageError(f"the shape of the grid is {wanted}, not {shown(tuple(counts[::-1]))}")
    return counts
