"""Is a matrix that is known by its products banded? Then a few products tell all of it.

Curtis, Powell, Reid (1974), On the estimation of sparse Jacobian matrices, J. Inst. Maths Applics 13.
"""

from typing import Any

import numpy as np

from cfdyn.linalg.products import Product

WIDTHS = (1, 2, 4, 8, 16)  # entries on either side of the diagonal that are tried
LEAST = 64  # entries: below, a matrix is as good
EXACT = 1e-11  # of the size of a product


def banded(product: Product, order: np.ndarray, width: int | None = None) -> tuple[Any, int] | None:
    """(the matrix as a sparse one, its width in the given order), None where it is not banded.

    Columns farther apart than the width share a product; that all entries are found is seen on two random directions. With
    ``width`` only that is tried.
    """
    size = len(order)
    if size < LEAST:
        return None
    tests = np.random.default_rng(0).normal(size=(2, size))
    images, scale = product(tests), 1.0
    scale = float(np.abs(images).max())
    if not np.isfinite(scale):
        return None
    for tried in WIDTHS if width is None else (width,):
        if 2 * tried + 1 > size // 4:
            break
        matrix = _assembled(product, order, tried)
        if np.abs((matrix @ tests.T).T - images).max() <= EXACT * max(scale, 1.0):
            return matrix, tried
    return None


def _assembled(product: Product, order: np.ndarray, width: int) -> Any:
    from scipy.sparse import csc_matrix

    size, period = len(order), 2 * width + 1
    place, colours = np.arange(size), np.zeros((period, size))
    colours[place % period, order] = 1.0
    images = product(colours)[:, order]
    rows, columns, values = [], [], []
    for shift in range(-width, width + 1):
        row = place[max(0, -shift) : size - max(0, shift)]
        column = row + shift
        rows.append(order[row])
        columns.append(order[column])
        values.append(images[column % period, row])
    entries = np.concatenate(values)
    kept = entries != 0
    places = (np.concatenate(rows)[kept], np.concatenate(columns)[kept])
    return csc_matrix((entries[kept], places), shape=(size, size))
