"""What is new comes as new files and changes no old line: an analysis with its command and figure, a flow with its kernel and command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys import ROOT

ANALYSIS = '''
"""`midrange`: the middle between the ends of an orbit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import iterate


@dataclass(frozen=True)
class Midrange(Record):
    """``middle`` (D,): half of the least and the largest of the last states."""

    middle: Annotated[np.ndarray, "D"]


def midrange(step: Map, z0: Any, n: int = 1000) -> Midrange:
    """The middle between the ends of an orbit's second half."""
    z = iterate(step, z0, n).z[n // 2 :]
    return Midrange((z.min(axis=0) + z.max(axis=0)) / 2, provenance=provenance(map=step.title))
'''
COMMAND = '''
"""``cfdyn midrange``."""

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Subject


@command("loss optimizer start settings variables map batch order seed periodic out plot json")
def midrange(subject: Subject) -> Answer:
    """The middle between the ends of an orbit."""
    step, z0, _ = subject.map_and_state()
    found = cfdyn.analysis.midrange(step, z0)
    return Answer(found.to_json, lambda screen: screen.facts(("middle", str(found.middle))), record=found)
'''
FIGURE = '''
"""A midrange."""

from matplotlib.figure import Figure

from cfdyn.analysis.attractors.midrange import Midrange
from cfdyn.plotting.canvas import house_style, new_figure


def draw(found: Midrange) -> Figure:
    """A mark for each entry."""
    with house_style():
        figure = new_figure(4.0, 3.0)
        figure.subplots().plot(found.middle, "o")
    return figure
'''
FLOW = '''
"""Half the gradient flow."""

from cfdyn.flows._descent import descent
from cfdyn.symbolic.programs.model import ModelSpec, Part, curvature
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, Kernel
from cfdyn.systems.loss import Loss


def halved(loss: Loss, optimizer: Optimizer) -> Flow:
    """dw/dt = −ηg/2."""
    from cfdyn.flows._kernels import halved as kernel

    made = descent("halved", loss, optimizer)
    d = made.n_weights
    return Flow(ModelSpec("halved", made, {"curvature": Part(curvature, d + d * d)}), kernel=Kernel(kernel.halved, kernel.Halved, ("curvature",), d))
'''
KERNEL = '''
"""The right-hand side of half the gradient flow."""

from cfdyn.kernels.layout import Array, Rule
from cfdyn.kernels.models import Model
from cfdyn.machine.jit import call, kernel_rule, numbers


class Halved(Model):
    """``curvature`` makes rows: ηg, and ηH below it."""

    curvature = Rule()
    curved = Array("d + 1", "d")


@kernel_rule
def halved(z, block, out):
    """−ηg/2."""
    b, result = Halved(block), numbers(out)
    call(b.curvature, z, b.p, b.curved)
    for i in range(b.d):
        result[i] = -b.curved[0, i] / 2
'''
FLOW_COMMAND = '''
"""``cfdyn halved``."""

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Subject


@command("loss optimizer start settings variables seed json")
def halved(subject: Subject) -> Answer:
    """Half the gradient flow, for two steps."""
    loss, optimizer, _ = subject.loss_and_optimizer()
    path = cfdyn.solve(cfdyn.flows.halved(loss, optimizer), subject.given_start(), t=2.0, rtol=1e-11)
    return Answer(lambda: {"w": path.w[-1]})
'''
FILES = {
    "analysis/attractors/midrange.py": ANALYSIS, "cli/commands/midrange.py": COMMAND, "plotting/figures/midrange.py": FIGURE,
    "flows/halved.py": FLOW, "flows/_kernels/halved.py": KERNEL, "cli/commands/halved.py": FLOW_COMMAND,
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of the package with the new files in it."""
    home = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "cfdyn", home / "cfdyn", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        assert not (home / "cfdyn" / name).exists()
        (home / "cfdyn" / name).write_text(text.lstrip())
    return home


def call(house: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(house), "MPLBACKEND": "Agg"}
    done = subprocess.run([sys.executable, *command], cwd=house, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_layers_know_where_they_belong(house):
    shutil.copy(ROOT / "setup.cfg", house)
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    assert " 0 broken." in call(house, "-c", lint, "--no-cache", "--no-logo")


def test_an_analysis_its_command_and_its_figure(house):
    """The 2-cycle of the logistic map at r: the middle of its points is (r + 1)/2r."""
    document = json.loads(call(house, "-m", "cfdyn", "midrange", "--map", "r*x*(1-x)", "--set", "r=3.2", "--start", "0.3",
                               "--plot", "middle.png", "--json"))  # fmt: skip
    assert document["middle"] == pytest.approx([4.2 / 6.4], rel=1e-9)
    assert (house / "middle.png").stat().st_size > 1000
    assert "\nOther commands:\n  halved " in call(house, "-m", "cfdyn", "--help")
    code = ("import cfdyn as cf, pathlib; [file] = pathlib.Path('cfdyn-out').glob('*.npz'); found = cf.load(file); "
            "print(type(found).__name__, cf.analysis.midrange.__name__, 'midrange' in dir(cf.analysis))")  # fmt: skip
    assert call(house, "-c", code).split() == ["Midrange", "midrange", "True"]


@pytest.mark.slow
def test_a_flow_with_its_kernel_and_its_command(house):
    """On a quadratic: exp(−ηλt/2) of the start."""
    document = json.loads(call(house, "-m", "cfdyn", "halved", "w**2", "--optimizer", "gd:lr=0.3", "--start", "1.5", "--json"))
    assert document["w"] == pytest.approx([1.5 * 2.718281828459045 ** -(0.3 * 2)], rel=1e-9)
    assert "halved" in call(house, "-m", "cfdyn", "list", "flows")
