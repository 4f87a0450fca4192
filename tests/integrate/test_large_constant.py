"""Curvature that no state changes, of losses that are no formulas: neutral modes, and blocks that leave no room."""

from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError

OPT = cf.optimizers
VALLEY, START = "(1 - x*y)**2/2", [0.7, 0.6]


def bare(loss):
    """Without its formula."""
    parts = {name: getattr(loss, name) for name in ("dim", "value", "gradient", "hvp", "curvature_gradient")}
    return SimpleNamespace(**parts)


def central(text, optimizer):
    return cf.flows.central(bare(cf.Loss(text)), optimizer)


@pytest.mark.parametrize(("text", "start", "names", "optimizer", "rate"), [
    ("b**2/2", [0.3], "w1", OPT.gd(2.0), 2.0), ("b**2/2", [0.3], "w1", OPT.heavy_ball(3.0, 0.5), 6.0),
    ("(a + b)**2/4 + (a - b)**2/100", [0.3, 0.2], "w1, w2", OPT.gd(2.0), 2.0),
])  # fmt: skip
def test_a_neutral_mode_is_set_aside_and_named(text, start, names, optimizer, rate):
    """At the edge of 1 with the valley, which is held as it is without; along the mode the path falls as e^{−Gηt}."""
    path = cf.solve(central(f"{text} + {VALLEY}", optimizer), [*start, *START], 6, rtol=1e-5, save_at=[1, 3, 6])
    alone = cf.solve(central(VALLEY, optimizer), START, 6, rtol=1e-5, save_at=[1, 3, 6])
    assert path.status == "done" and [note.split(":")[0] for note in path.notes] == [f"1 neutral mode, of {names}"]
    np.testing.assert_allclose(path.w[:, len(start) :], alone.w, atol=1e-3)
    np.testing.assert_allclose(path.w[:, : len(start)].sum(axis=1), sum(start) * np.exp(-rate * path.t), atol=1e-3)
    np.testing.assert_allclose(path.factors[:, : len(start)].sum(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(path.edge, 2, rtol=1e-4)


def test_the_sharpness_is_that_of_a_neutral_mode_where_nothing_else_is_at_the_edge():
    path = cf.solve(central("b**2/2 + x**2/8 + x**4/100", OPT.gd(2.0)), [0.3, 0.2], 4)
    assert path.status == "done" and path.rank.max() == 0
    np.testing.assert_allclose(path.sharpness, 1, rtol=1e-12)


def test_a_mode_at_the_edge_that_moves_is_not_neutral():
    path = cf.solve(central(f"b**2/2 - b**4/100 + {VALLEY}", OPT.gd(2.0)), [0.0, *START], 0.0)
    assert not [note for note in path.notes if "neutral" in note]


@pytest.mark.parametrize(("optimizer", "bound", "words"), [
    (OPT.gd(2.0), 2.0, "at the edge or beyond everywhere"), (OPT.gd(2.5), 2.0, "beyond the edge everywhere"),
    (OPT.gd(2.0, weight_decay=0.25), 1.6, "beyond the edge everywhere"), (OPT.nesterov(2.0, 0.5), 1.5, "beyond the edge everywhere"),
])  # fmt: skip
def test_output_biases_beyond_the_edge_are_told_with_the_largest_rate(optimizer, bound, words):
    """4-4-3 with mean squares: the block of the output biases, weights 33 to 35, is the unit matrix; ηλ < θ by hand."""
    table = np.random.default_rng(0).normal(size=(12, 7))
    net = cf.networks.mlp(cf.DataSet(table[:, :4], table[:, 4:]), widths="4")
    rows = np.eye(net.dim)[-3:]
    np.testing.assert_allclose(net.hvps(net.start, rows) @ rows.T, np.eye(3), atol=1e-14)
    with pytest.raises(NumericsError, match=f"block of w33, w34, w35 is the same at the 4 examined states, .*{words}") as error:
        cf.solve(cf.flows.central(net, optimizer), net.start, 5)
    assert float(str(error.value).rsplit("below ", 1)[1]) == pytest.approx(bound, rel=1e-6)


def test_below_that_rate_the_same_net_has_a_flow():
    table = np.random.default_rng(0).normal(size=(12, 7))
    net = cf.networks.mlp(cf.DataSet(table[:, :4], table[:, 4:]), widths="4")
    path = cf.solve(cf.flows.central(net, OPT.gd(1.5)), net.start, 2)
    assert path.status == "done" and path.edge.max() < 2.02
