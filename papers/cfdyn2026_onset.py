"""The cfdyn project, *Local theory of gradient descent's 2-cycles: degenerate flips and complex multipliers*, derived here,
2026.

Degenerate flip. Let H = D²L at a minimum have the k-fold largest eigenvalue 2/η on a space E. With A = I − ηH, B = −ηD³L
and C = −ηD⁴L the cubic normal form on E is K(z) = ⅙C(z,z,z) + ½B(z, (I − A)⁻¹B(z,z)), where I − A = ηH. With t(z) =
D³L(z,z,·) that is K(z) = (η/2) D³L(z, H⁻¹t, ·) − (η/6) D⁴L(z,z,z,·) = ∇V₄, V₄ = (η/24)[3 tᵀH⁻¹t − D⁴L(z⁴)] = η[½ ∇L₃ᵀH⁻¹∇L₃
− L₄], L₃ and L₄ being the cubic and the quartic part of L. At ηλ = 2 + μ the map on E is −(z − ∇W) to this order, W = V₄ −
μ|z|²/2, and as W is even two steps of it are two steps of descent on W, with small gradients: where V₄ > 0
(a supercritical onset) they stay near and end on critical points of W, the 2-cycles z ↔ −z. So just beyond a supercritical
onset there is generically no other period and no invariant circle. Where V₄ < 0 in some direction (a subcritical onset) orbits
leave the neighbourhood, and the derivatives at the minimum do not say what they end on: nothing is claimed of that here. With
one top direction V₄ > 0 is a condition on c = 4V₄, which other weights change through H⁻¹.

Multipliers. With a preconditioner P = MMᵀ the Jacobian I − ηPH at a fixed point is similar to I − ηMᵀHM, which is
symmetric: all multipliers are real, and there is no Neimark–Sacker point. A 2-cycle has (I − ηH₂)(I − ηH₁), which need not
be symmetric. Take η = 1, p = (1, 0), q = −p, L = x² + s(x⁴/4 − x²/2) + (k/2)(x² − 1)y + (1 − n)y²/2, s = −(1
+ m)/2. Then ∇L(±p) = ±2p, so p ↔ q, and I − H is (m, −k; −k, n) and (m, k; k, n) there. The product has the determinant (mn
− k²)² and the trace m² + n² − 2k²: the multipliers are complex for |m + n| < 2|k| and have the modulus |mn − k²|.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
ANGLES = (0.3, 1.1, 2.0)
CUBIC = ("x**3", "x**2*y", "x*y**2", "y**3", "u*x**2", "u*x*y", "u*y**2")
QUARTIC = ("x**4", "x**2*y**2", "x*y**3")
# 4V₄ at the three angles, by hand from the first three losses (`_quartic_by_hand`)
FORMS = (
    3.2520632075, 6.3689129882, 3.7683104913,
    2.8772657257, 3.8731243903, 6.0555624894,
    3.8797859993, 3.3110541171, 5.4374982035,
)  # fmt: skip


def _degenerate(seed):
    """Weights of a random loss of x, y, u with a double top curvature 1; it softens, so that 2-cycles are stable."""
    random = np.random.default_rng(seed)
    weights = {"x**2": 0.5, "y**2": 0.5, "u**2": 0.2, "(x**2 + y**2)**2": -0.3}
    weights |= dict(zip(CUBIC, random.uniform(-0.3, 0.3, 7).round(3).tolist(), strict=True))
    return weights | dict(zip(QUARTIC, random.uniform(-0.1, 0.1, 3).round(3).tolist(), strict=True))


def _text(weights):
    return " + ".join(f"({weight})*{monomial}" for monomial, weight in weights.items())


def _quartic_by_hand():
    """4V₄ = 4η[½ ∇L₃ᵀH⁻¹∇L₃ − L₄] of three losses at three angles."""
    x, y, u = sp.symbols("x y u")
    values = []
    for seed in range(3):
        parts = sp.Poly(sp.sympify(_text(_degenerate(seed))), x, y, u)
        cubic, quartic = (
            sum(c * x**i * y**j * u**k for (i, j, k), c in parts.terms() if i + j + k == degree) for degree in (3, 4)
        )
        slope = sp.Matrix([sp.diff(cubic, v) for v in (x, y, u)])
        form = 8 * ((slope.T * sp.diag(1, 1, sp.Rational(5, 2)) * slope)[0] / 2 - quartic)
        values += [float(form.subs({x: np.cos(angle), y: np.sin(angle), u: 0})) for angle in ANGLES]
    return {"4V₄": values}


@CLAIMS.add(
    "degenerate flip", {"4V₄": near(FORMS, 1e-9), "gradient": [True] * 3},
    Control("without the cubic terms of the loss", changes={"cubic": False}), second=_quartic_by_hand,
    domain="C⁴ losses of d weights at a minimum with H > 0 whose top eigenvalue is 2/η, k-fold; constant η",
    examples="three random quartic losses of three weights with a double top curvature",
    perturbations=[Control("the third direction left out: no H⁻¹ across", changes={"across": False}),
                   Control("all values 1 % larger", {"4V₄": near([1.01 * v for v in FORMS], 1e-9)})],
)  # fmt: skip
def quartic_of_a_degenerate_flip(cubic=True, across=True):
    """At a k-fold degenerate top sharpness 2/η the cubic normal form of gradient descent is the gradient of
    V₄ = (η/24)[3 tᵀH⁻¹t − D⁴L(z⁴)], t = D³L(z,z,·), z in the top eigenspace.

    Three random losses of three weights with a double top curvature: ⟨z, K(z,z,z)⟩ = 4V₄ from the third and fourth derivatives
    of the map, at three angles, against the formula on the loss's coefficients.
    """
    values, gradient = [], []
    for seed in range(3):
        weights = {name: weight for name, weight in _degenerate(seed).items() if cubic or name not in CUBIC}
        weights = {name: weight for name, weight in weights.items() if across or "u*" not in name}
        step = cf.as_map(cf.Loss(_text(weights), variables="x y u"), cf.optimizers.gd(lr=2.0))
        found = cf.analysis.normal_form(step, [0.0, 0.0, 0.0])
        gradient.append(found.gradient)
        for angle in ANGLES:
            z = found.directions @ [np.cos(angle), np.sin(angle), 0.0]
            values.append(float(z @ (found.cubic @ z @ z @ z)))
    return {"4V₄": values, "gradient": gradient}


def _step(seed, distance, twist):
    """Gradient descent on a loss at ηλ = 2 + ``distance``, plus t(−y, x)|z|²."""
    x, y, u = sp.symbols("x y u")
    loss = sp.sympify(_text(_degenerate(seed)))
    turn = (-y * (x**2 + y**2), x * (x**2 + y**2), 0)
    t, d = sp.symbols("t d")
    rules = [str(v - (2 + d) * sp.diff(loss, v) + t * extra) for v, extra in zip((x, y, u), turn, strict=True)]
    return cf.Map.from_text(rules, "x y u", {"d": distance, "t": twist})


def _kinds_by_hand():
    """What the orbits end on by iterating SymPy's gradient as a Python function."""
    x, y, u = sp.symbols("x y u")
    kinds = set()
    for seed in range(20):
        loss = sp.sympify(_text(_degenerate(seed)))
        gradient = sp.lambdify((x, y, u), [sp.diff(loss, v) for v in (x, y, u)], "math")
        for start in np.random.default_rng(seed).uniform(-0.1, 0.1, (2, 3)):
            w, path = start, []
            for _ in range(8000):
                w = w - 2.01 * np.array(gradient(*w))
                path.append(w)
            distances = [np.abs(path[-1] - path[-1 - lag]).max() for lag in range(1, 9)]
            period = 1 + int(np.argmax(np.array(distances) < 1e-7))
            kinds.add(f"cycle of {period}" if min(distances) < 1e-7 else "no cycle")
    return {"kinds": ", ".join(sorted(kinds)), "least 4V₄": min(_least(seed) for seed in range(20))}


