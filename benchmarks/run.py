"""Run all benchmarks, or those that are named.

Each table is shown and kept as soon as it is measured. One that fails says why in its place and hides no other; the exit
status is then 1. A missed target is no failure, it stands in the tables.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial

from measuring.benchmark import Benchmark, main

NAMES = ("start", "orbit", "classify", "compile", "flows", "complementarity", "linear", "stiff", "compare", "averaging",
         "continuation", "curves", "cycles", "manifolds", "claims", "runs", "maps", "grids", "proofs", "networks",
         "equations", "explore")  # fmt: skip


def load(name: str) -> Benchmark:
    """The benchmark of a script."""
    return importlib.import_module(name).bench


if __name__ == "__main__":
    sys.exit(main({name: partial(load, name) for name in NAMES}))
