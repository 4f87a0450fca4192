"""Normal forms of every kind, of fixed points and n-cycles, against closed forms, series by hand and measured orbits."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Polynomial as P

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.0})
DELAYED = cf.Map.from_text(["r*x*(1-y)", "x"], "x y", {"r": 2.0})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})


def form(step, points, parameter="lr", **options):
    return cf.analysis.normal_form(step, points, parameter, **options)


# Flips of cycles of the logistic map (theory §1): the parameter is solved for again, to 40 digits.
@pytest.mark.parametrize(
    ("period", "guess", "start"),
    [(2, "3.449489742783178", 0.44), (4, "3.544090359551922854", 0.3828), (3, "3.841499007543507846", 0.1494),
     (8, "3.564407266095432598", 0.3548)],
)  # fmt: skip
def test_flip_of_a_cycle_against_the_composed_map_in_40_digits(period, guess, start):
    """c = ¼ g″² + ⅙ g‴ of g = fⁿ, by differences in 40 digits, times q₁² where f′(x_k) q_k = q_{k+1} has the mean square 1."""
    near = cf.analysis.cycles(LOGISTIC.at(r=float(guess) - 1e-7), period, [(0, 1)])
    x0 = min((c.points for c in near), key=lambda p: abs(p[:, 0] - start).min())[0, 0]
    with mp.workdps(40):

        def g(x, r):
            for _ in range(period):
                x = r * x * (1 - x)
            return x

        x, r = mp.findroot(lambda x, r: [g(x, r) - x, mp.diff(lambda t: g(t, r), x) + 1], (mp.mpf(x0), mp.mpf(guess)))
        assert abs(r - mp.mpf(guess)) < mp.mpf(10) ** -14
        _, _, second, third = mp.diffs(lambda t: g(t, r), x, 3)
        c = second**2 / 4 + third / 6
        speed = -sum(mp.diff(lambda s, t: mp.diff(lambda u: g(u, s), t), (r, x), order) * k for order, k in
                     [((1, 0), 1), ((0, 1), mp.diff(lambda s: g(x, s), r) / 2)])  # fmt: skip
        points = [x]
        for _ in range(period - 1):
            points.append(r * points[-1] * (1 - points[-1]))
        q = [mp.mpf(1)]
        for point in points[:-1]:
            q.append(r * (1 - 2 * point) * q[-1])
        c *= period / sum(size**2 for size in q)
    found = form(LOGISTIC.at(r=float(r)), np.array(points, dtype=float)[:, None], "r")
    assert found.kind == "flip" and found.supercritical is True
    assert found.coefficient == pytest.approx(float(c), rel=1e-9)
    assert found.speed == pytest.approx(float(speed), rel=1e-9)
    assert f"a stable {2 * period}-cycle is born" in found.meaning


def test_long_cycles_use_sparse_systems():
    """More points than are treated densely: null vectors and solutions put into their equations."""
    from cfdyn.normal_forms.homological import DENSE, BorderedSystem

    rng = np.random.default_rng(1)
    n = DENSE + 8
    slopes = np.exp(rng.normal(size=n) * 0.3)
    slopes[-1] = -1 / np.prod(slopes[:-1])
    shift = BorderedSystem(slopes[:, None, None], -1.0, 1)
    q, p = shift.right[0, :, 0], shift.left[0, :, 0]
    # q_{k+1} = A_k q_k and p_k A_k = p_{k−1}, by hand
    assert q / q[0] == pytest.approx(np.concatenate([[1], np.cumprod(slopes[:-1])]), rel=1e-9)
    assert p[:-1] / p[-1] == pytest.approx(np.cumprod(slopes[:0:-1])[::-1], rel=1e-9)
    assert abs(p[-1] * q[0] - 1) < 1e-11 and abs((q * q).mean() - 1) < 1e-12 and q[np.argmax(abs(q))] > 0
    right = rng.normal(size=(n, 1))
    plus = BorderedSystem(slopes[:, None, None], 1.0, 0)
    h = plus.solve(right)[:, 0]
    assert slopes * h - np.roll(h, -1) == pytest.approx(right[:, 0], abs=1e-9)
    turned = BorderedSystem(slopes[:, None, None], 1j, 0)
    h = turned.solve(right * (1 + 2j))[:, 0]
    assert (slopes * h)[:-1] - h[1:] == pytest.approx(right[:-1, 0] * (1 + 2j), abs=1e-9)
    assert slopes[-1] * h[-1] - 1j * h[0] == pytest.approx(right[-1, 0] * (1 + 2j), abs=1e-9)


@pytest.mark.parametrize("b", [0.3, -0.4, 0.0])
def test_henon_flip_and_fold_in_closed_form(b):
    """2-cycle: (x₁ − x₂)/2 = √(a − a₁)/a, a₁ = 3(1−b)²/4; fixed points: half-distance √(a − a₀)/|a|, a₀ = −(1−b)²/4."""
    a = 0.75 * (1 - b) ** 2
    x = (1 - b) / (2 * a) * (math.sqrt(4) - 1)  # (−(1−b) + √((1−b)² + 4a))/(2a) with the root 2(1−b)
    found = form(HENON.at(a=a, b=b), [x, b * x], "a")
    along = found.directions[0] / np.linalg.norm(found.directions[0])
    assert along[1] / along[0] == pytest.approx(-b, abs=1e-12)
    assert found.speed / found.coefficient == pytest.approx((1 + b * b) / a**2, rel=1e-10)
    a = -0.25 * (1 - b) ** 2
    x = -(1 - b) / (2 * a)
    found = form(HENON.at(a=a, b=b), [x, b * x], "a", tolerance=1e-6)
    assert found.kind == found.form == "fold"
    assert -found.speed / found.coefficient == pytest.approx((1 + b * b) / a**2, rel=1e-7)
    assert "for a above" in found.meaning and "one stable and one unstable" in found.meaning


def preying(beta):
    """x → a x(1−x) − xy, y → xy/β with the point (β, a(1−β) − 1): det = 1 − aβ + y = a(1 − 2β) is 1 at a = 1/(1−2β)."""
    step, turn = cf.Map.from_text(["a*x*(1-x) - x*y", "x*y/b"], "x y", {"a": 1 / (1 - 2 * beta), "b": beta}), 1 / (1 - 2 * beta)
    return step, "a", lambda a: [beta, a * (1 - beta) - 1], math.acos(1 - turn * beta / 2), (1 - 2 * beta) / 2, [0.01, 0], 100_000, 2e-2


@pytest.mark.parametrize("case", [
    # θ = π/3 (Kuznetsov, §4.7); |μ|² = r y* = r − 1
    (DELAYED, "r", lambda r: [1 - 1 / r, 1 - 1 / r], math.pi / 3, 0.5, [0.02, 0], 60_000, 5e-3), preying(0.2), preying(0.35),
], ids=["delayed logistic map", "predator and prey, 0.2", "predator and prey, 0.35"])  # fmt: skip
def test_neimark_sacker_by_hand_and_the_circle_that_is_born(case):
    """The circle's mean square radius is that of |ξ|² = −speed δ/d."""
    step, parameter, at, theta, speed, beside, steps, within = case
    here, delta = step.params[parameter], 1e-3
    found = form(step, at(here), parameter)
    assert found.kind == "neimark-sacker" and found.supercritical is True
    assert found.coefficients["theta"] == pytest.approx(theta, rel=1e-10) and found.speed == pytest.approx(speed, rel=1e-9)
    step, fixed = step.at(**{parameter: here + delta}), np.array(at(here + delta))
    orbit = cf.iterate(step, fixed + beside, steps).z[-20_000:] - fixed
    values, vectors = np.linalg.eig(step.jacobian(fixed))
    xi = orbit @ np.linalg.inv(vectors).T[:, int(np.argmax(values.imag))]
    assert (np.abs(xi) ** 2).mean() == pytest.approx(found.speed * delta / -found.coefficient, rel=within)


