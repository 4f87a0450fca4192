"""Branches of many weights by products with the Jacobian alone, also of losses that are no formulas.

Closed forms: at a constant state of a chain the Hessian is that of the well plus the springs', (1 − cos πk/n)/2 of them.
"""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import eigvalsh_tridiagonal, solve_banded

import cfdyn as cf
from tests.continuation.many_weights import WELLS, Chain, assert_flips, modes, springs


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
def test_a_formula_of_a_thousand_weights(well, tmp_path):
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
    kept = {**os.environ, "CFDYN_CACHE_DIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", program], check=False, env=kept).returncode == 0


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
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


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


@pytest.mark.parametrize(
    ("watched", "words"),
    [(10, "the 10 smallest and the 4 largest multipliers were looked at; others may cross unseen"), (None, "")],
)
def test_no_entry_of_the_hessian_is_zero(watched, words):
    """Eight curvatures stand out of a crowd; two of the flips are one, with two eigenvectors."""
    n, sharp = 300, np.array([3.0, 2.9, 2.8, 2.7, 2.6, 2.6, 2.5, 2.4])
    curvatures = np.concatenate([sharp, np.random.default_rng(0).uniform(0.3, 1.4, n - 8)])
    step = cf.as_map(turned(n, curvatures), cf.optimizers.gd(lr=0.5))
    branch = cf.analysis.continue_cycle(step, np.zeros(n), "lr", (0.4, 0.9), multipliers=watched, coefficients=False)
    assert_flips(branch, 2 / sharp, 1e-11)
    assert branch.watched == words and (branch.stable == (branch.parameter < 2 / 3)).all()


@pytest.mark.slow
def test_a_full_matrix_of_a_thousand_weights():
    curvatures = np.linspace(1, 2, 1000)
    step = cf.as_map(turned(1000, curvatures), cf.optimizers.gd(lr=0.6))
    begun = time.process_time()
    branch = cf.analysis.continue_cycle(step, np.zeros(1000), "lr", (0.5, 2.1), coefficients=False)
    assert_flips(branch, 2 / curvatures)
    assert time.process_time() - begun < 60


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
        for _ in range(8):
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
    for flip in branch.bifurcations[:: 1 + n // 200]:
        w, curvatures = solved(flip.parameter, flip.points[0])
        assert np.abs(curvatures - 2 / lr).min() < 1e-9 and np.abs(w - flip.points[0]).max() < 1e-9
