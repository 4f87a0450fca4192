"""Ten small networks with data that they can learn in part, and what is large or dense and exact of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: no share was held against a dense Hessian")
from torch import nn  # noqa: E402


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.head = nn.GRU(3, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.places = nn.Embedding(9, 8), nn.Parameter(0.3 * torch.randn(6, 8))
        self.layer, self.head = nn.TransformerEncoderLayer(8, 2, 8, dropout=0.1, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layer(self.embedding(x) + self.places).mean(1))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 4, 3, padding=1, stride=2), nn.BatchNorm2d(4)
        self.one, self.two, self.head = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, x):
        x = self.norm(self.first(x))
        return self.head((x + self.two(torch.relu(self.one(torch.relu(x))))).mean((2, 3)))


class Tied(nn.Module):
    """The next symbol: the table of symbols is the last layer too."""

    def __init__(self):
        super().__init__()
        self.table, self.middle, self.out = nn.Embedding(9, 8), nn.Linear(48, 8), nn.Linear(8, 9, bias=False)
        self.out.weight = self.table.weight

    def forward(self, x):
        return self.out(torch.tanh(self.middle(self.table(x).flatten(1))))


def dense_layers(activation: type[nn.Module], *widths: int, norm: bool = False) -> nn.Module:
    layers: list[nn.Module] = []
    for a, b in zip(widths[:-2], widths[1:-1], strict=True):
        layers += [nn.Linear(a, b), *([nn.LayerNorm(b)] if norm else []), activation()]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 2, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)
    )


MODELS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "tanh": (lambda: dense_layers(nn.Tanh, 8, 16, 12, 3), "vectors"),
    "relu": (lambda: dense_layers(nn.ReLU, 8, 16, 12, 3), "vectors"),
    "gelu": (lambda: dense_layers(nn.GELU, 8, 16, 12, 3), "vectors"),
    "LayerNorm": (lambda: dense_layers(nn.Tanh, 8, 14, 12, 3, norm=True), "vectors"),
    "autoencoder": (lambda: dense_layers(nn.Tanh, 16, 8, 3, 8, 16), "pictures"),
    "CNN with BatchNorm": (convolutions, "images"),
    "ResNet": (Residual, "images"),
    "GRU": (Gru, "sequences"),
    "transformer": (Transformer, "symbols"),
    "tied": (Tied, "next"),
}


def data(kind: str, n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs with targets of a rule that is the same for each seed, and with noise in a tenth of the labels."""
    rng, rule = np.random.default_rng(seed), np.random.default_rng(77)
    if kind in ("symbols", "next"):
        x = rng.integers(0, 9, (n, 6))
        y = (x[:, 0] + 2 * x[:, 3]) % 9 if kind == "next" else (x == 4).sum(1).clip(max=2)
        return torch.tensor(x), torch.tensor(np.where(rng.random(n) < 0.1, rng.integers(0, y.max() + 1, n), y))
    shape = {"vectors": (8,), "pictures": (4,), "images": (1, 6, 6), "sequences": (6, 3)}[kind]
    x = rng.normal(size=(n, *shape))
    if kind == "pictures":
        x = np.tanh(x @ rule.normal(size=(4, 16))) + 0.1 * rng.normal(size=(n, 16))
        return torch.tensor(x, dtype=torch.float32), torch.tensor(x, dtype=torch.float32)
    flat = x.reshape(n, -1)
    scores = np.tanh(flat @ rule.normal(size=(flat.shape[1], 6)) / 2) @ rule.normal(size=(6, 3))
    y = np.where(rng.random(n) < 0.1, rng.integers(0, 3, n), scores.argmax(1))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class Case(NamedTuple):
    """A model with its loss, of which the module and the function are the same, and the kind of its data."""

    model: nn.Module
    loss: nn.Module
    kind: str


def case(name: str, seed: int = 0) -> Case:
    torch.manual_seed(seed)
    make, kind = MODELS[name]
    return Case(make(), nn.MSELoss() if kind == "pictures" else nn.CrossEntropyLoss(), kind)


