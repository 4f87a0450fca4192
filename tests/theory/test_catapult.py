"""The catapult of a two-layer linear net: beyond the edge the loss first grows, and ends on a flatter minimum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf

# f ← f (1 − ηλ + η²f²/n), λ ← λ + (ηf²/n)(ηλ − 4): Lewkowycz et al., arXiv 2003.02218; λ is k here.
CATAPULT = cf.Map.from_text(
    ["f*(1 - lr*k + lr**2*f**2/n)", "k + (lr*f**2/n)*(lr*k - 4)"], variables="f k", params={"lr": 1.0, "n": 3.0}
)
WIDTH = 3
UNITS = [f"u{i}" for i in range(1, WIDTH + 1)], [f"v{i}" for i in range(1, WIDTH + 1)]
NET = cf.Loss(f"({' + '.join(f'{u}*{v}' for u, v in zip(*UNITS))})**2/({2 * WIDTH})", [*UNITS[0], *UNITS[1]])


def reduced(w):
    """f = u·v/√n and λ = (‖u‖² + ‖v‖²)/n of the net's weights (m, 2n)."""
    u, v = w[:, :WIDTH], w[:, WIDTH:]
    return np.column_stack([(u * v).sum(axis=1) / np.sqrt(WIDTH), (w**2).sum(axis=1) / WIDTH])


def weights(seed, sharpness):
    """Random weights with that λ."""
    w = np.random.default_rng(seed).normal(size=2 * WIDTH)
    return w * np.sqrt(sharpness * WIDTH / (w @ w))


seeds = st.integers(0, 2**31)


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.5, 3.9), st.floats(0.2, 1.5))
def test_the_map_is_that_of_the_net(seed, times, lr):
    """f²/2 is its loss, λ the sharpness where f = 0; both maps agree step for step, while round-off has not grown."""
    orbit = cf.iterate(cf.as_map(NET, cf.optimizers.gd(lr=lr)), weights(seed, times / lr), 12)
    found = reduced(orbit.w)
    expected = cf.iterate(CATAPULT.at(lr=lr, n=WIDTH), found[0], 12).z
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
    assert orbit.loss == pytest.approx(found[:, 0] ** 2 / 2, rel=1e-12, abs=1e-300)


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(2.05, 3.9), st.floats(0.2, 1.5))
def test_between_two_and_four_it_converges_to_a_flatter_minimum(seed, times, lr):
    w = weights(seed, times / lr)
    assume(abs(reduced(w[None])[0, 0]) > 1e-6)
    orbit = cf.iterate(cf.as_map(NET, cf.optimizers.gd(lr=lr)), w, 20_000)
    f, k = reduced(orbit.w).T
    assert orbit.status == "done" and (np.diff(k) <= 1e-12).all()
    assume(lr * k[-1] > 0.01)  # few end so flat that f falls by less than 1 % in a step
    assert abs(f[-1]) < 1e-6
    assert lr * k[-1] < 2 < lr * k[0] and NET.sharpness(orbit.w[-1]) == pytest.approx(k[-1], rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(4.02, 8.0), st.floats(0.2, 1.5))
def test_beyond_four_it_diverges(seed, times, lr):
    """λ only grows, and from f at round-off on |f| triples in every step."""
    w = weights(seed, times / lr)
    assume(abs(reduced(w[None])[0, 0]) > 1e-6)
    orbit = cf.iterate(cf.as_map(NET, cf.optimizers.gd(lr=lr)), w, 20_000)
    assert orbit.status.startswith("diverged")
    assert (np.diff(reduced(orbit.w)[:-1, 1]) >= 0).all()


def test_the_loss_rises_before_it_falls():
    """From a small f with ηλ = 3: |f| doubles in every step until f² has brought λ down."""
    z = cf.iterate(CATAPULT.at(lr=1.0, n=1.0), [1e-4, 3.0], 200).z
    growth = np.abs(z[1:6, 0] / z[:5, 0])
    np.testing.assert_allclose(growth, 2, rtol=1e-4)
    assert np.abs(z[:, 0]).max() > 0.5 and abs(z[-1, 0]) < 1e-6 and z[-1, 1] < 2
    assert cf.iterate(CATAPULT.at(lr=1.0, n=1.0), [1e-4, 4.1], 200).status.startswith("diverged")
