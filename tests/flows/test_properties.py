"""What every central flow of gradient descent has to fulfil, on random losses and starts."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from tests.oracles import needs_compiler

FEW = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
# Parameters, not numbers in the text: each form is compiled once.
FORMS = {
    "product": ("(a - x*y)**2/2 + b*x**2/4", "x y"),
    "products": ("(1 - x*y)**2/2 + (a - z*v)**2/2 + b*(x*z - y*v)**2/4", "x y z v"),
    "polynomial": ("(x**2*y - a)**2/2 + (y**2 - x)**2/4 + b*x*z + z**4/4 + z**2*x**2/2", "x y z"),
    "net": ("(z*tanh(x) + v*tanh(y) - a)**2/2 + (z*tanh(2*x) + v*tanh(b*y) - 1)**2/2", "x y z v"),
}
NUMBER = st.floats(-1.5, 1.5).map(lambda v: round(v, 3))


def solved(form, a, b, start, edge, t=8.0, text=None, variables=None, **options):
    """The path with the edge at ``edge`` times the start's sharpness."""
    formula, names = FORMS[form]
    loss = cf.Loss(text or formula, variables or names, {"a": a, "b": b})
    sharpness = max(cf.Loss(formula, names, {"a": a, "b": b}).sharpness(start), 0.5)
    lr = 2 / (edge * sharpness)
    flow = cf.flows.central(loss, cf.optimizers.gd(lr=lr))
    return loss, lr, cf.solve(flow, options.pop("w0", start), t, rtol=1e-9, atol=1e-11, max_steps=3000, **options)


@st.composite
def problems(draw):
    form = draw(st.sampled_from(sorted(FORMS)))
    start = draw(st.lists(NUMBER, min_size=4, max_size=4))[: len(FORMS[form][1].split())]
    return form, draw(st.floats(0.6, 1.4)), draw(st.floats(0.2, 0.8)), np.array(start), draw(st.floats(1.001, 1.2))


@needs_compiler
@FEW
@given(problems())
def test_all_of_it(problem):
    form, a, b, start, edge = problem
    loss, lr, path = solved(form, a, b, start, edge)
    assert path.status == "done", (path.status, problem)
    assert path.stats["constraint_violation"] <= 1e-10 and path.stats["complementarity"] <= 1e-9
    for w, sigma, slope, rank, value in zip(path.w, path.covariance, path.slopes, path.rank, path.loss, strict=True):
        h, g = loss.hessian(w), loss.gradient(w)
        top = np.linalg.eigvalsh(h)[-1]
        assert top <= 2 / lr * (1 + 1e-10), "λ₁(H) ≤ 2/η"
        scale = max(np.trace(sigma), 1e-300)
        assert np.linalg.eigvalsh(sigma)[0] >= -1e-12 * scale and np.allclose(sigma, sigma.T, rtol=0, atol=1e-14 * scale)
        assert np.abs((2 / lr * np.eye(len(w)) - h) @ sigma).max() <= 1e-9 * scale / lr, "Σ lives where the edge is met"
        assert rank == 0 or np.linalg.matrix_rank(sigma, tol=1e-13 * scale) <= rank
        pull = g + np.einsum("ijk,ij->k", loss.third(w), sigma) / 2
        np.testing.assert_allclose(slope, -lr * pull, rtol=0, atol=1e-9 * (1 + np.abs(g).max()))
        np.testing.assert_allclose(g @ slope, -slope @ slope / lr, rtol=0, atol=1e-9 * (1 + g @ g), err_msg="dL/dt")
        np.testing.assert_allclose(value, loss.value(w), rtol=1e-12, atol=1e-14)
    descends(loss, path)


def descends(loss, path):
    """L never rises, at the rows and between them."""
    noise = 1e-8 * (1 + abs(path.loss[0]))
    assert (np.diff(path.loss) <= noise).all()
    dense = [loss.value(w) for w in path(np.linspace(0, path.t[-1], 200))]
    assert (np.diff(dense) <= noise).all()


