"""Put the verdicts of a report on record: ``papers/README.md``, ``papers/verdicts.json`` and the answers on the front page."""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAPERS, FRONT = ROOT / "papers", ROOT / "README.md"


def main(report: Path) -> None:
    """Copy the table and the numbers, and put the answers between their marks."""
    shutil.copy(report / "claims.md", PAPERS / "README.md")
    shutil.copy(report / "verdicts.json", PAPERS / "verdicts.json")
    answers = (report / "answers.md").read_text(encoding="utf-8")
    text = FRONT.read_text(encoding="utf-8")
    FRONT.write_text(placed(text, answers), encoding="utf-8")


def placed(text: str, answers: str) -> str:
    """The front page with these answers."""
    begin, end = "<!-- answers: begin -->\n", "<!-- answers: end -->"
    return re.sub(f"{begin}.*?{end}", lambda _: begin + answers + end, text, flags=re.DOTALL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
