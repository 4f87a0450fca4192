"""The certificates beside the papers: ``python -m tests.certificates [ID…]`` proves claims anew and writes their files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cfdyn.claims import Claim
from cfdyn.claims.sources import all_claims

FOLDER = Path(__file__).resolve().parents[1] / "papers" / "certificates"


def proved_claims() -> list[Claim]:
    """The claims that certificates prove."""
    return [claim for claim in all_claims().values() if claim.certify]


def names(claim: Claim, count: int) -> list[str]:
    """Of the files of a claim that needs so many certificates."""
    return [f"{claim.id}.json"] if count == 1 else [f"{claim.id}.{k}.json" for k in range(1, count + 1)]


def made(claim: Claim) -> list[Any]:
    """Its certificates, made anew."""
    found = claim.certify()
    return found if isinstance(found, list) else [found]


def kept(file: Path) -> dict[str, Any]:
    """The document in a file."""
    return json.loads(file.read_text(encoding="utf-8"))


def main(ids: list[str]) -> None:
    """Write the files of these claims, or of all; what belongs to no claim any more is left for the tests to find."""
    FOLDER.mkdir(exist_ok=True)
    for claim in proved_claims():
        if not ids or claim.id in ids:
            certificates = made(claim)
            for name, certificate in zip(names(claim, len(certificates)), certificates, strict=True):
                print(certificate.save(FOLDER / name))


if __name__ == "__main__":
    main(sys.argv[1:])
