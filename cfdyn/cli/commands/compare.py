"""``cfdyn compare``: an optimizer against its continuous-time models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import COMPARED, DIGITS, INJECT, LABEL_NOISE, NOISE, REPLACE, SAMPLED, offers
from cfdyn.cli.input.specs import flow_names, make_flows
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import numbers
from cfdyn.cli.models import models_document, print_models
from cfdyn.cli.noise import counted
from cfdyn.cli.output.document import fields, moving_edge
from cfdyn.cli.output.screen import Say, Screen, cell, remark, slow_cycles, vector
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.training.compare import Comparison
    from cfdyn.analysis.training.compare_runs import RunsComparison

FRAMES = 150  # of a film, at most


@command("loss optimizer models steps start inject digits batch runs replace order label_noise noise after rtol atol settings "
         "variables out plot figure film seed csv json", group="Flows", place=51)  # fmt: skip
def compare(
    subject: Subject,
    say: Say,
    models: Annotated[str | None, Option("--models", help="Names from 'cfdyn list flows', with options as in edge:secant=true (gradient,central,rod,edge if not given; with runs stochastic,central,gradient,modified).", metavar="NAME,…", autocompletion=offers("flows", others=("stochastic",)), show_default=False)] = None,  # noqa: E501
    steps: COMPARED = 500,
    inject: INJECT = 0.0,
    digits: DIGITS = None,
    rtol: Annotated[float, Option("--rtol", help="Relative tolerance of the models.")] = 1e-8,
    atol: Annotated[float, Option("--atol", help="Absolute tolerance of the models.")] = 1e-14,
    film: Annotated[Path | None, Option("--animate", help="Also write a film to this file (.gif, or .mp4 with ffmpeg).")] = None,
    batch: SAMPLED = None,
    runs: Annotated[int | None, Option("--runs", min=2, help="Number of stochastic runs whose mean is compared (200 with --batch or noise).", show_default=False)] = None,  # noqa: E501
    replace: REPLACE = True,
    order: Annotated[str, Option("--order", help="Batches: independent, or reshuffled in each epoch.")] = "independent",
    label_noise: LABEL_NOISE = 0.0,
    noise: NOISE = None,
    after: Annotated[int, Option("--after", min=0, help="Step at which the models begin, at the state of the orbit or the mean of the runs.")] = 0,  # noqa: E501
) -> Answer:
    """Compare the optimizer with its continuous-time models.

    From one start: which model stays closest to the averaged iterates. With --batch or noise: to the mean of many stochastic
    runs.

    $ cfdyn compare two_time_scales --optimizer gd:lr=0.3 --start 0.05,6.4 --steps 300
    $ cfdyn compare tanh_network --batch 2 --runs 100 --steps 200
    """
    subject.needs_loss("compare", "(1-x*y)**2/2")
    noisy = (batch, noise) != (None, None) or label_noise > 0
    _check(noisy, runs, film)
    names = flow_names(models, noisy)
    loss, optimizer, start, chosen = subject.complete(noisy)
    from cfdyn.analysis.training.compare import Comparison

    flows = make_flows(names, loss, optimizer)
    result = cfdyn.compare(
        loss, optimizer, flows, start, steps, inject, digits, rtol, atol, progress=say, runs=runs, batch=batch, replace=replace,
        order=order, label_noise=label_noise, noise=None if noise is None else numbers(noise, "--noise"), after=after,
        seed=subject.seed,
    )  # fmt: skip
    if not isinstance(result, Comparison):
        return _of_runs(result, start, chosen)
    if film is not None:
        frames = min(FRAMES, len(result.t))
        told = lambda k: say(f"{k} of {frames} frames" if k < frames else "writing the film")  # noqa: E731
        cfdyn.animate(result, film, frames, progress=told)
    return Answer(lambda: {**_document(result), "chosen": chosen}, lambda screen: _print(screen, result, start, chosen),
                  record=result, figures=[film] if film is not None else [])  # fmt: skip


def _check(noisy: bool, runs: int | None, film: Path | None) -> None:
    """Raise UsageError for incompatible options, before anything is computed."""
    if runs is not None and not noisy:
        raise UsageError("without noise all --runs are equal; give --batch, --noise or --label-noise, or omit --runs")
    if film is not None:
        from cfdyn.plotting.animation import check_film

        if noisy:
            raise UsageError("--animate shows one orbit, not many runs; omit it")
        check_film(film)


def _document(comparison: Comparison) -> dict[str, Any]:
    """The document of --json: numbers for each model, not its series."""
    return {"models": models_document(comparison), "ranking": [m.name for m in comparison.ranking], "optimizer": comparison.orbit,
            **fields(comparison, "edge cycles warnings"), "steps": len(comparison.t) + 1,
            **moving_edge(comparison.hovering, comparison.no_hovering)}  # fmt: skip


def _print(screen: Screen, comparison: Comparison, start: Any, chosen: dict[str, str]) -> None:
    """Print the optimizer's run, the models from the closest on, and the warnings."""
    settings, cycles = comparison.provenance["settings"]["orbit"], comparison.cycles
    screen.facts(
        ("optimizer", f"{settings['map']}{remark(chosen, 'lr')}"),
        ("start", f"{vector(start)}{remark(chosen, 'start')}"),
        ("steps", f"{settings['steps']}, {comparison.orbit['status']}"),
        ("edge", _edge(comparison)),
        ("", comparison.no_hovering if comparison.hovering is None else comparison.hovering.meaning),
        ("slow cycles", f"{len(cycles)} whole, of {slow_cycles(cycles)} steps") if cycles else None,
    )
    screen.print()
    print_models(screen, comparison)


