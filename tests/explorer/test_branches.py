"""Branches in the page: their bifurcations are those of closed forms, a click on one switches, and a slider takes them away."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.explorer.branches import branch_findings
from cfdyn.explorer.document import document
from cfdyn.explorer.scene import scene_of
from tests.explorer.browser import browser
from tests.explorer.page import in_node, needs_chromium, needs_node

pytest.importorskip("wasmtime", reason="wasmtime is not installed: no page was written")
WELL, RATES = cf.Loss("(w**2-1)**2/4"), (0.8, 2.0)


def found(loss, optimizer, start, over, ends):
    step = cf.as_map(loss, optimizer)
    return step, branch_findings(step, loss, step.state(start), over, ends, lambda words: None)


def test_the_doublings_of_descent_and_where_they_lead():
    """The flips of the minimum at η = 2/L″ = 1 and of the 2-cycle at √5 − 1; the points of each row are a cycle of the map."""
    step, known = found(WELL, cf.optimizers.gd(lr=1.1), [1.1], "lr", RATES)
    one, two, *_ = known["branches"]
    [first], second = one["special"], two["special"][-1]
    assert (one["period"], two["period"], known["missing"]) == (1, 2, "")
    assert first["value"] == pytest.approx(1, abs=1e-9) and second["value"] == pytest.approx(math.sqrt(5) - 1, abs=1e-9)
    assert "supercritical flip of the fixed point" in first["what"] and 1 in first["leads"] and 0 not in first["leads"]
    for branch in known["branches"]:
        for value, stable, points in branch["rows"][:: len(branch["rows"]) // 7]:
            for point, after in zip(points, points[1:] + points[:1], strict=True):
                assert np.allclose(step.at(lr=value)(point), after, atol=1e-9)
            if branch["period"] == 1 and stable is not None:
                assert stable is (value < 1)


@pytest.mark.parametrize(
    ("optimizer", "over", "ends", "where"),
    [
        (cf.optimizers.heavy_ball(lr=1.2, momentum=0.5), "momentum", (-0.5, 0.99), 0.2),  # 2(1 + β) = 2η
        (cf.optimizers.nesterov(lr=0.8, momentum=0.3), "momentum", (-0.4, 0.99), 1 / 3),  # 2(1 + β) = 2η(1 + 2β)
    ],
)
def test_landmarks_over_momentum_are_at_the_edge(optimizer, over, ends, where):
    _, known = found(WELL, optimizer, [1.05], over, ends)
    assert any(mark["value"] == pytest.approx(where, abs=1e-9) and "fixed point" in mark["what"] for mark in known["landmarks"])
    assert known["over"] == over and set(known["values"]) == {"lr", "momentum"}


def test_a_map_has_the_branches_of_its_fixed_points():
    """The Hénon map: a fold at −(1 − b)²/4 and a flip at 3(1 − b)²/4."""
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], ["x", "y"], {"a": 1.2, "b": 0.3})
    known = branch_findings(step, None, [0.1, 0.1], "a", (-0.5, 1.4), lambda words: None)
    values = {mark["what"].split(" of ")[0].split()[-1]: mark["value"] for mark in known["landmarks"] if "fixed" in mark["what"]}
    assert values == {"fold": pytest.approx(-0.1225, abs=1e-9), "flip": pytest.approx(0.3675, abs=1e-9)}


def test_what_has_no_branch_says_why():
    _, known = found(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=0.4), [1.5, 0.6], "lr", (0.1, 0.9))
    assert known["branches"] == known["landmarks"] == [] and known["missing"].startswith("branches over lr: ")


@needs_node
def test_a_click_goes_round_the_branches_through_a_point(tmp_path):
    ask = """
    import { nextBranch, piecesOf, rowBeside } from "./branches.js";
    const rows = [[0, true], [1, true], [1.5, null], [2, false], [3, false]];
    console.log(JSON.stringify([[0, 1, 4, 2].map((now) => nextBranch(0, { leads: [1, 4] }, now)),
        rowBeside({ rows }, 1.5, 0.4)[0], piecesOf(rows).map(([stable, piece]) => [stable, piece.map(([at]) => at)])]));"""
    assert in_node(tmp_path, ask, None) == [[1, 4, 0, 0], 1, [[True, [0, 1, 1.5]], [False, [1.5, 2, 3]]]]


@needs_chromium
def test_a_reader_switches_to_the_doubled_cycle(tmp_path):
    gd = cf.optimizers.gd(lr=0.9)
    step, known = found(WELL, gd, [1.1], "lr", RATES)
    page = tmp_path / "page.html"
    page.write_text(document(scene_of(step, WELL, gd, [1.1], {"lr": RATES}) | {"findings": [known]}))
    with browser(tmp_path / "profile") as tab:
        tab.open(page.as_uri())
        assert tab.evaluate("document.querySelectorAll('#specials button').length") == 0
        tab.click("#branches")
        assert "fixed point, branch 1 of" in tab.text("#on-branch")
        tab.click("#specials button")
        assert "2-cycle, branch 2 of" in tab.text("#on-branch") and "Stable 2-cycle" in tab.text("#sentence")
        tab.click("#specials button")
        assert "fixed point, branch 1 of" in tab.text("#on-branch")
        assert tab.messages == []
