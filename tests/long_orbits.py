"""A second classifier: 66-digit orbits in python-flint, periods by returns at 1e-30, exponents by differences.

It shares nothing with the package but the formulas' meaning, which is written out again here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from flint import arb, ctx

BITS = 220
RETURN = arb(10) ** -30
MOST = 512
ESCAPE = 1e15


def number(value) -> arb:
    return arb(value).mid()


def exp(x):
    return x.exp()


def sigma(x):
    return 1 / (1 + (-x).exp())


@dataclass(frozen=True)
class Family:
    """A map with random parameters: the package's text, and the same step by hand."""

    text: dict  # how the package gets it
    step: Callable  # (state, parameters) -> state, on any number type
    ranges: dict  # parameter -> (lo, hi)
    start: tuple  # (lo, hi) of each weight
    rest: int = 0  # further state entries, 0 at the start
    fixed: dict = field(default_factory=dict)


def _momentum(gradient):
    def step(z, p):
        v = p["momentum"] * z[1] + gradient(z[0])
        return [z[0] - p["lr"] * v, v]

    return step


def _adam(z, p):
    w, m, v = z
    m, v = p["beta1"] * m + (1 - p["beta1"]) * w, p["beta2"] * v + (1 - p["beta2"]) * w * w
    root = (v + p["eps"]).sqrt()
    return [w - p["lr"] * m / root, m, v]


def _gd(text, gradient, lr, start):
    return Family({"loss": text, "optimizer": "gd"}, lambda z, p: [z[0] - p["lr"] * gradient(z[0])], {"lr": lr}, (start,))


FAMILIES = {
    "logistic": Family({"map": "r*x*(1-x)"}, lambda z, p: [p["r"] * z[0] * (1 - z[0])], {"r": (2.6, 4.05)}, ((0.05, 0.95),)),
    "cubic": Family({"map": "a*x - x**3"}, lambda z, p: [p["a"] * z[0] - z[0] ** 3], {"a": (1.5, 3.1)}, ((0.1, 1.2),)),
    "ricker": Family({"map": "x*exp(r*(1-x))"}, lambda z, p: [z[0] * exp(p["r"] * (1 - z[0]))], {"r": (1.5, 3.6)}, ((0.2, 1.5),)),
    "gauss": Family({"map": "exp(-a*x**2) - b"}, lambda z, p: [exp(-p["a"] * z[0] ** 2) - p["b"]],
                    {"a": (4.0, 7.0), "b": (0.2, 0.9)}, ((-0.3, 0.6),)),
    "cubic term": Family({"map": "x + a*(1 - x*x) - b*x**3"},
                         lambda z, p: [z[0] + p["a"] * (1 - z[0] * z[0]) - p["b"] * z[0] ** 3],
                               {"a": (0.8, 1.5), "b": (0.0, 0.2)}, ((0.2, 1.2),)),
    "two of three labels": _gd("softplus(w) - 2*w/3", lambda w: sigma(w) - arb(2) / 3, (6.0, 40.0), (0.0, 2.0)),
    "double well": _gd("(w**2-1)**2/4", lambda w: w**3 - w, (0.6, 2.05), (0.3, 1.4)),
    "poisson": _gd("exp(w) - w", lambda w: exp(w) - 1, (1.5, 3.6), (-0.5, 0.5)),
    "quartic": _gd("w**2/2 - w**4/4", lambda w: w - w**3, (1.6, 3.9), (0.1, 0.9)),
    "log cosh": _gd("logcosh(w)", lambda w: w.tanh(), (1.5, 8.0), (0.2, 3.0)),
    "henon": Family({"map": ["1 - a*x**2 + y", "b*x"], "variables": "x y"},
                    lambda z, p: [1 - p["a"] * z[0] ** 2 + z[1], p["b"] * z[0]],
                    {"a": (0.3, 1.42), "b": (0.1, 0.3)}, ((-0.2, 0.4), (-0.1, 0.1))),
    "heavy ball on a double well": Family({"loss": "(w**2-1)**2/4", "optimizer": "heavy_ball"}, _momentum(lambda w: w**3 - w),
                                          {"lr": (0.5, 2.2), "momentum": (0.05, 0.6)}, ((0.4, 1.4),), rest=1),
    "heavy ball on log cosh": Family({"loss": "logcosh(w)", "optimizer": "heavy_ball"}, _momentum(lambda w: w.tanh()),
                                     {"lr": (1.0, 6.0), "momentum": (0.05, 0.6)}, ((0.4, 3.0),), rest=1),
    "adam on a parabola": Family({"loss": "w**2/2", "optimizer": "adam"}, _adam,
                                 {"lr": (0.1, 1.0), "beta1": (0.0, 0.9), "beta2": (0.3, 0.95)}, ((0.3, 2.0),), rest=2,
                                 fixed={"eps": 1e-3}),
}  # fmt: skip


