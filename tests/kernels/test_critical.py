"""The corrector of a critical cycle against the equations written down and solved densely."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.continuation._kernels.critical import BRANCH, CONDITION, PAIR, TURN, critical, critical_block, unknowns
from cfdyn.machine.jit import address, apply

STEP = cf.Map.from_text(["1 - a*x**2 + y + c*sin(y)", "b*x + y**3/5"], "x y", {"a": 1.4, "b": 0.3, "c": 0.2})
NU, C, R = -1.0, np.array([0.6, -0.7]), (0.8, -0.3)


def equations(z, n, form):
    """All of them, from the map and its Jacobian alone."""
    step, x = STEP.at(b=z[-2], c=z[-1]), z[: unknowns(2, n, form) - (2 if form < PAIR else 3)].reshape(n, -1)
    blocks = np.split(x, x.shape[1] // 2, axis=1)
    images = np.array([step(row) for row in blocks[0]])
    following = [np.roll(part, -1, axis=0) for part in blocks]
    matrices = np.array([step.jacobian(row) for row in blocks[0]])
    moved = [np.einsum("kij,kj->ki", matrices, part) for part in blocks[1:]]
    if form == TURN:
        following[1][-1] *= NU
    elif form == PAIR:
        following[1][-1], following[2][-1] = blocks[2][0], 2 * z[-3] * blocks[2][0] - blocks[1][0]
    elif form == BRANCH:
        images[-1] += z[-3] * C
        for r, name in zip(R, "bc", strict=True):
            moved[1] = moved[1] + r * np.array([step.parameter_derivative(row, name) for row in blocks[0]])
    rows = np.concatenate([a - b for a, b in zip([images, *moved], following, strict=True)], axis=1).ravel()
    if form == CONDITION:
        return np.append(rows, x[0, 0] * x[0, 1] + 1.4 * z[-2] * z[-1])
    q = blocks[1][0]
    fixed = [(q @ q - 1) / 2, *([C @ q] if form == PAIR else [q @ blocks[2][0]] if form == BRANCH else [])]
    return np.concatenate([rows, fixed])


@pytest.mark.parametrize("n", [1, 2, 5, 40])
@pytest.mark.parametrize("form", [CONDITION, TURN, PAIR, BRANCH])
def test_corrections_and_tangents(n, form):
    """[J; border] x = (−F, 0) and (0, 1) with J by central differences."""
    extended, rng = STEP.extended("b", "c"), np.random.default_rng(n)
    m = unknowns(2, n, form)
    given = extended.rule("expression:x*y + a*b*c").compiled
    block = critical_block(extended.rule("variation").compiled, extended.p, 2, n, form, NU, C, R, given)
    z, border, h = rng.normal(size=m) / 2, rng.normal(size=m), 1e-6
    out = np.empty(2 * m + 1)
    apply(address(critical.compiled), np.concatenate([z, border]), block.memory, out)
    jacobian = np.array([(equations(z + h * unit, n, form) - equations(z - h * unit, n, form)) / (2 * h) for unit in np.eye(m)]).T
    whole = np.vstack([jacobian, border])
    value = equations(z, n, form)
    assert len(value) == m - 1
    scale = np.linalg.cond(whole) * 1e-9
    for found, right in ((out[:m], np.append(-value, 0)), (out[m : 2 * m], np.append(0 * value, 1))):
        expected = np.linalg.solve(whole, right)
        assert found == pytest.approx(expected, abs=scale * (1 + abs(expected).max()))


def test_work_grows_with_the_period_alone():
    """The numbers kept: linear in n, in whole cache lines."""
    extended = STEP.extended("b", "c")
    rule = extended.rule("variation").compiled
    sizes = [critical_block(rule, extended.p, 2, n, PAIR).memory.size for n in (8, 16, 24)]
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0]
