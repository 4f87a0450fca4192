"""``cfdyn random``: an optimizer on random batches or with noise: exponents, density, or a blurred cycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import STEPS
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.noise import Noise, about_facts, counted
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, cell, number, vector
from cfdyn.errors import UsageError, unknown

if TYPE_CHECKING:
    from cfdyn.analysis.noise.blurred_cycle import BlurredCycle
    from cfdyn.analysis.noise.invariant_density import InvariantDensity
    from cfdyn.analysis.noise.noise_induced import NoiseInduced
    from cfdyn.analysis.noise.random_lyapunov import RandomLyapunov

LOOK = Annotated[str, Option("--look", help="What to compute: exponents, density or, with --vary, cycle.")]  # noqa: E501
RUNS = Annotated[int | None, Option("--runs", min=1, help="Number of independent runs (32; for a density 64, for a cycle 20).", show_default=False)]  # noqa: E501
TRANSIENT = Annotated[int, Option("--transient", min=0, help="Transient steps to discard.")]
COORDINATE = Annotated[str | None, Option("--coordinate", help="Entry of the state, with --look density (the first if not given).", metavar="NAME", show_default=False)]  # noqa: E501
LOOKS = ("exponents", "density", "cycle")
MEANS = {1: "above 0: neighbouring orbits separate", -1: "below 0: neighbouring orbits converge", None: "not "
                                                                                                        "distinguishable from 0"}
LISTED = ("loss look vary batch noise label_noise repeat replace optimizer steps runs transient coordinate start settings "
          "variables map periodic out plot pixels figure seed csv json")  # fmt: skip


@command(LISTED, group="Stochastic gradients", place=60)
def random(
    subject: Subject,
    drawn: Noise,
    say: Say,
    look: LOOK = "exponents",
    steps: STEPS = 2000,
    runs: RUNS = None,
    transient: TRANSIENT = 1000,
    coordinate: COORDINATE = None,
) -> Answer:
    """Random batches or noise: exponents, density, persistence of a cycle.

    One of --noise, --label-noise, --batch and --vary noise=A,B,… is required. Lyapunov
    exponents with errors; --look density gives the invariant density, --look cycle whether a cycle can still be
    recognised.

    $ cfdyn random double_well --noise 0.01 --optimizer gd:lr=0.5
    $ cfdyn random double_well --optimizer gd:lr=1.1 --look cycle --vary noise=1e-6:1e-2:5
    """
    if look not in LOOKS:
        raise unknown("look", look, LOOKS)
    if (look == "cycle") > (drawn.vary is not None) or (look == "density" and drawn.vary is not None):
        raise UsageError("--look cycle needs several sizes of noise: --vary noise=1e-6:1e-2:9" if look == "cycle"
                         else "--look density takes one size of noise: omit --vary")  # fmt: skip
    if coordinate is not None and look != "density":
        raise UsageError("--coordinate is for --look density")
    sweep = drawn.sweep()
    step, z0, about = drawn.random_map(subject)
    about |= {"transient": transient}
    lengths: dict[str, Any] = {"steps": steps, "transient": transient, **({} if runs is None else {"runs": runs})}
    if sweep is not None:
        lengths["progress"] = lambda done: say(f"{done} of {len(sweep[1])} values")
        analysis = cfdyn.analysis.blurred_cycle if look == "cycle" else cfdyn.analysis.noise_induced
        result: Any = analysis(step, z0, sweep, **lengths)
    else:
        lengths["progress"] = lambda done: say(f"{done} of {transient + steps} steps")
        if look == "density":
            result = cfdyn.analysis.invariant_density(step, z0, coordinate, **lengths)
        else:
            result = cfdyn.analysis.random_lyapunov(step, z0, **lengths)
    keys, tables = SHOWN[type(result).__name__]
    return Answer(lambda: {**fields(result, keys), **about}, lambda screen: tables(screen, result, about), record=result)


def _exponents(screen: Screen, exponents: RandomLyapunov, about: dict) -> None:
    """Print exponents, errors, and their meaning."""
    screen.facts(
        *about_facts(about),
        ("runs", f"{counted(exponents.status)}; {exponents.steps} steps of each"),
        ("exponents", f"{vector(exponents.exponents)} per step"),
        ("errors", f"{vector(exponents.errors)}, standard errors from the runs"),
        ("sum", f"{number(exponents.total)} ± {number(exponents.total_error)}"),
        ("the largest", MEANS[exponents.sign]),
        ("one place", "consistent with the data" if not exponents.p_value < 0.01
         else f"no: the runs differ by more than the segments of one run (p = {exponents.p_value:.2g})"),
    )  # fmt: skip


def _induced(screen: Screen, induced: NoiseInduced, about: dict) -> None:
    """A row for each value."""
    screen.facts(*about_facts(about), ("without noise", f"{number(induced.without)} ± {cell(induced.without_error)} per step"))
    screen.print()
    heads = (induced.name, "largest exponent", "its error", "runs that stay bounded", "sign", "noise-induced")
    screen.table(heads, range(len(induced.values)), lambda k: [
        number(induced.values[k]), cell(induced.exponents[k]), cell(induced.errors[k]), f"{100 * induced.alive[k]:.3g} %",
        {1: "+", -1: "−", 0: "?"}[int(induced.signs[k])], str(induced.induced[k])], most=None)  # fmt: skip


def _density(screen: Screen, density: InvariantDensity, about: dict) -> None:
    """Mean and variance; the density is in the record and in the figure."""
    drift = density.drift
    screen.facts(
        *about_facts(about),
        ("runs", f"{counted(density.status)}; {density.steps} steps of each"),
        (f"mean of {density.name}", f"{number(density.mean)} ± {number(density.mean_error)}"),
        ("variance", f"{number(density.variance)} ± {number(density.variance_error)}"),
        ("most likely", number(density.centres[density.density.argmax()])),
        ("settled", "consistent with the data" if drift < 4 else f"no: the mean still drifts, by {drift:.1f} errors"),
    )


def _cycle(screen: Screen, blurred: BlurredCycle, about: dict) -> None:
    """A row for each value."""
    screen.facts(*about_facts(about), ("without noise", f"period {blurred.period}"), ("logs", f"of {blurred.steps} steps"))
    screen.print()
    heads = ("period found", "bands in order", "of runs", "95 % of both", "by chance", "signal/noise", "still there")
    screen.table((blurred.name, *heads), range(len(blurred.values)), lambda k: [
        number(blurred.values[k]), str(blurred.seen[k]), str(blurred.banded[k]), str(blurred.judged[k]),
        f"{100 * blurred.low[k]:.0f}–{100 * blurred.high[k]:.0f} %", cell(blurred.p_values[k]), cell(blurred.signal_to_noise[k]),
        {1: "yes", -1: "no", 0: "?"}[int(blurred.still[k])]], most=None)  # fmt: skip


SHOWN: dict[str, tuple[str, Callable[..., None]]] = {
    "RandomLyapunov": ("exponents errors total total_error dimension sign steps runs status p_value", _exponents),
    "NoiseInduced": ("name values exponents errors alive p_values without without_error signs induced", _induced),
    "InvariantDensity": ("name edges density errors beyond mean mean_error variance variance_error drift steps runs status",
                         _density),
    "BlurredCycle": ("name values period seen banded judged share low high p_values verdicts still amplitude signal_to_noise "
                     "steps", _cycle),
}  # fmt: skip
