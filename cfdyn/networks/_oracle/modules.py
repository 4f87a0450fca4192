"""A module of torch prepared for derivatives: a copy in float64, without parts that have no derivatives or are random."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.by_torch import written_out
from cfdyn.networks._oracle.engine import library
from cfdyn.networks._oracle.row_means import averaged, check_mean_over_rows

if TYPE_CHECKING:
    from torch.nn import Module

    from cfdyn.networks._oracle.network import Network


DROPS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
ATTENTION = ("MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer")

KINKED = ("ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "Hardtanh", "Hardswish", "Hardsigmoid", "Threshold", "MaxPool1d",
          "MaxPool2d", "MaxPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "Softshrink",
          "Hardshrink")  # fmt: skip
# The same as functions, which a module may call without a part of that kind.
ROUGH = ("relu", "relu_", "relu6", "leaky_relu", "prelu", "rrelu", "hardtanh", "hardswish", "hardsigmoid", "threshold",
         "softshrink", "hardshrink", "max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
         "abs", "clamp", "clip", "clamp_min", "clamp_max", "maximum", "minimum", "max", "min", "amax", "amin", "sign", "floor",
         "ceil", "round", "l1_loss", "smooth_l1_loss", "huber_loss")  # fmt: skip
FUSED, NORMS = ("scaled_dot_product_attention",), ("layer_norm", "group_norm", "batch_norm", "instance_norm", "rms_norm")
DIFFERENCE, APART, ROUND_OFF = 1e-3, 1e-3, 1e-13
ADVICE = ("module and criterion may neither add up rows nor see one beside another; class weights are for "
          "torch.nn.CrossEntropyLoss(weight=…) or NLLLoss(weight=…), given as that object")  # fmt: skip


def converted(
    module: Module, criterion: Callable, rows: tuple[np.ndarray, ...], name: str
) -> tuple[tuple[Module, Callable], list[str], bool]:  # fmt: skip
    """Copies of module and criterion in float64, the changes made, and whether there are kinks."""
    torch = library("torch")
    _refuse(module, name)
    made = copy.deepcopy(module).double().cpu()
    part: Any
    for part in made.modules():
        if type(part).__name__ in DROPS:
            part.p = 0.0
        elif isinstance(getattr(part, "dropout", None), float):
            part.dropout = 0.0
    own = copy.deepcopy(criterion).double().cpu() if isinstance(criterion, torch.nn.Module) else criterion
    called = _try(made, own, rows, name)
    own, said = averaged(own, rows[1], name)
    rough = _parts(module, KINKED, called, ROUGH)
    remarks = [*_remarks(module, called), *said]
    if rough:
        remarks.append(f"there are kinks, which T[u, v] by automatic differentiation does not see: {', '.join(rough)}; no "
                       "statement about a central flow rests on it, and what one shows omits them")  # fmt: skip
    return (made, own), remarks, bool(rough)


def _refuse(module: Module, name: str) -> None:
    """Raise UsageError for a module that is not a function of its parameters."""
    torch = library("torch")
    for path, part in module.named_modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm) and (part.training or part.running_mean is None):
            raise UsageError(f"{name}: {path or type(part).__name__} is BatchNorm in training mode, which couples rows and "
                             "changes at each call; call module.eval() first, or take GroupNorm or LayerNorm")  # fmt: skip
    weights = [p for p in module.parameters() if p.requires_grad]
    if not weights:
        raise UsageError(f"{name} has no parameters that are trained")
    if any(not p.is_floating_point() for p in weights):
        raise UsageError(f"{name}: {weights[0].dtype} parameters; weights are floating-point numbers")


def _parts(module: Module, kinds: tuple[str, ...], called: list[str], functions: tuple[str, ...]) -> list[str]:
    """The parts of a module of some kinds, by name; if there are none, the functions of these kinds that it calls."""
    own = [path or type(part).__name__ for path, part in module.named_modules() if type(part).__name__ in kinds]
    return own or [name for name in called if name in functions]


def _remarks(module: Module, called: list[str]) -> Iterator[str]:
    torch = library("torch")
    short = sorted({str(p.dtype).removeprefix("torch.") for p in module.parameters() if p.dtype != torch.float64})
    if short:
        yield f"weights in {', '.join(short)} were converted to float64"
    parts = [(path or type(part).__name__, part) for path, part in module.named_modules()]
    drops = [path for path, part in parts if _drops(part)]
    if drops:
        yield f"dropout is switched off: {', '.join(drops)}"
    attention = _parts(module, ATTENTION, called, FUSED)
    if attention:
        yield f"attention is written out, as fused kinds have no second derivatives: {', '.join(attention)}"
    norms = [path for path, part in parts if "Norm" in type(part).__name__] or [name for name in called if name in NORMS]
    if norms:
        yield f"normalisation is written out, as torch's own third derivatives of it are wrong: {', '.join(norms)}"
    resting = [path for path, part in parts if getattr(part, "running_mean", None) is not None and not part.training]
    if resting:
        yield (f"normalised with frozen means and variances, as eval() has them, which no step changes: {', '.join(resting)}; "
               "training mode, which takes those of each batch, is another loss")  # fmt: skip
    first: dict[int, str] = {}
    for path, parameter in module.named_parameters(remove_duplicate=False):
        if id(parameter) in first:
            yield f"{path} is {first[id(parameter)]}: they are one set of weights"
        first.setdefault(id(parameter), path)
    frozen = [path for path, p in module.named_parameters() if not p.requires_grad]
    if frozen:
        yield f"frozen parameters are no weights: {', '.join(frozen)}"


def _drops(part: Module) -> bool:
    inner = getattr(part, "dropout", None)
    return bool(type(part).__name__ in DROPS and part.p or isinstance(inner, float) and inner)


def _watch(called: list[str]) -> AbstractContextManager:
    """A context that records the names of the torch functions called, each once."""

    class Mode(library("torch").overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, function: Callable, types: object, args: tuple = (), kwargs: dict[str, object] | None = None
        ) -> object:
            if (name := getattr(function, "__name__", "")) not in called:
                called.append(name)
            return function(*args, **(kwargs or {}))

    return Mode()


def _try(module: Module, criterion: Callable, rows: tuple[np.ndarray, ...], name: str) -> list[str]:
    """Make one call twice, and return the functions that it called.

    Raises UsageError for a loss that is not a number, that is random, or whose forward pass changes a buffer.
    """
    torch = library("torch")
    x, y = (torch.as_tensor(row) for row in rows)
    if len(x) != len(y):
        raise UsageError(f"{name}: there are {len(x)} inputs and {len(y)} targets")
    called: list[str] = []
    before = {key: value.clone() for key, value in module.named_buffers()}
    with torch.no_grad(), torch.random.fork_rng(devices=[]), written_out(), _watch(called):
        try:
            outputs = [module(x) for _ in range(2)]
            values = [criterion(output, y) for output in outputs]
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise UsageError(f"{name} cannot be called on this data: {str(error).strip().splitlines()[0]}") from None
    if not isinstance(values[0], torch.Tensor) or values[0].shape != () or not values[0].is_floating_point():
        raise UsageError(f"{name}: the criterion gives {_kind(values[0])}, but it must give a single number, the mean over rows")
    for tensor in (outputs[0], values[0]):
        if isinstance(tensor, torch.Tensor) and tensor.dtype != torch.float64:
            raise UsageError(f"{name} goes back to {tensor.dtype} within; leave out its .float() or dtype=")
    for key, value in module.named_buffers():
        if not torch.equal(before[key], value):
            raise UsageError(f"{name}: its forward pass changes {key}, so it is not a function of the weights; call "
                             "module.eval() first")  # fmt: skip
    if not torch.equal(values[0], values[1]) and not torch.isnan(values[0]):
        raise UsageError(f"{name} gives another loss at each call: something in it draws random numbers, such as "
                         "torch.nn.functional.dropout; remove that")  # fmt: skip
    return called


def _kind(value: object) -> str:
    return f"a tensor {list(value.shape)}" if hasattr(value, "shape") else type(value).__name__


def verify(network: Network, kinks: bool) -> None:
    """Raise UsageError if the loss is not a mean over rows, or T[u, u] is not the derivative of ∇²L u.

    The derivative is computed by differences with Richardson extrapolation.

    For some operations torch has wrong third derivatives without a warning. Known kinks lead to a remark instead.
    """
    check_mean_over_rows(network, ADVICE)
    if kinks:
        return
    w, u = network.start, np.random.default_rng(0).normal(size=network.dim)
    u /= np.linalg.norm(u)
    near, far = ((network.hvp(w + h * u, u) - network.hvp(w - h * u, u)) / (2 * h) for h in (DIFFERENCE, 2 * DIFFERENCE))
    measured, t = (4 * near - far) / 3, network.curvature_gradient(w, u, u)
    gap, size = float(np.linalg.norm(measured - t)), float(np.linalg.norm(measured))
    floor = ROUND_OFF / DIFFERENCE * float(np.linalg.norm(network.hvp(w, u)))
    if not gap <= APART * size + floor:
        raise UsageError(f"{network.title}: torch's third derivatives are {gap / max(size, 1e-300):.1g} away from differences of "
                         "its second ones, relative to these: an operation has wrong ones, or kinks that are no module "
                         "such as torch.nn.ReLU")  # fmt: skip
