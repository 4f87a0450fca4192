"""Ctrl-C and SIGTERM: the program is gone soon, whatever it is at, and nothing is left of it. Processor time is counted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cfdyn as cf
from cfdyn.cli import interrupts, main
from cfdyn.errors import NumericsError
from tests.processes import kernels_until_now, sentences

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
MOST = 1.5  # seconds of two processors after the signal


def processes(group):
    """Processor seconds of each process in a group that is not yet dead."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            found[int(folder.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def begin(command, place, first=""):
    """``first``: a folder before others in Python's path."""
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    return subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=place, start_new_session=True,
        env={**environment, "CFDYN_CACHE_DIR": str(place / "kept"), "PYTHONPATH": os.pathsep.join(filter(None, [str(first), str(Path(__file__).parents[2])]))},
        # A test run in the background ignores SIGINT, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def ended(process, number, whole_group):
    """Signalled: its status, what it printed, and the processor seconds that it and its group still used."""
    before = sum(processes(process.pid).values())
    (os.killpg if whole_group else os.kill)(process.pid, number)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    after, left = used.ru_utime + used.ru_stime - before, processes(process.pid)
    while left and after < MOST:
        time.sleep(0.02)
        now = processes(process.pid)
        after, left = after + sum(now[pid] - left.get(pid, 0.0) for pid in now), now
    return process.returncode, out, err, after


def half_written(place):
    """What is no entry of the cache; an empty one that a helper was about to make is none."""
    return [p for p in place.rglob("*") if p.is_file() and p.suffix != ".bin"]


STUDY = ["-m", "cfdyn", "study", "(w**2-1)**2/4 + 0.01*w"]
FLOW = ["-m", "cfdyn", "flow", "double_well", "--time", "5"]
EXACT = ["-m", "cfdyn", "exact", "--map", "r*x*(1-x)", "--set", "r=3.2", "--period", "6"]
LONG = ["-m", "cfdyn", "lyapunov", "double_well", "--steps", "1000000000000"]
RUNS = ["-m", "cfdyn", "compare", "tanh_network", "--batch", "2", "--runs", "5000", "--steps", "1000000"]
CASES = {
    "compiling": (FLOW, 1.5, signal.SIGINT, False),
    "with a helper": (STUDY, 1.5, signal.SIGINT, True),
    "computing": (LONG, 1.5, signal.SIGTERM, False),
    "many runs in threads": (RUNS, 4.0, signal.SIGINT, False),
    **{f"{command[2]}, {used} s, {number.name}, {'all' if everyone else 'one'}":
       pytest.param((command, used, number, everyone), marks=pytest.mark.slow)
       for command in (STUDY, FLOW, LONG, EXACT)
       for used in (0.3, 0.8, 2.0, 4.0) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) for everyone in (True, False)},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_it_is_gone_soon_and_nothing_is_left(case, tmp_path):
    """An empty cache, so that it compiles, but for many runs; the signal comes after so many seconds of work, or at the end of it."""
    command, used, number, everyone = case
    if command is RUNS:
        kernels_until_now(tmp_path / "kept")
    process = begin(command, tmp_path)
    try:
        while process.poll() is None and sum(processes(process.pid).values()) < used:
            time.sleep(0.02)
        assert process.poll() is None, "it had ended before"
        status, out, err, after = ended(process, number, everyone)
    finally:
        process.kill()
    assert status == 128 + number, err
    assert out == "" and err.endswith("cfdyn: interrupted; files are written whole or not at all, so none is damaged\n")
    assert after < MOST
    assert half_written(tmp_path) == []


WHILE_IMPORTING = """
import os, signal, sys
class Interrupts:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts)
"""
SCRIPT = "import sys\nfrom cfdyn.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n"


@pytest.mark.parametrize("module", ["cfdyn.machine.portable", "cfdyn.errors", "cfdyn.registry", "cfdyn.cli", "cfdyn.cli.run",
                                    "cfdyn.cli.progress", "cfdyn.cli.app", "cfdyn.cli.commands.list_"])  # fmt: skip
@pytest.mark.parametrize("start", [["-m", "cfdyn"], ["cfdyn"]], ids=["module", "script"])
def test_an_interrupt_while_the_program_is_imported(start, module, tmp_path):
    """Python would show where it fell, a traceback, and end by the signal."""
    (tmp_path / "sitecustomize.py").write_text(WHILE_IMPORTING.format(module=module))
    (tmp_path / "cfdyn").write_text(SCRIPT)
    process = begin([*start, "list", "losses"], tmp_path, first=tmp_path)
    out, err = process.communicate()
    assert process.returncode == 130 and out == ""
    assert sentences(err) == "cfdyn: interrupted; files are written whole or not at all, so none is damaged\n"


OTHER = "try:\n    import cfdyn\nexcept KeyboardInterrupt:\n    print('its own')"


