"""``cfdyn certify``: a theorem about the map of a formula and an optimizer, with a file that contains its proof."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

import cfdyn
from cfdyn.certify.spellings import MAX, is_max
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import FIGSIZE, OUTPUT, PLOT, STYLE, TITLE, XLIM, YLIM, offers
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import box as as_box
from cfdyn.cli.input.values import varied
from cfdyn.cli.output.files import certificate_place, figure_options
from cfdyn.cli.output.screen import Say, Screen, remark
from cfdyn.cli.proofs import KINDS, Asked, check_options, prove
from cfdyn.errors import UsageError, unknown

if TYPE_CHECKING:
    from cfdyn.certify.certificate import Certificate

IN_PYTHON = re.compile(r"`(most)`|\b(most|longest)=")  # in a reason: there is no such option
STEMS = {"all": "cycles", "none": "no_cycles"}


@command("kind loss period box vary optimizer start settings variables map jobs file plot seed json",
         group="Proofs and claims", place=80)  # fmt: skip
def certify(
    subject: Subject,
    say: Say,
    kind: Annotated[str, Argument(help=f"What to prove: {', '.join(KINDS)}.", show_default=False, autocompletion=offers(others=tuple(KINDS)))],  # noqa: E501
    period: Annotated[str, Option("--period", help="Period of the cycles; KIND none also takes 'above 1' and 'above 2'.", metavar="N")] = "",  # noqa: E501
    box: Annotated[str | None, Option("--box", help="The box: LO:HI for each entry of the state, with KIND edge each weight, then each ν of RMSProp and Adam; for one variable also -inf:inf (the loss's own box if not given).", metavar="LO:HI,…", show_default=False)] = None,  # noqa: E501
    vary: Annotated[list[str] | None, Option("--vary", help="A parameter and its interval: the proof holds for all values. With KIND none HI may be max: as far as the proof extends. Repeat for more.", metavar="NAME=LO:HI", show_default=False)] = None,  # noqa: E501
    jobs: Annotated[int | None, Option("--jobs", min=1, max=1024, help="With KIND all and none: number of processes for a long search (one for each processor if not given).", show_default=False)] = None,  # noqa: E501
    file: Annotated[Path | None, Option("--out", help="File of the certificate (cfdyn-out/KIND-001.json or the next number if not given).", metavar="FILE", show_default=False, rich_help_panel=OUTPUT)] = None,  # noqa: E501
    plot: PLOT = None,
    xlim: XLIM = None,
    ylim: YLIM = None,
    style: STYLE = None,
    figsize: FIGSIZE = None,
    title: TITLE = None,
) -> Answer:
    """Prove a theorem in ball arithmetic: chaos, a cycle, no cycles, …

    It writes a certificate, which 'cfdyn check' verifies. The exit status is 1 if nothing is proved.

    $ cfdyn certify chaos --map "r*x*(1-x)" --set r=3.9 --box 0:1
    $ cfdyn certify cycle double_well --period 2 --optimizer gd:lr=1.1
    """
    from cfdyn.plotting import check_path
    from cfdyn.studies.defaults import usual_box

    if kind not in KINDS:
        raise unknown("kind of proof", kind, KINDS)
    start, bounds = subject.given_start(), _bounds(kind, vary or [])
    check_options(kind, jobs=jobs, period=period, start=start, box=box)
    first = {name: float(pair[0]) for name, pair in bounds.items()}
    subject = subject.with_values(first) if subject.is_map() else subject
    step, loss, _, chosen = subject.map_and_loss(first.get("lr"))
    chosen = {name: how for name, how in chosen.items() if name not in first}
    save, picture = certificate_place(file, STEMS.get(kind, kind)), plot and check_path(plot)
    limits = figure_options(xlim, ylim, plot is not None, style=style, figsize=figsize, title=title)
    chosen |= {} if box is not None else {"box": "not given" if loss is None else "the loss's own"}
    region = usual_box(step, loss) if box is None else as_box(box)
    asked = Asked(step.at(**first), period, region, bounds, start, subject.seed, jobs, own_box=box is None, say=say)
    say("proving")
    proof = prove(kind, asked)
    saved = save(proof) if proof.proved else None
    if picture and proof.proved:
        cfdyn.plot(proof, picture, **limits)
    more = {"file": saved and str(saved), "figures": [str(picture)] if picture and proof.proved else [], "kind": proof.kind}
    document = {**proof.to_json(), **more, "map": step.title, "chosen": chosen}
    return Answer(lambda: document, lambda screen: _print(screen, proof, saved, step.title, chosen), status=int(not proof.proved))


def _bounds(kind: str, vary: list[str]) -> dict[str, Any]:
    """The intervals of parameters, with the upper end "max" if it is to be found."""
    free = [item for item in vary if is_max(item.rpartition(":")[2])]
    if free and kind != "none":
        raise UsageError("an interval up to 'max', as far as the proof extends, is for 'certify none'")
    return dict(map(varied, (v for v in vary if v not in free))) | {n: (lo, MAX) for n, lo in map(_open, free)}


def _open(text: str) -> tuple[str, str]:
    """``lr=0.1:max`` → ("lr", "0.1")."""
    name, _, ends = text.partition("=")
    lo = ends.rpartition(":")[0].strip()
    return varied(f"{name}={lo}:1e300")[0], lo


def _print(screen: Screen, certificate: Certificate, saved: Path | None, title: str, chosen: dict[str, str]) -> None:
    """Print the theorem and its file, or why there is no theorem."""
    screen.facts(("map", f"{title}{remark(chosen, 'lr')}"), ("proved", "yes" if certificate.proved else "no"))
    screen.print()
    screen.print(certificate.statement if certificate.proved else f"Not proved: {certificate.reason}.")
    if not certificate.proved and (named := IN_PYTHON.search(certificate.reason)):
        screen.print(f"'{named[1] or named[2]}' is an argument in Python: cf.certify.{certificate.kind}.")
    if saved:
        screen.file("file", saved)
        screen.file("verify", f"cfdyn check {saved}")
    if certificate.proved and certificate.document and certificate.document["map"].get("limit"):
        screen.print("The map is the one that the optimizer's bias correction tends to.")
