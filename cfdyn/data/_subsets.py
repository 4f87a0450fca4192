"""Rows of a table selected by class and count, in an order that the seed determines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.data._data_set import DataSet, one_hot, rng_of, standardised
from cfdyn.errors import UsageError
from cfdyn.registry import spelled


class Choice(NamedTuple):
    """The selection of rows of a table with classes, by the options of its data set."""

    classes: Any
    n: Any
    seed: Any
    standardise: bool
    random_labels: Any

    def of(
        self, entry: Callable[..., DataSet], inputs: np.ndarray, labels: np.ndarray, scale: float = 1.0, /, **more: Any
    ) -> DataSet:
        """The selected rows (n, …), divided by ``scale`` or standardised over themselves; ``more`` options belong to the title.

        Classes are numbered 0, 1, … in the order in which they were given."""
        what, classes = entry.__name__, self.classes
        wanted = chosen(what, classes, int(labels.max()) + 1)
        place = np.full(int(labels.max()) + 1, -1)
        place[wanted] = np.arange(len(wanted))
        absent = set(wanted) - set(labels.tolist())
        if absent:
            raise UsageError(f"{what}: no row is of class {min(absent)}")
        picked = rows_of(what, np.flatnonzero(place[labels] >= 0), self.n, self.seed, labels)
        mine = replaced(what, place[labels[picked]], len(wanted), self.random_labels, self.seed)
        x = inputs[picked].astype(float)
        text = classes if classes is None or isinstance(classes, int | str) else "-".join(map(str, classes))
        title = spelled(entry, **self._replace(classes=text)._asdict(), **more)
        return DataSet(standardised(x) if self.standardise else x / scale, one_hot(mine, len(wanted)), mine, title)

    def no_classes(self, what: str, where: str) -> None:
        """Raise UsageError if options of classes are given for a target without classes."""
        if self.classes is not None or self.random_labels:
            raise UsageError(f"{what}: classes and random_labels belong to classes, and {where} has numbers; "
                             "labels=true makes them classes")  # fmt: skip


def numbers_of(title: str, inputs: np.ndarray, targets: np.ndarray, n: Any, seed: Any, standardise: bool) -> DataSet:
    """``n`` rows selected by the seed; inputs and targets standardised over them, or unchanged."""
    picked = rows_of(title.partition(":")[0], np.arange(len(inputs)), n, seed, np.arange(len(inputs)) % 2)
    x, y = inputs[picked].astype(float), targets[picked].astype(float)
    return DataSet(standardised(x), standardised(y), None, title) if standardise else DataSet(x, y, None, title)


def rows_of(what: str, kept: np.ndarray, n: Any, seed: Any, labels: np.ndarray) -> np.ndarray:
    """``n`` of the rows ``kept``, or all of them, in their order: at least one of each class, all others by the seed."""
    shuffled = rng_of(what, seed).permutation(kept)
    first = np.sort(np.unique(labels[shuffled], return_index=True)[1])
    count = len(kept) if n is None else whole_number(f"{what}: n", n, max(2, len(first)), len(kept))
    others = np.setdiff1d(np.arange(len(kept)), first)
    return np.sort(shuffled[np.concatenate([first, others])[:count]])


def chosen(what: str, classes: Any, most: int) -> list[int]:
    """The numbers of the classes in the order given."""
    if classes is None:
        return list(range(most))
    given: Any = classes
    if isinstance(classes, str):
        parts = classes.split("-")
        if not all(part.strip().isdecimal() for part in parts):
            raise UsageError(f"{what}: classes are a number, the number of the first ones, or some of them, such as 3-8, "
                             f"not {classes!r}")
        given = [int(part) for part in parts] if len(parts) > 1 else int(parts[0])
    if not isinstance(given, Sequence):
        return list(range(whole_number(f"{what}: classes", given, 2, most)))
    labels = [whole_number(f"{what}: a class", one, 0, most - 1) for one in given]
    if len(set(labels)) < 2 or len(set(labels)) < len(labels):
        raise UsageError(f"{what}: classes are two or more different ones, such as 3-8, not {'-'.join(map(str, labels))}")
    return labels


def replaced(what: str, labels: np.ndarray, classes: int, share: float, seed: int) -> np.ndarray:
    """Labels of which a fraction, selected by the seed, is drawn at random from all classes, so that some do not change."""
    part = number(f"{what}: random_labels", share, finite=True)
    if not 0 <= part <= 1:
        raise UsageError(f"{what}: random_labels is a fraction from 0 to 1, not {share}")
    rng = rng_of(what, seed, 1)
    picked = rng.permutation(len(labels))[: round(part * len(labels))]
    mixed = labels.copy()
    mixed[picked] = rng.integers(classes, size=len(picked))
    return mixed
