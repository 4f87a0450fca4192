"""The checker shares nothing with the prover but the parser of formulas; `cfdyn check` says what it finds."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import cfdyn as cf
from cfdyn.certify.checker import check as checker
from tests.certify.checker.examples import FOLDER, document
from tests.cli.terminal import command

run, _ = command("check")

ROOT = Path(checker.__file__).parent
OWN = "cfdyn.certify.checker"
ALLOWED = {"cfdyn", "cfdyn.errors", "cfdyn.symbolic.text.parse", "cfdyn.symbolic.text.conditions", "numpy", "mpmath", "sympy"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(str(node.module))
    return found


def test_what_the_checker_imports():
    files = sorted(ROOT.rglob("*.py"))
    assert len(files) > 25
    for path in files:
        foreign = {name for name in imports(path) if name != OWN and not name.startswith(f"{OWN}.") and name not in ALLOWED}
        assert not foreign - set(sys.stdlib_module_names) - {"collections.abc"}, (path, foreign)


def test_no_prover_and_no_compiler_is_loaded():
    name = str(FOLDER / "cycle_adam_3.json")
    code = f"""
import sys
from cfdyn.certify.checker.check import check
assert check({name!r}).valid
loaded = {{"numba", "scipy"}} | {{m for m in sys.modules if m.startswith("cfdyn.tape") or m.startswith("cfdyn.certify.") }}
print(sorted(m for m in loaded if m in sys.modules and not m.startswith("cfdyn.certify.checker")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_command_says_what_is_proved(capsys, tmp_path):
    good, bad = FOLDER / "cycle_henon.json", tmp_path / "bad.json"
    status, out, err = run(capsys, str(good))
    assert status == 0 and err == "" and out.startswith("valid") and "exactly one fixed point" in " ".join(out.split())
    status, out, err = run(capsys, str(good), "--json")
    assert status == 0 and json.loads(out) == {"valid": True, "statement": document("cycle_henon")["statement"], "reason": ""}
    bad.write_text(good.read_text().replace('"period": 1', '"period": 2'))
    status, out, err = run(capsys, str(bad), "--json")
    assert status == 1 and json.loads(out)["valid"] is False and json.loads(out)["statement"] == "" and json.loads(out)["reason"]
    status, out, err = run(capsys, str(bad))
    assert status == 1 and out.startswith("not valid: ") and err == ""
    assert run(capsys)[0] == 2 and run(capsys, str(good), "--fast")[0] == 2


def test_what_python_gets():
    found = cf.certify.check(FOLDER / "cycle_henon.json")
    assert found and found.valid and found.kind == "cycle" and found.reason == "" and found.statement.startswith("the map x")
    assert not cf.certify.check({}) and cf.certify.check({}).statement == ""
