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
    """A, B, C, D, E of the n-th iterate of a function at a point of a cycle."""

    def __init__(self, f, point, n=1):
        self.f, self.n, self.x = f, n, [mp.mpf(float(v)) for v in point]
        self.a, self.each, z = mp.eye(len(self.x)), [], self.x
        for _ in range(n):
            columns = [self._along(z, 1, mp.matrix([int(i == j) for i in range(len(z))])) for j in range(len(z))]
            self.each.append(mp.matrix([[column[i] for column in columns] for i in range(len(z))]))
            self.a, z = self.each[-1] * self.a, self.f(*z)

    def form(self, *directions):
        return self._along(self.x, self.n, *directions)

    def _along(self, x, n, *directions):
        whole = 2 ** len(directions) - 1
        z = [Nilpotent({0: v, **{1 << k: u[i] for k, u in enumerate(directions)}}) for i, v in enumerate(x)]
        for _ in range(n):
            z = self.f(*z)
        return mp.matrix([Nilpotent.of(v).parts.get(whole, mp.mpf(0)) for v in z])

    def vectors(self, multiplier):
        """Aq = λq, pA = λp with pq = 1, without conjugation, and the mean of |q|² along the cycle 1."""
        q, p = (self._null(m - multiplier * mp.eye(len(self.x))) for m in (self.a, self.a.T))
        q = self.scaled(q)
        return q, p / dot(p, q)

    def scaled(self, q):
        """Of this scale, and the largest entry along the cycle positive."""
        along = [q]
        for matrix in self.each[:-1]:
            along.append(matrix * along[-1])
        largest = max((v for row in along for v in row), key=abs)
        size = mp.sqrt(mp.fsum(abs(v) ** 2 for row in along for v in row) / self.n)
        return q * (mp.conj(largest) / abs(largest) / size)

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
    third = f(q, q, q) + 3 * f(q, h2)
    c = dot(p, third) / 6  # 0 at the point itself
    h3 = at.bordered(-1, third - 6 * c * q, q, p)
    h4 = at.solve(1, f(q, q, q, q) + 6 * f(q, q, h2) + 3 * f(h2, h2) + 4 * f(q, h3) + 24 * c * h2)
    fifth = f(q, q, q, q, q) + 10 * f(q, q, q, h2) + 15 * f(q, h2, h2) + 10 * f(q, q, h3) + 10 * f(h2, h3) + 5 * f(q, h4)
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
                   + 2 * f(r, h21) + f(k20, h20) - 8 * mp.re(c1 / turn) * h11)  # fmt: skip
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
    q0 = at.scaled(q0)

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
    return {"b": b, "a": mp.re(3 * mp.conj(turn) * c - 3 * abs(b) ** 2) / (9 * abs(b) ** 2)}


def resonance_4(at):
    turn, f = mp.mpc(0, 1), at.form
    q, p = at.vectors(turn)
    r = conj(q)
    h20, h02, h11 = at.solve(-1, f(q, q)), at.solve(-1, f(r, r)), at.solve(1, f(q, r))
    c, d = dot(p, f(q, q, r) + 2 * f(q, h11) + f(r, h20)) / 2, dot(p, f(r, r, r) + 3 * f(r, h02)) / 6
    return {"c": c, "d": d, "A": -1j * c / abs(d)}


def _fold_first(at, turn, r_of):
    """a, b, e and L of a fold with a multiplier λ; ``r_of`` makes z̄'s direction from z's."""
    f = at.form
    q1, p1 = at.vectors(1)
    q2, p2 = at.vectors(turn)
    r = r_of(q2)
    a, g = dot(p1, f(q1, q1)) / 2, dot(p2, f(q1, q2)) / turn
    half = 1 if turn != -1 else mp.mpf(1) / 2  # z z̄, or z²
    b = dot(p1, f(q2, r)) * half
    h20 = at.bordered(1, f(q1, q1) - 2 * a * q1, q1, p1)
    h02 = at.bordered(1, f(q2, r) * half - b * q1, q1, p1)  # of z z̄, or z²
    h11 = at.bordered(turn, f(q1, q2) - g * turn * q2, q2, p2)
    f300 = dot(p1, f(q1, q1, q1) + 3 * f(q1, h20)) / 6
    f111 = mp.re(dot(p1, f(q1, q2, r) * half + f(q1, h02) + (2 if half == 1 else 1) * real(f(r, h11))))
    g210 = dot(p2, f(q1, q1, q2) + f(q2, h20) + 2 * f(q1, h11)) / 2 / turn
    if half == 1:
        h200 = at.solve(turn**2, f(q2, q2))
        g021 = dot(p2, f(q2, q2, r) + 2 * f(q2, h02) + f(r, h200)) / 2 / turn
    else:
        g021 = dot(p2, f(q2, q2, q2) + 6 * f(q2, h02)) / 6 / turn
    a, b, e = (mp.re(v) for v in (a, b, -g))
    c1, c2 = f300 - a**2, f111 - a * b + b * e
    c3, c4 = mp.re(g210 - g * (g + a) / 2), mp.re(g021 - g * b / 2)
    s = 2 * a / e
    big = 2 * abs(b) * (3 * c1 + s * c3) - abs(e) * s * (c2 + (s + 2) * c4)
    return {"a": a, "b": b, "e": e, "L": mp.re(big) / (2 * abs(b) + abs(e))}


def real(v):
    return v.apply(mp.re)


def fold_flip(at):
    return _fold_first(at, mp.mpf(-1), lambda q: q)


def fold_neimark_sacker(at, theta):
    return _fold_first(at, mp.expj(theta), conj)


def _modulus(at, own, other, both):
    """P of z₁ |z₂|² for the multipliers λ₁ and λ₂, or of z₁|z₁|² if these are one."""
    f = at.form
    (q1, p1), (q2, _) = at.vectors(own), at.vectors(other)
    r = conj(q2)
    h011 = at.solve(1, f(q2, r))
    if not both:
        if own == -1:
            return dot(p1, f(q1, q1, q1) + 3 * f(q1, at.solve(1, f(q1, q1)))) / 6 / own
        return dot(p1, f(q1, q1, r) + 2 * f(q1, h011) + f(r, at.solve(own**2, f(q1, q1)))) / 2 / own
    if other == -1:
        h11 = at.solve(own * other, f(q1, q2))
        return dot(p1, f(q1, q2, q2) + f(q1, h011) + 2 * f(q2, h11)) / 2 / own
    plus, minus = at.solve(own * other, f(q1, q2)), at.solve(own * mp.conj(other), f(q1, r))
    return dot(p1, f(q1, q2, r) + f(q1, h011) + f(r, plus) + f(q2, minus)) / own


def _moduli(at, first, second):
    pairs = {"p11": (first, first), "p12": (first, second), "p21": (second, first), "p22": (second, second)}
    found = {name: mp.re(_modulus(at, own, other, own != other)) for name, (own, other) in pairs.items()}
    return {**found, "det": found["p11"] * found["p22"] - found["p12"] * found["p21"]}


def flip_neimark_sacker(at, theta):
    return _moduli(at, mp.mpf(-1), mp.expj(theta))


def double_neimark_sacker(at, first, second):
    return _moduli(at, mp.expj(first), mp.expj(second))
