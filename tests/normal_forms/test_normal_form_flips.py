"""Flips of gradient descent: several at once, across valleys, of cycles with a closed form, in cascades, and without a bend."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.0})
numbers = st.floats(-1, 1).map(lambda v: round(v, 3))


def form(step, points, parameter="lr", **options):
    return cf.analysis.normal_form(step, points, parameter, **options)


def quartic_loss(second, third, fourth):
    """½ second (x² + y²) + cubic and quartic forms with these coefficients of x³, x²y, …; their derivative tensors."""
    terms = [f"t{j}*x**{3 - j}*y**{j}" for j in range(4)] + [f"f{j}*x**{4 - j}*y**{j}" for j in range(5)]
    params = {**{f"t{j}": c for j, c in enumerate(third)}, **{f"f{j}": c for j, c in enumerate(fourth)}}
    loss = cf.Loss(" + ".join([f"{second!r}*(x**2 + y**2)/2", *terms]), "x y", params)

    def potential(u, eta):
        """V₄ = (η/24)[3 tᵀH⁻¹t − D⁴L(u⁴)], t = D³L(u,u,·): D³L(u,u,·) = 2∇(cubic), D⁴L(u⁴) = 24 quartic."""
        x, y = u
        t = 2 * np.array([sum(c * (3 - j) * x ** max(2 - j, 0) * y**j for j, c in enumerate(third) if j < 3),
                          sum(c * j * x ** (3 - j) * y ** (j - 1) for j, c in enumerate(third) if j)])  # fmt: skip
        return eta / 24 * (3 * t @ t / second - 24 * sum(c * x ** (4 - j) * y**j for j, c in enumerate(fourth)))

    return loss, potential


@settings(max_examples=12, deadline=None)
@given(third=st.tuples(*[numbers] * 4), fourth=st.tuples(*[numbers] * 5))
def test_two_flips_at_once_are_the_gradient_of_the_quartic_form(third, fourth):
    """N3: K = ∇V₄ for a doubly degenerate top sharpness, H = 2 I."""
    loss, potential = quartic_loss(2.0, third, fourth)
    found = form(cf.as_map(loss, cf.optimizers.gd(lr=1.0)), [0.0, 0.0])
    assert found.kind == "flip" and found.gradient is True and found.form == "2-fold flip"
    for angle in (0.0, 0.7, 1.9, 2.8):
        u = np.array([math.cos(angle), math.sin(angle)])
        xi = found.directions @ u
        assert found.cubic @ xi @ xi @ xi @ xi / 4 == pytest.approx(potential(u, 1.0), abs=1e-9)
    for cycle in found.two_cycles:
        # At a critical direction of V₄ on the circle V₄ is stationary, and κ = 4V₄.
        u = cycle["half"] / np.linalg.norm(cycle["half"])
        angle, h = math.atan2(u[1], u[0]), 1e-5
        sides = [potential([math.cos(angle + s), math.sin(angle + s)], 1.0) for s in (-h, 0, h)]
        assert abs(sides[2] - sides[0]) / (2 * h) < 1e-6
        assert cycle["kappa"] == pytest.approx(4 * sides[1], abs=1e-8)


def test_two_flips_at_once_predict_the_2_cycles_that_orbits_find():
    """Beyond the edge orbits from all directions end on the predicted stable 2-cycles and on nothing else."""
    loss, _ = quartic_loss(2.0, (0.3, -0.2, 0.5, 0.1), (-0.4, 0.1, -0.2, 0.0, -0.6))
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.0))
    found = form(step, [0.0, 0.0])
    assert found.supercritical is True and "only 2-cycles" in found.meaning
    stable = [c["half"] for c in found.two_cycles if c["stable"]]
    assert 1 <= len(stable) < len(found.two_cycles)
    delta = 2e-3
    reached = set()
    for angle in np.linspace(0.1, 2 * math.pi, 12):
        orbit = cf.iterate(step.at(lr=1 + delta), 0.02 * np.array([math.cos(angle), math.sin(angle)]), 40_000).z
        assert orbit[-1] == pytest.approx(orbit[-3], abs=1e-9)
        half = (orbit[-1] - orbit[-2]) / 2 / math.sqrt(found.speed * delta)
        near = [min(np.abs(half - s).max(), np.abs(half + s).max()) / np.linalg.norm(s) for s in stable]
        assert min(near) < 0.02
        reached.add(int(np.argmin(near)))
    assert reached == set(range(len(stable)))


def test_a_symmetric_loss_has_a_circle_of_2_cycles():
    """N6's loss h(s) + k(s) Re z³ has the symmetry of the triangle: V₄ is a multiple of |z|⁴, and 2-cycles fill a circle."""
    h2, z3 = -0.125, "(x**3 - 3*x*y**2)"
    s = "(x**2 + y**2)"
    text = f"3*({s} - 1)/4 + {h2}*({s} - 1)**2/2 + sqrt(3)/6*(2 - {s})*{z3}"
    # h′(0) = 3/4 − h₂ = 7/8, H = 7/4 I
    found = form(cf.as_map(cf.Loss(text, "x y"), cf.optimizers.gd(lr=8 / 7)), [0.0, 0.0])
    assert found.form == "2-fold flip" and found.gradient is True and "all directions carry 2-cycles alike" in found.meaning
    # D³L(u,u,·) has the length 6√3/3 = 2√3, D⁴L(u⁴) = 12 h₂: V₄ = (η/24)(3·12/(7/4) + 12/8)
    assert found.coefficient == pytest.approx(4 * (8 / 7) / 24 * (36 / 1.75 + 1.5), rel=1e-10)


