"""What Python has found is in the page: landmarks with closed forms, and proofs that hold at the values shown."""

from __future__ import annotations

import math

import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from tests.explorer.browser import browser
from tests.explorer.page import in_node, needs_chromium, needs_node, scene_in

pytest.importorskip("wasmtime", reason="wasmtime is not installed: no page was written")

WELL = "(w**2-1)**2/4"


@pytest.fixture(scope="module")
def well(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "well.html"
    return cf.live(cf.Loss(WELL), cf.optimizers.gd(lr=1.46), path, [1.1], landmarks=500.0, lr=(0.8, 2.0))


@pytest.mark.slow
def test_landmarks_have_their_closed_forms_and_proofs(well):
    """The edge 2/λ = 1, the flip √5 − 1 of the 2-cycle ±, and the fold of the 3-cycle, where the discriminant vanishes."""
    found, *branches = scene_in(well)["findings"]
    marks = {mark["what"]: mark for mark in reversed(found["landmarks"])}
    edge, flip, fold = (marks[what] for what in ("edge of the lowest minimum (flip)", "flip of the 2-cycle", "fold: a 3-cycle is born"))
    assert edge["value"] == pytest.approx(1) and edge["formula"] == "1" and "multiplier −1" in edge["proof"]
    assert flip["value"] == pytest.approx(math.sqrt(5) - 1) and flip["formula"] == "-1 + sqrt(5)" and flip["proof"] == ""
    a = fold["value"]
    assert 4 * a**8 + 48 * a**7 + 189 * a**6 + 144 * a**5 - 828 * a**4 - 2052 * a**3 - 972 * a**2 + 2700 * a + 4644 == pytest.approx(0, abs=1e-9)
    [cycle] = [proof for proof in found["proofs"] if proof["kind"] == "cycle"]
    points = cf.analysis.classify(cf.as_map(cf.Loss(WELL), cf.optimizers.gd(lr=1.46)), [1.1]).points
    assert all(any(lo <= x <= hi for x in points[:, 0]) for [(lo, hi)] in cycle["boxes"])
    assert found["values"] == {"lr": 1.46} and found["missing"] == ""


def test_a_study_that_is_late_leaves_no_landmark(tmp_path):
    gd = cf.optimizers.gd(lr=1.46)
    late = scene_in(cf.live(cf.Loss(WELL), gd, tmp_path / "p.html", [1.1], landmarks=0.01))["findings"]
    for found in late:
        assert found["landmarks"] == found["proofs"] == found["branches"] == [] and "stopped after 0.01 s" in found["missing"]
    assert "findings" not in scene_in(cf.live(cf.Loss(WELL), gd, tmp_path / "p.html", [1.1], landmarks=0))
    for wrong in (-1, math.nan, "1"):
        with pytest.raises(UsageError, match="landmarks"):
            cf.live(cf.Loss(WELL), gd, tmp_path / "p.html", landmarks=wrong)


@needs_node
def test_a_proof_counts_for_its_own_cycle_and_values_alone(tmp_path):
    proof = {"kind": "cycle", "statement": "proved", "names": ["w"], "period": 2, "stable": True, "boxes": [[[1, 1.1]], [[2, 2.1]]]}
    found = {"values": {"a": 1, "lr": 0.5}, "over": "lr", "landmarks": [{"value": 0.4}], "branches": [], "proofs": [proof], "missing": ""}
    ask = """
    import { landmarksNow, proofsNow, readable } from "./findings.js";
    const at = (values, points, kind = "cycle", over = "lr") => {
        const state = { values, over, scene: { names: ["v", "w"] } };
        return [landmarksNow([given], state) !== null, proofsNow([given], state, { kind, period: points.length, points }).cycle];
    };
    const points = [[9, 2.05], [9, 1.05]];
    console.log(JSON.stringify([at({ a: 1, lr: 0.5 }, points), at({ a: 1, lr: 0.6 }, points), at({ a: 2, lr: 0.5 }, points),
        at({ a: 1, lr: 0.5 }, [[9, -2.05], [9, -1.05]]), at({ a: 1, lr: 0.5 }, [[9, 2.05]]), at({ a: 1, lr: 0.5 }, points, "held", "a"),
        readable("root of 4*lr**12 - sqrt(x*2) + sqrt(5)")]));"""
    *found, words = in_node(tmp_path, ask, found)
    assert found == [[True, True], [True, False], [False, False], [True, False], [True, False], [False, False]]
    assert words == "root of 4 lr¹² − √(x 2) + √5"


@needs_chromium
@pytest.mark.slow
def test_a_reader_sees_the_proof_and_goes_to_a_landmark(well, tmp_path):
    with browser(tmp_path / "profile") as tab:
        tab.open(well.as_uri())
        assert tab.text("#badge") == "proved" and tab.evaluate("document.querySelector('#note').hidden")
        tab.evaluate("document.querySelector('#badge').focus()")
        assert "exactly one cycle of least period 3" in tab.text("#note")
        tab.key("Escape")
        assert tab.evaluate("document.querySelector('#note').hidden")
        tab.click("#landmarks .mark:nth-child(2)")
        assert "−1 + √5: flip of the 2-cycle" in tab.text("#note")
        assert tab.evaluate("Number(document.querySelector('#value-lr').value)") == pytest.approx(math.sqrt(5) - 1)
        assert tab.text("#badge") == "float"
        assert tab.messages == []