def _least(seed):
    """The least 4V₄ over 720 directions, by the formula on the coefficients."""
    x, y, u = sp.symbols("x y u")
    loss, at = sp.sympify(_text(_degenerate(seed))), np.arange(720) * np.pi / 720
    parts = sp.Poly(loss, x, y, u).terms()
    cubic, quartic = (sum(c * x**i * y**j * u**k for (i, j, k), c in parts if i + j + k == degree) for degree in (3, 4))
    slope = [sp.diff(cubic, v) for v in (x, y, u)]
    form = sp.lambdify((x, y, u), 8 * ((slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2 / 0.4) / 2 - quartic))
    return float(np.min(form(np.cos(at), np.sin(at), 0 * at)))


@CLAIMS.add(
    "degenerate flip", {"kinds": "cycle of 2", "least 4V₄": above(1.0)},
    Control("with a rotation of cubic order added, which is no gradient", changes={"twist": 3.0, "losses": 4}),
    second=_kinds_by_hand, figure="degenerate",
    domain="twenty random quartic losses of three weights with a double top sharpness and V₄ > 0 in all directions (a "
        "supercritical onset); η = 2, ηλ = 2.01; two starts each with all weights below 0.1 in size",
    perturbations=[Control("inside the edge, ηλ = 1.99", changes={"distance": -0.01, "losses": 4}),
                   Control("six times as far beyond the edge as the starts are small: ηλ = 3.5", changes={"distance": 1.5})],
)  # fmt: skip
def only_two_cycles_near_onset(twist=0.0, losses=20, distance=0.01):
    """On twenty random losses with two equal top sharpnesses and a supercritical onset (V₄ > 0) gradient descent 0.5 % beyond the
    edge ended on a 2-cycle from each of forty starts near the minimum, never on another period or an invariant circle.

    What `classify` finds of the orbits, and the least 4V₄ of all losses over 720 directions. The control adds t(−y, x)|z|² to
    the step. The second computation iterates SymPy's gradient and compares the end with itself.
    """
    kinds, least = set(), min(_quartic(seed) for seed in range(losses))
    for seed in range(losses):
        step = _step(seed, distance, twist)
        for start in np.random.default_rng(seed).uniform(-0.1, 0.1, (2, 3)):
            found = cf.analysis.classify(step, start, budget=200_000)
            kinds.add(f"cycle of {found.period}" if found.kind == "cycle" else found.kind)
    return {"kinds": ", ".join(sorted(kinds)), "least 4V₄": least}


