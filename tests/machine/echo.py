"""Answers with what it is asked, or not at all."""

import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import time

from cfdyn.machine.workers import serve


def can_import(name: str) -> str:
    """"yes" or "no"."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return "no"
    except SystemExit:
        pass
    return "yes"


def who_imports(name: str) -> dict[str, str]:
    """Of this process and of those that it starts, which can import a module."""
    code = f"from tests.machine.echo import can_import; print(can_import({name!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = {"helper": can_import(name), "subprocess": done.stdout.strip()}
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            found[method] = pool.apply(can_import, (name,))
    return found


def answer(request: str) -> str:
    """The request with the number of this process."""
    if request == "die":
        os.kill(os.getpid(), 9)
    if request == "complain":
        print("KeyError: 'of the helper'", file=sys.stderr, flush=True)
        os._exit(3)
    if request == "shout":
        print("x" * 1_000_000, file=sys.stderr, flush=True)
    if request.startswith("import "):
        return json.dumps(who_imports(request.partition(" ")[2]))
    if request == "hang":
        time.sleep(600)
    print("what is printed is no answer")
    return f"{request} {os.getpid()}"


if __name__ == "__main__":
    serve(answer)
