"""The cfdyn project, *Period three of gradient descent: an epoch that rotates, a loss built to order*, derived here, 2026.

Two samples. Descent on (a·w)²/2 with |a| = 1 and η = 2 is the reflection I − 2aaᵀ; two of them at 60° rotate by 120°.

A planar 3-cycle. For L = h(s) + k(s) Re z³, s = |z|², the gradient is 2h′z + 2k′z Re z³ + 3k z̄². Where z³ = i, h′(1) = 3/4 and
k(1) = √3/6 it is z(3/2 − i√3/2), as z̄² = −iz, and the step of η = 1 multiplies by e^{2πi/3}. h″ and k′ are free to make that
cycle stable: h″ = −1/8, k′ = −√3/6 give the multipliers 1/64 and 0.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the paper")


def _rotation_by_hand():
    b = sp.Matrix([sp.Rational(1, 2), sp.sqrt(3) / 2])
    product = (sp.eye(2) - 2 * b * b.T) * sp.diag(-1, 1)
    return {"entries": [float(entry) for entry in product], "cube": bool(sp.simplify(product**3) == sp.eye(2))}


@CLAIMS.add(
    "two samples", {"entries": near([-0.5, -(0.75**0.5), 0.75**0.5, -0.5], 1e-12), "cube": True},
    Control("η = 1, Kaczmarz's projections", changes={"lr": 1.0}), second=_rotation_by_hand,
)  # fmt: skip
def an_epoch_that_rotates(lr=2.0):
    """An epoch of stochastic gradient descent over two unit samples at 60°, squared residuals, η = 2, is a rotation by
    exactly 120°: every orbit has period 3 in epochs.

    The Jacobian of the epoch's map, and its cube.
    """
    matrix = cf.epoch(cf.losses.cyclic_pair(), cf.optimizers.gd(lr=lr)).jacobian([0.3, 0.4])
    cube = np.linalg.matrix_power(matrix, 3)
    return {"entries": matrix.ravel().tolist(), "cube": bool(np.abs(cube - np.eye(2)).max() < 1e-12)}


def _period_three_by_hand():
    """Periods of the epochs' orbits in plain NumPy, and the spectral radius along three of them."""
    rows, periods, radii = np.array([[1.0, 0.0], [0.5, 0.75**0.5]]), [], []
    for lr in (2.1, 2.5, 3.0):
        w, path, product = np.array([1.0, 0.3]), [], np.eye(2)
        for epoch in range(4000):
            path.append(w)
            for a in rows:
                product = (np.eye(2) - lr / np.cosh(a @ w) ** 2 * np.outer(a, a)) @ product if epoch >= 3997 else product
                w = w - lr * np.tanh(a @ w) * a
        distances = [np.abs(path[-1] - path[-1 - lag]).max() for lag in (1, 2, 3)]
        periods.append(1 + int(np.argmax(np.array(distances) < 1e-9)))
        radii.append(float(np.abs(np.linalg.eigvals(product)).max()))
    return {"periods": periods, "largest |multiplier|": max(radii)}


@CLAIMS.add(
    "two samples", {"periods": [3, 3, 3], "largest |multiplier|": at_most(0.99)},
    Control("gradient descent on the mean loss, beyond its edge 8/3", changes={"full": True}),
    second=_period_three_by_hand, figure="epoch",
)  # fmt: skip
def stable_period_three_of_epochs(full=False, lrs=(2.1, 2.5, 3.0)):
    """With log cosh residuals the rotation becomes a stable 3-cycle in epochs, at η = 2.1, 2.5 and 3.

    Two unit samples at 60°, cyclic order, from (1, 0.3). The loss is convex; on the mean loss η = 3 gives a 2-cycle.
    """
    loss, periods, size = cf.losses.cyclic_pair(residual="log_cosh"), [], 0.0
    for lr in lrs:
        optimizer = cf.optimizers.gd(lr=lr)
        found = cf.analysis.classify(cf.as_map(loss, optimizer) if full else cf.epoch(loss, optimizer), [1.0, 0.3])
        periods.append(found.period)
        size = max(size, float(np.abs(found.multipliers).max()))
    return {"periods": periods, "largest |multiplier|": size}


def _cycle_by_hand():
    """The multipliers at h″ = −1/8 and −3/10, from the Jacobians of three steps in SymPy, exactly, then as numbers."""
    sizes = []
    for h2 in (sp.Rational(-1, 8), sp.Rational(-3, 10)):
        values = list(_return(h2)[1].eigenvals())
        sizes.append(float(max(abs(sp.N(value, 20)) for value in values)))
    return {"periods": [3, 3], "largest |multiplier|": sizes}


