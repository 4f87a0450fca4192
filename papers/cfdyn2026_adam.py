"""The cfdyn project, *A 3-cycle of Adam on a parabola*, first written down here (2026).

Adam's state on w²/2 is (w, m, v). Along a cycle w₁ … w_p the gradients repeat, so both averages are known in closed form: m_k
= (1 − β₁) Σ_{j<p} β₁ʲ w_{k−j}/(1 − β₁ᵖ), and v_k likewise with β₂ and squares. A p-cycle is a root of the p equations w_{k+1}
= w_k − η m_k/√(v_k + ε). With ε = 0 the right-hand side is homogeneous of degree 0 in w: a cycle on one parabola gives cycles
on all, of a size that is proportional to η and does not depend on the curvature. For p = 2 the roots are those of Bock and
Weiß; for p = 3, η = 1, β₁ = 1/2, β₂ = 1/5 there is one with multipliers inside the unit circle. So an adaptive method can
have a stable 3-cycle on the simplest convex loss, where gradient descent and heavy ball, linear there, have none. The
convention is ε inside the root, no bias correction, unless said otherwise. Expected numbers were computed with mpmath from the
equations above, which share nothing with the package (``second``).
"""

import mpmath as mp
import numpy as np
import sympy as sp

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


def _monodromy(w, b1, b2, eps, inside=True):
    """The product of the Jacobians of (w, m, v) → next state along the cycle."""
    m, v = _averages(w, b1, b2)
    product = mp.eye(3)
    for k in range(len(w)):
        half, root = (mp.sqrt(v[k] + eps),) * 2 if inside else (mp.sqrt(v[k]), mp.sqrt(v[k]) + eps)
        dm, dv = [1 - b1, b1, 0], [2 * (1 - b2) * w[k], 0, b2]
        dw = [(i == 0) - dm[i] / root + m[k] * dv[i] / (2 * half * root**2) for i in range(3)]
        product = mp.matrix([dw, dm, dv]) * product
    return product


def _solved(p=3, inside=True):
    with mp.workdps(40):
        root = mp.findroot(lambda *w: _residuals(w, mp.mpf("0.5"), mp.mpf("0.2"), mp.mpf("1e-8"), inside), GUESS[p], tol=1e-60)
        return list(root)


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
    return {"ratios": [float(sizes[1] / sizes[0]), float(sizes[2] / sizes[0])]}


def _step(b1, lr=1.0, c=1.0, eps=1e-8):
    optimizer = cf.optimizers.adam(lr=lr, beta1=b1, beta2=0.2, eps=eps, eps_inside=True, bias_correction=False)
    return cf.as_map(cf.Loss("c*w**2/2", params={"c": c}), optimizer)


def _state(w, k=0):
    """(w, m, v) before the step from the k-th point."""
    m, v = _averages(w, 0.5, 0.2)
    return [w[k], m[k - 1], v[k - 1]]


def _stable_cycles():
    """Points and multipliers by Newton's method and the product of the Jacobians, with 40 digits, for both places of ε."""
    points, multipliers = [], []
    for inside in (True, False):
        w = _solved(inside=inside)
        points += [float(x) for x in w]
        with mp.workdps(40):
            found = mp.eig(_monodromy(w, mp.mpf("0.5"), mp.mpf("0.2"), mp.mpf("1e-8"), inside), left=False, right=False)
        multipliers += sorted(float(mp.re(x)) for x in found)
    return {"points": points, "multipliers": multipliers, "stable": [max(map(abs, multipliers)) < 1] * 2, "period": [3, 3]}


@CLAIMS.prove(
    "here", {"kind": ["cycle", "cycle"], "period": [3, 3], "stable": [True, True],
             "points": near([0.0983618809520, 0.1611441826419, -0.3115462026418,
                             0.0983618253668, 0.1611442675356, -0.3115461999510], 4e-8),
             "multipliers": near([-0.9230656633, -0.0929737642, 0.0116521748, -0.9230685938, -0.0929728946, 0.0116522467], 2e-8)},
    Control("β₁ = 0.505", changes={"b1": 0.505}), second=_stable_cycles, figure="orbit",
    domain="w²/2, one weight; Adam without bias correction, η = 1, β₁ = 1/2, β₂ = 1/5, ε = 1e-8; the state is (w, m, v)",
    perturbations=(Control("ε inside the root twice", changes={"places": (True, True)}),),
)  # fmt: skip
def three_cycle(b1=0.5, places=(True, False)):
    """Adam with η = 1, β₁ = 1/2, β₂ = 1/5, ε = 1e-8 and without bias correction has a locally stable 3-cycle on w²/2, with ε
    inside the root and with ε outside it, as in torch.

    Two certificates in the space of weight and both averages, with enclosures of the points and of the three multipliers, first
    ε inside. The second computation is Newton's method on the three equations, and the eigenvalues of the product of Jacobians.
    """
    adams = [cf.optimizers.adam(lr=1, beta1=b1, beta2=0.2, eps=1e-8, eps_inside=inside, bias_correction=False)
             for inside in places]  # fmt: skip
    return [cf.certify.cycle("w**2/2", adam, list(GUESS[3])) for adam in adams]


