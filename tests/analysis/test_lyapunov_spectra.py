"""`lyapunov_spectra` against closed forms, volumes, and single orbits."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

import cfdyn as cf
from tests.oracles import needs_compiler

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.0})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})


@needs_compiler
def test_volumes_shrink_by_b_in_every_cell_of_henon():
    found = cf.analysis.lyapunov_spectra(
        HENON, [("a", np.linspace(0.2, 1.4, 9)), ("b", [1e-7, 0.01, 0.1, 0.3])], [0.1, 0.1], n=1600
    )
    known = np.isfinite(found.exponents).all(axis=2)
    assert known.mean() > 0.9 and found.looked.all()
    sums = np.where(known, found.exponents.sum(axis=2), np.log(found.second)[:, None])
    assert np.abs(sums - np.log(found.second)[:, None]).max() < 1e-6
    assert (np.diff(found.exponents, axis=2)[known] <= 0).all()


@needs_compiler
def test_exponents_of_fixed_points_are_logarithms_of_eigenvalues():
    a = np.linspace(-0.1, 0.3, 9)
    found = cf.analysis.lyapunov_spectra(HENON, [("a", a)], [0.1, 0.1], n=1600, transient=2000)
    for row, value in zip(found.exponents[0], a, strict=True):
        x = (-0.7 + math.sqrt(0.49 + 4 * value)) / (2 * value) if value else 1 / 0.7
        sizes = np.abs(np.linalg.eigvals([[-2 * value * x, 1], [0.3, 0]]))
        assert row == pytest.approx(np.sort(np.log(sizes))[::-1], abs=1e-9)
    assert (found.stretching == 0).all() and (found.dimension == 0).all() and found.errors.max() < 1e-9


@needs_compiler
def test_chaos_superstable_cycles_and_escape():
    found = cf.analysis.lyapunov_spectra(LOGISTIC, [("r", [2.0, 1 + 5**0.5, 3.3, 4.0, 4.1])], [0.5], n=16_000)
    superstable, super_cycle, cycle, chaos, gone = found.exponents[0, :, 0]
    assert superstable == -math.inf and super_cycle < -15 and math.isnan(gone)
    assert cycle == pytest.approx(math.log(abs(4 + 6.6 - 3.3**2)) / 2, rel=1e-6)
    found = cf.analysis.lyapunov_spectra(LOGISTIC, [("r", [3.9, 4.0])], [0.3], n=160_000)
    assert abs(found.exponents[0, 1, 0] - math.log(2)) < 4 * found.errors[0, 1, 0] < 1e-2
    assert found.stretching[0].tolist() == [1, 1] and chaos == pytest.approx(math.log(4))  # 1/2 → 1 → 0


@needs_compiler
def test_two_directions_grow_in_hyperchaos():
    step = cf.Map.from_text(["a - y**2 - b*z", "x", "y"], "x y z", {"a": 1.76, "b": 0.1})
    found = cf.analysis.lyapunov_spectra(step, [("a", [0.2, 1.76])], [0.1, 0.2, 0.3], n=32_000)
    assert found.stretching[0].tolist() == [0, 2]
    assert found.exponents.sum(axis=2) == pytest.approx(np.full((1, 2), math.log(0.1)), abs=1e-9)
    some = cf.analysis.lyapunov_spectra(step, [("a", [0.2, 1.76])], [0.1, 0.2, 0.3], 2, n=32_000)
    assert some.exponents == pytest.approx(found.exponents[:, :, :2], abs=4 * found.errors.max())
    alone = cf.analysis.lyapunov_spectrum(step, [0.1, 0.2, 0.3], 32_000)
    assert found.exponents[0, 1] == pytest.approx(alone.exponents, abs=1e-9)
    assert found.dimension[0, 1] == pytest.approx(alone.dimension, abs=1e-6) and math.isnan(some.dimension[0, 1])


@needs_compiler
def test_losses_with_data_and_entries_of_the_start():
    step = cf.as_map(cf.losses.tanh_network(), cf.optimizers.gd(lr=0.1))
    start, lr = np.full(7, 0.5), [0.05, 0.2]
    found = cf.analysis.lyapunov_spectra(step, [("lr", lr), (step.names[0], [0.4, 0.5])], start, n=160, transient=200)
    for k, value in enumerate(lr):
        alone = cf.analysis.lyapunov_spectrum(step.at(lr=value), start, 160, 200).exponents
        assert found.exponents[1, k] == pytest.approx(alone, abs=1e-6)


def test_ctrl_c_keeps_what_is_done(monkeypatch):
    monkeypatch.setattr(importlib.import_module("cfdyn.analysis.parameters.lyapunov_spectra"), "AT_ONCE", 2)

    def stop(done: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    vary = [("r", np.linspace(3.5, 3.6, 7))]
    with pytest.raises(cf.errors.Interrupted) as stopped:
        cf.analysis.lyapunov_spectra(LOGISTIC, vary, [0.3], n=160, progress=stop)
    part = stopped.value.record
    assert part.looked.tolist() == [[True] * 4 + [False] * 3]
    whole = cf.analysis.lyapunov_spectra(LOGISTIC, vary, [0.3], n=160)
    assert part.exponents[0, :4] == pytest.approx(whole.exponents[0, :4]) and np.isnan(part.exponents[0, 4:]).all()


@pytest.mark.parametrize("vary, options, words", [
    ([], {}, "one or two quantities"),
    ([("r", [1.0]), ("x", [0.1]), ("r", [1.0])], {}, "one or two quantities"),
    ([("q", [1.0])], {}, "unknown parameter or entry of the state"),
    ([("r", [2.0, 1.0])], {}, "increase"),
    ([("r", [1.0])], {"count": 2}, "has 1 exponent, not 2"),
    ([("r", [1.0])], {"n": 15}, "n "),
    ([("r", np.linspace(1, 2, 10**5)), ("x", np.linspace(0, 1, 10**5))], {}, "GiB"),
])  # fmt: skip
def test_what_cannot_be(vary, options, words):
    with pytest.raises(cf.errors.UsageError, match=words):
        cf.analysis.lyapunov_spectra(LOGISTIC, vary, [0.3], **options)


@needs_compiler
@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_sets_equal_copies_apart_is_seen(count):
    """y and z are two copies, and multipliers c of x, s of y + z, a of y − z."""
    step = cf.Map.from_text("c*x; (s+a)/2*y + (s-a)/2*z; (s-a)/2*y + (s+a)/2*z", "x y z", {"c": 0.5, "s": 0.25, "a": 0.75})
    found = cf.analysis.lyapunov_spectra(step, [("c", [0.5])], [0, 0, 0], count=count, n=160)
    assert found.exponents[0, 0] == pytest.approx(np.log([0.75, 0.5, 0.25])[:count], abs=1e-12)
