"""Write ``references.json``: central flows solved by ``reference_solver.py``, twice, with the difference as accuracy.

python -m tests.flows.make_references [case …]   (from the project's root)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from tests.flows.reference_solver import Integrator, Optimizer, Oracles, Settings

TARGET = Path(__file__).with_name("references.json")
SECOND = Settings(rtol=1e-12, atol=1e-14, gamma=4.0, near=1e-9, ghost=1e-2)

PRODUCT = "(1 - x*y)**2/2 + 0.2*(z - x*y)**2 + 0.05*x*z**2"
TWO = (
    "(x1**2*(2 + a + 0.1*b*c + 0.05*x2*a) + x2**2*(2 + b + 0.1*a*s + 0.05*x1) + 2*x1*x2*(c + 0.05*a**2))/2 - 0.06*s"
    " + 0.05*((a - 0.5 - 0.6*sin(s))**2 + (b - 0.3 - 0.7*sin(s + 0.6))**2 + (c - 0.4*cos(s))**2)"
    " + 0.05*x1*c + 0.04*x2*a"
)
THREE = (
    "(x1**2*(1.9 + a + 0.1*d*e) + x2**2*(1.9 + b + 0.1*a*f) + x3**2*(1.9 + c + 0.05*x1*d) + 2*x1*x2*(d + 0.05*a**2)"
    " + 2*x1*x3*(e + 0.05*x2) + 2*x2*x3*(f + 0.1*a*b))/2 + 0.05*x1*c + 0.03*x2*e"
    " + 0.05*((a - 0.95)**2 + 1.2*(b - 1.1)**2 + 0.9*({c})**2 + (d - 0.1)**2 + (e + 0.08)**2 + (f - 0.05*a)**2)"
)
START = [0.2, 0.1, 0.3, 0.0, 0.1, 0.3, 0.25, 0.2, -0.15]


def gd(d, lr):
    return {"name": "gd", "params": {"lr": lr}}, Optimizer(d, [], ["1/lr"] * d, [], {"lr": lr})


def scalar_rmsprop(d, lr, beta2, eps):
    params = {"lr": lr, "beta2": beta2, "eps": eps}
    total = " + ".join(f"g{i}**2" for i in range(d))
    law = Optimizer(d, ["nu"], ["(sqrt(nu) + eps)/lr"] * d, [f"(1 - beta2)/beta2*({total} - nu)"], params)
    return {"name": "scalar_rmsprop", "params": params}, law


def _elementwise(name, d, rate, params):
    states, roots = [f"nu{i}" for i in range(d)], [f"(sqrt(nu{i}) + eps)/lr" for i in range(d)]
    return {"name": name, "params": params}, Optimizer(d, states, roots, [rate.format(i=i) for i in range(d)], params)


def rmsprop(d, lr, beta2, eps):
    return _elementwise("rmsprop", d, "(1 - beta2)/beta2*(g{i}**2 - nu{i})", {"lr": lr, "beta2": beta2, "eps": eps})


def adagrad(d, lr, eps):
    return _elementwise("adagrad", d, "g{i}**2", {"lr": lr, "eps": eps})


CASES = {
    "product": ("(1 - x*y)**2/2", "x y", gd(2, 0.8), [1.5, 0.3], [0, 0.25, 0.5, 1, 2, 3, 5, 10, 20]),
    "enter-leave-enter-leave": (
        "x**2*(2 + 0.8*sin(y) + z + 0.1*x*y)/2 - 0.1*y + 0.1*z**2 + 0.05*x*z",
        "x y z", gd(3, 0.8), [0.4, 0.0, 0.2], [0, 2, 5, 10, 20, 28, 35, 60, 92, 100, 110, 120],
    ),
    "two-independent": (
        "(1 - x1*y1)**2/2 + (1.2 - x2*y2)**2/2",
        "x1 y1 x2 y2", gd(4, 0.8), [1.5, 0.3, 1.35, 0.5], [0, 0.2, 0.5, 0.7, 1, 2, 3, 5, 8, 12, 20],
    ),
    "two-coupled-rank-drop": (
        TWO, "x1 x2 a b c s", gd(6, 0.8), [0.3, 0.2, 0, 0, 0, -1.0],
        [0, 5, 10, 20, 30, 50, 57, 60, 70, 85, 95, 97.5, 100, 115, 130, 160, 200],
    ),
    "three-coupled": (
        THREE.format(c="c - 1.3"), "x1 x2 x3 a b c d e f", gd(9, 0.8), START,
        [0, 1, 3, 4.5, 5, 7, 10, 14, 15, 20, 30],
    ),
    "three-coupled-rank-drop": (
        THREE.format(c="c - 0.6 - 0.7*cos(s)") + " - 0.03*s", "x1 x2 x3 a b c d e f s", gd(10, 0.8), [*START, 0.0],
        [0, 2, 5, 10, 15, 20, 30, 40, 60, 80],
    ),
    "scalar-rmsprop": (
        PRODUCT, "x y z", scalar_rmsprop(3, 0.1, 0.9, 0.0), [1.8, 0.2, 0.3, 0.6], [0, 1, 5, 10, 20, 25, 40, 70, 100],
    ),
    "rmsprop": (
        PRODUCT, "x y z", rmsprop(3, 0.05, 0.9, 1e-3), [1.8, 0.2, 0.3, 0.3, 0.4, 0.15], [0, 1, 5, 10, 20, 35, 40, 70, 100],
    ),
    "adagrad": (
        PRODUCT, "x y z", adagrad(3, 0.5, 1e-3), [0.4, 0.15, 0.3, 0.08, 0.12, 0.06], [0, 0.2, 0.5, 1, 1.5, 2, 5, 10, 20, 50],
    ),
}  # fmt: skip


def solved(name, settings):
    text, variables, (_, law), start, times = CASES[name]
    return Integrator(Oracles(text, variables.split()), law, settings).run(start, times)


def case(name) -> dict:
    text, variables, (optimizer, _), start, times = CASES[name]
    first, second = solved(name, Settings()), solved(name, SECOND)
    loss, d = Oracles(text, variables.split()), len(variables.split())
    z, sigma = np.array(first.z), np.array(first.covariance)
    same = [e[1:] for e in first.events] == [e[1:] for e in second.events]
    moments = [abs(a[0] - b[0]) for a, b in zip(first.events, second.events)]
    return {
        "name": name, "loss": text, "variables": variables.split(), "optimizer": optimizer,
        "start": [float(v) for v in start], "t": [float(t) for t in times],
        "w": z[:, :d].tolist(), "state": z[:, d:].tolist(),
        "sharpness": [float(np.linalg.eigvalsh(loss(w)[1])[-1]) for w in z[:, :d]],
        "effective_sharpness": [float(2 - g[0]) for g in first.gaps],
        "covariance": sigma.tolist(),
        "events": [[float(t), kind, int(rank)] for t, kind, rank in first.events],
        "accuracy": {
            "same_events": same,
            "w": float(np.abs(z - np.array(second.z)).max()),
            "covariance": float(np.abs(sigma - np.array(second.covariance)).max()),
            "events": float(max(moments, default=0.0)),
        },
    }  # fmt: skip


def main(names) -> None:
    for name in names or CASES:
        new = case(name)
        known = {c["name"]: c for c in json.loads(TARGET.read_text())["cases"]} if TARGET.exists() else {}
        known[name] = new
        print(name, new["events"], new["accuracy"], flush=True)
        rows = ",\n".join(json.dumps(known[n]) for n in CASES if n in known)
        TARGET.write_text(f'{{"convention": "full state w then nu; covariance is that of w", "cases": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main(sys.argv[1:])
