"""A page is one closed file, and its modules compute what Python computes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import math
import re
import shlex
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import mpmath
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.codegen.wasm import CALLED
from cfdyn.errors import UsageError
from cfdyn.explorer.document import NOTEBOOK, SERVED, WIDGET, WORKER, document, embedded, policy, script
from cfdyn.explorer.module import assemble
from tests.explorer.page import FOLDER, in_node, needs_chromium, needs_node, opened, scene_in

WELL = "(w**2-1)**2/4"
TURNING = cf.Loss("x**2 + s*(x**4/4 - x**2/2) + k/2*(x**2 - 1)*y + (1 - n)*y**2/2", "x y", {"s": -0.75, "k": 0.9, "n": -0.25})
START = """
import { readFileSync } from "node:fs";
import { loadEngine } from "./engine.js";
import { nearestMinimum } from "./minimum.js";
import { State } from "./state.js";
import { asCommand, asPython } from "./take.js";
import { sentenceOf, Settling } from "./verdict.js";
const { scene } = given, engine = await loadEngine(scene, Buffer.from(scene.wasm, "base64")), state = new State(scene);
engine.setParameters(state.values);
const sentence = (start) => { const settling = new Settling(engine, start); settling.run(Infinity); return settling.result; };
"""


@pytest.fixture(scope="module")
def well(tmp_path_factory):
    return cf.live(cf.Loss(WELL), cf.optimizers.gd(lr=1.46), tmp_path_factory.mktemp("page") / "well.html", [1.1], landmarks=0, lr=(0.8, 2.0))


def test_a_page_is_one_small_file_that_asks_for_nothing(well):
    text = well.read_text(encoding="utf-8")
    assert len(text) < 200_000
    without_names = text.replace('xmlns="http://www.w3.org/2000/svg"', "").replace("url(#", "")  # names of a drawing, not addresses
    assert re.findall(r"https?:|//[\w-]+\.\w+|\bsrc=|\bhref=|@import|url\(", without_names) == []
    without_names = text.replace('xmlns="http://www.w3.org/2000/svg"', "").replace("url(#", "")  # names of a drawing, not addresses
    assert re.findall(r"https?:|//[\w-]+\.\w+|\bsrc=|\bhref=|@import|url\(", without_names) == []
    assert re.findall(r"<[^>]*\s(?:style|on\w+)=", text) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) == []


def test_its_policy_names_the_style_and_the_script_that_are_in_it(well):
    text = well.read_text(encoding="utf-8")
    [meta] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.split(maxsplit=1) for rule in meta.split("; "))
    for pattern, rule in (
        (r"<style>(.*?)</style>", "style-src"),
        (r'<script type="module">(.*?)</script>', "script-src"),
    ):
        [inside] = re.findall(pattern, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rules[rule].split()
    assert rules["default-src"] == "'none'" and "unsafe-inline" not in meta and "'unsafe-eval'" not in meta
    assert policy("a", "b") != policy("a", "c")


def test_names_of_joined_modules_are_unique_and_every_module_is_in_the_page_or_its_worker():
    texts = [script(), script(SERVED), script(NOTEBOOK), script(WORKER)]
    for text in texts:
        declared = re.findall(r"^(?:async )?(?:function\*?|class) (\w+)", text, re.MULTILINE)
        for line in re.findall(r"^const (.*)$", text, re.MULTILINE):
            declared += re.findall(r"(?:^|, )([A-Za-z_]\w*) = ", line)
        assert len(declared) > 20 and len(declared) == len(set(declared))
        assert "import {" not in text and not re.search(r"^export ", text, re.MULTILINE)
    files = {file for file in FOLDER.glob("*.js") if file.name != WIDGET}  # that one the notebook runs, outside the page
    assert all(file.read_text(encoding="utf-8").splitlines()[0] in "".join(texts) for file in files)


def test_hostile_text_stays_text(well, tmp_path):
    hostile = "</script><script>alert(1)</script><!--@STYLE@"
    scene = scene_in(well) | {"formula": hostile}
    text = document(scene)
    assert text.count("</script>") == 3 and "<!--" not in text and "alert(1)</script" not in text
    assert json.loads(embedded(scene))["formula"] == hostile
    compared = cf.live("Piecewise((w**2, w < 1), (2*w - 1, True))", cf.optimizers.gd(lr=0.3), tmp_path / "p.html", [0.5], landmarks=0)
    assert scene_in(compared)["formula"] == "Piecewise((w**2, w < 1), (2*w - 1, True))"


@needs_node
def test_node_runs_the_bits_of_python(well, tmp_path):
    ask = "console.log(JSON.stringify([...engine.orbit(state.start, 500).states]));"
    step = cf.as_map(cf.Loss(WELL), cf.optimizers.gd(lr=1.46))
    assert in_node(tmp_path, START + ask, {"scene": scene_in(well)}) == step.orbit(np.array([1.1]), 500, 1e15)[0].ravel().tolist()


@needs_node
def test_verdicts_are_those_of_python(well, tmp_path):
    """The period or the kind at rates of every regime, the step of divergence, the exponent ln 3 at the end, where the cubic is a Chebyshev polynomial."""
    rates = [0.9, 1.24, 1.46, 1.999, 2.3]
    ask = """console.log(JSON.stringify(given.rates.map((lr) => {
        engine.setParameters({ lr });
        const result = sentence(state.start);
        return { ...result, points: (result.points ?? []).map((row) => row[0]), words: sentenceOf(result, lr) };
    })));"""
    found = in_node(tmp_path, START + ask, {"scene": scene_in(well), "rates": rates})
    assert [(one["kind"], one["period"]) for one in found[:3]] == [("cycle", 1), ("cycle", 4), ("cycle", 3)]
    for lr, one in zip(rates, found, strict=True):
        step = cf.as_map(cf.Loss(WELL), cf.optimizers.gd(lr=lr))
        regime = cf.analysis.classify(step, [1.1])
        assert {"fixed point": "cycle"}.get(regime.kind, regime.kind) == one["kind"]
        if one["points"]:
            assert np.allclose(np.sort(one["points"]), np.sort(np.ravel(regime.points)), atol=1e-7)
    assert found[3]["exponent"] == pytest.approx(math.log(3), abs=0.02)
    assert found[4]["words"].startswith(
        f"The orbit diverges after {cf.iterate(step, [1.1], 1000).status.split()[-1]} steps, 2.3 ×"
    )
    assert found[2]["words"] == "Stable 3-cycle, 1.46 × the edge of stability."


@needs_node
def test_cells_of_the_map_of_periods_are_the_verdicts_of_python(tmp_path):
    """Over two parameters, and over one and the start; what the page calls undecided is not compared, and there is little of it."""
    loss, optimizer = cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.2, momentum=0.3)
    page = cf.live(loss, optimizer, tmp_path / "page.html", [1.1], lr=(0.1, 2.0))
    grids = {("lr", "momentum"): ([0.4, 0.9, 1.1, 1.2, 1.3, 1.8], [-0.3, 0.0, 0.2]), ("start.0", "lr"): ([-1.2, 0.3, 1.1], [1.25, 1.42])}
    ask = """import { cells } from "./cells.js";
    import { REGIME_NAMES } from "./columns.js";
    console.log(JSON.stringify(given.grids.map(([axes, grid]) => {
        const found = [], start = Float64Array.from(state.start);
        for (const { places, regimes } of cells(engine, { axes, grid, start, values: state.values }))
            places?.forEach((place, i) => { found[place] = REGIME_NAMES[regimes[i]]; });
        return found;
    })));"""
    found = in_node(tmp_path, START + ask, {"scene": scene_in(page), "grids": list(grids.items())})
    seen = Counter()
    for ((one, other), (xs, ys)), names in zip(grids.items(), found, strict=True):
        assert len(names) == len(xs) * len(ys)
        for (y, x), name in zip(product(ys, xs), names, strict=True):
            given = {one: x, other: y}
            start = [given.pop("start.0", 1.1)]
            regime = cf.analysis.classify(cf.as_map(loss, optimizer).at(**given), start)
            expected = regime.kind if regime.kind in ("fixed point", "chaotic", "divergent") else f"period {regime.period}"
            expected = "period" if (regime.period or 0) > 10 else expected
            seen[name] += 1
            assert name in (expected, "undecided"), (given, start)
    assert seen["undecided"] <= 2 and len(seen) >= 5, seen


@needs_node
def test_rest_at_an_unstable_point_is_no_fixed_point(tmp_path):
    """Adam's weights rest in floats once their gradients are 0, while the averages fall and the point becomes unstable."""
    page = cf.live(cf.Loss(WELL), cf.optimizers.adam(lr=0.3), tmp_path / "adam.html", [1.107], landmarks=0)
    found = in_node(
        tmp_path, START + "console.log(JSON.stringify(sentenceOf(sentence(state.start), NaN)));", {"scene": scene_in(page)}
    )
    assert found == "Undecided: after 256,000 steps round-off holds it at an unstable fixed point."


