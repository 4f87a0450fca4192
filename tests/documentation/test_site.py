"""What makes the site: its small tools, and that the reference has every public name."""

import doctest
import inspect
import re
from pathlib import Path

import pytest

import cfdyn as cf
from docs._site import blocks, docstrings, names, session

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = {"Event", "Run", "Studies", "Claim", "FoundCycle", "Question", "Search", "Verdict"}  # which the examples of functions show
ROOMS = {"cfdyn", *(f"cfdyn.{place}" for place in cf._PACKAGES.values())}


@pytest.mark.parametrize("module", [blocks, docstrings, session])
def test_examples_of_the_tools(module):
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)


def test_every_package_has_a_page():
    text = "".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference").glob("*.md")))
    assert set(re.findall(r"^\.\. room:: (\S+)", text, re.MULTILINE)) == ROOMS


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
