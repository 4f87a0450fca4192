"""The server of a page answers whoever has its token, computes in processes that end, and executes nothing that it is sent."""

from __future__ import annotations

import builtins
import os
import socket
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.errors import UsageError
from cfdyn.explorer import server
from cfdyn.explorer.jobs import Computing
from cfdyn.explorer.question import Question
from tests.explorer.page import needs_chromium
from tests.processes import ended, sentences, until

pytest.importorskip("starlette", reason="starlette is not installed: no server was asked")
pytest.importorskip("wasmtime", reason="wasmtime is not installed: no server was asked")
pytest.importorskip("httpx", reason="httpx is not installed: no server was asked")

with warnings.catch_warnings():  # it wants a client of another name
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

WELL = "(w**2-1)**2/4"
TOKEN, PORT = "right-token", 8123
ASK = {"formula": WELL, "optimizer": "gd:lr=1.46", "start": "1.1"}


@pytest.fixture(scope="module")
def computing():
    made = Computing(cf.Loss(WELL), {"lr": (0.8, 2.0)})
    yield made
    made.end()


@pytest.fixture(scope="module")
def client(computing):
    app = server.application(computing, Question(optimizer="gd:lr=1.46", start="1.1"), TOKEN, PORT)
    with TestClient(app, base_url=f"http://127.0.0.1:{PORT}", headers={"x-token": TOKEN}) as one:
        yield one


def finished(client, task, over=None, **question):
    number = client.post("/jobs", json={"task": task, "period": 3, "over": over, "question": ASK | question}).json()["job"]
    until(lambda: client.get(f"/jobs/{number}").json()["state"] != "running")
    return client.get(f"/jobs/{number}").json()


def test_a_typed_formula_becomes_a_scene(client):
    scene = client.post("/scene", json={"formula": "a*w**4 - w", "params": "a=1/4", "optimizer": "heavy_ball:momentum=0.5"}).json()
    assert scene["formula"] == "a*w**4 - w" and scene["server"]["question"]["params"] == "a=1/4"
    values = {one["name"]: one["value"] for one in scene["params"]}
    assert values["a"] == 0.25 and values["lr"] == pytest.approx(1.1 * 2 * 1.5 / 3)  # 1.1 × 2 (1 + β)/λ, with λ = 3 a·4 = 3
    assert len(scene["wasm"]) > 100


def test_every_optimizer_of_the_menu_has_a_page(client):
    """Each is named once, and the text that the menu fills in makes a scene."""
    menu = client.post("/scene", json=ASK).json()["server"]["optimizers"]
    assert {"gd", "heavy_ball", "adam", "lion"} < {entry["name"] for entry in menu} and len({entry["title"] for entry in menu}) == len(menu)
    for entry in menu:
        scene = client.post("/scene", json=ASK | {"optimizer": entry["text"]}).json()
        assert scene.get("optimizer") == entry["name"], (entry, scene.get("error"))


def test_the_page_has_its_policy_and_may_not_be_framed(client):
    page = client.get("/", params={"token": TOKEN})
    rules = page.headers["content-security-policy"]
    assert page.status_code == 200 and "unsafe-inline" not in rules and "'unsafe-eval'" not in rules
    assert "default-src 'none'" in rules and "connect-src 'self'" in rules and "frame-ancestors 'none'" in rules
    assert '"server": {"question"' in page.text and "access-control-allow-origin" not in page.headers


HOSTILE = ["__import__('os').system('id')", "().__class__.__bases__[0].__subclasses__()", "open('/etc/passwd')", "(" * 3000 + "w" + ")" * 3000,
           "w**w**w**w**9999999", "\u202ew\u0000", "💥", "w" * 4000, "breast_cancer:features=1", "logistic:/etc/passwd,target=x", "lambda: 0", "a+b+c",
           "</script><script>alert(1)</script>"]  # fmt: skip


