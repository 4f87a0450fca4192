"""Random maps of one to three variables, each as text: known families with random parameters and wholly random formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

SEED = 20260

Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A map as text, with the values of its parameters and a start; ``descent``: the loss and the optimizer whose map it is."""

    family: str
    formulas: tuple[str, ...]
    start: tuple[float, ...]
    params: dict[str, float] = field(default_factory=dict)
    descent: tuple[str, str] | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        return ("x", "y", "z")[: len(self.formulas)]


# -- families: formulas with parameters drawn from ranges ----------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """Formulas, the range of each parameter, and of each entry of the start."""

    formulas: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    start: tuple[tuple[float, float], ...]
    descent: tuple[str, str] | None = None

    def draw(self, name: str, rng: Random) -> Case:
        params = {key: float(rng.uniform(*bounds)) for key, bounds in self.ranges.items()}
        return Case(name, self.formulas, tuple(float(rng.uniform(*bounds)) for bounds in self.start), params, self.descent)


def _line(formula: str, start: tuple[float, float], **ranges: tuple[float, float]) -> Family:
    return Family((formula,), ranges, (start,))


def _plane(first: str, second: str, *start: tuple[float, float], **ranges: tuple[float, float]) -> Family:
    return Family((first, second), ranges, start)


def _descent(loss: str, gradient: str, start: tuple[float, float], **ranges: tuple[float, float]) -> Family:
    return Family((f"x - lr*({gradient})",), ranges, (start,), (loss, "gd"))


def _heavy_ball(loss: str, gradient: str, start: tuple[float, float], **ranges: tuple[float, float]) -> Family:
    velocity = f"momentum*y + {gradient}"
    return Family((f"x - lr*({velocity})", velocity), ranges, (start, (0.0, 0.0)), (loss, "heavy_ball"))


