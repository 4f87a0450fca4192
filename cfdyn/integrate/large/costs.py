"""A loss's gradients, products and third derivatives, counted and timed."""

import os
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.numerics.aligned import empty
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

NUDGE = 1e-2  # length of the difference that approximates T[u, u]
KEPT = 64  # number of timed calls of a kind, of which the fastest counts
LONG, YIELDS = 50_000, 8  # weights from which on memory counts
give_way = getattr(os, "sched_yield", lambda: None)
KINDS = ("gradient", "value", "products", "third", "jet", "rows", "squares")
# What one costs in gradients, where none was timed.
NOMINAL = {"gradient": 1.0, "value": 0.5, "products": 2.0, "third": 5.0, "jet": 5.0, "rows": 3.0, "squares": 2.0}


class Counted:
    """The oracle of a flow: ``counts`` of vectors by kind, ``times`` of single calls in seconds, excluding the first of each
    kind.

    T[u, u] = ∇(uᵀ∇²L u) comes from ``jet`` if the loss has it (which also computes g and Hu), else from ``curvature_gradient``,
    else from g(w ± εu).
    """

    def __init__(self, flow: MatrixFreeFlow):
        self.flow, self.decay = flow, flow.decay
        self.oracle: Any = flow.oracle  # what else it has is looked up
        self.counts: dict[str, int] = {}
        self.calls: dict[tuple[str, int], int] = {}
        self.times: dict[tuple[str, int], list[float]] = {}
        self.has_jet, self.has_third = hasattr(self.oracle, "jet"), hasattr(self.oracle, "curvature_gradient")
        if not self.has_jet and not self.has_third and not hasattr(self.oracle, "hvp"):
            raise NumericsError("a central flow needs T[u, u] = ∇(uᵀ∇²L u) or products with the Hessian")

    def _timed(self, kind: str, size: int, call: Callable[[], Any]) -> Any:
        begun = process_time()
        result = call()
        spent, key = process_time() - begun, (kind, size)
        if self.flow.n_weights >= LONG:
            # JAX's threads free the memory of a call after it has returned: wait before the next call allocates as much.
            for _ in range(YIELDS):
                give_way()
        self.counts[kind] = self.counts.get(kind, 0) + size
        self.calls[key] = self.calls.get(key, 0) + 1
        times = self.times.setdefault(key, [])
        if self.calls[key] > 1:
            times.append(spent)
            del times[:-KEPT]
        return result

    def value(self, w: np.ndarray) -> float:
        """L(w), without any penalty."""
        return float(self._timed("value", 1, lambda: self.oracle.value(w)))

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """∇ of loss and penalty."""
        return self._timed("gradient", 1, lambda: self.flow.gradient(w))

    def products(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """H v for each row of (k, d)."""
        # One at a time: several at once would be compiled for every number of them, use more memory, and save little.
        out = np.empty_like(v)
        for new, row in zip(out, v, strict=True):
            new[:] = self.product(w, row)
        return out

    def product(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """H v for a direction (d,)."""
        product = np.asarray(self._timed("products", 1, partial(self.oracle.hvp, w, v)), dtype=float)
        return product + self.decay * v if self.decay else product

    def rows_along(self, w: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slopes (n, k) and Hessians (n, k, k) of the rows' losses on directions (k, d)."""
        return self._timed("rows", len(u), lambda: self.oracle.rows_along(w, u))

    def row_squares(self, w: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means over the rows of g_i² and of (H_i u)², summed over directions (k, d), each (d,), without any penalty."""
        return self._timed("squares", len(u) + 1, lambda: self.oracle.row_squares(w, u))

    def jet(self, w: np.ndarray, u: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray]:
        """The gradient and Hu if they cost nothing extra, else None, and T[u, u]."""
        if self.has_jet:
            g, product, third = self._timed("jet", 1, lambda: self.oracle.jet(w, u))
            return (g + self.decay * w, product + self.decay * u, third) if self.decay else (g, product, third)
        if self.has_third:
            return None, None, np.asarray(self._timed("third", 1, lambda: self.oracle.curvature_gradient(w, u, u)), dtype=float)
        length = float(np.linalg.norm(u))
        move = u * (NUDGE / length)
        up, down, g = (self.gradient(w + s * move) if s else self.gradient(w) for s in (1, -1, 0))
        by = length / NUDGE
        return g, (up - down) * (by / 2), (up + down - 2 * g) * by**2

    def mixed(self, w: np.ndarray, u: np.ndarray, v: np.ndarray, uu: np.ndarray, vv: np.ndarray) -> np.ndarray:
        """T[u, v], if T[u, u] and T[v, v] are known."""
        if self.has_third and not self.has_jet:
            return np.asarray(self._timed("third", 1, partial(self.oracle.curvature_gradient, w, u, v)), dtype=float)
        both = np.add(u, v, out=empty(len(u)))
        del u, v  # memory
        mixed = self.jet(w, both)[2] - uu
        mixed -= vv
        mixed /= 2
        return mixed

    def costs(self) -> dict[str, float]:
        """The cost of a vector of each kind in gradients, by the least of the times, else nominal."""
        gradient = self._least(("gradient", 1))
        costs: dict[str, float] = {}
        for kind in self.counts:
            own = [(size, calls, self._least((name, size))) for (name, size), calls in self.calls.items() if name == kind]
            timed = [(size * calls, least * calls) for size, calls, least in own if least is not None]
            if gradient is None or not timed:
                costs[kind] = NOMINAL[kind]
            else:
                costs[kind] = sum(spent for _, spent in timed) / gradient / sum(count for count, _ in timed)
        return costs

    def _least(self, key: tuple[str, int]) -> float | None:
        times = self.times.get(key, [])
        return min(times) if len(times) >= 3 else None

    def snapshot(self) -> dict[str, np.ndarray]:
        """Counts and times, as arrays."""
        keys = list(self.calls)
        times = np.full((len(keys), KEPT), np.nan)
        for row, key in zip(times, keys, strict=True):
            own = self.times.get(key, [])
            row[: len(own)] = own
        calls = [[KINDS.index(kind), size, self.calls[kind, size]] for kind, size in keys]
        counts = [self.counts.get(kind, 0) for kind in KINDS]
        return {"counts": np.array(counts, np.int64), "calls": np.array(calls, np.int64).reshape(-1, 3), "times": times}

    def restore(self, given: dict[str, np.ndarray]) -> None:
        """Restore a `snapshot`."""
        # Files of an older version have fewer kinds: new ones come last.
        self.counts = {kind: int(n) for kind, n in zip(KINDS, given["counts"], strict=False) if n}
        self.calls = {(KINDS[kind], int(size)): int(n) for kind, size, n in given["calls"]}
        self.times = {key: row[np.isfinite(row)].tolist() for key, row in zip(self.calls, given["times"], strict=True)}

    def equivalents(self) -> float:
        """The total cost in gradients, without values of the loss, which records request."""
        costs = self.costs()
        return sum(costs[kind] * count for kind, count in self.counts.items() if kind != "value")
