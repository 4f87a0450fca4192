"""Eigenvalues and eigenvectors of a real symmetric matrix, callable from other kernels."""

import numpy as np

from cfdyn.kernels.linear.lanes import add, add_two, clear, rotate
from cfdyn.machine.jit import inline_kernel, pointer

SMALL = 8  # Jacobi up to this size: more accurate, and never mixes blocks that are exactly decoupled
EPS = 2.0**-52


@inline_kernel
def eigh(matrix, values, vectors, work) -> int:
    """A = V diag(λ) Vᵀ with λ ascending and orthonormal columns V; ``matrix`` (n, n) is preserved.

    Only the upper triangle is read. ``values`` (n,), ``vectors`` (n, n) and ``work`` (≥ n² + 2n,) are
    written. Errors are a few 2⁻⁵² ‖A‖, at any scale. Returns 0; or 1 with NaN everywhere if an entry is
    not finite. Up to n = 8 exactly decoupled blocks stay apart, equal eigenvalues included.
    """
    n = values.size
    status = eigh_rows(matrix, values, vectors, work, SMALL)
    for i in range(n):
        for j in range(i):
            vectors[i, j], vectors[j, i] = vectors[j, i], vectors[i, j]
    return status


@inline_kernel
def eigh_small(matrix, values, vectors, work) -> int:
    """``eigh`` up to n = `SMALL`, in a third of the time to compile it."""
    n = values.size
    largest = _load(matrix, values, vectors, work)
    if not largest < np.inf:
        return _nothing(values, vectors)
    scale = _rescale(n, work, largest)
    _jacobi(values, vectors, work, largest * scale)
    _sort(values, vectors, scale)
    for i in range(n):
        for j in range(i):
            vectors[i, j], vectors[j, i] = vectors[j, i], vectors[i, j]
    return 0


@inline_kernel
def eigh_rows(matrix, values, vectors, work, small) -> int:
    """``eigh`` with Jacobi up to n = ``small``; the eigenvectors are rows, which like the matrix's may be longer than n."""
    n = values.size
    largest = _load(matrix, values, vectors, work)
    if not largest < np.inf:
        return _nothing(values, vectors)
    scale = _rescale(n, work, largest)
    if n <= small:
        _jacobi(values, vectors, work, largest * scale)
    else:
        _tridiagonalise(values, vectors, work, largest * scale)
        _ql(values, vectors, work)
    _sort(values, vectors, scale)
    return 0


@inline_kernel
def _nothing(values, vectors) -> int:
    """NaN everywhere, and 1."""
    n = values.size
    for i in range(n):
        values[i] = np.nan
        for j in range(n):
            vectors[i, j] = np.nan
    return 1


@inline_kernel
def _rescale(n, work, largest) -> float:
    """The factor by which the matrix in ``work`` is scaled: squares must neither overflow nor underflow."""
    scale = 1.0  # a power of two changes no digit
    if largest > 1e100 or 0.0 < largest < 1e-100:
        scale = 2.0 ** -np.floor(np.log2(largest)) if largest > 1e-300 else 2.0**1000
        for i in range(n * n):
            work[i] *= scale
    return scale


@inline_kernel
def _load(matrix, values, vectors, work) -> float:
    """work = the matrix, mirrored from its upper triangle, vectors = 1; returns max |a_ij|, or ∞ for a NaN."""
    n = values.size
    largest = 0.0
    for i in range(n):
        for j in range(vectors.shape[1]):
            vectors[i, j] = 1.0 if i == j else 0.0
        for j in range(n):
            a = matrix[i, j] if i <= j else matrix[j, i]
            work[i * n + j] = a
            if not abs(a) <= largest:
                largest = abs(a) if abs(a) > largest else np.inf
    return largest


