"""``cfdyn warm``: compile the code that is kept between runs before it is needed."""

import io
import time
from contextlib import suppress
from dataclasses import replace
from typing import Annotated

from typer import Argument

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.output.screen import Say, Screen
from cfdyn.errors import UsageError

USUAL = ("double_well", "scalar_factorization")  # one weight and two, so that every kernel is needed


@command("losses optimizer settings variables json", group="Catalogues and cache", place=93)
def warm(
    subject: Subject,
    say: Say,
    losses: Annotated[list[str] | None, Argument(metavar="[LOSS]...", help="Formulas in quotes, or names from 'cfdyn list losses' (double_well and scalar_factorization if none is given).", show_default=False)] = None,  # noqa: E501
) -> Answer:
    """Compile in advance the code for a study.

    The next study of these losses then starts at once.

    $ cfdyn warm
    $ cfdyn warm "(w**2-1)**2/4"
    """
    from cfdyn.machine.shelf import usage

    times: dict[str, float] = {}
    for name in losses or USUAL:
        start = time.perf_counter()
        _rehearse(replace(subject, loss=name), name, say)
        times[name] = time.perf_counter() - start
    kinds = usage()

    def tables(screen: Screen) -> None:
        for name, seconds in times.items():
            screen.print(f"{name}: {seconds:.2f} s")
        screen.kept(kinds)

    return Answer(lambda: {"seconds": times, "bytes": sum(size for _, size in kinds.values())}, tables)


def _rehearse(subject: Subject, name: str, say: Say) -> None:
    """Study it without keeping the result; the compiled code is kept."""
    loss, optimizer, open_lr = subject.loss_and_optimizer()
    study = cfdyn.study(loss, optimizer, auto_lr=open_lr, progress=lambda words: say(f"{name}: {words}"))
    say(f"{name}: exponents")
    optimizer = optimizer.at(lr=study.lr)
    cfdyn.analysis.lyapunov(cfdyn.as_map(loss, optimizer), study.start, 100)
    say(f"{name}: flows")
    with suppress(UsageError):  # an optimizer that has no central flow needs none
        cfdyn.solve(cfdyn.flows.central(loss, optimizer), study.start, t=1.0)
    to_edge = cfdyn.flows.central(cfdyn.Loss("(1 - x*y)**2 / 2"), cfdyn.optimizers.gd(lr=0.8))
    cfdyn.solve(to_edge, [1.5, 0.3], t=10.0)  # what holds modes there is compiled only by a path that comes to one
    say(f"{name}: drawing")
    cfdyn.plot(study).savefig(io.BytesIO(), dpi=50)