def test_a_cubic_form_that_is_no_gradient_is_said():
    """A rotation by a quarter in the cubic terms: −ξ + |ξ|² (ξ + 3 iξ)."""
    s = "(x**2 + y**2)"
    found = form(cf.Map.from_text([f"-x + {s}*(x - 3*y)", f"-y + {s}*(y + 3*x)"], "x y"), [0.0, 0.0])
    assert found.gradient is False and "not a gradient" in found.meaning and found.two_cycles == []
    assert found.coefficient == pytest.approx(1.0)


def test_preconditioned_descent_is_a_gradient_in_another_metric():
    """N4: −P∇L with P symmetric and positive; H = P⁻¹ makes both multipliers −1 at η = 2."""
    step = cf.Map.from_text(
        ["x - 2*(x + 2*(y*y*x + x**3) + (x*x*y + 2*y**3))", "y - 2*(y + (y*y*x + x**3) + 3*(x*x*y + 2*y**3))"], "x y"
    )
    # P = [[2, 1], [1, 3]], quartic part of L: x⁴/4 + x²y²/2 + y⁴/2
    found = form(step, [0.0, 0.0])
    assert found.gradient is True and not np.allclose(found.cubic, np.moveaxis(found.cubic, 0, 1))


def test_three_flips_at_once():
    """V₄ = −η Σ c_i x_i⁴ with all c_i < 0: 13 pairs of rays, of which the 4 with all entries are the minima of V₄."""
    loss = cf.Loss("(x**2 + y**2 + z**2) - (x**4 + y**4 + z**4)/4", "x y z")
    found = form(cf.as_map(loss, cf.optimizers.gd(lr=1.0)), [0.0, 0.0, 0.0])
    assert len(found.two_cycles) == 13 and sum(c["stable"] for c in found.two_cycles) == 4
    assert found.coefficient == pytest.approx(1 / 3, rel=1e-9) and found.supercritical is True


def test_a_parameter_that_parts_the_multipliers_is_said():
    step = cf.Map.from_text(["-x - k*x + x**3", "-y - 2*k*y + y**3"], "x y", {"k": 0.0})
    assert "does not move these multipliers alike" in form(step, [0.0, 0.0], "k").meaning
    degenerate = form(cf.as_map(cf.Loss("x**2/2 + y**2/2"), cf.optimizers.gd(lr=2.0)), [0.0, 0.0])
    assert degenerate.supercritical is None and "degenerate" in degenerate.meaning


