"""What a loss must be able to tell, and its fourth derivative along directions."""

import numpy as np
import pytest
import sympy as sp

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.programs.oracle import loss_program
from cfdyn.systems.oracle import GradientOracle, LossOracle
from cfdyn.tape.evaluate import evaluate, mp_algebra

FORMULAS = ("(1 - x*y)**2/2", "exp(x)*sin(y) + x**4*y**2", "log(cosh(x)) + sqrt(1 + y**2)", "softplus(x*y) - tanh(x + y)")


def test_a_loss_is_an_oracle_and_has_each_method_itself():
    assert isinstance(cf.losses.double_well(), LossOracle)
    asked = [name for kind in (GradientOracle, LossOracle) for name in vars(kind) if not name.startswith("_")]
    assert set(asked) == {"dim", "value", "gradient", "hvp", "curvature_gradient", "fourth"}
    assert all(name in vars(cf.Loss) for name in asked)
    assert not isinstance(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1)), LossOracle)


@pytest.mark.parametrize("text", FORMULAS)
def test_the_fourth_derivative_is_sympys(text):
    s, x, y = sp.symbols("s x y", real=True)
    w, directions = (0.7, -0.4), [(1.0, 0.0), (0.3, -1.2), (0.0, 0.0)]
    plain = sp.sympify(text, locals={"softplus": lambda u: sp.log(1 + sp.exp(u)), "x": x, "y": y})
    found = cf.Loss(text, "x y").fourth(w, directions)
    assert found.shape == (3,)
    for value, q in zip(found, directions):
        moved = plain.subs({x: sp.Float(w[0], 40) + s * sp.Float(q[0], 40), y: sp.Float(w[1], 40) + s * sp.Float(q[1], 40)}, simultaneous=True)
        assert value == pytest.approx(float(sp.N(sp.diff(moved, s, 4).subs(s, 0), 30)), rel=1e-13, abs=1e-14)


def test_the_fourth_derivative_of_a_loss_with_data_agrees_with_40_digit_differences():
    rng = np.random.default_rng(5)
    rows = np.column_stack([rng.normal(size=7), rng.choice([-1.0, 1.0], 7)])
    loss = cf.Loss.from_spec(make_loss("softplus(-y*(a*x + b))", "a b", columns=["x", "y"], data=rows))
    w, directions = rng.normal(size=loss.dim), rng.normal(size=(3, loss.dim))
    assert loss.fourth(w, directions) == pytest.approx([fourth_difference(loss, w, q) for q in directions], rel=1e-12)


def fourth_difference(loss, w, q):
    """(L(−2h) − 4L(−h) + 6L(0) − 4L(h) + L(2h))/h⁴ along q, of numbers of 60 digits."""
    algebra, program = mp_algebra(60), loss_program(loss.spec, "value")
    number = algebra.functions["number"]
    data, h, values = [list(map(number, row)) for row in loss.spec.data.tolist()], number("1e-8"), []
    for k in (-2, -1, 0, 1, 2):
        point = [number(a) + k * h * number(b) for a, b in zip(w.tolist(), q.tolist())]
        values += evaluate(program, algebra, point, [], data)
    return float(sum(c * v for c, v in zip((1, -4, 6, -4, 1), values)) / h**4)


def test_directions_of_another_length_are_refused():
    loss = cf.Loss("(1 - x*y)**2/2")
    assert loss.fourth([1.0, 1.0], [1.0, 1.0]) == pytest.approx([12.0], abs=1e-13)
    for wrong in ([[1.0]], [[1.0, 2.0, 3.0]], "abc", [[[1.0, 1.0]]]):
        with pytest.raises(UsageError):
            loss.fourth([1.0, 1.0], wrong)