def _quartic(seed):
    """The least ⟨u, K(u,u,u)⟩ over 720 directions, from the derivatives of the map."""
    found = cf.analysis.normal_form(cf.as_map(cf.Loss(_text(_degenerate(seed)), "x y u"), cf.optimizers.gd(lr=2.0)), [0.0] * 3)
    rows = np.array([[np.cos(a), np.sin(a)] for a in np.arange(720) * np.pi / 720])
    return float(np.einsum("ijkl,ni,nj,nk,nl->n", found.cubic, *[rows] * 4).min())


def _signs_by_hand():
    """c from loops, x − x₂ = 2cx³ + … in two steps once y has relaxed, at two sizes of x, extrapolated to 0."""
    found = []
    for coupling in (0.0, 0.4):
        rates = []
        for size in (0.004, 0.002):
            x, y = size, -coupling * size**2 / 0.6
            for _ in range(60):  # y forgets where it began
                x, y = x - 2 * (x + 2 * coupling * x * y + 0.08 * x**3), y - 2 * (coupling * x * x + 0.6 * y)
            a = x
            for _ in range(2):
                x, y = x - 2 * (x + 2 * coupling * x * y + 0.08 * x**3), y - 2 * (coupling * x * x + 0.6 * y)
            rates.append((a, (a - x) / (2 * a**3)))
        (a, first), (b, second) = rates
        found.append((second * a * a - first * b * b) / (a * a - b * b))
    return dict(zip(("alone", "with y"), found, strict=True))


