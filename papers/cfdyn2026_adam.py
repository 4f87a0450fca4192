"""The cfdyn project, *A 3-cycle of Adam on a parabola*, first written down here (2026).

Adam's state on w²/2 is (w, m, v). Along a cycle w₁ … w_p the gradients repeat, so both averages are known in closed form: m_k
= (1 − β₁) Σ_{j<p} β₁ʲ w_{k−j}/(1 − β₁ᵖ), and v_k likewise with β₂ and squares. A p-cycle is a root of the p equations w_{k+1}
= w_k − η m_k/√(v_k + ε). With ε = 0 the right-hand side is homogeneous of degree 0 in w: a cycle on one parabola gives cycles
on all, of a size that is proportional to η and does not depend on the curvature. For p = 2 the roots are those of Bock and
Weiß; for p = 3 there are none near Adam's usual hyperparameters, but with η = 1, β₁ = 1/2, β₂ = 1/5 there is one with
multipliers inside the unit circle. So an adaptive method can have period 3 on the simplest convex loss, where gradient
descent and heavy ball have fixed points or divergence only. (Heavy ball is linear there.) The convention is ε inside the
root, no bias correction, unless said otherwise. Expected numbers were computed with mpmath from the equations above, which
share nothing with the package (``second``).
"""

import mpmath as mp
import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
GUESS = {3: (0.098, 0.161, -0.312), 4: (0.132, -0.511, -0.132, 0.511)}


def _averages(w, b1, b2):
    """m and v after the gradient at each point of a cycle."""
    p = len(w)
    first = [(1 - b1) * sum(b1**j * w[(k - j) % p] for j in range(p)) / (1 - b1**p) for k in range(p)]
    second = [(1 - b2) * sum(b2**j * w[(k - j) % p] ** 2 for j in range(p)) / (1 - b2**p) for k in range(p)]
    return first, second


def _residuals(w, b1, b2, eps, inside=True):
    m, v = _averages(w, b1, b2)
    roots = [mp.sqrt(x + eps) if inside else mp.sqrt(x) + eps for x in v]
    return [w[k] - m[k] / roots[k] - w[(k + 1) % len(w)] for k in range(len(w))]


def _monodromy(w, b1, b2, eps):
    """The product of the Jacobians of (w, m, v) → next state along the cycle."""
    m, v = _averages(w, b1, b2)
    product = mp.eye(3)
    for k in range(len(w)):
        root = mp.sqrt(v[k] + eps)
        dm, dv = [1 - b1, b1, 0], [2 * (1 - b2) * w[k], 0, b2]
        dw = [(i == 0) - dm[i] / root + m[k] * dv[i] / (2 * root**3) for i in range(3)]
        product = mp.matrix([dw, dm, dv]) * product
    return product


def _solved(p=3, inside=True):
    with mp.workdps(40):
        root = mp.findroot(lambda *w: _residuals(w, mp.mpf("0.5"), mp.mpf("0.2"), mp.mpf("1e-8"), inside), GUESS[p], tol=1e-60)
        return list(root)


def _second_cycle():
    w = _solved()
    with mp.workdps(40):
        found = mp.eig(_monodromy(w, mp.mpf("0.5"), mp.mpf("0.2"), mp.mpf("1e-8")), left=False, right=False)
    return {"points": [float(x) for x in w], "multipliers": sorted(float(mp.re(x)) for x in found), "period": 3}


def _second_outside():
    return {"first": float(_solved(inside=False)[0]), "period": 3}


def _second_window():
    """Folds in β₁: the equations together with det(monodromy − 1) = 0."""
    found = []
    with mp.workdps(30):
        for start in (mp.mpf("0.43"), mp.mpf("0.55")):
            w = mp.findroot(lambda *w, b=start: _residuals(w, b, mp.mpf("0.2"), mp.mpf("1e-8")), GUESS[3])

            def both(*z):
                w, b1 = z[:3], z[3]
                matrix = _monodromy(w, b1, mp.mpf("0.2"), mp.mpf("1e-8")) - mp.eye(3)
                return [*_residuals(w, b1, mp.mpf("0.2"), mp.mpf("1e-8")), mp.det(matrix)]

            found.append(float(mp.findroot(both, [*w, start])[3]))
    return {"folds": found, "kinds": ["fold", "fold"]}