@pytest.mark.parametrize("x", [1.0, 2.0, 0.6])
def test_flip_across_a_valley_of_minima(x):
    """(1 − xy)²/2, λ = x² + y² on xy = 1: d = −½ η ∂_v λ with ∂_v λ = 2(x² − y²)/√λ; the orbit ends at a flatter minimum."""
    y = 1 / x
    sharpness = x * x + y * y
    eta = 2 / sharpness
    step = cf.as_map(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=eta))
    found = form(step, [x, y])
    assert found.coefficients["drift"] == pytest.approx(eta * abs(x * x - y * y) / math.sqrt(sharpness), rel=1e-9, abs=1e-15)
    if x == 1.0:
        assert found.supercritical is True and "2-cycle is born" in found.meaning
    else:
        assert found.form == "drifting flip" and found.supercritical is None and "dies out" in found.meaning
        orbit = cf.iterate(step.at(lr=1.01 * eta), [x + 1e-3, y - 1e-3], 20_000)
        assert orbit.sharpness[-1] < 2 / (1.01 * eta) < sharpness and orbit.loss[-1] < 1e-20


@pytest.mark.parametrize("beside", [0.0, 5e-9, -3e-8])
def test_nothing_drifts_at_the_flattest_minimum(beside):
    """x = y of (1 − xy)²/2 is known to √ε only: beyond its edge the orbit of the study has period 2 in plain floats, and stays."""
    x = -1 - beside
    flattest = form(cf.as_map(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=2 / (x * x + 1 / x**2))), [x, 1 / x])
    assert flattest.supercritical is True and "a 2-cycle is born" in flattest.meaning
    x, y, orbit = 1.5, 0.3, []
    for _ in range(20_000):
        rest = 1 - x * y
        x, y = x + 1.1 * rest * y, y + 1.1 * rest * x
        orbit.append((x, y))
    last = np.array(orbit[-4:])
    assert np.abs(last[2:] - last[:2]).max() < 1e-9 and np.abs(last[1] - last[0]).max() > 0.1


def three_cycle(h):
    """N6: plain gradient descent with η = 1 in two dimensions, h′(s) = 3/4 + h₂(s − 1), k = (√3/6)(2 − s)."""
    s = "(x**2 + y**2)"
    text = f"3*({s} - 1)/4 + h*({s} - 1)**2/2 + sqrt(3)/6*(2 - {s})*(x**3 - 3*x*y**2)"
    step = cf.as_map(cf.Loss(text, "x y", {"h": h}), cf.optimizers.gd(lr=1.0))
    points = [np.array([math.cos(math.pi / 6), math.sin(math.pi / 6)])]
    for _ in range(2):
        points.append(step(points[-1]))
    assert np.abs(np.array(points) - [[math.cos(a), math.sin(a)] for a in math.pi / 6 + np.arange(3) * 2 * math.pi / 3]).max() < 1e-15
    return step, np.array(points)


def test_the_3_cycle_of_gradient_descent_flips_at_seven_sixteenths():
    """N6 at h₂ = −7/16: the 6-cycle born there has the amplitude that c says."""
    step, points = three_cycle(-7 / 16)
    found = form(step, points, "h")
    assert found.kind == "flip" and found.supercritical is True and "stable 6-cycle" in found.meaning
    delta = -2e-4
    half = math.sqrt(found.speed * delta / found.coefficient)
    near = cf.analysis.classify(step.at(h=-7 / 16 + delta), points[0] + 0.9 * half * found.directions[0])
    assert near.period == 6
    k = int(np.argmin(np.linalg.norm(near.points - points[0], axis=1)))
    assert np.linalg.norm(near.points[k] - near.points[(k + 3) % 6]) / 2 == pytest.approx(half, rel=1e-2)


