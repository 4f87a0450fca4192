"""Branches of many weights by products with the Jacobian alone, also of losses that are no formulas.

Closed forms: at a constant state of a chain the Hessian is that of the well plus the springs', (1 − cos πk/n)/2 of them.
"""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import eigvalsh_tridiagonal, solve_banded

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError

WELLS = {
    "quartic": (lambda w: w + w**3, lambda w: 1 + 3 * w**2, 0.0, 1.0, (0.5, 2.1)),
    "double": (lambda w: w**3 - w, lambda w: 3 * w**2 - 1, 1.0, 2.0, (0.3, 1.1)),
}


def springs(w):
    steps = np.diff(w)
    out = np.zeros_like(w)
    out[:-1] -= steps
    out[1:] += steps
    return out


class Chain:
    """Σ U(wᵢ) + (c/2) Σ (wᵢ − wᵢ₊₁)² with a parameter c; only the gradient and products."""

    def __init__(self, well, n, c=0.25):
        self.well, self.dim, self.params = well, n, {"c": c}
        self.slope, self.curvature = WELLS[well][:2]

    def at(self, c):
        return Chain(self.well, self.dim, c)

    def value(self, w):
        return float("nan")

    def gradient(self, w):
        return self.slope(w) + self.params["c"] * springs(w)

    def hvp(self, w, v):
        return self.curvature(w) * v + self.params["c"] * springs(v)


def modes(n, c=0.25):
    return 2 * c * (1 - np.cos(np.pi * np.arange(n) / n))


def assert_flips(branch, expected, atol=1e-9):
    assert [b.kind for b in branch.bifurcations] == ["flip"] * len(expected)
    np.testing.assert_allclose([b.parameter for b in branch.bifurcations], np.sort(expected), atol=atol, rtol=0)
    assert all(b.residual < 1e-9 for b in branch.bifurcations)


@pytest.mark.parametrize("well", WELLS)
@pytest.mark.parametrize("n", [3, 150, pytest.param(1000, marks=pytest.mark.slow)])
def test_all_flips_of_a_constant_branch(well, n):
    place, curvature, bounds = WELLS[well][2:]
    step = cf.as_map(Chain(well, n), cf.optimizers.gd(lr=bounds[0] + 0.1))
    branch = cf.analysis.continue_cycle(step, np.full(n, place), "lr", bounds, coefficients=False)
    assert_flips(branch, 2 / (curvature + modes(n)), 1e-12)
    assert branch.watched == "" and branch.multipliers.shape == (len(branch), n) and len(branch) <= 40


@pytest.mark.slow
@pytest.mark.parametrize("well", ["w**2/2 + w**4/4", "(w**2 - 1)**2/4"])
def test_a_formula_of_a_thousand_weights(well):
    program = f"""
import resource, sys, time
import numpy as np
import cfdyn as cf
n, well = 1000, {well!r}
names = [f"w{{i}}" for i in range(n)]
chain = " + ".join(f"({{a}}-{{b}})**2/8" for a, b in zip(names, names[1:]))
loss = cf.Loss(" + ".join(well.replace("w", w) for w in names) + " + " + chain, variables=names)
place, curvature, bounds = (0.0, 1, (0.5, 2.1)) if "/2" in well else (1.0, 2, (0.3, 1.1))
branch = cf.analysis.continue_cycle(cf.as_map(loss, cf.optimizers.gd(lr=bounds[0] + 0.1)), np.full(n, place), "lr", bounds)
exact = np.sort(2 / (curvature + (1 - np.cos(np.pi * np.arange(n) / n)) / 2))
found = np.array([b.parameter for b in branch.bifurcations])
assert len(found) == n and np.abs(found - exact).max() < 1e-9
assert time.process_time() < 60, time.process_time()
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2**20
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_the_first_flips_of_a_hundred_thousand_weights():
    """They lie within 2e-8 of each other; processor time and memory are those of a process of its own."""
    program = """
import resource, time
from types import SimpleNamespace
import numpy as np
import cfdyn as cf
n = 100_000
def springs(w):
    out, steps = np.zeros_like(w), np.diff(w) / 4
    out[:-1] -= steps
    out[1:] += steps
    return out
loss = SimpleNamespace(dim=n, value=lambda w: 0.0, gradient=lambda w: w + w**3 + springs(w),
                       hvp=lambda w, v: (1 + 3 * w**2) * v + springs(v))
