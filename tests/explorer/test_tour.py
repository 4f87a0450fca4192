"""The tour: each stop shows what its words say."""

from __future__ import annotations

from urllib.parse import parse_qs

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.explorer.tour import START, STOPS, tour_of

WELL, GD = cf.losses.double_well(), cf.optimizers.gd(lr=1.0)
KINDS = {"Is it always a 2-cycle?": 2, "Period doubling": 4, "Chaos": None, "Could it be period 3?": 3, "A window": 6}


@pytest.mark.parametrize(("title", "lr"), [stop[:2] for stop in STOPS if stop[0] in KINDS])
def test_the_orbit_of_a_stop_is_what_it_says(title, lr):
    found = cf.analysis.classify(cf.as_map(WELL, GD).at(lr=lr), [START])
    assert found.period == KINDS[title] and found.kind == ("chaotic" if title == "Chaos" else "cycle")


def test_where_the_flow_ends_and_where_the_mean_is():
    gd = cf.optimizers.gd(lr=1.46)
    assert cf.solve(cf.flows.central(WELL, gd), [START], 50.0).w[-1, 0] == pytest.approx(0.889, abs=5e-4)
    assert np.mean(cf.analysis.classify(cf.as_map(WELL, gd), [START]).points) == pytest.approx(0.759, abs=5e-4)
    two = cf.analysis.classify(cf.as_map(WELL, GD).at(lr=1.1), [START]).points
    end = cf.solve(cf.flows.central(WELL, cf.optimizers.gd(lr=1.1)), [START], 50.0).w[-1, 0]
    assert abs(np.mean(two) - end) < 0.05 * np.ptp(two)


def test_momentum_flips_at_its_edge_and_the_first_cycle_has_period_2():
    ball = cf.as_map(WELL, cf.optimizers.heavy_ball(lr=1.5, momentum=0.5))
    assert sorted(abs(np.linalg.eigvals(ball.jacobian([1.0, 0.0])))) == pytest.approx([0.5, 1.0])  # their product is β
    assert min(np.linalg.eigvals(ball.jacobian([1.0, 0.0])).real) == pytest.approx(-1.0)
    [(title, lr, more, _)] = [stop for stop in STOPS if "p.momentum" in stop[2]]
    assert (title, more["p.momentum"]) == ("Momentum", 0.5)
    assert cf.analysis.classify(ball.at(lr=lr), [float(x) for x in more["start"].split(",")]).period == 2


def test_noise_of_the_last_stop_leaves_no_period_and_less_of_it_does():
    """Standard deviations; `iterate_many` takes variances."""
    def seen(size):
        runs = cf.iterate_many(WELL, cf.optimizers.gd(lr=1.46), [START], 512, batch=None, runs=8, seed=1, noise=[size**2])
        return sum(cf.analysis.oscillation(runs.run(k).w[:, 0]).period == 3 for k in range(8))

    assert seen(0.01) == 0 and seen(1e-4) >= 7


def test_only_that_loss_has_a_tour_and_its_addresses_are_read():
    stops = tour_of(cf.Loss("(w**2-1)**2/4"), GD, 1)
    assert [stop["title"] for stop in stops] == [stop[0] for stop in STOPS] and len(stops) == 8
    assert [parse_qs(stop["hash"][1:]).get("map") for stop in stops].index(["1"]) == 6
    assert [stop["title"] for stop in tour_of(WELL, GD)] == [stop[0] for stop in STOPS if stop[0] != "Momentum"]
    assert all(parse_qs(stop["hash"][1:])["p.lr"] == [str(lr)] for stop, (_, lr, *_) in zip(stops, STOPS, strict=True))
    assert tour_of(cf.losses.log_cosh(), GD) == tour_of(WELL, cf.optimizers.heavy_ball(lr=1.0)) == []
    assert tour_of(cf.losses.double_well(a=2.0), GD) == []
