"""Nothing that lies in the folder where a command is called is executed, neither by it nor by the processes that it starts."""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from pathlib import Path

import pytest

from cfdyn.machine import ahead, unfinished
from cfdyn.machine.workers import Crew, asked
from tests.cli.test_hostile import USUAL
from tests.processes import finished, kernels_until_now, until

ROOT = Path(__file__).resolve().parents[2]
# As the script `cfdyn` has it: Python itself puts the folder first for `python -m`.
CFDYN = [sys.executable, "-P", "-m", "cfdyn"]
PACKAGES = ("cfdyn", "papers", "cfdyn_papers", "numpy", "numba", "scipy", "sympy", "matplotlib", "zarr", "jax", "typer", "flint")
PROGRAMS = ("latex", "pdflatex", "xelatex", "dvipng", "gs", "pdftops", "python", "python3")
SETTINGS = """text.usetex: True
text.latex.preamble: \\\\input{|evil}
backend: module://evil
figure.hooks: evil:go
ps.usedistiller: xpdf
svg.image_inline: False
figure.dpi: 20000
savefig.dpi: 20000
axes.labelsize: 4000
"""
ANEW = {"claims": ["may1976.first_flip", "--anew", "--report", "report"], "check": ["absent.json"],
        "certify": ["none", "double_well", "--period", "3", "--optimizer", "gd:lr=1.1", "--jobs", "2"]}  # fmt: skip
WITHOUT = ("--no-figure", "--within", "0")
DRAW = {"compare": ["--animate", "film.gif"]}


def hostile(folder: Path) -> dict[str, str]:
    """A folder in which whatever is executed says so in the file `executed`; the environment of a process."""
    marked = f"open({str(folder / 'executed')!r}, 'a').write(__name__ + ' ')\nraise SystemExit('executed')\n"
    for name in {*sys.stdlib_module_names, "sitecustomize", "usercustomize", "evil"}:
        (folder / f"{name}.py").write_text(marked)
    for name in PACKAGES:
        (folder / name).mkdir()
        for module in ("__init__", "__main__", "evil2026"):
            (folder / name / f"{module}.py").write_text(marked)
    (folder / "matplotlibrc").write_text(SETTINGS)
    (folder / "programs").mkdir()
    for name in PROGRAMS:
        (folder / "programs" / name).write_text(f"#!/bin/sh\necho {name} >> {folder / 'executed'}\nexit 1\n")
        (folder / "programs" / name).chmod(0o755)
    (folder / "log.csv").write_text("a,b\n" + "".join(f"{i % 2},{i % 3}\n" for i in range(60)))
    (folder / "list.csv").write_text("loss,optimizer\nw**2/2,heavy_ball:lr=0.3\n")
    kernels_until_now(folder / "cache")
    path = os.pathsep.join([str(folder / "programs"), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "CFDYN_CACHE_DIR": str(folder / "cache")}


def test_it_is_hostile(tmp_path):
    """What a process executes that does look in the folder where it is."""
    environment = hostile(tmp_path)
    finished([sys.executable, "-c", "import numpy"], cwd=tmp_path, env=environment)
    finished([sys.executable, "-m", "cfdyn", "list", "losses"], cwd=tmp_path, env=environment)
    numpy, begun = (tmp_path / "executed").read_text().split()
    assert numpy == "numpy" and begun in {*sys.stdlib_module_names, "cfdyn"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "exact")) for name in USUAL])
def test_a_command_executes_nothing_of_its_folder(name, tmp_path):
    environment = hostile(tmp_path)
    words = [word for word in ANEW.get(name, USUAL[name]) if name == "claims" or word not in WITHOUT]
    done = finished([*CFDYN, name, *words, *DRAW.get(name, ())], cwd=tmp_path, env=environment)
    assert not (tmp_path / "executed").exists(), (tmp_path / "executed").read_text()
    assert done.returncode == (1 if name == "check" else 0) and "executed" not in done.stderr, done.stderr


@pytest.mark.slow
def test_a_claim_executes_nothing_of_its_folder(tmp_path):
    """Its check in a process of its own, quicker than with a figure."""
    done = finished([*CFDYN, "claims", "singer1978.schwarzian_of_a_composition"], cwd=tmp_path, env=hostile(tmp_path))
    assert done.returncode == 0 and not (tmp_path / "executed").exists(), done.stderr


