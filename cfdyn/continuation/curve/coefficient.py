"""The coefficient of the normal form at many rows of a curve at once, the equations along each cycle solved in machine code.

The formulas are those of `cfdyn.normal_forms.coefficients`; the critical directions are the curve's own.
"""

from typing import Any

import numpy as np

from cfdyn.continuation.curve.point import ZERO, Cycles
from cfdyn.normal_forms._kernels.rings import along_critical, along_cycles, backwards
from cfdyn.normal_forms.coefficients import circle_terms, cubic_terms
from cfdyn.normal_forms.homological import BorderedSystem

JORDAN = 1e-3  # of the cosine of the two null vectors: with less there is no normal form
ALONG = 0.1  # the least cosine of a row to what it borders
CONTINUUM = 1e-9  # of multipliers to 1, where there is a continuum of cycles
TOGETHER = 1 << 16  # points of cycles


def coefficients(cycles: Cycles) -> np.ndarray:
    """a, c or d of the normal form along the curve's own direction, (rows,); NaN where there is none."""
    return _of_parts(cycles, _coefficients)


def cubics(cycles: Cycles) -> np.ndarray:
    """c of the normal form of folds or pitchforks, (rows,); NaN where there is none."""
    return _of_parts(cycles, lambda part: Critical(part).fold_cubic())


def numerators(cycles: Cycles, values: np.ndarray) -> np.ndarray:
    """Coefficients times a factor that vanishes at their possible poles."""
    tracer, spectrum = cycles.tracer, cycles.sides[0]
    if tracer.kind in ("flip", "neimark-sacker"):
        values = values * _or_one(spectrum.characteristic(1.0))
    return values if tracer.kind == "neimark-sacker" else values * _or_one(spectrum.slope(tracer.nu))


def _or_one(factors: np.ndarray) -> np.ndarray:
    return np.where(factors == 0, 1.0, factors)


