"""The largest eigenvalue λ of P⁻¹∇²L relative to the edge θ over a box: on which side, and how it moves along the stable flow.

P = p/η: p = 1 for descent, a diagonal matrix of functions of a state ν for adaptive optimizers; boxes have the weights, then ν.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import arb, arb_mat

from cfdyn.certify.balls import Enclosure, ball
from cfdyn.certify.borders.continuity import smooth
from cfdyn.certify.critical.scale import Scale
from cfdyn.certify.subject import Floats, Subject, in_floats

SWEEPS = 3
Box = Sequence[tuple[float, float]]


@dataclass
class Sharpest:
    """For gradient descent g(w) = w − η∇L(w): S = 1 − Dg − θp = η∇²L − θp, which is singular at the edge λ = θ: 2 for descent."""

    about: Subject
    threshold: Fraction
    scale: Scale | None = None

    @property
    def names(self) -> list[str]:
        """The coordinates of boxes."""
        states = [f"{self.scale.rule.state}_{w}" for w in self.about.names] if self.scale else []
        return [*self.about.names, *states]

    @cached_property
    def slopes(self) -> Enclosure:
        """Dg, d × d."""
        return self.about.enclosure("jacobian")

    @cached_property
    def step(self) -> Enclosure:
        """g."""
        return self.about.enclosure("step")

    @cached_property
    def bent(self) -> Enclosure:
        """D²g[u, v]."""
        return self.about.enclosure("derivative2")

    @cached_property
    def gradient(self) -> Enclosure:
        """∇L."""
        return self.about.enclosure("gradient")

    @cached_property
    def floats(self) -> tuple[Floats, Floats]:
        """Dg and D²g[u, v] in doubles."""
        return in_floats(self.about, "jacobian"), in_floats(self.about, "derivative2")

    def over(self, box: Box) -> Side | None:
        """Enclosures over a box; None unless all eigenvalues but the largest are below the edge, or if a border crosses.

        In a basis Q near the eigenvectors, S̃ = QᵀSQ = (s, bᵀ; b, C) with C negative definite by Gershgorin's discs: by
        Sylvester's law at most one eigenvalue of S is ≥ 0, and the largest has the sign of s − bᵀC⁻¹b.
        """
        d, whole = self.about.dim, [ball(lo, hi) for lo, hi in box]
        z, states = whole[:d], whole[d:]
        if not smooth(self.step, z):
            return None
        basis = self._basis(np.array([(lo + hi) / 2 for lo, hi in box]))
        if basis is None:
            return None
        sizes, moves = self.scale.over(states, self.gradient(z)) if self.scale else ([arb(1)] * d, [arb(0)] * d)
        if not all(p > 0 for p in sizes):
            return None
        edge = [1 - ball(self.threshold) * p for p in sizes]
        q, slopes = arb_mat(basis.tolist()), self.slopes(z)
        s = q.transpose() * arb_mat(d, d, [edge[i] * (i == j) - slopes[i * d + j] for i in range(d) for j in range(d)]) * q
        y = _solved(s)
        if y is None:
            return None
        height = s[0, 0] + sum((s[0, i + 1] * v for i, v in enumerate(y)), arb(0))
        return Side(height, z, [row[0] for row in (q * arb_mat(d, 1, [arb(1), *y])).tolist()], sizes, moves, self)

    def _scales(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p and p′ at points (d or 2d, n), (d, n) each."""
        d = self.about.dim
        return self.scale.sizes(z[d:]) if self.scale else (np.ones_like(z), np.zeros_like(z))

    def _symmetric(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p^(−½) (Dg − 1) p^(−½) at points, (n, d, d), and p^(−½), (n, d)."""
        d, n = self.about.dim, z.shape[1]
        slopes = np.moveaxis(self.floats[0](z[:d]).reshape(d, d, n), -1, 0) - np.eye(d)
        root = self._scales(z)[0].T ** -0.5
        matrix = root[:, :, None] * slopes * root[:, None, :]
        return (matrix + np.swapaxes(matrix, 1, 2)) / 2, root

    def _basis(self, middle: np.ndarray) -> np.ndarray | None:
        """Solutions of η∇²L u = μpu with u·pu = 1, that of the largest μ first."""
        with np.errstate(all="ignore"):
            [matrix], [root] = self._symmetric(middle[:, None])
        return root[:, None] * np.linalg.eigh(matrix)[1] if np.isfinite(matrix).all() else None

    def sizes(self, z: np.ndarray) -> np.ndarray:
        """λ at points in doubles; nan if it is not known."""
        with np.errstate(all="ignore"):
            matrices = self._symmetric(z)[0]
        good = np.isfinite(matrices).all(axis=(1, 2))
        sizes = np.full(z.shape[1], np.nan)
        if good.any():
            sizes[good] = -np.linalg.eigvalsh(matrices[good])[:, 0]
        return sizes

    def climb(self, z: np.ndarray) -> np.ndarray:
        """∇λ at a point, in doubles."""
        d, basis = self.about.dim, self._basis(z)
        if basis is None:
            return np.full(len(z), np.nan)
        u = basis[:, 0]
        # D²g[e_k, u] · u = −∂_k(u·η∇²L u)
        parts = [self.floats[1](np.concatenate([z[:d], axis, u])[:, None])[:, 0] for axis in np.eye(d)]
        states = -self.sizes(z[:, None]) * self._scales(z[:, None])[1][:, 0] * u**2
        return np.concatenate([-np.array(parts) @ u, states[: len(z) - d]])


@dataclass
class Side:
    """Over a box with weights ``z``: ``height`` has the sign of λ − θ; ``vector``: where λ = θ, it contains a vector parallel to
    the eigenvector; ``sizes``, ``moves``: p and dp/dt.
    """

    height: arb
    z: list[arb]
    vector: list[arb]
    sizes: list[arb]
    moves: list[arb]
    sharpest: Sharpest

    def rate(self) -> arb:
        """dλ/dt along dw/dt = −P⁻¹∇L where λ = θ: (D²g[u, u]·P⁻¹∇L − θ u·(dp/dt)u) / u·pu."""
        of, u = self.sharpest, self.vector
        rate = of.about.parameters()[list(of.about.spec.params).index("lr")]
        bent, slope = of.bent([*self.z, *u, *u]), of.gradient(self.z)
        along = sum((a * rate * b / p for a, b, p in zip(bent, slope, self.sizes)), arb(0))
        swelling = sum((v**2 * move for v, move in zip(u, self.moves)), arb(0))
        return (along - ball(of.threshold) * swelling) / sum((v**2 * p for v, p in zip(u, self.sizes)), arb(0))


def _solved(s: arb_mat) -> list[arb] | None:
    """An enclosure of −C⁻¹b, for all C and b of the matrix; None unless C is negative definite by its discs."""
    d = s.nrows()
    b, c = [s[i, 0] for i in range(1, d)], [[s[i, j] for j in range(1, d)] for i in range(1, d)]
    others = [[(j, c[i][j]) for j in range(d - 1) if j != i] for i in range(d - 1)]
    room = [-c[i][i].upper() - sum((x.abs_upper() for _, x in others[i]), arb(0)) for i in range(d - 1)]
    if not all(r > 0 for r in room):
        return None
    y: list[arb] = []
    if d > 1:
        # max |y| over min room: row i of Cy = −b at the largest |y_i|
        most = _largest([x.abs_upper() for x in b]) / -_largest([-r for r in room])
        y = [arb(0).union(most).union(-most)] * (d - 1)
    for _ in range(SWEEPS):
        y = [v.intersection(-(b[i] + sum((x * y[j] for j, x in others[i]), arb(0))) / c[i][i]) for i, v in enumerate(y)]
    return y


def _largest(values: list[arb]) -> arb:
    largest = values[0]
    for value in values[1:]:
        largest = largest.max(value)
    return largest
