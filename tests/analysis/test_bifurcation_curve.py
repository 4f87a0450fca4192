"""Curves of bifurcations in two parameters against closed forms, with their points of codimension two."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
CUBIC = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.0, "c": 1.5})


def curve_of(step, bifurcation, parameters, bounds, **options):
    return cf.analysis.bifurcation_curve(step, bifurcation, parameters, bounds, **options)


def special(curve):
    return [(s.kind, *np.round(s.parameters, 8).tolist()) for s in curve.special]


def fixed_point(a, b, sign=1):
    x = (-(1 - b) + sign * math.sqrt(abs((1 - b) ** 2 + 4 * a))) / (2 * a)
    return [[x, b * x]]


BOX = ((-2.0, 5.0), (-1.2, 0.9))


def test_henon_fold():
    """a = −(1−b)²/4; the other multiplier is −b."""
    found = curve_of(HENON.at(a=-0.12), ("fold", fixed_point(-0.1225, 0.3)), ("a", "b"), BOX)
    a, b = found.parameters.T
    assert a == pytest.approx(-0.25 * (1 - b) ** 2, abs=1e-12)
    assert special(found) == [("resonance 1:1", -1.0, -1.0)]
    assert np.sort(found.multipliers, axis=1) == pytest.approx(np.sort(np.column_stack([np.ones(len(a)), -b]), axis=1), abs=1e-6)
    assert set(found.ends) == {"b = -1.2", "b = 0.9"} and not found.closed


def test_henon_flip():
    """a = 3(1−b)²/4; s/c = (1 + b²)/a² as the 2-cycle says (see `test_normal_form_kinds`)."""
    found = curve_of(HENON.at(a=0.37), ("flip", fixed_point(0.3675, 0.3)), ("a", "b"), BOX)
    a, b = found.parameters.T
    assert a == pytest.approx(0.75 * (1 - b) ** 2, abs=1e-12)
    assert special(found) == [("resonance 1:2", 3.0, -1.0)]
    k = len(a) // 3
    form = cf.analysis.normal_form(HENON.at(a=a[k], b=b[k]), found.points[k], "a")
    assert found.coefficient[k] == pytest.approx(form.speed * a[k] ** 2 / (1 + b[k] ** 2), rel=1e-9)


def test_henon_flip_of_the_2_cycle():
    """a = (1−b)² + (1+b)²/4, the other multiplier −b²: resonances 1:2 at b = ±1."""
    a, b = 0.9125, 0.3
    total, product = (1 - b) / a, ((1 - b) ** 2 - a) / a**2
    x = (total + np.sqrt(total**2 - 4 * product) * np.array([1, -1])) / 2
    found = curve_of(HENON.at(a=a), ("flip", np.column_stack([x, b * x[::-1]])), ("a", "b"), ((-2, 8), (-1.5, 1.5)))
    a, b = found.parameters.T
    assert found.period == 2 and found.points.shape[1:] == (2, 2)
    assert a == pytest.approx((1 - b) ** 2 + (1 + b) ** 2 / 4, abs=1e-11)
    assert sorted(special(found)) == [("resonance 1:2", 1.0, 1.0), ("resonance 1:2", 4.0, -1.0)]


def test_henon_neimark_sacker():
    """Only at b = −1, where area is kept: from the resonance 1:1 at a = −1 by 1:4 and 1:3 to 1:2 at a = 3."""
    found = curve_of(HENON.at(a=0.5, b=-1.001), ("neimark-sacker", fixed_point(0.5, -1.0)), ("a", "b"), BOX)
    assert found.parameters[:, 1] == pytest.approx(-1.0, abs=1e-12)
    assert [s[:2] for s in special(found)] in (
        [("resonance 1:1", -1.0), ("resonance 1:4", 0.0), ("resonance 1:3", 1.25), ("resonance 1:2", 3.0)],
        [("resonance 1:2", 3.0), ("resonance 1:3", 1.25), ("resonance 1:4", 0.0), ("resonance 1:1", -1.0)],
    )
    assert all(end.startswith("resonance") for end in found.ends)


def test_predator_and_prey_resonances():
    """a = 1/(1−2β), cos θ = 1 − aβ/2: 1:4 at (5, 2/5), 1:3 at (7, 3/7), 1:2 at (9, 4/9)."""
    step = cf.Map.from_text(["a*x*(1-x) - x*y", "x*y/b"], "x y", {"a": 2.0, "b": 0.25})
    found = curve_of(step, ("neimark-sacker", [[0.25, 0.5]]), ("a", "b"), ((1.1, 20.0), (0.01, 0.499)))
    a, b = found.parameters.T
    assert a == pytest.approx(1 / (1 - 2 * b), rel=1e-10)
    by_name = {s.kind: s.parameters for s in found.special}
    assert by_name["resonance 1:4"] == pytest.approx([5, 2 / 5], abs=1e-10)
    assert by_name["resonance 1:3"] == pytest.approx([7, 3 / 7], abs=1e-10)
    assert by_name["resonance 1:2"] == pytest.approx([9, 4 / 9], abs=1e-10)
    assert set(found.ends) == {"a = 1.1", "resonance 1:2 at a = 9, b = 0.444444"}
    before = a < 3
    assert (found.coefficient[before] < 0).all()


def test_cubic_map():
    """Fold: c = 1 + 3x², k = 2x³ with the cusp (0, 1); flip: c = 3x² − 1, k = 2x − 2x³, degenerate where 9x² = 1."""
    fold = curve_of(CUBIC.at(k=0.136), ("fold", [[-0.4]]), ("k", "c"), ((-3, 3), (-2, 4)))
    x, (k, c) = fold.points[:, 0, 0], fold.parameters.T
    assert c == pytest.approx(1 + 3 * x**2, abs=1e-12) and k == pytest.approx(-2 * x**3, abs=1e-12)
    assert abs(fold.coefficient) == pytest.approx(3 * abs(x), abs=1e-10)  # ½⟨p, B(q,q)⟩ = −3x
    assert special(fold) == [("cusp", 0.0, 1.0)]
    assert special(curve_of(CUBIC.at(c=1.0), ("fold", [[0.0]]), ("k", "c"), ((-2, 2), (0, 4)))) == [("cusp", 0.0, 1.0)]
    flip = curve_of(CUBIC.at(k=0.0, c=-0.99), ("flip", [[0.01]]), ("k", "c"), ((-3, 3), (-2, 4)))
    x, (k, c) = flip.points[:, 0, 0], flip.parameters.T
    assert c == pytest.approx(3 * x**2 - 1, abs=1e-12) and k == pytest.approx(2 * x - 2 * x**3, abs=1e-12)
    assert flip.coefficient == pytest.approx(9 * x**2 - 1, abs=1e-9)
    exact = round(16 / 27, 8)
    assert sorted(special(flip)) == [("generalized flip", -exact, round(-2 / 3, 8)), ("generalized flip", exact, round(-2 / 3, 8))]


def test_heavy_ball_in_learning_rate_and_momentum():
    """The flip at ηλ = 2(1 + β), here λ = 2."""
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.5, momentum=0.5))
    found = curve_of(step, ("flip", [[1.0]]), ("lr", "momentum"), ((0.1, 3.0), (0.0, 0.95)))
    lr, momentum = found.parameters.T
    assert lr == pytest.approx(1 + momentum, abs=1e-12)
    assert set(found.ends) == {"momentum = 0", "momentum = 0.95"} and found.special == []
    assert (found.coefficient > 0).all()


def test_gradient_descent_on_a_family_of_losses():
    """Flip of the minimum w = √a of (w² − a)²/4: η = 1/a; of its 2-cycle η = (√5 − 1)/a by scaling (C2)."""
    step = cf.as_map(cf.Loss("(w**2 - a)**2/4", params={"a": 1.0}), cf.optimizers.gd(lr=1.0))
    found = curve_of(step, ("flip", [[1.0]]), ("lr", "a"), ((0.2, 3.0), (0.3, 3.0)))
    assert found.parameters.prod(axis=1) == pytest.approx(1.0, abs=1e-11)
    eta = math.sqrt(5) - 1
    regime = cf.analysis.classify(step.at(lr=eta - 1e-3), [0.5])
    found = curve_of(step.at(lr=eta - 1e-3), ("flip", regime.points), ("lr", "a"), ((0.2, 3.0), (0.3, 3.0)))
    assert found.period == 2 and found.parameters.prod(axis=1) == pytest.approx(eta, rel=1e-10)


@pytest.mark.parametrize("record", [cf.analysis.normal_form, lambda step, w: cf.analysis.edge(step.at(lr=0.5), w, scale=0.5)])
def test_records_are_starts(record):
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    found = curve_of(step, record(step, [1.0]), ("lr", "a"), ((0.2, 3.0), (0.3, 3.0)))
    assert found.kind == "flip" and found.parameters.prod(axis=1) == pytest.approx(1.0, abs=1e-11)


def test_fold_flip():
    """Fold k = 0 and flip k = c² touch at (0, 0)."""
    step = cf.Map.from_text(["k + x - x**2", "-(1 + c)*y + y**3 + x*y"], "x y", {"k": 0.0, "c": 0.3})
    box = ((-1.0, 1.0), (-0.5, 0.6))
    fold = curve_of(step, ("fold", [[0.0, 0.0]]), ("k", "c"), box)
    assert abs(fold.parameters[:, 0]).max() < 1e-12 and special(fold) == [("fold-flip", 0.0, 0.0)]
    flip = curve_of(step.at(k=0.09), ("flip", [[0.3, 0.0]]), ("k", "c"), box)
    assert flip.parameters[:, 0] == pytest.approx(flip.parameters[:, 1] ** 2, abs=1e-12)
    assert ("fold-flip", 0.0, 0.0) in special(flip)


def spatial(turn):
    """A plane rotated by an angle and stretched by 1 + c + z, beside a fold z → k + z − z² and a decaying direction."""
    cos, sin = math.cos(turn), math.sin(turn)
    grow = "(1 + c + z - x**2 - y**2)"
    return [f"{grow}*({cos!r}*x - {sin!r}*y)", f"{grow}*({sin!r}*x + {cos!r}*y)"]


def test_fold_neimark_sacker():
    """Fold k = 0, Neimark–Sacker z = −c, k = c²."""
    step = cf.Map.from_text([*spatial(1.0), "k + z - z**2"], "x y z", {"k": 0.0, "c": 0.3})
    box = ((-1.0, 1.0), (-0.5, 0.5))
    fold = curve_of(step, ("fold", [[0.0, 0.0, 0.0]]), ("k", "c"), box)
    assert special(fold) == [("fold-neimark-sacker", 0.0, 0.0)]
    circle = curve_of(step.at(k=0.09), ("neimark-sacker", [[0.0, 0.0, -0.3]]), ("k", "c"), box)
    k, c = circle.parameters.T
    assert k == pytest.approx(c**2, abs=1e-11) and ("fold-neimark-sacker", 0.0, 0.0) in special(circle)
    assert circle.multipliers.imag.max() == pytest.approx(math.sin(1.0), abs=1e-9)


def test_flip_neimark_sacker():
    step = cf.Map.from_text([*spatial(1.0), "-(1 + k)*z + z**3"], "x y z", {"k": 0.0, "c": 0.3})
    box = ((-0.5, 0.5), (-0.5, 0.5))
    assert special(curve_of(step, ("flip", [[0.0, 0.0, 0.0]]), ("k", "c"), box)) == [("flip-neimark-sacker", 0.0, 0.0)]
    circle = curve_of(step.at(k=0.3, c=0.0), ("neimark-sacker", [[0.0, 0.0, 0.0]]), ("k", "c"), box)
    assert special(circle) == [("flip-neimark-sacker", 0.0, 0.0)]


@pytest.mark.parametrize("turn", [1.0, 2.0])
def test_chenciner(turn):
    """ζ → e^{iθ} ζ (1 + k + c|ζ|² − |ζ|⁴): d = 2c on k = 0."""
    cos, sin = math.cos(turn), math.sin(turn)
    grow = "(1 + k + c*(x**2 + y**2) - (x**2 + y**2)**2)"
    step = cf.Map.from_text([f"{grow}*({cos!r}*x - {sin!r}*y)", f"{grow}*({sin!r}*x + {cos!r}*y)"], "x y", {"k": 0.0, "c": 0.3})
    found = curve_of(step, ("neimark-sacker", [[0.0, 0.0]]), ("k", "c"), ((-1, 1), (-1, 1)))
    assert abs(found.parameters[:, 0]).max() < 1e-12 and special(found) == [("chenciner", 0.0, 0.0)]
    assert found.coefficient == pytest.approx(2 * found.parameters[:, 1], abs=1e-9)


@pytest.mark.parametrize(("period", "product"), [(2, -1.0), (3, -1.7548776662466927), (4, -1.3107026413368329)])
def test_superstable_cycles_as_a_condition(period, product):
    """x → c + s x² with 0 on the cycle: with u = sc, u + 1 = 0, u(u + 1)² + 1 = 0, …: sc is a constant."""
    step = cf.Map.from_text("c + s*x**2", "x", {"c": product + 1e-3, "s": 1.0})
    points = [0.0]
    for _ in range(period - 1):
        points.append(step([points[-1]])[0])
    found = curve_of(step, np.array(points)[:, None], ("c", "s"), ((-4, -0.2), (0.3, 3)), condition="2*s*x")
    assert found.kind == "condition" and found.period == period
    assert found.parameters.prod(axis=1) == pytest.approx(product, rel=1e-10)
    assert abs(found.multipliers).max() < 1e-12


def test_a_condition_crosses_bifurcations_of_the_cycle():
    """The fixed points x = t of the cubic map with f(x) = x, k = 0: x² = c − 1 loses stability by a flip at c = 2."""
    found = curve_of(CUBIC.at(k=0.0, c=1.5), [[0.7]], ("k", "c"), ((-1, 1), (1.1, 3.0)), condition="k")
    assert special(found) == [("flip", 0.0, 2.0)]


def test_border_collision():
    """The 2-cycle 0 → m → 0 meets the border x = 0 where m − am − m² = 0."""
    step = cf.Map.from_text("m - a*Max(x, 0) - Max(x, 0)**2 + Min(x, 0)/2", "x", {"m": 0.6, "a": 0.4})
    found = curve_of(step, ("border collision", [[0.0], [0.6]]), ("m", "a"), ((0.1, 2), (-0.9, 0.95)))
    m, a = found.parameters.T
    assert m == pytest.approx(1 - a, abs=1e-12) and abs(found.points[:, 0]).max() < 1e-12
    assert set(found.ends) == {"m = 0.1", "a = -0.9"}


def test_the_2_cycle_of_adam_turns_quasi_periodic():
    """P11: c²w² = (lr c (1−β₁)/(2(1+β₁)))² − ε; on the curve its multipliers, from these points, have the modulus 1."""
    step = cf.as_map(
        cf.Loss("w**2/2"), cf.optimizers.adam(lr=0.5, beta1=0.23, beta2=0.5, eps=1e-6, bias_correction=False, eps_inside=True)
    )

    def multipliers(beta1, beta2):
        w = math.sqrt((0.5 * (1 - beta1) / (2 * (1 + beta1))) ** 2 - 1e-6)
        m = -(1 - beta1) / (1 + beta1) * w
        here = step.at(beta1=beta1, beta2=beta2)
        assert here([w, m, w * w]) == pytest.approx([-w, -m, w * w], abs=1e-15)
        return np.linalg.eigvals(here.jacobian([-w, -m, w * w]) @ here.jacobian([w, m, w * w])), [[w, m, w * w], [-w, -m, w * w]]

    found = curve_of(step, ("neimark-sacker", multipliers(0.23, 0.5)[1]), ("beta1", "beta2"), ((0.0, 0.99), (0.01, 0.999)))
    assert set(found.ends) == {"beta2 = 0.01", "beta2 = 0.999"} and found.period == 2
    for beta1, beta2 in found.parameters[::20]:
        assert sorted(abs(multipliers(beta1, beta2)[0]))[1:] == pytest.approx([1, 1], abs=1e-9)
    assert sorted(s.kind for s in found.special) == ["double flip", "resonance 1:3", "resonance 1:4"]
    # Half of the way round, and mirrored, the pair is ±i there.
    (double,) = [s for s in found.special if s.kind == "double flip"]
    assert sorted(abs(multipliers(*double.parameters)[0] + 1))[:2] == pytest.approx([0, 0], abs=1e-6)
    for s in (s for s in found.special if s is not double):
        mu = multipliers(*s.parameters)[0]
        assert np.sort(abs(mu ** int(s.kind[-1]) - 1))[:2] == pytest.approx([0, 0], abs=1e-8)
    # Subcritical: just beyond, the smallest deviation grows to a wide oscillation; before, a small one decays, a larger one stays.
    assert (found.coefficient > 0).all()
    k = int(np.argmin(abs(found.parameters[:, 1] - 0.5)))
    beta1, beta2 = found.parameters[k]
    for shift, start, wide in ((1e-3, 1e-6, True), (-3e-4, 1e-3, False), (-3e-4, 0.04, True)):
        _, points = multipliers(beta1 + shift, beta2)
        orbit = cf.iterate(step.at(beta1=beta1 + shift, beta2=beta2), np.add(points[0], [start, 0, 0]), 40_000).z[-4000::2, 0]
        assert bool(np.ptp(orbit) > 0.3) is wide


def test_a_closed_curve():
    """The fold of x → x + x² + k² + c² − 1 is the unit circle."""
    step = cf.Map.from_text("x + x**2 + k**2 + c**2 - 1", "x", {"k": 1.0, "c": 0.0})
    found = curve_of(step, ("fold", [[0.01]]), ("k", "c"), ((-2, 2), (-2, 2)))
    assert found.closed and found.ends[1].startswith("closed")
    assert (found.parameters**2).sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    angle = np.unwrap(np.arctan2(*found.parameters.T))
    assert abs(angle[-1] - angle[0]) == pytest.approx(2 * math.pi, abs=1e-9)


@pytest.mark.parametrize("x", [1.6, 1.2, 0.95, -0.6])
def test_beside_a_pole_nothing_is_made_up(x):
    """k/(x − c): the multiplier of a fixed point, −x/(x − c), is −1 for c = 0 only, though Newton's method may creep to the pole."""
    step = cf.Map.from_text("k/(x - c)", "x", {"k": 1.0, "c": 1.0})
    try:
        found = curve_of(step, ("flip", [[x]]), ("k", "c"), ((-3, 3), (-3, 3)))
    except cf.CfdynError as error:
        assert "no flip point near the start" in str(error)
    else:
        k, c = found.parameters.T
        assert abs(c).max() < 1e-9 and found.points[:, 0, 0] ** 2 == pytest.approx(k, abs=1e-9)


