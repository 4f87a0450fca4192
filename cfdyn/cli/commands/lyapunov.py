"""``cfdyn lyapunov``: exponents along one orbit, or over one or two parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.grids import at_first, axes_of, drawn_with
from cfdyn.cli.input.options import ALSO, WINDOW
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, number, remark, vector
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.parameters.lyapunov_spectra import LyapunovSpectra

STEPS = Annotated[
    int | None, Option("--steps", min=1, help="Number of steps (100000; with --vary 10000 in each cell).", show_default=False)
]  # noqa: E501
VARY = Annotated[
    list[str] | None,
    Option("--vary", help="A parameter, its range and the number of values; once or twice.", metavar="NAME=LO:HI[:COUNT]"),
]  # noqa: E501
EXPONENTS = Annotated[
    int | None, Option("--exponents", min=1, help="With --vary: how many exponents, the largest first (all if not given).", show_default=False)  # noqa: E501
]  # noqa: E501
TRANSIENT = Annotated[int, Option("--transient", min=0, help="Transient steps to discard.")]
COUNT, EXAMPLE = (1000, 200), "--vary lr=0.1:4:200 --vary momentum=0:0.95:200"
LISTED = ("loss optimizer vary window steps transient exponents start settings variables map batch order seed periodic out plot "
          "pixels also figure csv json")  # fmt: skip


@command(LISTED, group="Orbits", place=22, keeps=True)
def lyapunov(
    subject: Subject, say: Say, steps: STEPS = None, vary: VARY = None, window: WINDOW = None, exponents: EXPONENTS = None,
    transient: TRANSIENT = 1000, also: ALSO = None,
) -> Answer:  # fmt: skip
    """Lyapunov exponents of one orbit, or over one or two parameters.

    All exponents with standard errors, and the Kaplan–Yorke dimension. With --vary for the orbit at each value, or in each cell
    of a grid.

    $ cfdyn lyapunov double_well --optimizer gd:lr=1.5 --steps 10000
    $ cfdyn lyapunov --map "r*x*(1-x)" --vary r=3.5:4:500
    """
    from cfdyn.analysis.invariants.lyapunov_spectrum import PARTS

    draw = drawn_with(also)
    if vary:
        axes = axes_of(vary, window, COUNT, "exponents over parameters", EXAMPLE)
        return _over(subject, say, axes, 10_000 if steps is None else steps, transient, exponents, draw)
    if window is not None or exponents is not None or also:
        raise UsageError("--window, --exponents and --also are for exponents over parameters: give --vary")
    step, z0, chosen = subject.map_and_state()
    n = 100_000 if steps is None else steps
    spectrum = cfdyn.analysis.lyapunov_spectrum(step, z0, n, transient, progress=lambda k: say(f"{k} of {n} steps"))
    return Answer(
        lambda: {**fields(spectrum, "exponents errors dimension dimension_error steps"), "sum": spectrum.total, "map": step.title,
                 "start": z0, "chosen": chosen},
        lambda screen: screen.facts(
            ("map", f"{step.title}{remark(chosen, 'lr')}"),
            ("start", f"{vector(z0)}{remark(chosen, 'start')}"),
            ("exponents", f"{vector(spectrum.exponents)} per step over {n} steps"),
            ("errors", f"{vector(spectrum.errors)}, standard errors from {PARTS} segments of the orbit"),
            ("sum", number(spectrum.total)),
            ("dimension", f"{spectrum.dimension:.5g} ± {spectrum.dimension_error:.1g}, by Kaplan and Yorke's formula"),
        ), record=spectrum,
    )  # fmt: skip


def _over(
    subject: Subject, say: Say, axes: list, steps: int, transient: int, exponents: int | None, draw: Any
) -> Answer:  # fmt: skip
    """The exponents over parameters."""
    step, z0, chosen = at_first(subject, axes).map_and_state()
    cells = math.prod(len(values) for _, values in axes)
    spectra = cfdyn.analysis.lyapunov_spectra(step, axes, z0, exponents, steps, transient,
                                            progress=lambda done: say(f"{done} of {cells} cells"))  # fmt: skip
    about = {"map": step.title, "start": z0, "chosen": chosen}
    shown = "first second exponents errors stretching dimension"
    return Answer(lambda: {**about, "names": list(spectra.names), **fields(spectra, shown)},
                  lambda screen: _print(screen, spectra, about), record=spectra, draw=draw)  # fmt: skip


def _print(screen: Screen, spectra: LyapunovSpectra, about: dict) -> None:
    """Print the settings, and for each number of positive exponents the fraction of the cells."""
    import numpy as np

    axes = zip(spectra.names, (spectra.first, spectra.second), strict=False)
    screen.facts(
        ("map", f"{about['map']}{remark(about['chosen'], 'lr')}"),
        ("start", f"{vector(about['start'])}{remark(about['chosen'], 'start')}"),
        *((name, f"{len(values)} values from {values[0]:g} to {values[-1]:g}") for name, values in axes),
        ("steps", f"{spectra.provenance['settings']['steps']} after {spectra.provenance['settings']['transient']}"),
    )  # fmt: skip
    screen.print()
    gone = np.isnan(spectra.exponents).any(axis=2)
    numbers = range(spectra.exponents.shape[2] + 1)
    counts = [(f"{k} above 0 by 3 errors" if k else "none above 0", ~gone & (spectra.stretching == k)) for k in numbers]
    rows = [(words, f"{100 * cells.mean():.3g} %") for words, cells in [*counts, ("the orbit escapes", gone)] if cells.any()]
    screen.table(("exponents", "cells"), rows)
