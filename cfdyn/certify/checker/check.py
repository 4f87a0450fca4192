"""Is a certificate valid? The checker reads its map, claim and evidence from the text, and computes everything again."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import read_map
from cfdyn.certify.checker.numbers.boxes import rounds_as_expected
from cfdyn.certify.checker.numbers.work import TooLarge, budget
from cfdyn.certify.checker.read import document as read
from cfdyn.certify.checker.statement import statement

KINDS = ("cycle", "branch", "bifurcation", "cycles", "no_cycles", "chaos", "horseshoe", "trapping", "convergence", "edge",
         "measure")  # fmt: skip
_KEYS = ("format", "version", "kind", "statement", "map", "claim", "evidence")


class Verdict(NamedTuple):
    """The checker's answer: ``statement``: what is proved, empty if the certificate is not valid; ``reason``: why it is not."""

    valid: bool
    statement: str
    reason: str
    kind: str

    def __bool__(self) -> bool:
        return self.valid

    def __repr__(self) -> str:
        parts = (f"{name}={value!r}" for name, value in self._asdict().items())
        text = f"Verdict({', '.join(parts)})"
        return text if len(text) <= 300 else f"{text[:299]}…"


def check(certificate: str | os.PathLike[str] | Mapping[str, Any] | Any) -> Verdict:
    """Verify a certificate: a file, the document in a file, or a `Certificate` of `cf.certify`.

    Whatever the file contains, the outcome is a `Verdict`: nothing in it is executed, and time and memory are bounded. The
    checker verifies the evidence in interval arithmetic in doubles from + − × ÷ √ alone, with derivatives of the formulas in the
    file; docs/reference/certificates.md states what is verified for each kind.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.certify.check("no such file.json")
    Verdict(valid=False, statement='', reason='the file cannot be read: No such file or directory', kind='')
    """
    kind = ""
    try:
        document = _document(certificate)
        kind = _checked_kind(document)
        sentence = _verified(document)
    except NotValid as problem:
        return Verdict(False, "", str(problem), kind)
    except TooLarge:
        return Verdict(False, "", "the formulas have too many parts, or there is too much to compute", kind)
    except RecursionError:
        return Verdict(False, "", "the file is nested too deeply", kind)
    except MemoryError:
        return Verdict(False, "", "the file needs too much memory", kind)
    except Exception as problem:  # whatever error a file causes in the checker, it proves nothing
        return Verdict(False, "", f"the checker cannot follow it ({type(problem).__name__})", kind)
    return Verdict(True, sentence, "", kind)


def _document(certificate: Any) -> dict[str, Any]:
    certificate = getattr(certificate, "certificate", certificate)  # of a ledger
    certificate = getattr(certificate, "document", certificate)
    if certificate is None:
        raise NotValid("nothing is proved there, so there is nothing to verify")
    if isinstance(certificate, Mapping):
        return dict(certificate)
    if not isinstance(certificate, str | os.PathLike):
        raise NotValid(f"a certificate is a file, its document or what was proved, not of the class {type(certificate).__name__}")
    return read(certificate)


def _checked_kind(document: dict[str, Any]) -> str:
    fields.mapping(document, "the file", _KEYS, ["vary", "made with"])
    fields.one_of(document["format"], "the format", ["cfdyn certificate"])
    fields.one_of(document["version"], "the version", [1, 2])
    return fields.one_of(document["kind"], "the kind", KINDS)


def _verified(document: dict[str, Any]) -> str:
    """The statement, once everything is verified."""
    if not rounds_as_expected():
        raise NotValid("this processor does not round to nearest, so that nothing can be verified here")
    fields.mapping(document["claim"], "the claim")
    fields.mapping(document["evidence"], "the evidence")
    with np.errstate(all="ignore"), budget():
        g = read_map(document)
        importlib.import_module(f"cfdyn.certify.checker.kinds.{document['kind']}").check(document, g)
    sentence = statement(document)
    if fields.text(document["statement"], "the statement") != sentence:
        raise NotValid("the statement is not the one that the claim makes")
    return sentence