@needs_node
def test_the_edge_is_that_of_python(tmp_path):
    loss = cf.Loss("(1 - x*y)**2/2 + b*(x - y)**2", params={"b": 0.1})
    page = cf.live(loss, cf.optimizers.heavy_ball(lr=0.9, momentum=0.5), tmp_path / "page.html", [1.2, 0.7], landmarks=0)
    ask = """const found = nearestMinimum(engine, state.start.slice(0, 2), scene.minima);
    console.log(JSON.stringify([...found.w, found.sharpness, engine.threshold()]));"""
    *w, sharpness, threshold = in_node(tmp_path, START + ask, {"scene": scene_in(page)})
    assert w == pytest.approx([1.0, 1.0], abs=1e-7)
    assert (sharpness, threshold) == pytest.approx((2.0, 2 * (1 + 0.5)))


@needs_node
@pytest.mark.parametrize(
    ("loss", "optimizer", "start"),
    [
        (WELL, cf.optimizers.gd(lr=1.46), [1.107]),
        (WELL, cf.optimizers.heavy_ball(lr=1.6, momentum=0.5), [1.107]),
        (WELL, cf.optimizers.heavy_ball(lr=0.1, momentum=0.5), [1.107]),
        ("(1 - x*y)**2/2 + (x - y)**2/5", cf.optimizers.heavy_ball(lr=1.2, momentum=0.5), [1.2, 0.7]),
        ("w**2/2 + w**4/4", cf.optimizers.adam(lr=0.3, eps=0.5), [0.7]),
    ],
)
def test_multipliers_are_those_of_python(tmp_path, loss, optimizer, start):
    """The same cycle, whose multipliers Python computes from its own Jacobians by LAPACK."""
    page = cf.live(cf.Loss(loss), optimizer, tmp_path / "page.html", start, landmarks=0)
    ask = """const found = sentence(state.start);
    console.log(JSON.stringify({ points: found.points.map((z) => [...z]), multipliers: multipliersOf(engine, found.points), text: leadingText(multipliersOf(engine, found.points)) }));"""
    found = in_node(tmp_path, 'import { leadingText, multipliersOf } from "./multipliers.js";\n' + START + ask, {"scene": scene_in(page)})
    step, product = cf.as_map(cf.Loss(loss), optimizer), 1.0
    for z in found["points"]:
        product = step.jacobian(z) @ np.atleast_2d(product) if np.ndim(product) else step.jacobian(z)
    expected = np.linalg.eigvals(product)
    given = [complex(*pair) for pair in found["multipliers"]]
    assert len(given) == len(expected)
    assert all(min(abs(value - one) for one in given) < 1e-6 * max(1, abs(expected).max()) for value in expected)
    assert abs(given[0]) == pytest.approx(abs(expected).max(), rel=1e-6)


