"""A loss and an optimizer with a parameter of the same name: the loss's keeps it, the optimizer's is optimizer_…"""

import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

VALLEY = "(y + zeta*x)*x**2/2 - {0}*(x + y)"


def valley(name):
    return cf.Loss(VALLEY.format(name), "x y", {"zeta": 1.0, name: 0.01})


def same(value):
    return pytest.approx(value, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("optimizer", ["adam", "nadam", "rmsprop", "adagrad"])
def test_each_has_its_own(optimizer):
    rule = cf.optimizers.get(optimizer)(lr=0.01)
    here, other = cf.as_map(valley("eps"), rule), cf.as_map(valley("small"), rule)
    z = here.state([0.3, 5.0])
    z[2:] = 0.9 * z[2:] + 0.02
    assert here.params == {"zeta": 1.0, **rule.params, "eps": 0.01, "optimizer_eps": rule.params["eps"]}
    assert here(z) == same(other(z)) and here.jacobian(z) == same(other.jacobian(z))
    for mine, theirs, value in (("eps", "small", 0.02), ("optimizer_eps", "eps", 0.1)):
        changed = here.at(**{mine: value})(z)
        assert changed == same(other.at(**{theirs: value})(z)) and changed != same(here(z))
        assert here.parameter_derivative(z, mine) == same(other.parameter_derivative(z, theirs))


@pytest.mark.parametrize("flow", ["central", "rod", "modified"])
def test_flows_take_the_optimizers_own(flow):
    rule, flows = cf.optimizers.heavy_ball(lr=0.1, momentum=0.5, weight_decay=0.2), cf.flows.get(flow)
    clash = cf.Loss("weight_decay*w**2/2 + momentum*w", "w", {"weight_decay": 2.0, "momentum": 1.0})
    other = cf.Loss("a*w**2/2 + b*w", "w", {"a": 2.0, "b": 1.0})
    here, there = (cf.solve(flows(loss, rule), [0.4], t=5).w[-1, 0] for loss in (clash, other))
    assert here == same(there)


def test_a_learning_rate_of_the_loss_is_refused():
    with pytest.raises(UsageError, match="'lr' is a parameter of both the loss and the optimizer; rename it in the loss"):
        cf.as_map(cf.Loss("lr*w**2/2", "w", {"lr": 1.0}), cf.optimizers.gd(lr=0.1))


def test_a_name_that_is_taken_is_refused():
    loss = cf.Loss("eps*w**2/2 + optimizer_eps*w", "w", {"eps": 1.0, "optimizer_eps": 1.0})
    with pytest.raises(UsageError, match="'optimizer_eps' is a parameter of both"):
        cf.as_map(loss, cf.optimizers.adam(lr=0.1))
