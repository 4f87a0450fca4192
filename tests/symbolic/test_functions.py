"""The atomic functions: values against mpmath definitions, derivatives against differences, branches by hand."""

import mpmath
import pytest
import sympy
from sympy import Integer, Rational

from cfdyn.symbolic.text.functions import ATOMIC, log1p, logcosh, relu, sigmoid, softplus, switching_conditions

MP = mpmath.mp.clone()
MP.prec = 9000  # so many bits that the textbook definitions lose nothing that matters
DEFINITIONS = {
    sigmoid: lambda x: 1 / (1 + MP.exp(-x)),
    softplus: lambda x: MP.log(1 + MP.exp(x)),
    relu: lambda x: max(x, MP.zero),
    log1p: lambda x: MP.log(1 + x),
    logcosh: lambda x: MP.log(MP.cosh(x)),
}
POINTS = [Integer(n) for n in (0, 1, -1, 3, -40, 1000, -1000, 2500, -2500)]
POINTS += [Rational(s) for s in ("1/3", "-1/3", "1e-30", "-1e-30", "0.9999", "1.0001", "-7/11")]
x, y, z = sympy.symbols("x y z", real=True)


def every(*arguments):
    return pytest.mark.parametrize("function", arguments or ATOMIC, ids=lambda f: f.__name__)


@every()
@pytest.mark.parametrize("digits", [15, 50, 200])
def test_values_have_all_the_digits_that_were_asked_for(function, digits):
    points = [point for point in POINTS if function is not log1p or point > -1]
    assert len(points) > 10
    for point in points:
        wanted = DEFINITIONS[function](MP.mpf(point.p) / point.q)
        got = function(point).evalf(digits)
        got = MP.make_mpf(got._to_mpmath(800, allow_ints=False)._mpf_)
        assert abs(got - wanted) <= MP.mpf(10) ** (1 - digits) * abs(wanted), point


@every()
def test_arguments_that_cancel_or_are_irrational(function):
    point = sympy.sqrt(2) ** 2 * sympy.pi - sympy.Rational(1, 10**20)
    wanted = DEFINITIONS[function](2 * MP.pi - MP.mpf(10) ** -20)
    assert abs(MP.make_mpf(function(point).evalf(50)._mpf_) / wanted - 1) < MP.mpf(10) ** -48
    tiny = sympy.exp(Rational(1, 10**40)) - 1
    wanted = DEFINITIONS[function](MP.expm1(MP.mpf(10) ** -40))
    assert abs(MP.make_mpf(function(tiny).evalf(30)._mpf_) / wanted - 1) < MP.mpf(10) ** -28


@every()
def test_derivative_is_the_limit_of_differences(function):
    slope = function(x).diff(x)
    h = MP.mpf(2) ** -800
    for point in (Rational(-7, 10), Rational(1, 3), Integer(5)):
        at = MP.mpf(point.p) / point.q
        wanted = (DEFINITIONS[function](at + h) - DEFINITIONS[function](at - h)) / (2 * h)
        got = slope.subs(x, point).evalf(50)._to_mpmath(200, allow_ints=False)
        assert abs(MP.make_mpf(got._mpf_) - wanted) < MP.mpf(10) ** -48


def test_derivatives_by_name():
    assert sigmoid(x).diff(x) == sigmoid(x) * (1 - sigmoid(x))
    assert softplus(2 * x).diff(x) == 2 * sigmoid(2 * x)
    assert log1p(x).diff(x) == 1 / (1 + x)
    assert logcosh(x).diff(x) == sympy.tanh(x)
    assert relu(x).diff(x) == sympy.Piecewise((1, x > 0), (0, True))
    assert relu(Integer(2)).fdiff() == 1 and relu(Integer(0)).fdiff() == 0


@every()
def test_nothing_evaluates_itself(function):
    for argument in (Integer(0), Integer(1), x, -x, sympy.log(x)):
        assert function(argument).func is function and function(argument).args == (argument,)


def test_latex():
    assert sympy.latex(sigmoid(x) ** 2) == r"\sigma^{2}{\left(x \right)}"
    assert sympy.latex(softplus(x + 1)) == r"\operatorname{softplus}{\left(x + 1 \right)}"


def test_assumptions():
    for function in (sigmoid, softplus, relu, logcosh):
        assert function(x).is_real
    assert sigmoid(x).is_positive and softplus(x).is_positive
    assert relu(x).is_nonnegative and logcosh(x).is_nonnegative
    assert log1p(x).is_real is None and log1p(sympy.exp(x)).is_real
    assert sigmoid(sympy.Symbol("c")).is_real is None


def test_log1p_outside_its_domain_stays_symbolic():
    assert log1p(Integer(-2)).evalf() == log1p(Integer(-2))


def test_switching_conditions():
    u = x**2 - y
    assert switching_conditions(abs(u)) == (u,)
    assert switching_conditions(relu(u) + sympy.sign(u) + sympy.Heaviside(-u)) in [(u,), (-u,)]
    found = switching_conditions(sympy.Max(x, 2 * y, z, evaluate=False))
    assert {sympy.Abs(f) for f in found} == {abs(x - 2 * y), abs(x - z), abs(2 * y - z)}
    piecewise = sympy.Piecewise((x, (x < 1) & (y >= x)), (abs(z), True))
    assert {sympy.Abs(f) for f in switching_conditions(piecewise)} == {abs(x - 1), abs(y - x), abs(z)}
    assert switching_conditions(sympy.exp(x) * y + sympy.sqrt(2)) == ()
    assert switching_conditions(x * sympy.Max(1, 2, evaluate=False)) == ()
    assert switching_conditions(abs(abs(x) - 1)) == (abs(x) - 1, x)
