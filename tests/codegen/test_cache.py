"""The cache of compiled code: written once, never trusted when damaged, never needed."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cfdyn import _jit
from cfdyn.codegen import store

SCRIPT = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    {before}
    import cfdyn as cf
    from cfdyn.codegen import compile as compiler
    from cfdyn.kernels import orbits
    printed, built = [], []
    source, module = compiler.print_source, compiler.load_module
    compiler.print_source = lambda program: printed.append(1) or source(program)
    from numba.core.ccallback import CFunc
    uncached = CFunc._compile_uncached
    CFunc._compile_uncached = lambda self: built.append(1) or uncached(self)
    loss = cf.Loss("a*exp(w) - b*w", params={{"a": 2.0, "b": 3.0}})
    value, gradient = loss.value([0.5]), loss.gradient([0.5]).tolist()
    orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=0.1)), [0.5], 3)
    misses = sum(orbits.iterate.stats.cache_misses.values()) if hasattr(orbits.iterate, "stats") else 0
json.dump({{"value": value, "gradient": gradient, "orbit": orbit.w[:, 0].tolist(), "printed": len(printed),
           "built": len(built) + misses,
           "said": [str(w.message) for w in said if "compiled code" in str(w.message)],
           "other": [str(w.message) for w in said if "compiled code" not in str(w.message)]}}, sys.stdout)
"""


def start(cache: object, before: str = "pass", **changes: str) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_DISABLE_JIT", "XDG_CACHE_HOME")}
    environment |= {"CFDYN_CACHE_DIR": str(cache)} | changes
    command = [sys.executable, "-c", SCRIPT.format(before=before)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finish(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=240)
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
    assert sum(n.endswith(".py") for n in names) == 3
    assert sum(n.endswith(".bin") for n in names) >= 4
    assert all(n.endswith((".py", ".bin")) for n in names), names
    assert filled.stat().st_mode & 0o077 == 0


def test_a_second_process_compiles_nothing(filled):
    before = files(filled)
    answer = run(filled)
    assert (answer["printed"], answer["built"], answer["said"]) == (0, 0, [])
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


@pytest.mark.parametrize(
    ("kind", "suffix"), [*((kind, ".py") for kind in DAMAGE), ("cut off", ".bin"), ("empty", ".bin"), ("one bit", ".bin")]
)
def test_damaged_files_are_rebuilt(kind, suffix, copy):
    hurt = [p for p in copy.rglob("*") if p.suffix == suffix]
    for path in hurt:
        path.write_bytes(DAMAGE[kind](path.read_bytes()))
    answer = run(copy)
    assert answer["said"] == []
    assert answer["printed"] == (3 if suffix == ".py" else 0)
    if suffix == ".bin":
        assert answer["built"] >= 4
    again = run(copy)
    assert (again["printed"], again["built"]) == (0, 0)


def test_every_flipped_bit_of_a_stored_overload_is_noticed(tmp_path):
    kept = _jit._Store(tmp_path, "name")
    key = (("signature",), ("cpu", "features"), ("a" * 8, "b" * 8))
    kept.save(key, {"payload": list(range(100))})
    (path,) = tmp_path.iterdir()
    blob = path.read_bytes()
    assert kept.load(key) == {"payload": list(range(100))}
    for place in range(len(blob)):
        path.write_bytes(blob[:place] + bytes([blob[place] ^ (1 << place % 8)]) + blob[place + 1 :])
        assert kept.load(key) is None, place
    for length in range(len(blob)):
        path.write_bytes(blob[:length])
        assert kept.load(key) is None, length
    assert kept.load((("other",), *key[1:])) is None


def test_every_flipped_bit_of_a_source_file_is_noticed(tmp_path):
    path = tmp_path / "rule.py"
    text = store._sealed("def compiled():\n    return 'ß'\n")
    path.write_text(text, encoding="utf-8")
    assert store._intact(path) == text
    blob = path.read_bytes()
    for place in range(len(blob)):
        for bit in range(8):
            path.write_bytes(blob[:place] + bytes([blob[place] ^ (1 << bit)]) + blob[place + 1 :])
            assert store._intact(path) is None, (place, bit)
    assert store._intact(tmp_path / "absent.py") is None


def test_a_folder_that_cannot_exist(tmp_path):
    (tmp_path / "file").write_text("")
    answer = run(tmp_path / "file" / "below")
    assert len(answer["said"]) == 1 and "cannot be written" in answer["said"][0]
    assert answer["printed"] == 3


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    answer = run(tmp_path / "file")
    assert len(answer["said"]) == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_others_may_write_to_is_not_used(copy):
    """Its files would be executed."""
    for path in copy.rglob("*.py"):
        path.write_text(store._sealed("raise SystemExit('executed')\n"))
    before = files(copy)
    copy.chmod(0o770)
    answer = run(copy)
    assert len(answer["said"]) == 1 and "others may write" in answer["said"][0]
    assert files(copy) == before


NO_SPACE = "import os; os.replace = lambda *a: (_ for _ in ()).throw(OSError(28, 'No space left on device'))"
NO_ROOM = "import cfdyn._jit, resource; cfdyn._jit.cache_directory(); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"


@pytest.mark.parametrize("before", [NO_SPACE, NO_ROOM], ids=["no space", "file cut off while writing"])
def test_a_full_disk(before, tmp_path):
    answer = run(tmp_path / "cache", before)
    assert len(answer["said"]) == 1, answer["said"]
    assert "cannot be written" in answer["said"][0]
    assert files(tmp_path / "cache") == {}, "half-written files are left behind"


def test_four_processes_at_once_on_an_empty_cache(tmp_path):
    cache = tmp_path / "cache"
    running = [start(cache) for _ in range(4)]
    answers = [finish(process) for process in running]
    assert all(a["said"] == [] for a in answers)
    assert len({json.dumps([a["value"], a["orbit"]]) for a in answers}) == 1
    assert all(n.endswith((".py", ".bin")) for n in files(cache))
    again = run(cache)
    assert (again["printed"], again["built"]) == (0, 0)


def test_the_same_numbers_without_the_compiler(tmp_path):
    answer = run(tmp_path / "cache", NUMBA_DISABLE_JIT="1")
    assert answer["said"] == []


def test_the_default_place_is_the_users_cache(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "CFDYN_CACHE_DIR"}
    code = "from cfdyn._jit import cache_directory; print(cache_directory())"
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
