"""What is known of the losses in the catalogue: cycles, multipliers, final sharpness, minima, spectra."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cycles.shooting import multipliers, polish, residual
from tests.oracles import MP


def gd(name: str, lr: float, **options) -> cf.Map:
    return cf.as_map(getattr(cf.losses, name)(**options), cf.optimizers.gd(lr=lr))


def test_the_one_sided_quadratic_has_the_critical_3_cycle():
    step = gd("one_sided_quadratic", 1.0)
    assert cf.iterate(step, [0.0], 3).z[:, 0].tolist() == [0, 1, -1, 0]
    assert [step.jacobian([w]).item() for w in (-0.5, 0.5)] == [1, -2]


@pytest.mark.parametrize("n", [1, 3])
def test_the_boundary_of_uv_factorization_obeys_a_cubic(n):
    """C7: where ηS = 4 + η²ye, the residual x = ηe becomes x³ − 3x and the state stays on the boundary."""
    u, v = np.random.default_rng(n).uniform(-1, 1, (2, n))
    y, S = 0.7, u @ u + v @ v
    e = u @ v - y
    lr = 8 / (S + np.sqrt(S * S - 16 * y * e))
    step, z = gd("uv_factorization", lr, n=n, y=y), np.concatenate([u, v])
    for _ in range(3):
        x, z = lr * (z[:n] @ z[n:] - y), step(z)
        assert lr * (z[:n] @ z[n:] - y) == pytest.approx(x**3 - 3 * x, abs=1e-13)
        assert lr * (z @ z) == pytest.approx(4 + lr * y * (x**3 - 3 * x), abs=1e-12)


def test_the_3_cycle_of_33_points_below_the_edge():
    """P1; the multiplier a second time from the formula, with 30 digits."""
    lr, published = 0.15486309001950452, [3.059462301755785, 0.9585807636931881, 0.009145832036495854]
    step = gd("meng_logistic", lr)
    points = polish(step, np.array(published)[:, None].round(4))
    assert points[:, 0] == pytest.approx(published, abs=1e-13)
    assert multipliers(step, points) == pytest.approx([-0.479053575443], abs=1e-12)

    def curvature(w):
        p, q = (1 / (1 + MP.exp(-MP.mpf(x) * w)) for x in (1, 47.84364162396009))
        return 32 * p * (1 - p) + MP.mpf(47.84364162396009) ** 2 * q * (1 - q)

    assert float(MP.fprod(1 - lr * curvature(w) for w in published)) == pytest.approx(-0.479053575443, abs=1e-11)
    (minimum,) = cf.minima(cf.losses.meng_logistic())
    assert lr * minimum.sharpness == pytest.approx(1.79499767450107, abs=1e-13)


@pytest.mark.parametrize("h2", [-0.125, -0.3])
def test_the_triangle_is_a_stable_3_cycle(h2):
    """N6: exp(i(π/6 + 2πj/3))."""
    step, angles = gd("triangle", 1.0, h2=h2), np.pi / 6 + 2 * np.pi * np.arange(3) / 3
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    assert residual(step, points) < 1e-15
    assert np.abs(multipliers(step, points)).max() < 1
    if h2 == -0.125:
        assert multipliers(step, points) == pytest.approx([1 / 64, 0], abs=1e-14)


@pytest.mark.parametrize(("lr", "a", "steps"), [(0.1, 3.6, 3000), (0.05, 5.0, 20000)])
def test_the_final_sharpness_of_depth_4(lr, a, steps):
    """P3: within (2/η − 20η/3, 2/η), and 2/η − η/2 as η → 0."""
    end = cf.iterate(gd("deep_linear", lr), [a, 1.01 / a, a, 1.01 / a], steps)
    gap = (2 / lr - end.sharpness[-1]) / lr
    assert end.loss[-1] < 1e-12 and 0 < gap < 20 / 3
    assert gap == pytest.approx(0.5, abs=5 * lr**2)


@pytest.mark.parametrize(("lr", "steps"), [(0.1, 2000), (0.05, 10000)])
def test_the_final_sharpness_of_a_square_root(lr, steps):
    """P4: (2/η − y²)/η → 1."""
    y = cf.iterate(gd("sqrt_product", lr), [0.1, 1.15 * np.sqrt(2 / lr)], steps).w[-1, 1]
    assert (2 / lr - y * y) / lr == pytest.approx(1, abs=0.6 * lr**2)


@pytest.mark.parametrize("start", [(0.1, 4.5), (0.5, 4.5), (1, 6)])
def test_the_final_sharpness_of_log_cosh(start):
    """P5: 15.8115800862, and 2/η − η/|r″(0)| to second order, r″(0) = −2/3."""
    end = cf.iterate(gd("log_cosh_product", 2 / 16), start, 4000).sharpness[-1]
    assert end == pytest.approx(15.8115800862, abs=6e-11)
    assert end == pytest.approx(16 - 1.5 / 8, abs=0.1 / 64)


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
@pytest.mark.parametrize("sigma", [0.7, 2.0])
def test_the_sharpness_of_balanced_layers(depth, sigma):
    """P6: N σ^(2−2/N)."""
    balanced = [sigma ** (1 / depth)] * depth
    assert cf.losses.deep_linear(depth, sigma).sharpness(balanced) == pytest.approx(depth * sigma ** (2 - 2 / depth), rel=1e-13)


def test_published_minima():
    (minimum,) = cf.minima(cf.losses.rosenbrock())
    assert minimum.w == pytest.approx([1, 1]) and minimum.sharpness == pytest.approx(501 + np.sqrt(250601))
    found = sorted(m.w.round(6).tolist() for m in cf.minima(cf.losses.himmelblau()))
    assert found == [[-3.77931, -3.283186], [-2.805118, 3.131313], [3, 2], [3.584428, -1.848127]]
    # What is left is half the square of the lost singular value.
    left = [cf.minima(cf.losses.matrix_factorization(r=r))[0].loss for r in (1, 2)]
    assert left == pytest.approx([0.5, 0.0], abs=1e-12)


@pytest.mark.parametrize("spectrum", ["3", "1:10:100", [0.5, -2, 1 / 3, 0], (4, 4)])
def test_the_spectrum_is_what_was_asked_for_and_the_axes_are_turned(spectrum):
    matrix = (loss := cf.losses.quadratic(spectrum)).hessian(np.ones(loss.dim))
    wanted = [float(v) for v in (spectrum.split(":") if isinstance(spectrum, str) else spectrum)]
    assert np.linalg.eigvalsh(matrix) == pytest.approx(sorted(wanted), rel=1e-13, abs=1e-13)
    assert loss.dim == 1 or len(set(wanted)) == 1 or np.abs(matrix[0, 1:]).min() > 1e-3


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: cf.losses.quadratic("1:x"), "1:10:100"),
        (lambda: cf.losses.quadratic([1, float("nan")]), "finite"),
        (lambda: cf.losses.quadratic([]), "1 to"),
        (lambda: cf.losses.quadratic("0:0"), "other than 0"),
        (lambda: cf.losses.deep_linear(depth=0), "from 1"),
        (lambda: cf.losses.deep_linear(depth=2.5), "whole number"),
        (lambda: cf.losses.rosenbrock(n=1), "from 2"),
        (lambda: cf.losses.cyclic_pair("sqare"), "did you mean 'square'"),
        (lambda: cf.losses.linear_network(inputs=8), "from 1 to 7"),
        (lambda: cf.losses.tanh_network(hidden=0), "hidden"),
        (lambda: cf.losses.phase_retrieval(rows=2), "rows"),
        (lambda: cf.losses.mlp(widths="4-x"), "width"),
        (lambda: cf.losses.mlp(activation="tan"), "did you mean 'tanh'"),
        (lambda: cf.losses.mlp(criterion="cross_entropy"), "whose last column is the class"),
        (lambda: cf.losses.mlp(data=[[1.0, 2.0]]), "too few"),
        (lambda: cf.losses.mlp(data="x.csv"), "`file`"),
        (lambda: cf.losses.softmax_regression(classes=2), "from 0 to 1, and a row has 2"),
        (lambda: cf.losses.softmax_regression(data=[[1.0, 0.5]]), "a row has 0.5"),
        (lambda: cf.losses.matrix_factorization(r=0), "r is"),
    ],
)
def test_options_out_of_range_are_refused(build, words):
    with pytest.raises(cf.CfdynError, match=words):
        build()


@pytest.mark.parametrize("name", ["matrix_factorization", "linear_network", "tanh_network", "mlp", "softmax_regression"])
def test_shapes_cover_the_weights(name):
    spec = getattr(cf.losses, name)().spec
    assert sum(rows * columns for rows, columns in spec.shapes) == len(spec.variables)


def test_matrices_stand_row_by_row():
    wide = cf.losses.linear_network(inputs=3, hidden=2, outputs=2).spec
    assert wide.shapes == ((2, 3), (2, 2)) and wide.variables[:4] == ("w11", "w12", "w13", "w21")
    many = cf.losses.linear_network(inputs=2, hidden=11).variables
    assert len(set(many)) == 33 and many[-1] == "v1_11" and many[21] == "w11_2"
