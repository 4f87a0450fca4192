"""The random part of a step: the options of the commands for random maps, and its description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cfdyn.cli.input.options import DRAWN, LABEL_NOISE, REPEAT, REPLACE, SAMPLED, SIZES
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import swept
from cfdyn.cli.output.screen import remark, vector

if TYPE_CHECKING:
    from cfdyn.ensembles.stochastic.random_map import RandomMap


@dataclass(frozen=True)
class Noise:
    """These options, as given."""

    vary: SIZES = None
    batch: SAMPLED = None
    noise: DRAWN = None
    label_noise: LABEL_NOISE = 0.0
    repeat: REPEAT = 1
    replace: REPLACE = True

    def sweep(self) -> tuple[str, list[float]] | None:
        """``--vary``: the varied quantity, and its values."""
        return None if self.vary is None else swept(self.vary)

    def random_map(self, subject: Subject) -> tuple[RandomMap, Any, dict[str, Any]]:
        """The random map, the full starting state, and the description of both for --json."""
        step, z0, chosen = subject.random_map(
            self.batch, self.noise, self.label_noise, self.repeat, self.replace, self.vary is not None
        )
        return step, z0, {"random": step.title, "map": step.step.title, "start": z0, "chosen": chosen}


def about_facts(about: dict[str, Any]) -> list[tuple[str, str]]:
    """The random map and its start, as facts of a screen."""
    return [("random map", f"{about['random']}{remark(about['chosen'], 'lr')}"),
            ("start", f"{vector(about['start'])}{remark(about['chosen'], 'start')}")]  # fmt: skip


def counted(status: dict[str, int]) -> str:
    """The number of runs for each way of ending.

    >>> counted({"done": 3, "divergent": 0, "outside": 1})
    '3 done, 1 outside'
    """
    return ", ".join(f"{count} {word}" for word, count in status.items() if count)
