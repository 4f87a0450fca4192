"""Normal-form coefficients of codimension two in 30 digits, from the formulas of Kuznetsov & Meijer.

SIAM J. Sci. Comput. 26 (2005) 1932–1954; Kuznetsov & Meijer, Numerical Bifurcation Analysis of Maps (2019), ch. 3. Their
multilinear forms of a map, here any function of a list of numbers, are coefficients of ε₁ε₂… at x + ε₁u₁ + ε₂u₂ + …, ε_i² = 0.
"""

from __future__ import annotations

import mpmath as mp

mp.mp.dps = 30


class Nilpotent:
    """Σ over sets of the ε_i, as bits of a whole number."""

    def __init__(self, parts):
        self.parts = parts

    @staticmethod
    def of(value):
        return value if isinstance(value, Nilpotent) else Nilpotent({0: mp.mpmathify(value)})

    def __add__(self, other):
        other = Nilpotent.of(other)
        return Nilpotent({k: self.parts.get(k, 0) + other.parts.get(k, 0) for k in self.parts.keys() | other.parts.keys()})

    def __neg__(self):
        return Nilpotent({k: -v for k, v in self.parts.items()})

    def __mul__(self, other):
        found, other = {}, Nilpotent.of(other)
        for i, a in self.parts.items():
            for j, b in other.parts.items():
                if not i & j:
                    found[i | j] = found.get(i | j, 0) + a * b
        return Nilpotent(found)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other):
        return self + -Nilpotent.of(other)

    def __rsub__(self, other):
        return Nilpotent.of(other) - self

    def through(self, derivatives):
        """Σ f⁽ᵏ⁾(a) nᵏ/k! for a + n."""
        a, n = self.parts[0], Nilpotent({k: v for k, v in self.parts.items() if k})
        total, power = Nilpotent.of(0), Nilpotent.of(1)
        for k, value in enumerate(derivatives(a, 6)):
            total, power = total + power * (value / mp.factorial(k)), power * n
        return total

    def __truediv__(self, other):
        return self * Nilpotent.of(other).through(lambda a, m: [(-1) ** k * mp.factorial(k) / a ** (k + 1) for k in range(m)])

    def __rtruediv__(self, other):
        return Nilpotent.of(other) / self

    def __pow__(self, n):
        found = Nilpotent.of(1)
        for _ in range(n):
            found = found * self
        return found


def exp(x):
    return x.through(lambda a, m: [mp.exp(a)] * m) if isinstance(x, Nilpotent) else mp.exp(x)


class Derivatives:
    """A, B, C, D, E of the n-th iterate of a function at a point."""

    def __init__(self, f, point, n=1):
        self.f, self.n, self.x = f, n, [mp.mpf(float(v)) for v in point]
        d = len(self.x)
        columns = [self.form(mp.matrix([int(i == j) for i in range(d)])) for j in range(d)]
        self.a = mp.matrix(d, d)
        for j, column in enumerate(columns):
            self.a[:, j] = column

    def form(self, *directions):
        whole = 2 ** len(directions) - 1
        z = [Nilpotent({0: x, **{1 << k: u[i] for k, u in enumerate(directions)}}) for i, x in enumerate(self.x)]
        for _ in range(self.n):
            z = self.f(*z)
        return mp.matrix([Nilpotent.of(v).parts.get(whole, mp.mpf(0)) for v in z])

    def vectors(self, multiplier):
        """Aq = λq, pA = λp with |q| = 1 and pq = 1, without conjugation; q by the cycle's own scale at n = 1."""
        d = len(self.x)
        q, p = (self._null(m - multiplier * mp.eye(d)) for m in (self.a, self.a.T))
        q = q / mp.norm(q)
        return q, p / dot(p, q)

    @staticmethod
    def _null(matrix):
        u, s, v = mp.svd(matrix)
        return v[matrix.rows - 1, :].H

    def solve(self, nu, right):
        """(ν − A)⁻¹ right."""
        return mp.lu_solve(nu * mp.eye(len(self.x)) - self.a, right)

    def bordered(self, nu, right, q, p):
        """The same where ν is a multiplier: ⟨p, h⟩ = 0."""
        d = len(self.x)
        m = mp.matrix(d + 1, d + 1)
        m[:d, :d] = nu * mp.eye(d) - self.a
        m[:d, d], m[d, :d] = q, p.T
        return mp.lu_solve(m, mp.matrix([*right, 0]))[:d]


def dot(p, q):
    return mp.fsum(a * b for a, b in zip(p, q, strict=True))


def conj(v):
    return v.apply(mp.conj)


def cusp(at):
    q, p = at.vectors(1)
    b = at.form(q, q)
    h = at.bordered(1, b - dot(p, b) * q, q, p)
    return {"c": dot(p, at.form(q, q, q) + 3 * at.form(q, h)) / 6}


def generalized_flip(at):
    (q, p), f = at.vectors(-1), at.form
    h2 = at.solve(1, f(q, q))
    h3 = at.bordered(-1, f(q, q, q) + 3 * f(q, h2), q, p)
    h4 = at.solve(1, f(q, q, q, q) + 6 * f(q, q, h2) + 3 * f(h2, h2) + 4 * f(q, h3))
    fifth = (f(q, q, q, q, q) + 10 * f(q, q, q, h2) + 15 * f(q, h2, h2) + 10 * f(q, q, h3) + 10 * f(h2, h3) + 5 * f(q, h4))
    return {"e": dot(p, fifth) / 120}


