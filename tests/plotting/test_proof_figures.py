"""Figures of ledgers and certificates show what is in them."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.plotting.figures._certified_map import with_gaps

GD = cf.optimizers.gd


def ledger(r, period=2):
    return cf.certify.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": 3.9}), period=period, box=(-1, 2), r=r)


def drawn(axes):
    return np.concatenate([line.get_xdata() for line in axes.lines if line.get_marker() == "|"])


def test_a_ledger_has_a_row_for_each_divisor_and_marks_what_is_open():
    axes = cf.plot(ledger("3.9")).axes[0]
    x = 1 - 1 / 3.9
    two = ((3.9 + 1) + np.array([-1, 1]) * ((3.9 + 1) * (3.9 - 3)) ** 0.5) / (2 * 3.9)
    assert np.allclose(np.sort(drawn(axes)), np.sort([0, x, *two]), atol=1e-6)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["period 1", "period 2"] and not axes.patches
    open_ = cf.plot(ledger("3"))
    assert len(open_.axes[0].patches) == 1 and "no cycles of period 2, 1 box undecided" in open_.get_suptitle()


def test_ledgers_along_a_parameter():
    axes = cf.plot(ledger("3.2"), also=[ledger("3.4"), ledger("3.6")]).axes[0]
    assert [float(line.get_xdata()[0]) for line in axes.lines] == [3.2, 3.4, 3.6] and axes.get_xlabel() == "$r$"
    with pytest.raises(UsageError, match="one map and period"):
        cf.plot(ledger("3.2"), also=[ledger("3.4", 1)])


def test_a_flip_and_a_fold_are_sketched_on_their_side():
    flip = cf.certify.bifurcation("(w**2 - 1)**2/4", GD(lr=1), "flip", 1, [1.0], lr=("0.9", "1.1"))
    right = cf.plot(flip).axes[1]
    born = next(line for line in right.lines if line.get_label() == "a cycle of twice the period")
    assert born.get_xdata().max() > 0 and born.get_linestyle() == "-" and r"$\eta$ = 1" in right.get_xticklabels()[0].get_text()


def test_the_edge_has_its_parts_and_points():
    found = cf.certify.edge("(w**2 - 1)**2/4", GD(lr=1.7), (0.5, 1))
    axes = cf.plot(found).axes[0]
    assert "entered" in axes.get_title() and [float(line.get_xdata()[0]) for line in axes.lines] == [0.5, 1.0]


def test_a_graph_has_a_gap_where_it_jumps_and_none_where_it_is_steep():
    """sign (x − 0.3) − x jumps by 2 at 0.3; tanh(500 x) rises by 2 within a hundredth, and √|x| without bound, but they go on."""
    x = np.linspace(-1, 1, 400)
    told, y = with_gaps(lambda x: np.sign(x - 0.3) - x, x)
    assert np.isnan(y).sum() == 1 and abs(told[np.isnan(y)][0] - 0.3) < 0.01
    for smooth in (lambda x: np.tanh(500 * x), lambda x: np.sign(x) * np.sqrt(np.abs(x))):
        assert not np.isnan(with_gaps(smooth, x)[1]).any()


def test_a_title_says_what_is_proved():
    cycle = cf.plot(cf.certify.cycle("(w**2 - 1)**2/4", GD(lr=1.1), [[-0.815], [-1.116]]))
    assert cycle.get_suptitle().startswith(r"proved: stable 2-cycle, $\eta=1.1$")
    chaos = cf.plot(cf.certify.chaos(cf.Map.from_text("r*x*(1-x)", params={"r": 3.9}), box=(0, 1)))
    assert chaos.get_suptitle() == "proved: chaos, $r=3.9$   ·   $x\\to r\\,x\\,(1-x)$" and "cover each other" in legend(chaos.axes[0])[0]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]
