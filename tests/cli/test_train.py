"""``cfdyn train``: one small network on real digits, its document, its table, and every way to go on or not."""

import errno
import json
import shutil
import struct
from unittest.mock import Mock

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import main
from tests.cli.terminal import run

SMALL = ["train", "mlp:widths=3", "--data", "digits:classes=2,n=20", "--optimizer", "gd:lr=0.6", "--steps", "60", "--every", "3",
         "--exponents", "1", "--no-figure"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("train") / "run"
    with pytest.raises(SystemExit) as end:
        main([*SMALL, "--out", str(where)])
    assert end.value.code == 0
    return where


def test_the_document(folder, capsys):
    code, out, _ = run(capsys, "train", "--resume", folder, "--no-figure", "--json")
    found, record = json.loads(out), cf.load(folder)
    assert code == 0 and found["run"] == str(folder) and found["status"] == "done" and found["steps"] == 60
    assert found["edge"] == pytest.approx(2 / 0.6) and found["sharpness"] == record.sharpness[-1]
    assert {"period", "since"} <= found["oscillation"].keys() and found["distances"].keys() == {"central", "stable"}
    assert found["held_sharpness"] == {"discrete": pytest.approx(record.sharpness[9:].mean()), "central": pytest.approx(record.models["central"].sharpness[9:].mean()),
                                       "stable": pytest.approx(record.models["stable"].sharpness[9:].mean())}  # fmt: skip
    assert all(0 < value < 1 for value in found["distances"].values())
    assert found["loss"] == pytest.approx(found["averages"]["central"]["measured"]) and found["predicted_loss"] > 0
    assert found["episodes"] == record.usual_periods.episodes and found["work"]["exponents"] == 60
    assert found["lyapunov"]["since"] == 30 and len(found["lyapunov"]["errors"]) == 1
    assert found["lyapunov"]["exponents"] == pytest.approx([record.exponents[10:].mean()], rel=1e-9)
    assert found["gradient_equivalents"] > 0 and found["work"]["discrete"] == 60 and found["warm_start"] == 10


def test_the_table_and_the_figure(folder, capsys, tmp_path):
    code, out, _ = run(capsys, "train", "--resume", folder, "--plot", tmp_path / "run.png", "--xlim", "10:40")
    assert code == 0 and "mlp:widths=3 on digits:classes=2,n=20, 203 weights" in out and "(warm start)" in out
    assert "central" in out and "distance to the midpoints, mean" in out and f"run     {folder}" in out
    assert (tmp_path / "run.png").stat().st_size > 10_000
    figure = cf.plot(cf.load(folder), xlim=(10, 40))
    lines = {line.get_label() for line in figure.axes[0].lines}
    assert {"iterates", "average of neighbours", "predicted by the central flow", "stable flow"} <= lines
    assert [axes.get_title() for axes in figure.axes[:6]][-1] == "self-stabilisation" and figure.axes[1].get_xlim() == (10, 40)


def test_a_toml_file_with_options_on_top(capsys, tmp_path):
    file = tmp_path / "small.toml"
    file.write_text('network = "mlp:widths=3"\ndata = "digits:classes=2,n=20"\noptimizer = "gd"\nruns = ["discrete"]\nsteps = 100\n')
    code, out, _ = run(capsys, "train", file, "--steps", "20", "--out", tmp_path / "run", "--no-figure", "--json")
    found = json.loads(out)
    assert code == 0 and found["steps"] == 20 and found["chosen"]["lr"] == "edge at 1.15 times the sharpness at the start"
    start = cf.networks.mlp(cf.data.digits(classes=2, n=20), widths=3)
    assert found["edge"] == pytest.approx(1.15 * start.sharpness(start.start), rel=0.06)  # two digits of lr


@pytest.mark.parametrize(("words", "status", "said"), [
    (["train"], 2, "train needs a network, such as mlp:widths=32-32"), (["train", "mpl"], 2, "did you mean 'mlp'"),
    (["train", "mlp", "--resume", "x"], 2, "with --resume only --steps"), (["train", "--resume", "nowhere"], 2, "nowhere is no folder"),
    (["train", "mlp", "--xlim", "0:1", "--no-figure"], 2, "ask for one with --plot"), (["train", "mlp", "--runs", "discrete,stabel"], 2, "did you mean 'stable'"),
    (["train", *SMALL[1:4], "--batch", "1000", "--runs", "discrete", "--optimizer", "gd:lr=0.1"], 2, "a batch of 1000 is drawn from 20 rows"),
    (["train", "no.toml"], 2, "there is no file no.toml"),
])  # fmt: skip
def test_what_cannot_be_is_a_sentence(words, status, said, capsys):
    code, out, err = run(capsys, *words)
    assert code == status and said in err and not out and err.count("\n") == 1


def test_a_run_that_diverges_is_an_answer(capsys, tmp_path):
    code, out, _ = run(capsys, *SMALL[:4], "--optimizer", "gd:lr=50", "--runs", "discrete", "--out", tmp_path / "run", "--json", "--plot", tmp_path / "diverged.png")
    found = json.loads(out)
    assert code == 0 and found["status"].startswith("diverged at step ") and found["complete"]


def test_a_net_far_beyond_the_memory_is_refused_at_once(capsys, tmp_path):
    """A layer of 10⁷ after one of as many has 10¹⁴ weights, 8·10⁵ GB."""
    code, out, err = run(capsys, "train", "mlp:widths=10000000-10000000", "--out", tmp_path / "run", "--no-figure")
    count = 64 * 10**7 + 10**7 + 10**14 + 10**7 + 4 * 10**7 + 4
    assert code == 2 and out == "" and f"the network has {count:,} weights, 8e+05 GB, and training it takes 30 times as much" in err
    assert not (tmp_path / "run").exists()


def test_a_large_net_is_said_to_be_made(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("cfdyn.training.train.LARGE", 203)
    settings = {"data": "digits:classes=2,n=20", "optimizer": "gd:lr=0.6", "runs": "discrete", "steps": 4, "out": str(tmp_path / "run")}
    cf.train(settings, network="mlp:widths=3", progress=said.append)
    assert "making the network, 203 weights; a training holds their 1.6e-06 GB 30 times at least" in said


def test_an_array_whose_file_is_gone_is_a_sentence_and_no_nan(folder, capsys, tmp_path):
    shutil.copytree(folder, tmp_path / "torn")
    shutil.rmtree(tmp_path / "torn" / "run.zarr" / "rows" / "eigenvalues" / "c")
    for more in ([], ["--json"], ["--steps", "70"]):
        code, out, err = run(capsys, "train", "--resume", tmp_path / "torn", "--no-figure", *more)
        assert code == 2 and out == "" and "cfdyn: the array rows/eigenvalues in " in err and "(1 of 1 file gone)" in err


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["tempfile.TemporaryFile", "filelock.FileLock.acquire", "pathlib.Path.write_text",
                                   "cfdyn.training.files.store.Store._write", "numpy.savez"])  # fmt: skip
def test_a_full_disk_has_one_status_wherever_it_is_met(where, capsys, tmp_path, monkeypatch):
    """The folder, its lock, the settings, the arrays, a checkpoint."""
    words = ["train", "mlp:widths=2", "--data", "digits:classes=2,n=8", "--optimizer", "gd:lr=0.5", "--runs", "discrete", "--steps", "4"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(where, Mock(side_effect=FULL))
    code, out, err = run(capsys, *words, "--no-figure")
    said = err.splitlines()[-1]  # a cache that cannot be written has a warning before it
    assert code == 1 and out == "" and said.startswith("cfdyn: ") and "cannot" in said
    assert "No space left on device" in said or "the disk is full" in said


def test_data_of_a_relative_path_is_found_from_another_folder(capsys, tmp_path, monkeypatch):
    """What is printed is the text that was given; a project that was moved as a whole is gone on with from its new place."""
    first, other = tmp_path / "first", tmp_path / "other"
    (first / "files").mkdir(parents=True)
    other.mkdir()
    pictures = bytes(np.random.default_rng(0).integers(256, size=8 * 784, dtype=np.uint8))
    (first / "files" / "train-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, 8, 28, 28) + pictures)
    (first / "files" / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 8) + bytes(range(8)))
    words = ["train", "mlp:widths=2", "--data", "mnist:path=files", "--optimizer", "gd:lr=0.1", "--runs", "discrete", "--no-figure", "--steps"]
    monkeypatch.chdir(first)
    code, out, _ = run(capsys, *words, 4, "--out", "run")
    assert code == 0 and "mlp:widths=2 on mnist:path=files," in out and str(first) not in out
    monkeypatch.chdir(other)
    code, out, _ = run(capsys, "train", "--resume", first / "run", "--steps", 6, "--no-figure", "--json")
    assert code == 0 and json.loads(out)["steps"] == 6 and json.loads(out)["data"] == "mnist:path=files"
    code, out, _ = run(capsys, "train", first / "run" / "config.toml", "--no-figure", "--out", "again", "--json")
    assert code == 0 and json.loads(out)["steps"] == 6 and np.array_equal(cf.load("again").loss, cf.load(first / "run").loss)
    monkeypatch.chdir(tmp_path)
    first.rename(tmp_path / "moved")
    code, _, err = run(capsys, "train", "--resume", "moved/run", "--steps", 8, "--no-figure")
    assert code == 2 and "there is no train-images-idx3-ubyte" in err
    monkeypatch.chdir(tmp_path / "moved")
    assert run(capsys, "train", "--resume", "run", "--steps", 8, "--no-figure")[0] == 0


def test_a_folder_that_another_process_writes(folder, capsys):
    from filelock import FileLock

    with FileLock(folder / ".lock"):
        code, out, err = run(capsys, "train", "--resume", folder)
    assert code == 2 and "another process is writing the run" in err and not out
