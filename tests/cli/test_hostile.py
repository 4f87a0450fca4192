"""Hostile strings in every option of every command: a status that is documented, a line at most on stderr, no traceback."""

import time
from pathlib import Path

import pytest
import typer

from cfdyn.cli import main
from cfdyn.cli.app import application
from cfdyn.machine import shelf as cache

HOSTILE = ["", " ", "[/x]", "[bold]a[/bold]", "\x1b[2J", "\x00", "a\nb", "💥:smile:", "\udcff", "nan", "-1", "0", "1e400", "1e308",
           "9" * 20, "inf", ",", ":", "=", "a=", "=1", "lr=1:2", "x" * 70_000, "1" * 5000, "1," * 5000, "../../etc/passwd",
           "/dev/null", "/proc/self/mem", "%s%n{0}", "__import__('os')", "lr=nan:inf", "x:=1", "gd:lr=", "a=1e308:-1e308",
           "-1e308:1e308", "lambda", "\u202eabc", "`params={'a': 1}`"]  # fmt: skip
USUAL = {
    "study": ["double_well", "--no-figure", "--vary", "lr=1.05:1.1"], "orbit": ["double_well", "--steps", "3"],
    "classify": ["double_well"], "chaos": ["double_well", "--steps", "1000", "--no-dimensions"], "lyapunov": ["double_well", "--steps", "100"], "oscillation": ["log.csv"],
    "explain": ["log.csv"], "watch": ["run.jsonl"],
    "flow": ["double_well", "--time", "1", "--no-figure"], "compare": ["double_well", "--steps", "20", "--no-figure"],
    "averages": ["double_well", "--steps", "60", "--no-figure"], "cycles": ["double_well", "--period", "1"],
    "branch": ["double_well", "--vary", "lr=0.5:1.5"], "cascade": ["double_well", "--vary", "lr=0.5:1.5", "--levels", "2"],
    "curve": ["double_well", "--vary", "lr=0.5:2", "--vary", "a=0.5:2"], "exact": ["double_well", "--period", "1"],
    "mean-square": ["linear_network", "--no-figure"], "cache": [], "warm": ["double_well"], "list": ["losses"], "show": ["gd"],
    "manifold": ["double_well", "--optimizer", "heavy_ball:lr=0.1,momentum=0.9", "--length", "5"],
    "tangencies": ["double_well", "--optimizer", "heavy_ball:momentum=0.9", "--vary", "lr=0.1:0.2", "--samples", "1", "--length", "5"],
    "crises": ["double_well", "--vary", "lr=1.47:1.48", "--periods", "1", "--samples", "2", "--grid", "9"],
    "held-sharpness": ["tanh_network", "--lr", "0.1", "--batch", "2", "--steps", "20", "--after", "5", "--runs", "3", "--no-figure"],
    "explore": ["double_well", "--out", "page.html", "--landmarks", "0"], "diagram": ["double_well", "--vary", "lr=0.5:1.2:5"], "entropy": ["double_well"],
    "regimes": ["double_well", "--vary", "lr=0.5:1.2:5", "--vary", "a=1:2:4"],
    "basins": ["double_well", "--shape", "5"],
    "intermittency": ["double_well", "--critical", "lr=1.45044096449", "--period", "3", "--distances", "1e-4:1e-2:3", "--steps", "30000"],
    "random": ["double_well", "--noise", "0.1", "--steps", "40", "--runs", "3", "--transient", "10"],
    "escape": ["double_well", "--outside", "w > 3", "--noise", "0.1", "--steps", "40", "--runs", "3"],
    "train": ["mlp:widths=2", "--data", "digits:classes=2,n=8", "--optimizer", "gd:lr=0.5", "--runs", "discrete", "--steps", "4", "--warm-start", "1", "--no-figure"],
    "studies": ["list.csv", "--jobs", "1"],
    "claims": ["may1976.first_flip", "--within", "0"], "certify": ["cycle", "double_well"], "check": ["certificate.json"],
}  # fmt: skip
QUICK = ("oscillation", "watch", "cache", "list", "show", "check")
COMMANDS = typer.main.get_command(application()).commands
MOST = 60  # seconds of the processor, also where everything has to be compiled


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """`cfdyn cache` clears and limits it."""
    (tmp_path / "log.csv").write_text("a,b\n" + "".join(f"{i % 2},{i % 3}\n" for i in range(60)))
    (tmp_path / "run.jsonl").write_bytes((Path(__file__).parents[2] / "examples" / "run.jsonl").read_bytes())
    (tmp_path / "list.csv").write_text("loss,optimizer\nw**2/2,heavy_ball:lr=0.3\n")
    monkeypatch.setattr(cache, "directory", lambda: None)


def test_all_commands_are_here():
    assert set(COMMANDS) == set(USUAL), "a new command has its usual words here: add it to USUAL in tests/cli/test_hostile.py"


def cases():
    for name, command in COMMANDS.items():
        for option in command.params:
            if not getattr(option, "is_flag", False):
                slow = [] if name in QUICK else [pytest.mark.slow]
                yield pytest.param(name, option, marks=slow, id=f"{name} {option.opts[0]}")


@pytest.mark.parametrize(("name", "option"), [*cases()])
def test_hostile_strings(name, option, capsys):
    texts = [text for text in HOSTILE if (name, option.name, text) != ("lyapunov", "steps", "9" * 20)]  # that was asked for
    assert len(texts) >= len(HOSTILE) - 1
    for text in texts:
        positional = option.param_type_name == "argument"
        words = [name, *(USUAL[name][1:] if positional else USUAL[name]), text if positional else f"{option.opts[0]}={text}"]
        begin = time.process_time()
        with pytest.raises(SystemExit) as end:
            main(words)
        out, err = capsys.readouterr()
        shown = (words[-1][:60], end.value.code, err[:300])
        assert end.value.code in (0, 1, 2) and "defect" not in err and "Traceback" not in err, shown
        assert len(err) < 1200 and "\x1b" not in out + err and (out == "" or end.value.code != 2), shown
        assert time.process_time() - begin < MOST, shown
