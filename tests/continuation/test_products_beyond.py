"""Branches by products: momentum, cycles, folds, a network, coefficients, maps of few entries, bad input."""

from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from tests.continuation.many_weights import Chain, Network, assert_flips, modes, springs


def test_momentum():
    """Flips of heavy ball at 2(1 + β)/λ; its multipliers are no longer those of a symmetric matrix."""
    n, beta = 35, 0.5
    step = cf.as_map(Chain("double", n), cf.optimizers.heavy_ball(lr=0.95, momentum=beta))
    start = np.concatenate([np.ones(n), np.zeros(n)])
    branch = cf.analysis.continue_cycle(step, start, "lr", (0.9, 1.19), coefficients=False)
    expected = 2 * (1 + beta) / (2 + modes(n))
    assert_flips(branch, expected[expected < 1.19])


def test_cycles_of_two_steps():
    """From the flip of all weights together to 2-cycles: those of one weight, with multipliers mode by mode."""
    n = 30
    step = cf.as_map(Chain("double", n), cf.optimizers.gd(lr=0.95))
    flip = cf.analysis.continue_cycle(step, np.ones(n), "lr", (0.9, 1.01)).bifurcations[-1]
    assert flip.parameter == pytest.approx(1.0, abs=1e-12)
    branch = flip.switch((0.9, 1.1))
    assert branch.period == 2 and branch.ends == ("flip at lr = 1", "lr = 1.1")
    row = len(branch) - 1
    x, y = branch.points[row, :, 0]
    lr = float(branch.parameter[row])
    assert abs(x - lr * (x**3 - x) - y) < 1e-12 and abs(y - lr * (y**3 - y) - x) < 1e-12 and abs(x - y) > 0.1
    found = [(1 - lr * (3 * x**2 - 1 + s)) * (1 - lr * (3 * y**2 - 1 + s)) for s in modes(n)]
    np.testing.assert_allclose(np.sort(branch.multipliers[row].real), np.sort(found), atol=1e-9)
    above = [int((np.array(mu).real > 1).sum()) for mu in (branch.multipliers[0], branch.multipliers[-1])]
    assert abs(above[0] - above[1]) == len(branch.bifurcations) > 8
    for special in branch.bifurcations:
        x, y = special.points[:, 0]
        lr = special.parameter
        values = [(1 - lr * (3 * x**2 - 1 + s)) * (1 - lr * (3 * y**2 - 1 + s)) for s in modes(n)]
        assert special.kind == "branch point" and np.abs(np.array(values) - 1).min() < 1e-9


@pytest.mark.parametrize("coupling", ["springs", "mean field"])
def test_a_fold(coupling):
    """Σ(w³/3 − aw) with couplings: w = ±√a, a fold at a = 0; with springs branch points at a = (mode/2)² behind it."""
    n = 70

    class Ramp:
        dim = n

        def __init__(self, a=0.04):
            self.params = {"a": a}

        def at(self, a):
            return Ramp(a)

        def value(self, w):
            return 0.0

        def pull(self, w):
            return 0.25 * springs(w) if coupling == "springs" else w - w.mean()

        def gradient(self, w):
            return w**2 - self.params["a"] + self.pull(w)

        def hvp(self, w, v):
            return 2 * w * v + self.pull(v)

    step = cf.as_map(Ramp(), cf.optimizers.gd(lr=0.1))
    watched = None if coupling == "springs" else 3
    branch = cf.analysis.continue_cycle(step, np.full(n, 0.2), "a", (-0.1, 0.05), multipliers=watched, coefficients=False)
    folds = [b for b in branch.bifurcations if b.kind == "fold"]
    assert [round(b.parameter, 12) for b in folds] == [0.0] and np.abs(folds[0].points).max() < 1e-6
    others = np.sort([b.parameter for b in branch.bifurcations if b.kind == "branch point"])
    expected = np.sort(modes(n)[1:] ** 2 / 4) if coupling == "springs" else np.zeros(0)
    np.testing.assert_allclose(others, expected[expected < 0.05], atol=1e-9)


@pytest.mark.parametrize("watched", [None, 6])
def test_a_network(watched):
    """At a minimum that stays the flips of descent are 2/λ of the Hessian; a step beyond lr = 0 is no error."""
    net = Network()
    w = np.random.default_rng(0).normal(size=net.dim)
    for _ in range(3000):
        w = w - 0.3 * net.gradient(w)
    for _ in range(40):
        hessian = np.array([net.hvp(w, e) for e in np.eye(net.dim)])
        values, vectors = np.linalg.eigh(hessian)
        w = w - vectors @ (vectors.T @ net.gradient(w) / np.maximum(np.abs(values), 1e-3))
    assert np.abs(net.gradient(w)).max() < 1e-13 and values[0] > 0
    edges = 2 / values[::-1][:3]
    step = cf.as_map(net, cf.optimizers.gd(lr=float(0.5 * edges[0])))
    bounds = (float(0.25 * edges[0]), float(1.2 * edges[2]))
    branch = cf.analysis.continue_cycle(step, w, "lr", bounds, multipliers=watched)
    assert_flips(branch, edges)
    flip = branch.bifurcations[0]
    cycle = flip.switch((bounds[0], 1.01 * float(edges[0])))
    assert flip.supercritical and cycle.stable.all() and cycle.parameter[-1] > edges[0]
    # Its half-amplitude is √(δ 2/c) with δ = lr/edge − 1, to first order.
    x, y = cycle.points[-1]
    share = cycle.parameter[-1] / edges[0] - 1
    assert np.linalg.norm(x - y) / 2 == pytest.approx(np.sqrt(2 * share / flip.coefficient), rel=0.05)


