"""First weights are those that JAX draws, whether they come from it or from the folder of what is kept."""

import jax
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.machine import shelf
from cfdyn.networks._oracle.engine import float64

ROWS = cf.DataSet(np.linspace(-1, 1, 10).reshape(5, 2), labels=[0, 1, 2, 1, 0])
SORTING = cf.data.sorting()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "directory", lambda: tmp_path)
    return tmp_path


def drawn_by_hand(seed):
    """Uniform in ±1/√(inputs): of two layers, weights before biases, each with a key of its own."""
    with float64():
        found = []
        for key, (n, m) in zip(jax.random.split(jax.random.PRNGKey(seed)), [(2, 4), (4, 3)], strict=True):
            for part, shape in zip(jax.random.split(key), [(m, n), (m,)], strict=True):
                found.append(jax.random.uniform(part, shape, minval=-1 / np.sqrt(n), maxval=1 / np.sqrt(n)).ravel())
        return np.concatenate(found)


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_kept_weights_are_those_of_the_seed(seed, folder, monkeypatch):
    expected = drawn_by_hand(seed)
    assert (cf.networks.mlp(ROWS, "4", seed=seed).start == expected).all()
    monkeypatch.setattr(shelf.Shelf, "write", None)  # what is drawn again would be written
    again = cf.networks.mlp(ROWS, "4", seed=seed)
    assert (again.start == expected).all() and np.isfinite(again.gradient(again.start)).all()
    assert len([*folder.glob("weights-*/*.bin")]) == 1


def test_other_networks_have_entries_of_their_own(folder):
    makes = [lambda: cf.networks.mlp(ROWS, "4"), lambda: cf.networks.mlp(ROWS, "4", seed=1), lambda: cf.networks.mlp(ROWS, "5"),
             lambda: cf.networks.transformer(SORTING, width=4, heads=2, hidden=4), lambda: cf.networks.lstm(SORTING, width=4)]  # fmt: skip
    first = [make() for make in makes]
    assert len([*folder.glob("weights-*/*.bin")]) == len(makes)
    for net, make in zip(first, makes, strict=True):
        again = make()
        assert (again.start == net.start).all() and again.value(again.start) == net.value(net.start)


def test_a_damaged_entry_is_drawn_anew(folder):
    cf.networks.mlp(ROWS, "4")
    [file] = folder.glob("weights-*/*.bin")
    file.write_bytes(file.read_bytes()[:-8])
    assert (cf.networks.mlp(ROWS, "4").start == drawn_by_hand(0)).all()


def test_large_networks_are_not_kept(folder):
    cf.networks.deep_linear(cf.DataSet(np.zeros((2, 400)), np.zeros((2, 400))), widths="")
    assert not [*folder.glob("weights-*/*.bin")]
