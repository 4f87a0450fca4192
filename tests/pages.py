"""Put the verdicts of a report on record: ``papers/README.md``, ``papers/verdicts.json`` and the answers on two pages."""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAPERS, FRONT, ALL = ROOT / "papers", ROOT / "README.md", ROOT / "docs" / "questions" / "index.md"
CHOSEN = (1, 3, 4, 8, 9, 10)  # the questions on the front page
ROW = re.compile(r"\| (.+?) \| (.+) \| ([^|]+) \|\n")


def main(report: Path) -> None:
    """Copy the table and the numbers, and put the answers between their marks."""
    shutil.copy(report / "claims.md", PAPERS / "README.md")
    shutil.copy(report / "verdicts.json", PAPERS / "verdicts.json")
    answers = (report / "answers.md").read_text(encoding="utf-8")
    for page, table in ((FRONT, some(answers)), (ALL, every(answers))):
        page.write_text(placed(page.read_text(encoding="utf-8"), table), encoding="utf-8")


def some(answers: str) -> str:
    """The chosen questions, each a link to its page, with their answers."""
    found = rows(answers)
    lines = [f"| [{asked}](docs/questions/{page}.md) | {short} |\n" for asked, short, _, page in (found[k - 1] for k in CHOSEN)]
    return "| question | answer |\n|---|---|\n" + "".join(lines)


def every(answers: str) -> str:
    """All questions, with how the claims under each were decided."""
    lines = [f"| [{asked}]({page}.md) | {short} | {claims} |\n" for asked, short, claims, page in rows(answers)]
    return "| question | answer | its claims |\n|---|---|---|\n" + "".join(lines)


def rows(answers: str) -> list[tuple[str, str, str, str]]:
    """(question, answer, claims, page) of each row of a report's table; a page begins with the question that it answers."""
    quoted = {text.partition("\n> ")[2].partition("\n")[0]: page.stem for page in ALL.parent.glob("*.md") for text in [page.read_text("utf-8")]}
    return [(*row, quoted[row[0]]) for row in ROW.findall(answers)[1:]]


def placed(text: str, table: str) -> str:
    """The page with this table between its marks."""
    begin, end = "<!-- answers: begin -->\n", "<!-- answers: end -->"
    return re.sub(f"{begin}.*?{end}", lambda _: begin + table + end, text, flags=re.DOTALL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
