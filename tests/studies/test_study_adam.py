"""Studies of Adam and its like: no verdict rests on round-off, and each says what a minimum is for the optimizer."""

from __future__ import annotations

import re

import mpmath
import numpy as np
import pytest
from scipy.optimize import brentq

import cfdyn as cf
from tests.oracles import OPTIMIZER_STEPS

DOUBLE_WELL = cf.losses.double_well()


@pytest.mark.parametrize("lr", [0.01, 0.05])
def test_the_double_well_with_adam(lr):
    found = cf.study(DOUBLE_WELL, cf.optimizers.adam(lr=lr))
    assert found.edge.value == pytest.approx(1.9e-7, rel=1e-9) and not found.edge.smooth and found.flip is None
    assert found.regime.kind == "chaotic" and found.regime.lyapunov > 0
    assert found.regime.inject == pytest.approx(1e-8 * lr, rel=0.2)  # of the longest step
    assert "At any learning rate above 1.9e-07 the lowest minimum is unstable: adam does not rest" in found.verdict
    assert "perturbations of the weights" in found.verdict and "Undecided" not in found.verdict
    assert {name for _, _, name in found.bands.bands} == {"chaotic"} and found.bands.perturbed and found.unfinished == ""


def test_a_verdict_says_what_the_float_orbit_does():
    """It rests on the minimum, at loss 0 exactly; perturbations alone make it burst. `iterate` tells from which step on."""
    found = cf.study(DOUBLE_WELL, cf.optimizers.adam(lr=0.001), lr_range=(0.0009, 0.0011))
    said = re.search(r"In floating point the orbit rests at w = 1 from step (\d+) on and stays there to step (\d+), ", found.verdict)
    first, last = map(int, said.groups())
    orbit = cf.iterate(cf.as_map(DOUBLE_WELL, cf.optimizers.adam(lr=0.001)), found.start, last)
    away = np.abs(orbit.w[:, 0] - 1)
    assert away[first:].max() <= 33 * np.spacing(1.0) < away[first - 50 : first].max() and (orbit.loss[20_000:] == 0).all()
    assert found.verdict.index("rests") < found.verdict.index("With perturbations") < found.verdict.index("the orbit is chaotic")
    assert found.regime.unperturbed in found.regime.reason and last > 100_000


def test_where_nothing_rests_on_round_off_nothing_is_said_of_it():
    found = cf.study(DOUBLE_WELL, cf.optimizers.gd(lr=1.42), lr_range=(1.40, 1.42))
    assert found.regime.unperturbed == "" and not found.bands.perturbed and found.headline.startswith("Chaotic orbit, 1.42 ×")


def test_a_number_of_digits_falls_into_the_trap_too():
    """After 6000 steps Adam is exactly on the minimum in 60 digits; in 200 it is 1e-137 off: √β₁ a step."""
    for digits, low, high in ((60, 0, 0), (200, 1e-150, 1e-125)):
        context = mpmath.mp.clone()
        context.dps = digits
        w, state = [context.mpf("1.107")], {}
        options = {k: context.mpf(v) for k, v in {"lr": "0.01", "beta1": "0.9", "beta2": "0.999", "eps": "1e-8"}.items()}
        for _ in range(6000):
            w = OPTIMIZER_STEPS["adam"](w, lambda x: [x[0] ** 3 - x[0]], state, context.sqrt, **options)
        assert low <= abs(w[0] - 1) <= high


@pytest.mark.slow
def test_bursts_are_as_large_as_those_of_an_orbit_in_300_digits():
    """That goes down to 1e-159 before its first escape, 0.008 far, and to about 1e-12 between later ones, which count."""
    context = mpmath.mp.clone()
    context.dps, far = 300, 0.0
    number, options = context.mpf, ("0.01", "0.9", "0.999", "1e-8")
    lr, beta1, beta2, eps = map(number, options)
    w, m, v, share1, share2 = number("1.107"), number(0), number(0), number(1), number(1)
    for k in range(24_000):
        g = w**3 - w
        m, v, share1, share2 = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g, beta1 * share1, beta2 * share2
        w -= lr * (m / (1 - share1)) / (context.sqrt(v / (1 - share2)) + eps)
        far = max(far, float(abs(w - 1))) if k > 12_000 else far
    reason = cf.analysis.classify(cf.as_map(DOUBLE_WELL, cf.optimizers.adam(lr=0.01)), [1.107]).reason
    reaches = [float(part.split(" away")[0].split()[-1]) for part in reason.split("up to") if " away" in part]
    assert len(reaches) == 2 and reaches[0] < reaches[1] < far < 2 * reaches[1]  # from farther down it comes farther up


