"""A. Gonon, A.-A. Mușat, N. Boumal, *Insights on Muon from simple quadratics*, arXiv 2602.11948 (2026).

Already on ‖W‖²/2 approximation error in the polar step can qualitatively alter the dynamics of Muon and improve reachability and
finite-time performance. Our remark: with the exact factor each singular value
goes to |s − η| and ends in a 2-cycle s, η − s; with the five steps of the usual quintic polynomial orbits are chaotic.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LR, START = 0.1, (0.957073, 0.325332)
SIZE = "sqrt((a + k*d)**2 + (b - k*c)**2)"


def _exact():
    """W ← W − η·(polar factor of W) for 2 × 2 matrices in closed form, k the sign of the determinant."""
    parts = ("a + k*d", "b - k*c", "c - k*b", "d + k*a")
    rules = [f"{w} - lr*({p})/{SIZE}".replace("k", "sign(a*d - b*c)") for w, p in zip("abcd", parts, strict=True)]
    return cf.Map.from_text(rules, "a b c d", params={"lr": LR})


def _muon(steps):
    """The optimizer without momentum on ‖W‖²/2, W a matrix of 2 × 2."""
    from cfdyn.symbolic.loss import make_loss

    loss = cf.Loss.from_spec(make_loss("(a**2 + b**2 + c**2 + d**2)/2", list("abcd"), shapes=((2, 2),)))
    return cf.as_map(loss, cf.optimizers.muon(lr=LR, momentum=0.0, nesterov=False, steps=steps))


def _start():
    """A matrix with the singular values of START."""
    cos, sin = np.cos(0.5), np.sin(0.5)
    turn = np.array([[cos, -sin], [sin, cos]])
    return (turn @ np.diag(START) @ turn.T @ np.array([[0.0, 1.0], [1.0, 0.0]])).ravel()


def _singular(w):
    return np.linalg.svd(w[:4].reshape(2, 2), compute_uv=False)


@CLAIMS.add(
    "own statement",
    {"values": near([0.057073, 0.025332, 0.074668, 0.042927], 1e-9), "again": near(0.0, 1e-12)},
    Control("five steps of the quintic polynomial", changes={"steps": 5}), figure="values",
    domain="‖W‖²/2, W a matrix of 2 × 2; steps of 0.1 along the exact polar factor, no momentum; one start",
    perturbations=(Control("the step 0.101", changes={"lr": 0.101}),),
)  # fmt: skip
def exact_polar_factor(steps=0, lr=LR):
    """With the exact polar factor W ends on a 2-cycle, on which each singular value alternates between s and η − s, s its
    start modulo η: the steps stop making progress at distances of the order of the step.

    Each singular value goes to |s − η|. η = 0.1 from singular values 0.957073 and 0.325332, 1,000 steps: the values after 999
    and 1,000 steps, largest first, which are the starts modulo η and their complements. ``again``: the change of W over the
    last two steps.
    """
    w = cf.iterate(_muon(steps) if steps else _exact().at(lr=lr), _start(), 1000).z
    return {"values": [float(s) for z in w[-2:] for s in _singular(z)], "again": float(abs(w[-1, :4] - w[-3, :4]).max())}


def _by_hand():
    s, beside, total = np.array(START), np.array(START) + [1e-9, 0.0], 0.0
    for k in range(6000):
        s, beside = _descended(s), _descended(beside)
        gap = np.hypot(*(beside - s))
        beside, total = s + (beside - s) * 1e-9 / gap, total + (np.log(gap / 1e-9) if k >= 1000 else 0.0)
    return {"exponent": float(total / 5000)}


def _descended(s):
    x = s / np.hypot(*s)
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    return s - LR * x


@CLAIMS.add(
    "abstract (approximation error can qualitatively alter the dynamics); the chaos: own statement",
    {"exponent": near(1.2, 0.05), "kind": "chaotic", "evidence": "chaotic"},
    Control("three steps of the polynomial: a 2-cycle", changes={"steps": 3}), figure="values", second=_by_hand,
    domain="‖W‖²/2, W a matrix of 2 × 2; Muon without momentum, η = 0.1; one start",
    perturbations=(Control("six steps of the polynomial", changes={"steps": 6}), Control("four steps", changes={"steps": 4})),
)  # fmt: skip
def inexact_polar_factor_is_chaotic(steps=5):
    """With the usual five steps of the quintic polynomial 3.4445x − 4.7750x³ + 2.0315x⁵ in place of the exact polar factor
    the descent of ‖W‖²/2 is chaotic, with a largest Lyapunov exponent of 1.2 a step.

    The largest Lyapunov exponent over 20,000 steps, what the orbit is, and what exponent and 0–1 test say together. The
    independent computation follows two signed singular values, which the polynomial maps alone, and a copy 1e-9 beside it in
    plain numpy.
    """
    step = _muon(steps)
    exponent = cf.analysis.lyapunov(step, _start(), n=20_000)
    return {"exponent": float(exponent[0]), "kind": cf.analysis.classify(step, _start(), budget=100_000).kind,
            "evidence": cf.analysis.chaos(step, _start(), 20_000, dimensions=False).kind}  # fmt: skip


def figures():
    """Singular values with the exact and the usual step."""
    return {"values": _values}


def _values():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained", sharey=True)
    for panel, step, title in zip(axes, (_exact(), _muon(5)), ("exact polar factor", "five steps of the quintic"), strict=True):
        panel.plot([_singular(z) for z in cf.iterate(step, _start(), 80).z], ".-", lw=0.6)
        panel.set(xlabel="step", yscale="log")
        panel.set_title(title, fontsize="medium")
    axes[0].set_ylabel("singular values of W")
    return figure
