"""`iterate_many`: many runs of an optimizer on random batches, and their statistics."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.ensembles.stochastic.following import Following
from cfdyn.ensembles.stochastic.sampling import Sampling, sampling_of
from cfdyn.ensembles.stochastic.statistics import LEVELS, of_rows
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import DIVERGED, DONE, LEFT_DOMAIN
from cfdyn.machine.workers import processors
from cfdyn.records.record import Record, provenance
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import MAX_BYTES, Orbit, status_text
from cfdyn.systems.steps import as_map

MOST_RUNS = 2**32  # streams that the generator tells apart
ROWS = 100  # of statistics, unless it is said after how many steps there is one
WORDS = {DONE: "done", DIVERGED: "diverged", LEFT_DOMAIN: "left the domain"}


@dataclasses.dataclass(frozen=True)
class Runs(Record):
    """Many runs of an optimizer from one start: statistics over them at m steps, and their final states.

    ``t`` (m,): the steps. Over the ``alive`` (m,) runs that are bounded up to there: ``mean`` (m, d), ``covariance`` (m, d, d)
    and ``quantiles`` (m, q, d), for the ``levels`` (q,), of the weights w_t; ``averaged`` (m, d): the mean of the midpoints
    w*_t = (w_{t−1} + 2w_t + w_{t+1})/4, which remove a 2-cycle, and ``groups`` (m, g, d): the same over every g-th run;
    ``swing`` (m,): the mean of ‖w_t − w*_t‖². ``loss``, ``loss_error`` (m,): mean of L(w_t), L on all rows, and its standard
    error; ``sharpness`` (m, q): quantiles of λ₁ over ``measured`` runs; ``mean_loss``, ``mean_sharpness`` (m,): L and λ₁ at
    ``averaged``, ``direction`` (m, d): the sharpest direction there, of length 1.

    ``final`` (R, D): the states after all steps, of D entries ``names``, d of them weights; NaN for a run that ended early.
    ``ended`` (R,): the step at which a run ended early, else 0. ``status``: the numbers of runs that are "done", "diverged",
    "left the domain". `run` returns single runs.

    Examples
    --------
    >>> import cfdyn as cf
    >>> runs = cf.iterate_many(cf.losses.tanh_network(), cf.optimizers.gd(lr=0.3), [0.5] * 7, 20, batch=2, runs=50)
    >>> runs.mean.shape, runs.covariance.shape, runs.final.shape, runs.status["done"]
    ((21, 7), (21, 7, 7), (50, 7), 50)
    """

    names: Annotated[tuple[str, ...], "D"]
    n_weights: Annotated[int, "d"]
    t: Annotated[np.ndarray, "m"]
    alive: Annotated[np.ndarray, "m"]
    mean: Annotated[np.ndarray, "m d"]
    covariance: Annotated[np.ndarray, "m d d"]
    averaged: Annotated[np.ndarray, "m d"]
    groups: Annotated[np.ndarray, "m g d"]
    levels: Annotated[np.ndarray, "q"]
    quantiles: Annotated[np.ndarray, "m q d"]
    swing: Annotated[np.ndarray, "m"]
    loss: Annotated[np.ndarray, "m"]
    loss_error: Annotated[np.ndarray, "m"]
    mean_loss: Annotated[np.ndarray, "m"]
    measured: int
    sharpness: Annotated[np.ndarray, "m q"]
    mean_sharpness: Annotated[np.ndarray, "m"]
    direction: Annotated[np.ndarray, "m d"]
    final: Annotated[np.ndarray, "R D"]
    ended: Annotated[np.ndarray, "R"]
    status: dict[str, int]
    _sampling: Sampling | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def start(self) -> np.ndarray:
        """The initial state of all runs, (D,)."""
        return np.array(self.provenance["settings"]["start"])

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error of ``mean``, (m, d)."""
        return np.sqrt(np.einsum("mii->mi", self.covariance) / self.alive[:, None])

    @property
    def spread(self) -> np.ndarray:
        """√(tr covariance), the spread of the runs about their mean, (m,)."""
        return np.sqrt(np.einsum("mii->m", self.covariance))

    def run(self, k: int) -> Orbit:
        """Run number k with all its steps, computed again bit by bit; also for a number beyond those computed before.

        Raises
        ------
        UsageError : the record was loaded from a file, or an invalid number
        """
        if self._sampling is None:
            raise UsageError(
                "a single run needs its optimizer and loss, which a loaded record has not; ask cf.iterate_many again"
            )
        settings = self.provenance["settings"]
        return one_run(
            self._sampling,
            self.start,
            settings["steps"],
            whole_number("the number of a run", k, 0, MOST_RUNS - 1),
        )


