"""AUTO-07p as a peer: its equations in Fortran from the formulas of a map, its runs, and the special points they find.

The frame of the equations: ``auto.f90``. AUTO is looked for as `auto-07p` (Debian's name) or `auto`; what is written and
compiled goes to a folder that is gone at the end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sympy as sp

from measuring import BenchmarkError, scratch

PROGRAMS, COMPILER = ("auto-07p", "auto"), "gfortran"
KINDS = {2: "fold", 7: "flip", 8: "neimark-sacker"}  # the special points among its labels

# IPS = -1: fixed points of a map. IID = 0, NPR = 0: no diagnostics, no points in full but the special ones.
CONSTANTS = """
NDIM={n}, IPS=-1, IRS=0, ILP=1, ICP=[1], NTST=1, NCOL=4, IAD=3, ISP=2, ISW=1, IPLT=0, NBC=0, NINT=0
NMX={steps}, NPR=0, MXBF=0, IID=0, ITMX=20, ITNW=7, NWTN=3, JAC=1, EPSL=1e-10, EPSU=1e-10, EPSS={located}
DS={first}, DSMIN={least}, DSMAX={most}, IADS={adapted}, NPAR=1, THL={{}}, THU={{}}, RL0={low}, RL1={high}
"""


@dataclass(frozen=True)
class Run:
    """What one run has found: (kind, parameter) in its order; seconds by its own clock and of the process."""

    points: list[tuple[str, float]]
    own_seconds: float
    seconds: float


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
    formulas: tuple[str, ...], variables: str, parameter: str, start: tuple[float, ...], value: float, period: int
) -> str:
    """The equations file of a map applied ``period`` times, with all derivatives."""
    names = [sp.Symbol(name) for name in (*variables.split(), parameter)]
    own = [sp.Symbol(f"u({i + 1})") for i in range(len(formulas))] + [sp.Symbol("p(1)")]
    step = [sp.sympify(text, locals={str(name): name for name in names}, rational=True) for text in formulas]
    images = list(names[:-1])
    for _ in range(period):
        images = [row.subs(dict(zip(names, images, strict=False)), simultaneous=True) for row in step]
    images = [row.subs(dict(zip(names, own, strict=True)), simultaneous=True) for row in images]

    def lines(entries: list[tuple[str, sp.Expr]]) -> str:
        return "\n".join("  " + sp.fcode(sp.sympify(e), assign_to=to, standard=95, source_format="free") for to, e in entries)

    rows, first = list(enumerate(images, 1)), zip([*map(str, own)], [*start, value], strict=True)
    return Path(__file__).with_suffix(".f90").read_text(encoding="ascii").format(
        map=lines([(f"f({i})", row) for i, row in rows]),
        by_state=lines([(f"dfdu({i},{j})", sp.diff(row, u)) for i, row in rows for j, u in enumerate(own[:-1], 1)]),
        by_parameter=lines([(f"dfdp({i},1)", sp.diff(row, own[-1])) for i, row in rows]),
        start="\n".join(f"  {name} = {number:.17e}".replace("e", "d") for name, number in first),
    )


class Program:
    """A map compiled together with AUTO."""

    def __init__(self, formulas: tuple[str, ...], variables: str, parameter: str, start: tuple[float, ...], value: float,
                 period: int = 1):  # fmt: skip
        library, self.n = folder(), len(formulas)
        assert library is not None
        self.place = scratch() / f"auto{len(list(scratch().glob('auto*')))}"
        self.place.mkdir()
        (self.place / "map.f90").write_text(fortran(formulas, variables, parameter, start, value, period), encoding="ascii")
        parts = sorted(map(str, library.glob("*.o")))
        for command in ([COMPILER, "-O2", "-c", "map.f90"], [COMPILER, "map.o", *parts, "-lgomp", "-o", "map"]):
            done = subprocess.run(command, cwd=self.place, capture_output=True, text=True)
            if done.returncode != 0:
                raise BenchmarkError(f"{COMPILER} failed: {done.stderr.strip()[-500:]}")

    def run(self, bounds: tuple[float, float], size: float, steps: int, one_length: bool = False) -> Run:
        """Follow fixed points between the bounds, from the start on, with steps of this size, or up to ten times as long."""
        most = size if one_length else 10 * size
        text = CONSTANTS.format(
            n=self.n, steps=steps, located=1e-8 if one_length else 1e-11, first=size, least=abs(size) if one_length else 1e-6,
            most=abs(most), adapted=int(not one_length), low=bounds[0], high=bounds[1],
        )  # fmt: skip
        begun = time.perf_counter()
        done = subprocess.run(["./map"], cwd=self.place, input=text, capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
        seconds = time.perf_counter() - begun
        own = re.search(r"Total Time\s+(\S+)", done.stdout)
        if own is None:
            raise BenchmarkError(f"AUTO failed: {(done.stdout + done.stderr).strip()[-500:]}")
        rows = [row for line in (self.place / "fort.7").read_text().splitlines() if (row := line.split()) and row[0] != "0"]
        points = [(KINDS[abs(int(row[2]))], float(row[4])) for row in rows if abs(int(row[2])) in KINDS]
        return Run(points, float(own[1]), seconds)
