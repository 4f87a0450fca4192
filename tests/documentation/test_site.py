"""What makes the site: its small tools, and that the reference has every public name."""

import doctest
import inspect
import re
from pathlib import Path

import matplotlib.image
import pytest

import cfdyn as cf
from docs._site import blocks, dark, docstrings, gallery, live, names, pictures, session

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = {"Event", "Run", "Studies", "Claim", "FoundCycle", "Question", "Search", "Verdict"}  # which the examples of functions show
ROOMS = {"cfdyn", *(f"cfdyn.{place}" for place in cf._PACKAGES.values())}


@pytest.mark.parametrize("module", [blocks, dark, docstrings, gallery, live, pictures, session])
def test_examples_of_the_tools(module):
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)


def test_a_live_figure_is_the_page_that_its_command_writes(tmp_path):
    """Its file has the loss of the command, is small enough, and is written once."""
    page = "<!-- live: cfdyn explore double_well --optimizer gd:lr=1.1 --landmarks 0 #flows=1 | Drag. -->"
    (mark,) = live.MARK.finditer(page)
    live.write(mark["command"], tmp_path)
    file = tmp_path / live.file_name(mark["command"])
    assert 50_000 < file.stat().st_size < live.MOST and "double_well" in file.read_text(encoding="utf-8")
    assert f'src="../live/{file.name}?figure#flows=1"' in live.framed(mark, "../live")
    before = file.stat().st_mtime_ns
    live.write(mark["command"], tmp_path)
    assert file.stat().st_mtime_ns == before


def test_every_mark_of_a_live_figure_is_read():
    texts = [page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md") if "_build" not in page.parts]
    marks = sum(text.count("<!-- live:") for text in texts)
    assert marks == sum(len(live.MARK.findall(text)) for text in texts) >= 9


def test_every_package_has_a_page():
    text = "".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference").glob("*.md")))
    assert set(re.findall(r"^\.\. room:: (\S+)", text, re.MULTILINE)) == ROOMS


def test_pages_of_folders_have_each_analysis_once_and_list_their_own():
    """By question: the functions of a folder of analyses are on one page, which begins with what to ask them."""
    shown, entries = [], []
    for page in sorted((DOCS / "reference").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for folder in re.findall(r"^\.\. room:: cfdyn\.analysis (\w+)$", text, re.MULTILINE):
            entries += (here := [entry[0] for entry in names.entries("cfdyn.analysis", folder)])
            own = {entry.split()[-1].replace("cfdyn", "cf") for entry in here if "autofunction" in entry}
            listed = re.findall(r"`(cf\.analysis\.\w+)`", text)
            assert listed and set(listed) <= own and len(set(listed)) == len(listed)
            shown += own
    assert len(set(entries)) == len(entries)  # Sphinx takes a second description of a record for an error
    assert sorted(shown) == [f"cf.analysis.{name}" for name in cf.analysis.names()]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_public_name_has_an_entry_with_an_example(room):
    package = __import__(room, fromlist=["_"])
    offered = package.names() if hasattr(package, "names") else names.public(package)
    directives = [line for entry in names.entries(room) for line in entry if line.startswith(".. auto")]
    assert {f"{room}.{name}" for name in offered} <= {line.split()[-1] for line in directives}
    without = [name for name in offered if ">>>" not in (inspect.getdoc(getattr(package, name)) or "")]
    assert set(without) <= RESULTS


def test_records_of_private_files_have_an_entry_behind_the_function_that_gives_them():
    found = [re.split(r"[.:]+", entry[0])[-1] for entry in names.entries("cfdyn.analysis")]
    place = found.index("continue_cycle")
    assert found[place + 1 : place + 4] == ["Bifurcation", "FunctionZero", "Branch"] and found.count("Branch") == 1


def test_prose_is_escaped_and_code_is_not():
    assert (
        docstrings.escaped("|w| and `a|b` and w* and *Title, in two words*")
        == r"\|w\| and `a|b` and w\* and *Title, in two words*"
    )
    assert docstrings.escaped("    * **never**: |w| < w*") == r"    * **never**: \|w\| < w\*"


def test_a_file_that_is_included_is_code(tmp_path):
    (tmp_path / "one.py").write_text("print(1)\n", encoding="utf-8")
    (found,) = blocks.blocks("```{literalinclude} one.py\n```\n\n```\n1\n```\n", tmp_path)
    assert (found.language, found.code, found.prints) == ("python", "print(1)\n", "1\n")


def test_the_gallery_shows_24_figures():
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    shown = gallery.chosen(text)
    assert len(shown) == len({example.record for example in shown}) == 24
    made = gallery.with_thumbnails(text, "_build/figures/gallery")
    assert "{gallery}" not in made and all(made.count(example.code) == 1 for example in shown)
    assert all(f"/{name})" in made for example in shown for name in (example.picture, dark.twin(example.picture)))


@pytest.mark.slow
def test_a_thumbnail_is_drawn_in_light_and_dark(tmp_path):
    (example,) = gallery.chosen("```{gallery}\nBranch\n```\n")
    gallery.draw(example, tmp_path)
    light, dark = (matplotlib.image.imread(tmp_path / name)[0, 0, :3].mean() for name in ("branch.png", "branch-dark.png"))
    assert light > 0.9 and dark < 0.3


def test_code_of_a_picture_is_folded_where_the_page_has_a_place_for_it():
    place, code = "<!-- picture: One\ndot. -->\n\n", "```python\nplt.plot()\nprint(1)\n```\n\n```\n1\n```\n"
    shown = pictures.with_pictures(place + code, [(blocks.blocks(place + code)[0], ["/a.png", "/b.png"])])
    assert shown.startswith("![One dot.](/a.png)\n\n*One\ndot.*\n\n<details>") and shown.index("</details>") < shown.index("```\n1\n")
    assert shown.count("/a.png") == 1 and shown.index("```\n1\n") < shown.index("/b.png")
    assert "<details>" not in pictures.with_pictures(code, [(blocks.blocks(code)[0], ["/a.png"])])


@pytest.mark.parametrize("page", sorted((DOCS / "questions").glob("[!i]*.md")), ids=lambda page: page.stem)
def test_a_page_about_a_question_begins_with_the_answer_and_the_picture(page):
    text = page.read_text(encoding="utf-8")
    before = text[: text.index("\n## ")]
    assert re.search(r"^> .*\n\n\*\*.*\*\*\n\n<!-- picture: .* -->\n$", before, re.DOTALL | re.MULTILINE)
