"""A process that opens files under limits: python -m tests.hostile.child KIND FOLDER FIRST LAST; a line of JSON for each.

The mutations of these seeds, and before the seed 0 all that is made to harm.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import traceback
from pathlib import Path

from tests.hostile.files import copied, corpus, outcome
from tests.hostile.mutations import mutation

ROOM = 2**30  # bytes of memory beside what the imports and a good file take
SECONDS = 600  # of the processor, for all


def limit() -> None:
    """Data of this process, from here on."""
    pages = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now = int(pages["VmData"].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (now + ROOM, now + ROOM))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(kind: str, folder: Path, first: int, last: int) -> None:
    """Open them one after another."""
    assert outcome(kind, copied(kind, folder)) == "good"
    made = {} if first else corpus(kind, folder)
    made |= {str(seed): mutation(kind, folder, seed) for seed in range(first, last)}
    limit()
    for name, path in made.items():
        begin, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            found = outcome(kind, path)
        except Exception as error:
            found = f"foreign: {type(error).__name__}: {error} at {traceback.extract_tb(error.__traceback__)[-1]}"
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(json.dumps([name, found, round(time.process_time() - begin, 2), more // 1024]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