@pytest.mark.parametrize("formula", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_formulas_are_refused_in_a_sentence(client, formula):
    answer = client.post("/scene", json={"formula": formula, "optimizer": "gd:lr=0.1", "start": "1"})
    assert answer.status_code == 400 and set(answer.json()) == {"error"} and len(answer.json()["error"]) < 1000
    assert client.post("/scene", json=ASK).status_code == 200


def test_questions_that_are_none(client):
    for given in ({"formula": 1}, {"formula": "w" * 5000}, {"path": "x"}, [], {"formula": WELL, "optimizer": "__import__:lr=1"},
                  {"formula": WELL, "params": "a"}, {"formula": WELL, "start": "1,2,3,4"}, {"own": "80"}):  # fmt: skip
        assert client.post("/scene", json=given).status_code == 400
    for job in ({"task": "scene", "period": 1, "question": ASK}, {"task": "study", "period": 10**9, "question": ASK}, {"task": "study"},
                *({"task": "branches", "period": 1, "over": over, "question": ASK} for over in (None, "lr", ["lr", 1], ["lr", 2, 1], [1, 0, 1]))):  # fmt: skip
        assert client.post("/jobs", json=job).status_code == 400
    assert client.post("/scene", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    assert client.post("/scene", content=b"[" * 60_000, headers={"content-type": "application/json"}).status_code == 400
    assert client.post("/scene", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/scene", json={"formula": "w" * 1_000_000}).status_code == 413


def test_strangers_get_no_answer(client):
    for headers in ({"x-token": "wrong"}, {"x-token": ""}, {"x-token": "right-tökeñ".encode()}, {"host": f"evil.example:{PORT}"}, {"host": "127.0.0.1:80"},
                    {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": f"http://127.0.0.1:{PORT + 1}"}):  # fmt: skip
        for method, path in (("GET", "/"), ("POST", "/scene"), ("POST", "/jobs"), ("GET", "/jobs/1"), ("DELETE", "/jobs/1")):
            answer = client.request(method, path, headers=headers, params={"token": "wrong"})
            assert answer.status_code == 403, (headers, path)
    assert client.post("/scene", params={"token": TOKEN}, headers={"x-token": ""}, json=ASK).status_code == 403
    assert client.post("/scene", headers={"origin": f"http://127.0.0.1:{PORT}"}, json=ASK).status_code == 200


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page.html", "/jobs/../scene.py", "/jobs/-1", "/jobs/1e3", "//etc/passwd"])
def test_no_path_leads_to_the_disk(client, path):
    answer = client.get(f"http://127.0.0.1:{PORT}{path}")
    assert answer.status_code in (400, 404, 405) and "root:" not in answer.text


def test_branches_are_continued_on_request(client):
    """The logistic map's fixed point 1 − 1/r flips at 3, its 2-cycle at 1 + √6; a parameter that is none is a sentence."""
    asked = {"formula": "x -> r*x*(1-x)", "params": "r=2.9", "optimizer": "", "start": "0.3"}
    found = finished(client, "branches", ["r", 2.5, 3.6], **asked)["answer"]["findings"]
    values = {mark["what"].split(" of the ")[1]: mark["value"] for mark in found["landmarks"]}
    assert values["fixed point"] == pytest.approx(3, abs=1e-9) and values["2-cycle"] == pytest.approx(1 + 6**0.5, abs=1e-9)
    unknown = finished(client, "branches", ["nu", 2.5, 3.6], **asked)
    assert "nu" in str(unknown) and "Traceback" not in str(unknown)


def test_a_proof_is_found_and_verified(client):
    found = finished(client, "prove")
    assert found["state"] == "done", found
    claims = [one["claim"] for one in found["answer"]["certificates"] if one["kind"] == "cycle"]
    assert [(claim["period"], claim["stable"]) for claim in claims] == [(3, True)]
    assert all(cf.certify.check(one).valid for one in found["answer"]["certificates"])
    shown = found["answer"]["findings"]["proofs"]
    assert [one["statement"] for one in shown] == found["answer"]["proved"] and shown[0]["boxes"][0][0][0] < shown[0]["boxes"][0][0][1]
    assert len(found["answer"]["proved"]) == len(found["answer"]["certificates"]) == 2


def test_all_cycles_of_a_period(client):
    found = finished(client, "cycles")["answer"]
    assert found["complete"] and len(found["cycles"]) == 4
    assert sum(one["stable"] is True for one in found["cycles"]) == sum(max(one["multipliers"]) < 1 for one in found["cycles"]) == 2


def test_a_typed_map_is_shown_its_cycles_are_found_and_a_study_is_refused(client):
    given = {"formula": "x -> r*x*(1 - x)", "params": "r=3.83", "start": "0.3", "optimizer": ""}
    scene = client.post("/scene", json=given).json()
    assert (scene["loss"], scene["formula"], scene["params"][0]["value"]) == (False, "x → r*x*(1 - x)", 3.83)
    found = finished(client, "cycles", **given)["answer"]
    assert found["complete"] and sorted(one["stable"] for one in found["cycles"]) == [False, True]
    assert finished(client, "study", **given)["error"].startswith("a study is of a loss")
    proved = finished(client, "prove", **given)["answer"]
    assert any("period 3" in text or "3-cycle" in text for text in proved["proved"])


def test_cancel_ends_the_process_and_others_are_answered_meanwhile(client, computing):
    slow = ASK | {"formula": "(1-x*y)**2/2 + sin(9*x)*cos(11*y)/50", "optimizer": "gd:lr=0.4", "start": "1.1,0.7"}
    number = client.post("/jobs", json={"task": "study", "period": 1, "question": slow}).json()["job"]
    process = computing.job(number).worker.process.process
    with ThreadPoolExecutor(200) as pool:
        statuses = [*pool.map(lambda k: client.get(f"/jobs/{number}" if k % 2 else "/jobs/999").status_code, range(200))]
    assert statuses == [400, 200] * 100
    assert client.delete(f"/jobs/{number}").json()["state"] == "cancelled"
    assert process.poll() is not None and not os.path.exists(f"/proc/{process.pid}")


def test_no_more_jobs_than_two(client):
    jobs = [client.post("/jobs", json={"task": "study", "period": 1, "question": ASK}) for _ in range(3)]
    assert [one.status_code for one in jobs] == [200, 200, 429]
    for one in jobs[:2]:
        client.delete(f"/jobs/{one.json()['job']}")


def test_it_listens_on_loopback_alone():
    with server.listening(0) as made:
        assert made.getsockname()[0] == "127.0.0.1" and made.family == socket.AF_INET


def test_a_port_that_is_taken(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SystemExit) as end:
            main(["explore", WELL, "--no-browser", "--port", str(other.getsockname()[1])])
    assert end.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_without_the_extra(monkeypatch):
    known = builtins.__import__

    def without(name, *more, **others):
        if name == "uvicorn":
            raise ImportError(name)
        return known(name, *more, **others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'cfdyn\[explore\]'"):
        server.serve(None, Question(), {}, 0, print)


def started():
    """The command and the address that it prints."""
    process = subprocess.Popen([sys.executable, "-m", "cfdyn", "explore", "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split()[0]


@pytest.mark.slow
def test_ctrl_c_ends_it_with_a_sentence():
    process, address = started()
    assert address.startswith("http://127.0.0.1:")
    process.send_signal(2)
    said = ended(process)[1]
    assert process.returncode == 130 and sentences(said) == "cfdyn: the page is no longer served\n"


@pytest.mark.slow
def test_200_questions_at_once_are_answered_or_refused_and_others_are_answered_meanwhile():
    import httpx

    process, address = started()
    base, token = address.split("/?token=")
    patient = {"base_url": base, "headers": {"x-token": token}, "timeout": None}

    def ask(k):
        with httpx.Client(**patient) as one:
            return one.post("/scene", json=ASK | {"formula": f"(w**2-{k + 1})**2/4 + cos({k}*w)/9"}).status_code

    with httpx.Client(**patient) as other, ThreadPoolExecutor(200) as pool:
        asked = [pool.submit(ask, k) for k in range(200)]
        while not all(one.done() for one in asked):
            assert other.get("/jobs/999").json() == {"error": "there is no such computation any more"}
        statuses = [one.result() for one in asked]
        assert set(statuses) == {200, 429} and statuses.count(200) >= 8
        assert other.post("/scene", json=ASK).status_code == 200
    process.send_signal(2)
    ended(process)


@needs_chromium
@pytest.mark.slow
def test_a_reader_types_a_formula_and_proves_the_cycle(tmp_path):
    from tests.explorer.browser import browser

    process, address = started()
    try:
        with browser(tmp_path / "profile") as tab:
            tab.open(address)
            assert tab.text("#sentence").startswith("Stable 3-cycle")
            tab.click("#prove")
            tab.until("document.querySelector('#answer').textContent.includes('verified by the checker')", 60)
            assert "exactly one cycle of least period 3" in tab.text("#answer")
            tab.picture(tmp_path / "page.png")
            tab.evaluate("document.querySelector('#ask-formula').select()")
            tab.click("#ask-formula")
            tab.evaluate("document.querySelector('#ask-formula').select()")
            tab.type("<img src=x onerror=alert(1)>")
            tab.key("Enter")
            tab.until("document.querySelector('#answer').textContent !== ''")
            assert tab.evaluate("document.querySelectorAll('img').length") == 0
            tab.evaluate("document.querySelector('#ask-formula').select()")
            tab.type("w**4/4 - w")
            tab.key("Enter")
            tab.until("document.querySelector('#formula').textContent === 'w**4/4 - w'")
            tab.quiet()
            assert "2.19 × the edge" in tab.text("#sentence")  # lr = 1.46 and λ = 3
    finally:
        process.send_signal(2)
        ended(process)
