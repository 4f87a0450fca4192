"""README and all pages of the site: every line of Python and every command runs, and prints what the page says; links lead somewhere."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import typer

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.cli.app import application, protect_formulas
from cfdyn.machine.jit import DISABLED
from docs._site.blocks import SLOW, blocks, commands, commands_of_tables, pages
from docs._site.live import MARK
from docs._site.session import run, within

ROOT = Path(__file__).parents[2]
CHEAP = ("list", "show", "oscillation", "classify")
# What is run elsewhere: `make` and `pip` by the tests that anybody runs, and by those of packaging.
ELSEWHERE = ("make test", "make docs", "pip install")
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages(ROOT)}
BLOCKS = {page: blocks(text, (ROOT / page).parent) for page, text in TEXTS.items()}
SESSIONS = [page for page, found in BLOCKS.items() if any(block.language == "python" for block in found)]


def said(page):
    """(words, prints) of every command of a page; what a block prints is said with its last one."""
    found = []
    for block in BLOCKS[page]:
        if block.language == "commands":
            words = commands(block.code)
            found += [(each, None) for each in words[:-1]] + [(words[-1], block.prints)]
    found += [(words, None) for words in commands_of_tables(TEXTS[page])]
    found += [([*words, "--out", "live.html"], None) for mark in MARK.finditer(TEXTS[page]) for words in commands(mark["command"])]
    return [(command, prints) for command, prints in found if not " ".join(command).startswith(ELSEWHERE)]


COMMANDS = {page: said(page) for page in TEXTS if said(page)}
OURS = [words[1:] for each in COMMANDS.values() for words, _ in each if words[0] == "cfdyn" and words != ["cfdyn", "--help"]]
OURS = [words for k, words in enumerate(OURS) if words not in OURS[:k]]


def test_there_are_many():
    assert len(OURS) > 30 and {"study", "branch", "curve", "exact", "flow", "averages", "list"} <= {c[0] for c in OURS}
    assert len(SESSIONS) > 10


# -- Python -------------------------------------------------------------------------------------------


def expensive(page):
    return [pytest.mark.slow] if SLOW in TEXTS[page] else []


@pytest.mark.skipif(DISABLED, reason="long")
@pytest.mark.parametrize("page", [pytest.param(page, marks=expensive(page)) for page in SESSIONS])
def test_the_session_prints_what_the_page_says(page, tmp_path):
    drawn = run(ROOT / page, tmp_path)
    assert len(drawn) == sum(block.language == "python" for block in BLOCKS[page])
    assert all(file.stat().st_size > 1000 for _, pictures in drawn for file in pictures)


def test_a_wrong_page_is_found_out(tmp_path):
    wrong = tmp_path / "page.md"
    wrong.write_text("```python\nprint(1)\nprint(2)\n```\n\nprints\n\n```\n1\n3\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="page.md, line 2: the page says\n1\n3"):
        run(wrong, tmp_path)
    wrong.write_text("```python\nprint(1)\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="page.md, line 2"):
        run(wrong, tmp_path)


def test_a_block_is_code_or_what_code_prints():
    with pytest.raises(ValueError, match="line 4: a block without a language"):
        blocks("# Title\n\n```\n1\n```\n")
    assert [b.language for b in blocks("```text\n1\n```\n\n```\ncfdyn list losses\n```\n")] == ["commands"]


def test_the_paper_in_the_page_about_claims_can_be_copied():
    """Its claim holds, and the false statement beside it does not."""
    from cfdyn.claims.verdict import judge, measure

    *_, block = (b for b in BLOCKS["docs/guides/claims.md"] if b.language == "python")
    paper = {"__name__": "papers.author2600"}
    exec(compile(block.code, "claims.md", "exec"), paper)
    (claim,) = paper["CLAIMS"]
    assert [judge(c, measure(c)).verdict for c in (claim, claim.perturbed())] == ["reproduced", "contradicted"]


# -- commands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_it_can_be_parsed_and_its_files_are_there(words):
    command = typer.main.get_command(application()).commands[words[0]]
    command.make_context(words[0], protect_formulas(words[1:]))
    read = [word for before, word in pairwise(["", *words]) if before != "--csv"]  # that one is written
    files = re.findall(r"[\w./-]+\.(?:csv|npz)", " ".join(read))
    assert all((ROOT / file).is_file() or file.startswith("cfdyn-out/") for file in files)


@pytest.mark.parametrize("words", [words for words in OURS if words[0] in CHEAP], ids=" ".join)
def test_the_cheap_ones_run(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with pytest.raises(SystemExit) as end:
        main(words)
    out, err = capsys.readouterr()
    assert (end.value.code, err) == (0, "") and out


@pytest.mark.slow
@pytest.mark.parametrize("page", COMMANDS)
def test_the_commands_of_a_page_run_one_after_the_other_and_print_what_it_says(page, tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    there = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"} | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    there |= {"CFDYN_CACHE_DIR": str(tmp_path / "kept"), "COLUMNS": "120"}  # `cfdyn cache --limit` is one of them
    done = [(words, prints, run_command(words, tmp_path, there)) for words, prints in COMMANDS[page]]
    assert [(words, ran.stderr) for words, _, ran in done if ran.returncode or not ran.stdout] == []
    assert [(words, ran.stdout) for words, prints, ran in done if prints and not within(prints, ran.stdout)] == []


def run_command(words, folder, there):
    return subprocess.run(argv(words), capture_output=True, text=True, cwd=folder, env=there)


def argv(words):
    """How a command of a page is run from here; of `make study` its last line, the formula's study.

    Of all claims those that a minute is enough for: tests/papers computes each.
    """
    if words[:2] == ["make", "study"]:
        given = dict(word.split("=", 1) for word in words[2:])
        words = ["cfdyn", "study", given["FORMULA"], "--optimizer", given["OPTIMIZER"]]
    words = [*words, "--within", "60"] if words[:3] == ["cfdyn", "claims", "--report"] else words
    assert words[0] in ("cfdyn", "python"), shlex.join(words)
    return [sys.executable, *(["-m", "cfdyn"] if words[0] == "cfdyn" else []), *words[1:]]


# -- links, sizes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*TEXTS, "ARCHITECTURE.md", "CHANGELOG.md", "papers/README.md"])
def test_links_lead_somewhere(page):
    file = ROOT / page
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) if "://" not in link]
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_claims_that_pages_name_are_on_record():
    recorded = json.loads((ROOT / "papers" / "verdicts.json").read_text(encoding="utf-8"))
    named = {page: set(re.findall(r"`((?!mine)[a-z]+\d{4}\w*\.(?!py`)\w+)`", text)) for page, text in TEXTS.items()}
    assert {page: names - set(recorded) for page, names in named.items() if names - set(recorded)} == {}
    assert sum(len(names) for names in named.values()) > 50


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 9000


def test_the_example_of_a_log():
    """Gradient descent at the edge: the log is what the map gives, and in the end its sharpness swings about 2/lr."""
    log = np.loadtxt(ROOT / "examples" / "training-log.csv", delimiter=",", skiprows=1)
    orbit = cf.iterate(cf.as_map(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)), [0.05, 6.4], len(log) - 1)
    assert log[:, 1] == pytest.approx(orbit.loss, rel=1e-6) and log[-100:, 2].mean() == pytest.approx(2 / 0.3, rel=0.03)
