"""What curves in two parameters are made of for all rows at once, against dense matrices, normal forms, and counts of work."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.continuation.curve.point import Condensed
from cfdyn.continuation.tracer import Tracer
from cfdyn.cycles.shooting import cyclic_system, eigenvalues
from cfdyn.normal_forms._kernels.rings import along_critical, along_cycles, backwards
from cfdyn.normal_forms.homological import BorderedSystem

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.2, "b": 0.3})
BOX = ((0.1, 3.0), (-0.9, 0.9))


@pytest.fixture(scope="module")
def flips():
    """Of the cycles of period 1 to 64."""
    found = cf.analysis.cascade(HENON, [1.089454, 0.326836], "a", (0.1, 2.0), 7)
    return [(HENON.at(a=value), points) for value, points in zip(found.flips, found.points, strict=True)]


@pytest.mark.parametrize("nu", [1.0, -1.0, np.exp(0.7j)])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 3), (2, 2), (5, 2)])
def test_equations_along_cycles_are_those_of_the_whole_matrix(n, d, nu):
    random = np.random.default_rng(n + d)
    matrices, right = random.normal(size=(3, n, d, d)), random.normal(size=(3, n, d)).astype(type(nu))
    found = along_cycles(matrices, np.full(3, nu), right)
    for k in range(3):
        assert cyclic_system(matrices[k], nu) @ found[k].ravel() == pytest.approx(right[k].ravel(), abs=1e-12)


@pytest.mark.parametrize("nu", [1.0, -1.0, np.exp(0.7j)])
@pytest.mark.parametrize("n", [1, 3])
def test_null_vectors_along_cycles(n, nu):
    """Of matrices whose product has the multiplier ν; the adjoint equations have the same."""
    random, d = np.random.default_rng(n), 3
    turn = np.diag([0.4, nu.real, nu.real]) if np.isreal(nu) else np.array(
        [[0.4, 0, 0], [0, nu.real, -nu.imag], [0, nu.imag, nu.real]])  # fmt: skip
    turn[1, 1] += 0.5 * np.isreal(nu)
    basis, matrices = random.normal(size=(d, d)), random.normal(size=(1, n, d, d))
    before = np.linalg.multi_dot([*matrices[0, :-1][::-1], np.eye(d), np.eye(d)])
    matrices[0, -1] = basis @ turn @ np.linalg.inv(basis) @ np.linalg.inv(before)
    column, row = (random.normal(size=(1, n, d)).astype(type(nu)) for _ in range(2))
    row[:, 1:] = 0.0
    nothing, nus = np.zeros((1, n, d)), np.full(1, nu)
    q = along_critical(matrices, nus, nothing, column, row)[1]
    p = along_critical(backwards(matrices), nus, nothing, column, row)[1][:, ::-1]
    whole = cyclic_system(matrices[0], nu)
    assert (row * q).sum() == pytest.approx(1.0) and (row * p[:, ::-1]).sum() == pytest.approx(1.0)
    assert np.abs(whole @ q.ravel()).max() <= 1e-11 * np.abs(q).max()
    assert np.abs(p.ravel() @ whole).max() <= 1e-11 * np.abs(p).max()
    right = (whole @ random.normal(size=n * d)).reshape(1, n, d)
    h = along_critical(matrices, nus, right, column, row)[0]
    assert whole @ h.ravel() == pytest.approx(right.ravel(), abs=1e-10) and abs((row * h).sum()) < 1e-10


def test_null_vectors_of_a_cycle_are_those_of_the_dense_matrix(flips):
    step, points = flips[3]
    matrices = np.array([step.jacobian(x) for x in points])
    system, dense = BorderedSystem(matrices, -1.0, 1), np.linalg.svd(cyclic_system(matrices, -1.0))
    right, left = dense[2][-1], dense[0][:, -1]
    assert system.split and abs(system.right.ravel() @ right) == pytest.approx(np.linalg.norm(system.right), rel=1e-12)
    assert abs(system.left.ravel() @ left) == pytest.approx(np.linalg.norm(system.left), rel=1e-12)
    rest = np.random.default_rng(0).normal(size=points.shape)
    rest -= (rest.ravel() @ left) * left.reshape(points.shape)
    assert system.matrix @ system.solve(rest).ravel() == pytest.approx(rest.ravel(), abs=1e-11)


def test_multipliers_of_the_plane():
    """Of pencils C + μE in closed form: real, complex, double, and infinite ones where det E is round-off."""
    random = np.random.default_rng(0)
    own, following = random.normal(size=(2, 200, 2, 2))
    exact = np.array([np.sort_complex(np.linalg.eigvals(-np.linalg.solve(e, c))) for c, e in zip(own, following, strict=True)])
    assert np.sort_complex(eigenvalues(own, following)) == pytest.approx(exact, rel=1e-9)
    assert eigenvalues(np.array([[[3.0, 0.0], [0.0, 3.0]]]), -np.eye(2)[None]).tolist() == [[3.0, 3.0]]
    singular = np.array([[[1.0, 1 / 3], [3.0, 1.0]]])
    large, small = eigenvalues(np.array([[[1.0, 2.0], [0.0, 1.0]]]), singular)[0]
    assert large == np.inf and np.linalg.det(np.array([[1.0, 2.0], [0.0, 1.0]]) + small * singular[0]) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("d", [1, 2, 4])
def test_slopes_of_the_characteristic_polynomial(d):
    """d/dμ det(C + μE) at ±1 beside what its values at many μ say; also where it vanishes."""
    matrices = np.random.default_rng(d).normal(size=(4, 3, d, d))
    spectrum = Condensed(matrices)
    nodes = np.cos(np.pi * (np.arange(d + 1) + 0.5) / (d + 1))
    for k in range(4):
        values = [np.linalg.det(spectrum.own[k] + t * spectrum.following[k]) for t in nodes]
        slope = np.polyval(np.polyder(np.polyfit(nodes, values, d)), [1.0, -1.0]) * spectrum.sign[k]
        assert [spectrum.slope(1.0)[k], spectrum.slope(-1.0)[k]] == pytest.approx(slope.tolist(), abs=1e-10)


def test_coefficients_of_all_rows_are_those_of_normal_forms(flips):
    step, points = flips[2]
    circle = cf.Map.from_text(["r*x*(1-y) + e", "x"], "x y", {"r": 2.0, "e": 0.0})
    fold = cf.Map.from_text("r*x*(1-x) + e", "x", {"r": 1 + 8**0.5, "e": 0.0})
    three = cf.analysis.cycles(fold.at(r=3.835), 3, [(0, 1)])[0].points
    for begun, kind, names, box in (
        ((step, points), "flip", ("a", "b"), BOX),
        ((circle, [[0.5, 0.5]]), "neimark-sacker", ("r", "e"), ((1.2, 2.8), (-0.2, 0.2))),
        ((fold, three), "fold", ("r", "e"), ((3.5, 4.0), (-0.1, 0.1))),
    ):
        found = cf.analysis.bifurcation_curve(begun[0], (kind, begun[1]), names, box, max_steps=12)
        assert found.kind == kind and len(found) > 12
        for k in range(0, len(found), 5):
            form = cf.analysis.normal_form(found.map_at(k), found.points[k], names[0])
            assert abs(found.coefficient[k]) == pytest.approx(abs(form.coefficient), rel=1e-7)


def test_rows_of_a_curve_cost_no_calls_in_python(flips):
    """Tests and coefficients are made for all rows at once: more rows are more rows of arrays."""
    step, points = flips[1]

    def calls(steps):
        count = 0

        def counted(frame, event, argument):
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(counted)
        found = cf.analysis.bifurcation_curve(step, ("flip", points), ("a", "b"), BOX, max_steps=steps, max_step=1e-4)
        sys.setprofile(None)
        assert len(found) == 2 * steps + 1
        return count

    calls(10)
    assert calls(300) - calls(150) <= 5 * 300


def test_switching_takes_as_many_solutions_at_every_period(flips, monkeypatch):
    count, solved = [0], Tracer._solved

    def counted(self, *arguments):
        count[0] += 1
        return solved(self, *arguments)

    monkeypatch.setattr(Tracer, "_solved", counted)
    counts = []
    for step, points in flips:
        value, away = step.params["a"], 0.1 * 4.67 ** -np.log2(len(points))
        near = cf.analysis.continue_cycle(step, points, "a", (value - away, value + away), coefficients=False)
        flip = next(s for s in near.bifurcations if s.kind == "flip")
        count[0] = 0
        doubled = flip.switch((0.1, 3.0), max_steps=1)
        counts.append((doubled.period // len(points), count[0]))
    assert len(counts) == 7 and all(doubling == 2 and solutions <= 12 for doubling, solutions in counts)
