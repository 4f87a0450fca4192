"""The edge of stability of a step, coordinate by coordinate, and what the momentum makes of a share of it."""

from __future__ import annotations

import cmath
import math
from typing import Any, NamedTuple


class Memory(NamedTuple):
    """A momentum of ``beta``; ``direct``: the part of the gradient that a step takes without it, 1 − β with Nesterov's.

    A step is −F(z)g/P with F(z) = c + (1 − c)(1 − β)z/(z − β), up to a factor, c the direct part. Along an eigenvector with the
    share s of the edge, a = 2s/F(−1), the multipliers are the roots of ρ² − Bρ + C with B = 1 + β − a(c + (1 − c)(1 − β)) and
    C = β(1 − ac).
    """

    beta: float
    direct: float = 0.0

    def growth(self, share: float) -> float:
        """ln |ρ|, of the factor by which the distance from the minimum along the eigenvector grows in a step.

        >>> round(Memory(0.0).growth(1.05), 4), round(Memory(0.9).growth(1.05), 4), round(Memory(0.9, direct=0.1).growth(1.05), 4)
        (0.0953, 0.3942, 0.1331)
        """
        beta, c = self.beta, self.direct
        a = 2 * share / (c + (1 - c) * (1 - beta) / (1 + beta))
        half = (1 + beta - a * (c + (1 - c) * (1 - beta))) / 2
        root = cmath.sqrt(half * half - beta * (1 - a * c))
        largest = max(abs(half + root), abs(half - root))
        return math.log(largest) if largest > 0 else -math.inf


class Edge(NamedTuple):
    """θP of every coordinate of some weights (an array of their shape, or a number) for the step about to be taken, the weight
    decay that adds to the curvature, the memory, None where it has another form, and the steps 1/(1 − β₂) of the average of
    squared gradients, None where there is none or it is not known.

    A step is unstable along an eigenvector of curvature λ if λ + decay > θP.
    """

    scale: Any
    decay: float
    memory: Memory | None
    averaging: float | None = None