def chenciner(at, theta):
    turn, f = mp.expj(theta), at.form
    q, p = at.vectors(turn)
    r = conj(q)
    h20, h11 = at.solve(turn**2, f(q, q)), at.solve(1, f(q, r))
    h30 = at.solve(turn**3, f(q, q, q) + 3 * f(q, h20))
    g21 = f(q, q, r) + f(r, h20) + 2 * f(q, h11)
    c1 = dot(p, g21) / 2
    h21 = at.bordered(turn, g21 - 2 * c1 * q, q, p)
    h31 = at.solve(turn**2, f(q, q, q, r) + 3 * f(q, q, h11) + 3 * f(q, r, h20) + 3 * f(h20, h11) + f(r, h30) + 3 * f(q, h21)
                   - 6 * c1 * turn * h20)  # fmt: skip
    k20, k21 = conj(h20), conj(h21)
    h22 = at.solve(1, f(q, q, r, r) + 4 * f(q, r, h11) + f(r, r, h20) + f(q, q, k20) + 2 * f(h11, h11) + 2 * f(q, k21)
                   + 2 * f(r, h21) + f(k20, h20))  # fmt: skip
    fifth = (f(q, q, q, r, r) + f(q, q, q, k20) + 3 * f(q, r, r, h20) + 6 * f(q, q, r, h11) + f(r, r, h30) + 3 * f(q, q, k21)
             + 6 * f(q, r, h21) + 3 * f(q, k20, h20) + 6 * f(q, h11, h11) + 6 * f(r, h20, h11) + 2 * f(r, h31) + 3 * f(q, h22)
             + f(k20, h30) + 3 * f(k21, h20) + 6 * f(h11, h21))  # fmt: skip
    c2 = dot(p, fifth) / 12
    return {"L2": mp.re(c2 / turn) + mp.im(c1 / turn) ** 2 / 2, "b": mp.im(c1 / turn)}


def _jordan(at, sign):
    """q₀, q₁, p₀, p₁ with (A − ν)q₁ = q₀, (Aᵀ − ν)p₁ = p₀, ⟨p₀, q₁⟩ = ⟨p₁, q₀⟩ = 1, ⟨p₀, q₀⟩ = ⟨p₁, q₁⟩ = 0."""
    d = len(at.x)
    m = at.a - sign * mp.eye(d)
    q0, p0 = at._null(m), at._null(m.T)
    q0 = q0 / mp.norm(q0)
    if max(q0, key=abs) < 0:
        q0 = -q0

    def above(matrix, right, null, other):
        big = mp.matrix(d + 1, d + 1)
        big[:d, :d], big[:d, d], big[d, :d] = matrix, conj(other), null.T
        return mp.lu_solve(big, mp.matrix([*right, 0]))[:d]

    q1 = above(m, q0, q0, p0)
    p0 = p0 / dot(p0, q1)
    p1 = above(m.T, p0, p0, q0)
    return q0, q1, p0, p1 - dot(p1, q1) * p0


def resonance_1(at):
    q0, q1, p0, p1 = _jordan(at, 1)
    return {"a": dot(p0, at.form(q0, q0)) / 2, "b": dot(p0, at.form(q0, q1)) + dot(p1, at.form(q0, q0))}


def resonance_2(at):
    (q0, q1, p0, p1), f = _jordan(at, -1), at.form
    h20 = at.solve(1, f(q0, q0))
    h11 = at.solve(1, f(q0, q1) + h20)
    cubic = f(q0, q0, q0) + 3 * f(q0, h20)
    return {"c": dot(p0, cubic) / 6, "d": dot(p0, f(q0, q0, q1) + 2 * f(q0, h11) + f(q1, h20)) / 2 + dot(p1, cubic) / 2}


def resonance_3(at):
    turn, f = mp.expj(2 * mp.pi / 3), at.form
    q, p = at.vectors(turn)
    r, pr = conj(q), conj(p)
    b = dot(p, f(r, r)) / 2
    h20, h11 = at.bordered(mp.conj(turn), f(q, q) - 2 * mp.conj(b) * r, r, pr), at.solve(1, f(q, r))
    c = dot(p, f(q, q, r) + 2 * f(q, h11) + f(r, h20)) / 2
    return {"|b|": abs(b), "c": c, "a": mp.re(3 * mp.conj(turn) * c - 3 * abs(b) ** 2) / (9 * abs(b) ** 2)}


def resonance_4(at):
    turn, f = mp.mpc(0, 1), at.form
    q, p = at.vectors(turn)
    r = conj(q)
    h20, h02, h11 = at.solve(-1, f(q, q)), at.solve(-1, f(r, r)), at.solve(1, f(q, r))
    c, d = dot(p, f(q, q, r) + 2 * f(q, h11) + f(r, h20)) / 2, dot(p, f(r, r, r) + 3 * f(r, h02)) / 6
    return {"c": c, "|d|": abs(d), "A": -1j * c / abs(d)}
