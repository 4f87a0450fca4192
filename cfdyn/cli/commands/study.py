"""``cfdyn study``: a complete study of one loss."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import offers
from cfdyn.cli.input.specs import check_flow, flow_names, make_flows
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import Interval, intervals
from cfdyn.cli.models import models_document, print_models
from cfdyn.cli.output.document import fields, moving_edge
from cfdyn.cli.output.screen import MOST_ROWS, YES_NO, Say, Screen, number, remark, vector
from cfdyn.errors import UsageError
from cfdyn.words import listed, shortened

if TYPE_CHECKING:
    from cfdyn.analysis.attractors.bands import Bands
    from cfdyn.analysis.training.compare import Comparison
    from cfdyn.studies.study import Study
    from cfdyn.symbolic.optimizer import Optimizer
    from cfdyn.systems.loss import Loss

VISIBLE = 0.002  # fraction of the range below which a band is too narrow to be visible in the figure
FAR = 10.0  # times as far from 0 as the start: a diverging orbit has left, and no flow models it
LONGEST_FORMULA = 44  # letters, so that a row of the table fits in a line


@command("loss optimizer start settings variables box vary models out plot figure seed csv brief json", group="Study", place=10)
def study(
    subject: Subject,
    say: Say,
    box: Annotated[str | None, Option("--box", help="Where to look for minima: LO:HI for each weight (the loss's own box if not given).", metavar="LO:HI,…")] = None,  # noqa: E501
    vary: Annotated[str | None, Option("--vary", help="Range of the learning rate for the regimes (0.5 to 3 × the edge if not given).", metavar="lr=LO:HI")] = None,  # noqa: E501
    models: Annotated[str | None, Option("--models", help="Flows to put beside the first 300 steps, names from 'cfdyn list flows' (none if not given).", metavar="NAME,…", autocompletion=offers("flows"), show_default=False)] = None,  # noqa: E501
) -> Answer:
    """Everything about one loss: minima, edge, regime, bifurcations, figure.

    The minima and their edges of stability, the regime of one orbit and the regimes over the learning rate, where cycles are
    born, cycles of period 3, proofs where they are possible, and a figure.

    $ cfdyn study double_well
    $ cfdyn study "(1-x*y)**2/2" --optimizer heavy_ball:lr=0.9,momentum=0.5 --models gradient,central
    """
    subject.needs_loss("study", "(w**2-1)**2/4")
    beside = {} if models is None else flow_names(models) or {}
    for text in beside.values():
        check_flow(text)
    with _begun_early(str(subject.loss)):
        loss, optimizer, open_lr = subject.loss_and_optimizer()
        study = cfdyn.study(
            loss, optimizer, subject.given_start(), None if box is None else intervals(box, "--box"),
            None if vary is None else _lr_range(vary), subject.seed, auto_lr=open_lr, progress=say,
        )  # fmt: skip
    compared = _beside(beside, loss, optimizer.at(lr=study.lr), study, say) if beside else None
    return Answer(
        lambda: {**summary(study), "flows": {} if compared is None else models_document(compared)},
        lambda screen: _print(screen, study, compared), headline=study.headline, record=study, certificates=study.certificates,
    )  # fmt: skip


def _beside(names: dict[str, str], loss: Loss, optimizer: Optimizer, study: Study, say: Say) -> Comparison:
    """These flows, compared with the steps that the study keeps."""
    from cfdyn.analysis.training.compare import Comparison

    say("solving the flows")
    flows = make_flows(names, loss, optimizer)
    steps = _near_the_start(study)
    compared = cfdyn.compare(loss, optimizer, flows, study.start, max(2, steps))
    assert isinstance(compared, Comparison)
    if steps < len(study.orbit.z) - 1:
        compared.warnings.insert(0, f"the optimizer diverges, and is compared up to step {max(2, steps)} alone: then a weight is "
                                    f"more than {FAR:g} times as far from 0 as any at the start")  # fmt: skip
    return compared


def _near_the_start(study: Study) -> int:
    """The last step of the orbit that is informative about a path: the last one, unless it diverges."""
    import numpy as np

    size = np.abs(study.orbit.z[:, : study.orbit.n_weights].astype(float)).max(axis=1)
    far = size > FAR * (1 + size[0]) if study.regime.kind == "divergent" else np.zeros(len(size), bool)
    return (int(far.argmax()) if far.any() else len(size)) - 1


def _begun_early(loss: str) -> AbstractContextManager[None]:
    """A context in which the process for the algebra of a new formula runs, if one is needed."""
    from cfdyn.registry import catalogue
    from cfdyn.symbolic.exact.process import begun
    from cfdyn.symbolic.exact.short import PATIENCE
    from cfdyn.symbolic.text.formula import is_kept

    text = loss.strip()
    new = text and text.partition(":")[0].strip() not in catalogue("losses").names() and not is_kept(text)
    # A study of a new formula, its kernels kept: 4.3 s instead of 5.1 on two busy processors (SymPy 1.14).
    return begun(PATIENCE) if new else nullcontext()


def _lr_range(text: str) -> Interval:
    from cfdyn.systems.minima import FARTHEST

    name, equals, interval = text.partition("=")
    if name.strip() != "lr" or not equals:
        raise UsageError(f"study varies the learning rate only: --vary lr=lo:hi, not {text!r}")
    lo, hi = intervals(interval, "--vary lr")[0]
    if not 0 < lo < hi <= FARTHEST:
        raise UsageError(f"--vary lr needs 0 < lo < hi, at most {FARTHEST:g}, not {text!r}")
    return lo, hi


def summary(study: Study) -> dict[str, Any]:
    """The study's findings under the command line's documented keys."""
    regime, flip, edge = study.regime, study.flip, study.edge
    return {
        "loss": study.title, **fields(study, "weights optimizer lr start chosen"),
        "regime": regime.kind, **fields(regime, "period multipliers lyapunov points residual reason inject unperturbed"),
        "edge": edge and edge.value, "no_edge": study.no_edge,
        "flip": flip and {"lr": edge and edge.value, **fields(flip, "coefficient supercritical meaning")},
        "minima": [fields(m, "w loss sharpness edge kind") for m in study.minima],
        "bands": [{"lo": lo, "hi": hi, "regime": name} for lo, hi, name in study.bands.bands],
        "resolution": study.bands.resolution,
        "cycles": None if study.cycles is None else [fields(c, "points period multipliers stable") for c in study.cycles],
        "cycles_complete": None if study.cycles is None else study.cycles.complete,
        "cycles_reason": "" if study.cycles is None else study.cycles.reason,
        "flips": [] if study.cascade is None else study.cascade.flips,
        "flips_end": "" if study.cascade is None else study.cascade.reason,
        "accumulation": study.cascade and study.cascade.accumulation, "delta": study.cascade and study.cascade.delta,
        "windows": [fields(w, "period opens superstable flips closes") for w in study.windows],
        **moving_edge(study.hovering, study.no_hovering), **fields(study, "exact unfinished headline bullets verdict unproved"),
        "certificate": [{"kind": c["kind"], "statement": c["statement"]} for c in study.certificates],
    }  # fmt: skip


def _print(screen: Screen, study: Study, compared: Comparison | None) -> None:
    """Print the weights that were read from the formula, the verdict, and the tables that support it."""
    screen.print(f"{len(study.weights)} weight{'s' * (len(study.weights) != 1)}: {listed(study.weights, MOST_ROWS)}")
    screen.facts(("loss", study.title), ("optimizer", f"{study.optimizer}{remark(study.chosen, 'lr')}"),
                 ("start", f"{vector(study.start)}{remark(study.chosen, 'start')}"))  # fmt: skip
    screen.print()
    screen.verdict(study.headline, study.bullets)
    screen.print()
    screen.heading(f"Minima found: {len(study.minima)}")
    screen.table(("weights", "loss", "sharpness", "2/λ", "kind"), study.minima,
                 lambda m: (vector(m.w), number(m.loss), number(m.sharpness), number(m.edge), m.kind))  # fmt: skip
    screen.print()
    if study.cycles:
        screen.heading("3-cycles at this learning rate", " (float search, no proof)")
        screen.table(("points", "multiplier", "stable"), [*study.cycles],
                     lambda c: (vector(c.points), vector(c.multipliers), YES_NO[c.stable]))  # fmt: skip
        screen.print()
    if study.certificates or study.unproved:
        screen.heading("Proved in ball arithmetic" if study.certificates else "Nothing is proved")
        for certificate in study.certificates:
            screen.print(certificate["statement"])
        for reason in study.unproved:
            screen.print(f"Not proved: {reason}.")
        screen.print()
    _print_landmarks(screen, study)
    _print_bands(screen, study.bands, study.lr)
    if compared is not None:
        screen.heading("Flows beside the first steps")
        print_models(screen, compared)
        screen.print()


def _print_landmarks(screen: Screen, study: Study) -> None:
    """Print a table of the learning rates at which the behaviour changes, with their formulas."""
    from cfdyn.studies.landmarks import landmarks

    rows = landmarks(study)
    if rows:
        screen.heading("Landmarks over lr")
        screen.table(("lr", "what", "formula"), rows,
                     lambda row: (f"{row.value:.12g}", row.what, shortened(row.formula, LONGEST_FORMULA)))  # fmt: skip
        screen.print()


def chosen_bands(bands: Sequence[tuple[float, float, str]], at: float) -> set[int]:
    """The bands to show: those that must not be missed, and the widest of the rest that are wide enough to see."""
    first = {name: k for k, (_, _, name) in reversed([*enumerate(bands)]) if name != "unresolved"}
    needed = {*first.values(), *(k for k, (lo, hi, _) in enumerate(bands) if lo <= at <= hi)}
    visible = VISIBLE * (bands[-1][1] - bands[0][0])
    widest = sorted((k for k, (lo, hi, _) in enumerate(bands) if hi - lo >= visible), key=lambda k: bands[k][0] - bands[k][1])
    return {*needed, *[k for k in widest if k not in needed][: max(MOST_ROWS - len(needed), MOST_ROWS // 2)]}


def _print_bands(screen: Screen, bands: Bands, at: float) -> None:
    """Print the first band of each regime, that of the requested value, and the widest others, in order of the parameter."""
    kept = chosen_bands(bands.bands, at)
    shown = [band for k, band in enumerate(bands.bands) if k in kept]
    how = f", same start, sampled every {bands.resolution:.2g} or closer{', perturbed where round-off decides' * bands.perturbed}"
    screen.heading(f"Regimes over {bands.parameter}", how)
    screen.table(("from", "to", "regime"), shown, lambda band: (number(band[0]), number(band[1]), band[2]), most=None)
    screen.left_out(len(bands.bands) - len(shown))
    if any(name == "unresolved" for _, _, name in shown):
        screen.print("unresolved: regimes change within less than the samples resolve, or were not looked at for want of time")
    screen.print()
