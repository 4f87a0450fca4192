"""The central flow."""

from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, preconditioned
from cfdyn.systems.loss import Loss


def central(loss: Loss, optimizer: Optimizer) -> Flow:
    """The central flow: the path of the time-averaged iterates, with oscillations of covariance Σ at the edge.

    For w ← w − P(s)⁻¹g with diagonal P and states s of the stable flow ds/dt = f(s, g), also where a linear average of the
    gradients (momentum) stands in place of g,

        dw/dt = −GP⁻¹[g + ½∇⟨H, Σ⟩] − δw,  ds/dt = f + ½⟨∇²_g f, HΣH⟩,  0 ⪯ Σ ⟂ θP − H ⪰ 0,

    one unit of time per step; for gradient descent P = 1/η and H ⪯ 2/η. Σ vanishes away from the edge; there it
    is whatever keeps the critical eigenvalues from crossing. The averages it predicts: of the loss L + ½⟨H, Σ⟩, of the
    squared gradient ‖g‖² + tr HΣH; ½⟨H, Σ⟩ = (θ/2)⟨P, Σ⟩.

    θ is the curvature over P at which a mode flips, G the gain of a slow drift, δ = ηd for decoupled weight decay d. Both are
    read off the optimizer's formulas: a step P⁻¹F(z)g, z the shift by a step, has θ = (2 − δ)/F(−1) and G = F(1).

    ======================  ==================  ========================  ==========
    optimizer               P                   θ                         G
    ======================  ==================  ========================  ==========
    gd, rmsprop, adagrad    1/η, (√ν + ε)/η     2                         1
    heavy_ball              1/η                 2(1+β)                    1/(1−β)
    nesterov                1/η                 2(1+β)/(1+2β)             1/(1−β)
    ema_momentum, adam      1/η, (√ν̂ + ε)/η     2(1+β)/(1−β)              1
    adamw                   (√ν̂ + ε)/η          (2−ηd)(1+β₁)/(1−β₁)       1
    nadam                   (√ν̂ + ε)/η          2(1+β₁)/(1+β₁−2μ_tβ₁)     about 1
    ======================  ==================  ========================  ==========

    The momentum is slaved, its mean is the average of the gradient, so it is no part of the state: (w, ν, …). With constant P
    heavy ball (η, β) is gd with η/(1+β) in a time (1+β)/(1−β) times as fast; Adam (η, β₁, κ) without bias correction is
    RMSProp with (η/c, κ/c), c = (1+β₁)/(1−β₁), in a time c times as fast. Bias correction is that of ν: momentum's own, which
    is over after some 1/(1−β) steps, is left out, as is its inertia (β/(1−β)) d²w/dt²: where the drift is not slow over 1/(1−β)
    steps the flow is wrong. The second moment sees g², as published, and not the averaged gradient, which counts for weights that
    hardly oscillate; an exact average is nearer there and farther on other losses (``cfdyn show cfdyn2026_twocycle``). An own
    optimizer (`Optimizer.from_text`) needs ds/dt for states of P only.

    Raises
    ------
    UsageError : steps that are not linear in the gradients for a P at rest (sign_gd, lion, sam), a second moment without
        ds/dt (amsgrad), clipping, or stability that does not end with a flip

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8))
    >>> path = cf.solve(flow, [1.5, 0.3], t=2, rtol=1e-11)
    >>> path.events[0].kind, round(path.events[0].t, 9), path.w[-1].round(9).tolist()
    ('enter', 0.38879829, [1.464000282, 0.636738676])
    >>> heavy_ball = cf.optimizers.heavy_ball(lr=1.2, momentum=0.5)  # gd with lr = 0.8, three times as fast
    >>> path = cf.solve(cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), heavy_ball), [1.5, 0.3], t=2 / 3, rtol=1e-11)
    >>> path.w[-1].round(9).tolist(), float(path.theta[-1])
    ([1.464000282, 0.636738676], 3.0)

    References
    ----------
    Cohen et al. (2024), Understanding optimization in deep learning with central flows, arXiv 2410.24206, eqs. for
    gradient descent, scalar RMSProp and RMSProp; it leaves momentum out. θ, G and the flow with them: derived in this project.
    """
    return preconditioned("central", "central", loss, optimizer)