@needs_node
def test_where_a_valley_falls_on_there_is_no_minimum_and_no_edge(tmp_path):
    page = cf.live(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), tmp_path / "page.html", [0.05, 6.4], landmarks=0)
    assert in_node(tmp_path, START + "console.log(JSON.stringify(nearestMinimum(engine, state.start, scene.minima)));", {"scene": scene_in(page)}) is None


@needs_node
def test_what_is_copied_is_the_same_map(tmp_path):
    """The address is read back; the Python runs; the command is one."""
    page = cf.live(
        cf.Loss("a*(w**2-1)**2/4", params={"a": 2.0}), cf.optimizers.heavy_ball(lr=0.2, momentum=0.5), tmp_path / "p.html", [1.1], landmarks=0
    )
    ask = """state.values.a = 1; state.values.lr = 0.1 + 0.2;
    const other = new State(scene);
    other.readHash(state.toHash());
    other.readHash("#p.lr=-1&p.a=<img>&start=1&shown=1e9&entry=7&over=nothing");
    console.log(JSON.stringify([other.values, [...other.start], asPython(state), asCommand(state)]));"""
    values, start, python, command = in_node(tmp_path, START + ask, {"scene": scene_in(page)})
    assert values == {"a": 1.0, "lr": 0.1 + 0.2, "momentum": 0.5} and start == [1.1, 0.0]
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(python, {})
    assert printed.getvalue().startswith("fixed point 1 ")
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as end:
        main([*shlex.split(command)[1:], "--json"])
    assert end.value.code == 0
    assert json.loads(said.getvalue())["map"] == "heavy_ball:lr=0.3,momentum=0.5 on a*(w**2-1)**2/4"


