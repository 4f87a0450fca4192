"""What several optimizers offer alike: weight decay, clipping, where ε stands, averages of squares, Adam's moments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOMAIN = {
    "lr": "positive",
    "beta1": "fraction",
    "beta2": "fraction",
    "eps": "nonnegative",
    "weight_decay": "nonnegative",
    "clip": "positive",
}


def with_switched_on(params: Mapping[str, float], weight_decay: float, clip: float) -> dict[str, float]:
    """The hyperparameters, with those of the options that are not 0."""
    options = {"weight_decay": weight_decay, "clip": clip}
    return {**params, **{name: value for name, value in options.items() if value}}


def transformed(weight_decay: float, clip: float) -> str | None:
    """What takes the place of the gradient: clipped to a global norm, then with coupled decay.

    Examples
    --------
    >>> transformed(0.0, 0.0), transformed(0.1, 0.0), transformed(0.1, 1.0)
    (None, 'g + weight_decay*w', 'g/sqrt(Max(1, gg/clip**2)) + weight_decay*w')
    """
    # Written so that nothing is divided by the norm: the derivatives exist at g = 0.
    clipped = "g/sqrt(Max(1, gg/clip**2))" if clip else "g"
    decayed = f"{clipped} + weight_decay*w" if weight_decay else clipped
    return None if decayed == "g" else decayed


def root(v: str, eps_inside: bool) -> str:
    """√v + ε, or √(v + ε).

    Examples
    --------
    >>> root("nu", False), root("nu", True)
    ('(sqrt(nu) + eps)', 'sqrt(nu + eps)')
    """
    return f"sqrt({v} + eps)" if eps_inside else f"(sqrt({v}) + eps)"


def mean_square(square: str, bias_correction: bool, eps_inside: bool) -> tuple[str, dict[str, Any]]:
    """The denominator of a step with ν ← β₂ν + (1−β₂)·square, and what `Optimizer.from_text` needs beside it.

    The update still has to say ``nu: nu1``, for each weight or shared. In the preconditioner ``nu`` and
    ``decay2`` are the new states.
    """
    define = {"nu1": f"beta2*nu + (1 - beta2)*{square}"}
    flow = {"nu": f"(1 - beta2)/beta2*({square} - nu)"}
    if not bias_correction:
        return root("nu1", eps_inside), {
            "define": define, "shared": {}, "flow": flow, "preconditioner": f"{root('nu', eps_inside)}/lr",
        }  # fmt: skip
    return root("nuhat", eps_inside), {
        "define": define | {"nuhat": "nu1/(1 - beta2*decay2)"},
        "shared": {"decay2": "beta2*decay2"},
        "initial": {"decay2": 1.0},
        "flow": flow | {"decay2": "decay2*log(beta2)"},
        "preconditioner": f"{root('nu/(1 - decay2)', eps_inside)}/lr",
    }


def moments(bias_correction: bool, second: str = "v1") -> tuple[str, str, dict[str, Any]]:
    """Adam's two averages as they stand in the step, and their part of `Optimizer.from_text`.

    ``m1`` and ``v1`` are the new averages, ``second`` what is corrected in place of v1; the powers β₁ᵗ and β₂ᵗ
    are shared states, 1 at the start.
    """
    define = {"m1": "beta1*m + (1 - beta1)*g", "v1": "beta2*v + (1 - beta2)*g**2"}
    if second == "top":
        define["top"] = "Max(vmax, v1)"
    if not bias_correction:
        return "m1", second, {"define": define}
    return "mhat", "vhat", {
        "define": define | {"mhat": "m1/(1 - beta1*decay1)", "vhat": f"{second}/(1 - beta2*decay2)"},
        "shared": {"decay1": "beta1*decay1", "decay2": "beta2*decay2"},
        "initial": {"decay1": 1.0, "decay2": 1.0},
    }
