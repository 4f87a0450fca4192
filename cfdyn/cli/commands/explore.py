"""``cfdyn explore``: a page on which one drags the start and the parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import OUTPUT
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import varied
from cfdyn.cli.output.screen import Say, remark, vector

PAGE = Path("explore.html")


@command("loss optimizer start settings variables vary page seed json", group="Orbits", place=23)
def explore(
    subject: Subject,
    say: Say,
    vary: Annotated[list[str] | None, Option("--vary", help="A parameter and the range of its slider; the orbit diagram is over the first (lr if not given). Repeat for more.", metavar="NAME=LO:HI", show_default=False)] = None,  # noqa: E501
    page: Annotated[Path, Option("--out", help="File of the page.", metavar="FILE", rich_help_panel=OUTPUT)] = PAGE,
) -> Answer:
    """A page that computes in the browser: drag the start and the parameters.

    One file of HTML for a loss of one or two weights: its curve with the iterates, the cobweb or the sharpness over steps, the
    orbit diagram, and the verdict. It needs no server and no network.

    $ cfdyn explore double_well --optimizer gd:lr=1.46 --out page.html
    $ cfdyn explore "a*(1-x*y)**2/2" --set a=1 --vary lr=0.5:1.5 --vary a=0.5:2
    """
    subject.needs_loss("explore", "(1-x*y)**2/2")
    loss, optimizer, start, chosen = subject.complete()
    say("compiling the page")
    ranges = {name: (float(lo), float(hi)) for name, (lo, hi) in map(varied, vary or [])}
    written = cfdyn.live(loss, optimizer, page, start, **ranges)
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