def _of_runs(comparison: RunsComparison, start: Any, chosen: dict[str, str]) -> Answer:
    return Answer(lambda: {**_runs_document(comparison), "chosen": chosen},
                  lambda screen: _print_runs(screen, comparison, start, chosen), record=comparison)  # fmt: skip


def _runs_document(comparison: RunsComparison) -> dict[str, Any]:
    """The document of --json: numbers for each model, not its series."""
    series = ("w", "loss", "sharpness", "variance", "name", "provenance")
    models = {m.name: {k: v for k, v in vars(m).items() if k not in series} for m in comparison.models}
    at_end = ("averaged", "error", "spread", "loss", "loss_error", "mean_sharpness", "sharpness")
    return {"models": models, "ranking": [m.name for m in comparison.ranking],
            "last": {name: getattr(comparison, name)[-1] for name in at_end},
            **fields(comparison, "names levels edge late floor resolution resolved status warnings"),
            "steps": comparison.t[-1]}  # fmt: skip


def _print_runs(screen: Screen, comparison: RunsComparison, start: Any, chosen: dict[str, str]) -> None:
    """Print the outcome of the runs, the models from the closest on, and whether they can be distinguished."""
    settings, middle = comparison.provenance["settings"]["runs"], len(comparison.levels) // 2
    edge, sharpness = comparison.edge, comparison.sharpness[-1, middle]
    told = "the gradient flow is not among the models"
    if comparison.resolution == comparison.resolution:
        told = f"the gradient flow is {comparison.resolution:.3g} of these away"
        told += "" if comparison.resolved else ": not resolved, take more runs"
    screen.facts(
        ("optimizer", f"{settings['map']}{remark(chosen, 'lr')}"),
        ("start", f"{vector(start)}{remark(chosen, 'start')}"),
        ("runs", f"{settings['runs']} of {settings['steps']} steps; "
                 + counted(comparison.status)),
        ("batch", "all rows" if settings["batch"] is None else f"{settings['batch']}, {settings['order']}"),
        ("edge", f"sharpness {edge:.6g} without noise" if edge == edge else "not a number of its own"),
        ("sharpness", f"{sharpness:.6g}, the median of the runs at the end; {comparison.mean_sharpness[-1]:.6g} at their mean"),
        ("error", f"{comparison.floor:.3g} of the mean; {told}"),
    )  # fmt: skip
    screen.print()
    columns = ("distance", "its error", "sharpness ÷", "÷ median", "loss ÷", "variance ÷")
    keys = "distance distance_error sharpness_ratio median_ratio loss_ratio variance_ratio"
    screen.table(("model, closest first", *columns), comparison.ranking, lambda model: [
        model.name + ("" if len(model.w) == len(comparison.t) else "  (ended early)"), *map(cell, fields(model, keys).values())],
        most=None)  # fmt: skip
    screen.print(f"Against the mean of the runs' midpoints, (w₋ + 2w + w₊)/4, from step {comparison.late} on. ÷: by that of the "
                 "runs; of the sharpness, by that at their mean and by their median.", style="dim")  # fmt: skip
    for words in (*comparison.warnings, *(f"{m.name}: {note}" for m in comparison.models for note in m.notes)):
        screen.note(words)


def _edge(comparison: Comparison) -> str:
    facts, edge = comparison.orbit, comparison.edge
    moving = comparison.hovering is not None and comparison.hovering.moving
    words = f"sharpness {edge:.6g}" if edge == edge else "not a number of its own for this optimizer"
    words = "it moves with the preconditioner" if moving else words
    if facts["crossing"] is not None:
        words += f", reached at step {facts['crossing']}"
    if "begins" in facts:
        words += f"; oscillation from step {facts['begins']} on"
    return words