numbers = st.floats(-1, 1).map(lambda v: round(v, 3))


def sheared(base, shears):
    """The map φ∘base∘φ⁻¹ for φ(x, y) = (x, y + αx² + βx³) after (x + γy² + εy³, y), as text."""
    alpha, beta, gamma, eps = (f"({s!r})" for s in shears)
    v = f"(y - {alpha}*x**2 - {beta}*x**3)"
    u = f"(x - {gamma}*{v}**2 - {eps}*{v}**3)"
    u, v = (f"({text})" for text in base(u, v))
    u = f"({u} + {gamma}*{v}**2 + {eps}*{v}**3)"
    return cf.Map.from_text([u, f"{v} + {alpha}*{u}**2 + {beta}*{u}**3"], "x y")


@settings(max_examples=6, deadline=None)
@given(c=numbers, k=numbers, m=numbers, mu=st.sampled_from([-0.7, 0.0, 0.4, 1.6]), shears=st.tuples(*[numbers] * 4))
def test_the_flip_coefficient_survives_a_change_of_coordinates(c, k, m, mu, shears):
    """x → −x + c x³ + k x y, y → μ y + m x²: on y = m x²/(1 − μ) + … this is −x + (c + km/(1−μ)) x³."""
    step = sheared(lambda x, y: (f"-{x} + ({c})*{x}**3 + ({k})*{x}*{y}", f"({mu})*{y} + ({m})*{x}**2"), shears)
    found = form(step, [0.0, 0.0])
    assert found.kind == "flip"
    assert found.coefficient == pytest.approx(c + k * m / (1 - mu), abs=1e-9)


