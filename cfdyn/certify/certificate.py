"""The result of a proof: a statement with the file that proves it, or the reason why there is no proof."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cfdyn.certify.balls import BITS
from cfdyn.certify.checker.statement import statement
from cfdyn.certify.exact import end, written
from cfdyn.certify.subject import Subject
from cfdyn.errors import UsageError
from cfdyn.records.brief import brief
from cfdyn.records.files import as_path, written_whole

FORMAT = "cfdyn certificate"
VERSIONS = {"cycles": 2, "no_cycles": 2}  # of others 1
MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class Certificate:
    """A theorem about a map, and evidence with which anyone can verify it.

    ``kind``: the kind of claim, such as cycle; ``statement``: the claim in one sentence; ``proved``; ``reason``: if the claim is
    not proved, what failed and what to try; ``document``: the contents of the file, None if nothing is proved.

    Examples
    --------
    >>> import cfdyn as cf
    >>> proof = cf.certify.cycle("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.1), [1.116, 0.815])
    >>> proof.kind, proof.proved, proof.claim["stable"], cf.certify.check(proof.document).valid
    ('cycle', True, True, True)
    """

    kind: str
    statement: str
    proved: bool
    reason: str = ""
    document: Mapping[str, Any] | None = field(default=None, repr=False)
    __repr__ = brief
    _headline = ("kind", "statement", "reason")

    def _repr_html_(self) -> str:
        """HTML for a notebook: the statement, or why it is not proved."""
        kind = html.escape(self.kind.replace("_", " "))
        if not self.proved:
            return f"<div><b>Not proved</b> ({kind}): {html.escape(self.reason)}</div>"
        return f"<div><b>Proved</b> ({kind}): {html.escape(self.statement)}</div>"

    @property
    def claim(self) -> dict[str, Any]:
        """The claim in the form of the file; empty if nothing is proved."""
        return dict(self.document["claim"]) if self.document else {}

    def save(self, path: str | os.PathLike) -> Path:
        """Write the certificate as JSON text, completely or not at all; return the path.

        UsageError: nothing is proved; the file would be larger than 20 MB, or cannot be written
        NumericsError: the disk is full
        """
        path = as_path(path)
        if self.document is None:
            raise UsageError(f"there is no certificate to save: {self.reason}")
        text = json.dumps(self.document, indent=1) + "\n"
        if len(text) > MOST_BYTES:
            text = json.dumps(self.document, separators=(",", ":"))
        if len(text) > MOST_BYTES:
            raise UsageError(f"the certificate has {len(text) / 1e6:.0f} MB, more than 20 MB; prove it over a smaller box")
        with written_whole(path) as temporary:
            Path(temporary).write_text(text, encoding="utf-8")
        return path

    def to_json(self) -> dict[str, Any]:
        """The certificate as JSON-ready data."""
        return {"kind": self.kind, "proved": self.proved, "statement": self.statement, "reason": self.reason,
                "claim": self.claim or None}  # fmt: skip


def proved(kind: str, subject: Subject, claim: Mapping[str, Any], evidence: Mapping[str, Any]) -> Certificate:
    """The certificate of a claim that has been proved.

    ``vary`` contains the varied parameters of the subject; ends of boxes are text (`exact.end`), numbers too (`exact.written`).
    """
    document: dict[str, Any] = {
        "format": FORMAT, "version": VERSIONS.get(kind, 1), "kind": kind, "statement": "", "map": subject.describe(),
        "vary": {name: [written(lo), written(hi)] for name, (lo, hi) in subject.varied.items()},
        "claim": dict(claim), "evidence": dict(evidence), "made with": made_with(),
    }  # fmt: skip
    document["statement"] = statement(document)
    return Certificate(kind, document["statement"], True, "", document)


def unproved(about: Subject, kind: str, reason: str) -> Certificate:
    """The result of a failed proof; the reason states what failed, what to try, and where the formulas are defined."""
    needs = ", ".join(about.conditions)
    return Certificate(kind, "", False, reason + (f"; as they are written the formulas need {needs}" if needs else ""))


def interval_text(lo: float, hi: float) -> list[str]:
    """An interval with doubles for ends, in the format of certificates.

    >>> interval_text(0.5, 1.0)
    ['0x1.0000000000000p-1', '0x1.0000000000000p+0']
    """
    return [end(lo), end(hi)]


def made_with() -> dict[str, Any]:
    """Versions and precision, for the record."""
    return {"bits": BITS, **{name: _version(name) for name in ("cfdyn", "python-flint")}}


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
