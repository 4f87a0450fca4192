"""Help: groups, examples that can be parsed and run, one form for values, no line too long; completion by TAB."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cfdyn.cli import main
from cfdyn.cli.app import application, protect_formulas
from cfdyn.cli.help import examples, form, summary

ROOT = Path(__file__).parents[2]
APPLICATION = typer.main.get_command(application())
COMMANDS = APPLICATION.commands
EXAMPLES = [(name, line) for name, command in COMMANDS.items() for line in examples(command.help)]
CHEAP = [line for name, line in EXAMPLES if name in ("list", "show", "orbit", "classify")]
GROUPS = ["Study", "Orbits", "Maps and chaos", "Cycles and bifurcations", "Flows", "Stochastic gradients", "Networks",
          "Proofs and claims", "Catalogues and cache"]  # fmt: skip
# A word in capitals, a list of it, a pair of them, what may be left out in brackets, a choice of two forms.
WORD = r"(?:[A-Z]+|lr)"
LIST = rf"{WORD}(?:[:,=]{WORD})*(?:\[[:,]{WORD}\])*(?:,…)?"
FORM = re.compile(rf"(?:{LIST}(?:\|{LIST})?|FILE\.\w+|\[{WORD}\](?:\.\.\.)?)")


def shown(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(list(words))
    out, err = capsys.readouterr()
    assert (end.value.code, err) == (0, "")
    return out


def test_commands_stand_in_groups(capsys, monkeypatch):
    """Each command once, below the group that its own file names, in the order of the field."""
    monkeypatch.setenv("COLUMNS", "80")
    out = shown(capsys, "--help")
    heads = re.findall(r"^(\w.*):$", out, re.MULTILINE)
    assert heads == ["Examples", *GROUPS, "Options"]
    listed = re.findall(r"^  ([a-z-]+)  +\S", out.partition("Study:")[2].partition("\nOptions:")[0], re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS) and listed[:3] == ["study", "studies", "orbit"]
    assert {command.rich_help_panel for command in COMMANDS.values()} == set(GROUPS)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_says_of_itself(name):
    """One sentence that fits beside its name, examples, and a sentence for each option, with one form for values."""
    command = COMMANDS[name]
    assert 10 < len(summary(command.help)) <= 75 and 1 <= len(examples(command.help)) <= 2
    for parameter in command.params:
        assert parameter.help and parameter.help[-1] in ".)" and "`" not in parameter.help, parameter.name
        assert getattr(parameter, "is_flag", False) or FORM.fullmatch(form(parameter)), (parameter.name, form(parameter))


NEEDED = {"branch": "--vary", "cascade": "--vary", "crises": "--vary", "curve": "--vary", "diagram": "--vary", "escape": "--outside",
          "intermittency": "--critical", "regimes": "--vary", "tangencies": "--vary"}  # fmt: skip
GO_ON = {"diagram", "regimes"}  # with a record, which has its ranges


def test_no_other_option_is_said_to_be_required():
    said = [(name, option.opts[0]) for name, command in COMMANDS.items() for option in command.params if "(required" in option.help]
    assert dict(said) == NEEDED and len(said) == len(NEEDED), "a required option of a new command goes to NEEDED in tests/cli/test_help.py"


@pytest.mark.parametrize("name", NEEDED)
def test_an_option_that_a_command_cannot_do_without_is_marked(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        main([name, "double_well"])
    assert end.value.code == 2 and NEEDED[name] in capsys.readouterr().err
    usage = shown(capsys, name, "--help").splitlines()[0]
    assert (f"[LOSS] {NEEDED[name]} " in usage) == (name not in GO_ON)


@pytest.mark.parametrize("width", [50, 60, 80, 200])
def test_no_line_is_too_long(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    texts = [APPLICATION.get_help(typer.Context(APPLICATION, info_name="cfdyn"))]
    texts += [command.get_help(typer.Context(command, info_name=f"cfdyn {name}")) for name, command in COMMANDS.items()]
    lines = [line for text in texts for line in text.splitlines()]
    assert len(lines) > 1000 and [line for line in lines if len(line) > min(width, 100)] == []


@pytest.mark.parametrize("line", [line for _, line in EXAMPLES])
def test_examples_can_be_parsed(line):
    program, name, *words = shlex.split(line)
    assert program == "cfdyn"
    COMMANDS[name].make_context(name, protect_formulas(words))


@pytest.mark.parametrize("line", CHEAP)
def test_the_cheap_ones_run(line, tmp_path, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert shown(capsys, *shlex.split(line)[1:])


@pytest.mark.slow
def test_all_of_them_run_one_after_the_other(tmp_path, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    failed = []
    for _, line in EXAMPLES:
        with pytest.raises(SystemExit) as end:
            main(shlex.split(line)[1:])
        out, err = capsys.readouterr()
        failed += [] if end.value.code == 0 and out else [(line, err)]
    assert failed == [] and len(EXAMPLES) > 50


def completed(words, place):
    """What bash is offered for the last of these words, and whether numpy was imported for it."""
    there = {**os.environ, "PYTHONPATH": str(ROOT), "_CFDYN_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words),
             "COMP_CWORD": str(len(words) - 1)}  # fmt: skip
    code = ("import atexit, os, sys; atexit.register(lambda: os.write(2, str('numpy' in sys.modules).encode())); "
            "from cfdyn.cli import main; main()")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=place, env=there)
    return done.stdout.split(), done.stderr


@pytest.mark.parametrize(("words", "offered"), [
    (["cfdyn", "esc"], ["escape"]), (["cfdyn", "study", "double_w"], ["double_well"]),
    (["cfdyn", "study", "double_well", "--optimizer", "nest"], ["nesterov"]),
])  # fmt: skip
def test_names_are_completed(words, offered, tmp_path):
    assert completed(words, tmp_path) == (offered, "False")


@pytest.mark.parametrize("shell", ["bash", *(pytest.param(shell, marks=pytest.mark.slow) for shell in ("zsh", "fish"))])
def test_the_script_for_a_shell_is_printed(shell, tmp_path):
    there = {**os.environ, "PYTHONPATH": str(ROOT), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run([sys.executable, "-m", "cfdyn", "--show-completion", shell], capture_output=True, text=True, cwd=tmp_path,
                          env=there)  # fmt: skip
    assert done.returncode == 0 and "_CFDYN_COMPLETE" in done.stdout
