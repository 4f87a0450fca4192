"""Rules: what they are told apart by, how they read their arrays, and that large ones compile in linear time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.codegen.schedule import machine_program
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.programs.oracle import loss_program


def test_strided_arrays_are_read_as_they_look():
    step = cf.as_map(cf.Loss("x**2/2"), cf.optimizers.heavy_ball(lr=0.1, momentum=0.9))
    z = np.array([0.5, 7.0, 1.0, 9.0])[::2]
    assert step(z).tolist() == step([0.5, 1.0]).tolist() and step(z[::-1]).tolist() == step([1.0, 0.5]).tolist()
    loss = cf.Loss("(1 - x*y)**2/2")
    table = np.arange(8.0).reshape(4, 2)
    assert loss.rule("value")(table[:2, 1], loss.p)[0] == loss.value([1.0, 3.0])


def test_shapes_belong_to_the_key():
    spec = make_loss("(a*d - b*c - 1)**2 + a**2 + b**4", "a b c d")
    one, two = (cf.Loss.from_spec(replace(spec, shapes=s)) for s in (((1, 2), (2, 1)), ((2, 2),)))
    for optimizer in (cf.optimizers.muon(lr=0.1), cf.optimizers.shampoo(lr=0.1, iterations=8)):
        maps = [cf.as_map(loss, optimizer) for loss in (one, two)]
        for step in maps:
            precise = step.precise(30)
            expected = [float(v) for v in precise([precise.number(v) for v in step.state([1.0, 2.0, 3.0, 4.5])])]
            np.testing.assert_allclose(step([1.0, 2.0, 3.0, 4.5]), expected, rtol=1e-9)


def test_threads_that_want_the_same_new_rule():
    """They used to link it twice while one of them was running it."""
    for k in range(10):
        step = cf.as_map(cf.Loss(f"cosh(w) - {k + 2}*w/7 + w**4"), cf.optimizers.gd(lr=0.01))
        with ThreadPoolExecutor(4) as pool:
            ends = list(pool.map(lambda i, step=step: cf.iterate(step, [0.1], 200).w[-1, 0], range(8)))
        assert len(set(ends)) == 1


def chain(n: int) -> cf.Loss:
    return cf.Loss(" + ".join(f"(x{i}**2 - x{i + 1})**2" for i in range(1, n)))


def test_the_zeros_of_a_sparse_hessian_take_no_code():
    """Length of the code: linear in the variables, although the matrix has their square."""
    lengths = [print_ir(machine_program(loss_program(chain(n).spec, "hessian")), "f").count("\n") for n in (50, 100, 200)]
    assert lengths[2] - lengths[1] == pytest.approx(2 * (lengths[1] - lengths[0]), rel=0.05)
    loss, w = chain(60), np.linspace(-1, 1, 60)
    expected = np.zeros((60, 60))
    for i in range(59):
        expected[i, i] += 12 * w[i] ** 2 - 4 * w[i + 1]
        expected[i, i + 1] = expected[i + 1, i] = -4 * w[i]
        expected[i + 1, i + 1] += 2
    np.testing.assert_allclose(loss.hessian(w), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("call", [lambda loss: loss.rule("foo"), lambda loss: loss.at(self=2.0)])
def test_names_that_are_none(call):
    with pytest.raises(cf.CfdynError, match="unknown"):
        call(cf.losses.double_well())
