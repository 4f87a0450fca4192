"""The map that the checker makes of a file's texts, and its derivatives, against exact numbers computed by SymPy and by the package itself."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import cfdyn as cf
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import read_map
from cfdyn.certify.checker.numbers.boxes import Interval, point

DATA = {"columns": ["x", "y"], "rows": [["1", "2"], ["-0.5", "1"], ["1", "2"]]}
CASES = {
    "gd": (cf.optimizers.gd(lr=0.3), "w**4/4 + exp(-w) - sin(w)*w", ("w",), {}),
    "heavy ball": (cf.optimizers.heavy_ball(lr=0.3, momentum=0.5), "(x**2 - 1)**2/4 + x*y + y**2*tanh(x)", ("x", "y"), {}),
    "decay and clip": (cf.optimizers.gd(lr=0.3, weight_decay=0.1, clip=0.5), "logcosh(x - y) + x**2", ("x", "y"), {}),
    "nesterov": (cf.optimizers.nesterov(lr=0.2, momentum=0.6), "softplus(x*y) + x**2/(1 + y**2)", ("x", "y"), {}),
    "sam": (cf.optimizers.sam(lr=0.2, rho=0.1), "x**4 + y**2*x + y**4", ("x", "y"), {}),
    "rmsprop": (cf.optimizers.rmsprop(lr=0.1, eps_inside=True), "erf(x) + cosh(y)/3 + log(2 + x**2)", ("x", "y"), {}),
    "adam": (cf.optimizers.adam(lr=0.1), "sqrt(1 + x**2) + sigmoid(y)*x + log1p(y**2)", ("x", "y"), {}),
    "adamw": (cf.optimizers.adamw(lr=0.1, bias_correction=False), "x**2*cos(y) + y**2", ("x", "y"), {}),
    "data": (cf.optimizers.gd(lr=0.3), "(a*x - y)**2/2 + Max(a, 0)**3", ("a",), DATA),
    "branches": (cf.optimizers.gd(lr=0.3), "Piecewise((w**2, w < 1), (2*w - 1, True)) + Abs(w + 3)*w**2", ("w",), {}),
    "scalar": (cf.optimizers.scalar_rmsprop(lr=0.1), "x**2 + x*y + 2*y**2", ("x", "y"), {}),
}  # fmt: skip

QUICK = ("heavy ball", "decay and clip")  # the package has to compile the others


def text(value):
    return str(Fraction(str(value)))


def described(optimizer, formula, variables, data):
    """A file's map, written here from the specification's public fields."""
    formulas = {"update": optimizer.update, "define": optimizer.define}
    return {"map": {
        "type": "optimizer", "loss": {"formula": formula, "variables": list(variables), "params": {}, "columns": [], "rows": [], **data},
        "optimizer": {"name": optimizer.name, "params": {n: text(v) for n, v in optimizer.params.items()},
                      "gradient": optimizer.gradient and optimizer.gradient.text, "probe": optimizer.probe and optimizer.probe.text,
                      "per_weight": list(optimizer.per_weight), "shared": list(optimizer.shared),
                      **{k: {n: f.text for n, f in part.items()} for k, part in formulas.items()}}}}  # fmt: skip


def package_map(optimizer, formula, variables, data):
    rows = np.array([[float(Fraction(v)) for v in row] for row in data["rows"]]) if data else None
    more = {"data": dict(zip(data["columns"], rows.T))} if data else {}
    return cf.as_map(cf.Loss(formula, variables=variables, **more), optimizer)


@pytest.mark.parametrize("case", [c if c in QUICK else pytest.param(c, marks=pytest.mark.slow) for c in CASES])
def test_the_map_and_its_slopes_are_the_package_s_own(case):
    g, step = read_map(described(*CASES[case])), package_map(*CASES[case])
    assert tuple(g.names) == step.names
    rng = np.random.default_rng(5)
    for _ in range(12):
        x = rng.normal(size=g.d)
        # averages of squares are positive, powers of β below 1
        x[len(CASES[case][2]) :] = rng.uniform(0.1, 0.7, size=g.d - len(CASES[case][2]))
        value, slopes = g.slopes(point(x), g.lines)
        assert np.allclose(value.middle, step(x), rtol=1e-9, atol=1e-11) and (value.hi - value.lo < 1e-9).all()
        assert np.allclose(slopes.middle, step.jacobian(x), rtol=1e-6, atol=1e-9)
        wide = Interval(x - 0.01, x + 0.01)
        many, steep = g.slopes(wide, g.lines)
        inner = x + rng.uniform(-0.01, 0.01, size=(5, g.d))
        for y in inner:
            assert ((many.lo <= step(y)) & (step(y) <= many.hi)).all()
            change = (
                np.sum(np.stack([steep.lo * (y - x), steep.hi * (y - x)]).min(0), 1),
                np.sum(np.stack([steep.lo * (y - x), steep.hi * (y - x)]).max(0), 1),
            )
            moved = step(y) - step(x)
            assert (change[0] <= moved + 1e-12).all() and (moved <= change[1] + 1e-12).all()


SMOOTH = ("tanh(w)**3", "sin(w)/(2 + cos(w))", "w**4 + exp(w)*w", "sigmoid(2*w)*w", "log1p(w**2)", "erf(w)*w**2", "softplus(w)*sinh(w)",
          "(1 + w**2)**(3/2)", "logcosh(w)**2", "tan(w/3)")  # fmt: skip


@pytest.mark.parametrize("formula", [pytest.param(f, marks=[pytest.mark.slow] * (k > 1)) for k, f in enumerate(SMOOTH)])
def test_derivatives_up_to_the_third_order(formula):
    g = read_map({"map": {"type": "formulas", "variables": ["w"], "formulas": [formula], "params": {}}})
    from cfdyn.certify.checker.formulas.values import Program
    from cfdyn.symbolic.text.parse import parse, symbol

    found = g.derivatives(3)
    expression, w = parse(formula), symbol("w")
    for k in range(4):
        program = Program(g.graph, found[("x:w",) * k])
        for x in (Fraction(1, 3), Fraction(-7, 5), Fraction(2)):
            exact = sympy.Rational(
                str(sympy.diff(expression, w, k).subs(w, sympy.Rational(x.numerator, x.denominator)).evalf(40))
            )
            near = program({"x:w": Interval(float(x) - 1e-12, float(x) + 1e-12)})[0]
            assert near.lo <= exact <= near.hi and near.hi - near.lo < 1e-9, (formula, k, x)


def test_a_mean_over_rows_counts_each_row():
    g = read_map(described(*CASES["data"]))
    value = g.value(point(np.array([2.0])), g.lines)
    # 2 - 0.3 (2(2·1 - 2)·1 + (2·(-0.5) - 1)(-0.5))/3 - 0.3·3·2²
    assert value.lo <= 2 - 0.3 / 3 - 3.6 <= value.hi


def test_branches_that_meet_have_slopes_and_others_have_none():
    def slopes(formula, lo, hi):
        g = read_map({"map": {"type": "formulas", "variables": ["w"], "formulas": [formula], "params": {"a": "1/3"}}})
        return g.slopes(Interval(np.array([lo]), np.array([hi])), g.lines)[1]

    for meets in ("Piecewise((w**2, w < 1), (2*w - 1, True))", "Abs(w - 1)", "Max(w, 1)", "relu(w - 1)", "Piecewise((1, w <= 1), (w, True))",
                  "Piecewise((w**3, w**2 < 1), (w, True))", "Piecewise((exp(w - 1), 1 > w), (w, True))",
                  "Piecewise((w**2/2, Abs(w) <= 1), (Abs(w) - 1/2, True))", "relu(w - 1)**2", "Min(w, 1)*a",
                  "Piecewise((-w, w < -1), (w**2, w < 1), (w, True))"):  # fmt: skip
        found = slopes(meets, 0.9, 1.2)
        assert np.isfinite(found.lo).all() and np.isfinite(found.hi).all(), meets
    for jumps in ("Piecewise((w**2, w < 1), (2*w, True))", "sign(w - 1)", "floor(w)", "Heaviside(w - 1)", "w*(w > 1)", "frac(w)",
                  "Piecewise((w, w < 1), (w + a, True))", "Piecewise((0, sign(w - 1) < 1/2), (0, w < 5), (1, True)) + sign(w-1)",
                  "Piecewise((w**3, w**2 < 1), (-w, True))"):  # fmt: skip
        found = slopes(jumps, 0.9, 1.2)
        assert found.lo == -np.inf and found.hi == np.inf, jumps
        assert np.isfinite(slopes(jumps, 0.2, 0.3).lo).all(), jumps


# Products of what jumps at 0 and of what is 0 there, with the least and the greatest slope over [−0.2, 0.3].
CANCELLED = {
    "x*sign(x)": (-1, 1), "x*sign(-2*x)*a": (-1 / 3, 1 / 3), "x**2*Heaviside(x)": (0, 0.6), "x*(x > 0)": (0, 1), "Piecewise((1, x < 0), (2, True))*x": (1, 2),
    "x*Piecewise((1, x < 0), (5, x <= 0), (3, True))": (1, 3), "x*(x - 1/8)*sign(x)*sign(x - 1/8)": (-0.5, 0.5), "sin(x)*sign(x)": (-1, 1),
    "x*sign(x)*Heaviside(x)": (0, 1), "relu(x)*sign(x)": (0, 1), "sign(x)**2*x": (1, 1),
}  # fmt: skip
TORN = ("(x + 1/1000000)*sign(x)", "Piecewise((1, x < 0), (0, x <= 0), (1, True))", "1 - sign(x)**2", "x + (1 - sign(x)**2)*(1 - sign(x + x**3)**2)",
        "x*Piecewise((1/x, x < 0), (2, True))", "x*floor(x)", "sign(x)*sign(x - 1/8)*x")  # fmt: skip


@pytest.mark.parametrize("formula", [*CANCELLED, *TORN])
def test_a_jump_times_zero_is_none(formula):
    """Slopes are those of both sides; where a value of its own stands at 0, or the other factor is not 0, there are none."""
    g = read_map({"map": {"type": "formulas", "variables": ["x"], "formulas": [formula], "params": {"a": "1/3"}}})
    slopes = g.slopes(Interval(np.array([-0.2]), np.array([0.3])), g.lines)[1]
    lo, hi = CANCELLED.get(formula, (-np.inf, np.inf))
    found = float(slopes.lo[0, 0]), float(slopes.hi[0, 0])
    assert found[0] <= lo and hi <= found[1] and (formula in TORN or np.allclose(found, (lo, hi), atol=0.45))


@pytest.mark.parametrize("formula", [*CANCELLED, *TORN])
@pytest.mark.parametrize("at", ["0", "1/8", "-1/8"])
def test_at_a_border_it_is_the_same_function(formula, at):
    """What SymPy says there, exactly; the first of the two sides that are written apart is not asked."""
    g = read_map({"map": {"type": "formulas", "variables": ["x"], "formulas": [formula], "params": {"a": "1/3"}}})
    value = g.value(point(np.array([float(Fraction(at))])), g.lines)
    own = {"relu": lambda u: sympy.Max(0, u), "Heaviside": lambda u: sympy.Heaviside(u, sympy.Rational(1, 2)), "a": sympy.Rational(1, 3)}
    text = formula.replace("(x > 0)", "Piecewise((1, x > 0), (0, True))")
    exact = sympy.sympify(text, locals=own, rational=True).subs("x", sympy.Rational(at))
    assert value.lo[0] <= exact <= value.hi[0]


def test_a_box_is_cut_where_a_jump_lies_in_a_branch_that_is_not_taken_there():
    def slopes(formula):
        g = read_map({"map": {"type": "formulas", "variables": ["w"], "formulas": [formula], "params": {}}})
        found = g.slopes(Interval(np.array([[-1.9]]), np.array([[1.9]])), g.lines)[1]
        return float(found.lo.item()), float(found.hi.item())

    assert slopes("Piecewise((w, Abs(w) <= 1), (sign(w), True))") == (0, 1)
    assert slopes("Piecewise((w, Abs(w) <= 1), (2*sign(w), True))") == (-np.inf, np.inf)
    assert slopes("Piecewise((w, Abs(w) < 1/2), (sign(w)/2, w < 1), (1/2, True))") == (0, 1)


def test_what_may_be_undefined_is_the_whole_line():
    for formula in ("1/w", "tanh(log(w))", "sin(1/w)", "Abs(sqrt(w))", "sigmoid(tan(2*w))", "Max(0, log(w))", "Piecewise((1, log(w) > 0), (2, True))",
                    "exp(log(w))*0 + w**(1/3)", "cos(w**(-2))"):  # fmt: skip
        g = read_map({"map": {"type": "formulas", "variables": ["w"], "formulas": [formula], "params": {}}})
        found = g.value(Interval(np.array([-1.0]), np.array([1.0])), g.lines)
        assert found.lo == -np.inf and found.hi == np.inf, formula


@pytest.mark.parametrize("change", [
    {"loss": {"formula": "v**2", "variables": ["w"]}}, {"loss": {"formula": "w**2", "variables": []}},
    {"loss": {"formula": "w**2", "variables": ["w"], "rows": [["1"]]}}, {"loss": {"formula": "w**2", "variables": ["w"], "params": {"w": "1"}}},
    {"loss": {"formula": "__import__('os')", "variables": ["w"]}}, {"optimizer": {"params": {}, "update": {}}},
    {"optimizer": {"params": {"g": "1"}, "update": {"w": "w - g"}}}, {"optimizer": {"params": {"lr": "1"}, "update": {"w": "w - lr*q"}}},
    {"optimizer": {"params": {"lr": "nan"}, "update": {"w": "w - lr*g"}}}, {"optimizer": {"params": {"lr": ["1", "2"]}, "update": {"w": "w"}}},
    {"optimizer": {"name": "gd has no cycles.", "params": {"lr": "1"}, "update": {"w": "w - lr*g"}}}, {"type": "flow"}, {"limit": 1},
])  # fmt: skip
def test_maps_that_are_none(change):
    given = {
        "type": "optimizer",
        "loss": {"formula": "w**2", "variables": ["w"]},
        "optimizer": {"params": {"lr": "1"}, "update": {"w": "w - lr*g"}},
    }
    read_map({"map": given})
    with pytest.raises(NotValid):
        read_map({"map": {**given, **change}})
