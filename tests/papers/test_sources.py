"""The papers keep the rules: who is cited, what a check may use, and that what is expected does not come from what measures."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path

import pytest

from cfdyn.claims.answers import filled
from cfdyn.claims.claim import AGREES, READ, Claim
from cfdyn.claims.record import on_record, recorded
from cfdyn.claims.report import answers, table
from cfdyn.claims.sources import all_claims, papers
from tests import pages

ROOT = Path(__file__).resolve().parents[2]

CLAIMS = list(all_claims().values())
CHECKED = [claim for claim in CLAIMS if claim.measure]
PAPERS = list(papers())
OWN = [name for name, paper in papers().items() if "cfdyn" in paper.CLAIMS.entry]
ALLOWED = {"cfdyn", "numpy", "scipy", "sympy", "mpmath", "matplotlib"} | sys.stdlib_module_names


def tree(source: str) -> ast.Module:
    return ast.parse(inspect.getsource(papers()[source]))


def imports(source: str) -> set[str]:
    nodes = list(ast.walk(tree(source)))
    froms = {str(node.module).split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
    return froms | {name.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for name in node.names}


@pytest.mark.parametrize("source", PAPERS)
def test_a_paper_is_cited_and_summarised_and_stands_alone(source):
    claims = papers()[source].CLAIMS
    assert re.search(r"\b(1[6-9]|20)\d\d\b", claims.entry), "no year"
    assert re.search(r"\*[^*]+\*", claims.entry), "no title"
    assert len(claims.summary) > 80
    assert re.fullmatch(r"[a-z]+\d{4}[a-z]?(_[a-z]+)?", source)
    assert imports(source) <= ALLOWED


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_says_what_it_states_and_how_it_is_checked(claim: Claim):
    assert claim.statement.endswith(".") and claim.where and claim.read in READ
    if claim.measure is None:
        assert claim.needs and claim.settled == "undecided"
    else:
        assert len(claim.how) > 20 and claim.expected and claim.control is not None and claim.control.words
        assert claim.control.changes or claim.control.expected
        drawn = getattr(papers()[claim.source], "figures", dict)()
        assert claim.figure == "" or claim.figure in drawn


@pytest.mark.parametrize("source", PAPERS)
def test_each_claim_states_its_domain_and_is_perturbed(source):
    claims = list(papers()[source].CLAIMS)
    assert [claim.id for claim in claims if not claim.domain or claim.domain.endswith(".")] == []
    assert [claim.id for claim in claims if claim.measure and not claim.perturbations] == []


def test_general_statements_say_on_what_they_were_checked():
    """One that is proved needs no examples, and no other verdict names them."""
    assert [claim.id for claim in CLAIMS if (claim.settled == AGREES) != bool(claim.examples and not claim.proof)] == []


def reached(source: str, name: str) -> str:
    """The text of a function of a paper and of the functions and values of its file that it uses."""
    body = tree(source).body
    named = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    named |= {target.id: node for node in body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}
    found, left = {}, [name]
    while left:
        node = named.get(left.pop())
        if node is not None and id(node) not in found:
            found[id(node)] = ast.unparse(ast.Module(body=node.body, type_ignores=[]) if isinstance(node, ast.FunctionDef) else node)
            left += [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return "\n".join(found.values())


@pytest.mark.parametrize("claim", [c for c in CHECKED if c.source in OWN], ids=lambda claim: claim.id)
def test_what_only_this_project_says_has_a_second_computation_that_shares_no_code(claim: Claim):
    assert claim.second is not None
    text = reached(claim.source, claim.second.__name__)
    assert text and not re.search(r"\bcf\b|\bcfdyn\b", text)
    assert len(papers()[claim.source].CLAIMS.summary) > 400, "no derivation"


@pytest.mark.parametrize("claim", [c for c in CHECKED if c.second and not c.slow], ids=lambda claim: claim.id)
def test_the_second_computation_finds_what_is_expected(claim: Claim):
    found = claim.second()
    assert found and {name: claim.expected[name].agrees(value) for name, value in found.items()} == dict.fromkeys(found, True)


def test_there_are_many():
    by_source = {claim.source for claim in CHECKED}
    assert (len(CHECKED) >= 100, len(by_source) >= 20) == (True, True)


@pytest.mark.parametrize("source", [name for name in PAPERS if hasattr(papers()[name], "QUESTIONS")] or [None])
def test_answers_rest_on_claims_that_exist(source):
    questions = papers()[source].QUESTIONS
    assert questions
    for question in questions:
        assert question.claims and set(question.claims) <= set(all_claims())
        paper, _, name = question.figure.partition(".")
        assert question.figure == "" or name in papers()[paper].figures()


def test_answers_show_numbers_that_were_measured():
    """On record is every number that an answer asks for."""
    questions = [question for paper in papers().values() for question in getattr(paper, "QUESTIONS", ())]
    assert len(questions) == 15
    found = {name: recorded(claim) for name, claim in all_claims().items()}
    texts = [filled(question, found, text) for question in questions for text in (question.short, question.answer)]
    assert [text for text in texts if re.search(r"…(?![ ,.;])|[{}]|: …| …\.", text)] == []


def test_what_is_on_record_is_every_claim_as_it_is_settled():
    missing = [claim.id for claim in CHECKED if claim.id not in on_record()]
    assert missing == []
    assert [claim.id for claim in CHECKED if recorded(claim).verdict != claim.settled] == []


def test_the_tables_are_those_of_the_record():
    """`make papers` writes them."""
    found = [recorded(claim) for claim in CLAIMS]
    assert (ROOT / "papers" / "README.md").read_text(encoding="utf-8") == table(found)
    shown = answers(papers()["thread2025"].QUESTIONS, {verdict.id: verdict for verdict in found})
    for page, made in ((pages.FRONT, pages.some(shown)), (pages.ALL, pages.every(shown))):
        text = page.read_text(encoding="utf-8")
        assert made in text and pages.placed(text, made) == text
    assert len(pages.rows(shown)) == 15 and pages.some(shown).count("\n") == 8
