"""A. Tyurin, *From logistic regression to the perceptron algorithm: exploring gradient descent with large step sizes* (2024),
AAAI (2025).

On separable logistic regression from θ = 0 the iterates divided by the step γ tend, as γ → ∞, to those of the batch perceptron:
its first point is Σ y a/(2n), then every misclassified point a of label y adds y a/n. So a huge step solves the task in
finitely many steps, and a larger loss can mean that one is nearer to a solution. The first half of the text was read.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
ROWS = ((1.0, 0.3), (-0.9, 0.35), (0.8, -0.2), (-0.5, 0.3), (0.3, 1.0))  # y a, which θ separates iff all products are positive
MIXED = (*ROWS[:4], (-0.3, -1.0))


def _orbit(rows, lr, steps=60):
    """θ/γ along gradient descent on the mean logistic loss of these rows."""
    loss = " + ".join(f"softplus(-({a}*x + {b}*y))" for a, b in rows)
    return cf.iterate(cf.as_map(cf.Loss(f"({loss})/{len(rows)}", "x y"), cf.optimizers.gd(lr=lr)), [0.0, 0.0], steps).w / lr


def _perceptron(rows, steps=60):
    points = np.array(rows)
    theta = [np.zeros(2), points.sum(0) / (2 * len(points))]
    while len(theta) <= steps:
        theta.append(theta[-1] + points[points @ theta[-1] < 0].sum(0) / len(points))
    return np.array(theta)


@CLAIMS.add(
    "theorem 3.2", {"distance": at_most(1e-12), "falls": True},
    Control("the perceptron whose first step is twice as large", changes={"first": 2.0}), figure="orbits",
    domain="logistic regression on separable data from θ = 0; the perceptron meets no point exactly on its boundary",
    examples="five points in the plane, 60 steps, γ = 10², 10³, 10⁴ and 10⁶",
    perturbations=(Control("the perceptron whose first step is 2 % larger", changes={"first": 1.02}),),
)  # fmt: skip
def tends_to_the_perceptron(first=1.0):
    """On separable data, from θ = 0, the iterates θ_t/γ of gradient descent with the step γ tend to those of the batch
    perceptron as γ → ∞.

    The perceptron misclassifies 1, 2, 2, 1 of the five points in its first steps; the largest distance over 60 steps for each γ:
    ``distance`` the last, ``falls`` if each is smaller than the one before.
    """
    target = _perceptron(ROWS)
    target[1:] += (first - 1) * target[1]
    gaps = [float(abs(_orbit(ROWS, lr) - target).max()) for lr in (1e2, 1e3, 1e4, 1e6)]
    return {"distance": gaps[-1], "falls": bool((np.diff(gaps) < 0).all()), "distances": gaps}


@CLAIMS.add(
    "corollary of theorem 3.2", {"solved": 5, "perceptron": 5, "loss": at_most(1e-100)},
    Control("data that nothing separates", changes={"rows": MIXED}),
    domain="logistic regression on separable data from θ = 0, as γ → ∞", examples="five points in the plane, γ = 10⁶",
    perturbations=(Control("the step 10", changes={"lr": 10.0}),),
)  # fmt: skip
def solved_in_finitely_many_steps(rows=ROWS, lr=1e6):
    """On separable data, from θ = 0, a large enough step separates the points after finitely many steps, as many as the
    perceptron needs.

    The first step of gradient descent and of the batch perceptron after which all points are on the right side, 0 if there is
    none in 60; ``loss``: the last one, which is 0 to the range of floats.
    """
    orbits = _orbit(rows, lr), _perceptron(rows)
    first = [int((np.array(rows) @ theta.T > 0).all(0).argmax()) for theta in orbits]
    loss = np.logaddexp(0.0, -lr * (np.array(rows) @ orbits[0][-1])).mean()
    return {"solved": first[0], "perceptron": first[1], "loss": float(loss)}


@CLAIMS.add(
    "remark that a larger loss may be nearer to a solution", {"higher": True, "wrong": near(0.0, 1e-9)},
    Control("the step 1", changes={"lr": 1.0}),
    domain="logistic regression on five separable points in the plane, from θ = 0, γ = 10⁴",
    perturbations=(Control("the step 1000", changes={"lr": 1e3}),),
)  # fmt: skip
def a_larger_loss_nearer_to_a_solution(lr=1e4):
    """On the same five points with the step 10⁴ the loss rises to more than a hundred times its value at the start, log 2, on
    the way to weights that separate all points.

    ``higher``: whether the largest loss exceeds 100 log 2; ``wrong``: the fraction of misclassified points at the end.
    """
    theta = _orbit(ROWS, lr) * lr
    losses = np.logaddexp(0.0, -np.array(ROWS) @ theta.T).mean(0)
    wrong = float((np.array(ROWS) @ theta[-1] <= 0).mean())
    return {"higher": bool(losses.max() > 100 * np.log(2)), "wrong": wrong, "largest": float(losses.max())}


def figures():
    """Iterates divided by the step."""
    return {"orbits": _orbits}


def _orbits():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for lr in (10.0, 1e2, 1e4):
        axes.plot(*_orbit(ROWS, lr, 12).T, ".-", lw=0.8, label=f"γ = {lr:g}")
    axes.plot(*_perceptron(ROWS, 12).T, "ko", mfc="none", label="batch perceptron")
    axes.set(xlabel="θ₁/γ", ylabel="θ₂/γ", title="Logistic regression of five separable points")
    axes.legend(fontsize="small")
    return figure
