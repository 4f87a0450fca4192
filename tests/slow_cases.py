"""Cases that `make test-all` runs and `make test` does not: other cases of the same test ask the same every day.

Chosen by the time of the processor that they took. tests/test_everyday.py asks whether they exist and have such relatives. And
Hypothesis draws fewer examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

# A test without its tests/, then the names of its cases.
SLOW: dict[str, tuple[str, ...]] = {
    "analysis/test_bands.py::test_the_first_band_of_real_data_ends_at_the_edge": ("1",),
    "analysis/test_bands.py::test_what_a_band_is_called_is_what_classify_says_inside": ("delayed",),
    "analysis/test_oscillation.py::test_the_least_period_in_drift_and_noise": ("4", "5", "7", "8"),
    "certify/test_pace.py::test_what_is_left_of_a_search_is_told_to_a_factor_of_three": ("heavy ball",),
    "certify/test_spelling.py::test_the_checker_encloses_logarithms_and_their_slopes": (
        "log(exp(w) + exp(-2*w))", "log1p(exp(w) + exp(w/2))", "log(sigmoid(w))", "log(exp(w)/(exp(w) + exp(-w)))",
        "log((1 + exp(w))**2/cosh(w))", "log(1 - 1/(1 + exp(-w)))", "log(1 - exp(w)/(exp(w) + exp(-w)))", "log(2 + exp(w))",
    ),
    "certify/test_spelling.py::test_the_checker_encloses_logarithms_quotients_and_their_slopes": (
        "log(1 + exp(w))", "log1p(exp(w) + exp(w/2))", "log(sigmoid(w))", "log(1 - sigmoid(w))", "log((1 + exp(w))**2/cosh(w))",
        "log(1 - 1/(1 + exp(-w)))", "log1p(-sigmoid(w))", "log(2 + exp(w))", "log(1/2 + 3*exp(-w))",
        "(exp(w) - exp(-w))/(exp(w) + exp(-w))", "log(exp(w) + exp(-2*w))", "log(1 - exp(w)/(exp(w) + exp(-w)))",
        "exp(w)/(1 + exp(w) + exp(2*w))", "exp(w)/((1 + exp(w))*(1 + exp(-2*w)))",
    ),
    "claims/test_claims.py::test_a_damaged_record_is_named": ("[]", '{"toy2000.square_1": 5}'),
    "claims/test_runner.py::test_a_check_that_goes_wrong_is_a_verdict_and_the_others_go_on": (
        "is wrong", "starts processes", "prints", "cannot tell",
    ),
    "cli/test_commands.py::test_a_reader_that_has_left_is_no_error": ("words3",),
    "cli/test_commands.py::test_study_of_the_double_well": ("0.9-fixed point-1", "1.1-cycle-2"),
    "cli/test_flow_figures.py::test_other_dimensions_and_optimizers": ("loss3-optimizer3-start3-central",),
    "cli/test_interrupts.py::test_it_is_gone_soon_and_nothing_is_left": ("many runs in threads", "computing"),
    "cli/test_sizes.py::test_a_long_orbit_as_a_document_takes_little_more_than_its_numbers": ("subject1",),
    "cli/test_text.py::test_streams_that_take_nothing": (
        "full, nothing to say", "full, help", "full, both", "closed, a document", "closed, both", "a reader that leaves at once",
    ),
    "continuation/test_all_arms.py::test_all_arms_of_a_normal_form_in_other_coordinates": (
        "pitchfork-2", "pitchfork-3", "pitchfork-4", "transcritical-2", "transcritical-3", "transcritical-4",
    ),
    "continuation/test_curve_points_apart.py::test_where_a_2_cycle_merges_is_one_point": ("-0.4",),
    "continuation/test_products_beyond.py::test_a_fold": ("springs",),
    "continuation/test_products_beyond.py::test_a_network": ("6",),
    "contract/test_networks.py::test_it_is_an_oracle_in_float64_whose_title_makes_it_again": ("lstm", "resnet"),
    "contract/test_thresholds.py::test_step_and_state_are_those_of_preconditioner_and_flow": (
        "rmsprop-eps inside", "rmsprop-decay and clip", "adagrad-eps inside", "adagrad-decay and clip",
    ),
    "cycles/test_angles.py::test_the_cat_map": ("formulas1",),
    "cycles/test_cycles_plane.py::test_a_continuum_ends_undecided": ("formulas0-1", "formulas1-2"),
    "cycles/test_cycles_plane.py::test_limits_at_a_jump_are_no_cycles": ("None",),
    "cycles/test_cycles_symmetry.py::test_ikedas_map": (
        "davidchack-lai-3-2", "davidchack-lai-4-3", "davidchack-lai-6-7", "schmelcher-diakonos-2-1",
    ),
    "differential/test_reference.py::test_a_rational_rotation_that_creeps_inwards_is_no_cycle": ("5", "12"),
    "differential/test_reference.py::test_exponents_of_chaotic_maps": ("formulas4-start4-0.6931471805599453-0.001",),
    "differential/test_reference.py::test_invariant_circles": (
        "formulas1-start1-params1", "formulas3-start3-params3", "formulas4-start4-params4",
    ),
    "ensembles/test_runs.py::test_moments_of_a_linear_problem": (
        "replacement-extra1", "independent-extra0", "independent-extra2",
    ),
    "flows/test_edge_flow_momentum.py::test_it_is_that_of_gradient_descent_in_another_time": ("True-0.5-two modes",),
    "flows/test_momentum.py::test_adam_is_rmsprop_in_another_time": ("adamw-0.9-two modes", "own-0.5-two modes"),
    "flows/test_momentum.py::test_it_is_gradient_descent_in_another_time": (
        "dampened-0.5-two modes", "ema_momentum-0.5-two modes", "of its own-0.5-two modes",
    ),
    "flows/test_noisy.py::test_the_flow_without_noise_is_the_limit_with_one_over_b": ("0.8-2",),
    "flows/test_noisy_runs.py::test_the_mean_of_runs_stays_near_it_and_leaves_the_other_flows": ("0.2-8",),
    "flows/test_sharpness_reduction.py::test_starts_without_a_manifold": ("exp(-x)*(1 + y**2)-start2-does not end at a minimum",),
    "flows/test_sharpness_reduction.py::test_the_optimizer_follows_its_flow_for_small_steps": (
        "valley-sqrt_loss", "two-normalized_gd",
    ),
    "flows/test_stiff.py::test_two_independent_solvers_agree": ("D4-auto", "E5-radau5", "F2-auto"),
    "hostile/test_files_of_strangers.py::test_what_is_made_to_harm_and_some_nearly_good_files": (
        "run", "resume", "set", "settings",
    ),
    "integrate/test_large.py::test_it_converges_to_the_independent_reference": (
        "two-coupled-rank-drop", "three-coupled-rank-drop", "rmsprop", "adagrad",
    ),
    "integrate/test_large.py::test_without_oscillation_it_is_the_stable_flow": ("nesterov", "ema_momentum", "scalar_rmsprop"),
    "integrate/test_large_constant.py::test_output_biases_beyond_the_edge_are_told_with_the_largest_rate": (
        "optimizer1-2.0-beyond the edge everywhere", "optimizer3-1.5-beyond the edge everywhere",
    ),
    "integrate/test_large_events.py::test_rows_beside_a_kink_are_as_exact_as_the_ends_of_steps": ("two-coupled-rank-drop",),
    "integrate/test_large_rod.py::test_it_converges_to_the_dense_path_of_a_network": ("top",),
    "integrate/test_large_room.py::test_output_biases_beyond_the_edge_are_told_with_the_largest_rate": (
        "optimizer1-2.0-beyond the edge everywhere", "optimizer3-1.5-beyond the edge everywhere",
    ),
    "integrate/test_large_steps.py::test_thirds_of_a_point_are_those_of_its_modes": ("2-1", "2--1", "3--1"),
    "kernels/test_critical.py::test_corrections_and_tangents": ("2-40", "3-40"),
    "machine/test_cache.py::test_a_full_disk": ("no space",),
    "machine/test_cache.py::test_damaged_files_are_noticed": ("cut off", "empty", "longer", "one bit"),
    "machine/test_cache.py::test_damaged_files_are_rebuilt_and_no_others": ("cut off-formulas", "one bit-kernels"),
    "machine/test_forks.py::test_children_forked_while_a_thread_compiles": ("at once",),
    "normal_forms/test_codimension_two_cycles.py::test_against_multilinear_forms": (
        "generalized flip", "resonance 1:1", "flip-neimark-sacker", "double neimark-sacker",
    ),
    "normal_forms/test_codimension_two_cycles.py::test_no_coefficient_depends_on_the_first_point": (
        "chenciner", "fold-neimark-sacker",
    ),
    "papers/test_sources.py::test_the_second_computation_finds_what_is_expected": (
        "cfdyn2026_stochastic.near_on_a_net_in_both_regimes", "cfdyn2026_onset.only_two_cycles_near_onset",
        "cfdyn2026_flat.rmsprop_on_quadratic_rows", "cfdyn2026_random.noise_makes_chaos", "cfdyn2026_random.noise_makes_order",
        "cfdyn2026_random.mean_square_is_stricter", "cfdyn2026_escape.momentum_heats",
        "cfdyn2026_escape.exit_times_grow_with_the_batch",
    ),
    "plotting/test_canvas.py::test_a_column_is_no_higher_than_a_page_and_its_panels_are_not_too_flat": (
        "RunsComparison", "Averages", "Comparison",
    ),
    "plotting/test_canvas.py::test_a_size_that_leaves_panels_no_room_is_said": ("size1-0",),
    "plotting/test_canvas.py::test_any_figure_takes_the_place_of_an_axes": ("RunsComparison", "SettlingTimes"),
    "records/test_old_records.py::test_what_is_imported_first_changes_nothing": (
        "cfdyn.systems.orbit", "cfdyn.analysis.attractors.classify",
    ),
    "studies/test_bifurcation_diagrams.py::test_exact_cycles_have_orbits_all_along_and_end_where_orbits_escape": ("3-3.55-4.0",),
    "studies/test_study_unfinished.py::test_a_part_that_fails_says_so_everywhere": ("edge_at", "cycles", "doublings"),
    "symbolic/test_quotients.py::test_three_derivatives_where_exponentials_overflow": (
        "(1 + exp(-w))**(-1/3)", "sinh(w)**2/cosh(w)**3", "w*(exp(w) - exp(-w))/(exp(w) + exp(-w))/(2 + cos(w))", "1/cosh(w)**2",
        "log(1 - exp(w)/(exp(w) + exp(-w) + 1))",
    ),
    "tape/test_taylor.py::test_series_of_every_function_is_that_of_sympy": ("pow", "sigmoid", "sech2", "tanh", "tan"),
    "tape/test_taylor.py::test_series_of_powers_is_that_of_sympy": ("x**x", "x**(7/3)", "(x**2 + x)**3"),
    "theory/test_edges_of_minima.py::test_the_minimum_is_stable_up_to_theta_eps_over_lambda": (
        "nadam-8-two weights", "nadam-8-double well", "nadam-9-two weights",
    ),
    "training/test_resume.py::test_stopped_anywhere_a_run_goes_on_bit_for_bit": ("47-0.0",),
    "watching/test_jax_edges.py::test_at_the_edge_the_real_step_has_the_multiplier_minus_one": (
        "momentum", "nadam", "amsgrad", "yogi", "adamax", "radam", "rmsprop, momentum", "rmsprop, nesterov", "schedule",
        "injected", "accumulated", "ademamix", "schedule-free adamw", "clipped", "optimistic", "adam",
    ),
    "watching/test_jax.py::test_the_training_is_the_same_bit_by_bit": ("kept",),
    "watching/test_jax.py::test_a_step_without_an_edge_is_refused": ("sign", "lars", "muon", "centralized", "adafactor"),
}  # fmt: skip

# Of the many cases of these tests `make test` runs every third.
THIRDS = frozenset((
    "certify/checker/test_corruptions.py::test_a_corruption_is_rejected",
    "certify/test_spelling.py::test_the_checker_encloses_logarithms_quotients_and_their_slopes",
    "contract/test_losses.py::test_derivatives_agree_with_50_digit_differences",
    "contract/test_printers.py::test_every_printer_gives_the_50_digit_value",
    "papers/test_claims.py::test_each_perturbation_turns_the_verdict",
    "settling/test_disturbed.py::test_noise_makes_no_chaos",
    "symbolic/test_logarithms.py::test_values_gradients_and_hessians_where_exponentials_overflow",
    "symbolic/test_parse.py::test_hostile_formulas_end_in_time",
    "symbolic/test_quotients.py::test_three_derivatives_where_exponentials_overflow",
    "tape/test_taylor.py::test_series_of_every_function_is_that_of_sympy",
    "tape/test_taylor.py::test_series_of_powers_is_that_of_sympy",
    "theory/test_edges_of_minima.py::test_the_minimum_is_stable_up_to_theta_eps_over_lambda",
    "theory/test_edges_reported.py::test_below_the_edge_it_stays_and_above_it_leaves",
))  # fmt: skip


def key(item: pytest.Item) -> str:
    """The test that a case belongs to, as it is called above."""
    return item.nodeid.partition("[")[0].removeprefix("tests/")


def case(item: pytest.Item) -> str:
    """The name of a case."""
    return item.nodeid.partition("[")[2][:-1]


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark them as slow: the cases of SLOW, and two of three of the others of THIRDS."""
    seen: Counter[str] = Counter()
    for item in items:
        test = key(item)
        slow = case(item) in SLOW.get(test, ())
        if test in THIRDS and not slow:
            slow = seen[test] % 3 != 0
            seen[test] += 1
        if slow:
            item.add_marker(pytest.mark.slow)


def repeated(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Examples of a package that a module has too: a public function is found in its module and, with its checks, in its package."""
    homes = {item.dtest.docstring for item in items if isinstance(item, pytest.DoctestItem) and item.path.name != "__init__.py"}
    return [item for item in items if isinstance(item, pytest.DoctestItem) and item.path.name == "__init__.py" and item.dtest.docstring in homes]


def fewer_examples(function: Any) -> None:
    """A third of those that a test of Hypothesis asks for, or 10; each run draws others."""
    asked = getattr(function, "_hypothesis_internal_use_settings", None)
    if asked is not None:
        function._hypothesis_internal_use_settings = settings(asked, max_examples=min(asked.max_examples, max(10, asked.max_examples // 3)))
