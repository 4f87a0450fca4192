"""A loss of JAX with its parameters and a transformation of optax: what a watch measures on them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from time import perf_counter, process_time
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import library
from cfdyn.watching.edge import Edge
from cfdyn.watching.heard import Heard
from cfdyn.watching.of_jax.edge import Linearisation, NoEdge
from cfdyn.watching.of_jax.linear import Linear
from cfdyn.watching.of_jax.roles import Small
from cfdyn.watching.of_jax.rule import Rule

EARLY = 20  # steps in which averages of squared gradients are noise
QUIET, NEAR = 0.01, 1e-3  # a gradient, against one of size 1: the scale is another one if there are averages; relative: the same
SHIFT, SHIFT_DOUBLE = 1e-3, 1e-6  # length of the shift of a difference of gradients, and in double precision


class Subject:
    """What is watched. Arrays of JAX do not change; those of a step are kept no longer than the watch looks at them."""

    def __init__(self, loss: Any, transformation: Any, params: Any, probe: Any, fresh: Any, mode: str = "eval"):
        jax = library("jax")
        if mode != "eval":
            raise UsageError("with optax there are no modes: the loss decides")
        self.mode = "that of the loss"
        if not callable(loss):
            raise UsageError("with optax the first argument is the loss, a function loss(params, rows)")
        self.names = _names(params)
        self.loss, self.params, self.state = loss, params, None
        self.rows = {name: jax.tree.map(jax.numpy.asarray, rows) for name, rows in (("probe", probe), ("fresh", fresh))}
        on_cpu = {one.platform for leaf in jax.tree.leaves(params) for one in _devices(leaf)} <= {"cpu"}
        self.clock = process_time if on_cpu else perf_counter
        self.exact = True
        self.heard = Heard(self.clock)  # the weights before a step are not known when its gradient is
        self.remarks: list[str] = []
        self._rate, self._verified = float("nan"), False
        self.small = _refused(lambda: Small(transformation, params))
        self.earliest = _refused(self._first)
        self.rule = Rule(transformation, params)
        self.shape = self.rule.shape
        self.linear = Linear(self.rule, self.small.linear.roles)
        self._compile()

    def _compile(self) -> None:
        """Before the run begins: its first measurement takes no longer than others. A failure comes again, and is told then."""
        with contextlib.suppress(Exception), self.measuring():
            self.state = self.rule.init(self.params)
            self.products()(self.random_direction())
            self.value()
            self.edges()
        self.remarks, self._verified, self.params, self.state = [], False, None, None

    def _first(self) -> int:
        """The first step that is measured; a UsageError if the rule has no edge that is known."""
        small, found = self.small, []
        weights = small.random(1.0)
        for size in (1.0, QUIET):
            linearisation = Linearisation(small.linear, small.state(size), weights, small.block)
            linearisation.verify_smooth()
            found.append(linearisation.edge(verify=True).scale)
        same = float(abs(found[0] - found[1]).max()) <= NEAR * float(abs(found[0]).max())
        return 1 if same and not any(small.linear.roles.average) else EARLY

    def take(self, *, params: Any = None, state: Any = None, grads: Any = None, lr: Any = None) -> bool:
        """What a step has made; False within an accumulation, where no step was made."""
        if params is None or state is None:
            raise UsageError("with optax a step needs what it made: watch.step(loss, params=params, state=state)")
        jax = library("jax")
        jax.block_until_ready(params)  # what it took is no time of the watch
        self.params, self.state = params, state
        if lr is not None or self._rates:
            leaves = jax.tree.leaves(state) if lr is None else []
            self._rate = float(lr) if lr is not None else max(float(leaves[k]) for k in self._rates)
        if grads is not None:
            self.heard.hear(lambda: float(self._norm(grads)))
        return not self.small.within(state)

    @cached_property
    def _rates(self) -> list[int]:
        """The places of learning rates in the state, of `inject_hyperparams`."""
        util = library("jax").tree_util
        paths = [path for path, _ in util.tree_leaves_with_path(self.small.start)]
        return [k for k, path in enumerate(paths) if path and "learning_rate" in util.keystr(path[-1:])]

    def gone(self) -> None:
        """What a step has made is needed no more."""
        self.params = self.state = None

    @cached_property
    def _norm(self) -> Callable[[Any], Any]:
        jax, np = library("jax"), library("jax.numpy")
        return jax.jit(lambda grads: sum(np.sum(np.square(one.astype(np.float32))) for one in jax.tree.leaves(grads)) ** 0.5)

    def rate(self) -> float:
        """The largest learning rate, if the state or the caller tells it; NaN otherwise: optax keeps it in a closure."""
        return self._rate

    @contextlib.contextmanager
    def measuring(self) -> Iterator[None]:
        """Nothing has to come back."""
        yield

    def count(self) -> int:
        """Rows of the probe; 0 if its arrays have different numbers of them."""
        lengths = {len(one) for one in library("jax").tree.leaves(self.rows["probe"]) if one.ndim}
        return lengths.pop() if len(lengths) == 1 else 0

    @cached_property
    def _compiled_value(self) -> Callable[[Any, Any], Any]:
        return library("jax").jit(self.loss)

    def value(self, rows: str = "probe") -> float:
        """The loss on the probe, or on the fresh rows."""
        return float(self._compiled_value(self.params, self.rows[rows]))

    def products(self, of: str = "probe", piece: slice | None = None) -> Callable[[Any], Any]:
        """v → Hv on these rows or a piece of them."""
        rows = self.rows[of]
        if piece is not None:
            rows = library("jax").tree.map(lambda one: one[piece] if one.ndim else one, rows)
        if not self._verified:
            self.exact, self._verified = self._has_second_derivatives(rows), True
        product = self._by_second_derivatives if self.exact else self._by_differences
        return lambda v: product(self.params, rows, v)

    def _has_second_derivatives(self, rows: Any) -> bool:
        """Functions with a backward pass of their own may not have them, as fused attention; a loss that fails at all raises."""
        given, shapes = (self.params, rows, self.shape.flat(self.params)), library("jax").eval_shape
        try:
            shapes(self._by_second_derivatives, *given)
        except Exception:
            shapes(self._by_differences, *given)
            return False
        return True

    @cached_property
    def _by_second_derivatives(self) -> Callable[[Any, Any, Any], Any]:
        """Forward over reverse."""
        jax, shape = library("jax"), self.shape

        def product(params: Any, rows: Any, v: Any) -> Any:
            slope = jax.grad(lambda one: self.loss(one, rows))
            return shape.flat(jax.jvp(slope, (params,), (shape.split(v),))[1])

        return jax.jit(product)

    @cached_property
    def _by_differences(self) -> Callable[[Any, Any, Any], Any]:
        """(∇L(w + hv) − ∇L(w − hv))/2h at h‖v‖ = 0.001."""
        jax, np, shape = library("jax"), library("jax.numpy"), self.shape

        def product(params: Any, rows: Any, v: Any) -> Any:
            slope = jax.grad(lambda one: self.loss(one, rows))
            h = (SHIFT_DOUBLE if v.dtype == np.float64 else SHIFT) / np.maximum(np.linalg.norm(v), 1e-30)
            w = shape.flat(params)
            right, left = (shape.flat(slope(shape.split(w + way * v))) for way in (h, -h))
            return (right - left) / (2 * h)

        return jax.jit(product)

    def edges(self) -> list[Edge] | None:
        """Of each leaf, for the step about to be taken; None while the rate is 0 and within an accumulation."""
        if self.small.within(self.state):
            return None
        linearisation = Linearisation(self.linear, self.state, self.params, self.small.times(self.state))
        try:
            found = linearisation.edge(verify=not self._verified)
        except NoEdge:
            return None
        self.remarks = found.remarks
        pieces = zip(self.shape.pieces(found.scale), found.memories, strict=True)
        return [Edge(scale, 0.0, memory) for scale, memory in pieces]

    def scale(self, edges: Sequence[Edge]) -> tuple[Any, float]:
        """Pθ of each coordinate, with the decay in it."""
        return self.shape.joined([one.scale for one in edges]), 0.0

    def median(self, scale: Any) -> float:
        """Of the scale."""
        return float(library("jax.numpy").median(scale))

    def joined(self, pieces: Sequence[Any]) -> Any:
        """Leaves as one vector."""
        return self.shape.joined(pieces)

    def split(self, v: Any) -> Any:
        """A vector as `position` takes it."""
        return v

    @cached_property
    def _position(self) -> Callable[[Any, Any], Any]:
        jax, np = library("jax"), library("jax.numpy")
        return jax.jit(lambda along, params: np.vdot(along, self.shape.flat(params)))

    def position(self, along: Any) -> float:
        """⟨along, w⟩."""
        return float(self._position(along, self.params))

    def random_direction(self) -> Any:
        """A direction of its own random numbers."""
        jax, like = library("jax"), self.shape.flat(self.params)
        return jax.random.normal(jax.random.key(0), like.shape, like.dtype)

    def layers(self, vector: Any) -> dict[str, float]:
        """Of a direction: the fraction of its square in each leaf."""
        total = float(vector @ vector)
        return {name: float((one * one).sum()) / total for name, one in zip(self.names, self.shape.pieces(vector), strict=True)}

    def close(self) -> None:
        """Nothing was hooked."""


def _names(params: Any) -> list[str]:
    """The path of each leaf; a UsageError if one is not an array of floating-point numbers."""
    jax, np = library("jax"), library("jax.numpy")
    found = jax.tree_util.tree_leaves_with_path(params)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") or "params" for path, _ in found]
    if type(params).__name__ == "LookaheadParams":
        raise UsageError("the edge of Lookahead is unknown: its slow weights move once in several steps")
    for name, (_, leaf) in zip(names, found, strict=True):
        if not np.issubdtype(getattr(leaf, "dtype", type(leaf)), np.floating):
            raise UsageError(f"{name} of the parameters is not an array of floating-point numbers: give what is trained alone")
    if not found:
        raise UsageError("there are no parameters")
    return names


def _devices(leaf: Any) -> Any:
    return leaf.devices() if hasattr(leaf, "devices") else ()


def _refused(make: Callable[[], Any]) -> Any:
    """What it makes; a UsageError where a transformation asks for more than gradient, state, weights and value."""
    try:
        return make()
    except UsageError:
        raise
    except Exception as problem:
        what = f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}"
        raise UsageError(f"this transformation cannot be watched: {what}") from None
