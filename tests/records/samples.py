"""One record of each class and of each case that is stored in a way of its own; files that are none."""

from __future__ import annotations

import dataclasses
import functools
from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import RecordError

GD = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))


def noisy(noise=1e-4):
    return cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), noise=noise)


def rotation():
    return cf.Map.from_text(["-y/2", "x/2"], "x y")


BOX = [(-1.5, 1.5), (-0.5, 0.5)]


def henon():
    return cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})


def large():
    """Of a loss that is no formula: (1 − xy)²/2 by its derivatives."""
    def hvp(w, v):
        (x, y), (a, b) = w, v
        return np.array([y * y * a + (2 * x * y - 1) * b, (2 * x * y - 1) * a + x * x * b])

    def bent(w, u, v):
        (x, y), (a, b), (c, d) = w, u, v
        return np.array([2 * y * (a * d + b * c) + 2 * x * b * d, 2 * y * a * c + 2 * x * (a * d + b * c)])

    loss = SimpleNamespace(dim=2, value=lambda w: (1 - w[0] * w[1]) ** 2 / 2, hvp=hvp, curvature_gradient=bent,
                           gradient=lambda w: (w[0] * w[1] - 1) * np.array([w[1], w[0]]))  # fmt: skip
    return cf.solve(cf.flows.central(loss, cf.optimizers.gd(lr=0.8)), [1.5, 0.3], 2.0)


@functools.cache
def many():
    """A study and one that failed."""
    from cfdyn.studies.collection import collected

    study = cf.study(cf.Loss("w**2/2"), cf.optimizers.heavy_ball(lr=0.3, momentum=0.5))
    return collected([study.to_bytes(), "there is no such loss"], [("", ""), ("nonsense(", "gd")], 0)


def periods():
    """Of two directions, one of them not followed throughout."""
    from cfdyn.training.periods import periods_of

    x = np.outer((-1.0) ** np.arange(200), [1.0, 0.3])
    x[:90, 1] = np.nan
    return periods_of(x, 4, 5, {"network": "mlp"}, None, 8, 0.01)