@CLAIMS.add(
    "here", {"three": at_least(5), "four": at_least(5), "others": 0, "largest": near(0.511218944, 1e-8)},
    Control("β₁ = 0.9, the usual value", changes={"b1": 0.9}), figure="orbit",
    second=_second_counts,
    domain="w²/2; Adam without bias correction, η = 1, β₁ = 1/2, β₂ = 1/5, ε = 1e-8; 30 normal starts with m = v = 0",
    perturbations=(Control("β₁ = 0.51", changes={"b1": 0.51}), Control("β₂ = 0.19", changes={"b2": 0.19})),
)  # fmt: skip
def shares_the_line(b1=0.5, b2=0.2, starts=30):
    """Which period Adam with these numbers meets depends on where it begins: of 30 starts all end on a 3-cycle or on a 4-cycle,
    at least five on each.

    `classify` for normal starts: how many end on period 3, on period 4 and on neither, and the largest |w| of the 4-cycle.
    The second computation solves the four equations, and counts the ends of plain loops over Adam's formulas.
    """
    rng, step = np.random.default_rng(0), _step(b1).at(beta2=b2)
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
    domain="w²/2; Adam without bias correction, η = 1, β₂ = 1/5, ε = 1e-8 inside the root; the branch of `three_cycle` in β₁",
    perturbations=(Control("β₂ = 0.2002", changes={"b2": 0.2002}), Control("ε = 1e-6", changes={"eps": 1e-6})),
)  # fmt: skip
def window(b2=0.2, eps=1e-8):
    """Continued in β₁, the 3-cycle of Adam at β₁ = 1/2 meets folds at β₁ = 0.42751 and 0.55282, between which it has no
    bifurcation.

    The first bifurcation below and above 1/2. The second computation solves the equations together with det(monodromy − 1) = 0.
    """
    points = np.array([_state(GUESS[3], k) for k in range(3)])
    branch = cf.analysis.continue_cycle(_step(0.5, eps=eps).at(beta2=b2), points, "beta1", (0.3, 0.7))
    below = max((b for b in branch.bifurcations if b.parameter < 0.5), key=lambda b: b.parameter)
    above = min((b for b in branch.bifurcations if b.parameter > 0.5), key=lambda b: b.parameter)
    return {"folds": [below.parameter, above.parameter], "kinds": [below.kind, above.kind]}


def _adam(w, m, v, lr, c, eps, b1, b2):
    m, v = b1 * m + (1 - b1) * c * w, b2 * v + (1 - b2) * (c * w) ** 2
    return [w - lr * m / sp.sqrt(v + eps), m, v]


@CLAIMS.add(
    "here", {"differences": "0, 0, 0", "ratios": near([0.01, 0.01], 1e-9)},
    Control("ε held at 1e-8, where it counts at this size", changes={"scaled": False}),
    second=_second_scaled,
    domain="cw²/2 with c > 0; all η > 0, ε ≥ 0 and 0 ≤ β₁, β₂ < 1; Adam without bias correction, ε inside the root",
    proof="exact algebra: one step in the scaled state is the scaled step, by SymPy in all symbols",
    perturbations=(Control("a size in proportion to ηc", changes={"size": "eta*c"}),
                   Control("ε in proportion to ηc", changes={"power": 1})),
)  # fmt: skip
def any_rate_any_parabola(scaled=True, size="eta", power=2):
    """Adam with ε = (ηc)²ε₁ on cw²/2 is Adam with η = 1, ε₁ on w²/2, in the units η for w, ηc for m and (ηc)² for v. So each of
    its cycles has counterparts at every η and c, whose size is proportional to η and does not depend on c.

    The differences of the two steps in all symbols. And for η = 0.01 and c = 1 and 100 the largest |w| of the 3-cycle over that
    for η = c = 1, ε₁ = 1e-8, by `classify`; in the second computation by Newton's method.
    """
    eta, c = sp.symbols("eta c", positive=True)
    eps, w, m, v, b1, b2 = sp.symbols("epsilon w m v beta1 beta2", real=True)
    units = [sp.sympify(size, {"eta": eta, "c": c}), eta * c, (eta * c) ** 2]
    held = eps * ((eta * c) ** power if scaled else 1)
    large = _adam(*(unit * x for unit, x in zip(units, (w, m, v), strict=True)), eta, c, held, b1, b2)
    small = _adam(w, m, v, 1, 1, eps, b1, b2)
    differences = [sp.simplify(a - unit * b) for a, b, unit in zip(large, small, units, strict=True)]
    found = {"differences": ", ".join("0" if x == 0 else "not 0" for x in differences)}
    reference, ratios = cf.analysis.classify(_step(0.5), _state(GUESS[3])).points[:, 0], []
    for c in (1.0, 100.0):
        step = _step(0.5, lr=0.01, c=c, eps=1e-8 * (0.01 * c) ** power if scaled else 1e-8)
        w, m, v = _state(GUESS[3])
        cycle = cf.analysis.classify(step, [0.01 * w, 0.01 * c * m, (0.01 * c) ** 2 * v])
        ratios.append(float(np.abs(cycle.points[:, 0]).max() / np.abs(reference).max()) if cycle.period == 3 else 0.0)
    return found | {"ratios": ratios}


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
