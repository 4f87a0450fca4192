"""``python -m tests.records.schemas``: the schema of each class of records, as ``schemas.json`` has it, written anew.

A file of the old schema is kept in ``before`` first: copy one there from a commit before the change, under the name of its class.
"""

import importlib
import json
import re
from pathlib import Path

from cfdyn.records.record import Record
from cfdyn.records.schemas import schema

LIST = Path(__file__).parent / "schemas.json"
ROOT = Path(__file__).resolve().parents[2]


def now() -> dict[str, str]:
    """By the names of the package's classes."""
    for path in sorted((ROOT / "cfdyn").rglob("*.py")):
        if re.search(r"^class \w+\([^)]*\bRecord\b", path.read_text(encoding="utf-8"), re.MULTILINE):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return {name: schema(kind) for name, kind in sorted(Record.kinds.items()) if kind.__module__.startswith("cfdyn.")}


if __name__ == "__main__":
    LIST.write_text(json.dumps(now(), indent=1) + "\n", encoding="utf-8")
