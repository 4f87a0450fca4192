"""Where a multiplier of a cycle meets the unit circle: the cycle, the parameter and the null vectors as zeros of one system.

The unknowns are z_0…z_{n−1}, λ, and for a fold or a flip v_0…v_{n−1}, for a Neimark–Sacker point a_0…, b_0…, c, s:
g(z_i, λ) = z_{i+1}; A_i v_i = v_{i+1} with A_i = g′(z_i, λ), and A_{n−1} v_{n−1} = σ v_0, σ = 1 or −1; r·v_0 = 1.
Neimark–Sacker: A_i a_i = a_{i+1}, A_i b_i = b_{i+1}; A a_{n−1} = c a_0 − s b_0, A b_{n−1} = s a_0 + c b_0; r·a_0 = 1, r·b_0 = 0;
c² + s² = 1: the multiplier of a + ib is c + is. Kuznetsov, Elements of Applied Bifurcation Theory (3rd ed., 2004), ch. 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from flint import arb, arb_mat

from cfdyn.certify.subject import Subject
from cfdyn.symbolic.programs.oracle import step_nodes
from cfdyn.tape.derivatives import forward, jacobian
from cfdyn.tape.program import Program, Tape
from cfdyn.tape.taylor import taylor

KINDS = {"fold": 1, "flip": -1, "neimark-sacker": 0}
STEPS, CLOSE = 30, 2.0**-90


class Critical:
    """The system for a kind of bifurcation of n-cycles as one parameter moves; ``r`` (d,) normalises the null vector."""

    def __init__(self, about: Subject, parameter: str, kind: str, n: int, r: Sequence[float]):
        self.about, self.kind, self.n, self.d, self.r = about, kind, n, about.dim, list(r)
        self.vectors = 2 if kind == "neimark-sacker" else 1
        self.at = n * self.d  # index of λ
        self.first = [self.at + 1 + k * n * self.d for k in range(self.vectors)]
        self.size = self.at + 1 + self.vectors * n * self.d + (2 if self.vectors == 2 else 0)
        outputs, slopes = _programs(about, parameter)
        self.step, self.slopes = about.enclosed(outputs), about.enclosed(slopes)

    def local(self, x: Sequence[arb], i: int, k: int) -> list[arb]:
        """State, parameter and vector k at point i."""
        d = self.d
        return [*x[d * i : d * (i + 1)], x[self.at], *self.vector(x, i, k)]

    def vector(self, x: Sequence[Any], i: int, k: int = 0) -> list[Any]:
        """Vector k at point i: v or a, and b."""
        begin = self.first[k] + self.d * i
        return list(x[begin : begin + self.d])

    def values(self, x: list[arb]) -> list[arb]:
        """The system's values."""
        n, d, values, moved = self.n, self.d, [], []
        for i in range(n):
            images = [self.step(self.local(x, i, k)) for k in range(self.vectors)]
            behind = (i + 1) % n
            values += [a - b for a, b in zip(images[0][:d], x[d * behind : d * (behind + 1)], strict=True)]
            for k in range(self.vectors):
                goal = self._goal(x, k) if behind == 0 else self.vector(x, behind, k)
                moved += [a - b for a, b in zip(images[k][d:], goal, strict=True)]
        norms = [
            sum((arb(r) * v for r, v in zip(self.r, self.vector(x, 0, k), strict=True)), arb(0)) for k in range(self.vectors)
        ]
        values += [*moved, norms[0] - 1, *norms[1:]]
        return [*values, x[-2] ** 2 + x[-1] ** 2 - 1] if self.vectors == 2 else values

    def _goal(self, x: Sequence[arb], k: int) -> list[arb]:
        """The required images of the vectors after n steps."""
        v = self.vector(x, 0)
        if self.vectors == 1:
            return [KINDS[self.kind] * a for a in v]
        c, s, b = x[-2], x[-1], self.vector(x, 0, 1)
        return [c * p - s * q if k == 0 else s * p + c * q for p, q in zip(v, b, strict=True)]

    def matrix(self, x: list[arb]) -> arb_mat:
        """The derivative of the system over a box."""
        n, d, rows = self.n, self.d, []
        moved: list[list[Any]] = []
        for i in range(n):
            behind = (i + 1) % n
            for k in range(self.vectors):
                local = self.slopes(self.local(x, i, k))
                entries = [local[(2 * d + 1) * j : (2 * d + 1) * (j + 1)] for j in range(2 * d)]
                for j in range(2 * d):
                    row: list[Any] = [0] * self.size
                    row[d * i : d * (i + 1)], row[self.at] = entries[j][:d], entries[j][d]
                    if j < d:
                        row[d * behind + j] = row[d * behind + j] - 1
                        rows += [row] if k == 0 else []
                        continue
                    begin = self.first[k] + d * i
                    row[begin : begin + d] = entries[j][d + 1 :]
                    self._less_goal(row, x, k, behind, j - d)
                    moved.append(row)
        for k in range(self.vectors):
            norm: list[Any] = [0] * self.size
            norm[self.first[k] : self.first[k] + d] = self.r
            moved.append(norm)
        if self.vectors == 2:
            moved.append([0] * (self.size - 2) + [2 * x[-2], 2 * x[-1]])
        return arb_mat(rows + moved)

    def _less_goal(self, row: list[Any], x: Sequence[arb], k: int, behind: int, j: int) -> None:
        """Subtract the derivative of entry j of the required image of vector k."""
        a, b = (self.first[m] + self.d * behind + j for m in (0, self.vectors - 1))
        if behind:
            row[self.first[k] + self.d * behind + j] = row[self.first[k] + self.d * behind + j] - 1
        elif self.vectors == 1:
            row[a] = row[a] - KINDS[self.kind]
        else:
            c, s, own = x[-2], x[-1], (a, b)
            row[own[k]] = row[own[k]] - c
            row[own[1 - k]] = row[own[1 - k]] + (s if k == 0 else -s)
            p, q = x[a], x[b]
            row[-2], row[-1] = (-p, q) if k == 0 else (-q, -p)

    def polished(self, x: Sequence[float]) -> list[arb] | None:
        """Newton's method from an approximate zero; None if it does not converge."""
        z = [arb(v) for v in x]
        for _ in range(STEPS):
            values, matrix = [v.mid() for v in self.values(z)], self.matrix(z).mid()
            if not all(v.is_finite() for v in [*values, *matrix.entries()]):
                return None
            try:
                move = matrix.solve(arb_mat(self.size, 1, [-v for v in values])).entries()
            except ZeroDivisionError:
                return None
            z = [(a + b.mid()).mid() for a, b in zip(z, move, strict=True)]
            if not all(v.is_finite() for v in z):
                return None
            if all(abs(float(b.mid())) <= CLOSE * (1 + abs(float(a))) for a, b in zip(z, move, strict=True)):
                return z
        return None


