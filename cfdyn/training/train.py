"""`train`: train networks together with their models, in a folder that can be interrupted and resumed at any time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cfdyn.arguments import number, whole_number
from cfdyn.errors import Interrupted, UsageError
from cfdyn.networks._first_weights import check_room
from cfdyn.networks._oracle.network import Network
from cfdyn.networks._written import has_relative_path, make_network
from cfdyn.records.files import as_path
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.matrix_free.optimizer_map import require_oracle
from cfdyn.systems.steps import as_map
from cfdyn.training.built import make_optimizer
from cfdyn.training.config import DONE, LEAST, Config, check_unchanged, make_config, read_config, write_config
from cfdyn.training.files import checkpoints
from cfdyn.training.files.folder import between_steps, empty_folder, free_folder, held
from cfdyn.training.files.store import Store
from cfdyn.training.lockstep import Lockstep, keeping_small
from cfdyn.training.models import RUNNING
from cfdyn.training.own_optimizer import exactly, formulas_of
from cfdyn.training.run import Run

KEPT = 3.0  # seconds between checkpoints
SAID = 0.2  # seconds between words about progress
OUT = "cfdyn-out"
LARGE = 10**6  # weights, which take seconds to make
HELD = 30  # arrays of all weights at once, at least: the basis of Lanczos' method has 24


def train(
    config: Any = None, *, resume: str | os.PathLike | None = None, network: Any = None, optimizer: Any = None,
    steps: int | None = None, keep: float = KEPT, progress: Callable[[str], None] | None = None,
    started: Callable[[Path], None] | None = None, **settings: Any,
) -> Run:  # fmt: skip
    """Train a network, advance flows with the optimizer from the same start, step by step, and measure both.

    Parameters
    ----------
    config : a mapping, the path of a TOML file, also that of a run, or nothing; ``settings`` override it. Keys: ``network``
        ("mlp:widths=32-32"), ``data`` ("digits:classes=4,n=200"), ``optimizer`` ("gd:lr=0.5"; without lr the edge is at 1.15
        times the initial sharpness), ``runs`` (discrete, central, stable, gradient, edge, rod), ``steps``, ``warm_start``
        (number of optimizer steps, 10 by default, after which the flows start at the midpoint of its iterates), ``every``
        (steps between measurements), ``batch`` (rows of a mini-batch, drawn without replacement with ``seed``; ``central`` is
        then the flow with the noise of such batches if `cf.flows.central` has one, along directions with GP⁻¹λ above ``cut``;
        other flows use all rows, and notes say so), ``tol`` of the flows, ``exponents`` (number of Lyapunov exponents of the
        steps; none by default), ``vectors`` (true or false: whether to keep the eigenvectors at each measurement; by default if
        four at each planned measurement take at most 256 MB), ``out`` (the folder; by default a new one in cfdyn-out)
    resume : the folder of a run to resume where it stopped, bit for bit; ``steps`` may be larger than before
    network, optimizer : instead of texts, objects: a `Network`, or any loss with gradient and products, and an `Optimizer`,
        whose formulas the folder keeps
    keep : seconds between checkpoints
    progress, started : called with a message about the progress, and about the folder

    The folder holds ``config.toml``, the measurements as Zarr arrays in ``run.zarr``, which can be read at any time
    (``cf.load(folder)``), and two checkpoints.

    Raises
    ------
    UsageError : an unknown or invalid setting; a folder that is in use or not empty; products of your own network that are not
        the derivative of its gradient
    RecordError : nothing to resume, a folder of another version, or one that another process is writing
    NumericsError : the disk is full; nothing that was written is lost
    Interrupted : Ctrl-C; ``record`` is the Run until then, in its folder

    Examples
    --------
    >>> import cfdyn as cf, tempfile
    >>> settings = {"data": "digits:classes=2,n=40", "optimizer": "gd:lr=0.5", "runs": "discrete"}
    >>> run = cf.train(settings, network="mlp:widths=4", steps=40, out=tempfile.mkdtemp())
    >>> run.status, run.loss.shape, run.edge[-1].item()
    ('done', (41,), 4.0)
    """
    if not number("`keep`", keep) >= 0:
        raise UsageError(f"`keep` is a number of seconds, 0 or more, not {keep}")
    say, tell = progress or (lambda words: None), started or (lambda folder: None)
    if resume is not None:
        if config is not None or settings or optimizer is not None:
            raise UsageError("a run keeps its original settings: "
                             "beside `resume` only `steps`, `keep` and `network` are allowed")  # fmt: skip
        tell(as_path(resume))
        return _resumed(as_path(resume), network, steps, keep, say)
    if callable(getattr(config, "gradient", None)):
        raise UsageError("a network has a name: cf.train(network=net, optimizer=cf.optimizers.gd(lr=0.5), steps=300)")
    say("preparing the network, its data and the optimizer")
    given = make_config(config, _texts(network, optimizer, settings | ({} if steps is None else {"steps": steps})))
    if not given.own and given.where is None and has_relative_path(given.data):
        given = given.with_(where=os.getcwd())
    network = _trainable(network) if _is_object(network) else _made(given, say)
    if isinstance(optimizer, Optimizer):
        made, given = optimizer, given.with_(formulas=formulas_of(optimizer))
    else:
        made, given = make_optimizer(given, network)
    given = keeping_small(given, network.dim)
    state = Lockstep(given, network, made)
    if not isinstance(network, Network):
        as_map(network, made).check_products(state.z)
    folder = free_folder(Path(OUT)) if given.out is None else empty_folder(as_path(given.out))
    with held(folder):
        write_config(given, folder)
        tell(folder)
        return _run(folder, state, _begun(folder, state), 0, keep, say)


def _texts(network: Any, optimizer: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with the texts, or the titles, of a network and an optimizer."""
    texts = dict(settings)
    if _is_object(network):
        texts |= {"network": str(getattr(network, "title", type(network).__name__)), "own": True}
    elif network is not None:
        texts["network"] = network
    if optimizer is not None:
        texts["optimizer"] = exactly(optimizer) if isinstance(optimizer, Optimizer) else optimizer
    return texts


