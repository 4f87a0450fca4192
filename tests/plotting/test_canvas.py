"""Where and how a figure is drawn: size, style, a place in the user's figure, embedded fonts."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import cfdyn as cf
from cfdyn.errors import UsageError


@pytest.fixture(scope="module")
def orbit():
    return cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1)), [0.5], 30)


@pytest.mark.parametrize("style", ["screen", "paper", "dark"])
def test_fonts_are_embedded_whoever_saves(orbit, style):
    file = io.BytesIO()
    cf.plot(orbit, style=style).savefig(file, format="pdf")
    assert b"/FontFile2" in file.getvalue()  # TrueType
    assert b"/Type3" not in file.getvalue()


def test_the_size_that_was_asked_for(orbit):
    figure = cf.plot(orbit, figsize=(3.2, 3.6))
    assert figure.get_size_inches().tolist() == [3.2, 3.6]
    figure.draw_without_rendering()
    wide = [axes.get_legend().get_window_extent().width for axes in figure.axes if axes.get_legend()]
    assert len(wide) == 2
    assert max(wide) < figure.bbox.width


def test_a_place_in_the_users_figure(orbit):
    figure, (left, right) = plt.subplots(1, 2, layout="constrained")
    part = cf.plot(orbit, ax=right)
    assert part.get_figure() is figure
    assert len(figure.axes) == 4  # the left one and the panels of an orbit
    figure.draw_without_rendering()
    assert min(axes.get_window_extent().x0 for axes in part.axes) >= left.get_window_extent().x1
    plt.close(figure)


def luminance(colour):
    return float(np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]))


def test_on_a_dark_ground_lines_and_letters_are_light(orbit):
    figure = cf.plot(orbit, style="dark")
    axes = figure.axes[0]
    assert luminance(figure.get_facecolor()) < 0.1
    drawn = [line.get_color() for line in axes.lines] + [text.get_color() for text in [axes.yaxis.label, figure._suptitle]]
    assert min(map(luminance, drawn)) > 0.35


@pytest.mark.parametrize("options, words", [
    ({"style": "dusk"}, "unknown style of figures 'dusk'; known: dark, paper, screen"),
    ({"figsize": (0.1, 3)}, "a side of a figure is 0.5 to 40 inches long, not 0.1 × 3"),
    ({"figsize": 3}, "figsize is two numbers"),
    ({"ax": 3}, "ax is an axes of matplotlib"),
    ({"ax": plt.Figure().add_axes([0, 0, 1, 1])}, "ax stands freely"),
    ({"ax": plt.Figure().subplots(), "figsize": (3, 3)}, "with ax= the size is that of your figure"),
])  # fmt: skip
def test_what_cannot_be_drawn_on(orbit, options, words):
    with pytest.raises(UsageError, match=words):
        cf.plot(orbit, **options)
