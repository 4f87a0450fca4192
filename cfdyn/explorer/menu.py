"""The optimizers that a page offers: all of the catalogue as texts for a server, a few as scenes within a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cfdyn.errors import CfdynError
from cfdyn.explorer.scene import scene_of
from cfdyn.registry import catalogue, defaults, title
from cfdyn.studies.defaults import completed
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.settings import make_optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.steps import as_map

USUAL_LR = 0.1  # of an optimizer that has no edge of stability
USUAL = ("gd", "heavy_ball:momentum=0.5", "nesterov:momentum=0.5", "rmsprop", "adam")


def menu() -> list[dict[str, str]]:
    """The optimizers of the catalogue that are rules for numbers, what figures call them, and how they are typed.

    >>> [entry for entry in menu() if entry["name"] == "heavy_ball"]
    [{'name': 'heavy_ball', 'title': 'heavy ball', 'text': 'heavy_ball:momentum=0.9'}]
    """
    known = catalogue("optimizers")
    made = {name: known.get(name)(lr=USUAL_LR) for name in known.names()}
    return [{"name": name, "title": title("optimizers", name), "text": _typed(name, one.threshold is None)}
            for name, one in made.items() if not isinstance(one, MatrixOptimizer)]  # fmt: skip


def _typed(name: str, with_lr: bool) -> str:
    """With the defaults that are not 0, which would leave a part of the optimizer out; and lr where no edge gives one."""
    known = defaults(catalogue("optimizers").get(name)) | ({"lr": USUAL_LR} if with_lr else {})
    given = [f"{key}={value}" for key, value in known.items() if type(value) in (int, float) and value]
    return f"{name}:{','.join(given)}" if given else name


def others(
    loss: Loss, optimizer: Optimizer, scene: Mapping[str, Any], chosen: Sequence[Optimizer] | None
) -> list[dict[str, Any]]:
    """What the scenes of other optimizers have that is not as in ``scene``; their start is its start.

    ``chosen``: the optimizers; None: the usual ones, each with 1.1 × its edge as learning rate, without those that have none.
    """
    start, found = scene["start"][: loss.dim], []
    for other in _usual(loss, optimizer, start) if chosen is None else chosen:
        made = scene_of(as_map(loss, other), loss, other, start, {})
        own = {key: value for key, value in made.items() if value != scene.get(key)}
        found.append({**own, "findings": [], "tour": []})
    return found


def _usual(loss: Loss, optimizer: Optimizer, start: Sequence[float]) -> Iterator[Optimizer]:
    for text in USUAL:
        if text.partition(":")[0] != optimizer.name:
            made, open_lr = make_optimizer(text)
            try:
                yield completed(loss, made, list(start), open_lr)[0]
            except CfdynError:  # no learning rate that one would begin with
                continue
