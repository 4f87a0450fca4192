"""Poincaré and stroboscopic maps of flows against closed forms, differences, Liouville's formula and published values."""

import pickle

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import cfdyn as cf
from cfdyn.errors import UsageError

LORENZ = cf.Flow.from_text("s*(y-x); x*(r-z)-y; x*y-b*z", "x y z", {"s": 10.0, "r": 28.0, "b": 8 / 3})
ROSSLER = cf.Flow.from_text("-y - z; x + a*y; b + z*(x - c)", "x y z", {"a": 0.2, "b": 0.2, "c": 2.5})
DUFFING = cf.Flow.from_text(["v", "x - x**3 - d*v + F*cos(w*t)"], "x v", {"d": 0.3, "F": 0.2, "w": 1.2})
VAN_DER_POL = cf.Flow.from_text("y; mu*(1 - x**2)*y - x", "x y", {"mu": 1.0})
H = 1e-6


def differences(function, x):
    return np.column_stack([(function(x + H * e) - function(x - H * e)) / (2 * H) for e in np.eye(len(x))])


def test_of_a_linear_driven_flow_the_map_is_affine():
    a = np.array([[0.0, 1.0], [-1.0, -0.1]])
    flow = cf.Flow.from_text("v; -x - v/10 + cos(2*t)", "x v")
    step = cf.stroboscopic_map(flow, "pi")
    monodromy = expm(np.pi * a)
    np.testing.assert_allclose(step.jacobian([0.3, -2.0]), monodromy, atol=1e-12)
    # The periodic solution Re(c e^{2it}): c = 1/(1 − 4 + 0.2i).
    c = 1 / (1 - 4 + 0.2j)
    rest = np.array([c.real, (2j * c).real])
    np.testing.assert_allclose(step(rest), rest, atol=1e-12)
    found = cf.analysis.classify(step, [1.0, 0.0])
    assert found.kind == "fixed point"
    np.testing.assert_allclose(found.points[0], rest, atol=1e-11)
    np.testing.assert_allclose(np.sort_complex(found.multipliers), np.sort_complex(np.linalg.eigvals(monodromy)), atol=1e-11)


@pytest.mark.parametrize(
    ("step", "x"),
    [
        (cf.stroboscopic_map(DUFFING, "2*pi/w", begin=0.4), [0.3, 0.2]),
        (cf.poincare_map(LORENZ, "z = r - 1", "down"), [-4.4, -1.3]),
        (cf.poincare_map(LORENZ, "x + y*2 = b*s", "both", without="x"), [9.0, 20.0]),
        (cf.poincare_map(LORENZ, "y**2/10 + x = s/4"), [4.0, 33.0]),
        (cf.poincare_map(ROSSLER.at(c=5.7).backward(), "y"), [4.0, 0.05]),
    ],
)
def test_derivatives_are_those_of_the_step(step, x):
    x = np.array(x)
    np.testing.assert_allclose(step.jacobian(x), differences(step.step, x), rtol=2e-6, atol=2e-6)
    for name, value in step.params.items():
        up, down = (step.at(**{name: value + sign * H}).step(x) for sign in (1, -1))
        np.testing.assert_allclose(step.parameter_derivative(x, name), (up - down) / (2 * H), rtol=2e-6, atol=2e-6)


def test_a_step_is_what_another_integrator_finds():
    p = LORENZ.params

    def slope(t, z):
        return [p["s"] * (z[1] - z[0]), z[0] * (p["r"] - z[2]) - z[1], z[0] * z[1] - p["b"] * z[2]]

    def section(t, z):
        return z[2] - 27

    section.direction = -1
    found = solve_ivp(slope, (0, 3), [-4.4, -1.3, 27.0], events=section, rtol=1e-12, atol=1e-13, method="DOP853")
    step = cf.poincare_map(LORENZ, "z = r - 1", "down")
    second = next(k for k, t in enumerate(found.t_events[0]) if t > 1e-3)
    np.testing.assert_allclose(step([-4.4, -1.3]), found.y_events[0][second][:2], atol=1e-9)
    np.testing.assert_allclose(step.time([-4.4, -1.3]), found.t_events[0][second], atol=1e-10)


