"""How long does a comparison of an optimizer with its models take, from the command line and by itself?"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import harness
import numpy as np
import report
from harness import command_line, measure, peak_memory
from report import Goal, Row, Table
from start import COLD, COLD_CPU, MEMORY, WARM, WARM_CPU, Folders, number, warm_cells

import cfdyn as cf

MODELS = ("gradient", "central", "rod", "edge:secant=true", "modified", "self_stabilization")
COMMAND = ["compare", "two_time_scales", "--optimizer", "gd:lr=0.3", "--start", "0.05,6.4", "--steps", "2000", "--models",
           ",".join(MODELS)]  # fmt: skip
SOON = 2.0

PROCESS_NOTE = (
    "`cfdyn compare two_time_scales` with the models " + ", ".join(MODELS) + ": whole processes, the figure and the record "
    "written. Cold: nothing compiled is kept yet."
)
GROWTH_NOTE = (
    "`cf.compare` itself, warm, without a figure, with the same six models: on the two-variable valley `two_time_scales` for "
    "more and more steps, and on L = (1 − x₁⋯x_d)²/2, GD beyond its edge, for 500 steps with more and more variables."
)


def models(loss: Any, gd: Any) -> dict[str, cf.Flow]:
    """The six of the command."""
    flows = cf.flows
    return {"gradient": flows.gradient(loss, gd), "central": flows.central(loss, gd), "rod": flows.rod(loss, gd),
            "edge": flows.edge(loss, gd, secant=True), "modified": flows.modified(loss, gd),
            "self_stabilization": flows.self_stabilization(loss, gd)}  # fmt: skip


def process_row(repeats: int, cold: bool) -> Row:
    """The whole command."""
    with tempfile.TemporaryDirectory(prefix="cfdyn-bench-") as base:
        folders = Folders(Path(base))
        arguments = [*COMMAND, "--out", folders.out]
        command, environment = ["-m", "cfdyn", *arguments], folders.environment if cold else None
        cells: dict[str, Any] = {}
        if cold:
            first = harness.fresh(command, environment)
            cells |= {COLD: first.seconds, COLD_CPU: first.cpu}
        cells |= warm_cells(command, environment, repeats)
        cells[MEMORY] = peak_memory(command_line(["cfdyn", *arguments]), environment)
    return Row("six models, two variables, 2,000 steps", cells, (Goal(number(cells, WARM), SOON),))


def growth_row(label: str, loss: Any, lr: float, start: list[float], steps: int, repeats: int) -> Row:
    gd = cf.optimizers.gd(lr=lr)
    flows = models(loss, gd)
    spent = measure(lambda: cf.compare(loss, gd, flows, start, steps), repeats).median
    return Row(label, {"time (ms)": spent * 1e3, "µs per step and model": spent / steps / len(flows) * 1e6})


def growth_rows(quick: bool, repeats: int) -> list[Row]:
    """More steps, more variables."""
    rows = []
    for steps in (200, 2000) if quick else (200, 2000, 20000):
        harness.progress(f"compare: {steps} steps")
        rows.append(growth_row(f"{steps} steps", cf.losses.two_time_scales(), 0.3, [0.05, 6.4], steps, repeats))
    for d in (2, 4) if quick else (2, 4, 8, 16):
        harness.progress(f"compare: {d} variables")
        names = [f"x{i + 1}" for i in range(d)]
        loss = cf.Loss(f"(1 - {'*'.join(names)})**2/2", names)
        rows.append(growth_row(f"{d} variables", loss, 2 / (1.05 * d), np.linspace(0.5, 1.0, d).tolist(), 500, repeats))
    return rows


def run(quick: bool) -> list[Table]:
    """Both tables; quick: warm processes only, fewer sizes."""
    repeats = 3 if quick else harness.REPEATS
    harness.progress("compare: whole processes")
    process = [process_row(repeats, cold=not quick)]
    return [
        Table("an optimizer against six models", (COLD, COLD_CPU, WARM, WARM_CPU, MEMORY), process, PROCESS_NOTE),
        Table("comparisons: growth", ("time (ms)", "µs per step and model"), growth_rows(quick, repeats), GROWTH_NOTE),
    ]


if __name__ == "__main__":
    report.main("compare", run)
