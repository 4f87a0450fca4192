"""``cfdyn explore``: a page with a draggable start and parameters."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import OUTPUT
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import varied
from cfdyn.cli.output.document import print_json
from cfdyn.cli.output.screen import Say, remark, vector

if TYPE_CHECKING:
    from cfdyn.explorer.question import Question
    from cfdyn.systems.loss import Loss

Ranges = dict[str, Any]  # (lo, hi) of parameters
DOUBLE_WELL = "(w**2-1)**2/4"  # where no loss is given


@command("loss optimizer start settings variables map vary page landmarks port browser seed json", group="Orbits", place=23)
def explore(
    subject: Subject,
    say: Say,
    vary: Annotated[list[str] | None, Option("--vary", help="A parameter and the range of its slider; the orbit diagram is over the first (lr if not given). Repeat for more.", metavar="NAME=LO:HI", show_default=False)] = None,  # noqa: E501
    page: Annotated[Path | None, Option("--out", help="Write the page to this file, without a server.", metavar="FILE", show_default=False, rich_help_panel=OUTPUT)] = None,  # noqa: E501
    landmarks: Annotated[float, Option("--landmarks", min=0, help="Most seconds for landmarks, proofs and branches, which the page of --out shows; 0: none.", metavar="SECONDS")] = 60.0,  # noqa: E501
    port: Annotated[int, Option("--port", min=0, max=65535, help="Port of the server on this computer (a free one if not given).", show_default=False)] = 0,  # noqa: E501
    browser: Annotated[bool, Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
) -> Answer:
    """A page that computes in the browser: drag the start and the parameters.

    The loss of one or two weights, or a map (--map), with the iterates, the cobweb or the sharpness over steps, the orbit
    diagram, and the verdict. A server on this computer alone takes other formulas, studies and proves, until Ctrl-C; with --out
    the page is one file of HTML that needs no server and no network.

    $ cfdyn explore double_well --optimizer gd:lr=1.46 --out page.html
    $ cfdyn explore --map "r*x*(1-x)" --set r=3.83 --vary r=2.8:4 --out logistic.html
    """
    ranges: Ranges = {name: (float(lo), float(hi)) for name, (lo, hi) in map(varied, vary or [])}
    if page is None:
        return _served(subject, ranges, port, browser)
    if subject.map is not None:
        return _map_on_a_page(subject, page, ranges, say)
    subject.needs_loss("explore", "(1-x*y)**2/2")
    loss, optimizer, start, chosen = subject.complete()
    say("compiling the page")
    written = cfdyn.live(loss, optimizer, page, start, landmarks, say, **ranges)
    size = written.stat().st_size

    return Answer(
        lambda: {"file": str(written), "bytes": size, "start": start, "chosen": chosen},
        lambda screen: screen.facts(
            ("loss", loss.spec.title),
            ("optimizer", f"{optimizer}{remark(chosen, 'lr')}"),
            ("start", f"{vector(start)}{remark(chosen, 'start')}"),
            ("page", f"{written}, {size / 1000:.0f} kB; open it in a browser"),
        ),
    )


def _map_on_a_page(subject: Subject, page: Path, ranges: Ranges, say: Say) -> Answer:
    """The page of ``--map``."""
    step, start, chosen = subject.map_and_state()
    say("compiling the page")
    written = cfdyn.live(step, None, page, start, 0, say, **ranges)
    size = written.stat().st_size

    return Answer(
        lambda: {"file": str(written), "bytes": size, "start": start, "chosen": chosen},
        lambda screen: screen.facts(
            ("map", step.title),
            ("start", f"{vector(start)}{remark(chosen, 'start')}"),
            ("page", f"{written}, {size / 1000:.0f} kB; open it in a browser"),
        ),
    )


def _served(subject: Subject, ranges: Ranges, port: int, browser: bool) -> Answer:
    """The server runs while its answer is shown, after the progress of the command."""
    from cfdyn.explorer.question import Question
    from cfdyn.explorer.scene import refuse

    if subject.map is not None and subject.is_map():
        step = subject.make_map()
        text = "; ".join(f"{name} -> {one}" for name, one in zip(step.names, subject.map.split(";"), strict=True))
        params = ",".join(f"{name}={value!r}" for name, value in step.params.items())
        return _answers(None, Question(text, "", params, "", subject.start or ""), ranges, port, browser)
    given = subject if subject.loss is not None else replace(subject, loss=DOUBLE_WELL)
    loss = refuse(given.loss_and_optimizer()[0])
    first = Question("", "", "", given.optimizer if subject.loss or given.optimizer != "gd" else "gd:lr=1.46", given.start or "")

    return _answers(loss, first, ranges, port, browser)


def _answers(own: Loss | None, first: Question, ranges: Ranges, port: int, browser: bool) -> Answer:
    import webbrowser

    from cfdyn.cli import interrupts
    from cfdyn.explorer.server import serve

    def tell(address: str, as_json: bool) -> None:
        interrupts.words("the page is no longer served")
        if as_json:
            print_json({"url": address})
        else:
            print(f"{address}  (Ctrl-C stops it)")
        sys.stdout.flush()
        if browser:
            webbrowser.open(address)

    def run(as_json: bool) -> NoReturn:
        serve(own, first, ranges, port, lambda address: tell(address, as_json))
        raise KeyboardInterrupt

    return Answer(lambda: run(True), lambda screen: run(False))
