"""The cache of compiled code: written once, never trusted when damaged, never needed."""

from __future__ import annotations

import ast
import functools
import hashlib
import itertools
import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cfdyn.errors import UsageError
from cfdyn.machine import fingerprints, kernel_cache
from cfdyn.machine import shelf as cache
from tests.processes import ended, status

SCRIPT = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    {before}
    import cfdyn as cf
    from cfdyn.codegen import compile as compiler
    from cfdyn.kernels import orbits
    printed, built = [], []
    source = compiler.machine_program
    compiler.machine_program = lambda program: printed.append(1) or source(program)
    from cfdyn.codegen import native
    assemble = native.assemble
    native.assemble = lambda ir: built.append(1) or assemble(ir)
    loss = cf.Loss("a*exp(w) - b*w", params={{"a": 2.0, "b": 3.0}})
    value, gradient = loss.value([0.5]), loss.gradient([0.5]).tolist()
    orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=0.1)), [0.5], 3)
    misses = sum(orbits.iterate.stats.cache_misses.values()) if hasattr(orbits.iterate, "stats") else 0
json.dump({{"value": value, "gradient": gradient, "orbit": orbit.w[:, 0].tolist(), "printed": len(printed),
           "built": len(built) + misses, "misses": misses, "sympy": "sympy" in sys.modules,
           "said": [str(w.message) for w in said if "compiled code" in str(w.message)],
           "other": [str(w.message) for w in said if "compiled code" not in str(w.message)]}}, sys.stdout)
