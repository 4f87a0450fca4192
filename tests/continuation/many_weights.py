"""Losses of many weights that are no formulas, and what is asked of their branches."""

import numpy as np

WELLS = {
    "quartic": (lambda w: w + w**3, lambda w: 1 + 3 * w**2, 0.0, 1.0, (0.5, 2.1)),
    "double": (lambda w: w**3 - w, lambda w: 3 * w**2 - 1, 1.0, 2.0, (0.3, 1.1)),
}


def springs(w):
    steps = np.diff(w)
    out = np.zeros_like(w)
    out[:-1] -= steps
    out[1:] += steps
    return out


class Chain:
    """Σ U(wᵢ) + (c/2) Σ (wᵢ − wᵢ₊₁)² with a parameter c; only the gradient and products."""

    def __init__(self, well, n, c=0.25):
        self.well, self.dim, self.params = well, n, {"c": c}
        self.slope, self.curvature = WELLS[well][:2]

    def at(self, c):
        return Chain(self.well, self.dim, c)

    def value(self, w):
        return float("nan")

    def gradient(self, w):
        return self.slope(w) + self.params["c"] * springs(w)

    def hvp(self, w, v):
        return self.curvature(w) * v + self.params["c"] * springs(v)


def modes(n, c=0.25):
    return 2 * c * (1 - np.cos(np.pi * np.arange(n) / n))


def assert_flips(branch, expected, atol=1e-9):
    assert [b.kind for b in branch.bifurcations] == ["flip"] * len(expected)
    np.testing.assert_allclose([b.parameter for b in branch.bifurcations], np.sort(expected), atol=atol, rtol=0)
    assert all(b.residual < 1e-9 for b in branch.bifurcations)


class Network:
    """A network of one hidden layer on 24 points of sin 3x, with weight decay; products by a complex step, exact to rounding."""

    hidden, decay, x = 12, 1e-3, np.linspace(-1, 1, 24)
    dim = 3 * hidden + 1

    def value(self, w):
        return float("nan")

    def gradient(self, w):
        a, b, c = w[:-1].reshape(3, -1)
        layer = np.tanh(np.outer(self.x, a) + b)
        gap = (layer @ c + w[-1] - np.sin(3 * self.x)) / len(self.x)
        back = np.outer(gap, c) * (1 - layer**2)
        return np.concatenate([self.x @ back, back.sum(axis=0), gap @ layer, [gap.sum()]]) + self.decay * w

    def hvp(self, w, v):
        return np.imag(self.gradient(w + 1e-30j * v)) / 1e-30
