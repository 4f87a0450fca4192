"""A tour of the first questions, from gradient descent on the double well: states of the page with two sentences."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import numpy as np

from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss

START, WIDE = 1.107, (0.8, 2.0)
# Title, learning rate, what else the state has, and the words.
STOPS: list[tuple[str, float, dict[str, Any], str]] = [
    ("Is it always a 2-cycle?", 1.1, {},
     "At the edge of stability, η = 1, the minimum becomes unstable by a supercritical flip. Just beyond it the iterates bounce "
     "between two points, and the bounce neither dies nor grows."),
    ("Period doubling", 1.26, {},
     "At η = √5 − 1 the 2-cycle flips in its turn, and the iterates settle on four points. Flip follows flip, faster and "
     "faster, until the period is infinite near η = 1.30."),
    ("Chaos", 1.4, {},
     "Now the iterates never repeat, and neighbouring orbits separate: the Lyapunov exponent under the diagram is positive. Move "
     "the start a little and compare the orbits after 20 steps."),
    ("Could it be period 3?", 1.46, {},
     "Yes: a 3-cycle attracts from η = 1.4504 on, where it is born in a fold. By the theorem of Li and Yorke other starts have "
     "chaotic orbits there, but the iterates that you see are periodic."),
    ("A window", 1.464, {"from": 1.445, "to": 1.48},
     "Inside its window the 3-cycle doubles its period too: 6, 12, … Drag the cursor through it. The window holds a small copy "
     "of the whole diagram."),
    ("The central flow, and where it fails", 1.1, {"flows": 1},
     "The central flow (solid) ends where the sharpness is 2/η, near the middle of the two points. At η = 1.46 it ends at "
     "w = 0.889, but the mean of the 3-cycle is 0.759."),
    ("Momentum", 1.6, {"p.momentum": 0.5, "start": f"{START},0", "from": 1.2, "to": 1.8},
     "Heavy ball with β = 0.5 loses stability at η = 1.5, later than gradient descent, but by a flip too: the first cycle is a "
     "2-cycle again. The menu has other optimizers."),
    ("Noise", 1.46, {"noise": 0.01, "seed": 1},
     "Noise with a standard deviation of 0.01 on the gradient blurs the 3-cycle until no period is left. With 0.0001 it can "
     "still be seen."),
]  # fmt: skip


def tour_of(loss: Loss, optimizer: Optimizer, heavy_ball: int | None = None) -> list[dict[str, str]]:
    """The stops, each with its title, words and address; none for another loss or optimizer.

    ``heavy_ball``: its place among the optimizers of the page, which the stop about momentum needs.
    """
    plain = optimizer.name == "gd" and set(optimizer.params) == {"lr"} and not optimizer.options
    if not plain or loss.dim != 1 or loss.spec.table is not None or not _is_double_well(loss):
        return []
    stops = [(title, words, _state(rate, more)) for title, rate, more, words in STOPS]
    with_momentum = {"map": heavy_ball} if heavy_ball else {}
    return [{"title": title, "words": words, "hash": f"#{urlencode(state | (with_momentum if 'p.momentum' in state else {}))}"}
            for title, words, state in stops if heavy_ball or "p.momentum" not in state]  # fmt: skip


def _state(rate: float, more: dict[str, Any]) -> dict[str, Any]:
    lo, hi = WIDE
    return {"p.lr": rate, "start": START, "over": "lr", "from": lo, "to": hi, "shown": 100} | more


def _is_double_well(loss: Loss) -> bool:
    """True if the loss is (w² − 1)²/4, by its values at points that no formula was written for."""
    points = np.linspace(-2.0, 3.0, 41) + 0.01 * np.sqrt(2)
    same = [np.isclose(loss.value([w]), (w * w - 1) ** 2 / 4, rtol=1e-12, atol=1e-14) for w in points]
    return all(same) and set(loss.params) <= {"a"}
