"""What the flow of a net takes in a process of its own: gradients, seconds, memory, error, the published scheme beside it."""

from __future__ import annotations

import gc
import json
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

import cfdyn as cf
from cfdyn.integrate.large import costs, large_run
from cfdyn.networks._written import make_network
from measuring import installed
from measuring.processes import fresh
from measuring.report import HERE

STRICT = 0.1  # of a run's tolerance: a reference
UNITS, PATIENCE = 10, 2400.0  # of the published scheme; seconds of a row at most
PRICES = {"products": 1.35, "jet": 2.25}  # in gradients: the measured ones differ from call to call on a machine with other work
LARGE = 50_000  # weights: below, the memory of Python itself is more
SETTLE, PAUSE = 0.1, 1e-3  # seconds after a call, until JAX's threads have freed what it took; a pause of a flow for them
DIGITS = "digits:classes={},n=100"


class Case(NamedTuple):
    """A net on so many digits, or on a data set, with ``share`` = η·λ₁/2; its flow, of ``k`` modes, from step ``warm`` on."""

    net: str
    data: int | str
    k: int
    share: float
    rtol: float
    warm: int
    times: tuple[float, ...]

    @property
    def network(self) -> Any:
        return make_network(self.net, DIGITS.format(self.data) if isinstance(self.data, int) else self.data)

    def flow(self, net: Any) -> Any:
        lr = self.share * 2 / net.eigenvalues(net.start, 1)[0][0]
        return (cf.flows.central if self.k else cf.flows.gradient)(net, cf.optimizers.gd(lr=lr))


def priced(counts: dict[str, int]) -> float:
    """Calls in gradients, at fixed prices."""
    return counts.get("gradient", 0) + sum(price * counts.get(kind, 0) for kind, price in PRICES.items())


def measured(case: Case) -> dict[str, float]:
    """What a row shows, in a process of its own; memory in another one that gives freed memory back, which takes time."""
    found = _found(case, False)
    return found | ({"memory": _found(case, True)["memory"]} if found["weights"] > LARGE else {})


def _found(case: Case, memory: bool) -> dict[str, float]:
    call = f"told(Case{tuple(case)}, {memory})"
    own = f"import sys; sys.path.insert(0, {str(HERE)!r}); from problems.growing import Case, told; {call}"
    errors = fresh(["-c", own], {"MALLOC_MMAP_THRESHOLD_": "65536"} if memory else {}, patience=3 * PATIENCE).errors
    return json.loads(next(line for line in errors.splitlines() if line.startswith("found ")).partition(" ")[2])


def told(case: Case, memory: bool) -> None:
    """Measure it here, and say it: errors and the published scheme, too, if it is not for its memory."""
    small = case._replace(net="mlp:widths=3", data=4).network
    large_run(case.flow(small), small.start).advance(1.0)
    cf.complementarity(-np.eye(2), np.einsum("ik,jl->ijkl", np.eye(2), np.eye(2)))
    net = case.network
    flow = case.flow(net)
    if memory:
        costs.give_way = partial(time.sleep, PAUSE)
    with TemporaryDirectory() as folder:
        run, found = _followed(case, flow, Path(folder))
        if run.t == case.times[-1] and not memory:
            found["error early"], found["error"] = _errors(case, flow, Path(folder))
    if case.k and not (case.warm or memory) and installed("scipy"):
        from peers.quarter_step import follow

        found["published"] = priced(follow(flow, run.w, UNITS, run.vectors)[1].counts) / UNITS
    print("found", json.dumps(found), file=sys.stderr)


def _followed(case: Case, flow: Any, folder: Path) -> tuple[Any, dict[str, float]]:
    """The run, as far as patience goes, and what it took beyond calls of the compiled derivatives; where it was at the times is
    in a folder, since memory is measured."""
    net, times = flow.oracle, case.times
    u = np.full(net.dim, net.dim**-0.5)
    calls = [lambda: net.gradient(net.start), lambda: net.hvp(net.start, u), lambda: net.jet(net.start, u)]
    for _ in range(2):
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        for call in calls if flow.kind == "central" else calls[:2]:
            call()
            time.sleep(SETTLE)
    first, held, most, found = _peak(), 0.0, 0, {}
    run = large_run(flow, net.start, rtol=case.rtol, warm=case.warm)
    start, begun = priced(run.oracle.counts), time.perf_counter()
    for t in times:
        while run.t < t and not run.status and time.perf_counter() - begun < PATIENCE:
            before = run.t
            run.step(t)
            held += run.rank * (run.t - before)
            most = max(most, run.rank)
        if t == times[0] == run.t:
            found["early"] = (priced(run.oracle.counts) - start) / t
        np.save(folder / f"{t:g}.npy", run.w)
    if run.status:
        sys.exit(run.status)
    return run, found | {
        "weights": net.dim, "held": held / run.t, "most": most, "steps": run.steps, "start": start, "t": run.t,
        "work": (priced(run.oracle.counts) - start) / run.t, "seconds": (time.perf_counter() - begun) / run.t,
        "memory": (_peak() - first) / 8 / net.dim,
    }  # fmt: skip


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def _errors(case: Case, flow: Any, folder: Path) -> list[float]:
    start = flow.oracle.start
    fine, w, n, errors = large_run(flow, start, rtol=STRICT * case.rtol, warm=case.warm), [start], 0, []
    for t in case.times:
        fine.advance(t)
        if fine.status:
            sys.exit(f"the reference {fine.status}")
        while n < case.warm + round(t) + 1:
            w, n = [*w[-2:], w[-1] - flow.params["lr"] * flow.oracle.gradient(w[-1])], n + 1
        middle = (w[-3] + 2 * w[-2] + w[-1]) / 4
        errors.append(float(np.linalg.norm(np.load(folder / f"{t:g}.npy") - fine.w) / np.linalg.norm(fine.w - middle)))
    return errors