@needs_node
def test_what_is_copied_has_the_noise(tmp_path, monkeypatch):
    """The last state of the run in Python is that on the page; the command is read."""
    monkeypatch.chdir(tmp_path)
    page = cf.live(cf.Loss(WELL), cf.optimizers.heavy_ball(lr=0.2, momentum=0.5), tmp_path / "p.html", [1.1], landmarks=0)
    ask = """import { normalNumbers } from "./noise.js";
    state.noise = { size: 0.125, seed: 7, diagram: false };
    const orbit = engine.disturbedOrbit(state.start, state.shown, normalNumbers(7, 0.125, state.shown));
    console.log(JSON.stringify([orbit.states.at(-2), asPython(state), asCommand(state)]));"""
    last, python, command = in_node(tmp_path, START + ask, {"scene": scene_in(page)})
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(python, {})
    assert float(printed.getvalue().splitlines()[-1].strip("[]")) == pytest.approx(last, abs=1e-8)
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as end:
        main([*shlex.split(command)[1:], "--runs=2", "--steps=20", "--transient=5", "--no-figure", "--json"])
    assert end.value.code == 0 and "0.015625" in said.getvalue()


def test_terms_are_explained_as_in_the_glossary():
    from cfdyn.explorer.terms import TERMS

    glossary = Path(__file__).parents[2] / "docs" / "theory" / "words.md"
    words = " ".join(re.sub("[*]", "", glossary.read_text(encoding="utf-8")).split())
    assert [sentence for sentence in TERMS.values() if sentence not in words] == []


@needs_node
@pytest.mark.parametrize(("k", "kind"), [(0.9, "cycle"), (0.97, "quasi-periodic")])
def test_a_torus_of_gradient_descent_is_quasi_periodic(k, kind, tmp_path):
    """The 2-cycle of this family loses stability at k = √(7/8) = 0.935 by a Neimark–Sacker bifurcation."""
    step, gd = TURNING.at(k=k), cf.optimizers.gd(lr=1.0)
    page = cf.live(step, gd, tmp_path / "p.html", [1.05, 0.02], landmarks=0)
    found = in_node(tmp_path, START + "console.log(JSON.stringify(sentence(state.start)));", {"scene": scene_in(page)})
    assert found["kind"] == cf.analysis.classify(cf.as_map(step, gd), [1.05, 0.02]).kind == kind


