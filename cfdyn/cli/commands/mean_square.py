"""``cfdyn mean-square``: whether the mean square of SGD's distance from a point decays or grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Screen, cell, number, remark, vector
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.systems.sgd.batch_measures import Measure
    from cfdyn.systems.sgd.mean_square import MeanSquare

KEYS = ("w lr batch replace rows radius stable full_batch largest_lr smallest_batch sharp slow flat negative dropped "
        "sharpness_along residual curvatures matrix rates radii")  # fmt: skip
RATES = 80  # of the figure's curve
VERDICT = {True: "dies out", False: "grows", None: "stays"}


@command("loss rows optimizer start replace cut width settings variables out plot figure seed csv json",
         group="Stochastic gradients", place=62)  # fmt: skip
def mean_square(
    subject: Subject,
    rows: Annotated[int, Option("--batch", min=1, help="Rows in a mini-batch.")] = 1,
    replace: Annotated[bool, Option("--replace/--no-replace", help="Draw the rows of a mini-batch with replacement, or without.")] = True,  # noqa: E501
    cut: Annotated[float, Option("--cut", min=0.0, help="Least lr·λ of a direction to include; 0 at a minimum of all rows.")] = 0.1,  # noqa: E501
    width: Annotated[float, Option("--width", min=1.0, help="Directions within this factor of the cut are included in part.")] = 1.0,  # noqa: E501
    figure: Annotated[bool, Option("--figure/--no-figure", help="Draw the figure, or skip it.")] = True,
) -> Answer:
    """Mean-square stability of SGD at a point.

    Does the mean-square distance from the point grow? With published measures and their thresholds.

    $ cfdyn mean-square tanh_network --batch 2
    $ cfdyn mean-square linear_network --optimizer gd:lr=0.1
    """
    subject.needs_loss("mean-square", "tanh_network")
    loss, optimizer, open_lr = subject.loss_and_optimizer()
    if optimizer.name != "gd":
        raise UsageError(f"mean-square is for plain stochastic gradient descent, gd, not for {optimizer.name}")
    chosen, w = {}, subject.given_start()
    if w is None:
        minima = subject.minima(loss)
        if not minima:
            raise UsageError("no minimum was found; name a point with --start")
        w, chosen["start"] = minima[0].w.tolist(), "the lowest minimum"
    lr = optimizer.params["lr"]
    if open_lr:
        sharpness = loss.sharpness(w)
        if not 0 < sharpness < float("inf"):
            raise UsageError("the point has no positive curvature to choose a learning rate by; give one: --optimizer gd:lr=0.1")
        lr, chosen["lr"] = 1 / sharpness, "half the edge of gradient descent"
    answer = cfdyn.mean_square(loss, w, lr, rows, replace, cut, width, RATES if figure else 0)

    def document() -> dict:
        measures = [fields(m, "name value threshold ratio source") for m in answer.measures]
        settings = {"loss": loss.spec.title, "cut": cut, "width": width, "chosen": chosen}
        return {**fields(answer, KEYS), "measures": measures, **settings}

    return Answer(document, lambda screen: _print(screen, answer, loss.spec.title, chosen), record=answer)


def _print(screen: Screen, measured: MeanSquare, title: str, chosen: dict[str, str]) -> None:
    """The answer and the measures."""
    drawn = "with" if measured.replace else "without"
    screen.facts(
        ("loss", f"{title}, {measured.rows} rows"),
        ("point", f"{vector(measured.w)}{remark(chosen, 'start')}"),
        ("learning rate", f"{number(measured.lr)}{remark(chosen, 'lr')}"),
        ("batch", f"{measured.batch}, drawn {drawn} replacement"),
        ("directions", _directions(measured)),
    )
    screen.print()
    radius, full = number(measured.radius), number(measured.full_batch)
    if measured.sharp:
        screen.print(f"The mean square of the distance {VERDICT[measured.stable]}: a step multiplies it by {radius} on the sharp "
                     f"directions, one of the full batch by {full}.")  # fmt: skip
    else:
        screen.print("No direction is sharp at this learning rate, so nothing is said of the mean square of the distance.")
    batch = "none" if measured.smallest_batch is None else str(measured.smallest_batch)
    screen.facts(
        ("largest stable learning rate", number(measured.largest_lr)),
        ("smallest stable batch", batch),
        ("mean curvature of what grows fastest", cell(measured.sharpness_along)),
        ("left out, relative to the noise", "nothing: exact" if measured.dropped == 0 else cell(measured.dropped)),
    )
    screen.print()
    screen.table(("measure", "value", "threshold", "value / threshold", "source"), measured.measures, _row, most=None)


def _row(m: Measure) -> list[str]:
    return [m.name, cell(m.value), cell(m.threshold), cell(m.ratio), m.source]


def _directions(measured: MeanSquare) -> str:
    kinds = {"sharp": measured.sharp, "slow": measured.slow, "flat": measured.flat, "of negative curvature": measured.negative}
    return ", ".join(f"{count} {words}" for words, count in kinds.items() if count is not None and (count or words == "sharp"))