@pytest.mark.parametrize("start", [["-c", OTHER, "cfdyn"], ["cfdyn"]], ids=["text", "script of this name"])
def test_an_import_by_another_program_leaves_interrupts_alone(start, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(WHILE_IMPORTING.format(module="cfdyn.errors"))
    (tmp_path / "cfdyn").write_text(OTHER)
    out, err = begin(start, tmp_path, first=tmp_path).communicate()
    assert (out, err) == ("its own\n", "")


CALLS = """
import signal, threading
from cfdyn.cli import main
def call():
    try:
        main(["list", "losses"])
    except SystemExit as end:
        print("status", end.code)
{call}
if __name__ == "__main__":
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("its own")
"""


IN_A_THREAD = """
at = threading.Thread(target=call)
at.start()
at.join()
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


@pytest.mark.parametrize("call", ["call()", IN_A_THREAD], ids=["here", "in a thread"])
def test_a_script_of_this_name_that_calls_commands_has_its_interrupts_back(call, tmp_path):
    (tmp_path / "cfdyn").write_text(CALLS.format(call=call))
    out, err = begin(["cfdyn"], tmp_path).communicate()
    assert out.endswith("status 0\nits own\n") and err == ""


STUCK = """
import signal, subprocess, sys
from cfdyn.cli import interrupts
from cfdyn.machine import unfinished
interrupts.watch()
signal.signal(signal.SIGINT, lambda *_: None)  # it waits, as while numba compiles
unfinished.temporary(sys.argv[1])
unfinished.begin(sys.argv[1] + "/claimed", keep=True)
open(sys.argv[1] + "/claimed", "w").close()
unfinished.begin(sys.argv[1] + "/whole", keep=True)
open(sys.argv[1] + "/whole", "w").write("whole")
others = [unfinished.helper("cfdyn.symbolic.exact.algebra.worker", "100", stdout=subprocess.DEVNULL),
          unfinished.helper("cfdyn.studies.compile_ahead", stdout=subprocess.DEVNULL)]
print(*(other.pid for other in others), flush=True)
while True:
    pass
"""


def test_a_program_that_does_not_see_the_signal(tmp_path):
    """Its temporary file and its helpers go with it; what it has made does not."""
    process = begin(["-c", STUCK, str(tmp_path)], tmp_path)
    try:
        helpers = {int(pid) for pid in process.stdout.readline().split()}
        assert helpers < set(processes(process.pid))
        status, out, err, after = ended(process, signal.SIGINT, False)
    finally:
        process.kill()
    assert status == 130 and out == "" and sentences(err).startswith("cfdyn: interrupted") and after < MOST
    assert not helpers & set(processes(process.pid))
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["whole"]


REFUSED = """
import signal
from cfdyn.cli import run
from cfdyn.machine import unfinished
signal.signal(signal.SIGINT, lambda *_: None)  # it waits, as while numba compiles
def refused(given):
    print("begun", flush=True)
    while not unfinished.ended():
        pass
    return 1, "the system refused: Bad file descriptor"
run._run = refused
run.main()
"""


def test_what_fails_because_of_the_end_is_not_told(tmp_path):
    """The pipe to a helper is closed under the main thread, which finds that out before the program is gone."""
    process = begin(["-c", REFUSED], tmp_path)
    try:
        assert process.stdout.readline() == "begun\n"
        status, out, err, after = ended(process, signal.SIGINT, False)
    finally:
        process.kill()
    assert status == 130 and out == "" and after < MOST
    assert sentences(err) == "cfdyn: interrupted; files are written whole or not at all, so none is damaged\n"


def test_time_to_write_what_is_done_is_left_once_something_is(monkeypatch):
    left, seen = [], []

    def spectra(*given, progress, **options):
        seen.append(len(left))
        progress(3)
        seen.append(len(left))
        raise NumericsError("no further")

    monkeypatch.setattr(interrupts, "patience", lambda: left.append(True))
    monkeypatch.setattr(cf.analysis, "lyapunov_spectra", spectra)
    with pytest.raises(SystemExit) as end:
        main(["lyapunov", "double_well", "--vary", "lr=0.5:1:9"])
    assert end.value.code == 1 and seen == [0, 1]


MAP = ["-m", "cfdyn", "regimes", "double_well", "--optimizer", "heavy_ball", "--start", "1.1", "--vary", "lr=0.1:4:3000",
       "--vary", "momentum=0:0.95:3000", "--transient", "100000"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_map_keeps_what_is_done(number, tmp_path):
    """Once it says that some cells are done, whatever it is at; an end in order takes a little longer then."""
    process = begin(MAP, tmp_path)
    try:
        assert any(" of 9000000 cells" in line for line in process.stderr), "it had ended before"
        status, out, err, after = ended(process, number, False)
    finally:
        process.kill()
    assert status == 128 + number and out == "" and after < 5 * MOST, err
    assert err.endswith("cfdyn: interrupted; the finished part is in cfdyn-out/regimes-001.npz; resume with: "
                        "cfdyn regimes cfdyn-out/regimes-001.npz\n")  # fmt: skip
    part = cf.load(tmp_path / "cfdyn-out" / "regimes-001.npz")
    assert 0 < part.looked.mean() < 1 and not part.complete
    assert [p.name for p in (tmp_path / "cfdyn-out").iterdir()] == ["regimes-001.npz"]