@settings(max_examples=6, deadline=None)
@given(d=numbers, b=numbers, turn=st.sampled_from([0.4, 1.1, 1.9, 2.9]), shears=st.tuples(*[numbers] * 4))
def test_the_lyapunov_coefficient_survives_a_change_of_coordinates(d, b, turn, shears):
    """ζ → e^{iθ} ζ (1 + (d + ib)|ζ|²), ζ = x + iy = √2 ξ for |q| = 1."""
    cos, sin = math.cos(turn), math.sin(turn)

    def base(x, y):
        real, imag = f"(1 + ({d})*({x}**2 + {y}**2))", f"({b})*({x}**2 + {y}**2)"
        u, v = f"({x}*{real} - {y}*{imag})", f"({y}*{real} + {x}*{imag})"
        return f"({cos!r})*{u} - ({sin!r})*{v}", f"({sin!r})*{u} + ({cos!r})*{v}"

    step = sheared(base, shears)
    found = form(step, [0.0, 0.0])
    assert found.kind == "neimark-sacker"
    assert found.coefficients["theta"] == pytest.approx(turn, rel=1e-12)
    assert (found.coefficient, found.coefficients["b"]) == (pytest.approx(2 * d, abs=1e-9), pytest.approx(2 * b, abs=1e-9))


@settings(max_examples=40, deadline=None)
@given(slope=st.floats(0.2, 5), high=st.lists(numbers, min_size=1, max_size=3), kind=st.sampled_from([-1, 1]))
def test_random_polynomials_with_a_critical_2_cycle(slope, high, kind):
    """f(0) = 1, f(1) = 0, f′(0) f′(1) = ±1 and anything times x²(1−x)² beside: the series of f∘f about 0 by polynomials.

    The directions are (1, f′(0)) q₁ with the mean square 1.
    """
    x = P([0, 1])
    other = kind / slope
    hermite = (1 - 3 * x**2 + 2 * x**3) + slope * (x - 2 * x**2 + x**3) + other * (x**3 - x**2)
    f = hermite + P(high) * x**2 * (1 - x) ** 2
    coefficients = [*f.coef.tolist(), *[0.0] * 8][:8]
    text = " + ".join(f"c{k}*x**{k}" for k in range(8))
    g, first = f(f).coef, math.sqrt(2 / (1 + slope**2))
    found = form(cf.Map.from_text(text, "x", {f"c{k}": c for k, c in enumerate(coefficients)}), [[0.0], [1.0]])
    assert found.kind == {-1: "flip", 1: "fold"}[kind]
    if kind == -1:
        assert found.coefficient == pytest.approx((g[2] ** 2 + g[3]) * first**2, rel=1e-9, abs=1e-8)
    else:
        assert found.coefficient == pytest.approx(g[2] * first, rel=1e-9, abs=1e-8)
        assert found.coefficients["c"] == pytest.approx(g[3] * first**2, rel=1e-8, abs=1e-8)


