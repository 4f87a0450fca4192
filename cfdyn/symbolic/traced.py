"""A Python function as a formula: the function is called once with names in place of numbers, and its operations are recorded."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from traceback import walk_tb
from typing import Any

import numpy as np

from cfdyn.errors import FormulaError, shown

SUM, PRODUCT, POWER, ATOM = 1, 2, 4, 5  # how tightly a text holds together
LONGEST = 2**17  # characters of a formula
SAME = {"tanh", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "sqrt", "sign"}
CALLED = {name: name for name in SAME} | {
    "absolute": "Abs", "fabs": "Abs", "maximum": "Max", "fmax": "Max", "minimum": "Min", "fmin": "Min", "heaviside": "Heaviside",
    "floor": "floor", "ceil": "ceil", "log1p": "log1p",
}  # fmt: skip
OPERATORS = {"add": "__add__", "subtract": "__sub__", "multiply": "__mul__", "divide": "__truediv__", "power": "__pow__",
             "negative": "__neg__", "less": "__lt__", "less_equal": "__le__", "greater": "__gt__",
             "greater_equal": "__ge__"}  # fmt: skip
ARRAY = "; if its argument is an array, say how many entries it has, as `variables=16`, or name them, as `variables=['w1', 'w2']`"
BRANCHES = ("it branches on the values, which a formula cannot; write the cases with numpy.where(condition, a, b), "
            "and max and min with numpy.maximum and numpy.minimum")  # fmt: skip


class Condition:
    """A comparison of traced numbers."""

    def __init__(self, text: str):
        self.text = text

    def __bool__(self) -> bool:
        raise FormulaError(BRANCHES)

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"({self.text}) and ({other.text})")

    def __or__(self, other: Condition) -> Condition:
        return Condition(f"({self.text}) or ({other.text})")

    def __invert__(self) -> Condition:
        return Condition(f"not ({self.text})")


class Traced:
    """A number that is only a text: operators and functions of numpy record their operation."""

    def __init__(self, text: str, binds: int = ATOM):
        if len(text) > LONGEST:
            raise FormulaError(f"it gives a formula of more than {LONGEST // 1024} KiB; a network or a sum over rows is a "
                               "loss of cf.networks, or a formula of one row with data=")  # fmt: skip
        self.text, self.binds = text, binds

    def within(self, binds: int) -> str:
        """The text as an operand of an operator of the given precedence, in brackets if necessary."""
        return self.text if self.binds >= binds else f"({self.text})"

    def __add__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Traced(f"{a.within(SUM)} + {b.within(SUM)}", SUM))

    def __sub__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Traced(f"{a.within(SUM)} - {b.within(PRODUCT)}", SUM))

    def __mul__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Traced(f"{a.within(PRODUCT)}*{b.within(POWER)}", PRODUCT))

    def __truediv__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Traced(f"{a.within(PRODUCT)}/{b.within(POWER)}", PRODUCT))

    def __pow__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Traced(f"{a.within(ATOM)}**{b.within(ATOM)}", POWER))

    def __mod__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Traced(f"mod({a.text}, {b.text})"))

    def __radd__(self, other: object) -> Any:
        return _number(other) + self

    def __rsub__(self, other: object) -> Any:
        return _number(other) - self

    def __rmul__(self, other: object) -> Any:
        return _number(other) * self

    def __rtruediv__(self, other: object) -> Any:
        return _number(other) / self

    def __rpow__(self, other: object) -> Any:
        return _number(other) ** self

    def __neg__(self) -> Traced:
        return Traced(f"-{self.within(PRODUCT)}", SUM)

    def __pos__(self) -> Traced:
        return self

    def __abs__(self) -> Traced:
        return Traced(f"Abs({self.text})")

    def __lt__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Condition(f"{a.within(SUM)} < {b.within(SUM)}"))

    def __le__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Condition(f"{a.within(SUM)} <= {b.within(SUM)}"))

    def __gt__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Condition(f"{a.within(SUM)} > {b.within(SUM)}"))

    def __ge__(self, other: object) -> Any:
        return _pair(self, other, lambda a, b: Condition(f"{a.within(SUM)} >= {b.within(SUM)}"))

    def __bool__(self) -> bool:
        raise FormulaError(BRANCHES)

    def __float__(self) -> float:
        raise FormulaError(
            "it turns its argument into a number, as functions of `math` do; take those of numpy, such as numpy.tanh"
        )

    __int__ = __index__ = __complex__ = __float__  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        """Functions of numpy on an array of traced numbers call the method of that name."""
        if name not in CALLED and name not in ("square", "expm1"):
            raise AttributeError(name)
        return lambda: _applied(name, [self])

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        if any(isinstance(one, np.ndarray) for one in inputs):
            return np.frompyfunc(lambda *ones: _applied(ufunc.__name__, ones), len(inputs), 1)(*map(_shielded, inputs))
        return _applied(ufunc.__name__, inputs)

    def __array_function__(self, function: Callable, kinds: object, args: Sequence, options: object) -> Any:
        if function is np.where and len(args) == 3:
            return _where(*args)
        raise FormulaError(f"numpy.{function.__name__} of a single number has no formula here{ARRAY}")


def _shielded(value: object) -> object:
    """An array of one object, so that numpy treats it as an array."""
    if not isinstance(value, Traced):
        return value
    held = np.empty((), dtype=object)
    held[()] = value
    return held


def _number(value: object) -> Traced:
    """A constant as written in a formula: decimals are exact, 0.1 is 1/10."""
    if isinstance(value, Traced):
        return value
    real = isinstance(value, numbers.Real | np.number) and not isinstance(value, bool | np.bool_)
    known = float(value) if real else np.nan  # type: ignore[arg-type]
    if not np.isfinite(known):
        raise FormulaError(f"it computes with {shown(value)}, which is not a number in a formula")
    whole = known.is_integer() and abs(known) < 2**53
    text = str(int(known)) if whole else format(Decimal(repr(known)), "f")
    return Traced(text, SUM) if text.startswith("-") else Traced(text)


def _pair(one: Traced, other: object, write: Callable[[Traced, Traced], Any]) -> Any:
    """The text of both; entry by entry if the other is an array."""
    if isinstance(other, np.ndarray):
        return np.frompyfunc(lambda entry: write(one, _number(entry)), 1, 1)(other)
    return write(one, _number(other))


def _applied(name: str, inputs: Sequence[Any]) -> Any:
    if name in OPERATORS:
        return getattr(_number(inputs[0]), OPERATORS[name])(*inputs[1:])
    if name == "square":
        return inputs[0] ** 2
    if name == "expm1":
        return Traced(f"exp({inputs[0].text}) - 1", SUM)
    if name not in CALLED:
        raise FormulaError(f"numpy.{name} has no formula here; there are {', '.join(sorted(CALLED))} and arithmetic")
    return Traced(f"{CALLED[name]}({', '.join(_number(one).text for one in inputs)})")


def _where(condition: Condition, a: object, b: object) -> Traced:
    return Traced(f"Piecewise(({_number(a).text}, {condition.text}), ({_number(b).text}, True))")


def traced(
    function: Callable, variables: Sequence[str] = (), params: Mapping[str, float] | None = None
) -> tuple[list[str], list[str], dict[str, float]]:
    """The formulas that a function returns, one for each number, with its variables and its parameters.

    Its arguments are the variables by name; those with a number as default are parameters. A function of one argument and several
    ``variables`` receives these as an array.

    FormulaError: it branches on values, or does something that no formula can express.

    >>> traced(lambda w, a=2.0: a * np.tanh(w) ** 2 / 4)
    (['a*tanh(w)**2/4'], ['w'], {'a': 2.0})
    >>> traced(lambda x, y: (1 - 0.5 * x**2 + y, np.where(x > 0, x, 0)))[0]
    ['1 - 0.5*x**2 + y', 'Piecewise((x, x > 0), (0, True))']
    """
    names, own = _arguments(function)
    given = {**own, **(params or {})}
    free = [name for name in names if name not in given]
    values: list[Any] = [Traced(name) for name in names]
    whole = [name for name in free if name != "t" or "t" in variables]  # f(t, z) of a flow: the time beside an array
    if len(whole) == 1 and len(variables) > 1:
        entries = np.empty(len(variables), dtype=object)
        entries[:] = [Traced(name) for name in variables]
        values[names.index(whole[0])], free = entries, [*variables, *(name for name in free if name not in whole)]
    try:
        outputs = function(*values)
    except FormulaError as error:
        raise FormulaError(f"the function {_named(function)} is not a formula: {error}") from None
    except Exception as error:
        raise FormulaError(
            f"the function {_named(function)} cannot be read as a formula: {_why(error, len(whole) == 1 and len(variables) < 2)}"
        ) from None
    listed = [outputs] if isinstance(outputs, Traced) else np.ravel(np.array(outputs, dtype=object)).tolist()
    return [_number(one).text for one in listed], free, {name: float(given[name]) for name in names if name in given}


def _why(error: Exception, array: bool) -> str:
    """The error, and what to write instead; ``array``: the one argument may have been meant as an array."""
    passed = {str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in walk_tb(error.__traceback__)}
    # JAX removes its own frames from its errors, depending on settings and version.
    passed |= {library for library, word in (("torch", "must be Tensor"), ("jax", "jax")) if word in str(error)}
    for library in {"jax", "torch"} & passed:
        return f"it calls {library}; a loss of its functions is cf.networks.from_{library}"
    return f"{type(error).__name__}, {error}{ARRAY if array and isinstance(error, TypeError | AttributeError) else ''}"


def _arguments(function: Callable) -> tuple[list[str], dict[str, float]]:
    """Names of the arguments, and defaults of those that are parameters."""
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise FormulaError(f"the function {_named(function)} does not say what its arguments are") from None
    for one in known:
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.KEYWORD_ONLY):
            raise FormulaError(f"the function {_named(function)} needs plain arguments, variables and then parameters with "
                               f"numbers as defaults, not {one}")  # fmt: skip
    return [one.name for one in known], {one.name: one.default for one in known if one.default is not one.empty}


def _named(function: object) -> str:
    return getattr(function, "__name__", type(function).__name__)
