"""Which files of the package a call enters, in the order of first entry: ``python -m tests.journeys`` writes them into ARCHITECTURE.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
# What is checked, spelled, compiled, kept, recorded and proved on the way is the ground, or a way of its own.
GROUND = ("arguments", "signatures", "errors", "registry", "words", "outside", "machine", "records", "codegen", "certify")
CALLS = {  # name -> (what is there before, the call, the rooms whose files are entered but not followed further down)
    "study": ("loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=1.1)", "cf.study(loss, gd)", "analysis certify"),
    "branch": ('step = cf.Map.from_text("r*x*(1 - x)", params={"r": 2.5})', 'cf.analysis.continue_cycle(step, [0.6], "r", (2.5, 3.6))', ""),
    "flow": ("loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=1.1)", "cf.solve(cf.flows.central(loss, gd), [1.2], t=50)", ""),
}
RECORDER = """
import json, os, sys
import cfdyn as cf
root, closed = os.path.dirname(cf.__file__) + os.sep, tuple(f"{room}/" for room in sys.argv[3].split())
files, calls, stack = {}, set(), []

def watch(frame, event, argument):
    if event == "call":
        name = frame.f_code.co_filename
        ours = name.startswith(root) and frame.f_code.co_name != "<module>"
        stack.append(name[len(root):].replace(os.sep, "/") if ours else "")
        if ours:
            above = [file for file in stack[:-1] if file]
            calls.update([(above[-1], stack[-1])] if above else [])
            if not any(file.startswith(closed) for file in above):
                files.setdefault(stack[-1])
    elif event == "return" and stack:
        stack.pop()

exec(sys.argv[1])
call = compile(sys.argv[2], "<call>", "eval")
eval(call)  # reads formulas and machine code, which the next one finds
# A stack of its own: the frames that numba reports do not know who called them.
sys.setprofile(watch)
eval(call)
sys.setprofile(None)
json.dump({"files": list(files), "calls": sorted(calls)}, sys.stdout)
"""


def journey(name: str) -> tuple[list[str], set[tuple[str, str]]]:
    """(files in the order of first entry, pairs of files of which the first called into the second) of a call; paths in cfdyn/."""
    before, call, closed = CALLS[name]
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_DISABLE_JIT"}
    command = [sys.executable, "-c", RECORDER, before, call, closed]
    done = subprocess.run(command, cwd=ROOT, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return [file for file in found["files"] if room(file) not in GROUND], {tuple(pair) for pair in found["calls"]}


def room(file: str) -> str:
    """The first part of a file's path: its room."""
    return file.partition("/")[0].removesuffix(".py")


def listed(files: list[str]) -> str:
    """As ARCHITECTURE.md has them: a line for each stay in a room."""
    lines: list[list[str]] = []
    for file in files:
        folder, _, name = file.rpartition("/")
        if lines and lines[-1][0] == folder:
            lines[-1].append(name)
        else:
            lines.append([folder, name])
    return "\n".join(f"    {folder + '/':32}{' '.join(name.removesuffix('.py') for name in names)}" for folder, *names in lines)


def block(name: str, text: str) -> re.Match | None:
    """The lines below a call in the page."""
    return re.search(rf"(`{re.escape(CALLS[name][1])}`.*?\n\n)((?:    [^\n]+\n)+)", text, re.DOTALL)


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    for name in CALLS:
        found = block(name, page)
        assert found, f"{PAGE.name} does not name {CALLS[name][1]}"
        page = page.replace(found[0], f"{found[1]}{listed(journey(name)[0])}\n")
    PAGE.write_text(page, encoding="utf-8")
