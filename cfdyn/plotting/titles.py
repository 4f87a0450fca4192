"""Titles of figures: the subject of a record, in words and typeset formulas."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cfdyn.plotting.style import symbol
from cfdyn.registry import title
from cfdyn.words import shortened

LONGEST = 110  # letters of a formula's text that is typeset
MOST_VALUES = 4  # letters of parameters next to the map
UNTOLD = ("eps",)  # parameters that no title needs
_MAP = re.compile(r"(?P<before>.*\bof )?(?P<name>[a-z]\w*)(:(?P<set>\S+))? on (?P<loss>.+?)(?P<more>, noise .*)?")
_OPERATORS = {ast.Add: ("+", 1), ast.Sub: ("-", 1), ast.Mult: (r"\,", 2)}
_FUNCTIONS = {"log": r"\log", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "sinh": r"\sinh",
              "cosh": r"\cosh", "tanh": r"\tanh", "exp": r"\exp", "Max": r"\max", "Min": r"\min"}  # fmt: skip
# What may follow a fraction in a line, and precede it; and signs that need brackets above.
_ALONE, _BEGUN = re.compile(r"\s*($|[-+=$,;)}]|\\right|\\to)"), re.compile(r"(^|[-+=$,;({]|\\to|\\mapsto)\s*$")
_LOOSE = re.compile(r"[-+/]")
_TIGHT = 4  # the precedence of expressions that need no brackets


def map_title(settings: Mapping[str, Any], varied: Sequence[str] = (), most: int = 95) -> str:
    """The map of a record, typeset, and the values of parameters that are not ``varied``; formulas that are too long are cut.

    >>> map_title({"map": "gd:lr=0.5 on (w**2 - 1)**2/4", "params": {"lr": 0.5}})
    'gradient descent on $\\\\frac{(w^{2}-1)^{2}}{4}$, $\\\\eta=0.5$'
    >>> map_title({"map": "x → a*x + b", "params": {"a": 0.5, "b": 2.0}}, ["a"])
    '$x\\\\to a\\\\,x+b$, $b=2$'
    """
    params = settings.get("params") or {}
    return ", ".join([typeset(str(settings.get("map", "")), most, params), *values(params, varied)])


def typeset(text: str, most: int = 95, params: Mapping[str, Any] | None = None) -> str:
    """An optimizer on a loss, a flow of it or a map, with typeset formulas; settings that are among ``params`` are omitted."""
    found = _MAP.fullmatch(text)
    if found is None and "→" in text and len(text) <= LONGEST:
        return "; ".join(map(_mapping, text.split("; ")))
    if found is None:
        return shortened(text, most)
    name, *values = optimizer_title(f"{found['name']}:{found['set'] or ''}", params).split(", ")
    return ", ".join([f"{found['before'] or ''}{name} on {loss_title(found['loss'], most)}", *values]) + (found["more"] or "")


def optimizer_title(text: str, params: Mapping[str, Any] | None = None) -> str:
    """An optimizer with those of its settings that are not among ``params``.

    >>> optimizer_title("heavy_ball:lr=0.5,momentum=0.9")
    'heavy ball, $\\\\eta=0.5$, $\\\\beta=0.9$'
    """
    name, _, given = text.partition(":")
    return ", ".join(["a custom rule" if name == "custom" else title("optimizers", name), *_settings(given, params)])


def spelled_out(text: str) -> str:
    """Entries of catalogues with their settings in brackets.

    >>> spelled_out("mlp:widths=8 on digits:classes=2,n=60")
    'mlp (widths = 8) on digits (classes = 2, n = 60)'
    """
    return re.sub(r":(\S+)", lambda found: f" ({found[1].replace('=', ' = ').replace(',', ', ')})", text)


def loss_title(text: str, most: int = 95) -> str:
    """A loss: its name in words, or its formula.

    >>> loss_title("double_well:a=2"), loss_title("exp(w) - 2*w")
    ('double well, $a=2$', '$\\\\exp(w)-2\\\\,w$')
    """
    name, _, given = text.partition(":")
    if re.fullmatch(r"[a-z]\w*", name) and (given or "_" in name or len(name) > 2):
        return ", ".join([title("losses", name), *_settings(given, None)])
    formula = typeset_formula(text)
    return f"${formula}$" if formula else shortened(text, most)


def typeset_formula(text: str) -> str:
    """A formula for mathtext, in the order in which it was written; empty if it is too long or not plain arithmetic."""
    try:
        return _tex(ast.parse(text, mode="eval").body)[0] if len(text) <= LONGEST else ""
    except (SyntaxError, ValueError, RecursionError):
        return ""


def in_line(tex: str) -> str:
    """LaTeX with its fractions written with a slash, in brackets where these are needed.

    >>> print(in_line(r"$\\frac{(w^{2}-1)^{2}}{4}$, $\\frac{1}{a+1}w$"))
    $(w^{2}-1)^{2}/4$, $(1/(a+1))w$
    """
    while (start := tex.rfind(r"\frac{")) >= 0:
        middle = _closed(tex, start + 5)
        end = _closed(tex, middle)
        above, below = tex[start + 6 : middle - 1], tex[middle + 1 : end - 1]
        above = f"({above})" if _LOOSE.search(_nested(above)) else above
        below = below if re.fullmatch(r"\\?\w+(\^\{\w+\})?|\([^()]*\)", below) else f"({below})"
        factor = not _ALONE.match(tex[end:]) or not _BEGUN.search(tex[:start])
        tex = tex[:start] + (f"({above}/{below})" if factor else f"{above}/{below}") + tex[end:]
    return tex


def _closed(tex: str, start: int) -> int:
    """The place after the brace that closes the one at a place."""
    depth = 0
    for k in range(start, len(tex)):
        depth += (tex[k] == "{") - (tex[k] == "}")
        if depth == 0:
            return k + 1
    return len(tex)


def _nested(tex: str) -> str:
    """LaTeX without what stands in braces or brackets."""
    while (shorter := re.sub(r"\{[^{}]*\}|\([^()]*\)", "", tex)) != tex:
        tex = shorter
    return tex


def _mapping(part: str) -> str:
    name, _, rule = part.partition(" → ")
    rule, bracket, more = rule.partition(" (mod ")
    formula = typeset_formula(rule)
    return rf"${symbol(name).strip('$')}\to {formula}${bracket}{more}" if formula else part


def _settings(text: str, params: Mapping[str, Any] | None) -> list[str]:
    """The settings of a specification that have values, except those among the parameters, and switches that are off."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    hidden = {*(params or {}), *UNTOLD}
    kept = [(name, value) for name, _, value in pairs if value not in ("", "false") and name not in hidden]
    return [f"{name.replace('_', ' ')}" if value == "true" else _value(name, value) for name, value in kept]


