"""The polynomial whose roots are the points of all n-cycles, for rational maps of one variable."""

from collections.abc import Sequence

import sympy as sp

from cfdyn.symbolic.exact.request import Refused

MOST_POINTS = 150  # the degree that factors in seconds


def cycle_factors(f: sp.Expr, x: sp.Symbol, n: int, parameters: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """The irreducible factors of Φ_n(x) = ∏_{d|n} (f^d(x) − x)^μ(n/d), those of x alone.

    Refused where there are more points than can be handled, or a whole interval of cycles.

    >>> x, r = sp.symbols("x r", real=True)
    >>> cycle_factors(r*x*(1 - x), x, 2, [r])
    [r**2*x**2 - r**2*x - r*x + r + 1]
    """
    top, bottom = (sp.Poly(part, x, *parameters, domain="QQ") for part in sp.fraction(sp.cancel(f)))
    degree = max(top.degree(x), bottom.degree(x))
    if degree**n > MOST_POINTS:
        raise Refused(f"the {n}-cycles' points are the roots of a polynomial of degree near {degree}^{n} = {degree**n}, and "
                      f"{MOST_POINTS} is the most")  # fmt: skip
    gaps = _gaps(top, bottom, x, n, parameters)
    phi = sp.Poly(1, x, *parameters, domain="QQ")
    for sign in (1, -1):
        for d, gap in gaps.items():
            if sp.mobius(n // d) == sign:
                phi = phi * gap if sign > 0 else phi.exquo(gap)
    return [factor.as_expr() for factor, _ in phi.factor_list()[1] if factor.degree(x) > 0]


def _gaps(top: sp.Poly, bottom: sp.Poly, x: sp.Symbol, n: int, parameters: Sequence[sp.Symbol]) -> dict[int, sp.Poly]:
    """The numerator of f^d(x) − x for each divisor d of n."""
    gens, identity = (x, *parameters), sp.Poly(x, x, *parameters, domain="QQ")
    a, b = identity, sp.Poly(1, *gens, domain="QQ")
    size = max(top.degree(x), bottom.degree(x))
    rows = [[sp.Poly(c, *gens, domain="QQ") for c in reversed(sp.Poly(part.as_expr(), x).all_coeffs())] for part in (top, bottom)]
    gaps = {}
    for d in range(1, n + 1):
        powers = [a**k * b ** (size - k) for k in range(size + 1)]
        a, b = (sum((c * power for c, power in zip(row, powers)), sp.Poly(0, *gens, domain="QQ")) for row in rows)
        if n % d == 0:
            gap = a - identity * b
            if gap.is_zero:
                raise Refused(f"every point has the period {d} or a divisor of it")
            gaps[d] = gap
    return gaps
