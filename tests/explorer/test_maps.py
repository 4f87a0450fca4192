"""Maps of one's own on a page: from Python, typed to a server, and on the command line."""

from __future__ import annotations

import contextlib
import io
import json
import shlex

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.errors import CfdynError, UsageError
from cfdyn.explorer.question import Question
from tests.explorer.page import in_node, needs_node, scene_in
from tests.explorer.test_page import START

pytest.importorskip("wasmtime", reason="wasmtime is not installed: no map became a page")
HENON = cf.Map("1 - a*x**2 + y; b*x", "x y", {"a": 1.2, "b": 0.3})
LOGISTIC = cf.Map("r*x*(1 - x)", "x", {"r": 3.83})
MULTIPLIERS = 'import { multipliersOf } from "./multipliers.js";\n'


@needs_node
@pytest.mark.parametrize(("step", "start", "said"), [(LOGISTIC, [0.3], "Stable 3-cycle."), (HENON.at(a=0.9), [0.1, 0.1], "Stable 2-cycle."), (LOGISTIC.at(r=4.1), [0.3], "The orbit diverges")])
def test_the_verdict_is_that_of_python(tmp_path, step, start, said):
    page = cf.live(step, None, tmp_path / "map.html", start)
    ask = """const found = sentence(state.start), points = found.points ?? [];
    console.log(JSON.stringify([sentenceOf(found, NaN), points.map((z) => [...z]), points.length ? multipliersOf(engine, points) : [], asPython(state), asCommand(state)]));"""
    words, points, multipliers, python, command = in_node(tmp_path, MULTIPLIERS + START + ask, {"scene": scene_in(page)})
    assert words.startswith(said)
    regime = cf.analysis.classify(step, start)
    if points:
        assert len(points) == regime.period
        for z, after in zip(points, [*points[1:], points[0]], strict=True):
            assert step(z) == pytest.approx(np.array(after), abs=1e-9)
        assert sorted(abs(complex(*one)) for one in multipliers) == pytest.approx(sorted(abs(regime.multipliers)), abs=1e-7)
    printed, said_by_command = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(python, {})
    assert printed.getvalue().startswith(regime.kind)
    with contextlib.redirect_stdout(said_by_command), pytest.raises(SystemExit) as end:
        main([*shlex.split(command)[1:], "--json"])
    assert end.value.code == 0 and json.loads(said_by_command.getvalue())["kind"] == regime.kind


def test_a_page_of_a_map_says_what_is_missing(tmp_path):
    for step, optimizer, reason in (
        (cf.Map("1 - x**2"), None, "varies a parameter"),
        (cf.Map("a*x; b*y; c*z", "x y z", {"a": 1, "b": 1, "c": 1}), None, "one or two variables"),
        (LOGISTIC, cf.optimizers.gd(lr=0.1), "a map has no optimizer"),
        (cf.Loss("w**2"), None, "needs an optimizer"),
    ):
        with pytest.raises(UsageError, match=reason):
            cf.live(step, optimizer, tmp_path / "page.html")


def test_a_typed_map_is_read_and_what_is_none_is_refused():
    step, of, start = Question("x -> 1 - a*x**2 + y; y → b*x", "", "a=1.2, b=0.3", "", "0.1, 0.1").subject(None)
    assert of is None and step([0.3, 0.4]) == pytest.approx(HENON([0.3, 0.4])) and start == [0.1, 0.1]
    for text in ("x -> ", "-> x", "x -> x; x -> 2*x", "x -> y", "x; y -> 2", "x -> __import__('os')", "x[0] -> 1", "a.b -> x*r", "x -> x; " * 400):
        with pytest.raises(CfdynError):
            Question(text, "", "r=1", "", "").subject(None)
    assert Question("", "", "r=3.2", "", "0.3").subject(LOGISTIC).step.params == {"r": 3.2}


def test_the_command_writes_it(tmp_path, capsys):
    page = tmp_path / "logistic.html"
    with pytest.raises(SystemExit) as end:
        main(["explore", "--map", "r*x*(1-x)", "--set", "r=3.83", "--vary", "r=2.8:4", "--out", str(page)])
    assert end.value.code == 0 and "x → r*x*(1-x)" in capsys.readouterr().out
    scene = scene_in(page)
    assert (scene["over"], scene["params"][0]["lo"], scene["params"][0]["hi"], scene["loss"]) == ("r", 2.8, 4.0, False)
