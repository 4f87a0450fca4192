"""Losses to train on, and a training that is stopped."""

import numpy as np

import cfdyn as cf
from cfdyn.training.files.store import Store
from tests.training import toy

WELL = cf.losses.double_well()


class Unmeasured:
    """Without a sharpness of its own."""

    dim, start = 1, np.ones(1)
    value, gradient, hvp = WELL.value, WELL.gradient, WELL.hvp


def arrays(folder):
    store = Store(folder)
    store.open("r")
    return {name: store.read(name) for name in store.names()}


def same(one, other):
    a, b = arrays(one), arrays(other)
    assert a.keys() == b.keys() and "rows/stable_distance" in a and len(a["steps/loss"]) > 100
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


def iterates(steps, lr=toy.LR):
    net, w = toy.Toy(), [toy.Toy().start]
    for _ in range(steps):
        w.append(w[-1] - lr * net.gradient(w[-1]))
    return np.array(w)


class Bowl:
    """L = ½ Σ λᵢwᵢ² with rows that pull each weight; of 40 weights."""

    title, dim, n_rows = "bowl", 40, 30

    def __init__(self):
        self.start, self.curved = np.ones(40), np.linspace(0.1, 1.0, 40)
        self.pull = np.random.default_rng(2).normal(size=(30, 40))

    def value(self, w):
        return float(self.curved @ w**2) / 2

    def gradient(self, w, rows=None):
        return self.curved * w + (0.0 if rows is None else (self.pull[rows] - self.pull.mean(axis=0)).mean(axis=0))

    def hvp(self, w, v):
        return self.curved * v


class Stopped(BaseException):
    """As a process that is killed: nothing more is written."""


def killed(*_):
    raise Stopped


def stop_at(step):
    def progress(words):
        if words.startswith("step ") and int(words.split()[1]) >= step:
            raise Stopped

    return progress
