"""Runs of random maps beside `iterate_many`, plain loops and one another."""

import pickle

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.ensembles._kernels.runs import Task
from cfdyn.ensembles.stochastic.random_map import sweep
from cfdyn.ensembles.stochastic.random_runs import RandomRuns, visited
from cfdyn.errors import FormulaError, UsageError
from cfdyn.symbolic.loss import make_loss

HEIGHTS = np.array([[0.5, 1.0], [1.0, -1.0], [3.0, 0.3], [4.0, 0.2], [0.1, 0.7]])
ROWS = cf.Loss.from_spec(make_loss("h*(w - y)**2/2", columns=["h", "y"], data=HEIGHTS))
WELL = cf.losses.double_well()


def orthonormal(runs, dim):
    return np.tile(np.eye(dim), (runs, 1, 1))


@pytest.mark.parametrize(
    "settings",
    [{"batch": 1}, {"batch": 7}, {"batch": 2, "replace": False}, {"batch": 3, "order": "reshuffled"},
     {"batch": 2, "repeat": 3}, {"batch": 2, "label_noise": 0.3}, {"noise": [[0.4]]}, {"batch": 4, "noise": [0.2], "seed": 5}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("optimizer", ["heavy_ball:lr=0.2,momentum=0.5", "adam:lr=0.05"])
def test_the_runs_are_those_of_iterate_many(settings, optimizer):
    name, _, options = optimizer.partition(":")
    made = getattr(cf.optimizers, name)(**{k: float(v) for k, v in (item.split("=") for item in options.split(","))})
    many = cf.iterate_many(ROWS, made, [1.5], 150, runs=3, **{"batch": None, **settings})
    step = cf.random_map(ROWS, made, **settings)
    ways = RandomRuns(step, step.step.state([1.5]), 3, 2, None)
    # Stretched in parts, which begin in the middle of batches and epochs.
    tangents = orthonormal(3, step.step.dim)
    for part in (64, 1, 85):
        ways.stretch(tangents, part)
    assert ways.states.tobytes() == many.final.tobytes()
    left = RandomRuns(step, step.step.state([1.5]), 3, 1, None)
    left.leave("w > 1e9", 100)
    left.leave("w > 1e9", 50)
    assert left.states.tobytes() == many.final.tobytes() and left.going.all()


def test_tangents_are_products_of_jacobians():
    step = cf.random_map(ROWS, cf.optimizers.heavy_ball(lr=0.2, momentum=0.5), batch=2, seed=3)
    sums, z = {}, step.step.state([1.5])
    for n in (1, 40):
        ways = RandomRuns(step, z, 2, 1, None)
        tangents = orthonormal(2, 2)
        sums[n] = ways.stretch(tangents, n)
    # det Df = momentum, whatever the batch.
    assert np.allclose(sums[40].sum(axis=1), 40 * np.log(0.5), rtol=1e-12)
    tiny, pushed = 1e-6, []
    for k in range(2):
        near = [z + tiny * e for e in np.eye(2)]
        runs = [RandomRuns(step, start, 2, 1, None) for start in [z, *near]]
        for one in runs:
            one.leave("w > 1e9", 1)
        pushed.append((runs[1].states[k] - runs[0].states[k]) / tiny)
    assert np.allclose([np.log(np.linalg.norm(v)) for v in pushed], sums[1][:, 0], atol=1e-8)


@pytest.mark.usefixtures("shared_however_little")
def test_no_number_of_threads_or_runs_matters():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=3.0)
    found = [cf.analysis.escape_times(step, [-1.0], "w > 0", 300, runs, threads) for runs, threads in ((40, 1), (40, 3), (90, 2))]
    assert found[0].times.tolist() == found[1].times.tolist() == found[2].times[:40].tolist()
    densities = [cf.analysis.invariant_density(step, [1.0], steps=500, runs=8, threads=threads) for threads in (1, 3)]
    assert densities[0].density.tobytes() == densities[1].density.tobytes() and densities[0].variance == densities[1].variance


def test_noise_of_a_map_comes_behind_its_step():
    step = cf.random_map(cf.Map.from_text(["0*x + 3", "y/2"], "x y"), noise=[[4.0, 0.0], [0.0, 0.0]])
    seen = []
    visited(step, np.array([0.0, 1.0]), 4000, 2, 1, None, None, seen.append)
    [states] = seen[0]
    assert abs(states[:, 0].mean() - 3) < 5 * 2 / 4000**0.5 and abs(states[:, 0].std() - 2) < 0.12
    assert (states[:, 1] == 0.25).all()
    angle = cf.random_map(cf.Map.from_text("x + 0.3", "x", periodic={"x": 1.0}), noise=0.5)
    seen.clear()
    visited(angle, np.array([0.0]), 50, 5, 20, None, None, seen.append)
    states = np.concatenate(seen)
    assert states.min() >= 0 and states.max() < 1 and len(np.unique(states)) == states.size


def test_what_is_varied():
    step = cf.random_map(ROWS, cf.optimizers.gd(lr=0.1), batch=2, noise=0.1)
    assert step.varied("lr", 0.2).step.params["lr"] == 0.2 and step.varied("lr", 0.2).sampling.batch == 2
    assert step.varied("batch", 3).sampling.batch == 3 and step.varied("noise", 0.7).sampling.noise.tolist() == [[0.7]]
    assert step.random and not step.without().random and not step.varied("noise", 0.0).varied("batch", None).random
    assert not cf.random_map(ROWS, cf.optimizers.gd(lr=0.1)).random
    assert sweep(step, ("seed", [0, 1]))[1] == [0, 1]
    assert cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=0.1).at(a=2.0).step.params["a"] == 2.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cf.random_map(WELL), "a loss and an optimizer, or of a map alone"),
        (lambda: cf.random_map(cf.Map.from_text("x/2"), cf.optimizers.gd(lr=0.1)), "a loss and an optimizer"),
        (lambda: cf.random_map(cf.Map.from_text("x/2"), batch=2), "a map has none: give `noise`"),
        (lambda: cf.random_map(WELL, cf.optimizers.gd(lr=0.1), batch=2), "the loss double_well has none"),
        (lambda: cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=-1.0), "none of its eigenvalues is negative"),
        (lambda: cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=np.nan), "noise=nan is not a finite number"),
        (lambda: cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=np.inf), "noise=inf is not a finite number"),
        (lambda: cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=[1.0, 2.0]), "or 1 variances"),
        (lambda: cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=1.0).varied("rate", 1), "noise, size or parameter"),
        (lambda: cf.random_map(ROWS, cf.optimizers.gd(lr=0.1), batch=1, order="random"), "order"),
    ],
)  # fmt: skip
def test_what_makes_no_random_map(make, words):
    with pytest.raises(UsageError, match=words):
        make()


