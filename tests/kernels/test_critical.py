"""The system of a critical cycle: its Jacobian against differences of its equations."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn._jit import addresses, apply
from cfdyn.kernels.critical import critical, critical_block, unknowns

STEP = cf.Map.from_text(["1 - a*x**2 + y + c*sin(y)", "b*x + y**3/5"], "x y", {"a": 1.4, "b": 0.3, "c": 0.2})


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("turns", [0, 1, 2])
def test_jacobian(n, turns):
    extended = STEP.extended("b", "c")
    rng = np.random.default_rng(0)
    m = unknowns(2, n, turns)
    condition = extended.rule("expression:x*y + a*b*c").compiled
    block = critical_block(extended.rule("variation").compiled, extended.p, 2, n, turns, -1.0, condition, rng.normal(size=2))
    rules = addresses(critical.compiled)
    z = rng.normal(size=m) / 2

    def evaluate(z):
        out = np.empty((m - 1) * (m + 1))
        apply(rules, 0, z, block, out)
        return out[: m - 1], out[m - 1 :].reshape(m - 1, m)

    value, jacobian = evaluate(z)
    assert np.isfinite(value).all()
    for j in range(m):
        shift = np.zeros(m)
        shift[j] = 1e-6
        slope = (evaluate(z + shift)[0] - evaluate(z - shift)[0]) / 2e-6
        assert jacobian[:, j] == pytest.approx(slope, abs=1e-8)


def test_equations_by_hand():
    """A 2-cycle with directions, for two turns."""
    extended = STEP.extended("b", "c")
    rng = np.random.default_rng(1)
    m, across = unknowns(2, 2, 2), rng.normal(size=2)
    block = critical_block(extended.rule("variation").compiled, extended.p, 2, 2, 2, across=across)
    z, out = rng.normal(size=m), np.empty((m - 1) * (m + 1))
    apply(addresses(critical.compiled), 0, z, block, out)
    step = STEP.at(b=z[-2], c=z[-1])
    x, q = z[:4].reshape(2, 2), z[4:12].reshape(4, 2)
    expected = [step(x[0]) - x[1], step(x[1]) - x[0]]
    expected += [step.jacobian(x[k % 2]) @ q[k] - q[k + 1] for k in range(3)]
    expected += [step.jacobian(x[1]) @ q[3] - 2 * z[12] * q[2] + q[0], [(q[0] @ q[0] - 1) / 2, across @ q[0]]]
    assert out[: m - 1] == pytest.approx(np.concatenate(expected), rel=1e-12)