def null_vectors(slopes: Sequence[np.ndarray], kind: str) -> tuple[list[float], list[list[float]], list[float]]:
    """r, the vectors in sequence ((n, d) each, flat) and (c, s), from g′ at the points in floating point."""
    total = reduce(lambda before, slope: slope @ before, slopes)
    values, vectors = np.linalg.eig(total)
    sizes = abs(abs(values) - 1) + 10.0 * (values.imag <= 0) if kind == "neimark-sacker" else abs(values - KINDS[kind])
    best = int(np.argmin(sizes))
    v = vectors[:, best]
    v = v / v[np.argmax(abs(v))]
    a, b = v.real, v.imag
    r = (a - b * (a @ b) / (b @ b)) if kind == "neimark-sacker" and b @ b > 0 else a
    r = r / (r @ a)
    chains = []
    for start in (a, b)[: 2 if kind == "neimark-sacker" else 1]:
        chain = [start]
        for slope in slopes[:-1]:
            chain.append(slope @ chain[-1])
        chains.append(np.concatenate(chain).tolist())
    size = abs(values[best]) or 1.0
    # A (a + ib) = μ (a + ib) with μ = c + is reads A a = c a − s b, A b = s a + c b.
    return r.tolist(), chains, [values[best].real / size, values[best].imag / size]


def _programs(about: Subject, parameter: str) -> tuple[Program, Program]:
    """g and A v from (z, λ, v), and their derivatives by all of these, row by row."""
    tape, d, spec = Tape(), about.dim, about.spec
    z, moving, v = tape.leaves("z", d), tape.leaf("z", d), tape.leaves("z", d, d + 1)
    parameters = {**tape.named("p", spec.params), parameter: moving}
    step = step_nodes(tape, spec, z, parameters)
    outputs = [*step, *forward(tape, step, dict(zip(z, v, strict=True)))]
    slopes = sum(jacobian(tape, outputs, [*z, moving, *v]), [])
    columns = 0 if spec.data is None else spec.data.shape[1]
    sizes = (2 * d + 1, len(spec.params), columns)
    return Program(tape, tuple(outputs), *sizes), Program(tape, tuple(slopes), *sizes)


def series_program(about: Subject, parameter: str) -> Program:
    """Coefficients of s⁰…s³ of g(z(s), λ + λ₂ s²) from those of z(s), then λ and λ₂; (4d,) from (4d + 2,)."""
    tape, d, spec, order = Tape(), about.dim, about.spec, 3
    z, moving = tape.leaves("z", d), tape.leaf("z", 4 * d)
    parameters = {**tape.named("p", spec.params), parameter: moving}
    step, zero = step_nodes(tape, spec, z, parameters), tape.const(0)
    curves = {leaf: [tape.leaf("z", d * k + i) for k in range(order + 1)] for i, leaf in enumerate(z)}
    curves[moving] = [moving, zero, tape.leaf("z", 4 * d + 1), zero]
    series = taylor(tape, step, curves, order)
    outputs = [coefficients[k] for k in range(order + 1) for coefficients in series]
    columns = 0 if spec.data is None else spec.data.shape[1]
    return Program(tape, tuple(outputs), 4 * d + 2, len(spec.params), columns)
