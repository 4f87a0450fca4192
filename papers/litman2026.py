"""E. Litman, *The origin of edge of stability*, arXiv 2604.20446 (2026).

The edge coupling A(x, y) = L(x) + L(y) − ‖x − y‖²/(2η) of two successive iterates: gradient descent makes its first gradient
vanish, and where both vanish it has a fixed point or a 2-cycle. Differences of that condition give a recurrence of steps with
the stability boundary 2/η; a sum of loss changes forces an average of the curvature to 2/η, from every start. Near a fixed
point the coupling as a function of the amplitude says on which side of the critical η there are 2-cycles.
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
    "criticality of both gradients", {"first": "0", "second": "0", "double well": 9, "fixed": 3},
    Control("a coupling with 1/η in place of 1/(2η)", changes={"weight": 1}), settled="proved",
    proof="SymPy for every loss of degree four; Sturm's theorem for the count",
)  # fmt: skip
def critical_points_are_fixed_points_and_2_cycles(weight=2):
    """The critical points of L(x) + L(y) − ‖x − y‖²/(2η) are exactly the pairs that gradient descent exchanges: its fixed
    points, x = y, and its 2-cycles.

    For L = ax + bx² + cx³ + dx⁴ and f(x) = x − ηL': what is missing from η∂A/∂x = y − f(x), and from η∂A/∂y = x − f(f(x)) at y
    = f(x). On the double well (w² − 1)²/4 with η = 6/5 the number of real roots of f(f(w)) − w and of f(w) − w, exactly.
    """
    x, y, eta, *coefficients = sp.symbols("x y eta a b c d")

    def loss(v):
        return sum(k * v ** (n + 1) for n, k in enumerate(coefficients))

    def step(v):
        return v - eta * sp.diff(loss(x), x).subs(x, v)

    coupling = loss(x) + loss(y) - (x - y) ** 2 / (weight * eta)
    first = sp.expand(eta * sp.diff(coupling, x) - (y - step(x)))
    second = sp.expand((eta * sp.diff(coupling, y)).subs(y, step(x)) - (x - step(step(x))))
    well = {eta: sp.Rational(6, 5), **dict(zip(coefficients, (0, sp.Rational(-1, 2), 0, sp.Rational(1, 4)), strict=True))}
    twice, once = (sp.Poly(sp.expand((g - x).subs(well)), x) for g in (step(step(x)), step(x)))
    return {"first": str(first), "second": str(sp.simplify(second)), "double well": int(twice.count_roots()),
            "fixed": int(once.count_roots())}  # fmt: skip


def _distinct(points):
    found = []
    for point in points:
        if not any(np.abs(point - other).max() < 1e-6 for other in found):
            found.append(point)
    return np.array(sorted(found, key=lambda p: tuple(np.round(p, 6))))


@CLAIMS.add(
    "2-cycles as a variational problem", {"same": True, "difference": at_most(1e-6), "fixed": 9, "cycles": at_least(10)},
    Control("a coupling for another learning rate", changes={"share": 1.2}), figure="coupling",
)  # fmt: skip
def cycles_by_optimization(share=1.0):
    """So 2-cycles can be found by optimization: in two variables the critical points of the coupling are all of them.

    (x² − 1)²/4 + (y² − 1)²/5 + xy/5, η = 1.3, |x|, |y| < 1.9: critical points from 900 random starts (seed 1), against Newton's
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
)  # fmt: skip
def recurrence_of_the_steps(average=True):
    """Successive steps obey s₊ = (1 − ηH̄)s with H̄ the mean Hessian along the step, so they grow beyond the stability boundary
    2/η.

    Three losses, 60 steps each: the largest of ‖s₊ − (1 − ηH̄)s‖/‖s‖, H̄ by quadrature.
    """
    worst = 0.0
    for name in RUNS:
        loss, lr, w, steps = _steps(name, 61)
        for point, s, after in zip(w[:-2], steps[:-1], steps[1:], strict=True):
            pull = _pulled(loss, point, s, lambda t: 1.0) if average else loss.hvp(point, s)
            worst = max(worst, np.linalg.norm(after - s + lr * pull) / np.linalg.norm(s))
    return {"worst": worst}


