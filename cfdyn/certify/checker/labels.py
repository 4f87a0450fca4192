"""The name of a file's optimizer, compared with the formulas in the file: a known name must have its formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_M, _V = "m1 = beta1*m + (1 - beta1)*g", "v1 = beta2*v + (1 - beta2)*g**2"
_LIMIT1, _LIMIT2 = "decay1 = 0*lr", "decay2 = 0*lr"
_VELOCITY, _NU = "next = momentum*v + g", "nu1 = beta2*nu + (1 - beta2)*"


def _roots(text: str) -> tuple[str, str]:
    """A rule with √( of ε outside the root, and inside."""
    return re.sub(r"√(\w+)", r"(sqrt(\1) + eps)", text), re.sub(r"√(\w+)", r"sqrt(\1 + eps)", text)


def _moments(before: str, state: str = "m → m1, v → v1", second: str = "v1", top: str = "") -> tuple[str, ...]:
    """Adam and similar optimizers: the average of gradients over the root of the average of squares, without bias correction and
    in its limit.
    """
    averages = f"{_M}, {_V}{top}"
    return (*_roots(f"w → {before} - lr*m1/√{second}, {state}; {averages}"), *_roots(
        f"w → {before} - lr*mhat/√vhat, {state}; {_LIMIT1}, {_LIMIT2}, {averages}, mhat = m1/(1 - beta1*decay1), "
        f"vhat = {second}/(1 - beta2*decay2)"))  # fmt: skip


def _squares(square: str, nu: str) -> tuple[str, ...]:
    """RMSProp and similar optimizers: the gradient over the root of an average of squares."""
    return (*_roots(f"w → w - lr*g/√nu1{nu}; {_NU}{square}"),
            *_roots(f"w → w - lr*g/√nuhat{nu}; {_LIMIT2}, {_NU}{square}, nuhat = nu1/(1 - beta2*decay2)"))  # fmt: skip


# The rules of each: of the weight and states of each weight, after | of shared ones, after ; definitions; g is the gradient.
KNOWN: dict[str, tuple[str, ...]] = {
    "gd": ("w → w - lr*g",),
    "heavy_ball": (f"w → w - lr*next, v → next; {_VELOCITY}",
                   "w → w - lr*next, v → next | first → 0; next = momentum*v + (1 - dampening*(1 - first))*g"),
    "nesterov": (f"w → w - lr*(g + momentum*next), v → next; {_VELOCITY}",),
    "ema_momentum": ("w → w - lr*m1, m → m1; m1 = momentum*m + (1 - momentum)*g",),
    "qhm": ("w → w - lr*((1 - nu)*g + nu*m1), m → m1; m1 = beta*m + (1 - beta)*g",),
    "sign_gd": ("w → w - lr*sign(g)",),
    "normalized_gd": ("w → w - lr*g/sqrt(gg)",),
    "sam": ("w → w - lr*h; h = ∇L at w + rho*g/sqrt(gg)",),
    "lion": ("w → w*(1 - lr*weight_decay) - lr*sign(beta1*m + (1 - beta1)*g), m → beta2*m + (1 - beta2)*g",),
    "adagrad": _roots("w → w - lr*g/√nu1, nu → nu1; nu1 = nu + g**2"),
    "rmsprop": _squares("g**2", ", nu → nu1"),
    "scalar_rmsprop": _squares("gg", " | nu → nu1"),
    "adam": _moments("w"),
    "adamw": _moments("w*(1 - lr*weight_decay)"),
    "amsgrad": _moments("w", "m → m1, v → v1, vmax → top", "top", ", top = Max(vmax, v1)"),
    "nadam": ("w → w - lr*(ahead*g + carried*m1)/(sqrt(vhat) + eps), m → m1, v → v1 | warmup → warmup1, product → product1; "
              f"{_LIMIT2}, rate = 0.96**momentum_decay, warmup1 = warmup*rate, mu = beta1*(1 - warmup1/2), "
              "mu1 = beta1*(1 - warmup1*rate/2), product1 = product*mu, ahead = (1 - mu)/(1 - product1), "
              f"carried = mu1/(1 - product1*mu1), {_M}, {_V}, vhat = v1/(1 - beta2*decay2)",),
}  # fmt: skip
POWERS = ("decay1", "decay2")
_CLIPPED, _DECAYED = "g/sqrt(Max(1, gg/clip**2))", " + weight_decay*w"
GRADIENTS = (None, _CLIPPED, f"g{_DECAYED}", f"{_CLIPPED}{_DECAYED}")


def called(optimizer: Mapping[str, Any]) -> str:
    """The name of the optimizer in a statement: its own name if the formulas are those of `KNOWN`, else the name is quoted.

    >>> called({"name": "gd", "update": {"w": "w - lr*g"}}), called({"name": "adam", "update": {"w": "w - lr*g"}})
    ('gd', "an optimizer that its author calls 'adam'")
    """
    name = optimizer.get("name")
    if not name:
        return "the step"
    known = optimizer.get("gradient") in GRADIENTS and _rules(optimizer) in KNOWN.get(name, ())
    return name if known else f"an optimizer that its author calls '{name}'"


def _rules(optimizer: Mapping[str, Any]) -> str:
    """The rules in the order and the notation of `KNOWN`."""
    shared = optimizer.get("shared") or []
    parts = {True: "", False: ""}
    for state, text in optimizer["update"].items():
        where = state in shared
        parts[where] += f"{', ' if parts[where] else ''}{state} → {text}"
    names = [f"h = ∇L at {optimizer['probe']}"] if optimizer.get("probe") is not None else []
    names += [f"{name} = {text}" for name, text in (optimizer.get("define") or {}).items()]
    return f"{parts[False]}{' | ' if shared else ''}{parts[True]}{'; ' if names else ''}{', '.join(names)}"


def bias_correction_is_over(update: str, define: Mapping[str, str]) -> bool:
    """True if formulas show that the powers of a bias correction are 0, for a weight's ``update`` that uses them.

    >>> bias_correction_is_over("w - lr*mhat", {"decay1": "0*lr", "mhat": "m/(1 - beta1*decay1)"})
    True
    >>> bias_correction_is_over("w - lr*g", {"decay1": "0*lr", "mhat": "m/(1 - beta1*decay1)"})
    False
    """
    powers = [name for name, text in define.items() if name in POWERS and text == "0*lr"]
    return bool(powers) and all(corrects(name, update, define) for name in powers)


def corrects(power: str, update: str, define: Mapping[str, str]) -> bool:
    """True if the update, or a definition that it uses, divides by 1 − β·power."""
    used, waiting = [update], {*define}
    while named := {name for name in waiting if any(re.search(rf"\b{name}\b", text) for text in used)}:
        waiting -= named
        used += [define[name] for name in named]
    return any(re.search(rf"/\(1 - [A-Za-z]\w*\*{power}\)", text) for text in used)
