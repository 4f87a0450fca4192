"""The right-hand side of the flows that lower the sharpness along a manifold of minima."""

from cfdyn.kernels.layout import Array, Integer, Rule
from cfdyn.kernels.models import Model
from cfdyn.machine.jit import call, kernel_rule, numbers, pointer


class SharpnessReduction(Model):
    """``curvature`` makes rows: η²g, and H below it; ``reduce`` makes of a state and u the drift before it is projected.

    ``relative``: 1 where that is divided by λ₁.
    """

    relative = Integer()
    curvature, reduce = Rule.several(2)
    curved = Array("d + 1", "d")
    eigen = Array("2*d + 3", "d")
    point = Array("n + d")


@kernel_rule
def reduce_sharpness(z, block, out):
    """P r(u₁) − η²H⁺g, with P and H⁺ from the eigenvalues that are not 0, whose number is the state behind the weights."""
    b, state, result = SharpnessReduction(block), numbers(z), numbers(out)
    n, d, curved, eigen, point = b.n, b.d, b.curved, b.eigen, b.point
    call(b.curvature, z, b.p, curved)
    call(b.eigh, pointer(curved, d), b.order, eigen)
    for i in range(n):
        point[i] = state[i]
    for i in range(d):
        point[n + i] = eigen[1 + i, d - 1]
    call(b.reduce, point, b.p, out)
    top = eigen[0, d - 1]
    for i in range(d):
        result[i] /= top if b.relative == 1 else 1.0
    result[d] = 0.0
    for j in range(d - min(max(int(state[d] + 0.5), 0), d), d):
        along = 0.0
        for i in range(d):
            along += (result[i] + curved[0, i] / eigen[0, j]) * eigen[1 + i, j]
        for i in range(d):
            result[i] -= along * eigen[1 + i, j]