@CLAIMS.add(
    "degenerate flip", {"alone": near(-0.16, 1e-6), "with y": near(68 / 75, 1e-6)},
    Control("no coupling", changes={"coupling": 0.0}), second=_signs_by_hand,
    domain="x²/2 + 0.4x²y + 0.3y² + 0.02x⁴, two weights, minimum 0, η = 2; x²/2 + 0.02x⁴, one weight",
    perturbations=[Control("the coupling 2 % weaker", changes={"coupling": 0.392})],
)  # fmt: skip
def another_weight_turns_the_sign(coupling=0.4):
    """The derivatives along the sharpest direction do not decide whether a flip is supercritical: on x²/2 + 0.4x²y + 0.3y² +
    0.02x⁴ the coefficient c is −0.16 along x alone, which is subcritical, but with y it is 68/75, and the flip is supercritical.

    `normal_form` at η = 2, where −ξ + cξ³ is the map on the centre manifold, of the loss with y = 0 and of the whole.
    """
    one, two = "x**2/2 + 0.02*x**4", f"x**2/2 + {coupling}*x**2*y + 0.3*y**2 + 0.02*x**4"
    forms = [cf.analysis.normal_form(cf.as_map(cf.Loss(text, names), cf.optimizers.gd(lr=2.0)), [0.0] * len(names.split()))
             for text, names in ((one, "x"), (two, "x y"))]  # fmt: skip
    return {"alone": forms[0].coefficient, "with y": forms[1].coefficient}


def _similar_by_hand():
    """PHM − M(MᵀHM) and the asymmetry of MᵀHM for a hundred integer matrices of the sizes 2 and 3, with exact integers."""
    random, total = np.random.default_rng(0), 0
    for size in [2, 3] * 100:
        m, h = (random.integers(-9, 10, (size, size)).astype(object) for _ in "mh")
        m, h = np.tril(m), h + h.T
        similar = m.T @ h @ m
        total += ((m @ m.T @ h @ m - m @ similar) ** 2).sum() + ((similar - similar.T) ** 2).sum()
    return {"difference": str(total)}


@CLAIMS.add(
    "multipliers", {"similar": "M.T*H*M", "difference": "0"},
    Control("a preconditioner MN that is not symmetric", changes={"symmetric": False}),
    second=_similar_by_hand, domain="C² losses of d weights, any η; one constant symmetric positive definite P",
    proof="exact algebra: SymPy has M⁻¹(MMᵀH)M = MᵀHM and its symmetry for matrices of any size, and symmetric matrices have "
        "real eigenvalues",
    perturbations=[Control("H not symmetric, as of a game", changes={"hessian": False})],
)  # fmt: skip
def preconditioned_descent_has_real_multipliers(symmetric=True, hessian=True):
    """A fixed point of gradient descent with a constant symmetric positive definite preconditioner has real multipliers only.

    The Jacobian is I − ηPH. With P = MMᵀ, as Cholesky has it, PH is similar to M⁻¹PHM, which must be the symmetric MᵀHM; a
    symmetric matrix has real eigenvalues, and similar matrices have the same. What M⁻¹PHM is, and its difference from its
    transpose, H being symmetric.
    """
    n = sp.Symbol("n", integer=True, positive=True)
    m, other, h = (sp.MatrixSymbol(name, n, n) for name in "MNH")
    similar = (m.I * m * (m.T if symmetric else other) * h * m).doit()
    turned = similar.T.doit().subs(h.T, h) if hessian else similar.T.doit()
    return {"similar": str(similar), "difference": str((similar - turned).doit())}


def _turning(m, n, k):
    """The loss of the docstring, whose 2-cycle (±1, 0) has multipliers of one's choice."""
    params = {"s": -(1 + m) / 2, "k": k, "n": n}
    return cf.Loss("x**2 + s*(x**4/4 - x**2/2) + k/2*(x**2 - 1)*y + (1 - n)*y**2/2", "x y", params)


def _turning_by_hand():
    first, second = np.array([[0.5, -0.5], [-0.5, -0.5]]), np.array([[0.5, 0.5], [0.5, -0.5]])
    values = np.linalg.eigvals(second @ first)
    path = [np.array([1.01, 0.01])]
    for _ in range(200):
        x, y = path[-1]
        path.append(path[-1] - [2 * x - 0.75 * (x**3 - x) + 0.5 * x * y, 0.25 * (x * x - 1) + 1.5 * y])
    comes_back = int(np.argmax([np.abs(path[-1] - path[-1 - lag]).max() < 1e-12 for lag in (1, 2, 3)])) + 1
    return {"period": comes_back, "real parts": sorted(values.real.tolist()), "imaginary parts": sorted(values.imag.tolist())}


