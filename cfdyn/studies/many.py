"""`study_many`: many studies on all processors, with shared parts computed once."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cfdyn import outside
from cfdyn.arguments import whole_number
from cfdyn.errors import CfdynError, Interrupted, UsageError, readable
from cfdyn.machine.fingerprints import fingerprint
from cfdyn.machine.workers import asked, serve, time_left
from cfdyn.records.files import as_path, folder_for_writing, written_whole
from cfdyn.records.record import provenance
from cfdyn.records.shared import Shared
from cfdyn.signatures import checked
from cfdyn.studies.collection import STOPPED, Studies, collected
from cfdyn.studies.defaults import family, of_loss
from cfdyn.studies.study import Study, studied
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss

SPELLED = checked(studied)
PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "numba", "llvmlite", "python-flint")
MOST = 7  # a study's arguments by place: loss, optimizer, start, box, lr_range, seed, auto_lr
SEED, AUTO_LR = 5, 6  # places among them


def study_many(
    what: Iterable[Loss | str | Sequence[Any]], jobs: int | None = None, out: str | os.PathLike[str] | None = None, seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Studies:  # fmt: skip
    """Study many losses and optimizers in parallel; each result equals that of `study` to the last bit.

    Studies that differ in the learning rate alone share most of the work.

    Parameters
    ----------
    what : losses, or tuples of arguments of `study`: (loss, optimizer), (loss, optimizer, start, box, lr_range), …
    jobs : number of processes; by default the number of processors
    out : a folder in which each finished study is stored; a later call with it computes only the missing ones
    seed : of the random starts for minima, the same for each
    progress : called with a message: what is done, and the estimated time left

    Raises
    ------
    UsageError : an empty list, an entry that is neither a loss nor arguments of a study, a number of jobs that is not positive,
        or a folder that cannot be written
    NumericsError : the disk is full
    Interrupted : Ctrl-C; its ``record`` has the studies that are done

    Examples
    --------
    >>> import cfdyn as cf, itertools
    >>> rates = [cf.optimizers.gd(lr=lr) for lr in (0.5, 1.1, 1.46)]
    >>> studies = cf.study_many(itertools.product([cf.Loss("(w**2-1)**2/4")], rates), jobs=1)
    >>> studies.verdict, studies.period.tolist(), studies[2].edge.value
    ('3 studies: fixed point (1), 2-cycle (1), 3-cycle (1)', [1, 2, 3], 1.0)
    """
    if jobs is not None:
        whole_number("jobs", jobs, 1, 1024)
    if isinstance(what, str | Loss):
        raise UsageError("study_many takes a list of losses, or of the arguments of studies; of one loss take cf.study")
    listed = [_arguments(k, one) for k, one in enumerate(what)]
    if not listed:
        raise UsageError("no study is requested: the list is empty")
    kept = _Kept(None if out is None else folder_for_writing(as_path(out)), seed)
    files: list[bytes | str] = [kept.read(one) or STOPPED for one in listed]
    names = [_names(one) for one in listed]
    # Those of one family are consecutive, so that one process has the parts that they share.
    order = sorted((k for k in range(len(listed)) if files[k] == STOPPED), key=lambda k: (_family(listed[k]), k))
    try:
        _compute(order, listed, seed, jobs, files, kept, progress)
    except KeyboardInterrupt:
        if all(file == STOPPED for file in files):
            raise
        raise Interrupted(collected(files, names, seed)) from None
    return collected(files, names, seed)


def _compute(
    order: Sequence[int], listed: Sequence[tuple[Any, ...]], seed: int, jobs: int | None,
    files: list[bytes | str], kept: _Kept, progress: Callable[[str], None] | None,
) -> None:  # fmt: skip
    """Fill ``files`` at the indices in ``order``."""
    start, done = time.monotonic(), list[int]()
    requests = [asking(listed[k], {} if len(listed[k]) > SEED else {"seed": seed}) for k in order]
    groups = [_family(listed[k]) for k in order]
    for index, answer in asked("cfdyn.studies.many", requests, jobs, groups=groups):
        k = order[index]
        outcome = {"failure": answer.why} if answer.line is None else json.loads(answer.line)
        files[k] = base64.b64decode(outcome["file"]) if "file" in outcome else str(outcome["failure"])
        kept.write(listed[k], files[k])
        done.append(k)
        if progress:
            left = time_left(dict.fromkeys(order, 1.0), done, time.monotonic() - start)
            progress(f"{len(files) - len(order) + len(done)} of {len(files)} studies, about {left:.0f} s left")


def _arguments(place: int, one: Any) -> tuple[Any, ...]:
    """Arguments of a study by position; formulas are parsed where they are studied, Python functions here."""
    given = tuple(one) if isinstance(one, tuple | list) else (one,)
    if not 1 <= len(given) <= MOST or isinstance(given[0], bytes):
        raise UsageError(f"entry {place} of the list is a loss or the arguments of a study, (loss, optimizer, start, box, "
                         f"lr_range, …), not {one!r:.80}")  # fmt: skip
    try:
        loss = given[0] if isinstance(given[0], Loss | str) else Loss.of(given[0])
    except CfdynError as problem:
        raise UsageError(f"entry {place} of the list: {problem}") from None
    if loss is None or not (len(given) == 1 or given[1] is None or isinstance(given[1], Optimizer)):
        raise UsageError(f"entry {place} of the list is a loss, or a loss and an optimizer, not {one!r:.80}; a loss is a formula "
                         "or of the catalogue: networks are trained, by cf.train, one call for each optimizer")  # fmt: skip
    return (loss, *given[1:])


def _names(arguments: tuple[Any, ...]) -> tuple[str, str]:
    loss, optimizer = (*arguments, None)[:2]
    return loss if isinstance(loss, str) else loss.spec.title, "" if optimizer is None else str(optimizer)


def _family(arguments: tuple[Any, ...]) -> str:
    """A text that is equal for studies that share work."""
    loss, optimizer = (*arguments, None)[:2]
    if isinstance(loss, str) or optimizer is None:
        return f"{loss if isinstance(loss, str) else of_loss(loss)} / {optimizer and optimizer.name}"
    return family(loss, optimizer)


class _Kept:
    """Finished studies in a folder, each under its arguments and the state of the package; empty without a folder."""

    def __init__(self, folder: Path | None, seed: int):
        self.folder, self.seed = folder, seed

    def path(self, arguments: tuple[Any, ...]) -> Path | None:
        """The file of a study."""
        if self.folder is None:
            return None
        optimizer = (*arguments, None)[1]
        rate = None if optimizer is None else (optimizer.params.get("lr"), optimizer.key)
        rest = [repr(getattr(one, "tolist", lambda one=one: one)()) for one in arguments[2:]]
        asked_for = repr((_family(arguments), rate, rest, self.seed, _package()))
        return self.folder / f"{hashlib.sha256(asked_for.encode()).hexdigest()[:32]}.npz"

    def read(self, arguments: tuple[Any, ...]) -> bytes | None:
        """The file of a finished study, or None; a damaged file is computed again, and one of another study too, with a
        warning."""
        path = self.path(arguments)
        if path is None or not path.is_file():
            return None
        try:
            content = outside.content(path, outside.MOST_ARRAYS)
            held = collected([content], [("", "")], 0)[0]
        except (CfdynError, OSError, outside.Unfit):
            return None
        other = _differs(held, arguments)
        if other:
            warnings.warn(f"{path} is computed anew: {other}", RuntimeWarning, stacklevel=4)
        return None if other else content

    def write(self, arguments: tuple[Any, ...], line: bytes | str) -> None:
        """Store a finished study atomically; a failed one is tried again next time."""
        path = self.path(arguments)
        if path is not None and isinstance(line, bytes):
            with written_whole(path, follow=False) as temporary:
                Path(temporary).write_bytes(line)


def _differs(held: Study, arguments: tuple[Any, ...]) -> str:
    """How a stored study differs from the requested one, or ""."""
    loss, optimizer = (*arguments, None)[:2]
    chosen = len(arguments) > AUTO_LR and arguments[AUTO_LR]  # then the learning rate is the study's own
    title, name = _names(arguments)
    if isinstance(loss, Loss) and held.title != title:
        return f"it holds a study of the loss {held.title}, not of {title}"
    if optimizer is not None and not chosen and held.optimizer != name:
        return f"it holds a study of the optimizer {held.optimizer}, not of {name}"
    ours = provenance()["versions"]
    theirs = held.provenance.get("versions", {})
    return "" if theirs == ours else f"it was made with other releases, {theirs}, and these are {ours}"


@cache
def _package() -> str:
    """A text that changes with the code that computes studies."""
    return fingerprint(["studies.study"], PACKAGES)


def main() -> None:
    """A process that answers requests until stdin ends; results of one study are reused for the same loss and optimizer."""
    shared = Shared()
    warnings.simplefilter("ignore")
    serve(lambda request: json.dumps(answer(shared, request)))


def asking(arguments: tuple[Any, ...], options: dict[str, Any]) -> str:
    """A request: the arguments of a study by position and by name."""
    return base64.b64encode(pickle.dumps((arguments, options))).decode()


def answer(shared: Shared, request: str) -> dict[str, str]:
    """{file: the study's in base64} or {failure: the error in a sentence}."""
    arguments, options = pickle.loads(base64.b64decode(request))
    try:
        return {"file": base64.b64encode(SPELLED(shared, *arguments, **options).to_bytes()).decode()}
    except CfdynError as problem:
        return {"failure": readable(str(problem))}
    except Exception as problem:  # whatever fails in one, the others continue
        return {"failure": readable(f"a defect of cfdyn, please report it: {type(problem).__name__}: {problem}")}


if __name__ == "__main__":
    main()
