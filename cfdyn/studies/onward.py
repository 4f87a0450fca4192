"""The next thing to try after a study: a command to paste, or a line of Python if no command can name the loss."""

from typing import Any

import numpy as np

from cfdyn.analysis.attractors.bands import Bands
from cfdyn.analysis.attractors.classify import Regime
from cfdyn.analysis.training.edge import Edge
from cfdyn.numerics.stability import stability
from cfdyn.registry import catalogue, defaults
from cfdyn.studies.defaults import BEYOND
from cfdyn.symbolic.loss import LossSpec, natural_order
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.minima import Minimum

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=:.,+/")  # without a meaning in any shell
SPECIAL = frozenset('"$`\\!\n')  # characters with a meaning within double quotes, too
LONGEST = 200  # letters of a command


def onward(
    loss: LossSpec, optimizer: Optimizer, start: np.ndarray | None, regime: Regime, edge: Edge | None, bands: Bands,
    minima: list[Minimum],
) -> str:  # fmt: skip
    """The most informative next step for this regime: the cycle over lr, exponents of chaos, or a study just beyond the edge.

    >>> import cfdyn as cf
    >>> print(cf.study(cf.Loss("w**4/4 - w**2/2"), cf.optimizers.gd(lr=0.9)).bullets[-1])
    Try next: cfdyn study "w**4/4 - w**2/2" --optimizer gd:lr=1.1
    """
    lo, hi = (f"{bands.values[k]:.4g}" for k in (0, -1))
    vary, isolated = {"vary": f"lr={lo}:{hi}"}, bool(minima) and minima[0].kind != "continuum"
    step = "cf.as_map(loss, optimizer)"
    if edge is not None and edge.smooth and _elsewhere(regime, edge, optimizer.params["lr"]):
        lr = float(f"{BEYOND * edge.value:.4g}")
        return _words("study", {}, loss, optimizer.at(lr=lr), start) or f"cf.study(loss, optimizer.at(lr={lr!r}))"
    if regime.kind in ("chaotic", "quasi-periodic"):
        return _words("chaos", {}, loss, optimizer, start) or f"cf.analysis.chaos({step}, study.start)"
    if regime.kind == "cycle" and isolated and stability(regime.multipliers) and "corner" not in regime.reason:
        python = f'cf.analysis.continue_cycle({step}, study.regime.points, "lr", ({lo}, {hi}))'
        return _words("branch", {**vary, "period": regime.period}, loss, optimizer, start) or python
    python = f'cf.analysis.orbit_diagram({step}, study.start, "lr", ({lo}, {hi}))'
    return _words("diagram", vary, loss, optimizer, start) or python


def _elsewhere(regime: Regime, edge: Edge, lr: float) -> bool:
    """Whether the regime just beyond the edge is still unknown: the orbit rests below it, or diverges far beyond."""
    return lr < edge.value if regime.kind == "fixed point" else regime.kind == "divergent" and lr > 2 * BEYOND * edge.value


def _words(name: str, options: dict[str, Any], loss: LossSpec, optimizer: Optimizer, start: np.ndarray | None) -> str:
    """The command, or "" if it cannot name the loss or the optimizer."""
    about, how = _loss(loss), _optimizer(optimizer)
    if not about or not how:
        return ""
    given = {"optimizer": how, **options}
    if start is not None:
        given["start"] = ",".join(repr(float(x)) for x in np.ravel(start))
    words = [f"--{key}={_quoted(str(value))}" if str(value).startswith("-") else f"--{key} {_quoted(str(value))}"
             for key, value in given.items()]  # fmt: skip
    command = " ".join(["cfdyn", name, *about, *words])
    return command if len(command) <= LONGEST else ""


def _loss(loss: LossSpec) -> list[str]:
    """The loss and its options in the command; [] if it has rows, or a text, that no command can express."""
    text = loss.name or loss.formula.text
    name = text.partition(":")[0]
    known = catalogue("losses")
    if name in known.names():
        usual = defaults(known.get(name))
        if loss.columns and "required" in usual.values():
            return []
        words = [_quoted(text)]
        params = {key: value for key, value in loss.params.items() if usual.get(key) != value and f"{key}=" not in text}
    elif loss.columns or SPECIAL & set(text):
        return []
    else:
        words, params = [_quoted(text)], dict(loss.params)
        if list(loss.variables) != natural_order(loss.variables):
            words.append(f"--variables {','.join(loss.variables)}")
    return [*words, *(f"--set {key}={value!r}" for key, value in params.items())]


def _optimizer(optimizer: Optimizer) -> str:
    """``name:option=value,…`` with the non-default options; "" if that would be another optimizer."""
    known = catalogue("optimizers")
    if optimizer.name not in known.names():
        return ""
    usual = defaults(known.get(optimizer.name))
    given = {key: value for key, value in {**optimizer.params, **optimizer.options}.items() if usual.get(key, value) != value
             or key not in usual or usual[key] == "required"}  # fmt: skip
    if not given.keys() <= usual.keys():
        return ""
    named = known.get(optimizer.name)(**given)
    if (named.key, named.params, named.options) != (optimizer.key, optimizer.params, optimizer.options):
        return ""
    return f"{optimizer.name}:{','.join(f'{key}={_value(value)}' for key, value in given.items())}"


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _quoted(text: str) -> str:
    return text if set(text) <= PLAIN else f'"{text}"'
