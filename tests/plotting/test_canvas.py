"""Where and how a figure is drawn: size, style, a place in the user's figure, embedded fonts."""

import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.plotting import canvas, finish, narrow, titles

RECORDS, BEFORE = Path(__file__).parent / "records", Path(__file__).parents[1] / "records" / "before"


@pytest.fixture(scope="module")
def orbit():
    return cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1)), [0.5], 30)


@pytest.mark.parametrize("style", ["screen", "paper", "dark"])
def test_fonts_are_embedded_whoever_saves(orbit, style):
    file = io.BytesIO()
    cf.plot(orbit, style=style).savefig(file, format="pdf")
    assert b"/FontFile2" in file.getvalue()  # TrueType
    assert b"/Type3" not in file.getvalue()
    assert style != "paper" or (b"STIXGeneral" in file.getvalue() and b"DejaVuSans" not in file.getvalue())  # that of its formulas


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


def test_images_in_files_of_vectors_are_fit_for_print():
    file, figure = io.BytesIO(), cf.plot(cf.load(RECORDS / "OrbitDiagram.npz"))
    figure.savefig(file, format="pdf")
    width = max(int(pixels) for pixels in re.findall(rb"/Width (\d+)", file.getvalue()))
    panel = figure.axes[0].get_window_extent().width / figure.dpi
    assert width / panel >= 300  # dots an inch


def test_many_dots_are_an_image_and_few_are_not():
    step, sizes = cf.Map.from_text("r*x*(1-x)", params={"r": 3.9}), {}
    for count in (100, 4_000):
        file, figure = io.BytesIO(), cf.plot(cf.iterate(step, [0.3], count))
        figure.savefig(file, format="svg")
        sizes[count] = len(file.getvalue())
        assert bool(figure.axes[0].lines[0].get_rasterized()) == (count == 4_000)
    assert sizes[4_000] < 10 * sizes[100]  # not in proportion to the dots


@pytest.fixture(scope="module")
def column():
    figure = cf.plot(cf.load(RECORDS / "RunsComparison.npz"), figsize=(3.15, None), style="paper")
    figure.draw_without_rendering()
    return figure


def test_in_one_column_panels_stand_below_each_other(column):
    boxes = sorted((axes.get_window_extent() for axes in column.axes), key=lambda box: -box.y0)
    assert len(boxes) == 6
    assert all(above.y0 > below.y1 for above, below in zip(boxes[:-1], boxes[1:], strict=True))
    assert column.get_figwidth() == 3.15


def test_in_one_column_all_words_are_on_the_canvas_and_legible(column):
    words = [text for legend in column.legends for text in legend.get_texts()] + [column._suptitle]
    words += [word for axes in column.axes for word in (axes.title, axes.xaxis.label, axes.yaxis.label)]
    boxes = [word.get_window_extent() for word in words if word.get_text()]
    assert len(boxes) > 12
    assert all(box.x0 >= 0 and box.x1 <= column.bbox.width and box.y0 >= 0 and box.y1 <= column.bbox.height for box in boxes)
    assert min(text.get_fontsize() for text in column.findobj(Text) if text.get_text()) >= 6


def test_a_long_title_has_more_lines(orbit):
    figure = cf.plot(orbit)
    title = figure.suptitle("a title that says too much " * 9)
    narrow.fit_titles(figure)
    figure.draw_without_rendering()
    assert 0 <= title.get_window_extent().x0 < title.get_window_extent().x1 <= figure.bbox.width


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
    ({"ax": plt.Figure().add_axes([0, 0, 1, 1])}, "ax has its own position"),
    ({"ax": plt.Figure().subplots(), "figsize": (3, 3)}, "with ax= the size is that of your figure"),
])  # fmt: skip
def test_what_cannot_be_drawn_on(orbit, options, words):
    with pytest.raises(UsageError, match=words):
        cf.plot(orbit, **options)


