"""Certificates' words, and the one spelling of a parameter that varies."""

import mpmath
import numpy as np
import pytest
import sympy

import cfdyn as cf
from cfdyn.certify.checker.formulas.formula import Text
from cfdyn.certify.checker.formulas.graph import Graph
from cfdyn.certify.checker.formulas.jets import derivative
from cfdyn.certify.checker.formulas.values import Program
from cfdyn.certify.checker.numbers.boxes import Interval
from cfdyn.certify.checker.statement import statement
from cfdyn.errors import UsageError

WELL, GD = cf.losses.double_well(), cf.optimizers.gd(lr=1)


@pytest.mark.parametrize("prove", [
    lambda **p: cf.certify.cycle(WELL, GD, [1.0], **p), lambda **p: cf.certify.branch(WELL, GD, 1, [1.0], **p),
    lambda **p: cf.certify.no_cycles(WELL, GD, 3, (-1, 1), **p), lambda **p: cf.certify.trapping(WELL, GD, (-1.5, 1.5), **p),
    lambda **p: cf.certify.convergence(WELL, GD, (0.9, 1.1), **p),
])  # fmt: skip
def test_a_parameter_varies_by_its_name(prove):
    found = prove(lr=("0.5", "0.51"))
    assert found.document["vary"] == {"lr": ["0.5", "0.51"]}
    with pytest.raises(cf.errors.UsageError, match="unknown parameter of the map 'rate'"):
        prove(rate=(1, 2))


@pytest.mark.parametrize("count, total, words", [
    (1, 1, "exactly 1 cycle of least period 2 in [0, 1] and exactly 1 point x with g^2(x) = x whose orbit lies in it"),
    (2, 6, "exactly 2 cycles of least period 2 in [0, 1] and exactly 6 points x with g^2(x) = x whose orbits lie in it"),
    (0, 1, "no cycles of least period 2 in [0, 1] and exactly 1 point x with g^2(x) = x whose orbit lies in it"),
])  # fmt: skip
def test_numbers_agree_with_their_nouns(count, total, words):
    claim = {"period": 2, "box": [[(0.0).hex(), (1.0).hex()]], "count": count, "complete": True, "fixed points": total}
    step = {"type": "formulas", "variables": ["x"], "formulas": ["x/2"], "params": {}}
    assert statement({"kind": "cycles", "map": step, "vary": {}, "claim": claim, "evidence": {}}).endswith(words + ".")


def test_a_weight_is_not_called_like_a_parameter():
    """The checker knows each name once: what is proved with a name for two things would not be valid."""
    with pytest.raises(UsageError, match="eps is the name of a weight or state and of a parameter"):
        cf.certify.edge(cf.Loss("(eps**2 - 1)**2/4", "eps"), cf.optimizers.rmsprop(lr=0.2, beta2=0.9), point=[0.9, 0.02])


@pytest.mark.parametrize("text", ["log(1 + exp(w)) - 2*w/3", "log1p(exp(w)) - 2*w/3", "(2*log(1 + exp(-w)) + log(exp(w) + 1))/3"])
def test_the_logistic_loss_is_proved_as_it_is_typed(text):
    """Two of three labels: no 3-cycle for η up to 11.99 on the whole line (max L″ = 1/4), and two at η = 20, where they are."""
    none = cf.certify.no_cycles(text, GD, 3, (-float("inf"), float("inf")), lr=("1", "11.99"))
    assert none.proved and none.document["map"]["loss"]["formula"] == text and cf.certify.check(none).valid
    ledger = cf.certify.cycles(text, cf.optimizers.gd(lr=20), 3, (-float("inf"), float("inf")))
    assert ledger.complete and len(ledger.proven) == 2 and cf.certify.check(ledger).valid
    named = cf.certify.cycles("softplus(w) - 2*w/3", cf.optimizers.gd(lr=20), 3, (-30.0, 30.0))
    assert [np.ravel(boxes) for boxes in ledger.proven] == [pytest.approx(np.ravel(boxes), abs=1e-6) for boxes in named.proven]


@pytest.mark.parametrize("text", ["-log(sigmoid(w)) + w/3", "-(2*log(1/(1 + exp(-w))) + log(1 - sigmoid(w)))/3", "log(exp(w/2) + exp(-w/2)) - w/6",
                                  "-(2*log(1/(1 + exp(-w))) + log(1 - 1/(1 + exp(-w))))/3", "log((1 + exp(w))/2) - 2*w/3",
                                  "-(2*log(3/(3 + 3*exp(-w))) + log(1 - 3/(3 + 3*exp(-w))))/3"])  # fmt: skip