def _second_counts():
    """Periods at the end of 4,000 steps of Adam in plain floats, from the same starts."""
    rng, periods = np.random.default_rng(0), []
    for _ in range(30):
        w, m, v, last = rng.normal(), 0.0, 0.0, []
        for _ in range(4000):
            m, v = 0.5 * m + 0.5 * w, 0.2 * v + 0.8 * w * w
            w -= m / (v + 1e-8) ** 0.5
            last = [*last[-8:], w]
        periods.append(next((p for p in (1, 2, 3, 4) if abs(last[-1] - last[-1 - p]) < 1e-9), 0))
    three, four = periods.count(3), periods.count(4)
    return {"three": three, "four": four, "others": 30 - three - four, "largest": max(float(x) for x in _solved(4))}


def _second_scaled():
    """Greatest |w| of the roots for η = 0.01 and the curvatures 1 and 100, over that for 1 and 1."""
    sizes, lr = [], mp.mpf("0.01")
    for rate, c in ((mp.mpf(1), 1), (lr, 1), (lr, 100)):
        eps = mp.mpf("1e-8") * (rate * c) ** 2

        def equations(*w, rate=rate, c=c, eps=eps):
            m, v = _averages([c * x for x in w], mp.mpf("0.5"), mp.mpf("0.2"))
            return [w[k] - rate * m[k] / mp.sqrt(v[k] + eps) - w[(k + 1) % 3] for k in range(3)]

        sizes.append(max(abs(x) for x in mp.findroot(equations, [rate * x for x in GUESS[3]])))
    return {"ratios": [float(sizes[1] / sizes[0]), float(sizes[2] / sizes[0])], "period": 3}


@CLAIMS.add(
    "here",
    {"period": 3, "points": near([0.0983618809519996, 0.16114418261193642, -0.31154620264185634], 1e-12),
     "multipliers": near([-0.92306566326653, -0.09297376416404, 0.01165217474849], 1e-9)},
    Control("β₁ = 0.6, beyond the fold", changes={"b1": 0.6}), figure="orbit", second=_second_cycle,
)  # fmt: skip
def three_cycle(b1=0.5):
    """Adam with η = 1, β₁ = 1/2, β₂ = 1/5, ε = 1e-8 has a stable 3-cycle on w²/2.

    `classify` from a state 1e-3 beside it. The second computation is Newton's method on the three equations with 40 digits,
    and the eigenvalues of the product of the Jacobians.
    """
    start = _state(GUESS[3])
    found = cf.analysis.classify(_step(b1), [start[0] + 1e-3, *start[1:]])
    points = found.points[:, 0] if found.period == 3 else np.array([])
    order = np.argsort(np.abs(points - GUESS[3][0]))[:1]
    return {
        "period": found.period, "points": np.roll(points, -int(order[0])).tolist() if len(order) else [],
        "multipliers": sorted(np.real(found.multipliers).tolist()), "kind": found.kind,
    }  # fmt: skip


@CLAIMS.add(
    "here", {"three": at_least(5), "four": at_least(5), "others": 0, "largest": near(0.511218944, 1e-8)},
    Control("β₁ = 0.9, the usual value", changes={"b1": 0.9}), figure="orbit",
    second=_second_counts,
)  # fmt: skip
def shares_the_line(b1=0.5, starts=30):
    """3-cycles and a 4-cycle share the starts between them: which period an orbit meets depends on where it begins.

    `classify` for 30 normal starts, m = v = 0: how many end on period 3, on period 4 and on neither, and the largest |w|
    of the 4-cycle.
    The second computation solves the four equations, and counts the ends of plain loops over Adam's formulas.
    """
    rng, step = np.random.default_rng(0), _step(b1)
    found = [cf.analysis.classify(step, [rng.normal()], budget=20000) for _ in range(starts)]
    fours = [one for one in found if one.period == 4]
    return {
        "three": sum(one.period == 3 for one in found), "four": len(fours),
        "others": sum(one.period not in (3, 4) for one in found),
        "largest": float(np.abs(fours[0].points[:, 0]).max()) if fours else 0.0,
    }  # fmt: skip


@CLAIMS.add(
    "here", {"folds": near([0.427506415798421, 0.552818509959319], 1e-10), "kinds": ["fold", "fold"]},
    Control("β₂ = 0.15 in place of 0.2", changes={"b2": 0.15}), second=_second_window,
)  # fmt: skip
def window(b2=0.2):
    """It exists for 0.42751 < β₁ < 0.55282 (β₂ = 1/5) and is born and lost by folds: a window, not a rule.

    The branch of the 3-cycle is continued in β₁ both ways from 1/2: the first bifurcation below and above. The second
    computation solves the equations together with det(monodromy − 1) = 0.
    """
    points = np.array([_state(GUESS[3], k) for k in range(3)])
    branch = cf.analysis.continue_cycle(_step(0.5).at(beta2=b2), points, "beta1", (0.3, 0.7))
    below = max((b for b in branch.bifurcations if b.parameter < 0.5), key=lambda b: b.parameter)
    above = min((b for b in branch.bifurcations if b.parameter > 0.5), key=lambda b: b.parameter)
    return {"folds": [below.parameter, above.parameter], "kinds": [below.kind, above.kind]}


