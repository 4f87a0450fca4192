"""G. Palaiopanos, I. Panageas, G. Piliouras, *Multiplicative weights update with constant step-size in congestion games:
convergence, limit cycles and chaos*, arXiv 1703.01138, NeurIPS (2017).

In congestion games the linear variant of multiplicative weights, with factors 1 − ε·cost, converges for every constant ε below
one over the largest cost. The exponential variant, with factors (1 − ε)^cost, has limit cycles and chaos even for two agents
and two strategies. Our remark: in the logits u, v it is u ← u − s(σ(v) − b), v ← v − s(σ(u) − b). The diagonal u = v, on which
the chaos lives, is repelling: the multiplier across is 1 + sσ′(u) > 1 at every point.
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


@CLAIMS.add(
    "abstract (the linear variant)", {"rest": at_most(1e-9)},
    Control("the exponential variant, ε = 0.9, agents that start alike", changes={"variant": "exponential", "spread": 0.0}),
)  # fmt: skip
def linear_variant_converges(variant="linear", spread=1.0, seed=0):
    """The linear variant 1 − ε·cost converges to equilibria.

    Two agents, two links, a link's cost 10 times the number of its agents, so at most 20, and ε = 0.049. 20 random starts,
    20,000 steps; ``rest``: the largest change in the last step. With ``spread`` 0 both agents start alike.
    """
    rng, step, rest = np.random.default_rng(seed), _two_links(variant, 0.049 if variant == "linear" else 0.9, 10.0), []
    for _ in range(20):
        p, q = rng.uniform(0.05, 0.95, 2)
        orbit = cf.iterate(step, [p, p + spread * (q - p)], 20_000).w
        rest.append(float(abs(orbit[-1] - orbit[-2]).max()))
    return {"rest": max(rest)}


@CLAIMS.add(
    "abstract (the exponential variant)", {"periods": [2, 2]},
    Control("loads of 1, where the step is below the flip", changes={"load": 1.0}),
)  # fmt: skip
def exponential_variant_cycles(load=10.0):
    """The exponential variant (1 − ε)^cost has limit cycles in a load-balancing game of two agents and two links.

    ε = 0.4 and 0.5, a link's cost 10 times the number of its agents, both agents start with 0.3: the orbit is classified.
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
    "abstract (chaos); its instability is derived here",
    {"exponents": near([0.7618, 0.3777], 5e-3), "least": near(1.0, 1e-12), "evidence": "chaotic"},
    Control("agents that each play against themselves only", changes={"coupled": False}), figure="saddle",
    second=_by_hand,
)  # fmt: skip
def chaos_on_the_diagonal(coupled=True):
    """The exponential variant is chaotic on the diagonal, and the chaotic set repels: across it the exponent is positive and
    the larger one.

    s = 30 and b = 0.61, 100,000 steps from (0.1, 0.1). Expected are the means of log|1 ∓ sσ′(u)| along orbits of the
    one-variable map in plain Python (``second``). ``least``: the multiplier across at u = 40, where it is smallest: it exceeds
    1 everywhere. ``evidence``: exponent and 0–1 test together on the diagonal, which floats that start equal do not leave.
    """
    step = _diagonal()
    if not coupled:
        step = cf.Map.from_text(["u - s*(sigmoid(u) - b)", "v - s*(sigmoid(v) - b)"], "u v", params=step.params)
    across = step.jacobian([40.0, 40.0]) @ [1.0, -1.0]
    return {"exponents": cf.analysis.lyapunov(step, [0.1, 0.1], 100_000).tolist(), "least": float(across[0]),
            "evidence": cf.analysis.chaos(step, [0.1, 0.1], dimensions=False).kind}  # fmt: skip


@CLAIMS.add(
    "not in the source: observed here", {"pure": True},
    Control("agents that start exactly alike", changes={"difference": 0.0}), figure="saddle",
)  # fmt: skip
def the_chaos_is_a_saddle(difference=1e-12):
    """Agents whose starts differ by 1e-12 leave the chaotic diagonal and end at a pure equilibrium, one on each link.

    400 steps from (0.1, 0.1 + difference); ``pure``: one probability is below 1e-9, the other above 1 − 1e-9.
    """
    last = cf.iterate(_diagonal(), [0.1, 0.1 + difference], 400).w[-1]
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
