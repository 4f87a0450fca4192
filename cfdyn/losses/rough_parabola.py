"""A parabola with fine ripples: deterministic gradient descent that looks like noise."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def rough_parabola(eps: float = 0.02) -> LossSpec:
    """w²/2 + ε sin(w/ε): a parabola with ripples of height ε and slope 1, which a step η ≫ ε crosses.

    Gradient descent w ← (1−η) w − η cos(w/ε) is Li–Yorke chaotic for ε ≪ η and samples the parabola
    like noisy descent. At η = 0.1 there is no 3-cycle for η/ε ≤ 3, and there are many for η/ε ≥ 4.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.rough_parabola(), cf.optimizers.gd(lr=0.1))
    >>> [len(cf.analysis.cycles(step.at(eps=eps), 3, [(-1.5, 1.5)])) for eps in (0.05, 0.1 / 3, 0.025)]
    [0, 0, 22]

    References
    ----------
    Kong & Tao (2020), Stochasticity of deterministic gradient descent, arXiv 2002.06189.
    """
    return make_loss("w**2/2 + eps*sin(w/eps)", "w", {"eps": eps}, box=((-1.5, 1.5),), name="rough_parabola")