def test_conditions_that_mark_no_region():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=1.0)
    for outside, words in (("w", "such as 'w > 0'"), ("w > -2", "begin where"), ("sqrt(w) > 3", "has no value"),
                           ("1 < w < 2", "such as")):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            cf.analysis.escape_times(step, [-1.0], outside, 10, 2)
    with pytest.raises(FormulaError):
        cf.analysis.escape_times(step, [-1.0], "nothing > 0", 10, 2)


LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("shampoo", "muon", "lion", "rmsprop", "nadam")]  # to compile


@pytest.mark.parametrize("name", ["gd", "adam", "sam", "nesterov", *LONG])
@pytest.mark.parametrize("batch", [2, 5])
def test_the_jacobian_is_that_of_the_step_on_its_batch(name, batch):
    """By differences, on rows unrolled and rows in a loop, behind five steps of one batch."""
    net = cf.losses.tanh_network()
    sampling = cf.random_map(net, getattr(cf.optimizers, name)(lr=0.05), batch=batch, noise=0.1).sampling
    p, z = Task(sampling._task).p.copy(), np.concatenate([np.linspace(-1, 1.3, 7), sampling.spec.rest])
    for _ in range(5):
        z = sampling.rule(z, p)
    found, step = sampling.jacobian(z, p).reshape(len(z), len(z)), 1e-6
    columns = [(sampling.rule(z + step * e, p) - sampling.rule(z - step * e, p)) / (2 * step) for e in np.eye(len(z))]
    assert np.allclose(found, np.transpose(columns), atol=2e-4 * max(1.0, np.abs(found).max()))


def test_it_travels():
    step = cf.random_map(ROWS, cf.optimizers.adam(lr=0.1), batch=2)
    there = pickle.loads(pickle.dumps(step))
    assert there.title == step.title
    exponents = [cf.analysis.random_lyapunov(one, [1.5], 20, 2).exponents.tolist() for one in (step, there)]
    assert exponents[0] == exponents[1]
