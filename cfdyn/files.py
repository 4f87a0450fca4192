"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cfdyn import unfinished


@contextmanager
def whole(path: Path) -> Iterator[str]:
    """A temporary file beside ``path`` that takes its place once the block has ended well, and else is gone.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "words.txt"
    >>> with whole(path) as temporary:
    ...     _ = Path(temporary).write_text("whole")
    >>> path.read_text()
    'whole'
    """
    handle, temporary = unfinished.temporary(path.parent, path.suffix.lower())
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
        unfinished.finish(temporary)
