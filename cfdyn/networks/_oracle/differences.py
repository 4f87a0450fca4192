"""Products of a loss given by its gradients only, by differences of these along the directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import Products

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


FARTHER = 5.0  # times the step, for fourth derivatives
LEAST = {4: 0.02, 2: 0.2}  # least step by the bytes of a gradient's numbers: about the fourth root of their rounding


class DifferenceEngine:
    """Hu = (g₊ − g₋)/2ε and T[u, u] = (g₊ + g₋ − 2g)/ε² with g± = g(w ± εu), |u| = 1: two gradients in addition to that at w.

    The gradient at w is kept from the last call, since a caller of products at w has computed it before.
    """

    rows: tuple[np.ndarray, ...] = ()
    predicts = False

    def __init__(self, gradient: Callable, start: np.ndarray, value: Callable | None, step: float, title: str):
        self.start, self._gradient, self._value, self.step, self.title = start, gradient, value, step, title
        self._kept: tuple[bytes, np.ndarray] | None = None

    def __reduce__(self) -> tuple:
        return DifferenceEngine, (self._gradient, self.start, self._value, self.step, self.title)

    def unravel(self, w: np.ndarray) -> np.ndarray:
        """The weights as they are."""
        return w

    def predict(self, w: np.ndarray, x: ArrayLike) -> np.ndarray:
        """The outputs are unknown."""
        raise UsageError(f"{self.title} has only a gradient: it predicts nothing")

    def call(self, name: str, rows: np.ndarray | None, *vectors: np.ndarray) -> Products:
        """One of the products."""
        w, *directions = vectors
        if name == "value":
            return self._loss(w)
        if name == "gradient":
            return self._at(w)
        if name == "value_and_gradient":
            return self._loss(w), self._at(w)
        if name == "jet":
            return self._jet(w, directions[0])
        products = {"hvps": self._hvp, "curvature_gradients": self._curvature_gradient, "fourth": self._fourth}
        one: Any = products[name]
        return np.array([one(w, *pair) for pair in zip(*directions, strict=True)])

    def _loss(self, w: np.ndarray) -> float:
        return float("nan") if self._value is None else float(self._value(w.copy()))

    def _fresh(self, w: np.ndarray) -> np.ndarray:
        given = np.asarray(self._gradient(w.copy()))
        if given.dtype.kind == "f" and self.step < (least := LEAST.get(given.itemsize, 0.0)):
            raise UsageError(f"{self.title}: the gradient comes in {given.dtype}, whose rounding over the square of the "
                             f"step, {self.step:g}, dominates T[u, u]; compute it in float64, or give a step from {least:g} "
                             "on")  # fmt: skip
        array = np.array(given, dtype=float)
        if array.shape != w.shape:
            raise UsageError(f"{self.title}: the gradient has the shape {array.shape}, not {w.shape}")
        return array

    def _at(self, w: np.ndarray) -> np.ndarray:
        """g(w), kept for the next call."""
        if self._kept is None or self._kept[0] != w.tobytes():
            self._kept = w.tobytes(), self._fresh(w)
        return self._kept[1].copy()

    def _both(self, w: np.ndarray, unit: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
        return self._fresh(w + step * unit), self._fresh(w - step * unit)

    def _jet(self, w: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size, here = float(np.linalg.norm(u)), self._at(w)
        if size == 0:
            return here, np.zeros_like(w), np.zeros_like(w)
        up, down = self._both(w, u / size, self.step)
        return here, (up - down) * (size / (2 * self.step)), (up + down - 2 * here) * (size / self.step) ** 2

    def _hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        size = float(np.linalg.norm(v))
        if size == 0:
            return np.zeros_like(w)
        up, down = self._both(w, v / size, self.step)
        return (up - down) * (size / (2 * self.step))

    def _curvature_gradient(self, w: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """T[u, v] = (T[u + v, u + v] − T[u − v, u − v])/4, for unit vectors: four gradients if u and v differ."""
        a, b = float(np.linalg.norm(u)), float(np.linalg.norm(v))
        if a == 0 or b == 0:
            return np.zeros_like(w)
        if (u == v).all():
            return self._jet(w, u)[2]
        total, apart = u / a + v / b, u / a - v / b
        return (self._jet(w, total)[2] - self._jet(w, apart)[2]) * (a * b / 4)

    def _fourth(self, w: np.ndarray, q: np.ndarray) -> float:
        """The third derivative of q·g along q, by four gradients."""
        size, step = float(np.linalg.norm(q)), FARTHER * self.step
        if size == 0:
            return 0.0
        unit = q / size
        (up, down), (up2, down2) = self._both(w, unit, step), self._both(w, unit, 2 * step)
        return float(unit @ (up2 - down2 - 2 * (up - down))) / (2 * step**3) * size**4