RECORDS = {
    "path of a loss that is no formula": large,
    "orbit": lambda: cf.iterate(GD, [0.5], 10),
    "studies": lambda: many(),
    "runs": lambda: cf.iterate_many(cf.losses.tanh_network(), cf.optimizers.gd(lr=0.1), [0.5] * 7, 20, 2, runs=5),
    "random Lyapunov exponents": lambda: cf.analysis.random_lyapunov(noisy(), [1.0], 40, 3),
    "noise-induced": lambda: cf.analysis.noise_induced(noisy(), [1.0], ("noise", [0.01, 1e9]), 40, 3),
    "invariant density": lambda: cf.analysis.invariant_density(noisy(), [1.0], bins=8, steps=40, runs=3),
    "blurred cycle": lambda: cf.analysis.blurred_cycle(noisy(), [1.1], ("noise", [1e-5, 1e9]), 32, 2),
    "escape times": lambda: cf.analysis.escape_times(noisy(0.05), [1.0], "w < 0", 40, 30),
    "no escape": lambda: cf.analysis.escape_times(noisy(), [1.0], "w < -9", 4, 3),
    "Arrhenius slope": lambda: cf.analysis.arrhenius([made("escape times")] * 2, [1.0, 2.0]),
    "comparison of runs": lambda: of_runs(),
    "model of runs": lambda: of_runs().models[0],
    "held sharpness": lambda: cf.held_sharpness(cf.losses.tanh_network(), cf.optimizers.gd(lr=0.1), [0.5] * 7, 20, [0.1], [2], 5, 4),
    "orbit with digits": lambda: cf.iterate(GD, [0.5], 4, digits=50),
    "regime": lambda: cf.analysis.classify(GD, [0.5]),
    "regime with complex multipliers": lambda: cf.analysis.classify(rotation(), [0.5, 0.2]),
    "regime with NaN": lambda: cf.analysis.classify(GD.at(lr=3.0), [2.0]),
    "rotation number": lambda: cf.analysis.rotation_number(cf.Map.from_text("x + 0.3", "x", periodic={"x": 1}), [0.1], 100),
    "topological entropy": lambda: cf.analysis.topological_entropy(GD, (-1.5, 1.5), steps=8),
    "zero-one test": lambda: cf.analysis.zero_one_test(cf.iterate(GD, [0.5], 250)),
    "Lyapunov spectrum": lambda: cf.analysis.lyapunov_spectrum(GD, [0.5], 100),
    "Lyapunov spectra over a parameter": lambda: cf.analysis.lyapunov_spectra(GD, [("lr", [0.5, 1.1, 9.0])], [0.5], n=160),
    "Lyapunov spectra over two": lambda: cf.analysis.lyapunov_spectra(GD, [("lr", [0.5, 1.1]), ("a", [1.0, 1.5])], [0.5], n=160),
    "chaos": lambda: cf.analysis.chaos(GD, [0.5], 1000, dimensions=False),
    "permutation entropy": lambda: cf.analysis.permutation_entropy(cf.iterate(GD, [0.5], 250), 3),
    "Singer's bound": lambda: cf.analysis.singer(GD, (-1.5, 1.5)),
    "border collision": lambda: cf.analysis.border_collision(cf.Map.from_text("Piecewise((x/2, x < 0), (-3*x, True)) + m", params={"m": 0.0}), [0.0], "m"),
    "covariant vectors": lambda: cf.analysis.covariant_vectors(henon(), [0.1, 0.1], 40, 20),
    "covering": lambda: cf.analysis.covering(cf.Map.from_text("4*x*(1-x)"), [0, 0.5, 1]),
    "intermittency": lambda: cf.analysis.intermittency(cf.Map.from_text("r*x*(1-x)", params={"r": 3.8}), [0.3], "r", [3.826, 3.827, 3.828], 1 + 8**0.5, 3, steps=20_000),
    "dimension": lambda: cf.analysis.fractal_dimension(np.linspace(0, 1, 1000)),
    "bands": lambda: cf.analysis.bands(GD, [0.5], "lr", (0.5, 1.1), count=8),
    "orbit diagram": lambda: cf.analysis.orbit_diagram(GD, ("lr", [0.5, 1.1]), [0.5], 20, 4, 16),
    "regimes": lambda: cf.analysis.regimes(GD, [("lr", [0.5, 1.1]), ("a", [1.0, 1.5])], [0.5], max_period=4, transient=300),
    "period diagram": lambda: cf.analysis.period_diagram(GD, [("lr", [0.5, 1.1]), ("a", [1.0, 1.5])], [0.5], max_period=4, transient=300),
    "settling times": lambda: cf.analysis.settling_times(GD, [("lr", [0.5, 1.1]), ("w", [0.5, 0.7])], [0.5], transient=300),
    "basins": lambda: cf.analysis.basins(GD.at(lr=0.5), [("w", (-2, 2, 6))]),
    "attractor": lambda: made("basins").attractors[0],
    "basin fractions": lambda: cf.analysis.basin_fractions(GD, ("lr", [0.5, 0.6]), [(-2, 2)], 10),
    "followed attractor": lambda: made("basin fractions").attractors[0],
    "basin entropy": lambda: cf.analysis.basin_entropy(cf.analysis.basins(GD.at(lr=1.1), [("w", (-1.5, 1.5, 400))])),
    "boundary dimension": lambda: cf.analysis.boundary_dimension(cf.analysis.basins(GD.at(lr=1.1), [("w", (-1.5, 1.5, 400))])),
    "cycle": lambda: cf.analysis.cycles(GD, 2, [(0.5, 1.5)])[0],
    "branch": lambda: doubling(),
    "cascade": lambda: cf.analysis.cascade(GD.at(lr=0.8), [1.0], "lr", (0.5, 1.5), levels=3),
    "branches": lambda: cf.analysis.branches(GD, None, "lr", (0.5, 1.2), starts=[(0.8, [1.0])], depth=1),
    "bifurcation": lambda: doubling().bifurcations[0],
    "branch with functions": lambda: with_functions(),
    "zero of a function": lambda: with_functions().zeros[0],
    "window": lambda: cf.analysis.windows(GD, 3, "lr", (1.4, 1.5), [(-2, 2)])[0],
    "cycles": lambda: cf.analysis.cycles(GD, 2, [(0.5, 1.5)]),
    "equilibria": lambda: cf.analysis.equilibria(cf.Flow.from_text("v; x - x**3 - v/10", "x v"), [(-2, 2), (-1, 1)]),
    "equilibrium": lambda: made("equilibria")[0],
    "path into the past": lambda: cf.solve(cf.Flow.from_text("cos(t) - x", "x"), [1.0], (2, -1), events={"level": "x = 2"}),
    "edge": lambda: cf.analysis.edge(GD, [1.0], scale=0.5),
    "normal form": lambda: cf.analysis.normal_form(GD.at(lr=1.0), [1.0]),
    "normal form of two flips": lambda: cf.analysis.normal_form(cf.as_map(cf.Loss("x**2 + y**2 - x**4 - y**4"), cf.optimizers.gd(lr=1.0)), [0.0, 0.0]),
    "bifurcation curve": lambda: flips_of_the_cubic_map(),
    "switched": lambda: cf.analysis.switch(flips_of_the_cubic_map(), 0),
    "chart": lambda: chart_of_folds(),
    "region": lambda: chart_of_folds().regions[0],
    "point of codimension two": lambda: flips_of_the_cubic_map().special[0],
    "manifolds": lambda: cf.analysis.manifolds(henon(), [0.63, 0.19], box=BOX, length=1, basins=3),
    "manifold": lambda: made("manifolds")[0],
    "homoclinic points": lambda: cf.analysis.homoclinic(henon(), [0.63, 0.19], box=BOX, length=1),
    "tangencies": lambda: cf.analysis.tangencies(henon(), [0.63, 0.19], "a", (1.152, 1.158), box=BOX, length=3, samples=2, crises=False),
    "tangency": lambda: made("tangencies")[0],
    "tangency curve": lambda: cf.analysis.tangency_curve(made("tangency"), ("a", "b"), ((1.153, 1.154), (0.2999, 0.3001))),
    "crises": lambda: cf.analysis.crises(GD, "lr", (1.55, 1.65), [(-2, 2)], periods=1, samples=2, grid=9),
    "crisis": lambda: made("crises")[0],
    "minimum": lambda: cf.minima(cf.losses.double_well())[0],
    "mean square": lambda: cf.mean_square(cf.losses.tanh_network(), [0.5] * 7, lr=0.3, batch=2),
    "mean square of very many weights": lambda: dataclasses.replace(made("mean square"), flat=None, negative=None, smallest_batch=None),
    "measure": lambda: made("mean square").measures[0],
    "oscillation": lambda: cf.analysis.oscillation(cf.iterate(GD.at(lr=1.1), [0.5], 60)),
    "periods of a run": lambda: periods(),
    "explanation": lambda: cf.analysis.explain({"loss": [*[1.0, 1.01] * 20, 1.5, 2.0, 1.0, 1.01, 1.0, 1.01], "lr": [0.1] * 46}),
    "no oscillation": lambda: cf.analysis.oscillation(np.zeros(40)),
    "kink": lambda: cf.minima(cf.Loss("Abs(x)"))[0],
    "trajectory": lambda: path(),
    "trajectory of one row": lambda: path(0.0),
    "trajectory that ends early": lambda: cf.solve(cf.flows.gradient(cf.Loss("-w**4"), cf.optimizers.gd(lr=0.1)), [1.0], 5),
    "event": lambda: path().events[0],
    "comparison": lambda: compared(),
    "model": lambda: compared().models[0],
    "hovering": lambda: cf.analysis.hovering(cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.adam(lr=0.1)), [1.2], 60)),
    "averages": lambda: cf.averages(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), start=[1.2], steps=40),
    "average": lambda: cf.averages(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), [], start=[1.2], steps=40).entries[0],
    "exact cycles": lambda: exact(),
    "exact family": lambda: exact().families[0],
    "exact formula": lambda: exact().formulas[0],
    "exact condition": lambda: exact().families[0].conditions[0],
    "exact root": lambda: exact().families[0].conditions[0].roots[0],
    "exact cycle": lambda: exact().at()[0],
    "exact curves": lambda: exact().curves("lr", 1.0, 1.5, 9),
    "exact edge": lambda: cf.symbolic.edge(cf.losses.cubic(), cf.optimizers.gd(lr=1.1)),
    "exact minimum": lambda: cf.symbolic.edge(cf.losses.cubic(), cf.optimizers.gd(lr=1.1)).minima[0],
    "complementarity": lambda: cf.complementarity([[-2.0, 0.5], [0.5, 1.0]], np.einsum("ik,jl->ijkl", np.eye(2), np.eye(2))),
}


