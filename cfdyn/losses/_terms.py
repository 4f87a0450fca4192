"""How losses name their weights and write sums."""

from collections.abc import Iterable, Sequence


def names(letter: str, *sizes: int) -> list[str]:
    """``w1``, ``w2``, … or ``w11``, ``w12``, …, row by row; ``w1_10`` if an index has two digits."""
    parts = [""]
    between = "_" if max(sizes, default=0) > 9 else ""
    for size in sizes:
        parts = [f"{p}{between if p else ''}{i}" for p in parts for i in range(1, size + 1)]
    return [letter + p for p in parts]


def total(terms: Iterable[str]) -> str:
    """The terms joined by +, or 0."""
    return " + ".join(terms) or "0"


def dot(left: Sequence[str], right: Sequence[str]) -> str:
    """Σ leftᵢ rightᵢ."""
    return total(f"{a}*{b}" for a, b in zip(left, right, strict=True))
