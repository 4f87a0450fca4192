"""E. Litman, *The origin of edge of stability*, arXiv 2604.20446, 2026.

The edge coupling of two points is L(x) + L(y) − |x − y|²/(2η). Gradient descent makes its first gradient vanish; where both
vanish it has a fixed point (x = y) or a 2-cycle, so 2-cycles are a variational object. Differences of that condition give a
recurrence of steps with the stability boundary 2/η; a sum of loss changes forces an average of the curvature to 2/η, from every
start. Near a minimum the coupling becomes a function of the half-amplitude alone, which says in which directions 2-cycles exist
and on which side of the critical rate.
"""

import numpy as np
import sympy as sp
from scipy.optimize import root

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")

PAIR = "(x**2 - 1)**2/4 + (y**2 - 1)**2/5 + x*y/5"
NETWORK = (0.1, -0.1, 0.3, 0.1, -0.3, 0.2, 0.7)


@CLAIMS.add(
    "abstract (both gradients zero)", {"first": "0", "second": "0", "double well": 9, "fixed": 3},
    Control("a coupling with 1/η in place of 1/(2η)", changes={"weight": 1}), figure="coupling",
    domain="all differentiable losses of one weight, η > 0; the count for (w² − 1)²/4 at η = 6/5",
    perturbations=(Control("the count at η = 3/5", changes={"rate": "3/5"}),),
    proof="exact algebra: SymPy with an undefined function L of one variable; Sturm's theorem for the count",
)  # fmt: skip
def criticality_is_gradient_descent(weight=2, rate="6/5"):
    """The critical points of L(x) + L(y) − ‖x − y‖²/(2η) are exactly the pairs that gradient descent exchanges: its fixed
    points, x = y, and its 2-cycles. For the double well at η = 6/5 they are 3 fixed points and 6 points of 2-cycles.

    For any L of one variable and f(x) = x − ηL'(x): what is missing from η∂A/∂x = y − f(x), and from η∂A/∂y = x − f(f(x)) at y
    = f(x); with more variables the same lines hold for gradients. On the double well (w² − 1)²/4 with η = 6/5 the number of
    real roots of f(f(w)) − w and of f(w) − w, exactly.
    """
    x, y, eta, loss = *sp.symbols("x y eta"), sp.Function("L")

    def step(v):
        return v - eta * loss(x).diff(x).subs(x, v)

    coupling = loss(x) + loss(y) - (x - y) ** 2 / (weight * eta)
    first = eta * coupling.diff(x) - (y - step(x))
    second = (eta * coupling.diff(y)).subs(y, step(x)) - (x - step(step(x)))
    once = x - sp.Rational(rate) * (x**3 - x)
    counts = [sp.Poly(sp.expand(g - x), x).count_roots() for g in (once.subs(x, once), once)]
    return {"first": str(sp.simplify(first)), "second": str(sp.simplify(second.doit())), "double well": int(counts[0]),
            "fixed": int(counts[1])}  # fmt: skip


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
    "abstract (on which side of the critical rate); the example is ours",
    {"softening, below and beyond": [0, 1], "hardening, below and beyond": [1, 0]},
    Control("the signs of the quartic terms exchanged", changes={"sign": -1}),
    domain="w²/2 ∓ w⁴/24, one weight, λ = 1; η = 1.98 and 2.02, |w| ≤ 1",
    perturbations=(Control("η = 1.98 and 1.99", changes={"rates": (1.98, 1.99)}),),
)  # fmt: skip
def side_of_the_edge(sign=1, rates=(1.98, 2.02)):
    """On which side of 2/λ the 2-cycle near the minimum is depends, with L‴ = 0, on the sign of L⁗: on w²/2 − w⁴/24 it is there
    just beyond and not just below, on w²/2 + w⁴/24 just below and not just beyond.

    Where L‴ is not 0, the sign of 3L‴² − λL⁗ takes the place of that of −L⁗ (the normal form of the flip; not checked here). The
    number of 2-cycles within 1 of the minimum, from complete lists.
    """
    found = {}
    for name, weight in (("softening", -sign), ("hardening", sign)):
        step = cf.as_map(cf.Loss("w**2/2 + k*w**4/24", params={"k": float(weight)}), cf.optimizers.gd(lr=2.0))
        found[f"{name}, below and beyond"] = [len(cf.analysis.cycles(step.at(lr=lr), 2, [(-1, 1)])) for lr in rates]
    return found