@CLAIMS.add(
    "loss-change formula",
    {"worst": at_most(1e-12), "network": near(1.0, 0.05), "four layers": near(1.0, 0.05), "valley": near(1.0, 0.001)},
    Control("a quarter of the learning rate, where the steps die out", changes={"share": 0.25}), figure="curvature",
)  # fmt: skip
def curvature_is_forced_to_the_edge(share=1.0):
    """L(w₊) − L(w) = ½(κ − 2/η)‖s‖², κ an average of the curvature along the step s; summed up this forces the average of κ,
    weighted with ‖s‖², to 2/η while steps go on and the loss is bounded.

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


@CLAIMS.add(
    "amplitude near a fixed point", {"sides": "above, above, below, above, below", "law": "above, above, below, above, below"},
    Control("the law of the fourth derivative alone", changes={"cubic": 0.0}), figure="coupling",
)  # fmt: skip
def side_of_the_cycles(cubic=3.0):
    """Near a minimum the coupling, reduced to the half amplitude, tells on which side of η = 2/f″ there are 2-cycles: above it
    where 3f‴² − f″f⁗ > 0, else below.

    x²/2 − x⁴/4, log cosh x, x²/2 + x⁴/4, and x²/2 + x³/3 + cx⁴/4 with c = 1.5 and 2.5 (the law changes at c = 2): the reduced
    coupling has a critical point with half amplitude below 0.05 at η = 2.0005 or at 1.9995 only; by roots of both gradients
    from 40 starts.
    """
    cases = {"x**2/2 - x**4/4": (0, -6), "logcosh(x)": (0, -2), "x**2/2 + x**4/4": (0, 6)}
    cases |= {"x**2/2 + x**3/3 + 1.5*x**4/4": (2, 9), "x**2/2 + x**3/3 + 2.5*x**4/4": (2, 15)}
    sides, law = [], []
    for text, (third, fourth) in cases.items():
        loss = cf.Loss(text)
        law.append("above" if cubic * third**2 - fourth > 0 else "below")
        there = [name for eta, name in ((2.0005, "above"), (1.9995, "below")) if _half_amplitudes(loss, eta)]
        sides.append("+".join(there) or "none")
    return {"sides": ", ".join(sides), "law": ", ".join(law)}


def _half_amplitudes(loss, eta):
    """(x − y)/2 in (0.002, 0.05) of the critical points of the coupling, from starts about the minimum."""

    def gradient(z):
        gap = (z[0] - z[1]) / eta
        return [loss.gradient(z[:1])[0] - gap, loss.gradient(z[1:])[0] + gap]

    runs = [root(gradient, [c + a, c - a], method="hybr", tol=1e-13) for a in np.linspace(0.004, 0.06, 20) for c in (0.0, -0.001)]
    found = [(run.x[0] - run.x[1]) / 2 for run in runs if np.abs(gradient(run.x)).max() < 1e-11]
    return sorted({round(a, 6) for a in found if 0.002 < a < 0.05})


def figures():
    """The coupling of a double well with its critical points, and the forced curvature."""
    return {"coupling": _coupling, "curvature": _curvature}


def _axes(x, y):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def _coupling():
    figure, axes = _axes("w", "next w")
    loss, eta, grid = cf.losses.double_well(), 1.2, np.linspace(-1.7, 1.7, 200)
    values = np.array([loss.value([w]) for w in grid])
    coupling = values[:, None] + values[None, :] - (grid[:, None] - grid[None, :]) ** 2 / (2 * eta)
    axes.contour(grid, grid, coupling.T, 40, cmap="Greys", linewidths=0.6)
    step = np.poly1d([-eta, 0, 1 + eta, 0])
    roots = (step(step) - np.poly1d([1, 0])).roots
    w = roots[np.abs(roots.imag) < 1e-7].real
    fixed = np.abs(step(w) - w) < 1e-6
    axes.plot(w[fixed], step(w[fixed]), "ko", w[~fixed], step(w[~fixed]), "ro")
    axes.set_title("black: fixed points, red: 2-cycles")
    return figure


def _curvature():
    figure, axes = _axes("steps so far", "η/2 · mean curvature, weighted with ‖s‖²")
    for name in RUNS:
        loss, lr, w, steps = _steps(name, 1500)
        change = np.array([loss.value(row) for row in w[1:]]) - loss.value(w[0])
        axes.semilogx(np.arange(1, 1501), 1 + lr * change / np.cumsum((steps**2).sum(1)), label=name)
    axes.axhline(1, color="0.7", lw=0.8)
    axes.legend(frameon=False)
    return figure
