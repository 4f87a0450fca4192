"""G. Palaiopanos, I. Panageas, G. Piliouras, *Multiplicative weights update with constant step-size in congestion games:
convergence, limit cycles and chaos*, arXiv 1703.01138, NeurIPS (2017).

In congestion games the linear variant of multiplicative weights, with factors 1 − ε·cost, converges to equilibria for every
constant ε that keeps them positive. The exponential variant, with factors (1 − ε)^cost, has limit cycles and chaos even for
two agents and two strategies. Our remark: in the logits u, v it is u ← u − s(σ(v) − b), v ← v − s(σ(u) − b). The diagonal u =
v, on which the chaos lives, is repelling: the multiplier across is 1 + sσ′(u) > 1 at every point.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LINKS = {
    "linear": "{p}*(1 - eps*(1 + {q}))/(1 - eps*({p}*(1 + {q}) + (1 - {p})*(2 - {q})))",
    "exponential": "{p}*exp(k*(1 + {q}))/({p}*exp(k*(1 + {q})) + (1 - {p})*exp(k*(2 - {q})))",
}


def _two_links(variant, eps, load=1.0):
    """Two agents on two links whose cost is ``load`` times the number of agents there; p, q: how likely the first link."""
    text = LINKS[variant]
    params = {"eps": eps * load, "k": float(np.log1p(-eps)) * load}
    return cf.Map.from_text([text.format(p="p", q="q"), text.format(p="q", q="p")], "p q", params=params)


def _diagonal(s=30.0, b=0.61):
    """The exponential variant in logits, for links with unequal costs."""
    return cf.Map.from_text(["u - s*(sigmoid(v) - b)", "v - s*(sigmoid(u) - b)"], "u v", params={"s": s, "b": b})


ALIKE = {"variant": "exponential", "spread": 0.0}


@CLAIMS.add(
    "abstract (the linear variant)", {"rest": at_most(1e-9), "equilibria": 20},
    Control("the exponential variant, ε = 0.9, agents that start alike", changes={**ALIKE, "eps": 0.9}),
    domain="congestion games; ε below one over the largest cost",
    examples="two agents on two links that cost 10 times the number of their agents, ε = 0.049, 20 random starts",
    perturbations=(Control("the exponential variant, ε = 0.55, agents that start alike", changes={**ALIKE, "eps": 0.55}),
                   Control("agents that start alike, which go to the mixed equilibrium", changes={"spread": 0.0})),
)  # fmt: skip
def linear_variant_converges(variant="linear", spread=1.0, eps=0.049, seed=0):
    """The linear variant 1 − ε·cost converges to equilibria.

    20,000 steps; ``rest``: the largest change in the last step; ``equilibria``: how many ends are the one agent on the one link
    and the other on the other. With ``spread`` 0 both agents start alike.
    """
    rng, step, rest, pure = np.random.default_rng(seed), _two_links(variant, eps, 10.0), [], 0
    for _ in range(20):
        p, q = rng.uniform(0.05, 0.95, 2)
        orbit = cf.iterate(step, [p, p + spread * (q - p)], 20_000).w
        rest.append(float(abs(orbit[-1] - orbit[-2]).max()))
        pure += bool(np.abs(np.sort(orbit[-1]) - [0.0, 1.0]).max() < 1e-9)
    return {"rest": max(rest), "equilibria": pure}


@CLAIMS.add(
    "abstract (limit cycles of the exponential variant)", {"periods": [2, 2]},
    Control("loads of 1, where the step is below the flip", changes={"load": 1.0}),
    domain="two agents on two links that cost 10 times the number of their agents; ε = 0.4 and 0.5, both start with 0.3",
    perturbations=(Control("costs of 7.7 times that number, below the flip at ε = 0.4", changes={"load": 7.7}),),
)  # fmt: skip
def exponential_variant_cycles(load=10.0):
    """The exponential variant (1 − ε)^cost has limit cycles in a load-balancing game of two agents and two links.

    The orbit is classified. (With equal starts it is u ← u − s(σ(u) − ½), s = 2·load·|ln(1 − ε)|, whose fixed point flips at s =
    8.)
    """
    return {"periods": [cf.analysis.classify(_two_links("exponential", eps, load), [0.3, 0.3]).period for eps in (0.4, 0.5)]}


def _by_hand(s=30.0, b=0.61, steps=100_000):
    """Means of log|1 ± sσ′(u)| along an orbit of the one-variable map, in plain Python."""
    u, across, along = 0.1, 0.0, 0.0
    for _ in range(steps):
        p = 1 / (1 + math.exp(-u))
        across, along = across + math.log(1 + s * p * (1 - p)), along + math.log(abs(1 - s * p * (1 - p)))
        u -= s * (p - b)
    return {"exponents": [across / steps, along / steps]}


@CLAIMS.add(
    "abstract (chaos); the exponents are an own statement",
    {"exponents": near([0.7618, 0.3777], 5e-3), "evidence": "chaotic"},
    Control("agents that each play against themselves only", changes={"coupled": False}), figure="saddle",
    second=_by_hand, domain="two agents on two links with unequal costs: s = 30 and b = 0.61; the orbit of (0.1, 0.1)",
    perturbations=(Control("b = 0.58 in place of 0.61", changes={"b": 0.58}),
                   Control("s = 29", changes={"s": 29.0})),
)  # fmt: skip
def chaos_on_the_diagonal(coupled=True, s=30.0, b=0.61):
    """The exponential variant is chaotic on the diagonal where both agents play alike, and the chaotic set repels: across the
    diagonal the exponent is positive and the larger one.

    100,000 steps. Expected are the means of log|1 ± sσ′(u)| along orbits of the one-variable map in plain Python (``second``).
    ``evidence``: exponent and 0–1 test together on the diagonal, which floats that start equal do not leave.
    """
    step = _diagonal(s, b)
    if not coupled:
        step = cf.Map.from_text(["u - s*(sigmoid(u) - b)", "v - s*(sigmoid(v) - b)"], "u v", params=step.params)
    return {"exponents": cf.analysis.lyapunov(step, [0.1, 0.1], 100_000).tolist(),
            "evidence": cf.analysis.chaos(step, [0.1, 0.1], dimensions=False).kind}  # fmt: skip


@CLAIMS.add(
    "own statement", {"pure": True},
    Control("agents that start exactly alike", changes={"difference": 0.0}), figure="saddle",
    domain="two agents on two links with unequal costs: s = 30 and b = 0.61; starts 0.1 and 0.1 + 10⁻¹² in the logits",
    perturbations=(Control("after 20 steps", changes={"steps": 20}),),
)  # fmt: skip
def the_chaos_is_a_saddle(difference=1e-12, steps=400):
    """Agents whose starts differ by 10⁻¹² leave the chaotic diagonal and end at a pure equilibrium, one on each link.

    400 steps; ``pure``: one probability is below 1e-9, the other above 1 − 1e-9.
    """
    last = cf.iterate(_diagonal(), [0.1, 0.1 + difference], steps).w[-1]
    low, high = sorted(np.tanh(last / 2))
    return {"pure": bool(low < 2e-9 - 1 and high > 1 - 2e-9)}


def figures():
    """An orbit that leaves the diagonal."""
    return {"saddle": _saddle}


def _saddle():
    import matplotlib.pyplot as plt

    orbit = cf.iterate(_diagonal(), [0.1, 0.1 + 1e-12], 60).w
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.plot((1 + np.tanh(orbit / 2)) / 2, ".-", lw=0.6, label=["first agent", "second agent"])
    axes.set(
        xlabel="step", ylabel="probability of the first link", title="Starts that differ by 1e-12: chaos, then a pure equilibrium"
    )
    axes.legend()
    return figure