@inline_kernel
def _jacobi(values, vectors, a, largest) -> None:
    """Cyclic Jacobi on the flat ``a``; the eigenvectors become the rows of ``vectors``."""
    n = values.size
    for _ in range(40):
        rotated = False
        for p in range(n - 1):
            for q in range(p + 1, n):
                off = a[p * n + q]
                # Negligible beside its two diagonal entries, so that a small graded block keeps its digits.
                if off * off <= 1e-34 * abs(a[p * n + p] * a[q * n + q]) or abs(off) <= 1e-40 * largest:
                    continue
                rotated = True
                theta = 0.5 * (a[q * n + q] - a[p * n + p]) / off
                t = 1.0 / (abs(theta) + np.sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    t = -t
                _rotate(vectors, a, n, p, q, t)
        if not rotated:
            break
    for p in range(n):
        values[p] = a[p * n + p]


@inline_kernel
def _rotate(vectors, a, n, p, q, t) -> None:
    """Make a_pq zero by the rotation of tangent t: the upper triangle of ``a``, and two rows of ``vectors``."""
    c = 1.0 / np.sqrt(t * t + 1.0)
    s = t * c
    shift = t * a[p * n + q]
    a[p * n + p] -= shift
    a[q * n + q] += shift
    a[p * n + q] = 0.0
    for i in range(n):
        if i != p and i != q:
            one = i * n + p if i < p else p * n + i
            two = i * n + q if i < q else q * n + i
            x, y = a[one], a[two]
            a[one], a[two] = c * x - s * y, s * x + c * y
    width = vectors.shape[1]
    rotate(width, c, s, pointer(vectors, p * width), pointer(vectors, q * width))


@inline_kernel
def _tridiagonalise(values, vectors, a, largest) -> None:
    """Householder: diagonal to ``values``, the rest behind the matrix; ``vectors`` (the identity) becomes Qᵀ."""
    n = values.size
    off = n * n
    for k in range(n - 1):
        values[k] = a[k * n + k]
        tail = 0.0
        for j in range(k + 2, n):
            tail += a[k * n + j] * a[k * n + j]
        first = a[k * n + k + 1]
        # What is left of a matrix of low rank is round-off of round-off, whose squares underflow.
        if tail <= (1e-20 * largest) ** 2:
            a[off + k] = first
            continue
        norm = np.sqrt(first * first + tail)
        a[off + k] = -norm if first > 0.0 else norm
        head = first - a[off + k]
        # The row becomes v with H = 1 − v vᵀ, ‖v‖² = 2.
        size = np.sqrt(2.0 / (head * head + tail))
        a[k * n + k + 1] = head
        for j in range(n):
            a[k * n + j] *= size if j > k else 0.0
        _reflect(a, vectors, n, k)
    values[n - 1] = a[n * n - 1]
    a[off + n - 1] = 0.0


@inline_kernel
def _reflect(a, vectors, n, k) -> None:
    """A ← H A H, of which only rows and columns after k count, and vectors ← H vectors."""
    left, width = (k + 1) // 4 * 4, vectors.shape[1]
    v, p, total = pointer(a, k * n + left), pointer(a, n * n + n), 0.0
    clear(n - left, p)
    for i in range(k + 1, n):
        add(n - left, a[k * n + i], pointer(a, i * n + left), p)
    for i in range(k + 1, n):
        total += p[i - left] * a[k * n + i]
    add(n - left, -0.5 * total, v, p)
    for i in range(k + 1, n):
        add_two(n - left, -a[k * n + i], p, -p[i - left], v, pointer(a, i * n + left))
    clear(width, p)
    for i in range(k + 1, n):
        add(width, a[k * n + i], pointer(vectors, i * width), p)
    for i in range(k + 1, n):
        add(width, -a[k * n + i], p, pointer(vectors, i * width))


@inline_kernel
def _ql(d, vectors, work) -> None:
    """Implicit QL on the tridiagonal matrix; eigenvectors become the rows of ``vectors``."""
    n = d.size
    off = n * n
    norm = 0.0
    for i in range(n):
        norm = max(norm, abs(d[i]), abs(work[off + i]))
    for first in range(n):
        for _ in range(60):
            last = first
            while last < n - 1:
                e = abs(work[off + last])
                if e <= 0.5 * EPS * (abs(d[last]) + abs(d[last + 1])) or e <= 1e-3 * EPS * norm:
                    break
                last += 1
            if last == first:
                break
            _ql_step(d, vectors, work, off, first, last)


@inline_kernel
def _ql_step(d, vectors, e, off, first, last) -> None:
    """One sweep with Wilkinson's shift over the unreduced rows first…last."""
    half, square = 0.5 * (d[first + 1] - d[first]), e[off + first] ** 2
    root = np.sqrt(half * half + square)
    g = d[last] - d[first] + square / (half + root if half >= 0.0 else half - root)
    s, c, p, width = 1.0, 1.0, 0.0, vectors.shape[1]
    for i in range(last - 1, first - 1, -1):
        f, b = s * e[off + i], c * e[off + i]
        root = np.sqrt(f * f + g * g)
        e[off + i + 1] = root
        if root == 0.0:
            d[i + 1] -= p
            e[off + last] = 0.0
            return
        s, c = f / root, g / root
        g = d[i + 1] - p
        root = (d[i] - g) * s + 2.0 * c * b
        p = s * root
        d[i + 1] = g + p
        g = c * root - b
        rotate(width, c, s, pointer(vectors, i * width), pointer(vectors, (i + 1) * width))
    d[first] -= p
    e[off + first] = g
    e[off + last] = 0.0


@inline_kernel
def _sort(values, vectors, scale) -> None:
    """Ascending values, undone scale, and the rows of ``vectors`` as their values."""
    n = values.size
    for i in range(n - 1):
        least = i
        for j in range(i + 1, n):
            if values[j] < values[least]:
                least = j
        if least != i:
            values[i], values[least] = values[least], values[i]
            for k in range(n):
                vectors[i, k], vectors[least, k] = vectors[least, k], vectors[i, k]
    for i in range(n):
        values[i] /= scale
