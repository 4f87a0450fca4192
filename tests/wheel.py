"""``python -m tests.wheel FOLDER``: a wheel that carries the machine code of all kernels that a newcomer meets.

The kernels are compiled by what a newcomer does, once for each level of processor, in processes of their own with an empty cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ["pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE"]
FOLDERS = ["cfdyn", "papers"]

ONE, TWO = "double_well", "scalar_factorization"
BALL = "heavy_ball:lr=0.1,momentum=0.9"
USUAL = "gradient stable central stationary ablated thread rod edge modified principal sobolev gaussian".split()
LOGISTIC = ("--map", "r*x*(1-x)", "--set", "r=3.9", "--start", "0.4")
SQUARE = ("--vary", "lr=0.1:0.4:9", "--vary", "momentum=0.5:0.9:8")
# Without figures. What is asked for matters only by the kernels that it needs, which serve every loss.
REHEARSAL: tuple[tuple[str, ...], ...] = (
    *(("study", *words) for words in ((ONE,), (TWO,), (ONE, "--optimizer", BALL))),
    *(("orbit", *words, "--steps", "50") for words in ((ONE,), (TWO, "--optimizer", BALL))),
    *(("classify", *words) for words in ((ONE,), (TWO, "--optimizer", BALL), LOGISTIC)),
    *(("flow", loss, "--model", model, "--time", "5") for loss in (ONE, TWO) for model in USUAL),
    *(("flow", TWO, "--method", method, "--time", "20") for method in ("dop853", "radau5", "rkc")),
    *(("flow", TWO, "--optimizer", optimizer, "--time", "5") for optimizer in ("rmsprop", "adam", BALL)),
    *(("flow", TWO, "--model", model, "--time", "5") for model in ("self_stabilization", "sqrt_loss")),
    ("flow", TWO, "--model", "normalized_gd", "--optimizer", "normalized_gd:lr=0.1", "--time", "5"),
    ("flow", "(1 - x*y)**2 / 2", "--optimizer", "gd:lr=0.8", "--start", "1.5,0.3", "--time", "10"),  # to the edge
    ("flow", "--ode", "y; 1000*(1-x*x)*y-x", "--variables", "x,y", "--start", "2,0"),
    ("flow", "tanh_network", "--batch", "2", "--time", "5"),
    *(("compare", loss, "--steps", "50") for loss in (ONE, TWO)),
    ("compare", "tanh_network", "--batch", "2", "--runs", "4", "--steps", "10"),
    ("branch", "--map", "r*x*(1-x)", "--vary", "r=2.5:3.6", "--start", "0.6"),
    ("branch", ONE, "--vary", "lr=0.5:1.5"), ("branch", ONE, "--optimizer", BALL, "--vary", "lr=0.1:3"),
    *(("cycles", *words) for words in ((ONE,), (ONE, "--period", "3"), (TWO, "--period", "2"), (ONE, "--optimizer", BALL, "--period", "2"))),
    ("regimes", ONE, "--vary", "lr=0.5:1.9:20", "--vary", "a=1:2:8"), ("regimes", ONE, "--optimizer", BALL, *SQUARE),
    ("diagram", ONE, "--vary", "lr=0.5:1.9:40"), ("basins", TWO, "--shape", "8"), ("basins", ONE, "--shape", "8"),
    ("lyapunov", ONE, "--steps", "500"), ("lyapunov", TWO, "--optimizer", BALL, "--steps", "500"),
    ("cascade", ONE, "--vary", "lr=0.5:1.5", "--levels", "3"), ("curve", ONE, "--vary", "lr=0.5:2", "--vary", "a=0.5:2"),
    ("chaos", ONE, "--optimizer", "gd:lr=1.4", "--steps", "2000"), ("entropy", ONE, "--optimizer", "gd:lr=1.4"),
    ("averages", ONE, "--steps", "60"), ("manifold", ONE, "--optimizer", BALL, "--length", "5"),
    ("random", ONE, "--noise", "0.1", "--steps", "40", "--runs", "3", "--transient", "10"),
)  # fmt: skip

# In one process, so that no two functions have the same name for the linker, and on one processor, so that none is compiled aside.
_REHEARSE = """
import contextlib, io, json, os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from cfdyn.cli import main
from cfdyn.cli.app import application
import typer
figures = {name for name, one in typer.main.get_command(application()).commands.items() if any(p.name == "figure" for p in one.params)}
failed = []
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main([*words, *(["--no-figure"] if words[0] in figures else [])])
    except SystemExit as end:
        if end.code not in (0, None):
            last = (said.getvalue().strip().splitlines() or ["nothing was said"])[-1]
            failed.append(f"cfdyn {' '.join(words)} ended with {end.code}: {last}")
from cfdyn.machine import kernel_cache
json.dump([kernel_cache.made_with(), kernel_cache.processor()], open("made.json", "w"))
sys.exit("\\n".join(failed) or 0)
"""


def copy_sources(target: Path) -> None:
    """What a wheel is built from, and nothing that lies beside it."""
    ignored = shutil.ignore_patterns("__pycache__", "sets")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    for name in SOURCES:
        shutil.copy(ROOT / name, target)


def carry(source: Path, level: str, rehearsal: Sequence[Sequence[str]] = REHEARSAL) -> dict[str, bytes]:
    """Put the machine code that these commands need into a copy of the sources, for a level of processors; the entries."""
    from cfdyn.machine import carried

    with tempfile.TemporaryDirectory() as folder:
        left_out = ("NUMBA_", "CFDYN_", "PYTHONPATH")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
        environment |= {"CFDYN_CACHE_DIR": f"{folder}/kept", "PYTHONPATH": str(source), "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg",
                        "NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": "", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        command = [sys.executable, "-c", _REHEARSE, json.dumps(rehearsal)]
        done = subprocess.run(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        if done.returncode:  # the last line: of a traceback, too, it says what failed
            sys.exit(f"no wheel: {(done.stderr.strip().splitlines() or [f'ended with {done.returncode}'])[-1]}")
        made, processor = json.loads(Path(folder, "made.json").read_text())
        files = Path(folder, "kept").glob("kernels-*/*.bin")
        entries = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}
    carried.write(source / "cfdyn" / "machine" / "sets" / f"{level}.bin", level, made, processor, entries)
    return entries


def levels() -> list[str]:
    """Those whose code runs here: to be compiled a kernel has to be called."""
    import llvmlite.binding as llvm

    from cfdyn.machine.carried import LEVELS

    here = llvm.get_host_cpu_features()
    return [level for level, needs in LEVELS.items() if all(here.get(feature) for feature in needs)]


def build(source: Path, out: Path) -> Path:
    """The wheel of a copy of the sources, whose content does not depend on when it is made."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    environment = {"SOURCE_DATE_EPOCH": "1577836800", **os.environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    (built,) = out.glob("*.whl")
    return built


def main(out: Path) -> None:
    """Build it and say how large it is."""
    # Always in the same place: numba writes the names of source files, for messages of errors, into machine code.
    place = ROOT / "build" / "wheel"
    shutil.rmtree(place, ignore_errors=True)
    source = place / "source"
    source.mkdir(parents=True)
    copy_sources(source)
    for level in levels():
        entries = carry(source, level)
        size = (source / "cfdyn" / "machine" / "sets" / f"{level}.bin").stat().st_size
        print(f"{level}: {len(entries)} kernels, {size / 1e6:.2f} MB", flush=True)
    built = build(source, place / "dist")
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(built, out)
    print(f"{out / built.name}: {built.stat().st_size / 1e6:.2f} MB")
    shutil.rmtree(place)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
