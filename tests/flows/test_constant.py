"""Curvature that no state changes: neutral modes at the edge, and blocks that leave the stable set no room."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.symbolic.constant import constant_outputs

OPT = cf.optimizers
VALLEY, START = "(1 - x*y)**2/2", [0.7, 0.6]


def central(text, optimizer=None):
    return cf.flows.central(cf.Loss(text), optimizer or OPT.gd(lr=2.0))


# -- neutral modes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("optimizer", "rate"), [(OPT.gd(2.0), 2.0), (OPT.heavy_ball(3.0, 0.5), 6.0), (OPT.ema_momentum(6.0, 0.5), 6.0)],
                         ids=["gd", "heavy ball", "average"])  # fmt: skip
@pytest.mark.parametrize("more", ["", " - 1e-10*b**2", " + 1e-10*b*x**2"], ids=["exact", "a bit below", "hardly coupled"])
def test_a_neutral_mode_is_set_aside_and_named(optimizer, rate, more):
    """½b² at the edge of 1: b falls as e^{−Gηt}, Σ is 0 on it, and (x, y) go as they do without it."""
    path = cf.solve(central(f"b**2/2 + {VALLEY}{more}", optimizer), [0.3, *START], 6, rtol=1e-10, atol=1e-13, save_at=[0.05, 1, 6])
    alone = cf.solve(central(VALLEY, optimizer), START, 6, rtol=1e-10, atol=1e-13, save_at=[0.05, 1, 6])
    assert path.status == "done" and path.stats["unique"] and path.events[0].rank == 1
    assert len([note for note in path.notes if note.startswith("1 neutral mode, of b:")]) == 1
    np.testing.assert_allclose(path.w[:, 0], 0.3 * np.exp(-rate * path.t), rtol=0, atol=1e-8)
    np.testing.assert_allclose(path.w[:, 1:], alone.w, rtol=0, atol=1e-8)
    np.testing.assert_allclose(path.covariance[:, 1:, 1:], alone.covariance, rtol=0, atol=1e-7)
    np.testing.assert_allclose(path.covariance[:, 0], 0, atol=1e-8)
    assert path.rank.tolist() == alone.rank.tolist() == [0, 1, 1]
    np.testing.assert_allclose(path.edge, 2, rtol=1e-9)


def test_neutral_modes_that_are_no_weights():
    """(a + b)²/4 has its curvature along (1, 1)/√2; the other direction, of the curvature 1/25, is not neutral."""
    path = cf.solve(central(f"(a + b)**2/4 + (a - b)**2/100 + {VALLEY}"), [0.3, 0.2, *START], 6)
    assert path.status == "done" and "1 neutral mode, of a, b:" in path.notes[0] and path.rank[-1] == 1
    plus, minus = path.w[-1, 0] + path.w[-1, 1], path.w[-1, 0] - path.w[-1, 1]
    np.testing.assert_allclose([plus, minus], [0.5 * np.exp(-12), 0.1 * np.exp(-0.48)], rtol=1e-5)


def test_more_neutral_modes_than_can_be_held():
    names = [f"b{i}" for i in range(18)]
    loss = cf.Loss(" + ".join(f"{name}**2/2" for name in names) + " + x**4/400", [*names, "x"])
    path = cf.solve(cf.flows.central(loss, OPT.gd(2.0)), [0.1] * 19, 2)
    assert path.status == "done" and path.notes[0].startswith("18 neutral modes, of b0, b1, b2, b3, b4 and 13 more:")


def test_a_mode_at_the_edge_that_moves_is_not_neutral():
    """Curvature 1 + b²/10 along b: it is held as soon as it is there, or falls away from the edge."""
    path = cf.solve(central(f"b**2/2 - b**4/100 + {VALLEY}"), [1e-5, *START], 3)
    assert path.notes == [] and path.status == "done"


def test_a_moving_preconditioner_leaves_nothing_neutral():
    path = cf.solve(central(f"b**2/2 + {VALLEY}", OPT.rmsprop(0.1, 0.9)), [0.3, *START], 30)
    assert path.status == "done" and path.notes == [] and path.rank[-1] >= 1


@pytest.mark.parametrize("coupling", [1e-9, 1e-8])
def test_modes_that_hardly_know_of_each_other(coupling):
    """The eigenvalues of b and of the valley so nearly cross at the edge: the path is that of the two apart."""
    optimizer = OPT.rmsprop(0.1, 0.9)
    path = cf.solve(central(f"2.02*b**2 + {VALLEY} + {coupling}*b*x**2", optimizer), [-0.278, 0.255, 0.284], 40)
    apart = [cf.solve(central(text, optimizer), start, 40) for text, start in ((VALLEY, [0.255, 0.284]), ("2.02*b**2", [-0.278]))]
    assert path.status == "done" and path.rank[-1] == 2 and path.stats["constraint_violation"] < 1e-6
    np.testing.assert_allclose(path.w[-1], [*apart[1].w[-1], *apart[0].w[-1]], rtol=0, atol=1e-5)
    assert np.linalg.eigvalsh(path.covariance[-1])[0] > -1e-9


# -- no room --------------------------------------------------------------------------------------------------------


def test_a_net_whose_output_biases_are_at_the_edge():
    """The block of the output biases is the unit matrix: λ₁ ≥ 1 everywhere, and lr = 2 has an edge of 1."""
    loss = cf.losses.mlp(widths="2", outputs=2)
    biases = [loss.variables.index(name) for name in ("b2_1", "b2_2")]
    random = np.random.default_rng(0)
    for _ in range(20):
        hessian = loss.hessian(random.normal(size=loss.dim))
        np.testing.assert_allclose(hessian[np.ix_(biases, biases)], np.eye(2), atol=1e-14)
        assert np.linalg.eigvalsh(hessian)[-1] >= 1 - 1e-12
    start = 0.5 * random.normal(size=loss.dim)
    with pytest.raises(NumericsError, match=r"block of b2_1, b2_2 is the same .* eigenvalue 1, .*no interior; lower lr below 2$"):
        cf.solve(cf.flows.central(loss, OPT.gd(2.0)), start, 10)
    with pytest.raises(NumericsError, match=r"is beyond the edge everywhere: .*lower lr below 2$"):
        cf.solve(cf.flows.central(loss, OPT.gd(2.5)), start, 10)
    path = cf.solve(cf.flows.central(loss, OPT.gd(1.5)), start, 10)
    assert path.status == "done" and path.edge.max() <= 2 + 1e-9


@pytest.mark.parametrize(("optimizer", "bound"), [
    (OPT.gd(3.0), 2.0), (OPT.gd(3.0, weight_decay=0.25), 1.6), (OPT.heavy_ball(4.0, 0.5), 3.0), (OPT.nesterov(2.0, 0.5), 1.5),
    (OPT.ema_momentum(7.0, 0.5), 6.0), (cf.Optimizer.from_text({"w": "w - lr*g - lr*w/4"}, {"lr": 3.0}), 1.6),
], ids=["gd", "decay", "heavy ball", "nesterov", "average", "decoupled decay"])  # fmt: skip
def test_the_largest_rate_with_a_stable_set(optimizer, bound):
    """Curvature 1 along b, coupled to x: ηλ < θ, with weight decay λ + d, with the decoupled one θ = 2 − ηd; all by hand."""
    with pytest.raises(NumericsError) as error:
        cf.solve(central("b**2/2 + b*x**2/5 + x**4/20 + x**2/10", optimizer), [0.3, 0.5], 5)
    assert float(str(error.value).rsplit("below ", 1)[1]) == pytest.approx(bound, rel=1e-8)
    below = cf.solve(central("b**2/2 + b*x**2/5 + x**4/20 + x**2/10", optimizer.at(lr=0.9 * bound)), [0.1, 0.1], 5)
    assert below.status == "done"


def test_strict_is_as_strict_as_before():
    with pytest.raises(UsageError, match="beyond the edge.*start elsewhere"):
        cf.solve(central("b**2/2 + b*x**2/5 + x**4/20"), [0.3, 0.5], 5, strict=True)


def test_what_is_constant_is_read_off_the_formulas():
    flow = central("x**2 + x*y + y**4 + z**2*(3 - 2) + 0*x*z")
    constant = constant_outputs(flow.spec.program("edge"))
    assert constant[:9].reshape(3, 3).tolist() == [[True, True, True], [True, False, True], [True, True, True]]
    assert constant[9:].all() and not constant_outputs(central("x**2", OPT.rmsprop(0.1)).spec.program("edge"))[1]


# -- ends -----------------------------------------------------------------------------------------------------------


def test_the_hessian_is_called_discontinuous_only_where_it_jumps():
    from cfdyn.integrate.stepping.events import AtEdge
    from cfdyn.integrate.stepping.run import Options
    from cfdyn.integrate.supply.dense import Dense

    options = Options(1e-8, 1e-10, "auto", 0.0, np.inf, 100, 1e-3)
    jumping = "Piecewise((x**2/2, x < 1), (2*x**2 - 3*x + 3/2, True)) - 4*x + y**2/4"
    for text, at, words in ((jumping, 1 - 1e-12, "not continuous"), ("x**2/2 + x**3/6 - 4*x + y**2/4", 1.5, "cannot be held")):
        run = AtEdge(Dense(central(text, OPT.gd(0.8))), np.array([at, 0.3]), 1.0, options, None)
        run.f = run.supplier.drift(run.z)
        assert words in run._why_missed()


def test_steps_without_end_are_ended():
    """|x| made smooth on 1e-14: the explicit method alone would need 1e14 steps along it."""
    path = cf.solve(central("1e-14*logcosh(x*1e14) + y**2/2", OPT.gd(0.1)), [1e-3, 1.0], 5, rtol=1e-12, atol=1e-12,
                    method="dop853", max_steps=1e5)  # fmt: skip
    assert "500 steps were shorter than 1e-09" in path.status and path.stats["steps"] < 3000
