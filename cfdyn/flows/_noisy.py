"""The central flow of stochastic gradients, behind `cfdyn.flows.central`: the optimizers it accepts, and its parts on a tape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from cfdyn.arguments import number, table, whole_number
from cfdyn.errors import UsageError
from cfdyn.flows._descent import descent
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.flow import FlowSpec, Preconditioned
from cfdyn.symbolic.programs.model import ModelNodes, ModelSpec, Part
from cfdyn.symbolic.steps import row_node, squared
from cfdyn.systems.fields import Kernel
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow, RowNoise
from cfdyn.systems.sgd.second_moments import MOST_FLAT, SEEN, noise_share
from cfdyn.tape.derivatives import directional, forward, hessian, reverse
from cfdyn.tape.program import Node, Program
from cfdyn.tape.rebuild import rebuild

FINE, COARSE = 0.01, 0.1  # ηλ of a sharp direction, of a formula and of many weights
MOST = 40  # weights: pairs of directions make matrices of d⁴/4 numbers
PRECONDITIONED = ("rmsprop", "scalar_rmsprop", "adagrad", "adam")
MODELS = ("gd", "heavy_ball", "nesterov", "ema_momentum")
LABEL = "y"  # the column of labels


class Noise(NamedTuple):
    """The random parts of a gradient: the rows of a batch (all of them if None), their labels, and noise of a covariance."""

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
    """The noise that these arguments mean; None if they mean none, as for a batch of all rows without replacement."""
    rows, label = loss.spec.rows, number("label_noise", label_noise, finite=True)
    if label < 0:
        raise UsageError(f"`label_noise` is the standard deviation of a label, not {label:g}")
    if batch is not None or label:
        if rows is None:
            raise UsageError(f"batches and labels are of rows of data, and the loss {loss.spec.title} has none; give `noise`, "
                             "or a loss with data, such as tanh_network")
        batch = None if batch is None else whole_number("batch", batch, 1)
        if batch is not None and not replace and batch > len(rows):
            raise UsageError(f"a batch without replacement has at most all {len(rows)} rows, not {batch}")
    if label and LABEL not in loss.spec.columns:
        raise UsageError(f"`label_noise` is of the column {LABEL!r}; this loss has {', '.join(loss.spec.columns)}")
    covariance = None if noise is None else covariance_of(loss.dim, noise)
    whole = batch is None or (rows is not None and not replace and batch == len(rows))
    if whole and not label and covariance is None:
        return None
    return Noise(batch, bool(replace), label, covariance)


def noisy_oracle_flow(loss: Any, optimizer: Optimizer, batch: int, replace: bool, cut: float | None) -> MatrixFreeFlow:
    """The flow of batches of a loss that is not a formula; with all rows, each once, the flow without noise."""
    plain = MatrixFreeFlow("central", "central", loss, optimizer)
    if why := why_noiseless(plain):
        raise UsageError(f"{why}; leave `batch` out for the flow of all rows")
    batch = whole_number("batch", batch, 1)
    if not replace and batch > loss.n_rows:
        raise UsageError(f"a batch without replacement has at most all {loss.n_rows} rows, not {batch}")
    if not replace and batch == loss.n_rows:
        return plain
    noise = RowNoise(batch, bool(replace), _cut(COARSE if cut is None else cut))
    return MatrixFreeFlow("central", "noisy", loss, optimizer, noise)


def why_noiseless(flow: MatrixFreeFlow) -> str:
    """Why a loss that is not a formula has only the flow of all rows, not of batches; empty if it has one of batches."""
    loss: Any = flow.oracle
    recursion, name = flow.own.recursion, flow.optimizer.name
    if not recursion.linear:
        return f"the flow of batches is of steps that are linear in the gradients, and those of {name} are not"
    if not recursion.steady(flow.optimizer.params):
        return f"the flow of batches is of steps of which P alone moves, and of {name} the momentum moves, too"
    wanted = ("n_rows", "rows_along", *(["row_squares"] if flow.own.states else []))
    missing = [name for name in wanted if not hasattr(loss, name)]
    if missing or not loss.n_rows:
        return f"batches are of rows of data, and {type(loss).__name__} has no {' and no '.join(missing) or 'rows'}"
    return ""


def _cut(cut: float) -> float:
    tau = number("cut", cut)
    if not 1e-6 <= tau <= 0.5:
        raise UsageError(f"`cut` is the ηλ of a sharp direction, from 1e-6 to 0.5, not {cut:g}")
    return tau


def covariance_of(d: int, noise: Any) -> np.ndarray:
    """A covariance (d, d), from itself or from one variance for each of d weights."""
    variances = isinstance(noise, Iterable) and all(map(np.isscalar, noise))
    given = np.diag(table("noise", noise, 1)) if variances else table("noise", noise, 2)
    if given.shape != (d, d) or not np.isfinite(given).all() or not np.allclose(given, given.T, rtol=1e-12, atol=0):
        raise UsageError(f"`noise` is the covariance of a step's gradient, symmetric ({d}, {d}), or {d} variances")
    if np.linalg.eigvalsh(given)[0] < -1e-12 * np.abs(given).max():
        raise UsageError("`noise` is a covariance, so none of its eigenvalues is negative")
    return given


def noisy_flow(loss: Loss, optimizer: Optimizer, noise: Noise, cut: float | None, flat: bool) -> Flow:
    """The flow with this noise."""
    from cfdyn.flows._kernels import noise_seen, noisy

    tau = _cut(FINE if cut is None else cut)
    made = descent("central with noise", loss, optimizer, (*MODELS, *PRECONDITIONED))
    d, columns, rows = made.n_weights, made.loss.columns, made.loss.rows
    preconditioned = optimizer.name in PRECONDITIONED
    _check_flat(d, flat, optimizer)
    if noise.label:
        _check_label(made, columns)
    n, beta = 0 if rows is None else len(rows), optimizer.params.get("beta1" if preconditioned else "momentum", 0.0)
    kick = 1.0 if preconditioned else _first_kick(made, beta)
    spec = _specified(made, noise.settings() | ({"flat": True} if flat else {}), preconditioned)
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
    return Flow(spec, kernel=Kernel(noisy.noisy, noisy.Noisy, tuple(spec.parts), d, sizes, noise_seen.seen_noise, seen, pace))


def _check_flat(d: int, flat: bool, optimizer: Optimizer) -> None:
    """An error if the computation would take too long, or is not implemented."""
    if d > MOST:
        raise UsageError(f"the central flow with noise needs moments of all pairs of directions: at most {MOST} weights, not {d}")
    if flat and d > MOST_FLAT:
        raise UsageError(f"`flat` looks at noise on all pairs of directions: at most {MOST_FLAT} weights, not {d}")
    if flat and optimizer.name in PRECONDITIONED:
        raise UsageError(f"`flat` is made for {', '.join(MODELS)}, not for {optimizer.name}")


def _first_kick(made: LossMap, beta: float) -> float:
    """The factor of a gradient when it first moves the weights."""
    return made.params["lr"] * (1 - made.params.get("dampening", beta if made.optimizer.name == "ema_momentum" else 0.0))


def _specified(made: LossMap, settings: dict[str, Any], preconditioned: bool) -> ModelSpec | NoisySpec:
    """The flow by its parts."""
    d, columns = made.n_weights, made.loss.columns
    parts = {"curvature": Part(curvature, d + d * d), "push": Part(push, d, d * d)}
    parts |= {name: Part(partial(row, make), d + d * d, len(columns)) for name, make in ROWS.items() if columns}
    if not preconditioned:
        return ModelSpec("central", made, parts, settings=settings, work=3 + 4 * d)
    parts["lengths"], states = Part(lengths, d), len(FlowSpec("central", "plain", made).names)
    parts["push"] = Part(push_states, states, d * d + d)
    return NoisySpec("central", "plain", made, parts=parts, settings=settings, work=3 + 4 * d)


def _check_label(made: LossMap, columns: tuple[str, ...]) -> None:
    """An error if gradients are not linear in the label, since noise in the label would then change their mean."""
    nodes = ModelNodes(ModelSpec("central", made, {}))
    data = nodes.inputs(0, len(columns))
    slopes = reverse(nodes.tape, label_slope(nodes, data), nodes.w)
    label = data[columns.index(LABEL)]
    if any(nodes.tape.value(bend) != 0 for bend in forward(nodes.tape, slopes, {label: nodes.tape.const(1)})):
        raise UsageError(f"`label_noise` needs gradients that are linear in the label {LABEL!r}, as of squared errors")


@dataclass(frozen=True)
class NoisySpec(FlowSpec):
    """A flow whose state contains that of a preconditioner; ``parts`` and ``settings`` as for a `ModelSpec`."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    work: float = 1.0

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
        nodes = Preconditioned(self)
        return nodes.program(part.make(nodes), part.inputs)

    def size(self, what: str) -> int:
        part = self.parts.get(what)
        return super().size(what) if part is None else part.outputs

    def has(self, what: str) -> bool:
        return what in self.parts or super().has(what)


