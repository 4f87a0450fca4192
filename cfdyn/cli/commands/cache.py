"""``cfdyn cache``: what is kept between runs."""

import re
from typing import Annotated

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.screen import Screen, memory
from cfdyn.errors import UsageError

UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


@command("clear limit json", group="Catalogues and cache", place=92)
def cache(
    clear: Annotated[bool, Option("--clear", help="Remove everything that is kept.")] = False,
    limit: Annotated[str | None, Option("--limit", help="Keep at most this much from now on, as 200MB.", metavar="SIZE")] = None,
) -> Answer:
    """What is kept between runs: its size, its limit, how to clear it.

    Formulas as they were read, and compiled code.

    $ cfdyn cache
    $ cfdyn cache --limit 200MB
    """
    from cfdyn.machine import shelf

    most = None if limit is None else _bytes(limit)
    dropped = (shelf.drop() if clear else 0) + (0 if most is None else shelf.set_limit(most))
    folder, kinds = shelf.directory(), shelf.usage()
    total = sum(size for _, size in kinds.values())

    def tables(screen: Screen) -> None:
        if folder is None:
            return screen.print("nothing is kept between runs here")
        screen.file("folder", folder)
        if dropped:
            screen.print(f"dropped {dropped} entries")
        screen.kept(kinds)
        screen.print(f"{memory(total)} of at most {memory(shelf.limit())}")

    listed = {kind: {"entries": count, "bytes": size} for kind, (count, size) in kinds.items()}
    return Answer(lambda: {"folder": None if folder is None else str(folder), "kinds": listed, "bytes": total,
                           "limit": shelf.limit(), "dropped": dropped}, tables)  # fmt: skip


def _bytes(text: str) -> int:
    """``"200MB"``, ``"1.5 G"`` or a number of bytes."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?\s*", text.lower())
    if match is None or len(text) > 20:
        raise UsageError(f"--limit takes a size such as 200MB or 1GB, not {text!r}")
    return int(float(match[1]) * UNITS[match[2]])
