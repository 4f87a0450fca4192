"""Arrays that begin where JAX takes them as they are; what begins elsewhere it copies."""

import numpy as np

BYTES = 64


def empty(*shape: int) -> np.ndarray:
    """A new array of floats whose first entry is at a multiple of 64 bytes.

    >>> empty(3, 5).ctypes.data % 64, empty(3, 5).shape
    (0, (3, 5))
    """
    size = int(np.prod(shape))
    room = np.empty(size + BYTES // 8)
    first = -room.ctypes.data % BYTES // 8
    return room[first : first + size].reshape(shape)
