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
    from cfdyn.systems.loss import Loss
    from cfdyn.systems.map import Map

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
    made: tuple[Any, Any]
    if subject.map is not None:
        step, start, chosen = subject.map_and_state()
        made, about = (step, None), [("map", step.title)]
    else:
        subject.needs_loss("explore", "(1-x*y)**2/2")
        loss, optimizer, start, chosen = subject.complete()
        made, about = (loss, optimizer), [("loss", loss.spec.title), ("optimizer", f"{optimizer}{remark(chosen, 'lr')}")]
    say("compiling the page")
    written = cfdyn.live(made[0], made[1], page, start, landmarks, say, **ranges)
    size = written.stat().st_size

    return Answer(
        lambda: {"file": str(written), "bytes": size, "start": start, "chosen": chosen},
        lambda screen: screen.facts(
            *about,
            ("start", f"{vector(start)}{remark(chosen, 'start')}"),
            ("page", f"{written}, {size / 1000:.0f} kB; open it in a browser"),
        ),
    )


def _served(subject: Subject, ranges: Ranges, port: int, browser: bool) -> Answer:
    """The server runs while its answer is shown, after the progress of the command."""
    import webbrowser

    from cfdyn.cli import interrupts
    from cfdyn.explorer.map_scene import checked_map
    from cfdyn.explorer.question import Question
    from cfdyn.explorer.scene import refuse
    from cfdyn.explorer.server import serve

    own: Loss | Map
    if subject.map is not None and subject.is_map():
        own, optimizer = checked_map(subject.make_map()), ""
    else:
        given = subject if subject.loss is not None else replace(subject, loss=DOUBLE_WELL)
        own = refuse(given.loss_and_optimizer()[0])
        optimizer = given.optimizer if subject.loss or given.optimizer != "gd" else "gd:lr=1.46"
    first = Question("", "", "", optimizer, subject.start or "")

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
