"""``--csv``: every table that is printed, whole, with all its columns and digits."""

import csv

import pytest

import cfdyn as cf
from cfdyn.cli.output.tables import printed
from tests.cli.terminal import run


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_columns_of_an_orbit(capsys, tmp_path):
    table = tmp_path / "orbit.csv"
    status, out, _ = run(capsys, "orbit", "double_well", "--optimizer", "gd:lr=1.1", "--start", "1.2", "--steps", "60", "--csv", str(table), "--out", str(tmp_path))
    orbit, rows = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1)), [1.2], 60), rows_of(table)
    assert status == 0 and str(table) in out and list(rows[0])[:4] == ["step", "w", "loss", "sharpness"] and len(rows) == 61
    for name, values in (("w", orbit.w[:, 0]), ("loss", orbit.loss), ("sharpness", orbit.sharpness)):
        assert [float(row[name]) for row in rows] == values.tolist()


def test_a_table_that_is_cut_on_the_screen_is_whole_in_the_file_with_all_digits(capsys, tmp_path):
    table = tmp_path / "cycles.csv"
    status, out, _ = run(capsys, "cycles", "--map", "r*x*(1-x)", "--set", "r=3.99", "--period", "8", "--box", "0:1", "--csv", str(table), "--out", str(tmp_path))
    found, rows = cf.analysis.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": 3.99}), 8, [(0, 1)]), rows_of(table)
    assert status == 0 and "more rows" in out and list(rows[0]) == ["points", "multiplier", "stable"] and len(rows) == len(found) > 16
    for row, cycle in zip(rows, found, strict=True):
        assert [float(x) for x in row["points"].split(", ")] == cycle.points.ravel().tolist()
        assert float(row["multiplier"]) == cycle.multipliers[0]


@pytest.mark.parametrize(("words", "heads"), [
    (["list", "losses"], ["name", "summary", "reference"]),
    (["cascade", "--map", "r*x*(1-x)", "--vary", "r=2.9:3.6", "--start", "0.6", "--out", "."], ["period", "flips at r", "ratio"]),
])  # fmt: skip
def test_commands_with_and_without_a_record(words, heads, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "table.csv"
    status, out, _ = run(capsys, *words, "--json", "--csv", str(table))
    assert status == 0 and list(rows_of(table)[0]) == heads and str(table) in out


def test_several_tables_stand_one_below_the_other():
    def tables(screen):
        screen.heading("two")
        screen.table(("a", "b"), [("1", "2")])
        screen.table(("", "b"), [("x", "3"), ("y", "4")])

    assert printed(tables) == {"table": [1, 2, 2], "a": ["1", None, None], "b": ["2", "3", "4"], "what": [None, "x", "y"]}
    assert printed(lambda screen: screen.print("no table")) == {}


def test_a_folder_that_is_missing_is_refused_at_once(capsys, tmp_path):
    status, out, err = run(capsys, "list", "losses", "--csv", str(tmp_path / "nowhere" / "table.csv"))
    assert status == 2 and not out and "is not a folder" in err
