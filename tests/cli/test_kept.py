"""``cfdyn cache`` and ``cfdyn warm``: what is kept between runs, seen, bounded and made ahead."""

import json
import os
import sys

import pytest

from cfdyn.cli import main
from tests.processes import finished, sentences

FORMULA = "w**4/4 - w"


def run(place, *arguments, code=None):
    command = [sys.executable, *(["-c", code] if code else ["-m", "cfdyn", *arguments])]
    kept = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    environment = {**kept, "CFDYN_CACHE_DIR": str(place / "kept"), "MPLBACKEND": "Agg"}
    return finished(command, cwd=place, env=environment)


def document(place, *arguments):
    done = run(place, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder in which one formula has been warmed up."""
    place = tmp_path_factory.mktemp("warm")
    seconds = document(place, "warm", FORMULA)["seconds"]
    assert list(seconds) == [FORMULA] and seconds[FORMULA] > 0
    return place


def sizes(place):
    return {p: p.stat().st_size for p in (place / "kept").rglob("*") if p.is_file() and p.name != "limit"}


@pytest.mark.slow
def test_what_is_kept_is_what_lies_there(warm):
    found = document(warm, "cache")
    assert set(found["kinds"]) == {"formulas", "rules", "kernels", "exact"} and found["dropped"] == 0
    assert found["bytes"] == sum(sizes(warm).values()) == sum(k["bytes"] for k in found["kinds"].values())
    assert sum(k["entries"] for k in found["kinds"].values()) == len(sizes(warm))
    assert found["folder"] == str(warm / "kept") and found["limit"] == 500 * 2**20
    words = run(warm, "cache").stdout
    assert str(warm / "kept") in words.replace("\n", "") and "kernels" in words and "500 MiB" in words


@pytest.mark.slow
def test_after_warming_up_a_study_compiles_nothing_and_needs_no_sympy(warm):
    before = sizes(warm)
    code = f"""
import sys
from cfdyn.codegen import native
native.assemble = lambda ir: sys.exit("a rule was compiled")
from cfdyn.cli import main
try:
    main(["study", {FORMULA!r}, "--json"])
finally:
    sys.stderr.write("sympy " + str("sympy" in sys.modules))
"""
    done = run(warm, code=code)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("sympy False")
    assert json.loads(done.stdout)["edge"] == pytest.approx(2 / 3)  # w = 1, L'' = 3w² = 3
    assert sizes(warm) == before


@pytest.mark.slow
def test_a_study_without_a_figure(warm):
    found = document(warm, "study", FORMULA, "--no-figure", "--out", "plain")
    written = {str(p.relative_to(warm)) for p in (warm / "plain").iterdir()}
    assert found["figures"] == [] and written == {found["record"], *found["certificates"]}
    assert {p.rpartition(".")[2] for p in written} == {"npz", "json"}, "a record and proofs"
    done = run(warm, "study", FORMULA, "--no-figure", "--plot", "a.png")
    assert done.returncode == 2 and "--no-figure" in done.stderr and sentences(done.stderr).count("cfdyn: ") == 1


@pytest.mark.slow
def test_limit_and_clear(tmp_path):
    assert run(tmp_path, "orbit", FORMULA, "--optimizer", "gd:lr=0.1", "--start", "0.5").returncode == 0
    everything = sum(sizes(tmp_path).values())
    half = document(tmp_path, "cache", "--limit", f"{everything // 2048} kB")
    assert half["limit"] == everything // 2048 * 1024 and half["dropped"] > 0
    assert sum(sizes(tmp_path).values()) == half["bytes"] <= half["limit"]
    assert document(tmp_path, "cache")["limit"] == half["limit"], "the limit stays"
    gone = document(tmp_path, "cache", "--clear")
    assert gone["bytes"] == 0 and gone["kinds"] == {} and sizes(tmp_path) == {}
    assert run(tmp_path, "orbit", FORMULA, "--optimizer", "gd:lr=0.1", "--start", "0.5").returncode == 0


@pytest.mark.parametrize("size", ["much", "-1MB", "200", "1e3", "", "5 TB"])
def test_a_size_that_is_none(size, capsys):
    with pytest.raises(SystemExit) as end:
        main(["cache", "--limit", size])
    said = capsys.readouterr().err
    assert end.value.code == 2 and "200MB" in said and said.count("cfdyn: ") == 1


def test_warming_up_a_name_that_is_none(tmp_path):
    done = run(tmp_path, "warm", "quartc")
    assert done.returncode == 2 and "did you mean 'quartic'" in done.stderr
