"""Which entries of an optimizer's state flip with the weights."""

from __future__ import annotations

import pytest

import cfdyn as cf
from cfdyn.flows.rod import oscillating

OPT = cf.optimizers
CASES = [
    (OPT.gd(0.1), ""), (OPT.gd(0.1, clip=0.5, weight_decay=0.1), ""), (OPT.heavy_ball(0.1), "v"),
    (OPT.heavy_ball(0.1, dampening=0.5), "v"), (OPT.nesterov(0.1), "v"), (OPT.ema_momentum(0.1), "m"),
    (OPT.adam(0.1), "m"), (OPT.adam(0.1, bias_correction=False, weight_decay=0.1, clip=1.0), "m"), (OPT.adamw(0.1), "m"),
    (OPT.nadam(0.1), "m"), (OPT.amsgrad(0.1), "m"), (OPT.rmsprop(0.1), ""), (OPT.rmsprop(0.1, bias_correction=True), ""),
    (OPT.scalar_rmsprop(0.1), ""), (OPT.adagrad(0.1), ""), (OPT.sam(0.1), ""), (OPT.lion(0.1), "m"),
]  # fmt: skip
OWN = {
    # Polyak's form: the weights before the last step are no gradient, but flip with the weights.
    "w w_before": {"w": "w - lr*g + mu*(w - before)", "before": "w"},
    # The second moment of a momentum, in an order in which it comes first.
    "w m": {"w": "w - lr*m/sqrt(s)", "s": "mu*s + (mu*m + g)**2", "m": "mu*m + g"},
    # Behind a second moment nothing flips; an average of the weights does.
    "w mean": {"w": "w - lr*g/(1 + slow)", "fast": "mu*fast + g**2", "slow": "mu*slow + fast", "mean": "mu*mean + w"},
}


@pytest.mark.parametrize(("optimizer", "momenta"), CASES, ids=[f"{o.name}-{i}" for i, (o, _) in enumerate(CASES)])
def test_weights_and_momenta_flip(optimizer, momenta):
    step = cf.as_map(cf.Loss("(1 - x*y)**2/2"), optimizer)
    wanted = {"x", "y", *(f"{m}_{w}" for m in momenta for w in "xy")}
    assert {name for name, flip in zip(step.names, oscillating(step.spec)) if flip} == wanted


@pytest.mark.parametrize(("wanted", "update"), OWN.items())
def test_optimizers_of_ones_own(wanted, update):
    step = cf.as_map(cf.Loss("x**2"), cf.Optimizer.from_text(update, {"lr": 0.1, "mu": 0.5}))
    flips = [name for name, flip in zip(step.names, oscillating(step.spec)) if flip]
    assert flips == [name + "_x" if name != "w" else "x" for name in wanted.replace("w_", "").split()]


@pytest.mark.parametrize(("optimizer", "wanted"), [(OPT.muon(0.1), "B"), (OPT.shampoo(0.1), "")])
def test_optimizers_of_matrices(optimizer, wanted):
    loss = cf.losses.matrix_factorization()
    step = cf.as_map(loss, optimizer)
    behind = [name for name, flip in zip(step.names, oscillating(step.spec)) if flip][loss.dim :]
    assert {name[0] for name in behind} == set(wanted) and len(behind) == (loss.dim if wanted else 0)
