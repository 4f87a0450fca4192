"""R. Mulayoff, T. Michaeli, *Exact mean square linear stability analysis for SGD*, COLT 2024, arXiv 2306.07850.

The exact step size up to which SGD is stable in the mean square at a minimum where all rows have their minimum, in closed
form, for every batch size: it does not fall when the batch grows, and is that of a mixture of full-batch and single-row
steps.
"""

import itertools

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
INPUTS = (0.5, 1.0, 1.0, 2.0)
ROWS = np.array([[1.0, 0.2], [0.3, 0.9], [-0.5, 0.7], [0.8, -0.6]])


def _closed_form(rows, size):
    """2/λ₁(C⁻¹D), C = ½ mean(H ⊕ H) and D = (1 − p) H̄⊗H̄ + p mean(Hᵢ⊗Hᵢ), p = (n − B)/(B(n − 1))."""
    each = [np.outer(row, row) for row in rows]
    mean, one, n = np.mean(each, axis=0), np.eye(2), len(rows)
    p = (n - size) / (size * (n - 1))
    c = (np.kron(mean, one) + np.kron(one, mean)) / 2
    d = (1 - p) * np.kron(mean, mean) + p * np.mean([np.kron(h, h) for h in each], axis=0)
    return float(2 / np.linalg.eigvals(np.linalg.solve(c, d)).real.max())


def _valley(size):
    """2 mean(h)/(mean(h)² + p·var(h)) of the curvatures h = x²(u² + v²) at u = 3/2, v = 4/3."""
    h = np.array(INPUTS) ** 2 * (9 / 4 + 16 / 9)
    return float(2 * h.mean() / (h.mean() ** 2 + (4 - size) / (3 * size) * h.var()))


@CLAIMS.add(
    "main theorem (exact threshold)",
    {"thresholds": near([round(_closed_form(ROWS, b), 12) for b in (1, 2, 3, 4)], relative=1e-9)},
    Control("batches drawn with replacement", changes={"replacement": True}), figure="thresholds", read="a secondary source",
    domain="minima at which each row's loss has a minimum and H is positive definite; the linearised step",
    examples="four rows (a·w)²/2 with two weights, B = 1 to 4",
    perturbations=(Control("inputs longer by 1 %", changes={"longer": 1.01}),),
)  # fmt: skip
def exact_threshold(replacement=False, longer=1.0):
    """SGD with batches of B of n rows, drawn without replacement and anew in each step, is stable in the mean square iff
    η ≤ 2/λ₁(C⁻¹D), C = ½(H ⊕ H), D = (1 − p) H⊗H + p·mean(Hᵢ⊗Hᵢ), p = (n − B)/(B(n − 1)), Hᵢ the rows' Hessians and H their
    mean.

    The mean of J ⊗ J over all batches, J the Jacobian of the batch's step, and by bisection the η at which its spectral radius
    is 1. (Read was a summary that names C, D and p; their formulas are from memory.)
    """
    return {"thresholds": [_measured(size, replacement, longer * ROWS) for size in (1, 2, 3, 4)]}


@CLAIMS.add(
    "abstract (batch size)", {"rising": 30, "apart_from_descent": at_most(1e-6)},
    Control("the sizes in falling order", changes={"sizes": (4, 3, 2, 1)}),
    domain="minima at which each row's loss has a minimum; the linearised step, batches without replacement",
    examples="30 random sets of four rows with two weights, B = 1 to 4",
    perturbations=(Control("the last with one row left out of the batch", changes={"sizes": (1, 2, 3)}),),
)  # fmt: skip
def monotone_in_batch(sizes=(1, 2, 3, 4), draws=30):
    """The threshold does not fall when the batch grows, so smaller batches are never more stable; with all rows in a batch it
    is gradient descent's 2/λ₁(H).

    How often the four measured thresholds rise (to 10⁻⁶), and the greatest relative distance of the last from 2/λ₁(H).
    """
    rng, rising, apart = np.random.default_rng(0), 0, []
    for _ in range(draws):
        rows = rng.normal(size=(4, 2))
        found = [_measured(size, False, rows, 24) for size in sizes]
        rising += bool((np.diff(found) > -1e-6).all())
        apart.append(abs(found[-1] * np.linalg.eigvalsh(rows.T @ rows / 4)[-1] / 2 - 1))
    return {"rising": rising, "apart_from_descent": float(max(apart))}


@CLAIMS.add(
    "abstract (a mixture process)", {"same_row": "0", "two_rows": "0", "difference": near(0.0, 1e-12)},
    Control("single rows with the chance 1/B", changes={"chance": "1/B"}), read="a secondary source",
    domain="minima at which each row's loss has a minimum; the linearised step, all n ≥ 2 and B ≤ n",
    proof="exact algebra: the coefficients of Hᵢ⊗Hᵢ and Hᵢ⊗Hⱼ agree for all n and B; the terms linear in η are the same",
    perturbations=(Control("n in place of n − 1", changes={"chance": "(n - B)/(B*n)"}),),
)  # fmt: skip
def mixture(chance="(n - B)/(B*(n - 1))"):
    """The second moments under SGD with batches of B are those of a process that takes a full-batch step with the chance 1 −
    p and a step of a single row with the chance p = (n − B)/(B(n − 1)).

    A row is in the batch with the chance B/n, a pair of rows with B(B − 1)/(n(n − 1)): SymPy subtracts the coefficients of both
    processes. ``difference``: the largest of both operators for four rows, B = 2 and 3, η = 0.8, from Jacobians of the steps.
    """
    n, b = sp.symbols("n B", positive=True)
    p = sp.sympify(chance, locals={"n": n, "B": b})
    same = b / n / b**2 - p / n - (1 - p) / n**2
    two = b * (b - 1) / (n * (n - 1)) / b**2 - (1 - p) / n**2
    worst = 0.0
    for size in (2, 3):
        share = float(p.subs({n: 4, b: size}))
        single, full, batch = (_moments(ROWS, 0.8, k, False) for k in (1, 4, size))
        worst = max(worst, float(np.abs(batch - share * single - (1 - share) * full).max()))
    return {"same_row": str(sp.simplify(same)), "two_rows": str(sp.simplify(two)), "difference": worst}