def iterate_many(
    loss: Loss, optimizer: Optimizer, start: Any, steps: int, batch: int | None = 1, runs: int = 100, seed: int = 0,
    replace: bool = True, order: str = "independent", noise: Any = None, label_noise: float = 0.0, repeat: int = 1,
    every: int | None = None, measured: int = 200, threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> Runs:  # fmt: skip
    r"""Many runs of stochastic gradient descent, or of any optimizer, from one start.

    Each step uses the mean loss of b data rows, :math:`w_{t+1} = w_t - \eta \nabla L_{B_t}(w_t)` for gradient descent. The rows
    of step t of run k are a function of (seed, k, t) alone (Philox 4x32-10): run k is the same, bit by bit, for any number of
    runs or threads.

    Parameters
    ----------
    loss, optimizer : the loss, with data unless the batch is None, and the optimizer
    start : weights (d,) or the full state (D,)
    steps : in each run
    batch : number of rows in a batch, b; None for all of them
    runs : number of runs, R
    seed : of all streams
    replace : True: the rows of a batch are drawn independently from all n; False: without replacement
    order : "independent" batches, or "reshuffled": epochs through all rows, each in its own random order; the last batch of an
        epoch may be smaller, and no row occurs twice in it
    noise : covariance (d, d), or a variance for each weight (d,), of normal noise added to the gradient of each batch
    label_noise : standard deviation of normal noise added to the label, the column y, of each row that is drawn
    repeat : number of steps with each batch
    every : steps between two rows of statistics; by default such that there are a hundred rows
    measured : number of runs, the first ones, whose sharpness is computed
    threads : by default the number of processors
    progress : called at times with the number of steps done

    Returns
    -------
    Runs

    Raises
    ------
    UsageError : no rows, a batch of 0 or, without replacement, of more rows than there are, or other invalid arguments

    Examples
    --------
    A linear model on three rows; the mean converges to the minimum 2, the variance to η²σ²/(1 − (1 − η)²), σ² = 2/3:

    >>> import numpy as np
    >>> import cfdyn as cf
    >>> from cfdyn.symbolic.loss import make_loss
    >>> rows = cf.Loss.from_spec(make_loss("(w - y)**2/2", columns=["y"], data=np.array([[1.0], [2.0], [3.0]])))
    >>> runs = cf.iterate_many(rows, cf.optimizers.gd(lr=0.1), [0.0], 200, batch=1, runs=4000)
    >>> bool(abs(runs.mean[-1, 0] - 2) < 4 * runs.standard_error[-1, 0]), runs.status
    (True, {'done': 4000, 'diverged': 0, 'left the domain': 0})
    >>> print(runs.covariance[-1, 0, 0].round(3), round(0.01 * 2 / 3 / (1 - 0.9**2), 3))
    0.036 0.035
    """
    step = as_map(loss, optimizer)
    z = step.state(start)
    steps, count = whole_number("the number of steps", steps, 1), whole_number("runs", runs, 1, MOST_RUNS)
    every = max(1, -(-steps // ROWS)) if every is None else whole_number("every", every, 1)
    sampling = sampling_of(loss, optimizer, batch, seed, replace, order, noise, label_noise, repeat)
    _check_memory(steps // every + 1, count, len(z), loss.dim, (sampling.batch or 0) * len(loss.spec.columns))
    threads = processors() if threads is None else whole_number("threads", threads, 1, 1024)
    measured = min(whole_number("measured", measured, 0), count)
    following = Following(sampling, np.tile(z, (count, 1)), steps, every, loss.dim)
    rows = following.through(threads, partial(of_rows, loss, measured), progress)
    status = {word: int((following.codes == code).sum()) for code, word in WORDS.items()}
    settings = provenance(map=step.title, params=step.params, start=z, steps=steps, runs=count, every=every, **sampling.settings)
    return Runs(
        step.names, loss.dim, np.arange(0, steps + 1, every), **rows, levels=np.array(LEVELS), measured=measured,
        final=following.final, ended=following.ended, status=status, _sampling=sampling, provenance=settings,
    )  # fmt: skip


def _check_memory(rows: int, runs: int, dim: int, d: int, drawn: int) -> None:
    size = 8 * (rows * (d * d + 30 * d) + 4 * runs * dim + 16 * drawn)
    if size > MAX_BYTES:
        raise UsageError(f"{rows} rows of statistics over {runs} runs need {size / 2**30:.1f} GiB; the limit is "
                         f"{MAX_BYTES / 2**30:.0f} GiB: take `every` longer, or fewer runs")  # fmt: skip


def one_run(sampling: Sampling, start: np.ndarray, steps: int, k: int) -> Orbit:
    """Run number k from a state (D,) as an orbit of the optimizer on all rows."""
    size = 8 * 4 * (steps + 1) * len(start)
    if size > MAX_BYTES:
        raise UsageError(f"a run of {steps} steps needs {size / 2**30:.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB")
    following = Following(sampling, start[None].copy(), steps, 1, len(start), k)
    states = following.through(1, lambda now, middle: {"z": now[:, 0]}, None)["z"]
    done = int(following.ended[0]) or steps + 1
    status = status_text(int(following.codes[0]), done)
    step = Map(sampling.spec)
    settings = provenance(map=step.title, params=step.params, start=start, steps=steps, run=k, **sampling.settings)
    return Orbit(states[:done], step.names, step.n_weights, status, step, provenance=settings)
