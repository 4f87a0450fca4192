"""Options of several optimizers: weight decay, clipping, the place of ε, averages of squares, Adam's moments."""

from collections.abc import Mapping
from typing import Any

from cfdyn.symbolic.optimizer import Optimizer

DOMAIN = {
    "lr": "positive", "clip": "positive", "beta1": "fraction", "beta2": "fraction",
    "eps": "nonnegative", "weight_decay": "nonnegative",
}  # fmt: skip
# Of β₂ᵗ in a flow: with it ν̂ = ν/(1 − β₂ᵗ) of a constant gradient stays g², as in the optimizer, since 1 − β₂ᵗ follows the same
# equation as ν. log β₂ is exact at whole steps, but not beside this ν (`cfdyn show cfdyn2026_correction`).
POWER = "-(1 - beta2)/beta2*decay2"
MOMENTS = {"m1": "beta1*m + (1 - beta1)*g", "v1": "beta2*v + (1 - beta2)*g**2"}  # Adam's, after this step


def with_options(
    name: str, update: Mapping[str, str], params: Mapping[str, float], weight_decay: float, clip: float,
    domain: Mapping[str, str] | None = None, **parts: Any,
) -> Optimizer:
    """`Optimizer.from_text` whose gradient is clipped to a global norm, then decayed; both are hyperparameters unless 0.

    >>> sgd = with_options("sgd", {"w": "w - lr*g"}, {"lr": 0.1}, weight_decay=0.1, clip=1.0)
    >>> sgd.gradient.text, list(sgd.params)
    ('g/sqrt(Max(1, gg/clip**2)) + weight_decay*w', ['lr', 'weight_decay', 'clip'])
    """  # fmt: skip
    switched_on = {option: value for option, value in (("weight_decay", weight_decay), ("clip", clip)) if value}
    # Written so that nothing is divided by the norm: the derivatives exist at g = 0.
    gradient = ("g/sqrt(Max(1, gg/clip**2))" if clip else "g") + (" + weight_decay*w" if weight_decay else "")
    return Optimizer.from_text(
        update, {**params, **switched_on}, name=name, domain={**DOMAIN, **(domain or {})},
        gradient=None if gradient == "g" else gradient, **parts,
    )  # fmt: skip


def root(v: str, eps_inside: bool) -> str:
    """√v + ε, or √(v + ε).

    >>> root("nu", False), root("nu", True)
    ('(sqrt(nu) + eps)', 'sqrt(nu + eps)')
    """
    return f"sqrt({v} + eps)" if eps_inside else f"(sqrt({v}) + eps)"


def mean_square(square: str, bias_correction: bool, eps_inside: bool) -> tuple[str, dict[str, Any]]:
    """The denominator of a step with ν ← β₂ν + (1−β₂)·square, and its part of `Optimizer.from_text`.

    The update still needs ``nu: nu1``, for each weight or shared. In the preconditioner ``nu`` and
    ``decay2`` are the new states.
    """
    options = {"bias_correction": bias_correction, "eps_inside": eps_inside}
    define, flow = {"nu1": f"beta2*nu + (1 - beta2)*{square}"}, {"nu": f"(1 - beta2)/beta2*({square} - nu)"}
    shared: dict[str, str] = {}
    if bias_correction:
        define["nuhat"], shared["decay2"], flow["decay2"] = "nu1/(1 - beta2*decay2)", "beta2*decay2", POWER
    new, average = ("nuhat", "nu/(1 - decay2)") if bias_correction else ("nu1", "nu")
    return root(new, eps_inside), {
        "options": options, "define": define, "shared": shared, "initial": dict.fromkeys(shared, 1.0), "flow": flow,
        "preconditioner": f"{root(average, eps_inside)}/lr", "threshold": "2",
    }  # fmt: skip


def smoothed(average: str, eps_inside: bool) -> dict[str, Any]:
    """Adam's preconditioner for an average of squares, and the flow of ``v``: v_t − v_{t−1} = κ(g_t² − v_t), exactly."""
    return {"preconditioner": f"{root(average, eps_inside)}/lr", "flow": {"v": "(1 - beta2)/beta2*(g**2 - v)"}}


def moments(bias_correction: bool, eps_inside: bool, second: str = "v1") -> tuple[str, dict[str, Any]]:
    """Adam's step m̂/(√v̂ + ε) from its two averages, and their part of `Optimizer.from_text`.

    ``m1`` and ``v1`` are the new averages; ``second`` is corrected in place of v1. The powers β₁ᵗ and β₂ᵗ
    are shared states, 1 at the start.
    """
    options = {"bias_correction": bias_correction, "eps_inside": eps_inside}
    define = MOMENTS | ({"top": "Max(vmax, v1)"} if second == "top" else {})
    # A second moment that never falls has no flow.
    smooth = {} if second == "top" else smoothed("v/(1 - decay2)" if bias_correction else "v", eps_inside)
    if not bias_correction:
        return f"m1/{root(second, eps_inside)}", {"options": options, "define": define, **smooth}
    if smooth:
        smooth["flow"]["decay2"] = POWER
    return f"mhat/{root('vhat', eps_inside)}", {
        "options": options, **smooth,
        "define": define | {"mhat": "m1/(1 - beta1*decay1)", "vhat": f"{second}/(1 - beta2*decay2)"},
        "shared": {"decay1": "beta1*decay1", "decay2": "beta2*decay2"},
        "initial": {"decay1": 1.0, "decay2": 1.0},
    }