@CLAIMS.add(
    "abstract (the half-amplitude); the example is ours",
    {"amplitudes": near([0.3**0.5, 0.03**0.5], relative=0.02), "error ratio": near(10.0, 1.0)},
    Control("on log cosh w, whose half-amplitude is √(3(η−2)/2)", changes={"formula": "log(cosh(w))"}),
    domain="w²/2 − w⁴/24 + w⁶/720 − w⁸/40320, one weight; η ↓ 2", examples="η = 2.1 and 2.01",
    perturbations=(Control("w⁴/22 in place of w⁴/24", changes={"formula": "w**2/2 - w**4/22 + w**6/720 - w**8/40320"}),),
)  # fmt: skip
def half_amplitude(formula="w**2/2 - w**4/24 + w**6/720 - w**8/40320", distances=(0.1, 0.01)):
    """On 1 − cos w to order eight the symmetric 2-cycle has the half-amplitude √(3(η − 2)), up to a relative error of the order
    of η − 2: there the coupling at (a, −a) is 2L(a) − 2a²/η, a function of a alone, and critical.

    L′(a) = 2a/η, with sin a for L′, gives a² = 6(1 − 2/η)(1 + …). The 2-cycles are those of a complete list.
    """
    step = cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=2.1))
    amplitudes = []
    for distance in distances:
        found = [c for c in cf.analysis.cycles(step.at(lr=2 + distance), 2, [(-1.5, 1.5)]) if abs(c.points.sum()) < 1e-9]
        amplitudes.append(float(np.abs(found[0].points).max()))
    errors = [abs(a / (3 * d) ** 0.5 - 1) for a, d in zip(amplitudes, distances, strict=True)]
    return {"amplitudes": amplitudes, "error ratio": errors[0] / errors[1]}


def _distinct(points):
    found = []
    for point in points:
        if not any(np.abs(point - other).max() < 1e-6 for other in found):
            found.append(point)
    return np.array(sorted(found, key=lambda p: tuple(np.round(p, 6))))


@CLAIMS.add(
    "own statement", {"same": True, "difference": at_most(1e-6), "fixed": 9, "cycles": at_least(10)},
    Control("a coupling for another learning rate", changes={"share": 1.2}), figure="coupling",
    domain="(x² − 1)²/4 + (y² − 1)²/5 + xy/5, two weights; η = 1.3, |x|, |y| < 1.9",
    perturbations=(Control("a coupling for a learning rate 2 % larger", changes={"share": 1.02}),),
)  # fmt: skip
def cycles_by_optimization(share=1.0):
    """So 2-cycles can be found as critical points of the coupling: on a loss of two weights those from random starts
    are the 9 fixed points and the points of 2-cycles that Newton's method finds on two steps of the map.

    Critical points from 900 random starts (seed 1), against Newton's
    method on two steps of the map, written by hand, from 700 others: are they the same, and the largest difference; how many
    fixed points, and points of 2-cycles.
    """
    eta, loss, rng = 1.3, cf.Loss(PAIR), np.random.default_rng(1)

    def newton(w):
        for _ in range(60):
            other = w - eta * loss.gradient(w)
            turn = (np.eye(2) - eta * loss.hessian(other)) @ (np.eye(2) - eta * loss.hessian(w)) - np.eye(2)
            move = np.linalg.solve(turn, other - eta * loss.gradient(other) - w)
            w = w - move * min(1.0, 0.5 / max(np.abs(move).max(), 1e-300))
            if np.abs(move).max() < 1e-13:
                return np.concatenate([w, w - eta * loss.gradient(w)])
        return np.full(4, 9.0)

    def hessian(z):
        turn = np.eye(2) / (share * eta)
        return np.block([[loss.hessian(z[:2]) - turn, turn], [turn, loss.hessian(z[2:]) - turn]])

    def gradient(z):
        gap = (z[:2] - z[2:]) / (share * eta)
        return np.concatenate([loss.gradient(z[:2]) - gap, loss.gradient(z[2:]) + gap])

    want = [z for z in map(newton, rng.uniform(-1.8, 1.8, (700, 2))) if np.abs(z).max() < 1.9]
    runs = (root(gradient, z, method="hybr", jac=hessian, tol=1e-13) for z in rng.uniform(-1.8, 1.8, (900, 4)))
    found = [run.x for run in runs if np.abs(gradient(run.x)).max() < 1e-10 and np.abs(run.x).max() < 1.9]
    want, found = _distinct(want), _distinct(found)
    fixed = int((np.abs(found[:, :2] - found[:, 2:]).max(axis=1) < 1e-6).sum())
    same = want.shape == found.shape
    return {"same": same, "difference": np.abs(want - found).max() if same else 9.0, "fixed": fixed, "cycles": len(found) - fixed}


