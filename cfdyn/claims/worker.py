"""A process that checks claims and draws figures: one request a line on stdin, one answer a line on stdout."""

import io
import json
import os
import queue
import signal
import sys
import threading
from typing import Any

from cfdyn.claims import kept
from cfdyn.claims.sources import named, paper_named
from cfdyn.claims.verdict import measure


def main() -> None:
    """Answer until stdin ends, and end at once then: whoever asked is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a check may print
    asked: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    while True:
        print(json.dumps(_answer(asked.get())), file=answers, flush=True)


def _listen(asked: queue.Queue[str]) -> None:
    for line in sys.stdin:
        asked.put(line.strip())
    from cfdyn.machine.unfinished import drop

    drop()
    os._exit(0)


def _answer(request: str) -> dict[str, Any]:
    kind, _, name = request.partition(" ")
    if kind == "figure":
        return {"undecided": drawn(*name.split(".", 1))}
    found = measure(named(name))
    kept.save(name, found)
    return found


def drawn(source: str, name: str) -> str:
    """Draw a figure and keep it; "" if that went well, else why not."""
    try:
        figure = paper_named(source).figures()[name]()
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=120)
        kept.save_figure(source, name, picture.getvalue())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    main()
