"""How fast is one orbit, against C, numba, pynamicalsys and a Python loop that do the same work?"""

from __future__ import annotations

from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.kernels.orbits import advance
from measuring import Benchmark, Call, Cells, Goal, Plan, Row, Rows, peer, race
from measuring.processes import MEMORY, peak_memory
from problems.maps import CASES, ESCAPE, Case, check, peer_system

bench = Benchmark("orbit")

STEPS = 1_000_000  # in a quick pass too: the shares of C would differ at another size
SHARE, NAME = "C ÷ cfdyn", "{name}"
CHECKED = 25  # steps in which everybody must do the same before anybody is timed


def stored_calls(case: Case, n: int, fewer: int = 1) -> dict[str, Call | None]:
    """The competitors that store n steps; each call returns the states, (n+1, D). Plain Python is given so many times fewer."""
    c_store, system = case.c_loop("store"), peer_system(case)

    def filled(store: Any, argument: Any, steps: int = n) -> Call:
        def call() -> np.ndarray:
            states = case.first(steps)
            store(states, argument)
            return states

        return call

    def by_peer() -> np.ndarray:
        return np.asarray(system.trajectory(np.array(case.start), n, parameters=case.p)).reshape(n, -1)

    return {
        "cfdyn": lambda: cf.iterate(case.map, case.start, n).z,
        "C": filled(c_store, n) if c_store else None,
        "numba": filled(case.python_loop(compiled=True), case.p),
        "pynamicalsys": by_peer if system else None,
        "Python": filled(case.python_loop(compiled=False), case.p, n // fewer),
    }


def same_orbits(case: Case) -> None:
    """Check that everybody does the same."""
    orbits: dict[str, Any] = {name: call() if call else None for name, call in stored_calls(case, CHECKED).items()}
    theirs = orbits["pynamicalsys"]
    if theirs is not None and not np.allclose(theirs[0], case.start):
        orbits["pynamicalsys"] = np.vstack([case.start, theirs])  # some versions leave out the start
    check(case, orbits)


@bench.table(f"one orbit, {STEPS} steps stored: ns per step",
             ("cfdyn", "C", "numba", "pynamicalsys", "Python", SHARE, "numba ÷ cfdyn", "pynamicalsys ÷ cfdyn"))  # fmt: skip
def stored(plan: Plan) -> Rows:
    """Every competitor allocates an array, fills it with the orbit and stops where a state leaves |z| ≤ 1e15 or is NaN; only
    pynamicalsys does not look. C is compiled for the one map (`cc -O3 -march=native -ffp-contract=off`), cfdyn calls the
    rule of the map through a pointer. The shares of C are what the targets are about; they hold for this many steps only: a
    call of cfdyn has a fixed cost, which makes the share smaller for shorter orbits (see growth)."""
    for case in CASES:
        same_orbits(case)
        cells = race(stored_calls(case, STEPS, fewer=50), plan.repeats, "ns", STEPS, {"Python": 1 / 50}, NAME)
        yield Row(case.name, cells, (Goal(cells[SHARE], case.least, above=True),))


@bench.table(f"one orbit, {STEPS} steps, not stored: ns per step")
def advanced(plan: Plan) -> Rows:
    """Only the last state is kept. The unchecked C never looks whether the orbit has escaped."""
    for case in CASES:
        cells = race(advanced_calls(case, STEPS), plan.repeats, "ns", STEPS, label=NAME)
        yield Row(case.name, cells, (Goal(cells[SHARE], case.least, above=True),))


def advanced_calls(case: Case, n: int) -> dict[str, Call | None]:
    """The competitors that keep the last of n steps."""
    rule, p = case.map.rule("step").compiled, case.map.p
    checked, unchecked = case.c_loop("advance"), case.c_loop("unchecked")
    return {
        "cfdyn": lambda: advance(rule, np.array(case.start), p, n, ESCAPE),
        "C": checked and (lambda: checked(np.array(case.start), n)),
        "C unchecked": unchecked and (lambda: unchecked(np.array(case.start), n)),
    }


@bench.table("growth with the work: ns per step", ("cfdyn", "C", "numba", SHARE))
def growth(plan: Plan) -> Rows:
    """GD on the double well, stored. Time per step must not grow with the number of steps; what the short orbits take more
    is the fixed cost of one call of `iterate`."""
    well = next(case for case in CASES if case.name == "GD, double well")
    for n in (10**k for k in range(3, plan.pick(7, 8))):
        calls = stored_calls(well, n)
        cells = race({name: calls[name] for name in ("cfdyn", "C", "numba")}, plan.repeats, "ns", n, label=NAME)
        yield Row(f"{n:.0e} steps".replace("e+0", "e"), cells)


@bench.table(f"memory, {STEPS} steps of the Hénon map")
def memory(plan: Plan) -> Rows:
    """What a fresh process needs beyond a bare Python, with everything it has to import; the orbit is stored."""
    yield Row("the stored numbers alone", peak(f"import numpy\nz = numpy.ones(({STEPS + 1}, 2))"))
    yield Row("cfdyn", peak(f"""import cfdyn as cf
henon = cf.Map.from_text(['1 - a*x**2 + y', 'b*x'], 'x y', {{'a': 1.4, 'b': 0.3}})
z = cf.iterate(henon, [0.1, 0.1], {STEPS}).z"""))
    yield Row("`import numba` alone, no orbit", peak("import numba"))
    code = ("from pynamicalsys import DiscreteDynamicalSystem as System\n"
            f"z = System(model='henon map').trajectory([0.1, 0.1], {STEPS}, parameters=[1.4, 0.3])")  # fmt: skip
    yield Row("pynamicalsys", peak(code) if peer("pynamicalsys") else {MEMORY: None})


def peak(code: str) -> Cells:
    """The memory of a process of its own."""
    return {MEMORY: peak_memory(code)}


if __name__ == "__main__":
    bench.main()
