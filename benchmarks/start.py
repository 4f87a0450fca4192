"""How long until something happens? Import, help and a whole study in fresh processes, cold and warm."""

from __future__ import annotations

import compileall
import os
import statistics
import tempfile
from pathlib import Path

import harness
import report
from harness import command_line, fresh, fresh_timing, peak_memory
from report import Goal, Row, Table

import cfdyn

COLD, WARM, MEMORY = "cold (s)", "warm (s)", "peak memory (MB)"
COLD_CPU, WARM_CPU = "cold, processor (s)", "warm, processor (s)"
WELL = ["study", "(w**2-1)**2/4", "--optimizer", "gd:lr=1.46"]
STUDIES = {
    "double well": WELL,
    "two variables": ["study", "(1 - x*y)**2/2", "--optimizer", "gd:lr=0.9"],
    "breast cancer, 2 measurements": ["study", "breast_cancer:features=2"],
}

# A user's own map in the peer: what it costs there to see an orbit, its period and its exponent.
PEER = """
import numpy as np
from numba import njit
from pynamicalsys import DiscreteDynamicalSystem as System
@njit
def mapping(u, p):
    return np.array([u[0] - p[1]*p[0]*u[0]*(u[0]**2 - 1)])
@njit
def jacobian(u, p, *ignored):
    return np.array([[1 - p[1]*p[0]*(3*u[0]**2 - 1)]])
system = System(mapping=mapping, jacobian=jacobian, system_dimension=1, number_of_parameters=2)
p = np.array([1.0, 1.46])
system.trajectory([0.5], 1000, parameters=p)
system.period([0.5], 10000, parameters=p)
system.lyapunov([0.5], 10000, parameters=p)
"""

# Adds up, while a command runs, the time that numba spends compiling or loading compiled code.
LISTENER = """
import time as _time
from numba.core import event as _event
class _Clock(_event.Listener):
    depth, begun, total = 0, 0.0, 0.0
    def on_start(self, event):
        if self.depth == 0:
            self.begun = _time.perf_counter()
        self.depth += 1
    def on_end(self, event):
        self.depth -= 1
        if self.depth == 0:
            self.total += _time.perf_counter() - self.begun
_clock = _Clock()
_event.register("numba:compiler_lock", _clock)
"""
REPORT = "\nimport sys as _sys\n_sys.stderr.write(f'\\ncompiled {_clock.total}\\n')"

# The stages that a study announces, each with what it imports, compiles or loads on its way.
STAGES = """
import sys, time
marks = []
say = lambda words: marks.append((words, time.perf_counter()))
say("importing cfdyn, reading the formula")
import cfdyn as cf
found = cf.study(cf.Loss("(w**2-1)**2/4"), cf.optimizers.gd(lr=1.46), progress=say)
say("drawing")
figure = cf.plot(found)
say("writing figure and record")
figure.savefig({out!r} + ".png", dpi=200)
found.save({out!r} + ".npz")
say("")
for (words, begin), (_, end) in zip(marks, marks[1:]):
    sys.stderr.write(f"stage|{{words}}|{{end - begin}}\\n")
"""

GROUPS = {
    "numba": ("numba", "llvmlite"),
    "sympy": ("sympy", "mpmath", "gmpy2"),
    "scipy": ("scipy",),
    "matplotlib": ("matplotlib", "PIL", "mpl_toolkits", "fontTools", "contourpy", "kiwisolver", "pyparsing", "dateutil"),
    "scikit-learn": ("sklearn", "pandas", "joblib", "threadpoolctl", "narwhals"),
    "command line": ("typer", "click", "rich", "shellingham", "pygments", "markdown_it"),
    "numpy": ("numpy",),
    "cfdyn": ("cfdyn",),
}
OTHER = "the rest of Python"

START_NOTE = (
    "Wall time of whole processes, the interpreter's own start included; the target of `import cfdyn` is what it adds to "
    "a bare Python. Cold: the folders for compiled code (`CFDYN_CACHE_DIR`) and for matplotlib's font list "
    "(`MPLCONFIGDIR`) are empty; Python's bytecode is there, as after an installation. A wall time "
    "well above the processor time says that the machine was busy with other things. Memory: beyond a bare Python, in a "
    "warm process."
)
STAGES_NOTE = "The double well; each stage with what it imports, compiles (cold) or loads (warm) on its way."
PARTS_NOTE = (
    "One process each, slowed down a little by being watched: imports by `-X importtime`, compiling (cold) or loading "
    "compiled code (warm) by numba's events; what remains is the computation itself and the drawing."
)


