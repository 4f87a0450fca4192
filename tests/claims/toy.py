"""A package of papers of its own, as another project would install it: found by its entry point."""

from __future__ import annotations

import os
from pathlib import Path

PAPER = '''
"""A. Toy, *Squares*, Journal of Toys 1 (2000) 1.

Numbers and their squares.
"""

import os
import time

from cfdyn.claims import Claims, Control, Question, Undecided, interval, near

CLAIMS = Claims(__name__, __doc__, read="the paper")


def _noted(number):
    with open(os.environ["TOY_LOG"], "a") as log:
        log.write(f"{number}\\n")
    time.sleep(float(os.environ.get("TOY_PAUSE", "0")))


for _k in range(12):

    def _square(number=_k):
        """The square of {k} is {square}."""
        _noted(number)
        return {"square": number**2}

    _square.__name__, _square.__doc__ = f"square_{_k}", f"The square of {_k} is {_k**2}."
    CLAIMS.add("page 1", {"square": _k**2}, Control("the next number", changes={"number": _k + 1}))(_square)


QUESTIONS = (Question("Q1", "How much is 3 × 3?", "Nine.", "It is {toy2000.square_3:square}.", ("toy2000.square_3",), "toy2000.dots"),)


def figures():
    """One with a dot, and one that fails."""
    from matplotlib.figure import Figure

    def dots():
        figure = Figure()
        figure.subplots().plot([0], [0], "o")
        return figure

    return {"dots": dots, "broken": lambda: 1 / 0}
'''


def install(folder: Path, paper: str = PAPER, name: str = "toy2000") -> dict[str, str]:
    """The environment of a process that finds this paper, with a cache and a log of its own in the folder."""
    site = folder / "site"
    (site / "toy_papers").mkdir(parents=True, exist_ok=True)
    (site / "toy_papers" / "__init__.py").write_text('"""Papers."""\n')
    (site / "toy_papers" / f"{name}.py").write_text(paper)
    (site / "toy-1.0.dist-info").mkdir(exist_ok=True)
    (site / "toy-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (site / "toy-1.0.dist-info" / "entry_points.txt").write_text("[cfdyn.papers]\ntoy = toy_papers\n")
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    own = {"PYTHONPATH": path, "CFDYN_CACHE_DIR": str(folder / "cache"), "TOY_LOG": str(folder / "log")}
    (folder / "log").touch()
    return {**os.environ, **own}


def noted(folder: Path) -> list[str]:
    """The numbers whose squares were computed, in order."""
    return (folder / "log").read_text().split()
