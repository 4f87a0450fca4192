"""The regions into which lines cut a rectangle, on a grid of cells."""

import numpy as np

CELLS = (480, 640)  # rows and columns
LEAST = 24  # cells of a region: smaller ones are not resolved
DENSE = 0.3  # of a cell: between points of a line
DEEP = 0.12  # of the depth of a region: samples are at least so deep in it


def regions(lines: list[np.ndarray], bounds: np.ndarray, cells: tuple[int, int] = CELLS) -> tuple[np.ndarray, np.ndarray]:
    """(labels, open cells), each (rows, columns): 1, 2, … the largest region first, 0 where it is too small to be resolved.

    Lines are (m, 2) points (x, y); cells that they pass are not open, and have the label of the nearest open cell. Row 0 is that
    of the least y, column 0 that of the least x.

    >>> labels, open_cells = regions([np.array([[0.3, 0.0], [0.3, 1.0]])], np.array([[0.0, 1.0], [0.0, 1.0]]), (20, 20))
    >>> labels[0, [0, 19]], int(open_cells.sum())
    (array([2, 1], dtype=int32), 380)
    """
    from scipy.ndimage import distance_transform_edt, label

    free = np.ones(cells, dtype=bool)
    for line in lines:
        rows, columns = _cells(line, bounds, cells)
        free[rows, columns] = False
    found, count = label(free)
    sizes = np.bincount(found.ravel(), minlength=count + 1)
    order = [k for k in np.argsort(-sizes[1:], kind="stable") + 1 if sizes[k] >= LEAST]
    renamed = np.zeros(count + 1, dtype=np.int32)
    renamed[order] = np.arange(1, len(order) + 1)
    labels = renamed[found]
    if free.any() and not free.all():
        nearest = distance_transform_edt(~free, return_distances=False, return_indices=True)
        labels = labels[tuple(nearest)]
    return labels, free & (labels > 0)


def _cells(line: np.ndarray, bounds: np.ndarray, cells: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The cells that a line passes, those in the rectangle: no step from one to a side of the next leads through it."""
    shape = np.array(cells[::-1])
    place = (line - bounds[:, 0]) / np.ptp(bounds, axis=1) * shape
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(place, axis=0)).max(axis=1))])
    fine = np.linspace(0.0, along[-1], int(along[-1] / DENSE) + 2)
    dense = np.floor(np.column_stack([np.interp(fine, along, column) for column in place.T])).astype(int)
    dense -= dense == shape  # on the upper bounds it is the last cell
    inside = ((dense >= 0) & (dense < shape)).all(axis=1)
    return dense[inside, 1], dense[inside, 0]


def samples(mask: np.ndarray, bounds: np.ndarray, count: int) -> np.ndarray:
    """Points (k, 2) in the cells of a mask (rows, columns): the one farthest from its edge, then those far from the others too.

    >>> mask = np.zeros((10, 10), dtype=bool)
    >>> mask[2:7, 3:8] = True
    >>> samples(mask, np.array([[0.0, 1.0], [0.0, 1.0]]), 1)
    array([[0.55, 0.45]])
    """
    from scipy.ndimage import distance_transform_edt

    corner = np.argwhere(mask).min(axis=0)
    part = mask[tuple(slice(a, b + 1) for a, b in zip(corner, np.argwhere(mask).max(axis=0), strict=True))]
    depth = distance_transform_edt(np.pad(part, 1))[1:-1, 1:-1]
    candidates = corner + np.argwhere(depth >= DEEP * depth.max())
    chosen = [corner + np.array(np.unravel_index(int(np.argmax(depth)), depth.shape))]
    while len(chosen) < min(count, len(candidates)):
        apart = np.min([np.abs(candidates - c).max(axis=1) for c in chosen], axis=0)
        chosen.append(candidates[int(np.argmax(apart))])
    share = (np.array(chosen)[:, ::-1] + 0.5) / np.array(mask.shape[::-1])
    return bounds[:, 0] + share * np.ptp(bounds, axis=1)
