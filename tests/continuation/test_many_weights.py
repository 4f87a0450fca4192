"""Branches in many weights: steps follow the branch, and all flips in one step are found.

Descent on a chain, Σ U(wᵢ) + Σ (wᵢ − wᵢ₊₁)²/8, at a constant state: the Hessian is that of U plus the chain's, with the
eigenvalues (1 − cos πk/n)/2, so that the flips are known in closed form.
"""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle

WELLS = {"w**2/2 + w**4/4": (0.0, 1.0, (0.5, 2.1)), "(w**2 - 1)**2/4": (1.0, 2.0, (0.3, 1.1))}


def chain(well: str, n: int, coupling: str = "1/8", **params: float) -> cf.Loss:
    names = [f"w{i}" for i in range(1, n + 1)]
    wells = [well.replace("w", name) for name in names]
    springs = [f"({a} - {b})**2" for a, b in zip(names, names[1:], strict=False)]
    return cf.Loss(f"{' + '.join(wells)} + {coupling}*({' + '.join(springs)})", variables=" ".join(names), params=params)


@pytest.mark.parametrize("well", WELLS)
@pytest.mark.parametrize("n", [2, 9, 20, 50, pytest.param(100, marks=pytest.mark.slow)])
def test_all_flips_of_a_constant_branch(well, n):
    place, curvature, bounds = WELLS[well]
    step = cf.as_map(chain(well, n), cf.optimizers.gd(lr=bounds[0] + 0.1))
    branch = continue_cycle(step, np.full(n, place), "lr", bounds, coefficients=False)
    flips = 2 / (curvature + (1 - np.cos(np.pi * np.arange(n) / n)) / 2)
    expected = np.sort(flips[(flips > bounds[0]) & (flips < bounds[1])])
    assert [b.kind for b in branch.bifurcations] == ["flip"] * len(expected)
    np.testing.assert_allclose([b.parameter for b in branch.bifurcations], expected, atol=1e-12)
    assert len(branch) <= 40


@pytest.mark.parametrize("n", [6, 16])
def test_many_flips_at_one_value_are_one_point(n):
    """Without springs all weights flip at lr = 2/U″."""
    step = cf.as_map(chain("w**2/2 + w**4/4", n, "c", c=0.0), cf.optimizers.gd(lr=1.0))
    (flip,) = continue_cycle(step, np.zeros(n), "lr", (0.5, 2.5), coefficients=False).bifurcations
    assert (flip.kind, flip.parameter) == ("flip", pytest.approx(2.0, abs=1e-12))


@pytest.mark.slow
def test_a_kink_that_changes_with_the_coupling():
    """Half of the weights near −1, half near +1: against Newton's method and all eigenvalues, written here."""
    n, lr = 14, 0.85
    step = cf.as_map(chain("(w**2 - 1)**2/4", n, "c/2", c=0.05), cf.optimizers.gd(lr=lr))
    kink = np.repeat([-1.0, 1.0], n // 2)
    springs = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    springs[0, 0] = springs[-1, -1] = 1.0

    def solved(c):
        w = kink.copy()
        for part in np.linspace(0, c, 12)[1:]:
            for _ in range(20):
                w -= np.linalg.solve(np.diag(3 * w**2 - 1) + part * springs, w**3 - w + part * springs @ w)
        return w, np.linalg.eigvalsh(np.diag(3 * w**2 - 1) + c * springs)

    branch = continue_cycle(step, solved(0.05)[0], "c", (0.0, 0.3), coefficients=False)
    compared = 0
    for row in range(0, len(branch), 3):
        w, curvatures = solved(branch.parameter[row])
        here = np.abs(branch.points[row, 0] - w).max() < 1e-6
        compared += here
        away = np.abs(np.sort(branch.multipliers[row].real) - np.sort(1 - lr * curvatures)).max()
        assert away < 1e-9 or not here
    assert compared > len(branch) // 6
    grid = np.linspace(0.0, 0.3, 301)
    above = np.array([(solved(c)[1] > 2 / lr).sum() for c in grid])
    assert [b.kind for b in branch.bifurcations] == ["flip"] * int(np.abs(np.diff(above)).sum())
    for flip in branch.bifurcations:
        assert np.abs(solved(flip.parameter)[1] - 2 / lr).min() < 1e-9