RUNS = {
    "network": (lambda: cf.losses.tanh_network(), 1.2, NETWORK),
    "four layers": (lambda: cf.losses.deep_linear(depth=4), 0.4, (2.3, 0.5, 0.5, 0.5)),
    "valley": (lambda: cf.losses.two_time_scales(), 0.3, (0.05, 6.4)),
}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)


def _steps(name, count, share=1.0):
    """Loss, η, iterates and steps."""
    make, lr, start = RUNS[name]
    loss = make()
    w = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=share * lr)), start, count).w
    return loss, share * lr, w, np.diff(w, axis=0)


def _pulled(loss, w, s, weight):
    """∫ weight(τ) H(w + τs) s dτ over a step, by Gauss's quadrature."""
    nodes = (NODES + 1) / 2
    return sum(k / 2 * weight(t) * loss.hvp(w + t * s, s) for t, k in zip(nodes, WEIGHTS, strict=True))


@CLAIMS.add(
    "step recurrence", {"worst": at_most(1e-9)},
    Control("the Hessian at the start of a step", changes={"average": False}),
    domain="all C² losses of d weights, all η", examples="60 steps on a tanh network, four linear layers and a valley",
    perturbations=(Control("η 0.1 % larger", changes={"factor": 1.001}),),
)  # fmt: skip
def recurrence_of_the_steps(average=True, factor=1.0):
    """Successive steps of gradient descent obey s₊ = (1 − ηH̄)s, with H̄ the mean Hessian along the step s.

    The largest of ‖s₊ − (1 − ηH̄)s‖/‖s‖, H̄ by quadrature.
    """
    worst = 0.0
    for name in RUNS:
        loss, lr, w, steps = _steps(name, 61)
        for point, s, after in zip(w[:-2], steps[:-1], steps[1:], strict=True):
            pull = _pulled(loss, point, s, lambda t: 1.0) if average else loss.hvp(point, s)
            worst = max(worst, np.linalg.norm(after - s + factor * lr * pull) / np.linalg.norm(s))
    return {"worst": worst}


@CLAIMS.add(
    "loss-change formula",
    {"worst": at_most(1e-12), "network": near(1.0, 0.05), "four layers": near(1.0, 0.05), "valley": near(1.0, 0.001)},
    Control("a quarter of the learning rate, where the steps die out", changes={"share": 0.25}), figure="curvature",
    domain="all C² losses of d weights, all η; the limit where the loss is bounded along the orbit and Σ‖s‖² diverges",
    examples="1,500 steps on a tanh network, four linear layers and a valley",
    perturbations=(Control("half of the learning rate", changes={"share": 0.5}),),
)  # fmt: skip
def curvature_is_forced_to_the_edge(share=1.0):
    """L(w₊) − L(w) = ½(κ − 2/η)‖s‖², κ a weighted average of the curvature along the step s; summed up this takes the average of
    κ, weighted with ‖s‖², to 2/η.

    κ = 2∫(1 − τ)sᵀH(w + τs)s dτ/‖s‖² by quadrature: the largest error of the formula over 60 steps, and the weighted mean of
    ηκ/2 over 1,500 steps for a network, four linear layers and a valley, which that makes 1 + η(L_T − L₀)/Σ‖s‖².
    """
    worst, found = 0.0, {}
    for name in RUNS:
        loss, lr, w, steps = _steps(name, 1500, share)
        square = (steps**2).sum(1)
        for point, s, after in zip(w[:60], steps[:60], w[1:61], strict=True):
            pull = s @ _pulled(loss, point, s, lambda t: 1 - t)  # κ‖s‖²/2
            worst = max(worst, abs(loss.value(after) - loss.value(point) - pull + (s @ s) / lr))
        found[name] = 1 + lr * (loss.value(w[-1]) - loss.value(w[0])) / square.sum()
    return {"worst": worst, **found}


def figures():
    """The edge coupling of the double well with its critical points, and the forced curvature."""
    return {"coupling": _drawn, "curvature": _curvature}


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


def _curvature():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    axes.set(xlabel="steps so far", ylabel="η/2 · mean curvature, weighted with ‖s‖²")
    for name in RUNS:
        loss, lr, w, steps = _steps(name, 1500)
        change = np.array([loss.value(row) for row in w[1:]]) - loss.value(w[0])
        axes.semilogx(np.arange(1, 1501), 1 + lr * change / np.cumsum((steps**2).sum(1)), label=name)
    axes.axhline(1, color="0.7", lw=0.8)
    axes.legend(frameon=False)
    return figure