FAMILIES = {
    # Polynomial
    "logistic": _line("r*x*(1-x)", (0.05, 0.95), r=(0.5, 4.3)),
    "logistic, late": _line("r*x*(1-x)", (0.05, 0.95), r=(3.54, 4.0)),
    "parabola": _line("x + x**2 + c", (-0.5, 0.4), c=(-2.2, 0.4)),
    "cubic": _line("a*x - x**3", (0.1, 1.2), a=(0.5, 3.2)),
    "quartic": _line("1 - a*x**2 + b*x**4", (-0.5, 0.5), a=(0.5, 2.2), b=(-0.3, 0.4)),
    "Henon": _plane("1 - a*x**2 + y", "b*x", (-0.2, 0.4), (-0.1, 0.1), a=(0.1, 1.6), b=(-0.4, 0.4)),
    "delayed logistic": _plane("a*x*(1-y)", "x", (0.2, 0.6), (0.2, 0.6), a=(1.2, 2.35)),
    "delayed logistic, late": _plane("a*x*(1-y)", "x", (0.45, 0.6), (0.45, 0.6), a=(2.02, 2.2)),
    "delayed quadratic": _plane("y", "a - b*x**2 + c*y", (-0.1, 0.3), (-0.1, 0.3), a=(0.3, 1.0), b=(0.4, 1.2), c=(-0.9, 0.9)),
    "area-preserving Henon": _plane("x*cos(a) - (y-x**2)*sin(a)", "x*sin(a) + (y-x**2)*cos(a)",
                                    (-0.45, 0.45), (-0.45, 0.45), a=(0.4, 2.9)),
    "heavy ball": _plane("x - r*(x**3-x) + b*(x-y)", "x", (0.3, 1.3), (0.3, 1.3), r=(0.2, 3.0), b=(0.0, 0.99)),
    "circle born": _plane("(1+m-x**2-y**2)*(x*cos(a)-y*sin(a)) + k*x*y", "(1+m-x**2-y**2)*(x*sin(a)+y*cos(a))",
                          (0.05, 0.3), (0.05, 0.3), m=(-0.1, 0.15), a=(0.3, 2.8), k=(-0.2, 0.2)),
    "predator and prey": _plane("a*x*(1-x) - b*x*y", "c*x*y + d*y", (0.2, 0.6), (0.1, 0.4),
                                a=(2.6, 3.9), b=(2.5, 4.5), c=(2.5, 4.5), d=(-0.1, 0.4)),
    "linear": _plane("a*x + b*y", "c*x + d*y", (0.1, 1.0), (0.1, 1.0), a=(-1.3, 1.3), b=(-1, 1), c=(-1, 1), d=(-1.3, 1.3)),
    "linear, area-preserving": _plane("y", "t*y - x", (0.1, 1.0), (0.1, 1.0), t=(-1.95, 2.1)),
    "Kopel": _plane("(1-r)*x + r*m*y*(1-y)", "(1-r)*y + r*m*x*(1-x)", (0.1, 0.7), (0.1, 0.7), r=(0.3, 1.0), m=(2.8, 4.0)),
    "coupled logistics": _plane("r*x*(1-x) + e*(y-x)", "r*y*(1-y) + e*(x-y)", (0.2, 0.7), (0.2, 0.7), r=(2.8, 3.7), e=(-0.1, 0.3)),
    "Burgers": _plane("(1-n)*x - y**2", "(1+m+x)*y", (-0.3, 0.3), (0.1, 0.5), n=(0.4, 1.1), m=(0.1, 0.8)),
    "Duffing": _plane("y", "a*y - b*x - y**3", (0.1, 0.6), (0.1, 0.6), a=(1.5, 2.9), b=(-0.2, 0.9)),
    "one third": _plane("(1+m-x**2-y**2)*(x*cos(a)-y*sin(a))", "(1+m-x**2-y**2)*(x*sin(a)+y*cos(a)) + k*(x**2-y**2)",
                        (0.05, 0.3), (0.05, 0.3), m=(-0.02, 0.1), a=(2.05, 2.14), k=(-0.2, 0.2)),
    "one quarter": _plane("(1+m-x**2-y**2)*(x*cos(a)-y*sin(a))", "(1+m-x**2-y**2)*(x*sin(a)+y*cos(a)) + k*x**3",
                          (0.05, 0.3), (0.05, 0.3), m=(-0.02, 0.1), a=(1.54, 1.6), k=(-0.3, 0.3)),
    "one fifth": _plane("(1+m-x**2-y**2)*(x*cos(a)-y*sin(a))", "(1+m-x**2-y**2)*(x*sin(a)+y*cos(a)) + k*x**2*y**2",
                        (0.05, 0.3), (0.05, 0.3), m=(-0.02, 0.1), a=(1.25, 1.265), k=(-0.9, 0.9)),
    # Near a bifurcation
    "logistic near 3": _line("r*x*(1-x)", (0.2, 0.8), r=(2.99, 3.01)),
    "logistic near three bands": _line("r*x*(1-x)", (0.2, 0.8), r=(3.82, 3.858)),
    "cubic near 1": _line("a*x - x**3", (0.1, 0.9), a=(0.99, 1.02)),
    "delayed logistic near 2": _plane("a*x*(1-y)", "x", (0.3, 0.6), (0.3, 0.6), a=(1.97, 2.03)),
    "heavy ball, light friction": _plane("x - r*(x**3-x) + b*(x-y)", "x", (0.3, 1.3), (0.3, 1.3), r=(0.1, 2.0), b=(0.95, 1.0)),
    # Far out, and of unusual size
    "logistic at 1e18": _line("r*x*(1-x/1e18)", (0.1e18, 0.9e18), r=(2.7, 4.1)),
    "logistic at 1e-12": _line("r*x*(1-x*1e12)", (0.1e-12, 0.9e-12), r=(2.7, 4.1)),
    "Ricker from afar": _line("x*exp(r*(1-x))", (-3.0, 200.0), r=(1.5, 3.5)),
    "exponential from afar": _line("a - exp(x)", (-3.0, 100.0), a=(-1.0, 4.0)),
    "cosine, slowly from afar": _line("b*x + a*cos(x)", (-1e14, 1e14), b=(0.3, 0.7), a=(0.5, 4.0)),
    "logistic, slowly from afar": _line("Piecewise((b*x, x > 1), (r*x*(1-x), True))", (0.1, 1e13), b=(0.2, 0.45), r=(2.7, 4.0)),
    # Rational
    "Hassell": _line("a*x/(1+x)**b", (0.2, 2.0), a=(2.0, 60.0), b=(1.5, 9.0)),
    "Newton": _line("x - (x**3-x-c)/(3*x**2-1)", (0.7, 2.0), c=(0.5, 3.0)),
    "rational bump": _line("a/(1+x**2) - b", (-0.5, 0.5), a=(1.0, 8.0), b=(0.2, 3.0)),
    "McMillan": _plane("y", "2*m*y/(1+y**2) - x", (0.1, 1.5), (0.1, 1.5), m=(-0.9, 2.5)),
    "McMillan, kicked": _plane("y", "2*m*y/(1+y**2) - x + k*y**3/(1+y**4)", (0.1, 1.5), (0.1, 1.5), m=(-0.9, 2.0), k=(-0.5, 0.5)),
    "Lyness": _plane("y", "(a+y)/x", (0.5, 3.0), (0.5, 3.0), a=(0.1, 6.0)),
    "Holling": _plane("a*x*(1-x) - x*y/(h+x)", "c*x*y/(h+x)", (0.3, 0.6), (0.1, 0.4), a=(2.2, 3.8), h=(0.2, 0.6), c=(1.2, 3.0)),
    # Transcendental
    "Ricker": _line("x*exp(r*(1-x))", (0.2, 1.5), r=(0.5, 3.8)),
    "sine": _line("a*sin(x)", (0.2, 2.5), a=(0.5, 6.0)),
    "Gauss": _line("exp(-a*x**2) + b", (-0.3, 0.6), a=(3.0, 8.0), b=(-0.95, 0.9)),
    "descent on a gap": _line("x - r*(1/(1+exp(-x)) - 2/3)", (0.1, 2.0), r=(2.0, 40.0)),
    "descent on cosh": _line("x - r*sinh(x)", (0.1, 1.2), r=(0.2, 3.5)),
    "exponential": _line("a*exp(x) - b", (-0.5, 0.5), a=(-4.0, 0.5), b=(-1.5, 2.0)),
    "standard, inside": _plane("x + y + k*sin(x)", "y + k*sin(x)", (2.2, 3.9), (-0.4, 0.4), k=(0.2, 1.8)),
    "damped standard": _plane("x + b*y + k*sin(x)", "b*y + k*sin(x)", (2.0, 4.0), (-0.4, 0.4), k=(0.2, 4.5), b=(0.3, 0.99)),
    "Nicholson and Bailey": _plane("x*exp(r*(1-x) - y)", "x*(1-exp(-a*y))", (0.4, 1.0), (0.2, 0.6), r=(0.8, 2.8), a=(1.5, 4.5)),
    "delayed Ricker": _plane("x*exp(r*(1-y))", "x", (0.8, 1.1), (0.8, 1.1), r=(0.6, 1.45)),
    "tanh pair": _plane("a*tanh(x) - b*tanh(y)", "b*tanh(x) + a*tanh(y)", (0.1, 1.0), (0.1, 1.0), a=(-1.5, 1.5), b=(0.3, 1.6)),
    "twist": _plane("x*cos(a+b*(x**2+y**2)) - y*sin(a+b*(x**2+y**2))", "x*sin(a+b*(x**2+y**2)) + y*cos(a+b*(x**2+y**2))",
                    (0.2, 1.0), (0.2, 1.0), a=(0.2, 2.9), b=(0.1, 1.5)),
    "rotation": _plane("x*cos(a) - y*sin(a)", "x*sin(a) + y*cos(a)", (0.1, 1.0), (0.1, 1.0), a=(0.2, 2.9)),
    "Ikeda": _plane("1 + u*(x*cos(0.4-6/(1+x**2+y**2)) - y*sin(0.4-6/(1+x**2+y**2)))",
                    "u*(x*sin(0.4-6/(1+x**2+y**2)) + y*cos(0.4-6/(1+x**2+y**2)))", (0.0, 0.5), (-0.3, 0.3), u=(0.3, 0.95)),
    # Piecewise
    "skew tent": _line("Min(a*x, b*(1-x))", (0.1, 0.9), a=(0.5, 2.5), b=(0.7, 4.0)),
    "tent of two slopes": _line("Piecewise((a*x + m, x < 0), (m - b*x, True))", (-0.5, 0.5), a=(-0.9, 1.4), b=(0.3, 3.5), m=(0.3, 1.2)),
    "gap": _line("Piecewise((a*x + 1, x < 0), (b*x - c, True))", (-0.5, 0.5), a=(0.2, 0.95), b=(0.2, 0.95), c=(0.2, 1.2)),
    "shift": _line("Piecewise((b*x + (2-b)*c, b*x + (2-b)*c < 1), (b*x + (2-b)*c - 1, True))", (0.1, 0.9), b=(1.05, 1.95), c=(0.05, 0.95)),
    "clipped logistic": _line("Min(r*x*(1-x), m)", (0.1, 0.9), r=(3.2, 4.0), m=(0.6, 1.0)),
    "Lozi": _plane("1 - a*abs(x) + y", "b*x", (-0.2, 0.3), (-0.1, 0.1), a=(0.2, 1.85), b=(-0.5, 0.6)),
    "Gingerbread": _plane("1 - y + abs(x)*a", "x", (-0.5, 0.9), (-0.5, 0.9), a=(0.4, 1.2)),
    "descent on Huber": _plane("x - r*Max(-1, Min(1, x)) + b*(x-y)", "x", (0.2, 2.0), (0.2, 2.0), r=(0.5, 4.0), b=(0.0, 0.95)),
    # Slow, sticky, or on the edge of something
    "slow spiral": _plane("(1+m-x**2-y**2)*(x*cos(a)-y*sin(a)) + k*x*y", "(1+m-x**2-y**2)*(x*sin(a)+y*cos(a))",
                          (0.05, 0.3), (0.05, 0.3), m=(-0.002, 0.003), a=(0.3, 2.8), k=(-0.2, 0.2)),
    "circle far beyond its birth": _plane("(1+m-x**2-y**2)*(x*cos(a)-y*sin(a)) + k*(x**2-y**2)",
                                          "(1+m-x**2-y**2)*(x*sin(a)+y*cos(a)) + k*x*y",
                                          (0.05, 0.3), (0.05, 0.3), m=(0.05, 0.6), a=(0.3, 2.8), k=(-0.6, 0.6)),
    "delayed logistic, breaking up": _plane("a*x*(1-y)", "x", (0.4, 0.6), (0.4, 0.6), a=(2.15, 2.27)),
    "logistic, where doublings end": _line("r*x*(1-x)", (0.2, 0.8), r=(3.568, 3.572)),
    "logistic, intermittent": _line("r*x*(1-x)", (0.2, 0.8), r=(3.825, 3.82843)),
    "logistic, bands that meet": _line("r*x*(1-x)", (0.2, 0.8), r=(3.855, 3.859)),
    "logistic, barely escaping": _line("r*x*(1-x)", (0.1, 0.9), r=(4.0, 4.003)),
    "Henon, late": _plane("1 - a*x**2 + y", "0.3*x", (-0.2, 0.2), (-0.1, 0.1), a=(1.0, 1.43)),
    "gap, many steps": _line("Piecewise((a*x + 1, x < 0), (a*x - c, True))", (-0.5, 0.5), a=(0.6, 0.99), c=(0.1, 1.0)),
}  # fmt: skip


