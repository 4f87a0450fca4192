"""Tangents to begin with."""

import numpy as np


def frame(dim: int, k: int) -> np.ndarray:
    """Orthonormal rows (k, D) to begin with, the same at each call, in no subspace that a symmetry of a map keeps.

    Random numbers: in a frame that is written down, such as that of 1 + 0.1·(a triangle of ones), equal entries may meet those
    of two equal copies, and what sets these apart is then never seen.
    """
    return np.ascontiguousarray(np.linalg.qr(np.random.default_rng(6).normal(size=(dim, k)))[0].T)
