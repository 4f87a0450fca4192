"""Where papers are found: a package that is named `papers` is somebody else's, unless it lies in a clone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.processes import finished

ROOT = Path(__file__).resolve().parents[2]
ASK = "from cfdyn.claims.sources import folders, modules\nprint(*folders(), 'evil2026' in modules(), 'may1976' in modules())"


@pytest.fixture
def site(tmp_path):
    """As a wheel is unpacked, with another package beside it."""
    (tmp_path / "cfdyn").symlink_to(ROOT / "cfdyn")
    (tmp_path / "cfdyn_papers").symlink_to(ROOT / "papers")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "__init__.py").write_text("raise SystemExit('executed')")
    (tmp_path / "papers" / "evil2026.py").write_text("")
    return tmp_path


def asked(site):
    return finished([sys.executable, "-P", "-c", ASK], env={**os.environ, "PYTHONPATH": str(site)})


@pytest.mark.parametrize("setup", [None, "", "[metadata]\nname = another\n", "\0\udcff"])
def test_a_package_of_that_name_beside_an_installed_one_is_left_alone(setup, site):
    if setup is not None:
        (site / "setup.cfg").write_bytes(setup.encode("utf-8", "surrogateescape"))
    assert asked(site).stdout.split() == [str(site / "cfdyn_papers"), "False", "True"]


def test_the_folder_of_a_clone_is_taken():
    assert asked(ROOT).stdout.split() == [str(ROOT / "papers"), "False", "True"]
