"""A part of a study that fails says so in the record, in the verdict and in --json: "could not" is no "there is none"."""

import dataclasses
import json
import sys

import pytest

import cfdyn as cf
import cfdyn.studies.study  # noqa: F401 (its functions are replaced below)
from cfdyn.cli import main
from cfdyn.cli.commands.study import summary as study_summary
from cfdyn.errors import NumericsError
from cfdyn.symbolic.exact import short
from cfdyn.symbolic.exact.request import Refused

PARTS = {
    "edge_at": ("edge of the lowest minimum, and with it its flip and doublings", ("edge", "flip", "cascade")),
    "normal_form": ("normal form of the flip", ("flip",)),
    "cycles": ("3-cycles", ("cycles",)),
    "doublings": ("doublings", ("cascade",)),
    "three_cycle_windows": ("windows of 3-cycles", ("windows",)),
}
STUDY = sys.modules["cfdyn.studies.study"]


def well(**options):
    return cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=1.46), **options)


def fails(*args, **options):
    raise NumericsError("it fell off the table")


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_fails_says_so_everywhere(name, monkeypatch, tmp_path):
    monkeypatch.setattr(STUDY, name, fails)
    found, (words, empty) = well(), PARTS[name]
    assert f"{words} (it fell off the table)" in found.unfinished and found.unfinished in found.verdict
    assert all(not getattr(found, field) for field in empty) and found.no_edge == ""
    assert "has no edge" not in found.verdict and "No 3-cycle" not in found.verdict
    assert study_summary(found)["unfinished"] == found.unfinished
    loaded = cf.load(found.save(tmp_path / "study.npz"))
    assert loaded.unfinished == found.unfinished and loaded.verdict == found.verdict


def test_several_parts_are_named_one_after_the_other(monkeypatch):
    for name in ("cycles", "doublings"):
        monkeypatch.setattr(STUDY, name, fails)
    assert well().unfinished == "3-cycles (it fell off the table); doublings (it fell off the table)"


def test_a_study_in_which_nothing_fails_has_nothing_unfinished():
    found = well()
    assert found.unfinished == "" and "ot computed" not in found.verdict
    assert found.cycles.complete and study_summary(found)["cycles_complete"] is True and study_summary(found)["cycles_reason"] == ""
    assert study_summary(found)["flips_end"] == found.cascade.reason != ""


def test_values_at_which_no_window_could_be_looked_for_are_named(monkeypatch):
    windows = sys.modules["cfdyn.analysis.parameters.windows"]
    looked = windows.cycles

    def sometimes(step, period, box):
        return looked(step, period, box) if step.params["lr"] < 1.5 else fails()

    monkeypatch.setattr(windows, "cycles", sometimes)
    found = well()
    assert found.windows and "windows of 3-cycles at lr = 1.5" in found.unfinished and "other values" in found.unfinished


def test_the_command_says_so_too(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(STUDY, "normal_form", fails)
    arguments = ["study", "double_well", "--optimizer", "gd:lr=1.2", "--no-figure", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert end.value.code == 0 and said["flip"] is None and said["unfinished"] in said["verdict"]
    assert said["unfinished"] == "normal form of the flip (it fell off the table)"


def test_a_list_of_cycles_that_is_not_complete_is_no_count():
    found = cf.study(cf.Loss("abs(w)"), cf.optimizers.gd(lr=0.1))
    assert len(found.cycles) == 0 and not found.cycles.complete
    assert f"a search, not a proof of absence: {found.cycles.reason}" in found.verdict
    assert study_summary(found)["cycles_complete"] is False and study_summary(found)["cycles_reason"] == found.cycles.reason


def test_an_edge_that_is_not_found_is_no_minimum_without_one(monkeypatch):
    edges = sys.modules["cfdyn.analysis.training.edge"]
    monkeypatch.setattr(edges, "polish", lambda *_: None)
    with pytest.raises(cf.CfdynError, match="the edge of gd at the lowest minimum was not found .no fixed point"):
        cf.study(cf.losses.double_well())
    found = well()
    assert found.edge is None and found.no_edge == "" and "no fixed point was found nearby" in found.unfinished
    kink = cf.study(cf.Loss("abs(w)"), cf.optimizers.gd(lr=0.1))
    assert kink.edge is None and kink.no_edge == "the loss has no second derivative there" and kink.unfinished == ""


def test_a_continuum_of_minima_has_doublings_that_cannot_be_followed():
    found = cf.study(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=0.9))
    assert found.edge.kind == "flip" and found.cascade is None and found.unfinished.startswith("doublings (")


def test_formulas_that_are_too_long_are_not_computed(monkeypatch):
    monkeypatch.setattr(short, "request", lambda *_, **__: (_ for _ in ()).throw(Refused("it is too long")))
    assert short.report_forms(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), 1.0) == (
        [], "edge and flip coefficient, flip of the 2-cycle, fold of the 3-cycle (it is too long)")


def test_regimes_that_were_not_resolved_are_named(monkeypatch):
    scanned = STUDY.bands

    def unresolved(*args, **options):
        found = scanned(*args, **options)
        return dataclasses.replace(found, bands=[(0.5, 1.6, "fixed point"), (1.6, 1.9, "unresolved")])

    monkeypatch.setattr(STUDY, "bands", unresolved)
    assert "unresolved from 1.6" in well().verdict
