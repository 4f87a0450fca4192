"""How fast does a page of `cf.live` answer in headless Chromium: from the slider to the picture, and from the file to it?"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from time import perf_counter

import numpy as np

import cfdyn as cf
from cfdyn.explorer.module import assemble
from measuring import Benchmark, BenchmarkError, Goal, Plan, Row, Rows, installed, ratio, scratch
from tests.explorer.browser import CHROMIUM, Browser, browser

bench = Benchmark("explore")

COLUMNS, TRANSIENT, KEPT = 800, 1200, 256
VIEWS, LOOK, WHOLE, ON_SCREEN = "orbit and cobweb", "first look at the diagram", "whole diagram", "on the screen"
COLUMNS_OF_SLIDER = (VIEWS, LOOK, WHOLE, ON_SCREEN)
SIZE, VIEWS_FIRST, DIAGRAM_FIRST = "page (kB)", "orbit and cobweb (ms)", "diagram (ms)"
POLLED, ASKED, REFUSED = "longest answer about a computation", "a page asked for then", "refused"
FRAME, SLOW_FRAME, GLANCE, CELLS, FIRST, MOST_BYTES = 16.0, 50.0, 100.0, 200.0, 500.0, 1_000_000
WIDTH = 1161  # of a window whose diagram has 800 columns

# In the page: when views were drawn and messages of the worker dealt with (`drawn`), and when the frame ended that shows it
# (`shown`), in milliseconds since the last event of the slider.
WATCH = """
const watch = window.watch = { since: 0, drawn: {}, shown: {} };
const frames = window.requestAnimationFrame.bind(window);
let within = false;
window.requestAnimationFrame = (act) => frames((now) => { within = true; try { act(now); } finally { within = false; } });
const note = (name) => {
  const since = watch.since, now = () => performance.now() - since;
  if (!within) watch.drawn[name] ??= now();
  const later = () => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { if (watch.since === since) watch.shown[name] ??= now(); };
    port2.postMessage(0);
  };
  within ? later() : frames(later);
};
addEventListener("input", () => { Object.assign(watch, { since: performance.now(), drawn: {}, shown: {} }); }, true);
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  clear.apply(this, box);
  if (this.canvas.parentElement?.id) note(this.canvas.parentElement.id);
};
window.Worker = class extends window.Worker {
  set onmessage(receive) {
    super.onmessage = (event) => {
      receive(event);
      if (event.data.pieces?.some((piece) => piece.pass)) note("pass");
      if (event.data.done) note("done");
    };
  }
};
"""


@cache
def page(name: str) -> Path:
    """A file of HTML with the double well, of a width that the second slider changes, or a regression on 100 rows."""
    path = Path(mkdtemp(dir=scratch())) / "page.html"
    if "well" in name:
        return cf.live(
            cf.Loss("a*(w**2 - 1)**2/4", params={"a": 1.0}), cf.optimizers.gd(lr=1.46), path, [1.1], lr=(0.8, 2.0), a=(0.9, 1.1)
        )
    x = np.random.default_rng(1).normal(size=100)
    rows = {"x": x, "y": (x + np.random.default_rng(2).normal(size=100) > 0).astype(float)}
    loss = cf.Loss("a*(softplus(w*x) - y*w*x)", data=rows, params={"a": 1.0})
    return cf.live(loss, cf.optimizers.gd(lr=10.0), path, [0.1], lr=(1.0, 40.0), a=(0.9, 1.1))


@contextmanager
def watched() -> Iterator[Browser | None]:
    """A tab that notes when pictures are drawn; None where Chromium or the assembler is missing."""
    if CHROMIUM is None or not installed("wasmtime"):
        yield None
        return
    with browser(Path(mkdtemp(dir=scratch()))) as tab:
        tab.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        yield tab


def moved(tab: Browser, times: int) -> dict[str, float]:
    """Milliseconds from an event of the slider of ``a``, dragged by the mouse, medians."""
    left, top, width, height = tab.box("input[aria-label=a]")
    found, mouse = list[dict[str, float]](), {"y": top + height / 2, "button": "left", "clickCount": 1}
    tab.call("Input.dispatchMouseEvent", type="mousePressed", x=left + width / 2, **mouse)
    for k in range(times):
        tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=left + width * (0.3 + 0.4 * (k * 0.37 % 1)), **mouse, buttons=1)
        tab.until("'done' in watch.shown && 'steps' in watch.shown")
        drawn, shown = tab.evaluate("[watch.drawn, watch.shown]")
        found.append({VIEWS: shown["steps"], LOOK: drawn["pass"], WHOLE: drawn["done"], ON_SCREEN: shown["done"]})
        tab.quiet()
    tab.call("Input.dispatchMouseEvent", type="mouseReleased", x=left + width / 2, **mouse)
    return {what: median(one[what] for one in found[times // 4 :]) for what in found[0]}


@bench.table("in Chromium, from an event of the slider: ms", COLUMNS_OF_SLIDER)
def slider(plan: Plan) -> Rows:
    """Real events of the mouse; the slider changes a parameter of the loss, so that everything is computed anew. Orbit and
    cobweb: until the frame that shows them ends, with the drawing of its pixels. Diagram: until the states that the worker sends
    are drawn; the last column: until the frame ends that shows the whole of it, and a frame begins every 16.7 ms."""
    with watched() as tab:
        for name, times in (("double well, 800 columns", plan.pick(6, 40)), ("regression, 100 rows", plan.pick(2, 5))):
            found: dict[str, float | None] = dict.fromkeys(COLUMNS_OF_SLIDER)
            if tab:
                tab.open(page(name).as_uri(), width=WIDTH)
                found |= moved(tab, times)
            bounds = {VIEWS: FRAME, WHOLE: FRAME} if "well" in name else {VIEWS: SLOW_FRAME, LOOK: GLANCE}
            yield Row(name, found, tuple(Goal(found[what], bound) for what, bound in bounds.items()))


@bench.table("map of periods of 90,000 cells, from an event of the slider: ms", (LOOK, WHOLE, ON_SCREEN))
def cells(plan: Plan) -> Rows:
    """The double well's map over learning rate and start, anew at each value of the slider; 1,456 steps a cell. The first look
    has one cell in 64."""
    found: dict[str, float | None] = dict.fromkeys((LOOK, WHOLE, ON_SCREEN))
    with watched() as tab:
        if tab:
            tab.open(f"{page('double well').as_uri()}#view=map&across=lr&up=start.0", width=WIDTH)
            found |= moved(tab, plan.pick(3, 9))
            del found[VIEWS]
    yield Row("double well", found, (Goal(found[LOOK], CELLS),))


@bench.table("a page in Chromium, from file://", (SIZE, VIEWS_FIRST, DIAGRAM_FIRST))
def first(plan: Plan) -> Rows:
    """From the beginning of the navigation until the first frame with the picture ends; medians of fresh loads in one browser."""
    with watched() as tab:
        for name in ("double well", "regression, 100 rows"):
            found: dict[str, float | None] = dict.fromkeys((SIZE, VIEWS_FIRST, DIAGRAM_FIRST))
            if tab:
                found[SIZE] = page(name).stat().st_size / 1000
                loads = [loaded(tab, name) for _ in range(plan.repeats)]
                found |= {what: median(one[what] for one in loads) for what in loads[0]}
            goals = (Goal(found[SIZE], MOST_BYTES / 1000), Goal(found[VIEWS_FIRST], FIRST))
            yield Row(name, found, goals)


def loaded(tab: Browser, name: str) -> dict[str, float]:
    """When the views and the diagram were first on the screen."""
    tab.open(page(name).as_uri(), width=WIDTH)
    tab.until("'pass' in watch.shown")
    shown = tab.evaluate("watch.shown")
    return {VIEWS_FIRST: shown["steps"], DIAGRAM_FIRST: shown["pass"]}


@bench.table("the server while 200 others ask for pages at once: ms", (POLLED, ASKED, REFUSED))
def crowd(plan: Plan) -> Rows:
    """Each asks for a formula of its own. Meanwhile one client looks at a computation again and again: the longest answer; then
    it asks for a page of its own. Refused: those that are told to try again, for at most 16 wait at once."""
    found: dict[str, float | None] = dict.fromkeys((POLLED, ASKED, REFUSED))
    if installed("wasmtime") and installed("starlette") and installed("httpx"):
        found |= crowded(plan.pick(50, 200))
    yield Row("double wells", found, (Goal(found[POLLED], 1000.0), Goal(found[ASKED], 1000.0)))


def crowded(count: int) -> dict[str, float]:
    """What happens to a client among that many others of a real server."""
    import httpx

    command = [sys.executable, "-m", "cfdyn", "explore", "--no-browser"]
    question = {"formula": "w**4 - w**2", "optimizer": "gd:lr=0.1", "start": "1.1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        base, token = server.stdout.readline().split()[0].split("/?token=")

        def ask(k: int) -> int:
            with httpx.Client(base_url=base, headers={"x-token": token}, timeout=300) as one:
                return one.post("/scene", json=question | {"formula": f"(w**2 - {k + 1})**2/4"}).status_code

        with httpx.Client(base_url=base, headers={"x-token": token}, timeout=300) as client, ThreadPoolExecutor(count) as pool:
            client.get("/jobs/1")
            others, waits = [pool.submit(ask, k) for k in range(count)], list[float]()
            while not all(other.done() for other in others):
                waits.append(timed(lambda: client.get("/jobs/1")))
            asked = timed(lambda: client.post("/scene", json=question).raise_for_status())
        server.terminate()
    return {POLLED: max(waits), ASKED: asked, REFUSED: float(sum(other.result() == 429 for other in others))}


def timed(call: Callable[[], object]) -> float:
    """Milliseconds."""
    began = perf_counter()
    call()
    return 1000 * (perf_counter() - began)


# The loop of the diagram over a descent on the double well, written by hand.
PLAIN = """
const together = (first, count) => {
  for (let k = first; k < first + count; k++) {
    const lr = 0.8 + 1.2 * (k + 0.5) / COLUMNS;
    let w = 1.1;
    for (let n = 0; n < TRANSIENT; n++) { w -= lr * (w * (w * w - 1)); if (!(Math.abs(w) <= 1e307)) break; }
    const states = all.subarray((k - first) * KEPT);
    states[0] = w;
    for (let n = 1; n < KEPT; n++) { w -= lr * (w * (w * w - 1)); if (!(Math.abs(w) <= 1e15)) break; states[n] = w; }
  }
};
const all = new Float64Array(8 * KEPT), last = () => all[KEPT - 1];
"""
# The same by the loop of the page's module.
WASM = """
const { instance } = await WebAssembly.instantiate(Uint8Array.from(atob(WASM), (letter) => letter.charCodeAt(0)), {});
const { memory, together: follow } = instance.exports, data = new Float64Array(memory.buffer), p = 64, values = 128, rows = 1024;
const together = (first, count) => {
  for (let i = 0; i < count; i++) {
    data[values / 8 + 2 * i] = data[values / 8 + 2 * i + 1] = 0.8 + 1.2 * (first + i + 0.5) / COLUMNS;
    data[rows / 8 + i * KEPT] = 1.1;
  }
  follow(rows, 8 * KEPT, p, p, p, values, count, TRANSIENT, 1e307, 0, 0, 0);
  follow(rows, 8 * KEPT, p, p, p, values, count, KEPT - 1, 1e15, 8, 0, 0);
};
const last = () => data[rows / 8 + KEPT - 1];
"""
TIMED = """
const times = [];
for (let round = 0; round < ROUNDS; round++) {
  const began = performance.now();
  for (let repeat = 0; repeat < 5; repeat++) for (let first = 0; first < COLUMNS; first += 8) together(first, 8);
  times.push((performance.now() - began) / 5);
}
together(COLUMNS / 2, 8); // as a check: chaos comes later
return [times.slice(Math.floor(ROUNDS / 2)), last()];
"""


@bench.table("the loop of the diagram alone, in Chromium: ms", ("WebAssembly", "JavaScript", "JavaScript ÷ WebAssembly"))
def loop(plan: Plan) -> Rows:
    """800 columns of descent on the double well, each 1,200 steps and 256 states; without periods, exponents and drawing. The
    JavaScript is written by hand for this one map, the module is printed from the formula. After a warm-up; the medians."""
    found: dict[str, float | None] = dict.fromkeys(("WebAssembly", "JavaScript", "JavaScript ÷ WebAssembly"))
    with watched() as tab:
        if tab:
            step = cf.as_map(cf.Loss("(w**2 - 1)**2/4"), cf.optimizers.gd(lr=1.0))
            wasm = base64.b64encode(assemble(step).wasm).decode()
            last = dict[str, float]()
            known = {"COLUMNS": COLUMNS, "TRANSIENT": TRANSIENT, "KEPT": KEPT, "ROUNDS": 4 * plan.repeats, "WASM": wasm}
            given = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items())
            tab.call("Page.navigate", url="about:blank")
            for name, code in (("WebAssembly", WASM), ("JavaScript", PLAIN)):
                times, last[name] = tab.evaluate(f"(async () => {{ {given}{code}{TIMED} }})()")
                found[name] = median(times)
            if abs(last["WebAssembly"] - last["JavaScript"]) > 1e-9:
                raise BenchmarkError(f"not the same loop: {last}")
            found["JavaScript ÷ WebAssembly"] = ratio(found["JavaScript"], found["WebAssembly"])
    yield Row(f"{COLUMNS} columns × {TRANSIENT + KEPT:,} steps", found)


if __name__ == "__main__":
    bench.main()
