"""The referee's sheet: what it enters, and what turns a verdict."""

from __future__ import annotations

import json

from cfdyn.claims import Claims, Control, near
from cfdyn.claims.review import sheet
from cfdyn.claims.sources import named
from tests.cli.terminal import run

CLAIMS = Claims("toys.toy2001", "A. Toy, *Edges*, Journal of Toys 2 (2001) 1.", read="the paper")


@CLAIMS.add("page 2", {"edge": near(2.0, 0.01)}, Control("curvature 2", changes={"a": 2.0}), domain="a·w²/2",
            examples="a = 1", perturbations=[Control("5 % steeper", changes={"a": 1.05}), Control("a hundredth", changes={"a": 1.001})])  # fmt: skip
def edge(a=1.0):
    """Descent on a·w²/2 loses its stability at η = 2/a."""
    return {"edge": 2.0 / a}


def test_a_perturbation_that_changes_nothing_is_seen(monkeypatch):
    (claim,) = CLAIMS
    monkeypatch.setattr("cfdyn.claims.review.paper_named", lambda name: type("Paper", (), {"CLAIMS": CLAIMS}))
    made = sheet(claim)
    assert (claim.settled, made["verdict"], made["domain"]) == ("agrees on examples", "agrees on examples", "a·w²/2")
    assert [one["turned"] for one in made["perturbations"]] == [True, True, False]


def test_what_a_check_enters_are_the_functions_that_its_paper_calls():
    entered = sheet(named("may1976.first_flip"))["entered"]
    assert {"analysis.bifurcations.continue_cycle.continue_cycle", "systems.map.Map.from_text"} <= set(entered)
    assert all(not part.startswith("_") for name in entered for part in name.split("."))


def test_the_command_prints_what_the_sheet_says(capsys):
    status, said, _ = run(capsys, "claims", "may1976.first_flip", "--review", "--json")
    (made,) = json.loads(said)["reviews"]
    assert status == 0 and made["claim"] == "may1976.first_flip" and made["perturbations"][0]["verdict"] == "contradicted"
    status, said, _ = run(capsys, "claims", "may1976.first_flip", "--review")
    assert status == 0 and named("may1976.first_flip").control.words in " ".join(said.split())


def test_a_review_of_nothing_says_what_to_name(capsys):
    status, said, problem = run(capsys, "claims", "--review")
    assert status == 2 and said == "" and "cfdyn claims may1976.first_flip --review" in problem