def test_points_lie_on_the_section():
    step = cf.poincare_map(LORENZ, "y**2/10 + x = s/4")
    z = step.full(step([4.0, 33.0]))
    assert abs(z[1] ** 2 / 10 + z[0] - 2.5) < 1e-13
    assert step.names == ("y", "z") and step.without == "x"


def test_the_floquet_multiplier_is_that_of_liouvilles_formula():
    step = cf.poincare_map(VAN_DER_POL, "y", "down")
    found = cf.analysis.classify(step, [1.5])
    period = step.time(found.points[0])
    # The divergence μ(1 − x²) over a turn, as one more variable.
    long = cf.Flow.from_text("y; mu*(1 - x**2)*y - x; mu*(1 - x**2)", "x y s", {"mu": 1.0})
    turn = cf.solve(long, [found.points[0, 0], 0.0, 0.0], period, rtol=1e-12, atol=1e-14).z[-1]
    np.testing.assert_allclose(turn[:2], step.full(found.points[0]), atol=1e-10)
    np.testing.assert_allclose(found.multipliers[0], np.exp(turn[2]), rtol=1e-8)
    # Period and amplitude as published: Urabe (1958); Andersen & Geer, SIAM J. Appl. Math. 42 (1982).
    np.testing.assert_allclose([period, found.points[0, 0]], [6.6632868593, 2.0086198609], atol=1e-9)


def test_the_first_flip_of_the_rossler_flow():
    step = cf.poincare_map(ROSSLER, "y = 0", "down")
    found = cf.analysis.classify(step, [2.0, 0.0, 0.1])
    assert found.kind == "fixed point"
    branch = cf.analysis.continue_cycle(step, found, "c", (2.4, 3.0), max_steps=30)
    assert [b.kind for b in branch.bifurcations] == ["flip"]
    assert abs(branch.bifurcations[0].parameter - 2.8324) < 1e-4
    assert branch.bifurcations[0].supercritical


@pytest.mark.slow
def test_the_second_flip_of_the_rossler_flow():
    step = cf.poincare_map(ROSSLER, "y = 0", "down")
    branch = cf.analysis.continue_cycle(step, cf.analysis.classify(step, [2.0, 0.0, 0.1]), "c", (2.4, 3.0))
    doubled = branch.bifurcations[0].switch((2.5, 4.0))
    flips = [b.parameter for b in doubled.bifurcations if b.kind == "flip"]
    assert len(flips) == 1 and abs(flips[0] - 3.8374) < 1e-4


@pytest.mark.slow
def test_multipliers_of_the_rossler_flow_as_published():
    """Cvitanović et al., Chaos: Classical and Quantum, §7.1 and remarks: a = b = 0.2, c = 5.7."""
    step = cf.poincare_map(ROSSLER.at(c=5.7), "y = 0", "down")
    published = {1: [-2.403953527], 2: [-3.512006900], 3: [-2.341923450, 5.344908155]}
    for period, expected in published.items():
        found = cf.analysis.cycles(step, period, [(-12, 0), (0, 1)])
        np.testing.assert_allclose(np.sort(found.multipliers[:, 0].real), sorted(expected), rtol=1e-7)
        assert not found.complete


