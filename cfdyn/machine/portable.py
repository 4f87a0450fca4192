"""Bases of objects that can be pickled, copied and sent to another process, and of those that cannot; locks held at a fork."""

import _imp
import importlib
import os
import sys
import threading
import time
from functools import cached_property
from typing import Any, NoReturn, Self

from cfdyn.errors import UsageError


class Portable:
    """Base of what compiles on demand: it travels as what describes it, and compiles afresh where it arrives.

    Nothing that a `cached_property` holds is part of its state: rules are addresses in one process.
    """

    def __getstate__(self) -> dict[str, Any]:
        kept, cls = vars(self).items(), type(self)
        return {name: value for name, value in kept if not isinstance(getattr(cls, name, None), cached_property)}


class Rooted:
    """Base of what holds the address of machine code: a copy is the thing itself, and it cannot be pickled."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise UsageError("machine code cannot leave its process; pickle the map, the flow or the loss that it belongs to")


_waited_for: list[tuple[int, Any]] = [(-1, threading.RLock())]
_held: list[Any] = []
_PACKAGES = "cfdyn numba llvmlite numpy scipy sympy mpmath flint matplotlib sklearn platformdirs"
_NEEDED = sys.stdlib_module_names | set(_PACKAGES.split())


def held_while_forking(lock: Any, order: int) -> Any:
    """The lock, which whoever forks waits for, so that no child finds it locked; ``order``: threads take the lowest first."""
    _waited_for.append((order, lock))
    _waited_for.sort(key=lambda pair: pair[0])
    return lock


class _ImportLock:
    release = staticmethod(_imp.release_lock)


def _hold() -> None:
    while True:
        for _, lock in list(_waited_for):
            lock.acquire()
            _held.append(lock)
        # From here to the fork no thread begins an import: the lock of a module is got while this one is held.
        _imp.acquire_lock()
        _held.append(_ImportLock)
        if not _another_imports():
            return
        _let_go()
        time.sleep(0.001)


def _another_imports() -> bool:
    """True while another thread imports something that this package needs: a fork would leave that locked forever."""
    locks = getattr(importlib._bootstrap, "_module_locks", {})  # type: ignore[attr-defined]
    named = [ref() for name, ref in list(locks.items()) if name.partition(".")[0] in _NEEDED]
    return any(getattr(lock, "owner", None) not in (None, threading.get_ident()) for lock in named)


def _let_go() -> None:
    while _held:
        _held.pop().release()


def _begin_afresh() -> None:
    _let_go()
    # Before Python 3.12 a cached_property has a lock too, which is as little worth in another process.
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == "cfdyn"]
    for cls in {c for module in modules for c in vars(module).values() if isinstance(c, type)}:
        for member in vars(cls).values():
            if isinstance(member, cached_property) and hasattr(member, "lock"):
                member.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    # These hold locks while a fork is prepared, from when they were imported; whoever waits here must not have them yet.
    import concurrent.futures.thread  # noqa: F401
    import logging  # noqa: F401

    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_begin_afresh)
