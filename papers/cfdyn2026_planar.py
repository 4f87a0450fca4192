"""The cfdyn project, *Period three of gradient descent: an epoch that rotates, a loss built to order*, derived here, 2026.

Two samples. Descent on (a·w)²/2 with |a| = 1 and η = 2 is the reflection I − 2aaᵀ; two of them at 60° rotate by 120°.

A planar 3-cycle. For L = h(s) + k(s) Re z³, s = |z|², the gradient is 2h′z + 2k′z Re z³ + 3k z̄². Where z³ = i, h′(1) = 3/4 and
k(1) = √3/6 it is z(3/2 − i√3/2), as z̄² = −iz, and the step of η = 1 multiplies by e^{2πi/3}. h″ and k′ are free to make that
cycle stable: h″ = −1/8, k′ = −√3/6 give the multipliers 1/64 and 0.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, between, near

CLAIMS = Claims(__name__, __doc__, read="the paper")


def _rotation_by_hand():
    """Where two steps of each sample take the unit vectors, in plain NumPy."""
    ends, again = [], []
    for w in np.eye(2):
        for k in range(6):
            a = np.array([[1.0, 0.0], [0.5, 0.75**0.5]][k % 2])
            w = w - 2 * a * (a @ w)
            ends += [w] if k == 1 else []
        again.append(w)
    rotated = np.array([[-0.5, -(0.75**0.5)], [0.75**0.5, -0.5]])
    right = np.abs(np.array(ends).T - rotated).max() < 1e-14
    return {"rotation by": "2*pi/3" if right else "", "cube": bool(np.abs(np.array(again) - np.eye(2)).max() < 1e-14)}


@CLAIMS.add(
    "two samples", {"rotation by": "2*pi/3", "cube": True},
    Control("η = 1, Kaczmarz's projections", changes={"lr": 1}), second=_rotation_by_hand,
    domain="(a·w)²/2 with a = (1, 0), then (1/2, √3/2), two weights; η = 2; all starts but 0",
    proof="exact algebra: the product of the two steps in SymPy",
    perturbations=[Control("samples at 45°", changes={"angle": "pi/4"}), Control("η = 1.98", changes={"lr": "99/50"})],
)  # fmt: skip
def an_epoch_that_rotates(lr=2, angle="pi/3"):
    """An epoch of stochastic gradient descent over two unit samples at 60°, squared residuals, η = 2, is a rotation by exactly
    120°: every orbit but that at 0 has period 3 in epochs.

    The product of I − ηaaᵀ over the samples in SymPy; the angle whose cosine and sine are its entries, and its cube.
    """
    lr, angle = sp.Rational(lr), sp.sympify(angle)
    one, two = (sp.eye(2) - lr * a * a.T for a in (sp.Matrix([1, 0]), sp.Matrix([sp.cos(angle), sp.sin(angle)])))
    matrix = two * one
    turned = sp.atan2(matrix[1, 0], matrix[0, 0])
    rotation = sp.Matrix([[sp.cos(turned), -sp.sin(turned)], [sp.sin(turned), sp.cos(turned)]])
    same = (matrix - rotation).applyfunc(sp.simplify) == sp.zeros(2)
    return {"rotation by": str(sp.simplify(turned)) if same else "", "cube": bool(sp.simplify(matrix**3) == sp.eye(2))}


def _cycle_by_hand():
    """The multipliers at h″ = −1/8 and −3/10, from the Jacobians of three steps in SymPy, exactly, then as numbers."""
    sizes = []
    for h2 in (sp.Rational(-1, 8), sp.Rational(-3, 10)):
        values = list(_return(h2)[1].eigenvals())
        sizes.append(float(max(abs(sp.N(value, 20)) for value in values)))
    return {"periods": [3, 3], "largest |multiplier|": sizes}


def _return(h2, k1=1):
    """Whether three steps lead from point to point, and the product of their Jacobians, exactly."""
    x, y = sp.symbols("x y", real=True)
    s = x**2 + y**2
    loss = 3 * s / 4 + h2 * (s - 1) ** 2 / 2 + sp.sqrt(3) / 6 * (1 + k1 * (1 - s)) * (x**3 - 3 * x * y**2)
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
    Control("h″ = 0", changes={"h2": 0}), second=_closes_by_hand,
    domain="3s/4 − (s − 1)²/16 + (√3/6)(2 − s) Re z³, s = |z|², two weights; η = 1",
    perturbations=[Control("h″ 2 % off", changes={"h2": "-51/400"}), Control("k′ 2 % off", changes={"k1": "51/50"})],
    proof="exact algebra: the three points, the gradient and the Jacobians in SymPy",
)  # fmt: skip
def exact_three_cycle(h2="-1/8", k1=1):
    """Plain gradient descent with η = 1 on a polynomial of two weights has the 3-cycle exp(i(π/6 + 2πj/3)), j = 0, 1, 2, with the
    multipliers 1/64 and 0, and so a stable one.

    L = h(s) + k(s) Re z³ with h′ = 3/4 + h″(s − 1), h″ = −1/8, k = (√3/6)(2 − s).
    """
    closes, product = _return(sp.Rational(h2), sp.Rational(k1))
    return {"closes": closes, "multipliers": ", ".join(map(str, sorted(product.eigenvals(multiple=True))))}


@CLAIMS.add(
    "planar 3-cycle", {"periods": [3, 3], "largest |multiplier|": near([1 / 64, 0.053 + 9 * 141**0.5 / 500], 1e-9)},
    Control("h″ = 0.5 and 0.7, where it is unstable", changes={"curvatures": (0.5, 0.7)}),
    second=_cycle_by_hand, figure="triangle",
    domain="3s/4 + h″(s − 1)²/2 + (√3/6)(2 − s) Re z³, s = |z|², two weights; η = 1, h″ = −1/8 and −0.3, from (0.8, 0.3)",
    perturbations=[Control("h″ 2 % off", changes={"curvatures": (-0.1275, -0.306)}),
                   Control("from (1, 0)", changes={"start": (1.0, 0.0)})],
)  # fmt: skip
def orbits_settle_on_it(curvatures=(-0.125, -0.3), start=(0.8, 0.3)):
    """From (0.8, 0.3) gradient descent on that polynomial settles on a 3-cycle, for h″ = −1/8 as for −0.3: "always a 2-cycle" is
    false for the end of orbits that begin away from the minimum.

    What `classify` finds: the period and the larger multiplier's size. By exact algebra that multiplier is 1/64 in the first
    case and −53/1000 − 9√141/500 in the second.
    """
    step, periods, sizes = cf.as_map(cf.losses.triangle(), cf.optimizers.gd(lr=1.0)), [], []
    for h2 in curvatures:
        found = cf.analysis.classify(step.at(h2=h2), list(start))
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


def _ends_by_hand():
    """2h′(0) = 2(3/4 + 1/8) at z = 0; the ends of 201 orbits of z − (2h′z + 2k′z Re z³ + 3k z̄²), other starts."""

    def step(z):
        s = np.abs(z) ** 2
        return z - 2 * (7 / 8 - s / 8) * z + 3**0.5 / 3 * z * (z**3).real - 3**0.5 / 2 * (2 - s) * z.conjugate() ** 2

    z = np.append(np.random.default_rng(7).uniform(-1.2, 1.2, (200, 2)) @ [1, 1j], 0.05 + 0.02j)
    with np.errstate(all="ignore"):
        for _ in range(600):
            z = step(z)
        moved, back = np.abs(step(z) - z), np.abs(step(step(step(z))) - z)
    return {"ηλ at the minimum": 2 * (0.75 + 0.125), "3-cycles": int(((moved > 0.1) & (back < 1e-9)).sum()),
            "from near it": "fixed point of period 1" if abs(z[-1]) < 1e-9 else ""}  # fmt: skip


@CLAIMS.add(
    "planar 3-cycle",
    {"ηλ at the minimum": near(1.75, 1e-9), "from near it": "fixed point of period 1", "3-cycles": between(40, 90)},
    Control("h″ = −0.3, where the minimum is beyond its edge", changes={"h2": -0.3}),
    second=_ends_by_hand, figure="triangle",
    domain="3s/4 − (s − 1)²/16 + (√3/6)(2 − s) Re z³, two weights; η = 1, 200 random starts with |x|, |y| < 1.2",
    perturbations=[Control("starts within 0.5 of the minimum", changes={"reach": 0.5}),
                   Control("h″ = −0.13", changes={"h2": -0.13})],
)  # fmt: skip
def coexists_with_a_stable_minimum(h2=-0.125, seed=0, reach=1.2):
    """A stable 3-cycle of gradient descent can coexist with a minimum inside its edge: here ηλ = 7/4 at the minimum, which
    attracts an orbit, while a fifth to nearly a half of 200 starts about it end on a 3-cycle.

    The sharpness at 0, the orbit from (0.05, 0.02), and how many of the starts end on a 3-cycle after 400 steps.
    """
    loss = cf.losses.triangle(h2=h2)
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.0))
    near_it = cf.analysis.classify(step, [0.05, 0.02], budget=20_000)
    starts = np.random.default_rng(seed).uniform(-reach, reach, (200, 2))
    return {
        "ηλ at the minimum": loss.sharpness([0.0, 0.0]),
        "from near it": f"{near_it.kind} of period {near_it.period}",
        "3-cycles": sum(_end(step, start) == "3-cycle" for start in starts),
    }


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
    domain="log cosh(a·w) with a = (1, 0), then (1/2, √3/2), in this order, two weights; η = 2.1, 2.5 and 3",
    perturbations=[Control("period 6", {"period": [6] * 3}),
                   Control("not stable", {"stable": [False] * 3})],
)  # fmt: skip
def stable_period_three_of_epochs(period=3):
    """With log cosh residuals, a convex loss, the rotation becomes a stable 3-cycle in epochs of stochastic gradient descent in
    cyclic order, at η = 2.1, 2.5 and 3.

    Three certificates for the formulas of an epoch: x₁ = x − η tanh x, u = tanh(x₁/2 + (√3/2)y), then x₁ − ηu/2, y − η(√3/2)u.
    """
    first, second = "(x - lr*tanh(x))", "tanh((x - lr*tanh(x))/2 + sqrt(3)/2*y)"
    step = cf.Map.from_text([f"{first} - lr/2*{second}", f"y - lr*sqrt(3)/2*{second}"], "x y", {"lr": 2.5})
    starts = [_epochs(rate) if period == 3 else [[0.0, 0.0]] for rate in (2.1, 2.5, 3.0)]
    return [cf.certify.cycle(step, points=z, period=period, lr=r) for z, r in zip(starts, ("2.1", "2.5", "3"), strict=True)]


def figures():
    """What orbits of the two examples end on."""
    return {"triangle": _triangle, "epoch": _epoch}


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
