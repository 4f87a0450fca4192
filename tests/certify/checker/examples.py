"""The certificates that are kept beside the tests: one or more of each kind."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.json"))


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text()


def document(name: str) -> dict[str, Any]:
    """A copy of the object in one of the files."""
    return json.loads(_text(name))
