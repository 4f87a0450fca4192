"""Maps with many cycles: Ikeda's, against a Newton's method of its own from tens of thousands of starts."""

import numpy as np
import pytest

import cfdyn as cf

ANGLE = "0.4 - 6/(1 + x**2 + y**2)"
IKEDA = cf.Map.from_text(
    [f"1 + u*(x*cos({ANGLE}) - y*sin({ANGLE}))", f"u*(x*sin({ANGLE}) + y*cos({ANGLE}))"], "x y", {"u": 0.9}
)
BOX = [(-1, 3), (-3, 2)]


def newton(period, count):
    """Orbits of least period ``period`` of z → 1 + 0.9 z e^{iτ}, from so many random starts, by their real parts."""
    random = np.random.default_rng(3)
    z = random.uniform(-1, 3, count) + 1j * random.uniform(-3, 2, count)

    def images(z, turns):
        """fⁿ with its derivatives by z and by the conjugate of z."""
        a, b = np.ones_like(z), np.zeros_like(z)
        for _ in range(turns):
            size = 1 + abs(z) ** 2
            turn = 0.9 * np.exp(1j * (0.4 - 6 / size))
            by_z, by_other = turn * (1 + 6j * abs(z) ** 2 / size**2), turn * 6j * z * z / size**2
            a, b = by_z * a + by_other * b.conj(), by_z * b + by_other * a.conj()
            z = 1 + turn * z
        return z, a, b

    z[count // 2 :] = images(z[count // 2 :], 50)[0]  # half of them near the attractors
    with np.errstate(all="ignore"):
        for _ in range(40):
            end, a, b = images(z, period)
            g, a = end - z, a - 1
            z = z - (a.conj() * g - b * g.conj()) / (abs(a) ** 2 - abs(b) ** 2)
        good = abs(images(z, period)[0] - z) < 1e-9
        z = z[good & (abs(z) < 10)]
        for divisor in (1, 2, 3, 4, 5, 6):
            if period % divisor == 0 and divisor < period:
                z = z[abs(images(z, divisor)[0] - z) > 1e-7]
    smallest = z.copy()
    for k in range(1, period):
        image = images(z, k)[0]
        smallest = np.where(image.real < smallest.real, image, smallest)
    return np.unique(smallest.real.round(6))


@pytest.mark.slow
@pytest.mark.parametrize("period, count", [(9, 26), (10, 46), (11, 76), (12, 110)])
def test_all_orbits_that_newtons_method_finds(period, count):
    other = newton(period, 60_000)
    found = cf.analysis.cycles(IKEDA, period, BOX)
    own = np.array([cycle.points[:, 0].min() for cycle in found])
    assert len(other) > 20 and np.abs(other[:, None] - own).min(axis=1).max() < 2e-6
    assert len(found) == count and not found.complete


@pytest.mark.slow
def test_a_larger_budget_never_finds_less():
    """With 100,000 links of chains, with the usual number of them, and with more."""
    sizes = [len(cf.analysis.cycles(IKEDA, 10, BOX, budget=budget)) for budget in (100_000, None, 2_000_000, 4_000_000)]
    assert sizes == sorted(sizes) and sizes[-1] == 46


def test_a_longer_search_contains_a_shorter_one():
    found = [cf.analysis.cycles(IKEDA, 7, BOX, budget=budget, method="davidchack-lai") for budget in (200_000, 600_000)]
    points = [{tuple(cycle.points[0].round(6)) for cycle in one} for one in found]
    assert points[0] <= points[1] and len(points[0]) > 0
