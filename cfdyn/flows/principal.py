"""The principal flow."""

from cfdyn.flows._descent import descent
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.model import ModelSpec, Part, curvature
from cfdyn.systems.fields import Kernel
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss


def principal(loss: Loss, optimizer: Optimizer) -> Flow:
    """The principal flow: gradient descent's step along each eigenvector of the Hessian as a continuous flow.

        dw/dt = Σ_i [log|1 − ηλ_i| / λ_i] (g·u_i) u_i,

    with one unit of time per step. On a quadratic a step multiplies a component by |1 − ηλ|, which is exact for
    ηλ < 1. For ηλ > 1 the published flow is complex; this is its real part. It omits the flip (−1)^t, the part
    log(−1) = iπ of the logarithm, so on quadratics the modulus is exact for all ηλ.
    An eigendirection is repelling iff ηλ > 2 or λ < 0. For λ → 0 the factor is −η.
    At ηλ = 1, where a step ends at the minimum, the logarithm diverges. The flow uses |1 − ηλ| ≥ 2⁻⁵², the relative size of a
    component after such a step in double precision; a path that crosses ηλ = 1 is attracted to g·u = 0 at that rate.

    Raises
    ------
    UsageError : another optimizer than gradient descent, or clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.principal(cf.Loss("x**2/2 + 1.25*y**2"), cf.optimizers.gd(lr=0.9))
    >>> print(cf.solve(flow, [1.0, 1.0], t=2, rtol=1e-11).w[-1].round(6))  # 0.1², 1.25²
    [0.01   1.5625]

    References
    ----------
    Rosca, Wu, Qin & Dherin (2023), On a continuous time model of gradient descent dynamics and instability in deep
    learning, arXiv 2302.01952.
    """
    from cfdyn.flows._kernels import principal as kernel

    made = descent("principal", loss, optimizer)
    d = made.n_weights
    spec = ModelSpec("principal", made, {"curvature": Part(curvature, d + d * d)}, work=1 + 2 * d)
    return Flow(spec, kernel=Kernel(kernel.principal, kernel.Principal, ("curvature",), d))
