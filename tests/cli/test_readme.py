"""The command lines of the README and of the tour: each can be parsed, what they read is there, and all of them run, one after the other."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.cli.app import application, protect_formulas

ROOT = Path(__file__).parents[2]
CHEAP = ("list", "show", "oscillation", "classify")

# Pages whose commands are run:
WITH_COMMANDS = ("command-line", "tour", "claims", "branches", "manifolds", "chaos", "random", "maps", "proofs", "training", "networks",
                 "flows")  # fmt: skip


def commands():
    """Of the code blocks, then of the tables; comments left out."""
    pages = ("README.md", *(f"docs/{name}.md" for name in WITH_COMMANDS))
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in pages)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = [line for language, block in blocks if not language for line in block.splitlines() if line.startswith("cfdyn ")]
    lines += re.findall(r"\| `(cfdyn [^`]*)` \|", text)
    found = []
    for line in lines:
        reader = shlex.shlex(line, posix=True, punctuation_chars=";")
        reader.whitespace_split, words = True, [[]]
        for word in reader:
            words.append([]) if word == ";" else words[-1].append(word)
        found += [w[1:] for w in words if w[:1] == ["cfdyn"]]
    return found


COMMANDS = commands()


def test_there_are_many():
    assert len(COMMANDS) > 30 and {"study", "branch", "curve", "exact", "flow", "averages", "list"} <= {c[0] for c in COMMANDS}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_it_can_be_parsed_and_its_files_are_there(words):
    command = typer.main.get_command(application()).commands[words[0]]
    command.make_context(words[0], protect_formulas(words[1:]))
    files = re.findall(r"[\w./-]+\.(?:csv|npz)", " ".join(words))
    assert all((ROOT / file).is_file() or file == "cfdyn-out/branch-001.npz" for file in files)


@pytest.mark.parametrize("words", [c for c in COMMANDS if c[0] in CHEAP], ids=" ".join)
def test_the_cheap_ones_run(words, tmp_path, capsys):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with pytest.raises(SystemExit) as end:
        main(words)
    out, err = capsys.readouterr()
    assert (end.value.code, err) == (0, "") and out


@pytest.mark.slow
def test_all_of_them_run_one_after_the_other(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    there = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"} | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    there["CFDYN_CACHE_DIR"] = str(tmp_path / "kept")  # `cfdyn cache --limit` is one of them
    for words in COMMANDS:
        done = subprocess.run([sys.executable, "-m", "cfdyn", *words], capture_output=True, text=True, cwd=tmp_path, env=there)
        assert done.returncode == 0 and done.stdout, (words, done.stderr)
    made = {p.name.rpartition("-")[0] for p in (tmp_path / "cfdyn-out").glob("*.npz")}
    assert made == {"study", "orbit", "classify", "oscillation", "flow", "compare", "averages", "cycles", "branch", "cascade",
                    "curve", "exact", "mean_square", "held_sharpness", "manifolds", "tangencies", "crises", "chaos", "entropy", "basins",
                    "random", "escape", "diagram", "regimes"}  # fmt: skip


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{name}.md" for name in ("tour", "branches", "figures", "flows", "maps", "networks", "training"))])
def test_the_session_in_python_prints_what_is_written_below_it(page, tmp_path, monkeypatch, capsys):
    text = (ROOT / page).read_text(encoding="utf-8")
    code, printed = re.search(r"^```python\n(.*?)^```\n\n```\n(.*?)^```", text, re.DOTALL | re.MULTILINE).groups()
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {})
    assert capsys.readouterr().out == printed
    assert all((tmp_path / name).stat().st_size > 1000 for name in re.findall(r"\w+\.pdf", code))


def test_the_paper_in_the_page_about_claims_can_be_copied():
    """Its claim holds, and the false statement beside it does not."""
    from cfdyn.claims.verdict import judge, measure

    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    *_, code = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    paper = {"__name__": "papers.author2600"}
    exec(compile(code, "claims.md", "exec"), paper)
    (claim,) = paper["CLAIMS"]
    assert [judge(c, measure(c)).verdict for c in (claim, claim.perturbed())] == ["reproduced", "contradicted"]


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "papers/README.md", *(f"docs/{p.name}" for p in sorted((ROOT / "docs").glob("*.md")))])
def test_links_lead_somewhere(page):
    file = ROOT / page
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 9000


def test_the_first_example_is_a_script_of_thirty_lines():
    """What it prints is compared above; that it is typed, in tests/contract/test_stubs.py."""
    script = (ROOT / "examples" / "first_hour.py").read_text(encoding="utf-8")
    assert f"```python\n{script}```\n" in (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    assert len([line for line in script.splitlines() if line.strip()]) <= 30


def test_the_example_of_a_log():
    """Gradient descent at the edge: the log is what the map gives, and in the end its sharpness swings about 2/lr."""
    log = np.loadtxt(ROOT / "examples" / "training-log.csv", delimiter=",", skiprows=1)
    orbit = cf.iterate(cf.as_map(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)), [0.05, 6.4], len(log) - 1)
    assert log[:, 1] == pytest.approx(orbit.loss, rel=1e-6) and log[-100:, 2].mean() == pytest.approx(2 / 0.3, rel=0.03)


# -- files --------------------------------------------------------------------------------------------


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code, *capsys.readouterr()


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "cut off", "foreign", "no permission", "device", "odd"])
@pytest.mark.parametrize("command", ["branch {}.npz", "curve {}.npz", "oscillation {}.csv", "study logistic:{}.csv",
                                     "orbit least_squares:{}.csv", "classify poisson:{}.csv"])  # fmt: skip
def test_a_file_that_is_none_has_status_2(command, kind, tmp_path, capsys):
    words = command.format("file").split()
    file = tmp_path / words[1].rpartition(":")[2]
    record = cf.iterate(cf.Map.from_text("x/2"), [1.0], 5).save(tmp_path / "whole.npz").read_bytes()
    {"missing": lambda: None, "folder": file.mkdir, "empty": file.touch, "text": lambda: file.write_text("no, 'numbers\n"),
     "cut off": lambda: file.write_bytes(record[:300]), "foreign": lambda: np.savez(file.with_suffix(".npz"), a=np.arange(3)),
     "no permission": lambda: (file.write_bytes(record), file.chmod(0)), "device": lambda: file.symlink_to("/dev/null"),
     "odd": lambda: file.write_bytes(b"\xff\x00\x1b[2J,\n" * 20)}[kind]()  # fmt: skip
    code, out, err = run(capsys, *words, "--json")
    assert (code, out) == (2, "") and err.startswith("cfdyn: ") and err.count("\n") == 1 and "defect" not in err
    assert not list(tmp_path.glob("cfdyn-out/*"))


RECORDS = ["orbit --map x/2 --steps 3", "classify --map x/2", "cycles --map x/2 --period 1 --box=-1:1",
           "branch --map r*x*(1-x) --vary r=1.5:2 --box 0.1:1", "exact --map r*x*(1-x) --set r=2 --period 1"]  # fmt: skip


@pytest.mark.parametrize("command", RECORDS)
def test_records_are_saved_alike(command, capsys):
    name = command.split()[0]
    code, out, err = run(capsys, *command.split(), "--json")
    assert (code, err) == (0, "") and json.loads(out)["record"] == f"cfdyn-out/{name}-001.npz"
    Path(f"cfdyn-out/{name}-002.npz").touch()
    Path(f"cfdyn-out/{name}-003.png").touch()
    code, out, err = run(capsys, *command.split())
    assert (code, err) == (0, "") and out.splitlines()[-1] == f"record  cfdyn-out/{name}-004.npz"
    assert type(cf.load(f"cfdyn-out/{name}-004.npz")) is type(cf.load(f"cfdyn-out/{name}-001.npz"))
    code, out, err = run(capsys, *command.split(), "--out", "else/where")
    assert code == 0 and [p.name for p in Path("else/where").iterdir()] == [f"{name}-001.npz"]


def test_a_record_that_cannot_be_saved_leaves_no_file(capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez_compressed", full)
    code, out, err = run(capsys, "orbit", "--map", "x/2", "--steps", "3")
    assert code in (1, 2) and out == "" and "No space left" in err and not list(Path("cfdyn-out").iterdir())


def test_a_number_belongs_to_one_process(tmp_path):
    """Four at once: four records, each whole."""
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "cfdyn", "orbit", "--map", "x/2", "--start"]
    begun = [subprocess.Popen([*words, str(k)], cwd=tmp_path, env=there, stdout=subprocess.DEVNULL) for k in range(1, 5)]
    assert [process.wait() for process in begun] == [0] * 4
    found = sorted(cf.load(p).z[0, 0] for p in (tmp_path / "cfdyn-out").iterdir())
    assert found == list(range(1, 5))
