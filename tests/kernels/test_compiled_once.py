"""What a study compiles, nothing kept: each loop once."""

from __future__ import annotations

import json
import os
import sys

import pytest

from tests.processes import finished

COUNTED = """
import collections, json
import cfdyn as cf
from numba.core import event

class Counted(event.Listener):
    found = collections.Counter()
    def on_start(self, event):
        function = getattr(event.data.get("dispatcher"), "py_func", None)
        if function is not None and type(event.data["dispatcher"]).__name__ == "CPUDispatcher":
            self.found[f"{function.__module__}.{function.__qualname__}"] += 1
    def on_end(self, event):
        pass

event.register("numba:compile", Counted())
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.35))
cf.analysis.lyapunov(step, [1.1])
cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=1.35))
print(json.dumps({name: n for name, n in Counted.found.items() if name.startswith("cfdyn.")}))
"""


@pytest.mark.slow
def test_each_kernel_is_compiled_once(tmp_path):
    """A flag that is a literal in one caller and not in the other would have it compiled for both."""
    here = {**os.environ, "CFDYN_CACHE_DIR": str(tmp_path)}
    done = finished([sys.executable, "-c", COUNTED], env=here)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert "cfdyn.kernels.orbits.stretch" in counts and "cfdyn.kernels.orbits.scan" in counts
    assert {name: n for name, n in counts.items() if n > 1} == {}