@pytest.mark.slow
def test_python_m_executes_only_what_python_itself_takes_for_the_package(tmp_path):
    """Python puts the folder first in the path; nothing is imported from there once the package has begun."""
    environment = hostile(tmp_path)
    (tmp_path / "cfdyn").rename(tmp_path / "another")
    own = "import runpy, sys, contextlib, pkgutil; print(*sys.modules)"  # of Python, before it knows the package
    for name in finished([sys.executable, "-c", own]).stdout.split():
        (tmp_path / f"{name}.py").unlink(missing_ok=True)
    assert (tmp_path / "json.py").exists() and (tmp_path / "inspect.py").exists()
    done = finished([sys.executable, "-m", "cfdyn", *"exact double_well --period 1".split()], cwd=tmp_path, env=environment)
    assert done.returncode == 0 and not (tmp_path / "executed").exists(), done.stderr


@pytest.mark.parametrize("path", ["", ".", os.pathsep, f"{os.pathsep}./{os.pathsep}/absent"])
def test_a_helper_does_not_look_where_it_is(path, tmp_path, monkeypatch):
    """Whatever PYTHONPATH says of the folder; what it starts does not either, by `multiprocessing` too."""
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", path)
    ((_, answer),) = asked("tests.machine.echo", ["import evil"], processes=1)
    assert json.loads(answer.line) == {"helper": "no", "subprocess": "no", "spawn": "no", "forkserver": "no"}


def test_what_a_helper_says_when_it_ends_is_in_the_sentence(tmp_path, monkeypatch):
    ((_, answer),) = asked("cfdyn.absent", ["a"], processes=1)
    assert answer.why.startswith("its process ended with status 1: ") and answer.why.endswith("No module named cfdyn.absent")
    ((_, answer),) = asked("tests.machine.echo", ["complain"], processes=1)
    assert answer.why == "its process ended with status 3: KeyError: 'of the helper'"


def test_what_a_helper_says_reaches_who_asked_for_exact_forms(monkeypatch):
    from cfdyn.symbolic.exact import process

    monkeypatch.setattr(process, "MODULE", "cfdyn.absent")
    found, reason = process._ask("{}", 5.0)
    assert found == [] and reason.startswith(("the process for the algebra ended early: ", "the process for the algebra could not be started: "))
    assert reason.endswith("No module named cfdyn.absent") and reason.startswith(process.UNFINISHED)


def test_helpers_that_make_things_faster_say_why_they_do_not():
    crew = Crew("cfdyn.absent", 1)
    with pytest.warns(RuntimeWarning, match="a worker process ended with status 1: .*No module named cfdyn.absent; this process continues"):
        assert crew.answers(wait=True) == []
    crew.end()
    process = ahead.started("cfdyn.absent")
    until(lambda: process.poll() is not None)
    with pytest.warns(RuntimeWarning, match="No module named cfdyn.absent"), ahead.beside(process):
        pass


def test_nothing_is_said_of_a_helper_that_is_ended_or_done():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crew = Crew("tests.machine.echo", 1)
        while not crew.free():
            crew.answers(wait=True)
        crew.end()
        assert crew.answers(wait=False) == []


def test_a_helper_may_say_much():
    """More than a pipe holds, and only its end is kept."""
    ((_, answer),) = asked("tests.machine.echo", ["shout"], processes=1)
    assert answer.line.startswith("shout")
    process = unfinished.helper("tests.machine.echo")
    process.communicate(b"shout\n")
    assert len(unfinished.last_words(process)) <= unfinished.LAST


DOORS = {"cfdyn/machine/unfinished.py": "of Python", "cfdyn/plotting/animation.py": "ffmpeg"}
STARTERS = re.compile(
    r"subprocess\.(run|Popen\(|call|check_)|multiprocessing|ProcessPool|os\.(system|popen|exec[lv]|spawn|posix_spawn)|sys\.executable"
)


def test_processes_are_started_in_one_place():
    found = {str(path.relative_to(ROOT)) for path in (ROOT / "cfdyn").rglob("*.py") if STARTERS.search(path.read_text("utf-8"))}
    assert found == set(DOORS)
