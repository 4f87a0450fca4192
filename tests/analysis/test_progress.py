"""What functions tell of their progress: counts that end where the work does."""

import re
from types import SimpleNamespace

import pytest

import cfdyn as cf

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
BOX = [(-2.0, 2.0), (-1.0, 1.0)]


def test_manifolds_count_halves():
    """Two halves of each of both curves of one saddle."""
    seen = []
    cf.analysis.manifolds(HENON, [0.63, 0.19], box=BOX, length=2, progress=lambda *told: seen.append(told))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_crossings_count_halves():
    seen = []
    cf.analysis.homoclinic(HENON, [0.63, 0.19], box=BOX, length=2, progress=lambda *told: seen.append(told))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_cycles_count_what_is_met():
    """Of the logistic map at r = 4 there are (2⁵ − 2)/5 = 6 cycles of period 5; of Hénon's map one of period 4 and two fixed points, which close too."""
    said = []
    cf.analysis.cycles(LOGISTIC, 5, [(0, 1)], progress=said.append)
    assert re.fullmatch(r"itineraries of laps: \d+ evaluations, 6 cycles met", said[-1])
    cf.analysis.cycles(HENON, 4, BOX, progress=said.append)
    told = [text for text in said if re.fullmatch(r"\d+ links of chains, 3 chains closed, 0 wait", text)]
    assert told and said[-1] == "computing multipliers: 0 of 1"
    found = cf.analysis.cycles(HENON, 4, BOX, method="davidchack-lai", budget=100_000, progress=said.append)
    assert f"starts, {len(found)} cycles met" in said[-1]


def test_windows_count_values():
    seen = []
    cf.analysis.windows(LOGISTIC, 3, "r", (3.8, 3.9), [(0.0, 1.0)], samples=4, progress=lambda *told: seen.append(told))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_entropy_tells_of_its_bounds():
    """ln 2 at r = 4, by eight images."""
    said = []
    cf.analysis.topological_entropy(LOGISTIC, (0, 1), progress=said.append)
    assert said == ["entropy from 8 images of the ends of laps"]


def test_a_study_counts_its_stages():
    said = []
    cf.study(cf.Loss("(w**2-1)**2/4"), cf.optimizers.gd(lr=0.8), progress=said.append)
    stages = [int(re.match(r"stage (\d) of 7, ", words)[1]) for words in said]
    assert stages == sorted(stages) and set(stages) == set(range(1, 8))
    assert any(re.search(r"scanning learning rates: \d+ of \d+ values", words) for words in said)


@pytest.mark.parametrize("coded", [True, False])
def test_classify_counts_steps(coded):
    """Chaos is told from averages over two stretches of a quarter of the budget each, and an exponent over the budget."""
    well, said = cf.losses.double_well(), []
    loss = well if coded else SimpleNamespace(dim=1, value=well.value, gradient=well.gradient, hvp=well.hvp)
    found = cf.analysis.classify(cf.as_map(loss, cf.optimizers.gd(lr=1.5)), [0.3], budget=2000, progress=said.append)
    before = [int(words.partition(" ")[0]) for words in said if words.endswith(" steps, 2000 at most")]
    assert found.kind == "chaotic" and before == sorted(before) and before[-1] == found.steps == 2000
    ends = [re.search(r"part 2 of 2, Lyapunov exponent: (\d+) of 2000 steps", words) for words in said]
    assert [int(end[1]) for end in ends if end] == [*range(100, 2001, 100)]
    averages = [int(words.split()[-4]) for words in said if "averages" in words]
    assert averages == ([] if coded else [*range(100, 901, 100)])
