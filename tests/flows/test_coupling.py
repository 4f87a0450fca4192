"""Fixed points and 2-cycles of gradient descent are the critical points of a coupled loss."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import root

import cfdyn as cf

ETA = 1.3
PAIR = "(x**2 - 1)**2/4 + (y**2 - 1)**2/5 + x*y/5"


def coupled(text, names, eta):
    """L(a) + L(b) − ‖a − b‖²/(2η), as a formula of twice the variables."""
    sides = [text, text]
    for k, letter in enumerate("pq"):
        for name in names:
            sides[k] = sides[k].replace(name, f"{letter}_{name}")
    gap = " + ".join(f"(p_{n} - q_{n})**2" for n in names)
    variables = [f"{letter}_{n}" for letter in "pq" for n in names]
    return cf.Loss(f"{sides[0]} + {sides[1]} - ({gap})/(2*eta)", variables, {"eta": eta})


def distinct(points):
    found = []
    for point in points:
        if not any(np.abs(point - other).max() < 1e-6 for other in found):
            found.append(point)
    return np.array(sorted(found, key=lambda p: tuple(np.round(p, 6))))


def critical_points(loss, seeds):
    runs = (root(loss.gradient, seed, jac=loss.hessian, method="hybr", tol=1e-13) for seed in seeds)
    return distinct([run.x for run in runs if np.abs(loss.gradient(run.x)).max() < 1e-10])


@pytest.mark.parametrize(
    "text, eta, descent",
    [
        ("(w**2 - 1)**2/4", 1.2, [-1.2, 0, 2.2, 0]),
        ("1.25*w**2 - w**4/4", 1.0, [1, 0, -1.5, 0]),
    ],
)
def test_in_one_variable_against_the_roots_of_the_second_iterate(text, eta, descent):
    """F16: w − η∇L is the cubic ``descent``; the roots of its second iterate minus w are all there are."""
    cubic = np.poly1d(descent)
    roots = (cubic(cubic) - np.poly1d([1, 0])).roots
    starts = np.sort(roots[np.abs(roots.imag) < 1e-7].real)
    want = distinct(np.stack([starts, cubic(starts)], axis=1))
    seeds = np.random.default_rng(0).uniform(-2, 2, (300, 2))
    found = critical_points(coupled(text, ["w"], eta), seeds)
    assert len(want) == (9 if eta == 1.2 else 5)
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_in_two_variables_against_newtons_method_on_the_map():
    """F16: both searches, from starts of their own, end with the same points; fixed points are those with equal halves."""
    loss = cf.Loss(PAIR)
    step = cf.as_map(loss, cf.optimizers.gd(lr=ETA))
    rng = np.random.default_rng(1)

    def newton(w):
        for _ in range(60):
            other = w - ETA * loss.gradient(w)
            turn = (np.eye(2) - ETA * loss.hessian(other)) @ (np.eye(2) - ETA * loss.hessian(w)) - np.eye(2)
            move = np.linalg.solve(turn, other - ETA * loss.gradient(other) - w)
            w = w - move * min(1.0, 0.5 / max(np.abs(move).max(), 1e-300))
            if np.abs(move).max() < 1e-13:
                return w
        return None

    cycles = [w for w in map(newton, rng.uniform(-1.8, 1.8, (1200, 2))) if w is not None and np.abs(w).max() < 1.9]
    want = distinct([np.concatenate([w, step(w)]) for w in cycles])
    found = critical_points(coupled(PAIR, ["x", "y"], ETA), rng.uniform(-1.8, 1.8, (1500, 4)))
    found = found[np.abs(found).max(axis=1) < 1.9]
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-6)
    fixed = np.abs(found[:, :2] - found[:, 2:]).max(axis=1) < 1e-6
    assert fixed.sum() == 9 and (~fixed).sum() > 9
    for point in found:
        np.testing.assert_allclose(np.concatenate([step(point[:2]), step(point[2:])]), [*point[2:], *point[:2]], atol=1e-9)
