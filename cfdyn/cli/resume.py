"""A saved record that a command continues with."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cfdyn
from cfdyn.cli.input.subject import Subject
from cfdyn.errors import UsageError


def saved(subject: Subject, kinds: tuple[str, ...], others: Sequence[Any], beside: str = "--steps, --out, --plot") -> Any:
    """The record in FILE.npz, given in place of the loss; None for a loss or a map. ``others``: options that belong to these."""
    if subject.loss is None or not subject.loss.endswith(".npz"):
        return None
    if any(others) or replace(subject, loss=None) != Subject():
        raise UsageError(f"{subject.loss} was saved with its options: "
                         f"with it only {beside} and --json are allowed")  # fmt: skip
    record = cfdyn.load(subject.loss)
    if type(record).__name__ not in kinds:
        raise UsageError(f"{subject.loss} holds a {type(record).__name__}; this command continues a {' or '.join(kinds)}")
    return record


def gone_on(record: Any, **options: Any) -> Any:
    """The record extended from where it ran out of steps; the record itself, with a warning, if it did not."""
    if any(max(part.paces) > 0 for part in getattr(record, "branches", [record])):
        return record.extended(**options)
    warnings.warn("nothing to continue: this record had not reached its maximal number of steps; it is shown unchanged",
                  stacklevel=2)
    return record


def completed(record: Any, progress: Callable[[int], None]) -> Any:
    """A map over two quantities with the cells that Ctrl-C left open; the record itself, with a warning, if there are none."""
    if not record.complete:
        return record.extended(progress=progress)
    warnings.warn("nothing to continue: this record is complete; it is shown unchanged", stacklevel=2)
    return record