@CLAIMS.add(
    "main theorem (minima with flat directions)", {"thresholds": near([_valley(b) for b in (1, 2, 3, 4)], relative=1e-9)},
    Control("a minimum further along the valley", changes={"along": 2.0}), read="a secondary source",
    domain="minima of a valley at which each row's loss has a minimum and no curvature along the valley; the linearised step, "
        "batches without replacement",
    examples="(uvx − 2x)²/2 with inputs x = 0.5, 1, 1, 2 at (u, v) = (3/2, 4/3), B = 1 to 4",
    perturbations=(Control("1 % further along the valley", changes={"along": 1.515}),),
)  # fmt: skip
def flat_directions_do_not_count(along=1.5):
    """Where minima form a valley the largest step at which SGD is stable in the mean square at one of them is that of the
    directions across the valley.

    A two-layer model, all rows fitted: the largest stable rate of `mean_square`. What is expected is the closed form in one
    dimension with the curvatures x²(u² + v²).
    """
    from cfdyn.symbolic.loss import make_loss

    data = [[x, 2 * x] for x in INPUTS]
    loss = cf.Loss.from_spec(make_loss("(u*v*x - y)**2/2", "u v", {}, ["x", "y"], data=data))
    point = [along, 2 / along]
    return {"thresholds": [cf.mean_square(loss, point, 0.1, b, replace=False, cut=0).largest_lr for b in (1, 2, 3, 4)]}


@CLAIMS.add(
    "own statement (the abstract has simple necessary conditions, which were not read)",
    {"settings": 400, "beyond": 0, "closest": at_least(0.999)},
    Control("the mean over single rows, for any batch", changes={"mixed": False}),
    domain="minima at which each row's loss has a minimum; the linearised step, batches without replacement",
    examples="100 random sets of four rows with two weights, B = 1 to 4",
    perturbations=(Control("a bound 1 % lower", changes={"scale": 0.99}),
                   Control("a bound 1 % higher, of which the quotient falls short", changes={"scale": 1.01})),
)  # fmt: skip
def necessary_by_the_trace(mixed=True, scale=1.0):
    """For stability in the mean square η ≤ 2 tr H/((1 − p)‖H‖² + p·mean‖Hᵢ‖²) is necessary, in Frobenius norms and with the p
    of the mixture, and there are rows for which it is nearly sufficient.

    How many largest stable rates (`mean_square`) lie beyond it, and the largest quotient. (It is the exact condition on the
    matrix 1 in place of the worst one.)
    """
    from cfdyn.symbolic.loss import make_loss

    rng, ratios = np.random.default_rng(1), []
    for _ in range(100):
        x = rng.normal(size=(4, 2))
        loss = cf.Loss.from_spec(make_loss("(u*a + v*b)**2/2", "u v", {}, ["a", "b"], data=x))
        mean, single = x.T @ x / 4, np.mean(np.sum(x * x, axis=1) ** 2)
        for b in (1, 2, 3, 4):
            p = (4 - b) / (3 * b) if mixed else 1.0
            bound = scale * 2 * np.trace(mean) / ((1 - p) * np.sum(mean**2) + p * single)
            ratios.append(cf.mean_square(loss, [0.0, 0.0], 0.1, b, replace=False, cut=0).largest_lr / bound)
    return {"settings": len(ratios), "beyond": sum(r > 1 + 1e-9 for r in ratios), "closest": float(max(ratios))}


def _moments(rows, lr, size, replacement):
    """The operator on E[w ⊗ w]: the mean of J ⊗ J over batches."""
    loss = cf.Loss("p*x**2/2 + q*x*y + r*y**2/2", "x y", params={"p": 1.0, "q": 0.0, "r": 1.0})
    step, each = cf.as_map(loss, cf.optimizers.gd(lr=lr)), [np.outer(row, row) for row in rows]
    choose = itertools.product(each, repeat=size) if replacement else itertools.combinations(each, size)
    jacobians = []
    for batch in choose:
        h = np.mean(batch, axis=0)
        jacobians.append(step.at(p=h[0, 0], q=h[0, 1], r=h[1, 1]).jacobian([0.0, 0.0]))
    return np.mean([np.kron(j, j) for j in jacobians], axis=0)


def _measured(size, replacement, rows=ROWS, halvings=45):
    """By bisection, on a bracket in which the radius passes 1 once (it is 1 at η = 0, and falls first)."""
    top = 2.2 / np.linalg.eigvalsh(rows.T @ rows / 4)[-1]
    low, high = 1e-3 * top, top
    for _ in range(halvings):
        lr = (low + high) / 2
        radius = np.abs(np.linalg.eigvals(_moments(rows, lr, size, replacement))).max()
        low, high = (lr, high) if radius < 1 else (low, lr)
    return float(lr)


def figures():
    """Thresholds over the batch size."""
    return {"thresholds": _figure}


def _figure():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
    for k in range(4):
        rows = np.random.default_rng(k).normal(size=(8, 2))
        edge = 2 / np.linalg.eigvalsh(rows.T @ rows / 8)[-1]
        axes.plot(range(1, 9), [_closed_form(rows, size) / edge for size in range(1, 9)], "o-")
    axes.set(xlabel="batch size", ylabel="threshold over 2/λ₁", title="Four random sets of eight rows")
    return figure