def _return(h2):
    """Whether three steps lead from point to point, and the product of their Jacobians, exactly."""
    x, y = sp.symbols("x y", real=True)
    s = x**2 + y**2
    loss = 3 * s / 4 + h2 * (s - 1) ** 2 / 2 + sp.sqrt(3) / 6 * (2 - s) * (x**3 - 3 * x * y**2)
    step = sp.Matrix([x - sp.diff(loss, x), y - sp.diff(loss, y)])
    angles = [sp.pi / 6 + 2 * sp.pi * j / 3 for j in range(4)]
    points = [{x: sp.cos(angle), y: sp.sin(angle)} for angle in angles]
    closes = all(
        sp.simplify(step.subs(a) - sp.Matrix([b[x], b[y]])) == sp.zeros(2, 1) for a, b in zip(points, points[1:], strict=False)
    )
    product = sp.eye(2)
    for point in points[:3]:
        product = step.jacobian([x, y]).subs(point) * product
    return closes, product.applyfunc(sp.simplify)


def _closes_by_hand():
    """One step in complex numbers, z − (2h′z + 2k′z Re z³ + 3k z̄²), from each of the three points."""
    points = [np.exp(1j * (np.pi / 6 + 2 * np.pi * j / 3)) for j in range(4)]
    images = [z - (1.5 * z - 3**0.5 / 3 * z * (z**3).real + 3**0.5 / 2 * z.conjugate() ** 2) for z in points]
    return {"closes": bool(max(abs(a - b) for a, b in zip(images, points[1:], strict=False)) < 1e-14)}


@CLAIMS.add(
    "planar 3-cycle", {"closes": True, "multipliers": "0, 1/64"},
    Control("h″ = 0", changes={"h2": 0}), settled="proved", second=_closes_by_hand,
    proof="exact algebra: the three points, the gradient and the Jacobians in SymPy",
)  # fmt: skip
def exact_three_cycle(h2="-1/8"):
    """Plain gradient descent with η = 1 on a polynomial of two weights has the 3-cycle exp(i(π/6 + 2πj/3)) with the multipliers
    1/64 and 0.

    L = h(s) + k(s) Re z³ with h′ = 3/4 + h″(s − 1), h″ = −1/8, k = (√3/6)(2 − s).
    """
    closes, product = _return(sp.Rational(h2))
    return {"closes": closes, "multipliers": ", ".join(map(str, sorted(product.eigenvals(multiple=True))))}


@CLAIMS.add(
    "planar 3-cycle", {"periods": [3, 3], "largest |multiplier|": near([1 / 64, 0.053 + 9 * 141**0.5 / 500], 1e-9)},
    Control("h″ = 0.5 and 0.7, where it is unstable", changes={"curvatures": (0.5, 0.7)}),
    second=_cycle_by_hand, figure="triangle",
)  # fmt: skip
def orbits_settle_on_it(curvatures=(-0.125, -0.3)):
    """Orbits of plain gradient descent in the plane settle on a 3-cycle: "always a 2-cycle" is false far from the edge.

    h″ = −1/8 and −0.3, from (0.87, 0.5): what `classify` finds. By exact algebra the larger multiplier is 1/64 in the first
    case and −53/1000 − 9√141/500 in the second.
    """
    step, periods, sizes = cf.as_map(cf.losses.triangle(), cf.optimizers.gd(lr=1.0)), [], []
    for h2 in curvatures:
        found = cf.analysis.classify(step.at(h2=h2), [0.87, 0.5])
        periods.append(found.period)
        sizes.append(float(np.abs(found.multipliers).max(initial=0.0)))
    return {"periods": periods, "largest |multiplier|": sizes}


def _end(step, start):
    """What the last of 400 steps say of an orbit."""
    orbit = cf.iterate(step, start, 400)
    if orbit.status != "done":
        return "diverges"
    last = np.abs(orbit.w[-1] - orbit.w[-5:-1]).max(axis=1)[::-1]  # distances of one to four steps
    return "minimum" if last[0] < 1e-6 else "3-cycle" if last[2] < 1e-9 else "other"


def _sharpness_by_hand():
    """2h′(0) = 2(3/4 + 1/8) at the minimum z = 0."""
    return {"ηλ at the minimum": 2 * (0.75 + 0.125)}


@CLAIMS.add(
    "planar 3-cycle", {"ηλ at the minimum": near(1.75, 1e-9), "from near it": "fixed point of period 1", "3-cycles": at_least(1)},
    Control("h″ = −0.3, where the minimum is beyond its edge", changes={"h2": -0.3}),
    second=_sharpness_by_hand, figure="triangle",
)  # fmt: skip
def coexists_with_a_stable_minimum(h2=-0.125, seed=0):
    """The 3-cycle attracts some orbits although the minimum at 0 is inside its edge, ηλ = 7/4, and attracts others.

    The sharpness at 0, the orbit from (0.05, 0.02), and of 40 starts with |x|, |y| < 1.2 how many end on a 3-cycle.
    """
    loss = cf.losses.triangle(h2=h2)
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.0))
    near_it = cf.analysis.classify(step, [0.05, 0.02], budget=20_000)
    starts = np.random.default_rng(seed).uniform(-1.2, 1.2, (40, 2))
    return {
        "ηλ at the minimum": loss.sharpness([0.0, 0.0]),
        "from near it": f"{near_it.kind} of period {near_it.period}",
        "3-cycles": sum(_end(step, start) == "3-cycle" for start in starts),
    }