def test_little_momentum_ends_on_a_two_cycle():
    """Below β₁ = 3 − 2√2 the 2-cycle of size η/θ is stable; β₁ = 0.1 has θ = 2.444."""
    found = cf.analysis.classify(cf.as_map(DOUBLE_WELL, cf.optimizers.adam(lr=0.01, beta1=0.1)), [1.107])
    assert found.kind == "cycle" and found.period == 2 and abs(found.multipliers[0]) < 1 and found.inject > 0
    assert np.ptp(found.points[:, 0]) / 2 == pytest.approx(0.01 * 0.9 / 2.2, rel=1e-3)


def test_nadam_ends_on_a_two_cycle_of_the_size_of_its_threshold():
    found = cf.analysis.classify(cf.as_map(DOUBLE_WELL, cf.optimizers.nadam(lr=0.01)), [1.107])
    assert found.period == 2 and np.ptp(found.points[:, 0]) / 2 == pytest.approx(0.01 / 13.5714, rel=1e-2)


def test_below_its_edge_adam_rests():
    found = cf.analysis.classify(cf.as_map(DOUBLE_WELL, cf.optimizers.adam(lr=1.8e-7)), [1.0001])
    assert found.kind == "fixed point" and found.points[0, 0] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.slow
def test_adagrad_and_amsgrad_rest():
    for name in ("adagrad", "amsgrad"):
        found = cf.study(DOUBLE_WELL, getattr(cf.optimizers, name)(lr=0.01))
        assert found.edge is None and "rest at any lr" in found.verdict and found.regime.kind == "fixed point"


def test_the_learning_rate_is_the_usual_one_where_eps_alone_sets_the_edge():
    found = cf.study(DOUBLE_WELL, cf.optimizers.adam(lr=1.0), auto_lr=True)
    assert found.lr == 0.001 and found.chosen["lr"] == "the usual one of Adam"


@pytest.mark.parametrize("name", ["heavy_ball", "nesterov"])
def test_momentum_has_a_smooth_edge_where_a_step_at_one_over_the_curvature_ends_on_the_minimum(name):
    """There the slope of w⁺ in w is 0, and what it is beside that is no multiple of it."""
    found = cf.study(DOUBLE_WELL, cf.optimizers.get(name)(lr=0.1))
    assert found.edge.smooth and found.flip is not None and "At any learning rate" not in found.verdict


@pytest.mark.slow
def test_a_study_says_how_the_preconditioned_sharpness_lies_to_its_edge():
    """A loss of two weights that Adam hovers on; what gradient descent has there is λ₁(H) up to a factor, and not said twice."""
    loss = cf.Loss("(1 - x*y)**2/2 + 0.002*(x - 2)**2")
    found = cf.study(loss, cf.optimizers.adam(lr=0.01, beta2=0.98), start=[1.2, 0.8], lr_range=(0.009, 0.011))
    own = cf.analysis.hovering(cf.iterate(cf.as_map(loss, cf.optimizers.adam(lr=0.01, beta2=0.98)), [1.2, 0.8], 12_000))
    assert found.hovering.meaning == own.meaning and own.meaning in found.verdict and own.kind == "hovers"
    assert len(cf.plot(found).axes) == 5
    below = cf.study(loss, cf.optimizers.gd(lr=0.1), start=[1.2, 0.8], lr_range=(0.09, 0.11))
    assert below.hovering.kind == "never" and "λ₁(P⁻¹H)" not in below.verdict and len(cf.plot(below).axes) == 4
    none = cf.study(DOUBLE_WELL, cf.optimizers.sign_gd(lr=0.1), start=[1.2], lr_range=(0.09, 0.11))
    assert none.hovering is None and "sign_gd is not of the form" in none.no_hovering


@pytest.mark.slow
def test_on_a_continuum_of_minima_one_weights_slope_hides_no_others():
    """Beside the minimum of the linear network one gradient is a hundred times smaller than the others, and its slope stays."""
    found = cf.study(cf.losses.linear_network(), cf.optimizers.adam(lr=1.0), auto_lr=True)
    assert not found.edge.smooth and found.lr == 0.001 and found.regime.kind == "chaotic"