class Folders:
    """Fresh folders for all that is kept between runs, and the environment that points to them."""

    def __init__(self, base: Path):
        self.base = base
        self.environment: dict[str, str] = {}
        self.out = str(base / "out")
        self.empty()

    def empty(self) -> dict[str, str]:
        """New, empty caches from now on."""
        folder = Path(tempfile.mkdtemp(dir=self.base))
        self.environment = {"CFDYN_CACHE_DIR": str(folder / "code"), "MPLCONFIGDIR": str(folder / "fonts"),
                            "MPLBACKEND": "Agg"}  # fmt: skip
        return self.environment


def warm_cells(arguments: list[str], environment: dict[str, str] | None, repeats: int) -> dict[str, float | str | None]:
    """Wall and processor time; one run before is not counted."""
    fresh(arguments, environment)
    seconds, cpu = fresh_timing(arguments, lambda: environment, repeats)
    return {WARM: seconds, WARM_CPU: cpu}


def number(cells: dict[str, float | str | None], column: str) -> float:
    """A cell that holds a number."""
    value = cells[column]
    assert isinstance(value, float)
    return value


def simple_rows(repeats: int) -> list[Row]:
    """Imports and help, warm."""
    bare = warm_cells(["-c", "pass"], None, repeats)
    cells = {**warm_cells(["-c", "import cfdyn"], None, repeats), MEMORY: peak_memory("import cfdyn")}
    rows = [
        Row("bare Python", bare),
        Row("`import cfdyn`", cells, (Goal(number(cells, WARM) - number(bare, WARM), 0.15),)),
    ]
    cells = warm_cells(["-m", "cfdyn", "--help"], None, repeats)
    cells[MEMORY] = peak_memory(command_line(["cfdyn", "--help"]))
    rows.append(Row("`cfdyn --help`", cells, (Goal(number(cells, WARM), 0.5),)))
    for name in ("numba", "sympy", "matplotlib.pyplot", "pynamicalsys"):
        rows.append(peer_row(f"`import {name}`", name.partition(".")[0], f"import {name}", repeats))
    return rows


def peer_row(task: str, package: str, code: str, repeats: int) -> Row:
    """Code that needs another package in a fresh process, or "not found"."""
    if harness.peer(package) is None:
        return Row(task, {WARM: None, WARM_CPU: None, MEMORY: None})
    return Row(task, {**warm_cells(["-c", code], None, repeats), MEMORY: peak_memory(code)})


def new_row(folders: Folders, repeats: int) -> Row:
    """A formula that was never seen before, each time another one; the kernels are kept."""
    fresh(["-m", "cfdyn", *WELL, "--out", folders.out], folders.environment)
    samples = []
    for i in range(repeats):
        formula = f"(w**2-1)**2/4 + w**3/{1000 + os.getpid() % 1000 + i}"
        samples.append(fresh(["-m", "cfdyn", "study", formula, "--out", folders.out], folders.environment))
    seconds, cpu = (statistics.median(getattr(s, what) for s in samples) for what in ("seconds", "cpu"))
    return Row("`cfdyn study`, a new formula", {WARM: seconds, WARM_CPU: cpu}, (Goal(seconds, 3.0),))


def bare_row(folders: Folders, repeats: int) -> Row:
    """The double well's study without its figure."""
    cells = warm_cells(["-m", "cfdyn", *WELL, "--no-figure", "--out", folders.out], folders.environment, repeats)
    return Row("`cfdyn study --no-figure`, double well", cells, (Goal(number(cells, WARM), 1.2),))


def study_row(name: str, arguments: list[str], folders: Folders, repeats: int) -> Row:
    """A study with its figure: cold (everything empty) and warm."""
    most, arguments = 2.2 if arguments is WELL else 3.0, [*arguments, "--out", folders.out]
    command = ["-m", "cfdyn", *arguments]
    cold, cold_cpu = fresh_timing(command, folders.empty, repeats)
    cells = {COLD: cold, COLD_CPU: cold_cpu, **warm_cells(command, folders.environment, repeats)}
    cells[MEMORY] = peak_memory(command_line(["cfdyn", *arguments]), folders.environment)
    return Row(f"`cfdyn study`, {name}", cells, (Goal(cold, 8.0), Goal(number(cells, WARM), most)))


