"""The process for the algebra: reads one request from stdin and writes its results to stdout, line by line."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from cfdyn.machine.workers import limit_memory
from cfdyn.symbolic.exact.algebra.minima import minima
from cfdyn.symbolic.exact.algebra.solve import all_families, families, read_system
from cfdyn.symbolic.exact.process import OUT_OF_TIME
from cfdyn.symbolic.exact.request import Refused
from cfdyn.symbolic.exact.short import MINIMA, PARTS

MOST_MEMORY = 4 * 2**30


def _stop_with_the_parent() -> None:
    # The other end of stdin closes when the parent is done, or gone.
    sys.stdin.read()
    os._exit(0)


def _stop_in_time(seconds: float) -> None:
    """End this process after so many seconds of processor time, so that its results do not depend on other processes.

    The system sends the signal, so that it also interrupts a long computation in C.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, max(seconds - time.process_time(), 1e-3))
    else:
        threading.Thread(target=_watch, args=(seconds,), daemon=True).start()


def _watch(seconds: float) -> None:
    while time.process_time() < seconds:
        time.sleep(min(0.02, seconds))
    os._exit(OUT_OF_TIME)


def brief(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The part that fits a report: name, text, LaTeX and value of each formula, after each part that it is ``done``."""
    yield from _of_minima(asked)
    yield {"done": MINIMA}
    system = read_system({**asked, "parameters": ["lr"]})
    for n, kind, name in PARTS:
        found = {}
        for family in all_families(system, n):
            for condition in family.bifurcations((kind,)):
                for root in condition["roots"] if condition["kind"] == kind else ():
                    if root["real"]:
                        found[root["value"]] = (root, condition)
        for _, (root, condition) in sorted(found.items(), key=lambda item: float(item[0])):
            text = root["text"] or f"root of {condition['polynomial']}"
            latex = root["latex"] or f"{condition['latex']} = 0"
            yield {"name": name, "text": text, "latex": latex, "value": root["value"]}
        yield {"done": name}


def _of_minima(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    try:
        for found in minima(asked):
            if found["edge"]:
                grouped.setdefault((found["edge"]["text"], found["coefficient"]["text"]), []).append(found)
    except Refused:  # the cycles may have closed forms all the same
        pass
    for group in grouped.values():
        where = ", ".join(found["point"]["text"] for found in group)
        for key, name in (("edge", "edge"), ("coefficient", "flip coefficient")):
            yield {"name": f"{name} at w = {where}", **group[0][key], "value": group[0]["values"][key]}


def main() -> None:
    """One request, one answer."""
    limit_memory(MOST_MEMORY)
    question = sys.stdin.readline()
    if not question:  # the parent has none
        return
    asked = json.loads(question)
    threading.Thread(target=_stop_with_the_parent, daemon=True).start()
    _stop_in_time(float(sys.argv[1]))
    end = ""
    try:
        for part in {"edge": minima, "brief": brief}.get(asked["job"], families)(asked):
            print(json.dumps(part), flush=True)
    except Refused as reason:
        end = str(reason)
    except (RecursionError, MemoryError):
        end = "the expressions grew too large"
    except Exception as problem:  # any failure of SymPy: half a sentence, as for every other reason
        end = f"its expressions are more than SymPy can do ({type(problem).__name__})"
    print(json.dumps({"end": end}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        os._exit(130)
