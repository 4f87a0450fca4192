"""L. Herrmann, M. Granz and T. Landgraf, *Chaotic dynamics are intrinsic to neural network training with SGD*, NeurIPS 35
(2022).

The negative eigenvalues of the Hessian, directions of local chaos, cannot be removed from SGD without hurting training;
chaotic behaviour is mostly confined to the initial training phase, and perturbed models go on diverging slowly. The source
trains networks on images; here one point is checked on small tanh nets. (A step of gradient descent multiplies a small
displacement along an eigenvector of the Hessian by 1 − ηλ, so it grows where λ is negative or above 2/η.)
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _orbit(lr, seed, steps, hidden=3):
    loss = cf.losses.tanh_network(hidden=hidden)
    step = cf.as_map(loss, cf.optimizers.gd(lr=lr))
    return loss, step, cf.iterate(step, np.random.default_rng(seed).normal(size=loss.dim), steps)


@CLAIMS.add(
    "abstract (chaotic behaviour is mostly confined to the initial training phase)",
    {"starts, of 10, with most growth at first": at_least(9), "median growth rate later": at_most(0.001)},
    Control("the second phase first", changes={"first": (2000, 2050), "later": (0, 50)}), figure="phases",
    domain="neural networks trained by (stochastic) gradient descent",
    perturbations=(Control("the steps 20 to 70 as the later phase", changes={"later": (20, 70)}),),
    examples="a tanh net with 3 units, gradient descent with η = 0.3, ten random starts",
)  # fmt: skip
def chaos_is_early(first=(0, 50), later=(2000, 2050), lr=0.3, seeds=10):
    """The growth of nearby differences is mostly confined to the beginning of training.

    The growth rate of the largest singular value of the product of Jacobians
    over the steps 0 to 50 and 2,000 to 2,050.
    """
    rates = np.array([[_growth(lr, seed, *span) for span in (first, later)] for seed in range(seeds)])
    return {
        "starts, of 10, with most growth at first": int((rates[:, 0] > rates[:, 1]).sum()),
        "median growth rate later": float(np.median(rates[:, 1])), "median growth rate at first": float(np.median(rates[:, 0])),
    }  # fmt: skip


def _growth(lr, seed, begin, end):
    _, step, orbit = _orbit(lr, seed, end)
    product = np.eye(step.dim)
    for w in orbit.w[begin:end]:
        product = step.jacobian(w) @ product
    return float(np.log(np.linalg.norm(product, 2)) / (end - begin))


CLAIMS.undecided(
    "removing_hurts", "abstract", "Removing the directions of negative curvature from SGD hurts training performance.",
    needs="a neural network on data", domain="networks trained on images by SGD",
)  # fmt: skip
CLAIMS.undecided(
    "slow_divergence", "abstract",
    "After top performance is reached networks that were perturbed at the start go on diverging slowly, as a random walk and "
    "a linear drift.",
    needs="a neural network on data", domain="networks trained on images by SGD",
)  # fmt: skip


def figures():
    """Negative curvatures along training of a small tanh net."""
    return {"phases": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for seed in range(3):
        loss, _, orbit = _orbit(0.3, seed, 3000)
        axis.semilogx([np.linalg.eigvalsh(loss.hessian(w))[0] for w in orbit.w], label=f"start {seed}")
    axis.axhline(0, color="k", lw=1)
    axis.set(xlabel="step", ylabel="least eigenvalue of the Hessian", title="A tanh net with 3 units, η = 0.3")
    axis.legend()
    return figure
