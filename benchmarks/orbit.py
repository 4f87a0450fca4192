"""How fast is one orbit, against C, numba, pynamicalsys and a Python loop that do the same work?"""

from __future__ import annotations

from typing import Any

import harness
import numpy as np
import report
from cases import CASES, ESCAPE, Case, check
from harness import Call, interleaved, per_step, ratio
from report import Goal, Row, Table

import cfdyn as cf
from cfdyn.kernels.orbits import advance

STORED_NOTE = (
    "Every competitor allocates an array, fills it with the orbit and stops where a state leaves |z| ≤ 1e15 or is NaN; "
    "only pynamicalsys does not look. C is compiled for the one map (`cc -O3 -march=native -ffp-contract=off`), cfdyn "
    "calls the rule of the map through a pointer. The shares of C are what the targets are about; they hold for this "
    "many steps only: a call of cfdyn has a fixed cost, which makes the share smaller for shorter orbits (see growth)."
)
ADVANCED_NOTE = "Only the last state is kept. The unchecked C never looks whether the orbit has escaped."
GROWTH_NOTE = (
    "GD on the double well, stored. Time per step must not grow with the number of steps; what the short orbits take "
    "more is the fixed cost of one call of `iterate`."
)
MEMORY_NOTE = "What a fresh process needs beyond a bare Python, with everything it has to import; the orbit is stored."


def stored_calls(case: Case, n: int) -> dict[str, Call | None]:
    """The competitors that store n steps; each call returns the states, (n+1, D)."""
    c_store, system = case.c_loop("store"), case.peer()

    def by_c() -> np.ndarray:
        states = case.first(n)
        c_store(states, n)
        return states

    def by_numba() -> np.ndarray:
        states = case.first(n)
        case.numba_store(states, case.p)
        return states

    def by_peer() -> np.ndarray:
        return np.asarray(system.trajectory(np.array(case.start), n, parameters=case.p)).reshape(n, -1)

    return {
        "cfdyn": lambda: cf.iterate(case.map, case.start, n).z,
        "C": by_c if c_store else None,
        "numba": by_numba,
        "pynamicalsys": by_peer if system else None,
    }


def python_call(case: Case, n: int) -> Call:
    """The plain loop, which is given fewer steps."""

    def by_python() -> np.ndarray:
        states = case.first(n)
        case.python_store(states, case.p)
        return states

    return by_python


def same_orbits(case: Case) -> None:
    """Check that everybody does the same before anybody is timed."""
    n = 25
    orbits: dict[str, Any] = {name: call() if call else None for name, call in stored_calls(case, n).items()}
    orbits["Python"] = python_call(case, n)()
    if orbits["pynamicalsys"] is not None and not np.allclose(orbits["pynamicalsys"][0], case.start):
        # Some versions leave out the start.
        orbits["pynamicalsys"] = np.vstack([case.start, orbits["pynamicalsys"]])
    check(case, orbits)


