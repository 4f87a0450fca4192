"""The losses of compile.py, each written once: the text that cfdyn reads is the formula that every peer evaluates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from measuring import Call

NET = 4  # hidden units
DERIVATIVES = {"gradient": 0, "hvp": 1, "curvature_gradient": 2}  # with the number of directions that cfdyn's rules take

Batch = Callable[[np.ndarray, np.ndarray], Call]  # (points, directions), both (n, d) → a call that returns (n, d)
Batches = dict[str, Batch]


@dataclass(frozen=True)
class Problem:
    """The sum of ``terms`` over all data rows (one row if there are none), divided by ``divisor``."""

    kind: str
    variables: tuple[str, ...]
    terms: tuple[str, ...]
    divisor: int = 1
    columns: tuple[str, ...] = ()
    data: np.ndarray | None = None

    @property
    def dim(self) -> int:
        return len(self.variables)

    @property
    def text(self) -> str:
        """The formula for cfdyn: the whole loss, or one row of it where there are data."""
        total = " + ".join(self.terms)
        return total if self.data is not None or self.divisor == 1 else f"({total})/{self.divisor}"

    def expression(self, symbols: Sequence[Any], functions: Mapping[str, Callable], add: Callable[[list], Any]) -> Any:
        """The loss in the symbols and functions of a peer."""
        names = {"__builtins__": {}, **functions, **dict(zip(self.variables, symbols, strict=True))}
        codes = [compile(term, "<term>", "eval") for term in self.terms]
        rows = [()] if self.data is None else self.data.tolist()
        return add([eval(c, {**names, **dict(zip(self.columns, row))}) for row in rows for c in codes]) / self.divisor

    def points(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Random points and directions, both (n, d); always the same."""
        random = np.random.default_rng(1)
        return random.uniform(0.5, 1.5, (n, self.dim)), random.uniform(-1.0, 1.0, (n, self.dim))


def _names(letter: str, n: int) -> tuple[str, ...]:
    return tuple(f"{letter}{i}" for i in range(1, n + 1))


def product(n: int) -> Problem:
    """A product of n factors that should be 1."""
    return Problem("product", _names("x", n), (f"({'*'.join(_names('x', n))} - 1)**2/2",))


def net_data(n: int) -> np.ndarray:
    """n rows (two inputs, one target), rounded so that they are short literals."""
    inputs = np.random.default_rng(2).uniform(-1.0, 1.0, (n, 2)).round(3)
    return np.column_stack([inputs, (inputs[:, 0] * inputs[:, 1]).round(3)])


def net(n: int) -> Problem:
    """A 2-4-1 tanh network, its mean squared error on n points that stand in the formula."""
    variables = (*_names("a", NET), *_names("b", NET), *_names("c", NET), *_names("v", NET), "o")
    terms = []
    for x, y, target in net_data(n).tolist():
        units = [f"v{k}*tanh(({x})*a{k} + ({y})*b{k} + c{k})" for k in range(1, NET + 1)]
        terms.append(f"({' + '.join(units)} + o - ({target}))**2")
    return Problem("net", variables, tuple(terms), n)


def chain(n: int) -> Problem:
    """Rosenbrock's valley in n variables."""
    terms = tuple(f"100*(x{i + 1} - x{i}**2)**2 + (1 - x{i})**2" for i in range(1, n))
    return Problem("chain", _names("x", n), terms)


def logistic(n: int) -> Problem:
    """Logistic regression on n synthetic rows of ten features."""
    random = np.random.default_rng(3)
    table = random.normal(size=(n, 10))
    label = (table @ random.normal(size=10) + random.normal(size=n) > 0).astype(float)
    score = " + ".join(f"w{i}*x{i}" for i in range(1, 11))
    return Problem("logistic", _names("w", 10), (f"softplus({score}) - label*({score})",), n, (*_names("x", 10), "label"),
                   np.column_stack([table, label]))  # fmt: skip


def warm(n: int) -> Problem:
    """What every compiler meets before it is timed: a few operations of each kind, names that nobody else has."""
    terms = tuple(f"(tanh(q1*q2) + {k}*q1/(2 + q2**2) - {k}*q1*q2**3)**2/2" for k in range(1, n + 1))
    return Problem("warm", _names("q", 2), terms)


KINDS = {"product": product, "net": net, "chain": chain, "logistic": logistic, "warm": warm}


def problem(name: str) -> Problem:
    """The problem KIND:SIZE, such as chain:200."""
    kind, _, size = name.partition(":")
    return KINDS[kind](int(size))
