"""Normalisation layers of torch, replaced by sums and products, whose derivatives of all orders are correct."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any, TypeAlias

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import Tensor, library

Given: TypeAlias = "Tensor | None"


def norms_written_out() -> AbstractContextManager:
    """A context in which torch normalises by the functions below."""
    torch: ModuleType = library("torch")
    functional, plain = torch.nn.functional, dict[Any, Any]()
    base: Any = torch.overrides.TorchFunctionMode
    written: dict[str, Callable[..., Tensor]] = {"layer_norm": _layer_norm, "group_norm": _group_norm, "batch_norm": _batch_norm,
                           "instance_norm": _instance_norm, "rms_norm": _rms_norm}  # fmt: skip
    for name, function in written.items():
        for place in (functional, torch):
            if hasattr(place, name):
                plain[getattr(place, name)] = function if place is functional else _refused(name)

    class Mode(base):  # type: ignore[misc]
        def __torch_function__(
            self, function: Callable, types: object, args: tuple = (), kwargs: dict[str, object] | None = None
        ) -> object:
            return plain.get(function, function)(*args, **(kwargs or {}))

    return Mode()


def _refused(name: str) -> Callable:
    def refuse(*args: object, **options: object) -> Tensor:
        raise UsageError(f"torch.{name} has wrong third derivatives; call torch.nn.functional.{name} or its module, which are "
                         "written out here")  # fmt: skip

    return refuse


def _centred(x: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    """x with mean 0 and mean square 1 over these axes."""
    away = x - x.mean(axes, keepdim=True)
    return away / ((away * away).mean(axes, keepdim=True) + eps).sqrt()


def _by_channel(x: Tensor, weight: Given, bias: Given) -> Tensor:
    shape = (1, -1, *[1] * (x.dim() - 2))
    x = x if weight is None else x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


def _layer_norm(
    x: Tensor, normalized_shape: Sequence[int], weight: Given = None, bias: Given = None, eps: float = 1e-5
) -> Tensor:
    x = _centred(x, tuple(range(-len(normalized_shape), 0)), eps)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _rms_norm(x: Tensor, normalized_shape: Sequence[int], weight: Given = None, eps: float | None = None) -> Tensor:
    axes = tuple(range(-len(normalized_shape), 0))
    least = library("torch").finfo(x.dtype).eps if eps is None else eps
    x = x / ((x * x).mean(axes, keepdim=True) + least).sqrt()
    return x if weight is None else x * weight


def _group_norm(x: Tensor, num_groups: int, weight: Given = None, bias: Given = None, eps: float = 1e-5) -> Tensor:
    grouped = x.reshape(x.shape[0], num_groups, -1)
    return _by_channel(_centred(grouped, (2,), eps).reshape(x.shape), weight, bias)


def _instance_norm(
    x: Tensor, running_mean: Given = None, running_var: Given = None, weight: Given = None, bias: Given = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    if not use_input_stats:
        return _batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    return _by_channel(_centred(x, tuple(range(2, x.dim())), eps), weight, bias)


def _batch_norm(
    x: Tensor, running_mean: Any, running_var: Any, weight: Given = None, bias: Given = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    if training:
        raise UsageError("batch_norm in training mode couples rows; take GroupNorm or LayerNorm")
    shape = (1, -1, *[1] * (x.dim() - 2))
    return _by_channel((x - running_mean.reshape(shape)) / (running_var.reshape(shape) + eps).sqrt(), weight, bias)
