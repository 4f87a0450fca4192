"""Branches of cycles: special points in closed form or to published digits, ends, switching, records, bad input."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 0.1, "b": 0.3})
PREY = cf.Map.from_text(["a*x*(1-x) - x*y", "d*x*y"], variables="x y", params={"a": 3.5, "d": 2.0})


def kinds(branch):
    return [b.kind for b in branch.bifurcations]


def only(branch, kind):
    return [b.parameter for b in branch.bifurcations if b.kind == kind]


def chain(branch, count):
    """The first flips of a doubling cascade, by switching at each."""
    found = []
    for _ in range(count):
        flip = next(b for b in branch.bifurcations if b.kind == "flip")
        found.append(flip.parameter)
        if len(found) < count:
            branch = flip.switch()
    return found


def optimizer(loss, lr):
    return cf.as_map(loss, cf.optimizers.gd(lr=lr))


HEAVY = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
CASES = {
    "logistic": (LOGISTIC, [0.6], "r", (1.5, 4.0), [3, 1 + 6**0.5, 3.544090359551922854, 3.564407266095432598,
                                                    3.568759419543826431, 3.569691609801396714]),
    "C1": (optimizer(cf.Loss("w**3/3 - w"), 0.8), [1.0], "lr", (0.1, 1.5), [1, 6**0.5 / 2, 1.27204517977596, 1.28220363304772]),
    "C2": (optimizer(cf.losses.double_well(), 0.8), [1.0], "lr", (0.1, 2.0), [1, 5**0.5 - 1, 1.288031754482843, 1.299227939650204]),
    "C4": (optimizer(cf.Loss("exp(w) - w"), 1.5), [0.0], "lr", (0.5, 3.5),
           [2, 2.5264677258538192, 2.6563532651571774, 2.6846233582942236]),
    "C5": (optimizer(cf.Loss("log(1 + exp(w)) - 2*w/3"), 5.0), [math.log(2)], "lr", (1.0, 20.0),
           [9, 12.5862521524144848, 13.7972672838434748]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_flips_of_the_cascades_of_the_theory(name):
    step, start, parameter, bounds, expected = CASES[name]
    found = chain(continue_cycle(step, start, parameter, bounds), len(expected))
    # C1's numbers are printed with 15 digits.
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("step", "value", "parameter", "bounds", "box", "fold"),
    [
        (LOGISTIC, 3.84, "r", (3.6, 4.0), (0, 1), 1 + 8**0.5),
        (CASES["C1"][0], 1.42, "lr", (1.3, 1.5), (-2, 2), 2**0.5),
        (CASES["C2"][0], 1.46, "lr", (1.4, 1.7), (-2, 2), 1.450440964487875),
        (CASES["C4"][0], 3.2, "lr", (2.9, 3.4), (-9, 3), 3.102439915635427),
        (CASES["C5"][0], 20.0, "lr", (17.0, 22.0), (-20, 20), 18.66560631478335),
    ],
    ids=["logistic", "C1", "C2", "C4", "C5"],
)
def test_three_cycles_are_born_in_folds(step, value, parameter, bounds, box, fold):
    step = step.at(**{parameter: value})
    stable = next(c for c in cf.analysis.cycles(step, 3, [box]))
    branch = continue_cycle(step, stable, parameter, bounds)
    assert min(abs(f / fold - 1) for f in only(branch, "fold")) <= 1e-10
    # Both sides of the fold are on the branch, one of them stable near it.
    row = next(b for b in branch.bifurcations if b.kind == "fold").place
    assert branch.stable[row] != branch.stable[row + 1]


def test_the_flip_and_the_fold_of_the_logistic_three_cycle():
    step = LOGISTIC.at(r=3.84)
    branch = continue_cycle(step, cf.analysis.cycles(step, 3, [(0, 1)])[0], "r", (3.7, 3.9))
    assert only(branch, "fold") == [pytest.approx(1 + 8**0.5, rel=1e-14)]
    assert only(branch, "flip") == [pytest.approx(3.841499007543507846, rel=1e-13)]
    assert branch.ends == ("r = 3.9", "r = 3.9")


def test_henon_fold_flip_and_the_flip_of_its_two_cycle():
    b = 0.3
    step = HENON
    x = (b - 1 + math.sqrt((1 - b) ** 2 + 4 * 0.1)) / 0.2
    branch = continue_cycle(step, [x, b * x], "a", (-0.5, 1.5))
    assert only(branch, "fold") == [pytest.approx(-((1 - b) ** 2) / 4, rel=1e-12)]
    assert only(branch, "flip") == [pytest.approx(3 * (1 - b) ** 2 / 4, rel=1e-12)]
    doubled = next(f for f in branch.bifurcations if f.kind == "flip").switch()
    assert only(doubled, "flip")[0] == pytest.approx((1 - b) ** 2 + (1 + b) ** 2 / 4, rel=1e-12)
    # The product of the multipliers is the determinant of each step.
    np.testing.assert_allclose(np.prod(branch.multipliers, axis=1), -b, rtol=1e-9)
    np.testing.assert_allclose(np.prod(doubled.multipliers, axis=1), b * b, rtol=1e-9)


def test_predator_and_prey_meet_flip_and_begin_to_turn():
    """x = 1/d, y = a(1 − 1/d) − 1: branch point a/(a−1), flip 3a/(a+3), Neimark–Sacker 2a/(a−1)."""
    a, d = 3.5, 2.0
    branch = continue_cycle(PREY, [1 / d, a * (1 - 1 / d) - 1], "d", (1.0, 3.5))
    assert only(branch, "branch point") == [pytest.approx(a / (a - 1), rel=1e-10)]
    assert only(branch, "flip") == [pytest.approx(3 * a / (a + 3), rel=1e-12)]
    assert only(branch, "neimark-sacker") == [pytest.approx(2 * a / (a - 1), rel=1e-12)]
    np.testing.assert_allclose(branch.points[:, 0, 0], 1 / branch.parameter, rtol=1e-12)
    other = next(b for b in branch.bifurcations if b.kind == "branch point").switch()
    np.testing.assert_allclose(other.points[:, 0, 1], 0, atol=1e-12)
    np.testing.assert_allclose(other.points[:, 0, 0], 1 - 1 / a, rtol=1e-12)
    assert other.parameter.min() == 1.0 and other.parameter.max() == 3.5


def test_the_delayed_logistic_map_begins_to_turn_at_two():
    step = cf.Map.from_text(["r*x*(1-y)", "x"], variables="x y", params={"r": 1.8})
    branch = continue_cycle(step, [1 - 1 / 1.8] * 2, "r", (1.1, 2.4))
    (point,) = branch.bifurcations
    assert point.kind == "neimark-sacker" and point.parameter == pytest.approx(2, rel=1e-12)
    np.testing.assert_allclose(np.sort_complex(point.multipliers), np.exp([-1j * np.pi / 3, 1j * np.pi / 3]), atol=1e-10)


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
def test_heavy_ball_flips_at_its_edge(beta):
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=beta))
    branch = continue_cycle(step, [1.0], "lr", (0.1, 2.5))
    assert only(branch, "flip") == [pytest.approx(1 + beta, rel=1e-12)] and kinds(branch) == ["flip"]


def test_an_isola_closes():
    step = cf.Map.from_text("x + c*(1 - x**2 - l**2)", params={"c": 0.3, "l": 0.2})
    branch = continue_cycle(step, [0.98**0.5], "l", (-2.0, 2.0))
    assert branch.closed and branch.ends[0].startswith("closed")
    np.testing.assert_allclose(branch.points[:, 0, 0] ** 2 + branch.parameter**2, 1, rtol=1e-12)
    assert sorted(only(branch, "fold")) == pytest.approx([-1, 1], rel=1e-12)
    np.testing.assert_allclose(branch.multipliers[:, 0], 1 - 0.6 * branch.points[:, 0, 0], atol=1e-8)
    np.testing.assert_allclose(branch.points[-1], branch.points[0], atol=1e-12)


def test_two_flips_closer_than_a_step():
    """f′(0) = −1 + (λ − ½)² − ε² at the fixed point 0: two flips at ½ ± ε."""
    for epsilon in (1e-2, 1e-3, 1e-4):
        step = cf.Map.from_text("x*(-1 + (l - 1/2)**2 - e**2) + x**3", params={"l": 0.1, "e": epsilon})
        branch = continue_cycle(step, [0.0], "l", (0.0, 1.1))
        assert only(branch, "flip") == pytest.approx([0.5 - epsilon, 0.5 + epsilon], rel=1e-10), epsilon


def test_a_pole_in_the_range_ends_the_branch():
    step = cf.Map.from_text("x/2 + 1/(l - 1)", params={"l": 0.0})
    branch = continue_cycle(step, [-2.0], "l", (-1.0, 2.0))
    assert branch.ends[0] == "l = -1" and "l = 2" not in branch.ends[1]
    assert branch.parameter.max() < 1
    domain = cf.Map.from_text("x/2 + sqrt(1 - l)", params={"l": 0.0})
    branch = continue_cycle(domain, [2.0], "l", (-1.0, 2.0))
    assert "not defined" in branch.ends[1] and branch.parameter[-1] == pytest.approx(1, abs=1e-6)


def test_a_minimum_at_round_off_from_zero_sets_no_scale():
    step = optimizer(cf.losses.poisson_regression(), 1.5)
    found = cf.minima(cf.losses.poisson_regression())[0].w
    branch = continue_cycle(step, found, "lr", (0.5, 3.0))
    assert len(branch) < 200 and only(branch, "flip") == [pytest.approx(2, rel=1e-12)]
    assert only(branch.bifurcations[-1].switch(), "flip")[0] == pytest.approx(2.5264677258538192, rel=1e-12)


def test_cycles_of_high_period_by_multiple_shooting():
    """A cycle of period 200 of the map at full chaos: multiplier 2²⁰⁰, known points."""
    n, k = 200, 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F
    theta = np.pi * np.array([k * 2**i % (2**n - 1) / (2**n - 1) for i in range(n)])
    points = np.sin(theta) ** 2
    branch = continue_cycle(LOGISTIC.at(r=4.0), points[:, None], "r", (3.999, 4.0), max_steps=50)
    at_four = int(np.argmax(branch.parameter))
    assert branch.period == n and branch.parameter[at_four] == 4.0
    np.testing.assert_allclose(np.log2(np.abs(branch.multipliers[at_four, 0])), n, rtol=1e-9)


def test_records_are_saved_loaded_and_go_on(tmp_path):
    branch = continue_cycle(CASES["C2"][0], [1.0], "lr", (0.1, 2.0))
    found = cf.load(branch.save(tmp_path / "branch.npz"))
    np.testing.assert_array_equal(found.points, branch.points)
    assert found.bifurcations[0].kind == "flip" and found.ends == branch.ends
    again = found.bifurcations[0].switch()
    np.testing.assert_array_equal(again.points, branch.bifurcations[0].switch().points)
    row = len(found) // 2
    more = continue_cycle(found.step.at(lr=found.parameter[row]), found.at(row), "lr", (0.1, 2.5))
    assert only(more, "flip") == [pytest.approx(1.0, rel=1e-12)]


def test_a_map_that_reads_data_cannot_be_made_again(tmp_path):
    loss = cf.losses.breast_cancer(features=1)
    branch = continue_cycle(optimizer(loss, 0.1), cf.minima(loss)[0].w, "lr", (0.05, 0.2))
    found = cf.load(branch.save(tmp_path / "branch.npz"))
    with pytest.raises(cf.CfdynError, match="does not hold the formulas"):
        found.step  # noqa: B018


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: continue_cycle(LOGISTIC, [0.6], "q", (1, 4)), "unknown parameter"),
        (lambda: continue_cycle(HEAVY, [1.0], "momentun", (1, 4)), "did you mean 'momentum'"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (4, 1)), "lo < hi"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, math.nan)), "finite"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, math.inf)), "finite"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", 3), "two numbers"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", "34"), "two numbers"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 2, 4)), "two numbers"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (-1e300, 1e300)), "apart"),
        (lambda: continue_cycle(HEAVY, [1.0], "lr", (-1, 1)), "must be greater than 0"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (3, 4)), "starts at r = 2.5, outside"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), period=0), "from 1 on"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), period=10**6), "GiB"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), period=1.5), "whole number"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), period=True), "whole number"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), period=10**12), "GiB: ask for a shorter period"),
        (lambda: continue_cycle(LOGISTIC, [math.nan], "r", (1, 4)), "finite"),
        (lambda: continue_cycle(LOGISTIC, [[0.1, 0.2]], "r", (1, 4)), "start"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), max_steps=0), "max_steps"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), max_steps=2.5), "max_steps"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), max_steps=None), "max_steps"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), max_step="a"), "max_step"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4), max_steps=3).extended(max_steps="x"), "max_steps"),
        (lambda: continue_cycle(2.0, [0.6], "r", (1, 4)), "takes a map"),
        (lambda: continue_cycle(LOGISTIC, "start", "r", (1, 4)), "start"),
        (lambda: continue_cycle(LOGISTIC, [0.6], "r", (1, 4)).bifurcations[0].switch((3.5, 4)), "lies outside the bounds"),
        (lambda: continue_cycle(optimizer(cf.Loss("Max(w,0)**2/2 + Max(-w,0)**2"), 0.5), [0.0], "lr", (0.1, 3)), "not smooth"),
    ],
)
def test_bad_input_gets_a_sentence(call, words):
    with pytest.raises(cf.CfdynError) as error:
        call()
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_map_without_a_derivative_at_the_start_says_so():
    rough = cf.as_map(cf.losses.double_well(), cf.optimizers.adam(lr=0.01))
    calls = [lambda: continue_cycle(rough, [1.0], "lr", (0.001, 1.0))]
    # Beside its minimum at √0.8 the derivative is a number, of the size 10¹⁵.
    beside = cf.as_map(cf.Loss("(w**2 - 1)**2/4 + w**2/10"), cf.optimizers.adam(lr=0.01))
    calls.append(lambda: continue_cycle(beside, [0.8**0.5], "lr", (0.001, 1.0)))
    for kind in ("flip", "fold", "neimark-sacker"):
        for step, w in ((rough, 1.0), (beside, 0.8**0.5)):
            calls.append(lambda start=(step, (kind, [[w]])): cf.analysis.bifurcation_curve(
                *start, ("lr", "beta1"), ((0.001, 1), (0, 0.99))))  # fmt: skip
    for call in calls:
        with pytest.raises(cf.CfdynError, match="no derivative there .*eps_inside=True"):
            call()


def test_nothing_there():
    with pytest.raises(cf.CfdynError, match="no 3-cycle near"):
        continue_cycle(LOGISTIC, [0.6], "r", (1, 4), period=3)
    with pytest.raises(cf.CfdynError, match="no fixed point near"):
        continue_cycle(cf.Map.from_text("x + 1 + l + 0*x**2 + exp(-x**2)", params={"l": 0.0}), [0.3], "l", (-0.5, 0.5))


def test_a_continuum_is_said_to_be_one():
    step = cf.as_map(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=0.1))
    with pytest.raises(cf.CfdynError, match="not isolated"):
        continue_cycle(step, [1.0, 1.0], "lr", (0.01, 1.0))


def test_no_switching_at_a_fold():
    x = (0.3 - 1 + math.sqrt(0.49 + 0.4)) / 0.2
    branch = continue_cycle(HENON, [x, 0.3 * x], "a", (-0.5, 0.3))
    with pytest.raises(cf.CfdynError, match="at a fold"):
        branch.bifurcations[0].switch()


def test_a_two_cycle_ends_in_the_flip_of_its_fixed_point():
    step = LOGISTIC.at(r=3.2)
    branch = continue_cycle(step, cf.analysis.cycles(step, 2, [(0, 1)])[0], "r", (2.5, 3.6))
    assert sorted(branch.ends) == ["flip of the fixed point at r = 3", "r = 3.6"]
    flips = {len(s.points): s.parameter for s in branch.bifurcations if s.kind == "flip"}
    assert flips[1] == pytest.approx(3, rel=1e-9) and flips[2] == pytest.approx(1 + 6**0.5, rel=1e-12)
    assert branch.parameter.min() > 3 - 1e-9 and (np.diff(branch.parameter) * np.diff(branch.parameter)[0] > 0).all()


def test_a_two_cycle_of_gradient_descent_begins_to_turn():
    """N4: fixed points of gradient descent have real multipliers, its 2-cycles in the plane need not."""
    text = "(x**2 - 1)**2/4 + 0.55*(y**2 - 1.12)**2/4 + 0.33*x*y - 1.3*x**2*y + 0.91*x*y**2 + 0.45*x**3*y"
    loss = cf.Loss(text, variables="x y")
    minimum = next(m for m in cf.minima(loss) if abs(m.w[0] + 0.375) < 0.01)
    step = optimizer(loss, 0.5 * minimum.edge)
    branch = continue_cycle(step, minimum.w, "lr", (0.3 * minimum.edge, 2 * minimum.edge))
    assert kinds(branch) and "neimark-sacker" not in kinds(branch) and not np.iscomplexobj(branch.multipliers)
    doubled = next(s for s in branch.bifurcations if s.kind == "flip").switch()
    (point,) = [s for s in doubled.bifurcations if s.kind == "neimark-sacker"]
    first, second = (np.eye(2) - point.parameter * loss.hessian(w) for w in point.points)
    # A complex pair of modulus 1: det M = 1 and |tr M| < 2.
    assert np.linalg.det(second @ first) == pytest.approx(1, abs=1e-9) and abs(np.trace(second @ first)) < 2
    assert point.supercritical is True
    before = cf.analysis.classify(step.at(lr=point.parameter - 3e-3), point.points[0] + 1e-3)
    beyond = cf.analysis.classify(step.at(lr=point.parameter + 1e-3), point.points[0] + 1e-3)
    assert before.period == 2 and beyond.period != 2


def test_progress_is_told():
    seen = []
    continue_cycle(LOGISTIC, [0.6], "r", (1.5, 4.0), max_step=1e-3, progress=seen.append)
    assert len(seen) > 3 and seen[-1] > 1000


def test_two_cycles_of_adam_on_a_parabola():
    """P11: w² = (lr (1 − β₁)/(2(1 + β₁)))² − ε on L = w²/2, stable at lr 0.5 with a multiplier of modulus 0.93665."""
    opt = cf.optimizers.adam(lr=0.5, beta1=0.2, beta2=0.5, eps=1e-6, eps_inside=True, bias_correction=False)
    step = cf.as_map(cf.Loss("w**2/2"), opt)
    branch = continue_cycle(step, cf.iterate(step, [0.17], 20_000).z[-2:], "lr", (0.01, 2.0))
    want = np.sqrt((branch.parameter * 0.8 / 2.4) ** 2 - 1e-6)
    np.testing.assert_allclose(np.abs(branch.points[:, :, 0]), np.stack([want, want], axis=1), rtol=1e-12)
    k = int(np.argmin(np.abs(branch.parameter - 0.5)))
    assert abs(branch.multipliers[k, 0]) == pytest.approx(0.93665, abs=2e-4) and branch.stable.all()


COEFFICIENTS = st.floats(-1.5, 1.5).map(lambda v: round(v, 3))


@settings(max_examples=40, deadline=None)
@given(a=COEFFICIENTS, b=COEFFICIENTS, c=COEFFICIENTS, x=st.floats(-1, 1).map(lambda v: round(v, 3)))
def test_every_row_of_a_branch_of_a_cubic_map_is_a_fixed_point(a, b, c, x):
    """λ = x − ax − bx² − cx³ through (x, λ₀): all rows on it, folds at f′ = 1 and flips at f′ = −1, none left out."""
    step = cf.Map.from_text("a*x + b*x**2 + c*x**3 + l", params={"a": a, "b": b, "c": c, "l": 0.0})
    start = x - a * x - b * x**2 - c * x**3
    try:
        branch = continue_cycle(step.at(l=start), [x], "l", (start - 1, start + 1), coefficients=False)
    except cf.CfdynError:
        # At a fold itself, or a double root of it, there is no start.
        assume(False)
    points, slope = branch.points[:, 0, 0], lambda p: a + 2 * b * p + 3 * c * p**2
    np.testing.assert_allclose(points - a * points - b * points**2 - c * points**3, branch.parameter, atol=1e-9)
    np.testing.assert_allclose(branch.multipliers[:, 0], slope(points), rtol=1e-6, atol=1e-6)
    for kind, value in (("fold", 1.0), ("flip", -1.0)):
        found = [s.points[0, 0] for s in branch.bifurcations if s.kind == kind]
        np.testing.assert_allclose([slope(p) for p in found], value, atol=1e-6)
        roots = np.roots([3 * c, 2 * b, a - value])
        lo, hi = points.min() + 1e-3, points.max() - 1e-3
        inside = [r for r in roots.real[np.abs(roots.imag) < 1e-12] if lo < r < hi and abs(2 * b + 6 * c * r) > 1e-2]
        assert all(min((abs(p - r) for p in found), default=1.0) < 1e-4 for r in inside)


def test_a_subcritical_flip_leads_back():
    """x ↦ −(1 + l)x − x³: the 2-cycle ±√(−l) exists before the flip at l = 0 and is unstable."""
    step = cf.Map.from_text("-(1 + l)*x - x**3", params={"l": -0.2})
    (flip,) = continue_cycle(step, [0.0], "l", (-0.5, 0.5)).bifurcations
    assert flip.kind == "flip" and abs(flip.parameter) < 1e-14 and flip.supercritical is False
    branch = flip.switch()
    assert branch.parameter.max() < 1e-9 and branch.ends[1] == "l = -0.5"
    np.testing.assert_allclose(branch.points[:, :, 0] ** 2, -np.stack([branch.parameter] * 2, axis=1), atol=1e-9)
    assert not branch.stable[branch.parameter < -1e-6].any()
    np.testing.assert_allclose(branch.multipliers[:, 0], (1 - 2 * branch.parameter) ** 2, atol=1e-6)


def test_a_map_that_keeps_areas_has_no_neimark_sacker_points():
    """Hénon with b = −1: flips at 3(1 − b)²/4 = 3 and (1 − b)² + (1 + b)²/4 = 4; the multipliers stay on the circle between."""
    step = HENON.at(a=0.5, b=-1.0)
    x = (-2 + math.sqrt(4 + 4 * 0.5)) / 1.0
    branch = continue_cycle(step, [x, -x], "a", (-0.5, 5.0))
    assert [(s.kind, pytest.approx(s.parameter, rel=1e-7)) for s in branch.bifurcations] == [("flip", 3.0)]
    doubled = branch.bifurcations[0].switch()
    assert [(s.kind, pytest.approx(s.parameter, rel=1e-7)) for s in doubled.bifurcations] == [("flip", 4.0)]
    assert not branch.stable.any() and not doubled.stable.any()


def test_a_branch_whose_steps_are_long_reaches_its_bound():
    opt = cf.optimizers.adam(lr=0.01, beta1=0.2, beta2=0.5, eps=1e-4, eps_inside=True, bias_correction=False)
    step = cf.as_map(cf.losses.double_well(), opt)
    (flip,) = continue_cycle(step, [1.0], "lr", (1e-4, 3.0)).bifurcations
    assert flip.parameter == pytest.approx(2 * 1.2 * 1e-2 / (0.8 * 2), rel=1e-12)  # 2(1 + β₁)√ε/(c(1 − β₁)), c = 2
    branch = flip.switch()
    assert branch.ends[1] == "lr = 3" and branch.parameter[-1] == 3.0
    found = cf.analysis.cascade(step, [1.0], "lr", (1e-4, 3.0), levels=8)
    assert len(found.flips) == 8 and abs(found.ratios[-1] - 4.6692) < 0.05


def test_where_nothing_bends_nothing_is_decided():
    """The tent map's fixed point 0 meets a continuum at m = 1; its other one turns from slope −1 to slope 1 at the corner."""
    tent = cf.Map.from_text("m*Min(x, 1 - x)", params={"m": 0.5})
    (point,) = continue_cycle(tent, [0.0], "m", (0.1, 2.0)).bifurcations
    assert (point.kind, point.supercritical) == ("branch point", None) and point.meaning.startswith("degenerate")
    assert point.parameter == pytest.approx(1, rel=1e-12)
    branch = continue_cycle(tent.at(m=1.8), [1.8 / 2.8], "m", (0.1, 2.0))
    (corner,) = branch.bifurcations
    assert corner.kind == "border collision" and corner.meaning.startswith("undecided") and "vertical" in branch.ends[0]
