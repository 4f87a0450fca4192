"""The flows that a page computes are those of `cf.solve`."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.explorer.module import slow
from tests.explorer.page import in_node, needs_node, scene_in
from tests.explorer.test_page import START, WELL

pytest.importorskip("wasmtime", reason="wasmtime is not installed: no page was written")
pytestmark = needs_node
ASK = """
import { centralFlow, gradientFlow } from "./flows.js";
const rows = (points) => points.map((w) => [...w]);
console.log(JSON.stringify([gradientFlow, centralFlow].map((flow) => rows(flow(engine, state.start, given.time)))));"""


@pytest.mark.parametrize(
    ("loss", "start", "lr"),
    [(WELL, [0.3], 1.2), (WELL, [-0.2], 0.8), ("(1-x*y)**2/2", [2.0, 0.1], 0.47), ("(1-x*y)**2/2", [2.5, 0.2], 0.45)],
)
def test_flows_are_those_of_python(loss, start, lr, tmp_path):
    """At all times of a grid; the third meets the edge on its way, the fourth starts beyond it."""
    loss, gd, time = cf.Loss(loss), cf.optimizers.gd(lr=lr), 30.0
    page = cf.live(loss, gd, tmp_path / "p.html", start, landmarks=0)
    found = in_node(tmp_path, START + ASK, {"scene": scene_in(page), "time": time})
    for points, flow in zip(found, (cf.flows.gradient, cf.flows.central), strict=True):
        path = cf.solve(flow(loss, gd), start, t=time, save_at=np.linspace(0, time, len(points)))
        assert len(points) == 601 and np.abs(np.array(points) - path.w[:, : loss.dim]).max() < 5e-3


@pytest.mark.parametrize(
    ("loss", "start", "optimizer"),
    [
        (WELL, [0.3], cf.optimizers.heavy_ball(lr=1.6, momentum=0.5)),
        ("(1-x*y)**2/2", [2.0, 0.1], cf.optimizers.nesterov(lr=0.4, momentum=0.5)),
        ("(1-x*y)**2/2", [2.0, 0.1], cf.optimizers.ema_momentum(lr=1.6, momentum=0.5)),
    ],
)
def test_flows_of_momentum_are_those_of_python(loss, start, optimizer, tmp_path):
    """The gain, 1/(1 − β) for heavy ball, and the edge, 2(1 + β)/η, follow the sliders: the page was written at another β."""
    loss, time = cf.Loss(loss), 15.0
    page = cf.live(loss, optimizer.at(momentum=0.2), tmp_path / "p.html", start, landmarks=0, also=[])
    moved = START + f"state.values.momentum = 0.5; engine.setParameters(state.values);{ASK}"
    found = in_node(tmp_path, moved, {"scene": scene_in(page), "time": time})
    for points, flow in zip(found, (cf.flows.gradient, cf.flows.central), strict=True):
        path = cf.solve(flow(loss, optimizer), start, t=time, save_at=np.linspace(0, time, len(points)))
        assert len(points) == 301 and np.abs(np.array(points) - path.w[:, : loss.dim]).max() < 5e-3


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sign_gd", "lion"])
def test_other_optimizers_have_no_flows_in_the_page(name):
    assert slow(cf.as_map(cf.Loss(WELL), getattr(cf.optimizers, name)(lr=0.1))) == {}


def test_a_start_beyond_the_edge_is_moved_onto_it(tmp_path):
    gd = cf.optimizers.gd(lr=1.2)
    page = cf.live(cf.Loss(WELL), gd, tmp_path / "p.html", [1.1], landmarks=0)
    _, central = in_node(tmp_path, START + ASK, {"scene": scene_in(page), "time": 3})
    assert np.allclose(central, cf.solve(cf.flows.central(cf.Loss(WELL), gd), [1.1], t=3).w[0], atol=1e-9)
    assert not scene_in(cf.live(cf.Loss(WELL), cf.optimizers.gd(lr=1, clip=1), tmp_path / "p.html", [1.1], landmarks=0))["flows"]