def stored_row(case: Case, n: int, repeats: int) -> Row:
    slow = max(n // 50, 1)
    same_orbits(case)
    times = interleaved({**stored_calls(case, n), "Python": python_call(case, slow)}, repeats)
    steps = {name: per_step(timing, slow if name == "Python" else n) for name, timing in times.items()}
    share = ratio(steps["C"], steps["cfdyn"])
    cells: dict[str, Any] = {**steps, "C ÷ cfdyn": share, "numba ÷ cfdyn": ratio(steps["numba"], steps["cfdyn"])}
    cells["pynamicalsys ÷ cfdyn"] = ratio(steps["pynamicalsys"], steps["cfdyn"])
    return Row(case.name, cells, (Goal(share, case.least, above=True),))


def advanced_row(case: Case, n: int, repeats: int) -> Row:
    rule, p = case.map.rule("step").compiled, case.map.p
    loops = {"C": case.c_loop("advance"), "C unchecked": case.c_loop("unchecked")}

    def run(loop: Any) -> Call | None:
        return None if loop is None else lambda: loop(np.array(case.start), n)

    calls: dict[str, Call | None] = {"cfdyn": lambda: advance(rule, np.array(case.start), p, n, ESCAPE)}
    times = interleaved({**calls, **{name: run(loop) for name, loop in loops.items()}}, repeats)
    steps = {name: per_step(timing, n) for name, timing in times.items()}
    share = ratio(steps["C"], steps["cfdyn"])
    cells: dict[str, Any] = {**steps, "C ÷ cfdyn": share, "C unchecked ÷ cfdyn": ratio(steps["C unchecked"], steps["cfdyn"])}
    return Row(case.name, cells, (Goal(share, case.least, above=True),))


def growth_row(case: Case, n: int, repeats: int) -> Row:
    calls = stored_calls(case, n)
    times = interleaved({name: calls[name] for name in ("cfdyn", "C", "numba")}, repeats)
    steps = {name: per_step(timing, n) for name, timing in times.items()}
    return Row(f"{n:.0e} steps".replace("e+0", "e"), {**steps, "C ÷ cfdyn": ratio(steps["C"], steps["cfdyn"])})


def memory_rows(n: int) -> list[Row]:
    """Peak memory of fresh processes that store n steps of the Hénon map."""
    codes = {
        "the stored numbers alone": f"import numpy\nz = numpy.ones(({n + 1}, 2))",
        "cfdyn": "import cfdyn as cf\nstep = cf.Map.from_text(['1 - a*x**2 + y', 'b*x'], 'x y', {'a': 1.4, 'b': 0.3})\n"
        f"z = cf.iterate(step, [0.1, 0.1], {n}).z",
        "numba": "import numba",
        "pynamicalsys": "from pynamicalsys import DiscreteDynamicalSystem as System\n"
        f"z = System(model='henon map').trajectory([0.1, 0.1], {n}, parameters=[1.4, 0.3])",
    }
    found = {**dict.fromkeys(codes, True), "pynamicalsys": harness.peer("pynamicalsys") is not None}
    names = {"numba": "`import numba` alone, no orbit"}
    return [
        Row(names.get(name, name), {"peak memory (MB)": harness.peak_memory(code) if found[name] else None})
        for name, code in codes.items()
    ]


def run(quick: bool) -> list[Table]:
    """All tables; quick: fewer rounds of the same work, whose shares of C would differ at another size."""
    n, repeats = 1_000_000, 3 if quick else harness.REPEATS
    stored, advanced = [], []
    for case in CASES:
        harness.progress(f"orbit: {case.name}")
        stored.append(stored_row(case, n, repeats))
        advanced.append(advanced_row(case, n, repeats))
    well = next(case for case in CASES if case.name == "GD, double well")
    sizes = [10**k for k in range(3, 7 if quick else 8)]
    harness.progress("orbit: growth and memory")
    growth = [growth_row(well, size, repeats) for size in sizes]
    who = ("cfdyn", "C", "numba", "pynamicalsys", "Python")
    ratios = ("C ÷ cfdyn", "numba ÷ cfdyn", "pynamicalsys ÷ cfdyn")
    return [
        Table(f"one orbit, {n} steps stored: ns per step", (*who, *ratios), stored, STORED_NOTE),
        Table(f"one orbit, {n} steps, not stored: ns per step",
              ("cfdyn", "C", "C unchecked", "C ÷ cfdyn", "C unchecked ÷ cfdyn"), advanced, ADVANCED_NOTE),
        Table("growth with the work: ns per step", ("cfdyn", "C", "numba", "C ÷ cfdyn"), growth, GROWTH_NOTE),
        Table(f"memory, {n} steps of the Hénon map", ("peak memory (MB)",), memory_rows(n), MEMORY_NOTE),
    ]  # fmt: skip


if __name__ == "__main__":
    report.main("orbit", run)
