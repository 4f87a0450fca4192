"""Modules of torch, differentiated by torch.func, in float64."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.networks._oracle.engine import Products, Tensor, library
from cfdyn.networks._oracle.torch_norms import norms_written_out

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch.nn import Module


ROWS = 16  # at once, where each is seen alone


class TorchEngine:
    """The mean loss ``criterion(module(x), y)`` over rows (x, y), as products at the flat vector of the module's parameters."""

    predicts = True

    def __init__(self, module: Module, criterion: Callable, rows: tuple[np.ndarray, ...]):
        self._made = module, criterion
        self.rows = rows
        torch = library("torch")
        self._names = [name for name, p in module.named_parameters() if p.requires_grad]
        self._shapes = [p.shape for p in module.parameters() if p.requires_grad]
        self._fixed = {name: p.detach() for name, p in module.named_parameters() if not p.requires_grad}
        flat = [p.detach().reshape(-1) for p in module.parameters() if p.requires_grad]
        self.start = torch.cat(flat).cpu().numpy().copy() if flat else np.zeros(0)
        self._placed = tuple(torch.as_tensor(row) for row in rows)

    def __reduce__(self) -> tuple:
        return TorchEngine, (*self._made, self.rows)

    def __deepcopy__(self, memo: dict[int, object]) -> TorchEngine:
        return TorchEngine(copy.deepcopy(self._made[0], memo), self._made[1], self.rows)

    def unravel(self, w: np.ndarray | Tensor) -> dict[str, Tensor]:
        """The parameters by name."""
        torch, parts, begin = library("torch"), {}, 0
        flat = w if isinstance(w, torch.Tensor) else torch.as_tensor(np.asarray(w, dtype=float))
        for name, shape in zip(self._names, self._shapes, strict=True):
            parts[name] = flat[begin : begin + shape.numel()].view(shape)
            begin += shape.numel()
        return parts

    def predict(self, w: np.ndarray, x: ArrayLike) -> np.ndarray:
        """The outputs at inputs x (n, …)."""
        torch = library("torch")
        given = torch.as_tensor(np.asarray(x))
        with torch.no_grad(), written_out():
            out = self._outputs(torch.as_tensor(w), given.double() if given.is_floating_point() else given)
        return out.numpy()

    def call(self, name: str, rows: np.ndarray | None, *vectors: np.ndarray) -> Products:
        """One of the products; directions one after the other."""
        torch = library("torch")
        data = self._placed if rows is None else tuple(part[torch.as_tensor(rows)] for part in self._placed)
        w, *directions = (torch.as_tensor(np.array(vector, order="C")) for vector in vectors)
        with written_out():
            outputs = getattr(self, f"_{name}")(lambda z: self._loss(z, data), w, *directions)
        return tuple(part.detach().numpy() for part in outputs) if isinstance(outputs, tuple) else outputs.detach().numpy()

    def _outputs(self, w: Tensor, x: Tensor) -> Tensor:
        return library("torch").func.functional_call(self._made[0], {**self._fixed, **self.unravel(w)}, (x,))

    def _loss(self, w: Tensor, data: tuple[Tensor, ...]) -> Tensor:
        return self._made[1](self._outputs(w, data[0]), data[1])

    @staticmethod
    def _value(f: Callable, w: Tensor) -> Tensor:
        return f(w)

    @staticmethod
    def _gradient(f: Callable, w: Tensor) -> Tensor:
        return library("torch").func.grad(f)(w)

    @staticmethod
    def _value_and_gradient(f: Callable, w: Tensor) -> tuple[Tensor, Tensor]:
        gradient, value = library("torch").func.grad_and_value(f)(w)
        return value, gradient

    @staticmethod
    def _jet(f: Callable, w: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        func = library("torch").func
        hu, g = _along(func.grad(f), u)(w), func.grad(f)(w)
        return g, hu, _along(_along(func.grad(f), u), u)(w)

    @staticmethod
    def _hvps(f: Callable, w: Tensor, v: Tensor) -> Tensor:
        gradient = library("torch").func.grad(f)
        return library("torch").stack([_along(gradient, one)(w) for one in v])

    @staticmethod
    def _curvature_gradients(f: Callable, w: Tensor, u: Tensor, v: Tensor) -> Tensor:
        gradient = library("torch").func.grad(f)
        return library("torch").stack([_along(_along(gradient, a), b)(w) for a, b in zip(u, v, strict=True)])

    def _rows_along(self, f: Callable, w: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """For each row the slope along directions (k, d) and the Hessian on them, several rows at once."""
        torch = library("torch")
        if not len(u):
            return torch.zeros(len(self.rows[0]), 0), torch.zeros(len(self.rows[0]), 0, 0)

        def one(*row: Tensor) -> tuple[Tensor, Tensor]:
            gradient = torch.func.grad(lambda a: self._loss(w + a @ u, tuple(part[None] for part in row)))
            none = torch.zeros(len(u), dtype=w.dtype)
            return gradient(none), torch.func.jacrev(gradient)(none)

        slopes, bends = self._each(one, self._placed)
        return slopes, bends

    def _row_squares(self, f: Callable, w: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """The means over rows of g² and of (Hu)², the latter's sum over directions (k, d)."""
        torch, n = library("torch"), len(self.rows[0])

        def one(*row: Tensor) -> tuple[Tensor, Tensor]:
            gradient = torch.func.grad(lambda x: self._loss(x, tuple(part[None] for part in row)))
            return gradient(w) ** 2, sum((_along(gradient, v)(w) ** 2 for v in u), torch.zeros_like(w))

        parts = (self._each(one, tuple(part[k : k + ROWS] for part in self._placed)) for k in range(0, n, ROWS))
        slopes, bends = zip(*((a.sum(dim=0), b.sum(dim=0)) for a, b in parts), strict=True)
        return sum(slopes) / n, sum(bends) / n

    @staticmethod
    def _each(one: Callable, data: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """A function of each row, several rows at once."""
        torch = library("torch")
        try:
            return torch.func.vmap(one, chunk_size=ROWS)(*data)
        except RuntimeError:  # a layer that cannot take several rows apart
            outputs = [one(*row) for row in zip(*data, strict=True)]
            return tuple(torch.stack(part) for part in zip(*outputs, strict=True))

    @staticmethod
    def _fourth(f: Callable, w: Tensor, q: Tensor) -> Tensor:
        gradient = library("torch").func.grad(f)
        return library("torch").stack([_along(_along(_along(gradient, one), one), one)(w) @ one for one in q])


def _along(field: Callable, direction: Tensor) -> Callable:
    """The derivative of a gradient field along a direction: that of its product with it, since the Hessian is symmetric.

    In reverse mode only: many of torch's backward formulas have no forward derivative.
    """
    return library("torch").func.grad(lambda x: field(x) @ direction)


@contextlib.contextmanager
def written_out() -> Iterator[None]:
    """Attention and normalisation by sums and products: fused attention has no second derivatives, and torch's own third
    derivatives of LayerNorm and GroupNorm are wrong (they treat the variance of the inputs as a constant)."""
    torch = library("torch")
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH), norms_written_out():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
