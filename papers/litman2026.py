"""E. Litman, *The origin of edge of stability*, arXiv 2604.20446, 2026.

The edge coupling of two points is L(x) + L(y) − |x − y|²/(2η). Its critical points are exactly the fixed points (x = y) and
the 2-cycles of gradient descent, so 2-cycles are a variational object. Near a minimum it becomes a function of the
half-amplitude alone, which says in which directions 2-cycles exist and on which side of the critical rate.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _critical_points(formula, lr, factor, box=2.2, grid=12):
    """Critical points of L(x) + L(y) − |x − y|²/(factor η) of a loss of w, by Newton's method from a grid."""
    both = f"{formula.replace('w', 'x')} + {formula.replace('w', 'y')}"
    coupling = cf.Loss(f"{both} - (x - y)**2/({factor}*eta)", variables="x y", params={"eta": lr})
    found: list[np.ndarray] = []
    for z in (np.array([a, b]) for a in np.linspace(-box, box, grid) for b in np.linspace(-box, box, grid)):
        for _ in range(60):
            z = z - np.linalg.solve(coupling.hessian(z), coupling.gradient(z))
        if np.abs(coupling.gradient(z)).max() < 1e-10 and all(np.abs(z - other).max() > 1e-6 for other in found):
            found.append(z)
    return np.array(found)


@CLAIMS.add(
    "section 3, as recalled",
    {"critical points": [5, 9, 9], "fixed points and points of 2-cycles": [5, 9, 9], "largest distance": near(0.0, 1e-8)},
    Control("with the factor 1/η in place of 1/(2η)", changes={"factor": 1.0}), figure="coupling",
)  # fmt: skip
def critical_points_are_cycles(factor=2.0, lrs=(0.9, 1.1, 1.3)):
    """The critical points of L(x) + L(y) − |x − y|²/(2η) are exactly the pairs (x, y) that gradient descent exchanges or
    leaves fixed.

    The double well at η = 0.9, 1.1, 1.3: all critical points from a grid of starts against the complete lists of fixed
    points and 2-cycles; the largest distance of the second iterate from its point.
    """
    formula, points, cycles, distance = "(w**2 - 1)**2/4", [], [], 0.0
    for lr in lrs:
        step = cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=lr))
        lists = [cf.analysis.cycles(step, period, [(-4, 4)]) for period in (1, 2)]
        cycles.append(len(lists[0]) + 2 * len(lists[1]))
        pairs = _critical_points(formula, lr, factor)
        points.append(len(pairs))
        distance = max(distance, max(float(abs(step([x])[0] - y)) for x, y in pairs))
    return {"critical points": points, "fixed points and points of 2-cycles": cycles, "largest distance": distance}


@CLAIMS.add(
    "section 5, as recalled", {"softening, below and beyond": [0, 1], "hardening, below and beyond": [1, 0]},
    Control("the signs of the quartic terms exchanged", changes={"sign": -1}),
)  # fmt: skip
def side_of_the_edge(sign=1):
    """The fourth derivative decides on which side of 2/λ the 2-cycle is: on w²/2 − w⁴/24 beyond it, on w²/2 + w⁴/24 below it.

    The 2-cycles within 1 of the minimum at η = 1.98 and 2.02, from complete lists.
    """
    found = {}
    for name, weight in (("softening", -sign), ("hardening", sign)):
        step = cf.as_map(cf.Loss("w**2/2 + k*w**4/24", params={"k": float(weight)}), cf.optimizers.gd(lr=2.0))
        found[f"{name}, below and beyond"] = [len(cf.analysis.cycles(step.at(lr=lr), 2, [(-1, 1)])) for lr in (1.98, 2.02)]
    return found


@CLAIMS.add(
    "section 5, as recalled", {"amplitudes": near([0.3**0.5, 0.03**0.5], relative=0.02), "error ratio": near(10.0, 1.0)},
    Control("on log cosh w, whose half-amplitude is √(3(η−2)/2)", changes={"formula": "log(cosh(w))"}),
)  # fmt: skip
def half_amplitude(formula="w**2/2 - w**4/24 + w**6/720 - w**8/40320", distances=(0.1, 0.01)):
    """For a symmetric loss the coupling at (a, −a) is 2L(a) − 2a²/η, a function of the half-amplitude alone, and its
    critical points are the 2-cycles.

    L = 1 − cos w to order eight, at η = 2.1 and 2.01: sin a = 2a/η gives a² = 6(1 − 2/η)(1 + …), which is 3(η − 2) to first
    order.
    """
    step = cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=2.1))
    amplitudes = []
    for distance in distances:
        found = [c for c in cf.analysis.cycles(step.at(lr=2 + distance), 2, [(-1.5, 1.5)]) if abs(c.points.sum()) < 1e-9]
        amplitudes.append(float(np.abs(found[0].points).max()))
    errors = [abs(a / (3 * d) ** 0.5 - 1) for a, d in zip(amplitudes, distances, strict=True)]
    return {"amplitudes": amplitudes, "error ratio": errors[0] / errors[1]}


def figures():
    """The edge coupling of the double well with its critical points."""
    return {"coupling": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", sharey=True)
    x, y = np.meshgrid(np.linspace(-2.2, 2.2, 201), np.linspace(-2.2, 2.2, 201))
    for axis, lr in zip(axes, (0.9, 1.1), strict=True):
        energy = (x**2 - 1) ** 2 / 4 + (y**2 - 1) ** 2 / 4 - (x - y) ** 2 / (2 * lr)
        axis.contour(x, y, energy, levels=np.linspace(-2.5, 2, 40), linewidths=0.6)
        points = _critical_points("(w**2 - 1)**2/4", lr, 2.0)
        fixed = np.abs(points[:, 0] - points[:, 1]) < 1e-6
        axis.plot(*points[fixed].T, "ko", label="fixed points")
        axis.plot(*points[~fixed].T, "r^", label="2-cycles")
        axis.set(xlabel="x", title=f"edge coupling of the double well, η = {lr}", aspect="equal")
    axes[0].set_ylabel("y")
    axes[1].legend()
    return figure
