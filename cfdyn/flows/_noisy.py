"""The central flow of stochastic gradients, behind `cfdyn.flows.central`."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from cfdyn.arguments import number, table, whole_number
from cfdyn.errors import UsageError
from cfdyn.flows._descent import descent
from cfdyn.symbolic.flow import FlowSpec, PreconditionedNodes
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.model import ModelNodes, ModelSpec, Part
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.steps import row_node, squared
from cfdyn.systems.flow import Flow, Kernel
from cfdyn.systems.loss import Loss
from cfdyn.systems.second_moments import MOST_FLAT, SEEN, noise_share
from cfdyn.tape.derivatives import directional, forward, hessian, reverse
from cfdyn.tape.program import Node, Program
from cfdyn.tape.rebuild import rebuild

MOST = 40  # weights: pairs of directions make matrices of d⁴/4 numbers
LABEL = "y"
PRECONDITIONED = ("rmsprop", "scalar_rmsprop", "adagrad", "adam")
MODELS = ("gd", "heavy_ball", "nesterov", "ema_momentum")


class Noise(NamedTuple):
    """What is random in a gradient: the rows of a batch (all of them if None), their labels, and noise of a covariance."""

    batch: int | None
    replace: bool
    label: float
    covariance: np.ndarray | None

    def settings(self) -> dict[str, Any]:
        """For titles."""
        said: dict[str, Any] = {} if self.batch is None else {"batch": self.batch}
        if not self.replace:
            said["replace"] = False
        if self.label:
            said["label_noise"] = self.label
        if self.covariance is not None:
            said["noise"] = f"of trace {np.trace(self.covariance):.6g}"
        return said


def checked(loss: Loss, batch: int | None, replace: bool, noise: Any, label_noise: float) -> Noise | None:
    """The noise that these arguments mean; None for none at all, as of a batch of all rows without replacement."""
    rows, label = loss.spec.rows, number("label_noise", label_noise, finite=True)
    if label < 0:
        raise UsageError(f"`label_noise` is the standard deviation of a label, not {label:g}")
    if batch is not None or label:
        if rows is None:
            raise UsageError(f"batches and labels are of rows of data, and the loss {loss.spec.title} has none; give `noise`")
        batch = None if batch is None else whole_number("batch", batch, 1)
        if batch is not None and not replace and batch > len(rows):
            raise UsageError(f"a batch without replacement has at most all {len(rows)} rows, not {batch}")
    if label and LABEL not in loss.spec.columns:
        raise UsageError(f"`label_noise` is of the column {LABEL!r}; this loss has {', '.join(loss.spec.columns)}")
    covariance = None if noise is None else _covariance(loss, noise)
    whole = batch is None or (rows is not None and not replace and batch == len(rows))
    if whole and not label and covariance is None:
        return None
    return Noise(batch, bool(replace), label, covariance)


def _covariance(loss: Loss, noise: Any) -> np.ndarray:
    """A covariance (d, d), from itself or from one variance for each weight."""
    d = loss.dim
    variances = isinstance(noise, Iterable) and all(map(np.isscalar, noise))
    given = np.diag(table("noise", noise, 1)) if variances else table("noise", noise, 2)
    if given.shape != (d, d) or not np.isfinite(given).all() or not np.allclose(given, given.T, rtol=1e-12, atol=0):
        raise UsageError(f"`noise` is the covariance of a step's gradient, symmetric ({d}, {d}), or {d} variances")
    if np.linalg.eigvalsh(given)[0] < -1e-12 * np.abs(given).max():
        raise UsageError("`noise` is a covariance, so none of its eigenvalues is negative")
    return given


def noisy_flow(loss: Loss, optimizer: Optimizer, noise: Noise, cut: float, flat: bool) -> Flow:
    """The flow with this noise."""
    from cfdyn.kernels.models import noise_seen, noisy

    tau = number("cut", cut)
    if not 1e-6 <= tau <= 0.5:
        raise UsageError(f"`cut` is the ηλ of a sharp direction, from 1e-6 to 0.5, not {cut:g}")
    preconditioned = optimizer.name in PRECONDITIONED
    made = descent("central with noise", loss, optimizer, (*MODELS, *PRECONDITIONED))
    d, columns, rows = made.n_weights, made.loss.columns, made.loss.rows
    if d > MOST:
        raise UsageError(f"the central flow with noise needs moments of all pairs of directions: at most {MOST} weights, not {d}")
    if flat and d > MOST_FLAT:
        raise UsageError(f"`flat` looks at noise on all pairs of directions: at most {MOST_FLAT} weights, not {d}")
    if flat and preconditioned:
        raise UsageError(f"`flat` is made for {', '.join(MODELS)}, not for {optimizer.name}")
    parts = {"curvature": Part(_curvature, d + d * d), "push": Part(_push, d, d * d)}
    parts |= {name: Part(partial(_row, make), d + d * d, len(columns)) for name, make in ROWS.items() if columns}
    if noise.label:
        _check_label(made, columns)
    settings = noise.settings() | ({"flat": True} if flat else {})
    n, beta = 0 if rows is None else len(rows), made.params.get("beta1" if preconditioned else "momentum", 0.0)
    if preconditioned:
        parts |= {"lengths": Part(_lengths, d)}
        spec: ModelSpec | NoisySpec = NoisySpec("central", "plain", made, parts=parts, settings=settings, work=3 + 4 * d)
        parts["push"] = Part(_push_states, len(spec.names), d * d + d)
        kick = 1.0
    else:
        spec = ModelSpec("central", made, parts, settings=settings, work=3 + 4 * d)
        kick = made.params["lr"] * (1 - made.params.get("dampening", beta if optimizer.name == "ema_momentum" else 0.0))
    batch, pace = noise.batch or n, math.nan if preconditioned else kick / (1 - beta)
    sizes = {
        "rows": n if noise.batch or noise.label else 0, "columns": len(columns), "pairs": d * (d + 1) // 2, "cut": tau,
        "beta": beta, "ahead": beta if optimizer.name == "nesterov" else 0.0, "flat": int(flat), "scaled": int(preconditioned),
        "sampled": noise_share(n, batch, noise.replace) if noise.batch else 0.0,
        "labels": int(noise.label > 0), "labelled": noise.label**2 / max(batch, 1),
        "noise": np.zeros((d, d)) if noise.covariance is None else kick * kick * noise.covariance,
    }  # fmt: skip
    if sizes["rows"]:
        sizes["table"] = rows
    seen = d * d * (1 + int(flat)) + SEEN
    return Flow(spec, kernel=Kernel(noisy.noisy, noisy.Noisy, tuple(parts), d, sizes, noise_seen.seen_noise, seen, pace))


class NoisySpec(FlowSpec):
    """A flow whose state has a preconditioner's, with parts for a kernel."""

    def __init__(self, *given: Any, parts: Mapping[str, Part], settings: Mapping[str, Any], work: float):
        super().__init__(*given)
        for name, value in (("parts", parts), ("settings", settings), ("work", work)):
            object.__setattr__(self, name, value)

    @property
    def title(self) -> str:
        return f"central flow ({', '.join(f'{k}={v}' for k, v in self.settings.items())}) of {self.map.title}"

    @property
    def key(self) -> str:
        return f"noisy {super().key}"

    def program(self, what: str) -> Program:
        part = self.parts.get(what)
        if part is None:
            return super().program(what)
        nodes = PreconditionedNodes(self)
        return nodes.program(part.make(nodes), part.inputs)

    def size(self, what: str) -> int:
        part = self.parts.get(what)
        return super().size(what) if part is None else part.outputs

    def has(self, what: str) -> bool:
        return what in self.parts or super().has(what)


