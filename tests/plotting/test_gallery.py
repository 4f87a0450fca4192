"""The gallery: every kind of figure, in three lines that are executed."""

import pytest

from cfdyn.plotting import figure_files
from papers import gallery

EXAMPLES = gallery.examples()


def test_every_kind_of_figure_is_shown_once():
    shown = sorted(e.record for e in EXAMPLES)
    assert shown == sorted(figure_files()), "a new figure has an example of three lines here: add it to EXAMPLES in papers/gallery.py"
    assert len({e.picture for e in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.record)
def test_three_lines(example):
    assert len(example.code.splitlines()) == 3


def write_and_read(folder, records):
    page = gallery.write(folder, records).read_text(encoding="utf-8")
    return {name: (folder / name).read_bytes()[:4] for name in [e.picture for e in EXAMPLES if e.record in records] if f"]({name})" in page}


def test_the_lines_write_the_pictures_of_the_page(tmp_path):
    assert write_and_read(tmp_path, ["Cycles", "Branch"]) == {"cycles.png": b"\x89PNG", "branch.png": b"\x89PNG"}


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.record)
def test_the_lines_draw_that_record(example, tmp_path):
    assert example.draw(tmp_path) == example.record
    assert (tmp_path / example.picture).read_bytes()[:4] == b"\x89PNG"
