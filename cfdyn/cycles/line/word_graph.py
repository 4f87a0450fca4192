"""The itineraries of a map of one variable: graphs whose walks they are, with more walks than itineraries, or with fewer."""

import math
from bisect import bisect_left, bisect_right

import numpy as np
from scipy.sparse import csr_matrix

from cfdyn.cycles.line.laps import Laps
from cfdyn.cycles.shooting import images
from cfdyn.systems.map import Map

SAME = 1e-13  # of the interval: numbers that are so close count as one
MOST, MOST_EDGES = 6000, 400_000  # states and transitions of a graph


class LapEnds:
    """The ends of the laps and the first images of them: points that divide the interval, and where the map takes each.

    ``points`` (K,), sorted. Places are counted in halves: 2k is the k-th point, 2k + 1 lies between it and the next. ``laps``
    (m, 2): the points at which each begins and ends; ``image`` (m, K) the places of the images of its points.
    """

    def __init__(self, step: Map, laps: Laps, lo: float, hi: float):
        self.step, self.table, self.tolerance = step, laps, SAME * (hi - lo)
        self.lo, self.hi = lo, hi
        self.points = self._merged(np.concatenate([[lo, hi], laps.ends.ravel()]))
        self.front = self._new(np.clip(laps.values.ravel(), lo, hi))

    def extend(self, steps: int) -> None:
        """Follow the ends for so many steps more, but for those that have come upon a point that is known."""
        for _ in range(steps):
            if not len(self.front):
                return
            self.points = np.sort(np.concatenate([self.points, self.front]))
            inside = self._in_laps(self.front)
            values = images(self.step, self.front[inside][:, None])[:, 0]
            self.front = self._new(values[(values > self.lo) & (values < self.hi)])

    def _in_laps(self, x: np.ndarray) -> np.ndarray:
        ends = self.table.ends
        k = np.searchsorted(ends[:, 0], x, side="right") - 1
        return (k >= 0) & (x <= ends[np.maximum(k, 0), 1])

    def _merged(self, x: np.ndarray) -> np.ndarray:
        """The numbers in order, those that are close to the one before left out."""
        x = np.sort(x)
        kept = [x[0]]
        for value in x[1:].tolist():
            if value - kept[-1] > self.tolerance:
                kept.append(value)
        return np.array(kept)

    def _new(self, x: np.ndarray) -> np.ndarray:
        """Those of them that are no known point."""
        if not len(x):
            return x
        x = self._merged(x)
        return x[self.places(x) % 2 == 1]

    def places(self, x: np.ndarray) -> np.ndarray:
        """Where numbers lie among the points, in halves; beyond the interval its ends."""
        p, k = self.points, np.searchsorted(self.points, x)
        places = 2 * k - 1
        for beside in (np.maximum(k - 1, 0), np.minimum(k, len(p) - 1)):
            places = np.where(np.abs(p[beside] - x) <= self.tolerance, 2 * beside, places)
        return np.clip(places, 0, 2 * (len(p) - 1))

    def graph(self, outward: bool) -> csr_matrix | None:
        """The transitions between intervals [p, q] with ends among the points: to the images of their parts in each lap.

        From the first, the whole interval, on. Where an end of an image lies between two points it is moved to the outer or
        the inner one. Outward every word of laps that the map has is a walk from the first, and no two words are the same
        walk; inward every walk is such a word, as each interval's image covers the next. None where there are too many.
        """
        first, last, maps = self._laps()
        rising, whole = (self.table.rising > 0).tolist(), (0, len(self.points) - 1)
        nodes, rows, columns, todo = {whole: 0}, [], [], [whole]
        while todo:
            low, high = todo.pop()
            here = nodes[low, high]
            for k in range(bisect_right(last, low), bisect_left(first, high)):
                ends = maps[k][max(low, first[k]) - first[k]], maps[k][min(high, last[k]) - first[k]]
                a, b = ends if rising[k] else ends[::-1]
                there = (a // 2, (b + 1) // 2) if outward else ((a + 1) // 2, b // 2)
                if there[0] >= there[1]:
                    continue
                if there not in nodes:
                    nodes[there] = len(nodes)
                    todo.append(there)
                rows.append(here)
                columns.append(nodes[there])
            if len(nodes) > MOST or len(rows) > MOST_EDGES:
                return None
        return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(nodes), len(nodes)))

    def _laps(self) -> tuple[list[int], list[int], list[list[int]]]:
        """The first and the last point of each lap, and the places of the images of those from the one to the other."""
        first = (self.places(self.table.ends[:, 0]) // 2).tolist()
        last = (self.places(self.table.ends[:, 1]) // 2).tolist()
        maps = []
        for a, b, (left, right) in zip(first, last, self.table.values.tolist(), strict=True):
            inner = images(self.step, self.points[a + 1 : b][:, None])[:, 0]
            maps.append(self.places(np.array([left, *inner, right])).tolist())
        return first, last, maps


def lap_numbers(graph: csr_matrix, count: int) -> np.ndarray:
    """How many words of 1, 2, … laps a graph has, (count,)."""
    words, numbers = np.zeros(graph.shape[0]), np.empty(count)
    words[0] = 1.0
    for n in range(count):
        words = words @ graph
        numbers[n] = words.sum()
        if not math.isfinite(numbers[n]):
            return numbers[:n]
    return numbers