def _made(config: Config, say: Callable[[str], None]) -> Network:
    """The network of the settings; a large one takes long to make, and one too large for the machine is refused before."""

    def before(count: int) -> None:
        check_room(count, HELD, "training it")
        if count >= LARGE:
            say(f"making the network, {count:,} weights; a training holds their {8 * count / 1e9:.2g} GB {HELD} times at least")

    return make_network(config.network, config.data, before, config.where)


def _trainable(network: Any) -> Any:
    """The network, or a UsageError that says what it must have."""
    if not hasattr(require_oracle(network), "start"):
        raise UsageError(f"a network to train has `start`, its first weights (d,), and {type(network).__name__} has none")
    whole_number("`dim` of a network", network.dim, 1)
    return network


def _is_object(network: Any) -> bool:
    return network is not None and not isinstance(network, str)


def _begun(folder: Path, state: Lockstep) -> Store:
    store = Store(folder)
    store.create(state.arrays())
    store.flush(steps=0, rows=0, status=RUNNING)
    return store


def _resumed(folder: Path, network: Any, steps: int | None, keep: float, say: Callable[[str], None]) -> Run:
    config = read_config(folder)
    if steps is not None and whole_number("`steps`", steps, LEAST) < config.steps:
        raise UsageError(f"the run in {folder} has {config.steps} steps already; you can ask for more, not fewer")
    with held(folder):
        told = checkpoints.checkpoints_in(folder)
        facts: dict[str, Any] = told[0].facts if told else {"status": RUNNING, "k": 0}
        status = facts["status"]
        config = config if steps is None else config.with_(steps=steps)
        # Also a run that is done may have more steps in its settings: it was killed before it had gone on by one checkpoint.
        if status != RUNNING and not (status == DONE and config.steps > facts["k"]):
            return Run(folder)  # nothing is left to do
        check_unchanged(config, facts.get("settings", {}), folder)
        if config.own and network is None:
            raise UsageError(f"the network of the run in {folder} was given as an object: give it again, "
                             f"cf.train(resume={str(folder)!r}, network=…)")  # fmt: skip
        network = _made(config, say) if network is None else _trainable(network)
        state = Lockstep(config, network, make_optimizer(config, network)[0])
        if not told:
            return _run(folder, state, _begun(folder, state), 0, keep, say)
        arrays, facts = checkpoints.load(told, state.most_bytes)
        state.restore(arrays, facts, folder)
        state.status, store = RUNNING, Store(folder)
        store.open()
        store.resize({"steps": config.steps + 1, "rows": state.rows_until(config.steps)})
        write_config(config, folder)
        return _run(folder, state, store, facts["number"] + 1, keep, say)


def _run(folder: Path, state: Lockstep, store: Store, number: int, keep: float, say: Callable[[str], None]) -> Run:
    """Step until the end, with a checkpoint every few seconds, at the end, and where Ctrl-C comes."""
    kept = spoken = time.monotonic()
    steps = state.config.steps

    def save(status: str) -> None:
        nonlocal number
        state.flush(store, status)
        checkpoints.save(folder, number, *state.snapshot())
        number += 1

    say("the first steps, which compile the derivatives")
    with between_steps() as stopped:
        while not state.done and not stopped():
            state.step(store)
            now = time.monotonic()
            if now - kept > keep:
                save(state.status)
                kept = time.monotonic()
            if now - spoken > SAID:
                say(f"step {state.k} of {steps}")
                spoken = now
        if not state.done:
            save(f"stopped at step {state.k}")
            raise Interrupted(Run(folder)) from None
        if state.status == RUNNING:
            state.finish(store)
            state.status = DONE
        if state.status != DONE:
            store.resize({"steps": state.k, "rows": state.rows})
        save(state.status)
    return Run(folder)
