"""``cfdyn cache`` and ``cfdyn warm``: what is kept between runs, and filling it before it is needed."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.cli import output, specs
from cfdyn.errors import UsageError
from cfdyn.machine import shelf as cache

UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
# One weight and two, so that every kernel is needed.
USUAL = ("double_well", "scalar_factorization")


def show(clear: bool, limit: str | None, json: bool) -> None:
    """``cfdyn cache``: clear or limit first, if asked, then say what is there."""
    dropped = 0
    size = None if limit is None else _bytes(limit)
    if clear:
        dropped += cache.drop()
    if size is not None:
        dropped += cache.set_limit(size)
    folder, kinds = cache.directory(), cache.usage()
    total = sum(size for _, size in kinds.values())
    if json:
        listed = {kind: {"entries": count, "bytes": size} for kind, (count, size) in kinds.items()}
        output.print_json({"folder": None if folder is None else str(folder), "kinds": listed, "bytes": total,
                           "limit": cache.limit(), "dropped": dropped})  # fmt: skip
    else:
        _print_cache(folder, kinds, total, cache.limit(), dropped)


def _bytes(text: str) -> int:
    """``"200MB"``, ``"1.5 G"`` or a number of bytes."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?\s*", text.lower())
    if match is None or len(text) > 20:
        raise UsageError(f"--limit takes a size such as 200MB or 1GB, not {text!r}")
    return int(float(match[1]) * UNITS[match[2]])


def warm(losses: list[str], optimizer: str, settings: list[str], variables: str | None, json: bool) -> None:
    """``cfdyn warm``: study each loss without keeping the result; what was compiled stays."""
    names = losses or list(USUAL)
    times: dict[str, float] = {}
    with output.progress() as say:
        for name in names:
            start = time.perf_counter()
            _rehearse(name, optimizer, settings, variables, lambda words, name=name: say(f"{name}: {words}"))
            times[name] = time.perf_counter() - start
    kinds = cache.usage()
    if json:
        output.print_json({"seconds": times, "bytes": sum(size for _, size in kinds.values())})
    else:
        _print_warm(times, kinds)


def _rehearse(name: str, optimizer: str, settings: list[str], variables: str | None, say: Any) -> None:
    function, (opt, open_lr) = specs.make_loss(name, settings, variables), specs.make_optimizer(optimizer)
    found = cfdyn.study(function, opt, auto_lr=open_lr, progress=say)
    say("exponents")
    step = cfdyn.as_map(function, opt.at(lr=found.lr))
    cfdyn.analysis.lyapunov(step, found.start, 100)
    if opt.preconditioner is not None:
        say("flows")
        cfdyn.solve(cfdyn.flows.central(function, opt.at(lr=found.lr)), found.start, t=1.0)
    say("drawing")
    cfdyn.plot(found).savefig(io.BytesIO(), dpi=50)


def _size(count: int) -> str:
    """Bytes in the unit that suits them."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"


def _print_kinds(out: output.Screen, kinds: dict[str, tuple[int, int]]) -> None:
    table = output._table("kind", "entries", "size")
    for kind, (count, total) in kinds.items():
        table.add_row(kind, str(count), _size(total))
    if kinds:
        out.print(table)


def _print_cache(folder: Path | None, kinds: dict[str, tuple[int, int]], total: int, limit: int, dropped: int) -> None:
    """Where it is, what is in it, and how much there may be."""
    out = output.console()
    if folder is None:
        return out.print("nothing is kept between runs here")
    out.print(f"folder  {folder}", soft_wrap=True)
    if dropped:
        out.print(f"dropped {dropped} entries")
    _print_kinds(out, kinds)
    out.print(f"{_size(total)} of at most {_size(limit)}")


def _print_warm(times: dict[str, float], kinds: dict[str, tuple[int, int]]) -> None:
    """How long each took, and what is kept now."""
    out = output.console()
    for name, seconds in times.items():
        out.print(f"{name}: {seconds:.2f} s")
    _print_kinds(out, kinds)
