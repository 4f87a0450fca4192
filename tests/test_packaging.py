"""What a user installs is complete, works away from the source tree, and starts fast."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from tests.processes import finished, kernels_until_now, sentences
from tests.wheel import SOURCES, copy_sources

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = {"data", "networks", "torch", "trainers", "explore", "notebook", "tables", "docs", "test", "types", "cover", "bench", "all"}
HEAVY = {"numba", "llvmlite", "sympy", "mpmath", "scipy", "matplotlib", "sklearn", "jax", "equinox", "torch", "flint"}


def call(command: list[object], folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run to success, with an environment that cannot lead back to the source tree."""
    left_out = ("PYTHONPATH", "PYTHONHOME", "NUMBA_DISABLE_JIT")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    done = finished(command, cwd=folder, env=environment | changes)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def package_files() -> set[str]:
    files = (path for path in (ROOT / "cfdyn").rglob("*") if path.is_file())
    own = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    of_papers = (path.relative_to(ROOT / "papers").as_posix() for path in (ROOT / "papers").rglob("*.*"))
    papers = {f"cfdyn_papers/{path}" for path in of_papers if path.endswith((".py", ".json"))}
    return own | papers


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that no stale build folder gets in and none is left behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    copy_sources(source)
    call([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source], source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory) -> Path:
    """A new environment with the wheel in it; the dependencies come from the running one."""
    home = tmp_path_factory.mktemp("fresh") / "env"
    call([sys.executable, "-m", "venv", "--without-pip", home], home.parent)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
    call([*pip, wheel], home.parent)
    # .pth files inside the added folder are not read: an editable install there stays out of sight
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    site = call([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], home).stdout.strip()
    (Path(site) / "dependencies.pth").write_text("\n".join(sorted(dependencies)) + "\n")
    return home


