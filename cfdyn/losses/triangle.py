"""A smooth loss of two weights, built so that gradient descent has a stable 3-cycle."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def triangle(h2: float = -0.125) -> LossSpec:
    """h(s) + k(s) Re z³ with z = x + iy, s = |z|², h′ = 3/4 + h₂ (s − 1), k = (√3/6)(2 − s).

    At η = 1 the points exp(i(π/6 + 2πj/3)) are a 3-cycle of gradient descent. It is stable for h₂ = −0.125,
    with the multipliers 1/64 and 0, and for h₂ = −0.3. So the oscillation beyond the edge need
    not be a 2-cycle. The loss is not bounded below.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.triangle(), cf.optimizers.gd(lr=1.0))
    >>> regime = cf.analysis.classify(step, [0.87, 0.5])
    >>> regime.period, round(float(abs(regime.multipliers[0])), 9)
    (3, 0.015625)

    References
    ----------
    New here; the equivariant form is that of Golubitsky, Stewart & Schaeffer (1988), Singularities and
    Groups in Bifurcation Theory II, XIII §5 (triangular symmetry).
    """
    s = "(x**2 + y**2)"
    return make_loss(
        f"3*{s}/4 + h2*({s} - 1)**2/2 + sqrt(3)/6*(2 - {s})*(x**3 - 3*x*y**2)", "x y", {"h2": h2}, box=((-1.5, 1.5), (-1.5, 1.5)),
        name="triangle",
    )  # fmt: skip
