"""Peers of compile.py that differentiate expressions: CasADi, symengine, heyoka.py and SymPy, all from the same text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from measuring import Call
from problems.losses import DERIVATIVES, Batch, Batches, Problem


def functions_of(module: Any) -> dict[str, Callable]:
    """What the formulas call, in the words of a peer."""
    return {"tanh": module.tanh, "softplus": lambda s: module.log(1 + module.exp(s))}


def nested(loss: Any, v: list, gradient: Callable[[Any], list], add: Callable[[list], Any], batch: Callable) -> Batches:
    """Code of ∇L, Hv = ∇(v·∇L) and ∇(v·Hv)."""
    outputs = [gradient(loss)]
    for _ in range(2):
        outputs.append(gradient(add([a * b for a, b in zip(outputs[-1], v, strict=True)])))
    return {what: batch(list(out)) for what, out in zip(DERIVATIVES, outputs, strict=True)}


def read_casadi(task: Problem) -> Any:
    import casadi

    w = casadi.SX.sym("w", task.dim)
    return w, task.expression(casadi.vertsplit(w), functions_of(casadi), lambda terms: casadi.sum1(casadi.vertcat(*terms)))


def build_casadi(task: Problem, read: Any, n: int) -> Batches:
    import casadi

    w, loss = read
    v = casadi.SX.sym("v", task.dim)
    gradient = casadi.gradient(loss, w)
    hvp = casadi.jtimes(gradient, w, v)
    outputs = {"gradient": gradient, "hvp": hvp, "curvature_gradient": casadi.gradient(casadi.dot(v, hvp), w)}

    def prepare(function: Any, points: np.ndarray, directions: np.ndarray) -> Call:
        buffer, call = function.buffer()
        out = np.empty_like(points)
        buffer.set_arg(0, memoryview(points))
        buffer.set_arg(1, memoryview(directions))
        buffer.set_res(0, memoryview(out))

        def evaluate(keep: Any = buffer) -> np.ndarray:
            call()
            return out

        return evaluate

    return {what: partial(prepare, casadi.Function(what, [w, v], [out]).map(n)) for what, out in outputs.items()}


def read_symengine(task: Problem) -> Any:
    import symengine

    # Not x1, x2, …: its cse calls subexpressions so, too, and computes something else then.
    w = symengine.symbols([f"weight_{name}" for name in task.variables])
    return w, task.expression(w, functions_of(symengine), lambda terms: symengine.Add(*terms))


def build_symengine(task: Problem, read: Any, n: int) -> Batches:
    import symengine

    w, loss = read
    v = symengine.symbols([f"direction_{name}" for name in task.variables])

    def batch(outputs: list) -> Batch:
        code = symengine.Lambdify([*w, *v], outputs, backend="llvm", cse=True)
        return lambda points, directions: partial(code, np.hstack([points, directions]))

    return nested(loss, v, lambda x: [x.diff(s) for s in w], lambda terms: symengine.Add(*terms), batch)


def read_heyoka(task: Problem) -> Any:
    import heyoka

    w = heyoka.make_vars(*task.variables)
    return w, task.expression(w, functions_of(heyoka), heyoka.sum)


def build_heyoka(task: Problem, read: Any, n: int) -> Batches:
    import heyoka

    w, loss = read
    v = heyoka.make_vars(*[f"direction_{name}" for name in task.variables])

    def batch(outputs: list) -> Batch:
        code = heyoka.cfunc(outputs, vars=[*w, *v], compact_mode=task.kind in ("chain", "logistic"))

        def prepare(points: np.ndarray, directions: np.ndarray) -> Call:
            z = np.ascontiguousarray(np.hstack([points, directions]).T)
            out = np.empty((task.dim, n))
            return lambda: code(inputs=z, outputs=out).T

        return prepare

    return nested(loss, v, lambda x: heyoka.diff_tensors([x], diff_args=w, diff_order=1).gradient, heyoka.sum, batch)


def read_sympy(task: Problem) -> Any:
    import sympy

    w = sympy.symbols(task.variables, real=True)
    return w, task.expression(w, functions_of(sympy), lambda terms: sympy.Add(*terms))


def build_sympy(task: Problem, read: Any, n: int) -> Batches:
    """The gradient alone, by `sympy.lambdify` with common subexpressions, compiled by numba."""
    import numba
    import sympy

    w, loss = read
    scope = {"function": numba.njit(sympy.lambdify(w, tuple(loss.diff(s) for s in w), modules="math", cse=True))}
    arguments = ", ".join(f"z[i, {k}]" for k in range(task.dim))
    stores = "".join(f"        out[i, {k}] = g[{k}]\n" for k in range(task.dim))
    exec(f"def loop(z, out):\n    for i in range(len(z)):\n        g = function({arguments})\n{stores}    return out", scope)
    loop = numba.njit("float64[:, ::1](float64[:, ::1], float64[:, ::1])")(scope["loop"])
    return {"gradient": lambda points, directions: partial(loop, points, np.empty_like(points))}


EXPRESSIONS = {
    "CasADi": (read_casadi, build_casadi),
    "symengine": (read_symengine, build_symengine),
    "heyoka": (read_heyoka, build_heyoka),
    "SymPy": (read_sympy, build_sympy),
}
