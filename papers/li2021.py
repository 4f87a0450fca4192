"""Z. Li, T. Wang, S. Arora, *What happens after SGD reaches zero loss? A mathematical framework*, arXiv 2110.06914 (2021; ICLR
2022).

Near a manifold of minima SGD follows a stochastic differential equation along it, valid for some η⁻² steps, with any
covariance of the noise; the local result before, of Blanc et al. (2020), was for η^(−1.6) steps. With label noise of variance σ²
the limit is deterministic in the time τ = η²k: the flow that lowers tr H along the manifold, dw/dτ = −(σ²/4) P∇ tr H for
single rows.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, between, near
from cfdyn.symbolic.loss import make_loss

CLAIMS = Claims(__name__, __doc__, read="the abstract")
X, SIGMA = np.array([0.6, 1.0, 1.4]), 0.5
START = (2.0, 0.5)  # a minimum: uv = 1
RATES = (0.08, 0.04, 0.02)


def _loss():
    data = np.column_stack([X, X])
    return cf.Loss.from_spec(make_loss("(u*v*x - y)**2/2", ["u", "v"], {}, ["x", "y"], data=data))


@CLAIMS.add(
    "abstract (1); the limit for label noise, as recalled", {"limit": near(1.0, 0.02), "order": between(0.7, 1.3)},
    Control("steps in proportion to 1/η, not 1/η²", changes={"power": 1}), read="a secondary source", figure="limit",
    domain="label noise, batches of single rows, a manifold of minima; η → 0",
    examples="½(uvx − y)², three rows, σ = 0.5, η = 0.08, 0.04, 0.02 from (2, 0.5) to τ = 2, 2,000 runs each",
    perturbations=(Control("a flow of noise 5 % larger", changes={"flow": 1.05}),),
)  # fmt: skip
def limiting_flow(power=2, flow=1.0):
    """Over η⁻² steps the mean of runs with label noise follows the flow of tr H along the minima as η → 0.

    On uv = 1 that flow has D = u² − v² = D₀ exp(−σ²m τ), m = mean x². The fall of log D over σ²mτ, its limit for
    η → 0 by extrapolation from the last two rates, and the order in η of the differences.
    """
    falls = [_fall(lr, round(2 * 0.02 ** (power - 2) / lr**power)) / flow**2 for lr in RATES]
    limit = 2 * falls[2] - falls[1]
    return {"limit": limit, "order": float(np.log2((falls[0] - falls[1]) / (falls[1] - falls[2]))), "falls": falls}


def _fall(lr, steps):
    runs = cf.iterate_many(_loss(), cf.optimizers.gd(lr=lr), START, steps, 1, 2000, label_noise=SIGMA, measured=0, every=steps)
    gap = float(np.mean(runs.final[:, 0] ** 2 - runs.final[:, 1] ** 2))
    return float(np.log((START[0] ** 2 - START[1] ** 2) / gap) / (SIGMA**2 * np.mean(X**2) * 2))


def figures():
    """D = u² − v² of runs with three rates in the time η²k."""
    return {"limit": _limit}


def _limit():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for lr in RATES:
        steps = round(2 / lr**2)
        runs = cf.iterate_many(_loss(), cf.optimizers.gd(lr=lr), START, steps, 1, 400, label_noise=SIGMA, measured=0)
        axes.plot(lr**2 * runs.t, runs.mean[:, 0] ** 2 - runs.mean[:, 1] ** 2, lw=1, label=f"mean of runs, η = {lr}")
    tau = np.linspace(0, 2, 50)
    axes.plot(tau, 3.75 * np.exp(-(SIGMA**2) * np.mean(X**2) * tau), "k--", lw=0.9, label="flow of tr H")
    axes.set(xlabel="τ = η² · steps", ylabel="u² − v²")
    axes.legend()
    return figure