@pytest.mark.slow
def test_a_flip_of_the_driven_duffing_oscillator_by_another_integrator():
    step = cf.stroboscopic_map(DUFFING.at(F=0.25), "2*pi/w")
    branch = cf.analysis.continue_cycle(step, cf.analysis.classify(step, [1.0, 0.0]), "F", (0.2, 0.35))
    flip = next(b for b in branch.bifurcations if b.kind == "flip")

    def slope(t, z):
        x, v, columns = z[0], z[1], z[2:].reshape(2, 2)
        drive = flip.parameter * np.cos(1.2 * t)
        return [v, x - x**3 - 0.3 * v + drive, *np.array([columns[1], (1 - 3 * x**2) * columns[0] - 0.3 * columns[1]]).ravel()]

    turn = solve_ivp(slope, (0, 2 * np.pi / 1.2), [*flip.points[0], 1, 0, 0, 1], rtol=1e-12, atol=1e-13, method="DOP853").y[:, -1]
    np.testing.assert_allclose(turn[:2], flip.points[0], atol=1e-9)
    assert np.abs(np.linalg.eigvals(turn[2:].reshape(2, 2)) + 1).min() < 1e-8


def test_a_map_can_be_pickled():
    for step, x in ((cf.poincare_map(LORENZ, "z = r - 1", "down"), [-4.4, -1.3]), (cf.stroboscopic_map(DUFFING, "2*pi/w"), [0.3, 0.2])):
        again = pickle.loads(pickle.dumps(step))
        np.testing.assert_array_equal(again(x), step(x))


def test_iterates_and_exponents_are_those_of_the_step():
    step = cf.stroboscopic_map(DUFFING, "2*pi/w")
    orbit = cf.iterate(step, [1.0, 0.0], 3)
    np.testing.assert_array_equal(orbit.z[1], step([1.0, 0.0]))
    found = cf.analysis.lyapunov_spectrum(step, [1.0, 0.0], 20, 20)
    np.testing.assert_allclose(found.total, -0.3 * step.period, rtol=1e-10)  # Liouville


def test_periods_of_the_driven_duffing_oscillator_as_published():
    """Jordan & Smith, Nonlinear ordinary differential equations: d = 0.3, w = 1.2, periods 1, 2 and 4 at these forces."""
    step = cf.stroboscopic_map(DUFFING, "2*pi/w")
    forces = [0.2, 0.28, 0.29]
    diagram = cf.analysis.orbit_diagram(step, ("F", forces), [1.0, 0.0], transient=150, keep=8, averaged=0)
    assert [len(np.unique(states.round(5))) for states in diagram.states[0]] == [1, 2, 4]
    found = cf.analysis.regimes(step, [("F", forces), ("d", [0.3, 5.0])], [1.0, 0.0], transient=200)
    assert found.labels.tolist() == [[1, 2, 4], [1, 1, 1]]


