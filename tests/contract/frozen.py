"""What no change of the house may lose: ``python -m tests.contract.frozen`` writes `frozen.json` anew, where something was meant to go.

Public names with their parameters, commands with their options, the keys of JSON answers, and the bits of orbits.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import json
import shlex
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import typer

import cfdyn as cf

FILE = Path(__file__).with_name("frozen.json")
NAMESPACES = ("", "losses", "optimizers", "flows", "analysis", "certify", "networks", "data", "symbolic", "lifts", "claims")
LINES = """
orbit double_well --steps 5
classify double_well --optimizer gd:lr=1.46
flow double_well --optimizer gd:lr=1.1 --time 3 --save-at 1,2,3
compare double_well --optimizer gd:lr=1.1 --steps 50 --models gradient,central
cycles double_well --optimizer gd:lr=1.46 --period 3 --box -2:2
branch --map "r*x*(1-x)" --start 0.6 --vary r=2.5:3.6
cascade --map "r*x*(1-x)" --start 0.6 --vary r=2.5:3.6 --levels 4
curve double_well --vary lr=0.5:2 --vary a=0.5:2
diagram double_well --vary lr=1:1.5:10
regimes double_well --vary lr=0.5:1.9:5 --vary a=1:2:4
basins double_well --optimizer gd:lr=0.3 --box -2:2
lyapunov double_well --optimizer gd:lr=1.4 --steps 1000
entropy --map "r*x*(1-x)" --set r=3.9 --box 0:1
averages double_well --optimizer gd:lr=1.1 --steps 200
exact double_well --period 2
certify cycle double_well --optimizer gd:lr=1.46 --period 3
certify chaos "(w**2-1)**2/4" --optimizer gd:lr=1.46 --box -1.6:1.6
study double_well --optimizer gd:lr=1.1
list losses
show gd
"""


def parameters(found: object) -> list[str]:
    """Names of what may be given to it, with the public names of a class."""
    try:
        names = [name for name, one in inspect.signature(found).parameters.items() if one.kind is not one.VAR_KEYWORD]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        names = []
    own = sorted(name for name in dir(found) if name[0] != "_") if inspect.isclass(found) else []
    return names + [f".{name}" for name in own]


def public_names() -> dict[str, dict[str, list[str]]]:
    """Of each namespace its names, with what each takes."""
    found = {}
    for space in NAMESPACES:
        module = getattr(cf, space) if space else cf
        names = getattr(module, "names", lambda module=module: [n for n in dir(module) if n[0] != "_"])()
        found[space] = {name: parameters(getattr(module, name)) for name in names}
    return found


def commands() -> dict[str, list[str]]:
    """Of each command its arguments and options."""
    from cfdyn.cli.app import application

    made = getattr(typer.main.get_command(application()), "commands", {})
    return {name: sorted({option for one in command.params for option in one.opts}) for name, command in made.items()}


def keys(answer: Any) -> Any:
    """The keys of a document, two levels deep; of a list those of its first entry."""
    if isinstance(answer, list) and answer:
        return keys(answer[0])
    if not isinstance(answer, dict):
        return []
    return {key: sorted(below) if isinstance(below := keys(value), dict) else [] for key, value in sorted(answer.items())}


def answer(line: str) -> Any:
    """What a command prints with ``--json``, in a folder of its own."""
    from cfdyn.cli import main

    out, said = io.StringIO(), io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.suppress(SystemExit),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(said),
    ):  # fmt: skip
        main([*shlex.split(line), "--json"])
    assert out.getvalue(), f"{line}: {said.getvalue()}"
    return json.loads(out.getvalue())


def orbit_bits(name: str) -> str:
    """A hash of 200 steps of an optimizer on a polynomial at lr = 1/8."""
    matrix = name in ("muon", "shampoo")
    loss = cf.losses.matrix_factorization() if matrix else cf.Loss("(1 - x*y)**2/2 + (x - 3*y)**2/8")
    step = cf.as_map(loss, getattr(cf.optimizers, name)(lr=0.125))
    start = np.linspace(0.3, 0.7, len(loss.variables))
    return hashlib.sha256(np.ascontiguousarray(cf.iterate(step, start, 200).z).tobytes()).hexdigest()[:16]


def now() -> dict[str, Any]:
    return {
        "names": public_names(), "commands": commands(),
        "answers": {line: keys(answer(line)) for line in LINES.strip().splitlines()},
        "orbits": {name: orbit_bits(name) for name in cf.optimizers.names()},
    }  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(json.dumps(now(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
