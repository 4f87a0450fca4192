"""Permutations and sign changes that leave a map and a box invariant: of the images of a cycle only one is searched for."""

from collections.abc import Callable, Iterator
from itertools import combinations, permutations, product

import numpy as np

from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.map import Map
from cfdyn.tape.forms import Commutation, Exchange

FEW = 5  # entries of which all exchanges and signs are tried
MANY = 40  # with more, not even the exchanges of two
MOST, MOST_OF_MANY = 400, 32  # images of a point that are worth it, and with more entries than a few
WORTH = 30_000  # nodes to go through for the exact test of all candidates
PARTS = {2: "half", 3: "a third", 4: "a quarter", 6: "a sixth", 8: "an eighth"}
MINUS = "−"
MOST_SHOWN = 3


class Symmetries:
    """A group of maps z → (s_i z_σ(i)): ``orders`` σ and ``signs`` s, (m, D), the identity first; ``generators`` of it."""

    def __init__(self, dim: int, candidates: list[Exchange], holds: Callable[[Exchange], bool]):
        self.generators: list[Exchange] = []
        unit: Exchange = (tuple(range(dim)), (1,) * dim)
        elements = [unit]
        for g in candidates:
            if g not in elements and holds(g):
                more = _generated(unit, [*self.generators, g])
                if more:
                    elements = more
                    self.generators.append(g)
        self.orders = np.array([order for order, _ in elements])
        self.signs = np.array([signs for _, signs in elements])

    def __len__(self) -> int:
        return len(self.orders)

    def spread(self, points: np.ndarray, mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All images of cycles (k, n, D) with multipliers (k, D): (m k, n, D) and (m k, D), with repeats."""
        images = [points[..., order] * signs for order, signs in zip(self.orders, self.signs, strict=True)]
        return np.concatenate(images), np.tile(mu, (len(self), 1))

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """All images of boxes (k, D, 2), (m k, D, 2)."""
        every = [boxes[:, order] * signs[:, None] for order, signs in zip(self.orders, self.signs, strict=True)]
        return np.sort(np.concatenate(every), axis=2)

    def conditions(self) -> np.ndarray:
        """Rows (a, b, s, alone): that entry a of x_0 is at most s times entry b of every point x_i, or of x_0 alone, (k, 4).

        Of all points of a cycle and of its images, x_0 is then the first in the order of the entries.
        """
        orders, signs, rows = self.orders, self.signs, []
        for a in range(orders.shape[1]):
            for b, s in sorted(set(zip(orders[:, a].tolist(), signs[:, a].tolist(), strict=True))):
                if a == 0 or (b, s) != (a, 1):
                    rows.append((a, b, s, int(a > 0)))
            same = (orders[:, a] == a) & (signs[:, a] == 1)
            orders, signs = orders[same], signs[same]
        return np.array(rows, dtype=np.int64)

    def sentence(self, names: tuple[str, ...], done: str) -> str:
        """A sentence: under what the map is symmetric, and what was ``done`` with that; "" if there is no symmetry."""
        if len(self) == 1:
            return ""
        words = self.words(names)
        shown = f"{', '.join(words[:MOST_SHOWN])}, …" if len(words) > MOST_SHOWN else " and ".join(words)
        return f"symmetric under {shown}: {done.format(PARTS.get(len(self), f'1/{len(self)}'))}"

    def words(self, names: tuple[str, ...]) -> list[str]:
        """(x, y) → (y, −x) for each of the generators; only the entries that move."""
        words = []
        for order, signs in self.generators:
            moved = [i for i, (k, s) in enumerate(zip(order, signs, strict=True)) if (k, s) != (i, 1)]
            here, there = [names[i] for i in moved], [MINUS * (signs[i] < 0) + names[order[i]] for i in moved]
            parts = [", ".join(side) if len(moved) == 1 else f"({', '.join(side)})" for side in (here, there)]
            words.append(" → ".join(parts))
        return words


def symmetries(step: Map, region: np.ndarray) -> Symmetries:
    """Those of a map that leave the box (D, 2) as it is.

    Candidates that a few points do not rule out are decided exactly on the tape; what stays open is not used. All are
    tried for D ≤ 5, and those of the weights that carry the rest of the state along for up to 5 weights; else the
    exchanges of two entries and the signs of one entry or of all.
    """
    order, signs = map(np.array, zip(*_candidates(step.dim, step.n_weights), strict=True))
    turned = np.sort(region[order] * signs[:, :, None], axis=2)
    kept = (turned == region).all(axis=(1, 2))
    order, signs = order[kept], signs[kept]
    kept = _plausible(step, order, signs)
    exchanges: list[Exchange] = [(tuple(o), tuple(s)) for o, s in zip(order[kept].tolist(), signs[kept].tolist(), strict=True)]
    if len(exchanges) < 2:
        return Symmetries(step.dim, [], bool)
    holds = Commutation(step._program("step"), list(step.spec.params.values()))
    return Symmetries(step.dim, sorted(exchanges, key=_moved)[: WORTH // holds.size], holds)


def _plausible(step: Map, order: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """True where f(g z) = g f(z) to some digits at a few points where both are numbers, for each candidate g, (m,)."""
    rng, possible = np.random.default_rng(0), np.ones(len(order), dtype=bool)
    rule = step.rule("step")
    for low in (-1.5, 0.1, -0.5):
        z = rng.uniform(low, 1.0, step.dim)
        moved, there = rule(z, step.p)[order] * signs, evaluate_rows(rule, z[order] * signs, step.p)
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.abs(there - moved) > 1e-6 * (np.abs(moved).max(axis=1, keepdims=True) + 1e-9)
        possible &= ~off.any(axis=1)
    return possible


def _candidates(dim: int, weights: int) -> Iterator[Exchange]:
    """Candidates, the identity first."""
    if dim <= FEW:
        yield from product(permutations(range(dim)), product((1, -1), repeat=dim))
        return
    unit, plain = tuple(range(dim)), (1,) * dim
    yield unit, plain
    if weights < dim and weights < FEW:
        for blocks in range(2, dim // weights + 1):
            rest = blocks * weights
            for order, signs in product(permutations(range(weights)), product((1, -1), repeat=weights)):
                for carried in product((True, False), repeat=blocks - 1):
                    turned = [signs if kept else plain[:weights] for kept in (True, *carried)]
                    yield (tuple(weights * k + i for k in range(blocks) for i in order) + unit[rest:],
                           tuple(s for part in turned for s in part) + plain[rest:])  # fmt: skip
        return
    yield unit, (-1,) * dim
    for k in range(dim):
        yield unit, (*plain[:k], -1, *plain[k + 1 :])
    for i, k in combinations(range(dim), 2) if dim <= MANY else ():
        order = tuple(k if j == i else i if j == k else j for j in unit)
        yield order, plain
        yield order, (-1,) * dim


def _moved(g: Exchange) -> tuple[int, int]:
    """How many entries move, and how many change their sign."""
    return sum((k, s) != (i, 1) for i, (k, s) in enumerate(zip(*g, strict=True))), g[1].count(-1)


def _generated(unit: Exchange, generators: list[Exchange]) -> list[Exchange]:
    """The group that they generate; nothing if it is too large."""
    elements, seen = [unit], {unit}
    for order, signs in elements:
        for g_order, g_signs in generators:
            made = tuple(order[k] for k in g_order), tuple(s * signs[k] for k, s in zip(g_order, g_signs, strict=True))
            if made not in seen:
                seen.add(made)
                elements.append(made)
        if len(elements) > (MOST if len(unit[0]) <= FEW else MOST_OF_MANY):
            return []
    return elements
