"""What a reader does with mouse and keyboard, in Chromium by real events."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

import cfdyn as cf
from tests.explorer.browser import browser
from tests.explorer.page import needs_chromium

WELL = "(w**2-1)**2/4"
pytestmark = needs_chromium
NUMBER = "Number(document.querySelector('#value-lr').value)"


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def well(tmp_path_factory):
    return cf.live(cf.Loss(WELL), cf.optimizers.gd(lr=1.1), tmp_path_factory.mktemp("page") / "well.html", [1.1], landmarks=0, lr=(0.8, 2.0))


@pytest.fixture(autouse=True)
def nothing_is_said(tab):
    """No message of the console, no error, no broken rule of the policy, and no request but for the page itself."""
    yield
    said, asked = (
        list(tab.messages),
        [address for address in tab.requests if not address.startswith(("file:", "about:", "blob:"))],
    )
    tab.messages.clear()
    tab.requests.clear()
    assert said == [] and asked == []


def slide(tab, lr: float) -> None:
    """Drag the slider of the learning rate from where it is to a value."""
    left, top, width, height = tab.box("input[aria-label=lr]")
    now = tab.evaluate(NUMBER)
    knob = 8  # pixels from an end of the slider to the middle of its knob there

    def place(value: float) -> tuple[float, float]:
        return left + knob + (value - 0.8) / 1.2 * (width - 2 * knob), top + height / 2

    tab.drag(place(now), *(place(now + (lr - now) * part) for part in np.linspace(0.2, 1, 5)))


def test_dragging_the_learning_rate_changes_the_verdict(tab, well):
    tab.open(well.as_uri())
    assert tab.text("#sentence") == "Stable 2-cycle, 1.1 × the edge of stability."
    slide(tab, 1.456)
    lr = tab.evaluate(NUMBER)
    assert lr == pytest.approx(1.456, abs=0.004)
    regime = cf.analysis.classify(cf.as_map(cf.Loss(WELL), cf.optimizers.gd(lr=lr)), [1.1])
    assert regime.period == 3 and tab.text("#sentence").startswith("Stable 3-cycle, 1.4")


@pytest.mark.slow
def test_dragging_the_start_on_the_loss(tab, well):
    """Over the hill the orbit ends in the other minimum; the address says where the start is, and opens the same page."""
    tab.open(well.as_uri() + "#p.lr=0.9")
    left, top, width, height = tab.box("#loss canvas")
    lo, hi = (float(tab.evaluate(f"document.querySelector('#loss canvas').ariaValue{end}")) for end in ("Min", "Max"))
    margin = tab.evaluate("document.querySelector('#loss canvas').getContext('2d').font").split("px")[0]
    inner = (left + 4.2 * float(margin), width - 5.1 * float(margin))
    middle = top + height / 2
    tab.drag(
        (inner[0] + inner[1] * (1.1 - lo) / (hi - lo), middle),
        (left + width / 2, middle),
        (inner[0] + inner[1] * (-1.2 - lo) / (hi - lo), middle),
    )
    start = tab.evaluate("Number(document.querySelector('#start-0').value)")
    assert start == pytest.approx(-1.2, abs=0.02)
    assert "at the minimum w = −1 of" in tab.text("#evidence")
    tab.until("location.hash.includes('start=-1.')")
    address = tab.evaluate("location.href")
    tab.open(address)
    assert tab.evaluate("Number(document.querySelector('#start-0').value)") == start
    assert tab.text("#sentence").startswith("Stable fixed point, 0.9 ×")


@pytest.mark.slow
def test_keyboard_only(tab, well):
    """Tab reaches every control once; arrows move the start, the cursor of the diagram and the slider."""
    tab.open(well.as_uri() + "#p.lr=1.1&start=1.1")
    controls = tab.evaluate(
        "[...document.querySelectorAll('#page canvas[tabindex=\"0\"], #page input, #page select, #page button')].filter((one) => one.checkVisibility()).length"
    )
    name = "(document.activeElement.ariaLabel || document.activeElement.labels?.[0]?.textContent || document.activeElement.textContent)"
    reached = []
    for _ in range(controls):
        tab.key("Tab")
        reached.append(tab.evaluate(f"document.activeElement === document.body ? null : {name}"))
    assert None not in reached and "" not in reached and len(reached) == controls
    assert tab.evaluate("document.activeElement.closest('#page') !== null")
    tab.evaluate("document.querySelector('#loss canvas').focus()")
    tab.key("ArrowLeft", 3)
    assert tab.evaluate("Number(document.querySelector('#start-0').value)") < 1.1
    tab.evaluate("document.querySelector('#diagram canvas').focus()")
    tab.key("Home")
    assert tab.evaluate(NUMBER) == 0.8 and tab.text("#sentence").startswith("Stable fixed point, 0.8 ×")
    tab.key("ArrowRight", 15, shift=True)
    assert tab.evaluate(NUMBER) == pytest.approx(0.8 + 15 * 0.02 * 1.2)
    assert tab.text("#sentence").startswith("Stable 2-cycle, 1.16 ×")


@pytest.mark.slow
def test_on_a_continuum_of_minima_the_edge_is_at_the_one_reached(tab, tmp_path):
    loss, optimizer, start = cf.Loss("(1-x*y)**2/2"), cf.optimizers.heavy_ball(lr=0.9, momentum=0.3), [1.5, 0.3]
    tab.open(cf.live(loss, optimizer, tmp_path / "page.html", start, landmarks=0).as_uri())
    reached = cf.iterate(cf.as_map(loss, optimizer), start, 4000).w[-1]
    ratio = 0.9 * np.linalg.eigvalsh(loss.hessian(reached))[-1] / (2 * (1 + 0.3))
    assert tab.text("#sentence") == f"Fixed point, neutral, {ratio:.3g} × the edge of stability."
    tab.picture(tmp_path / "page.png")


@pytest.mark.slow
def test_a_number_is_typed(tab, well):
    tab.open(well.as_uri())
    tab.evaluate("document.querySelector('#value-lr').select()")
    tab.type("1.46")
    assert tab.text("#sentence") == "Stable 3-cycle, 1.46 × the edge of stability."
    tab.evaluate("document.querySelector('#value-lr').select()")
    tab.type("-1")
    assert tab.evaluate("document.querySelector('#value-lr').ariaInvalid") == "true"
    assert tab.text("#sentence") == "Stable 3-cycle, 1.46 × the edge of stability."


@pytest.mark.slow
def test_what_is_taken_away(tab, well, tmp_path):
    tab.open(well.as_uri() + "#p.lr=1.46")
    tab.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for button, file in ((3, "cfdyn.png"), (4, "cfdyn.svg")):
        tab.click(f"#take button:nth-of-type({button})")
        for _ in range(100):
            if (tmp_path / file).exists():
                break
            tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    names = [element.tag.partition("}")[2] for element in ElementTree.parse(tmp_path / "cfdyn.svg").iter()]
    assert names.count("image") == 1 and names.count("path") > 50 and names.count("text") > 20
    from PIL import Image

    with Image.open(tmp_path / "cfdyn.png") as picture:
        assert picture.width > 900 and len(picture.convert("RGB").getcolors(1 << 20)) > 50


@pytest.mark.slow
def test_hostile_names_are_text(tab, tmp_path):
    """A formula and a column that try to be markup are shown as they are written."""
    page = cf.live(
        cf.Loss("(w-1)**2/2 + 0*Piecewise((1, w < 1), (2, True))"), cf.optimizers.gd(lr=0.3), tmp_path / "page.html", [0.5], landmarks=0
    )
    text = page.read_text(encoding="utf-8")
    hostile = "<img src=x onerror=document.title=1>"
    marked = text.replace('"formula": "', '"formula": ' + json.dumps(hostile).replace("<", "\\u003c")[:-1], 1)
    assert marked != text
    page.write_text(marked, encoding="utf-8")
    tab.open(page.as_uri() + "#p.lr=<script>alert(1)</script>&over=<b>")
    assert tab.text("#formula").startswith(hostile) and tab.evaluate("document.querySelectorAll('img, #page script').length") == 0
    assert tab.evaluate("document.title").startswith(hostile)


@pytest.mark.slow
def test_a_box_of_the_diagram_is_zoomed_and_left_again(tab, well):
    """Shift and drag, or the button and drag; the range is in the address; 0 on the keyboard shows the whole again."""
    tab.open(well.as_uri() + "#p.lr=1.1&start=1.1")
    ends = "['from', 'to'].map((end) => Number(document.querySelector(`#range-${end}`).value))"
    left, top, width, height = tab.box("#diagram canvas")
    corners = (left + 0.5 * width, top + 0.2 * height), (left + 0.6 * width, top + 0.3 * height), (left + 0.7 * width, top + 0.4 * height)
    tab.drag(*corners, shift=True)
    lo, hi = tab.evaluate(ends)
    assert 1.3 < lo < 1.45 and 1.55 < hi < 1.7
    tab.until("location.hash.includes('heights=')")
    tab.drag((left + 0.5 * width, top + 0.3 * height))  # a click sets the parameter
    assert lo < tab.evaluate(NUMBER) < hi
    address = tab.evaluate("location.href")
    tab.open(address)
    assert tab.evaluate(ends) == [lo, hi]
    tab.evaluate("document.querySelector('#diagram canvas').focus()")
    tab.key("Home")
    assert tab.evaluate(NUMBER) == pytest.approx(lo)
    tab.click("#diagram button:nth-of-type(3)")
    assert tab.evaluate(ends) == [0.8, 2.0] and tab.evaluate("document.querySelector('#diagram button:not(.view)[hidden]') !== null")
    tab.click("#diagram button:nth-of-type(2)")
    tab.drag(*corners)
    assert tab.evaluate(ends) == pytest.approx([lo, hi])


@pytest.mark.slow
def test_a_slow_map_is_first_glanced_at(tab, tmp_path):
    """The worker computes the diagram of a regression while the page answers; a click on it before it is done counts."""
    page = cf.live(cf.losses.breast_cancer(features=2), cf.optimizers.gd(lr=10.0), tmp_path / "page.html", landmarks=0, lr=(1.0, 20.0))
    tab.call("Page.navigate", url=page.as_uri())
    tab.until("document.querySelector('#diagram .hint')?.textContent === 'refining …'")
    left, top, width, height = tab.box("#diagram canvas")
    press = {"x": left + width / 2, "y": top + height / 3, "button": "left", "clickCount": 1}
    tab.until("document.querySelector('#diagram canvas').ariaValueNow !== null")  # the first pass is drawn
    for kind in ("mousePressed", "mouseReleased"):
        tab.call("Input.dispatchMouseEvent", type=kind, **press)
    tab.until(f"Math.abs({NUMBER} - 10.5) < 0.5 && {NUMBER} !== 10")
    assert tab.text("#diagram .hint") == "refining …"


@pytest.mark.slow
def test_the_map_of_periods_sets_both_parameters(tab, tmp_path):
    """By a click, by the arrow keys; its axes are chosen; the address opens the same map; the button leads back to the diagram."""
    loss, optimizer = cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.2, momentum=0.3)
    tab.open(cf.live(loss, optimizer, tmp_path / "page.html", [1.1], lr=(0.1, 2.0), momentum=(0.0, 0.5)).as_uri())
    tab.click("#diagram button.view")
    assert tab.evaluate("document.activeElement.value") == "diagram"
    assert tab.text("#map .hint") == "after 1,200 steps" and "period 2" in tab.text("#map .legend")
    values = "['lr', 'momentum'].map((name) => Number(document.querySelector(`#value-${name}`).value))"
    left, top, width, height = tab.box("#map canvas")
    tab.drag((left + width / 2, top + height / 2))
    lr, momentum = tab.evaluate(values)
    assert lr == pytest.approx(1.05, abs=0.1) and momentum == pytest.approx(0.25, abs=0.03)
    tab.evaluate("document.querySelector('#map canvas').focus()")
    tab.key("ArrowRight", 2)
    tab.key("ArrowDown", 1, shift=True)
    assert tab.evaluate(values) == pytest.approx([lr + 2 * 0.005 * 1.9, momentum - 0.05 * 0.5])
    assert "arrow keys move the cursor" in tab.evaluate("document.querySelector('#map canvas').ariaLabel")
    tab.evaluate("{ const e = document.querySelectorAll('#map select')[0]; e.value = 'momentum'; e.dispatchEvent(new Event('change')); }")
    tab.until("location.hash.includes('across=momentum&up=lr')")
    tab.quiet()
    tab.open(tab.evaluate("location.href"))
    assert tab.evaluate("[...document.querySelectorAll('#map select')].map((one) => one.value)") == ["momentum", "lr"]
    tab.click("#map button.view")
    assert tab.text("#diagram .hint") == "states after 1,200 steps" and tab.box("#map")[2] == 0


@pytest.mark.slow
def test_noise_is_in_the_orbit_and_if_wanted_in_the_diagram(tab, well):
    """The verdict stays; the cobweb differs and is back at 0; the address has the seed; nothing is judged with noise."""
    tab.open(well.as_uri() + "#p.lr=1.46")
    cobweb, sentence = "document.querySelector('#steps canvas').toDataURL()", tab.text("#sentence")
    quiet = tab.evaluate(cobweb)
    tab.evaluate("document.querySelector('#noise').select()")
    tab.type("0.02")
    noisy = tab.evaluate(cobweb)
    assert noisy != quiet and tab.text("#sentence") == sentence and "noise σ = 0.02" in tab.text("#about")
    assert tab.text("#diagram .hint") == "states after 1,200 steps" and "chaotic" in tab.text("#diagram .legend")
    tab.evaluate("document.querySelector('#seed').select()")
    tab.type("5")
    assert tab.evaluate(cobweb) not in (noisy, quiet)
    tab.click("#noisy")
    assert tab.text("#diagram .hint") == "states after 1,200 steps, with noise" and "chaotic" not in tab.text("#diagram .legend")
    tab.until("location.hash.includes('noise=0.02&seed=5&noisy=1')")
    tab.open(tab.evaluate("location.href"))
    assert tab.text("#diagram .hint") == "states after 1,200 steps, with noise"
    tab.evaluate("document.querySelector('#noise').select()")
    tab.type("0")
    assert tab.evaluate(cobweb) == quiet and "noise" not in tab.text("#about")


@pytest.mark.slow
def test_another_optimizer_of_the_file_by_the_menu_and_by_its_address(tab, well):
    tab.open(well.as_uri())
    tab.evaluate("const menu = document.querySelector('#optimizer'); menu.value = '1'; menu.dispatchEvent(new Event('change'))")
    tab.until("document.querySelector('#about').textContent.startsWith('heavy_ball')")
    tab.until("document.querySelector('#sentence').textContent.startsWith('Stable 2-cycle, 1.1 ×')")
    tab.until("location.hash.includes('map=1')")
    assert tab.evaluate("document.activeElement.id") == "optimizer" and tab.text("#badge") == "float"
    tab.open(tab.evaluate("location.href"))
    assert tab.text("#about").startswith("heavy_ball: a = 1, lr = 1.65") or tab.text("#about").startswith("heavy_ball: lr = 1.65")


@pytest.mark.slow
def test_a_tour_by_keyboard_alone(tab, well):
    """Enter goes on; each stop sets the verdict, and the end leaves the last state."""
    tab.open(well.as_uri())
    tab.evaluate("document.querySelector('#touring').focus()")
    tab.key("Enter")
    verdicts = ["Stable 2-cycle, 1.1 ×", "Stable 4-cycle, 1.26 ×", "Chaotic", "Stable 3-cycle, 1.46 ×", "Stable 6-cycle"]
    for place, verdict in enumerate(verdicts, 1):
        tab.until(f"document.querySelector('#tour h2').textContent.startsWith('{place} of 8')")
        tab.until(f"document.querySelector('#sentence').textContent.startsWith('{verdict}')")
        tab.key("Enter")
    assert tab.evaluate("document.querySelector('#flows').getAttribute('aria-pressed')") == "true"
    tab.key("Enter")
    tab.until("document.querySelector('#tour h2').textContent === '7 of 8: Momentum'")
    tab.until("document.querySelector('#sentence').textContent.startsWith('Stable 2-cycle, 1.07 ×')")
    assert tab.evaluate("document.querySelector('#optimizer').selectedOptions[0].textContent") == "heavy ball"
    tab.key("Enter")
    tab.until("document.querySelector('#tour h2').textContent.startsWith('8 of 8')")
    tab.key("Enter")
    assert tab.evaluate("document.querySelector('#tour').hidden") is True and tab.evaluate(NUMBER) == 1.46


@pytest.mark.slow
def test_without_motion_the_iterates_rest_until_they_are_played(tab, well):
    picture = "document.querySelector('#loss canvas').toDataURL()"
    pause = "new Promise((done) => setTimeout(done, 700))"
    for wish, label in (("reduce", "play the iterates"), ("no-preference", "pause the iterates")):
        tab.motion = wish
        tab.open(well.as_uri())
        assert tab.evaluate("document.querySelector('#play').ariaLabel") == label
        before = tab.evaluate(picture)
        tab.evaluate(pause)
        assert (tab.evaluate(picture) == before) is (wish == "reduce")


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800), (2560, 1440)])
def test_nothing_is_wider_than_the_window_and_every_control_has_a_name(tab, well, width, height):
    for fragment in ("#p.lr=1.46", "#p.lr=1.46&view=map", "#p.lr=1.1&noise=0.02&seed=5&noisy=1"):
        tab.open(well.as_uri() + fragment, width, height)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        roles = ("button", "slider", "spinbutton", "combobox", "checkbox", "application")
        controls = [node for node in tab.call("Accessibility.getFullAXTree")["nodes"] if node.get("role", {}).get("value") in roles]
        assert len(controls) > 10 and [node for node in controls if not node["name"]["value"].strip()] == []
