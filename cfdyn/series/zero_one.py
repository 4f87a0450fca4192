"""The 0–1 test for chaos on a series of numbers: does a walk that it drives diffuse?"""

import numpy as np
from scipy.fft import next_fast_len

CUT = 10  # displacements are looked at up to a tenth of the series


def growth_rates(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """K_c for each angle c: the correlation of n with the mean square displacement D_c(n), n = 1 … N/10.

    The walk is z_c(n) = Σ_{j≤n} x_j e^{ijc}; D_c(n) = (mean of |z_c(j+n) − z_c(j)|²) − (mean of x)² (1 − cos nc)/(1 − cos c),
    the term that oscillates being taken off.
    """
    n, t = len(x), np.arange(1, len(x) + 1)
    cut = n // CUT
    lags, rows = np.arange(1, cut + 1), n - cut
    size, mean = next_fast_len(n + rows), x.mean()
    rates = np.empty(len(angles))
    for k, c in enumerate(angles.tolist()):
        z = np.cumsum(x * np.exp(1j * c * t))
        z -= z.mean()  # fewer digits are lost
        squares = np.concatenate([[0.0], np.cumsum(np.abs(z) ** 2)])
        products = np.fft.ifft(np.fft.fft(z, size) * np.conj(np.fft.fft(z[:rows], size)))[1 : cut + 1].real
        moved = (squares[rows + lags] - squares[lags] + squares[rows] - 2 * products) / rows
        rates[k] = _correlation(lags, moved - mean**2 * (1 - np.cos(lags * c)) / (1 - np.cos(c)))
    return rates


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else 0.0


def walk(x: np.ndarray, angle: float) -> np.ndarray:
    """(p, q) of the walk at one angle, (n, 2)."""
    z = np.cumsum(x * np.exp(1j * angle * np.arange(1, len(x) + 1)))
    return np.stack([z.real, z.imag], axis=1)
