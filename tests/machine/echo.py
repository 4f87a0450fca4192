"""Answers with what it is asked, or not at all."""

import os
import time

from cfdyn.machine.workers import serve


def answer(request: str) -> str:
    """The request with the number of this process."""
    if request == "die":
        os.kill(os.getpid(), 9)
    if request == "hang":
        time.sleep(600)
    print("what is printed is no answer")
    return f"{request} {os.getpid()}"


if __name__ == "__main__":
    serve(answer)
