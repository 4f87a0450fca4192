"""The statement of a certificate, as the facts that a claim expects; only certificates that the checker verified are used."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cfdyn.claims.expected import interval
from cfdyn.errors import CfdynError

PROOF = "ball arithmetic; the certificate is verified by the independent checker"
_PLAIN = ("period", "stable", "count", "complete", "fixed points", "type", "supercritical", "side", "whole")


class NotProved(CfdynError):
    """There is no valid certificate, with the reason."""


def documents(made: Any) -> list[dict[str, Any]]:
    """The documents of one certificate or of several, once the checker has verified each.

    Raises
    ------
    NotProved : nothing was proved, or the checker does not accept the proof
    """
    from cfdyn.certify.checker.check import check

    listed = list(made) if isinstance(made, Sequence) else [made]
    for one in listed:
        if not one.proved:
            raise NotProved(f"not proved: {one.reason}")
        verdict = check(one.document)
        if not verdict:
            raise NotProved(f"the checker does not accept the certificate: {verdict.reason}")
    return [dict(one.document) for one in listed]


@cache
def _read(file: Path) -> tuple[dict[str, Any], str]:
    """The document of a certificate, and why the checker does not accept it, or ""."""
    from cfdyn.certify.checker.check import check
    from cfdyn.certify.checker.fields import NotValid
    from cfdyn.certify.checker.read import document

    try:
        content = document(file)
    except NotValid as problem:
        return {}, str(problem)
    verdict = check(content)
    return content, "" if verdict else verdict.reason


def read(files: Sequence[Path]) -> list[dict[str, Any]]:
    """The documents in files of certificates, once the checker has verified each, in this process.

    Raises
    ------
    NotProved : there is no file, or the checker does not accept one
    """
    if not files:
        raise NotProved("no certificate lies beside the paper")
    for file in files:
        if _read(file)[1]:
            raise NotProved(f"the checker does not accept the certificate {file.name}: {_read(file)[1]}")
    return [_read(file)[0] for file in files]


def facts(listed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The facts of one document, by name; for several documents, values are listed and lists are joined.

    ``points`` are the weights only; ``entropy``: a lower bound; ``multipliers``: if they are proved to be real.

    Examples
    --------
    >>> claim = {"period": 3, "box": [["-0x1.0000000000000p+0", "0x1.8000000000000p+0"]]}
    >>> about = {"map": {"variables": ["w"]}, "vary": {"lr": ["0.1", "1.45"]}}
    >>> one = {"kind": "no_cycles", **about, "claim": claim, "statement": "…"}
    >>> facts([one])
    {'kind': 'no_cycles', 'statement': '…', 'lr': [0.1, 1.45], 'period': 3, 'box': '[-1, 1.5]'}
    >>> facts([one, one])["period"], facts([one, one])["lr"]
    ([3, 3], [0.1, 1.45, 0.1, 1.45])
    """
    each = [_facts(one) for one in listed]
    if len(each) == 1:
        return each[0]
    names = [name for name in each[0] if all(name in other for other in each)]
    return {name: _joined([one[name] for one in each]) for name in names}


def _joined(values: list[Any]) -> list[Any]:
    return [item for value in values for item in value] if all(isinstance(value, list) for value in values) else values


def _facts(document: Mapping[str, Any]) -> dict[str, Any]:
    from cfdyn.certify.checker.statement import exactly

    claim = document["claim"]
    fields = {"kind": document["kind"], "statement": document["statement"]}
    for name, ends in document.get("vary", {}).items():
        lo, hi = map(_number, ends)
        fields[name] = interval(lo, hi, "proved") if document["kind"] == "bifurcation" else [lo, hi]
    fields |= {name: claim[name] for name in _PLAIN if claim.get(name) is not None}
    if claim.get("entropy"):
        fields["entropy"] = _number(claim["entropy"])
    if "steps" in claim:
        fields |= {"steps": claim["steps"], "growth": _number(claim["growth"]), "box": exactly([[claim["interval"]]])}
    if claim.get("box"):
        fields["box"] = exactly([claim["box"]])
    about = document["map"].get("loss") or document["map"]
    for name, boxes in (("points", claim.get("points")), ("point", claim.get("point") and [claim["point"]])):
        if boxes:
            fields[name] = [_interval(ends) for box in boxes for ends in box[: len(about["variables"])]]
    multipliers = claim.get("multipliers")
    if multipliers and all(float.fromhex(end) == 0 for _, imaginary in multipliers for end in imaginary):
        fields["multipliers"] = [_interval(real) for real, _ in multipliers]
    return fields


def _number(text: str) -> float:
    """The number of a decimal or a fraction."""
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def _interval(ends: Sequence[str]) -> dict[str, Any]:
    return interval(float.fromhex(ends[0]), float.fromhex(ends[1]), "proved")
