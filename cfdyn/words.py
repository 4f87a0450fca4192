"""How kinds, numbers and parameters are spelled wherever a reader meets them."""

from collections.abc import Iterable, Sequence

ROUNDED, WIDEST = 1e-13, 1e3  # of the width of the bounds, up to that: rounding
LONGEST_REPR = 300  # characters of what Python shows of an object
STABILITY = {True: "stable", False: "unstable", None: "neutral"}  # as records say it

# What to do where cycles are not isolated.
TAKE_OUT = "take out the symmetry of the loss that makes all of them so (fewer weights, or a small term that breaks it)"


def called(period: int, several: bool = False) -> str:
    """Fixed point, 2-cycle, …; or fixed points, 2-cycles, ….

    >>> called(1), called(3), called(2, several=True)
    ('fixed point', '3-cycle', '2-cycles')
    """
    return ("fixed point" if period == 1 else f"{period}-cycle") + ("s" if several else "")


def how_many(count: int, one: str, several: str = "") -> str:
    """A number of things.

    >>> how_many(1, "weight"), how_many(3, "weight"), how_many(2, "entry", "entries")
    ('1 weight', '3 weights', '2 entries')
    """
    return f"{count} {one if count == 1 else several or one + 's'}"


def spoken(kind: str) -> str:
    """The kind of a bifurcation as it is printed: names of people have capitals.

    >>> spoken("fold-neimark-sacker"), spoken("chenciner"), spoken("flip")
    ('fold-Neimark–Sacker', 'Chenciner', 'flip')
    """
    return kind.replace("neimark-sacker", "Neimark–Sacker").replace("chenciner", "Chenciner")


def shown(value: float, bounds: tuple[float, float], digits: int = 10) -> str:
    """A value of a parameter; 0 where it is that but for rounding.

    >>> shown(3e-17, (-1.0, 1.0)), shown(1.25, (-1.0, 1.0))
    ('0', '1.25')
    """
    return f"{value if abs(value) > ROUNDED * min(bounds[1] - bounds[0], WIDEST) else 0.0:.{digits}g}"


def named(names: Iterable[str], values: Iterable[float], digits: int = 6) -> str:
    """Parameters or coordinates with their values.

    >>> named(["lr", "a"], [0.1, 2.0])
    'lr = 0.1, a = 2'
    """
    return ", ".join(f"{name} = {value:.{digits}g}" for name, value in zip(names, values, strict=True))


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters.

    >>> shortened("w**2/2 + w", 6)
    'w**2/…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def few(items: Sequence[str], most: int = 8, first: int = 4) -> str:
    """Words in a row; of very many the first ones, and how many there are.

    >>> few(["x", "y"]), few([f"x{k}" for k in range(80)])
    ('x, y', 'x0, x1, x2, x3, … 80 in all')
    """
    return ", ".join(items if len(items) <= most else [*items[:first], f"… {len(items)} in all"])


def listed(items: Sequence[str], most: int, between: str = ", ") -> str:
    """The first few of some words, and a sign that there are more.

    >>> listed(["a", "b", "c"], 2)
    'a, b, …'
    """
    return between.join([*items[:most], "…"] if len(items) > most else items)