@functools.cache
def exact():
    return cf.symbolic.cycles(cf.losses.cubic(), cf.optimizers.gd(lr=1.1), 2)


def doubling():
    return cf.analysis.continue_cycle(GD, [1.0], "lr", (0.5, 1.2))


def with_functions():
    flip = doubling().bifurcations[0]
    return flip.switch(functions={"top": "max(w) = 1.05"}, stop="sharpness = 2")


def flips_of_the_cubic_map():
    step = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.0, "c": -0.99})
    return cf.analysis.bifurcation_curve(step, ("flip", [[0.01]]), ("k", "c"), ((-3, 3), (-2, 4)))


@functools.cache
def chart_of_folds():
    step = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.136, "c": 1.5})
    return cf.analysis.chart(step, ("fold", [[-0.4]]), ("k", "c"), ((-1, 1), (0, 1.5)), sampled=1)


def of_runs():
    return cf.compare(cf.losses.tanh_network(), cf.optimizers.gd(lr=0.1), ["gradient"], [0.5] * 7, 20, batch=2, runs=5)


def compared():
    return cf.compare(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), ["gradient"], start=[1.2], steps=10)


def path(t=2.0):
    return cf.solve(cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8)), [1.5, 0.3], t)


@functools.cache
def made(kind):
    return RECORDS[kind]()


def archive(path, header, **arrays):
    with open(path, "wb") as file:
        np.savez_compressed(file, header=np.array(header), **arrays)
    return path


def refused(path, words="not a cfdyn record|another format|of another version|does not have"):
    with pytest.raises(RecordError, match=words):
        cf.load(path)
