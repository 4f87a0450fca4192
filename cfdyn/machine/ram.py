"""How much memory the machine has."""

import os
from contextlib import suppress
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container, where there is one


def bytes_of_memory() -> float:
    """Bytes that the processes here may have together; infinite where the system does not tell."""
    limits = [float("inf")]
    with suppress(AttributeError, ValueError, OSError):
        limits.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    for limit in LIMITS:
        with suppress(ValueError, OSError):
            limits.append(float(Path(limit).read_text()))
    return min(size for size in limits if size > 0)
