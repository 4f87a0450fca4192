"""A training of the toy in a folder of its own."""

import pytest

import cfdyn as cf
from tests.training import toy


@pytest.fixture
def train(monkeypatch, tmp_path):
    toy.use(monkeypatch.setattr)
    count = iter(range(100))

    def start(network=None, **settings):
        given = {"out": str(tmp_path / f"run{next(count)}"), **toy.SETTINGS, **settings}
        return cf.train(given, network=network or toy.Toy(), **({"keep": given.pop("keep")} if "keep" in given else {}))

    return start
