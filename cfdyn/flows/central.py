"""The central flow."""

from typing import Any, overload

from cfdyn.errors import UsageError
from cfdyn.flows._noisy import checked, noisy_flow, noisy_oracle_flow
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, preconditioned
from cfdyn.systems.loss import Loss
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow
from cfdyn.systems.matrix_free.optimizer_map import require_oracle
from cfdyn.systems.oracle import GradientOracle


@overload
def central(  # type: ignore[overload-overlap]  # a Loss is an oracle, too
    loss: Loss, optimizer: Optimizer, batch: int | None = None, replace: bool = True, noise: Any = None,
    label_noise: float = 0.0, cut: float | None = None, flat: bool = False,
) -> Flow: ...  # fmt: skip


@overload
def central(
    loss: GradientOracle, optimizer: Optimizer, batch: int | None = None, replace: bool = True, *, cut: float | None = None
) -> MatrixFreeFlow: ...


def central(
    loss: Any, optimizer: Optimizer, batch: int | None = None, replace: bool = True, noise: Any = None,
    label_noise: float = 0.0, cut: float | None = None, flat: bool = False,
) -> Flow | MatrixFreeFlow:  # fmt: skip
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

    The momentum is slaved, its mean is the average of the gradient, so it is not part of the state: (w, ν, …). With constant P
    heavy ball (η, β) is gd with η/(1+β) in a time (1+β)/(1−β) times as fast; Adam (η, β₁, κ) without bias correction is
    RMSProp with (η/c, κ/c), c = (1+β₁)/(1−β₁), in a time c times as fast. Bias correction is that of ν: momentum's own, which
    is over after some 1/(1−β) steps, is left out, as is its inertia (β/(1−β)) d²w/dt²: where the drift is not slow over 1/(1−β)
    steps the flow is wrong. The second moment sees g², as published, and not the averaged gradient, which counts for weights that
    hardly oscillate; an exact average is nearer there and farther on other losses (``cfdyn show cfdyn2026_twocycle``). An own
    optimizer (`Optimizer.from_text`) needs ds/dt for states of P only. The power β₂ᵗ in ν̂ = ν/(1 − β₂ᵗ) decays at the rate κ, so
    that a constant gradient leaves ν̂ = g²; log β₂ and the published rate log(β₂)/β₂ are off by a part 1 − β₂ of the first moves
    (`cfdyn show cfdyn2026_correction`: κ was the nearest to the optimizer in 7 of 12 cases, the published rate in 5).

    A mode whose curvature is at the edge at every state (b of ½b² + L(w) with lr = 2) is pushed by nothing, and no Σ on it would
    change anything: it is set aside with Σ = 0 there, and a note names it. Where a block of the Hessian is constant and at the
    edge or beyond (output biases with squared errors: the unit matrix), λ₁ is that at least, everywhere, by interlacing: `solve`
    says so, and below which lr there is a stable set. Of a loss that is no formula both are looked for among the weights, up to
    16, that make up the modes at the edge at the start, by products at four states.

    **A loss that is no formula**, such as a network, any object with ``dim``, ``value``, ``gradient`` and ``hvp`` (T[u, u] from
    ``jet`` or ``curvature_gradient`` if it has one of these, else from g(w ± εu)), gives a `MatrixFreeFlow`, for the same
    optimizers: `solve` follows it with a few vectors as long as the weights, and gives a `LargeTrajectory`. With ``batch`` there
    are as many vectors as directions with GP⁻¹λ > cut/2, at most 160, and of ``n_rows`` rows slopes and Hessians on these
    are asked by ``rows_along(w, u)``, for a P that moves means of squares by ``row_squares(w, u)``, too, as `cf.Network` has
    them; radius and neglected terms are not told. Any optimizer is taken whose momentum stands in fixed proportions, such as
    adamw or one of your own, nadam is not. The mean sharpness at which SGD is held on digits agrees within 1 % (``cfdyn show
    cfdyn2026_sgd``), of heavy ball and Adam within 5 % (``cfdyn show cfdyn2026_noisy``).

    **With noise**, iterates have a covariance away from the edge too. A batch of b of n rows has, for gd,

        dw/dt = −η[g + ½∇⟨H, Σ⟩],  Σ = M[Σ] + η²C,  M[S] = ASA + (η²/b) mean (Hᵢ − H)S(Hᵢ − H),  A = 1 − ηH,

    C = (1/b) mean (gᵢ − g)(gᵢ − g)ᵀ; without replacement 1/b is (n − b)/(b(n − 1)). Σ is in equilibrium with w, on the sharp
    directions only: flat ones take longer than 1/(2 cut) steps for that, and are left to w. Along eigenvectors u_i of H its
    entries answer to what comes in by φ_iφ_jR_ij, R_ij = 1/(1 − a_ia_j), a = 1 − ηλ. φ is 0 for ηλ < cut/2, 1 above 2 cut.
    Half and twice the cut change the sharpness by at most 2 % (two tanh units on 12 points, 7 pairs of η and b). Where M
    comes near 1, Σ is a barrier that keeps the sharpness off the edge; with b → ∞ the flow becomes that without noise, as 1/b
    away from where that enters the edge (to 1e-9 for b = 2e10), so no other flow takes over where the edge holds the
    sharpness (docs/theory/sgd.md).

    *Momentum* (heavy_ball, nesterov, ema_momentum): G multiplies dw/dt, and R_ij = Σ_t h_i(t)h_j(t) for h, what becomes of a
    kick by the optimizer's recursion. Exact on quadratic rows, as M is. *Preconditioners* (rmsprop, scalar_rmsprop, adagrad,
    adam): the same in the weights P^½w, and ds/dt sees E g² = ḡ² + diag[HΣH + C + (1/b) mean (Hᵢ − H)Σ(Hᵢ − H)]. Exact on
    quadratic rows for a P at rest; that P follows slowly, by the mean of the squares and not as it fluctuates, is a guess, as
    is that a step's own gradient is not part of its P: good where 1 − β₂ is small (0.01 on
    quadratic rows, docs/theory/sgd.md), but not for weights that one row in hundreds moves before ν has seen that row:
    where its own square would make the step small, the flow finds a start beyond mean-square stability.

    **Flat directions.** With ``flat`` their covariance F is carried too, about the path that is the same: F' = JF + FJᵀ + (1
    − φφ)(N[Σ] + η²C), J the derivative of the drift D above, N the second part of M, F = 0 at the start. J is not −ηH: a
    sharpness that noise holds pulls runs back. ``covariance`` has then all blocks, sharp, mixed and flat, and ``shift`` y' =
    Jy + ½∇²D:F tells by how much the mean of the runs is moved; averages count both. The path keeps w: with noise on all
    weights alike w + y is nearer to the runs, with batches as often farther. It is derived to first order in F: where runs
    part, it grows without bound and a note says so. It omits the effect of fluctuating squares of sharp δ (``cfdyn show
    cfdyn2026_flat``). Without ``flat`` a note says how large that part may be.

    A path has the mean-square ``radius``, that of M on directions with ηλ > 0.1, ``damping`` and ``neglected``, what the
    largest term left out would add to tr Σ. The damping is that of Σ along the sharpest direction u: what it loses in a step,
    1/R_uu − N_uu, over twice the frequency η‖∇S‖√((ηλ₁ − 1) uᵀΣu) of its swing, ∞ for ηλ₁ ≤ 1; near the edge, where Σ
    balances the drift, ΔS/√(2α), α = −⟨g, ∇S⟩. Below 1 the edge holds the sharpness, Σ swings, and the flow has what is an
    average over that; a note says from when on. Above 1 a note says whether noise holds it, over the last third of the path:
    noise takes off from half of to twice what the loss alone would add; or nothing does.

    It fails where spreads are large: where runs come to rest in several places, leave for another minimum, or, with small
    batches, go straight to a minimum of all rows (`neglected` is then above ½, and a note says so).

    Parameters
    ----------
    batch : rows drawn for each step; all of them, each once, if None
    replace : rows of a batch are drawn with replacement; ``batch=n, replace=False`` is the flow without noise
    noise : covariance (d, d) of noise in each step's gradient, or d variances, in units of gradients squared
    label_noise : standard deviation of fresh noise on each label drawn, the data's column y, for squared errors
    cut : the ηλ of a sharp direction, GP⁻¹λ with momentum or a preconditioner: by so much of itself a slow drift falls in a step;
        0.01 if None, 0.1 of a loss that is no formula
    flat : carry the covariance along flat directions too, of up to 14 weights and without a preconditioner

    Raises
    ------
    UsageError : steps that are not linear in the gradients for a P at rest (sign_gd, lion, sam), a second moment without
        ds/dt (amsgrad), clipping, or stability that does not end with a flip; with noise: no rows, a batch of none or, without
        replacement, of more than there are, another optimizer, more than 40 weights of a formula, or rows that tell too little
    NumericsError : in `solve`, a start beyond mean-square stability, M > 1; with a preconditioner also for want of a whole
        state of the optimizer: behind weights alone stands the second moment of one step on all rows

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


    Noise along x keeps the sharpness y of a valley ησ²/(4α) below the edge of 20, up to higher powers of that:

    >>> valley = cf.Loss("y*x**2/2 - a*y", "x y", {"a": 0.02})
    >>> path = cf.solve(cf.flows.central(valley, cf.optimizers.gd(lr=0.1), noise=[1, 0]), [0, 15], t=20_000, rtol=1e-10)
    >>> print(round(20 - path.sharpness[-1], 6), round(10 - 75**0.5, 6), path.radius[-1].round(6), path.damping[-1].round(2))
    1.339746 1.339746 0.75 6.72

    Along a flat direction, y of curvature 0.001, η²σ²t spreads out at first:

    >>> slope = cf.Loss("x**2/2 + y**2/2000", "x y")
    >>> path = cf.solve(cf.flows.central(slope, cf.optimizers.gd(lr=0.5), noise=[1, 1], flat=True), [0, 0], t=40)
    >>> print(path.covariance[-1].round(3).tolist())  # 1/3, and (1 - e^-0.04)/0.004
    [[0.333, 0.0], [0.0, 9.805]]

    References
    ----------
    Cohen et al. (2024), Understanding optimization in deep learning with central flows, arXiv 2410.24206, eqs. for
    gradient descent, scalar RMSProp and RMSProp; it leaves momentum out. θ, G and the flow with them: derived in this project,
    as is the flow with noise, of which we know no paper; M is that of Wu, Ma & E (2018) and Mulayoff & Michaeli, arXiv
    2306.07850, the law near the edge that of arXiv 2604.21016. F is a linear noise approximation (van Kampen, Stochastic
    processes in physics and chemistry) of what remains when the sharp directions are slaved.
    """
    loss = Loss.or_oracle(loss)
    if cut is not None and batch is None and noise is None and not label_noise:
        raise UsageError("`cut` is of a flow with noise: give `batch`, `noise` or `label_noise`, too, or leave it out")
    if not isinstance(loss, Loss):
        if noise is not None or label_noise or flat:
            raise UsageError("`noise`, `label_noise` and `flat` are for a loss that is a formula, cf.Loss; batches are for all")
        if batch is not None:
            return noisy_oracle_flow(require_oracle(loss), optimizer, batch, replace, cut)
        return preconditioned("central", "central", loss, optimizer)
    given = checked(loss, batch, replace, noise, label_noise)
    if given is None:
        return preconditioned("central", "central", loss, optimizer)
    return noisy_flow(loss, optimizer, given, cut, flat)