def lengths(nodes: Preconditioned) -> list[Node]:
    """D = √((1 − β)/P), (d,)."""
    t, left = nodes.tape, nodes.hyperparameters.get("beta1", nodes.tape.const(0))
    return [t.apply("sqrt", t.div(t.sub(t.const(1), left), pace)) for pace in nodes.pace]


def push_states(nodes: Preconditioned) -> list[Node]:
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
    if isinstance(nodes, ModelNodes):
        return nodes.times(_kick(nodes), slope + sum(bent, []))
    t, sizes = nodes.tape, lengths(nodes)
    turned = [t.mul(t.mul(a, h), b) for a, line in zip(sizes, bent, strict=True) for b, h in zip(sizes, line, strict=True)]
    return [t.mul(a, g) for a, g in zip(sizes, slope, strict=True)] + turned


def _kick(nodes: ModelNodes) -> Node:
    """The factor of a gradient when it first moves the weights; η without momentum."""
    t, p = nodes.tape, nodes.parameters
    left = p.get("dampening", p["momentum"] if nodes.optimizer.name == "ema_momentum" else t.const(0))
    return t.mul(nodes.lr, t.sub(t.const(1), left))


def curvature(nodes: ModelNodes) -> list[Node]:
    """ηg (d,), then ηH row by row (d²)."""
    return _scaled(nodes, nodes.gradient, hessian(nodes.tape, nodes.value, nodes.w))