class Exact:
    """The loss on some rows in double precision as a function of one vector of all weights, without dropout and with the means
    of these rows in BatchNorm; its Hessian."""

    def __init__(self, one: Case, rows: tuple[torch.Tensor, torch.Tensor]):
        self.model = copy.deepcopy(one.model).double().eval()
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train()
        self.shapes = {name: p.shape for name, p in self.model.named_parameters()}
        self.at = torch.cat([p.detach().reshape(-1) for p in self.model.parameters()]).requires_grad_()
        self.rows = tuple(x.double() if x.is_floating_point() else x for x in rows)
        pieces = torch.split(self.at, [shape.numel() for shape in self.shapes.values()])
        given = {name: piece.view(shape) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)}
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            out = torch.func.functional_call(self.model, given, (self.rows[0],), tie_weights=True)
            self.slope = torch.autograd.grad(one.loss(out, self.rows[1]), self.at, create_graph=True)[0]

    def product(self, v: Any) -> np.ndarray:
        return torch.autograd.grad(self.slope, self.at, torch.as_tensor(v).reshape(-1), retain_graph=True)[0].numpy()

    def hessian(self) -> np.ndarray:
        return np.stack([self.product(row) for row in np.eye(len(self.at))])


def trained(one: Case, optimizer: Any, rows: tuple[Any, Any], steps: int, watch: Any = None, batch: int | None = None, seed: int = 1):
    """Steps on all rows or on batches of them, with a yield after each."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        chosen = torch.randint(len(rows[0]), (batch,), generator=generator) if batch else slice(None)
        optimizer.zero_grad()
        loss = one.loss(one.model(rows[0][chosen]), rows[1][chosen])
        loss.backward()
        optimizer.step()
        if watch:
            watch.step(loss)
        yield float(loss.detach())


def scale(optimizer: Any, model: nn.Module) -> tuple[np.ndarray, float]:
    """Pθ of each weight for the next step, and the decay that adds to the curvature, from the papers' formulas."""
    group, kind = optimizer.param_groups[0], type(optimizer).__name__
    rate, decay = group["lr"], group["weight_decay"]
    state = [optimizer.state[p] for p in model.parameters()]

    def joined(name: str) -> np.ndarray:
        return torch.cat([one[name].reshape(-1) for one in state]).double().numpy()

    if kind == "SGD":
        mu = group["momentum"]
        factor = 2 * (1 + mu) / (1 + 2 * mu) if group["nesterov"] else 2 * (1 + mu) / (1 - group["dampening"])
        return np.full(sum(p.numel() for p in model.parameters()), factor / rate), decay
    eps, t = group.get("eps"), float(state[0]["step"])
    if kind == "RMSprop":
        v = joined("square_avg") - (joined("grad_avg") ** 2 if group["centered"] else 0)
        return 2 * (1 + group["momentum"]) * (np.sqrt(v) + eps) / rate, decay
    if kind == "Adagrad":
        return 2 * (np.sqrt(joined("sum")) + eps) / (rate / (1 + t * group["lr_decay"])), decay
    if kind == "Adadelta":
        return 2 * np.sqrt((joined("square_avg") + eps) / (joined("acc_delta") + eps)) / rate, decay
    b1, b2 = group["betas"]
    theta = 2 * (1 + b1) / (1 - b1) * (1 - b1 ** (t + 1))  # the bias correction of the next step
    if kind == "Adamax":
        return theta * joined("exp_inf") / rate, decay
    corrected = np.sqrt(joined("max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq") / (1 - b2**t)) + eps
    if kind == "AdamW":
        return theta / 2 * corrected * (2 - rate * decay) / rate, 0.0
    return theta * corrected / rate, decay


def dense_share(one: Case, optimizer: Any, rows: tuple[Any, Any]) -> float:
    """The largest eigenvalue of (Pθ)^−½ (H + d) (Pθ)^−½ by the whole matrix."""
    size, decay = scale(optimizer, one.model)
    matrix = Exact(one, rows).hessian()
    return float(np.linalg.eigvalsh((matrix + decay * np.eye(len(size))) / np.sqrt(np.outer(size, size)))[-1])
