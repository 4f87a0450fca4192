"""A process that checks claims and draws figures: one request a line on stdin, one answer a line on stdout."""

import base64
import io
import json
import os
import queue
import signal
import threading
from collections.abc import Iterable
from typing import Any

from cfdyn.claims import kept
from cfdyn.claims.sources import named, paper_named
from cfdyn.claims.verdict import measure
from cfdyn.errors import readable


def main() -> None:
    """Answer until stdin ends, and end at once then: whoever asked is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a check may print
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # and read, or close its stdin
    asked: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, asked), daemon=True).start()
    kept.begin()
    own = os.getpid()
    while True:
        answer = json.dumps(_answer(asked.get()))
        if os.getpid() != own:  # a check has forked, and the copy of this process has nobody to answer
            os._exit(0)
        print(answer, file=answers, flush=True)


def _listen(requests: Iterable[str], asked: queue.Queue[str]) -> None:
    for line in requests:
        asked.put(line.strip())
    from cfdyn.machine.unfinished import drop

    drop()
    os._exit(0)


def _answer(request: str) -> dict[str, Any]:
    kind, _, name = request.partition(" ")
    if kind == "figure":
        return drawn(*name.split(".", 1))
    claim = named(name)
    kept.read(claim.source)
    found = measure(claim)
    kept.save(name, found)
    return found


def drawn(source: str, name: str) -> dict[str, str]:
    """Draw a figure and keep it: {undecided: why it could not be drawn, or "", picture: PNG in base64}."""
    try:
        paper = paper_named(source)
        kept.read(source)
        figure = paper.figures()[name]()
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=120)
    except Exception as error:
        return {"undecided": f"{type(error).__name__}: {readable(str(error))}", "picture": ""}
    kept.save_figure(source, name, picture.getvalue())
    return {"undecided": "", "picture": base64.b64encode(picture.getvalue()).decode()}


if __name__ == "__main__":
    main()