"""
KINDS = ("formulas", "rules", "kernels")
PACKAGE = fingerprints.PACKAGE


def start(cache: object, before: str = "pass", **changes: str) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_DISABLE_JIT", "XDG_CACHE_HOME")}
    environment |= {"CFDYN_CACHE_DIR": str(cache)} | changes
    command = [sys.executable, "-c", SCRIPT.format(before=before)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finish(process: subprocess.Popen) -> dict:
    out, err = ended(process)
    assert process.returncode == 0, err
    answer = json.loads(out)
    # 2eʷ − 3w and its gradient descent, by hand
    w = [0.5]
    for _ in range(3):
        w.append(w[-1] - 0.1 * (2 * math.exp(w[-1]) - 3))
    assert answer["value"] == pytest.approx(2 * math.exp(0.5) - 1.5, rel=1e-14)
    assert answer["gradient"] == pytest.approx([2 * math.exp(0.5) - 3], rel=1e-13)
    assert answer["orbit"] == pytest.approx(w, rel=1e-13)
    assert answer["other"] == []
    return answer


def run(cache: object, before: str = "pass", **changes: str) -> dict:
    return finish(start(cache, before, **changes))


def files(cache: Path) -> dict[str, tuple]:
    found = [p for p in sorted(cache.rglob("*")) if p.is_file()]
    return {str(p.relative_to(cache)): (p.stat().st_mtime_ns, p.read_bytes()) for p in found}


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    """A cache that one process has filled."""
    cache = tmp_path_factory.mktemp("cache") / "new" / "folder"
    answer = run(cache)
    assert answer["said"] == [] and answer["printed"] == 3 and answer["built"] >= 3
    return cache


@pytest.fixture
def copy(filled, tmp_path) -> Path:
    """A private copy of the filled cache, in a place of its own."""
    target = tmp_path / "cache"
    target.mkdir(mode=0o700)
    for name, (_, blob) in files(filled).items():
        path = target / name
        path.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
        path.write_bytes(blob)
    return target


def test_the_files_are_private(filled):
    names = list(files(filled))
    # The loss, gradient descent's update, preconditioner, threshold and two names; value, gradient and step; the kernel.
    assert [sum(n.startswith(f"{kind}-") for n in names) for kind in KINDS] == [6, 3, 1]
    assert all(n.endswith(".bin") for n in names), names
    assert filled.stat().st_mode & 0o077 == 0


def test_a_second_process_compiles_nothing(filled):
    before = files(filled)
    answer = run(filled)
    assert (answer["printed"], answer["built"], answer["said"]) == (0, 0, [])
    assert not answer["sympy"], "a formula seen before needs no SymPy"
    assert files(filled) == before


def flip(blob: bytes) -> bytes:
    """One bit changed somewhere behind the middle."""
    place = random.Random(len(blob)).randrange(len(blob) // 2, len(blob))
    return blob[:place] + bytes([blob[place] ^ 4]) + blob[place + 1 :]


DAMAGE = {
    "cut off": lambda blob: blob[: len(blob) // 2],
    "empty": lambda blob: b"",
    "one bit": flip,
    "foreign": lambda blob: b"raise SystemExit('a foreign file was executed')\n",
    "longer": lambda blob: blob + b"\nraise SystemExit('executed')\n",
}


def damage(kind: str, cache: Path, shelf: str = "*") -> None:
    for path in cache.glob(f"{shelf}-*/*"):
        path.write_bytes(DAMAGE[kind](path.read_bytes()))


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_files_are_noticed(kind, copy):
    """SymPy is there if the formulas were, programs are printed if the rules were, and the kernel is compiled if it was."""
    damage(kind, copy)
    answer = run(copy)
    assert (answer["said"], answer["sympy"], answer["printed"], answer["built"], answer["misses"]) == ([], True, 3, 4, 1)


@pytest.mark.parametrize(("kind", "shelf"), [("cut off", "formulas"), ("foreign", "rules"), ("one bit", "kernels")])
def test_damaged_files_are_rebuilt_and_no_others(kind, shelf, copy):
    damage(kind, copy, shelf)
    answer = run(copy)
    assert answer["said"] == []
    assert answer["sympy"] == (shelf == "formulas")
    assert answer["printed"] == (3 if shelf == "rules" else 0)
    assert answer["built"] == {"formulas": 0, "rules": 3, "kernels": 1}[shelf]
    again = run(copy)
    assert (again["printed"], again["built"], again["sympy"]) == (0, 0, False)


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> cache.Shelf:
    """An empty shelf of its own."""
    monkeypatch.setattr(cache, "directory", lambda: tmp_path)
    return cache.Shelf("tests", "0" * 20)


def test_every_flipped_bit_of_an_entry_is_noticed(shelf, tmp_path):
    shelf.write("a key", b"payload" * 5)
    (path,) = tmp_path.glob("tests-0*/*")
    blob = path.read_bytes()
    assert shelf.read("a key") == b"payload" * 5 and shelf.read("another") is None
    for place in range(len(blob)):
        for bit in range(8):
            path.write_bytes(blob[:place] + bytes([blob[place] ^ (1 << bit)]) + blob[place + 1 :])
            assert shelf.read("a key") is None, (place, bit)
    for length in range(len(blob)):
        path.write_bytes(blob[:length])
        assert shelf.read("a key") is None, length


def test_numbas_entries_are_told_apart(shelf, monkeypatch):
    monkeypatch.setattr(kernel_cache, "_shelf", lambda module: shelf)
    one, other = kernel_cache._Store("one", "a.module"), kernel_cache._Store("other", "a.module")
    key = (("signature",), ("cpu", "features"), ("a" * 8, "b" * 8))
    one.save(key, {"payload": 1})
    other.save(key, {"payload": 2})
    assert one.load(key) == {"payload": 1} and one.load((("else",), *key[1:])) is None
    one.flush()
    assert one.load(key) is None and other.load(key) == {"payload": 2}
    one.release(0)


def test_the_limit_drops_what_was_not_used_for_longest(shelf, tmp_path):
    for k in range(10):
        shelf.write(str(k), bytes(1000 - 32))
        (path,) = (p for p in tmp_path.glob("tests-0*/*") if p.stat().st_mtime > 1e9)
        os.utime(path, (1e6 + k * 1e5, 1e6 + k * 1e5))
    # Used after a day and more: as good as new.
    assert shelf.read("0") == bytes(968)
    assert cache.usage() == {"tests": (10, 10_000)}
    assert cache.set_limit(4500) == 6 and cache.limit() == 4500
    assert [k for k in range(10) if shelf.read(str(k)) is not None] == [0, 7, 8, 9]
    assert cache.drop() == 4 and cache.usage() == {}
    with pytest.raises(UsageError, match="negative"):
        cache.set_limit(-1)


def test_a_writer_keeps_the_limit(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_writes", itertools.count(1))
    cache.set_limit(5000)
    for k in range(20):
        shelf.write(str(k), bytes(1000 - 32))
    assert sum(size for _, size in cache.usage().values()) == 20_000
    for _ in range(236):
        shelf.write("same", bytes(968))
    assert sum(size for _, size in cache.usage().values()) <= 5000


def test_strangers_files_are_left_alone(shelf, tmp_path):
    """The folder may be one that the user also keeps other things in."""
    shelf.write("ours", bytes(100))
    (tmp_path / "my-thesis").mkdir()
    (tmp_path / "my-thesis" / "chapter.bin").write_bytes(bytes(100))
    (tmp_path / f"tests-{'0' * 20}" / "notes.txt").write_text("mine")
    (tmp_path / f"tests-{'0' * 20}" / "folder.bin").mkdir()
    assert cache.usage() == {"tests": (1, 132)} and cache.drop() == 1
    assert (tmp_path / "my-thesis" / "chapter.bin").exists()
    assert sorted(p.name for p in (tmp_path / f"tests-{'0' * 20}").iterdir()) == ["folder.bin", "notes.txt"]


def test_a_claim_keeps_others_waiting_until_it_is_released(shelf, tmp_path, monkeypatch):
    now = [0.0]
    counted = {"monotonic": lambda: now[0], "sleep": lambda seconds: now.append(now.pop() + seconds)}
    monkeypatch.setattr(cache, "time", SimpleNamespace(**{**vars(time), **counted}))
    first = shelf.claim("key")
    second = shelf.claim("key")  # in vain, after all the patience there is
    assert now[0] == pytest.approx(cache.PATIENCE, abs=0.1)
    shelf.claim("another key").release()  # at once
    second.release()
    shelf.write("key", b"made")
    first.release()
    before = now[0]
    third = shelf.claim("key")
    assert now[0] == before and shelf.read("key") == b"made"
    third.release()
    assert shelf.read("key") == b"made" and len(list(tmp_path.rglob("*.bin"))) == 1, "a claim alone leaves no file"


def test_a_claim_ends_with_its_process(shelf, tmp_path, monkeypatch):
    code = ("import sys; from cfdyn.machine import shelf; claim = shelf.Shelf('tests', '0' * 20).claim('key'); print('mine', flush=True); "
            "sys.stdin.read()")  # fmt: skip
    environment = {**os.environ, "CFDYN_CACHE_DIR": str(tmp_path)}
    tmp_path.chmod(0o700)
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"mine\n"
        waited = []

        def sleep(seconds):
            waited.append(seconds)
            if len(waited) == 5:
                other.kill()
                status(other)

        monkeypatch.setattr(cache, "time", SimpleNamespace(**{**vars(time), "monotonic": lambda: 0.0, "sleep": sleep}))
        claim = shelf.claim("key")
    assert len(waited) == 5 and shelf.read("key") is None
    shelf.write("key", b"made")
    claim.release()
    assert shelf.read("key") == b"made"


def imports(path: Path) -> set[str]:
    """The modules of the package that a file imports, as Python's parser reads the whole of it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names} | {str(node.module)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return {name for name in found if name.partition(".")[0] == "cfdyn"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def test_code_belongs_to_the_files_that_it_was_made_from():
    """Found by their lines, and found by parsing whole files: the same."""
    files = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    imported = functools.cache(lambda name: imports(files[name]) & files.keys())
    kernels = [name for name in files if "kernels." in name and files[name].name != "__init__.py"]
    assert len(kernels) > 30
    for name in kernels:
        reached = {name}
        while more := {b for a in reached for b in imported(a)} - reached:
            reached |= more
        assert fingerprints.reached([name.removeprefix("cfdyn.")]) == sorted(files[one] for one in reached)


