"""Branches and curves as tables and CSV files: numbers with all their digits, special points in their places."""

import csv

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_branch_with_its_special_points(tmp_path):
    branch = cf.analysis.continue_cycle(LOGISTIC, [0.6], "r", (0.5, 3.9), functions={"half": "x = 0.5", "r": "r"})
    rows = read(branch.to_csv(tmp_path / "branch.csv"))
    assert list(rows[0]) == ["row", "point", "r", "x", "mu1", "stable", "coefficient", "half"]  # r is a column already
    own = [row for row in rows if not row["point"]]
    assert [int(row["row"]) for row in own] == list(range(len(branch)))
    for column, values in (("r", branch.parameter), ("x", branch.points[:, 0, 0]), ("half", branch.quantity("half"))):
        assert [float(row[column]) for row in own] == values.tolist()
    assert [row["stable"] == "True" for row in own] == branch.stable.tolist()
    special = [row for row in rows if row["point"]]
    assert [row["point"] for row in special] == ["branch point", "half", "flip"]
    assert [float(row["r"]) for row in special] == [s.parameter for s in (branch.bifurcations[0], branch.zeros[0], branch.bifurcations[1])]
    assert float(special[2]["coefficient"]) == branch.bifurcations[1].coefficient and special[1]["coefficient"] == ""
    # Each stands where the parameter has its place.
    assert np.all(np.diff([float(row["r"]) for row in rows]) >= 0)


def test_branches_of_several_periods(tmp_path):
    found = cf.analysis.branches(LOGISTIC, None, "r", (2.4, 3.52), starts=[(2.5, [0.6])], depth=2)
    rows = read(found.to_csv(tmp_path / "all.csv"))
    assert list(rows[0]) == ["branch", "period", "row", "point", "r", "x_1", "x_2", "x_3", "x_4", "mu1", "stable", "coefficient"]
    for place, branch in enumerate(found, 1):
        own = [row for row in rows if int(row["branch"]) == place]
        assert {int(row["period"]) for row in own} == {branch.period}
        for row in own:
            x, r = [float(row[f"x_{k}"]) for k in range(1, branch.period + 1)], float(row["r"])
            assert all(row[f"x_{k}"] == "" for k in range(branch.period + 1, 5))
            assert [r * a * (1 - a) for a in x] == pytest.approx([*x[1:], x[0]], abs=1e-13)


def test_curves_with_complex_multipliers_and_both_sides_of_a_border(tmp_path):
    step = cf.Map.from_text(["y + e", "r*y*(1 - x)"], "x y", {"r": 2.0, "e": 0.0})
    point = cf.analysis.continue_cycle(step, [0.5, 0.5], "r", (1.5, 2.5)).bifurcations[0]
    curve = cf.analysis.bifurcation_curve(step, point, ("r", "e"), ((1.5, 2.5), (-0.2, 0.2)), max_steps=30)
    rows = read(curve.to_csv(tmp_path / "curve.csv"))
    assert list(rows[0]) == ["row", "point", "r", "e", "x", "y", "mu1_re", "mu1_im", "mu2_re", "mu2_im", "coefficient"]
    own = [row for row in rows if not row["point"]]
    assert [(float(row["r"]), float(row["e"])) for row in own] == [tuple(pair) for pair in curve.parameters.tolist()]
    assert [np.hypot(float(row["mu1_re"]), float(row["mu1_im"])) for row in own] == pytest.approx(np.ones(len(curve)), abs=1e-12)
    assert [row["point"] for row in rows if row["point"]] == [s.kind for s in curve.special]
    tent = cf.Map.from_text("Piecewise((a*x, x < c), (a*(1 - x), True))", params={"a": 1.5, "c": 0.6})
    edge = cf.analysis.bifurcation_curve(tent, ("border collision", [[0.6]]), ("a", "c"), ((1.1, 1.9), (0.3, 0.7)), max_steps=20)
    table = edge.table()
    assert {"mu1", "above1"} <= set(table) and len({len(column) for column in table.values()}) == 1
    assert table["above1"] == pytest.approx([-a for a in table["a"]], rel=1e-15)


def test_a_table_that_cannot_be_written(tmp_path):
    branch = cf.analysis.continue_cycle(LOGISTIC, [0.6], "r", (2.4, 2.6))
    with pytest.raises(UsageError, match="cannot write"):
        branch.to_csv(tmp_path / "none" / "branch.csv")