# Losses and optimizers of the package, and the steps that they are.
OPTIMIZERS = {
    "descent on two of three labels": _descent("softplus(w) - 2*w/3", "1/(1+exp(-x)) - 2/3", (0.0, 2.0), lr=(6.0, 40.0)),
    "descent on the double well": _descent("(w**2-1)**2/4", "x**3 - x", (0.3, 1.4), lr=(0.6, 2.05)),
    "descent on Poisson's loss": _descent("exp(w) - w", "exp(x) - 1", (-0.5, 0.5), lr=(1.5, 3.6)),
    "descent on the quartic": _descent("w**2/2 - w**4/4", "x - x**3", (0.1, 0.9), lr=(1.6, 3.9)),
    "descent on log cosh": _descent("logcosh(w)", "tanh(x)", (0.2, 3.0), lr=(1.5, 8.0)),
    "heavy ball on the double well": _heavy_ball("(w**2-1)**2/4", "x**3 - x", (0.4, 1.4), lr=(0.5, 2.2), momentum=(0.05, 0.6)),
    "heavy ball on log cosh": _heavy_ball("logcosh(w)", "tanh(x)", (0.4, 3.0), lr=(1.0, 6.0), momentum=(0.05, 0.6)),
    "Adam on the parabola": Family(
        ("x - lr*(beta1*y + (1-beta1)*x)/sqrt(beta2*z + (1-beta2)*x**2 + eps)", "beta1*y + (1-beta1)*x", "beta2*z + (1-beta2)*x**2"),
        {"lr": (0.1, 1.0), "beta1": (0.0, 0.9), "beta2": (0.3, 0.95), "eps": (1e-3, 1e-3)}, ((0.3, 2.0), (0.0, 0.0), (0.0, 0.0)),
        ("w**2/2", "adam")),
}  # fmt: skip


