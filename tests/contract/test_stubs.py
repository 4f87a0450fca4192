"""What type checkers know of the package is what it offers: in a user's folder, with the package installed from a wheel."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import cfdyn as cf
from tests.processes import finished
from tests.stubs import CATALOGUES, ROOT, stubs

SCRIPT = '''
from typing import assert_type
import sympy
import cfdyn as cf

def double_well(w: float, a: float = 1.0) -> float:
    return a * (w**2 - 1) ** 2 / 4

x = sympy.Symbol("x")
loss, gd = cf.Loss(double_well), cf.optimizers.gd(lr=0.3)
assert_type(loss, cf.Loss)
assert_type(cf.losses.double_well(a=2.0), cf.Loss)
assert_type(cf.losses.names(), list[str])
assert_type(gd, cf.Optimizer)
step = cf.as_map(loss, gd)
assert_type(step, cf.Map)
assert_type(cf.as_map("w**2/2", gd), cf.Map)
assert_type(cf.as_map(double_well, cf.optimizers.adam(lr=0.1)), cf.Map)
assert_type(cf.lifts.rod(step), cf.Map)
assert_type(cf.Map("1 - a*x**2 + y; b*x", "x y", {"a": 1.4, "b": 0.3}), cf.Map)
assert_type(cf.analysis.classify(step, [1.2]).period, int | None)
assert_type(cf.analysis.classify("3.2*x*(1-x)", [0.3]).lyapunov, float)
assert_type(cf.analysis.classify(lambda x, y: (1 - x**2 + y, x / 3), [0.3, 0.1]).kind, str)
assert_type(cf.analysis.classify(["y", "x/2"], [0.3, 0.1]).kind, str)
branch = cf.analysis.continue_cycle(step, [1.0], "lr", (0.5, 1.2))
assert_type(branch.bifurcations[0].parameter, float)
assert_type(branch.closed, bool)
assert_type(branch.to_latex(), str)
assert_type(cf.iterate(step, [1.2], 10), cf.Orbit)
path = cf.solve(cf.flows.central(loss, gd), [1.2], t=1.0, rtol=1e-9)
assert_type(path, cf.Trajectory)
assert_type(path.events[0], cf.Event)
assert_type(cf.solve("x*(1 - x)", [0.5], t=2.0), cf.Trajectory)
assert_type(cf.Flow(lambda x, y: (y, -x), "x y"), cf.Flow)
assert_type(cf.minima(double_well)[0].sharpness, float)
assert_type(cf.symbolic.cycles(loss, gd, 2).complete, bool)
assert_type(cf.certify.edge(loss, gd).proved, bool)
assert_type(cf.certify.measure(loss, gd, start=0.1).proved, bool)
assert_type(cf.certify.check("edge.json").valid, bool)
assert_type(cf.claims.run(["may1976.first_flip"])[0].verdict, str)
assert_type(cf.data.digits(classes=4), cf.DataSet)
assert_type(cf.networks.mlp(cf.data.digits(classes=2), widths=(8,)), cf.Network)
assert_type(cf.study(loss, gd).verdict, str)
assert_type(cf.study(x**2).regime.period, int | None)
'''
WRONG = {  # and what mypy says
    "cf.nonsense": 'Module has no attribute "nonsense"',
    "cf.losses.nonsense": 'Module has no attribute "nonsense"',
    "cf.analysis.clasify": 'Module has no attribute "clasify"',
    "cf.claims.rnu": 'Module has no attribute "rnu"',
    "cf.optimizers.gd(learning_rate=1)": 'Unexpected keyword argument "learning_rate" for "gd"',
    "cf.optimizers.gd()": 'Missing positional argument "lr" in call to "gd"',
    'cf.losses.double_well(a="x")': 'Argument "a" to "double_well" has incompatible type',
    'cf.Loss("x").sharpnes': '"Loss" has no attribute "sharpnes"',
    "cf.study(3.0)": 'Argument 1 to "study" has incompatible type "float"',
    'cf.study(cf.Map("x/2"))': 'Argument 1 to "study" has incompatible type "Map"',
    'cf.solve("x", [1.0], t=1.0, rtoll=1e-3)': 'No overload variant of "solve" matches argument types',
    'cf.analysis.classify("x/2", [1.0]).perod': '"Regime" has no attribute "perod"',
    'cf.analysis.cycles("x/2", "two", [(0, 1)])': 'Argument 2 to "cycles" has incompatible type "str"',
}  # fmt: skip


def test_the_names_for_type_checkers_are_those_of_the_package():
    made = stubs()
    stale = [path for path, text in made.items() if (ROOT / path).read_text(encoding="utf-8") != text]
    assert not stale, f"{', '.join(map(str, stale))}: a public name came or went; `make stubs` writes them anew"


def test_every_public_function_says_what_it_takes_and_gives():
    rooms = [cf, cf.claims, cf.certify, cf.symbolic, cf.lifts, *(getattr(cf, name) for name in CATALOGUES)]
    found = {f"{room.__name__}.{name}": getattr(room, name) for room in rooms for name in dir(room)}
    signatures = {name: inspect.signature(one) for name, one in found.items() if inspect.isfunction(one)}
    silent = [name for name, one in signatures.items() for part in one.parameters.values() if part.annotation is part.empty]
    assert len(signatures) > 150 and silent == []
    assert [name for name, one in signatures.items() if one.return_annotation in (one.empty, "Any")] == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A user's folder with an environment of its own: the package is what a wheel unpacks, the rest is that of this one."""
    home = tmp_path_factory.mktemp("user")
    away = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    build = ["setup.py", "-q", "build", "--build-base", home / "build", "egg_info", "--egg-base", home]
    for words in (["-m", "venv", "--without-pip", home / "env"], [*build, "build_py", "--build-lib", home / "wheel"]):
        done = finished([sys.executable, *words], cwd=ROOT, env={**os.environ, **away})
        assert done.returncode == 0, done.stderr
    (site,) = (home / "env" / "lib").glob("python*/site-packages")
    (home / "wheel" / "cfdyn").rename(site / "cfdyn")
    (site / "others.pth").write_text("\n".join(sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})))
    (home / "right.py").write_text(SCRIPT)
    (home / "first_hour.py").write_text((ROOT / "examples" / "first_hour.py").read_text(encoding="utf-8"), encoding="utf-8")
    (home / "wrong.py").write_text("import cfdyn as cf\n" + "\n".join(WRONG) + "\n")
    (home / "mypy.ini").write_text("[mypy]\nstrict = True\n[mypy-sympy.*]\nignore_missing_imports = True\n")
    (home / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    return home


SCRIPTS = ["right.py", "first_hour.py", "wrong.py"]


def asked(checker: str, *words: object, folder: Path) -> str:
    found = subprocess.run([sys.executable, "-m", checker, *map(str, words), *SCRIPTS], cwd=folder, capture_output=True, text=True)
    assert found.returncode == 1, found.stderr or found.stdout
    return found.stdout


@pytest.mark.slow
def test_a_users_script_is_checked_by_mypy(folder):
    """In its strict mode. What was found of the package is kept: its files are told by their content."""
    said = asked("mypy", "--python-executable", folder / "env/bin/python", "--cache-dir", ROOT / ".mypy_cache" / "wheel", folder=folder)
    for number, (expression, message) in enumerate(WRONG.items(), 2):
        assert f"wrong.py:{number}: error: {message}" in said, (expression, said)
    lines = {line.partition(" error: ")[0] for line in said.splitlines() if " error: " in line}
    assert lines == {f"wrong.py:{number}:" for number in range(2, 2 + len(WRONG))}, said


@pytest.mark.slow
def test_a_users_script_is_checked_by_pyright(folder):
    """In its strict mode, of which only what is not known about other packages is left out."""
    said = json.loads(asked("basedpyright", "--outputjson", "--pythonpath", folder / "env/bin/python", folder=folder))
    errors = [(Path(one["file"]).name, one["range"]["start"]["line"] + 1, one["message"], one.get("rule")) for one in said["generalDiagnostics"]
              if one["severity"] == "error"]  # fmt: skip
    own = [error for error in errors if not str(error[3]).startswith("reportUnknown") and error[3] != "reportMissingTypeStubs"]
    assert "first_hour.py" not in {file for file, *_ in errors}, errors
    assert {file for file, *_ in own} == {"wrong.py"}, own
    assert {line for _, line, *_ in own} == set(range(2, 2 + len(WRONG))), own