step = cf.as_map(loss, cf.optimizers.gd(lr=0.95))
branch = cf.analysis.continue_cycle(step, np.zeros(n), "lr", (0.5, 1 + 1.3e-8), multipliers=12, coefficients=False)
found = np.array([b.parameter for b in branch.bifurcations])
exact = np.sort(2 / (1 + (1 - np.cos(np.pi * np.arange(n - 10, n) / n)) / 2))
assert len(found) == 10 and np.abs(found - exact).max() < 1e-13, found - 1
assert max(b.residual for b in branch.bifurcations) < 1e-12
assert "the 12 smallest" in branch.watched
assert time.process_time() < 60, time.process_time()
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2**20
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def turned(n, curvatures):
    """(1/2) Σ hᵢ yᵢ² + Σ yᵢ⁴/4 of y = Q w with a matrix Q of reflections: no entry of the Hessian is 0."""
    normals = np.random.default_rng(1).normal(size=(2, n))
    normals /= np.linalg.norm(normals, axis=1)[:, None]

    def forwards(v):
        for u in normals:
            v = v - 2 * u * (u @ v)
        return v

    def backwards(v):
        for u in normals[::-1]:
            v = v - 2 * u * (u @ v)
        return v

    return SimpleNamespace(
        dim=n, value=lambda w: 0.0, gradient=lambda w: backwards(curvatures * forwards(w) + forwards(w) ** 3),
        hvp=lambda w, v: backwards((curvatures + 3 * forwards(w) ** 2) * forwards(v)),
    )  # fmt: skip


def test_products_alone():
    """Eight curvatures stand out of a crowd; two of the flips are one, with two eigenvectors."""
    n, sharp = 300, np.array([3.0, 2.9, 2.8, 2.7, 2.6, 2.6, 2.5, 2.4])
    curvatures = np.concatenate([sharp, np.random.default_rng(0).uniform(0.3, 1.4, n - 8)])
    step = cf.as_map(turned(n, curvatures), cf.optimizers.gd(lr=0.5))
    branch = cf.analysis.continue_cycle(step, np.zeros(n), "lr", (0.4, 0.9), multipliers=10, coefficients=False)
    assert_flips(branch, 2 / sharp, 1e-11)
    assert branch.watched == "the 10 smallest and the 4 largest multipliers were looked at; others may cross unseen"
    assert (branch.stable == (branch.parameter < 2 / 3)).all()


def test_watched_multipliers_that_have_all_passed_are_said():
    n = 100
    step = cf.as_map(Chain("quartic", n), cf.optimizers.gd(lr=0.6))
    branch = cf.analysis.continue_cycle(step, np.zeros(n), "lr", (0.5, 1.9), multipliers=5, coefficients=False)
    assert_flips(branch, np.sort(2 / (1 + modes(n)))[:5])
    assert branch.watched.startswith("the 5 smallest") and branch.watched.endswith("to 1.9, where 5 have passed −1")


@pytest.mark.parametrize("n", [20, 100, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_kink_followed_in_the_coupling(n):
    """Half of the weights near −1, half near +1: against Newton's method and all eigenvalues, written here."""
    lr, middle = 0.4, np.full(n, 2.0)
    middle[[0, -1]] = 1.0

    def solved(c, w):
        for _ in range(12):
            band = np.zeros((3, n))
            band[0, 1:] = band[2, :-1] = -c
            band[1] = 3 * w**2 - 1 + c * middle
            w = w - solve_banded((1, 1), band, w**3 - w + c * springs(w))
        return w, eigvalsh_tridiagonal(3 * w**2 - 1 + c * middle, np.full(n - 1, -c))

    step = cf.as_map(Chain("double", n, 0.0), cf.optimizers.gd(lr=lr))
    branch = cf.analysis.continue_cycle(step, np.repeat([-1.0, 1.0], n // 2), "c", (0.0, 1.0), coefficients=False)
    assert branch.ends == ("c = 0", "c = 1") and np.abs(np.diff(branch.points[:, 0, n // 2])).max() > 0
    w, above = np.repeat([-1.0, 1.0], n // 2), []
    for row, c in enumerate(branch.parameter):
        w, curvatures = solved(c, w)
        np.testing.assert_allclose(branch.points[row, 0], w, atol=1e-11)
        np.testing.assert_allclose(np.sort(branch.multipliers[row]), np.sort(1 - lr * curvatures), atol=1e-11)
        above.append(int((curvatures > 2 / lr).sum()))
    assert len(branch.bifurcations) == above[-1] > n // 6
    for flip in branch.bifurcations:
        w, curvatures = solved(flip.parameter, flip.points[0])
        assert np.abs(curvatures - 2 / lr).min() < 1e-9 and np.abs(w - flip.points[0]).max() < 1e-9


def test_momentum():
    """Flips of heavy ball at 2(1 + β)/λ; its multipliers are no longer those of a symmetric matrix."""
    n, beta = 66, 0.5
    step = cf.as_map(Chain("double", n), cf.optimizers.heavy_ball(lr=0.95, momentum=beta))
    start = np.concatenate([np.ones(n), np.zeros(n)])
    branch = cf.analysis.continue_cycle(step, start, "lr", (0.9, 1.19), coefficients=False)
    expected = 2 * (1 + beta) / (2 + modes(n))
    assert_flips(branch, expected[expected < 1.19])


def test_cycles_of_two_steps():
    """From the flip of all weights together to 2-cycles: those of one weight, with multipliers mode by mode."""
    n = 64
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
    assert abs(above[0] - above[1]) == len(branch.bifurcations) > 10
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
        ("w**2", GD, "cf.Loss"),
        (Chain("quartic", 2), cf.optimizers.adam(lr=0.1), "does not treat each weight by itself"),
        (Chain("quartic", 2), cf.optimizers.normalized_gd(lr=0.1), "does not treat each weight by itself"),
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