# -- wholly random formulas ----------------------------------------------------------------------------------------


def _number(rng: Random, low: float, high: float) -> str:
    return f"{rng.uniform(low, high):.3f}"


def _signed(rng: Random, low: float, high: float) -> str:
    return f"({'-' if rng.random() < 0.5 else ''}{_number(rng, low, high)})"


def _tree(rng: Random, depth: int, names: tuple[str, ...]) -> str:
    """A bounded or gently growing function of the variables, as text."""
    if depth == 0:
        return f"{_signed(rng, 0.3, 2.5)}*{rng.choice(names)}" if rng.random() < 0.8 else _signed(rng, 0.1, 1.5)
    a, b = (_tree(rng, depth - 1, names) for _ in range(2))
    forms = [f"({a} + {b})", f"({a} - {b})", f"({a})*({b})", f"({a})/(1 + ({b})**2)", f"sin({a})", f"cos({a})", f"tanh({a})",
             f"exp(-({a})**2)", f"abs({a})", f"sqrt(1 + ({a})**2)", f"log(1 + ({a})**2)", f"Max({a}, {b})", f"Min({a}, {b})",
             f"Piecewise(({a}, {rng.choice(names)} < {_signed(rng, 0.0, 0.5)}), ({b}, True))", f"({a})**2"]  # fmt: skip
    return str(rng.choice(forms))


