"""The Hessian's largest eigenvalue λ beside the edge ηλ = θ over a box: on which side, and how it moves along gradient flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import arb, arb_mat

from cfdyn.certify.balls import Enclosure, ball
from cfdyn.certify.borders.continuity import smooth
from cfdyn.certify.subject import Floats, Subject, in_floats

SWEEPS = 3
Box = Sequence[tuple[float, float]]


@dataclass
class Sharpest:
    """Of gradient descent g(w) = w − η∇L(w): S = 1 − θ − Dg = η∇²L − θ, which is singular at the edge ηλ = θ: 2 for descent."""

    about: Subject
    threshold: Fraction

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
        """What is known over a box; None unless all eigenvalues but the largest are below the edge, or where a border crosses.

        In a basis Q near the eigenvectors, S̃ = QᵀSQ = (s, bᵀ; b, C) with C negative definite by Gershgorin's discs: by
        Sylvester's law at most one eigenvalue of S is ≥ 0, and the largest has the sign of s − bᵀC⁻¹b.
        """
        d, z = self.about.dim, [ball(lo, hi) for lo, hi in box]
        if not smooth(self.step, z):
            return None
        basis = self._basis(np.array([(lo + hi) / 2 for lo, hi in box]))
        if basis is None:
            return None
        one = arb_mat(d, d, [int(i == j) for i in range(d) for j in range(d)])
        q = arb_mat(basis.tolist())
        s = q.transpose() * (one * ball(1 - self.threshold) - arb_mat(d, d, self.slopes(z))) * q
        y = _solved(s)
        if y is None:
            return None
        height = s[0, 0] + sum((s[0, i + 1] * v for i, v in enumerate(y)), arb(0))
        return Side(height, z, [row[0] for row in (q * arb_mat(d, 1, [arb(1), *y])).tolist()], self)

    def _basis(self, middle: np.ndarray) -> np.ndarray | None:
        """Eigenvectors of the Hessian, that of the largest eigenvalue first."""
        d = len(middle)
        slopes = self.floats[0](middle[:, None]).reshape(d, d)
        return np.linalg.eigh((slopes + slopes.T) / 2)[1] if np.isfinite(slopes).all() else None

    def sizes(self, z: np.ndarray) -> np.ndarray:
        """ηλ at points (d, n) in doubles; nan where it is not known."""
        d, n = z.shape
        slopes = np.moveaxis(self.floats[0](z).reshape(d, d, n), -1, 0)
        good = np.isfinite(slopes).all(axis=(1, 2))
        found = np.full(n, np.nan)
        if good.any():
            found[good] = 1 - np.linalg.eigvalsh((slopes[good] + np.swapaxes(slopes[good], 1, 2)) / 2)[:, 0]
        return found

    def climb(self, z: np.ndarray) -> np.ndarray:
        """∇(ηλ) at a point, in doubles."""
        d, basis = len(z), self._basis(z)
        if basis is None:
            return np.full(d, np.nan)
        # D²g[e_k, u] · u = −∂_k(ηλ)
        parts = [self.floats[1](np.concatenate([z, axis, basis[:, 0]])[:, None])[:, 0] for axis in np.eye(d)]
        return -np.array(parts) @ basis[:, 0]


@dataclass
class Side:
    """Over a box ``z``: ``height`` has the sign of ηλ − θ; ``vector``: where ηλ = θ, the eigenvector lies along one in it."""

    height: arb
    z: list[arb]
    vector: list[arb]
    sharpest: Sharpest

    def rate(self) -> arb:
        """d(ηλ)/dt along dw/dt = −η∇L where ηλ = θ: D²g[u, u]·η∇L / u·u."""
        of, u = self.sharpest, self.vector
        rate = of.about.parameters()[list(of.about.spec.params).index("lr")]
        bent, slope = of.bent([*self.z, *u, *u]), of.gradient(self.z)
        return sum((a * rate * b for a, b in zip(bent, slope)), arb(0)) / sum((v**2 for v in u), arb(0))


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
    found = values[0]
    for value in values[1:]:
        found = found.max(value)
    return found
