"""``cfdyn cache``: the data kept between runs."""

import re
from typing import Annotated, Any

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.output.screen import Screen, memory
from cfdyn.errors import UsageError

UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}


@command("clear limit csv json", group="Catalogues and cache", place=92)
def cache(
    clear: Annotated[bool, Option("--clear", help="Remove everything from the cache.")] = False,
    limit: Annotated[str | None, Option("--limit", help="Limit the cache to this size from now on, such as 200MB.", metavar="SIZE")] = None,  # noqa: E501
) -> Answer:
    """The cache: its size, its limit, how to clear it.

    It holds parsed formulas, compiled code and initial weights of networks. Also shows which code came with cfdyn,
    and whether it is used.

    $ cfdyn cache
    $ cfdyn cache --limit 200MB
    """
    from cfdyn.machine import shelf
    from cfdyn.machine.kernel_cache import carried_sets

    most = None if limit is None else _bytes(limit)
    dropped = (shelf.drop() if clear else 0) + (0 if most is None else shelf.set_limit(most))
    folder, kinds = shelf.directory(), shelf.usage()
    total, came = sum(size for _, size in kinds.values()), [_told(one, reason) for one, reason in carried_sets()]
    used = next((one for one in came if not one["reason"]), None)
    came = [{**one, "used": one is used} for one in came]

    def tables(screen: Screen) -> None:
        _tell_what_came(screen, came)
        if folder is None:
            return screen.print("nothing is cached here")
        screen.file("folder", folder)
        if dropped:
            screen.print(f"dropped {dropped} entries")
        screen.kept(kinds)
        screen.print(f"{memory(total)} of at most {memory(shelf.limit())}")

    listed = {kind: {"entries": count, "bytes": size} for kind, (count, size) in kinds.items()}
    return Answer(lambda: {"folder": None if folder is None else str(folder), "kinds": listed, "bytes": total,
                           "limit": shelf.limit(), "dropped": dropped, "carried": came}, tables)  # fmt: skip


def _told(one: Any, reason: str) -> dict[str, Any]:
    """A set of machine code that came with cfdyn, for JSON."""
    size, level, entries = (one.path.stat().st_size, one.level, len(one.entries)) if one else (0, None, 0)
    return {"level": level, "entries": entries, "bytes": size, "reason": reason}


def _tell_what_came(screen: Screen, came: list[dict[str, Any]]) -> None:
    if not came:
        return screen.print("no machine code came with this cfdyn: kernels are compiled when first used")
    rows = []
    for one in came:
        use = "yes" if one["used"] else f"no: {one['reason'] or 'a better one is'}"
        rows.append((one["level"] or "?", str(one["entries"]), memory(one["bytes"]), use))
    screen.print("code that came with cfdyn")
    screen.table(("set", "kernels", "size", "in use"), rows, most=None)


def _bytes(text: str) -> int:
    """``"200MB"`` or ``"1.5 G"``; a number alone may be meant as either."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg])(?:i?b)?\s*", text.lower())
    if match is None or len(text) > 20:
        raise UsageError(f"--limit takes a size with its unit, such as 200MB or 1GB, not {text!r}")
    return int(float(match[1]) * UNITS[match[2]])
