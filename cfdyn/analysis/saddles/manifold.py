"""`manifold`: the stable or the unstable manifold of one saddle cycle."""

from collections.abc import Callable, Sequence
from typing import Any

from cfdyn.analysis.saddles.manifolds import Manifold, manifolds
from cfdyn.errors import UsageError
from cfdyn.systems.map import Map


def manifold(
    step: Map, cycle: Any, stable: bool = False, length: float | None = None,
    box: Sequence[tuple[float, float]] | None = None, period: int = 1, progress: Callable[[int, int], None] | None = None,
) -> Manifold:  # fmt: skip
    r"""The one-dimensional unstable or stable manifold of a saddle cycle, up to a length or through a box.

    The manifold is a curve x = W(s) with :math:`F(W(s)) = W(\lambda s)`, F the n-th iterate and λ the multiplier. `manifolds`
    computes both, and those of all saddles in a box.

    Parameters
    ----------
    step : a map of two or more variables
    cycle : a `Cycle`, its points (n, D), or one of them
    stable : True for the stable manifold instead of the unstable one
    length : of each half; by default ten times the sum of the box's widths
    box : [(lo, hi), …]; the length inside counts, and a half ends if it goes very far from the box
    period : n, if the cycle is given by one point
    progress : called with (done, total) halves

    Raises
    ------
    NumericsError : the cycle is not a saddle, or its manifold is not a curve (a complex multiplier, a multiplier 0, two equal
        ones)
    UsageError : not a cycle, neither box nor length, a map of one variable or with angles

    Examples
    --------
    >>> import cfdyn as cf
    >>> linear = cf.Map.from_text(["2*x", "y/2 + x**2"], variables="x y")  # y = 2x²/7, and the y-axis
    >>> w = cf.analysis.manifold(linear, [0.0, 0.0], length=10.0)
    >>> w.kind, w.multiplier, bool(abs(w.curve[:, 1] - 2 / 7 * w.curve[:, 0] ** 2).max() < 1e-13)
    ('unstable', 2.0, True)
    >>> w = cf.analysis.manifold(linear, [0.0, 0.0], stable=True, length=10.0)
    >>> w.kind, w.multiplier, bool(abs(w.curve[:, 0]).max() < 1e-13)
    ('stable', 0.5, True)

    References
    ----------
    Cabré, Fontich & de la Llave (2005), J. Differential Equations 218, 444: the parametrisation method.
    """
    if cycle is None:
        raise UsageError("manifold takes one cycle; manifolds(step, box=…) searches for saddles in a box")
    kind = "stable" if stable else "unstable"
    return manifolds(step, cycle, [kind], box, length, period, progress=progress)[0]
