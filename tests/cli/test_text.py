"""What a user gave is shown as text, in sentences of a bearable length, on whatever the streams are."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import messages
from cfdyn.cli.app import options_of
from cfdyn.cli.commands import study
from cfdyn.cli.output import screen
from cfdyn.errors import readable
from tests.cli.terminal import run
from tests.processes import sentences

ROOT = Path(__file__).parents[2]


def write_log(name, *columns):
    rows = "".join(",".join(str((k * (i + 3)) % 7 % 2 + 0.01 * k) for i in range(len(columns))) + "\n" for k in range(60))
    Path(name).write_text(",".join(columns) + "\n" + rows)


NAMES = ["loss[/x]", "[bold]w[/bold]", ":smile:", "a[link=http://x]b", "$x^2$"]


def test_columns_and_files_with_brackets(capsys):
    write_log("run[old].csv", *NAMES)
    code, out, err = run(capsys, "oscillation", "run[old].csv", "--plot", "log[1].png")
    assert (code, err) == (0, "") and out.startswith("run[old].csv, 60 rows") and "log[1].png" in out
    assert {line.split("  ")[0].strip() for line in out.splitlines()} >= set(NAMES)
    code, out, err = run(capsys, "oscillation", "run[old].csv", "--column", "[/]")
    assert code == 2 and out == "" and "'[/]'" in err


def test_text_of_all_kinds_comes_out_as_it_went_in(capsys):
    """Of every table and line: what is printed is the text, but for control characters."""
    texts = ["[/]", "[red]x", "a[b]c", ":warning:", "\\[x]", "x" * 30, "größe → η²"]
    out = screen.Screen()
    for text in texts:
        out.print(text)
        out.heading(text, text)
    out.table(("[head]", "b"), [(text, text) for text in texts])
    out.print("bell\x07 escape\x1b[31m csi\x9b31m back\x08 over\r turned\u202e half\udcff")
    shown = capsys.readouterr().out
    assert all(shown.count(text) == 5 for text in texts)
    assert r"bell\x07 escape\x1b[31m csi\x9b31m back\x08 over\r turned\u202e half\udcff" in shown


@pytest.mark.parametrize("arguments", [
    ["study", "w**2", "--set", "a=" + "9" * 70_000], ["study", "x" * 70_000], ["orbit", "double_well", "--start", "1," * 30_000],
    ["show", "y" * 70_000], ["cache", "--limit", "z" * 70_000], ["orbit", "double_well", "--" + "o" * 70_000],
    ["branch", "--map", "x/2", "--vary", "q" * 70_000], ["branch", "n" * 3_000 + ".npz"], ["oscillation", "n" * 3_000],
    ["cycles", "double_well", "--box", "1:" * 30_000], ["p" * 70_000], ["classify", "--map", "x+" * 30_000],
], ids=lambda words: words[0][:8])  # fmt: skip
def test_long_values_are_shortened(capsys, arguments):
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == "" and err.count("\n") == 1 and len(err) < 600


def test_messages_in_one_readable_line():
    assert str(cf.CfdynError("a\nb\tc \x1b[2J \x9b \u202e")) == r"a b c \x1b[2J \x9b \u202e"
    text = readable("begin" + "x" * 100_000 + "end")
    assert len(text) < 600 and text.startswith("begin") and text.endswith("end")
    assert readable("λ₁ = 2/η, “ok”") == "λ₁ = 2/η, “ok”"


def process(code, *arguments, **options):
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    environment |= {"PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, *(["-c", code] if code else ["-m", "cfdyn"]), *arguments]
    return subprocess.run(command, env=environment, **({"capture_output": True} | options))


@pytest.mark.parametrize("encoding", ["ascii", *(pytest.param(e, marks=pytest.mark.slow) for e in ("utf-8", "cp1252", "latin-1"))])
def test_letters_that_the_encoding_lacks(encoding, tmp_path):
    """A name with η and a check mark: replaced in tables, escaped in JSON, which reads back whole."""
    name = "η✓ä"
    write_log(tmp_path / "log.csv", name)
    there = {"PYTHONIOENCODING": encoding}
    done = process("", "oscillation", "log.csv", "--quiet", cwd=tmp_path, env=there)
    assert done.returncode == 0 and sentences(done.stderr) == b""
    assert name.encode(encoding, "replace") in done.stdout
    done = process("", "oscillation", "log.csv", "--json", cwd=tmp_path, env=there)
    assert json.loads(done.stdout.decode(encoding))["directions"][0]["name"] == name
    done = process("", "show", name, cwd=tmp_path, env=there)
    assert done.returncode == 2 and name.encode(encoding, "replace") in done.stderr and b"Traceback" not in done.stderr


def test_bytes_that_are_no_text(tmp_path):
    done = process("", "show", b"\xff\xfe", cwd=tmp_path, env={"LANG": "C", "LC_ALL": "C"})
    assert done.returncode == 2 and sentences(done.stderr).count(b"\n") == 1 and b"Traceback" not in done.stderr


STREAMS = {
    "full": ("list > /dev/full", 1, 1),
    "full, a document": ("list --json > /dev/full", 1, 1),
    "full, nothing to say": ("show nothing > /dev/full", 2, 1),
    "full, help": ("study --help > /dev/full", 1, 1),
    "full, both": ("list > /dev/full 2> /dev/full", 1, 0),
    "full, stderr": ("show nothing 2> /dev/full", 2, 0),
    "closed": ("list >&-", 0, 0),
    "closed, a document": ("list --json >&-", 0, 0),
    "closed, both": ("show nothing >&- 2>&-", 2, 0),
    "closed, all three": ("list <&- >&- 2>&-", 0, 0),
    "closed, with files": ("orbit --map x/2 --steps 2 --quiet >&-", 0, 0),
    "a reader that leaves": ("orbit --map x/2 --steps 30000 --json --quiet | head -c 10 > /dev/null", 0, 0),
    "a reader that leaves at once": ("list | true", 0, 0),
}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("case", STREAMS)
def test_streams_that_take_nothing(case, tmp_path):
    """Documented statuses: 1 where the output cannot be written, else as ever; at most a sentence on stderr."""
    words, status, lines = STREAMS[case]
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f'{sys.executable} -m cfdyn {words}; echo "${{PIPESTATUS[0]}}" >> status'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, env=there)
    assert (tmp_path / "status").read_text() == f"{status}\n", done.stderr
    assert done.stdout == "" and sentences(done.stderr).count("\n") == lines and "Traceback" not in done.stderr
    if "with files" in case:
        assert cf.load(tmp_path / "cfdyn-out" / "orbit-001.npz").z.ravel().tolist() == [0.1, 0.05, 0.025]


# -- words of Python, words of the command line ---------------------------------------------------

SAID = {
    "params": (["classify", "--map", "r*x", "--variables", "x"], "--set r=1"),
    "params of a loss": (["study", "a*w**2", "--variables", "w"], "--set a=1"),
    "params of a flow": (["flow", "--ode", "x*q", "--variables", "x", "--start", "1"], "--set q=1"),
    "variables": (["classify", "--map", "1"], "--variables x"),
    "formulas": (["classify", "--map", "x; y", "--variables", "x,y,z"], '--map "…; …; …"'),
    "optimizer": (["study", "exp(w)"], "--optimizer gd:lr=0.1"),
    "rtol": (["flow", "double_well", "--rtol", "2"], "--rtol"),
    "save_at": (["flow", "double_well", "--save-at", "5,1"], "--save-at"),
    "max_steps": (["branch", "double_well", "--vary", "lr=0.5:1.5", "--steps", "9" * 18], "--steps 29826161"),
    "catalogue": (["study", "quartc"], "See: cfdyn list losses"),
    "flow of another optimizer": (["flow", "double_well", "--model", "normalized_gd"], "--optimizer normalized_gd:lr=…"),
}


@pytest.mark.parametrize("case", SAID)
def test_options_are_called_options(case, capsys):
    arguments, words = SAID[case]
    code, out, err = run(capsys, *arguments)
    assert code == 2 and words in err and "`" not in err and "cf." not in err


def test_arguments_are_called_arguments():
    for wrong, words in [
        (lambda: cf.Map.from_text("r*x", "x"), "params={'r': 1}"), (lambda: cf.Map.from_text("1"), "variables='x'"),
        (lambda: cf.study(cf.Loss("exp(w)")), "optimizer=cf.optimizers.gd(lr=0.1)"),
        (lambda: cf.losses.get("quartc"), "dir(cf.losses)"),
        (lambda: cf.Flow.from_text("x*q", "x"), "the name 'q' in the flow has no value; give one, such as `params={'q': 1}`"),
    ]:  # fmt: skip
        with pytest.raises(cf.CfdynError) as error:
            wrong()
        assert words in str(error.value) and "--" not in str(error.value)


def test_no_message_of_the_package_names_an_option():
    """Options are words of the command line alone."""
    options = {o for name in ("branch", "flow", "compare", "cycles", "study", "exact") for o in options_of(name) if o.startswith("--")} - {"--help"}
    commands = ROOT / "cfdyn" / "studies" / "onward.py"  # which writes commands to go on with
    texts = [p for p in (ROOT / "cfdyn").rglob("*.py") if "cli" not in p.relative_to(ROOT).parts and p != commands]
    assert len(options) > 20 and len(texts) > 100
    any_option = re.compile(rf"(?<![\w-])--(?:{'|'.join(re.escape(o[2:]) for o in options)})(?![\w-])")
    assert any_option.findall("--models --lr-range, --rtol.") == ["--models", "--rtol"]
    for path in texts:
        assert not any_option.findall(path.read_text(encoding="utf-8")), path


def test_a_word_that_is_no_argument_stays(monkeypatch):
    messages.speak_with(lambda: options_of("flow"))
    assert messages.worded("ask with `max_steps=5`, or `rtol`") == "ask with --max-steps 5, or --rtol"
    messages.speak_with(lambda: options_of("branch"))
    assert messages.worded("ask with `max_steps=5`, or `rtol`") == "ask with --steps 5, or `rtol`"
    assert messages.worded("continue with `curve.extended()`: `x` and max_steps") == "continue with cfdyn curve FILE.npz: `x` and max_steps"


FLOW = cf.flows.gradient(cf.losses.double_well(), cf.optimizers.gd(lr=0.1))
BOUNDS = {"parameter": "lr", "bounds": (0.1, 1.0), "box": [(-1, 1)], "parameters": ("lr", "a"), "period": 2, "z0": [0.5],
          "z": [0.5], "points": [0.5], "cycle": [0.5], "start": "flip", "levels": 2, "paths": [], "z_0": [0.5]}  # fmt: skip


OF_FLOWS = {"oscillation", "equilibria", "lyapunov", "lyapunov_spectrum", "basins", "basin_fractions"}  # and of what they give


@pytest.mark.parametrize("name", [n for n in cf.analysis.names() if n not in OF_FLOWS])
def test_analyses_of_maps_say_so_of_a_flow(name):
    import inspect

    analysis = getattr(cf.analysis, name)
    first, *others = [p for p in inspect.signature(analysis).parameters.values() if p.default is p.empty]
    with pytest.raises(cf.CfdynError, match="not Flow|needs the orbit"):
        analysis(FLOW, *(BOUNDS.get(p.name, [0.5]) for p in others))


# -- the table of regimes ---------------------------------------------------------------------------


def test_the_band_asked_for_and_the_first_of_each_regime_are_kept():
    rng = np.random.default_rng(1)
    for _ in range(200):
        count = int(rng.integers(1, 80))
        ends = np.cumsum(rng.exponential(size=count + 1) ** 4)
        names = rng.choice(["chaotic", "period 2", "period 7", "undecided", "divergent"], count)
        bands = [(a, b, str(n)) for a, b, n in zip(ends[:-1], ends[1:], names, strict=True)]
        at = float(rng.uniform(ends[0], ends[-1]))
        kept = study.chosen_bands(bands, at)
        assert any(bands[k][0] <= at <= bands[k][1] for k in kept)
        assert all(names.tolist().index(name) in kept for name in set(names.tolist()))
        assert max(range(count), key=lambda k: bands[k][1] - bands[k][0]) in kept and len(kept) <= screen.MOST_ROWS


def test_the_table_of_a_study_has_them(capsys):
    """In the double well's doublings at lr = 1.302, where bands are narrow: that of the lr, and all regimes that --json has.

    What is unresolved is no regime.
    """
    code, out, _ = run(capsys, "study", "double_well", "--optimizer", "gd:lr=1.302", "--no-figure")
    rows = [line.split(maxsplit=2) for line in out.partition("Regimes over lr")[2].splitlines()[2:]]
    shown = [(float(r[0]), float(r[1]), r[2].strip()) for r in rows if len(r) == 3 and re.fullmatch(r"[\d.]+", r[0])]
    assert code == 0 and any(lo <= 1.302 <= hi and name.startswith("period") for lo, hi, name in shown)
    kept = cf.load("cfdyn-out/study-001.npz").bands.bands
    assert {name for *_, name in shown} | {"unresolved"} == {name for *_, name in kept} | {"unresolved"} and len(shown) < len(kept)


def test_the_resolution_stands_in_the_table_and_in_the_document(capsys):
    """The widest distance of two samples of the record, in both."""
    _, out, _ = run(capsys, "study", "double_well", "--no-figure")
    found = cf.load("cfdyn-out/study-001.npz").bands
    widest = float(np.diff(found.values).max())
    assert f"sampled every {widest:.2g} or closer" in out.partition("Regimes over lr")[2].splitlines()[0]
    assert study.summary(cf.load("cfdyn-out/study-001.npz"))["resolution"] == widest


@pytest.mark.parametrize(("value", "text"), [(-0.0, "0"), (complex(-0.0, -0.0), "0+0i"), (-1e-300, "-1e-300"), (complex(1, -2), "1-2i")])
def test_zero_has_no_sign(value, text):
    assert screen.number(value) == text


@pytest.mark.parametrize("command", ["study", "classify", "orbit", "cycles"])
def test_a_file_in_place_of_a_loss(capsys, command):
    status, _, err = run(capsys, command, "run-001.npz", *(["--period", "2"] if command == "cycles" else []))
    assert status == 2 and "'run-001.npz' is a file name" in err and "attributes" not in err


@pytest.mark.parametrize(("words", "advice"), [
    (["study", "np.sin(w) + w**2"], "formula has 'np.' at character 1 ('np.sin(w) + w**2'): write sin alone"),
    (["study", "w**2 + torch.relu(w)"], "write relu alone"),
    (["study", "my_loss.py"], "'my_loss.py' is a Python file"),
    (["study", "double_well", "--optimizer", "gd(lr=0.3)"], "options follow a colon: gd:lr=0.3, not 'gd(lr=0.3)'"),
    (["study", "double_well()"], "options follow a colon: double_well, not 'double_well()'"),
    (["study", "double_well", "--optimizer", "momentum:lr=0.3"], "did you mean 'heavy_ball'?"),
    (["show", "study-001.npz"], "study-001.npz is a record"),
])  # fmt: skip
def test_what_comes_from_python_is_told_in_the_words_of_the_command_line(capsys, words, advice):
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "") and advice in " ".join(err.split())


@pytest.mark.parametrize("command", ["branch", "cascade"])
def test_the_parameter_that_varies_is_asked_for(capsys, command):
    status, _, err = run(capsys, command, "double_well")
    assert status == 2 and "give the parameter and its range" in err and "--vary lr=0.1:2" in err


@pytest.mark.parametrize(("more", "expected"), [(["--budget", "2000"], "a larger --budget of `classify` follows it"), ([], "fixed point")])
def test_an_orbit_that_settles_slowly_asks_for_more_steps(more, expected, capsys):
    """At the flip r = 3 the distance falls like the root of the number of steps: 2000 do not tell, the usual number does."""
    code, out, _ = run(capsys, "classify", "--map", "r*x*(1-x)", "--set", "r=3", "--start", "0.3", *more)
    assert code == 0 and expected in " ".join(out.split())