@CLAIMS.add(
    "multipliers", {"period": 2, "real parts": near([0.0, 0.0], 1e-9), "imaginary parts": near([-0.5, 0.5], 1e-9)},
    Control("m = n, where the two Jacobians commute", changes={"n": 0.5}), second=_turning_by_hand,
    domain="x² − ¾(x⁴/4 − x²/2) + (x² − 1)y/4 + ¾y², two weights, not bounded below; η = 1, from (1.01, 0.01)",
    perturbations=[Control("n 2 % off", changes={"n": -0.51}), Control("k 2 % off", changes={"k": 0.51})],
)  # fmt: skip
def two_cycle_with_complex_multipliers(m=0.5, n=-0.5, k=0.5):
    """Unlike a fixed point, a stable 2-cycle of plain gradient descent can have complex multipliers: ±i/2 for a quartic
    polynomial of two weights at η = 1.

    m = 1/2, n = −1/2, k = 1/2 in the family above; an orbit from near (1, 0) is classified.
    """
    found = cf.analysis.classify(cf.as_map(_turning(m, n, k), cf.optimizers.gd(lr=1.0)), [1.01, 0.01])
    values = np.asarray(found.multipliers, dtype=complex)
    return {"period": found.period, "real parts": sorted(values.real.tolist()), "imaginary parts": sorted(values.imag.tolist())}


def _neimark_sacker_by_hand():
    """The zero of |mn − k²| − 1 for m = 1/2, n = −1/4."""
    return {"k": float(sp.sqrt(1 - sp.Rational(1, 8)))}


@CLAIMS.add(
    "multipliers", {"kind": "neimark-sacker", "k": near((7 / 8) ** 0.5, 1e-9)},
    Control("m = 1/2, n = 1/4, where the bound is at √(9/8)", changes={"n": 0.25}), second=_neimark_sacker_by_hand,
    domain="the family of quartic polynomials of two weights above with m = 1/2, n = −1/4; η = 1, 0.7 ≤ k ≤ 1.1",
    perturbations=[Control("m 2 % off", changes={"m": 0.51}), Control("a flip", {"kind": "flip"})],
)  # fmt: skip
def neimark_sacker_of_a_two_cycle(m=0.5, n=-0.25):
    """A 2-cycle of plain gradient descent can lose its stability at a Neimark–Sacker point: on a family of quartic polynomials it
    does at k = √(7/8), the first loss of stability as k grows from 0.7.

    m = 1/2, n = −1/4: the modulus k² − mn passes 1 there. The 2-cycle is continued in k from 0.7 to 1.1.
    """
    step = cf.as_map(_turning(m, n, 0.7), cf.optimizers.gd(lr=1.0))
    branch = cf.analysis.continue_cycle(step, [[1.0, 0.0], [-1.0, 0.0]], "k", (0.7, 1.1))
    first = min(branch.bifurcations, key=lambda point: point.parameter)
    return {"kind": first.kind, "k": first.parameter}


def figures():
    """Orbits just beyond a doubly degenerate edge: of gradient descent, and with a rotation added."""
    return {"degenerate": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained", sharex=True, sharey=True)
    for axis, twist in zip(axes, (0.0, 3.0), strict=True):
        for start in ([0.02, 0.01, 0.0], [0.01, -0.03, 0.0], [-0.03, 0.02, 0.0]):
            w = cf.iterate(_step(0, 0.01, twist), start, 6000).w[::2]
            axis.plot(w[:, 0], w[:, 1], ".", ms=2)
        axis.set(xlabel="x", title="gradient descent" if twist == 0 else "with a rotation added", aspect="equal")
    axes[0].set_ylabel("y")
    figure.suptitle("every second step, ηλ = 2.01")
    return figure
