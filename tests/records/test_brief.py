"""What Python shows of a record: all of a short one, three lines of a long one; what `dir` and `help` show."""

import pydoc

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfdyn as cf


def test_a_short_record_is_shown_whole():
    assert repr(cf.Event(1.5, "enter", 2)) == "Event(t=1.5, kind='enter', rank=2)"


def test_a_study_begins_with_its_headline():
    found = cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    first, _, third = repr(found).split("\n")
    assert first.startswith("Study(title='double_well', optimizer='gd:lr=1.1', verdict=") and third.endswith("…)")
    assert found.headline in first and found.bullets[0] not in repr(found)


@given(st.text(max_size=2000), st.integers(0, 200))
def test_any_words_fit(words, rank):
    text = repr(cf.Event(float(rank), words, rank))
    assert len(text) <= 300 or len(text.split("\n")) <= 3


def test_the_package_lists_its_public_names_only():
    assert {"study", "losses", "Loss"} <= set(dir(cf)) and not {"sys", "importlib", "Any", "registry"} & set(dir(cf))
    assert all(hasattr(cf, name) for name in dir(cf))


ROOMS = "losses optimizers flows analysis certify symbolic claims networks data lifts".split()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_lists_its_public_names_only(room):
    found = getattr(cf, room)
    assert dir(found) == [name for name in dir(found) if not name.startswith("_") and hasattr(found, name)] != []
    assert not {"Any", "np", "importlib", "checked", "open_catalogue"} & set(dir(found))


@pytest.mark.parametrize("room", ["", *ROOMS])
def test_a_room_speaks_to_users_with_an_example(room):
    """The examples run as doctests."""
    words = (getattr(cf, room) if room else cf).__doc__
    assert words.count(">>> ") >= 3 and ">>> import cfdyn as cf" in words


def test_help_is_short_and_everything_can_be_imported_at_once():
    page = pydoc.render_doc(cf, renderer=pydoc.plaintext)
    assert page.count("\n") <= 66 and "help(cf.study)" in page
    names: dict[str, object] = {}
    exec("from cfdyn import *", names)
    assert set(dir(cf)) <= set(names) and set(cf.__all__) == set(dir(cf))
