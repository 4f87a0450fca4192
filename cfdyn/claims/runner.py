"""Check many claims in separate processes; each result is stored at once, however the run ends."""

import base64
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from cfdyn.arguments import whole_number
from cfdyn.claims import kept
from cfdyn.claims.claim import Claim
from cfdyn.claims.record import judge_kept, on_record
from cfdyn.claims.sources import certificates, chosen
from cfdyn.claims.verdict import Verdict, judge, measurement
from cfdyn.machine.workers import Answer, asked, time_left

LIMIT = 900.0  # seconds that a check may take
USUAL = 2.0  # seconds that a check takes whose time is not known
Say = Callable[[str], None]


def run(
    ids: Iterable[str] | None = None, source: str | None = None, processes: int | None = None, limit: float = LIMIT,
    anew: bool = False, progress: Say | None = None,
) -> list[Verdict]:  # fmt: skip
    """Verdicts on claims; a measurement that was made before with the same check and the same package is reused.

    Parameters
    ----------
    ids : ids of claims, such as "may1976.first_flip" (default: all)
    source : only the claims of this source, and those that support its answers
    processes : number of simultaneous processes (default: the number of processors)
    limit : time limit of a check in seconds; one that takes longer is undecided
    anew : measure all of them again
    progress : called with a description of the current work and the remaining time

    Returns
    -------
    list of Verdict, in the order of the sources

    Raises
    ------
    UsageError : an id or a source that does not exist, or a number of processes that is not positive

    Examples
    --------
    >>> import cfdyn as cf
    >>> [verdict.verdict for verdict in cf.claims.run(["may1976.first_flip"], processes=1)]
    ['reproduced']
    """
    if processes is not None:
        whole_number("processes", processes, 1)
    claims = chosen(ids, source)
    # A proof without files to check is made again.
    known = {c.id: None if anew or (c.certify and not certificates(c.id)) else kept.load(c) for c in claims}
    left = [claim for claim in claims if claim.measure and known[claim.id] is None]
    requests = {f"claim {claim.id}": _seconds(claim) for claim in left}
    now = dict[str, Any]()
    for request, answer in _ask(requests, processes, limit, progress):
        now[request.partition(" ")[2]] = answer
    return [judge(claim, now[claim.id]) if claim.id in now else judge_kept(claim, known[claim.id]) for claim in claims]


def draw(names: Iterable[str], processes: int | None = None, progress: Say | None = None) -> dict[str, bytes]:
    """Figures of sources as PNG, {"source.name": picture}; one that cannot be drawn is omitted, and ``progress`` says so."""
    pictures = {name: kept.load_figure(*name.split(".", 1)) for name in dict.fromkeys(names)}
    missing = {f"figure {name}": 3 * USUAL for name, picture in pictures.items() if picture is None}
    for request, answer in _ask(missing, processes, LIMIT, progress):
        pictures[request.partition(" ")[2]] = base64.b64decode(answer.get("picture", "")) or None
        if progress and answer["undecided"]:
            progress(f"{request} could not be drawn: {answer['undecided']}")
    return {name: picture for name, picture in pictures.items() if picture is not None}


def _seconds(claim: Claim) -> float:
    return on_record().get(claim.id, {}).get("seconds", USUAL)


def _ask(requests: dict[str, float], processes: int | None, limit: float, progress: Say | None) -> Iterable[tuple[str, Any]]:
    """(request, answer) in order of completion, the longest started first; ``requests``: each with its time limit in seconds."""
    order = sorted(requests, key=lambda request: -requests[request])
    start, done = time.monotonic(), list[str]()
    for index, answer in asked("cfdyn.claims.worker", order, processes, limit):
        done.append(order[index])
        yield order[index], json.loads(answer.line) if answer.line else _broken(answer, limit)
        if progress:
            left = time_left(requests, done, time.monotonic() - start)
            progress(f"{len(done)} of {len(requests)} ({done[-1].partition(' ')[2]}), about {left:.0f} s left")


def _broken(answer: Answer, limit: float) -> dict[str, Any]:
    if answer.why.startswith("did not end"):
        return measurement({}, f"the check {answer.why}", limit)
    return measurement({}, f"the check failed: {answer.why}", 0.0)
