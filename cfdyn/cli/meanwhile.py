"""What a study needs late, begun as early as can be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module

from cfdyn.registry import catalogue
from cfdyn.symbolic.exact.process import begun
from cfdyn.symbolic.exact.short import PATIENCE
from cfdyn.symbolic.text.formula import is_kept


@contextmanager
def meanwhile(loss: str | None, figure: bool) -> Iterator[None]:
    """While this lasts what draws is imported, and for a formula that is new the process for the algebra begins."""
    text = (loss or "").strip()
    new = text and text.partition(":")[0].strip() not in catalogue("losses").names() and not is_kept(text)
    with begun(PATIENCE) if new else nullcontext():
        if figure:
            threading.Thread(target=import_module, args=("cfdyn.plotting.figures.study",), daemon=True).start()
        yield
