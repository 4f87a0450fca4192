"""`Studies`: many studies as a table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.record import Record, from_bytes, provenance
from cfdyn.studies.study import Study
from cfdyn.words import called

STOPPED = "not done: interrupted"
_PACKED = ("packed", "ends")


@dataclass(frozen=True)
class Studies(Record):
    """A sequence of studies, in the order of their list: ``len(found)`` of them, ``found[k]``; iteration skips failed ones.

    One entry each, (n,): ``title`` of the loss; ``optimizer``; ``lr``; ``regime``, with its ``period`` (0: none), largest
    ``multiplier`` (its modulus) and ``lyapunov`` exponent; ``edge`` of the lowest minimum; ``flip`` there, "supercritical",
    "subcritical" or ""; ``verdicts`` in words; ``failure``: why the study failed, or "". Missing numbers are NaN. ``verdict``:
    the number of studies of each regime. ``packed``, ``ends``: the concatenated files of the studies.
    """

    _headline = ("verdict",)
    verdict: str
    title: Annotated[np.ndarray, "n", str]
    optimizer: Annotated[np.ndarray, "n", str]
    lr: Annotated[np.ndarray, "n"]
    regime: Annotated[np.ndarray, "n", str]
    period: Annotated[np.ndarray, "n"]
    multiplier: Annotated[np.ndarray, "n"]
    lyapunov: Annotated[np.ndarray, "n"]
    edge: Annotated[np.ndarray, "n"]
    flip: Annotated[np.ndarray, "n", str]
    verdicts: Annotated[np.ndarray, "n", str]
    failure: Annotated[np.ndarray, "n", str]
    packed: Annotated[np.ndarray, "*"] = field(repr=False)
    ends: Annotated[np.ndarray, "*"] = field(repr=False)

    def __len__(self) -> int:
        return len(self.title)

    def __getitem__(self, place: int) -> Study:
        """Study k; a NumericsError with the reason if it failed, an IndexError beyond the last."""
        k = whole_number("the place of a study", place)
        if not -len(self) <= k < len(self):
            raise IndexError(f"there are {len(self)} studies, and no place {k}")
        k %= len(self)
        if self.failure[k]:
            raise NumericsError(f"study {k} failed: {self.failure[k]}")
        first = int(self.ends[k - 1]) if k else 0
        record = from_bytes(self.packed[first : int(self.ends[k])].tobytes(), f"study {k}")
        assert isinstance(record, Study)
        return record

    def __iter__(self) -> Iterator[Study]:
        return (self[k] for k in range(len(self)) if not self.failure[k])

    @property
    def failures(self) -> dict[int, str]:
        """Why studies failed, by their index in the list."""
        return {k: str(why) for k, why in enumerate(self.failure) if why}

    @property
    def complete(self) -> bool:
        """False if Ctrl-C came before all were done."""
        return not bool((self.failure == STOPPED).any())

    def to_json(self) -> dict:
        """The table and the provenance as JSON-ready data; `Study.to_json` has all of one study."""
        return {name: value for name, value in super().to_json().items() if name not in _PACKED}


def collected(files: Sequence[bytes | str], names: Sequence[tuple[str, str]], seed: int) -> Studies:
    """The record of studies given as files, or as error messages; ``names``: loss and optimizer of those that failed."""
    rows = [_row(file, *name) for file, name in zip(files, names, strict=True)]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    packed = [file if isinstance(file, bytes) else b"" for file in files]
    return Studies(_in_words(rows), **columns, packed=np.frombuffer(b"".join(packed), np.uint8),
                   ends=np.cumsum([len(file) for file in packed]),
                   provenance=provenance(studies=len(files), seed=seed))  # fmt: skip


def _row(file: bytes | str, title: str, optimizer: str) -> dict[str, Any]:
    nan = float("nan")
    if isinstance(file, str):
        return {"title": title, "optimizer": optimizer, "lr": nan, "regime": "", "period": 0, "multiplier": nan, "lyapunov": nan,
                "edge": nan, "flip": "", "verdicts": "", "failure": file}  # fmt: skip
    study = from_bytes(file, title)
    if not isinstance(study, Study):
        raise UsageError(f"{title}: this file is a {type(study).__name__}, not a study")
    regime, flip = study.regime, study.flip
    flipping = "" if flip is None or flip.supercritical is None else "supercritical" if flip.supercritical else "subcritical"
    return {
        "title": study.title, "optimizer": study.optimizer, "lr": study.lr, "regime": regime.kind, "period": regime.period or 0,
        "multiplier": abs(regime.multipliers[0]) if len(regime.multipliers) else nan, "lyapunov": regime.lyapunov,
        "edge": nan if study.edge is None else study.edge.value, "flip": flipping, "verdicts": study.verdict, "failure": "",
    }  # fmt: skip


def _in_words(rows: Sequence[dict[str, Any]]) -> str:
    """The number of studies of each regime, the most frequent first."""
    kinds = Counter(called(row["period"]) if row["period"] else row["regime"] for row in rows if not row["failure"])
    rest = Counter("not done" if row["failure"] == STOPPED else "failed" for row in rows if row["failure"])
    parts = [f"{kind} ({count})" for kind, count in (*kinds.most_common(), *rest.most_common())]
    return f"{len(rows)} {'study' if len(rows) == 1 else 'studies'}: {', '.join(parts)}"