def test_cross_entropy_is_proved_as_it_is_typed(text):
    """The same loss, two of three labels: on the whole line slopes are needed in which w stands once, by the checker too."""
    ledger = cf.certify.cycles(text, cf.optimizers.gd(lr=20), 3, (-float("inf"), float("inf")))
    named = cf.certify.cycles("softplus(w) - 2*w/3", cf.optimizers.gd(lr=20), 3, (-30.0, 30.0))
    assert ledger.complete and cf.certify.check(ledger).valid
    assert [np.ravel(boxes) for boxes in ledger.proven] == [pytest.approx(np.ravel(boxes), abs=1e-6) for boxes in named.proven]


@pytest.mark.parametrize(("text", "name"), [("1/(1 + exp(-w)) - 2/3", "sigmoid(w) - 2/3"), ("exp(w)/(1 + exp(w)) - 2/3", "sigmoid(w) - 2/3"),
                                            ("(exp(w) - exp(-w))/(exp(w) + exp(-w))/2 - 1/6", "tanh(w)/2 - 1/6")])  # fmt: skip
def test_steps_with_typed_quotients_are_proved_like_those_with_names(text, name):
    """3-cycles of descent on the logistic loss of two of three labels, the slope typed in three ways."""
    found = []
    for slope in (text, name):
        ledger = cf.certify.cycles(cf.Map.from_text(f"w - 20*({slope})", "w"), period=3, box=(-30.0, 30.0))
        assert ledger.complete and cf.certify.check(ledger).valid
        found.append([np.ravel(boxes) for boxes in ledger.proven])
    assert len(found[0]) == len(found[1]) and found[0] == [pytest.approx(boxes, abs=1e-9) for boxes in found[1]]


@pytest.mark.parametrize("text", ["1/(1 + K*exp(-w))", "1/(exp(w) - 1)", "w*exp(-w)", "1/(w + exp(w))", "(exp(w) - exp(-w))/(exp(w) - 2*exp(-w))",
                                  "1/(10**-400 + exp(w))", "w/(1 + exp(w) - w**2)", "1/w/(1 + w**2)"])  # fmt: skip
def test_other_quotients_stay_what_they_are(text):
    graph = Graph()
    root = Text(text, "the loss").on(graph, {name: graph.put("name", name) for name in "Kw"})
    assert {what[1] for what in map(graph.nodes.__getitem__, graph.reached([root])) if what[0] == "call"} <= {"exp"}


@pytest.mark.parametrize("text", ["w*(1/w + exp(w))/(1 + exp(w))", "exp(1/w)/(1 + exp(1/w))", "(exp(1/w) - exp(-1/w))/(exp(1/w) + exp(-1/w))",
                                  "(w*cosh(1/w) + sin(w)*cosh(1/w))/cosh(1/w)", "(w*cosh(1/w**2) + w**2*cosh(w**-2))/cosh(1/w**2)",
                                  "exp(w + softplus(1/w - w))/(exp(1/w) + exp(w))", "log(exp(softplus(1/w))/(1 + exp(1/w)))",
                                  "(w*cosh(log(w)) + cosh(log(w)))/cosh(log(w))"])  # fmt: skip
def test_a_quotient_has_no_value_where_a_part_of_it_has_none(text):
    graph = Graph()
    root = Text(text, "the loss").on(graph, {"w": graph.put("name", "w")})
    [value] = Program(graph, [root])({"w": Interval(np.array([0.0, 1.0]), np.array([0.0, 1.0]))})
    assert value.lo[0] == -np.inf and value.hi[0] == np.inf and np.isfinite(value.lo[1])


def test_no_fixed_point_where_a_part_of_the_step_has_no_value():
    """(w + sin w)/4 but for 0, where cosh(1/w) is undefined; the like without gaps has its fixed point there."""
    def proved(inside):
        step = cf.Map.from_text(f"(w*cosh({inside}) + sin(w)*cosh({inside}))/cosh({inside})/4", "w")
        return cf.certify.cycle(step, points=[0.0]).proved

    assert [proved("1/w"), proved("w + 1")] == [False, True]


@pytest.mark.parametrize(("text", "exact"), [("(1/3)**(1/100)/(1 + exp(w))", lambda mp: mp.mpf(3) ** (-mp.mpf(1) / 100) / 2),
                                             ("exp(64*w)/(1 + exp(w)/10**100)**64", lambda mp: (1 + mp.mpf(10) ** -100) ** -64)])  # fmt: skip