class TestRefused:
    """What is no section, and starts that do not come back."""

    def test_a_start_that_never_comes_back_says_so(self):
        step = cf.poincare_map(cf.Flow.from_text("1; -y", "x y"), "x")
        with pytest.raises(cf.CfdynError, match="does not cross x = 0 on the way up within the time 1000"):
            step([1.0])
        assert np.isnan(step.step(np.array([1.0]))).all()
        assert cf.iterate(step, [1.0], 5).status == "left the domain at step 1"

    def test_a_flow_that_escapes_says_so(self):
        step = cf.poincare_map(cf.Flow.from_text("1 + x**2; -y", "x y"), "x")
        with pytest.raises(cf.CfdynError, match="infinity"):
            step([1.0])

    def test_a_start_at_rest_or_touching_says_so(self):
        step = cf.poincare_map(VAN_DER_POL, "y", "down")
        with pytest.raises(cf.CfdynError, match="touches the section at the start, rests"):
            step([0.0])

    def test_a_start_on_the_section_goes_round(self):
        step = cf.poincare_map(cf.Flow.from_text("v; -x", "x v"), "x", "up")
        np.testing.assert_allclose(step([1.0]), [1.0], atol=1e-11)
        np.testing.assert_allclose(step.time([1.0]), 2 * np.pi, rtol=1e-11)
        np.testing.assert_allclose(step.time([-1.0]), np.pi, rtol=1e-11)  # on the way down there
        np.testing.assert_allclose(step.state([0.0, 2.0]), [2.0], atol=1e-11)

    def test_numbers_that_are_none(self):
        step = cf.poincare_map(VAN_DER_POL, "y", "down")
        with pytest.raises(cf.CfdynError, match="finite"):
            step([np.nan])
        with pytest.raises(cf.CfdynError, match=r"1 entry \(x\) on the section, or 2 of the flow"):
            step([1.0, 2.0, 3.0])

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: cf.poincare_map(DUFFING, "x"), "stroboscopic_map"),
            (lambda: cf.poincare_map(VAN_DER_POL, "x**2 + y**2 - 1"), "linear in one of x, y"),
            (lambda: cf.poincare_map(VAN_DER_POL, "x", "left"), "unknown direction"),
            (lambda: cf.poincare_map(VAN_DER_POL, "x", without="y"), "unknown variable"),
            (lambda: cf.poincare_map(cf.Flow.from_text("-x"), "x"), "two variables"),
            (lambda: cf.stroboscopic_map(DUFFING, 1.0), "does not repeat"),
            (lambda: cf.stroboscopic_map(DUFFING, -1.0), "positive"),
            (lambda: cf.stroboscopic_map(DUFFING, "2*pi/q"), "unknown name 'q'"),
            (lambda: cf.stroboscopic_map(cf.flows.central(cf.Loss("w**2"), cf.optimizers.gd(lr=0.1)), 1.0), "smooth flow"),
        ],
    )
    def test_what_makes_no_sense(self, make, words):
        with pytest.raises(cf.CfdynError, match=words):
            make()

    def test_tangents_of_many_variables(self):
        flow = cf.Flow.from_text([f"-x{i}" for i in range(61)], [f"x{i}" for i in range(61)])
        step = cf.stroboscopic_map(flow, 1.0)
        np.testing.assert_allclose(step(np.ones(61)), np.exp(-1), rtol=1e-11)
        with pytest.raises(cf.CfdynError, match="up to 60 variables"):
            step.jacobian(np.ones(61))


def test_right_hand_sides_with_a_domain_may_be_driven():
    """With y = ln x, y' = −y + cos t: it comes to rest at (cos t + sin t)/2, at t = 0 at √e."""
    step = cf.stroboscopic_map(cf.Flow("x*(cos(t) - log(x))", "x"), "2*pi")
    found = cf.analysis.classify(step, [1.0])
    np.testing.assert_allclose(found.points[0], np.exp(0.5), rtol=1e-11)
    np.testing.assert_allclose(found.multipliers, np.exp(-2 * np.pi), rtol=1e-9)
    with pytest.raises(UsageError, match="does not repeat after 3 = 3"):
        cf.stroboscopic_map(step.flow, "3")


def test_the_return_map_at_a_hopf_bifurcation():
    """r' = r(μ − r²), φ' = 1: r₁² = μ/(1 + (μ/r² − 1) e^{−4πμ}), r = √μ with the multiplier e^{−4πμ}."""
    flow = cf.Flow("mu*x - y - x*(x**2 + y**2); x + mu*y - y*(x**2 + y**2)", "x y", {"mu": 0.3})
    step = cf.poincare_map(flow, "y = 0")
    for mu, r in ((0.3, 0.1), (0.3, 1.5), (-0.2, 0.7)):
        next_r = np.sqrt(mu / (1 + (mu / r**2 - 1) * np.exp(-4 * np.pi * mu)))
        np.testing.assert_allclose(step.at(mu=mu)([r]), [next_r], rtol=1e-11)
        np.testing.assert_allclose(step.at(mu=mu).jacobian([r]), [[(next_r / r) ** 3 * np.exp(-4 * np.pi * mu)]], rtol=1e-9)
    back = cf.poincare_map(flow.backward(), "y = 0", "down")
    np.testing.assert_allclose(back.jacobian([np.sqrt(0.3)]), [[np.exp(1.2 * np.pi)]], rtol=1e-9)


