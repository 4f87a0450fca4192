"""What the flow of a net takes in a process of its own: gradients, seconds, memory, error, the published scheme beside it."""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.integrate.large import large_run
from cfdyn.networks._written import make_network
from measuring import installed
from measuring.processes import fresh
from measuring.report import HERE

TOLERANCE, STRICT = 1e-3, 1e-4  # of a run, of a reference
UNITS, PATIENCE = 2, 2400.0  # of the published scheme; seconds of a row at most
PRICES = {"products": 1.35, "jet": 2.25}  # in gradients: the measured ones differ from call to call on a machine with other work
SETTLE = 0.1  # seconds after a call, until JAX's threads have freed what it took
DIGITS = "digits:classes={},n=100"
SMALL = 200_000  # weights: below, errors


def priced(counts: dict[str, int]) -> float:
    """Calls in gradients, at fixed prices."""
    return counts.get("gradient", 0) + sum(price * counts.get(kind, 0) for kind, price in PRICES.items())


def measured(net: str, data: int | str, k: int, share: float, times: tuple[float, ...]) -> dict[str, float]:
    """What a row shows, in a process of its own that gives freed memory back; ``data``: so many digits, or a data set."""
    call = f"told{net, data, k, share, times}"
    own = f"import sys; sys.path.insert(0, {str(HERE)!r}); from problems.growing import told; {call}"
    errors = fresh(["-c", own], {"MALLOC_MMAP_THRESHOLD_": "65536"}, patience=3 * PATIENCE).errors
    return json.loads(next(line for line in errors.splitlines() if line.startswith("found ")).partition(" ")[2])


def told(written: str, data: int | str, k: int, share: float, times: tuple[float, ...]) -> None:
    """Measure it here, and say it."""
    small = make_network("mlp:widths=3", DIGITS.format(4))
    large_run(_flow(small, k, share), small.start).advance(1.0)
    cf.complementarity(-np.eye(2), np.einsum("ik,jl->ijkl", np.eye(2), np.eye(2)))
    net = make_network(written, DIGITS.format(data) if isinstance(data, int) else data)
    flow = _flow(net, k, share)
    with TemporaryDirectory() as folder:
        run, found = _followed(net, flow, times, Path(folder))
        if net.dim < SMALL and run.t == times[-1]:
            found["error early"], found["error"] = _errors(net, flow, times, Path(folder))
    if k and installed("scipy"):
        from peers.quarter_step import follow

        found["published"] = priced(follow(flow, run.w, UNITS)[1].counts) / UNITS
    print("found", json.dumps(found), file=sys.stderr)


def _flow(net: Any, k: int, share: float) -> Any:
    lr = share * 2 / net.eigenvalues(net.start, 1)[0][0]
    return (cf.flows.central if k else cf.flows.gradient)(net, cf.optimizers.gd(lr=lr))


def _followed(net: Any, flow: Any, times: tuple[float, ...], folder: Path) -> tuple[Any, dict[str, float]]:
    """The run, as far as patience goes, and what it took beyond calls of the compiled derivatives; where it was at the times is
    in a folder, since memory is measured."""
    u = np.full(net.dim, net.dim**-0.5)
    calls = [lambda: net.gradient(net.start), lambda: net.hvp(net.start, u), lambda: net.jet(net.start, u)]
    for _ in range(2):
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        for call in calls if flow.kind == "central" else calls[:2]:
            call()
            time.sleep(SETTLE)
    first, held, most, found = _peak(), 0.0, 0, {}
    run = large_run(flow, net.start, rtol=TOLERANCE)
    start, begun = priced(run.oracle.counts), time.perf_counter()
    for t in times:
        while run.t < t and not run.status and time.perf_counter() - begun < PATIENCE:
            before = run.t
            run.step(t)
            held += run.rank * (run.t - before)
            most = max(most, run.rank)
        if t == times[0] == run.t:
            found["early"] = (priced(run.oracle.counts) - start) / t
        if net.dim < SMALL:
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


def _errors(net: Any, flow: Any, times: tuple[float, ...], folder: Path) -> list[float]:
    fine, w, n, errors = large_run(flow, net.start, rtol=STRICT), [net.start], 0, []
    for t in times:
        fine.advance(t)
        while n < round(t) + 1:
            w, n = [*w[-2:], w[-1] - flow.params["lr"] * net.gradient(w[-1])], n + 1
        middle = (w[-3] + 2 * w[-2] + w[-1]) / 4
        errors.append(float(np.linalg.norm(np.load(folder / f"{t:g}.npy") - fine.w) / np.linalg.norm(fine.w - middle)))
    return errors
