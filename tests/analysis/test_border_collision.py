"""`border_collision` and its closed forms against brute force, and against orbits of losses with a corner."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.normal_forms.border import beside_border

TENT = cf.Map.from_text("Piecewise((a*x, x < 0), (b*x, True)) + m", params={"a": 0.5, "b": -3.5, "m": 0.0})


def brute(a, b, transient=20_000, rows=8000):
    """(kind, number) of the orbit of 0.1 under x → ax + 1, bx + 1 in plain Python."""
    x, orbit, growth = 0.1, [], 0.0
    for k in range(transient + rows):
        slope = a if x < 0 else b
        x = slope * x + 1
        if abs(x) > 1e6:
            return "none", 1
        if k >= transient:
            orbit.append(x)
            growth += np.log(abs(slope))
    orbit = np.array(orbit)
    if growth < 0:
        period = next(n for n in range(1, 200) if abs(orbit[n:] - orbit[:-n]).max() < 1e-9)
        return ("fixed point" if period == 1 else "cycle"), period
    return "chaos", max(n for n in range(1, 17) if apart(orbit, n))


def apart(orbit, n):
    """Whether every n-th state fills a stretch of its own."""
    hulls = sorted((orbit[k::n].min(), orbit[k::n].max()) for k in range(n))
    return all(one[1] < two[0] for one, two in zip(hulls[:-1], hulls[1:], strict=True))


def pairs(count, seed):
    rng = np.random.default_rng(seed)
    many = [(rng.uniform(-2, 2.5), rng.uniform(-3, 2)) for _ in range(count)]
    return many + [(rng.uniform(0, 1.2), -(10 ** rng.uniform(0, 1.2))) for _ in range(count)]


def clear(a, b):
    """Not so near a bifurcation that 20,000 steps do not tell."""
    powers = [abs(a) ** (n - 1) * abs(b) for n in range(1, 12)]
    return min(abs(p - 1) for p in powers) > 5e-3 and beside_border(a, b) == beside_border(a * 1.002, b * 1.002)


@pytest.mark.parametrize("count", [12, pytest.param(150, marks=pytest.mark.slow)])
def test_the_closed_forms_against_brute_force(count):
    looked = [pair for pair in pairs(count, 0) if clear(*pair)]
    assert len(looked) > count
    assert [(pair, beside_border(*pair)) for pair in looked] == [(pair, brute(*pair)) for pair in looked]


def test_known_regions():
    """Nusse and Yorke: a 3-cycle for −1/a² < b < −1 − 1/a, so directly after a fixed point; robust chaos beyond."""
    for a in (0.2, 0.35, 0.5):
        least, most = -(1 / a**2), -1 - 1 / a
        for share in (0.05, 0.5, 0.95):
            assert beside_border(a, least + share * (most - least)) == ("cycle", 3)
    assert beside_border(0.5, -4.001).kind == "chaos" and beside_border(1.5, -1.5) == ("chaos", 1)
    assert beside_border(1.5, -3.001).kind == "none"  # b < −a/(a − 1): the orbit gets behind the left fixed point
    assert (
        beside_border(0.5, -1.999).kind == "cycle"
        and beside_border(0.5, -1.0).kind == beside_border(0.5, -2.0).kind == beside_border(-0.5, -2.0).kind == "degenerate"
    )


def test_words_of_both_directions():
    found = cf.analysis.border_collision(TENT, [0.0], "m")
    assert (found.below, found.above, found.periods, found.speed) == ("fixed point", "cycle", (1, 3), pytest.approx(1))
    mirror = cf.Map.from_text("Piecewise((a*x, x < 0), (b*x, True)) - m", params=TENT.params)
    other = cf.analysis.border_collision(mirror, [0.0], "m")
    assert (other.below, other.above, other.periods) == ("cycle", "fixed point", (3, 1))
    assert "chaos in 6 bands" in cf.analysis.border_collision(TENT.at(b=-4.2), [0.0], "m").meaning


def test_descent_on_a_loss_with_a_corner():
    """A valley of curvature 1/2 on the left and 9/2 on the right, tilted by m: the fixed point of η = 1 turns into a 3-cycle."""
    loss = cf.Loss("Piecewise((w**2/4, w < 0), (9*w**2/4, True)) - m*w", params={"m": 0.0})
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.0))
    found = cf.analysis.border_collision(step, [0.0], "m")
    assert found.slopes == pytest.approx([0.5, -3.5]) and (found.above, found.periods) == ("cycle", (1, 3))
    for tilt, period in ((-0.01, 1), (0.01, 3)):
        assert cf.analysis.classify(step.at(m=tilt), [0.003]).period == period


def test_a_collision_found_on_a_branch():
    branch = cf.analysis.continue_cycle(TENT.at(m=-0.5), [-1.0], "m", (-1.0, 1.0))
    (point,) = [s for s in branch.bifurcations if s.kind == "border collision"]
    found = cf.analysis.border_collision(TENT, point)
    assert found.periods == (1, 3) and found.parameter == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("k", "kind", "number"), [(-0.5, "cycle", 4), (-2.2, "cycle", 6), (-1.8, "chaotic", None)])
def test_a_two_cycle_on_a_corner(k, kind, number):
    """The corner is moved over a point of the logistic map's 2-cycle at r = 3.2; the slope on its left is steeper by 2k."""
    smooth = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
    low, high = np.sort(cf.analysis.cycles(smooth, 2, [(0.4, 0.9)])[0].points[:, 0]).tolist()
    step = cf.Map.from_text("r*x*(1-x) + k*(Abs(x - c) - (x - c))", params={"r": 3.2, "c": low, "k": k})
    inner, outer = 3.2 * (1 - 2 * low), 3.2 * (1 - 2 * high)
    found = cf.analysis.border_collision(step, [low, high], "c")
    assert found.slopes == pytest.approx([outer * (inner - 2 * k), outer * inner]) and found.period == 2
    assert (found.below, found.periods[0], found.above) == ("cycle", 2, kind.replace("chaotic", "chaos"))
    below, above = (cf.analysis.classify(step.at(c=low + side * 1e-5), [low]) for side in (-1, 1))
    assert below.period == 2 and (above.kind, above.period) == (kind, number)
    assert found.periods[1] in (number, 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cf.analysis.border_collision(TENT, [0.3], "m"), "not a cycle"),
        (lambda: cf.analysis.border_collision(TENT, [0.0], "q"), "q"),
        (lambda: cf.analysis.border_collision(TENT, [0.0]), "name"),
        (lambda: cf.analysis.border_collision(TENT.at(m=-0.5), [-1.0], "m"), "0 of the points"),
        (lambda: cf.analysis.border_collision(cf.Map.from_text("frac(2*x)"), [0.0], "m"), "m"),
        (
            lambda: cf.analysis.border_collision(
                cf.Map.from_text("m + Piecewise((x - 1, x < 0), (x/2, True))", params={"m": 0.0}), [0.0], "m"
            ),
            "jumps",
        ),
        (lambda: cf.analysis.border_collision(cf.Map.from_text(["y", "x"], "x y", {"m": 0.0}), [0.0], "m"), "one variable"),
        (lambda: cf.analysis.border_collision(TENT, [0.0], "a"), "does not move"),
    ],
)
def test_senseless_calls_are_refused(call, words):
    with pytest.raises(cf.CfdynError, match=words):
        call()
