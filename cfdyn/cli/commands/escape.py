"""``cfdyn escape``: how long an optimizer with noise stays in a region, and how this time grows as the noise decreases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import STEPS
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.noise import Noise, about_facts, counted
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, cell, number
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.noise.arrhenius import Arrhenius
    from cfdyn.analysis.noise.escape_times import EscapeTimes

OUTSIDE = Annotated[str, Option("--outside", help="Condition that holds outside the region, with one < or >, such as \"w > 0\" (required).", metavar="EXPR")]  # noqa: E501
RUNS = Annotated[int, Option("--runs", min=1, help="Number of independent runs.")]
KEYS = "outside steps escaped mean low high p_value exponential status"
# Of what is varied, the size that noise is proportional to.
SIZE: dict[str, Any] = {"noise": lambda v: v, "batch": lambda v: 1 / v, "label_noise": lambda v: v * v}
LISTED = ("loss outside vary batch noise label_noise repeat replace optimizer steps runs start settings variables map periodic "
          "out plot pixels figure seed csv json")  # fmt: skip


@command(LISTED, group="Stochastic gradients", place=61)
def escape(
    subject: Subject,
    drawn: Noise,
    say: Say,
    outside: OUTSIDE = "",
    steps: STEPS = 100_000,
    runs: RUNS = 400,
) -> Answer:
    """Escape times from a region under noise or random batches.

    One of --noise, --label-noise and --batch is required. With --vary noise=A,B,… also the
    slope of ln(mean time) over 1/noise (Arrhenius).

    $ cfdyn escape double_well --optimizer gd:lr=0.1 --start=-1 --outside "w > 0" --noise 2
    $ cfdyn escape double_well --optimizer gd:lr=0.1 --start=-1 --outside "w > 0" --vary noise=1,1.4,2
    """
    if not outside.strip():
        raise UsageError('say when a run has left the region: --outside "w > 0"')
    sweep = drawn.sweep()
    if sweep is not None and (sweep[0] not in SIZE or len(sweep[1]) < 2):
        raise UsageError(f"a slope is over two or more values of {', '.join(SIZE)}: --vary noise=0.5,1,2")
    step, z0, about = drawn.random_map(subject)
    if sweep is None:
        escapes = cfdyn.analysis.escape_times(step, z0, outside, steps, runs, progress=lambda k: say(f"{k} of {steps} steps"))
        return Answer(lambda: {**fields(escapes, KEYS), "times": escapes.times, **about},
                      lambda screen: _print(screen, escapes, about), record=escapes)  # fmt: skip
    name, values = sweep
    rows = []
    for k, value in enumerate(values, 1):
        say(f"{k} of {len(values)} values")
        rows.append(cfdyn.analysis.escape_times(step.varied(name, value), z0, outside, steps, runs))
    fit = cfdyn.analysis.arrhenius(rows, [SIZE[name](value) for value in values])
    keys = "sizes means errors slope low high intercept intercept_error prefactor p_value local local_errors"
    about |= {"varied": name, "values": values}
    return Answer(lambda: {**fields(fit, keys), "each": [fields(one, KEYS) for one in rows], **about},
                  lambda screen: _fit(screen, fit, rows, name, values, about), record=fit)  # fmt: skip


def _print(screen: Screen, escapes: EscapeTimes, about: dict) -> None:
    """Print the mean and its evidence."""
    mean = f"no run escaped; the mean is above {number(escapes.low)} (95 %)"
    if escapes.escaped:
        mean = f"{number(escapes.mean)} steps, {number(escapes.low)} to {number(escapes.high)} (95 %)"
    constant = "consistent with the data" if escapes.exponential else f"no: it changes with time (p = {escapes.p_value:.2g})"
    screen.facts(
        *about_facts(about),
        ("runs", f"{counted(escapes.status)} within {escapes.steps} steps"),
        ("mean escape time", mean),
        ("constant chance", constant) if escapes.escaped else None,
    )


def _fit(screen: Screen, fit: Arrhenius, rows: list[EscapeTimes], name: str, values: list[float], about: dict) -> None:
    """A row for each size, and the slope."""
    screen.facts(*about_facts(about))
    screen.print()
    screen.table((name, "left", "of runs", "mean steps", "95 %"), range(len(rows)), lambda k: [
        number(values[k]), str(rows[k].escaped), str(len(rows[k].times)), cell(rows[k].mean),
        f"{cell(rows[k].low)} to {cell(rows[k].high)}"], most=None)  # fmt: skip
    screen.print()
    line = "two sizes lie on any line" if fit.p_value != fit.p_value else f"p = {fit.p_value:.2g} that all lie on a line"
    screen.facts(
        ("slope of ln(mean) over 1/size", f"{number(fit.slope)}, {number(fit.low)} to {number(fit.high)} (95 %); {line}"),
        ("prefactor", f"{number(fit.prefactor)} steps"),
    )
