"""Claims are checked in processes; what is finished is kept whatever ends the run, and computed again only if it changed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.claims.toy import PAPER, install, noted
from tests.processes import ended, finished, status, until

CFDYN = [sys.executable, "-m", "cfdyn"]
ALL = [*CFDYN, "claims", "--source", "toy2000"]
IDS = [f"toy2000.square_{k}" for k in range(12)]


def call(command, environment, expected=0):
    done = finished(command, env=environment)
    assert done.returncode == expected, done.stderr
    assert "Traceback" not in done.stderr
    return done


def kept(environment) -> list[str]:
    code = (
        "from cfdyn.claims.kept import load\nfrom cfdyn.claims.sources import chosen\n"
        "print(*[c.id for c in chosen(source='toy2000') if load(c)])"
    )
    return call([sys.executable, "-c", code], environment).stdout.split()


@pytest.mark.slow
def test_a_second_run_computes_nothing(tmp_path):
    environment = install(tmp_path)
    first = json.loads(call([*ALL, "--json"], environment).stdout)
    assert [claim["id"] for claim in first["claims"]] == IDS
    assert {claim["verdict"] for claim in first["claims"]} == {"reproduced"}
    assert sorted(noted(tmp_path), key=int) == [str(k) for k in range(12)]
    assert json.loads(call([*ALL, "--json"], environment).stdout) == first
    assert len(noted(tmp_path)) == 12
    call([*ALL, "--anew"], environment)
    assert len(noted(tmp_path)) == 24


@pytest.mark.slow
def test_what_changed_is_computed_again_and_nothing_else(tmp_path):
    header = PAPER.split("for _k in range")[0]

    def claim(name, number, body="number**2"):
        return (
            f'\n\n@CLAIMS.add("page 1", {{"square": {number**2}}}, Control("another", changes={{"number": 99}}))\n'
            f'def {name}(number={number}):\n    """A square."""\n    _noted(number)\n    return {{"square": {body}}}\n'
        )

    environment = install(tmp_path, header + claim("two", 2) + claim("three", 3))
    call(ALL, environment)
    assert sorted(noted(tmp_path)) == ["2", "3"]
    # Another claim comes in, words and expectations change: nothing to compute but the new one.
    reworded = header.replace("Numbers and", "Whole numbers and") + claim("two", 2).replace("A square", "The square") + claim("three", 3)
    install(tmp_path, reworded.replace('{"square": 9}', '{"square": near(9.0, 1e-9)}') + claim("four", 4))
    call(ALL, environment)
    assert noted(tmp_path)[2:] == ["4"]
    # The check itself changes, then what all of them use.
    install(tmp_path, header + claim("two", 2, "number * number") + claim("three", 3))
    call(ALL, environment)
    assert noted(tmp_path)[3:] == ["2"]
    install(tmp_path, header.replace("time.sleep(", "time.sleep(0 * ") + claim("three", 3))
    call(ALL, environment)
    assert noted(tmp_path)[4:] == ["3"]


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_at_random_moments_nothing_finished_is_computed_again_and_the_report_is_the_same(tmp_path, kills):
    whole = install(tmp_path / "whole")
    call([*ALL, "--report", tmp_path / "whole" / "report"], whole)
    often = {**install(tmp_path / "often"), "TOY_PAUSE": "0.3"}
    moments = random.Random(17)
    finished_then: list[tuple[set[str], int]] = []
    for _ in range(kills):
        process = subprocess.Popen(ALL, env=often, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        before = len(noted(tmp_path / "often"))
        until(lambda process=process, before=before: len(noted(tmp_path / "often")) > before or process.poll() is not None)
        time.sleep(moments.uniform(0.0, 0.6))
        process.send_signal(signal.SIGKILL)
        status(process)
        time.sleep(0.3)  # for its workers to see that it is gone
        finished_then.append((set(kept(often)), len(noted(tmp_path / "often"))))
    assert kills < 10 or finished_then[-1][0]
    call([*ALL, "--report", tmp_path / "often" / "report"], often)
    log = [f"toy2000.square_{number}" for number in noted(tmp_path / "often")]
    again = [set(log[length:]) & done for done, length in finished_then]
    assert again == [set()] * kills
    for name in ("index.html", "claims.md", "toy2000.dots.png"):
        assert (tmp_path / "often" / "report" / name).read_bytes() == (tmp_path / "whole" / "report" / name).read_bytes()


def test_interrupted(tmp_path):
    environment = {**install(tmp_path), "TOY_PAUSE": "30"}
    process = subprocess.Popen(ALL, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # ignored in the background  # fmt: skip
    until(lambda: len(noted(tmp_path)) >= 1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = ended(process)
    assert process.returncode == 130
    assert "Traceback" not in said and said.count("cfdyn: ") == 1  # beside progress, where it is slow


BROKEN = {
    "raises": ("raise ValueError('no root')", "the check failed: ValueError: no root"),
    "cannot tell": ("raise Undecided('both are near')", "both are near"),
    "dies": ("os.kill(os.getpid(), 9)", "the check failed: its process ended with status -9"),
    "measures something else": ("return {'cube': 8}", "the check did not measure square"),
    "is not a number": ("return {'square': float('nan')}", "square = None, expected 4"),
    "is wrong": ("return {'square': 5}", "square = 5, expected 4"),
    "reads": ("return {'square': int(input())}", "the check failed: EOFError: EOF when reading a line"),
    "has a child when it dies": (
        "os.fork() or time.sleep(20)\n    os.kill(os.getpid(), 9)", "the check failed: its process ended with status -9"
    ),
    "closes its streams": ("[os.close(k) for k in (0, 1, 2)]\n    return {'square': 4}", "all that was measured agrees"),
    "closes its stdin": ("__import__('sys').stdin.close()\n    return {'square': 4}", "all that was measured agrees"),
    "returns twice": ("os.fork()\n    return {'square': 4}", "all that was measured agrees"),
    "starts processes": (
        "with __import__('multiprocessing').Pool(2) as pool:\n        return {'square': max(pool.map(abs, [3, -4]))}",
        "all that was measured agrees",
    ),
    "prints": ("print('hello')\n    return {'square': 4}", "all that was measured agrees"),
}


USUAL = ("raises", "cannot tell", "dies", "is wrong", "prints", "starts processes")


@pytest.mark.parametrize("how", [how if how in USUAL else pytest.param(how, marks=pytest.mark.slow) for how in BROKEN])
def test_a_check_that_goes_wrong_is_a_verdict_and_the_others_go_on(how, tmp_path):
    body, reason = BROKEN[how]
    paper = PAPER.split("for _k in range")[0] + "".join(
        f'\n\n@CLAIMS.add("page 1", {{"square": 4}}, Control("another", expected={{"square": 5}}))\n'
        f'def {name}():\n    """A square."""\n    {code}\n'
        for name, code in (("bad", body), ("good", "return {'square': 4}"))
    )
    expected = 0 if reason == "all that was measured agrees" else 1
    bad, good = json.loads(call([*ALL, "--json", "--processes", "1"], install(tmp_path, paper), expected).stdout)["claims"]
    assert (bad["reason"], good["verdict"]) == (reason, "reproduced")


def test_a_check_that_takes_too_long_is_undecided(tmp_path):
    environment = {**install(tmp_path), "TOY_PAUSE": "60"}
    code = (
        "import cfdyn as cf\nfor v in cf.claims.run(['toy2000.square_1', 'toy2000.square_2', 'toy2000.square_3'], limit=1):\n"
        "    print(v.verdict, v.reason)"
    )
    done = call([sys.executable, "-c", code], environment)
    assert done.stdout.splitlines() == ["undecided the check did not end within 1 s"] * 3