GD = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
UNIT = ((0.2, 3.0), (0.3, 3.0))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((GD, ("flip", [[1.0]]), ("lr", "aa"), UNIT), "'aa'"),
        ((GD, ("flip", [[1.0]]), ("lr_", "a"), UNIT), "did you mean 'lr'"),
        ((GD, ("flip", [[1.0]]), ("lr",), UNIT), "two parameters"),
        ((GD, ("flip", [[1.0]]), ("lr", "lr"), UNIT), "two different"),
        ((GD, ("flop", [[1.0]]), ("lr", "a"), UNIT), "did you mean 'flip'"),
        ((GD, ("branch point", [[1.0]]), ("lr", "a"), UNIT), "no simple branch point near the start: the multipliers are"),
        ((GD, ("flip", [[1.0]]), ("lr", "a"), ((3, 1), (0, 1))), "intervals"),
        ((GD, ("flip", [[1.0]]), ("lr", "a"), ((0, math.inf), (0, 1))), "finite intervals"),
        ((GD, ("flip", [[1.0]]), ("lr", "a"), ((2, 3), (0.5, 2))), "outside its bounds"),
        ((GD, ("flip", [[1.0]]), 5, UNIT), "`parameters` is a list"),
        ((GD, ("flip", [[1.0]]), ("lr", ["a"]), UNIT), "entry of `parameters` is a text"),
        ((GD, ("flip", [[1.0]]), ("lr", "a"), ((math.nan, 1), (0, 1))), "finite number"),
        ((GD, ("flip", [[1.0]]), ("lr", "a"), ((0, 10**400), (0, 1))), "entry of `bounds` is a number"),
        ((GD, ("flip", [[1.0]]), ("lr", "a"), ((-1e308, 1e308), (0, 1))), "finite intervals"),
        ((GD, ("flip", [[1.0]]), ("lr", "a"), (0, 1)), "two finite intervals"),
        ((GD, ("flip", [[1.0]]), ("lr", "a"), ((0, 1, 2), (0, 1))), "each entry of `bounds` is 2 values"),
        ((GD, ("flip", [[math.nan]]), ("lr", "a"), UNIT), "finite"),
        ((GD, ("flip", [[1.0, 2.0]]), ("lr", "a"), UNIT), "has 1 entry"),
        ((GD, "flip", ("lr", "a"), UNIT), "kind, points"),
        ((GD, ("border collision", [[1.0]]), ("lr", "a"), UNIT), "no borders"),
        ((GD, ("neimark-sacker", [[1.0]]), ("lr", "a"), UNIT), "multipliers are"),
        ((GD, ("fold", [[1.0]]), ("lr", "a"), UNIT), "no fold point near the start.*multipliers are"),
        ((GD, np.ones((800, 1)), ("lr", "a"), UNIT), "kind, points"),
        ((GD, ("flip", np.ones((800, 1))), ("lr", "a"), UNIT), "no flip point near the start"),
        (("double_well", ("flip", [[1.0]]), ("lr", "a"), UNIT), "takes a map"),
    ],
)
def test_bad_input(arguments, words):
    with pytest.raises(cf.CfdynError, match=words):
        curve_of(*arguments)


