"""A deep linear network with one unit in each layer."""

from cfdyn.arguments import whole_number
from cfdyn.losses._terms import names
from cfdyn.symbolic.loss import LossSpec, make_loss


def deep_linear(depth: int = 4, y: float = 1.0) -> LossSpec:
    """(w₁ w₂ ⋯ w_N − y)²/2 with N = depth: the minima have sharpness y² Σ 1/wᵢ².

    The sharpness is least, N |y|^(2−2/N), where the layers are balanced, |wᵢ| = |y|^(1/N). Depth 4 is the
    minimal example of the edge of stability: from starts beyond the edge gradient descent ends with sharpness
    in (2/η − 20η/3, 2/η), and for small η at 2/η − 0.5 η.

    Examples
    --------
    >>> import cfdyn as cf
    >>> round(cf.losses.deep_linear(depth=3, y=8.0).sharpness([2.0, 2.0, 2.0]), 9)
    48.0

    References
    ----------
    Zhu, Wang, Wang, Zhou & Ge, arXiv 2210.03294 (depth 4); Ghosh et al., arXiv 2502.20531 (any depth).
    """
    layers = names("w", whole_number("deep_linear: depth", depth, 1, 50))
    return make_loss(
        f"({'*'.join(layers)} - y)**2/2", layers, {"y": y}, box=((-2.0, 2.0),) * len(layers), name=f"deep_linear:depth={depth}"
    )