def _of_parts(cycles: Cycles, of: Any) -> np.ndarray:
    """The computation in blocks of as many rows as the processor's cache holds."""
    count = -(-cycles.points.shape[0] * cycles.points.shape[1] // TOGETHER)
    with np.errstate(all="ignore"):
        if count == 1:
            return of(cycles)
        return np.concatenate([of(Cycles(cycles.tracer, z)) for z in np.array_split(cycles.z, count)])


def _coefficients(cycles: Cycles) -> np.ndarray:
    critical, kind = Critical(cycles), cycles.tracer.kind
    value, size = critical.flip() if kind == "flip" else critical.circle() if kind == "neimark-sacker" else critical.fold()
    # At a double multiplier with two eigenvectors, there are many null vectors.
    simple = critical.split & ((kind == "neimark-sacker") | (cycles.sides[0].slope(cycles.tracer.nu) != 0))
    return np.where(simple, np.where(np.abs(value) <= ZERO * size, 0.0, value), np.nan)


class Critical:
    """The null vectors q, with (1/n) Σ |q_k|² = 1, and p, with ⟨p_n, q_1⟩ = 1, of cycles, (rows, n, D), ``nu`` (rows,).

    ``split``: the critical multiplier has no Jordan block, (rows,).
    """

    def __init__(self, cycles: Cycles):
        self.cycles, self.matrices, (rows, self.n, _) = cycles, cycles.matrices, cycles.points.shape
        tracer, blocks = cycles.tracer, cycles.tracer.blocks(cycles.z)
        if tracer.kind == "neimark-sacker":
            cosine = np.clip(cycles.z[:, -3], -1, 1)
            self.nu = cosine + 1j * np.sqrt(1 - cosine**2)
            q = blocks[:, :, 2] - self.nu.conj()[:, None, None] * blocks[:, :, 1]
        else:
            self.nu, q = np.full(rows, tracer.nu), blocks[:, :, 1]
        self.q = q / np.sqrt((np.abs(q) ** 2).sum(axis=(1, 2)) / self.n)[:, None, None]
        image = np.roll(self.q, -1, axis=1)
        image[:, -1] *= self.nu[:, None]
        p = self._left()
        along = p * image
        self.p = p / (along.sum(axis=(1, 2)) / (self.n * self.nu))[:, None, None]
        sizes = np.sqrt((np.abs(p) ** 2).sum(axis=2) * (np.abs(image) ** 2).sum(axis=2))
        self.split = (np.abs(along.sum(axis=2)) / sizes).mean(axis=1) > JORDAN

    def _left(self) -> np.ndarray:
        """p_kᵀ A_k = p_{k−1}ᵀ, p_1ᵀ A_1 = ν p_nᵀ: the same equations from the last point to the first."""
        matrices, column, row = backwards(self.matrices), self.q[:, ::-1].conj(), np.zeros_like(self.q)
        first = row[:, 0]
        first[:] = self.q[:, 0].conj()
        first += 0.5 * np.abs(first).max(axis=1, keepdims=True) * np.cos(1.0 + np.arange(first.shape[1]))
        left = along_critical(matrices, self.nu, np.zeros(row.shape), column, row)[1]
        # The inverse of the cosine: where the row was almost orthogonal to the solution, that one is a better row.
        if not ((np.abs(first) ** 2).sum(axis=1) * (np.abs(left[:, 0]) ** 2).sum(axis=1)).max() <= ALONG**-2:
            first[:] = left[:, 0].conj()
            left = along_critical(matrices, self.nu, np.zeros(row.shape), column, row)[1]
        return left[:, ::-1]

    def form(self, *directions: np.ndarray) -> np.ndarray:
        """Dᵏf(x_i)[u_i, v_i, …] for k directions (rows, n, D), real or complex."""
        for i, u in enumerate(directions):
            if np.iscomplexobj(u):
                real, imaginary = (self.form(*directions[:i], part, *directions[i + 1 :]) for part in (u.real, u.imag))
                return real + 1j * imaginary
        return self.cycles.evaluate(f"derivative{len(directions)}", *directions)

    def paired(self, *vectors: np.ndarray) -> np.ndarray:
        """Σ_k ⟨p_k, r_k⟩ of each row, without conjugation; for several r, their sum."""
        return np.sum([(self.p * one).sum(axis=(1, 2)) for one in vectors], axis=0)

    def beside(self, right: np.ndarray) -> np.ndarray:
        """The solution h of A h − h⁺ = right, if the multiplier is not 1, or there is a continuum of cycles."""
        h, mu = along_cycles(self.matrices, np.ones(len(right)), right), self.cycles.multipliers
        together = (np.abs(mu - 1) < CONTINUUM).sum(axis=1)
        for k in np.flatnonzero(together):
            h[k] = BorderedSystem(self.matrices[k], 1.0, int(together[k])).solve(right[k])
        return h

    def sizes(self, *vectors: np.ndarray) -> np.ndarray:
        """The sizes of the terms of such sums, of which their round-off is a fraction."""
        return np.max([np.abs(self.p * one).sum(axis=(1, 2)) for one in vectors], axis=0)

    def flip(self) -> tuple[np.ndarray, np.ndarray]:
        """c = ⅙⟨p, C(q,q,q) + 3B(q,h)⟩ with A h − h⁺ = −B(q,q), and the size of its parts."""
        q = self.q
        h = self.beside(-self.form(q, q))
        terms = cubic_terms(self.form, q, h)
        return self.paired(*terms), self.sizes(*terms)

    def circle(self) -> tuple[np.ndarray, np.ndarray]:
        """d = Re(c₁/λ), c₁ = ½⟨p, C(q,q,q̄) + 2B(q,h₁₁) + B(q̄,h₂₀)⟩, and the size of its parts."""

        def mean(right: np.ndarray) -> np.ndarray:
            return self.beside(right.real)

        def double(right: np.ndarray) -> np.ndarray:
            return along_cycles(self.matrices, self.nu**2, right)

        terms = circle_terms(self.form, self.q, mean, double)
        return (self.paired(*terms) / self.nu).real, self.sizes(*terms)

    def fold(self) -> tuple[np.ndarray, np.ndarray]:
        """a = ½⟨p, B(q,q)⟩ and the size of its parts."""
        curvature = self.form(self.q, self.q)
        return self.paired(curvature) / 2, self.sizes(curvature)

    def fold_cubic(self) -> np.ndarray:
        """c = ⅙⟨p, C(q,q,q) + 3B(q,h)⟩ with A h − h⁺ = −B(q,q) + 2a q and ⟨p,h⟩ = 0."""
        q, curvature = self.q, self.form(self.q, self.q)
        right = -curvature
        right[:, -1] += self.paired(curvature)[:, None] * q[:, 0]
        h = along_critical(self.matrices, self.nu, right, self.p, q)[0]
        h = h - (self.p[:, -1] * h[:, 0]).sum(axis=1)[:, None, None] * q
        cubic = self.paired(*cubic_terms(self.form, q, h))
        return np.where(self.split, cubic, np.nan)
