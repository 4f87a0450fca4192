"""The wheel in fresh environments: with the lowest and the newest releases that it allows, and with the code that it carries."""

from __future__ import annotations

import json
import os
import re
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests import wheel
from tests.processes import finished

FIRST = (
    ("study", "double_well"), ("flow", "double_well"), ("compare", "double_well"), ("cycles", "double_well"),
    ("branch", "--map", "r*x*(1-x)", "--start", "0.6", "--vary", "r=2.5:3.6"), ("orbit", "double_well"), ("classify", "double_well"),
    ("regimes", "double_well", "--vary", "lr=0.5:1.9:20", "--vary", "a=1:2:8"),
)  # fmt: skip
pytestmark = pytest.mark.slow


def run(command: list[object], folder: Path, **changes: str) -> str:
    own = ("PYTHONPATH", "PYTHONHOME")
    environment = {key: value for key, value in os.environ.items() if key not in own and not key.startswith(("NUMBA_", "CFDYN_"))}
    done = finished(command, cwd=folder, env=environment | {"MPLBACKEND": "Agg"} | changes)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """A wheel without machine code."""
    source = tmp_path_factory.mktemp("source")
    wheel.copy_sources(source)
    return wheel.build(source, tmp_path_factory.mktemp("plain"))


def requirements(built: Path, which: str) -> list[str]:
    """What the wheel needs itself, without extras: each at its lowest release, or free."""
    with zipfile.ZipFile(built) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = re.findall(r"^Requires-Dist: ([^;\n]+)$", archive.read(name).decode(), re.MULTILINE)
    lowest = [re.sub(r"^([\w-]+).*?>=([\d.]+).*", r"\1==\2", line.replace(" ", "")) for line in lines]
    return lowest if which == "lowest" else lines


@pytest.mark.parametrize("which", ["lowest", "newest"])
def test_the_wheel_works_with_the_releases_that_it_allows(plain, which, tmp_path):
    run([sys.executable, "-m", "venv", "env"], tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    wanted = requirements(plain, which)
    assert any(one.startswith("numpy") for one in wanted)
    run([python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *wanted, plain], tmp_path)
    assert "No broken requirements" in run([python, "-m", "pip", "check"], tmp_path)
    kept = {"CFDYN_CACHE_DIR": str(tmp_path / "kept")}
    answers = {words[0]: json.loads(run([python, "-m", "cfdyn", *words, "--json"], tmp_path, **kept)) for words in FIRST}
    formula = ["study", "(w**2-1)**2/4", "--optimizer", "gd:lr=1.46", "--json"]
    assert json.loads(run([python, "-m", "cfdyn", *formula], tmp_path, **kept))["period"] == 3
    assert answers["study"]["edge"] == pytest.approx(1.0) and answers["flow"]["status"] == "done"


def test_a_first_run_from_the_whole_wheel_compiles_no_kernel(tmp_path):
    wheel.main(tmp_path / "dist")
    (built,) = (tmp_path / "dist").glob("*-py3-none-any.whl")
    with zipfile.ZipFile(built) as archive:
        sets = [item for item in archive.infolist() if "/machine/sets/" in item.filename]
    assert len(sets) == len(wheel.levels()) > 0 and max(item.file_size for item in sets) < 3.5e6
    run([sys.executable, "-m", "venv", "--without-pip", "env"], tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", built], tmp_path)
    site = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tmp_path).strip()
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for words in FIRST:
        kept = tmp_path / words[0]
        run([python, "-m", "cfdyn", *words], tmp_path, CFDYN_CACHE_DIR=str(kept))
        assert [*kept.glob("kernels-*/*.bin")] == [], words
