"""Normalisation layers of torch in place of which sums and products are computed, whose derivatives of all orders are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import library


def norms_written_out() -> Any:
    """A context in which torch normalises by the functions below."""
    torch: Any = library("torch")
    functional, plain = torch.nn.functional, dict[Any, Any]()
    base: Any = torch.overrides.TorchFunctionMode
    written: dict[str, Any] = {"layer_norm": _layer_norm, "group_norm": _group_norm, "batch_norm": _batch_norm,
                           "instance_norm": _instance_norm, "rms_norm": _rms_norm}  # fmt: skip
    for name, function in written.items():
        for place in (functional, torch):
            if hasattr(place, name):
                plain[getattr(place, name)] = function if place is functional else _refused(name)

    class Mode(base):  # type: ignore[misc]
        def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
            return plain.get(function, function)(*args, **(kwargs or {}))

    return Mode()


def _refused(name: str) -> Callable:
    def refuse(*args: Any, **options: Any) -> Any:
        raise UsageError(f"torch.{name} has wrong third derivatives; call torch.nn.functional.{name} or its module, which are "
                         "written out here")  # fmt: skip

    return refuse


def _centred(x: Any, axes: Any, eps: float) -> Any:
    """x with mean 0 and mean square 1 over these axes."""
    away = x - x.mean(axes, keepdim=True)
    return away / ((away * away).mean(axes, keepdim=True) + eps).sqrt()


def _by_channel(x: Any, weight: Any, bias: Any) -> Any:
    shape = (1, -1, *[1] * (x.dim() - 2))
    x = x if weight is None else x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


def _layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    x = _centred(x, tuple(range(-len(normalized_shape), 0)), eps)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    axes = tuple(range(-len(normalized_shape), 0))
    least = library("torch").finfo(x.dtype).eps if eps is None else eps
    x = x / ((x * x).mean(axes, keepdim=True) + least).sqrt()
    return x if weight is None else x * weight


def _group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    grouped = x.reshape(x.shape[0], num_groups, -1)
    return _by_channel(_centred(grouped, (2,), eps).reshape(x.shape), weight, bias)


def _instance_norm(
    x: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None, use_input_stats: bool = True,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    if not use_input_stats:
        return _batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    return _by_channel(_centred(x, tuple(range(2, x.dim())), eps), weight, bias)


def _batch_norm(
    x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    if training:
        raise UsageError("batch_norm in training mode couples rows; take GroupNorm or LayerNorm")
    shape = (1, -1, *[1] * (x.dim() - 2))
    return _by_channel((x - running_mean.reshape(shape)) / (running_var.reshape(shape) + eps).sqrt(), weight, bias)
