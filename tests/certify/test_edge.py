"""Where gradient flow enters the edge of stability: against closed forms and Hessians by SymPy."""

import numpy as np
import pytest
import sympy as sp

import cfdyn as cf
from cfdyn.errors import UsageError

GD, WELL = cf.optimizers.gd, "(w**2 - 1)**2/4"
# formula, variables, lr, a point near the edge, the central flow is held there
NEAR = {
    "product": ("(x*y - 1)**2/2", "x y", 0.5, [0.6, 2.0], False),
    "valley": ("(x*y - 1)**2/2 + (x - 2)**2/8", "x y", 0.5, [0.6, 1.9], None),
    "river": ("x**2*(1 + y)/2 + exp(-y)", "x y", 1.0, [0.05, 0.9], True),
    "three": ("x**2*(1 + y + z/4)/2 + exp(-y) + z**2/8", "x y z", 1.0, [0.05, 0.9, 0.2], True),
    "one": (WELL, "w", 1.7, [0.8], True),
}


def exactly(formula, variables, lr):
    """lr·λ, and its derivative along −lr∇L, at a point: eigenvectors by numpy, derivatives by SymPy."""
    names = sp.symbols(variables, seq=True)
    loss = sp.sympify(formula, dict(zip(variables.split(), names, strict=True)))
    parts = [sp.lambdify([names], part) for part in (
        [sp.diff(loss, a) for a in names], [[sp.diff(loss, a, b) for a in names] for b in names],
        [[[sp.diff(loss, a, b, c) for a in names] for b in names] for c in names])]  # fmt: skip

    def at(z):
        g, h, t = (np.array(part(z), dtype=float) for part in parts)
        values, vectors = np.linalg.eigh(h)
        u = vectors[:, -1]
        return lr * values, -lr * lr * np.einsum("ijk,i,j,k", t, u, u, g)

    return at


@pytest.mark.parametrize("name", NEAR)
def test_the_rate_at_points_of_the_edge_is_in_the_claimed_interval(name):
    formula, variables, lr, point, held = NEAR[name]
    found = cf.certify.edge(cf.Loss(formula, variables), GD(lr=lr), point=point)
    assert found.proved, found.reason
    assert cf.certify.check(found.document).valid
    assert held is None or found.claim["enters"] is held
    lo, hi = map(float.fromhex, found.claim["rate"])
    box, at, seen = np.array([[float.fromhex(end) for end in side] for side in found.claim["box"]]), exactly(formula, variables, lr), 0
    rng = np.random.default_rng(3)
    for _ in range(60):
        a, b = rng.uniform(*box.T, (2, len(box)))
        if (at(a)[0][-1] - 2) * (at(b)[0][-1] - 2) < 0:
            for _ in range(50):
                middle = (a + b) / 2
                a, b = (middle, b) if (at(middle)[0][-1] - 2) * (at(b)[0][-1] - 2) < 0 else (a, middle)
            values, rate = at(a)
            assert lo <= rate <= hi and (values[:-1] < 2).all()
            seen += 1
    assert seen >= 5


def test_the_double_well_in_closed_form():
    """3w² = 1 + 2/η; d(ηλ)/dt = −6wη²(w³ − w)."""
    found = cf.certify.edge(WELL, GD(lr=1), (0.7, 1), lr=("1.69", "1.71"))
    lo, hi = map(float.fromhex, found.claim["rate"])
    for lr in (1.69, 1.7, 1.71):
        w = ((1 + 2 / lr) / 3) ** 0.5
        assert lo < -6 * w * lr**2 * (w**3 - w) < hi
    assert found.statement.startswith("For every lr from 1.69 to 1.71: ") and found.claim["enters"] is True