def _lengths(nodes: PreconditionedNodes) -> list[Node]:
    """D = √((1 − β)/P), (d,)."""
    t, left = nodes.tape, nodes.hyperparameters.get("beta1", nodes.tape.const(0))
    return [t.apply("sqrt", t.div(t.sub(t.const(1), left), pace)) for pace in nodes.pace]


def _push_states(nodes: PreconditionedNodes) -> list[Node]:
    """−GP⁻¹(g + ½∇⟨H, Σ⟩), then f(s, E g²), (n,), for Σ (d²) and E g² − (E g)² (d,) behind the state."""
    t, d = nodes.tape, nodes.d
    sigma, more = nodes.inputs(0, d * d), nodes.inputs(d * d, d)
    weights = [t.neg(t.div(slope, pace)) for slope, pace in zip(_moved(nodes, sigma), nodes.pace, strict=True)]
    if nodes.n == d:
        return weights
    fresh = t.leaves("w", d)
    rates = nodes.state_rates(fresh)
    for j in range(d):
        axis = [t.const(int(i == j)) for i in range(d)]
        bends = directional(t, nodes.state_rates(fresh), fresh, [axis, axis])
        rates = [t.add(rate, t.mul(t.div(bend, t.const(2)), more[j])) for rate, bend in zip(rates, bends, strict=True)]
    return weights + rebuild(t, rates, t, dict(zip(fresh, nodes.gradient, strict=True)))


