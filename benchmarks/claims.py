"""What checking claims costs: what is kept costs nothing again, and how time grows with the number of claims."""

from __future__ import annotations

from measuring import Benchmark, Goal, Plan, Row, Rows
from measuring.processes import COLD, COLD_CPU, MEMORY, WARM, WARM_CPU, Caches, process_cells

bench = Benchmark("claims")

ALL = ["-m", "cfdyn", "claims", "--json"]
SOURCES = ("ulam1947", "may1976", "chen2023")


@bench.table("claims in fresh processes", (COLD, COLD_CPU, WARM, WARM_CPU, MEMORY))
def processes(plan: Plan) -> Rows:
    """Cold: with empty folders, so that kernels are compiled and every claim is measured, in one process for each processor.
    Warm: what was measured is kept, and only held against what its source says. Memory: of the process that asks, beyond a bare
    Python. On record: nothing is computed."""
    for source in SOURCES[:1] if plan.quick else SOURCES:
        cells = process_cells([*ALL, "--source", source], 3, Caches(), cold=1)
        yield Row(f"the claims of {source}", cells, (Goal(cells[WARM], 1.5),))
    cells = process_cells([*ALL, "--within", "0"], 3)
    yield Row("all claims as they are on record", cells, (Goal(cells[WARM], 3.0),))


if __name__ == "__main__":
    bench.main()
