"""AUTO-07p as a peer: its equations in Fortran from the formulas of a map, its runs, and the special points they find.

The frame of the equations: ``auto.f90``. AUTO is looked for as `auto-07p` (Debian's name) or `auto`; what is written and
compiled goes to a folder that is gone at the end.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sympy as sp

from measuring import BenchmarkError, scratch

PROGRAMS, COMPILER = ("auto-07p", "auto"), "gfortran"
KINDS = {2: "fold", 7: "flip", 8: "neimark-sacker"}  # the special points among its labels

# IPS = -1: fixed points of a map. IID = 0, NPR = 0: no diagnostics, no points in full but the special ones. ISW = 2: a curve
# in two parameters from the point with the label IRS.
CONSTANTS = """
NDIM={n}, IPS=-1, IRS={label}, ILP=1, ICP=[{free}], NTST=1, NCOL=4, IAD=3, ISP=2, ISW={switch}, IPLT=0, NBC=0, NINT=0
NMX={steps}, NPR=0, MXBF=0, IID=0, ITMX=20, ITNW=7, NWTN=3, JAC=1, EPSL=1e-10, EPSU=1e-10, EPSS={located}
DS={first}, DSMIN={least}, DSMAX={most}, IADS={adapted}, NPAR={parameters}, THL={{}}, THU={{}}, RL0={low}, RL1={high}
"""


@dataclass(frozen=True)
class Run:
    """What one run has found: (kind, parameter) in its order; seconds by its own clock, of the process, and of the processor."""

    points: list[tuple[str, float]]
    own_seconds: float
    seconds: float
    processor: float
    rows: int


@cache
def folder() -> Path | None:
    """The folder of AUTO's compiled parts; None without AUTO or without a Fortran compiler."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None or shutil.which(COMPILER) is None:
        return None
    home = Path(found).resolve().parent.parent
    places = [home / "lib" / "auto-07p", home]
    if "AUTO_DIR" in os.environ:
        places.insert(0, Path(os.environ["AUTO_DIR"]))
    return next((place / "lib" for place in places if (place / "lib" / "main.o").exists()), None)


def fortran(
    formulas: tuple[str, ...], variables: str, parameters: str, start: tuple[float, ...], values: tuple[float, ...], period: int
) -> str:
    """The equations file of a map applied ``period`` times, with all derivatives."""
    n, names = len(formulas), [sp.Symbol(name) for name in (*variables.split(), *parameters.split())]
    own = [sp.Symbol(f"u({i + 1})" if i < n else f"p({i - n + 1})") for i in range(len(names))]
    step = [sp.sympify(text, locals={str(name): name for name in names}, rational=True) for text in formulas]
    images = list(names[:n])
    for _ in range(period):
        images = [row.subs(dict(zip(names, images, strict=False)), simultaneous=True) for row in step]
    images = [row.subs(dict(zip(names, own, strict=True)), simultaneous=True) for row in images]

    def lines(entries: list[tuple[str, sp.Expr]]) -> str:
        return "\n".join("  " + sp.fcode(sp.sympify(e), assign_to=to, standard=95, source_format="free") for to, e in entries)

    rows, first = list(enumerate(images, 1)), zip([*map(str, own)], [*start, *values], strict=True)
    return Path(__file__).with_suffix(".f90").read_text(encoding="ascii").format(
        map=lines([(f"f({i})", row) for i, row in rows]),
        by_state=lines([(f"dfdu({i},{j})", sp.diff(row, u)) for i, row in rows for j, u in enumerate(own[:n], 1)]),
        by_parameter=lines([(f"dfdp({i},{j})", sp.diff(row, p)) for i, row in rows for j, p in enumerate(own[n:], 1)]),
        start="\n".join(f"  {name} = {number:.17e}".replace("e", "d") for name, number in first),
    )


class Program:
    """A map compiled together with AUTO; the first of the parameters is the one of branches."""

    def __init__(self, formulas: tuple[str, ...], variables: str, parameters: str, start: tuple[float, ...], *values: float,
                 period: int = 1):  # fmt: skip
        library, self.n, self.parameters = folder(), len(formulas), len(values)
        assert library is not None
        self.place = scratch() / f"auto{len(list(scratch().glob('auto*')))}"
        self.place.mkdir()
        (self.place / "map.f90").write_text(fortran(formulas, variables, parameters, start, values, period), encoding="ascii")
        parts = sorted(map(str, library.glob("*.o")))
        for command in ([COMPILER, "-O2", "-c", "map.f90"], [COMPILER, "map.o", *parts, "-lgomp", "-o", "map"]):
            done = subprocess.run(command, cwd=self.place, capture_output=True, text=True)
            if done.returncode != 0:
                raise BenchmarkError(f"{COMPILER} failed: {done.stderr.strip()[-500:]}")

    def run(self, bounds: tuple[float, float], size: float, steps: int, one_length: bool = False) -> Run:
        """Follow fixed points between the bounds, from the start on, with steps of this size, or up to ten times as long."""
        found = self._run(
            label=0, free=1, switch=1, steps=steps, located=1e-8 if one_length else 1e-11, first=size,
            least=abs(size) if one_length else 1e-6, most=abs(size) if one_length else abs(10 * size),
            adapted=int(not one_length), low=bounds[0], high=bounds[1],
        )  # fmt: skip
        for number in "78":
            shutil.copy(self.place / f"fort.{number}", self.place / f"branch.{number}")
        return found

    def curve(self, bounds: tuple[float, float], size: float, steps: int) -> Run:
        """Follow the first flip of the last branch in both parameters, with steps of this size."""
        rows = [row.split() for row in (self.place / "branch.7").read_text().splitlines()]
        label = next(row[3] for row in rows if row[0] != "0" and KINDS.get(abs(int(row[2]))) == "flip")
        shutil.copy(self.place / "branch.8", self.place / "fort.3")
        return self._run(label=label, free="1,2", switch=2, steps=steps, located=1e-8, first=size, least=abs(size),
                         most=abs(size), adapted=0, low=bounds[0], high=bounds[1])  # fmt: skip

    def _run(self, **constants: Any) -> Run:
        text = CONSTANTS.format(n=self.n, parameters=self.parameters, **constants)
        begun, before = time.perf_counter(), processor_seconds()
        done = subprocess.run(["./map"], cwd=self.place, input=text, capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
        seconds, processor = time.perf_counter() - begun, processor_seconds() - before
        own = re.search(r"Total Time\s+(\S+)", done.stdout)
        if own is None:
            raise BenchmarkError(f"AUTO failed: {(done.stdout + done.stderr).strip()[-500:]}")
        rows = [row for line in (self.place / "fort.7").read_text().splitlines() if (row := line.split()) and row[0] != "0"]
        points = [(KINDS[abs(int(row[2]))], float(row[4])) for row in rows if abs(int(row[2])) in KINDS]
        return Run(points, float(own[1]), seconds, processor, len(rows))


def processor_seconds() -> float:
    """What all processes that were waited for have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