@pytest.mark.parametrize(
    ("condition", "words"),
    [("ww - 1", "did you mean 'w'|unknown name"), ("1 - 1/3", "depends neither"), ("w -* 1", "formula|character|expected"),
     ("__import__('os')", "formula|quote|character|allowed"), ("w - 100", "no point of the condition near")],
)  # fmt: skip
def test_bad_conditions(condition, words):
    with pytest.raises(cf.CfdynError, match=words):
        curve_of(GD, [[1.0]], ("lr", "a"), UNIT, condition=condition)


def test_a_bifurcation_of_a_branch_is_a_start():
    step = cf.as_map(cf.Loss("(w**2 - a)**2/4", params={"a": 1.0}), cf.optimizers.gd(lr=0.8))
    branch = cf.analysis.continue_cycle(step, [1.0], "lr", (0.3, 2.0))
    flip = next(b for b in branch.bifurcations if b.kind == "flip")
    found = curve_of(step, flip, ("lr", "a"), ((0.2, 3.0), (0.3, 3.0)))
    assert found.parameters.prod(axis=1) == pytest.approx(1.0, abs=1e-11)


def test_search_along_the_parameters():
    """From any fixed point: the flip of the minimum; of the 2-cycle; the point of a condition; the border."""
    step = cf.as_map(cf.Loss("(w**2 - a)**2/4", params={"a": 1.0}), cf.optimizers.gd(lr=0.6))
    box = ((0.2, 3.0), (0.3, 3.0))
    assert curve_of(step, ("flip", [1.0]), ("lr", "a"), box, search=True).parameters.prod(axis=1) == pytest.approx(1, abs=1e-11)
    regime = cf.analysis.classify(step.at(lr=1.1), [0.5])
    found = curve_of(step.at(lr=1.1), ("flip", regime.points), ("lr", "a"), box, search=True)
    assert found.parameters.prod(axis=1) == pytest.approx(math.sqrt(5) - 1, rel=1e-10)
    found = curve_of(step, [1.0], ("lr", "a"), box, condition="1 - lr*(3*w**2 - a)", search=True)
    assert found.parameters.prod(axis=1) == pytest.approx(0.5, rel=1e-10)
    with pytest.raises(cf.CfdynError, match="meets no fold along lr in 0.2 to 3 or a in 0.3 to 3 .but a flip at lr = 1"):
        curve_of(step, ("fold", [1.0]), ("lr", "a"), box, search=True)
    step = cf.Map.from_text("m - a*Max(x, 0) - Max(x, 0)**2 + Min(x, 0)/2", "x", {"m": 0.7, "a": 0.5})
    cycle = cf.analysis.classify(step, [0.1])
    assert cycle.period == 2
    found = curve_of(step, ("border collision", cycle.points), ("m", "a"), ((0.1, 2), (-0.9, 0.95)), search=True)
    assert found.parameters.sum(axis=1) == pytest.approx(1.0, abs=1e-12)


def test_a_search_puts_the_point_that_meets_the_condition_first():
    """The superstable 2-cycle 0 → −1/s → 0, searched from either of its points."""
    step = cf.Map.from_text("c + s*x**2", "x", {"c": -0.9, "s": 1.0})
    points = cf.analysis.cycles(step, 2, [(-2, 2)])[0].points
    for start in (points, points[::-1]):
        found = curve_of(step, start, ("c", "s"), ((-4, -0.2), (0.3, 3)), condition="x", search=True)
        assert found.parameters.prod(axis=1) == pytest.approx(-1, rel=1e-11) and abs(found.points[:, 0]).max() < 1e-12
