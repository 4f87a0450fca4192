"""The output of ``--help``: commands by group, options by topic, examples."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from cfdyn.cli.input.options import OUTPUT
from cfdyn.cli.output.layout import labelled, width_of, wrapped
from cfdyn.cli.output.screen import width

WIDEST, INDENT = 100, "  "
EXAMPLE = "$ "  # how a line of a docstring begins that is an example
OWN = "Options"
REQUIRED = "(required)"  # in the help of an option that a command cannot do without


class Command(TyperCommand):
    """A command whose docstring contains its sentences and, after "$ ", its examples."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        mistake = without_value(self.get_params(ctx), args)
        if mistake and not ctx.resilient_parsing:  # so that TAB may complete it
            ctx.fail(mistake)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        arguments = [parameter for parameter in self.params if parameter.param_type_name == "argument"]
        required = [f"{one.opts[0]} {form(one)}" for one in self.params if REQUIRED in (getattr(one, "help", None) or "")]
        usage = " ".join(filter(None, [ctx.command_path, *map(form, arguments), *required, "[OPTIONS]"]))
        sections = {"Arguments": [_entry(form(parameter), parameter) for parameter in arguments], OWN: []}
        for option in self.get_params(ctx):
            if option.param_type_name != "argument" and not getattr(option, "hidden", False):
                panel = getattr(option, "rich_help_panel", None) or (OUTPUT if option.name == "help" else OWN)
                sections.setdefault(panel, []).append(_entry(f"{_names(option)} {form(option)}".strip(), option))
        _write(formatter, usage, self.help or "", sections)


class Commands(TyperGroup):
    """All commands, in the groups that their files name, in the order of their places."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            sections.setdefault(command.rich_help_panel, []).append((name, summary(command.help or "")))
        sections["Options"] = [_entry(f"{_names(o)} {form(o)}".strip(), o) for o in self.get_params(ctx)]
        _write(formatter, f"{ctx.command_path} COMMAND [OPTIONS]", self.help or "", sections)


def without_value(parameters: list[Any], arguments: list[str]) -> str:
    """The message for an option without its value, before another option or at the end; "" if there is none."""
    options = [parameter for parameter in parameters if parameter.param_type_name == "option"]
    names = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    wanting = {name for option in options if not (option.is_flag or option.count) for name in option.opts}
    left = iter(arguments)
    for name in left:
        if name == "--":
            break
        if name in wanting:
            value = next(left, None)
            if value is None or value.partition("=")[0] in names:
                return f"{name} needs a value" + (f"; {value} follows it" if value else "")
    return ""


def summary(text: str) -> str:
    """The first sentence of a docstring, without its full stop."""
    return " ".join(text.partition("\n\n")[0].split()).removesuffix(".")


def examples(text: str) -> list[str]:
    """The command lines that are examples in a docstring."""
    return [line.strip().removeprefix(EXAMPLE) for line in text.splitlines() if line.strip().startswith(EXAMPLE)]


def form(parameter: Any) -> str:
    """The form of an option's value: NAME=VALUE, LO:HI, FILE, N, …; empty for a flag."""
    return "" if getattr(parameter, "is_flag", False) else parameter.metavar or ""


def _names(option: Any) -> str:
    return " / ".join([", ".join(sorted(option.opts, key=len)), *filter(None, [", ".join(option.secondary_opts)])])


def _entry(shown: str, parameter: Any) -> tuple[str, str]:
    """An option with its form, and its help with its default."""
    text, usual = getattr(parameter, "help", None) or "", parameter.default
    if getattr(parameter, "is_flag", False):
        usual = (parameter.opts[0] if usual else parameter.secondary_opts[0]) if parameter.secondary_opts else None
    said = getattr(parameter, "show_default", True) and usual not in (None, "", [], ()) and not callable(usual)
    usual = f"{usual:g}" if isinstance(usual, float) else usual
    return shown, f"{text}  [default: {usual}]" if said else text


def _write(formatter: Any, usage: str, text: str, sections: dict[str, list[tuple[str, str]]]) -> None:
    """Usage, sentences, examples, then each nonempty section, with the same column widths everywhere."""
    room = min(width(), WIDEST)
    paragraphs = [part for part in text.split("\n\n") if not part.strip().startswith(EXAMPLE)]
    lines = wrapped(f"Usage: {usage}", room, " " * 7)
    for paragraph in paragraphs:
        lines += ["", *wrapped(INDENT + " ".join(paragraph.split()), room, INDENT)]
    if examples(text):
        lines += ["", "Examples:", *(line for one in examples(text) for line in wrapped(INDENT + one, room, INDENT * 3))]
    most = room // 3
    column = max((size for entries in sections.values() for name, _ in entries if (size := width_of(name)) <= most), default=0)
    for title, entries in sections.items():
        if entries:
            below = labelled([(name.ljust(column), words) for name, words in entries], room - len(INDENT), most)
            lines += ["", f"{title}:", *(INDENT + line for line in below)]
    formatter.write("\n".join(lines) + "\n")
