"""How long until something happens? Import, help and a whole study in fresh processes, cold and warm."""

from __future__ import annotations

import compileall
import os
from pathlib import Path

import cfdyn
from measuring import Benchmark, Cells, Goal, Plan, Row, Rows, peer, ratio
from measuring.processes import COLD, COLD_CPU, MEMORY, WARM, WARM_CPU, Caches, command_line, fresh, medians, process_cells

bench = Benchmark("start")

WELL = ["-m", "cfdyn", "study", "(w**2-1)**2/4", "--optimizer", "gd:lr=1.46", "--out"]
STUDIES = {  # with the seconds that a warm one may take
    "double well": (WELL, 2.2),
    "two variables": (["-m", "cfdyn", "study", "(1 - x*y)**2/2", "--optimizer", "gd:lr=0.9", "--out"], 3.0),
    "breast cancer, 2 measurements": (["-m", "cfdyn", "study", "breast_cancer:features=2", "--out"], 3.0),
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
SAID = "\nimport sys as _sys\n_sys.stderr.write(f'\\ncompiled {_clock.total}\\n')"

# The stages that a study announces, each with what it imports, compiles or loads on its way.
STAGES = """
import sys, time
marks = []
def say(words):
    if ": " not in words:  # else of a stage that has begun
        marks.append((words.split(", ", 1)[-1] if words.startswith("stage") else words, time.perf_counter()))
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

# Twenty losses of one variable or two, with gradient descent or heavy ball, each at five rates about its edge.
MANY = """
import cfdyn as cf
forms = ["{a}*w**4/4 - {b}*w**2/2", "{a}*w**2/2 + {b}*(1-cos({a}*w))", "log(cosh({a}*w)) + {b}*w**2/9", "({a}*x*y - {b})**2/2"]
listed = []
for k in range(20):
    loss = cf.Loss(forms[k % 4].format(a=0.6 + 0.07*k, b=1.2 - 0.03*k))
    edge = cf.minima(loss)[0].edge
    gd, momentum = cf.optimizers.gd(lr=1.0), cf.optimizers.heavy_ball(lr=1.0, momentum=0.5)
    optimizer, edge = (momentum, 1.5 * edge) if k % 3 == 0 else (gd, edge)
    listed += [(loss, optimizer.at(lr=share * edge)) for share in (0.6, 0.9, 1.1, 1.3, 1.5)]
assert not cf.study_many(listed, jobs=2).failures
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
TIMES = "cold ÷ `import numba`"


@bench.table("fresh processes", (COLD, COLD_CPU, TIMES, WARM, WARM_CPU, MEMORY))
def processes(plan: Plan) -> Rows:
    """Wall time of whole processes, the interpreter's own start included; the target of `import cfdyn` is what it adds to a
    bare Python. Cold: the folders for compiled code (`CFDYN_CACHE_DIR`) and for matplotlib's font list (`MPLCONFIGDIR`) are
    empty; Python's bytecode is there, as after an installation. A wall time well above the processor time says that the
    machine was busy with other things. ÷ `import numba`: how many times the wall time of that, whatever the machine. Memory:
    beyond a bare Python, in a warm process."""
    compileall.compile_dir(Path(cfdyn.__file__).parent, quiet=2)
    short, long, cold = plan.pick((3, 1, 1), (5, 5, 3))
    bare = process_cells(["-c", "pass"], short, memory=False)
    yield Row("bare Python", bare)
    cells = process_cells(["-c", "import cfdyn"], short)
    yield Row("`import cfdyn`", cells, (Goal(cells[WARM] - bare[WARM], 0.15),))
    cells = process_cells(["-m", "cfdyn", "--help"], short)
    yield Row("`cfdyn --help`", cells, (Goal(cells[WARM], 0.5),))
    imports = {}
    for name in ("numba", "sympy", "matplotlib.pyplot", "pynamicalsys"):
        imports[name] = peer_cells(name.partition(".")[0], f"import {name}", short)
        yield Row(f"`import {name}`", imports[name])
    caches = Caches()
    for name, (command, most) in STUDIES.items():
        if plan.quick and command is not WELL:
            continue
        if "breast" in name and peer("sklearn") is None:
            yield Row(f"`cfdyn study`, {name}", dict.fromkeys((COLD, WARM, MEMORY)))
            continue
        cells = process_cells([*command, caches.out], cold, caches, cold=cold)
        cells[TIMES] = ratio(cells[COLD], imports["numba"][WARM])
        yield Row(f"`cfdyn study`, {name}", cells, (Goal(cells[TIMES], 15.0), Goal(cells[WARM], most)))
    cells = new_cells(caches, long)
    yield Row("`cfdyn study`, a new formula", cells, (Goal(cells[WARM], 3.0),))
    cells = process_cells([*WELL, caches.out, "--no-figure"], long, caches, memory=False)
    yield Row("`cfdyn study --no-figure`, double well", cells, (Goal(cells[WARM], 1.2),))
    if not plan.quick:
        cells = process_cells(["-c", MANY], 1, caches, memory=False)
        yield Row("`cf.study_many`, 100 small studies", cells, (Goal(cells[WARM_CPU], 60.0),))
    yield Row("pynamicalsys: the double well's orbit, period, exponent; no figure", peer_cells("pynamicalsys", PEER, cold))


def peer_cells(package: str, code: str, repeats: int) -> Cells:
    """Code that needs another package in a fresh process, or "not found"."""
    if peer(package) is None:
        return dict.fromkeys((WARM, WARM_CPU, MEMORY))
    return process_cells(["-c", code], repeats)


def new_cells(caches: Caches, repeats: int) -> Cells:
    """A formula that was never seen before, each time another one; the kernels are kept."""
    fresh([*WELL, caches.out], caches.environment)
    formulas = [f"(w**2-1)**2/4 + w**3/{1000 + os.getpid() % 1000 + i}" for i in range(repeats)]
    ends = [fresh(["-m", "cfdyn", "study", formula, "--out", caches.out], caches.environment) for formula in formulas]
    return dict(zip((WARM, WARM_CPU), medians(ends)))


@bench.table("the stages of that study")
def stages(plan: Plan) -> Rows:
    """The double well; each stage with what it imports, compiles (cold) or loads (warm) on its way."""
    caches = Caches()
    cold, warm = stage_seconds(caches), stage_seconds(caches)
    for name, seconds in cold.items():
        yield Row(name, {COLD: seconds, WARM: warm[name]})


def stage_seconds(caches: Caches) -> dict[str, float]:
    """Seconds of the stages of one study in a fresh process, in order."""
    end = fresh(["-c", STAGES.format(out=caches.out)], caches.environment)
    said = [line.split("|") for line in end.errors.splitlines() if line.startswith("stage|")]
    seconds = {name: float(value) for _, name, value in said}
    return {"starting and ending Python": end.seconds - sum(seconds.values()), **seconds}


@bench.table("the parts of that study")
def parts(plan: Plan) -> Rows:
    """One process each, slowed down a little by being watched: imports by `-X importtime`, compiling (cold) or loading
    compiled code (warm) by numba's events; what remains is the computation itself and the drawing."""
    caches = Caches()
    cold, warm = part_seconds(caches), part_seconds(caches)
    for name, seconds in cold.items():
        if seconds + warm[name] > 1e-3:
            yield Row(name, {COLD: seconds, WARM: warm[name]})


def part_seconds(caches: Caches) -> dict[str, float]:
    """The parts of one study: imports by package, compiling or loading, the rest, all."""
    code = LISTENER + command_line([*WELL[1:], caches.out]) + SAID
    end = fresh(["-X", "importtime", "-c", code], caches.environment)
    imports = import_seconds(end.errors)
    compiled = float(end.errors.rsplit("compiled ", 1)[1].split()[0])
    found = {f"import of {group}": imports.get(group, 0.0) for group in (*GROUPS, OTHER)}
    found["compiling, or loading compiled code"] = compiled
    found["computing and drawing"] = max(end.seconds - compiled - sum(imports.values()), 0.0)
    return {**found, "all": end.seconds}


def import_seconds(lines: str) -> dict[str, float]:
    """Seconds of import by group of packages, from what ``-X importtime`` writes."""
    owner = {package: group for group, packages in GROUPS.items() for package in packages}
    seconds: dict[str, float] = {}
    for line in lines.splitlines():
        fields = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and len(fields) == 3 and fields[0].strip().isdigit():
            group = owner.get(fields[2].strip().partition(".")[0], OTHER)
            seconds[group] = seconds.get(group, 0.0) + int(fields[0]) / 1e6
    return seconds


if __name__ == "__main__":
    bench.main()
