"""What every network in the folder must do, each found by its file."""

from __future__ import annotations

import copy
import functools
import inspect
import math
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError
from cfdyn.networks._written import make_network
from cfdyn.registry import describe
from cfdyn.systems.oracle import LossOracle

ALL = cf.networks.names()
ON_DATA = [name for name in ALL if next(iter(inspect.signature(getattr(cf.networks, name)).parameters)) == "data"]
SMALL = {"widths": "3", "channels": "2", "groups": 1, "width": 4, "hidden": 4}
DATA = ("digits:classes=2,n=20", "sorting:n=6,length=2,symbols=2")


@functools.cache
def made(name: str) -> cf.Network:
    """A small one, on the first kind of data that it takes."""
    known = inspect.signature(getattr(cf.networks, name)).parameters
    options = ",".join(f"{key}={value}" for key, value in SMALL.items() if key in known)
    found = []
    for data in DATA:
        try:
            found.append(make_network(f"{name}:{options}", data))
        except cf.CfdynError as error:
            assert any(word in str(error) for word in ("pictures", "numbers", "sequences")), error
    return found[0]


def test_the_folder_is_not_empty():
    assert set(ON_DATA) >= {"mlp", "deep_linear", "cnn", "resnet", "transformer", "lstm"}
    assert set(ALL) - set(ON_DATA) == {"from_jax", "from_torch", "from_gradient"}


@pytest.mark.parametrize("name", ALL)
def test_docstring(name):
    entry = getattr(cf.networks, name)
    found = describe(entry)
    assert found["summary"].endswith((".", ":", ",")) or len(found["summary"]) > 80
    assert len(found["reference"]) > 10 and ">>>" in inspect.getdoc(entry)


@pytest.mark.parametrize("name", ON_DATA)
def test_it_is_an_oracle_in_float64_whose_title_makes_it_again(name):
    net = made(name)
    assert isinstance(net, LossOracle) and isinstance(net, cf.Network)
    assert net.start.dtype == np.float64 and net.start.shape == (net.dim,)
    assert 0 < net.value(net.start) < 10
    text, _, data = net.title.partition(" on ")
    again = make_network(text, data)
    assert again.title == net.title and (again.start == net.start).all()
    assert not (make_network(f"{text},seed=1", data).start == net.start).all()


@pytest.mark.parametrize("name", ON_DATA)
def test_it_travels(name):
    net = made(name)
    for found in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert repr(found) == repr(net) and (found.start == net.start).all() and (found.rows[0] == net.rows[0]).all()


@pytest.mark.parametrize("name", ON_DATA)
def test_what_makes_no_sense_is_refused(name):
    entry, data = getattr(cf.networks, name), cf.data.digits(classes=2, n=20)
    for options, words in ({"seed": math.nan}, "seed"), ({"seed": -1}, "seed"), ({"loss": "mze"}, "did you mean 'mse'"):
        with pytest.raises(cf.CfdynError, match=words):
            entry(data, **options)
    with pytest.raises(cf.CfdynError, match="data"):
        entry("digits")
    with pytest.raises(cf.CfdynError, match="did you mean 'seed'"):
        make_network(f"{name}:sead=1", "digits:n=20")
    with pytest.raises(cf.CfdynError, match="did you mean 'seed'"):
        entry(data, sead=1)
    numbers = {key: p for key, p in inspect.signature(entry).parameters.items() if p.default is not p.empty and key != "loss"}
    assert "seed" in numbers
    for key in numbers:
        with pytest.raises(cf.CfdynError):
            entry(data, **{key: math.nan})


@pytest.mark.parametrize("name", ON_DATA)
def test_one_that_is_too_large_for_the_machine_is_refused_before_it_is_made(name, monkeypatch):
    """How many weights it has is known by then; making them takes three arrays of as many."""
    text, _, data = made(name).title.partition(" on ")
    least, told = 24 * made(name).dim, []
    monkeypatch.setattr("cfdyn.networks._first_weights.bytes_of_memory", lambda: least)
    make_network(text, data, told.append)
    assert told == [made(name).dim]
    monkeypatch.setattr("cfdyn.networks._first_weights.bytes_of_memory", lambda: least - 1)
    with pytest.raises(cf.CfdynError, match=f"the network has {made(name).dim:,} weights, .* making it takes 3 times as much"):
        make_network(text, data)


def test_the_nearest_name_is_told():
    with pytest.raises(cf.CfdynError, match="unknown network 'transformr'; did you mean 'transformer'"):
        cf.networks.get("transformr")
    with pytest.raises(cf.CfdynError, match="unknown data set 'digit'; did you mean 'digits'"):
        make_network("mlp", "digit")
    with pytest.raises(cf.CfdynError, match="from_jax takes functions"):
        make_network("from_jax", "digits")


def test_data_and_weights_that_are_no_numbers():
    with pytest.raises(cf.CfdynError, match="finite"):
        cf.DataSet([[math.nan]], [1.0])
    with pytest.raises(cf.CfdynError, match="each of the n rows"):
        cf.DataSet([[1.0], [2.0]], [1.0])
    for inputs, targets in ((3.0, [1.0]), ([[1.0]], 2.0)):
        with pytest.raises(cf.CfdynError, match="a target or a label for each"):
            cf.DataSet(inputs, targets)
    net = made("mlp")
    assert math.isnan(net.value(np.full(net.dim, np.nan)))
    with pytest.raises(cf.CfdynError, match="not finite"):
        net.sharpness(np.full(net.dim, np.nan))
    for w in ([1.0], "w", np.zeros((2, net.dim))):
        with pytest.raises(cf.CfdynError):
            net.value(w)
    for rows in ([], [20], [0.5], "all", [[0]]):
        with pytest.raises(cf.CfdynError, match="`rows` are numbers of some of them"):
            net.value(net.start, rows=rows)


def test_kinds_of_data_that_a_network_does_not_take():
    with pytest.raises(cf.CfdynError, match="takes pictures"):
        make_network("cnn", "iris")
    with pytest.raises(cf.CfdynError, match="have no order"):
        make_network("lstm", "iris")
    with pytest.raises(cf.CfdynError, match="sequences of symbols"):
        make_network("mlp", "copying:n=4")
    with pytest.raises(cf.CfdynError, match="cross_entropy needs classes"):
        make_network("mlp:loss=cross_entropy", "diabetes")
    with pytest.raises(cf.CfdynError, match="do not divide"):
        make_network("resnet:channels=6,groups=4", "digits:n=20")


def test_kinks_are_remarked():
    smooth, rough = (make_network(f"mlp:widths=3,activation={phi}", "iris:n=9") for phi in ("tanh", "relu"))
    assert smooth.remarks == () and "no statement about a central flow" in rough.remarks[0]


def test_what_needs_more_memory_than_there_is_is_told():
    """A matrix of 10⁶ by 10⁶ numbers, 8 terabytes, which no compiler can do without."""

    def far_too_large(w):
        x = jnp.tanh(w[0] * jnp.arange(1e6))
        return jnp.sum(jnp.tanh(x[:, None] - x[None, :]) @ jnp.sin(x))

    net = cf.networks.from_jax(far_too_large, np.ones(2))
    with pytest.raises(NumericsError, match="derivatives of 2 weights .* more memory than there is: take fewer rows"):
        net.gradient([1.0, 2.0])
