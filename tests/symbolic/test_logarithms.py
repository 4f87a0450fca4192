"""Logarithms of exponentials as one types them: values and derivatives in floats where the exponentials overflow."""

import mpmath
import numpy as np
import pytest
import sympy
from scipy.special import expit

import cfdyn as cf
from cfdyn.symbolic.text.formula import formula

MP = mpmath.mp.clone()
MP.dps = 1500  # e^2000 + 1 keeps its 1
SPELLINGS = [
    "log(1 + exp(w))", "log(exp(w) + 1)", "log1p(exp(w))", "log(1 + exp(-w))", "log(1 + 1/exp(w))", "log(1 + E**w)", "log(cosh(w))",
    "log(exp(w) + exp(-2*w))", "log(exp(-w) + exp(w) + 1)", "log1p(exp(w) + exp(w/2))", "log(sigmoid(w))", "log(1 - sigmoid(w))",
    "log(1/(1 + exp(-w)))", "log(exp(w)/(exp(w) + exp(-w)))", "log((1 + exp(w))**2*(1 + exp(-w)))", "log(exp(w))",
    "log(1 + exp(w)) - w/3 + log(1 + exp(-2*w))**2", "log(1 + exp(w*tanh(w)))", "log(1 - 1/(1 + exp(-w)))", "log1p(-1/(1 + exp(-w)))",
    "log1p(-sigmoid(w))", "log(1 - exp(w)/(exp(w) + exp(-w)))", "log(1 - 2/(2 + exp(w)))", "log(1 - exp(w)/(3 + exp(w)))", "log(2*cosh(w))",
    "log((exp(w) + exp(-w))/2)", "log(2 + exp(w))", "log(1/2 + 3*exp(-w))", "log1p(2*exp(w))", "log(1/2 + sigmoid(w)/4)",
]  # fmt: skip
NAMED = {name: getattr(MP, name) for name in ("exp", "log", "cosh", "sinh", "tanh")}


def exact(text, order, w):
    """The derivative by SymPy of the formula read anew, textbook definitions in place of this package's functions."""
    w_ = sympy.Symbol("w")
    read = sympy.sympify(text, locals={"w": w_, "log1p": lambda x: sympy.log(1 + x), "sigmoid": lambda x: 1 / (1 + sympy.exp(-x))})
    return sympy.lambdify(w_, sympy.diff(read, w_, order), modules=[NAMED])(MP.mpf(w))


@pytest.mark.parametrize("w", [-1000.0, -40.0, 0.0, 40.0, 1000.0])
@pytest.mark.parametrize("text", SPELLINGS)
def test_values_gradients_and_hessians_where_exponentials_overflow(text, w):
    """To a few roundings of the largest term, which is at most 4|w| + 1, or (2w)² where a term is squared."""
    loss, size = cf.Loss(text), (4 * abs(w) + 1) ** (2 if ")**2" in text and "- w/3" in text else 1)
    found = [loss.value([w]), loss.gradient([w])[0], loss.hessian([w])[0, 0]]
    for order, value in enumerate(found):
        wanted = float(exact(text, order, w))
        assert value == pytest.approx(wanted, rel=1e-13, abs=1e-15 * size), order


@pytest.mark.parametrize(("text", "tiny"), [("log(1 + exp(w))", 1.0), ("log1p(exp(w))", 1.0), ("-log(sigmoid(-w))", 1.0), ("log(1 + exp(2*w))", 2.0)])
def test_far_below_0_every_digit_is_there(text, tiny):
    """log(1 + e^(kw)) is e^(kw) where that is below 10⁻¹⁶: as typed it is 0 in floats."""
    loss, w = cf.Loss(text), -50.0
    wanted = np.exp(tiny * w)
    assert [loss.value([w]), loss.gradient([w])[0] / tiny] == pytest.approx([wanted, wanted], rel=1e-13, abs=0.0)


@pytest.mark.parametrize("text", ["log(K + exp(w))", "log(1 + exp(w) + w**2)", "log1p(w**2)", "log(1 - exp(w)/2)", "log(1 + w)", "log(K*exp(w))",
                                  "log(w*exp(w))", "log(exp(w) - exp(-w))", "log(1 - exp(w))", "log(sigmoid(w) - 1)", "log(w**2)",
                                  "log(-2*exp(w))", "log(exp(w) - 2)", "log(1 - 2/(1 + exp(w)))", "log(2 - sigmoid(w))", "log1p(exp(w) + 1e-20)",
                                  "log(1 - exp(w)/(exp(w) - exp(-w)))", "log(1 - K/(K + exp(w)))", "log(10**-400 + exp(w))"])  # fmt: skip
def test_other_logarithms_stay_what_they_are(text):
    """The sign of what is inside is not known, or a number is too small for floats or to be seen beside 1."""
    found = formula(text)
    ops = {found.tape.ops[node] for node in found.tape.reachable([found.root])}
    assert ops & {"log", "log1p"} and "softplus" not in ops


def test_the_text_stays_as_it_was_typed():
    loss = cf.Loss("log(1 + exp(-y*(u*x + v)))", "u v", data={"x": [1.0, 2.0], "y": [1.0, -1.0]})
    assert loss.spec.formula.text == "log(1 + exp(-y*(u*x + v)))" and "softplus" not in loss.spec.formula.latex


def test_a_softmax_as_typed_is_the_softmax_of_the_catalogue():
    """Cross-entropy of three classes by scores: the mean over rows of log Σ e^s − s of the class."""
    x, label = np.array([[0.3, 200.0], [-1.0, 500.0], [2.0, -900.0]]), np.array([0, 2, 1])
    scores = [f"(a{k}*x + b{k}*z)" for k in range(3)]
    typed = cf.Loss(f"log({' + '.join(f'exp({s})' for s in scores)}) - ({' + '.join(f'h{k}*{s}' for k, s in enumerate(scores))})",
                    "a0 b0 a1 b1 a2 b2", data={"x": x[:, 0], "z": x[:, 1], **{f"h{k}": 1.0*(label == k) for k in range(3)}})  # fmt: skip
    point = np.array([0.5, 2.0, -0.7, 1.0, 1.0, -3.0])
    s = x @ point.reshape(3, 2).T
    share = np.exp(s - s.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    gradient = ((share - np.eye(3)[label])[:, :, None] * x[:, None, :]).mean(axis=0).ravel()
    assert typed.gradient(point) == pytest.approx(gradient, rel=1e-12)


def test_an_orbit_on_logistic_rows_whose_scores_leave_the_range_of_exp():
    """Rows in units of 20 to 80: at η = 1 weights are near ±20, so that e^(xw) overflows; the orbit ends on a cycle of 58 steps."""
    x, y = np.array([20.0, 35.0, 50.0, 65.0, 40.0, 80.0]), np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    step = cf.as_map(cf.Loss("log(1 + exp(-y*w*x))", "w", data={"x": x, "y": y}), cf.optimizers.gd(lr=1.0))
    regime = cf.analysis.classify(step, [0.0])
    w, path = 0.0, []
    for _ in range(60_000):
        w += np.mean(x * y * expit(-y * w * x))
        path.append(w)
    assert (regime.kind, regime.period) == ("cycle", 58) and max(np.abs(np.outer(path, x)).max(axis=1)) > 1000
    assert np.sort(regime.points[:, 0]) == pytest.approx(np.sort(path[-58:]), abs=1e-9)
