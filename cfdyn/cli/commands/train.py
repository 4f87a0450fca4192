"""``cfdyn train``: a network trained together with its continuous-time models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

import cfdyn
from cfdyn.cli import interrupts
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import FIGSIZE, FIGURE, OUTPUT, PLOT, STYLE, TITLE, XLIM, YLIM, offers
from cfdyn.cli.input.values import given
from cfdyn.cli.output.files import figure_options
from cfdyn.cli.output.screen import Say, Screen, number
from cfdyn.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from cfdyn.training.run import Run

PICTURE = "run.png"  # in the folder of the run


@command("network data optimizer runs steps warm_start every batch cut tol exponents vectors seed resume keep folder plot figure "
         "csv brief json", "Networks", 70, keeps=True)  # fmt: skip
def train(
    say: Say,
    network: Annotated[str | None, Argument(help="NAME:option=value,… from 'cfdyn list networks', such as mlp:widths=32-32, or a TOML file with the options below.", show_default=False, autocompletion=offers("networks"))] = None,  # noqa: E501
    data: Annotated[str | None, Option("--data", help="NAME:option=value,… from 'cfdyn list data' (digits:classes=4,n=200 if not given).", metavar="SPEC", autocompletion=offers("data"), show_default=False)] = None,  # noqa: E501
    optimizer: Annotated[str | None, Option("--optimizer", help="NAME:option=value,… from 'cfdyn list optimizers' (gd if not given); without lr the edge is at 1.15 × the sharpness at the start.", metavar="SPEC", autocompletion=offers("optimizers"), show_default=False)] = None,  # noqa: E501
    runs: Annotated[str | None, Option("--runs", help="Which of discrete, central, stable, gradient, edge, rod (discrete,central,stable if not given).", metavar="NAME,…", show_default=False)] = None,  # noqa: E501
    steps: Annotated[int | None, Option("--steps", min=4, help="Number of steps (300 if not given); with --resume at least as many as before.", show_default=False)] = None,  # noqa: E501
    warm_start: Annotated[int | None, Option("--warm-start", min=1, help="Step at which the flows begin, at the midpoint of the iterates (10 if not given, fewer in a run of less than 12).", show_default=False)] = None,  # noqa: E501
    every: Annotated[int | None, Option("--every", min=1, help="Steps from one measurement to the next (a hundredth of --steps if not given).", show_default=False)] = None,  # noqa: E501
    batch: Annotated[int | None, Option("--batch", min=1, help="Distinct rows in a mini-batch (all rows if not given); 'central' is then the flow with the noise of such batches (except for nadam), other flows are those of all rows.", show_default=False)] = None,  # noqa: E501
    cut: Annotated[float | None, Option("--cut", help="With --batch: the ηλ (with momentum or a P: GP⁻¹λ) above which 'central' includes the noise along a direction (0.1 if not given); larger is faster.", show_default=False)] = None,  # noqa: E501
    tol: Annotated[float | None, Option("--tol", help="Tolerance of the flows.", show_default=False)] = None,
    exponents: Annotated[int | None, Option("--exponents", min=1, help="Also compute the largest K Lyapunov exponents, at K products with the Hessian per step.", metavar="K", show_default=False)] = None,  # noqa: E501
    vectors: Annotated[bool | None, Option("--vectors/--no-vectors", help="Keep the eigenvectors of each measurement (up to 256 MB if not given).", show_default=False)] = None,  # noqa: E501
    seed: Annotated[int | None, Option("--seed", min=0, help="Seed of the mini-batches; the initial weights have their own, as in mlp:seed=1.", show_default=False)] = None,  # noqa: E501
    resume: Annotated[Path | None, Option("--resume", help="Continue the run in this folder.", metavar="DIR", show_default=False)] = None,  # noqa: E501
    keep: Annotated[float, Option("--keep", min=0.0, help="Seconds from one checkpoint to the next.")] = 3.0,
    folder: Annotated[Path | None, Option("--out", help="Folder of the run (a new one in cfdyn-out if not given).", metavar="DIR", show_default=False, rich_help_panel=OUTPUT)] = None,  # noqa: E501
    plot: PLOT = None,
    xlim: XLIM = None,
    ylim: YLIM = None,
    style: STYLE = None,
    figsize: FIGSIZE = None,
    title: TITLE = None,
    figure: FIGURE = True,
) -> Answer:
    """Train a network and compare it with its flows at the edge of stability.

    Measurements of the optimizer and of its models in lock-step, with checkpoints; --resume continues an interrupted run.

    $ cfdyn train mlp:widths=32-32 --data digits:classes=4,n=200 --optimizer gd:lr=0.5 --steps 300
    $ cfdyn train --resume cfdyn-out/train-001
    """
    from cfdyn.plotting import check_path

    if plot is not None and not figure:
        raise UsageError("--plot asks for a figure and --no-figure for none; omit one of them")
    limits, file = figure_options(xlim, ylim, figure, style=style, figsize=figsize, title=title), plot and check_path(plot)
    options = given(data=data, optimizer=optimizer, runs=runs, warm_start=warm_start, every=every, batch=batch, cut=cut)
    options |= given(tol=tol, exponents=exponents, vectors=vectors, seed=seed, out=None if folder is None else str(folder))
    run = _run(network, resume, options, {**given(steps=steps), "keep": keep, "progress": say, "started": _started})
    figures = [file or run.folder / PICTURE] if figure else []
    for picture in figures:
        say("drawing")
        cfdyn.plot(run, picture, **limits)
    return Answer(lambda: {**_document(run), "figures": [*map(str, figures)]}, lambda screen: _print(screen, run, figures),
                  headline=run.headline)  # fmt: skip


def _run(network: str | None, resume: Path | None, options: dict[str, Any], others: dict[str, Any]) -> Run:
    if resume is not None:
        if options or network is not None:
            raise UsageError("a run keeps its original options: "
                             "with --resume only --steps, --keep, figures and --json are allowed")  # fmt: skip
        options = {"resume": resume}
    if resume is None and network is None:
        raise UsageError("train needs a network, such as mlp:widths=32-32, a TOML file, or --resume DIR")
    from_file = network is not None and network.strip().lower().endswith(".toml")
    options |= {"config" if from_file else "network": network} if network is not None else {}
    try:
        return cfdyn.train(**others, **options)
    except Interrupted as stopped:
        interrupts.words(f"interrupted; {stopped.record.status}, and the finished part is in {stopped.record.folder}; "
                         f"resume with: {_goes_on(stopped.record.folder)}")  # fmt: skip
        raise


def _started(folder: Path) -> None:
    interrupts.words(f"interrupted; resume from its last checkpoint with: {_goes_on(folder)}")


def _goes_on(folder: Path) -> str:
    return f"cfdyn train --resume {folder}"


def _predicts(run: Run) -> str | None:
    """The model whose averages are shown: the first that has averages."""
    return next(iter(run.models), None)


def _document(run: Run) -> dict[str, Any]:
    named = _predicts(run)
    averages = {name: run.averages(name) for name in run.models}
    own = averages[named] if named else {"measured": None, "predicted": None}
    wave, (last, first) = run.oscillation, run.ends
    return {
        "run": str(run.folder), "status": run.status, "complete": run.complete, "steps": run.steps,
        "network": run.config.network, "data": None if run.config.own else run.config.data, "weights": run.n_weights,
        "optimizer": run.config.optimizer, "chosen": {"lr": run.config.chosen} if run.config.chosen else {},
        "warm_start": run.config.warm_start, "batch": run.config.batch,
        "sharpness": last["sharpness"], "edge": last["edge"], "eigenvalues": last["eigenvalues"],
        "oscillation": {"period": wave and wave.period, "since": run.since, "kind": wave.kind if wave else "none"},
        "episodes": run.usual_periods.episodes, "lyapunov": _exponents(run),
        "held_sharpness": run.held_sharpness,
        "distances": run.distances, "loss": own["measured"] if named else first, "final_loss": first,
        "predicted_loss": own["predicted"], "averages": averages,
        "gradient_equivalents": run.work.get(named) if named else None, "work": run.work,
        "models": {name: row.status for name, row in run.models.items()}, "remarks": list(run.remarks),
        "headline": run.headline, "bullets": run.bullets,
    }  # fmt: skip


def _exponents(run: Run) -> dict[str, Any] | None:
    """The exponents of the second half of the run, for the last sentence."""
    spectrum = run.later_lyapunov
    return None if spectrum is None else {"since": run.steps // 2, "exponents": spectrum.exponents, "errors": spectrum.errors}


def _print(screen: Screen, run: Run, figures: list[Path]) -> None:
    """Print what was trained, its end compared with the models', and sentences about the iterates."""
    config = run.config
    # All that is read comes before the first line: a file may be damaged.
    rows, headline, bullets = run.summary if len(run.t) else [], run.headline, run.bullets
    chosen = f"  ({config.chosen})" if config.chosen else ""
    screen.facts(
        ("network", f"{config.subject}, {run.n_weights} weights"),
        ("optimizer", f"{config.optimizer}{chosen}" + (f", batches of {config.batch}" if config.batch else "")),
        ("models", f"begin at the midpoint of the iterates at step {config.warm_start} (warm start)") if run.models else None,
        ("status", f"{run.status}, {run.steps} of {config.steps} steps"),
        *(("note", f"{name} {row.status}") for name, row in run.models.items() if row.status.startswith("ended")),
        *(("note", f"{name}: {words}") for name, row in run.models.items() for words in row.notes),
        *(("note", words) for words in run.remarks),
    )  # fmt: skip
    screen.print()
    screen.verdict(headline, bullets)
    screen.print()
    if rows:
        _print_end(screen, run, rows)
        screen.print()
    for figure in figures:
        screen.file("figure", figure)
    screen.file("run", run.folder)
    if not run.complete:
        screen.print(f"resume with: {_goes_on(run.folder)}", wrap=False)


def _print_end(screen: Screen, run: Run, rows: list[list[Any]]) -> None:
    """The last measurement of the optimizer and of each model."""
    models = list(run.models)
    screen.table(("", f"optimizer, step {number(run.t[-1])}", *models), rows,
                 lambda row: [row[0], *("" if value is None else number(value) for value in row[1:])], most=None)  # fmt: skip
