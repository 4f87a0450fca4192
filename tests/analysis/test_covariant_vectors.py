"""Covariant vectors: eigenvectors where the map is linear, and what a step does with them elsewhere."""

import math

import numpy as np
import pytest

import cfdyn as cf

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
CAT = cf.Map.from_text(["x + y", "x + 2*y"], "x y", periodic={"x": 1, "y": 1})


def along(one, two):
    """The sines of the angles between vectors, row by row."""
    cosines = np.abs((one * two).sum(axis=-1)) / np.linalg.norm(one, axis=-1) / np.linalg.norm(two, axis=-1)
    return np.sqrt(np.clip(1 - cosines**2, 0, None))


def test_the_cat_map():
    found = cf.analysis.covariant_vectors(CAT, [0.2, 0.3], 500, 200)
    golden = (1 + math.sqrt(5)) / 2
    assert found.exponents == pytest.approx([2 * math.log(golden), -2 * math.log(golden)], abs=1e-12)
    assert along(found.vectors[:, 0], np.array([1.0, golden])).max() < 1e-7
    assert along(found.vectors[:, 1], np.array([golden, -1.0])).max() < 1e-7
    assert found.angles == pytest.approx(math.pi / 2)


def test_eigenvectors_that_are_not_at_right_angles():
    matrix = np.array([[1.5, 4.0, -1.0], [0.0, 0.8, 2.0], [0.0, 0.0, -0.3]])
    rules = [" + ".join(f"({float(a)!r})*{name}" for a, name in zip(row, "xyz", strict=True)) for row in matrix]
    found = cf.analysis.covariant_vectors(cf.Map.from_text(rules, "x y z"), [0.0, 0.0, 0.0], 40, 100)
    assert found.exponents == pytest.approx(np.log([1.5, 0.8, 0.3]))
    values, vectors = np.linalg.eig(matrix)
    for k, value in enumerate((1.5, 0.8, -0.3)):
        own = vectors[:, np.argmin(abs(values - value))]
        assert along(found.vectors[:, k], own).max() < 1e-7
    stable = np.linalg.qr(vectors[:, 1:])[0]
    first = vectors[:, 0] / np.linalg.norm(vectors[:, 0])
    assert found.angles == pytest.approx(math.acos(np.linalg.norm(stable.T @ first)), abs=1e-7)


def test_a_step_takes_them_to_one_another_with_henons_exponents():
    found = cf.analysis.covariant_vectors(HENON, [0.1, 0.1], 20_000)
    rows = slice(0, 2000)
    x = found.states[rows, 0]
    pushed = np.stack(
        [-2.8 * x[:, None] * found.vectors[rows, :, 0] + found.vectors[rows, :, 1], 0.3 * found.vectors[rows, :, 0]], 2
    )
    assert np.log(np.linalg.norm(pushed, axis=2)) == pytest.approx(found.rates[rows], abs=1e-9)
    assert along(pushed[:-1], found.vectors[rows][1:]).max() < 1e-6
    assert found.exponents[0] == pytest.approx(0.41922, abs=5 * found.errors[0]) and found.errors[0] < 5e-3
    assert found.exponents.sum() == pytest.approx(math.log(0.3), abs=1e-3)
    assert found.angles.min() < 0.02  # the manifolds nearly touch: the attractor is not hyperbolic


def test_they_are_drawn(tmp_path):
    cf.plot(cf.analysis.covariant_vectors(HENON, [0.1, 0.1], 200), tmp_path / "v.png")
    assert (tmp_path / "v.png").stat().st_size > 5000
    with pytest.raises(cf.CfdynError, match="no direction"):
        cf.plot(cf.analysis.covariant_vectors(cf.Map.from_text("4*x*(1-x)"), [0.3], 100), tmp_path / "w.png")


def test_one_variable_has_no_angle():
    found = cf.analysis.covariant_vectors(cf.Map.from_text("4*x*(1-x)"), [0.3], 1000)
    assert np.abs(found.vectors).tolist() == np.ones((1000, 1, 1)).tolist() and np.isnan(found.angles).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cf.analysis.covariant_vectors(HENON, [5.0, 5.0], 100), "diverged"),
        (lambda: cf.analysis.covariant_vectors(HENON, [0.1, 0.1], 5), "20 states"),
        (lambda: cf.analysis.covariant_vectors(HENON, [0.1, 0.1], 10**9), "GiB"),
        (lambda: cf.analysis.covariant_vectors(HENON.at(b=0.0), [0.1, 0.1], 100), "direction to 0"),
        (lambda: cf.analysis.covariant_vectors(HENON, [0.1, 0.1], 100, -1), "transient"),
    ],
)
def test_senseless_calls_are_refused(call, words):
    with pytest.raises(cf.CfdynError, match=words):
        call()


def test_what_sets_equal_copies_apart_is_seen():
    """y and z are two copies: eigenvalues 0.5 of x, 0.25 of y + z, 0.75 of y − z."""
    copies = cf.Map.from_text("x/2; y/2 - z/4; -y/4 + z/2", "x y z")
    found = cf.analysis.covariant_vectors(copies, [0.0, 0.0, 0.0], 50, 200)
    assert found.exponents == pytest.approx(np.log([0.75, 0.5, 0.25]), abs=1e-12)
    for k, vector in enumerate([[0, 1, -1], [1, 0, 0], [0, 1, 1]]):
        assert along(found.vectors[:, k], np.array(vector, float)).max() < 1e-7
