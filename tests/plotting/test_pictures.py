"""Figures look as they did: pictures of records that never change, held against those in the folder ``baselines``."""

import matplotlib
import pytest

from cfdyn.plotting.figures import bands, chart, orbit_diagram
from tests.plotting import pictures

SEEN = 0.8  # of 255, root mean square: more is a change that shows
# One of each layout and each style; the others are slow all together.
QUICK = ("Bands", "Comparison", "Crises", "OrbitDiagram, dark", "Basins, a column")
HOLDS = pytest.mark.skipif(
    matplotlib.__version__ != pictures.release(), reason=f"pictures hold for matplotlib {pictures.release()}, as in constraints.txt"
)


@HOLDS
@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in pictures.PICTURES])
def test_a_figure_looks_as_it_did(name):
    assert pictures.difference(name) <= SEEN, "if it is meant to: python -m tests.plotting.pictures, and look at what changed"


@HOLDS
@pytest.mark.parametrize(("module", "constant", "value", "name"), [
    (bands, "DEEPEST", -1.0, "Bands"),  # the lower axis ends elsewhere
    (orbit_diagram, "THICK", 5, "OrbitDiagram, dark"),  # lines of other width
    (chart, "NUMBERED", 2.0, "Chart"),  # numbers of regions are missing
])  # fmt: skip
def test_a_change_that_shows_is_seen(module, constant, value, name, monkeypatch):
    monkeypatch.setattr(module, constant, value)
    assert pictures.difference(name) > SEEN


def test_baselines_are_of_these_pictures_and_small():
    files = sorted(pictures.BASELINES.iterdir())
    assert files == sorted(map(pictures.baseline, pictures.PICTURES))
    assert sum(path.stat().st_size for path in files) <= 400_000
