"""Regimes over a parameter against the published bifurcation values."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from tests.oracles import needs_compiler


def boundaries(found, first, second):
    """Where a band called ``first`` is followed by one called ``second``."""
    pairs = zip(found.bands, found.bands[1:])
    return [a[1] for a, b in pairs if (a[2], b[2]) == (first, second)]


@pytest.mark.parametrize(
    ("step", "start", "name", "bounds", "flips"),
    [
        (cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), 0.3, "r", (2.8, 3.56), (3, 1 + math.sqrt(6), 3.544090359551922854)),
        (cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0)), 0.8, "lr", (0.8, 1.295), (1, math.sqrt(5) - 1, 1.288031754482843)),
        (cf.as_map(cf.losses.poisson_regression(), cf.optimizers.gd(lr=1.0)), 0.2, "lr", (1.7, 2.67), (2, 2.5264677258538192, 2.6563532651571774)),
    ],
    ids=["logistic", "C2", "C4"],
)  # fmt: skip
@needs_compiler
def test_doublings(step, start, name, bounds, flips):
    found = cf.analysis.bands(step, [start], name, bounds)
    names = ("fixed point", "period 2", "period 4", "period 8")
    assert [b[2] for b in found.bands if b[2] in names] == list(names)
    for flip, first, second in zip(flips, names, names[1:]):
        # Right at a flip nothing converges in reasonable time: the gap may stay open, but not wide.
        lo = max(b[1] for b in found.bands if b[2] == first)
        hi = min(b[0] for b in found.bands if b[2] == second)
        assert lo <= hi and abs(lo - flip) < 2e-3 and abs(hi - flip) < 2e-3


@needs_compiler
def test_three_window_and_the_ends_of_chaos():
    step = cf.as_map(cf.losses.cubic(), cf.optimizers.gd(lr=1.0))
    found = cf.analysis.bands(step, [0.5], "lr", (1.30, 1.56), count=600)
    three = [b for b in found.bands if b[2] == "period 3"]
    assert min(b[0] for b in three) == pytest.approx(math.sqrt(2), abs=1e-3)
    assert max(b[1] for b in three) == pytest.approx((3.841499007543507846 - 1) / 2, abs=1e-3)
    assert found.bands[-1][2] == "divergent" and found.bands[-1][0] == pytest.approx(1.5, abs=1e-3)
    chaotic = found.values[found.labels == -1]
    assert len(chaotic) > 50 and chaotic.max() < 1.501
    assert not any(b[2] == "undecided" and b[1] - b[0] > 2e-3 for b in found.bands)


def test_shape_and_order():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    seen = []
    found = cf.analysis.bands(step, [0.5], "lr", (0.5, 1.2), count=20, progress=lambda done, total: seen.append((done, total)))
    assert (np.diff(found.values) > 0).all() and (20, 20) in seen and all(0 < d <= t for d, t in seen)
    assert len(found.values) == len(found.labels) == len(found.exponents) == len(found.tails)
    assert found.bands[0][0] == 0.5 and found.bands[-1][1] == 1.2
    assert all(a[1] == b[0] and a[2] != b[2] for a, b in zip(found.bands, found.bands[1:]))
    # Of the fixed point w = 1 the exponent is ln|1 − 2η|.
    fixed = (found.labels == 1) & (np.abs(found.values - 0.5) > 0.1) & (found.values < 0.95)
    assert found.exponents[fixed] == pytest.approx(np.log(np.abs(1 - 2 * found.values[fixed])), abs=1e-6)


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (2.0, 1.0), (0.1, math.inf), (math.nan, 1.0), (-1e308, 1e308)])
def test_bad_ranges_are_refused(bounds):
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    with pytest.raises(cf.CfdynError, match="range|finite number"):
        cf.analysis.bands(step, [0.5], "lr", bounds)


def test_unknown_parameter_is_refused():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    with pytest.raises(cf.CfdynError, match="parameter"):
        cf.analysis.bands(step, [0.5], "rate", (0.5, 1.0))


# -- what is said of a band holds inside, and its ends are bifurcations -----------------------------------------------


@pytest.mark.parametrize(
    ("step", "start", "name", "bounds", "edges"),
    [
        (cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), [0.3], "r", (2.8, 3.87),
         {("fixed point", "period 2"): 3, ("period 2", "period 4"): 1 + math.sqrt(6), ("chaotic", "period 3"): 1 + math.sqrt(8),
          ("period 3", "period 6"): 3.841499007543507846}),
        (cf.Map.from_text(["a*x*(1-y)", "x"], "x y", {"a": 2.0}), [0.6, 0.5], "a", (1.9, 2.1), {("fixed point", "quasi-periodic"): 2}),
        (cf.as_map(cf.losses.poisson_regression(), cf.optimizers.gd(lr=1.0)), [0.2], "lr", (1.7, 2.6),
         {("fixed point", "period 2"): 2, ("period 2", "period 4"): 2.5264677258538192}),
        (cf.Map.from_text("m*x - x**3", params={"m": 0.5}), [0.4], "m", (0.5, 2.5), {("fixed point", "period 2"): 2}),
    ],
    ids=["logistic", "delayed", "C4", "pitchfork"],
)  # fmt: skip
@needs_compiler
def test_boundaries_lie_at_the_bifurcations(step, start, name, bounds, edges):
    found = cf.analysis.bands(step, start, name, bounds, count=41 if "y" in step.names else 200)
    pairs = {(a[2], b[2]): a[1] for a, b in zip(found.bands, found.bands[1:])}
    assert {pair: pairs.get(pair) for pair in edges} == pytest.approx(edges, rel=1e-9), found.bands


@pytest.mark.parametrize("features", [1, 2])
@needs_compiler
def test_the_first_band_of_real_data_ends_at_the_edge(features):
    loss = cf.losses.breast_cancer(features=features)
    lowest = cf.minima(loss)[0]
    step, start = cf.as_map(loss, cf.optimizers.gd(lr=1.0)), lowest.w + 0.1
    found = cf.analysis.bands(step, start, "lr", (0.8 * lowest.edge, 1.2 * lowest.edge), count=20)
    assert [b[2] for b in found.bands] == ["fixed point", "period 2"]
    top = np.linalg.eigvalsh(loss.hessian(lowest.w))[-1]
    assert found.bands[0][1] == pytest.approx(2 / top, rel=1e-8)


@needs_compiler
def test_a_slow_spiral_is_no_sliver_of_chaos():
    """Real data near η = 34.15: a 2-cycle with a complex pair, |μ| = 0.9117, which plain NumPy confirms."""
    loss = cf.losses.breast_cancer(features=2)
    step, start = cf.as_map(loss, cf.optimizers.gd(lr=34.0)), [1.258406, 1.051118]
    found = cf.analysis.bands(step, start, "lr", (34.13, 34.165), count=40)
    assert {b[2] for b in found.bands} == {"period 2"}
    for lr in (34.152, 34.1545, 34.157):
        w = np.array(start)
        for _ in range(4000):
            w = w - lr * loss.gradient(w)
        again = w - lr * loss.gradient(w)
        assert np.abs(again - w).max() > 0.1
        assert again - lr * loss.gradient(again) == pytest.approx(w, abs=1e-9)


@pytest.mark.parametrize("bounds", [(0.4, 2.5), (1.0, 3.0), (2.0, 3.0), (1.0, 2.0), (1.0, 1.0 + 5e-16)])
@needs_compiler
def test_a_bifurcation_that_a_sample_hits_makes_no_band(bounds):
    """w ← (1 − η)w converges for η < 2, diverges for η > 2, and has 2-cycles at η = 2 only."""
    step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=1.0))
    found = cf.analysis.bands(step, [1.0], "lr", bounds, count=401)
    ends = {"fixed point": (bounds[0], min(bounds[1], 2.0)), "divergent": (max(bounds[0], 2.0), bounds[1])}
    expected = [(lo, hi, name) for name, (lo, hi) in ends.items() if lo < hi]
    assert [b[2] for b in found.bands] == [e[2] for e in expected] and (np.diff(found.values) > 0).all()
    for (lo, hi, _), (first, last, _) in zip(found.bands, expected):
        assert (lo, hi) == pytest.approx((first, last), rel=1e-12)


AGREE = {
    "logistic": (cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), [0.3], "r", (3.4, 4.05)),
    "double well": (cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0)), [0.5], "lr", (1.2, 2.1)),
    "Hénon": (cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3}), [0.1, 0.1], "a", (0.9, 1.45)),
    "delayed": (cf.Map.from_text(["a*x*(1-y)", "x"], "x y", {"a": 2.0}), [0.6, 0.5], "a", (1.95, 2.28)),
    "standard": (cf.Map.from_text(["x + y + k*sin(x)", "y + k*sin(x)"], "x y", {"k": 0.5}), [3.4, 0.1], "k", (0.1, 1.5)),
}


@pytest.mark.parametrize("name", AGREE)
@needs_compiler
def test_what_a_band_is_called_is_what_classify_says_inside(name):
    """At its middle sample, with all of classify's steps; chaos, quasi-periodic orbits and what is undecided."""
    step, start, parameter, bounds = AGREE[name]
    found = cf.analysis.bands(step, start, parameter, bounds, count=60)
    inside = [b for b in found.bands if not b[2].startswith(("period", "fixed", "unresolved")) and b[1] - b[0] > found.resolution]
    assert inside
    for lo, hi, called in inside:
        samples = found.values[(found.values > lo) & (found.values < hi)]
        regime = cf.analysis.classify(step.at(**{parameter: samples[len(samples) // 2]}), start)
        assert regime.kind == called, (name, lo, hi, regime)
    assert sum(b[1] - b[0] for b in found.bands if b[2] == "unresolved") < 0.1 * (bounds[1] - bounds[0])


def test_the_verdict_names_only_what_fills_a_band():
    """A band narrower than two samples is in the record, and in no sentence."""
    from cfdyn.studies.verdict import _met

    made = cf.analysis.bands(AGREE["logistic"][0], [0.3], "r", (3.4, 3.5), count=5)
    fake = {f: getattr(made, f) for f in ("parameter", "values", "labels", "exponents", "tails")}
    bands = [(0.0, 0.5, "period 2"), (0.5, 0.51, "chaotic"), (0.51, 0.8, "period 3"), (0.8, 1.0, "chaotic")]
    text = _met(type(made)(**fake, bands=bands, resolution=0.01))
    assert "chaotic from 0.8" in text and "sampled every 0.01" in text


@pytest.mark.slow
def test_bands_of_a_loss_that_is_no_formula():
    """The double well by its gradient and products: flips at 1 and √5 − 1."""
    from types import SimpleNamespace

    well = SimpleNamespace(dim=1, value=lambda w: float((w[0] ** 2 - 1) ** 2) / 4, gradient=lambda w: w**3 - w,
                           hvp=lambda w, v: (3 * w**2 - 1) * v)  # fmt: skip
    found = cf.analysis.bands(cf.as_map(well, cf.optimizers.gd(lr=1.0)), [1.1], "lr", (0.8, 1.25), count=8)
    assert [name for *_, name in found.bands] == ["fixed point", "period 2", "period 4"]
    assert [hi for _, hi, _ in found.bands[:2]] == pytest.approx([1.0, math.sqrt(5) - 1], abs=1e-7)
    assert found.tails.shape == (len(found.values), 64) and np.ptp(found.tails[0]) < 1e-9 < 0.1 < np.ptp(found.tails[-1])
    with pytest.raises(cf.CfdynError, match="unknown parameter"):
        cf.analysis.bands(cf.as_map(well, cf.optimizers.gd(lr=1.0)), [1.1], "rate", (0.8, 1.25))


@needs_compiler
def test_no_band_of_chaos_reaches_into_the_doublings_before_it():
    step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.0})
    found = cf.analysis.bands(step, [0.3], "r", (3.4, 3.7), count=40)
    chaos = min(lo for lo, _, name in found.bands if name == "chaotic")
    accumulation = 3.569945671870945  # OEIS A098587
    assert chaos > accumulation
    names = [name for lo, _, name in found.bands if lo < chaos]
    assert names[-1] == "unresolved" and names[-2].startswith("period")
    assert all(a[1] == b[0] for a, b in zip(found.bands, found.bands[1:]))


@pytest.mark.parametrize(
    ("loss", "start", "optimizer"), [("double_well", [0.8], "lion"), ("scalar_factorization", [0.7, 0.3], "scalar_rmsprop")]
)
@needs_compiler
@pytest.mark.slow
def test_no_cycle_gives_its_name_to_what_lies_beside_it(loss, start, optimizer):
    """Long cycles of a step that jumps, another at each rate, and orbits that round-off holds, of which quick samples say nothing."""
    step = cf.as_map(getattr(cf.losses, loss)(), getattr(cf.optimizers, optimizer)(lr=1.0))
    found = cf.analysis.bands(step, start, "lr", (0.2, 0.8), count=40)
    wide = [b for b in found.bands if b[1] - b[0] > found.resolution and b[2].startswith("period")]
    assert wide and found.resolution < 0.02
    for lo, hi, name in wide:
        for part in (0.25, 0.5, 0.75):
            assert f"period {cf.analysis.classify(step.at(lr=lo + part * (hi - lo)), start).period}" == name


@needs_compiler
def test_the_last_band_reaches_to_the_end_of_the_range():
    """Where the sample at the end has fallen below the range of floats, so that a quick look says nothing of it."""
    step = cf.as_map(cf.losses.poisson_regression(), cf.optimizers.gd(lr=1.0))
    found = cf.analysis.bands(step, [0.2], "lr", (0.2, 1.6), count=40)
    assert found.bands == [(0.2, 1.6, "fixed point")]
    assert np.diff([0.2, *found.values, 1.6]).max() == found.resolution


def test_a_single_sample_between_two_flips_leaves_no_empty_band():
    from cfdyn.analysis.attractors.bands import _with_gaps

    edges, between = [0.0, 1.0, 2.0, 3.0], {0: (1.0, 1.5), 1: (1.5, 2.0)}
    assert _with_gaps(edges, [1, -1, 1], between) == [(0, 1, "fixed point"), (1, 2, "unresolved"), (2, 3, "fixed point")]
    between[1] = (1.6, 2.0)
    assert _with_gaps(edges, [1, -1, 1], between)[1:4] == [(1, 1.5, "unresolved"), (1.5, 1.6, "chaotic"), (1.6, 2, "unresolved")]
