"""The process that compiles ahead: what it leaves fits, and it leaves with its parent."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cfdyn.machine.shelf import directory
from cfdyn.studies import compile_ahead
from tests.processes import finished, status, until

STUDY = "import cfdyn as cf; cf.study(cf.Loss('(w**2-1)**2/4'), cf.optimizers.gd(lr=1.46))"
NAMES = {"shooting.shooting", "cyclic.reduce", "cyclic.solved", "driver.follow", "itineraries.walk", "expanding.single_cycle", "words.cycles_of_word",
         "paths.trace_path", "closing.close_cycle", "closing.newton"}  # fmt: skip


def environment(cache: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    return {**kept, "CFDYN_CACHE_DIR": str(cache), **more}


def kernels(cache: Path) -> set[str]:
    return {path.name for path in cache.glob("kernels-*/*")}


def ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def all_but(*names: str):
    """For `shutil.copytree`: neither these nor what another process is about to make, which is empty until then."""
    return lambda folder, files: [f for f in files if f.startswith(names) or not (Path(folder, f).is_dir() or whole(Path(folder, f)))]


def whole(entry: Path) -> bool:
    try:
        return entry.suffix == ".bin" and entry.stat().st_size > 0
    except OSError:  # it was given up
        return False


def names(kernels: set[str]) -> set[str]:
    """Files and functions, in front of the line at which a function begins."""
    return {name.partition("-")[0] for name in kernels}


@pytest.mark.slow
def test_it_is_what_a_study_runs():
    """The same rules, and the same signature of the one kernel that has any choice."""
    code = (
        f"{STUDY}\nfrom cfdyn.continuation._kernels.driver import follow\nfrom cfdyn.studies import compile_ahead\n"
        "used, signatures = [rule for rule in compile_ahead._rules(True) if 'compiled' in vars(rule)], follow.signatures\n"
        "compile_ahead._follow_nothing()\nassert follow.signatures == signatures and len(signatures) == 1, follow.signatures\n"
        "print(*[f'{f.__module__}.{f.__name__}' for f in (follow.py_func, *(rule.function for rule in used))])"
    )
    ran = finished([sys.executable, "-c", code], env=environment(directory()), check=True).stdout.split()
    assert {".".join(name.split(".")[-2:]) for name in ran} == NAMES and len(ran) == len(NAMES)


def test_it_is_what_a_path_runs_that_comes_to_an_edge():
    """The same rules, and the same signature of the loop over steps."""
    code = (
        "import cfdyn as cf\nfrom cfdyn.integrate import compile_ahead\nfrom cfdyn.integrate._kernels.steppers.stepping import advance\n"
        "path = cf.solve(cf.flows.central(cf.Loss('(1 - x*y)**2 / 2'), cf.optimizers.gd(lr=0.8)), [1.5, 0.3], t=10)\n"
        "signatures = list(advance.signatures)\ncompile_ahead._advance_nothing()\n"
        "assert advance.signatures == signatures and len(signatures) == 1, advance.signatures\n"
        "print(*[rule.function.__name__ for rule in compile_ahead._at_edge() if 'compiled' in vars(rule)], path.status)"
    )
    ran = finished([sys.executable, "-c", code], env=environment(directory()), check=True).stdout.split()
    assert ran == ["start", "renew", "project", "hold", "push", "follow", "turn_reference", "done"]


@pytest.mark.slow
def test_a_study_compiles_nothing_of_it_again(tmp_path):
    """All else that a study needs was compiled before, but for one kernel, which tells that it looks into this cache."""
    command = [sys.executable, "-m", compile_ahead.MODULE, "line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=environment(tmp_path / "cache")) as ahead:  # fmt: skip
        assert status(ahead) == 0 and ahead.stdout.read() == b""
    before = kernels(tmp_path / "cache")
    assert names(before) == NAMES
    subprocess.run([sys.executable, "-c", STUDY], env=environment(directory()), check=True)
    shutil.copytree(directory(), tmp_path / "cache", ignore=all_but(*NAMES, "rows.at_rows"), dirs_exist_ok=True)
    there = kernels(tmp_path / "cache")
    subprocess.run([sys.executable, "-c", STUDY], env=environment(tmp_path / "cache"), check=True)
    assert names(kernels(tmp_path / "cache") - there) == {"rows.at_rows"}
    assert all(path.suffix == ".bin" and path.stat().st_size for path in (tmp_path / "cache").glob("*/*"))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, *(pytest.param(how, marks=pytest.mark.slow) for how in (signal.SIGINT, None))])
def test_it_ends_with_its_parent(how, tmp_path):
    code = ("import time\nfrom cfdyn.studies import compile_ahead\nkept = []\nstart = compile_ahead._started\n"
            "compile_ahead._started = lambda line: kept.append(start(line)) or kept[0]\ncompile_ahead._useful = lambda line: True\n"
            "with compile_ahead.compiling_ahead(True):\n    print(kept[0].pid, flush=True)\n    time.sleep({})\nprint('on')")  # fmt: skip
    command = [sys.executable, "-c", code.format(3 if how is None else 300)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(tmp_path / "cache")
    ) as parent:
        process = int(parent.stdout.readline())
        if how is not None:
            time.sleep(3)
            assert not ended(process)
            os.kill(parent.pid, how)
        until(lambda: ended(process))
        assert status(parent) == {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: -signal.SIGINT, None: 0}[how]
        assert parent.stdout.read() == (b"on\n" if how is None else b"")
    assert all(path.suffix == ".bin" and path.stat().st_size for path in (tmp_path / "cache").glob("kernels-*/*"))


def test_it_is_not_started_where_it_is_of_no_use(monkeypatch):
    """With one processor, or if all is there."""
    started = []
    monkeypatch.setattr(compile_ahead, "_started", started.append)
    for processors, kept, starts in ((2, True, []), (1, False, []), (2, False, [True])):
        monkeypatch.setattr(compile_ahead, "_rules", lambda line, kept=kept: [SimpleNamespace(is_kept=lambda: kept)])
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, n=processors: range(n), raising=False)
        with compile_ahead.compiling_ahead(True):
            assert started == starts
