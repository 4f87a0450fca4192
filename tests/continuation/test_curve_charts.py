"""Charts of bifurcation curves: what they say and where their lines are dashed."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.plotting.titles import map_title

curve_of = cf.analysis.bifurcation_curve
CUBIC = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.0, "c": 1.5})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.3675, "b": 0.3})
PREY = cf.Map.from_text(["a*x*(1-x) - x*y", "x*y/b"], "x y", {"a": 2.0, "b": 0.25})
BOX = ((-3, 3), (-2, 4))


def words(axes):
    return [text.get_text().split("\n")[0] for text in axes.get_legend().get_texts()]


def test_the_chart():
    curves = [
        curve_of(CUBIC.at(k=0.136), ("fold", [[-0.4]]), ("k", "c"), BOX),
        curve_of(CUBIC.at(k=0.0, c=-0.99), ("flip", [[0.01]]), ("k", "c"), BOX),
    ]
    figure = cf.plot(curves[0], also=curves[1:])
    axes = figure.axes[0]
    assert words(axes) == ["flip", "fold", "subcritical", "cusp", "generalized flip"]
    assert sorted(text.get_text() for text in axes.texts) == ["CP", "GPD", "GPD"]
    assert figure.get_suptitle() == r"$x\to k+c\,x-x^{3}$" and axes.get_ylim()[1] == 4, "up to the bound that it meets"
    with pytest.raises(cf.CfdynError, match="same parameters"):
        cf.plot(curves[0], also=[curve_of(HENON, ("flip", [[2 / 2.1, 0.6 / 2.1]]), ("a", "b"), ((0.1, 3), (-0.9, 0.9)))])


def test_dashed_where_the_flip_is_subcritical():
    """c = 9x² − 1 < 0 on the flips c = 3x² − 1: below c = −2/3, to a step."""
    flips = curve_of(CUBIC.at(k=0.0, c=-0.99), ("flip", [[0.01]]), ("k", "c"), BOX)
    lines = [line for line in cf.plot(flips).axes[0].lines if len(line.get_xdata()) > 1]
    dashed = [line for line in lines if line.get_linestyle() == "--"]
    assert len(lines) == 3 and len(dashed) == 1 and dashed[0].get_ydata().max() == pytest.approx(-2 / 3, abs=0.1)
    assert min(np.min(line.get_ydata()) for line in lines if line not in dashed) == pytest.approx(-2 / 3, abs=0.1)


def test_one_entry_for_the_resonances():
    """Those of the predator and its prey: 1:4 at a = 5, 1:3 at 7, 1:2 at 9."""
    axes = cf.plot(curve_of(PREY, ("neimark-sacker", [[0.25, 0.5]]), ("a", "b"), ((1.1, 20.0), (0.01, 0.499)))).axes[0]
    assert words(axes) == ["Neimark–Sacker", "strong resonance"]
    assert {text.get_text(): text.xy[0] for text in axes.texts} == pytest.approx({"R4": 5, "R3": 7, "R2": 9})


def test_the_title_names_what_is_held():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.0, momentum=0.5))
    settings = {"map": step.title, "params": step.params}
    assert map_title(settings, ("lr", "momentum"), 95) == "heavy ball on double well, $a=1$"
    assert map_title(settings, ("momentum",), 95) == r"heavy ball on double well, $a=1$, $\eta=1$"
    assert map_title({"map": "x → a*x + b1*b", "params": {"a": 0.5, "b": 2.0, "b1": 3.0}}, ("a",), 80) == r"$x\to a\,x+b_{1}\,b$, $b=2$, $b_{1}=3$"
    assert map_title({"map": "x" * 100, "params": {}}, (), 80) == "x" * 79 + "…"
