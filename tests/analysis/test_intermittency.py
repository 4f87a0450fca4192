"""Laminar phases: the law beside the window of period three, and runs counted by hand."""

import math

import numpy as np
import pytest

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8})
BIRTH = 1 + math.sqrt(8)


def test_type_one_beside_the_window_of_three():
    found = cf.analysis.intermittency(LOGISTIC, [0.3], "r", BIRTH - 10.0 ** -np.arange(4.0, 8.0), BIRTH, period=3)
    assert abs(found.exponent + 0.5) < 2 * found.error + 0.01 and found.error < 0.05
    assert (np.diff(found.lengths) > 0).all() and found.counts.min() > 100


def test_it_is_drawn(tmp_path):
    found = cf.analysis.intermittency(LOGISTIC, [0.3], "r", [3.826, 3.827, 3.828], BIRTH, period=3, steps=20_000)
    cf.plot(found, tmp_path / "lengths.png")
    assert (tmp_path / "lengths.png").stat().st_size > 5000


def test_longest_passage_in_closed_form():
    """x → x + ε + x² and back at random: a passage from −c to c takes about π/√ε steps, the mean half of it and more."""
    tunnel = cf.Map.from_text("Piecewise((x + eps + x**2, x < 0.5), (frac(977*x)*1.5 - 1, True))", params={"eps": 1e-3})
    epsilons = np.array([1e-6, 1e-5, 1e-4])
    found = cf.analysis.intermittency(tunnel, [-0.3], "eps", epsilons, 0.0, near=0.02, steps=1_000_000)
    assert abs(found.exponent + 0.5) < 2 * found.error + 0.03
    longest = math.pi / np.sqrt(epsilons)
    assert (found.lengths < longest).all() and (found.lengths > 0.2 * longest).all()


def test_phases_are_runs_of_returns():
    """Counted in plain Python, at one value."""
    step = LOGISTIC.at(r=BIRTH - 1e-3)
    values = [BIRTH - 1e-3, BIRTH - 2e-3, BIRTH - 3e-3]
    found = cf.analysis.intermittency(LOGISTIC, [0.3], "r", values, BIRTH, period=3, steps=20_000, transient=100)
    x = cf.iterate(step, [0.3], 20_100).z[100:, 0]
    laminar = [abs(x[t + 3] - x[t]) <= 0.01 * (x.max() - x.min()) for t in range(len(x) - 3)]
    runs, length, complete = [], 0, False
    for before, now in zip([laminar[0], *laminar], laminar, strict=False):
        complete = complete or not before
        if now:
            length += 1
        elif length:
            runs += [length] if complete else []
            length, complete = 0, True
    assert found.counts[0] == len(runs) and found.lengths[0] == pytest.approx(np.mean(runs))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"values": [3.8, 3.81]}, "3 finite values"),
        ({"values": [3.8, 3.81, BIRTH]}, "critical"),
        ({"values": [3.8, 3.81, 3.82], "near": 2.0}, "near"),
        ({"values": [3.2, 3.3, 3.4], "period": 2}, "0 laminar phases"),
        ({"values": [4.2, 4.3, 4.4]}, "diverged"),
        ({"name": "q", "values": [3.8, 3.81, 3.82]}, "q"),
    ],
)
def test_senseless_calls_are_refused(options, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.analysis.intermittency(LOGISTIC, [0.3], **{"name": "r", "critical": BIRTH, "steps": 5000, **options})
