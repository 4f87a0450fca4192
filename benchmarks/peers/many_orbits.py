"""Seconds that other packages take for the tasks of maps.py, each in an environment of its own: ``python many_orbits.py NAME``.

They are measured against, and no part of cfdyn: a licence such as the GPL is not its own. This file needs NumPy and the package.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LOW, HIGH = 3.9 * 0.97, 3.9 * 0.98  # of the parameter of the logistic map, as in maps.py
FEWER = 30  # cells on a side, of the periods over two parameters


def pynamicalsys(steps: int) -> dict[str, Callable[[], Any]]:
    """Its calls; lyapunov takes one parameter at a time, and so does period."""
    from pynamicalsys import DiscreteDynamicalSystem

    logistic, henon = (DiscreteDynamicalSystem(model=f"{name} map") for name in ("logistic", "henon"))
    rates = np.linspace(LOW, HIGH, 1000)
    cells = [(float(a), float(b)) for b in np.linspace(-0.5, 0.5, FEWER) for a in np.linspace(0.0, 1.5, FEWER)]
    return {
        "diagram": lambda: logistic.bifurcation_diagram(0.3, 0, (LOW, HIGH, 2000), 2500, transient_time=2000),
        "exponents": lambda: [logistic.lyapunov(0.3, 11_000, parameters=float(r)) for r in rates],
        "spectrum": lambda: henon.lyapunov([0.1, 0.1], steps, parameters=[1.4, 0.3]),
        "periods": lambda: [
            henon.period([0.1, 0.1], max_time=1032, parameters=cell, transient_time=1000, max_period=32) for cell in cells
        ],
    }


def tsdynamics(steps: int) -> dict[str, Callable[[], Any]]:
    """Its calls; it has none for periods over a grid."""
    from tsdynamics.analysis import lyapunov_spectrum, orbit_diagram
    from tsdynamics.systems.discrete.chaotic_maps import Henon
    from tsdynamics.systems.discrete.population_maps import Logistic

    many, fewer = np.linspace(LOW, HIGH, 2000), np.linspace(LOW, HIGH, 1000)
    kept = {"points_per_value": 500, "transient": 2000, "carry_state": False, "ic": [0.3]}
    return {
        "diagram": lambda: orbit_diagram(Logistic(), "r", many, **kept),
        "exponents": lambda: [
            lyapunov_spectrum(Logistic(params={"r": float(r)}), n=11_000, transient=0, ic=[0.3]) for r in fewer
        ],
        "spectrum": lambda: lyapunov_spectrum(Henon(), n=steps, transient=0, ic=[0.1, 0.1]),
    }


PEERS = {"pynamicalsys": pynamicalsys, "tsdynamics": tsdynamics}


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """Median processor seconds of a call that was called once before."""
    call()
    spent = []
    for _ in range(repeats):
        begun = time.process_time()
        call()
        spent.append(time.process_time() - begun)
    return statistics.median(spent)


def elsewhere(name: str, steps: int, repeats: int) -> dict[str, float] | None:
    """What the package takes for each task, by the Python in its folder below CFDYN_PEERS; None where there is none."""
    python = Path(os.environ.get("CFDYN_PEERS", "/nowhere"), name, "bin", "python")
    if not python.exists():
        return None
    bare = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    asked = [str(python), __file__, name, str(steps), str(repeats)]
    done = subprocess.run(asked, env=bare, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    name, steps, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({task: seconds(call, repeats) for task, call in PEERS[name](steps).items()}))
