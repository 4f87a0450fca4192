"""Where branches end: on a shorter cycle, at a bound, on a vertical line, out of steps."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle
from cfdyn.continuation.branch.system import length_scales

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 0.5, "b": 0.3})
INVOLUTION = cf.Map.from_text("(l*x + 1)/(x - 1)", params={"l": 1.0})


def parabola(optimizer, curvature=1.0):
    return cf.as_map(cf.Loss("c*w**2/2", variables="w", params={"c": curvature}), optimizer)


def turning(k, terms):
    """z ↦ e^{2πi/k} ((1 + m) z + …) in real coordinates, the terms given by their real and imaginary parts."""
    angle = 2 * np.pi / k
    re, im = f"((1+m)*x + {terms[0]})", f"((1+m)*y + {terms[1]})"
    return cf.Map.from_text([f"c*{re} - s*{im}", f"s*{re} + c*{im}"], "x y", {"m": 0.1, "c": np.cos(angle), "s": np.sin(angle)})


@pytest.mark.parametrize("beta", [0.2, 0.7])
@pytest.mark.parametrize("curvature", [0.3, 1.0, 40.0])
@pytest.mark.parametrize("eps", [1e-6, 1e-10])
def test_the_two_cycles_of_adam_end_in_the_flip_of_its_minimum(beta, curvature, eps):
    """P11: c²w² = (lr c(1 − β₁)/(2(1 + β₁)))² − ε is 0 at lr = 2(1 + β₁)√ε/(c(1 − β₁))."""
    onset = 2 * (1 + beta) * eps**0.5 / (curvature * (1 - beta))
    opt = cf.optimizers.adam(lr=0.5, beta1=beta, beta2=0.5, eps=eps, eps_inside=True, bias_correction=False)
    w = np.sqrt((0.5 * curvature * (1 - beta) / (2 * (1 + beta))) ** 2 - eps) / curvature
    # m alternates in sign, |m| = (1 − β₁)/(1 + β₁)|g|, and v = g².
    m = curvature * w * (1 - beta) / (1 + beta)
    start = [[w, -m, (curvature * w) ** 2], [-w, m, (curvature * w) ** 2]]
    branch = continue_cycle(parabola(opt, curvature), start, "lr", (onset / 2, 1.0))
    assert branch.ends == (f"flip of the fixed point at lr = {onset:.10g}", "lr = 1")
    (flip,) = [s for s in branch.bifurcations if s.period == 1]
    assert flip.kind == "flip" and flip.place == 0 and abs(flip.parameter / onset - 1) <= 1e-10
    assert flip.supercritical is True and np.abs(flip.points).max() < 1e-12
    # ξ is along a unit vector, whose first entry is the share of w: near the onset w² = s δ/c share².
    found = cf.analysis.normal_form(branch.step.at(lr=onset), [0.0, 0.0, 0.0])
    share = abs(found.directions[0, 0])
    assert flip.coefficient == pytest.approx(found.coefficient, rel=1e-8)
    slope = 2 * eps / (curvature**2 * onset)  # d(w²)/d lr at the onset
    assert found.speed / found.coefficient * share**2 == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize(
    ("step", "value", "name", "period", "bounds", "onset", "coefficient"),
    [
        (LOGISTIC, 3.2, "r", 2, (2.5, 3.6), 3.0, 9.0),
        (LOGISTIC, 3.5, "r", 4, (2.5, 3.56), 1 + 6**0.5, None),
        (HENON, 0.5, "a", 2, (0.0, 1.2), 3 * 0.7**2 / 4, None),
        (cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.6, momentum=0.5)), 1.6, "lr", 2, (0.5, 1.65), 1.5, None),
    ],
    ids=["logistic 2", "logistic 4", "Henon 2", "heavy ball 2"],
)
def test_a_branch_ends_in_the_flip_of_the_shorter_cycle(step, value, name, period, bounds, onset, coefficient):
    step = step.at(**{name: value})
    found = [c for c in cf.analysis.cycles(step, period, [(-2.0, 2.0)] * step.dim) if c.stable]
    branch = continue_cycle(step, found[0], name, bounds)
    (flip,) = [s for s in branch.bifurcations if s.period == period // 2]
    assert flip.kind == "flip" and flip.parameter == pytest.approx(onset, rel=1e-10)
    assert flip.supercritical is True and flip.meaning.startswith("supercritical")
    assert coefficient is None or flip.coefficient == pytest.approx(coefficient, rel=1e-9)
    side = 0 if flip.place == 0 else 1
    what = "fixed point" if period == 2 else f"{period // 2}-cycle"
    assert branch.ends[side] == f"flip of the {what} at {name} = {onset:.10g}"
    assert branch.parameter[-side] == flip.parameter
    assert all(abs(s.parameter - onset) > 1e-3 for s in branch.bifurcations if s.period == period)


def test_three_cycles_go_through_a_fixed_point_at_the_resonance():
    """z ↦ e^{2πi/3}((1 + m) z + z̄²) has the 3-cycle |z| = |m|, z³ < 0 for m > 0, on both sides of m = 0."""
    step = turning(3, ("x**2 - y**2", "-2*x*y"))
    branch = continue_cycle(step, [-0.1, 0.0], "m", (-0.3, 0.3), period=3)
    np.testing.assert_allclose(np.hypot(*branch.points[:, 0].T), np.abs(branch.parameter), atol=1e-9)
    (point,) = [s for s in branch.bifurcations if s.period == 1]
    assert point.kind == "neimark-sacker" and abs(point.parameter) < 1e-12 and "resonance" in point.meaning
    assert branch.ends == ("m = -0.3", "m = 0.3")


def test_four_cycles_end_in_the_fixed_point_at_the_resonance():
    """z ↦ i((1 + m) z − z|z|² + z̄³/2) has the 4-cycles |z|² = 2m (on the axes) and |z|² = 2m/3 (on the diagonals)."""
    step = turning(4, ("-x*(x**2 + y**2) + (x**3 - 3*x*y**2)/2", "-y*(x**2 + y**2) + (y**3 - 3*x**2*y)/2"))
    for start, ratio in (([0.2**0.5, 0.0], 2.0), ([(1 / 30) ** 0.5] * 2, 2 / 3)):
        branch = continue_cycle(step, start, "m", (-0.3, 0.3), period=4)
        np.testing.assert_allclose((branch.points[:, 0] ** 2).sum(axis=1), ratio * branch.parameter, atol=1e-9)
        assert any(end.startswith("resonance of the fixed point at m =") for end in branch.ends)
        (point,) = [s for s in branch.bifurcations if s.period == 1]
        assert point.kind == "neimark-sacker" and abs(point.parameter) < 1e-12


@settings(max_examples=25, deadline=None)
@given(at=st.sampled_from(["low", "high", "inside"]), low=st.floats(2.05, 2.4), high=st.floats(3.2, 3.9), period=st.sampled_from([1, 2]))
def test_rows_advance_whatever_the_start(at, low, high, period):
    low = low if period == 1 else 3.0 + (low - 2) / 10
    value = {"low": low, "high": high, "inside": (low + high) / 2}[at]
    step = LOGISTIC.at(r=value)
    start = cf.analysis.cycles(step, period, [(0.1, 1.0)])[0]
    branch = continue_cycle(step, start, "r", (low, high), coefficients=False)
    assert (np.diff(branch.arclength) > 0).all() and (np.diff(branch.parameter) > 0).all()
    assert branch.parameter[0] == low and branch.parameter[-1] == high
    rows = np.column_stack([branch.parameter, branch.points.reshape(len(branch), -1)])
    assert len(np.unique(rows, axis=0)) == len(rows)
    np.testing.assert_array_equal(branch.points[branch.start], branch.points[np.argmin(np.abs(branch.parameter - value))])


@pytest.mark.parametrize(
    ("step", "name", "bounds", "at"),
    [
        (parabola(cf.optimizers.gd(lr=1.0)), "lr", (0.5, 3.0), 2.0),
        (parabola(cf.optimizers.heavy_ball(lr=1.0, momentum=0.5), 2.0), "lr", (0.5, 3.0), 1.5),
        (cf.as_map(cf.Loss("x**2/2 + 3*y**2/2"), cf.optimizers.gd(lr=0.5)), "lr", (0.1, 1.0), 2 / 3),
    ],
    ids=["gd", "heavy ball", "two variables"],
)
def test_the_two_cycles_of_a_linear_map_are_a_vertical_line(step, name, bounds, at):
    flip = continue_cycle(step, [0.0] * step.n_weights, name, bounds).bifurcations[0]
    assert flip.kind == "flip" and flip.parameter == pytest.approx(at, rel=1e-13) and flip.supercritical is None
    branch = flip.switch()
    assert branch.ends[1] == f"vertical: these 2-cycles exist at {name} = {at:.10g} alone, where they form a continuum"
    assert len(branch) < 20 and not branch.bifurcations
    np.testing.assert_allclose(branch.parameter, at, rtol=1e-12)
    found = cf.analysis.branches(step, None, name, bounds, 1, starts=[(step.params[name], [0.0] * step.n_weights)])
    assert max(len(b) for b in found if b.period == 2) < 20
    assert "is vertical: they all exist at that value alone" in cf.analysis.cascade(step, [0.0] * step.n_weights, name, bounds).reason


def test_a_vertical_line_of_a_map_that_is_not_linear():
    """x ↦ (l x + 1)/(x − 1) is its own inverse at l = 1: each of its points is on a 2-cycle there."""
    branch = continue_cycle(INVOLUTION, [3.0], "l", (0.5, 3.0), period=2)
    assert len(branch) < 25 and not branch.bifurcations and all(end.startswith("vertical") for end in branch.ends)
    np.testing.assert_allclose((branch.points - 1).prod(axis=1), 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("step", "start", "name", "bounds", "steps"),
    [
        (LOGISTIC, [0.6], "r", (1.5, 4.0), 4),
        (HENON, [[-0.5, 0.3], [1.1, -0.2]], "a", (0.0, 1.2), 9),
        (cf.Map.from_text("x + c*(1 - x**2 - l**2)", params={"c": 0.3, "l": 0.2}), [0.98**0.5], "l", (-2.0, 2.0), 30),
        (cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.8)), [1.0], "lr", (0.1, 2.0), 4),
    ],
    ids=["logistic", "Henon", "isola", "gradient descent"],
)
def test_a_branch_that_ran_out_of_steps_goes_on_as_if_it_had_not(step, start, name, bounds, steps, tmp_path):
    whole = continue_cycle(step, start, name, bounds)
    part = continue_cycle(step, start, name, bounds, max_steps=steps)
    assert len(part) < len(whole) and any("`max_steps`" in end and "extended" in end for end in part.ends)
    rounds = 0
    while max(part.paces) > 0:
        part, rounds = cf.load(part.save(tmp_path / "branch.npz")).extended(max_steps=steps), rounds + 1
    assert rounds > 1 and part.ends == whole.ends and part.closed == whole.closed and part.start == whole.start
    np.testing.assert_allclose(part.parameter, whole.parameter, rtol=0, atol=1e-9)
    np.testing.assert_allclose(part.points, whole.points, rtol=0, atol=1e-9)
    assert [(s.kind, s.place) for s in part.bifurcations] == [(s.kind, s.place) for s in whole.bifurcations]
    np.testing.assert_allclose([s.parameter for s in part.bifurcations], [s.parameter for s in whole.bifurcations], rtol=1e-12)
    with pytest.raises(cf.CfdynError, match="did not run out of steps"):
        whole.extended()


def test_a_branch_goes_on_within_wider_bounds(tmp_path):
    """The fixed points 1 − 1/r over r = 2 … 3.5, then over 1.2 … 5.5: as if the bounds had been those at once."""
    inner = cf.load(continue_cycle(LOGISTIC, [0.6], "r", (2.0, 3.5)).save(tmp_path / "branch.npz"))
    whole, more = continue_cycle(LOGISTIC, [0.6], "r", (1.2, 5.5)), inner.extended((1.2, 5.5))
    assert more.ends == whole.ends == ("r = 1.2", "r = 5.5") and more.bounds == (1.2, 5.5)
    assert (np.diff(more.parameter) > 0).all()
    np.testing.assert_allclose(more.points[:, 0, 0], 1 - 1 / more.parameter, rtol=0, atol=1e-9)
    assert [(s.kind, round(s.parameter, 9)) for s in more.bifurcations] == [("flip", 3.0)]
    assert more.bifurcations[0].switch().bounds == (1.2, 5.5)  # which the flip found in the inner part knows too
    assert inner.extended((2.0, 4.0)).ends == ("r = 2", "r = 4")
    assert inner.extended((2.0, 4.0)).parameter[0] == inner.parameter[0] == 2
    for bounds, words in (((2.5, 4.0), "do not contain the branch"), ((2.0, 3.5), "did not run out"), ((4.0, 1.0), "lo < hi")):
        with pytest.raises(cf.CfdynError, match=words):
            inner.extended(bounds)


def test_an_isola_with_corners_closes():
    """x ↦ x + c (1 − |x| − l²): the fixed points are two parabolas |x| = 1 − l² that meet at corners on x = 0."""
    step = cf.Map.from_text("x + c*(1 - Abs(x) - l**2)", params={"c": 0.3, "l": 0.2})
    branch = continue_cycle(step, [0.96], "l", (-2.0, 2.0))
    assert branch.closed and len(branch) < 400
    assert [s.kind for s in branch.bifurcations].count("border collision") == 2
    np.testing.assert_allclose(np.abs(branch.points[:, 0, 0]), 1 - branch.parameter**2, atol=1e-9)


def test_a_branch_of_doubled_cycles_goes_on_too():
    flip = continue_cycle(LOGISTIC, [0.6], "r", (1.5, 3.6)).bifurcations[0]
    part, whole = flip.switch(max_steps=5), flip.switch()
    assert part.ends[0] == "flip at r = 3" and part.paces[0] == 0
    more = part.extended()
    assert more.ends == whole.ends and len(more) == len(whole)
    np.testing.assert_allclose(more.points, whole.points, atol=1e-12)
    assert [s.parameter for s in more.bifurcations] == pytest.approx([1 + 6**0.5, 3.544090359551922854][:1], rel=1e-12)


@pytest.mark.parametrize("slope", [1.2, 1.6, 1.9])
def test_a_branch_of_two_cycles_ends_on_the_border_where_it_is_born(slope):
    """x ↦ l + x/2 left of 0, l − s x right of it: for l > 0 a 2-cycle l(1 − s)/(1 + s/2), 3l/2/(1 + s/2); none for l < 0."""
    step = cf.Map.from_text("Piecewise((x/2 + l, x < 0), (l - s*x, True))", "x", {"l": 0.5, "s": slope})
    (start,) = cf.analysis.cycles(step, 2, [(-3, 3)])
    branch = continue_cycle(step, start, "l", (-1.0, 1.0))
    assert branch.ends == ("meets the fixed point on a border of the map at l = 0", "l = 1")
    assert branch.parameter.min() == pytest.approx(0, abs=1e-8) and branch.parameter[-1] == 1.0
    want = np.stack([branch.parameter * (1 - slope), 1.5 * branch.parameter], axis=1) / (1 + slope / 2)
    np.testing.assert_allclose(np.sort(branch.points[:, :, 0], axis=1), want, atol=1e-12)


def test_a_degenerate_flip_ends_a_branch_as_well():
    """x ↦ −(1 + l) x + x⁵ has the 2-cycle x⁴ = l; x ↦ −(1 + l) x − x³ + x⁵ a branch point at x = ±1 for the same l = 0."""
    step = cf.Map.from_text("-(1 + l)*x + x**5", "x", {"l": 0.1})
    branch = continue_cycle(step, [0.1**0.25], "l", (-0.5, 0.4), period=2)
    assert branch.ends == ("flip of the fixed point at l = 0", "l = 0.4")
    assert [(s.kind, s.period, s.supercritical) for s in branch.bifurcations] == [("flip", 1, None)]
    step = cf.Map.from_text("-(1 + l)*x - x**3 + x**5", "x", {"l": 0.1})
    start = [((1 + 1.4**0.5) / 2) ** 0.5]
    branch = continue_cycle(step, start, "l", (-0.5, 0.5), period=2)
    found = {s.kind: s for s in branch.bifurcations}
    assert set(found) == {"flip", "fold", "branch point"} and "flip of the fixed point at l = 0" in branch.ends
    assert found["fold"].parameter == pytest.approx(-0.25, rel=1e-10) and abs(found["branch point"].parameter) < 1e-10
    np.testing.assert_allclose(np.abs(found["branch point"].points), 1, atol=1e-9)


MONOMIALS = ("x**2", "x*y", "y**2", "x**3", "x**2*y", "x*y**2", "y**3")
NAMES = [f"{row}{k}" for row in "ab" for k in range(7)]
PLANE = cf.Map.from_text(
    ["-(1 + l)*x" + "".join(f" + a{k}*{m}" for k, m in enumerate(MONOMIALS)),
     "p*y" + "".join(f" + b{k}*{m}" for k, m in enumerate(MONOMIALS))],
    "x y", {**dict.fromkeys(NAMES, 0.0), "l": -0.05, "p": 0.3},
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.floats(-2, 2), row=st.integers(4, 16))
def test_every_branch_of_two_cycles_comes_back_to_its_flip(seed, size, row):
    """0 of a random cubic map of the plane flips at l = 0; from any row of its 2-cycles the branch leads back there."""
    numbers = np.random.default_rng(seed).normal(size=14) * 10**size
    step = PLANE.at(**dict(zip(NAMES, map(float, numbers), strict=True)))
    flip = min(continue_cycle(step, [0.0, 0.0], "l", (-0.3, 0.3)).bifurcations, key=lambda s: abs(s.parameter))
    assert flip.kind == "flip" and abs(flip.parameter) < 1e-12
    doubled = flip.switch()
    assume(len(doubled) > row)
    branch = continue_cycle(step.at(l=float(doubled.parameter[row])), doubled.points[row], "l", (-0.3, 0.3))
    found = [s for s in branch.bifurcations if s.period == 1 and abs(s.parameter) < 1e-10]
    assert len(found) == 1 and "flip of the fixed point at l = 0" in branch.ends
    assert found[0].kind == "flip" and found[0].coefficient == pytest.approx(flip.coefficient, rel=1e-6)
    assert (np.diff(branch.arclength) > 0).all()


@pytest.mark.parametrize("beta", [0.737517, 0.784719, 0.797676])
@pytest.mark.parametrize(("text", "curvature", "minimum"), [("w**2/2 + w**4/8", 1.0, 0.0), ("log(1 + exp(w)) - 2*w/3", 2 / 9, np.log(2))])
def test_long_steps_across_a_flip_of_heavy_ball_do_not_slip_onto_its_minimum(text, curvature, minimum, beta):
    """The flip is at lr = 2(1 + β)/L″; its 2-cycles run almost along their fixed point until they are close to it."""
    edge = 2 * (1 + beta) / curvature
    step = cf.as_map(cf.Loss(text), cf.optimizers.heavy_ball(lr=1.0, momentum=beta))
    (flip,) = continue_cycle(step.at(lr=0.8 * edge), [minimum], "lr", (0.3 * edge, 1.2 * edge)).bifurcations
    doubled = flip.switch()
    assert len(doubled) > 15
    for row in np.linspace(4, len(doubled) - 1, 12).astype(int):
        branch = continue_cycle(step.at(lr=float(doubled.parameter[row])), doubled.points[row], "lr", (0.3 * edge, 1.2 * edge))
        found = [s for s in branch.bifurcations if s.period == 1]
        assert [(s.kind, s.parameter) for s in found] == [("flip", pytest.approx(edge, rel=1e-10))]
        assert f"flip of the fixed point at lr = {edge:.10g}" in branch.ends


@pytest.mark.parametrize(("text", "curvature", "minimum"), [("(w - 1/3)**2/2", 1.0, 1 / 3), ("softplus(w) - 2*w/3", 2 / 9, np.log(2))])
def test_a_velocity_that_is_0_but_for_rounding_is_no_length(text, curvature, minimum):
    """At rest the velocity is −4e-18; the Jacobian of these maps nowhere changes by half its size. The flip is at 2(1 + β)/L″."""
    step = cf.as_map(cf.Loss(text), cf.optimizers.heavy_ball(lr=1.0, momentum=0.5))
    branch = continue_cycle(step, [minimum, -4e-18], "lr", (0.3, 20.0))
    assert [(s.kind, s.parameter) for s in branch.bifurcations] == [("flip", pytest.approx(3 / curvature, rel=1e-12))]


@pytest.mark.parametrize(("scale", "power"), [(1.0, 0), (16.0, 4), (1 / 64, -6)])
def test_a_curvature_that_levels_off_has_a_length(scale, power):
    """At the minimum of log(1 + e^(w/s)) − 2w/(3s) half of what ηL″ changes by is reached between s and 2s, for all s alike."""
    step = cf.as_map(cf.Loss("s**2*(softplus(w/s) - 2*w/(3*s))", params={"s": scale}), cf.optimizers.heavy_ball(lr=1.0, momentum=0.9))
    lengths = length_scales(step, np.array([[scale * np.log(2), 0.0]]))
    assert lengths[0] == 2.0 * 2.0**power
