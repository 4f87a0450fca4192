"""The verdicts on record: what the claims measured when the papers were last computed as a whole."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cfdyn.claims.claim import Claim
from cfdyn.claims.sources import papers
from cfdyn.claims.verdict import Verdict, judge

FILE = "verdicts.json"


@cache
def on_record() -> dict[str, dict[str, Any]]:
    """{id: what was measured, with the seconds it took, its date and version}, from the files beside the papers."""
    folders = {Path(str(paper.__file__)).parent for paper in papers().values()}
    files = [folder / FILE for folder in folders if (folder / FILE).is_file()]
    return {name: kept for file in files for name, kept in json.loads(file.read_text(encoding="utf-8")).items()}


def recorded(claim: Claim) -> Verdict:
    """The verdict on what is on record of a claim; undecided where nothing is."""
    kept = on_record().get(claim.id)
    if claim.measure is None or kept is not None:
        return judge(claim, kept)
    return judge(claim, {"measured": {}, "undecided": "not computed yet", "seconds": 0.0, "date": "", "version": ""})


def record_text(verdicts: Sequence[Verdict]) -> str:
    """The content of such a file, an entry a line."""
    entries = {
        v.id: {"measured": v.measured, "undecided": v.reason if v.verdict == "undecided" else "",
               "seconds": v.seconds, "date": v.date, "version": v.version}
        for v in verdicts if v.date and not v.reason.startswith("needs ")
    }  # fmt: skip
    lines = [f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in entries.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
