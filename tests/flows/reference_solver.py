"""Central flows integrated event by event, written apart from the package: the source of ``references.json``.

Derivatives come from sympy. While r eigenvalues of P⁻¹H are held at 2 by a positive definite X, the flow is a smooth
ODE; DOP853 follows it at round-off tolerance from one event or save time to the next. X solves dM/dt = −γM, with M the
critical block of 2P − H and dM/dt assembled from dw/dt and ds/dt themselves (none of the theory's α and β formulas).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

_compiled = partial(sp.lambdify, modules="math", cse=True)


class Oracles:
    """g, H and T of a loss given as text, from sympy."""

    def __init__(self, text: str, variables: list[str]):
        x = sp.symbols(variables, real=True)
        self.expression = sp.sympify(text, locals=dict(zip(variables, x)))
        d = self.d = len(x)
        g = [sp.diff(self.expression, v) for v in x]
        self._pairs = [(i, j) for i in range(d) for j in range(i + 1)]
        self._triples = [(i, j, k) for i in range(d) for j in range(i + 1) for k in range(j + 1)]
        h = [sp.diff(g[i], x[j]) for i, j in self._pairs]
        t = [sp.diff(g[i], x[j], x[k]) for i, j, k in self._triples]
        self._all = _compiled(x, [*g, *h, *t])
        flat = np.empty((d, d, d), int)
        for n, (i, j, k) in enumerate(self._triples):
            for a, b, c in ((i, j, k), (i, k, j), (j, i, k), (j, k, i), (k, i, j), (k, j, i)):
                flat[a, b, c] = n
        self._index = flat
        square = np.empty((d, d), int)
        for n, (i, j) in enumerate(self._pairs):
            square[i, j] = square[j, i] = n
        self._square = square

    def __call__(self, w):
        out = np.array(self._all(*w), float)
        d, m = self.d, len(self._pairs)
        return out[:d], out[d : d + m][self._square], out[d + m :][self._index]


class Optimizer:
    """P (d entries) and f (one per state) as texts in lr, the parameters, the states and the gradient g0, g1, …"""

    def __init__(self, d: int, states: list[str], preconditioner: list[str], rate: list[str], params: dict[str, float]):
        s = sp.symbols(states, positive=True) if states else []
        g = sp.symbols(f"g0:{d}", real=True)
        names = {str(v): v for v in (*s, *g)}
        exact = {k: sp.Float(v, 40) for k, v in params.items()}
        p = [sp.sympify(t, locals=names).subs(exact) for t in preconditioner]
        f = [sp.sympify(t, locals=names).subs(exact) for t in rate]
        self.shapes = [(d,), (d, len(s)), (len(s),), (len(s), d, d)]
        flat = [*p, *(sp.diff(a, b) for a in p for b in s), *f, *(sp.diff(a, b, c) for a in f for b in g for c in g)]
        self._all = _compiled([*s, *g], flat)
        self.n = len(s)

    def __call__(self, s, g):
        out, parts, at = np.array(self._all(*s, *g), float), [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            parts.append(out[at : at + size].reshape(shape))
            at += size
        return parts  # P, dP/ds, f, d²f/dg²


def _sym_basis(m: int):
    basis = []
    for i in range(m):
        for j in range(i + 1):
            e = np.zeros((m, m))
            e[i, j] = e[j, i] = 1
            basis.append(e)
    return basis


@dataclass
class Local:
    """What the flow needs at one point, in the P-orthonormal eigenvectors of the m largest eigenvalues of P⁻¹H."""

    rate: object  # X → (dw/dt, ds/dt, dM/dt)
    u: np.ndarray
    p: np.ndarray
    gap: np.ndarray  # 2 − eigenvalues of P⁻¹H, ascending
    m: int

    def affine(self):
        """dM/dt = a + Σ_n x_n b_n over the basis of symmetric matrices."""
        a = self.rate(np.zeros((self.m, self.m)))[2]
        return a, [self.rate(e)[2] - a for e in _sym_basis(self.m)]

    def block(self):
        return np.diag(self.gap[: self.m])


def local(loss: Oracles, opt: Optimizer, z: np.ndarray, m: int) -> Local:
    d = loss.d
    g, h, t = loss(z[:d])
    p, dp, f, fgg = opt(z[d:], g)
    root = np.sqrt(p)
    values, vectors = np.linalg.eigh(h / np.outer(root, root))
    u = (vectors / root[:, None])[:, ::-1][:, :m]

    def rate(x):
        sigma = u @ x @ u.T
        dw = -(g + 0.5 * np.einsum("ijk,ij->k", t, sigma)) / p
        ds = f + 0.5 * np.einsum("nij,ij->n", fgg, h @ sigma @ h)
        moving = 2 * np.diag(dp @ ds) - np.einsum("ijk,k->ij", t, dw)
        return dw, ds, u.T @ moving @ u

    return Local(rate, u, p, 2 - values[::-1], m)


def regular_x(here: Local, gamma: float) -> np.ndarray:
    """All m eigenvalues held: dM/dt = −γM is a linear system for X."""
    a, b = here.affine()
    low = np.tril_indices(here.m)
    matrix = np.stack([c[low] for c in b], axis=1)
    # Least norm: X is not unique where c_ij vanishes (independent blocks).
    x = np.linalg.lstsq(matrix, (-a - gamma * here.block())[low], rcond=1e-10)[0]
    return sum(v * e for v, e in zip(x, _sym_basis(here.m)))


def _apply(a, b, x):
    return a + sum(x[i, j] * c for (i, j), c in zip(((i, j) for i in range(len(x)) for j in range(i + 1)), b))


def polished(a, b, v):
    """Gauss–Newton on (a + b[VVᵀ]) V = 0, for V of fixed rank."""
    m, r = v.shape
    for _ in range(50 if r else 0):
        z = _apply(a, b, v @ v.T)
        residual = (z @ v).ravel()
        columns = []
        for k in range(m * r):
            e = np.zeros(m * r)
            e[k] = 1
            e = e.reshape(m, r)
            dz = _apply(0 * a, b, e @ v.T + v @ e.T)
            columns.append((dz @ v + z @ e).ravel())
        change = np.linalg.lstsq(np.stack(columns, 1), -residual, rcond=1e-11)[0]
        v = v + change.reshape(m, r)
        if np.abs(change).max() < 1e-14 * max(1, np.abs(v).max()):
            break
    return v


def sdcp(here: Local, seed: int = 0):
    """0 ⪯ X ⟂ a + b[X] ⪰ 0 by descent over X = VVᵀ with V square (no false minima), rank read off, then polished."""
    a, b = here.affine()
    m = here.m

    def energy(flat):
        v = flat.reshape(m, m)
        x = v @ v.T
        z = _apply(a, b, x)
        return 0.5 * np.sum((a + z) * x), (2 * z @ v).ravel()

    start = np.random.default_rng(seed).normal(size=m * m)
    v = minimize(energy, start, jac=True, method="BFGS", options={"gtol": 1e-12, "maxiter": 20000}).x.reshape(m, m)
    x = v @ v.T
    values, vectors = np.linalg.eigh(x)
    slack = np.diag(vectors.T @ _apply(a, b, x) @ vectors)
    scale = max(np.linalg.norm(a), 1e-30) / max(np.trace(x), 1e-30)
    keep = values * scale > slack
    v = polished(a, b, vectors[:, keep] * np.sqrt(values[keep]))
    z = _apply(a, b, v @ v.T)
    assert np.linalg.eigvalsh(z).min() > -1e-8 * np.linalg.norm(a), "SDCP not solved"
    return v


@dataclass
class Settings:
    rtol: float = 1e-13
    atol: float = 1e-15
    gamma: float = 1.0
    near: float = 1e-10  # a further eigenvalue has arrived when its gap is this small; a last Euler step closes it
    ghost: float = 5e-3  # how long the whole critical block is kept after a drop of rank
    method: str = "DOP853"


@dataclass
class Reference:
    t: list = field(default_factory=list)
    z: list = field(default_factory=list)
    covariance: list = field(default_factory=list)
    gaps: list = field(default_factory=list)
    events: list = field(default_factory=list)


class Integrator:
    def __init__(self, loss: Oracles, opt: Optimizer, settings: Settings):
        self.loss, self.opt, self.settings = loss, opt, settings
        self.m = 0  # eigenvalues treated as critical
        self.factor = None  # ambient factor A of Σ = AAᵀ while the rank is below m

    def state(self, z):
        here = local(self.loss, self.opt, z, self.m)
        if self.m == 0:
            return here, np.zeros((0, 0))
        if self.factor is None:
            return here, regular_x(here, self.settings.gamma)
        a, b = here.affine()
        v = polished(a, b, here.u.T @ (here.p[:, None] * self.factor))
        return here, v @ v.T

    def derivative(self, t, z):
        here, x = self.state(z)
        dw, ds, _ = here.rate(x)
        return np.concatenate([dw, ds])

    def arrival(self, t, z):
        here = local(self.loss, self.opt, z, 0)
        return here.gap[self.m] - (self.settings.near if self.m else 0)

    def drop(self, t, z):
        return np.linalg.eigvalsh(self.state(z)[1])[0]

    def advance(self, t, z, end):
        """To the end or the first event: (t, z, kind or None)."""
        kinds = [k for k in ("arrival", "drop") if self.factor is None and (self.m if k == "drop" else self.m < self.loss.d)]
        functions = [getattr(self, k) for k in kinds]
        checks = []
        for f in functions:  # scipy keeps its flags on the function itself
            checks.append(partial(f))
            checks[-1].terminal, checks[-1].direction = True, -1
        s = self.settings
        run = solve_ivp(self.derivative, (t, end), z, s.method, rtol=s.rtol, atol=s.atol, events=checks or None)
        if run.status < 0:
            raise RuntimeError(f"{run.message} at t={run.t[-1]}")
        hit = next((i for i, e in enumerate(run.t_events or []) if len(e)), None)
        if hit is None:
            return end, run.y[:, -1], None
        # The event is found on the interpolant: integrate to it once more, then one secant correction.
        at = run.t_events[hit][0] - (1e-9 if self.m == 0 or kinds[hit] == "drop" else 0)
        at = max(at, t)
        z = run.y[:, -1] if at <= t else solve_ivp(self.derivative, (t, at), z, s.method, rtol=s.rtol, atol=s.atol).y[:, -1]
        return (*self.closed(functions[hit], kinds[hit], at, z), kinds[hit])

    def closed(self, function, kind, t, z):
        """The last bit up to the zero of the event function, by Euler steps of about 1e-9 and less."""
        target = self.settings.near if (kind == "arrival" and self.m) else 0.0
        for _ in range(1 if target else 3):
            rate = self.derivative(t, z)
            h = max(1e-8, target / 10)
            slope = (function(t, z) - function(t, z - h * rate)) / h
            step = -(function(t, z) + target) / slope
            t, z = t + step, z + step * rate
        return t, z

    def change(self, kind, t, z):
        """Choose the active set at an event; returns until when the larger block has to be kept."""
        self.m += kind == "arrival"
        here = local(self.loss, self.opt, z, self.m)
        if kind == "arrival":
            v = sdcp(here)
        else:
            values, vectors = np.linalg.eigh(regular_x(here, 0.0))
            v = polished(*here.affine(), vectors[:, 1:] * np.sqrt(values[1:]))
        if v.shape[1] == self.m:
            return t
        if v.shape[1] == 0:
            self.m = 0
            return t
        self.factor = here.u @ v
        return t + (self.settings.ghost if kind == "drop" else 1e-6)

    def record(self, out: Reference, t, z):
        here, x = self.state(z)
        out.t.append(t)
        out.z.append(z.copy())
        out.covariance.append(here.u @ x @ here.u.T)
        out.gaps.append(here.gap.copy())

    def run(self, z, times) -> Reference:
        out = Reference()
        t, until = 0.0, 0.0
        z = np.array(z, float)
        for save in times:
            while t < save:
                end = min(save, until) if until > t else save
                before = self.m
                t, z, kind = self.advance(t, z, end)
                if kind:
                    until = self.change(kind, t, z)
                    rank = self.m if self.factor is None else self.m - 1
                    out.events.append((t, "enter" if rank > before or kind == "arrival" else "leave", rank))
                elif self.factor is not None and t >= until:
                    self.factor, self.m = None, self.m - 1
            self.record(out, t, z)
        return out
