"""The certificates of cycles, branches, bifurcations, edges and measures that are kept as examples: ``python -m tests.certify.cycle_examples`` writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cfdyn as cf
from tests.certify.cases import CYCLES, L, O, adam, certificate

FOLDER = Path(__file__).parent / "examples"
WELL = L.double_well()
DELAYED = cf.Map.from_text(["r*x*(1 - y)", "x"], "x y", {"r": 2.0})
RIVER = "x**2*(1 + y)/2 + exp(-y)"
BENT = "Piecewise((w**2/5, w < 0), (7*w**2/4 + w**3/6, True)) - w/100"  # slopes 0.6 and −2.5 of a step with rate 1
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], params={"a": 1.4, "b": 0.3})

EXAMPLES: dict[str, Callable] = {
    **{f"cycle_{name}": lambda name=name: certificate(name) for name in CYCLES},
    "cycle_varied": lambda: cf.certify.cycle(WELL, O.gd(lr=1.1), [0.8, 1.2], lr=("1.1", "1.1001")),
    "cycle_henon": lambda: cf.certify.cycle(HENON, points=[[0.63, 0.19]], period=1),
    "branch_double_well": lambda: cf.certify.branch(WELL, O.gd(lr=1), 2, [0.85], lr=("1.05", "1.2")),
    "bifurcation_flip_double_well": lambda: cf.certify.bifurcation(WELL, O.gd(lr=1), "flip", 2, [0.72, 1.14], lr=("1.2", "1.25")),
    "bifurcation_fold_logistic": lambda: cf.certify.bifurcation(
        L.logistic_regression(), O.gd(lr=1), "fold", 3, [-2, 8.2, 2], lr=("18.6", "18.7")
    ),
    "bifurcation_adam": lambda: cf.certify.bifurcation(
        "w**2/2", adam(1, 0.5, 0.2, 1e-8), "flip", 3, CYCLES["adam_3"][2], beta2=("0.1", "0.3")
    ),
    "bifurcation_delayed": lambda: cf.certify.bifurcation(
        DELAYED, kind="neimark-sacker", points=[[0.5, 0.5]], r=("1.9", "2.1")
    ),
    "edge_heavy_ball": lambda: cf.certify.edge(RIVER, O.heavy_ball(lr=1, momentum=0.5), ((-0.1, 0.2), (1.6, 2.3))),
    "measure_kink": lambda: cf.certify.measure("(Abs(w) - 1)**2/2", O.gd(lr=1), (-3.01, 3.01), lr=("2.01", "2.99")),
    "measure_bent": lambda: cf.certify.measure(BENT, O.gd(lr=1), (-0.04, 0.0125)),
    "measure_remainder": lambda: cf.certify.measure(cf.Map.from_text("frac(b*x)", params={"b": 1.618}), box=(-0.1, 1.1)),
}


def kept(name):
    """What the file has, but for the versions."""
    return {**json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")), "made with": 0}


if __name__ == "__main__":
    for name, make in EXAMPLES.items():
        print(make().save(FOLDER / f"{name}.json"))