@needs_compiler
@FEW
@given(problems())
def test_no_other_feasible_direction_descends_faster(problem):
    """dw/dt/η is the projection of −g onto the tangent cone: ⟨−g − p, v − p⟩ ≤ 0 for every v of the cone."""
    form, a, b, start, edge = problem
    loss, lr, path = solved(form, a, b, start, edge)
    held = np.flatnonzero(path.rank > 0)[:6]
    assume(len(held))
    random, gaps = np.random.default_rng(1), []
    for row in held:
        w, p, g = path.w[row], path.slopes[row] / lr, loss.gradient(path.w[row])
        values, vectors = np.linalg.eigh(loss.hessian(w))
        u = vectors[:, values > 2 / lr * (1 - 1e-10)]
        third = loss.third(w)
        for _ in range(50):
            v = random.normal(size=len(w))
            if np.linalg.eigvalsh(u.T @ (third @ v) @ u)[-1] <= 0:
                gaps.append((-g - p) @ (v - p) / (1 + g @ g))
    assert gaps and max(gaps) <= 1e-7


@needs_compiler
@FEW
@given(a=st.floats(0.6, 1.4), b=st.floats(0.2, 0.8), start=st.lists(NUMBER, min_size=4, max_size=4), edge=st.floats(1.001, 1.2))
def test_the_order_of_the_variables_is_of_no_concern(a, b, start, edge):
    text, names = FORMS["net"]
    order = [2, 0, 3, 1]
    times = np.linspace(0, 8, 9)
    _, _, one = solved("net", a, b, start, edge, save_at=times)
    other_names = " ".join(names.split()[i] for i in order)
    _, _, two = solved("net", a, b, start, edge, save_at=times, variables=other_names, w0=[start[i] for i in order])
    agree(one, two, np.eye(4)[order])


def agree(one, two, turn):
    """``two`` is ``one`` in the coordinates turn @ w."""
    assert one.status == two.status == "done"
    np.testing.assert_allclose(two.w, one.w @ turn.T, rtol=0, atol=1e-6)
    np.testing.assert_allclose([e.t for e in two.events], [e.t for e in one.events], rtol=0, atol=1e-4)
    clear = np.array([all(abs(t - e.t) > 1e-3 for e in one.events) for t in one.t])
    want = turn @ one.covariance[clear] @ turn.T
    np.testing.assert_allclose(two.covariance[clear], want, rtol=0, atol=1e-5 * (1 + np.abs(want).max(initial=0)))


@needs_compiler
@FEW
@given(start=st.lists(NUMBER, min_size=2, max_size=2), edge=st.floats(1.001, 1.3), angle=st.sampled_from([0.4, 1.3, 2.2]))
def test_rotations_turn_the_path(start, edge, angle):
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    text, _ = FORMS["product"]
    turned = "(a - (c*x + s*y)*(c*y - s*x))**2/2 + b*(c*x + s*y)**2/4"
    params, times = {"a": 1.1, "b": 0.3}, np.linspace(0, 8, 9)
    lr = 2 / (edge * max(cf.Loss(text, "x y", params).sharpness(start), 0.5))
    paths = [
        cf.solve(cf.flows.central(cf.Loss(t, "x y", p), cf.optimizers.gd(lr=lr)), w, 8, rtol=1e-9, atol=1e-11, save_at=times)
        for t, p, w in ((text, params, np.array(start)), (turned, {**params, "c": c, "s": s}, turn @ start))
    ]
    agree(*paths, turn)