@pytest.mark.slow
def test_an_edited_file_has_its_kernels_compiled_again_and_no_others(copy, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "cfdyn", ignore=shutil.ignore_patterns("__pycache__"))
    # Of three rules and one kernel; what a `Map` is made of, the loop over orbits too, may be in rules of flows.
    for file, compiled in (("cycles/line/_kernels/words", 0), ("flows/_noisy", 3), ("kernels/orbits", 4)):
        path = tmp_path / "cfdyn" / f"{file}.py"
        path.write_text(f"{path.read_text()}\n# edited\n")
        assert run(copy, f"sys.path.insert(0, {str(tmp_path)!r})")["built"] == compiled


@pytest.mark.slow
def test_an_edited_helper_two_folders_down_is_in_the_machine_code_of_its_caller(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "cfdyn", ignore=shutil.ignore_patterns("__pycache__"))
    room = tmp_path / "cfdyn" / "kernels" / "room" / "inner"
    room.mkdir(parents=True)
    for folder in (room.parent, room):
        (folder / "__init__.py").write_text("")
    head = "from cfdyn.machine.jit import kernel\n"
    (room.parent / "caller.py").write_text(
        f"{head}from cfdyn.kernels.room.inner.helper import value\n\n@kernel\ndef twice():\n    return 2 * value()\n"
    )
    environment = {**os.environ, "CFDYN_CACHE_DIR": str(tmp_path / "kept"), "PYTHONPATH": str(tmp_path)}
    for number in (1, 3):
        (room / "helper.py").write_text(f"{head}\n@kernel\ndef value():\n    return {number}\n")
        code = "from cfdyn.kernels.room.caller import twice; print(twice())"
        done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [str(2 * number)]


