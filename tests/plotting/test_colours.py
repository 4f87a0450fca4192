"""The colours of regimes are told apart by all readers: CIEDE2000 as seen by red-blind and green-blind ones, and in grey."""

from __future__ import annotations

from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from cfdyn.plotting.cells import draw_labels
from cfdyn.plotting.dark import GROUND, darken
from cfdyn.plotting.figures.bands import draw_bands
from cfdyn.plotting.figures.training import _spectrogram
from cfdyn.plotting.style import BEHIND, HATCHES, LONGEST, REGIMES, free_colours

# Machado, Oliveira & Fernandes (2009), severity 1, for linear RGB.
SEEN = {
    "all cones": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
DRAWN = [name for name in REGIMES if name != "unresolved"]  # of a map of regimes
USUAL = [name for name in DRAWN if name not in {f"period {n}" for n in range(5, LONGEST + 1)}]


def linear(colour) -> np.ndarray:
    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> tuple[float, float, float]:
    """CIELAB of linear RGB, white D65."""
    x, y, z = (XYZ @ rgb) / (XYZ @ np.ones(3))
    f = [np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z)]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def difference(one, two) -> float:
    """CIEDE2000 (Sharma, Wu & Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (hypot(a1, b1) + hypot(a2, b2)) / 2
    g = 0.5 * (1 - sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dl, dc, dh = l2 - l1, c2 - c1, 2 * sqrt(c1 * c2) * sin(radians(turn / 2))
    l, c = (l1 + l2) / 2, (c1 + c2) / 2
    h = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * cos(radians(h - 30))
        + 0.24 * cos(radians(2 * h))
        + 0.32 * cos(radians(3 * h + 6))
        - 0.2 * cos(radians(4 * h - 63))
    )
    sl, sc, sh = 1 + 0.015 * (l - 50) ** 2 / sqrt(20 + (l - 50) ** 2), 1 + 0.045 * c, 1 + 0.015 * c * t
    turned = -sin(radians(60 * exp(-(((h - 275) / 25) ** 2)))) * 2 * sqrt(c**7 / (c**7 + 25**7))
    return sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + turned * dc / sc * dh / sh)


@pytest.mark.parametrize(
    ("one", "two", "published"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.0, 2.0), (50, 0, 0), 2.3669),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_are_those_of_the_published_pairs(one, two, published):
    assert abs(difference(one, two) - published) < 5e-5


@pytest.mark.parametrize("reader", SEEN)
def test_any_two_regimes_are_told_apart(reader):
    """But for what is pale: undecided cells are dotted."""
    seen = {name: lab(np.clip(SEEN[reader] @ linear(REGIMES[name]), 0, 1)) for name in DRAWN}
    apart = {pair: difference(seen[pair[0]], seen[pair[1]]) for pair in combinations(DRAWN, 2) if set(pair) != {"divergent", "undecided"}}
    nearest = min(apart, key=apart.get)
    assert len(seen) == 15 and apart[nearest] >= 15, (nearest, apart[nearest])
    assert "undecided" in HATCHES and "divergent" not in HATCHES


def test_in_grey_any_two_usual_regimes_differ_in_lightness_or_by_hatching():
    light = {name: lab(linear(REGIMES[name]))[0] for name in USUAL}
    alike = [(a, b) for a, b in combinations(USUAL, 2) if abs(light[a] - light[b]) < 8 and HATCHES.get(a) == HATCHES.get(b)]
    assert alike == []


@pytest.mark.parametrize("ground", ["#ffffff", GROUND])
def test_behind_states_any_two_usual_regimes_differ_in_colour_lightness_or_hatching(ground):
    """Half of a difference is left there."""
    below, seen = np.array(to_rgb(ground)), {}
    for name in USUAL:
        mixed = BEHIND * np.array(to_rgb(REGIMES[name])) + (1 - BEHIND) * below
        seen[name] = lab(linear(to_hex(mixed)))
    alike = [(a, b) for a, b in combinations(USUAL, 2) if HATCHES.get(a) == HATCHES.get(b)
             and difference(seen[a], seen[b]) < 15 and abs(seen[a][0] - seen[b][0]) < 10]  # fmt: skip
    assert alike == []


def test_bands_are_hatched_like_maps_of_regimes():
    edges = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    names = ["period 7", "quasi-periodic", "divergent", "undecided"]
    bands = SimpleNamespace(bands=list(zip(edges, edges[1:], names)), values=edges, tails=np.ones((5, 2)), parameter="lr")
    axes = Figure().add_subplot()
    legend = draw_bands(axes, bands)
    assert [area.get_hatch() for area in axes.patches] == [HATCHES.get(name) for name in names] and HATCHES["undecided"]
    assert legend == [] and [text.get_text() for text in axes.texts] == ["period 7", "quasi-periodic", "diverges", "undecided"]


@pytest.mark.parametrize("shape", [(3, 4), (1, 4)])
def test_hatching_ends_where_its_cells_end(shape):
    """The two columns on the right, from the middle between columns to the border of the map."""
    axes, (rows, columns) = Figure().add_subplot(), shape
    labels = np.where(np.arange(columns) < 2, 0, 1) + np.zeros(shape, int)
    first, second = np.arange(columns) + 0.5, np.arange(rows) + 0.5
    draw_labels(axes, ["lr", "c"], first, second, labels, {0: "fixed point", 1: "undecided"})
    [hatched] = axes.collections
    corners = np.concatenate([path.vertices for path in hatched.get_paths()])
    assert np.ptp(corners, axis=0) == pytest.approx([2, rows]) and corners.max(0) == pytest.approx([columns, rows])
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, columns), (0, rows))


def test_periods_that_are_seen_have_colours_of_their_own():
    """Of 1, 3, 11 and 13, with the rest chaotic; of one cell in 2000 period 7 has its own too, 17 is among other periods."""
    labels = np.full((40, 50), -1)
    labels[:8], labels[8:12], labels[12:20], labels[20:22], labels[39, 48], labels[39, 49] = 1, 3, 11, 13, 7, 17
    called = {-1: "chaotic", **{n: f"period {n}" if n > 1 else "fixed point" for n in (1, 3, 7, 11, 13, 17)}}
    key = draw_labels(Figure().add_subplot(), ["lr", "c"], np.arange(50), np.arange(40), labels, called)
    colours = {name: to_hex(patch.get_facecolor()) for name, patch in key.items()}
    assert list(colours) == ["fixed point", "period 3", "period 7", "period 11", "period 13", "period", "chaotic"]
    assert len(set(colours.values())) == 7 and all(colours[name] == REGIMES[name] for name in ("period 3", "period 7"))
    assert {colours["period 11"], colours["period 13"]} <= {REGIMES[name] for name in free_colours(["fixed point", "period 3"])}


def test_more_periods_than_colours_are_other_periods():
    labels = np.arange(30)[None, :] + np.ones((2, 1), int)
    key = draw_labels(Figure().add_subplot(), ["lr", "c"], np.arange(30), np.arange(2), labels, {n: f"period {n}" for n in range(1, 31)})
    assert list(key) == [*(f"period {n}" for n in range(1, LONGEST + 1)), "period"]


@pytest.mark.parametrize("style", ["screen", "dark"])
def test_periods_in_a_spectrogram_are_read_on_their_strips(style):
    """A contrast of 4.5 (WCAG 2.1), of letters with the picture beneath them."""
    t = np.arange(400)
    run = SimpleNamespace(
        loss=t + 1.0, average_loss=t + 1.0, models={}, t=t, coordinates=np.cos(np.outer(t, [3.1, 1.0])), sharpness=t * 1.0,
        usual_periods=SimpleNamespace(episodes=[{"direction": 1 + k // 2, "period": period, "since": 200 * (k % 2), "until": 200 * (k % 2) + 199}
                                                for k, period in enumerate([1, 2, 3, 4, 5, None])]))  # fmt: skip
    figure = Figure(figsize=(6, 4))
    axes = figure.add_subplot()
    _spectrogram(axes, run)
    if style == "dark":
        darken(figure)
    letters = {text: linear(text.get_color()) for text in axes.texts}
    for text in letters:
        text.set_visible(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[::-1, :, :3] / 255
    found = {}
    for text, ink in letters.items():
        column, row = axes.transData.transform(text.get_position()).round().astype(int)
        light, below = XYZ[1] @ ink, XYZ[1] @ linear(picture[row, column])
        found[text.get_text()] = (max(light, below) + 0.05) / (min(light, below) + 0.05)
    assert len(found) == 6 and min(found.values()) >= 4.5, found