def test_the_3_cycle_of_gradient_descent_turns_at_three_eighths():
    """N4: at a fixed point no Neimark–Sacker bifurcation is possible, at a 3-cycle it is: as for the map applied three times."""
    step, points = three_cycle(3 / 8)
    found, thrice = form(step, points, "h"), form(cf.compose(step, step, step), points[0], "h")
    assert found.kind == thrice.kind == "neimark-sacker" and found.supercritical is True
    for name in ("d", "b", "theta"):
        assert found.coefficients[name] == pytest.approx(thrice.coefficients[name], rel=1e-8)
    assert found.speed == pytest.approx(thrice.speed, rel=1e-9)
    delta = 2e-4 / found.speed
    orbit = cf.iterate(step.at(h=3 / 8 + delta), points[0] + 2e-4, 300_000).z[240_000::3]
    values, vectors = np.linalg.eig(cf.compose(step, step, step).at(h=3 / 8 + delta).jacobian(points[0]))
    xi = (orbit - points[0]) @ np.linalg.inv(vectors).T[:, int(np.argmax(values.imag))]
    assert (np.abs(xi) ** 2).mean() == pytest.approx(found.speed * delta / -found.coefficient, rel=2e-2)


def test_flips_of_a_cascade_scale_with_feigenbaums_numbers():
    """About the critical point lengths shrink by α = 2.502907875… in a doubling, so c at that point grows by α², and the speed by δ = 4.669201609…"""
    cascade = cf.analysis.cascade(LOGISTIC.at(r=2.9), [0.65], "r", (2.5, 3.6), 11)
    forms = []
    for r, points in zip(cascade.flips, cascade.points):
        nearest = int(np.argmin(abs(points[:, 0] - 0.5)))
        forms.append(form(LOGISTIC.at(r=r), np.roll(points, -nearest, axis=0), "r"))
    assert len(forms[-1].points) == 1024  # the systems of 1024 equations are sparse
    c = np.array([f.coefficient / f.directions[0, 0] ** 2 for f in forms])  # for |q| = 1 at that point
    speed = np.array([f.speed for f in forms])
    assert abs(c[1:] / c[:-1] - 2.502907875095892**2)[-4:] == pytest.approx([0] * 4, abs=1e-3)
    assert c[-1] / c[-2] == pytest.approx(2.502907875095892**2, rel=1e-6)
    assert speed[-1] / speed[-2] == pytest.approx(4.669201609102990, rel=1e-6)


@pytest.mark.parametrize(
    ("step", "start", "edge"),
    [
        (cf.as_map(cf.Loss("c*w**2/2", "w", {"c": 2.0}), cf.optimizers.gd(lr=1.0)), [0.0], 1.0),
        (cf.as_map(cf.Loss("x**2/2 + 3*(y - 1)**2/2"), cf.optimizers.gd(lr=2 / 3)), [0.0, 1.0], 2 / 3),
        (cf.as_map(cf.Loss("w**2/2"), cf.optimizers.heavy_ball(lr=3.0, momentum=0.5)), [0.0], 3.0),
    ],
    ids=["gd", "two variables", "heavy ball"],
)
def test_the_flip_of_a_linear_map_is_a_line_of_cycles(step, start, edge):
    found = cf.analysis.normal_form(step.at(lr=edge), start)
    assert found.supercritical is None and found.meaning.endswith("2-cycles of every size exist at the edge itself, and beside it none of them")


def test_a_flip_that_bends_in_the_fifth_order_is_no_line():
    found = cf.analysis.normal_form(cf.Map.from_text("-(1 + l)*x + x**5", "x", {"l": 0.0}), [0.0], "l")
    assert found.supercritical is None and found.meaning == "degenerate (its cubic term vanishes, as for a linear map)"


def test_a_flip_that_is_straight_up_to_a_border_is_no_line_of_every_size():
    step = cf.as_map(cf.losses.huber(), cf.optimizers.gd(lr=1.0))
    lr = 2 / float(cf.losses.huber().sharpness([0.0]))
    found = cf.analysis.normal_form(step.at(lr=lr), [0.0])
    assert found.supercritical is None and "every size" not in found.meaning
