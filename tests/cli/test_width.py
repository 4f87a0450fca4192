"""Lines and tables in any width: nothing is lost, no number is broken, no line is too long that could be shorter."""

import os
import re

import pytest

from cfdyn.cli import main
from cfdyn.cli.output.layout import labelled, reflowed, table, width_of, wrapped
from cfdyn.cli.output.screen import MOST_ROWS, Screen

HEADS = ["lr", "what happens there", "exponent", "its error", "multipliers", "formula"]
ROWS = [["1.30228346270", "flip of the 16-cycle", "-0.123456", "1.5e-05", "-1, 0.0000123", "root of 4*lr**8+48*lr**7-(lr-1e-05)"],
        ["2", "fold: a 3-cycle is born", "nan", "–", "1+0.25i, 1-0.25i", "-1 + sqrt(5)"]]  # fmt: skip
TOKEN = re.compile(r"[^\s]+")


def words(lines):
    return sorted(TOKEN.findall(" ".join(lines)))


@pytest.mark.parametrize("width", [24, 40, 60, 80, 120, 200])
def test_a_table_in_any_width(width):
    """The cells of each part, in the columns in which its heads begin, are those of the table, number for number."""
    parts = table(HEADS, ROWS, width)
    lines = [line for head, below in parts for line in [*head, *below]]
    assert len(parts) == {24: 1, 40: 3, 60: 2, 80: 1, 120: 1, 200: 1}[width]
    joined = "".join("".join(lines).split())
    for row in ROWS:
        assert all(word in joined for cell in row for word in re.split(r"[ ()]|(?<=\*)|(?=[+-])", cell))
    assert max(map(len, lines)) <= max(width, 24)
    assert all(re.search(rf"(?<![\w.]){re.escape(number)}(?![\w.])", "\n".join(lines)) for number in
               ("1.30228346270", "-0.123456", "1.5e-05", "0.0000123", "1e-05"))  # fmt: skip


def test_a_table_that_fits_is_one_part_of_aligned_columns():
    ((head, lines),) = table(["a", "bc"], [["1.5", "x"], ["2", "yz"]], 10)
    assert head == ["a    bc"] and lines == ["1.5  x", "2    yz"]


def test_long_names_have_their_cells_below_them():
    ((head, lines),) = table(["name", "summary"], [["author2026.a_long_name", "what it says in words"]], 30)
    assert head == [] and lines == ["author2026.a_long_name", "  summary  what it says in", "           words"]


@pytest.mark.parametrize("text", ["", "a", " a  b", "one two three four", "x" * 50, "2*x**3+(y-1e-05)*z/(x+y)", "größe η² → 日本語"])
@pytest.mark.parametrize("width", [1, 5, 12, 100])
def test_wrapping_loses_nothing(text, width):
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= width for line in lines) or any(len(word) > width for word in re.split(r"[ *+-]", text)) or width < 12


@pytest.mark.parametrize("number", ["-1.234567890123e-05", "1e+300", "0.123", "12345678", "-3"])
def test_numbers_are_never_broken(number):
    for width in range(1, 12):
        assert any(number in line for line in wrapped(f"{number},{number};{number}", width))


def test_labels_stand_beside_their_values_if_there_is_room():
    assert labelled([("map", "x → r*x"), ("a very long label", "1.5")], 20) == ["map  x → r*x", "a very long label", "     1.5"]


def test_docstrings_flow_and_examples_stay():
    text = ("A sentence that goes\nover two lines.\n\nParameters\n----------\nlr : a rate that is described at length here\n"
            "a, b : short\n\n>>> print('as it is, however long that may be')\nyes")  # fmt: skip
    assert reflowed(text, 24) == (
        "A sentence that goes\nover two lines.\n\nParameters\n----------\nlr : a rate that is\n    described at length\n    here\n"
        "a, b : short\n\n>>> print('as it is, however long that may be')\nyes"
    )
    assert reflowed(text, 80) == text


def test_code_of_a_docstring_stays_and_its_marks_go():
    code = "    net = module(32)\n    print(net)"
    assert reflowed(f"Of a ``module`` that is long:\n\n.. code-block:: python\n\n{code}", 20) == f"Of a `module` that\nis long:\n\n{code}"
    assert reflowed(f"A ``module``:\n\n.. code-block:: python\n\n{code}", 80) == f"A `module`:\n\n{code}"


def test_a_table_of_a_docstring_stays_one():
    rule = "=========  ========================"
    text = f"Words that are longer than the table is, so that they have to flow.\n\n{rule}\nname       meaning\n{rule}\none        1\ntwo words  a cell that is long, with ν̂\n{rule}"
    assert reflowed(text, 40).split("\n\n")[1] == text.split("\n\n")[1]
    assert reflowed(text, 24).split("\n\n")[1].splitlines() == [
        "name       meaning", "one        1", "two words  a cell that", "           is long, with", "           ν̂"
    ]  # fmt: skip


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("1", 20), ("0", 110), ("", 110), ("-5", 110), ("x", 110), ("9" * 9, 10**9 - 1)])
def test_the_width_of_a_file_is_that_of_columns(columns, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    assert Screen().width == width


@pytest.mark.parametrize("width", [20, 40, 60, 80])
@pytest.mark.parametrize("arguments", [["classify", "double_well"], ["orbit", "double_well", "--steps", "50"], ["list", "flows"], ["show", "adam"]])
def test_commands_keep_to_it(width, arguments, monkeypatch, capsys):
    """Rows of numbers and examples in Python apart, of a narrow screen."""
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit) as end:
        main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 0 and len(lines) > 5
    long = [line for line in lines if width_of(line) > width and not re.match(r">>> |\(?array|record ", line)]
    assert all(len(line.split()) <= 2 for line in long), long


def test_what_is_left_out_is_counted(monkeypatch, capsys):
    """81 rows in all, 33 of them shown in two parts about a row of dots."""
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["orbit", "double_well", "--steps", "80"])
    out = capsys.readouterr().out
    shown = re.findall(r"^\d+ ", out, re.MULTILINE)
    assert len(shown) == 2 * MOST_ROWS and f"… and {81 - 2 * MOST_ROWS} more rows; all of them: --csv FILE or --json" in out


@pytest.mark.parametrize(("variable", "escapes"), [("NO_COLOR", r"\x1b\[[12]m"), ("TERM", r"")])
def test_no_colour_is_used_where_none_is_wanted(variable, escapes, monkeypatch):
    """On a terminal bold and dim are the only styles, so that light and dark ones show all; a dumb one gets none."""
    from rich.console import Console

    monkeypatch.setenv(variable, {"NO_COLOR": "1", "TERM": "dumb"}[variable])
    screen = Screen()
    screen.console = Console(force_terminal=True, markup=False, highlight=False, emoji=False, width=60)
    with screen.console.capture() as taken:
        screen.heading("Minima", " found")
        screen.table(("a", "b"), [("1", "2")])
    assert set(re.findall(r"\x1b\[[0-9;]*m", taken.get())) - {"\x1b[0m"} <= set(re.findall(escapes, "\x1b[1m\x1b[2m"))


def test_the_environment_of_the_tests_has_no_columns():
    assert "COLUMNS" not in os.environ
