"""The style of the page's modules: they parse, import what is there and use it, and have no loose comparisons."""

from __future__ import annotations

import re

import pytest

from tests.explorer.page import FOLDER, NODE, needs_node
from tests.processes import finished

MODULES = sorted(FOLDER.glob("*.js"), key=lambda path: path.name)
IMPORTS = re.compile(r'^import \{([^}]*)\} from "\./(\w+\.js)";', re.MULTILINE)
NAMED = re.compile(r"^export (?:async )?(?:function\*?|class|const) (\w+)", re.MULTILINE)
TOP = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)
TEXTS = re.compile(r"//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"")


def code(text: str) -> str:
    """Without comments and texts."""
    return TEXTS.sub('""', text)


@needs_node
def test_every_module_parses(tmp_path):
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for module in MODULES:
        (tmp_path / module.name).write_bytes(module.read_bytes())
    wrong = [done.stderr for module in MODULES if (done := finished([NODE, "--check", module.name], cwd=tmp_path)).returncode]
    assert wrong == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_its_imports_are_there_and_are_used_and_comparisons_are_strict(module):
    text = module.read_text(encoding="utf-8")
    body = code(IMPORTS.sub("", text))
    for names, source in IMPORTS.findall(text):
        wanted = [name.strip() for name in names.split(",")]
        offered = re.findall(r"^export [^\n]*", (FOLDER / source).read_text(encoding="utf-8"), re.MULTILINE)
        assert set(wanted) <= set(re.findall(r"\w+", " ".join(offered)))
        assert [name for name in wanted if not re.search(rf"\b{name}\b", body)] == []
    assert re.findall(r"(?<![=!<>])[=!]=(?!=)", body) == [] and re.findall(r"\bvar\b|\bdebugger\b|console\.log", body) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_what_it_declares_is_used(module):
    text = module.read_text(encoding="utf-8")
    exported, others = set(NAMED.findall(text)), "".join(one.read_text(encoding="utf-8") for one in MODULES if one != module)
    body = code(text)
    dead = [name for name in TOP.findall(text) if len(re.findall(rf"\b{name}\b", text)) < 2 and (name not in exported or not re.search(rf"\b{name}\b", others))]
    assert dead == [] and body