def _random_start(rng: Random, count: int) -> tuple[float, ...]:
    return tuple(float(rng.uniform(-0.8, 0.8)) for _ in range(count))


def random_line(name: str, rng: Random) -> Case:
    """x ↦ c + a·tree(x) + b·x."""
    tree = _tree(rng, int(rng.integers(1, 4)), ("x",))
    text = f"{_signed(rng, 0.0, 1.0)} + {_signed(rng, 0.8, 3.0)}*{tree} + {_signed(rng, 0.05, 0.6)}*x"
    return Case(name, (text,), _random_start(rng, 1))


def random_plane(name: str, rng: Random) -> Case:
    """Two such formulas, or one with its variable one step late."""
    names = ("x", "y")
    first = f"{_signed(rng, 0.0, 0.6)} + {_signed(rng, 0.6, 2.2)}*{_tree(rng, int(rng.integers(1, 3)), names)} + {_signed(rng, 0.2, 0.9)}*y"
    if rng.random() < 0.4:
        return Case(name, (first, "x"), _random_start(rng, 2))
    second = f"{_signed(rng, 0.3, 1.1)}*x + {_signed(rng, 0.1, 0.8)}*{_tree(rng, int(rng.integers(1, 3)), names)}"
    return Case(name, (first, second), _random_start(rng, 2))


def random_polynomial(name: str, rng: Random) -> Case:
    """c₀ + c₁x + … + c_k x^k, one term of them steep."""
    degree = int(rng.integers(2, 5))
    terms = [f"{_signed(rng, 0.02, 0.5)}*x**{k}" for k in range(1, degree + 1)]
    terms[int(rng.integers(1, degree))] = f"{_signed(rng, 0.6, 2.3)}*x**{int(rng.integers(2, degree + 1))}"
    return Case(name, (" + ".join([_signed(rng, 0.0, 1.2), *terms]),), _random_start(rng, 1))


