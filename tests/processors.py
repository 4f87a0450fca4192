"""The numerical rooms with what other processors take: each kind of kernels that OpenBLAS has, NumPy and XLA without AVX.

    python -m tests.processors [words for pytest]

What is asserted must not depend on the last bits of linear algebra, which are other ones on other processors. Kernels that
are not to be had here, as those for 512 bits on a processor without them, are named as not tried.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.processes import finished

ROOT = Path(__file__).parents[1]
ROOMS = ("flows", "integrate", "continuation", "normal_forms", "cycles", "manifolds", "settling", "systems", "networks", "training",
         "analysis", "ensembles", "studies", "theory", "differential", "contract", "kernels")  # fmt: skip
CORES = ("SkylakeX", "Haswell", "Zen", "Nehalem", "Prescott")
SAME = {"Prescott": "Katmai"}  # as OpenBLAS calls these; Zen has kernels of its own in some builds, else those of Haswell
WITHOUT = ("X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR")  # features of NumPy, as it groups them since 2.4
LITTLE = {"NPY_DISABLE_CPU_FEATURES": " ".join(WITHOUT), "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LOOK = """
import json, numpy, scipy.linalg, threadpoolctl
from numpy._core._multiarray_umath import __cpu_features__ as features
print(json.dumps([[one.get("architecture") for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"],
                  [name for name in features if features[name]], sorted(features)]))
"""


def lacking(core: str, changes: dict[str, str]) -> str:
    """What of these settings NumPy or SciPy did not take in a new process, or nothing."""
    cores, features, known = json.loads(finished([sys.executable, "-W", "ignore", "-c", LOOK], env={**os.environ, **changes}).stdout)
    if core and set(cores) != {SAME.get(core, core)}:
        return f"linear algebra takes {', '.join(sorted({str(one) for one in cores})) or 'no OpenBLAS'}"
    if "NPY_DISABLE_CPU_FEATURES" in changes and (left := [name for name in WITHOUT if name in features or name not in known]):
        return f"NumPy does not leave {', '.join(left)} out"
    return ""


def tried(words: list[str]) -> dict[str, str]:
    """Whether the rooms passed with each: "passed", "failed", or why it was not tried."""
    found = {}
    for name, core, changes in (*((core, core, {"OPENBLAS_CORETYPE": core}) for core in CORES), ("no AVX in NumPy and XLA", "", LITTLE)):
        why = lacking(core, changes)
        if not why:
            print(f"-- {name}", flush=True)
            rooms = [str(ROOT / "tests" / room) for room in ROOMS]
            command = [sys.executable, "-m", "pytest", "-q", "--assert=plain", *words, *rooms]
            ended = subprocess.run(command, cwd=ROOT, env={**os.environ, "MPLBACKEND": "Agg", **ONE_THREAD, **changes})
            why = "failed" if ended.returncode else "passed"
        found[name] = why if why in ("passed", "failed") else f"not tried: {why}"
    return found


def main(words: list[str]) -> int:
    found = tried(words)
    print("\n".join(f"{name}: {what}" for name, what in found.items()))
    return 0 if "failed" not in found.values() and "passed" in found.values() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
