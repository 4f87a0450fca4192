"""Nets on real digits, seed by seed: what an optimizer does at the edge, and what the central flow says of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.errors import NumericsError
from cfdyn.integrate.large import large_run
from cfdyn.series.slow_cycles import slow_cycles
from measuring import BenchmarkError

EVERY = 10  # steps between measurements


@cache
def network(widths: tuple[int, ...] = (32, 32), rows: int = 500, seed: int = 0, classes: int = 4) -> Any:
    """A fully connected tanh net, mean squares."""
    return cf.networks.mlp(cf.data.digits(classes=classes, n=rows), widths=widths, seed=seed)


def beside(seed: int, lr: float, steps: int, warm: int) -> tuple[float, float, float]:
    """Of descent: the median ratio of distances, predicted over measured loss, and λ₁η/2 on average."""
    net, optimizer = network(seed=seed), cf.optimizers.gd(lr=lr)
    orbit = cf.iterate(cf.as_map(net, optimizer), net.start, steps)
    middle, times = orbit.midpoints(), np.arange(5.0, steps - warm, 5.0)
    rows = warm - 1 + times.astype(int)
    paths = [cf.solve(getattr(cf.flows, name)(net, optimizer), middle[warm - 1], times[-1], save_at=times, rtol=1e-4)
             for name in ("gradient", "central")]  # fmt: skip
    if any(path.status != "done" for path in paths):
        raise BenchmarkError(f"η = {lr:g}, seed {seed}: {[path.status for path in paths]}")
    far, close = (np.linalg.norm(path.w - middle[rows], axis=1) for path in paths)
    loss = np.interp(np.arange(warm + 5, rows[-1] + 1), rows + 1, paths[1].predicted_loss).mean()
    values = [net.eigenvalues(middle[row], 1)[0][0] * lr / 2 for row in rows[::10]]
    return float(np.median(far / close)), float(loss / orbit.loss[warm + 5 : rows[-1] + 1].mean()), float(np.mean(values))


def squares(seed: int, optimizer: Any, steps: int, warm: int, over: int) -> tuple[float, float, float]:
    """Of RMSProp over the second half: λ₁(P⁻¹H)/θ at averages over so many steps; of E g² by coordinate the cosine between what
    the flow says and what is, and the median of the ratios."""
    net, step = network(seed=seed), cf.as_map(network(seed=seed), optimizer)
    z, late = [step.state(net.start)], steps // 2
    for _ in range(steps):
        z.append(step(z[-1]))
    measured = np.mean([net.gradient(row[: net.dim]) ** 2 for row in z[late:]], axis=0)
    run, found = large_run(cf.flows.central(net, optimizer), net.start, warm=warm), []
    for t in range(late - warm, steps - warm, EVERY):
        run.advance(float(t))
        if run.status:
            raise BenchmarkError(f"{optimizer.title}, seed {seed}: {run.status}")
        u, x = run.covariance_factors
        curved = np.array([net.hvp(run.w, v) for v in u]).reshape(u.shape)
        found.append(net.gradient(run.w) ** 2 + ((x @ curved) * curved).sum(axis=0))
    told, seen = np.mean(found, axis=0), measured > 0  # a blank pixel has no gradient
    cosine = told @ measured / np.linalg.norm(told) / np.linalg.norm(measured)
    values = _leading(net, step, np.array(z[late:]), over)[:, 0]
    return float(values.mean()), float(cosine), float(np.median(told[seen] / measured[seen]))


def _leading(net: Any, step: Any, z: np.ndarray, over: int, count: int = 1) -> np.ndarray:
    """The first eigenvalues of P⁻¹H over θ, descending, (m, count), by Arnoldi's method of SciPy, where weights and P are
    averaged over so many steps; the middles are max(``EVERY``, over/2) rows apart, from over/2 on."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    d, found = net.dim, []
    for first in range(0, len(z) - over, max(EVERY, over // 2)):
        rows = z[first : first + over + 1]
        weight = np.full(len(rows), 1.0)
        weight[[0, -1]] = 0.5
        held, w = (np.average(what, axis=0, weights=weight)[:d] for what in (step.preconditioners(rows), rows))
        root = 1 / np.sqrt(2 * held)  # θP
        product = LinearOperator((d, d), matvec=lambda v, w=w, root=root: root * net.hvp(w, root * v.ravel()), dtype=float)
        found.append(np.sort(eigsh(product, k=count, which="LA", tol=1e-4, return_eigenvectors=False))[::-1])
    return np.array(found)


def bursts(seed: int, optimizer: Any, steps: int, warm: int) -> tuple[float, float]:
    """Of an optimizer whose swing comes in bursts: λ₁(P⁻¹H)/θ at midpoints over the whole ones from 100 steps after ``warm`` on,
    and from ``warm`` on the median of the distances to the midpoints, the stable flow's over the central flow's."""
    net, late = network(seed=seed), warm + 100
    step = cf.as_map(net, optimizer)
    orbit = cf.iterate(step, net.start, steps)
    middle = orbit.midpoints()  # row t − 1 is about step t
    cycles = slow_cycles(((orbit.w[1:-1] - middle) ** 2).sum(axis=1)[late - 1 :])
    if not cycles:
        raise BenchmarkError(f"{optimizer.title}, seed {seed}: no whole burst")
    values = _leading(net, step, orbit.z[late - 1 :], 2)[:, 0]
    after, far = EVERY * np.arange(len(values)), []
    for name in ("stable", "central"):
        run, found = large_run(getattr(cf.flows, name)(net, optimizer), net.start, warm=warm), []
        for t in range(EVERY, steps - warm, EVERY):
            run.advance(float(t))
            if run.status:
                raise BenchmarkError(f"{optimizer.title}, seed {seed}: {run.status}")
            found.append(np.linalg.norm(run.w - middle[warm + t - 1]))
        far.append(np.array(found))
    whole = (after >= cycles[0][0]) & (after < cycles[-1][1])
    return float(values[whole].mean()), float(np.median(far[0] / far[1]))


def edges(seed: int, lr: float, steps: int, over: int, count: int) -> float:
    """Of descent from step 10 on: how far the first eigenvalues of the Hessian at weights averaged over so many steps are from
    2/η at most, each on average, relative to that."""
    net, optimizer = network(seed=seed), cf.optimizers.gd(lr=lr)
    step = cf.as_map(net, optimizer)
    values = _leading(net, step, cf.iterate(step, net.start, steps).z[10:], over, count)
    return float(np.abs(values.mean(axis=0) - 1).max())


def batches(seed: int, lr: float, batch: int, steps: int, runs: int) -> tuple[float, float]:
    """Of SGD over the second half: the sharpness of some runs times η/2, and that of the flow of batches over it; from step 60 of
    a run on, or a later one where that is by chance beyond the edge in the mean square."""
    net, optimizer = network(seed=seed), cf.optimizers.gd(lr=lr)

    def sgd(w: np.ndarray, stream: int, count: int) -> list[np.ndarray]:
        random, kept = np.random.default_rng([seed, stream]), [w]
        for _ in range(count):
            kept.append(kept[-1] - lr * net.gradient(kept[-1], random.integers(net.n_rows, size=batch)))
        return kept

    flow, times = cf.flows.central(net, optimizer, batch=batch, cut=0.2), np.arange(steps / 2, steps + 1, 4 * EVERY)
    for start in sgd(net.start, 0, 120)[60::20]:
        try:
            path = cf.solve(flow, start, steps, save_at=times, rtol=3e-3)
        except NumericsError:
            continue
        break
    else:
        raise BenchmarkError(f"batches of {batch}, seed {seed}: no start below the edge")
    held = np.mean([net.sharpness(w) for run in range(runs) for w in sgd(start, 1 + run, steps)[steps // 2 :: 4 * EVERY]])
    if path.status != "done":
        raise BenchmarkError(f"batches of {batch}, seed {seed}: {path.status}")
    return float(held * lr / 2), float(path.sharpness.mean() / held)


def swings(warm: int, t: int, rtol: float) -> Iterator[tuple[str, tuple[Any, float, float]]]:
    """Flows that follow the swing and the central flow at η = 0.75: the run, its seconds, and how far it ends from the same flow
    at a thirtieth of the tolerance, relative to the distance of that to the midpoint of descent."""
    net, gd = network(), cf.optimizers.gd(lr=0.75)
    w = cf.iterate(cf.as_map(net, gd), net.start, warm + t + 1).w
    middle = (w[-3] + 2 * w[-2] + w[-1]) / 4
    flows = {"central": cf.flows.central(net, gd), "edge": cf.flows.edge(net, gd, secant=True),
             "rod, a single one": cf.flows.rod(net, gd), "rod, all rods": cf.flows.rod(net, gd, rods="all")}  # fmt: skip
    for name, flow in flows.items():
        fine, run = (large_run(flow, net.start, warm=warm, rtol=tol) for tol in (rtol / 30, rtol))
        begun = time.perf_counter()
        run.advance(t)
        seconds = time.perf_counter() - begun
        fine.advance(t)
        yield name, (run, seconds, float(np.linalg.norm(run.w - fine.w) / np.linalg.norm(fine.w - middle)))
