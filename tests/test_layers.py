"""The code keeps its own rules: style, types, and imports that go down the layers only."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT_IMPORTS = [
    *(sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
    *("--no-cache", "--no-logo"),
]

VIOLATIONS = {  # contract -> (file, the line that breaks it)
    "Imports go down the layers only": ("errors.py", "import cfdyn.registry"),
    "Kernels know numpy, numba, and of the package machine": ("kernels/orbits.py", "import cfdyn.records"),
    "Kernels use no symbolic algebra": ("kernels/__init__.py", "import sympy"),
    "Specifications and the tape never compile": ("tape/__init__.py", "import numba"),
    "The tape knows nothing of SymPy": ("tape/program.py", "import sympy"),
    "An analysis gets a map or a record": ("analysis/__init__.py", "import cfdyn.systems.loss"),
    "The checker of certificates stands alone": ("certify/checker/read.py", "import cfdyn.tape"),
    "A proof leans on no float code": ("certify/exact.py", "import cfdyn.kernels"),
    "Only plotting draws": ("systems/orbit.py", "def draw():\n    from matplotlib import pyplot"),
}


def inside() -> dict[str, tuple[str, str]]:
    """For each contract inside a room: a file of its lowest row, and an import of one of its highest."""
    contracts, found = configparser.ConfigParser(), {}
    contracts.read(ROOT / "setup.cfg")
    for section in (contracts[name] for name in contracts.sections() if name.startswith("importlinter:contract:inside-")):
        rows = [[name.strip() for name in row.split("|")] for row in section["layers"].strip().split("\n")]
        path = ROOT.joinpath(*section["containers"].split("."), rows[-1][0])
        file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        found[section["name"]] = str(file.relative_to(ROOT / "cfdyn")), f"import {section['containers']}.{rows[0][0]}"
    return found


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param([sys.executable, "-m", "ruff", "check", "--no-cache"], id="style"),
        pytest.param([sys.executable, "-m", "mypy"], id="types"),
        pytest.param(LINT_IMPORTS, id="layers"),
    ],
)
def test_the_tree_keeps_the_rules(command):
    done = run(command, ROOT)
    assert done.returncode == 0, f"\n{done.stdout}\n{done.stderr}"


def test_every_contract_can_be_broken(tmp_path):
    shutil.copytree(ROOT / "cfdyn", tmp_path / "cfdyn", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    violations = VIOLATIONS | inside()
    assert len(violations) > 20
    for file, line in violations.values():
        path = tmp_path / "cfdyn" / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = run(LINT_IMPORTS, tmp_path)
    assert done.returncode == 1, f"\n{done.stdout}\n{done.stderr}"
    broken = re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)
    kept = re.findall(r"^(.+) KEPT", done.stdout, re.MULTILINE)
    assert not kept, f"no line breaks {kept}"
    assert all(any(name.startswith(start) for name in broken) for start in violations), broken
