"""How fast does a page of `cf.live` answer a reader, in headless Chromium: from the slider to the picture, and from the file to it?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

import numpy as np

import cfdyn as cf
from measuring import Benchmark, Goal, Plan, Row, Rows, installed, ratio, scratch
from tests.explorer.browser import CHROMIUM, Browser, browser

bench = Benchmark("explore")

COLUMNS, TRANSIENT, KEPT = 800, 1200, 256
FRAME, SLOW_FRAME, GLANCE, FIRST, MOST_BYTES = 16.0, 50.0, 100.0, 500.0, 1_000_000
WIDTH = 1197  # of a window whose diagram has 800 columns

# In the page: when the views were drawn and the worker's pictures arrived, each at the end of its frame. `watch.since` is the last
# event of the slider.
WATCH = """
const watch = window.watch = { since: 0, seen: {} };
const frames = window.requestAnimationFrame.bind(window);
let within = false;
window.requestAnimationFrame = (act) => frames((now) => { within = true; try { act(now); } finally { within = false; } });
const shown = (name) => {
  const since = watch.since, end = () => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { if (watch.since === since) watch.seen[name] ??= performance.now() - since; };
    port2.postMessage(0);
  };
  within ? end() : frames(end);
};
addEventListener("input", () => { watch.since = performance.now(); watch.seen = {}; }, true);
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  clear.apply(this, box);
  if (this.canvas.parentElement?.id) shown(this.canvas.parentElement.id);
};
window.Worker = class extends window.Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (data.pieces?.some((piece) => piece.pass)) shown("pass");
      if (data.done) shown("done");
    });
  }
};
"""


@cache
def page(name: str) -> Path:
    """A file of HTML with the double well, of a width that the second slider changes, or a regression on 100 rows."""
    path = Path(mkdtemp(dir=scratch())) / "page.html"
    if name == "double well":
        return cf.live(cf.Loss("a*(w**2 - 1)**2/4", params={"a": 1.0}), cf.optimizers.gd(lr=1.46), path, [1.1], lr=(0.8, 2.0), a=(0.9, 1.1))
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
    """Milliseconds from an event of the slider of ``a``, dragged by a mouse, until views and diagram were drawn: medians."""
    left, top, width, height = tab.box("input[aria-label=a]")
    found, mouse = list[dict[str, float]](), {"y": top + height / 2, "button": "left", "clickCount": 1}
    tab.call("Input.dispatchMouseEvent", type="mousePressed", x=left + width / 2, **mouse)
    for k in range(times):
        tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=left + width * (0.3 + 0.4 * (k * 0.37 % 1)), **mouse, buttons=1)
        tab.until("'done' in watch.seen && 'steps' in watch.seen")
        found.append(tab.evaluate("watch.seen"))
        tab.quiet()
    tab.call("Input.dispatchMouseEvent", type="mouseReleased", x=left + width / 2, **mouse)
    return {what: median(one[what] for one in found[times // 3 :]) for what in ("steps", "pass", "done")}


@bench.table("in Chromium, from an event of the slider to the end of the frame with the picture: ms")
def slider(plan: Plan) -> Rows:
    """The slider changes a parameter of the loss, so that everything is computed anew; real events of the mouse. A frame takes
    16.7 ms."""
    with watched() as tab:
        for name, goals in (("double well", (FRAME, None, FRAME)), ("regression, 100 rows", (SLOW_FRAME, GLANCE, None))):
            found: dict[str, float | None] = dict.fromkeys(("steps", "pass", "done"))
            if tab:
                tab.open(page(name).as_uri(), width=WIDTH)
                found |= moved(tab, plan.pick(6, 12) if name == "double well" else plan.pick(2, 4))
            kept = [Goal(found[what], goal) for what, goal in zip(found, goals, strict=True) if goal]
            names = {"steps": "orbit and cobweb", "pass": "first look at the diagram", "done": f"whole diagram"}
            yield Row(name, {names[what]: found[what] for what in found}, tuple(kept))


if __name__ == "__main__":
    bench.main()