@pytest.mark.parametrize("formula, variables, lr, box", [
    ("w**2/2", "w", 2.0, (-1, 1)),  # at the edge everywhere
    (WELL, "w", 1.7, (0.9, 1.1)),  # above it everywhere
    (WELL, "w", 1.0, (0.7, 1.3)),  # at the edge in the minimum, where nothing moves
    (WELL, "w", 1.7, (-1, 1)),  # entered on both sides of 0, once from the right and once from the left: true, see below
    ("x**2*(1 + y)/2 + exp(-y) + z**2", "x y z", 1.0, ((-0.1, 0.1), (0.8, 1.2), (-1, 1))),  # another eigenvalue is at the edge
    ("Abs(w)**3/6 + w**2/2", "w", 1.5, (0.2, 0.5)),
])  # fmt: skip
def test_what_is_proved_is_true(formula, variables, lr, box):
    """Of these only the fourth and the last are true."""
    found = cf.certify.edge(cf.Loss(formula, variables), GD(lr=lr), box)
    true = box in ((-1, 1), (0.2, 0.5)) and formula != "w**2/2"
    assert found.proved is true and (not true or cf.certify.check(found.document).valid)


def test_a_box_that_doubles_cannot_bisect_is_undecided():
    """At the minimum, where nothing moves, the rate is 0, however small the box."""
    found = cf.certify.edge(WELL, GD(lr=1), (1 - 1e-9, 1 + 1e-9))
    assert not found.proved and found.reason.startswith("undecided: w in [1, 1]")


def test_a_border_at_the_edge_is_refused():
    """λ jumps from 1 to 4 at w = 1, past 2/η = 2."""
    found = cf.certify.edge("Piecewise((w**2/2, w < 1), (2*w**2 - 3*w + 3/2, True))", GD(lr=1), (0.5, 1.5))
    assert not found.proved and found.reason


MOMENTUM = {"heavy_ball": cf.optimizers.heavy_ball, "nesterov": cf.optimizers.nesterov, "ema_momentum": cf.optimizers.ema_momentum}


@pytest.mark.parametrize("name", MOMENTUM)
@pytest.mark.parametrize("beta", [0.0, 0.4, 0.9])
def test_the_edge_of_momentum_is_where_a_mode_has_the_multiplier_minus_one(name, beta):
    """At the threshold of the certificate a step on a parabola has −1 and one multiplier inside the circle; just below, both inside."""
    at = {"heavy_ball": 2 + 2 * beta, "nesterov": (2 + 2 * beta) / (1 + 2 * beta), "ema_momentum": (2 + 2 * beta) / (1 - beta)}[name]
    found = cf.certify.edge("x**2*(1 + y)/2 + exp(-y)", MOMENTUM[name](lr=at / 2, momentum=beta), point=[0.05, 0.9])
    assert found.proved and found.claim["enters"] and cf.certify.check(found.document).valid
    curvature = float(sp.Rational(found.claim["threshold"]))
    step, sizes = MOMENTUM[name](lr=1, momentum=beta), []
    for k in (curvature, 0.999 * curvature):
        parabola = cf.as_map(cf.Loss("k*w**2/2", params={"k": k}), step)
        sizes.append(np.linalg.eigvals(np.reshape(parabola.jacobian([0.0, 0.0]), (2, 2))))
    assert abs(sizes[0] + 1).min() < 1e-9 and abs(sizes[0]).max() < 1 + 1e-9 and abs(sizes[1]).max() < 1


def test_momentum_moves_the_edge_and_not_the_sign():
    """Heavy ball with (η, β) is descent with η/(1 + β) in another time: the same box, and the rate 1 + β times squared."""
    box = ((-0.1, 0.2), (1.6, 2.3))
    found = cf.certify.edge("x**2*(1 + y)/2 + exp(-y)", cf.optimizers.heavy_ball(lr=1, momentum=0.5), box)
    plain = cf.certify.edge("x**2*(1 + y)/2 + exp(-y)", GD(lr=1), box, lr=("2/3", "0.6666666667"))
    assert found.proved and plain.proved and "3/lr" in found.statement and "2/lr" in plain.statement
    rates = [np.array([float.fromhex(end) for end in one.claim["rate"]]) for one in (found, plain)]
    assert np.allclose(rates[0] / 2.25, rates[1], rtol=0.05)