@needs_node
def test_the_noise_of_the_page_is_that_of_python(tmp_path):
    """Philox has known words (its authors' own test); the orbit of a seed is run 0 of `iterate_many`."""
    loss, optimizer = cf.Loss("(1 - x*y)**2/2"), cf.optimizers.heavy_ball(lr=0.3, momentum=0.5)
    page = cf.live(loss, optimizer, tmp_path / "page.html", [1.2, 0.7])
    ask = """import { normalNumbers, philox } from "./noise.js";
    state.setNoise({ size: 0.25, seed: 4e9 });
    const noise = normalNumbers(state.noise.seed, state.noise.size, 2 * 200), other = new State(scene);
    other.readHash(state.toHash());
    console.log(JSON.stringify([philox([0, 0, 0, 0], [0, 0]), philox([0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff]),
        [...engine.disturbedOrbit(state.start, 200, noise).states], { ...other.noise }, (other.readHash("#shown=9"), other.noise.size), state.setNoise({ seed: 0.5 }), state.setNoise({ size: -1 })]));"""
    frames = "globalThis.requestAnimationFrame = () => 0;\n"
    zeros, ones, orbit, noise, *refused = in_node(tmp_path, START + frames + ask, {"scene": scene_in(page)})
    assert [f"{word:08x}" for word in zeros] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]
    assert [f"{word:08x}" for word in ones] == ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]
    expected = cf.iterate_many(loss, optimizer, [1.2, 0.7], 200, batch=None, runs=1, seed=4 * 10**9, noise=[0.25**2] * 2).run(0).z
    assert np.allclose(np.reshape(orbit, expected.shape), expected, rtol=0, atol=1e-9)
    assert noise == {"size": 0.25, "seed": 4 * 10**9, "diagram": False} and refused == [0, False, False]


@needs_node
def test_the_words_of_ticks_differ_and_say_where_they_are(tmp_path):
    """On ranges of every width beside every size; what is written is the tick within half of its last digit."""
    rng = np.random.default_rng(2)
    middles = rng.normal(size=300) * 10.0 ** rng.uniform(-3, 3, 300)
    ranges = [(m - w, m + w) for m, w in zip(middles, np.abs(middles) * 10.0 ** rng.uniform(-8, 1, 300), strict=True)]
    ask = """import { tickLabels, ticksBetween } from "./numbers.js";
        console.log(JSON.stringify(given.map(([lo, hi]) => { const ticks = ticksBetween(lo, hi, 2); return { ticks, ...tickLabels(ticks) }; })));"""
    found = in_node(tmp_path, ask, ranges)
    assert len(found) == 300
    for one in found:
        assert 2 <= len(one["ticks"]) == len(set(one["labels"])) and max(map(len, one["labels"])) <= 9
        read = [float(words.replace("−", "-")) + float(one["from"].replace("−", "-") or 0) for words in one["labels"]]
        assert np.allclose(read, one["ticks"], rtol=0, atol=0.05 * np.diff(one["ticks"])[0])