def import_seconds(lines: str) -> dict[str, float]:
    """Seconds of import by group of packages, from what ``-X importtime`` writes."""
    owner = {package: group for group, packages in GROUPS.items() for package in packages}
    seconds: dict[str, float] = {}
    for line in lines.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and len(parts) == 3 and parts[0].strip().isdigit():
            group = owner.get(parts[2].strip().partition(".")[0], OTHER)
            seconds[group] = seconds.get(group, 0.0) + int(parts[0]) / 1e6
    return seconds


def watched(arguments: list[str], environment: dict[str, str]) -> dict[str, float]:
    """The parts of one study: imports by package, compiling or loading, the rest, all."""
    code = LISTENER + command_line(["cfdyn", *arguments]) + REPORT
    end = fresh(["-X", "importtime", "-c", code], environment)
    total, imports = end.seconds, import_seconds(end.errors)
    compiled = float(end.errors.rsplit("compiled ", 1)[1].split()[0])
    parts = {f"import of {group}": imports.get(group, 0.0) for group in (*GROUPS, OTHER)}
    parts["compiling, or loading compiled code"] = compiled
    parts["computing and drawing"] = max(total - compiled - sum(imports.values()), 0.0)
    parts["all"] = total
    return parts


def parts_rows(folders: Folders) -> list[Row]:
    """Where the time of the double well's study goes, cold and warm."""
    arguments = [*WELL, "--out", folders.out]
    cold = watched(arguments, folders.empty())
    warm = watched(arguments, folders.environment)
    return [Row(part, {COLD: cold[part], WARM: warm[part]}) for part in cold if cold[part] + warm[part] > 1e-3]


def stage_seconds(folders: Folders, environment: dict[str, str]) -> dict[str, float]:
    """Seconds of the stages of one study in a fresh process, in order."""
    end = fresh(["-c", STAGES.format(out=folders.out)], environment)
    stages = [line.split("|") for line in end.errors.splitlines() if line.startswith("stage|")]
    seconds = {name: float(value) for _, name, value in stages}
    return {"starting and ending Python": end.seconds - sum(seconds.values()), **seconds}


def stage_rows(folders: Folders) -> list[Row]:
    """The stages, cold and warm."""
    cold = stage_seconds(folders, folders.empty())
    warm = stage_seconds(folders, folders.environment)
    return [Row(name, {COLD: cold[name], WARM: warm[name]}) for name in cold]


def run(quick: bool) -> list[Table]:
    """Start-up times; quick: one study, fewer repeats."""
    harness.progress("start: imports and help")
    compileall.compile_dir(Path(cfdyn.__file__).parent, quiet=2)
    rows = simple_rows(3 if quick else 5)
    with tempfile.TemporaryDirectory(prefix="cfdyn-bench-") as base:
        folders = Folders(Path(base))
        for name, arguments in STUDIES.items():
            if quick and arguments is not WELL:
                continue
            if "breast" in name and harness.peer("sklearn") is None:
                rows.append(Row(f"`cfdyn study`, {name}", dict.fromkeys((COLD, WARM, MEMORY))))
                continue
            harness.progress(f"start: study, {name}")
            rows.append(study_row(name, arguments, folders, 1 if quick else 3))
        harness.progress("start: new formula, no figure")
        rows += [new_row(folders, 1 if quick else 5), bare_row(folders, 1 if quick else 5)]
        harness.progress("start: peers and parts")
        rows.append(peer_row("pynamicalsys: the double well's orbit, period, exponent; no figure", "pynamicalsys", PEER,
                             1 if quick else 3))  # fmt: skip
        stages, parts = stage_rows(folders), parts_rows(folders)
    return [
        Table("fresh processes", (COLD, COLD_CPU, WARM, WARM_CPU, MEMORY), rows, START_NOTE),
        Table("the stages of that study", (COLD, WARM), stages, STAGES_NOTE),
        Table("the parts of that study", (COLD, WARM), parts, PARTS_NOTE),
    ]


if __name__ == "__main__":
    report.main("start", run)