def test_cycles_of_gradient_descent_with_complex_multipliers():
    """A 2-cycle in two dimensions, as a cycle and as a fixed point of the map applied twice: one Neimark–Sacker point."""
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.0, "b": -1.0})
    # On the 2-cycle x₁ + x₂ = (1−b)/a, x₁x₂ = ((1−b)² − a)/a²; the product of Jacobians has det b² = 1 and some trace.
    a, b = 3.4, -1.0
    total, product = (1 - b) / a, ((1 - b) ** 2 - a) / a**2
    x1, x2 = (total + np.sqrt(total**2 - 4 * product) * np.array([1, -1])) / 2
    cycle = [[x1, b * x2], [x2, b * x1]]
    step = step.at(a=a)
    found, twice = form(step, cycle, "b"), form(cf.compose(step, step), cycle[0], "b")
    assert found.kind == twice.kind == "neimark-sacker"
    assert found.coefficients["theta"] == pytest.approx(math.acos((4 * a * a * x1 * x2 + 2 * b) / 2), rel=1e-9)
    # Area is kept at b = −1: no circle attracts, to round-off.
    assert abs(found.coefficient) < 1e-9 * abs(found.coefficients["b"])
    assert found.coefficients["b"] == pytest.approx(twice.coefficients["b"], rel=1e-8)
    assert found.speed == pytest.approx(twice.speed, rel=1e-9)
    assert found.speed == pytest.approx(-1.0, rel=1e-9)  # |μ| = √(b²)


BRANCHES = [  # formula, what it is, coefficient, supercritical
    ("x + k*x - x**2", "transcritical", -1, None),
    ("x + k*x - x**3", "pitchfork", -1, True),
    ("x + k*x + 2*x**3", "pitchfork", 2, False),
    ("x + k**2 + x**2", "isola", 1, None),
    ("x + k*x + k*k - x**2 + x**3", "transcritical", -1, None),
    ("x + (x - k)*k - (x - k)**3", "pitchfork", -1, True),  # the branch x = k moves with the parameter
]


@pytest.mark.parametrize(("text", "kind", "coefficient", "supercritical"), BRANCHES, ids=[row[0] for row in BRANCHES])
def test_branch_points(text, kind, coefficient, supercritical):
    found = form(cf.Map.from_text(text, "x", {"k": 0.0}), [0.0], "k")
    assert (found.kind, found.form, found.supercritical) == ("branch point", kind, supercritical)
    assert found.coefficient == pytest.approx(coefficient, abs=1e-12)
    assert kind in found.meaning or kind == "isola"


def test_cusp_of_the_cubic_map():
    found = form(cf.Map.from_text("k + x - x**3", "x", {"k": 0.0}), [0.0], "k")
    assert (found.kind, found.form) == ("fold", "cusp") and found.coefficients["c"] == pytest.approx(-1.0)
    assert "cusp" in found.meaning


@pytest.mark.parametrize(
    ("formulas", "words"),
    [
        (["-y", "x"], "resonance 1:4"),
        (["-y", "x - y"], "resonance 1:3"),
        (["x + y", "y + x**2"], "resonance 1:1"),
        (["-x + y", "-y + x**2"], "resonance 1:2"),
        (["-x", "y + y**2"], "fold–flip"),
        (["x/2", "y/3"], "not a bifurcation point: the multipliers are"),
        (["x/2 + 1", "y/3"], "not a fixed point"),
        (["-x + Abs(x)*y", "y/2"], "corner"),
        (["-x + Abs(x)**3", "y/2"], "corner"),
        (["-Abs(x)", "y/2"], "corner"),
    ],
)
def test_what_is_of_codimension_two_or_no_bifurcation_is_said(formulas, words):
    with pytest.raises(cf.CfdynError, match=words):
        form(cf.Map.from_text(formulas, "x y"), [0.0, 0.0])


def test_without_a_parameter_a_fold_may_be_a_branch_point():
    """"lr" is the default; a map that has other parameters needs one of them named."""
    step = cf.Map.from_text("x + k + m*x**2", "x", {"k": 0.0, "m": 2.0})
    found = form(step, [0.0])
    assert found.kind == "fold" and abs(found.coefficient) == pytest.approx(2.0) and math.isnan(found.speed)
    assert "name a parameter" in found.meaning and "vanish" in form(step, [0.0], "k").meaning


def test_bad_input():
    with pytest.raises(cf.CfdynError, match="did you mean 'lr'"):
        form(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0)), [1.0], "lr_")
    with pytest.raises(cf.CfdynError, match="shape"):
        form(LOGISTIC, np.zeros((2, 2, 2)), "r")
    with pytest.raises(cf.CfdynError, match="has 1 entry"):
        form(LOGISTIC, [[0.1, 0.2]], "r")
    with pytest.raises(cf.CfdynError, match="finite"):
        form(LOGISTIC, [[math.nan]], "r")