def test_numbers_of_any_size_beside_exponentials(text, exact):
    """Values at 0; 10^6400 in a share would be no double."""
    mp = mpmath.mp.clone()
    mp.dps = 50
    graph = Graph()
    root = Text(text, "the loss").on(graph, {"w": graph.put("name", "w")})
    [value] = Program(graph, [root])({"w": Interval(np.array([0.0]), np.array([0.0]))})
    assert value.lo[0] <= exact(mp) <= value.hi[0] and value.hi[0] - value.lo[0] < 1e-12
    assert cf.Loss(text).value([0.0]) == pytest.approx(float(exact(mp)), rel=1e-13)


@pytest.mark.parametrize("text", ["log(exp(w) - 2)", "log(1 + exp(w) + w**2)", "log1p(w**2)", "log(1 - exp(w)/2)", "log(1 + w)",
                                  "log(w*exp(w))", "log(exp(w) - exp(-w))", "log(1 - exp(w))", "log(sigmoid(w) - 1)", "log(w**2)",
                                  "log(-2*exp(w))", "log(1 - 2/(1 + exp(w)))", "log(2 - sigmoid(w))", "log(1 - exp(w)/(exp(w) - exp(-w)))"])  # fmt: skip
def test_other_logarithms_stay_what_they_are(text):
    graph = Graph()
    root = Text(text, "the loss").on(graph, {"w": graph.put("name", "w")})
    parts = [graph.nodes[node][:2] for node in graph.reached([root])]
    assert {("call", "log"), ("call", "log1p")} & {*parts} and ("call", "softplus") not in parts


@pytest.mark.parametrize("text", ["log(1 + exp(w))", "log(exp(w) + exp(-2*w))", "log1p(exp(w) + exp(w/2))", "log(sigmoid(w))", "log(1 - sigmoid(w))",
                                  "log(exp(w)/(exp(w) + exp(-w)))", "log((1 + exp(w))**2/cosh(w))", "log(1 - 1/(1 + exp(-w)))", "log1p(-sigmoid(w))",
                                  "log(1 - exp(w)/(exp(w) + exp(-w)))", "log(2*cosh(w))", "log(2 + exp(w))", "log(1/2 + 3*exp(-w))",
                                  "1/(1 + exp(-w))", "(exp(w) - exp(-w))/(exp(w) + exp(-w))", "sinh(w)/cosh(w)", "3/(2 + 5*exp(-w))", "1/cosh(w)**2",
                                  "exp(w)/(1 + exp(w))**2", "(2*exp(w) - 3*exp(-w))/(exp(w) + exp(-w))", "exp(w)/(1 + exp(w) + exp(2*w))",
                                  "exp(w)/((1 + exp(w))*(1 + exp(-2*w)))", "(1 - exp(-w))/(2 + exp(-w))"])  # fmt: skip
def test_the_checker_encloses_logarithms_quotients_and_their_slopes(text):
    """At points and over intervals up to where exponentials overflow, against mpmath and its own derivative of the text."""
    mp = mpmath.mp.clone()
    mp.dps = 1500
    meant = sympy.sympify(text, locals={"sigmoid": lambda x: 1 / (1 + sympy.exp(-x)), "log1p": lambda x: sympy.log(1 + x)})
    of = sympy.lambdify("w", meant, [{"exp": mp.exp, "log": mp.log, "cosh": mp.cosh, "sinh": mp.sinh}])
    graph = Graph()
    root = Text(text, "the loss").on(graph, {"w": graph.put("name", "w")})
    read = Program(graph, [root, *derivative(graph, [root], "w")])
    middle, radius = np.array([-1000.0, -3.0, 0.0, 0.5, 800.0]), np.array([[0.0], [0.0625], [1.0]])
    value, slope = read({"w": Interval(middle - radius, middle + radius)})
    for (i, k), lo in np.ndenumerate(value.lo):
        for w in np.linspace(middle[k] - radius[i, 0], middle[k] + radius[i, 0], 3):
            assert lo <= of(mp.mpf(w)) <= value.hi[i, k]
            assert slope.lo[i, k] <= mp.diff(of, w, h=mp.mpf(10) ** -600) <= slope.hi[i, k]
    assert np.all(value.hi[0] - value.lo[0] < 1e-11) and np.all(slope.hi[0] - slope.lo[0] < 1e-11)