@CLAIMS.add(
    "here", {"ratios": near([0.01, 0.01], 1e-9), "period": 3},
    Control("ε held at 1e-8, where it counts at this size", changes={"scaled": False}),
    second=_second_scaled,
)  # fmt: skip
def any_rate_any_parabola(scaled=True):
    """Without ε, or with ε in proportion, the cycle's size is proportional to η and does not depend on the curvature, so that
    Adam has it at every rate, on every parabola.

    η = 0.01 on w²/2 and on 50 w² (ε scaled with the square of the gradients, 1e-8·(ηc)²): the first point over that for η = 1
    on w²/2. The second computation is the homogeneity of the equations.
    """
    reference = cf.analysis.classify(_step(0.5), _state(GUESS[3])).points[:, 0]
    ratios, periods = [], set()
    for c in (1.0, 100.0):
        eps = 1e-8 * (0.01 * c) ** 2 if scaled else 1e-8
        step = _step(0.5, lr=0.01, c=c, eps=eps)
        w, m, v = _state(GUESS[3])
        found = cf.analysis.classify(step, [0.01 * w, 0.01 * c * m, (0.01 * c) ** 2 * v])
        ratios.append(float(np.abs(found.points[:, 0]).max() / np.abs(reference).max()))
        periods.add(found.period)
    return {"ratios": ratios, "period": max(periods) if len(periods) == 1 else sorted(periods)}


@CLAIMS.add(
    "here", {"first": near(0.098361825366843, 1e-12), "period": 3},
    Control("ε inside the root", changes={"inside": True}),
    second=_second_outside,
)  # fmt: skip
def eps_outside(inside=False):
    """With ε outside the root, as in torch, the cycle is there too, with its first point at 0.0983618254.

    `classify` from beside it; the second computation solves the equations with √v + ε.
    """
    step = _step(0.5, inside=inside)
    found = cf.analysis.classify(step, _state(GUESS[3]))
    points = np.abs(found.points[:, 0])
    return {"first": float(points.min()), "period": found.period}


def _step(b1, lr=1.0, c=1.0, eps=1e-8, inside=True):
    optimizer = cf.optimizers.adam(lr=lr, beta1=b1, beta2=0.2, eps=eps, eps_inside=inside, bias_correction=False)
    return cf.as_map(cf.Loss("c*w**2/2", params={"c": c}), optimizer)


def _state(w, k=0):
    """(w, m, v) before the step from the k-th point."""
    m, v = _averages(w, 0.5, 0.2)
    return [w[k], m[k - 1], v[k - 1]]


def _stable_cycle():
    """Its points and whether all multipliers are inside the circle, with 40 digits."""
    found = _second_cycle()
    stable = max(abs(x) for x in found["multipliers"]) < 1
    return {"points": [float(x) for x in _solved()], "stable": stable, "period": 3}


@CLAIMS.prove(
    "here", {"kind": "cycle", "period": 3, "stable": True,
             "points": near([0.0983618809520, 0.1611441826419, -0.3115462026418], 1e-7)},
    Control("the unstable 2-cycle of the same method", changes={"points": (0.1667, -0.1667)}), second=_stable_cycle,
)  # fmt: skip
def three_cycle_proved(points=(0.0984, 0.1611, -0.3115)):
    """It is a theorem: Adam with η = 1, β₁ = 1/2, β₂ = 1/5, ε = 1e-8 inside the root has a stable 3-cycle on w²/2.

    A certificate in the space of weight and both averages, with enclosures of the three multipliers.
    """
    adam = cf.optimizers.adam(lr=1, beta1=0.5, beta2=0.2, eps=1e-8, eps_inside=True, bias_correction=False)
    return cf.certify.cycle("w**2/2", adam, list(points))


def figures():
    """Orbits on the two cycles."""
    return {"orbit": _orbit}


def _orbit():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for seed, label in ((0, "a 4-cycle"), (1, "the 3-cycle")):
        axes.plot(cf.iterate(_step(0.5), [np.random.default_rng(seed).normal()], 80).w[40:, 0], ".-", lw=0.7, label=label)
    axes.set(xlabel="step − 40", ylabel="w", title="Adam on w²/2, η = 1, β₁ = 0.5, β₂ = 0.2, from two starts")
    axes.legend()
    return figure
