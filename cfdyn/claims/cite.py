"""`cite`: the reference for the toolkit, a claim or a source, with BibTeX."""

import re
from dataclasses import dataclass
from typing import Any

from cfdyn.claims.claim import Claim, Claims
from cfdyn.claims.sources import named, paper_named
from cfdyn.errors import UsageError, shown

TOOLKIT = ("cfdyn", "The cfdyn developers", "cfdyn: optimizers as dynamical systems", "2026")
ESCAPED = str.maketrans({sign: f"\\{sign}" for sign in "&%_#$"})
NAMES = re.compile(r"(?:\w\.[ -]?)+\w|\w+$")  # initials and a name, or one name alone
YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


@dataclass(frozen=True)
class Citation:
    """One entry of a bibliography: its ``key``, the ``text`` for a reader, and the same as ``bibtex``."""

    key: str
    text: str
    bibtex: str

    def __str__(self) -> str:
        return f"{self.text}\n\n{self.bibtex}"

    def _repr_markdown_(self) -> str:
        return f"{self.text}\n\n```bibtex\n{self.bibtex}\n```"


def cite(subject: str | Claim | Claims | None = None) -> Citation:
    """The bibliographic entry of the toolkit, of a claim's source, or of a source.

    For a claim cite both the source that states it and the toolkit that checked it.

    Parameters
    ----------
    subject : None for the toolkit; the id of a claim, such as "may1976.first_flip", the name of a source, such as
        "may1976", or the object that `cf.claims` returns for one

    Raises
    ------
    UsageError : there is no such claim or source; the message names the closest one

    Examples
    --------
    >>> import cfdyn as cf
    >>> print(cf.cite())
    The cfdyn developers, cfdyn: optimizers as dynamical systems, version 0.1.0 (2026).
    <BLANKLINE>
    @software{cfdyn,
      author = {{The cfdyn developers}},
      title = {{cfdyn: optimizers as dynamical systems}},
      year = {2026},
      version = {0.1.0},
    }
    >>> print(cf.cite("may1976").text)
    R. M. May, Simple mathematical models with very complicated dynamics, Nature 261 (1976) 459–467.
    """
    if subject is None:
        return _toolkit()
    if isinstance(subject, str):
        subject = named(subject).source if "." in subject else subject
    elif isinstance(subject, Claim):
        subject = subject.source
    if isinstance(subject, str):
        subject = paper_named(subject).CLAIMS
    if not isinstance(subject, Claims):
        raise UsageError(f"cite takes nothing, a claim or a source, such as cf.cite('may1976'), not {shown(subject)}")
    return _source(subject.name, subject.entry)


def _toolkit() -> Citation:
    import cfdyn

    key, author, title, year = TOOLKIT
    version = cfdyn.__version__
    fields = {"author": f"{{{author}}}", "title": f"{{{title}}}", "year": year, "version": version}
    return Citation(key, f"{author}, {title}, version {version} ({year}).", _bibtex("software", key, **fields))


def _source(key: str, entry: str) -> Citation:
    """Read an entry of the form: authors, *title*, place and year."""
    authors, title, where = re.split(r",? \*|\*,? ?", entry, maxsplit=2)
    found, number, own = YEAR.search(ARXIV.sub("", where)), ARXIV.search(where), "cfdyn" in authors
    fields: dict[str, Any] = {"author": f"{{{TOOLKIT[1]}}}" if own else _authors(authors), "title": f"{{{title}}}"}
    fields |= {"year": found[0]} if found else {}
    fields |= {"eprint": number[1], "archivePrefix": "arXiv"} if number and not fields["author"].startswith("{") else {}
    note = where.rstrip(".").replace("*", "")
    fields |= {"note": note} if found and note != f"({found[0]})" else {}
    return Citation(key, entry.replace("*", ""), _bibtex("misc", key, **fields))


def _authors(text: str) -> str:
    """Names joined by "and"; a text that is not a list of names, in braces as one name."""
    names = re.split(r", and |, | and ", text)
    return " and ".join(names) if all(NAMES.match(name) for name in names) else f"{{{text.removesuffix(' on')}}}"


def _bibtex(kind: str, key: str, **fields: str) -> str:
    lines = "".join(f"  {name} = {{{value.translate(ESCAPED)}}},\n" for name, value in fields.items())
    return f"@{kind}{{{key},\n{lines}}}"
