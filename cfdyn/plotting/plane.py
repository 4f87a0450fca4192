"""The plane in which paths are drawn, and the loss on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from cfdyn.analysis.training.compare import Comparison
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.plotting.style import PAPER, axis_label
from cfdyn.systems.loss import Loss

GROUND = ListedColormap([str(1 - 0.32 * k / 23) for k in range(24)])  # light enough to read dots and lines over it


@dataclass(frozen=True)
class Plane:
    """Points origin + a·x + b·y of weight space, ``axes`` (2, d) orthonormal; ``flat`` if there is one weight only."""

    origin: np.ndarray
    axes: np.ndarray
    labels: tuple[str, ...]
    flat: bool = False

    def project(self, w: np.ndarray) -> np.ndarray:
        """Coordinates (n, 2) of weights (n, d)."""
        return (w - self.origin) @ self.axes.T

    def limits(self, paths: Sequence[np.ndarray]) -> np.ndarray:
        """(2, 2): lower and upper bounds around the bulk of some paths, with a margin."""
        points = self.project(np.concatenate(paths))
        points = points[np.isfinite(points).all(axis=1)]
        lo, hi = np.quantile(points, [0.002, 0.998], axis=0)
        lo, hi = np.minimum(lo, points[0]), np.maximum(hi, points[0])
        pad = np.where(hi > lo, 0.15 * (hi - lo), 0.5 * np.maximum(1.0, np.abs(hi)))
        return np.array([lo - pad, hi + pad])


def plane_of(comparison: Comparison) -> Plane:
    """The two weights themselves; for more, the two principal directions of the averaged orbit and its oscillations."""
    d = len(comparison.names)
    if d <= 2:
        names = tuple(map(axis_label, comparison.names)) if d == 2 else (axis_label(comparison.names[0]), "")
        return Plane(np.zeros(d), np.eye(2)[:, :d], names, flat=d == 1)
    centre = comparison.averaged.mean(axis=0)
    away = np.concatenate([comparison.averaged - centre, comparison.iterates - comparison.averaged])
    axes = np.linalg.svd(away, full_matrices=False)[2][:2]
    return Plane(centre, axes, ("first principal direction", "second principal direction"))


def contours(axes: Axes, loss: Loss, plane: Plane, limits: np.ndarray, size: int = 161) -> None:
    """The loss on the plane, with level lines closer together near the lowest point."""
    x, y = np.linspace(limits[0], limits[1], size).T
    grid = np.stack([g.ravel() for g in np.meshgrid(x, y)], axis=1)
    values = evaluate_rows(loss.rule("value"), plane.origin + grid @ plane.axes, loss.p)
    values = np.where(np.isfinite(values), values, np.nan)
    if not np.isfinite(values).any():
        return
    low = np.nanmin(values)
    height = np.log10(values - low + 1e-3 * (np.nanmedian(values) - low + 1e-300)).reshape(size, size)
    axes.contourf(x, y, height, levels=24, cmap=GROUND, zorder=0).set_gid(PAPER)
