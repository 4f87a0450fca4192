"""How long does a comparison of an optimizer with its models take, from the command line and by itself?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cfdyn as cf
from measuring import Benchmark, Goal, Plan, Row, Rows, measure
from measuring.processes import COLD, COLD_CPU, MEMORY, WARM, WARM_CPU, Caches, process_cells

bench = Benchmark("compare")

MODELS = ("gradient", "central", "rod", "edge:secant=true", "modified", "self_stabilization")
SECANT = {"edge:secant=true": {"secant": True}}
COMMAND = ["-m", "cfdyn", "compare", "two_time_scales", "--optimizer", "gd:lr=0.3", "--start", "0.05,6.4", "--steps", "2000",
           "--models", ",".join(MODELS), "--out"]  # fmt: skip
SOON = 2.0  # seconds for the warm command


@bench.table("an optimizer against six models", (COLD, COLD_CPU, WARM, WARM_CPU, MEMORY))
def command(plan: Plan) -> Rows:
    """`cfdyn compare two_time_scales` with the models {models}: whole processes, the figure and the record written. Cold:
    nothing compiled is kept yet."""
    caches = Caches()
    cells = process_cells([*COMMAND, caches.out], plan.repeats, plan.pick(None, caches), cold=1)
    yield Row("six models, two variables, 2,000 steps", cells, (Goal(cells[WARM], SOON),))
    return {"models": ", ".join(MODELS)}


@bench.table("comparisons: growth")
def growth(plan: Plan) -> Rows:
    """`cf.compare` itself, warm, without a figure, with the same six models: on the two-variable valley `two_time_scales`
    for more and more steps, and on L = (1 − x₁⋯x_d)²/2, GD beyond its edge, for 500 steps with more and more variables."""
    for name, loss, lr, start, steps in problems(plan):
        gd = cf.optimizers.gd(lr=lr)
        flows = {model: getattr(cf.flows, model.partition(":")[0])(loss, gd, **SECANT.get(model, {})) for model in MODELS}

        def compared(problem: tuple = (loss, gd, flows, start, steps)) -> Any:
            return cf.compare(*problem)

        spent = measure(compared, plan.repeats)
        yield Row(name, {"time (ms)": spent * 1e3, "µs per step and model": spent / steps / len(flows) * 1e6})


def problems(plan: Plan) -> Iterator[tuple[str, cf.Loss, float, list[float], int]]:
    """(name, loss, learning rate, start, steps): more steps, more variables."""
    for steps in plan.pick((200, 2000), (200, 2000, 20000)):
        yield f"{steps} steps", cf.losses.two_time_scales(), 0.3, [0.05, 6.4], steps
    for d in plan.pick((2, 4), (2, 4, 8, 16)):
        names = [f"x{i + 1}" for i in range(d)]
        loss = cf.Loss(f"(1 - {'*'.join(names)})**2/2", names)
        yield f"{d} variables", loss, 2 / (1.05 * d), np.linspace(0.5, 1.0, d).tolist(), 500


if __name__ == "__main__":
    bench.main()
