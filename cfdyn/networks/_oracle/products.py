"""Derivatives of a function f(w, rows) of a flat vector w, as functions that JAX compiles; directions come in rows.

Each is built from f and from ``both``, which returns f and its gradient.
"""

from __future__ import annotations

from collections.abc import Callable

from cfdyn.networks._oracle.engine import Array, Products, Tree, library

Scalar = Callable[..., "Array"]
Both = Callable[..., "tuple[Array, Array]"]
Product = Callable[..., Products]


def _value(f: Scalar, both: Both) -> Product:
    return f


def _gradient(f: Scalar, both: Both) -> Product:
    return lambda w, rows: both(w, rows)[1]


def _value_and_gradient(f: Scalar, both: Both) -> Product:
    return both


def _along(f: Callable[[Array], Tree], w: Array, v: Array) -> tuple[Tree, Tree]:
    """f and its derivative along v at w."""
    return library("jax").jvp(f, (w,), (v,))


def _hvps(f: Scalar, both: Both) -> Product:
    jax = library("jax")

    def products(w: Array, v: Array, rows: tuple[Array, ...]) -> Array:
        _, linear = jax.linearize(lambda x: both(x, rows)[1], w)
        return jax.vmap(linear)(v)

    return products


def _curvature_gradients(f: Scalar, both: Both) -> Product:
    jax = library("jax")

    def one(w: Array, u: Array, v: Array, rows: tuple[Array, ...]) -> Array:
        return _along(lambda x: _along(lambda y: both(y, rows)[1], x, u)[1], w, v)[1]

    return lambda w, u, v, rows: jax.vmap(one, (None, 0, 0, None))(w, u, v, rows)


def _jet(f: Scalar, both: Both) -> Product:
    def jet(w: Array, u: Array, rows: tuple[Array, ...]) -> tuple[Array, Array, Array]:
        (slope, hu), (_, t) = _along(lambda x: _along(lambda y: both(y, rows)[1], x, u), w, u)
        return slope, hu, t

    return jet


def _fourth(f: Scalar, both: Both) -> Product:
    jax = library("jax")

    def one(w: Array, q: Array, rows: tuple[Array, ...]) -> Array:
        def along(t: Array | float) -> Array:
            return f(w + t * q, rows)

        for _ in range(4):
            along = jax.jacfwd(along)
        return along(0.0)

    return lambda w, q, rows: jax.vmap(one, (None, 0, None))(w, q, rows)


def _rows_along(f: Scalar, both: Both) -> Product:
    jax = library("jax")

    def products(w: Array, u: Array, rows: tuple[Array, ...]) -> tuple[Array, Array]:
        def one(row: tuple[Array, ...]) -> tuple[Array, Array]:
            def along(a: Array) -> Array:
                return f(w + a @ u, tuple(part[None] for part in row))

            none = jax.numpy.zeros(len(u))
            return jax.grad(along)(none), jax.hessian(along)(none)

        # Row after row: at once, the weights' slopes of all rows and directions would be in memory.
        return jax.lax.map(one, rows)

    return products


def _row_squares(f: Scalar, both: Both) -> Product:
    jax = library("jax")

    def squares(w: Array, u: Array, rows: tuple[Array, ...]) -> tuple[Array, ...]:
        def add(total: tuple[Array, Array], row: tuple[Array, ...]) -> tuple[tuple[Array, Array], None]:
            slope, linear = jax.linearize(lambda x: both(x, tuple(part[None] for part in row))[1], w)
            return (total[0] + slope**2, total[1] + (jax.vmap(linear)(u) ** 2).sum(axis=0)), None

        none = jax.numpy.zeros_like(w)
        return tuple(part / len(rows[0]) for part in jax.lax.scan(add, (none, none), rows)[0])

    return squares


PRODUCTS: dict[str, Callable[[Scalar, Both], Product]] = {
    "value": _value, "gradient": _gradient, "value_and_gradient": _value_and_gradient, "hvps": _hvps,
    "curvature_gradients": _curvature_gradients, "jet": _jet, "fourth": _fourth,
    "rows_along": _rows_along, "row_squares": _row_squares,
}  # fmt: skip