def test_a_branch_of_the_loss_at_its_minimum_is_no_corner_of_adam():
    """Huber's |w| changes its branch at 0; the slopes of √v that jump there are those of v, which is 0."""
    found = cf.study(cf.losses.huber(), cf.optimizers.adam(lr=0.001))
    assert found.edge.value == pytest.approx(38e-8, rel=1e-9) and not found.edge.smooth


@pytest.mark.slow
def test_decay_along_a_continuum_says_where_to_look():
    found = cf.study(cf.losses.linear_network(), cf.optimizers.adamw(lr=0.001))
    assert found.edge is None and "set weight_decay=0" in found.unfinished


def test_the_moving_edge_is_that_of_the_orbit_of_the_verdict():
    """Round-off alone would leave λ₁(P⁻¹H) at 3e5 θ, at the minimum: with an oscillation of any size it hovers at θ."""
    found = cf.study(DOUBLE_WELL, cf.optimizers.adam(lr=0.05))
    assert found.hovering.kind == "hovers" and found.hovering.mean == pytest.approx(0.95, abs=0.02)
    assert f"With an oscillation of at least {found.regime.inject:.2g}, λ₁(P⁻¹H) at the averaged iterate hovers at its edge θ = 38" in found.verdict
    bare = cf.analysis.hovering(cf.iterate(cf.as_map(DOUBLE_WELL, cf.optimizers.adam(lr=0.05)), [1.107], 40_000))
    assert bare.kind == "undecided" and "inject a seed" in bare.reason and bare.ratio[-1] > 1e5


@pytest.mark.slow
def test_titles_of_a_study_are_inside_its_figure():
    """The edge of Adam is far outside the rates that are drawn, and is not said to be a dashed line among them."""
    figure = cf.plot(cf.study(DOUBLE_WELL, cf.optimizers.adam(lr=0.05)))
    figure.draw_without_rendering()
    titles = [axes.title for axes in figure.axes]
    assert all(figure.bbox.x0 <= title.get_window_extent().x0 <= title.get_window_extent().x1 <= figure.bbox.x1 for title in titles)
    assert not any("dashed" in title.get_text() for title in titles)
    within = cf.plot(cf.study(DOUBLE_WELL, cf.optimizers.adam(lr=0.2, eps=1e-2)))
    within.draw_without_rendering()
    title = next(axes.title for axes in within.axes if "dotted" in axes.title.get_text())
    assert "edge 0.19 dashed" in title.get_text() and title.get_window_extent().x1 <= within.bbox.x1


def test_an_exponent_that_depends_on_perturbations_has_one_digit():
    """In the deviation from the minimum, with exponents of any size, it is 0.0053; 0.004 or 0.011 with perturbations."""
    verdict = cf.study(DOUBLE_WELL, cf.optimizers.adam(lr=0.01)).verdict
    assert "the orbit is chaotic: nearby orbits separate by about e^0.004 per step." in verdict


@pytest.mark.slow
def test_a_point_that_decay_holds_beside_the_minimum_is_named():
    """|g| = (|g| + ε)w at a decay of 1, with g = w³ − w: 1 − w is near √(ε/2)."""
    held = brentq(lambda w: (w - w**3) - (w - w**3 + 1e-8) * w, 0.9, 1 - 1e-6, xtol=1e-14)
    assert 1 - held == pytest.approx(np.sqrt(5e-9), rel=1e-3)
    found = cf.study(cf.losses.double_well(), cf.optimizers.adamw(lr=0.01, weight_decay=1.0))
    assert f"the lowest minimum, which is held at {held:.6g}, is unstable: adamw does not rest on it." in found.verdict


@pytest.mark.slow
def test_an_edge_that_is_met_late_is_met():
    """Of small steps: for 3000 of them λ₁(P⁻¹H) is below 0.12 θ, and then the average of squares falls."""
    found = cf.study(cf.losses.rosenbrock(), cf.optimizers.nadam(lr=0.001))
    assert found.regime.period == 2 and found.regime.inject == 0
    assert found.hovering.ratio[:2990].max() < 0.12 and found.hovering.kind == "hovers" and found.hovering.since == 8202
    assert found.hovering.mean == pytest.approx(1, abs=0.02)