@pytest.mark.parametrize("optimizer", [
    cf.optimizers.rmsprop(lr=1, eps_inside=True), cf.optimizers.adam(lr=1, clip=1.0), cf.optimizers.adamw(lr=1, weight_decay=0.1), cf.optimizers.rmsprop(lr=1, beta2=0.0),
    cf.optimizers.adagrad(lr=1), cf.optimizers.heavy_ball(lr=1, dampening=0.1), cf.optimizers.gd(lr=1, weight_decay=0.1),
    cf.optimizers.heavy_ball(lr=1, clip=1.0), cf.optimizers.heavy_ball(lr=1, momentum=-0.5), cf.optimizers.sign_gd(lr=1),
])  # fmt: skip
def test_other_optimizers_have_another_edge(optimizer):
    with pytest.raises(UsageError, match="plain gradient descent, heavy_ball, nesterov and ema_momentum"):
        cf.certify.edge(WELL, optimizer, (0.7, 1))


ADAPTIVE = {
    "rmsprop": (cf.optimizers.rmsprop(lr=0.5, beta2=0.9, eps=1e-3), "x**2*(1 + y)/2 + exp(-y)", [0.05, 0.9, 0.16, 0.3]),
    "corrected": (cf.optimizers.rmsprop(lr=0.5, beta2=0.9, eps=1e-3, bias_correction=True), "x**2*(1 + y)/2 + exp(-y)", [0.05, 0.9, 0.16, 0.3]),
    "adam": (cf.optimizers.adam(lr=0.5, beta1=0.5, beta2=0.99, eps=1e-3), "x**2*(1 + y)/2 + exp(-y)", [0.05, 0.9, 0.02, 0.3]),
    "falling": (cf.optimizers.rmsprop(lr=0.2, beta2=0.9), "(x*y - 1)**2/2 + (x - 2)**2/8", [0.9, 1.4, 0.08, 0.09]),
}


def adaptively(optimizer, formula):
    """(eigenvalues of P⁻¹H, the flow's direction) at (w, ν), by SymPy and a Cholesky factor, and dλ/dt by a difference along the flow."""
    names, p = sp.symbols("x y"), optimizer.params
    loss = sp.sympify(formula)
    slope, curved = (sp.lambdify([names], part) for part in ([sp.diff(loss, a) for a in names], sp.hessian(loss, names)))

    def sizes(z):
        root = ((np.sqrt(z[2:]) + p["eps"]) / p["lr"]) ** -0.5
        return np.linalg.eigvalsh(root[:, None] * np.array(curved(z[:2]), float) * root)

    def rate(z, h=1e-5):
        g = np.array(slope(z[:2]), float)
        flow = np.concatenate([-g * p["lr"] / (np.sqrt(z[2:]) + p["eps"]), (1 - p["beta2"]) / p["beta2"] * (g**2 - z[2:])])
        return (sizes(z + h * flow)[-1] - sizes(z - h * flow)[-1]) / (2 * h)

    return sizes, rate


@pytest.mark.parametrize("name", ADAPTIVE)
def test_the_edge_of_adaptive_optimizers_moves_with_their_squares(name):
    optimizer, formula, point = ADAPTIVE[name]
    found = cf.certify.edge(formula, optimizer, point=point)
    assert found.proved, found.reason
    assert cf.certify.check(found.document).valid
    at = {"adam": 6}.get(name, 2)
    assert found.claim["threshold"] == str(at) and found.claim["enters"] == (name != "falling")
    lo, hi = map(float.fromhex, found.claim["rate"])
    box, (sizes, rate), seen = np.array([[float.fromhex(end) for end in side] for side in found.claim["box"]]), adaptively(optimizer, formula), 0
    rng = np.random.default_rng(3)
    for _ in range(60):
        a, b = rng.uniform(*box.T, (2, 4))
        if (sizes(a)[-1] - at) * (sizes(b)[-1] - at) < 0:
            for _ in range(50):
                middle = (a + b) / 2
                a, b = (middle, b) if (sizes(middle)[-1] - at) * (sizes(b)[-1] - at) < 0 else (a, middle)
            assert lo - 1e-6 <= rate(a) <= hi + 1e-6 and sizes(a)[0] < at
            seen += 1
    assert seen >= 5


