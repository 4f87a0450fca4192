"""The first hour: a loss and an optimizer of your own, what they do, a figure for a paper and a table for it."""

from typing import Any

import numpy as np

import cfdyn as cf


def wells(w: Any, a: float = 0.2) -> Any:
    """Two wells, one of them deeper: the function is called once to see what it computes."""
    return (w**2 - 1) ** 2 / 4 + a * np.tanh(w) / 4


loss = cf.Loss(wells, box=((-2.0, 2.0),))
momentum = cf.Optimizer.from_text({"w": "w - lr*(mu*v + g)", "v": "mu*v + g"}, {"lr": 0.5, "mu": 0.1})
step = cf.as_map(loss, momentum)
best = cf.minima(loss)[0]
print(f"lowest minimum: w = {best.w[0]:.6f}, sharpness {best.sharpness:.6f}")

for lr in (0.8, 1.2, 1.3, 1.5):
    regime = cf.analysis.classify(step.at(lr=lr), best.w + 0.05)
    print(f"lr = {lr}: {regime.kind}, period {regime.period}, Lyapunov exponent {regime.lyapunov:.4f}")

branch = cf.analysis.continue_cycle(step, [best.w[0], 0.0], "lr", (0.5, 1.6))
for point in branch.bifurcations:
    print(f"{point.kind} at lr = {point.parameter:.6f}: {point.meaning}")

path = cf.solve(cf.flows.central(loss, momentum.at(lr=1.2)), [-0.3], t=30.0)
print(f"central flow: {[event.kind for event in path.events]}, from w = {path.w[0, 0]:.1f} to {path.w[-1, 0]:.6f}")

cf.plot(branch, "branch.pdf", style="paper", figsize=(3.4, 2.6))
print(branch.to_latex(["lr", "w", "mu1_re", "stable"], rows=3))
