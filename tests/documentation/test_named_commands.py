"""Commands that are named outside of the blocks of pages: in sentences, by make, by the wheel's warm-up, in benchmarks."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer

from cfdyn.cli.app import application, protect_formulas
from docs._site.blocks import pages
from tests import test_releases, wheel

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(application()).commands
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
VARIABLES = dict(re.findall(r"^(\w+) \?= (.*)$", MAKEFILE, re.MULTILINE))
WRITTEN = [*pages(ROOT), *(ROOT / name for name in ("ARCHITECTURE.md", "papers/README.md", "CITATION.cff"))]
WORDS = ("-", "COMMAND")  # what may stand for a command's name


def parsed(words):
    """By the command line's own parser, which also looks at values; nothing is run."""
    return COMMANDS[words[0]].make_context(words[0], protect_formulas(list(words[1:])))


def known(words):
    """Its name and its options, where words such as FILE or … stand for values."""
    if words[0].startswith(WORDS):
        return True
    options = {name for one in COMMANDS[words[0]].params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    return not {word.partition("=")[0] for word in words[1:] if word.startswith("--")} - options


def named(path):
    """Words behind cfdyn, python -m and make in code within sentences."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`(cfdyn|(?:\S*python )?-m|make) ([^`]*)`", text)


SENTENCES = sorted({(program.split()[-1], words.replace("\n", " ")) for path in WRITTEN for program, words in named(path)})
RECIPES = [line.strip() for line in MAKEFILE.replace("\\\n", " ").splitlines() if line.startswith("\t")]


def of_make():
    """Of each call of cfdyn its words, variables in place."""
    for line in RECIPES:
        for call in re.findall(r"\$\(VENV\)/bin/cfdyn ([^;&|]*)", line):
            yield shlex.split(re.sub(r"\$\$(\w+)", lambda found: VARIABLES.get(found[1], "folder"), call))


def of_benchmarks():
    """Of each list of words that begins with -m cfdyn those that are written out."""
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words = [one.value if isinstance(one, ast.Constant) else "…" for one in node.elts] if isinstance(node, ast.List | ast.Tuple) else []
            if words[:2] == ["-m", "cfdyn"]:
                yield words[2:]


@pytest.mark.parametrize("words", [*wheel.REHEARSAL, *test_releases.FIRST, *of_make()], ids=" ".join)
def test_it_parses(words):
    assert parsed(words) is not None


def test_a_command_that_is_none_does_not_parse():
    for words in (["manifolds", "double_well"], ["manifold", "--lenght", "5"], ["manifold", "double_well", "--period", "two"]):
        with pytest.raises(Exception, match="manifolds|No such option|integer"):
            parsed(words)
    assert not known(["manifold", "--lenght"]) and known(["manifold", "FILE", "--length", "…"])


@pytest.mark.parametrize("program, words", SENTENCES, ids=lambda text: text[:40])
def test_what_sentences_name_is_there(program, words):
    first = words.split()[0]
    if program == "make":
        assert re.search(rf"^{first.rstrip(',')}:|^\.PHONY:.* {first}\b", MAKEFILE, re.MULTILINE), first
    elif program == "-m":
        place = ROOT / first.replace("cfdyn_papers", "papers").replace(".", "/")
        assert place.is_dir() or place.with_suffix(".py").is_file() or first in ("pip", "build", "venv"), first
    else:
        assert known(words.split())


def test_benchmarks_call_commands_that_are_there():
    found = [words for words in of_benchmarks() if words]
    assert len(found) > 1 and all(map(known, found))


def test_what_make_calls_of_the_tests_and_benchmarks_is_there():
    files = re.findall(r"\$\(PY\) (?:-m (tests\.[\w.]+)|([\w/]+\.py))", "\n".join(RECIPES))
    assert len(files) > 4 and all((ROOT / (file or f"{module.replace('.', '/')}.py")).is_file() for module, file in files)
    assert len(list(of_make())) > 5