def test_adam_flips_at_its_threshold():
    """With the scale p held, w and m follow a linear recursion, which has the multiplier −1 where lr·λ/p = θ."""
    found = cf.certify.edge(WELL, cf.optimizers.adam(lr=0.2, beta1=0.75, beta2=0.9), point=[0.9, 0.001])
    mu, beta = float(sp.Rational(found.claim["threshold"])), 0.75
    at, before = (np.linalg.eigvals([[1 - size * (1 - beta), -size * beta], [1 - beta, beta]]) for size in (mu, 0.999 * mu))
    assert np.isclose(abs(at + 1).min(), 0) and abs(before).max() < 1 and mu == 14


def test_where_the_squares_fall_a_flow_at_rest_enters():
    """At a minimum nothing moves but ν, which falls: λ = ηL″/√ν grows at the rate λκ/2."""
    at = (2 * 0.2 / 2) ** 2  # of ν: L″ = 2 at w = 1
    found = cf.certify.edge(WELL, cf.optimizers.rmsprop(lr=0.2, beta2=0.9, eps=0), ((0.9999, 1.0001), (0.99 * at, 1.01 * at)))
    lo, hi = map(float.fromhex, found.claim["rate"])
    assert found.claim["enters"] and lo < 0.1 / 0.9 < hi and hi - lo < 0.05


def test_rates_of_adaptive_optimizers_for_an_interval_of_learning_rates():
    found = cf.certify.edge(WELL, cf.optimizers.rmsprop(lr=0.2, beta2=0.9), ((0.88, 0.92), (0.01, 0.03)), lr=("0.199", "0.201"))
    assert found.proved and found.statement.startswith("For every lr from 0.199 to 0.201: ") and cf.certify.check(found.document).valid


def test_questions_about_the_edge_that_make_no_sense():
    with pytest.raises(UsageError, match="nu_w is above 0 in a box, not from -0.01 on"):
        cf.certify.edge(WELL, cf.optimizers.rmsprop(lr=0.2), ((0.7, 1), (-0.01, 0.1)))
    with pytest.raises(UsageError, match="each of w, nu_w with lo < hi"):
        cf.certify.edge(WELL, cf.optimizers.rmsprop(lr=0.2), (0.7, 1))
    with pytest.raises(UsageError, match="a point has w, v_w: 2 numbers, not 1"):
        cf.certify.edge(WELL, cf.optimizers.adam(lr=0.2), point=[0.7])
    with pytest.raises(UsageError, match="beta2 one in"):
        cf.certify.edge(WELL, cf.optimizers.adam(lr=0.2), point=[0.7, 1], beta2=("0.9", "0.91"))
    with pytest.raises(UsageError, match=r"one pair \(lo, hi\) with lo < hi"):
        cf.certify.edge(WELL, cf.optimizers.heavy_ball(lr=1, momentum=0.5), (0.7, 1, 0, 1))
    with pytest.raises(UsageError, match="momentum a number"):
        cf.certify.edge(WELL, cf.optimizers.heavy_ball(lr=1, momentum=0.5), (0.7, 1), momentum=(0.4, 0.5))
    with pytest.raises(UsageError, match="not both"):
        cf.certify.edge(WELL, GD(lr=1), (0.7, 1), point=[0.8])
    with pytest.raises(UsageError, match="1 weight"):
        cf.certify.edge(WELL, GD(lr=1), point=[0.8, 1])