def _scaled(nodes: Any, slope: list[Node], bent: list[list[Node]]) -> list[Node]:
    """η times a gradient (d,) and a Hessian (d²), or with a preconditioner D times them, DHD."""
    if not isinstance(nodes, PreconditionedNodes):
        return nodes.times(_kick(nodes), slope + sum(bent, []))
    t, lengths = nodes.tape, _lengths(nodes)
    turned = [t.mul(t.mul(a, h), b) for a, row in zip(lengths, bent, strict=True) for b, h in zip(lengths, row, strict=True)]
    return [t.mul(a, g) for a, g in zip(lengths, slope, strict=True)] + turned


def _kick(nodes: ModelNodes) -> Node:
    """What a gradient is multiplied by when it first moves the weights, η without momentum."""
    t, p = nodes.tape, nodes.parameters
    left = p.get("dampening", p["momentum"] if nodes.optimizer.name == "ema_momentum" else t.const(0))
    return t.mul(nodes.lr, t.sub(t.const(1), left))


def _curvature(nodes: ModelNodes) -> list[Node]:
    """ηg (d,), then ηH row by row (d²)."""
    return _scaled(nodes, nodes.gradient, hessian(nodes.tape, nodes.value, nodes.w))


def _moved(nodes: Any, sigma: list[Node]) -> list[Node]:
    """g + ½∇⟨H, Σ⟩, (d,), for Σ (d²), of which the upper triangle is read."""
    t, d = nodes.tape, nodes.d
    second = hessian(t, nodes.value, nodes.w)
    mixed = t.total(t.mul(second[i][j], sigma[i * d + j]) for i in range(d) for j in range(i + 1, d))
    half = t.div(t.total(t.mul(second[i][i], sigma[i * d + i]) for i in range(d)), t.const(2))
    return reverse(t, t.total([nodes.value, half, mixed]), nodes.w)


def _push(nodes: ModelNodes) -> list[Node]:
    """−G η(g + ½∇⟨H, Σ⟩), (d,), for Σ (d²) behind the state."""
    t = nodes.tape
    pace = t.div(_kick(nodes), t.sub(t.const(1), nodes.parameters["momentum"])) if "momentum" in nodes.parameters else nodes.lr
    return nodes.times(t.neg(pace), _moved(nodes, nodes.inputs(0, nodes.d**2)))


def _row(make: Callable[[ModelNodes, list[Node]], Node], nodes: ModelNodes) -> list[Node]:
    """η times gradient and Hessian of what is made of a row of data, which stands behind the state."""
    t = nodes.tape
    value = make(nodes, nodes.inputs(0, len(nodes.spec.map.loss.columns)))
    return _scaled(nodes, reverse(t, value, nodes.w), hessian(t, value, nodes.w))


def _row_loss(nodes: ModelNodes, row: list[Node]) -> Node:
    """The loss of a row, with the penalty that weight decay stands for."""
    t, value = nodes.tape, row_node(nodes.tape, nodes.spec.map.loss, nodes.w, nodes.parameters, row)
    if nodes.optimizer.gradient is None:
        return value
    return t.add(value, t.mul(t.div(nodes.parameters["weight_decay"], t.const(2)), squared(t, nodes.w)))


def _label_slope(nodes: ModelNodes, row: list[Node]) -> Node:
    """The change of a row's loss with its label."""
    columns = nodes.spec.map.loss.columns
    if LABEL not in columns:
        return nodes.tape.const(0)
    value = row_node(nodes.tape, nodes.spec.map.loss, nodes.w, nodes.parameters, row)
    return forward(nodes.tape, [value], {row[columns.index(LABEL)]: nodes.tape.const(1)})[0]


ROWS = {"row": _row_loss, "label": _label_slope}


def _check_label(made: LossMap, columns: tuple[str, ...]) -> None:
    """An error where gradients are not linear in the label: noise of it would move their mean."""
    nodes = ModelNodes(ModelSpec("central", made, {}))
    row = nodes.inputs(0, len(columns))
    slopes = reverse(nodes.tape, _label_slope(nodes, row), nodes.w)
    label = row[columns.index(LABEL)]
    if any(nodes.tape.value(bend) != 0 for bend in forward(nodes.tape, slopes, {label: nodes.tape.const(1)})):
        raise UsageError(f"`label_noise` needs gradients that are linear in the label {LABEL!r}, as of squared errors")
