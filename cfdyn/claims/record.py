"""The verdicts on record: the measurements of the claims when the papers were last computed as a whole."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from cfdyn import outside
from cfdyn.claims.claim import PROVED, UNDECIDED, Claim
from cfdyn.claims.proofs import NotProved, facts, read
from cfdyn.claims.sources import certificates, folders
from cfdyn.claims.verdict import Verdict, is_measurement, judge, not_measured
from cfdyn.errors import RecordError

FILE = "verdicts.json"


@cache
def on_record() -> dict[str, dict[str, Any]]:
    """{id: the measurement, with its seconds, date and version}, from the files beside the papers.

    Raises
    ------
    RecordError : such a file is truncated or contains something else
    """
    files = [folder / FILE for folder in folders() if (folder / FILE).is_file()]
    return {name: kept for file in files for name, kept in _entries(file).items()}


def _entries(file: Path) -> dict[str, dict[str, Any]]:
    try:
        entries = outside.parsed_json(outside.content(file))
        if all(map(is_measurement, entries.values())):
            return entries
    except (OSError, ValueError, AttributeError):
        pass
    raise RecordError(f"{file} cannot be read, is truncated or holds no verdicts; without this file nothing is on record")


def recorded(claim: Claim) -> Verdict:
    """The verdict on the recorded measurement of a claim; undecided if there is none."""
    kept = on_record().get(claim.id)
    if claim.measure is None or kept is not None:
        return judge_kept(claim, kept)
    return judge(claim, not_measured("not computed yet"))


def judge_kept(claim: Claim, kept: dict[str, Any] | None) -> Verdict:
    """The verdict on an earlier measurement: proved only if the certificates beside the paper, checked now, prove the claim."""
    verdict = judge(claim, kept)
    if verdict.verdict != PROVED:
        return verdict
    if claim.certify is None:
        return replace(verdict, reason=f"{verdict.reason}, as computed on {verdict.date} by version {verdict.version}")
    try:
        judged = judge(claim, {**(kept or {}), "measured": facts(read(certificates(claim.id)))})
        reason = "" if judged.verdict == PROVED else f"the certificate beside the paper proves something else: {judged.reason}"
    except NotProved as problem:
        reason = str(problem)
    return verdict if not reason else replace(verdict, verdict=UNDECIDED, reason=f"kept as proved, but {reason}")


def record_text(verdicts: Sequence[Verdict]) -> str:
    """The content of such a file, one entry per line."""
    entries = {
        v.id: {"measured": v.measured, "undecided": v.reason if v.verdict == "undecided" else "",
               "seconds": v.seconds, "date": v.date, "version": v.version}
        for v in verdicts if v.date
    }  # fmt: skip
    lines = [f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in entries.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
