"""The one file: the modules of ``page/``, the style, and the scene, under a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import Any

IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=async function|function|class|const)", re.MULTILINE)
PLACES = re.compile("@(POLICY|STYLE|SCENE|SCRIPT|WORK)@")
WORKER = "work.js"  # the module that runs beside the page
SERVED = "served.js"  # the module of a page that a server shows
NOTEBOOK, WIDGET = "notebook.js", "widget.js"  # the module of a page in a notebook, and what the notebook itself runs


def source(name: str) -> str:
    """The text of a file of the page."""
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def script(entry: str = "main.js") -> str:
    """All modules that the module ``entry`` needs as one, each behind those that it imports; their names are unique."""
    texts, waiting = dict[str, str](), [entry]
    while waiting:
        if (name := waiting.pop()) not in texts:
            texts[name] = source(name)
            waiting += IMPORT.findall(texts[name])
    order = TopologicalSorter({name: IMPORT.findall(text) for name, text in sorted(texts.items())}).static_order()
    return "\n".join(EXPORT.sub("", IMPORT.sub("", texts[name])).strip() for name in order)


def embedded(scene: Mapping[str, Any]) -> str:
    """JSON that no text in it ends: < stands as an escape.

    >>> embedded({"formula": "</script>"})
    '{"formula": "\\\\u003c/script>"}'
    """
    return json.dumps(scene, allow_nan=False).replace("<", "\\u003c")


def policy(style: str, script: str, served: bool = False) -> str:
    """The Content-Security-Policy: this style, this script (in a worker too), WebAssembly; requests to its server alone."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    return "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}' 'wasm-unsafe-eval'; worker-src blob:; base-uri 'none'; form-action 'none'".format(*hashes) + ("; connect-src 'self'" if served else "")  # noqa: E501


def document(scene: Mapping[str, Any], entry: str = "main.js") -> str:
    """The page as text; its host is the module ``entry``."""
    parts = {"STYLE": source("page.css").strip(), "SCRIPT": script(entry), "WORK": script(WORKER), "SCENE": embedded(scene)}
    parts["POLICY"] = policy(parts["STYLE"], parts["SCRIPT"], served=entry == SERVED)
    return PLACES.sub(lambda place: parts[place[1]], source("page.html"))
