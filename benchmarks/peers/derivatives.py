"""Who compiles the derivatives of compile.py: cfdyn, numba, JAX here, and those in `peers.expressions`.

A peer has two functions: ``read`` makes the loss in its own terms, ``build`` makes code of the derivatives, for n points at
a time. `main` builds and times them on one core, in a process of their own (the compilers inside them do not always agree
with each other); the result is the last line of stderr, as JSON.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from measuring import Call, interleaved
from peers.expressions import EXPRESSIONS
from problems.losses import DERIVATIVES, Batch, Batches, Problem, net_data, problem

# cfdyn, and what it computes as source for numba ----------------------------------------------------------------------


def read_cfdyn(task: Problem) -> Any:
    import cfdyn as cf
    from cfdyn.symbolic.loss import make_loss

    if task.data is None:
        return cf.Loss(task.text, task.variables)
    return cf.Loss.from_spec(make_loss(task.text, task.variables, {}, task.columns, data=task.data))


def build_cfdyn(task: Problem, loss: Any, n: int) -> Batches:
    return {what: rule_batch(loss.rule(what).compiled, loss.p, takes) for what, takes in DERIVATIVES.items()}


def build_numba(task: Problem, loss: Any, n: int) -> Batches:
    return {what: rule_batch(numba_rule(loss, what), loss.p, takes) for what, takes in DERIVATIVES.items()}


def numba_rule(loss: Any, what: str) -> Any:
    """The same program, printed as Python and compiled by numba: the one place that looks inside cfdyn.

    exp, log, tanh are left to numba; what it lacks (softplus) is written out.
    """
    from dataclasses import replace

    from cfdyn.symbolic.programs.oracle import loss_program
    from cfdyn.tape.elementary import COMPOSITE
    from cfdyn.tape.program import Tape
    from cfdyn.tape.rebuild import rebuild
    from tests.python_source import native_rule, python_function

    program, tape = loss_program(loss.spec, what), Tape()
    outputs = rebuild(program.tape, program.outputs, tape, expansions=COMPOSITE)
    return native_rule(python_function(replace(program, tape=tape, outputs=tuple(outputs))))


def rule_batch(rule: Any, p: np.ndarray, takes: int) -> Batch:
    from cfdyn.kernels.rows import at_rows
    from cfdyn.machine.jit import address

    def prepare(points: np.ndarray, directions: np.ndarray) -> Call:
        z, out = np.hstack([points, *[directions] * takes]), np.empty_like(points)

        def call() -> np.ndarray:
            at_rows(address(rule), z, p, out)
            return out

        return call

    return prepare


# JAX: the vectorised functions that one would write there -----------------------------------------------------------------


def read_jax(task: Problem) -> Callable:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def net(w: Any) -> Any:
        a, b, c, v = w[:-1].reshape(4, -1)
        inputs = net_data(task.divisor)
        hidden = jnp.tanh(jnp.outer(inputs[:, 0], a) + jnp.outer(inputs[:, 1], b) + c)
        return jnp.mean((hidden @ v + w[-1] - inputs[:, 2]) ** 2)

    def logistic(w: Any) -> Any:
        score = task.data[:, :-1] @ w
        return jnp.mean(jax.nn.softplus(score) - task.data[:, -1] * score)

    return {
        "product": lambda w: (jnp.prod(w) - 1) ** 2 / 2,
        "net": net,
        "chain": lambda w: jnp.sum(100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2),
        "logistic": logistic,
        "warm": lambda w: task.expression(w, {"tanh": jnp.tanh}, sum),
    }[task.kind]


def build_jax(task: Problem, loss: Callable, n: int) -> Batches:
    import jax

    gradient = jax.grad(loss)

    def hvp(w: Any, v: Any) -> Any:
        return jax.jvp(gradient, (w,), (v,))[1]

    functions = {
        "gradient": lambda w, v: gradient(w),
        "hvp": hvp,
        "curvature_gradient": lambda w, v: jax.grad(lambda u: v @ hvp(u, v))(w),
    }
    shape = jax.ShapeDtypeStruct((n, task.dim), np.float64)

    def batch(function: Callable) -> Batch:
        compiled = jax.jit(jax.vmap(function), keep_unused=True).lower(shape, shape).compile()

        def prepare(points: np.ndarray, directions: np.ndarray) -> Call:
            w, v = jax.device_put(points), jax.device_put(directions)
            return lambda: compiled(w, v).block_until_ready()

        return prepare

    return {what: batch(function) for what, function in functions.items()}


PEERS: dict[str, tuple[Callable, Callable]] = {
    "cfdyn": (read_cfdyn, build_cfdyn),
    "numba": (read_cfdyn, build_numba),
    "JAX": (read_jax, build_jax),
    **EXPRESSIONS,
}


def build(name: str, task: Problem, n: int) -> tuple[dict[str, float], Batches]:
    """(processor seconds of reading and of compiling, the compiled derivatives)."""
    read, make = PEERS[name]
    marks = [time.process_time()]
    loss = read(task)
    marks.append(time.process_time())
    batches = make(task, loss, n)
    marks.append(time.process_time())
    return {"read": marks[1] - marks[0], "code": marks[2] - marks[1]}, batches


def timed(names: list[str], task: Problem, n: int, repeats: int) -> dict[str, Any]:
    """What each of them takes to build, ns per point, and the derivatives at the first point."""
    small = problem("warm:3")
    for name in names:  # everything is imported and has compiled something once
        for prepare in build(name, small, n)[1].values():
            prepare(*small.points(n))()
    points, directions = task.points(n)
    result: dict[str, Any] = {name: {"ns": {}, "values": {}} for name in names}
    calls: dict[str, dict[str, Call]] = {}
    for name in names:
        result[name]["seconds"], batches = build(name, task, n)
        calls[name] = {what: prepare(points, directions) for what, prepare in batches.items()} if repeats else {}
    for what in DERIVATIVES:
        found = {name: calls[name][what] for name in names if what in calls[name]}
        for name, seconds in interleaved(found, repeats).items():
            values = np.asarray(found[name]())
            assert values.shape == points.shape
            result[name]["ns"][what] = seconds / n * 1e9
            result[name]["values"][what] = [x if math.isfinite(x) else None for x in values[0].tolist()]
    return result


def main(names: str, task: str, n: int, repeats: int) -> None:
    """Times these, separated by commas, on a problem KIND:SIZE at n points."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    result = timed(names.split(","), problem(task), n, repeats)
    sys.stderr.write(f"\nresult {json.dumps(result)}\n")
