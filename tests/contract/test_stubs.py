"""What type checkers know of the package is what it offers; tests/test_layers.py checks the script with the package."""

from __future__ import annotations

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