@pytest.fixture(scope="module")
def metadata(wheel) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_what_is_imported_is_installed(metadata):
    """Every package that the library imports anywhere is required; what networks and real data need are extras."""
    from packaging.requirements import Requirement

    imported = set[str]()
    for path in (ROOT / "cfdyn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.Import):
                imported.update(alias.name.split(".")[0] for alias in node.names)
    needed = [r for r in map(Requirement, metadata.get_all("Requires-Dist")) if not r.marker]
    required = {{"python-flint": "flint"}.get(r.name, r.name).replace("-", "_") for r in needed}
    optional = ('extra == "networks"', 'extra == "torch"', 'extra == "explore"', 'extra == "notebook"')
    extra = {r.name for r in map(Requirement, metadata.get_all("Requires-Dist")) if str(r.marker) in optional}
    with_matplotlib = {"PIL", "mpl_toolkits"}
    others = imported - sys.stdlib_module_names - with_matplotlib - {"cfdyn", "sklearn"}
    assert {"numpy", "flint"} <= others and {"zarr", "filelock"} <= extra and others <= required | extra


def test_the_wheel_has_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == package_files()
    losses = {path.name for path in (ROOT / "cfdyn" / "losses").glob("*.py")}
    assert len(losses) > 1
    assert {f"cfdyn/losses/{name}" for name in losses} <= packed


def test_metadata(metadata):
    assert set(metadata.get_all("Provides-Extra")) == EXTRAS
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Project-URL"] is None  # nobody has said where the source is
    requirements = metadata.get_all("Requires-Dist")
    for_tests_only = [line for line in requirements if line.startswith(("hypothesis", "pytest"))]
    assert for_tests_only
    assert all('extra == "test"' in line or 'extra == "cover"' in line for line in for_tests_only)


def test_the_citation_names_this_release():
    import configparser

    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    cited = dict(re.findall(r"^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE))
    assert (cited["version"], cited["license"]) == (setup["metadata"]["version"], setup["metadata"]["license_expression"])
    assert cited["cff-version"] == "1.2.0" and cited["title"].strip('"').startswith(setup["metadata"]["name"])


def test_what_an_index_shows_is_the_readme_without_what_is_not_there(metadata):
    """A page of an index has no files beside it: no picture, no links to pages of the source."""
    shown, readme = metadata.get_payload(), (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata["Description-Content-Type"] == "text/markdown" and "](docs/" in readme and "README.png" in readme
    assert re.findall(r"\]\((?!https?:)", shown) == [] and "README.png" not in shown and "*`cfdyn study" not in shown
    headings = re.compile(r"^#+ .*$", re.MULTILINE)
    assert headings.findall(shown) == headings.findall(readme) and len(shown) > 0.75 * len(readme)


HOME = "https://example.org/someone/cfdyn"


def with_home(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Ask for the metadata of a wheel from sources that name their home."""
    (folder / "papers").mkdir(parents=True)
    for name in SOURCES:
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "setup.cfg").write_text((ROOT / "setup.cfg").read_text().replace("# project_urls =\n#     Homepage = https://HOST/OWNER/cfdyn", line))
    code = "from setuptools.build_meta import prepare_metadata_for_build_wheel as made; made('.')"
    return finished([sys.executable, "-c", code], cwd=folder)


def test_a_wheel_that_names_its_home_has_links_and_a_picture(tmp_path):
    done = with_home(tmp_path / "source", f"project_urls =\n    Homepage = {HOME}")
    (path,) = (tmp_path / "source").glob("*.dist-info/METADATA")
    metadata = Parser().parsestr(path.read_text(encoding="utf-8"))
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL"))
    files = {"Documentation": "docs/index.md", "Changelog": "CHANGELOG.md"}
    assert done.returncode == 0 and urls == {
        "Homepage": HOME, "Source": HOME, **{name: f"{HOME}/blob/HEAD/{file}" for name, file in files.items()}}  # fmt: skip
    shown, readme = metadata.get_payload(), (ROOT / "README.md").read_text(encoding="utf-8")
    own = re.findall(r"\]\((?!https?:)([^)]*)\)", readme)
    there = re.findall(rf"\]\({HOME}/(?:blob|raw)/HEAD/([^)]*)\)", shown)
    assert there == own and len(own) > 10 and re.findall(r"\]\((?!https?:)", shown) == []
    assert f"]({HOME}/raw/HEAD/README.png)" in shown and "*`cfdyn study" in shown
    assert [file for file in [*there, *files.values()] if not (ROOT / file.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("home", ["example.org/cfdyn", "https://example.org", f"{HOME}/", "http://example.org/cfdyn"])
def test_a_home_that_is_no_address_is_refused(tmp_path, home):
    done = with_home(tmp_path / "source", f"project_urls =\n    Homepage = {home}")
    assert done.returncode and sentences(done.stderr).splitlines()[-1].startswith("setup.cfg: a Homepage is https://HOST/PATH")


def test_every_pinned_release_satisfies_the_metadata(metadata):
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"]
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    extras = ("data", "explore", "networks", "notebook", "test", "types", "cover", "bench", "tables", "torch", "trainers")
    installed_by_make = (*(f'extra == "{name}"' for name in extras), "None")
    requirements = [r for r in map(Requirement, metadata.get_all("Requires-Dist")) if str(r.marker) in installed_by_make and r.name != "cfdyn"]
    assert {"numpy", "scikit-learn", "jax", "pytest", "cvxpy"} <= {r.name for r in requirements}
    unpinned = [r.name for r in requirements if canonicalize_name(r.name) not in pins]
    assert unpinned == [] and [str(r) for r in requirements if pins[canonicalize_name(r.name)] not in r.specifier] == []


def test_what_tests_may_lack_is_installed_for_all_of_them(metadata):
    """A test that is skipped where a package is missing runs in `make test-all`."""
    from packaging.requirements import Requirement

    [extras] = re.findall(r"^EXTRAS_test-all := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    markers = {f'extra == "{extra}"' for extra in extras.split(",")}
    every = [*map(Requirement, metadata.get_all("Requires-Dist"))]
    markers |= {f'extra == "{extra}"' for r in every if r.name == "cfdyn" and str(r.marker) in markers for extra in r.extras}
    installed = {r.name for r in every if str(r.marker) in markers}
    asked = {name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r'importorskip\("(\w+)', path.read_text("utf-8"))}
    assert asked >= {"torch", "cvxpy"} and asked <= installed


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> str:
    """A home for caches with the machine code of the same kernels: what installed copies compile is asked elsewhere."""
    home = tmp_path_factory.mktemp("cache")
    kernels_until_now(home / "cfdyn")
    return str(home)


def test_the_installed_copy_studies_a_formula(fresh, kept, tmp_path):
    where = "import cfdyn; print(cfdyn.__file__)"
    installed = Path(call([fresh / "bin" / "python", "-c", where], tmp_path).stdout.strip())
    assert installed.is_relative_to(fresh), f"{installed} is not the copy in {fresh}"

    command = [fresh / "bin" / "cfdyn", "study", "(w**2-1)**2/4", "--optimizer", "gd:lr=1.1", "--json"]
    done = call(command, tmp_path, XDG_CACHE_HOME=kept, MPLBACKEND="Agg")
    answer = json.loads(done.stdout)  # one document and nothing else
    assert answer["period"] == 2
    assert list((tmp_path / "cfdyn-out").iterdir()), "a study leaves a figure"


@pytest.mark.slow
def test_the_installed_copy_has_the_papers(fresh, kept, tmp_path):
    found = call([fresh / "bin" / "python", "-c", "import cfdyn_papers.may1976 as paper; print(paper.CLAIMS.entry)"], tmp_path)
    assert "Nature 261" in found.stdout
    done = call([fresh / "bin" / "cfdyn", "claims", "may1976.first_flip", "--json"], tmp_path, XDG_CACHE_HOME=kept)
    assert [claim["verdict"] for claim in json.loads(done.stdout)["claims"]] == ["reproduced"]


@pytest.mark.slow
@pytest.mark.parametrize("folder", [".", "cfdyn"])
def test_an_editable_clone_has_the_papers(clone, folder, tmp_path):
    command = [clone / "env" / "bin" / "python", "-m", "cfdyn", "list", "claims", "--json"]
    path = {"PYTHONPATH": sysconfig.get_path("purelib")}
    names = [item["name"] for item in json.loads(call(command, clone / folder, **path).stdout)["items"]]
    assert "may1976.first_flip" in names


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A clone that is called like the package, installed for editing into an environment beside it."""
    home = tmp_path_factory.mktemp("above")
    (home / "cfdyn").mkdir()
    copy_sources(home / "cfdyn")
    call([sys.executable, "-m", "venv", "--without-pip", home / "env"], home)
    # The folder on the path has setuptools, and its .pth files are not read.
    pip = [sys.executable, "-m", "pip", "--python", home / "env" / "bin" / "python", "install", "--quiet", "--no-index", "--no-deps"]
    call([*pip, "--no-build-isolation", "--editable", "./cfdyn"], home, PYTHONPATH=sysconfig.get_path("purelib"))
    return home


@pytest.mark.parametrize("folder", [".", "cfdyn", "cfdyn/cfdyn", "env"])
def test_an_editable_clone_is_found_wherever_python_starts(clone, folder):
    code = "import cfdyn; print(cfdyn.__file__, cfdyn.__version__)"
    found = call([clone / "env" / "bin" / "python", "-c", code], clone / folder).stdout.split()
    assert found == [str(clone / "cfdyn" / "cfdyn" / "__init__.py"), "0.1.0"]


@pytest.mark.slow
def test_an_editable_clone_is_found_by_mypy(clone):
    (clone / "user.py").write_text("import cfdyn\n\nreveal_type(cfdyn.__version__)\n")
    mypy = [sys.executable, "-m", "mypy", "--cache-dir", clone / "cache", "--python-executable", clone / "env" / "bin" / "python"]
    assert 'Revealed type is "str"' in call([*mypy, "user.py"], clone).stdout


def imported(arguments: list[str], folder: Path) -> set[str]:
    """Top-level names of all modules that a fresh interpreter imports."""
    log = call([sys.executable, "-X", "importtime", *arguments], folder, PYTHONPATH=str(ROOT)).stderr
    times = [line for line in log.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in times}


STARTS = {"import": ["-c", "import cfdyn"], "help": ["-m", "cfdyn", "--help"]}


@pytest.mark.parametrize("arguments", STARTS.values(), ids=STARTS.keys())
def test_starting_imports_nothing_heavy(arguments, tmp_path):
    names = imported(arguments, tmp_path)
    assert "cfdyn" in names
    assert not names & HEAVY
