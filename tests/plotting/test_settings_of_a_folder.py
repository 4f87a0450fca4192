"""A `matplotlibrc` of the folder where a figure is drawn changes nothing, runs nothing and is not waited for."""

from __future__ import annotations

import os
import sys

import pytest

from tests.machine.test_hostile_folder import SETTINGS
from tests.processes import finished

DRAW = """
import cfdyn as cf
orbit = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1)), [0.5], 3)
try:
    [cf.plot(orbit, f"x.{kind}") for kind in ("png", "eps")]
except cf.CfdynError as error:
    raise SystemExit(str(error))
"""


def drawn(folder, **environment):
    return finished([sys.executable, "-P", "-c", DRAW], cwd=folder, env={**os.environ, **environment})


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "with").mkdir()
    return tmp_path / "with" / "matplotlibrc"


@pytest.mark.slow
def test_figures_are_the_same_and_no_program_is_run(settings, tmp_path):
    settings.write_text(SETTINGS)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("latex", "dvipng", "gs", "pdftops", "ps2pdf"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {tmp_path / 'run'}\nexit 1\n")
        (programs / name).chmod(0o755)
    (tmp_path / "without").mkdir()
    done = drawn(settings.parent, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", SOURCE_DATE_EPOCH="0")
    assert done.returncode == 0, done.stderr
    assert drawn(tmp_path / "without", SOURCE_DATE_EPOCH="0").returncode == 0
    for name in ("x.png", "x.eps"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()
    assert not (tmp_path / "run").exists()


def test_what_is_no_file_of_settings_is_refused(settings):
    os.mkfifo(settings)
    done = drawn(settings.parent)
    assert done.returncode == 1 and done.stderr.startswith("the matplotlibrc in this folder is not a settings file")
