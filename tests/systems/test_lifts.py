"""The exact lifts: orbits of the map come back to round-off, and the lifts are maps like any other."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

CASES = {
    "product, gd": (cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=0.8), [1.5, 0.3]),
    "quartic, gd on a 2-cycle": (cf.losses.quartic(S=3.1), cf.optimizers.gd(lr=1.0), [0.4]),
    "double well, heavy ball": (cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.9, momentum=0.4), [1.3]),
    "product, ema": (cf.Loss("(1 - x*y)**2/2"), cf.optimizers.ema_momentum(lr=1.2, momentum=0.5), [1.2, 0.5]),
    "exp, adam": (cf.Loss("exp(w) - 2*w"), cf.optimizers.adam(lr=0.05), [1.5]),
}
STEPS = 150


def made(name):
    loss, optimizer, start = CASES[name]
    return cf.as_map(loss, optimizer), start


def signs(n):
    return (-1.0) ** np.arange(n + 1)[:, None]


@pytest.mark.parametrize("name", CASES)
def test_orbits_come_back_from_the_lifts(name):
    """F1: z̄ − δ, z̄ + δ and c + (−1)ᵗv are z_t, z_{t+1} and z_t to 1e-14 over 150 steps."""
    step, start = made(name)
    orbit = cf.iterate(step, start, STEPS + 1)
    assert orbit.status == "done" and np.abs(np.diff(orbit.z[:20], axis=0)).max() > 1e-3
    z, size = orbit.z, np.abs(orbit.z).max()
    middle, half = np.hsplit(cf.iterate(cf.lifts.rod(step), cf.lifts.rod_start(step, start), STEPS).z, 2)
    centre, swing = np.hsplit(cf.iterate(cf.lifts.edge(step), cf.lifts.edge_start(step, start), STEPS).z, 2)
    for found, want in ((middle - half, z[:-1]), (middle + half, z[1:]), (centre + signs(STEPS) * swing, z[:-1]), (centre, middle)):
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-14 * size)


@pytest.mark.parametrize("name", CASES)
def test_orbits_come_back_in_thirty_digits(name):
    step, start = made(name)
    exact, z0 = step.precise(30), step.state(start)
    z = [np.array([exact.number(v) for v in z0.tolist()])]
    for _ in range(101):
        z.append(np.array(exact(z[-1])))
    rod, edge = cf.lifts.rod(step).precise(30), cf.lifts.edge(step).precise(30)
    middle, half = (z[0] + z[1]) / 2, (z[1] - z[0]) / 2
    a, b = np.concatenate([middle, half]), np.concatenate([middle, -half])
    worst = 0
    for t in range(101):
        (middle, half), (centre, swing) = np.split(a, 2), np.split(b, 2)
        worst = max(worst, *abs(middle - half - z[t]), *abs(middle + half - z[t + 1]), *abs(centre + (-1) ** t * swing - z[t]))
        a, b = np.array(rod(a)), np.array(edge(b))
    assert worst < 1e-27 * max(abs(v) for row in z for v in row)


def test_the_edge_lift_is_exact_for_every_split():
    step, start = made("product, gd")
    v = np.array([0.2, -0.1])
    lifted = cf.iterate(cf.lifts.edge(step), np.concatenate([start - v, v]), 100, digits=40).z
    for sign in (1, -1):
        orbit = cf.iterate(step, start - v + sign * v, 100, digits=40).z
        both = lifted[:, :2] + sign * signs(100).astype(int) * lifted[:, 2:]
        assert np.abs(both - orbit).max() < 1e-15, "c and v are doubles, whose sum the start of the orbit rounds"


def test_the_covariance_of_the_rod_lift():
    """δ⁺δ⁺ᵀ − δδᵀ = (η²/4)(g₊g₊ᵀ + g₋g₋ᵀ) − 2δδᵀ and z̄⁺ − z̄ = −(η/2)(g₊ + g₋), with gradients of the loss itself."""
    loss, _, start = CASES["product, gd"]
    step = cf.as_map(loss, cf.optimizers.gd(lr=0.8))
    z = cf.iterate(cf.lifts.rod(step), cf.lifts.rod_start(step, start), 40).z
    assert z.shape == (41, 4)
    for (middle, half), after in zip((np.split(row, 2) for row in z), z[1:]):
        up, down = loss.gradient(middle + half), loss.gradient(middle - half)
        change = np.outer(after[2:], after[2:]) - np.outer(half, half)
        want = 0.16 * (np.outer(up, up) + np.outer(down, down)) - 2 * np.outer(half, half)
        np.testing.assert_allclose(change, want, rtol=0, atol=1e-14)
        np.testing.assert_allclose(after[:2] - middle, -0.4 * (up + down), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["product, gd", "double well, heavy ball"])
def test_their_jacobians_are_those_of_the_map_on_both_sides(name):
    step, start = made(name)
    middle, half = np.split(cf.lifts.rod_start(step, start), 2)
    up, down, one = step.jacobian(middle + half), step.jacobian(middle - half), np.eye(step.dim)
    rod, edge = cf.lifts.rod(step), cf.lifts.edge(step)
    at = np.concatenate([middle, half])
    np.testing.assert_allclose(rod.jacobian(at), np.block([[up + down, up - down], [up - one, up - one]]) / 2, atol=1e-14)
    np.testing.assert_allclose(edge.jacobian(at), np.block([[up + down, up - down], [down - up, -up - down]]) / 2, atol=1e-14)


def test_they_are_maps_like_any_other():
    """Parameters, observables at the centre, series, composition, data; a 2-cycle is a fixed point of the edge lift."""
    step, start = made("quartic, gd on a 2-cycle")
    edge, z = cf.lifts.edge(step), cf.lifts.edge_start(step, start)
    regime = cf.analysis.classify(edge, z)
    assert regime.kind == "fixed point"
    np.testing.assert_allclose(regime.points[0] ** 2, [0.1 / 4, 4.1 / 4], rtol=1e-9)
    pair = cf.analysis.classify(step, start)
    np.testing.assert_allclose(np.prod(regime.multipliers**2), pair.multipliers[0] ** 2, rtol=1e-8)
    orbit = cf.iterate(edge, z, 5)
    np.testing.assert_allclose(orbit.loss, [CASES["quartic, gd on a 2-cycle"][0].value(c) for c in orbit.w], rtol=1e-14)
    np.testing.assert_allclose(edge.at(lr=0.7)(z), cf.lifts.edge(step.at(lr=0.7))(z), rtol=1e-15)
    twice = cf.compose(edge, edge)
    np.testing.assert_allclose(twice(z), edge(edge(z)), rtol=1e-15)
    np.testing.assert_allclose(edge.taylor([z, [1.0, 2.0]])[1], edge.jacobian(z) @ [1.0, 2.0], rtol=1e-13)
    rows = cf.as_map(cf.losses.breast_cancer(features=1), cf.optimizers.gd(lr=1.0))
    start = cf.lifts.rod_start(rows, np.zeros(rows.dim))
    found = cf.iterate(cf.lifts.rod(rows), start, 20).z
    np.testing.assert_allclose((found[:, : rows.dim] - found[:, rows.dim :]), cf.iterate(rows, np.zeros(rows.dim), 20).z, atol=1e-14)


def test_refusals():
    step, start = made("double well, heavy ball")
    with pytest.raises(UsageError, match="takes a map"):
        cf.lifts.rod(cf.Loss("w**2"))
    with pytest.raises(UsageError, match="rod_start and edge_start"):
        cf.iterate(cf.lifts.rod(step), start, 3)
    with pytest.raises(UsageError, match="finite"):
        cf.lifts.edge_start(step, [np.nan])
