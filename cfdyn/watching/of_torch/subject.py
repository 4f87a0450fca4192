"""A module of torch with its optimizers: weights as one vector, products with the Hessian on a probe, the scale Pθ."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import library
from cfdyn.watching.edge import Edge
from cfdyn.watching.heard import Heard
from cfdyn.watching.of_torch.edges import rule_of

SHIFT = 1e-3  # length of the shift of a difference of gradients
SHIFT_DOUBLE, DIFFERENT = 1e-6, 0.05  # the same in double precision; of a product: what rounding does not make
FEW = 32  # rows on which second derivatives are verified
MODES = ("eval", "train")
Clock = Callable[[], float]
EARLY = 20  # steps in which averages of squared gradients are noise


class Subject:
    """What is watched. Measurements leave modes, buffers, gradients and random numbers as they were."""

    def __init__(self, model: Any, optimizers: Sequence[Any], loss: Any, probe: Any, fresh: Any, mode: str, clock: Clock):
        self.torch = library("torch")
        if mode not in MODES:
            raise UsageError(f"mode is one of {', '.join(map(repr, MODES))}, not {mode!r}")
        self.model, self.optimizers, self.mode = model, list(optimizers), mode
        self.loss, self.rows = self._as_function(loss, probe), {"probe": probe, "fresh": fresh}
        self.exact, self.verified = True, False
        self.remarks: list[str] = []
        self._hooks = [one.register_step_pre_hook(self._before) for one in self.optimizers]
        self.clock, self.heard = clock, Heard(clock, self.value)
        self._rules = [rule_of(one) for one in self.optimizers]
        self.parts = self._parts()
        self.earliest = 1 if all(isinstance(one, self.torch.optim.SGD) for one in self.optimizers) else EARLY

    def _as_function(self, loss: Any, probe: Any) -> Callable[[Any, Any], Any]:
        torch = self.torch
        if loss is None and isinstance(probe, dict):
            return lambda model, rows: model(**rows).loss
        of_pair = isinstance(loss, torch.nn.modules.loss._Loss) or getattr(loss, "__module__", "") == "torch.nn.functional"
        if of_pair:
            if not isinstance(probe, Sequence) or len(probe) != 2:
                raise UsageError("with a loss of torch the probe is a pair (inputs, targets)")
            return lambda model, rows: loss(model(rows[0]), rows[1])
        if not callable(loss):
            raise UsageError("the loss is a loss of torch, a function loss(model, probe), or None with a dict of the model's "
                             "arguments as probe")  # fmt: skip
        return loss

    def _parts(self) -> list[tuple[str, Any, int, dict[str, Any]]]:
        """Name, parameter, place of its optimizer and its group, for all that is trained."""
        known = {id(p): name for name, p in self.model.named_parameters()}
        found = []
        for k, optimizer in enumerate(self.optimizers):
            for group in optimizer.param_groups:
                found += [(known[id(p)], p, k, group) for p in group["params"] if p.requires_grad and id(p) in known]
        if not found:
            raise UsageError("no parameter of the model is one of the optimizer's")
        return found

    def _before(self, optimizer: Any, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any] | None:
        """Before a step of an optimizer the norm of its gradient is heard: of a closure that makes it, after that."""
        place = next(k for k, one in enumerate(self.optimizers) if one is optimizer)
        closure = named.get("closure", given[1] if len(given) > 1 else None)
        if closure is None:
            self.heard.hear(lambda: self._norm(place), place)
            return None

        def heard(*args: Any) -> Any:
            value = closure(*args)
            self.heard.hear(lambda: self._norm(place), place)
            return value

        return (given, {**named, "closure": heard}) if "closure" in named else ((given[0], heard, *given[2:]), named)

    def _norm(self, place: int) -> float | None:
        """Of the gradient that an optimizer has now; None if it has none, or a sparse one."""
        gradients = [p.grad for _, p, k, _ in self.parts if k == place and p.grad is not None]
        if not gradients or any(one.is_sparse for one in gradients):
            return None
        norms = self.torch._foreach_norm([one.detach() for one in gradients])
        return float(self.torch.linalg.vector_norm(self.torch.stack([one.float().to(norms[0].device) for one in norms])))

    def take(self) -> bool:
        """A step was made: of a module nothing has to be given."""
        return True

    def gone(self) -> None:
        """Nothing is kept of a step."""

    def median(self, scale: Any) -> float:
        """Of the scale."""
        return float(scale.median())

    def close(self) -> None:
        """Take the hooks away."""
        for hook in self._hooks:
            hook.remove()

    @contextlib.contextmanager
    def measuring(self) -> Iterator[None]:
        """The model in the mode of measurements; random numbers and each module's mode come back."""
        torch, modes = self.torch, [(module, module.training) for module in self.model.modules()]
        devices = sorted({p.device for _, p, _, _ in self.parts if p.device.type == "cuda"}, key=str)
        normed = (torch.nn.modules.batchnorm._BatchNorm,)
        buffers = [(one, one.detach().clone()) for one in self.model.buffers()]
        with torch.random.fork_rng(devices=devices), torch.enable_grad(), torch.autocast("cpu", enabled=False), self._attention():
            try:
                if self.mode == "eval":
                    for module, training in modes:  # a bias before BatchNorm has no curvature in training, but has in eval mode
                        module.training = training and isinstance(module, normed)
                else:
                    torch.manual_seed(0)
                yield
            finally:
                for module, training in modes:
                    module.training = training
                for buffer, kept in buffers:
                    with torch.no_grad():
                        buffer.copy_(kept)

    def _attention(self) -> Any:
        """Attention by its formula: it has second derivatives; differences of the fused one are rounding in biases of keys."""
        attention = getattr(self.torch.nn, "attention", None)
        return attention.sdpa_kernel(attention.SDPBackend.MATH) if attention else contextlib.nullcontext()

    def value(self, rows: str = "probe") -> float:
        """The loss on the probe, or on the fresh rows."""
        with self.measuring(), self.torch.no_grad():
            return float(self.loss(self.model, self.rows[rows]))

    def count(self) -> int:
        """Rows of the probe; 0 if its tensors have different numbers of them."""
        lengths = {len(one) for one in _tensors(self.rows["probe"], self.torch) if one.ndim}
        return lengths.pop() if len(lengths) == 1 else 0

    def products(self, of: str = "probe", piece: slice | None = None) -> Callable[[Any], Any]:
        """v → Hv on these rows or a piece of them, with one forward pass for all; to be used within `measuring`."""
        rows = self.rows[of] if piece is None else _mapped(self.rows[of], lambda one: one[piece] if one.ndim else one, self.torch)
        if self.exact:
            try:
                if not self.verified:
                    self._verify(rows)
                product = self._by_second_derivatives(rows)
            except RuntimeError:  # fused attention and compiled graphs have no second derivatives
                self.exact = False
            if self.exact:
                return product
        return lambda v: self._by_differences(v, rows)

    def _verify(self, rows: Any) -> None:
        """Once, in double precision: functions with a backward pass of their own may lack terms without an error."""
        torch, self.verified = self.torch, True
        try:
            twin = copy.deepcopy(self.model).double()
            known, given = dict(twin.named_parameters()), _mapped(rows, _few_doubled, torch)
            weights = [known[name] for name, _, _, _ in self.parts]
            along = [torch.sin(torch.arange(1.0, p.numel() + 1)).to(p).view_as(p) for p in weights]
            slopes = torch.autograd.grad(self.loss(twin, given), weights, create_graph=True, allow_unused=True)
        except Exception as problem:  # a model that cannot be copied is watched all the same
            self.remarks.append(f"second derivatives were not verified: {type(problem).__name__}")
            return
        dot = sum((g * one).sum() for g, one in zip(slopes, along, strict=True) if g is not None and g.requires_grad)
        found = torch.autograd.grad(dot, weights, allow_unused=True) if torch.is_tensor(dot) else [None] * len(weights)
        ends, h = [], SHIFT_DOUBLE / sum(p.numel() for p in weights) ** 0.5
        for way in (h, -2 * h):
            with torch.no_grad():
                for p, one in zip(weights, along, strict=True):
                    p.add_(way * one)
            ends.append(torch.autograd.grad(self.loss(twin, given), weights, allow_unused=True))
        wrong = total = 0.0
        for one, right, left in zip(found, *ends, strict=True):
            if right is not None and left is not None:
                expected = (right - left) / (2 * h)
                wrong += float(((expected if one is None else one - expected) ** 2).sum())
                total += float((expected**2).sum())
        if wrong > DIFFERENT**2 * total:
            raise RuntimeError("second derivatives are not those of the gradient")

    def _by_second_derivatives(self, rows: Any) -> Callable[[Any], Any]:
        torch, weights = self.torch, [p for _, p, _, _ in self.parts]
        slopes = torch.autograd.grad(self.loss(self.model, rows), weights, create_graph=True, allow_unused=True)

        def product(v: Any) -> Any:
            pieces = self.split(v)
            dot = sum((g * one).sum() for g, one in zip(slopes, pieces, strict=True) if g is not None and g.requires_grad)
            if not torch.is_tensor(dot):
                return torch.zeros_like(v)
            return self._filled(torch.autograd.grad(dot, weights, retain_graph=True, allow_unused=True))

        product(self.joined([torch.zeros_like(p) for p in weights]))  # raises here what has no second derivatives
        return product

    def _by_differences(self, v: Any, rows: Any) -> Any:
        """(∇L(w + hv) − ∇L(w − hv))/2h at h‖v‖ = 0.001; the weights come back bit by bit."""
        torch, weights = self.torch, [p for _, p, _, _ in self.parts]
        h = SHIFT / max(float(v.norm()), 1e-30)
        kept, found = [p.detach().clone() for p in weights], []
        try:
            for way in (h, -h):
                with torch.no_grad():
                    for p, before, one in zip(weights, kept, self.split(v), strict=True):
                        p.copy_(before + way * one)
                slopes = torch.autograd.grad(self.loss(self.model, rows), weights, allow_unused=True)
                found.append(self._filled(slopes))
        finally:
            with torch.no_grad():
                for p, before in zip(weights, kept, strict=True):
                    p.copy_(before)
        return (found[0] - found[1]) / (2 * h)

    def _filled(self, pieces: Sequence[Any]) -> Any:
        """As `joined`; None stands for zeros."""
        weights = [p for _, p, _, _ in self.parts]
        return self.joined([self.torch.zeros_like(p) if one is None else one for one, p in zip(pieces, weights, strict=True)])

    def joined(self, pieces: Sequence[Any]) -> Any:
        """Tensors of the shapes of the weights as one vector, of single precision at least."""
        flat = [one.detach().reshape(-1) for one in pieces]
        return self.torch.cat([one if one.dtype == self.torch.float64 else one.float() for one in flat])

    def split(self, v: Any) -> list[Any]:
        """A vector as tensors of the shapes of the weights."""
        pieces = self.torch.split(v, [p.numel() for _, p, _, _ in self.parts])
        return [one.view_as(p).to(p.dtype) for one, (_, p, _, _) in zip(pieces, self.parts, strict=True)]

    def edges(self) -> list[Edge] | None:
        """Of each part, for the step about to be taken; None before the optimizers have a state."""
        try:
            return [self._rules[k](group, self.optimizers[k].state[p]) for _, p, k, group in self.parts]
        except KeyError:
            return None

    def scale(self, edges: Sequence[Edge]) -> tuple[Any, Any]:
        """Pθ and the decay of each coordinate."""
        torch = self.torch
        pairs = [(one, p) for one, (_, p, _, _) in zip(edges, self.parts, strict=True)]
        filled = [torch.as_tensor(one.scale, dtype=p.dtype, device=p.device).expand_as(p) for one, p in pairs]
        return self.joined(filled), self.joined([torch.full_like(p, one.decay) for one, p in pairs])

    def position(self, along: Sequence[Any]) -> float:
        """⟨along, w⟩; ``along``: the pieces of a direction."""
        pairs = zip(along, self.parts, strict=True)
        return float(sum(float(self.torch.dot(p.detach().reshape(-1), one.reshape(-1))) for one, (_, p, _, _) in pairs))

    def random_direction(self) -> Any:
        """A direction of its own random numbers."""
        torch, like = self.torch, self.joined([p for _, p, _, _ in self.parts])
        return torch.randn(len(like), generator=torch.Generator().manual_seed(0)).to(like)

    def rate(self) -> float:
        """The largest learning rate."""
        return max(float(group["lr"]) for optimizer in self.optimizers for group in optimizer.param_groups)

    def layers(self, vector: Any) -> dict[str, float]:
        """Of a direction: the fraction of its square in each parameter."""
        total = float((vector * vector).sum())
        pairs = zip(self.split(vector), self.parts, strict=True)
        return {name: float((one.float() ** 2).sum()) / total for one, (name, _, _, _) in pairs}


def _few_doubled(rows: Any) -> Any:
    """The first 32 rows, in double precision if they are floating-point numbers."""
    few = rows[:FEW] if rows.ndim else rows
    return few.double() if few.is_floating_point() else few


def _mapped(rows: Any, change: Callable[[Any], Any], torch: Any) -> Any:
    """Each tensor of nested lists, tuples and dicts changed."""
    if torch.is_tensor(rows):
        return change(rows)
    if isinstance(rows, Mapping):
        return {name: _mapped(one, change, torch) for name, one in rows.items()}
    return type(rows)(_mapped(one, change, torch) for one in rows) if isinstance(rows, list | tuple) else rows


def _tensors(rows: Any, torch: Any) -> list[Any]:
    found: list[Any] = []
    _mapped(rows, found.append, torch)
    return found