@dataclass
class Found:
    """kind, period, largest multiplier (or exponent) of the 66-digit orbit; kind is None where it did not settle."""

    kind: str | None
    period: int | None = None
    multiplier: float = math.nan
    exponent: float = math.nan


class Orbit:
    """A 66-digit orbit on its way."""

    def __init__(self, family: Family, params: dict, z0):
        ctx.prec = BITS
        self.family = family
        self.p = {k: number(v) for k, v in params.items()}
        self.z = [number(v) for v in z0]

    def image(self, z):
        return [v.mid() for v in self.family.step(z, self.p)]

    def run(self, steps: int) -> bool:
        """False if the orbit escapes."""
        z, step, p = self.z, self.family.step, self.p
        for k in range(steps):
            z = [v.mid() for v in step(z, p)]
            if k % 16 == 0 and not all(abs(float(v)) < ESCAPE for v in z):
                return False
        self.z = z
        return all(abs(float(v)) < ESCAPE for v in z)

    def least_return(self) -> int | None:
        z, start = self.z, self.z
        for q in range(1, MOST + 1):
            z = self.image(z)
            if all(abs(a - b) < RETURN * (1 + abs(b)) for a, b in zip(z, start)):
                return q
        return None

    def growth(self, steps: int, v=None) -> tuple[float, list]:
        """(Σ log of the stretching, matrix or vector) along the orbit; tangents by differences of 2⁻¹⁰⁰."""
        h = arb(2) ** -100
        total, d = 0.0, len(self.z)
        v = v or [1 / math.sqrt(d)] * d
        for _ in range(steps):
            image = self.image(self.z)
            moved = self.image([(a + h * number(b)).mid() for a, b in zip(self.z, v)])
            v = [float((a - b) / h) for a, b in zip(moved, image)]
            length = math.sqrt(sum(a * a for a in v))
            if length == 0.0:
                return -math.inf, v
            total += math.log(length)
            v = [a / length for a in v]
            self.z = image
        return total, v

    def multiplier(self, period: int) -> float:
        """The largest |eigenvalue| of the derivative over one period."""
        h, d, start = arb(2) ** -100, len(self.z), self.z
        rows = np.eye(d)
        for _ in range(period):
            image = self.image(self.z)
            matrix = np.empty((d, d))
            for j in range(d):
                moved = list(self.z)
                moved[j] = (moved[j] + h).mid()
                matrix[:, j] = [float((a - b) / h) for a, b in zip(self.image(moved), image)]
            rows, self.z = matrix @ rows, image
        self.z = start
        return float(np.abs(np.linalg.eigvals(rows)).max())


def recompute(family: Family, params: dict, z0, stages=(3000, 12000, 40000), tail=3000) -> Found:
    """What the 66-digit orbit does."""
    orbit = Orbit(family, params, z0)
    for stage in stages:
        if not orbit.run(stage):
            return Found("divergent")
        period = orbit.least_return()
        if period is None:
            saved = orbit.z
            exponent = orbit.growth(tail)[0] / tail
            orbit.z = saved
            if exponent > 0.03:
                break
            continue
        size = orbit.multiplier(period)
        # Near a flip a slow approach looks like twice its period: go on until it cannot.
        more = min(200_000, int(period * 60 * math.log(10) / max(-math.log(size), 1e-6)) if 0 < size < 1 else 1000)
        if not orbit.run(more):
            return Found("divergent")
        again = orbit.least_return()
        if again is not None:
            return Found("periodic", again, orbit.multiplier(again))
    exponent = orbit.growth(tail)[0] / tail
    if exponent > 0.01:
        return Found("chaotic", exponent=exponent)
    return Found(None, exponent=exponent)


def attracts(family: Family, params: dict, points: np.ndarray, multiplier: float) -> bool:
    """Are these points, nearly, a stable cycle of their length for the 66-digit map?"""
    orbit = Orbit(family, params, points[0].tolist())
    laps = 40 if multiplier < 0.5 else int(40 / max(1 - multiplier, 1e-3))
    if not orbit.run(min(laps, 2000) * len(points)):
        return False
    gap = max(abs(float(a) - b) for a, b in zip(orbit.z, points[0].tolist()))
    near = gap <= 1e-9 * (1 + np.abs(points).max())
    return near and orbit.least_return() == len(points) and orbit.multiplier(len(points)) < 1