@needs_compiler
def test_a_path_that_becomes_symmetric():
    """A second eigenvalue approaches 2 as exp(−2t): nothing is singular in the limit, and the flow comes to rest."""
    start = np.array([0.45, -0.09, -0.81, -0.38])
    loss, lr, path = solved("products", 0.9549699474916571, 0.354890419964491, start, 1.0762178182080653, t=20.0)
    assert path.status == "done", path.status
    np.testing.assert_allclose([loss.sharpness(w) for w in path.w[path.rank > 0]], 2 / lr, rtol=1e-10)
    np.testing.assert_allclose(path.w[-1, [0, 2]], path.w[-1, [1, 3]], rtol=0, atol=1e-6)
    assert np.abs(path.slopes[-1]).max() < 1e-6 and path.stats["steps"] < 3000
    descends(loss, path)


# The edge, and a, b, w0.
INTO_DEPENDENCE = [
    (1.1, 1.373641455133196, 0.7496436010858065, [-0.954, 0.0, -0.215, 0.0]),
    (1.123842752935093, 0.8748297190295689, 0.5808107852874226, [-0.5, -0.11, -0.24, 0.23]),
]


@needs_compiler
@pytest.mark.parametrize("edge, a, b, start", INTO_DEPENDENCE)
def test_forces_that_become_dependent(edge, a, b, start):
    """Those of two held modes, and so Σ, are not determined in the end; up to there it is right, and it says so.

    Whether rounding lets it go on from there to the end, and if not what stops it, is not determined either.
    """
    loss, lr, path = solved("products", a, b, np.array(start), edge, t=20.0)
    assert path.t[-1] > 7 and not path.stats["unique"]
    stopped = re.match(r"stopped at t = ([\d.]+)", path.status)
    assert path.t[-1] == pytest.approx(float(stopped[1]) if stopped else 20.0, abs=1e-9) and (stopped or path.status == "done")
    x, y, z, v = path(7.0)
    assert (x, z) == pytest.approx((y, v), abs=1e-6)  # both valleys have come to their flattest point
    assert max(loss.sharpness(w) for w in path.w) <= 2 / lr * (1 + 1e-10)
    descends(loss, path)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_units_of_the_loss(scale):
    """L → cL with η → η/c changes nothing."""
    paths = [cf.solve(cf.flows.central(cf.Loss("m*(1 - x*y)**2/2", "x y", {"m": m}), cf.optimizers.gd(lr=0.8 / m)),
                      [1.5, 0.3], 4, rtol=1e-10, atol=1e-12, save_at=[0.2, 1, 4]) for m in (1.0, scale)]  # fmt: skip
    np.testing.assert_allclose(paths[1].w, paths[0].w, rtol=0, atol=1e-9)
    np.testing.assert_allclose(paths[1].covariance, paths[0].covariance, rtol=0, atol=1e-9)
    np.testing.assert_allclose(paths[1].predicted_loss, scale * paths[0].predicted_loss, rtol=1e-8)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_units_of_the_weights(scale):
    """w → cw with η → c²η scales the path and, squared, its covariance."""
    paths = [cf.solve(cf.flows.central(cf.Loss("(1 - x*y/m**2)**2/2", "x y", {"m": m}), cf.optimizers.gd(lr=0.8 * m**2)),
                      [1.5 * m, 0.3 * m], 4, rtol=1e-10, atol=1e-12 * m, save_at=[0.2, 1, 4]) for m in (1.0, scale)]  # fmt: skip
    np.testing.assert_allclose(paths[1].w, scale * paths[0].w, rtol=1e-9)
    np.testing.assert_allclose(paths[1].covariance, scale**2 * paths[0].covariance, rtol=0, atol=1e-9 * scale**2)


def test_a_flow_goes_on_from_where_it_was():
    """From a state on the way, off and on the edge, the rest of the path is the same."""
    flow = cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8))
    whole = cf.solve(flow, [1.5, 0.3], 5, rtol=1e-11, atol=1e-13)
    for t in (0.2, 1.0, 3.0):
        rest = cf.solve(flow, whole(t), 5 - t, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(rest.w[-1], whole.w[-1], rtol=0, atol=1e-9)
        np.testing.assert_allclose(rest.covariance[-1], whole.covariance[-1], rtol=0, atol=1e-9)
        assert not rest.notes or "moved" in rest.notes[0]
