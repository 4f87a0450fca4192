"""The names under which a watch logs, each with what it is."""

NAMES = {
    "loss": "the loss of the batch that `step` was given",
    "lr": "the largest learning rate of the step just taken",
    "grad_norm": "the norm of the gradient of the step just taken, as the optimizer had it",
    "edge/share": "λ₁ of (Pθ)^−½ H (Pθ)^−½ on the probe: 1 is the edge of stability",
    "edge/fresh": "uᵀAu on fresh rows, with the direction u of the probe: with the share a bracket of that on all rows",
    "edge/residual": "‖Au − share·u‖ over the share: the error of the share is at most this fraction",
    "edge/products": "products with the Hessian that the measurement took",
    "edge/curvature": "wᵀHw/wᵀw along the leading direction w of the weights",
    "edge/scale": "wᵀPθw/wᵀw along the same direction: the share is curvature over scale",
    "edge/median_scale": "the median of Pθ over the weights; a share means little where a few weights have a far smaller one",
    "edge/growth": "ln |ρ| per step of the linearised update at this share",
    "probe/loss": "the loss on the probe",
    "bounce/r1": "correlation of a step along u with the step before, over the last 50",
    "bounce/share": "(β − r₁)/(1 + β): the share that r₁ stands for if the gradient is noisy",
    "bounce/alternation": "fraction of steps along u against the step before, over the last 50",
    "bounce/amplitude": "half the root mean square of a step along u, over the last 50, in units of the scaled weights",
    "bounce/growth": "slope of ln |step along u| per step, over the last 8",
    "cost": "processor time of the watch over that of the run without it, until now",
}
