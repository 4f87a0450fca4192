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

    For w ← w − P(s)⁻¹g with diagonal P and states s of the stable flow ds/dt = f(s, g), where a linear average of the gradients
    (momentum) may replace g, the flow is

        dw/dt = −GP⁻¹[g + ½∇⟨H, Σ⟩] − δw,  ds/dt = f + ½⟨∇²_g f, HΣH⟩,  0 ⪯ Σ ⟂ θP − H ⪰ 0,

    with one unit of time per step; for gradient descent P = 1/η and H ⪯ 2/η. Away from the edge Σ = 0; at the edge Σ is what
    keeps the critical eigenvalues from crossing it. The flow predicts time averages: L + ½⟨H, Σ⟩ for the loss and ‖g‖² + tr HΣH
    for the squared gradient; ½⟨H, Σ⟩ = (θ/2)⟨P, Σ⟩.

    θ is the eigenvalue of P⁻¹H at which a mode flips, G the gain of a slow drift, and δ = ηd for decoupled weight decay d. Both θ
    and G follow from the optimizer's formulas: a step P⁻¹F(z)g, z the shift by a step, has θ = (2 − δ)/F(−1) and G = F(1).

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

    The state is (w, ν, …). It omits the momentum, which is slaved: its mean is the average of the gradient. With constant P
    heavy ball (η, β) is gd with η/(1+β), in a time (1+β)/(1−β) times as fast; Adam (η, β₁, κ) without bias correction is
    RMSProp with (η/c, κ/c), c = (1+β₁)/(1−β₁), in a time c times as fast. The flow corrects the bias of ν only. It omits the
    momentum's bias correction, which ends after some 1/(1−β) steps, and its inertia (β/(1−β)) d²w/dt²: where the drift is not
    slow over 1/(1−β) steps, the flow is wrong. The second moment takes g², as published, and not the square of the averaged
    gradient; the difference matters for weights that hardly oscillate. An exact average is closer there and farther off on other
    losses (``cfdyn show cfdyn2026_twocycle``). An optimizer of your own (`Optimizer.from_text`) needs ds/dt only for the states
    in P. The power β₂ᵗ in ν̂ = ν/(1 − β₂ᵗ) decays at the rate κ, so that a constant gradient leaves ν̂ = g². With log β₂ or the
    published rate log(β₂)/β₂ the first steps are off by a fraction 1 − β₂ (`cfdyn show cfdyn2026_correction`: κ was closest to
    the optimizer in 7 of 12 cases, the published rate in 5).

    If a mode is at the edge at every state (b in ½b² + L(w) with lr = 2), no force acts on it and no Σ along it would change
    anything: the flow sets Σ = 0 there, and a note names the mode. If a block of the Hessian is constant and at or beyond the
    edge (output biases with squared errors: the unit matrix), λ₁ is at least that large everywhere, by interlacing; `solve` says
    so, and below which lr a stable set exists. For a loss that is not a formula, the flow searches for both among at most 16
    weights, those that make up the modes at the edge at the start, with Hessian-vector products at four states.

    **A loss that is not a formula**, such as a network: any object with ``dim``, ``value``, ``gradient`` and ``hvp`` (T[u, u]
    comes from its ``jet`` or ``curvature_gradient`` if it has one, else from g(w ± εu)) gives a `MatrixFreeFlow`, for the same
    optimizers. `solve` integrates it with a few vectors of the length of the weights and returns a `LargeTrajectory`. With
    ``batch`` it needs one vector per direction with GP⁻¹λ > cut/2, at most 160. ``rows_along(w, u)`` of the loss then supplies
    gradients and Hessians of its ``n_rows`` rows along these directions, and ``row_squares(w, u)`` the means of squares that move
    P; `cf.Network` has both. ``radius`` and ``neglected`` are not computed. The optimizer's momentum must have constant
    coefficients: adamw or one of your own is accepted, nadam is not. The mean sharpness at which SGD is held on digits agrees
    within 1 % (``cfdyn show cfdyn2026_sgd``), that of heavy ball and Adam within 5 % (``cfdyn show cfdyn2026_noisy``).

    **With noise**, iterates have a covariance away from the edge too. For gd with batches of b of n rows

        dw/dt = −η[g + ½∇⟨H, Σ⟩],  Σ = M[Σ] + η²C,  M[S] = ASA + (η²/b) mean (Hᵢ − H)S(Hᵢ − H),  A = 1 − ηH,

    C = (1/b) mean (gᵢ − g)(gᵢ − g)ᵀ; without replacement (n − b)/(b(n − 1)) replaces 1/b. Σ is in equilibrium with w and covers
    the sharp directions only: flat ones need more than 1/(2 cut) steps to reach equilibrium, so their variation stays in w. Along
    eigenvectors u_i of H, an entry of Σ is φ_iφ_jR_ij times its input, R_ij = 1/(1 − a_ia_j), a = 1 − ηλ. The weight φ is 0 for
    ηλ < cut/2 and 1 above 2 cut. Half and twice the cut change the sharpness by at most 2 % (two tanh units on 12 points, 7 pairs
    of η and b). As the spectral radius of M approaches 1, Σ becomes a barrier that keeps the sharpness below the edge. As b → ∞
    the flow converges to the one without noise, at the rate 1/b except near the time when that one enters the edge (to 1e-9 for
    b = 2e10), so no other flow is needed where the edge holds the sharpness (docs/theory/sgd.md).

    *Momentum* (heavy_ball, nesterov, ema_momentum): G multiplies dw/dt, and R_ij = Σ_t h_i(t)h_j(t), h the impulse response of
    the optimizer's recursion. R and M are exact on quadratic rows. *Preconditioners* (rmsprop, scalar_rmsprop, adagrad, adam):
    the same in the weights P^½w, and ds/dt uses E g² = ḡ² + diag[HΣH + C + (1/b) mean (Hᵢ − H)Σ(Hᵢ − H)]. This is exact on
    quadratic rows for constant P. Two approximations are guesses: P follows the mean of the squares without their fluctuations,
    and a step's own gradient is not part of its P. They are good for small 1 − β₂ (0.01 on quadratic rows, docs/theory/sgd.md),
    but not for weights that one row in hundreds moves before ν has seen that row: there the row's own square would make the step
    small, while the flow finds a start beyond mean-square stability.

    **Flat directions.** With ``flat`` the flow also carries their covariance F about the same path: F' = JF + FJᵀ + (1 − φφ)(N[Σ]
    + η²C), F = 0 at the start, J the derivative of the drift D above, N the second part of M. J is not −ηH: a sharpness that
    noise holds pulls runs back. ``covariance`` then has all blocks, sharp, mixed and flat, ``shift`` is the displacement y of the
    mean of the runs, y' = Jy + ½∇²D:F, and averages include both. The path remains w: with equal noise on all weights w + y is
    closer to the runs; with batches it is as often farther from them. F is derived to first order: where runs separate, it grows
    without bound and a note says so. It omits the effect of fluctuating squares of sharp δ (``cfdyn show cfdyn2026_flat``).
    Without ``flat`` a note says how large that part may be.

    A path has ``radius``, the spectral radius of M on directions with ηλ > 0.1, ``damping``, and ``neglected``, the relative
    amount that the largest omitted term would add to tr Σ. ``damping`` is that of Σ along the sharpest direction u: its loss in a
    step, 1/R_uu − N_uu, over twice the frequency η‖∇S‖√((ηλ₁ − 1) uᵀΣu) of its oscillation, and ∞ for ηλ₁ ≤ 1; near the edge,
    where Σ balances the drift, it is ΔS/√(2α), α = −⟨g, ∇S⟩. Below 1 the edge holds the sharpness, Σ oscillates, and the flow
    gives an average over the oscillation; a note gives the time from which this is so. Above 1 a note says whether noise holds
    the sharpness over the last third of the path, where noise removes half to twice what the loss alone would add, or nothing
    does.

    The flow fails where spreads are large: where runs settle in several places, leave for another minimum, or, with small
    batches, go straight to a minimum of all rows (``neglected`` is then above ½, and a note says so).

    Parameters
    ----------
    batch : rows drawn for each step; None: all of them, each once
    replace : draw the rows of a batch with replacement; ``batch=n, replace=False`` is the flow without noise
    noise : covariance (d, d) of noise in each step's gradient, or d variances, in units of gradients squared
    label_noise : standard deviation of fresh noise on each label drawn, the data's column y, for squared errors
    cut : the ηλ (GP⁻¹λ with momentum or a preconditioner) from which a direction counts as sharp, the fraction by which a slow
        drift decays in a step; None: 0.01, or 0.1 for a loss that is not a formula
    flat : carry the covariance along flat directions too; for at most 14 weights and without a preconditioner

    Raises
    ------
    UsageError : steps that are not linear in the gradients for constant P (sign_gd, lion, sam), a second moment without ds/dt
        (amsgrad), clipping, or a loss of stability other than a flip. With noise: no rows, a batch of 0 or, without replacement,
        of more rows than there are, another optimizer, a formula of more than 40 weights, or a loss without ``rows_along``
    NumericsError : in `solve`, a start beyond mean-square stability, where M has a spectral radius above 1; with a preconditioner
        also because weights alone start with the second moment of one step on all rows: then give the optimizer's full state

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
