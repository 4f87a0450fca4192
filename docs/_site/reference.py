"""``.. room:: cfdyn.losses``: the reference of a package's public names, or of a folder's, from docstrings; no list to keep."""

from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from .names import entries


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_directive("room", Room)
    app.connect("doctree-read", as_written)
    app.connect("missing-reference", led)
    return {"parallel_read_safe": True}


class Room(SphinxDirective):
    """All public names of a package, or of the folder that a second word names, each in the contents beside the page."""

    required_arguments, optional_arguments = 1, 1

    def run(self) -> list[nodes.Node]:
        """The documentation of each, as autodoc makes it."""
        lines = [line for entry in entries(*self.arguments) for line in (*entry, "")]
        return self.parse_text_to_nodes(StringList(lines, "room"), allow_section_headings=True)


def as_written(app: Sphinx, page: nodes.document) -> None:
    """Names as users write them, with ``cf.``; records, which functions make, by their names alone."""
    for before in page.findall(addnodes.desc_addname):
        words = before.astext().split(".")
        written = "" if before.parent["fullname"][:1].isupper() and len(words) > 2 else ".".join(["cf", *words[1:]])
        before[:] = [nodes.Text(written)]


def led(app: Sphinx, env: Any, node: addnodes.pending_xref, inside: nodes.Node) -> nodes.Node | None:
    """Where a name in a docstring leads: `gd`, `cf.study` or `Regime`, if one public thing alone has that name."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].removeprefix("cf.").removesuffix("()")
    matches = env.domains["py"].find_obj(env, None, None, target, None, 1)
    found = {match[1].docname + "#" + match[1].node_id: match for match in matches}
    if len(found) != 1:
        return None
    ((name, entry),) = found.values()
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, inside, name)
