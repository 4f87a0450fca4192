"""Complex zeros of polynomials in one variable to many digits."""

from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import sympy as sp

DIGITS = 50  # double roots keep half of them


def numbers(polynomial: sp.Poly, at: Mapping[sp.Symbol, Any]) -> list:
    """Its coefficients where the parameters have these values, highest power first."""
    coefficients = [sp.N(c.subs(at), DIGITS) for c in polynomial.all_coeffs()]
    return [mpmath.mpmathify(str(c)) for c in coefficients]


def derivative(coefficients: list) -> list:
    """The coefficients of the derivative."""
    n = len(coefficients) - 1
    return [(n - i) * c for i, c in enumerate(coefficients[:-1])]


def zeros(coefficients: list) -> list:
    """All roots, from those of floats on; `mpmath.libmp.NoConvergence` for roots that lie too close to each other.

    >>> [mpmath.nstr(z, 8) for z in zeros([mpmath.mpf(1), mpmath.mpf(0), mpmath.mpf(-2)])]
    ['-1.4142136', '1.4142136']
    """
    if len(coefficients) < 3:
        return [-coefficients[1] / coefficients[0]] if len(coefficients) == 2 else []
    near = np.roots([complex(c / coefficients[0]) for c in coefficients])
    start = list(near) if len(near) == len(coefficients) - 1 and np.isfinite(near).all() else None
    return mpmath.polyroots(coefficients, maxsteps=400, extraprec=100, roots_init=start)


def vanishes(coefficients: list, z: Any) -> bool:
    """True if z is a root, as far as round-off lets one see."""
    return abs(mpmath.polyval(coefficients, z)) <= 1e-20 * mpmath.polyval([abs(c) for c in coefficients], abs(z))
