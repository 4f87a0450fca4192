"""The part of the algebra that fits a report: edge, flip coefficient, flip of the 2-cycles, fold of the 3-cycles."""

from collections.abc import Iterator
from typing import Any

from cfdyn.symbolic.exact.algebra.minima import minima
from cfdyn.symbolic.exact.algebra.solve import all_families, read_system
from cfdyn.symbolic.exact.request import Refused
from cfdyn.symbolic.exact.short import MINIMA, PARTS


def brief(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Name, text, LaTeX and value of each formula, and after each part that it is ``done``."""
    yield from _of_minima(asked)
    yield {"done": MINIMA}
    system = read_system({**asked, "parameters": ["lr"]})
    for n, kind, name in PARTS:
        families = {}
        for family in all_families(system, n):
            for condition in family.bifurcations((kind,)):
                for root in condition["roots"] if condition["kind"] == kind else ():
                    if root["real"]:
                        families[root["value"]] = (root, condition)
        for _, (root, condition) in sorted(families.items(), key=lambda item: float(item[0])):
            text = root["text"] or f"root of {condition['polynomial']}"
            latex = root["latex"] or f"{condition['latex']} = 0"
            yield {"name": name, "text": text, "latex": latex, "value": root["value"]}
        yield {"done": name}


def _of_minima(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    try:
        for minimum in minima(asked):
            if minimum["edge"]:
                grouped.setdefault((minimum["edge"]["text"], minimum["coefficient"]["text"]), []).append(minimum)
    except Refused:  # the cycles may have closed forms all the same
        pass
    for group in grouped.values():
        where = ", ".join(minimum["point"]["text"] for minimum in group)
        for key, name in (("edge", "edge"), ("coefficient", "flip coefficient")):
            yield {"name": f"{name} at w = {where}", **group[0][key], "value": group[0]["values"][key]}
