"""Linear equations along cycles, for many cycles at once: the basis of normal forms and multipliers.

With the Jacobians A_1 … A_n of a cycle and |ν| = 1 they are A_k h_k − h_{k+1} = R_k, the last one A_n h_n − ν h_1 = R_n: see
`cfdyn.normal_forms.homological`. Complex numbers become real and imaginary parts, twice as many entries of a ring.
"""

import numpy as np

from cfdyn.cycles._kernels.cyclic import Ring, solved
from cfdyn.machine.jit import address, borrowed, call, kernel, pointer


@kernel
def solve_rows(rule, memory, matrices, turns, right, columns, borders, out):
    """Solve for each row: ``turns`` closes it, ``columns`` are those of the common unknowns, ``borders`` the last equations."""
    b, block = Ring(memory), borrowed(memory)
    w, n, e, d = b.w, b.n, b.e, matrices.shape[2]
    m = n * w + e
    given, links, closing, conditions = np.zeros(2 * m), b.links, b.closing, b.conditions
    for i in range(matrices.shape[0]):
        for k in range(n):
            for r in range(w):
                links[k, 0, r] = -right[i, k, r]
                for j in range(d):
                    links[k, 1 + r, r - r % d + j] = matrices[i, k, r % d, j]
                for j in range(e):
                    links[k, 1 + w + j, r] = columns[i, j, k, r]
        for r in range(w):
            for j in range(w):
                closing[1 + r, j] = turns[i, r, j]
        for j in range(m):
            given[m + j] = borders[i, 0, j]
        # The others hold of h_1 alone.
        for j in range(1, e):
            for r in range(w):
                conditions[j - 1, 1 + r] = borders[i, j, r]
            for r in range(e):
                conditions[j - 1, 1 + w + r] = borders[i, j, n * w + r]
        call(rule, given, block, pointer(out, i * out.shape[1]))


def along_cycles(matrices: np.ndarray, nu: np.ndarray, right: np.ndarray) -> np.ndarray:
    """h (rows, n, D) of A_k h_k − h_{k+1} = R_k for cycles with the Jacobians (rows, n, D, D) and ν (rows,), real or complex.

    Not finite where ν is a multiplier.
    """
    nothing = np.zeros(right.shape, dtype=nu.dtype)
    return _solutions(matrices, nu, right, nothing, nothing, 1.0)[0]


def along_critical(
    matrices: np.ndarray, nu: np.ndarray, right: np.ndarray, column: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """If ν is a multiplier: h of the equations plus s ``column`` with Σ row h = 0, and with Σ row h = 1 if R = 0.

    ``column`` and ``row`` (rows, n, D) are not orthogonal to the left and the right null vector; for complex ν the row is 0
    except at the first points.
    """
    return _solutions(matrices, nu, right, column, row, 0.0)


def _solutions(
    matrices: np.ndarray, nu: np.ndarray, right: np.ndarray, column: np.ndarray, row: np.ndarray, own: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The solutions of the system bordered by Σ row h + ``own`` s."""
    (rows, n, d), complexes = matrices.shape[:3], np.iscomplexobj(nu)
    e = 1 + complexes
    ring = Ring.make(w=e * d, n=n, e=e)
    turns = np.einsum("rab,ij->raibj", _as_matrices(nu), np.eye(d)).reshape(rows, e * d, e * d)
    right, column, row = (vectors.astype(nu.dtype) for vectors in (right, column, row))
    columns = np.stack([_parts(column), _parts(1j * column)][:e], axis=1)
    borders = np.zeros((rows, e, n * e * d + e))
    borders[:, :, :-e] = np.stack([_parts(row.conj()), _parts(1j * row.conj())][:e], axis=1).reshape(rows, e, -1)
    borders[:, range(e), range(n * e * d, n * e * d + e)] = own
    out = np.empty((rows, 2 * (n * e * d + e) + 1))
    # Of another layout, numba would compile the loop anew.
    inputs = [np.ascontiguousarray(array) for array in (matrices, turns, _parts(right), columns, borders)]
    solve_rows(address(solved.compiled), ring.memory, *inputs, out)
    both = out[:, :-1].reshape(rows, 2, -1)[:, :, :-e].reshape(rows, 2, n, e, d)
    made = both[:, :, :, 0] + 1j * both[:, :, :, 1] if complexes else both[:, :, :, 0]
    return made[:, 0], made[:, 1]


def backwards(matrices: np.ndarray) -> np.ndarray:
    """The Jacobians (rows, n, D, D) of the adjoint equations: transposed, from the last point to the first."""
    return matrices[:, ::-1].swapaxes(2, 3)


def _parts(vectors: np.ndarray) -> np.ndarray:
    """Real and imaginary parts (…, 2D) of complex vectors (…, D), or real ones unchanged."""
    return np.concatenate([vectors.real, vectors.imag], axis=-1) if np.iscomplexobj(vectors) else vectors


def _as_matrices(nu: np.ndarray) -> np.ndarray:
    """The action of ν (rows,) on real and imaginary parts, (rows, 1, 1) or (rows, 2, 2)."""
    if not np.iscomplexobj(nu):
        return nu[:, None, None]
    return np.array([[nu.real, -nu.imag], [nu.imag, nu.real]]).transpose(2, 0, 1)
