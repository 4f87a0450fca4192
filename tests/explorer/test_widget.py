"""The widget of a notebook: its messages as a kernel has them, and what a notebook runs, in Chromium."""

from __future__ import annotations

import json

import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.explorer.document import NOTEBOOK, WIDGET, document, source
from tests.explorer.browser import browser
from tests.explorer.page import needs_chromium, scene_in

WELL, WIDTH, HEIGHT = "(w**2-1)**2/4", 1000, 700
SAID = "Stable {}-cycle, {} × the edge of stability."

# A notebook's side of a widget: a model with traits and events, and a module that is imported as anywidget does it.
HOST = """<!doctype html><meta charset="utf-8"><body style="margin: 0" data-jp-theme-light="false"><div id="cell"></div>
<script type="module">
const given = @GIVEN@, traits = given.traits, heard = [];
window.saved = [];
window.model = {
    get: (name) => traits[name],
    set(name, value) { traits[name] = value; for (const [names, act] of [...heard]) if (names.split(" ").includes(`change:${name}`)) act(); },
    on: (names, act) => heard.push([names, act]),
    off: (names, act) => { const at = heard.findIndex((one) => one[0] === names && one[1] === act); if (at >= 0) heard.splice(at, 1); },
    save_changes: () => saved.push(JSON.stringify({ values: traits.values, start: traits.start, verdict: traits.verdict })),
};
const { default: widget } = await import(URL.createObjectURL(new Blob([given.module], { type: "text/javascript" })));
const end = widget.render({ model, el: document.querySelector("#cell") });
window.finish = () => { end(); return heard.length; };
</script>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return cf.live(cf.Loss(WELL), cf.optimizers.gd(lr=1.1), tmp_path_factory.mktemp("page") / "well.html", [1.1], landmarks=0, lr=(0.8, 2.0))


@pytest.fixture(scope="module")
def host(page):
    scene = scene_in(page)
    traits = {"html": document(scene, NOTEBOOK), "height": HEIGHT, "values": {"lr": 1.1}, "start": scene["start"], "verdict": ""}
    given = json.dumps({"traits": traits, "module": source(WIDGET)}).replace("<", "\\u003c")
    file = page.with_name("notebook.html")
    file.write_text(HOST.replace("@GIVEN@", given), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


def shown_in(tab, host) -> None:
    tab.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)
    tab.call("Page.navigate", url=host.as_uri())
    tab.until(f"window.model?.get('verdict') === {json.dumps(SAID.format(2, 1.1))}")


@needs_chromium
def test_python_moves_the_page_and_a_reader_moves_the_traits(tab, page, host):
    tab.open(page.as_uri(), WIDTH, HEIGHT)  # the same page alone says where the slider is
    left, top, width, height = tab.box("input[aria-label=lr]")
    shown_in(tab, host)
    tab.evaluate("model.set('values', { lr: 1.46 }); model.set('start', [-1.1])")
    tab.until(f"model.get('verdict') === {json.dumps(SAID.format(3, 1.46))}")
    tab.until("saved.length > 0 && JSON.parse(saved.at(-1)).values.lr === 1.46 && JSON.parse(saved.at(-1)).start[0] === -1.1")
    place = [(left + 8 + part * (width - 16), top + height / 2) for part in (0.55, 0.4, 0.25, 0.25)]
    for kind, (x, y) in zip(("mousePressed", "mouseMoved", "mouseMoved", "mouseReleased"), place, strict=True):
        tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1, buttons=1)
    tab.until("JSON.parse(saved.at(-1)).values.lr < 1.4 && JSON.parse(saved.at(-1)).verdict.startsWith('Stable 2-cycle')")
    told = json.loads(tab.evaluate("saved.at(-1)"))
    assert told["values"]["lr"] == pytest.approx(0.8 + 0.25 * 1.2, abs=0.02) and told["start"] == [-1.1]
    assert tab.messages == [] and all(address.startswith(("file:", "about:", "blob:")) for address in tab.requests)


@needs_chromium
@pytest.mark.slow
def test_only_its_own_page_is_heard_and_nothing_is_left_at_the_end(tab, host):
    """Another window's message is not the page's; the page gets no hold of the notebook; what was listened to is let go."""
    shown_in(tab, host)
    tab.evaluate("postMessage({ values: { lr: 1.9 }, verdict: 'a lie' }, '*')")
    tab.evaluate("new Promise((done) => setTimeout(done, 400))")
    assert tab.evaluate("[model.get('values').lr, model.get('verdict')]") == [1.1, SAID.format(2, 1.1)]
    assert tab.evaluate("document.querySelector('iframe').contentDocument") is None
    assert tab.evaluate("[...document.querySelector('iframe').sandbox].sort()") == ["allow-downloads", "allow-scripts"]
    assert tab.evaluate("finish()") == 0


def test_a_loss_without_a_page_is_refused():
    with pytest.raises(UsageError, match="this loss has 3"):
        cf.explore(cf.Loss("x**2 + y**2 + z**2"), cf.optimizers.gd(lr=0.1))


@pytest.fixture
def sent(monkeypatch):
    """What a widget sends to its page: the states of its messages."""
    pytest.importorskip("anywidget", reason="anywidget is not installed: no widget was made")
    import comm
    from comm.base_comm import BaseComm

    states = []

    class Recorded(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            states.append((data or {}).get("state", {}))

    monkeypatch.setattr(comm, "create_comm", lambda *args, **keys: Recorded(*args, **keys))
    return states


def from_the_page(widget, **state):
    """The message of a page, as a kernel gives it to the widget."""
    widget.comm.handle_msg({"content": {"data": {"method": "update", "state": state, "buffer_paths": []}}, "buffers": []})


def test_the_messages_of_a_widget(sent):
    widget = cf.explore(cf.Loss("(w**2 - 1)**2/4"), cf.optimizers.heavy_ball(lr=1.1, momentum=0.3), [1.1], lr=(0.8, 2.0))
    first = sent[-1]  # behind that of its layout
    assert first["values"] == {"lr": 1.1, "momentum": 0.3} and first["start"] == [1.1, 0.0] and first["html"].startswith("<!doctype html>")
    assert "render" in first["_esm"]
    sent.clear()
    widget.values = {"lr": 1.5}
    widget.start = [-0.5]
    assert [list(state.items()) for state in sent] == [[("values", {"lr": 1.5, "momentum": 0.3})], [("start", [-0.5, 0.0])]]
    seen = []
    widget.observe(lambda change: seen.append(change.new), "verdict")
    from_the_page(widget, values={"lr": 1.2, "momentum": 0.1}, start=[0.3, 0.2], verdict="Stable 2-cycle.")
    assert (widget.values, widget.start, seen) == ({"lr": 1.2, "momentum": 0.1}, [0.3, 0.2], ["Stable 2-cycle."])


def test_values_and_starts_that_the_map_does_not_have(sent):
    widget = cf.explore(cf.Loss("a*(w**2 - 1)**2/4", params={"a": 1.0}), cf.optimizers.gd(lr=1.1), [1.1])
    for name, value, words in (
        ("values", {"lr": -1.0}, "greater than 0"), ("values", {"rate": 1.0}, "unknown"), ("values", {"lr": float("nan")}, "finite"),
        ("start", [1.0, 2.0], "a start has 1 entry"), ("start", [float("inf")], "finite"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            setattr(widget, name, value)
    assert widget.values == {"a": 1.0, "lr": 1.1} and widget.start == [1.1]
