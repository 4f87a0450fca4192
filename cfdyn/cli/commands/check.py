"""``cfdyn check``: a certificate verified from its text."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from cfdyn.cli.command import Answer, command
from cfdyn.cli.output.screen import Screen


@command("file json", group="Proofs and claims", place=81)
def check(file: Annotated[Path, Argument(help="A certificate that 'cfdyn certify' wrote.", metavar="FILE.json")]) -> Answer:
    """Verify a certificate from its text alone.

    The exit status is 1 if it is not valid.

    $ cfdyn check cfdyn-out/chaos-001.json
    """
    from cfdyn.certify.checker.check import check as verify

    answer = verify(file)

    def tables(screen: Screen) -> None:
        if answer.valid:
            screen.print("valid: this is proved")
            screen.print(answer.statement)
        else:
            screen.print(f"not valid: {answer.reason}")

    return Answer(lambda: {"valid": answer.valid, "statement": answer.statement, "reason": answer.reason},
                  tables, status=0 if answer.valid else 1)  # fmt: skip
