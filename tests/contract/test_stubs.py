"""What type checkers know of the package is what it offers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.stubs import ROOT, stubs

SCRIPT = """
import cfdyn as cf

loss: cf.Loss = cf.losses.double_well(a=2.0)
step: cf.Map = cf.as_map(loss, cf.optimizers.gd(lr=0.3))
period: int | None = cf.analysis.classify(step, [1.2]).period
lifted: cf.Map = cf.lifts.rod(step)
orbit: cf.Orbit = cf.iterate(step, [1.2], 10)
path: cf.Trajectory = cf.solve(cf.flows.central(loss, cf.optimizers.gd(lr=0.3)), [1.2], t=1.0)
complete: bool = cf.symbolic.cycles(loss, cf.optimizers.gd(lr=0.3), 2).complete
verdict: str = cf.study(loss, cf.optimizers.gd(lr=0.3)).verdict
"""
WRONG = {
    "cf.nonsense": 'Module has no attribute "nonsense"',
    "cf.analysis.clasify": 'Module has no attribute "clasify"',
    'cf.losses.double_well(a="x")': 'Argument "a" to "double_well" has incompatible type',
    "cf.Loss('x').sharpnes": '"Loss" has no attribute "sharpnes"',
}


def test_the_names_for_type_checkers_are_those_of_the_package():
    """Stale? `make stubs` writes them anew."""
    made = stubs()
    assert {path: (ROOT / path).read_text(encoding="utf-8") for path in made} == made


def test_a_users_script_is_checked(tmp_path: Path):
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(SCRIPT)
    wrong.write_text("import cfdyn as cf\n" + "\n".join(WRONG) + "\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "setup.cfg"), "--cache-dir", str(ROOT / ".mypy_cache")]
    done = subprocess.run([*command, right, wrong], cwd=ROOT, capture_output=True, text=True)
    for number, (expression, message) in enumerate(WRONG.items(), 2):
        assert f"wrong.py:{number}: error: {message}" in done.stdout, (expression, done.stdout)
    assert done.stdout.count("error:") == len(WRONG), done.stdout