@needs_node
def test_elementary_functions_of_the_page_are_exact_within_an_ulp(tmp_path):
    """Against 40 digits, as the compiled map computes them; sinh, cosh and tanh within 2, as the libraries of C and of browsers promise."""
    rng, given, places = np.random.default_rng(8), {}, [0.0, 1e-300, -1e-8, 0.4, 0.75, 1.9999999, 2.0, 5.9999]
    for name in sorted(CALLED - {"pow"}):
        x = [*places, *rng.normal(size=100), *rng.normal(size=100) * {"sin": 1e4, "cos": 1e4, "tan": 1e4}.get(name, 8)]
        formula = {"log1p": "log(1 + x)"}.get(name, f"{name}(x)")
        wasm = base64.b64encode(assemble(cf.Map([formula], variables=["x"])).wasm).decode()
        given[name] = {"wasm": wasm, "x": [abs(one) + 1e-9 for one in x] if name.startswith("log") else x}
    ask = """const scene = { names: ["x"], weights: 1, params: [], table: [] }, found = {};
        for (const [name, { wasm, x }] of Object.entries(given)) {
          const engine = await loadEngine(scene, Buffer.from(wasm, "base64"));
          found[name] = x.map((one) => engine.step([one])[0]);
        }
        console.log(JSON.stringify(found));"""
    found = in_node(tmp_path, 'import { loadEngine } from "./engine.js";\n' + ask, given)
    with mpmath.workdps(40):
        for name, values in found.items():
            exact = [mpmath.log(1 + one) if name == "log1p" else getattr(mpmath, name)(mpmath.mpf(one)) for one in given[name]["x"]]
            errors = [abs(mpmath.mpf(value) - true) / math.ulp(float(true)) for value, true in zip(values, exact, strict=True)]
            assert max(errors) <= (2 if name in ("sinh", "cosh", "tanh") else 1), (name, given[name]["x"][int(np.argmax(errors))])


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (cf.Loss("x**2 + y**2 + z**2"), "has 3"),
        (cf.networks.quadratic(dim=3) if "quadratic" in cf.networks.names() else object(), "formula"),
    ],
    ids=["three weights", "no formula"],
)
def test_what_has_no_page(loss, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        cf.live(loss, cf.optimizers.gd(lr=0.1), tmp_path / "page.html")


def test_without_the_assembler(monkeypatch, tmp_path, capsys):
    """One sentence that says what to install, the status of bad usage, and no file."""
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    with pytest.raises(SystemExit) as end:
        main(["explore", WELL, "--landmarks", "0", "--out", str(tmp_path / "page.html")])
    assert end.value.code == 2
    assert capsys.readouterr().err == "cfdyn: this needs wasmtime: pip install 'cfdyn[explore]'\n"
    assert not (tmp_path / "page.html").exists()


def test_ranges_and_places_that_make_no_sense(tmp_path):
    gd = cf.optimizers.gd(lr=0.1)
    for path, ranges, words in (
        (tmp_path / "p.html", {"rate": (0, 1)}, "rate"), (tmp_path / "p.html", {"lr": (1, 0)}, "lo < hi"),
        (tmp_path / "none" / "p.html", {}, "not a folder"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            cf.live("w**2/2", gd, path, landmarks=0, **ranges)
    rows = {"x": np.linspace(0, 1, 60_000)}
    with pytest.raises(UsageError, match="take fewer rows"):
        cf.live(cf.Loss("(w - x)**2", data=rows), gd, tmp_path / "p.html", [0.1], landmarks=0, also=[])
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_page(tmp_path):
    said = io.StringIO()
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(said), pytest.raises(SystemExit) as end:
        main(
            ["explore", WELL, "--optimizer", "gd:lr=1.1", "--start", "1.1", "--vary", "lr=0.5:2", "--out", "page.html", "--landmarks", "0", "--json"]
        )
    assert end.value.code == 0
    assert json.loads(said.getvalue())["file"] == "page.html"
    scene = scene_in(tmp_path / "page.html")
    assert (scene["over"], scene["params"][0]["lo"], scene["params"][0]["hi"], scene["start"]) == ("lr", 0.5, 2.0, [1.1])


@needs_chromium
def test_a_reader_sees_the_verdict(well, tmp_path):
    texts, console = opened(well, tmp_path)
    assert texts["sentence"] == "Stable 3-cycle, 1.46 × the edge of stability." and console == ""
    assert texts["formula"] == WELL


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize(
    ("fragment", "sentence"),
    [("#p.lr=0.9", "Stable fixed point, 0.9 ×"), ("#p.lr=1.1&start=-1.2", "Stable 2-cycle, 1.1 ×"), ("#p.lr=1.9", "Chaotic: Lyapunov exponent"),
     ("#p.lr=2.3", "The orbit diverges after"), ("#p.lr=<script>alert(1)</script>", "Stable 3-cycle, 1.46 ×")],
)  # fmt: skip
def test_an_address_is_a_state(well, tmp_path, fragment, sentence):
    texts, console = opened(well, tmp_path, fragment)
    assert texts["sentence"].startswith(sentence) and console == ""


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=1.05)), (cf.losses.breast_cancer(features=1), cf.optimizers.gd(lr=10.0))],
    ids=["two weights", "data"],
)
def test_pages_of_other_losses_run(loss, optimizer, tmp_path):
    texts, console = opened(cf.live(loss, optimizer, tmp_path / "page.html", landmarks=0), tmp_path, milliseconds=4000)
    assert texts["sentence"].startswith("Stable ") and console == ""
