"""The process that computes what a page asks a server for: a request a line, lines of progress, and an answer."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import cfdyn
from cfdyn.errors import CfdynError, UsageError
from cfdyn.explorer.branches import branch_findings, checked_over, nothing
from cfdyn.explorer.findings import findings, shown_proof
from cfdyn.explorer.map_scene import scene_of_map
from cfdyn.explorer.question import Question
from cfdyn.explorer.scene import scene_of
from cfdyn.explorer.subject import Subject
from cfdyn.machine.workers import limit_memory, serve
from cfdyn.records.record import plain
from cfdyn.studies.defaults import usual_box
from cfdyn.studies.proofs import proofs

MOST_MEMORY = 8 * 2**30  # bytes of addresses: numba and BLAS alone reserve some two of them
MOST_PERIOD = 64
Say = Callable[[str], None]


def scene(subject: Subject, asked: Any, say: Say) -> dict[str, Any]:
    """What a page shows."""
    step, of, start = subject
    ranges = {name: tuple(pair) for name, pair in asked["ranges"].items() if name in step.params}
    return scene_of(step, *of, start, ranges) if of else scene_of_map(step, start, ranges)


def study(subject: Subject, asked: Any, say: Say) -> dict[str, Any]:
    """The verdict of `cf.study`, with its landmarks and proofs."""
    if not subject.of:
        raise UsageError("a study is of a loss with an optimizer; of a map ask for its cycles and proofs")
    found = cfdyn.study(*subject.of, subject.start, progress=say)
    return {"headline": found.headline, "lines": found.bullets, "findings": findings(found, subject.step.params)}


def cycles(subject: Subject, asked: Any, say: Say) -> dict[str, Any]:
    """All cycles of a period in the usual box."""
    n = asked["period"]
    found = cfdyn.analysis.cycles(subject.step, n, usual_box(subject.step, subject.loss), progress=say)
    listed = [{"points": c.points, "multipliers": abs(c.multipliers), "stable": c.stable} for c in found]
    return plain({"period": n, "complete": found.complete, "reason": found.reason, "cycles": listed})


def prove(subject: Subject, asked: Any, say: Say) -> dict[str, Any]:
    """What the orbit ends on, and 3-cycles of one variable, proved where possible; each proof is verified by the checker."""
    step = subject.step
    say("classifying the orbit")
    regime, box = cfdyn.analysis.classify(step, subject.start), usual_box(step, subject.loss)
    say("searching for 3-cycles")
    threes = cfdyn.analysis.cycles(step, 3, box) if step.dim == 1 else None
    say("proving")
    found = proofs(step, regime, threes, box, None)
    say("verifying")
    verdicts = [cfdyn.certify.check(document) for document in found.certificates]
    refused = [f"the checker refused a proof: {verdict.reason}" for verdict in verdicts if not verdict.valid]
    kept = [document for document, verdict in zip(found.certificates, verdicts, strict=True) if verdict.valid]
    statements = [verdict.statement for verdict in verdicts if verdict.valid]
    known = nothing("") | {"values": step.params, "proofs": [*map(shown_proof, kept, statements)]}
    return {"proved": statements, "certificates": kept, "unproved": [*found.unproved, *refused], "findings": known}


def branches(subject: Subject, asked: Any, say: Say) -> dict[str, Any]:
    """The branches over a parameter, with their bifurcations."""
    name, ends = checked_over(asked["over"])
    return {"findings": branch_findings(subject.step, subject.loss, subject.start, name, ends, say)}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {one.__name__: one for one in (scene, study, cycles, prove, branches)}


def answer(request: str, line: Callable[[str], None]) -> str:
    """One request of the server, whose pickles are its own; what is refused is {"error": sentence}."""
    asked = json.loads(request)
    try:
        own = pickle.loads(bytes.fromhex(asked.get("subject") or asked["own"]))
        subject = own if "subject" in asked else Question(**asked["question"]).subject(own)
        found = TASKS[asked["task"]](subject, asked, lambda words: line(json.dumps({"progress": words})))
        return json.dumps({"answer": found}, allow_nan=False)
    except CfdynError as problem:
        return json.dumps({"error": str(problem)})
    except (MemoryError, RecursionError):
        return json.dumps({"error": "this takes more memory than a page may ask for"})


def checked_period(given: Any) -> int:
    """A period that a page may ask for, else a UsageError."""
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST_PERIOD:
        raise UsageError(f"the period is a whole number from 1 to {MOST_PERIOD}")
    return given


if __name__ == "__main__":
    limit_memory(MOST_MEMORY)
    serve(answer, says=True)
