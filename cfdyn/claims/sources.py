"""The locations of the papers: found by their entry point, never by an import."""

import importlib
import importlib.util
import os
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from cfdyn.claims.claim import Claim, Claims
from cfdyn.errors import UsageError, shown, unknown

GROUP = "cfdyn.papers"
OWN = "CFDYN_CLAIMS"  # environment variable: a file of claims, as the processes that check them inherit it
LIST = (f"cfdyn list claims. Claims are read from papers/ in a clone, from packages with the entry point {GROUP}, and from a "
        "file: cfdyn claims FILE.py")
_ROOT = Path(__file__).parents[2]


@cache
def papers() -> dict[str, ModuleType]:
    """Every paper by the name of its file: modules of the packages that the entry point ``cfdyn.papers`` names.

    In a clone the folder ``papers`` beside the package takes precedence over an installed one.

    Raises
    ------
    UsageError : one of them cannot be imported
    """
    return papers_of(modules())


def papers_of(names: Iterable[str]) -> dict[str, ModuleType]:
    """Those of `papers` that have these names; no other is imported."""
    papers = {name: _imported(modules()[name]) for name in sorted(set(names) & modules().keys())}
    return {name: module for name, module in papers.items() if isinstance(getattr(module, "CLAIMS", None), Claims)}


def folders() -> list[Path]:
    """The folders that contain papers and their records."""
    return [Path(path) for package in _packages() for path in package.__path__]


@cache
def modules() -> dict[str, str]:
    """The modules that may be papers: {short name: full name}."""
    names: dict[str, str] = {}
    for package in _packages():
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                names.setdefault(module.name, f"{package.__name__}.{module.name}")
    if OWN in os.environ:
        names[Path(os.environ[OWN]).stem] = os.environ[OWN]
    return names


def own(file: str) -> str:
    """The source that a file of one's own is: its name, by which this process and those that it starts know it from now on.

    Raises
    ------
    UsageError : the file does not exist, its name cannot be the name of a source, it cannot be imported, or it has no claims
    """
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {shown(file)}")
    if not path.stem.isidentifier():
        raise UsageError(f"the name of a file of claims consists of letters, digits and _, unlike {shown(path.name)}; rename it")
    os.environ[OWN] = str(path.resolve())
    papers.cache_clear()
    modules.cache_clear()
    if path.stem not in papers_of([path.stem]):
        raise UsageError(f"{shown(file)} holds no claims: it defines no CLAIMS = Claims(__name__, __doc__, read=…)")
    return path.stem


def _imported(name: str) -> ModuleType:
    try:
        return _from_file(name) if name.endswith(".py") else importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever is in a file that somebody else wrote
        raise UsageError(f"{name}, which holds claims, cannot be imported: {type(error).__name__}: {error}") from error


def _from_file(file: str) -> ModuleType:
    name = f"cfdyn_own.{Path(file).stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


@cache
def _beside() -> Path | None:
    """The folder ``papers`` of a clone, installed as cfdyn_papers; beside an installed cfdyn there are packages of others."""
    with suppress(OSError, ValueError):
        if re.search(r"^name = cfdyn$", (_ROOT / "setup.cfg").read_text(encoding="utf-8"), re.MULTILINE):
            return _ROOT / "papers"
    return None


def _packages() -> Iterator[ModuleType]:
    beside = _beside()
    if beside and "cfdyn_papers" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "cfdyn_papers", beside / "__init__.py", submodule_search_locations=[str(beside)]
        )
        assert spec is not None and spec.loader is not None
        sys.modules["cfdyn_papers"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["cfdyn_papers"])
    if beside:
        yield sys.modules["cfdyn_papers"]
    for point in entry_points(group=GROUP):
        if not (beside and point.value == "cfdyn_papers"):
            yield _imported(point.module)


def all_claims() -> dict[str, Claim]:
    """Every claim by its id."""
    return {claim.id: claim for paper in papers().values() for claim in paper.CLAIMS}


def certificates(name: str) -> list[Path]:
    """The files of certificates that prove the claim of that id, in the folder ``certificates`` beside its paper.

    Raises
    ------
    UsageError : there is no such claim; the message names the closest one
    """
    claim = named(name)
    folder = Path(str(paper_named(claim.source).__file__)).parent / "certificates"
    return sorted([*folder.glob(f"{claim.id}.json"), *folder.glob(f"{claim.id}.[0-9]*.json")])


def chosen(ids: Iterable[str] | None = None, source: str | None = None) -> list[Claim]:
    """The claims of these ids, of this source, or all; for a source that answers questions also the claims that support it.

    Raises
    ------
    UsageError : an id or a source that does not exist (the message names the closest one), or an id that is not of the source
    """
    if ids is not None:
        ids = [ids] if isinstance(ids, str) else list(ids) if isinstance(ids, Iterable) else [ids]
        if not all(isinstance(name, str) for name in ids):
            raise UsageError(f"`ids` are names of claims, such as 'may1976.first_flip', not {shown(ids)}")
    if source is not None:
        paper = paper_named(source)
        wanted = [claim.id for claim in paper.CLAIMS]
        wanted += [name for question in getattr(paper, "QUESTIONS", ()) for name in question.claims]
        strange = [name for name in ids or () if named(name).id not in wanted]
        if strange:
            raise UsageError(f"{strange[0]} is not a claim of {source}, nor one that supports its answers")
        ids = wanted if ids is None else ids
    return [named(name) for name in dict.fromkeys(all_claims() if ids is None else ids)]


def named(name: str) -> Claim:
    """The claim of that id.

    Raises
    ------
    UsageError : it does not exist; the message names the closest one
    """
    claims = {claim.id: claim for paper in papers_of([name.partition(".")[0]]).values() for claim in paper.CLAIMS}
    if name in modules():
        raise UsageError(f"{name} is a source, not one claim; its claims: cfdyn claims --source {name}")
    if name not in claims:
        raise unknown("claim", name, all_claims(), LIST)
    return claims[name]


def paper_named(name: str) -> ModuleType:
    """The paper of that name.

    Raises
    ------
    UsageError : it does not exist; the message names the closest one
    """
    paper = papers_of([name]).get(name)
    if paper is None:
        raise unknown("source", name, modules(), "cfdyn list claims")
    return paper
