"""What a page shows of a study beyond its own floats: landmarks over the learning rate, and proofs."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cfdyn
from cfdyn.certify.exact import above, below, exact
from cfdyn.explorer.branches import nothing, ranges_of
from cfdyn.explorer.jobs import Worker
from cfdyn.explorer.subject import Subject
from cfdyn.studies.landmarks import landmarks
from cfdyn.studies.study import Study


def findings(study: Study, values: dict[str, float]) -> dict[str, Any]:
    """For JSON: landmarks and proofs, at the ``values`` of all parameters; landmarks hold at any lr.

    A landmark has a ``value`` of lr, ``what`` happens, its ``formula`` or "", and the statement of its ``proof`` or "".
    The checker has verified each proof.
    """
    checked = [(document, cfdyn.certify.check(document)) for document in study.certificates]
    valid = [(document, verdict.statement) for document, verdict in checked if verdict.valid]
    spans = [(_span(document["vary"]["lr"]), words) for document, words in valid if "lr" in document["vary"]]
    marks = [{**mark._asdict(), "proof": next((words for (lo, hi), words in spans if lo <= mark.value <= hi), "")}
             for mark in landmarks(study)]  # fmt: skip
    proofs = [shown_proof(document, words) for document, words in valid]
    return nothing("lr") | {"values": values, "landmarks": marks, "proofs": proofs, "missing": study.unfinished}


def _span(ends: Sequence[str]) -> tuple[float, float]:
    """Two exact numbers as doubles, rounded outwards."""
    return below(exact(ends[0])), above(exact(ends[1]))


def shown_proof(document: Mapping[str, Any], statement: str) -> dict[str, Any]:
    """A verified proof for a page: its statement; of a cycle also its period, whether it is stable, and where its points lie.

    ``boxes``: for each point a pair (lo, hi) for each of the ``names``.
    """
    if document["kind"] != "cycle":
        return {"kind": document["kind"], "statement": statement}
    boxes = [[[float.fromhex(end) for end in box] for box in point] for point in document["claim"]["points"]]
    claim = {name: document["claim"][name] for name in ("names", "period", "stable")}
    return {"kind": "cycle", "statement": statement, **claim, "boxes": boxes}


def found_within(
    seconds: float, subject: Subject, params: Sequence[Mapping[str, Any]], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """The `findings` of a study, and branches over each of the ``params`` of a scene, in a process of its own.

    After so many seconds in all nothing more, and why.
    """
    last, found, given = time.monotonic() + seconds, list[dict[str, Any]](), pickle.dumps(subject).hex()
    studied = subject.of and "lr" in subject.of[1].params
    tasks: list[dict[str, Any]] = [{"task": "study", "over": ["lr"]}] if studied else []
    tasks += [{"task": "branches", "over": over} for over in ranges_of(params)]
    worker = Worker()
    try:
        for k, task in enumerate(tasks):
            said = worker.ask(json.dumps({**task, "subject": given}), max(0.0, last - time.monotonic()), say)
            if "answer" not in said:
                why = said["error"] if time.monotonic() < last else f"stopped after {seconds:g} s"
                return found + [nothing(left["over"][0]) | {"missing": why} for left in tasks[k:]]
            found.append(said["answer"]["findings"])
    finally:
        worker.end()
    return found