@pytest.mark.parametrize(("options", "words"), [({"surface": "x = t"}, "names the time"), ({"most_time": np.inf}, "most_time")])
def test_sections_that_are_none(options, words):
    with pytest.raises(UsageError, match=words):
        cf.poincare_map(VAN_DER_POL, **{"surface": "x", **options})


def rossler_states(c, transient, keep):
    """x where y falls through 0, by SciPy: the section of the Rössler flow with a = b = 0.2."""

    def section(t, z):
        return z[1]

    section.direction = -1
    found = solve_ivp(lambda t, z: [-z[1] - z[2], z[0] + 0.2 * z[1], 0.2 + z[2] * (z[0] - c)], (0, 7.0 * (transient + keep)),
                      [2.0, 0.0, 0.1], events=section, rtol=1e-9, atol=1e-11, method="DOP853")  # fmt: skip
    return found.y_events[0][transient : transient + keep, 0]


@pytest.mark.slow
@pytest.mark.parametrize(("c", "period"), [(2.6, 1), (3.3, 2), (3.9, 4), (5.7, 0)])
def test_the_orbit_diagram_of_a_section_is_that_of_another_integrator(c, period):
    """Period 2 from c = 2.83 on, period 4 from 3.84, chaos behind 4.2 (Rössler flow, a = b = 0.2)."""
    step = cf.poincare_map(ROSSLER, "y = 0", "down")
    found = cf.analysis.orbit_diagram(step, ("c", [c]), [2.0, 0.0, 0.1])
    assert found.states.shape[2] == 100
    own, other = found.states[0, 0], rossler_states(c, 300, 100)
    if period:
        np.testing.assert_allclose(np.sort(own[-period:]), np.sort(other[-period:]), atol=1e-5)
        assert len(np.unique(own[-16:].round(5))) == len(np.unique(other[-16:].round(5))) == period
        assert found.exponents[0, 0] < 0
    else:
        assert abs(own.min() - other.min()) + abs(own.max() - other.max()) < 0.5
        assert found.exponents[0, 0] > 4 * found.errors[0, 0]


def test_an_orbit_diagram_of_a_section_is_made_of_the_orbits_and_tells_of_each_value():
    step, values, said = cf.poincare_map(ROSSLER, "y = 0", "down"), [2.5, 2.6, 2.7, 2.8], []
    found = cf.analysis.orbit_diagram(step, ("c", values), [-3.7, 0.03], 3, 4, 16, threads=1, progress=said.append)
    assert said == [1, 2, 3, 4]
    for c, states in zip(values, found.states[0], strict=True):
        np.testing.assert_array_equal(cf.iterate(step.at(c=c), [-3.7, 0.03], 7).z[4:, 0], states)
    again = cf.analysis.orbit_diagram(step, ("c", values), [-3.7, 0.03], 3, 4, 16, threads=2)
    np.testing.assert_array_equal(again.states, found.states)
    np.testing.assert_array_equal(again.exponents, found.exponents)


def test_exponents_of_a_section_by_its_cycle():
    """On a fixed point the exponent is the logarithm of its largest multiplier."""
    step = cf.poincare_map(VAN_DER_POL, "y", "down")
    rest = cf.analysis.classify(step, [1.5])
    found = cf.analysis.orbit_diagram(step, ("mu", [1.0]), rest.points[0], 10, 2, 32)
    np.testing.assert_allclose(found.exponents[0, 0], np.log(abs(rest.multipliers[0])), rtol=1e-6)


def test_steps_of_a_section_that_is_left_end_there():
    step = cf.poincare_map(cf.Flow.from_text("1; -y", "x y", {"a": 1.0}), "x", "both", most_time=10.0)
    found = cf.analysis.orbit_diagram(step, ("a", [0.5, 1.0]), [1.0], 0, 3, 0)
    assert np.isnan(found.states).all() and found.ended.tolist() == [[1, 1]]
