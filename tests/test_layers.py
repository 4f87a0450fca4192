"""The code keeps its own rules: style, types, and imports that go down the layers only, without circles."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
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
    "Kernels use no symbolic algebra": ("cycles/line/_kernels/__init__.py", "import sympy"),
    "Specifications and the tape never compile": ("tape/__init__.py", "import numba"),
    "The tape knows nothing of SymPy": ("tape/program.py", "import sympy"),
    "An analysis gets a map or a record": ("analysis/__init__.py", "import cfdyn.systems.loss"),
    "The checker of certificates stands alone": ("certify/checker/read.py", "import cfdyn.tape"),
    "A proof leans on no float code": ("certify/exact.py", "import cfdyn.kernels"),
    "Only plotting draws": ("systems/orbit.py", "def draw():\n    from matplotlib import pyplot"),
}


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
    for file, line in VIOLATIONS.values():
        path = tmp_path / "cfdyn" / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = run(LINT_IMPORTS, tmp_path)
    assert done.returncode == 1, f"\n{done.stdout}\n{done.stderr}"
    broken = re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)
    kept = re.findall(r"^(.+) KEPT", done.stdout, re.MULTILINE)
    assert not kept, f"no line breaks {kept}"
    assert all(any(name.startswith(start) for name in broken) for start in VIOLATIONS), broken


@cache
def modules() -> dict[str, Path]:
    """Each module and package of cfdyn by name."""
    files = {path: path.relative_to(ROOT).with_suffix("").parts for path in ROOT.glob("cfdyn/**/*.py")}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in files.items()}


@cache
def imports() -> dict[str, set[str]]:
    """Of each module those that it imports anywhere: at its top, in a function, for type checkers alone."""
    return {name: set(_imported(path)) - {name} for name, path in modules().items()}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module in modules():
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from (name if name in modules() else node.module for name in whole)


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import one another in a circle; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_imports_go_round_in_a_circle():
    graph = imports()
    assert len(graph) > 500
    assert circle(graph) == []
    bottom, top = "cfdyn.symbolic.text.parse", "cfdyn.symbolic.loss"
    assert top in circle({**graph, bottom: graph[bottom] | {top}})


def rows_of_rooms() -> dict[str, list[list[str]]]:
    """What ARCHITECTURE.md says of each room that has rooms: rows of names, of which those above may import those below."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Rooms inside rooms\n")[1].split("\n## ")[0]
    return {room.replace("/", "."): [row.replace("|", " ").split() for row in rows.split("→")]
            for room, rows in re.findall(r"^    (\S+)/ +(.+)$", page, re.MULTILINE)}  # fmt: skip


def climbing(room: str, rows: list[list[str]], graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Imports between the folders of a room that do not go from a row to one below it."""
    depth = {name: number for number, row in enumerate(rows) for name in row}
    within = re.compile(rf"cfdyn\.{re.escape(room)}\.({'|'.join(depth)})(\.|$)")

    def folder(name: str) -> str | None:
        found = within.match(name)
        return found and found[1]

    pairs = [(name, other, folder(name), folder(other)) for name, others in graph.items() for other in others]
    return [(name, other) for name, other, a, b in pairs if a and b and a != b and depth[a] >= depth[b]]


def test_rooms_inside_a_room_keep_the_order_of_the_page():
    folders = {name for name, path in modules().items() if path.name == "__init__.py" and name.count(".") > 1}
    named = {f"cfdyn.{room}.{name}" for room, rows in rows_of_rooms().items() for row in rows for name in row}
    assert named == folders
    for room, rows in rows_of_rooms().items():
        assert climbing(room, rows, imports()) == []
        for upper, lower in pairwise(rows):
            back = f"cfdyn.{room}.{lower[0]}", f"cfdyn.{room}.{upper[0]}"
            assert climbing(room, rows, {back[0]: {back[1]}}) == [back]


def test_no_room_above_systems_asks_which_kind_a_map_is():
    """They ask for what it can do, see `cfdyn.systems.any_map`; the integrator of flows chooses among its own."""
    asks = re.compile(r"isinstance\([^\n]*\b(MatrixFree\w*|OptimizerMap)\b")
    asking = [name for name, path in modules().items() if asks.search(path.read_text(encoding="utf-8"))]
    assert "cfdyn.systems.map" in asking
    assert [name for name in asking if not name.startswith(("cfdyn.systems.", "cfdyn.integrate."))] == []