def values(params: Mapping[str, Any], varied: Sequence[str]) -> list[str]:
    """Parameters that are not varied, with their values; none if there are many."""
    told = [_value(name, f"{value:g}") for name, value in params.items() if name not in varied and name not in UNTOLD]
    return told if len(told) <= MOST_VALUES else []


def _value(name: str, value: str) -> str:
    number = typeset_formula(value)
    return f"${symbol(name).strip('$')}={number}$" if number and "$" in symbol(name) else f"{name.replace('_', ' ')} = {value}"


def _tex(node: ast.AST) -> tuple[str, int]:
    """LaTeX, and the precedence of its outermost operation: 1 sums, 2 products, 3 signs and powers, 4 the rest."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return _number(node.value)
    if isinstance(node, ast.Name) and node.id == "pi":
        return r"\pi", _TIGHT
    if isinstance(node, ast.Name):
        return symbol(node.id).strip("$") if "$" in symbol(node.id) else rf"\mathrm{{{node.id}}}".replace("_", r"\_"), _TIGHT
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"-{_within(node.operand, 2)}", 1
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, [_tex(argument)[0] for argument in node.args]), _TIGHT
    if isinstance(node, ast.BinOp):
        return _operation(node)
    raise ValueError(ast.dump(node))


def _operation(node: ast.BinOp) -> tuple[str, int]:
    if isinstance(node.op, ast.Pow):
        return f"{_within(node.left, _TIGHT)}^{{{_tex(node.right)[0]}}}", 3
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{_tex(node.left)[0]}}}{{{_tex(node.right)[0]}}}", 3
    if type(node.op) not in _OPERATORS:
        raise ValueError(ast.dump(node))
    sign, binding = _OPERATORS[type(node.op)]
    right, signed = _within(node.right, binding + (sign != "+")), isinstance(node.left, ast.UnaryOp)
    if sign == r"\," and right[:1].isdigit():
        sign = r"\cdot "
    return (f"{_tex(node.left)[0]}{sign}{right}", 1) if signed else (f"{_within(node.left, binding)}{sign}{right}", binding)


def _within(node: ast.AST, least: int) -> str:
    tex, binding = _tex(node)
    return tex if binding >= least else f"({tex})"


def _call(name: str, parts: Sequence[str]) -> str:
    if name == "sqrt":
        return rf"\sqrt{{{parts[0]}}}"
    if name == "Abs":
        return f"|{parts[0]}|"
    return (_FUNCTIONS.get(name) or rf"\mathrm{{{name}}}") + f"({', '.join(parts)})"


def _number(value: float) -> tuple[str, int]:
    """
    >>> _number(1e-8), _number(0.25)
    (('10^{-8}', 3), ('0.25', 4))
    """
    mantissa, _, exponent = f"{value:g}".partition("e")
    if not exponent:
        return mantissa, _TIGHT
    return ("" if mantissa == "1" else rf"{mantissa}\cdot ") + f"10^{{{int(exponent)}}}", 2 if mantissa != "1" else 3