def _stable_by_hand():
    """The three points, and the multipliers by exact algebra."""
    values = _return(sp.Rational(-1, 8))[1].eigenvals()
    points = [float(f(np.pi / 6 + 2 * np.pi * j / 3)) for j in range(3) for f in (np.cos, np.sin)]
    return {"points": points, "stable": all(abs(value) < 1 for value in values), "period": 3}


@CLAIMS.prove(
    "planar 3-cycle", {"kind": "cycle", "period": 3, "stable": True,
                       "points": near([0.75**0.5, 0.5, -(0.75**0.5), 0.5, 0.0, -1.0], 1e-7)},
    Control("h″ = 0.5, where it is unstable", changes={"h2": "1/2"}), second=_stable_by_hand, figure="proof",
)  # fmt: skip
def triangle_proved(h2="-1/8"):
    """Plain gradient descent with η = 1 on that polynomial has a stable 3-cycle near exp(i(π/6 + 2πj/3)).

    A certificate of one cycle in small boxes in the plane, h″ = −1/8.
    """
    points = [[0.866, 0.5], [-0.866, 0.5], [0.0, -1.0]]
    return cf.certify.cycle(cf.losses.triangle(), cf.optimizers.gd(lr=1), points, h2=h2)


def _epochs(rate=2.5, epochs=4000):
    """The last three epochs of an orbit in plain NumPy."""
    w, path = np.array([1.0, 0.3]), []
    for _ in range(epochs):
        path.append(w)
        for a in np.array([[1.0, 0.0], [0.5, 0.75**0.5]]):
            w = w - rate * np.tanh(a @ w) * a
    return [point.tolist() for point in path[-3:]]


def _epochs_by_hand():
    """The period is that of the orbit, which comes to it from afar."""
    near_by = [bool(np.abs(np.array(_epochs(r, 4003)) - np.array(_epochs(r))).max() < 1e-9) for r in (2.1, 2.5, 3.0)]
    return {"period": [3 * near for near in near_by], "stable": near_by}


@CLAIMS.prove(
    "two samples", {"kind": ["cycle"] * 3, "period": [3] * 3, "stable": [True] * 3},
    Control("the minimum, a cycle of period 1", changes={"period": 1}), second=_epochs_by_hand, figure="epoch",
)  # fmt: skip
def epochs_of_period_three_proved(period=3):
    """With log cosh residuals at 60° an epoch of stochastic gradient descent has a stable 3-cycle at η = 2.1, 2.5 and 3.

    Three certificates for the formulas of an epoch: x₁ = x − η tanh x, u = tanh(x₁/2 + (√3/2)y), then x₁ − ηu/2, y − η(√3/2)u.
    """
    first, second = "(x - lr*tanh(x))", "tanh((x - lr*tanh(x))/2 + sqrt(3)/2*y)"
    step = cf.Map.from_text([f"{first} - lr/2*{second}", f"y - lr*sqrt(3)/2*{second}"], "x y", {"lr": 2.5})
    starts = [_epochs(rate) if period == 3 else [[0.0, 0.0]] for rate in (2.1, 2.5, 3.0)]
    return [cf.certify.cycle(step, points=z, period=period, lr=r) for z, r in zip(starts, ("2.1", "2.5", "3"), strict=True)]


def figures():
    """What orbits of the two examples end on."""
    return {"triangle": _triangle, "epoch": _epoch, "proof": lambda: cf.plot(triangle_proved())}


def _triangle():
    import matplotlib.pyplot as plt

    step = cf.as_map(cf.losses.triangle(), cf.optimizers.gd(lr=1.0))
    side = np.linspace(-1.3, 1.3, 161)
    names = ("minimum", "3-cycle", "diverges", "other")
    ends = [[names.index(_end(step, [x, y])) for x in side] for y in side]
    figure, axis = plt.subplots(figsize=(6, 5), layout="constrained")
    image = axis.pcolormesh(side, side, ends, cmap=plt.get_cmap("Pastel1", 4), vmin=-0.5, vmax=3.5)
    bar = figure.colorbar(image, ticks=range(4))
    bar.ax.set_yticklabels(names)
    angles = np.pi / 6 + 2 * np.pi * np.arange(3) / 3
    axis.plot(np.cos(angles), np.sin(angles), "k^", 0, 0, "ko")
    axis.set(xlabel="x", ylabel="y", title="Gradient descent, η = 1: where the start leads", aspect="equal")
    return figure


def _epoch():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(5, 5), layout="constrained")
    for lr in (2.1, 2.5, 3.0):
        w = cf.iterate(cf.epoch(cf.losses.cyclic_pair(residual="log_cosh"), cf.optimizers.gd(lr=lr)), [1.0, 0.3], 2000).w[-30:]
        axis.plot(w[:, 0], w[:, 1], ".-", lw=0.5, ms=6, label=f"η = {lr}")
    axis.set(xlabel="x", ylabel="y", title="two samples at 60°, log cosh: epochs", aspect="equal")
    axis.legend()
    return figure