def test_on_a_dark_ground_dots_and_pictures_are_light_too():
    picture = cf.plot(cf.load(RECORDS / "OrbitDiagram.npz"), style="dark").axes[0].images[0].get_array()
    assert np.median(np.asarray(picture)) < 0.15 < 0.6 < picture.max()
    studies = cf.plot(cf.load(RECORDS / "Studies.npz"), style="dark").axes[0]
    letters = {text.get_text(): luminance(text.get_color()) for text in studies.texts}
    assert min(letters.values()) > 0.6 and len(letters) == 1  # of what failed, on the ground
    cascade = cf.plot(cf.load(BEFORE / "Cascade.npz"), style="dark")
    assert min(luminance(line.get_markerfacecolor()) for line in cascade.axes[1].lines) > 0.35


@pytest.mark.parametrize("name", ["Basins", "Chart", "Crises", "InvariantDensity", "RunsComparison", "SettlingTimes"])
def test_any_figure_takes_the_place_of_an_axes(name):
    figure, (left, right) = plt.subplots(1, 2, layout="constrained", figsize=(8, 5))
    part = cf.plot(cf.load(RECORDS / f"{name}.npz"), ax=right)
    figure.draw_without_rendering()
    assert part.axes
    assert all(axes.get_window_extent().x0 > left.get_window_extent().x1 for axes in part.axes)
    plt.close(figure)


@pytest.mark.parametrize("name", ["RunsComparison", "Runs", "Comparison", "Study", "Trajectory", "Averages"])
def test_a_column_is_no_higher_than_a_page_and_its_panels_are_not_too_flat(name):
    """24 cm; three to six panels of at least 1.4 cm each, and none over another."""
    [path] = [folder / f"{name}.npz" for folder in (RECORDS, BEFORE) if (folder / f"{name}.npz").exists()]
    figure = cf.plot(cf.load(path), figsize=(3.15, None), style="paper")
    figure.draw_without_rendering()
    boxes = sorted((axes.get_position() for axes in figure.axes), key=lambda box: -box.y0)
    heights = [box.height * figure.get_figheight() * 2.54 for box in boxes]
    assert 20 < figure.get_figheight() * 2.54 < 24.01 and min(heights) > 1.4
    assert all(upper.y0 > lower.y1 for upper, lower in zip(boxes, boxes[1:]))


@pytest.mark.parametrize(("size", "warned"), [((3.15, 2.6), 1), ((3.15, None), 0), ((6.8, 4.5), 0)])
def test_a_size_that_leaves_panels_no_room_is_said(size, warned, recwarn, tmp_path):
    """Six panels beside each other in a column of 8 cm are specks; below each other they need a page."""
    cf.plot(cf.load(RECORDS / "RunsComparison.npz"), tmp_path / "runs.png", figsize=size)
    assert [str(each.message).count("no room: more height, or the width alone") for each in recwarn] == [1] * warned


LONG = "x → (w**2 - 1)**2/4 + b*x**3/(a + 1) - c*x**5/7 + exp(x)/(1 + exp(x))"


@pytest.mark.parametrize("words", [LONG, "gd:lr=1 on (w**2 - 1)**2/4", "x → a*x**2/2 - x**4/(b*24); y → x**3/3"])
def test_a_title_has_letters_that_can_be_read(words):
    """No letter of a line below 6 points, no exponent below 5, in a column; and inside the figure."""
    figure = canvas.new_figure(3.3, 2.5)
    figure.subplots()
    title = figure.suptitle(titles.typeset(words), fontsize=9)
    assert "frac" in title.get_text()
    finish.set_in_line(figure)
    narrow.fit_titles(figure)
    parse = MathTextParser("path").parse
    lines = [parse(line, 72, title.get_fontproperties()) for line in title.get_text().split("\n")]
    sizes = [glyph[1] for line in lines for glyph in line.glyphs]
    assert min(sizes) >= 5 - 1e-9 and title.get_fontsize() >= 6 and "frac" not in title.get_text()
    assert max(line.width for line in lines) <= 72 * 3.3