def random_rational(name: str, rng: Random) -> Case:
    """A quotient of quadratics, the lower one without zeros."""
    above = f"{_signed(rng, 0.2, 3.0)} + {_signed(rng, 0.1, 3.0)}*x + {_signed(rng, 0.05, 2.0)}*x**2"
    text = f"({above})/({_number(rng, 0.3, 1.5)} + {_number(rng, 0.3, 3.0)}*x**2) + {_signed(rng, 0.05, 1.2)}*x"
    return Case(name, (text,), _random_start(rng, 1))


RANDOM: dict[str, tuple[Callable[[str, Random], Case], int]] = {
    "random line": (random_line, 260),
    "random plane": (random_plane, 260),
    "random polynomial": (random_polynomial, 150),
    "random rational": (random_rational, 100),
}

# How many of a family, where not the common number.
COMMON = 16
COUNTS = {"circle born": 60, "delayed logistic, late": 45, "twist": 40, "rotation": 30, "McMillan": 40, "Lyness": 40,
          "area-preserving Henon": 45, "linear, area-preserving": 40, "standard, inside": 40, "logistic, late": 40}  # fmt: skip
TOTAL = 2000


def cases() -> list[Case]:
    """2,000 of those, mixed, the same every time."""
    rng, made = np.random.default_rng(SEED), []
    for name, (make, count) in RANDOM.items():
        made += [make(name, rng) for _ in range(count)]
    for name, family in FAMILIES.items():
        made += [family.draw(name, rng) for _ in range(COUNTS.get(name, COMMON))]
    rng.shuffle(made)
    return made[:TOTAL]


def optimizer_cases(count: int) -> list[Case]:
    """So many of each optimizer's family."""
    rng = np.random.default_rng(SEED)
    return [family.draw(name, rng) for name, family in OPTIMIZERS.items() for _ in range(count)]


# -- neutral fixed points, of which the fate is known --------------------------------------------------------------


def neutral_cases(count: int = 36) -> list[tuple[Case, str]]:
    """Maps with |multiplier| 1 at 0, and where the terms of higher order take a small start: in infinitely many steps to 0, or away."""
    rng, makers = np.random.default_rng(SEED), [_rotation, _rotation, _flip, _fold]
    return [makers[k % len(makers)](rng) for k in range(count)]


def _rotation(rng: Random) -> tuple[Case, str]:
    """r ↦ r ∓ c r^(2k+1) while the angle grows by 2πp/q, in sheared coordinates (x + sy, y)."""
    q, outwards = int(rng.integers(3, 13)), rng.random() < 0.2
    params = {"a": 2 * np.pi * int(rng.integers(1, q)) / q, "c": float(rng.uniform(0.3, 1.5)), "s": float(rng.choice([0.0, 0.7]))}
    u, power = "(x+s*y)", int(rng.integers(1, 3))
    size = f"(1 {'+' if outwards else '-'} c*({u}**2 + y**2)**{power})"
    first, second = f"{size}*({u}*cos(a) - y*sin(a))", f"{size}*({u}*sin(a) + y*cos(a))"
    case = Case(f"rotation by 1/{q}", (f"{first} - s*{second}", second), (float(rng.uniform(0.2, 0.5)), 0.1), params)
    return case, "divergent" if outwards else "fixed point"


def _flip(rng: Random) -> tuple[Case, str]:
    """Of x ↦ −x + bx² + cx³ with b² + c > 0 the second iterate is x − 2(b² + c)x³ + …"""
    params = {"b": float(rng.uniform(-0.5, 0.5)), "c": float(rng.uniform(0.1, 0.8))}
    return Case("flip", ("-x + b*x**2 + c*x**3",), (float(rng.uniform(-0.4, 0.4)),), params), "fixed point"


def _fold(rng: Random) -> tuple[Case, str]:
    """x ↦ x + cx²: from −1/c < x₀ < 0 to 0, from above 0 away."""
    start = float(rng.uniform(-0.5, 0.1))
    return Case("fold", ("x + c*x**2",), (start,), {"c": float(rng.uniform(0.5, 1.5))}), "divergent" if start > 0 else "fixed point"
