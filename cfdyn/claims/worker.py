"""A process that checks claims and draws figures: one request per line on stdin, one answer per line on stdout."""

import base64
import io
import json
from typing import Any

from cfdyn.claims import kept
from cfdyn.claims.sources import named, paper_named
from cfdyn.claims.verdict import measure
from cfdyn.errors import readable
from cfdyn.machine.workers import serve


def main() -> None:
    """Answer until stdin ends."""
    kept.begin()
    serve(lambda request: json.dumps(_answer(request)))


def _answer(request: str) -> dict[str, Any]:
    kind, _, name = request.partition(" ")
    if kind == "figure":
        return drawn(*name.split(".", 1))
    claim = named(name)
    kept.read(claim.source)
    measured = measure(claim)
    kept.save(name, measured)
    return measured


def drawn(source: str, name: str) -> dict[str, str]:
    """Draw a figure and keep it: {undecided: why it could not be drawn, or "", picture: PNG in base64}."""
    try:
        paper = paper_named(source)
        kept.read(source)
        figure = paper.figures()[name]()
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=120)
    except Exception as error:
        return {"undecided": f"{type(error).__name__}: {readable(str(error))}", "picture": ""}
    kept.save_figure(source, name, picture.getvalue())
    return {"undecided": "", "picture": base64.b64encode(picture.getvalue()).decode()}


if __name__ == "__main__":
    main()
