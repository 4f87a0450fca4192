"""What a user may ask of every figure alike: a title, labels, colours; letters of panels; a picture for notebooks; typeset titles."""

import io
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.plotting import finish, style, titles

RECORDS, BEFORE = Path(__file__).parent / "records", Path(__file__).parents[1] / "records" / "before"


def letters(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_fontweight() == "bold"]


def test_a_title_other_words_and_none():
    branches = cf.load(BEFORE / "Branches.npz")
    assert cf.plot(branches, title="Doublings").get_suptitle() == "Doublings" and not cf.plot(branches, title="").get_suptitle()
    times = cf.load(RECORDS / "SettlingTimes.npz")  # with bars of colours
    assert cf.plot(times, title="Rest").axes[0].get_title() == "Rest" and cf.plot(times, title="").axes[0].get_title() == ""
    axes = cf.plot(branches, labels={"lr": "step size", "w": "weight", "flip": "doubling"}).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step size", "weight")
    with pytest.raises(UsageError, match=r"no words 'nothing'; it has .*'flip'"):
        cf.plot(branches, labels={"nothing": "x"})


def test_a_colormap_of_quantities_is_that_of_their_bars_too():
    figure = cf.plot(cf.load(RECORDS / "SettlingTimes.npz"), cmap="magma")
    maps = {image.colorbar.ax.get_ylabel(): image.get_cmap()(0.5) for image in figure.axes[0].images}
    wanted = matplotlib.colormaps["magma"]
    settles, escapes = maps["steps to settle"], maps["steps to escape"]
    assert np.allclose(settles, wanted(0.225), atol=0.02) and np.allclose(escapes, wanted(0.725), atol=0.02)


def test_a_colormap_of_categories_is_that_of_their_key_too():
    usual, figure = (cf.plot(cf.load(RECORDS / "PeriodDiagram.npz"), **options) for options in ({}, {"cmap": "viridis"}))
    new = {to_hex(patch.get_facecolor()) for patch in figure.legends[0].legend_handles}
    cells = {to_hex(colour) for colour in np.unique(figure.axes[0].images[0].get_array().reshape(-1, 3), axis=0)}
    before = {to_hex(patch.get_facecolor()) for patch in usual.legends[0].legend_handles}
    assert cells == new and len(new) == len(before) and len(new & before) <= 3  # greys stay
    with pytest.raises(UsageError, match=r"viridi.*did you mean"):
        cf.plot(cf.load(RECORDS / "PeriodDiagram.npz"), cmap="viridi")


def test_panels_have_letters_but_not_in_a_figure_of_the_user():
    study = cf.load(BEFORE / "Study.npz")
    assert letters(cf.plot(study)) == ["a", "b", "c", "d"] and letters(cf.plot(cf.load(BEFORE / "Branches.npz"))) == []
    figure, axes = plt.subplots(layout="constrained")
    cf.plot(study, ax=axes)
    assert letters(figure) == []
    plt.close(figure)


def test_values_that_differ_by_round_off_are_one():
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([0, 1, 2], [2.0, 2.0 + 1e-12, 2.0])
    right.plot([0, 1, 2], [2.0, 2.0001, 2.0])
    before = right.get_ylim()
    finish.widen([left, right])
    assert left.get_ylim() == pytest.approx((1.9, 2.1)) and right.get_ylim() == before
    style.clip_range(left, [2.0, 2.0 + 4e-16])
    assert np.ptp(left.get_ylim()) > 0.1
    plt.close(figure)


def test_a_notebook_shows_the_figure():
    picture = Image.open(io.BytesIO(cf.plot(cf.load(BEFORE / "Branches.npz"), figsize=(4, 3))._repr_png_()))
    assert picture.format == "PNG" and picture.size == (576, 432)


@pytest.mark.parametrize(("formula", "tex"), [
    ("(w**2 - 1)**2/4", r"\frac{(w^{2}-1)^{2}}{4}"), ("2*(x - y)*3", r"2\,(x-y)\cdot 3"), ("a - (b - c)", "a-(b-c)"),
    ("(-x)**2", "(-x)^{2}"), ("exp(-alpha*w)", r"\exp(-\alpha\,w)"), ("sqrt(Abs(x))/1e-8", r"\frac{\sqrt{|x|}}{10^{-8}}"),
    ("Piecewise((x, x < 0))", ""), ("x +", ""), ("w" * 200, ""),
])  # fmt: skip
def test_formulas_are_typeset_as_they_were_written(formula, tex):
    assert titles.typeset_formula(formula) == tex


@pytest.mark.slow
def test_no_title_is_code():
    for path in [*RECORDS.glob("*.npz"), BEFORE / "Study.npz", BEFORE / "Trajectory.npz", BEFORE / "Branch.npz"]:
        figure = cf.plot(cf.load(path))
        for words in (figure.get_suptitle(), figure.axes[0].get_title()):
            assert "**" not in words and "_ball" not in words and "gd:" not in words and "lr=" not in words, (path.stem, words)
