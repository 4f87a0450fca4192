"""Derivatives of a function f(w, rows) of a flat vector w, as functions that JAX compiles; directions come in rows.

Each is made from f and from ``both``, which gives f and its gradient.
"""

from collections.abc import Callable
from typing import Any

from cfdyn.networks._oracle.engine import library

Scalar = Callable[..., Any]


def _value(f: Scalar, both: Scalar) -> Scalar:
    return f


def _gradient(f: Scalar, both: Scalar) -> Scalar:
    return lambda w, rows: both(w, rows)[1]


def _value_and_gradient(f: Scalar, both: Scalar) -> Scalar:
    return both


def _along(f: Scalar, w: Any, v: Any) -> tuple[Any, Any]:
    """f and its derivative along v at w."""
    return library("jax").jvp(f, (w,), (v,))


def _hvps(f: Scalar, both: Scalar) -> Scalar:
    jax = library("jax")

    def products(w: Any, v: Any, rows: Any) -> Any:
        _, linear = jax.linearize(lambda x: both(x, rows)[1], w)
        return jax.vmap(linear)(v)

    return products


def _curvature_gradients(f: Scalar, both: Scalar) -> Scalar:
    jax = library("jax")

    def one(w: Any, u: Any, v: Any, rows: Any) -> Any:
        return _along(lambda x: _along(lambda y: both(y, rows)[1], x, u)[1], w, v)[1]

    return lambda w, u, v, rows: jax.vmap(one, (None, 0, 0, None))(w, u, v, rows)


def _jet(f: Scalar, both: Scalar) -> Scalar:
    def jet(w: Any, u: Any, rows: Any) -> Any:
        (slope, hu), (_, t) = _along(lambda x: _along(lambda y: both(y, rows)[1], x, u), w, u)
        return slope, hu, t

    return jet


def _fourth(f: Scalar, both: Scalar) -> Scalar:
    jax = library("jax")

    def one(w: Any, q: Any, rows: Any) -> Any:
        def along(t: Any) -> Any:
            return f(w + t * q, rows)

        for _ in range(4):
            along = jax.jacfwd(along)
        return along(0.0)

    return lambda w, q, rows: jax.vmap(one, (None, 0, None))(w, q, rows)


def _rows_along(f: Scalar, both: Scalar) -> Scalar:
    jax = library("jax")

    def products(w: Any, u: Any, rows: Any) -> Any:
        def one(row: Any) -> Any:
            def along(a: Any) -> Any:
                return f(w + a @ u, tuple(part[None] for part in row))

            none = jax.numpy.zeros(len(u))
            return jax.grad(along)(none), jax.hessian(along)(none)

        # Row after row: at once, the weights' slopes of all rows and directions would be in memory.
        return jax.lax.map(one, rows)

    return products


def _row_squares(f: Scalar, both: Scalar) -> Scalar:
    jax = library("jax")

    def squares(w: Any, u: Any, rows: Any) -> Any:
        def add(total: Any, row: Any) -> Any:
            slope, linear = jax.linearize(lambda x: both(x, tuple(part[None] for part in row))[1], w)
            return (total[0] + slope**2, total[1] + (jax.vmap(linear)(u) ** 2).sum(axis=0)), None

        none = jax.numpy.zeros_like(w)
        return tuple(part / len(rows[0]) for part in jax.lax.scan(add, (none, none), rows)[0])

    return squares


PRODUCTS: dict[str, Callable[[Scalar, Scalar], Scalar]] = {
    "value": _value, "gradient": _gradient, "value_and_gradient": _value_and_gradient, "hvps": _hvps,
    "curvature_gradients": _curvature_gradients, "jet": _jet, "fourth": _fourth,
    "rows_along": _rows_along, "row_squares": _row_squares,
}  # fmt: skip