def test_coefficients_are_those_of_the_formula():
    """By differences of products on one side, by the homological equations of the compiled map on the other."""
    n = 5
    names = [f"w{i}" for i in range(n)]
    text = " + ".join(f"({w}**2 - 1)**2/4" for w in names) + " + " + " + ".join(
        f"({a} - {b})**2/8" for a, b in zip(names, names[1:], strict=False))  # fmt: skip
    exact = cf.analysis.continue_cycle(
        cf.as_map(cf.Loss(text, variables=names), cf.optimizers.gd(lr=0.5)), np.ones(n), "lr", (0.3, 1.1)
    )
    found = cf.analysis.continue_cycle(cf.as_map(Chain("double", n), cf.optimizers.gd(lr=0.5)), np.ones(n), "lr", (0.3, 1.1))
    assert len(exact.bifurcations) == len(found.bifurcations) == n
    for one, other in zip(exact.bifurcations, found.bifurcations, strict=True):
        assert other.coefficient == pytest.approx(one.coefficient, rel=1e-4)
        assert (other.supercritical, other.meaning) == (one.supercritical, one.meaning)


def test_a_cubic_term_that_differences_do_not_tell():
    bowl = SimpleNamespace(dim=3, value=lambda w: 0.0, gradient=lambda w: np.array([1, 2, 3]) * w,
                           hvp=lambda w, v: np.array([1, 2, 3]) * v)  # fmt: skip
    branch = cf.analysis.continue_cycle(cf.as_map(bowl, cf.optimizers.gd(lr=0.5)), np.zeros(3), "lr", (0.1, 2.5))
    assert [b.supercritical for b in branch.bifurcations] == [None] * 3


def test_saved_and_loaded(tmp_path):
    branch = cf.analysis.continue_cycle(cf.as_map(Chain("quartic", 4), cf.optimizers.gd(lr=0.6)), np.zeros(4), "lr", (0.5, 2.1))
    again = cf.load(branch.save(tmp_path / "branch.npz"))
    assert len(again.bifurcations) == 4 and (again.multipliers == branch.multipliers).all()
    assert again.bifurcations[0].residual == branch.bifurcations[0].residual


GD = cf.optimizers.gd(lr=0.5)


@pytest.mark.parametrize(
    ("loss", "optimizer", "words"),
    [
        (SimpleNamespace(dim=2, gradient=None), GD, "has no value, hvp"),
        (3.0, GD, "a cf.Loss, or an object"),
        (Chain("quartic", 2), cf.optimizers.sam(lr=0.1, rho=0.1), "elsewhere than at the weights"),
        (Chain("quartic", 2), cf.optimizers.muon(lr=0.1), "uses matrices of weights"),
    ],
)
def test_what_makes_no_map(loss, optimizer, words):
    with pytest.raises(UsageError, match=words):
        cf.as_map(loss, optimizer)


@pytest.mark.parametrize(
    ("start", "options", "words"),
    [
        (np.zeros(3), {}, "a start has"),
        (np.zeros(4), {"period": 9}, "up to the period 8"),
        (np.zeros(4), {"parameter": "eta"}, "unknown parameter"),
        (np.zeros(4), {"bounds": (0.7, 0.9)}, "outside the bounds"),
        (np.zeros(4), {"multipliers": 0}, "multipliers"),
        (np.full(4, np.nan), {}, "finite"),
    ],
)
def test_what_is_no_start(start, options, words):
    step = cf.as_map(Chain("quartic", 4), cf.optimizers.gd(lr=0.6))
    with pytest.raises(UsageError, match=words):
        cf.analysis.continue_cycle(step, start, **{"parameter": "lr", "bounds": (0.5, 2.0), **options})


def test_a_cycle_that_is_none():
    step = cf.as_map(Chain("quartic", 4), cf.optimizers.gd(lr=0.6))
    with pytest.raises(NumericsError, match="leads to a fixed point"):
        cf.analysis.continue_cycle(step, np.full(4, 0.1), "lr", (0.5, 2.0), period=2)
    wrong = SimpleNamespace(dim=4, value=lambda w: 0.0, gradient=lambda w: np.zeros(3), hvp=lambda w, v: v)
    with pytest.raises(UsageError, match="the gradient of this loss has the shape"):
        cf.analysis.continue_cycle(cf.as_map(wrong, GD), np.zeros(4), "lr", (0.1, 2.0))


@pytest.mark.parametrize(
    ("formulas", "params", "start", "bounds", "expected"),
    [
        (["1 - a*x**2 + y", "3*x/10"], {"a": 0.2}, [1.1, 0.33], (-0.5, 1.0), [("fold", -0.1225), ("flip", 0.3675)]),
        (["a*x*(1-y)", "x"], {"a": 1.8}, [4 / 9, 4 / 9], (1.2, 2.4), [("neimark-sacker", 2.0)]),
        (["a*x - x**3", "y/2"], {"a": 0.5}, [0.0, 0.0], (-1.5, 1.5), [("flip", -1.0), ("branch point", 1.0)]),
    ],
)
def test_any_map_by_products(formulas, params, start, bounds, expected):
    step = cf.Map.from_text(formulas, "x y", params)
    branch = cf.analysis.continue_cycle(step, start, "a", bounds, multipliers=1)
    found = [(b.kind, b.parameter) for b in branch.bifurcations if b.parameter < 0.9 or b.kind != "flip"]
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    np.testing.assert_allclose([value for _, value in found], [value for _, value in expected], atol=1e-9)
