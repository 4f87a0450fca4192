"""Exponents of random products against closed forms, and against plain loops with other random numbers."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import psi
from scipy.stats import chi2, norm

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.symbolic.loss import make_loss

WELL = cf.losses.double_well()
HEIGHTS = [0.5, 1.0, 3.0, 4.0]


def rows(formula, columns, data):
    return cf.Loss.from_spec(make_loss(formula, columns=columns.split(), data=np.array(data, float)))


def agrees(found, exact, most=4.0):
    """All exponents within so many of their errors, which are not idle."""
    exact = np.atleast_1d(exact)
    assert (found.errors[: len(exact)] < 0.02).all()
    return (np.abs(found.exponents[: len(exact)] - exact) < most * found.errors[: len(exact)]).all()


@pytest.mark.parametrize(("batch", "replace"), [(1, True), (2, True), (3, True), (5, True), (2, False), (3, False)])
def test_one_variable_is_a_mean_of_logarithms(batch, replace):
    """E ln|1 − ηh_B| over all batches."""
    loss, lr = rows("h*w**2/2", "h", [[h] for h in HEIGHTS]), 0.45
    step = cf.random_map(loss, cf.optimizers.gd(lr=lr), batch=batch, replace=replace)
    found = cf.analysis.random_lyapunov(step, [0.0], 4000)
    batches = itertools.product(HEIGHTS, repeat=batch) if replace else itertools.combinations(HEIGHTS, batch)
    assert agrees(found, np.mean([math.log(abs(1 - lr * np.mean(b))) for b in batches]))
    assert found.runs == 32 and found.of_runs.shape == (32, 1) and found.p_value > 1e-4


def test_errors_mean_what_they_say():
    """Over many seeds the deviations are normal numbers of variance 1."""
    loss = rows("h*w**2/2", "h", [[h] for h in HEIGHTS])
    step = cf.random_map(loss, cf.optimizers.gd(lr=0.45), batch=1)
    exact = np.mean([math.log(abs(1 - 0.45 * h)) for h in HEIGHTS])
    for runs in (4, 40):
        found = [cf.analysis.random_lyapunov(step.varied("seed", seed), [0.0], 200, runs, 0) for seed in range(40)]
        scores = np.array([(one.exponents[0] - exact) / one.errors[0] for one in found])
        assert chi2.ppf(1e-4, 40) < (scores**2).sum() < chi2.ppf(1 - 1e-4, 40) * 1.1
        assert np.mean([one.p_value < 0.1 for one in found]) < 0.35


def test_products_that_commute():
    data = [[0.3, 2.2], [1.2, 0.5], [2.5, 3.5]]
    step = cf.random_map(rows("(a*x**2 + b*y**2)/2", "a b", data), cf.optimizers.gd(lr=0.5), batch=1)
    found = cf.analysis.random_lyapunov(step, [0.0, 0.0])
    exact = np.log(np.abs(1 - 0.5 * np.array(data))).mean(axis=0)
    assert agrees(found, np.sort(exact)[::-1])
    assert abs(found.total - exact.sum()) < 4 * found.total_error and found.dimension == 0


def test_triangular_products():
    """x' = (1.2 + u)x + v z, z' = (0.4 + v)z: E ln|a + N| on the diagonal, −∞ for what is drawn anew."""
    step = cf.Map.from_text(["(1.2 + u)*x + v*z", "(0.4 + v)*z", "0*u", "0*v"], "x z u v")
    found = cf.analysis.random_lyapunov(cf.random_map(step, noise=[0.0, 0.0, 0.25, 0.04]), [0.0] * 4, 20_000)
    exact = [quad(lambda u, a=a, s=s: math.log(abs(a + s * u)) * norm.pdf(u), -9, 9, points=[-a / s], limit=200)[0]
             for a, s in ((1.2, 0.5), (0.4, 0.2))]  # fmt: skip
    assert agrees(found, exact, most=4.5)
    assert (found.exponents[2:] == -np.inf).all() and found.sign == 1


def test_products_of_gaussian_matrices():
    """Newman (1986): of d × d matrices of independent normal numbers λ_k = (ln 2 + ψ((d − k + 1)/2))/2."""
    step = cf.Map.from_text(["a*x + b*y", "c*x + d*y", "0*a", "0*b", "0*c", "0*d"], "x y a b c d")
    found = cf.analysis.random_lyapunov(cf.random_map(step, noise=[0.0, 0.0, 1.0, 1.0, 1.0, 1.0]), [0.0] * 6, count=2)
    assert agrees(found, [(math.log(2) + psi(1.0)) / 2, (math.log(2) + psi(0.5)) / 2])
    assert math.isnan(found.dimension) and len(found.exponents) == 2


def test_random_fibonacci_numbers():
    """Viswanath (2000): ln 1.13198824…; heavy ball with 1 + β − ηh = ±√β is u′ = ±u − u₋ for w = β^(t/2) u."""
    found = cf.analysis.random_lyapunov(fibonacci(0.81), [0.0])
    assert agrees(found, math.log(0.9) + np.array([1, -1]) * math.log(1.13198824))
    assert abs(found.total - math.log(0.81)) < 1e-12 and found.sign == 1
    assert cf.analysis.random_lyapunov(fibonacci(0.7), [0.0]).sign == -1


def fibonacci(beta):
    data = [[1 + beta - beta**0.5], [1 + beta + beta**0.5]]
    return cf.random_map(rows("h*w**2/2", "h", data), cf.optimizers.heavy_ball(lr=1.0, momentum=beta), batch=1)


def plain(rng, steps, runs, lr, momentum, sigma):
    """Exponents of heavy ball on the double well with noise, by tangents that are made anew at each step."""
    w, v = np.full(runs, 1.0), np.zeros(runs)
    q = np.tile(np.eye(2), (runs, 1, 1))
    sums = np.zeros((runs, 2))
    for t in range(steps + 500):
        slope, bend = w * (w * w - 1) + sigma * rng.standard_normal(runs), 3 * w * w - 1
        jacobian = np.empty((runs, 2, 2))
        jacobian[:, 1, 0], jacobian[:, 1, 1] = bend, momentum
        jacobian[:, 0, 0], jacobian[:, 0, 1] = 1 - lr * bend, -lr * momentum
        v = momentum * v + slope
        w = w - lr * v
        q, r = np.linalg.qr(jacobian @ q)
        if t >= 500:
            sums += np.log(np.abs(np.einsum("rii->ri", r)))
    return sums / steps


def test_a_plain_loop_with_other_random_numbers():
    step = cf.random_map(WELL, cf.optimizers.heavy_ball(lr=0.8, momentum=0.3), noise=0.01)
    found = cf.analysis.random_lyapunov(step, [1.0], 2000, 40, 500)
    other = plain(np.random.default_rng(7), 1500, 40, 0.8, 0.3, 0.1)
    error = np.hypot(found.errors, other.std(axis=0, ddof=1) / 40**0.5)
    assert (np.abs(found.exponents - other.mean(axis=0)) < 4 * error).all() and (error < 0.01).all()


def test_steps_with_the_same_batch():
    """In one variable two steps with a batch change nothing in the mean of logarithms; in a product of two they do."""
    loss = rows("h*w**2/2", "h", [[h] for h in HEIGHTS])
    once = [cf.analysis.random_lyapunov(cf.random_map(loss, cf.optimizers.gd(lr=0.45), batch=1, repeat=n), [0.0]) for n in (1, 2)]
    exact = np.mean([math.log(abs(1 - 0.45 * h)) for h in HEIGHTS])
    assert all(agrees(found, exact) for found in once) and once[1].errors[0] > 1.2 * once[0].errors[0]
    # Of these matrices, over √β, three are −1 or 1.
    found = cf.analysis.random_lyapunov(fibonacci(0.81).varied("repeat", 3), [0.0])
    assert np.abs(found.exponents - math.log(0.9)).max() < 1e-3


def test_where_nothing_is_drawn_there_is_one_run():
    step = cf.random_map(cf.Map.from_text("1 - 2*x**2"), noise=0.0)
    found = cf.analysis.random_lyapunov(step, [0.3], 20_000)
    assert len(found.of_runs) == 1 and math.isnan(found.p_value)
    assert abs(found.exponents[0] - math.log(2)) < 4 * found.errors[0] < 0.02


def test_runs_in_two_places_do_not_agree():
    """With small noise from the top of the double well: one well is not the other where a is no symmetry."""
    loss = cf.Loss("w**4/4 - w**2/2 + 0.1*w**3")
    found = cf.analysis.random_lyapunov(cf.random_map(loss, cf.optimizers.gd(lr=0.2), noise=1e-3), [0.0], 2000)
    assert found.p_value < 1e-6 and np.ptp(found.of_runs) > 0.05


def test_runs_that_are_over_do_not_count():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.5), noise=1.0)
    found = cf.analysis.random_lyapunov(step, [1.0], 100, 200, 20)
    assert 0 < found.status["diverged"] == np.isnan(found.of_runs[:, 0]).sum() == 200 - found.runs < 200
    with pytest.raises(NumericsError, match="none of 5 runs lasts"):
        cf.analysis.random_lyapunov(step.varied("noise", 1e6), [1.0], 100, 5)


def test_arguments():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.5), noise=0.01)
    for wrong in ({"steps": 0}, {"runs": 0}, {"transient": -1}, {"count": 2}, {"count": 0}, {"count": -1}):
        with pytest.raises(UsageError):
            cf.analysis.random_lyapunov(step, [1.0], **wrong)
    with pytest.raises(UsageError, match="takes a random map"):
        cf.analysis.random_lyapunov(cf.as_map(WELL, cf.optimizers.gd(lr=0.5)), [1.0])
    with pytest.raises(UsageError, match="GiB"):
        cf.analysis.random_lyapunov(step, [1.0], runs=2**29)
    assert len(cf.analysis.random_lyapunov(step, [1.0], steps=1, runs=2, transient=0).exponents) == 1


def test_noise_makes_chaos_and_order():
    """A window of period 3 is lost to noise, chaos in a sharp dip too."""
    window = cf.random_map(WELL, cf.optimizers.gd(lr=1.46), noise=1.0)
    found = cf.analysis.noise_induced(window, [1.1], ("noise", [1e-9, 1e-4]), 1000, 16)
    assert found.induced.tolist() == ["", "chaos"] and found.signs.tolist() == [-1, 1] and found.without < 0
    dip = cf.random_map(cf.Loss("w**2/2 - 5*exp(-w**2/2)"), cf.optimizers.gd(lr=0.9), noise=1.0)
    found = cf.analysis.noise_induced(dip, [0.5], ("noise", [1e-4, 16.0]), 1000, 16)
    assert found.induced.tolist() == ["", "order"] and found.without > 0.4
    far = cf.analysis.noise_induced(window, [1.1], ("noise", [1e-4, 1e3]), 100, 4)
    assert far.alive.tolist() == [1.0, 0.0] and math.isnan(far.exponents[1]) and far.induced[1] == ""
    for wrong in (("noise", [2.0, 1.0]), ("noise", []), "noise", ("depth", [1.0]), ("batch", [1.0])):
        with pytest.raises(UsageError):
            cf.analysis.noise_induced(window, [1.1], wrong, 100, 4)


@pytest.mark.parametrize(("count", "first"), [(3, "1\n−0.0001\n± 1e−06"), (30, "3")])
def test_numbers_of_exponents_do_not_meet_in_the_figure(count, first):
    found = cf.analysis.random_lyapunov(cf.random_map(WELL, cf.optimizers.gd(lr=0.5), noise=0.01), [1.0], 50, 9, 20)
    near = -1e-4 * np.arange(1.0, count + 1)
    figure = cf.plot(replace(found, exponents=near, errors=near / -100, of_runs=np.tile(near, (9, 1))))
    figure.canvas.draw()
    words = [word for word in figure.axes[0].get_xticklabels() if word.get_text() and word.get_position()[0] > 0.5]
    boxes = [word.get_window_extent() for word in words]
    assert len(words) > 2 and all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    assert words[0].get_text() == first and not figure.axes[0].texts


def test_what_sets_equal_copies_apart_is_seen():
    """y and z are two copies; the curvature of y − z is the smallest, and its exponent the largest."""
    loss = rows("h*(x**2 + 3/4*(y + z)**2 + (y - z)**2/4)/4", "h", [[0.9], [1.1]])
    step = cf.random_map(loss, cf.optimizers.gd(lr=1.0), batch=1)
    found = cf.analysis.random_lyapunov(step, [0.0, 0.0, 0.0], 500, count=1, transient=200)
    assert agrees(found, np.mean([math.log(1 - h / 4) for h in (0.9, 1.1)]))