def _moved(nodes: Any, sigma: list[Node]) -> list[Node]:
    """g + ½∇⟨H, Σ⟩, (d,), for Σ (d²), of which the upper triangle is read."""
    t, d = nodes.tape, nodes.d
    second = hessian(t, nodes.value, nodes.w)
    mixed = t.total(t.mul(second[i][j], sigma[i * d + j]) for i in range(d) for j in range(i + 1, d))
    half = t.div(t.total(t.mul(second[i][i], sigma[i * d + i]) for i in range(d)), t.const(2))
    return reverse(t, t.total([nodes.value, half, mixed]), nodes.w)


def push(nodes: ModelNodes) -> list[Node]:
    """−G η(g + ½∇⟨H, Σ⟩), (d,), for Σ (d²) behind the state."""
    t = nodes.tape
    pace = t.div(_kick(nodes), t.sub(t.const(1), nodes.parameters["momentum"])) if "momentum" in nodes.parameters else nodes.lr
    return nodes.times(t.neg(pace), _moved(nodes, nodes.inputs(0, nodes.d**2)))


def row(make: Callable[[ModelNodes, list[Node]], Node], nodes: ModelNodes) -> list[Node]:
    """η times the gradient and Hessian of a function of a row of data; the row follows the state."""
    t = nodes.tape
    value = make(nodes, nodes.inputs(0, len(nodes.spec.map.loss.columns)))
    return _scaled(nodes, reverse(t, value, nodes.w), hessian(t, value, nodes.w))


def _row_loss(nodes: ModelNodes, row: list[Node]) -> Node:
    """The loss of a row, with the penalty that weight decay stands for."""
    t, value = nodes.tape, row_node(nodes.tape, nodes.spec.map.loss, nodes.w, nodes.parameters, row)
    if nodes.optimizer.gradient is None:
        return value
    return t.add(value, t.mul(t.div(nodes.parameters["weight_decay"], t.const(2)), squared(t, nodes.w)))


def label_slope(nodes: ModelNodes, row: list[Node]) -> Node:
    """The change of a row's loss with its label."""
    columns = nodes.spec.map.loss.columns
    if LABEL not in columns:
        return nodes.tape.const(0)
    value = row_node(nodes.tape, nodes.spec.map.loss, nodes.w, nodes.parameters, row)
    return forward(nodes.tape, [value], {row[columns.index(LABEL)]: nodes.tape.const(1)})[0]


ROWS = {"row": _row_loss, "label": label_slope}