def test_an_intact_entry_in_the_place_of_another_is_noticed(shelf, tmp_path):
    shelf.write("one", b"1")
    (first,) = tmp_path.glob("tests-0*/*.bin")
    shelf.write("two", b"2")
    (second,) = set(tmp_path.glob("tests-0*/*.bin")) - {first}
    second.write_bytes(first.read_bytes())
    assert shelf.read("one") == b"1" and shelf.read("two") is None


def test_a_home_that_is_none_and_a_relative_folder(tmp_path):
    code = ("import os, pathlib; pathlib.Path.home = None; from cfdyn.machine.shelf import directory; place = directory(); "
            "os.chdir('/'); print(place == directory(), place)")  # fmt: skip
    environment = {**os.environ, "CFDYN_CACHE_DIR": "kept"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", str(tmp_path / "kept")]


@pytest.mark.slow
def test_a_folder_that_cannot_exist(tmp_path):
    (tmp_path / "file").write_text("")
    answer = run(tmp_path / "file" / "below")
    assert len(answer["said"]) == 1 and "cannot be written" in answer["said"][0]
    assert answer["printed"] == 3


@pytest.mark.slow
def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    answer = run(tmp_path / "file")
    assert len(answer["said"]) == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.slow
def test_a_folder_that_others_may_write_to_is_not_used(copy):
    """Its files would be executed."""
    for path in copy.glob("rules-*/*"):
        path.write_bytes(hashlib.sha256(b"not code").digest() + b"not code")
    before = files(copy)
    copy.chmod(0o770)
    answer = run(copy)
    assert len(answer["said"]) == 1 and "others may write" in answer["said"][0]
    assert files(copy) == before


NO_SPACE = "import os; os.replace = lambda *a: (_ for _ in ()).throw(OSError(28, 'No space left on device'))"
NO_ROOM = "import cfdyn.machine.shelf, resource; cfdyn.machine.shelf.directory(); resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))"


@pytest.mark.parametrize("before", [NO_SPACE, NO_ROOM], ids=["no space", "file cut off while writing"])
def test_a_full_disk(before, tmp_path):
    answer = run(tmp_path / "cache", before)
    assert len(answer["said"]) == 1, answer["said"]
    assert "cannot be written" in answer["said"][0]
    assert files(tmp_path / "cache") == {}, "half-written files are left behind"


@pytest.mark.slow
def test_four_processes_at_once_on_an_empty_cache(tmp_path):
    place = tmp_path / "cache"
    running = [start(place) for _ in range(4)]
    answers = [finish(process) for process in running]
    assert all(a["said"] == [] for a in answers)
    assert len({json.dumps([a["value"], a["orbit"]]) for a in answers}) == 1
    assert sum(a["misses"] for a in answers) == 1, "one of them compiles the kernel, the others wait for it"
    assert all(n.endswith(".bin") for n in files(place))
    again = run(place)
    assert (again["printed"], again["built"]) == (0, 0)


def test_the_same_numbers_without_the_compiler(tmp_path):
    answer = run(tmp_path / "cache", NUMBA_DISABLE_JIT="1")
    assert answer["said"] == []


def test_the_default_place_is_the_users_cache(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "CFDYN_CACHE_DIR"}
    code = "from cfdyn.machine.shelf import directory; print(directory())"
    for key, value, expected in (
        ("XDG_CACHE_HOME", str(tmp_path / "xdg"), tmp_path / "xdg" / "cfdyn"),
        ("HOME", str(tmp_path / "home"), tmp_path / "home" / ".cache" / "cfdyn"),
    ):
        chosen = {k: v for k, v in environment.items() if k != "XDG_CACHE_HOME"} | {key: value}
        done = subprocess.run([sys.executable, "-c", code], env=chosen, capture_output=True, text=True, check=True)
        assert Path(done.stdout.strip()) == expected
        assert expected.stat().st_mode & 0o777 == 0o700


def test_a_rule_reads_its_arrays_in_place():
    import cfdyn as cf

    z = np.array([0.25])
    out = cf.losses.quartic(S=2.0, Q=4.0).rule("value")(z, np.array([2.0, 4.0]))
    assert out[0] == 2 * 0.25**2 / 2 - 4 * 0.25**4 / 4 and z[0] == 0.25
