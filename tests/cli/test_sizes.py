"""Numbers that are too large are refused in a sentence, what is long goes piece by piece: work and memory are counted."""

import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli.output.document import print_json
from cfdyn.records.tables import read_csv
from tests.cli.terminal import run

ROOT = Path(__file__).parents[2]


def peak(*words):
    """Kilobytes of a run at its largest."""
    there = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"} | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", "cfdyn", *words], stdout=subprocess.DEVNULL, env=there)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert status == 0
    return used.ru_maxrss


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_SELF") or sys.platform != "linux", reason="kilobytes on Linux")
@pytest.mark.parametrize("subject", [["--map", "4*x*(1-x)"], ["double_well", "--optimizer", "gd:lr=0.1", "--start", "0.5"]])
def test_a_long_orbit_as_a_document_takes_little_more_than_its_numbers(subject):
    """8 bytes for each number of z, loss and sharpness, and as much again while they are computed and saved."""
    short, long = (peak("orbit", *subject, "--steps", str(n), "--json") for n in (10, 400_000))
    assert 1024 * (long - short) < 400_000 * 8 * 6 + 15e6


def test_the_document_is_written_in_pieces():
    values = {"z": np.random.default_rng(0).normal(size=(250_000, 2)), "status": "done"}

    class Sink(io.TextIOBase):
        longest = 0

        def write(self, text):
            self.longest = max(self.longest, len(text))
            return len(text)

    sink = Sink()
    tracemalloc.start()
    with contextlib.redirect_stdout(sink):
        print_json(values)
    assert tracemalloc.get_traced_memory()[1] < 8e6 and sink.longest < 1e6
    tracemalloc.stop()


@pytest.mark.parametrize("size", [0, 1, 9_999, 10_001, 50_003])
def test_pieces_make_the_same_document(size):
    """As json makes it at once; NaN and infinities are null, complex numbers pairs."""
    rng = np.random.default_rng(size)
    z = rng.normal(size=(size, 3))
    z[rng.integers(size, size=size // 9)] = np.inf if size else 0
    values = {"z": z, "c": z[:, 0] + 1j, "n": np.arange(size), "t": np.array([str(v) for v in range(size)], dtype=object),
              "deep": {"η": ["a\nb", None, True]}, "flag": z[:, 0] > 0}  # fmt: skip
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        print_json(values)
    number = lambda v: float(v) if np.isfinite(v) else None  # noqa: E731
    assert json.loads(written.getvalue()) == {
        "z": [[number(v) for v in row] for row in z], "c": [[number(v), 1.0] for v in z[:, 0]], "n": list(range(size)),
        "t": [str(v) for v in range(size)], "deep": {"η": ["a\nb", None, True]}, "flag": (z[:, 0] > 0).tolist(),
    }  # fmt: skip


def test_sharpness_in_pieces(monkeypatch):
    """λ = 3w² − 1 of the double well, whatever the pieces are."""
    orbit = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.9)), [0.3], 1000)
    monkeypatch.setattr("cfdyn.systems.eigenvalues.PIECE", 7)
    assert orbit.sharpness == pytest.approx(3 * orbit.w[:, 0] ** 2 - 1, rel=1e-12)


def test_a_header_of_many_columns_takes_linear_work(tmp_path):
    file = tmp_path / "wide.csv"
    count = 40_000
    file.write_text(",".join(f"column{k}" for k in range(count)) + "\n" + ("1," * count)[:-1] + "\n" + ("2," * count)[:-1] + "\n")
    begin = time.process_time()
    table = read_csv(file)
    with pytest.raises(cf.CfdynError, match="1 to 100 columns"):
        cf.losses.logistic(str(file))
    assert time.process_time() - begin < 6 and table.names[-1] == f"column{count - 1}"
    file.write_text(file.read_text().replace("column39999", "column7"))
    with pytest.raises(cf.CfdynError, match="two columns of .* are called 'column7'"):
        read_csv(file)


HUGE = {
    "box of minima": (["study", "double_well", "--box=-1e308:1e308"], "within ±1e+100"),
    "box in the plane": (["cycles", "--map", "x/2; y/2", "--period", "1", "--box=-1e308:1e308,-1e308:1e308"], "overflow"),
    "steps": (["orbit", "double_well", "--steps", "9" * 18], "GiB"),
    "steps, in many digits": (["orbit", "--map", "x/2", "--digits", "30", "--steps", "100000000"], "GiB"),
    "digits": (["orbit", "--map", "x/2", "--digits", "9" * 18], "GiB"),
    "steps of a branch": (["branch", "--map", "r*x*(1-x)", "--vary", "r=1.5:2", "--start", "0.4", "--steps", "9" * 18], "--steps"),
    "steps of models": (["compare", "double_well", "--steps", "9" * 18, "--no-figure"], "GiB"),
    "averages": (["averages", "double_well", "--steps", "9" * 12, "--no-figure", "--models", "none"], "GiB"),
    "period": (["cycles", "--map", "x/2", "--period", "9" * 20], "period"),
    "period of a branch": (["branch", "double_well", "--vary", "lr=0.5:1.5", "--period", "9" * 20], "period"),
    "period of an average": (["averages", "double_well", "--steps", "60", "--period", "9" * 20, "--no-figure", "--models", "none"], "period"),
    "exact period": (["exact", "double_well", "--period", "9" * 20], "1 to 64"),
    "range of a figure": (["exact", "double_well", "--period", "1", "--vary", "lr=-1e308:1e308", "--plot", "a.png"], "lo < hi"),
    "range of learning rates": (["study", "double_well", "--vary", "lr=1e-308:1e308"], "1e+100"),
    "time": (["flow", "double_well", "--time", "inf"], "finite"),
}


@pytest.mark.parametrize("case", HUGE)
def test_too_large_a_number_is_refused(case, capsys):
    arguments, words = HUGE[case]
    begin = time.process_time()
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == "" and words in err and err.count("\n") == 1 and len(err) < 600
    assert time.process_time() - begin < 20


def test_many_averages_of_many_states_are_refused():
    orbit = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1)), [0.5], 10_000)
    with pytest.raises(cf.CfdynError, match="GiB"):
        cf.analysis.averages(orbit, [], decays=np.linspace(0, 0.99, 20_000))


def test_a_start_that_is_far_away(capsys):
    code, out, err = run(capsys, "study", "double_well", "--start", "1e308", "--no-figure", "--vary", "lr=1.05:1.1")
    assert (code, err) == (0, "") and "diverges" in out
