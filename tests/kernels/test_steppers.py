"""One-step methods: order, stability, interpolants, error estimates, against independent solvers and exact solutions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import cfdyn as cf
from cfdyn.integrate._kernels.steppers import dop853, radau5, rkc
from cfdyn.integrate._kernels.steppers.control import dop853_factor, initial_step, radau5_factor, rkc_factor
from cfdyn.integrate._kernels.steppers.dense import evaluate, hermite, sample
from cfdyn.integrate._kernels.steppers.field import Field, derivative
from cfdyn.machine.jit import DISABLED, addresses, kernel

DOP853, RADAU5, RKC = range(3)
METHODS = pytest.mark.parametrize("method", [DOP853, RADAU5, RKC])
ROWS = max(dop853.ROWS, radau5.ROWS, rkc.ROWS)
_dop853_attempt, _dop853_dense = dop853.attempt, dop853.dense
_radau5_attempt, _radau5_dense, _conclude = radau5.attempt, radau5.dense, radau5.conclude
_rkc_attempt, _radius, _stages_for = rkc.attempt, rkc.spectral_radius, rkc.stages_for


def make_field(equations, variables, params=None):
    flow = cf.Map.from_text(equations, variables=variables, params=params or {})
    rules = addresses(flow.rule("step").compiled, flow.rule("jacobian").compiled)
    return Field(len(equations), 0, rules, flow.p, np.zeros(1), np.zeros(2, np.int64))


@kernel
def drive(method, field, z, span, first, rtol, atol, stages, adaptive, pieces, ends, memory):
    """Integrate in place; the pieces (m, 8, n) of the solution and their ends; returns steps, rejections, last error."""
    n = z.size
    f, z1, f1, rkc_work, dop_work = np.empty(n), np.empty(n), np.empty(n), np.zeros((ROWS, n)), np.zeros((ROWS, n))
    work, state, slopes, real = np.zeros((radau5.ROWS, n)), radau5.State(memory), np.zeros((n, n)), np.zeros((n + 1, n))
    pairs, pivots = np.zeros((n + 1, n), np.complex128), np.zeros((6, n), np.int64)
    derivative(field, z, f)
    h = first
    if adaptive:
        h = initial_step(field, z, f, 8 if method == 0 else (5 if method == 1 else 2), rtol, atol, dop_work)
    t, accepted, rejected, again, error, factor, last_error, last_h = 0.0, 0, 0, False, 0.0, 1.0, 0.0, 0.0
    while t < span and accepted < pieces.shape[0] and rejected < 10000:
        if adaptive and t + h > span:
            h = span - t
        if method == 0:
            error = _dop853_attempt(field, z, f, h, rtol, atol, z1, f1, dop_work)
            factor = dop853_factor(error, again)
        elif method == 1:
            error = _radau5_attempt(field, z, f, h, rtol, atol, z1, f1, work, state, slopes, real, pairs, pivots)
            factor = radau5_factor(error, h, again, state)
        else:
            s = stages
            if adaptive:
                s = _stages_for(h, _radius(field, z, f, rkc_work))
            error = _rkc_attempt(field, z, f, h, rtol, atol, s, z1, f1, rkc_work)
            factor = rkc_factor(error, h, last_error, last_h, again)
        if method == 1 and not adaptive and error > 1.0:
            _conclude(z, h, error, work, state)
        if error <= 1.0 or (not adaptive and error > 1.0):
            if method == 0:
                _dop853_dense(field, z, f, h, z1, f1, dop_work, pieces[accepted])
            elif method == 1:
                _radau5_dense(field, z, f, h, z1, f1, work, pieces[accepted])
            else:
                hermite(z, f, h, z1, f1, pieces[accepted])
            t += h
            ends[accepted] = t
            accepted += 1
            again, last_error, last_h = False, error, h
            for i in range(n):
                z[i] = z1[i]
                f[i] = f1[i]
        else:
            again = True
            rejected += 1
            if not adaptive:
                break
        if adaptive:
            h *= factor
    return accepted, rejected, error, factor


@kernel
def radius_at(field, z, work):
    f = np.empty(z.size)
    derivative(field, z, f)
    return _radius(field, z, f, work)


def run(method, field, z0, span, rtol=1e-6, atol=1e-6, steps=None, stages=4, most=20000):
    z = np.array(z0, float)
    most = steps or most
    pieces, ends = np.empty((most, 8, z.size)), np.empty(most)
    first = span / steps if steps else 0.0
    limit = 2 * span if steps else span
    accepted, rejected, error, factor = drive(method, field, z, limit, first, rtol, atol, stages, not steps, pieces, ends,
                                              np.zeros(radau5.STATE))  # fmt: skip
    return z, pieces[:accepted], ends[:accepted], rejected, (error, factor)


PENDULUM = make_field(["y", "-sin(x)"], "x y")
START = [1.0, 0.5]


def exact(field_function, z0, span, t_eval=None, method="DOP853", **more):
    answer = solve_ivp(field_function, (0, span), z0, method=method, rtol=1e-13, atol=1e-14, t_eval=t_eval, **more)
    return answer.y.T if t_eval is not None else answer.y[:, -1]


def pendulum(t, z):
    return [z[1], -np.sin(z[0])]


def slope_of(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


@pytest.mark.parametrize(
    "method, steps, least", [(DOP853, [4, 6, 8, 12], 7.5), (RADAU5, [12, 24, 48], 4.6), (RKC, [40, 80, 160], 1.9)]
)
def test_order_of_the_solution_and_of_the_interpolant(method, steps, least):
    theta = np.linspace(0.05, 0.95, 7)
    errors, between = [], []
    for n in steps:
        z, pieces, ends, _, _ = run(method, PENDULUM, START, 4.0, 1e-7, 1e-7, n)
        assert len(ends) == n
        times = np.concatenate([[0.0], (np.arange(n)[:, None] + theta).ravel() * 4.0 / n, [4.0]])
        reference = exact(pendulum, START, 4.0, times)
        errors.append(np.max(abs(z - reference[-1])))
        inner = sample(np.repeat(pieces, theta.size, axis=0), np.tile(theta, n))
        between.append(np.max(abs(inner - reference[1:-1])))
    assert slope_of(1 / np.array(steps), errors) > least
    assert slope_of(1 / np.array(steps), between) > {DOP853: 7.0, RADAU5: 3.4, RKC: 1.9}[method]


@METHODS
def test_interpolant_meets_the_ends_and_its_slope(method):
    z, pieces, ends, _, _ = run(method, PENDULUM, START, 3.0, 1e-5, 1e-5)
    out, previous, before = np.empty(2), np.array(START), 0.0
    for piece, end in zip(pieces, ends):
        evaluate(piece, 0.0, out)
        np.testing.assert_allclose(out, previous, rtol=0, atol=1e-15)
        evaluate(piece, 1.0, out)
        slope = piece[1] - piece[2] - piece[3]
        tolerance = 2e-3 if method == RADAU5 else 1e-12
        np.testing.assert_allclose(slope / (end - before), pendulum(0, out), rtol=0, atol=tolerance)
        previous, before = out.copy(), end
    np.testing.assert_allclose(previous, z, rtol=0, atol=1e-15)


def test_kernels_and_numpy_evaluate_alike():
    pieces = np.random.default_rng(1).normal(size=(5, 8, 3))
    theta, out = np.linspace(-0.1, 1.1, 5), np.empty(3)
    values = sample(pieces, theta)
    for k in range(5):
        evaluate(pieces[k], theta[k], out)
        np.testing.assert_allclose(out, values[k], rtol=1e-14)


def test_radau_coefficients():
    root = np.sqrt(6)
    matrix = np.array([
        [(88 - 7 * root) / 360, (296 - 169 * root) / 1800, (-2 + 3 * root) / 225],
        [(296 + 169 * root) / 1800, (88 + 7 * root) / 360, (-2 - 3 * root) / 225],
        [(16 - root) / 36, (16 + root) / 36, 1 / 9],
    ])  # fmt: skip
    r = radau5
    vectors = np.array([[r.T11, r.T12, r.T13], [r.T21, r.T22, r.T23], [1, 1, 0]])
    inverse = np.array([[r.S11, r.S12, r.S13], [r.S21, r.S22, r.S23], [r.S31, r.S32, r.S33]])
    split = np.array([[r.REAL, 0, 0], [0, r.RE, r.IM], [0, -r.IM, r.RE]])
    np.testing.assert_allclose(vectors @ inverse, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(vectors @ split @ inverse @ matrix, np.eye(3), atol=1e-14)


def test_radau_damps_any_stiffness():
    field = make_field(["k*x", "-y"], "x y", {"k": -1e6})
    z, _, ends, _, _ = run(RADAU5, field, [1.0, 1.0], 5.0, steps=5)
    # The stability function behaves like 3/z at infinity: e.g. (3e-6)^5.
    assert len(ends) == 5 and abs(z[0]) < 1e-20 and abs(z[1] - np.exp(-5)) < 1e-3


@pytest.mark.parametrize("stages", [2, 5, 20, 100])
def test_rkc_is_stable_as_far_as_it_says(stages):
    radius = 10.0
    field = make_field(["k*x", "-y"], "x y", {"k": -radius})
    h = (stages**2 - 1.0) / (1.54 * radius)
    assert rkc.stages_for(0.99 * h, radius) <= stages + 1
    z, _, ends, _, _ = run(RKC, field, [1.0, 1.0], 30 * h, steps=30, stages=stages + 1)
    assert len(ends) == 30 and abs(z[0]) <= 1.0
    if stages <= 20:
        z, _, _, _, _ = run(RKC, field, [1.0, 1.0], 120 * h, steps=30, stages=stages + 1)
        assert abs(z[0]) > 1e3 or not np.isfinite(z[0])


def test_spectral_radius():
    n = 12
    variables = " ".join(f"x{i}" for i in range(n))
    neighbour = lambda i: f"x{i}" if 0 <= i < n else "0"  # noqa: E731
    field = make_field([f"{neighbour(i - 1)} - 2*x{i} + {neighbour(i + 1)}" for i in range(n)], variables)
    z, work = np.linspace(0, 1, n) ** 2, np.zeros((rkc.ROWS, n))
    true = 2 + 2 * np.cos(np.pi / (n + 1))
    for _ in range(2):
        assert 0.95 * true < radius_at(field, z, work) < 1.25 * true
    z[0] = np.nan
    assert np.isnan(radius_at(field, z, work))


@METHODS
def test_error_follows_the_tolerance(method):
    tolerances = [1e-4, 1e-5, 1e-6] if method == RKC else [1e-4, 1e-6, 1e-8]
    reference, errors = exact(pendulum, START, 6.0), []
    for rtol in tolerances:
        z, _, ends, _, _ = run(method, PENDULUM, START, 6.0, rtol, rtol)
        assert ends[-1] == pytest.approx(6.0)
        errors.append(np.max(abs(z - reference)))
    assert all(error < (2000 if method == RKC else 50) * rtol for rtol, error in zip(tolerances, errors))
    # The embedded orders differ from that of the solution, hence no exact proportion.
    assert 0.5 < slope_of(tolerances, errors) < 1.4


@METHODS
def test_the_estimate_has_its_order(method):
    errors, sizes = [], [0.4, 0.2, 0.1, 0.05]
    for h in sizes:
        errors.append(run(method, PENDULUM, START, h, 1e-6, 1.0, steps=1)[4][0])
    expected = {DOP853: 8, RADAU5: 4, RKC: 3}[method]
    assert abs(slope_of(sizes, errors) - expected) < 0.6


def vanderpol(mu):
    return make_field(["y", "mu*(1-x**2)*y - x"], "x y", {"mu": mu}), lambda t, z: [z[1], mu * (1 - z[0] ** 2) * z[1] - z[0]]


ROBERTSON = ["-0.04*x+1e4*y*z", "0.04*x-1e4*y*z-3e7*y**2", "3e7*y**2"]


def robertson(t, z):
    return [-0.04 * z[0] + 1e4 * z[1] * z[2], 0.04 * z[0] - 1e4 * z[1] * z[2] - 3e7 * z[1] ** 2, 3e7 * z[1] ** 2]


@pytest.fixture(scope="module")
def relaxation():
    """A field, how long it is followed, and where SciPy ends; its Radau ends there too, and takes far longer."""
    field, function = vanderpol(10.0)
    span = 3.0 if DISABLED else 25.0
    return field, span, exact(function, [2.0, 0.0], span)


@pytest.mark.parametrize("method", [DOP853, RADAU5])
def test_van_der_pol(method, relaxation):
    field, span, reference = relaxation
    z, pieces, ends, _, _ = run(method, field, [2.0, 0.0], span, 1e-8, 1e-8)
    np.testing.assert_allclose(z, reference, rtol=2e-6, atol=2e-7)


def test_robertson():
    span = 1e4
    reference = solve_ivp(robertson, (0, span), [1.0, 0, 0], method="Radau", rtol=1e-11, atol=1e-16).y[:, -1]
    field = make_field(ROBERTSON, "x y z")
    z, _, ends, rejected, _ = run(RADAU5, field, [1.0, 0, 0], span, 1e-6, 1e-10)
    np.testing.assert_allclose(z, reference, rtol=1e-4)
    assert len(ends) < 400 and rejected < 20


@pytest.mark.skipif(DISABLED, reason="long")
def test_stiffest_van_der_pol_and_robertson_stay_cheap():
    field, _ = vanderpol(1e6)
    z, _, ends, rejected, _ = run(RADAU5, field, [2.0, 0.0], 2e6, 1e-6, 1e-6)
    assert len(ends) < 1200 and rejected < 80
    fine, *_ = run(RADAU5, field, [2.0, 0.0], 2e6, 1e-10, 1e-10)
    np.testing.assert_allclose(z, fine, rtol=1e-4)
    z, _, ends, rejected, _ = run(RADAU5, make_field(ROBERTSON, "x y z"), [1.0, 0, 0], 1e11, 1e-6, 1e-10)
    assert len(ends) < 450 and z.sum() == pytest.approx(1.0, abs=1e-9)
    # Published value, Hairer and Wanner's test set.
    np.testing.assert_allclose(z, [0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050], rtol=1e-5)


@METHODS
def test_what_is_not_finite_is_nan(method):
    field = make_field(["-sqrt(x - 1e-4)", "log(x) + y"], "x y")
    *_, rejected, (error, factor) = run(method, field, [1e-3, 1.0], 1.0, steps=1)
    assert np.isnan(error) and 0.01 < factor < 0.9


@METHODS
def test_runs_up_to_a_singularity_without_stepping_past_it(method):
    field = make_field(["x**2", "0*y"], "x y")
    z, _, ends, _, _ = run(method, field, [1.0, 0.0], 2.0, 1e-4, 1e-6, most=200)
    assert ends[-1] < 1.01 and z[0] > 100.0
