"""``cfdyn classify``: the regime of one orbit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.output.screen import Say, number, remark, vector
from cfdyn.errors import CfdynError
from cfdyn.words import listed

if TYPE_CHECKING:
    import numpy as np

    from cfdyn.analysis.attractors.classify import Regime
    from cfdyn.systems.map import Map

MOST_POINTS = 8  # of a cycle that are printed


@command("loss optimizer start settings variables map max_period budget out batch order seed periodic json",
         group="Orbits", place=21)  # fmt: skip
def classify(
    subject: Subject, say: Say, max_period: Annotated[int, Option("--max-period", min=1, help="Longest period to search for.")] = 4096,  # noqa: E501
    budget: Annotated[int | None, Option("--budget", min=1, help="Maximal number of steps of the orbit (2000000, fewer if steps are expensive, if not given).")] = None,  # noqa: E501
) -> Answer:
    """The regime of one orbit: fixed point, cycle, chaos, divergence, …

    Other answers are quasi-periodic and undecided. With the period, the multipliers and the Lyapunov exponent.

    $ cfdyn classify double_well --optimizer gd:lr=1.46
    $ cfdyn classify --map "r*x*(1-x)" --set r=4 --start 0.3
    """
    step, z0, chosen = subject.map_and_state()
    say("classifying the orbit")
    regime = cfdyn.analysis.classify(step, z0, max_period, budget, progress=lambda words: say(f"classifying: {words}"))
    turns = _rotation(step, z0)
    rotation = {"rotation_number": turns} if turns else {}
    return Answer(
        lambda: {**regime.to_json(), "map": step.title, "start": z0, "chosen": chosen, **rotation},
        lambda screen: screen.facts(
            ("map", f"{step.title}{remark(chosen, 'lr')}"),
            ("start", f"{vector(z0)}{remark(chosen, 'start')}"),
            *_evidence(regime),
            ("Lyapunov", f"{number(regime.lyapunov)} per step"),
            *(("rotation", f"{number(rate)} turns of {name} per step") for name, rate in turns.items()),
            ("evidence", regime.reason),
        ),
        record=regime,
    )


def _evidence(outcome: Regime) -> list[tuple[str, str]]:
    """The regime, and its cycle if it has one."""
    period = outcome.period
    how = f", with perturbations of up to {number(outcome.inject)}" if outcome.inject else ""
    regime = ("regime", outcome.kind + (f", period {period}" if outcome.kind == "cycle" else "") + how)
    if period is None:
        return [regime]
    points = listed([vector(point) for point in outcome.points], MOST_POINTS, "; ")
    return [regime, ("points", points), ("multipliers", vector(outcome.multipliers)), ("residual", number(outcome.residual))]


def _rotation(step: Map, z0: np.ndarray) -> dict[str, float]:
    """Turns per step of each angle, if the map has rotation numbers."""
    try:
        rotation = cfdyn.analysis.rotation_number(step, z0) if step.periodic else None
    except CfdynError:
        rotation = None
    return {} if rotation is None else dict(zip(rotation.names, rotation.value.tolist(), strict=True))
