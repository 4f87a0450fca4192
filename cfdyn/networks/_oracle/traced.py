"""Properties of a function in JAX, from its trace: the precision of its numbers and operations with kinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.by_jax import JaxEngine
from cfdyn.networks._oracle.engine import Array, Tree, float64, library

if TYPE_CHECKING:
    from jax.extend.core import Jaxpr, JaxprEqn
    from numpy.typing import ArrayLike


KINKS = {"abs": "abs", "max": "maximum", "min": "minimum", "sign": "sign", "floor": "floor", "ceil": "ceil", "round": "round",
         "sort": "sort", "reduce_window_max": "max pooling", "clamp": "clip", "argmax": "argmax", "argmin": "argmin",
         "reduce_max": "max", "reduce_min": "min", "gt": "a comparison", "ge": "a comparison", "lt": "a comparison",
         "le": "a comparison"}  # fmt: skip
SMOOTH = ("logaddexp", "logaddexp2")  # of one formula on each side, with derivatives of their own
SHORT = ("float32", "float16", "bfloat16")


def looked_at(
    function: Callable[..., Array], params: Tree, rows: Sequence[ArrayLike], predict: Callable[..., Array] | None, title: str
) -> tuple[JaxEngine, list[str]]:  # fmt: skip
    """An engine for the function, and remarks about it."""
    jax, tree = library("jax"), library("jax").tree_util
    remarks = []
    params, static = _numbers(params, title)
    if any(str(np.asarray(leaf).dtype) in SHORT for leaf in tree.tree_leaves(params)):
        remarks.append("weights in float32 were converted to float64")
    if any(str(np.asarray(row).dtype) in SHORT for row in rows):
        remarks.append("data in float32 were converted to float64")

    def whole(kind: Callable[..., Array]) -> Callable[..., Array]:
        return kind if static is None else lambda p, *rest: kind(library("equinox").combine(p, static), *rest)

    engine = JaxEngine(whole(function), params, rows, None if predict is None else whole(predict))
    with float64():
        try:
            traced = jax.make_jaxpr(engine.scalar)(engine.start, engine.rows)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            called = f"it is called as function({', '.join(['params', *(f'rows[{k}]' for k in range(len(rows)))])})"
            why = str(error).strip().splitlines()[0]
            raise UsageError(f"{title}: the function cannot be traced by JAX: {why} ({called})") from None
    out = traced.out_avals
    if len(out) != 1 or out[0].shape != () or out[0].dtype != np.float64:
        shapes = ", ".join(f"{value.dtype}{list(value.shape)}" for value in out)
        raise UsageError(f"{title}: the function's value is {shapes}, but it must be a single floating-point number")
    _refuse_short(list(_equations(traced.jaxpr)), title)
    kinks = list(dict.fromkeys(_kinks(traced.jaxpr)))
    if kinks:
        remarks.append(f"it contains {', '.join(kinks)}: if their kinks or jumps are met, T[u, v] by automatic differentiation "
                       "does not see them, no statement about a central flow rests on it, and what one shows leaves them "
                       "out")  # fmt: skip
    return engine, remarks


def _numbers(params: Tree, title: str) -> tuple[Tree, Tree]:
    """The floating-point arrays of a tree, and the rest of it (None: nothing); a UsageError for other numbers."""
    tree = library("jax").tree_util
    leaves, others = tree.tree_leaves(params), 0
    for leaf in leaves:
        kind = getattr(np.asarray(leaf) if not callable(leaf) else None, "dtype", None)
        floating = kind is not None and (kind.kind == "f" or str(kind) == "bfloat16")
        others += not floating
        if kind is not None and kind.kind in "biuc" and np.ndim(leaf):
            raise UsageError(f"{title}: params hold an array of {kind}, and weights are floating-point numbers; give what is no "
                             "weight to the function, not in params")  # fmt: skip
    if not others:
        return params, None
    equinox = library("equinox")
    floats = equinox.partition(params, lambda x: equinox.is_inexact_array(x) or isinstance(x, float | np.floating))
    if not tree.tree_leaves(floats[0]):
        raise UsageError(f"{title}: params have no floating-point numbers, so that there are no weights")
    return floats


def _equations(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """The equations of a trace and of all traces in it."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in _inner(equation):
            yield from _equations(inner)


def _inner(equation: JaxprEqn) -> Iterator[Jaxpr]:
    """The traces in an equation."""
    for value in equation.params.values():
        for one in value if isinstance(value, list | tuple) else [value]:
            inner = getattr(one, "jaxpr", one)
            if inner is not None and hasattr(inner, "eqns"):
                yield inner


def _kinks(jaxpr: Jaxpr) -> Iterator[str]:
    """The operations with kinks or jumps, in words; except the parts of a softmax and of log|x|."""
    users: dict[object, list[str]] = {}
    for equation in jaxpr.eqns:
        for one in equation.invars:
            if not hasattr(one, "val"):
                users.setdefault(one, []).append(equation.primitive.name)
    stopped = "stop_gradient" in [equation.primitive.name for equation in jaxpr.eqns]
    for equation in jaxpr.eqns:
        name, out = equation.primitive.name, users.get(equation.outvars[0], [])
        floating = any(getattr(one.aval, "dtype", np.dtype(int)).kind == "f" for one in equation.invars)
        endless = any(np.size(one.val) == 1 and np.isinf(np.asarray(one.val, float)).all() for one in equation.invars
                      if hasattr(one, "val"))  # fmt: skip
        harmless = endless or (name == "abs" and set(out) == {"log"}) or (name == "sign" and not out)
        if name in KINKS and floating and not harmless and not (stopped and name in ("reduce_max", "reduce_min")):
            yield KINKS[name]
        for inner in _inner(equation):
            if getattr(getattr(inner, "debug_info", None), "func_name", "") not in SMOOTH:
                yield from _kinks(inner)


def _refuse_short(equations: list[JaxprEqn], title: str) -> None:
    """Raise UsageError if numbers lose half of their digits within the function."""
    for equation in equations:
        before, after = (str(getattr(one[0].aval, "dtype", "")) if one else "" for one in (equation.invars, equation.outvars))
        if equation.primitive.name == "convert_element_type" and after in SHORT and before == "float64":
            raise UsageError(f"{title}: the function goes back to {after} within, so that no third derivative has digits; "
                             "leave out its dtype= or astype")  # fmt: skip
